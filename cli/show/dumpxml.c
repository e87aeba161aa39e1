/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl dumpxml: a guest's XML with all that was completed. What it prints can be defined again: it becomes
 * the same guest. Facts about one that runs are added where libvirt has them; they are the host's and
 * QEMU's, and QEMU's answers are not trusted.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/define/machine-type.h"
#include "cli/running/client.h"
#include "contract/exit.h"
#include "generator/definition/definition.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/xml/write.h"
#include "util/file.h"

#define SYSFS_MAX 65536 /* a file there has the size of a page */
#define PORT_MAX  65535

static int complete_machine(Conversion *c)
{
        const Guest *g = c->guest;
        _cleanup_(freep) char *machine = NULL;

        if (!os_machine_is_alias(g->os))
                return 0;
        if (machine_type_resolve(g->general->emulator, g->os->machine, &machine) < 0) {
                fprintf(stderr, "vmctl: %s could not be asked for the version of machine='%s'\n",
                        g->general->emulator, g->os->machine);
                return 0;
        }
        return machine ? xml_set(g->xml, "os/type@machine", machine) : 0;
}

/* A TAP or macvtap, and not the bridge, which may have taken the address of its port. */
static bool is_tap(const char *interface)
{
        _cleanup_(freep) char *tun = text_format("/sys/class/net/%s/tun_flags", interface),
                              *macvtap = text_format("/sys/class/net/%s/macvtap", interface);

        return tun && macvtap && (access(tun, F_OK) >= 0 || access(macvtap, F_OK) >= 0);
}

/* The host's end of a card has its MAC address with another first byte (device/interface/interface.c). */
static char *find_tap(const char *mac)
{
        _cleanup_(closedirp) DIR *d = opendir("/sys/class/net");
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                _cleanup_(freep) char *path = text_format("/sys/class/net/%s/address", entry->d_name),
                                      *text = NULL;
                size_t size;

                if (path && file_read(AT_FDCWD, path, SYSFS_MAX, &text, &size) >= 0 && size > strlen(mac) &&
                    strncmp(text + 2, mac + 2, strlen(mac) - 2) == 0 && is_tap(entry->d_name))
                        return strdup(entry->d_name);
        }
        return NULL;
}

static int add_tap(XmlElement *interface)
{
        const char *mac = xml_peek(interface, "mac@address");
        uint8_t bytes[6];
        _cleanup_(freep) char *tap = NULL;

        if (!mac || text_to_mac(mac, bytes) < 0)
                return 0;
        tap = find_tap(mac_text(bytes).text);
        return tap ? xml_set(interface, "target@dev", tap) : 0;
}

/* QEMU writes VNC's as text. */
static int add_port(XmlElement *graphics, const char *path, const json_t *port)
{
        json_int_t n = json_integer_value(port);

        if (json_is_string(port))
                n = atoi(json_string_value(port));
        return n > 0 && n <= PORT_MAX ? xml_setf(graphics, path, "%d", (int) n) : 0;
}

static int add_ports(XmlElement *graphics, const json_t *results)
{
        const json_t *vnc = json_object_get(results, "query-vnc"),
                     *spice = json_object_get(results, "query-spice");
        const char *type = xml_peek(graphics, "@type");
        int r;

        if (streq_null(type, "vnc"))
                return add_port(graphics, "@port", json_object_get(vnc, "service"));
        if (!streq_null(type, "spice"))
                return 0;
        r = add_port(graphics, "@port", json_object_get(spice, "port"));
        return r < 0 ? r : add_port(graphics, "@tlsPort", json_object_get(spice, "tls-port"));
}

static int add_facts(const Conversion *c, const json_t *reply)
{
        const json_t *results = json_object_get(reply, "results");
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->guest->n_devices; i++) {
                XmlElement *e = c->guest->devices[i]->xml;

                if (!e || e->removed)
                        continue;
                if (streq(e->name, "interface"))
                        r = add_tap(e);
                else if (streq(e->name, "graphics"))
                        r = add_ports(e, results);
        }
        return r;
}

int verb_dumpxml(const Call *call)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(freep) char *text = NULL;
        bool live = call->option;
        DefinitionFlags flags =
                (live ? DEFINITION_ALIASES : 0) | (call_has(call, "secrets") ? DEFINITION_SECRETS : 0);
        json_t *reply = NULL;
        int r = 0;

        if (live)
                r = client_query(
                        call, json_pack("{s:[s, s]}", "commands", "query-vnc", "query-spice"), &reply);
        if (r == 0) {
                (void) host_read(&host, NULL, call->user_scope); /* the conversion reports what is wrong */
                host.lasting = !live;
                r = convert_argument(&host, call->words[0], &c, NULL);
        }
        if (r == 0 && (complete_machine(&c) < 0 || definition_complete(&c, flags) < 0 ||
                       (live && add_facts(&c, reply) < 0) || !(text = xml_write(c.guest->xml))))
                r = fail(EXIT_OS, "out of memory");
        json_decref(reply);
        if (r == 0)
                fputs(text, stdout);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that the check accepts must not fail at its start because the launcher accepts less. For each
 * limit of the launcher: a guest that just keeps it passes the check and the launcher's own readers, and a
 * guest with one more is refused by the check, at the place of the one too many.
 */

#include <limits.h>

#include "contract/limits.h"
#include "generator/convert/convert.h"
#include "generator/unit/commands.h"
#include "guest/plan/plan.h"
#include "launcher/helper/helper.h"
#include "launcher/run/run-options.h"
#include "tests/unit/test.h"

#define HEAD                                                                                     \
        "<domain type='kvm'><name>one</name><memory>65536</memory>"                              \
        "<os><type machine='q35'>hvm</type></os><devices>"                                       \
        "<controller type='scsi' model='virtio-scsi'/><controller type='usb' model='qemu-xhci' " \
        "ports='15'/>"
#define TAIL "</devices></domain>"

/* A path as long as the kernel takes, whose last part is unique. */
static void write_path(FILE *f, size_t length, unsigned i)
{
        size_t n = 0;

        while (length - n > 250)
                n += (size_t) fprintf(f, "/%0199u", 1u);
        fprintf(f, "/%0*u", (int) (length - n - 1), i);
}

static void tap(FILE *f, unsigned i)
{
        fputs("<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>\n", f);
}

static void queues(FILE *f, unsigned i)
{
        fputs("<interface type='bridge'><source bridge='br0'/><model type='virtio'/>"
              "<driver name='vhost' queues='256'/></interface>\n",
              f);
}

static void passt(FILE *f, unsigned i)
{
        fputs("<interface type='user'><backend type='passt'/><model type='virtio'/></interface>\n", f);
}

static void host_link(FILE *f, unsigned i)
{
        fprintf(f,
                "<interface type='user'><backend type='passt'/><source dev='eth%u'/><model type='virtio'/>"
                "</interface>\n",
                i);
}

static void evdev(FILE *f, unsigned i)
{
        fprintf(f, "<input type='evdev'><source dev='/dev/input/event%u'/></input>\n", i);
}

/* sda, sdb …, sdaa …; all with one file, which is granted once */
static void qcow2(FILE *f, unsigned i)
{
        char letters[] = { i < 26 ? '\0' : (char) ('a' + i / 26 - 1), '\0' };

        fprintf(f,
                "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/srv/0'/><readonly/>"
                "<target dev='sd%s%c' bus='scsi'/></disk>\n",
                letters, 'a' + (int) (i % 26));
}

static void usb(FILE *f, unsigned i)
{
        if (i % 15 == 14)
                fprintf(f, "<controller type='usb' index='%u' model='qemu-xhci' ports='15'/>", i / 15 + 1);
        fprintf(f,
                "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product "
                "id='0x%04x'/></source>"
                "</hostdev>\n",
                i + 1);
}

static void pci(FILE *f, unsigned i)
{
        fprintf(f,
                "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                "<address domain='0' bus='%u' slot='0' function='0'/></source></hostdev>\n",
                i + 1);
}

static void mdev(FILE *f, unsigned i)
{
        fprintf(f,
                "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                "<address uuid='c7a5fdbd-edaf-9455-926a-d65c16db%04u'/></source></hostdev>\n",
                i);
}

static void scsi(FILE *f, unsigned i)
{
        fprintf(f,
                "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
                "<address bus='0' target='0' unit='%u'/></source></hostdev>\n",
                i);
}

static void log_file(FILE *f, unsigned i)
{
        fprintf(f,
                "<channel type='file'><source path='/var/log/%u'/><target type='virtio' name='c%u'/>"
                "</channel>\n",
                i, i);
}

static void long_path(FILE *f, unsigned i)
{
        fputs("<input type='evdev'><source dev='", f);
        write_path(f, PATH_MAX - 1 + i, i);
        fputs("'/></input>\n", f);
}

static char *guest(void (*write)(FILE *f, unsigned i), unsigned n)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);
        char *text;

        CHECK(f);
        fputs(HEAD "\n", f);
        for (unsigned i = 0; i < n; i++)
                write(f, i);
        fputs(TAIL, f);
        text = text_writer_take(&w);
        CHECK(text);
        return text;
}

/* argv as main() gets it: from the verb's name on. */
static char **verb_argv(Strings *line)
{
        CHECK(strings_add(line, "") >= 0);
        free(line->items[--line->count]);
        line->items[line->count] = NULL;
        return line->items + 1;
}

static void check_launcher(const Conversion *c)
{
        _cleanup_(strings_done) Strings serve = { 0 }, run = { 0 };
        PrepareRequest request;
        ServeOptions service;
        RunOptions options;

        CHECK(command_serve(c, "one", "/etc/vmunit/guests/one.xml", &serve) >= 0);
        CHECK_NUMBER(serve_options_read((int) serve.count - 1, verb_argv(&serve), &service), 0);
        CHECK_NUMBER(prepare_request_read(service.prepare_argc, service.prepare_argv, &request), 0);
        prepare_request_done(&request);
        CHECK(command_run(c, "one", &run) >= 0);
        CHECK_NUMBER(run_options_read(&options, (int) run.count - 1, verb_argv(&run)), 0);
        run_options_done(&options);
}

/* said: in the finding; NULL: the guest is accepted. line: of the finding. */
static void check_guest(const Host *host, const char *xml, const char *said, unsigned line)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        bool found = false;

        CHECK(conversion_start(&c, host) >= 0);
        (void) conversion_data(&c, "t.xml", xml, strlen(xml), NULL);
        for (size_t i = 0; i < findings_count(c.findings); i++) {
                const Finding *f = findings_get(c.findings, i);

                if (f->severity == SEVERITY_WARNING)
                        continue;
                if (!said || !strstr(f->text, said) || f->place.line != line)
                        fprintf(stderr, "line %u: %s\n", f->place.line, f->text);
                else
                        found = true;
        }
        if (found != !!said)
                fprintf(stderr, "not as expected: %s\n", said ?: xml);
        CHECK(found == !!said);
        if (!said)
                check_launcher(&c);
}

int main(void)
{
        static const struct {
                void (*write)(FILE *f, unsigned i);
                unsigned max; /* devices */
                const char *said;
                bool by_descriptor; /* vmunit.conf says so of disks */
        } limits[] = {
                { tap, TAPS_MAX, "at most 64 network interfaces with a TAP" },
                { queues, STORED_MAX / TAP_QUEUES_MAX / 2, "at most 2048 queues" },
                { passt, PASSTS_MAX, "at most 24 network interfaces with passt" },
                { host_link, LINKS_MAX, "at most 24 interfaces of the host" },
                { evdev, GRANTS_MAX, "at most 256 files and devices" },
                { qcow2, CHAINS_MAX, "at most 256 disks" },
                { qcow2, IMAGES_MAX, "at most 256 images", true },
                { usb, HOST_DEVICES_MAX, "at most 64 USB devices" },
                { pci, HOST_DEVICES_MAX, "at most 64 PCI devices" },
                { mdev, HOST_DEVICES_MAX, "at most 64 mediated devices" },
                { scsi, HOST_DEVICES_MAX, "at most 64 SCSI devices" },
                { log_file, LOG_FILES_MAX, "at most 64 log files" },
                { long_path, 1, "too long for a path" },
        };
        _cleanup_(host_done) Host host = { 0 };

        CHECK(host_read(&host, "/nonexistent", false) >= 0);
        for (size_t i = 0; i < ELEMENTS(limits); i++) {
                _cleanup_(freep) char *most = guest(limits[i].write, limits[i].max),
                                      *more = guest(limits[i].write, limits[i].max + 1);

                host.policy.disks_by_descriptor = limits[i].by_descriptor;
                check_guest(&host, most, NULL, 0);
                check_guest(&host, more, limits[i].said, limits[i].max + 2);
        }
        return EXIT_SUCCESS;
}

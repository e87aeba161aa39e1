/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a guest's XML and its fragments, with a form feed, which XML cannot have, between two files.
 * Beyond not crashing and what converted.h lists, the target checks this: another conversion of the same
 * files gives the same command line, and a device of the XML that no fragment is about is the same device
 * for QEMU, at the same address, with the fragments as without.
 */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/converted.h"
#include "tests/unit/test.h"
#include "util/file.h"

#define FILES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char base[] = "/tmp/fuzz-fragments.XXXXXX";
static char *guest, *directories[2]; /* the guest's file, and those of its fragments */

/* From the innermost directories outwards. */
static void remove_base(void)
{
        for (size_t i = 0; i < ELEMENTS(directories); i++)
                for (char *end = directories[i] + strlen(directories[i]); end;
                     end = strrchr(directories[i], '/')) {
                        *end = '\0';
                        if (strlen(directories[i]) < strlen(base))
                                break;
                        (void) directory_remove(directories[i]);
                }
}

static void make_directory(const char *path)
{
        CHECK(mkdir(path, 0755) >= 0);
}

/* A user's guest, since a user can say where the files are. */
static void set_up(void)
{
        static const char *const variables[] = { "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR" };

        CHECK(mkdtemp(base));
        CHECK_NUMBER(atexit(remove_base), 0);
        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *home = text_format("%s/%zu", base, i),
                                      *vmunit = text_format("%s/vmunit", home),
                                      *guests = text_format("%s/guests", vmunit);

                directories[i] = text_format("%s/fuzz.xml.d", guests);
                make_directory(home);
                make_directory(vmunit);
                make_directory(guests);
                make_directory(directories[i]);
                CHECK_NUMBER(setenv(variables[i], home, true), 0);
        }
        guest = text_format("%s/0/vmunit/guests/fuzz.xml", base);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        CHECK(fd >= 0);
        CHECK_NUMBER(file_write_all(fd, data, size), 0);
}

/* Fragments are below both directories in turn; those of a longer input before are removed. */
static void write_files(const uint8_t *data, size_t size)
{
        const uint8_t *end = data + size;

        for (size_t i = 0; i <= FILES_MAX; i++) {
                _cleanup_(freep) char *fragment = text_format("%s/f%zu.xml", directories[i % 2], i);
                const uint8_t *feed = data ? memchr(data, '\f', (size_t) (end - data)) : NULL;

                if (data)
                        put(i == 0 ? guest : fragment, data, (size_t) ((feed ?: end) - data));
                else
                        (void) unlink(fragment);
                data = feed ? feed + 1 : NULL;
        }
}

static void convert(const Host *host, Conversion *ret)
{
        CHECK(conversion_start(ret, host) >= 0);
        (void) conversion_file(ret, guest, "fuzz");
}

static const Device *find_device(const Guest *g, const Device *like)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->xml && g->devices[i]->index == like->index &&
                    streq(g->devices[i]->xml->name, like->xml->name))
                        return g->devices[i];
        return NULL;
}

/* The guest as it is, beside the same without its fragments. */
static void check_unchanged(const Guest *g, const Guest *plain)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i], *was;

                if (!d->xml || d->xml->fragment || d->xml->removed)
                        continue;
                was = find_device(plain, d);
                CHECK(was);
                CHECK(streq_null(was->id, d->id));
                CHECK_NUMBER(d->address.type, was->address.type);
                if (d->address.type != ADDRESS_PCI)
                        continue;
                CHECK_NUMBER(d->address.pci.bus, was->address.pci.bus);
                CHECK_NUMBER(d->address.pci.slot, was->address.pci.slot);
                CHECK_NUMBER(d->address.pci.function, was->address.pci.function);
        }
}

static void check_without_fragments(const Host *host, const Conversion *c, const uint8_t *data, size_t size)
{
        _cleanup_(conversion_done) Conversion plain = { 0 };
        const uint8_t *feed = memchr(data, '\f', size);

        CHECK(conversion_start(&plain, host) >= 0);
        if (conversion_data(
                    &plain, guest, (const char *) data, feed ? (size_t) (feed - data) : size, NULL) >= 0)
                check_unchanged(c->guest, plain.guest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(freep) char *xml = strndup((const char *) data, size);
        _cleanup_(conversion_done) Conversion c = { 0 }, again = { 0 };
        Host host;

        CHECK(xml);
        if (!guest)
                set_up();
        write_files(data, size);
        CHECK(host_read(&host, "/nonexistent", true) >= 0);
        convert(&host, &c);
        check_converted(&c, guest, xml);
        convert(&host, &again);
        CHECK_NUMBER(again.status, c.status);
        CHECK_NUMBER(again.plan.argv.count, c.plan.argv.count);
        for (size_t i = 0; c.status == 0 && i < c.plan.argv.count; i++)
                CHECK_TEXT(again.plan.argv.items[i], c.plan.argv.items[i]);
        if (c.status == 0)
                check_without_fragments(&host, &c, data, size);
        host_done(&host);
        return 0;
}

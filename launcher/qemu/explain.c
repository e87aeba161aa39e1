/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU is right about why it fails, but speaks of its own options, nodes and descriptors. This file knows
 * what these are in the guest's XML and on the host. It reads QEMU's text after a failure only, so a good
 * start costs nothing; the patterns are those of QEMU 7.2 to 11.1. A text that no row knows is left to speak
 * for itself in the journal.
 */

#include "launcher/qemu/explain.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "contract/exit.h"
#include "util/text.h"
#include "util/unit-name.h"

/* A line of QEMU's in which a row's pattern was found. */
typedef struct Match {
        const RunOptions *options;
        char *line;
        const char *at; /* behind the pattern, in line */
} Match;

static const char *value_of(const RunOptions *o, const char *option)
{
        for (char *const *a = o->argv; a[0] && a[1]; a++)
                if (streq(a[0], option))
                        return a[1];
        return NULL;
}

/* Whether any argument contains the text. */
static bool names(const RunOptions *o, const char *text)
{
        for (char *const *a = o->argv; *a; a++)
                if (strstr(*a, text))
                        return true;
        return false;
}

/* What stands up to the next quote; to be freed. */
static char *up_to_quote(const char *text)
{
        return text_format("%.*s", (int) strcspn(text, "'\""), text);
}

/* What QEMU says after the program's name and the time. */
static const char *own_words(const Match *m)
{
        const char *name = strstr(m->line, "qemu-system-"), *colon = name ? strstr(name, ": ") : NULL;

        return colon ? colon + 2 : m->line;
}

char *explain_edit(const RunOptions *o)
{
        _cleanup_(freep) char *unit = NULL;

        if (unit_name_for_guest(o->guest, &unit) < 0)
                return NULL;
        /* the variable is set in users' units only */
        return text_format("systemctl %sedit '%s'", getenv("MANAGERPID") ? "--user " : "", unit);
}

char *explain_kvm(int error)
{
        if (error == -EACCES || error == -EPERM)
                return text_format(
                        "Cannot open /dev/kvm: %s. Its permissions do not allow it to the guest's user: add "
                        "that user to the group kvm (usermod -aG kvm USER; a logged-in user has to log in "
                        "again) or restore mode 0666, or use <domain type='qemu'>, which is much slower.",
                        strerror(-error));
        return text_format(
                "Cannot open /dev/kvm: %s. <domain type='kvm'> requires hardware virtualization: load the "
                "module (modprobe kvm_intel or kvm_amd), after enabling VT-x or AMD-V in the firmware "
                "setup, "
                "or nested virtualization in a virtual machine; or use <domain type='qemu'>, which is much "
                "slower.",
                strerror(-error));
}

static char *explain_machine(const Match *m)
{
        const char *machine = value_of(m->options, "-machine");

        return text_format(
                "This QEMU has no machine type '%.*s', which <type machine='…'> names. The XML may come "
                "from another version of QEMU or from another distribution; \"%s -machine help\" lists the "
                "machine types there are.",
                machine ? (int) strcspn(machine, ",") : 1, machine ?: "?", m->options->argv[0]);
}

static char *explain_cpu(const Match *m)
{
        _cleanup_(freep) char *model = up_to_quote(m->at);

        return text_format(
                "This QEMU has no CPU model '%s', which <model> in <cpu> names; \"%s -cpu help\" lists the "
                "models there are. <cpu mode='host-model'/> needs no name.",
                model ?: "?", m->options->argv[0]);
}

/* The disk whose node, or whose descriptor's node, the line names. */
static const DiskName *disk_of(const Match *m)
{
        const DiskNames *disks = &m->options->life.disks;

        for (size_t i = 0; i < disks->count; i++) {
                const char *node = disks->items[i].node, *dash = strrchr(node, '-');
                _cleanup_(freep) char *with_any_end =
                        text_format("\"%.*s-", dash ? (int) (dash - node) : (int) strlen(node), node);

                if (with_any_end && strstr(m->line, with_any_end))
                        return &disks->items[i];
        }
        return NULL;
}

static char *explain_lock(const Match *m)
{
        const DiskName *disk = disk_of(m);

        return text_format(
                "The image %s of disk %s is in use by another process, such as a guest, qemu-nbd or "
                "qemu-img "
                "(lslocks shows which). Stop that first. A disk that guests are meant to share needs "
                "<shareable/> in all of them.",
                disk && disk->path ? disk->path : "file", disk ? disk->target : "?");
}

static char *explain_format(const Match *m)
{
        _cleanup_(freep) char *format = text_format("%.*s", (int) strcspn(m->at, " "), m->at);
        const DiskName *disk = disk_of(m);

        return text_format(
                "The image %s of disk %s is not in the format %s that <driver type='…'> names; \"qemu-img "
                "info\" shows its format.",
                disk && disk->path ? disk->path : "file", disk ? disk->target : "?", format ?: "?");
}

/* The path in the guest's XML for the node that the line is about; NULL if there is none. To be freed. */
static char *path_of_node(const Match *m)
{
        const char *key = "\"node-name\":\"", *name = strstr(m->line, key);
        _cleanup_(freep) char *node = name ? up_to_quote(name + strlen(key)) : NULL;

        for (char *const *a = m->options->argv; node && a[0] && a[1]; a++) {
                _cleanup_(json_decrefp) json_t *json =
                        streq(a[0], "-blockdev") ? json_loads(a[1], 0, NULL) : NULL;
                const char *path = json_string_value(json_object_get(json, "filename"));

                if (path && streq_null(json_string_value(json_object_get(json, "node-name")), node))
                        return strdup(path);
        }
        return NULL;
}

static char *explain_type(const Match *m)
{
        _cleanup_(freep) char *path = path_of_node(m);
        bool file = strstr(m->at, "a regular file");

        return text_format(
                "%s is not a %s, but type='%s' in the guest's XML requires one. If it is the right image, "
                "use type='%s' (with <source %s='…'/>).",
                path ?: "An image", file ? "regular file" : "block device", file ? "file" : "block",
                file ? "block" : "file", file ? "dev" : "file");
}

static char *explain_memory(const Match *m)
{
        if (names(m->options, "hugepages") || names(m->options, "\"hugetlb\":true"))
                return text_format(
                        "Not enough huge pages are free for the guest's memory. Reserve more (sysctl "
                        "vm.nr_hugepages=…, or hugepages=… on the kernel's command line for large ones; "
                        "/proc/meminfo shows HugePages_Free), or remove <hugepages> from <memoryBacking>.");
        return text_format(
                "The host has not enough memory for the guest (QEMU: %s). Lower <memory>, stop other "
                "guests, "
                "or check MemoryMax= of the unit and vm.overcommit_memory.",
                own_words(m));
}

static char *explain_hugepages(const Match *m)
{
        return text_format(
                "The directory of huge pages cannot be used (QEMU: %s). Mount it (systemctl start "
                "dev-hugepages.mount), or remove <hugepages> from <memoryBacking>.",
                own_words(m));
}

static char *explain_address(const Match *m)
{
        return text_format(
                "An address or port of the guest is in use by another process (QEMU: %s); \"ss -lntup\" "
                "shows which. Choose another one, or autoport='yes' for a display.",
                own_words(m));
}

static char *explain_slot(const Match *m)
{
        return text_format(
                "Two devices of the guest have the same address (QEMU: %s). Remove the <address> of one of "
                "them, or change what <qemu:commandline> adds.",
                own_words(m));
}

static char *explain_busy(const Match *m)
{
        return text_format(
                "A device of the host that the guest needs is in use (QEMU: %s). Stop the other guest or "
                "program, or detach the device from it.",
                own_words(m));
}

static char *explain_connect(const Match *m)
{
        _cleanup_(freep) char *path = up_to_quote(m->at);

        return text_format(
                "Cannot connect to %s (QEMU: %s). The program that serves it must listen there before the "
                "guest starts: order its unit Before= the guest's.",
                path ?: "a socket", own_words(m));
}

static char *explain_open(const Match *m)
{
        _cleanup_(freep) char *path = up_to_quote(m->at);
        bool firmware = path && text_after(path, "/usr/share/");

        return text_format(
                "QEMU cannot open %s (QEMU: %s).%s", path ?: "a file", own_words(m),
                firmware
                        ? " It is part of a firmware: install its package (ovmf, qemu-efi-aarch64, seabios)."
                        : "");
}

static char *explain_kvm_row(const Match *m)
{
        return explain_kvm(strstr(m->line, "denied") ? -EACCES : -ENOENT);
}

/* The emulator has a unit of its own, and a journal, where the guest's XML does not say that it is somebody
 * else's. */
static char *explain_tpm(const Match *m)
{
        _cleanup_(freep) char *instance = unit_name_instance(m->options->guest);
        bool own = false;

        for (char *const *a = m->options->argv; *a; a++)
                own = own || (text_after(*a, "socket,id=chrtpm,") && strstr(*a, "/vmunit/tpm/"));
        if (!own || !instance)
                return text_format(
                        "The program that emulates the guest's TPM has not answered (QEMU: %s).",
                        own_words(m));
        return text_format(
                "The guest's emulated TPM has not started, or has failed. \"journalctl %s-u 'vm-tpm@%s'\" "
                "says why.",
                getenv("MANAGERPID") ? "--user " : "", instance);
}

/* In this order: what is more specific first. */
static const struct {
        const char *pattern, *also; /* both in one line; also may be NULL */
        int exit;
        char *(*explain)(const Match *m);
} rows[] = {
        { "unsupported machine type", NULL, EXIT_MISSING, explain_machine },
        { "unable to find CPU model '", NULL, EXIT_MISSING, explain_cpu },
        { "Could not access KVM kernel module", NULL, EXIT_MISSING, explain_kvm_row },
        { "Failed to get ", " lock", EXIT_OS, explain_lock },
        { "Image is not in ", " format", EXIT_BAD_GUEST, explain_format },
        { "driver requires '", "to be ", EXIT_BAD_GUEST, explain_type },
        { "can't open backing store", NULL, EXIT_MISSING, explain_hugepages },
        { "Insufficient free host memory pages", NULL, EXIT_OS, explain_memory },
        { "Cannot allocate memory", NULL, EXIT_OS, explain_memory },
        { "Address already in use", NULL, EXIT_OS, explain_address },
        { "PCI: slot ", " not available", EXIT_BAD_GUEST, explain_slot },
        { "tpm-emulator: ", NULL, EXIT_OS, explain_tpm },
        { "vfio", "Device or resource busy", EXIT_OS, explain_busy },
        { "Failed to connect to '/", NULL, EXIT_MISSING, explain_connect },
        { "Could not open '/", NULL, EXIT_MISSING, explain_open },
};

/* NULL if the row does not fit the line. */
static char *explain_line(const RunOptions *o, size_t row, char *line, int *ret_exit)
{
        const char *found = strstr(line, rows[row].pattern);
        Match m = { .options = o, .line = line };
        char *text;

        if (!found || (rows[row].also && !strstr(found, rows[row].also)))
                return NULL;
        m.at = found + strlen(rows[row].pattern);
        if (m.at[-1] == '/') /* of an absolute path */
                m.at--;
        text = rows[row].explain(&m);
        *ret_exit = rows[row].exit;
        return text; /* cppcheck-suppress returnDanglingLifetime; no explanation points into m */
}

static char *explain_by_rows(const RunOptions *o, const char *said, int *ret_exit)
{
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                for (const char *line = said; *line;) {
                        size_t n = strcspn(line, "\n");
                        _cleanup_(freep) char *copy = text_format("%.*s", (int) n, line);
                        char *text = copy ? explain_line(o, i, copy, ret_exit) : NULL;

                        if (text)
                                return text;
                        line += n + (line[n] == '\n');
                }
        }
        return NULL;
}

/* Whether the text has the path, and not only a longer one. */
static bool has_path(const char *text, const char *path)
{
        size_t n = strlen(path);

        for (const char *p = strstr(text, path); p; p = strstr(p + n, path))
                if (strchr("'\": \n,", p[n])) /* or the end */
                        return true;
        return false;
}

/* Whether an argument of that option names the path. */
static bool is_for(const RunOptions *o, const char *option, const char *path)
{
        for (char *const *a = o->argv; a[0] && a[1]; a++)
                if (streq(a[0], option) && has_path(a[1], path))
                        return true;
        return false;
}

static char *explain_argument(const RunOptions *o, const ArgumentPath *a, int error)
{
        _cleanup_(freep) char *edit = explain_edit(o);

        if (is_for(o, "-fw_cfg", a->path))
                return text_format(
                        "QEMU cannot open %s (%s), which <qemu:arg> in line %u of the guest's XML names for "
                        "-fw_cfg. Use <sysinfo type='fwcfg'><entry name='…' file='%s'/></sysinfo>, which "
                        "gives the guest access to the file.",
                        a->path, strerror(-error), a->line, a->path);
        return text_format(
                "QEMU cannot open %s (%s), which <qemu:arg> in line %u of the guest's XML names. The "
                "sandbox does not show what only such arguments name: use the element of the XML for it, or "
                "grant it with \"%s\": [Service] and BindReadOnlyPaths=%s (or BindPaths= to write); the "
                "guest's user needs the right to open it.",
                a->path, strerror(-error), a->line, edit ?: "systemctl edit", a->path);
}

char *explain_failure(const RunOptions *o, const char *said, int *ret_exit)
{
        for (size_t i = 0; i < o->argument_paths.count; i++) {
                const ArgumentPath *a = &o->argument_paths.items[i];

                if (!has_path(said, a->path) || access(a->path, R_OK) == 0)
                        continue;
                *ret_exit = EXIT_MISSING;
                return explain_argument(o, a, -errno);
        }
        return explain_by_rows(o, said, ret_exit);
}

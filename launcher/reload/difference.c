/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options are compared by their ids. Whatever is not known to work while QEMU runs needs a restart, and so
 * does what depends on it: a device whose port cannot be added, and the image of a device that cannot be.
 */

#include "launcher/reload/difference-private.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static const char no_hotplug[] = "it cannot be plugged in or out";
static const char no_port[] = "no free port takes it: one more <controller type='pci' "
                              "model='pcie-root-port'/> does at the next start";
static const char no_node[] = "the device nodes in the guest's sandbox are those of its start";
static const char no_path[] = "its file is not in the guest's sandbox yet";
static const char no_credential[] = "its secret is a credential, which a service gets when it starts";
static const char no_network[] = "the guest's sandbox has no network yet";
static const char no_peers[] = "QEMU may connect to nothing before the guest's next start";
static const char no_backend[] = "QEMU cannot add such a backend while it runs";
static const char no_program[] = "the program behind it starts with the guest";

static const char no_filter[] = "a disk of its kind gets its first limits, and loses its last, at a start";

/* Drivers of disks that QEMU gives other nodes while the guest uses them. */
static const char *const filtered_drivers[] = { "virtio-blk*", "scsi-hd", "scsi-block", "nvme-ns",
                                                "ide-hd" };

/* Drivers that take no part in hotplug. */
static const char *const fixed_drivers[] = {
        "isa-*",  "ide-*",      "floppy",   "virtio-vga*", "*-vga",    "VGA",       "qxl*",       "cirrus*",
        "bochs*", "vmcoreinfo", "pvpanic*", "tpm-*",       "*iommu*",  "sysbus-*",  "*-debugcon", "pxb*",
        "kvm-*",  "nvdimm",     "*-ehci*",  "*-uhci*",     "usb-ccid", "acpi-erst",
};

bool option_is_drive(const Option *device)
{
        const char *driver = option_text(device, "driver");

        return device->kind == QEMU_DEVICE && driver &&
               (streq(driver, "ide-cd") || streq(driver, "scsi-cd") || streq(driver, "floppy"));
}

static const char *why_fixed(const Option *device)
{
        const char *driver = option_text(device, "driver"), *bus = option_text(device, "bus");

        if (driver && streq(driver, "pcie-root-port"))
                return no_hotplug;
        for (size_t i = 0; driver && i < ELEMENTS(fixed_drivers); i++)
                if (fnmatch(fixed_drivers[i], driver, 0) == 0)
                        return no_hotplug;
        return bus && (streq(bus, "pcie.0") || streq(bus, "ide.0")) ? no_hotplug : NULL;
}

static bool has_image(const RunOptions *options, const Option *node)
{
        return strings_have(&options->images, node->id);
}

static bool is_file_driver(const char *driver)
{
        return driver && (streq(driver, "file") || streq(driver, "host_device") ||
                          streq(driver, "host_cdrom") || streq(driver, "vvfat"));
}

/* To another program or host. */
static bool connects(const Option *o)
{
        static const char *const drivers[] = { "nbd",  "iscsi", "rbd", "nfs",  "ssh",
                                               "http", "https", "ftp", "ftps", "gluster" };
        const char *server = option_text(o, "server"), *driver = option_text(o, "driver"),
                   *type = option_text(o, "type");

        switch (o->kind) {
        case QEMU_CHARDEV:
                return type && streq(type, "socket") && !option_text(o, "fd") &&
                       !(server && streq(server, "on"));
        case QEMU_OBJECT:
                return streq(option_text(o, "qom-type") ?: "", "pr-manager-helper");
        case QEMU_BLOCKDEV:
                for (size_t i = 0; driver && i < ELEMENTS(drivers); i++)
                        if (streq(drivers[i], driver))
                                return true;
                return false;
        default:
                return false;
        }
}

/* Of a network with passt, which the helper starts; QEMU's own is what remains where there is none. */
static const char *why_no_network(
        const char *id, const char *type, const RunOptions *options, const DifferenceHost *host)
{
        const PasstRequest *passt = NULL;

        for (size_t i = 0; i < options->passts.count; i++)
                if (streq(options->passts.items[i].id, id))
                        passt = &options->passts.items[i];
        if (!streq(type, "stream") && !streq(type, "user") && !streq(type, "socket"))
                return NULL;
        if (passt && host->passt)
                return passt->log_file ? no_path : NULL;
        if (streq(type, "stream"))
                return no_program;
        return !host->network ? no_network : !host->peers ? no_peers : NULL;
}

/* NULL if it can be added. */
static const char *why_not_now(const Option *o, const RunOptions *options, const DifferenceHost *host)
{
        static const char *const chardevs[] = { "socket",   "pty",       "null",    "file",
                                                "spicevmc", "spiceport", "ringbuf", "qemu-vdagent" };
        const char *type = option_text(o, "type"), *file = option_text(o, "filename");

        if (connects(o) && !host->peers)
                return no_peers;
        switch (o->kind) {
        case QEMU_DEVICE:
                return text_after(option_text(o, "driver") ?: "", "vfio-") ? no_node : why_fixed(o);
        case QEMU_BLOCKDEV:
                return file && is_file_driver(option_text(o, "driver")) && !has_image(options, o) &&
                                       !strchr(file, '@')
                               ? no_path
                               : NULL;
        case QEMU_OBJECT:
                file = option_text(o, "file");
                return file && text_after(file, "/run/credentials/") ? no_credential
                       : option_text(o, "mem-path")                  ? no_path
                                                                     : NULL;
        case QEMU_NETDEV:
                return type ? why_no_network(o->id, type, options, host) : NULL;
        case QEMU_CHARDEV:
                for (size_t i = 0; i < ELEMENTS(chardevs); i++)
                        if (type && streq(type, chardevs[i]))
                                return option_text(o, "logfile") ? no_path : NULL;
                return no_backend;
        default:
                return "";
        }
}

Change *difference_change(const Difference *d, const char *name, const char *id)
{
        for (size_t i = 0; i < d->count; i++) {
                const Option *o = d->items[i].is ?: d->items[i].was;

                if (streq(o->id, id) && streq(o->name, name))
                        return &d->items[i];
        }
        return NULL;
}

const Change *difference_find(const Difference *difference, const char *name, const char *id)
{
        return difference_change(difference, name, id);
}

bool option_differs_only_in(const Option *a, const Option *b, const char *key)
{
        json_t *x = json_copy(a->json), *y = json_copy(b->json);
        bool same;

        (void) json_object_del(x, key);
        (void) json_object_del(y, key);
        same = x && y && json_equal(x, y);
        json_decref(x);
        json_decref(y);
        return same;
}

/* "2,maxcpus=4,sockets=4": the most that there can be, which is the first number where no other is named,
 * and what follows both. */
static const char *read_smp(const Option *smp, unsigned long *ret_max)
{
        const char *rest = smp->text ? strchr(smp->text, ',') : NULL;
        char *end;

        if (!rest)
                return NULL;
        *ret_max = strtoul(smp->text, NULL, 10);
        if (!text_after(rest, ",maxcpus="))
                return rest;
        *ret_max = strtoul(text_after(rest, ",maxcpus="), &end, 10);
        return end;
}

/* Everything but the number of processors that the guest begins with. */
static bool differ_only_in_vcpus(const Option *a, const Option *b)
{
        unsigned long max, other;
        const char *x = read_smp(a, &max), *y = read_smp(b, &other);

        return x && y && streq(x, y) && max == other;
}

static ChangeKind kind_of(const Option *was, const Option *is)
{
        const char *type = was->json ? option_text(was, "qom-type") ?: option_text(was, "driver") : NULL;

        if (option_equals(was, is))
                return CHANGE_NONE;
        if (was->kind == QEMU_OTHER)
                return streq(was->name, "-smp") && differ_only_in_vcpus(was, is) ? CHANGE_VCPUS
                                                                                 : CHANGE_RESTART;
        if (option_is_drive(was) && option_differs_only_in(was, is, "drive"))
                return CHANGE_MEDIUM;
        if (type && streq(type, "throttle-group") && option_differs_only_in(was, is, "limits"))
                return CHANGE_LIMITS;
        if (type && text_after(type, "virtio-mem") && option_differs_only_in(was, is, "requested-size"))
                return CHANGE_SIZE;
        if (was->kind == QEMU_DEVICE && option_differs_only_in(was, is, "bootindex"))
                return CHANGE_BOOT;
        return CHANGE_RESTART;
}

static int add(Difference *d, Change change)
{
        Change *bigger = reallocarray(d->items, d->count + 1, sizeof(*bigger));

        if (!bigger)
                return -ENOMEM;
        d->items = bigger;
        d->items[d->count++] = change;
        return 0;
}

static int compare(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, const DifferenceHost *host,
        Difference *d)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < is->count; i++) {
                const Option *o = &is->items[i], *old = command_line_find(was, o->name, o->id);
                const char *why = old ? NULL : why_not_now(o, options, host);
                ChangeKind kind = old ? kind_of(old, o) : why ? CHANGE_RESTART : CHANGE_ADD;

                r = add(d, (Change){ kind, old, o, why && *why ? why : NULL });
        }
        for (size_t i = 0; r >= 0 && i < was->count; i++) {
                const Option *o = &was->items[i];
                const char *why = o->kind == QEMU_OTHER ? "" : o->kind == QEMU_DEVICE ? why_fixed(o) : NULL;

                if (!command_line_find(is, o->name, o->id))
                        r = add(d, (Change){ why ? CHANGE_RESTART : CHANGE_REMOVE, o, NULL,
                                             why && *why ? why : NULL });
        }
        return r;
}

/* ——— media ——— */

static void each_node(
        const CommandLine *line, const Option *o, const char *key,
        void (*visit)(const Option *node, void *userdata), void *userdata)
{
        const char *name = option_text(o, key);
        const Option *node = name ? command_line_find(line, "-blockdev", name) : NULL;

        if (!node)
                return;
        visit(node, userdata);
        each_node(line, node, "file", visit, userdata);
        each_node(line, node, "backing", visit, userdata);
}

void difference_each_node(
        const CommandLine *line, const Option *device, void (*visit)(const Option *node, void *userdata),
        void *userdata)
{
        each_node(line, device, "drive", visit, userdata);
}

typedef struct Nodes {
        Difference *difference;
        bool changed;
        ChangeKind kind; /* what they become */
} Nodes;

static void look_at_node(const Option *node, void *userdata)
{
        Nodes *n = userdata;
        const Change *change = difference_change(n->difference, node->name, node->id);

        n->changed = n->changed || (change && change->kind != CHANGE_NONE);
}

static void leave_node(const Option *node, void *userdata)
{
        Nodes *n = userdata;
        Change *change = difference_change(n->difference, node->name, node->id);

        if (change)
                change->kind = n->kind;
}

void difference_set_nodes(
        const CommandLine *was, const CommandLine *is, const Option *device, Difference *d, ChangeKind kind)
{
        const Option *old = command_line_find(was, device->name, device->id);
        Nodes nodes = { .difference = d, .kind = kind };

        difference_each_node(is, device, leave_node, &nodes);
        if (old)
                difference_each_node(was, old, leave_node, &nodes);
}

static const char *why_no_medium(
        const CommandLine *is, const Option *drive, const RunOptions *options, const DifferenceHost *host)
{
        const char *name = option_text(drive, "drive");

        while (name) {
                const Option *node = command_line_find(is, "-blockdev", name);
                const char *why = node ? why_not_now(node, options, host) : NULL;

                if (why)
                        return why;
                name = node ? option_text(node, "file") : NULL;
        }
        return NULL;
}

/* A drive's medium is all that may change of its nodes, and then they are not changes of their own. */
static void settle_media(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, const DifferenceHost *host,
        Difference *d)
{
        for (size_t i = 0; i < d->count; i++) {
                Change *change = &d->items[i];
                Nodes nodes = { .difference = d, .changed = change->kind == CHANGE_MEDIUM };

                if (!change->was || !change->is || !option_is_drive(change->is) ||
                    change->kind == CHANGE_RESTART)
                        continue;
                difference_each_node(is, change->is, look_at_node, &nodes);
                difference_each_node(was, change->was, look_at_node, &nodes);
                if (!nodes.changed)
                        continue;
                change->why = why_no_medium(is, change->is, options, host);
                change->kind = change->why ? CHANGE_RESTART : CHANGE_MEDIUM;
                difference_set_nodes(was, is, change->is, d, change->why ? CHANGE_RESTART : CHANGE_NONE);
        }
}

/* ——— limits ——— */

static bool takes_filter(const Option *device)
{
        const char *driver = option_text(device, "driver");

        for (size_t i = 0; driver && i < ELEMENTS(filtered_drivers); i++)
                if (fnmatch(filtered_drivers[i], driver, 0) == 0)
                        return true;
        return false;
}

/* A disk that only has other filters before its image keeps that image in use. */
static void settle_filters(const CommandLine *was, const CommandLine *is, Difference *d)
{
        for (size_t i = 0; i < d->count; i++) {
                Change *change = &d->items[i];
                const Option *before, *after;

                if (change->kind != CHANGE_RESTART || !change->was || !change->is ||
                    change->is->kind != QEMU_DEVICE || option_is_drive(change->is) ||
                    !option_differs_only_in(change->was, change->is, "drive"))
                        continue;
                before = difference_top_image(was, change->was);
                after = difference_top_image(is, change->is);
                if (!before || !after || !streq(before->id, after->id))
                        continue;
                change->kind = takes_filter(change->is) ? CHANGE_FILTER : CHANGE_RESTART;
                change->why = change->kind == CHANGE_RESTART ? no_filter : NULL;
        }
}

/* ——— what depends on each other ——— */

static bool needs_restart(const Change *change)
{
        return change->kind == CHANGE_RESTART;
}

static bool waits_for_parts(const Change *change)
{
        return change->kind == CHANGE_ADD || change->kind == CHANGE_FILTER;
}

/* The port of a device that has to wait has to be there first. */
static bool wait_for_others(Difference *d)
{
        bool more = false;

        for (size_t i = 0; i < d->count; i++)
                for (size_t j = 0; waits_for_parts(&d->items[i]) && j < d->count; j++) {
                        const Change *other = &d->items[j];

                        if (!needs_restart(other) || other->was || !other->is->json ||
                            !option_refers_to(d->items[i].is, other->is->id))
                                continue;
                        d->items[i].kind = CHANGE_RESTART;
                        d->items[i].why = other->is->kind == QEMU_DEVICE ? no_port : other->why;
                        more = true;
                }
        return more;
}

/* Nothing is added, or removed, for a device alone that has to wait. */
static bool keep_parts(Difference *d, ChangeKind kind)
{
        bool more = false;

        for (size_t i = 0; i < d->count; i++) {
                Change *part = &d->items[i];
                const Option *option = part->is ?: part->was;
                bool used = false, wanted = false;

                if (part->kind != kind || option->kind == QEMU_DEVICE)
                        continue;
                for (size_t j = 0; j < d->count; j++) {
                        const Change *other = &d->items[j];
                        const Option *user = kind == CHANGE_ADD ? other->is : other->was;

                        if (j == i || !user || !user->json || !option_refers_to(user, option->id))
                                continue;
                        used = true;
                        wanted = wanted || other->kind == kind || other->kind == CHANGE_FILTER;
                }
                if (used && !wanted) {
                        part->kind = CHANGE_RESTART;
                        more = true;
                }
        }
        return more;
}

/* An image in use is not another one at once. */
static void say_why_parts_wait(Difference *d)
{
        for (size_t i = 0; i < d->count; i++) {
                Change *part = &d->items[i];

                for (size_t j = 0; part->kind == CHANGE_RESTART && !part->why && j < d->count; j++) {
                        const Change *other = &d->items[j];

                        if (needs_restart(other) && other->why && part->is && other->is && other->is->json &&
                            option_refers_to(other->is, part->is->id))
                                part->why = other->why;
                }
        }
}

int difference_of(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, const DifferenceHost *host,
        Difference *ret)
{
        Difference d = { 0 };
        int r = compare(was, is, options, host, &d);

        if (r < 0) {
                difference_done(&d);
                return r;
        }
        settle_media(was, is, options, host, &d);
        settle_filters(was, is, &d);
        difference_settle_layers(was, is, options, &d);
        while (wait_for_others(&d) || keep_parts(&d, CHANGE_ADD) || keep_parts(&d, CHANGE_REMOVE))
                ;
        say_why_parts_wait(&d);
        *ret = d;
        return 0;
}

void difference_done(Difference *difference)
{
        free(difference->items);
        *difference = (Difference){ 0 };
}

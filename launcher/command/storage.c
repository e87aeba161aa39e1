/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client's disk is the client's to say: what it passes is checked only for what would harm the guest, such
 * as a pipe that QEMU would wait for. Its content is never looked at, so that it cannot be of a format with
 * a reference to another file: the guest gets the bytes as they are.
 *
 * A disk that is on its way out keeps its name until the guest has let it go, which may be long after the
 * client was told so.
 */

#include "launcher/command/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/stream/sanitize.h"
#include "log/log.h"
#include "util/ownership.h"

#define SERIAL_MAX 20U /* of virtio and NVMe */
#define LABEL_MAX  (SANITIZED_MAX * STORAGE_NAME_MAX + 1)

/* A PCI device's vendor and device, as one number. */
#define MODEL(vendor, device) ((json_int_t) (vendor) << 16 | (device))

typedef enum StorageState {
        STORAGE_ADDING,
        STORAGE_THERE,
        STORAGE_REPLACING,
        STORAGE_LEAVING,  /* the guest was asked */
        STORAGE_CLEARING, /* it has let go */
} StorageState;

typedef struct Storage {
        struct Storages *owner;
        struct Storage *next;
        char *name;
        StorageKind kind;
        StorageState state;
        unsigned number;   /* of its names in QEMU */
        unsigned set;      /* fd set of its file */
        unsigned next_set; /* of the one that is to take its place */
        unsigned files;    /* that it has had */
        int fd;
        sd_event_source *timer;
        StorageDone done;
        void *userdata;
} Storage;

struct Storages {
        sd_event *event;
        Lifecycle *life;
        Batches *batches;
        Storage *first;
        size_t count;
        unsigned last;
};

static const char *const kind_words[] = {
        [STORAGE_VIRTIO_BLK] = "virtio-blk",
        [STORAGE_VIRTIO_SCSI] = "virtio-scsi",
        [STORAGE_NVME] = "nvme",
        [STORAGE_SCSI_CD] = "scsi-cd",
};

int storage_kind_from_word(const char *word, StorageKind *ret)
{
        for (size_t i = 0; word && i < ELEMENTS(kind_words); i++)
                if (streq(kind_words[i], word)) {
                        *ret = (StorageKind) i;
                        return 0;
                }
        *ret = STORAGE_VIRTIO_BLK;
        return word && *word ? -EINVAL : 0;
}

static bool is_scsi(const Storage *s)
{
        return s->kind == STORAGE_VIRTIO_SCSI || s->kind == STORAGE_SCSI_CD;
}

/* ——— the list ——— */

static Storage *find(const Storages *all, const char *name)
{
        Storage *s = all->first;

        while (s && !streq(s->name, name))
                s = s->next;
        return s;
}

static void storage_free(Storage *s)
{
        Storages *all = s->owner;

        for (Storage **at = &all->first; *at; at = &(*at)->next)
                if (*at == s) {
                        *at = s->next;
                        all->count--;
                        break;
                }
        lifecycle_forget(all->life, s);
        sd_event_source_disable_unref(s->timer);
        (void) fd_close(s->fd);
        free(s->name);
        free(s);
}

int storages_new(sd_event *event, Lifecycle *life, Batches *batches, Storages **ret)
{
        Storages *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        *all = (Storages){ .event = event, .life = life, .batches = batches };
        *ret = all;
        return 0;
}

Storages *storages_free(Storages *all)
{
        while (all && all->first)
                storage_free(all->first);
        free(all);
        return NULL;
}

size_t storages_count(const Storages *all)
{
        return all->count;
}

static void tell(Storage *s, const char *why)
{
        StorageDone done = s->done;

        s->done = NULL;
        if (done)
                done(why, s->userdata);
}

void storages_forget(Storages *all, const void *userdata)
{
        for (Storage *s = all->first; s; s = s->next)
                if (s->userdata == userdata)
                        s->done = NULL;
}

/* ——— names in QEMU ——— */

static char *node_of(const Storage *s)
{
        return text_format("storage%u-%u", s->number, s->files);
}

/* The one that is plugged into a port: that of a SCSI disk is its controller. */
static char *device_of(const Storage *s)
{
        return text_format("storage%u%s", s->number, is_scsi(s) ? "-controller" : "");
}

/* Where the property "drive" is. */
static char *drive_of(const Storage *s)
{
        return text_format(
                "/machine/peripheral/storage%u%s", s->number,
                s->kind == STORAGE_VIRTIO_BLK ? "/virtio-backend" : "");
}

/* A client's text, for the journal. */
static const char *label_of(const Storage *s, char ret[static LABEL_MAX])
{
        sanitize_text(s->name, strlen(s->name), ret, LABEL_MAX);
        return ret;
}

/* What the guest may know it by. */
static void serial_of(const Storage *s, char ret[static SERIAL_MAX + 1])
{
        size_t n = 0;

        for (const char *c = s->name; *c && n < SERIAL_MAX; c++, n++)
                ret[n] = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                                         strchr("-._", *c)
                                 ? *c
                                 : '_';
        ret[n] = '\0';
}

/* ——— adding ——— */

/* A free root port, the last one, since those of the guest's definition are filled from the first. */
static const char *find_port(const json_t *pci, bool *ret_needed)
{
        const json_t *devices = json_object_get(json_array_get(pci, 0), "devices"), *device;
        const char *found = NULL;
        size_t i;

        *ret_needed = true;
        json_array_foreach(devices, i, device) {
                const json_t *id = json_object_get(device, "id"),
                             *bridge = json_object_get(device, "pci_bridge");
                json_int_t model =
                        MODEL(json_integer_value(json_object_get(id, "vendor")),
                              json_integer_value(json_object_get(id, "device")));
                const char *name = json_string_value(json_object_get(device, "qdev_id"));

                if (model == MODEL(0x8086, 0x1237)) /* the i440FX, whose bus itself takes devices */
                        *ret_needed = false;
                if ((model == MODEL(0x1b36, 0x000c) || model == MODEL(0x8086, 0x3420)) && name && *name &&
                    bridge && json_array_size(json_object_get(bridge, "devices")) == 0)
                        found = name;
        }
        return found;
}

static int open_node(Storage *s, Batch *b, unsigned *ret_set)
{
        bool read_only = (fcntl(s->fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
        _cleanup_(freep) char *node = node_of(s), *path = NULL;
        struct stat st;
        int r = node && fstat(s->fd, &st) >= 0 ? 0 : -ENOMEM;

        if (r >= 0)
                r = batch_add_set(b, s->owner->batches, TAKE_FD(s->fd), ret_set);
        path = text_format("/dev/fdset/%u", *ret_set);
        if (r >= 0 && !path)
                r = -ENOMEM;
        if (r >= 0)
                r = batch_add(
                        b, "blockdev-add",
                        json_pack(
                                "{s:s, s:s, s:s, s:b, s:b, s:s}", "driver",
                                S_ISBLK(st.st_mode) ? "host_device" : "file", "filename", path, "node-name",
                                node, "read-only", read_only, "auto-read-only", 0, "discard", "unmap"),
                        -1);
        return r < 0 ? r : batch_undo(b, "blockdev-del", json_pack("{s:s}", "node-name", node));
}

/* bus: NULL for QEMU's choice. */
static int plug(const Storage *s, Batch *b, const char *bus)
{
        static const char *const drivers[] = {
                [STORAGE_VIRTIO_BLK] = "virtio-blk-pci",
                [STORAGE_VIRTIO_SCSI] = "scsi-hd",
                [STORAGE_NVME] = "nvme",
                [STORAGE_SCSI_CD] = "scsi-cd",
        };
        _cleanup_(freep) char *node = node_of(s), *device = device_of(s), *own = NULL;
        char serial[SERIAL_MAX + 1];
        int r = 0;

        if (!node || !device)
                return -ENOMEM;
        serial_of(s, serial);
        if (is_scsi(s)) {
                r = batch_add(
                        b, "device_add",
                        json_pack("{s:s, s:s, s:s*}", "driver", "virtio-scsi-pci", "id", device, "bus", bus),
                        -1);
                r = r < 0 ? r : batch_undo(b, "device_del", json_pack("{s:s}", "id", device));
                own = text_format("%s.0", device);
                if (!own)
                        return -ENOMEM;
                bus = own;
        }
        if (r >= 0)
                r = batch_add(
                        b, "device_add",
                        json_pack(
                                "{s:s, s:o, s:s, s:s, s:s*}", "driver", drivers[s->kind], "id",
                                json_sprintf("storage%u", s->number), "drive", node, "serial", serial, "bus",
                                bus),
                        -1);
        return r;
}

static void on_added(json_t *results, const char *error, size_t failed, void *userdata)
{
        Storage *s = userdata;
        char label[LABEL_MAX];

        if (!results) {
                tell(s, error);
                storage_free(s);
                return;
        }
        s->state = STORAGE_THERE;
        log_info("Added disk %s.", label_of(s, label));
        tell(s, NULL);
}

static void on_pci(const json_t *result, const char *error, void *userdata)
{
        _cleanup_(batch_freep) Batch *b = batch_new();
        Storage *s = userdata;
        bool needed = false;
        const char *bus = result ? find_port(result, &needed) : NULL;
        int r = b ? 0 : -ENOMEM;

        if (!result || (!bus && needed)) {
                tell(s,
                     error
                             ?: "no free port takes it: one more <controller type='pci' "
                                "model='pcie-root-port'/> in the guest's XML does, from its next start on");
                storage_free(s);
                return;
        }
        if (r >= 0)
                r = open_node(s, b, &s->set);
        if (r >= 0)
                r = plug(s, b, bus);
        if (r >= 0)
                r = batch_run(TAKE_PTR(b), s->owner->batches, s->owner->life, on_added, s);
        if (r < 0) {
                tell(s, strerror(-r));
                storage_free(s);
        }
}

/* QEMU would wait for a pipe, and cannot use what only names a file. */
static int check_file(int fd)
{
        int flags = fcntl(fd, F_GETFL);
        struct stat st;

        if (flags < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY ||
            (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
                return -EINVAL;
        return 0;
}

int storages_add(Storages *all, const char *name, StorageKind kind, int fd, StorageDone done, void *userdata)
{
        _cleanup_(closep) int owned = fd;
        Storage *s;
        int r = check_file(fd);

        if (r < 0)
                return r;
        if (find(all, name))
                return -EEXIST;
        if (all->count == STORAGES_MAX)
                return -E2BIG;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (Storage){ .owner = all, .kind = kind, .number = all->last++, .fd = TAKE_FD(owned) };
        s->name = strdup(name);
        s->next = all->first;
        all->first = s;
        all->count++;
        r = s->name ? lifecycle_execute(all->life, "query-pci", NULL, -1, on_pci, s) : -ENOMEM;
        if (r < 0) {
                storage_free(s);
                return r;
        }
        s->done = done;
        s->userdata = userdata;
        return 0;
}

/* ——— removing ——— */

static void on_cleared(json_t *results, const char *error, size_t failed, void *userdata)
{
        Storage *s = userdata;
        char label[LABEL_MAX];

        if (results)
                log_info("Removed disk %s.", label_of(s, label));
        else
                log_error("QEMU failed to close disk %s: %s", label_of(s, label), error);
        tell(s, results ? NULL : error);
        storage_free(s);
}

static int close_node(Batch *b, const char *node, unsigned set)
{
        int r = batch_add(b, "blockdev-del", json_pack("{s:s}", "node-name", node), -1);

        return r < 0 ? r : batch_remove_set(b, set);
}

static void clear(Storage *s)
{
        _cleanup_(batch_freep) Batch *b = batch_new();
        _cleanup_(freep) char *node = node_of(s);
        int r = b && node ? close_node(b, node, s->set) : -ENOMEM;

        s->state = STORAGE_CLEARING;
        s->timer = sd_event_source_disable_unref(s->timer);
        if (r >= 0)
                r = batch_run(TAKE_PTR(b), s->owner->batches, s->owner->life, on_cleared, s);
        if (r < 0)
                on_cleared(NULL, strerror(-r), 0, s);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Storage *s = userdata;

        s->timer = sd_event_source_disable_unref(s->timer);
        tell(s, "the guest has not let go of it yet; it is removed when the guest does");
        return 0;
}

static void on_asked(const json_t *result, const char *error, void *userdata)
{
        Storage *s = userdata;

        if (result || strstr(error, "in the process of unplug"))
                return;
        s->timer = sd_event_source_disable_unref(s->timer);
        s->state = STORAGE_THERE;
        tell(s, error);
}

int storages_remove(Storages *all, const char *name, StorageDone done, void *userdata)
{
        Storage *s = find(all, name);
        _cleanup_(freep) char *device = s ? device_of(s) : NULL;
        int r;

        if (!s)
                return -ENOENT;
        if ((s->state != STORAGE_THERE && s->state != STORAGE_LEAVING) || s->done)
                return -EBUSY;
        if (!device)
                return -ENOMEM;
        s->timer = sd_event_source_disable_unref(s->timer);
        r = sd_event_add_time_relative(
                all->event, &s->timer, CLOCK_MONOTONIC, UNPLUG_PATIENCE * MONITOR_SECOND, 0, on_time, s);
        if (r >= 0)
                r = lifecycle_execute(
                        all->life, "device_del", json_pack("{s:s}", "id", device), -1, on_asked, s);
        if (r < 0) {
                s->timer = sd_event_source_disable_unref(s->timer);
                return r;
        }
        s->state = STORAGE_LEAVING;
        s->done = done;
        s->userdata = userdata;
        return 0;
}

void storages_event(Storages *all, const json_t *event)
{
        const char *name = json_string_value(json_object_get(event, "event")),
                   *id = json_string_value(json_object_get(json_object_get(event, "data"), "device"));

        if (!name || !id)
                return;
        for (Storage *s = all->first; s; s = s->next) {
                _cleanup_(freep) char *device = device_of(s);

                if (!device || !streq(device, id))
                        continue;
                /* a guest can also eject it by itself */
                if (streq(name, "DEVICE_DELETED") &&
                    (s->state == STORAGE_LEAVING || s->state == STORAGE_THERE))
                        clear(s);
                else if (streq(name, "DEVICE_UNPLUG_GUEST_ERROR") && s->state == STORAGE_LEAVING) {
                        s->state = STORAGE_THERE;
                        s->timer = sd_event_source_disable_unref(s->timer);
                        tell(s, "the guest refuses to let go of it");
                }
                return;
        }
}

/* ——— replacing ——— */

static void on_replaced(json_t *results, const char *error, size_t failed, void *userdata)
{
        Storage *s = userdata;

        s->state = STORAGE_THERE;
        if (results)
                s->set = s->next_set;
        else
                s->files--;
        tell(s, results ? NULL : error);
}

/* A guest that is not told reads the other file as if it were the same; of a CD drive, it is the medium. */
int storages_replace(Storages *all, const char *name, int fd, StorageDone done, void *userdata)
{
        _cleanup_(closep) int owned = fd;
        _cleanup_(batch_freep) Batch *b = batch_new();
        Storage *s = find(all, name);
        _cleanup_(freep) char *before = s ? node_of(s) : NULL, *after = NULL, *path = s ? drive_of(s) : NULL;
        int r = s ? check_file(fd) : -ENOENT;

        if (r < 0)
                return r;
        if (s->state != STORAGE_THERE)
                return -EBUSY;
        if (!b || !before || !path)
                return -ENOMEM;
        s->fd = TAKE_FD(owned);
        s->files++;
        after = node_of(s);
        r = after ? open_node(s, b, &s->next_set) : -ENOMEM;
        if (r >= 0)
                r = batch_add(
                        b, "qom-set",
                        json_pack("{s:s, s:s, s:s}", "path", path, "property", "drive", "value", after), -1);
        if (r >= 0)
                r = batch_undo(
                        b, "qom-set",
                        json_pack("{s:s, s:s, s:s}", "path", path, "property", "drive", "value", before));
        r = r < 0 ? r : close_node(b, before, s->set);
        if (r >= 0)
                r = batch_run(TAKE_PTR(b), all->batches, all->life, on_replaced, s);
        if (r < 0) {
                s->files--;
                s->fd = fd_close(s->fd);
                return r;
        }
        s->state = STORAGE_REPLACING;
        s->done = done;
        s->userdata = userdata;
        return 0;
}

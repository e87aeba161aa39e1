/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An image as QEMU's -blockdev. The lowest node comes first, because a node may only refer to earlier
 * ones. Source: QEMU's qapi/block-core.json (BlockdevOptions).
 */

#include "guest/guest.h"
#include "guest/image/source.h"

/* The effect of a cache mode on the host's page cache. The device, not the image, decides whether the guest
 * sees a write cache. */
static const struct {
        bool direct, no_flush;
} cache_modes[] = {
        [CACHE_NONE] = { .direct = true },
        [CACHE_WRITETHROUGH] = {},
        [CACHE_WRITEBACK] = {},
        [CACHE_DIRECTSYNC] = { .direct = true },
        [CACHE_UNSAFE] = { .no_flush = true },
};

/* The top node has the options for the guest's reads and writes; the nodes below it only serve it. */
static void props_node(const Source *s, const char *name, Props *p)
{
        const SourceOptions *o = &s->options;

        props_text(p, "node-name", name);
        if (streq(name, s->node)) {
                props_bool(p, "read-only", s->read_only);
                if (o->discard)
                        props_text(p, "discard", discard_words[o->discard - 1]);
                /* unmapping zeroes makes no sense where discards
                 * are ignored, so they are written as zeroes */
                if (o->detect_zeroes == DETECT_ZEROES_UNMAP && o->discard != DISCARD_UNMAP)
                        props_text(p, "detect-zeroes", "on");
                else if (o->detect_zeroes)
                        props_text(p, "detect-zeroes", detect_zeroes_words[o->detect_zeroes - 1]);
        } else {
                props_bool(p, "auto-read-only", true);
                props_text(p, "discard", "unmap");
        }
        if (o->cache > CACHE_DEFAULT) {
                json_t *cache = props_object(p, "cache");

                json_object_set_new(cache, "direct", json_boolean(cache_modes[o->cache].direct));
                json_object_set_new(cache, "no-flush", json_boolean(cache_modes[o->cache].no_flush));
        }
}

/* Linux's names of CD-ROM drives, and the links that distributions create. */
static bool is_cdrom_drive(const char *path)
{
        return text_after(path, "/dev/sr") || text_after(path, "/dev/cdrom") ||
               text_after(path, "/dev/dvd") || text_after(path, "/dev/scd");
}

static const char *local_driver(const Source *s)
{
        if (s->type == SOURCE_FILE)
                return "file";
        return s->options.cdrom && is_cdrom_drive(s->path) ? "host_cdrom" : "host_device";
}

/* A drive's node is opened by QEMU: its medium may change, or not be there. */
static bool is_drive(const Source *s)
{
        return s->type == SOURCE_BLOCK && (s->options.floppy || streq(local_driver(s), "host_cdrom"));
}

static void grant_local(const Guest *g, const Source *s, Plan *p)
{
        Access access = s->read_only ? ACCESS_READ : s->shared ? ACCESS_WRITE_SHARED : ACCESS_WRITE;
        bool device = s->type == SOURCE_BLOCK || text_after(s->path, "/dev/");

        if (g->settings->policy->disks_by_descriptor && !s->keep_owner && !is_drive(s)) {
                plan_image(
                        p, &(Image){ .node = s->storage_node,
                                     .path = s->path,
                                     .access = access,
                                     .direct = cache_modes[s->options.cache].direct });
                if (device) /* opened under the unit's rules for devices */
                        plan_directive(p, "DeviceAllow", "%s %s", s->path, s->read_only ? "r" : "rw");
        } else if (s->keep_owner) {
                plan_directive(p, s->read_only ? "BindReadOnlyPaths" : "BindPaths", "%s", s->path);
                if (device)
                        plan_directive(p, "DeviceAllow", "%s %s", s->path, s->read_only ? "r" : "rw");
        } else if (device) {
                plan_grant_device(p, s->path, access);
        } else {
                plan_grant(p, s->path, access);
        }
}

/* Disks with the same helper share one object. */
static void build_reservations(const Source *s, Plan *p)
{
        const char *path = s->reservations_path ?: RESERVATIONS_HELPER;
        Props manager = props_new("qom-type", "pr-manager-helper");
        _cleanup_(freep) char *text = NULL;

        props_text(&manager, "id", s->manager_id);
        props_text(&manager, "path", path);
        text = props_json(&manager);
        if (text && strings_have(&p->argv, text)) {
                props_done(&manager);
                return;
        }
        plan_json(p, "-object", &manager);
        plan_directive(p, "BindReadOnlyPaths", "%s", path);
        plan_peers(p);
}

static Props storage_local(const Guest *g, const Source *s, Plan *p)
{
        Props storage = props_new("driver", local_driver(s));

        props_text(&storage, "filename", s->path);
        if (s->reservations) {
                build_reservations(s, p);
                props_text(&storage, "pr-manager", s->manager_id);
        }
        if (s->options.io)
                props_text(&storage, "aio", io_words[s->options.io - 1]);
        if (s->options.io == SOURCE_IO_URING)
                plan_calls(p, CALLS_IO_URING);
        grant_local(g, s, p);
        return storage;
}

static Props storage_directory(const Source *s, Plan *p)
{
        Props storage = props_new("driver", "vvfat");

        props_text(&storage, "dir", s->path);
        props_bool(&storage, "floppy", s->options.floppy);
        props_bool(&storage, "rw", !s->read_only);
        plan_use(p, POLICY_HOST_DIRECTORIES);
        plan_directive(p, s->read_only ? "BindReadOnlyPaths" : "BindPaths", "%s", s->path);
        return storage;
}

static Props storage_nvme(const Source *s)
{
        const SourceNvme *n = &s->nvme;
        Props storage = props_new("driver", "nvme");

        props_textf(
                &storage, "device", "%04x:%02x:%02x.%x", (unsigned) n->domain.value, (unsigned) n->bus.value,
                (unsigned) n->slot.value, (unsigned) n->function.value);
        props_number_if(&storage, "namespace", n->namespace);
        return storage;
}

static Props storage_vdpa(const Source *s, Plan *p)
{
        Props storage = props_new("driver", "virtio-blk-vhost-vdpa");

        props_text(&storage, "path", s->path);
        plan_grant_device(p, s->path, ACCESS_WRITE);
        return storage;
}

static Props storage(const Guest *g, const Source *s, Plan *p)
{
        switch ((SourceType) s->type) {
        case SOURCE_DIRECTORY:
                return storage_directory(s, p);
        case SOURCE_NETWORK:
                return source_network_props(g, s, p);
        case SOURCE_NVME:
                return storage_nvme(s);
        case SOURCE_VHOST_VDPA:
                return storage_vdpa(s, p);
        default:
                return storage_local(g, s, p);
        }
}

static void build_slice(const Source *s, Plan *p)
{
        Props slice = props_new("driver", "raw");

        props_text(&slice, "file", s->storage_node);
        props_number_if(&slice, "offset", s->slice.offset);
        props_number_if(&slice, "size", s->slice.size);
        props_node(s, s->slice_node, &slice);
        plan_json(p, "-blockdev", &slice);
}

static void props_qcow2(const Source *s, Props *p)
{
        if (s->encryption.xml) {
                json_t *encrypt = props_object(p, "encrypt");

                json_object_set_new(
                        encrypt, "format",
                        json_string(s->encryption.format == ENCRYPTION_QCOW ? "aes" : "luks"));
                json_object_set_new(encrypt, "key-secret", json_string(s->secret_id));
        }
        props_number_if(p, "cache-size", s->options.metadata_cache);
        props_bool_if(p, "discard-no-unref", s->options.discard_no_unref);
        if (s->data)
                props_text(p, "data-file", s->data->node);
}

/* Formats that can have a backing file. */
static bool format_has_backing(int format)
{
        return format == FORMAT_QCOW2 || format == FORMAT_QCOW || format == FORMAT_QED ||
               format == FORMAT_VMDK;
}

static void build_format(const Guest *g, const Source *s, Plan *p)
{
        const char *driver = s->format == FORMAT_RAW ? "luks" : source_format_words[s->format - 1];
        Props format = props_new("driver", driver);

        if (s->encryption.xml)
                secret_build(g, &s->encryption.secret, s->secret_id, SECRET_RAW, p);
        props_node(s, s->format_node, &format);
        if (s->format == FORMAT_RAW)
                props_text(&format, "key-secret", s->secret_id);
        if (s->format == FORMAT_QCOW2)
                props_qcow2(s, &format);
        props_text(&format, "file", s->slice_node ?: s->storage_node);
        if (s->backing)
                props_text(&format, "backing", s->backing->node);
        else if (s->last && format_has_backing(s->format))
                props_json_value(&format, "backing", json_null());
        plan_json(p, "-blockdev", &format);
        /* The launcher reads the headers of whole local images in one file. QEMU itself, in its sandbox,
         * opens the backing files of others. */
        if (!s->backing && !s->last && format_has_backing(s->format) && source_is_local(s) &&
            !s->slice.present && !s->data)
                plan_chain(p, s->format_node, driver, s->path);
}

void source_build(const Guest *g, const Source *s, Plan *p)
{
        Props bytes;

        if (s->backing)
                source_build(g, s->backing, p);
        if (s->data)
                source_build(g, s->data, p);
        bytes = storage(g, s, p);
        props_node(s, s->storage_node, &bytes);
        plan_json(p, "-blockdev", &bytes);
        if (s->slice_node)
                build_slice(s, p);
        if (s->format_node)
                build_format(g, s, p);
}

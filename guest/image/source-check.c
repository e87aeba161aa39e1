/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks of images, one by one along a backing chain: combinations that QEMU cannot open or would ignore.
 * The XML is not trusted.
 */

#include "guest/guest.h"
#include "guest/image/source.h"
#include "guest/plan/bind.h"
#include "guest/processor/memory.h"

static void check_encryption(const Guest *g, const Source *s)
{
        const SourceEncryption *e = &s->encryption;
        bool librbd = e->engine == ENCRYPTION_LIBRBD;

        if (!e->xml)
                return;
        if (!e->format || e->format == ENCRYPTION_DEFAULT)
                guest_error(g, e->xml->place, "<encryption>: format must be one of: luks, qcow");
        else if (!e->secret.xml)
                guest_error(g, e->xml->place, "<encryption>: <secret> is missing");
        else if (!e->secret.type || !streq(e->secret.type, "passphrase"))
                guest_error(g, e->secret.xml->place, "<secret>: type must be 'passphrase'");
        else if (librbd && s->network.protocol != PROTOCOL_RBD)
                guest_error(
                        g, e->xml->place, "<encryption>: engine='librbd' requires <source protocol='rbd'>");
        else if (librbd && (e->format == ENCRYPTION_QCOW || s->format != FORMAT_RAW))
                guest_error(
                        g, e->xml->place,
                        "<encryption>: engine='librbd' requires <driver type='raw'/> and a LUKS format");
        else if (!librbd && e->format > ENCRYPTION_DEFAULT)
                guest_error(g, e->xml->place, "<encryption>: this format requires engine='librbd'");
        else if (!librbd && e->format == ENCRYPTION_QCOW && s->format != FORMAT_QCOW2)
                guest_error(g, e->xml->place, "<encryption>: format='qcow' requires <driver type='qcow2'/>");
        else if (!librbd && s->format != FORMAT_RAW && s->format != FORMAT_QCOW2)
                guest_error(
                        g, e->xml->place,
                        "<encryption>: requires <driver type='raw'/> or <driver type='qcow2'/>");
}

static void check_reservations(const Guest *g, const Source *s)
{
        if (!s->reservations)
                return;
        if (s->type != SOURCE_BLOCK)
                guest_error(g, s->reservations->place, "<reservations>: requires type='block'");
        if (s->reservations_managed == ON && s->reservations_path)
                guest_error(g, s->reservations->place, "<reservations>: <source> requires managed='no'");
        else if (s->reservations_managed == ON)
                guest_warning(
                        g, s->reservations->place,
                        "<reservations>: vmunit does not start qemu-pr-helper, which must listen "
                        "on " RESERVATIONS_HELPER "; start it from a unit of its own");
        else if (!s->reservations_path)
                guest_error(
                        g, s->reservations->place,
                        "<reservations>: <source type='unix' path='…' mode='client'/> is missing");
}

static void check_options(const Guest *g, const Source *s)
{
        const SourceOptions *o = &s->options;

        if (o->metadata_cache.set && s->format != FORMAT_QCOW2)
                guest_error(g, s->place, "<metadata_cache>: requires <driver type='qcow2'/>");
        if (o->discard_no_unref != UNSET && s->format != FORMAT_QCOW2)
                guest_error(g, s->place, "<driver>: discard_no_unref requires type='qcow2'");
        if (o->discard_no_unref != UNSET && s->read_only)
                guest_error(g, s->place, "<driver>: discard_no_unref cannot be combined with <readonly/>");
}

static bool has_backing_format(const Source *s)
{
        return s->format == FORMAT_QCOW2 || s->format == FORMAT_QCOW || s->format == FORMAT_QED ||
               s->format == FORMAT_VMDK;
}

void source_check(const Guest *g, const Source *s)
{
        if (s->backing && !has_backing_format(s))
                guest_error(
                        g, s->backing->place,
                        "<backingStore>: an image of type '%s' cannot have a backing file; remove it",
                        source_format_words[s->format - 1]);
        if (has_backing_format(s) && s->format != FORMAT_QCOW2 && !s->backing && !s->last)
                guest_error(
                        g, s->place,
                        "<source>: vmunit cannot read the backing file from a '%s' image; name it in "
                        "<backingStore type='…'>, or write <backingStore/> if there is none",
                        source_format_words[s->format - 1]);
        if (s->data && s->format != FORMAT_QCOW2)
                guest_error(g, s->data->place, "<dataStore>: requires <driver type='qcow2'/>");
        if (s->type == SOURCE_FILE || s->type == SOURCE_BLOCK || s->type == SOURCE_DIRECTORY)
                disk_path_check(g, s->place, s->path);
        if (s->type == SOURCE_DIRECTORY && s->format != FORMAT_FAT)
                guest_error(g, s->place, "<driver>: type='dir' requires <driver type='fat'/>");
        if (s->type != SOURCE_DIRECTORY && s->format == FORMAT_FAT)
                guest_error(g, s->place, "<driver>: type='fat' requires type='dir'");
        if (s->type == SOURCE_DIRECTORY)
                bind_check_directory(g, s->place, "source", s->path);
        if (s->type == SOURCE_DIRECTORY && !s->read_only)
                guest_warning(
                        g, s->place,
                        "<source>: writes by the guest may damage the directory; add <readonly/> to prevent "
                        "them");
        if (s->type == SOURCE_VHOST_USER)
                guest_error(g, s->place, "<source>: type='vhostuser' cannot be a backing file");
        if (s->type == SOURCE_VHOST_VDPA && s->options.cache != CACHE_NONE &&
            s->options.cache != CACHE_DIRECTSYNC)
                guest_error(
                        g, s->place,
                        "<driver>: type='vhostvdpa' requires cache='none' or cache='directsync'");
        if (s->type == SOURCE_VHOST_VDPA)
                memory_require_shared(g, s->place, "type='vhostvdpa'");
        if (s->type == SOURCE_VHOST_VDPA && s->format != FORMAT_RAW)
                guest_error(g, s->place, "<driver>: type='vhostvdpa' requires <driver type='raw'/>");
        if (s->type == SOURCE_NVME && !s->nvme.namespace.set)
                guest_error(g, s->place, "<source>: namespace='…' is missing");
        if (s->type == SOURCE_NETWORK)
                source_network_check(g, s);
        else if (s->auth.xml)
                guest_error(g, s->auth.xml->place, "<auth>: requires type='network'");
        check_encryption(g, s);
        check_reservations(g, s);
        check_options(g, s);
        if (s->backing)
                source_check(g, s->backing);
        if (s->data)
                source_check(g, s->data);
}

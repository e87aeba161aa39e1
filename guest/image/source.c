/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads an image and its backing files from the XML. Nothing here opens the image itself: if the XML does
 * not list the backing chain, the launcher finds it when the guest starts (plan_chain()), because the chain
 * may change before.
 */

#include "guest/image/source.h"

#include "guest/guest.h"

const char *const source_type_words[] = {
        "file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa", NULL,
};
const char *const source_format_words[] = {
        "raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vpc", "bochs", "cloop", "dmg", "fat", NULL,
};
const char *const cache_words[] = { "default", "none", "writethrough", "writeback", "directsync",
                                    "unsafe",  NULL };
const char *const io_words[] = { "threads", "native", "io_uring", NULL };
const char *const discard_words[] = { "unmap", "ignore", NULL };
const char *const detect_zeroes_words[] = { "off", "on", "unmap", NULL };
static const char *const encryption_words[] = { "luks", "qcow", "default", "luks2", "luks-any", NULL };
static const char *const engine_words[] = { "qemu", "librbd", NULL };
static const char *const pci_words[] = { "pci", NULL };
static const char *const unix_words[] = { "unix", NULL };
static const char *const raw_words[] = { "raw", NULL };

static const Field common_fields[] = {
        FIELD("slices/slice", FIELD_PRESENT, Source, slice.present),
        FIELD("slices/slice@offset", FIELD_NUMBER, Source, slice.offset),
        FIELD("slices/slice@size", FIELD_NUMBER, Source, slice.size),
        FIELD("reservations", FIELD_ELEMENT, Source, reservations),
        FIELD_SAID("@index", FIELD_IGNORED, NULL), /* libvirt's number for an image of a running guest */
        FIELD_SAID("privateData", FIELD_IGNORED, NULL),
        FIELD_SAID("@fdgroup", FIELD_WARNED, "ignored; the file is opened by its name"),
        {},
};

static const Field reservation_fields[] = {
        FIELD("@managed", FIELD_YESNO, Source, reservations_managed),
        FIELD("source@path", FIELD_PATH, Source, reservations_path),
        FIELD_SAID("@enabled", FIELD_IGNORED, NULL), /* the former name of "managed" */
        FIELD_SAID("source@type", FIELD_IGNORED, NULL),
        FIELD_SAID("source@mode", FIELD_IGNORED, NULL),
        {},
};

static const Field encryption_fields[] = {
        FIELD_OF_WORDS("@format", SourceEncryption, format, encryption_words),
        FIELD_OF_WORDS("@engine", SourceEncryption, engine, engine_words),
        FIELD_SAID(
                "cipher", FIELD_REFUSED, "not supported, because the image itself determines it; remove it"),
        FIELD_SAID(
                "ivgen", FIELD_REFUSED, "not supported, because the image itself determines it; remove it"),
        {},
};

static const Field nvme_fields[] = {
        FIELD("@managed", FIELD_YESNO, SourceNvme, managed),
        FIELD_IN_RANGE("@namespace", SourceNvme, namespace, 1, UINT32_MAX),
        FIELD_IN_RANGE("address@domain", SourceNvme, domain, 0, 0xffff),
        FIELD_IN_RANGE("address@bus", SourceNvme, bus, 0, 0xff),
        FIELD_IN_RANGE("address@slot", SourceNvme, slot, 0, 0x1f),
        FIELD_IN_RANGE("address@function", SourceNvme, function, 0, 7),
        {},
};

static void read_path(Guest *g, Source *s, const char *attribute)
{
        const Field fields[] = { { .path = attribute, .type = FIELD_PATH, .offset = offsetof(Source, path) },
                                 {} };
        const char *path = xml_attribute(s->xml, attribute + 1);

        /* some programs write an empty name for a drive without a medium, which libvirt accepts */
        if (path && *path)
                fields_read(s->xml, fields, s, g->findings);
        s->empty = !s->path;
}

static void read_fixed(Guest *g, Source *s, const char *const *words)
{
        const char *type = xml_attribute(s->xml, "type");

        if (!type || !words_find(words, type))
                guest_error(g, s->place, "<source>: expected type='%s'", words[0]);
}

static void read_where(Guest *g, Source *s)
{
        switch ((SourceType) s->type) {
        case SOURCE_FILE:
                read_path(g, s, "@file");
                break;
        case SOURCE_BLOCK:
        case SOURCE_VHOST_VDPA:
                read_path(g, s, "@dev");
                break;
        case SOURCE_DIRECTORY:
                read_path(g, s, "@dir");
                break;
        case SOURCE_NETWORK:
                source_network_read(g, s->xml, s);
                break;
        case SOURCE_VOLUME:
                xml_claim_all(s->xml);
                guest_error(
                        g, s->place,
                        "<source>: type='volume' is not supported; name the volume's file or device instead "
                        "(virsh vol-path prints it)");
                break;
        case SOURCE_NVME:
                read_fixed(g, s, pci_words);
                fields_read(s->xml, nvme_fields, &s->nvme, g->findings);
                break;
        case SOURCE_VHOST_USER:
                read_fixed(g, s, unix_words);
                read_path(g, s, "@path");
                break;
        }
}

/* A startup policy only says what libvirt does if the image is missing. */
static void read_policy(Guest *g, Source *s)
{
        static const char *const policies[] = { "mandatory", "requisite", "optional", NULL };
        const char *policy = xml_attribute(s->xml, "startupPolicy");

        if (!policy)
                return;
        if (!words_find(policies, policy))
                guest_error(
                        g, s->place,
                        "<source>: startupPolicy='%s' must be one of: mandatory, requisite, optional%s",
                        policy, words_hint(policies, policy).text);
        else if (!source_is_local(s) && s->type != SOURCE_DIRECTORY)
                guest_error(
                        g, s->place,
                        "<source>: startupPolicy requires a file, a directory or a block device");
        else if (!streq(policy, "mandatory"))
                guest_warning(
                        g, s->place,
                        "<source>: startupPolicy='%s' is treated as 'mandatory': the guest does not start "
                        "without the image",
                        policy);
}

/*
 * Images carry no security labels here: the unit's own confinement and the image's owner decide. So a label
 * is only a warning, but relabel='no' keeps the owner of the file.
 */
static void read_labels(Guest *g, Source *s)
{
        XML_FOREACH(label, s->xml, "seclabel") {
                const char *model = xml_attribute(label, "model"),
                           *relabel = xml_attribute(label, "relabel");
                bool off = (relabel && streq(relabel, "no")) || xml_attribute(label, "labelskip");
                XmlElement *text = xml_child(label, "label");

                (void) xml_attribute(label, "type"); /* irrelevant for an image */
                if (relabel && !streq(relabel, "no") && !streq(relabel, "yes"))
                        guest_error(
                                g, label->place, "<seclabel>: relabel='%s' must be 'yes' or 'no'", relabel);
                else if (relabel && !off && !text)
                        guest_error(g, label->place, "<seclabel>: relabel='yes' requires a <label>");
                else if (off && text)
                        guest_error(g, label->place, "<seclabel>: <label> requires relabel='yes'");
                if (text && *xml_text(text))
                        guest_warning(
                                g, label->place,
                                "<seclabel>: ignored; vmunit does not label images, so label the file "
                                "itself (chcon, semanage fcontext)");
                if (off && model && streq(model, "dac"))
                        s->keep_owner = true;
        }
}

static void read_encryption(Guest *g, XmlElement *holder, Source *s)
{
        SourceEncryption *e = &s->encryption;

        e->xml = xml_child(s->xml, "encryption") ?: xml_child(holder, "encryption");
        if (!e->xml)
                return;
        fields_read(e->xml, encryption_fields, e, g->findings);
        secret_read(g, e->xml, &e->secret);
}

static void read_auth(Guest *g, XmlElement *holder, Source *s)
{
        XmlElement *auth = xml_child(s->xml, "auth") ?: xml_child(holder, "auth");

        if (!auth)
                return;
        s->user = xml_attribute(auth, "username");
        if (!s->user)
                guest_error(g, auth->place, "<auth>: username='…' is missing");
        secret_read(g, auth, &s->auth);
        if (!s->auth.xml)
                guest_error(g, auth->place, "<auth>: <secret> is missing");
}

static const Field format_fields[] = {
        FIELD_OF_SIZE("metadata_cache/max_size", Source, options.metadata_cache, 1),
        {},
};

/* Of <backingStore> and <dataStore>, which say their type and format in the same way. */
static Source *read_behind(Guest *g, XmlElement *holder, const char *const *formats)
{
        const char *type = xml_attribute(holder, "type"), *format_name;
        XmlElement *format = xml_child(holder, "format");
        Source *s = guest_zeroed(g, 1, sizeof(*s));
        int type_word = type ? words_find(source_type_words, type) : 0, format_word;

        (void) xml_attribute(holder, "index");
        if (!s)
                return NULL;
        if (!type_word) {
                guest_error(
                        g, holder->place,
                        "<%s>: type='%s' is not supported for an image; use file, block or network%s",
                        holder->name, type ?: "", words_hint(source_type_words, type ?: "").text);
                return NULL;
        }
        format_name = format ? xml_attribute(format, "type") : NULL;
        format_word = format_name ? words_find(formats, format_name) : 0;
        if (!format_word) {
                guest_error(
                        g, holder->place, "<%s>: its <format type='…'/> %s%s", holder->name,
                        format_name ? "is not supported by QEMU here" : "is missing",
                        words_hint(formats, format_name ?: "").text);
                return NULL;
        }
        source_read(g, holder, type_word, format_word, s);
        fields_read(format, format_fields, s, g->findings);
        if (s->empty)
                guest_error(g, holder->place, "<%s>: its <source> is missing", holder->name);
        return s;
}

static unsigned depth(const XmlElement *e)
{
        unsigned n = 0;

        for (; e; e = e->parent)
                n++;
        return n;
}

static void read_backing(Guest *g, XmlElement *holder, Source *s)
{
        XmlElement *backing = xml_child(holder, "backingStore");

        if (!backing)
                return;
        if (depth(backing) > SOURCE_DEPTH_MAX) {
                guest_error(g, backing->place, "<backingStore>: at most %d are supported", SOURCE_DEPTH_MAX);
                xml_claim_all(backing);
        } else if (!xml_attribute(backing, "type")) {
                s->last = true;
                (void) xml_attribute(backing, "index");
        } else {
                s->backing = read_behind(g, backing, source_format_words);
        }
}

void source_read(Guest *g, XmlElement *holder, int type, int format, Source *ret)
{
        XmlElement *source = xml_child(holder, "source"), *data;

        *ret = (Source){ .xml = source ?: holder,
                         .place = source ? source->place : holder->place,
                         .type = type,
                         .format = format };
        read_backing(g, holder, ret);
        if (!source) {
                ret->empty = true;
                read_encryption(g, holder, ret);
                return;
        }
        fields_read(source, common_fields, ret, g->findings);
        read_where(g, ret);
        read_policy(g, ret);
        read_labels(g, ret);
        read_auth(g, holder, ret);
        read_encryption(g, holder, ret);
        if (ret->reservations)
                fields_read(ret->reservations, reservation_fields, ret, g->findings);
        if (ret->slice.present) {
                XmlElement *slice = xml_child(xml_child(source, "slices"), "slice");
                const char *what = xml_attribute(slice, "type");

                if (!what || !streq(what, "storage") || !ret->slice.offset.set || !ret->slice.size.set)
                        guest_error(
                                g, slice->place, "<slice>: type='storage', offset and size are required");
        }
        data = xml_child(source, "dataStore");
        if (data)
                ret->data = read_behind(g, data, raw_words);
}

bool source_is_local(const Source *s)
{
        return s->type == SOURCE_FILE || s->type == SOURCE_BLOCK;
}

void source_complete(Guest *g, Source *s, const SourceOptions *options)
{
        SourceOptions behind = { .cache = options->cache, .io = options->io, .discard = options->discard };

        s->options = *options;
        if (s->backing) {
                behind.metadata_cache = s->backing->options.metadata_cache;
                s->backing->read_only = true;
                source_complete(g, s->backing, &behind);
        }
        if (s->data) {
                behind.metadata_cache = s->data->options.metadata_cache;
                s->data->read_only = s->read_only;
                s->data->shared = s->shared;
                source_complete(g, s->data, &behind);
        }
}

static bool has_format_node(const Source *s)
{
        bool own_luks = s->encryption.xml && s->encryption.engine != ENCRYPTION_LIBRBD;

        return (s->format != FORMAT_RAW && s->format != FORMAT_FAT) || own_luks;
}

static void name_nodes(Guest *g, Source *s, const char *prefix)
{
        s->node = s->storage_node = guest_text(g, "%s-storage", prefix);
        if (s->slice.present)
                s->node = s->slice_node = guest_text(g, "%s-slice-sto", prefix);
        if (has_format_node(s))
                s->node = s->format_node = guest_text(g, "%s-format", prefix);
        s->secret_id = guest_text(g, "%s-format-encryption-secret0", prefix);
        s->auth_id = guest_text(g, "%s-storage-auth-secret0", prefix);
        s->cookie_id = guest_text(g, "%s-storage-httpcookie-secret0", prefix);
        source_network_name(g, s);
        s->tls_id = guest_text(g, "obj%s-storage_tls0", prefix);
        s->manager_id = s->reservations_managed == OFF ? guest_text(g, "pr-helper-%s-storage", prefix)
                                                       : "pr-helper0";
}

void source_name(Guest *g, Source *s)
{
        if (!s->empty)
                name_nodes(g, s, guest_text(g, "libvirt-%u", ++g->n_images));
        if (s->data)
                source_name(g, s->data);
        if (s->backing)
                source_name(g, s->backing);
}

unsigned source_count(const Source *s)
{
        return (s->empty ? 0 : 1) + (s->data ? source_count(s->data) : 0) +
               (s->backing ? source_count(s->backing) : 0);
}

void source_name_for(Guest *g, Source *s, const char *prefix, unsigned depth)
{
        if (!s->empty)
                name_nodes(g, s, depth == 0 ? prefix : guest_text(g, "%s.%u", prefix, depth));
        if (s->data)
                source_name_for(g, s->data, guest_text(g, "%s.d", prefix), depth);
        if (s->backing)
                source_name_for(g, s->backing, prefix, depth + 1);
}

void source_name_as(Guest *g, Source *s, const char *prefix)
{
        name_nodes(g, s, prefix);
        if (s->data)
                source_name(g, s->data);
        if (s->backing)
                source_name(g, s->backing);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The XML names the firmware's files, or only its kind. In that case the first of the distribution's
 * descriptors that matches decides, as with libvirt. All guests share an EFI's code; each guest has a file
 * of variables, which is copied from a template at its first start.
 */

#include "guest/firmware/firmware.h"

#include <errno.h>

#include "guest/firmware/firmware-choice.h"
#include "guest/firmware/firmware-descriptor.h"
#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

const char *const firmware_interface_words[] = { "bios", "efi", NULL };
static const char *const type_words[] = { "rom", "pflash", NULL };
const char *const firmware_format_words[] = { "raw", "qcow2", NULL };
static const Field firmware_fields[] = {
        FIELD_OF_WORDS("@firmware", Firmware, automatic, firmware_interface_words),
        FIELD("loader", FIELD_PRESENT, Firmware, loader_there),
        FIELD("loader", FIELD_PATH, Firmware, loader),
        FIELD_OF_WORDS("loader@type", Firmware, type, type_words),
        FIELD_OF_WORDS("loader@format", Firmware, format, firmware_format_words),
        FIELD("loader@readonly", FIELD_YESNO, Firmware, readonly),
        FIELD("loader@secure", FIELD_YESNO, Firmware, secure),
        FIELD("loader@stateless", FIELD_YESNO, Firmware, stateless),
        FIELD("varstore", FIELD_PRESENT, Firmware, varstore_there),
        FIELD("varstore@path", FIELD_PATH, Firmware, varstore),
        FIELD("varstore@template", FIELD_PATH, Firmware, varstore_template),
        FIELD("nvram", FIELD_PRESENT, Firmware, nvram_there),
        FIELD("nvram@template", FIELD_PATH, Firmware, template),
        FIELD_OF_WORDS("nvram@format", Firmware, nvram_format, firmware_format_words),
        FIELD_OF_WORDS("nvram@templateFormat", Firmware, template_format, firmware_format_words),
        {},
};

static const Field nvram_path[] = {
        FIELD(".", FIELD_PATH, Firmware, nvram),
        {},
};

static void read_nvram(Guest *g, XmlElement *xml)
{
        Firmware *f = guest_own(g, firmware);
        const char *type = xml_attribute(xml, "type");
        int which = type ? words_find(source_type_words, type) : 0;

        if (!type) {
                fields_read(xml, nvram_path, f, g->findings);
                return;
        }
        if (which != SOURCE_FILE && which != SOURCE_BLOCK && which != SOURCE_NETWORK) {
                guest_error(g, xml->place, "<nvram>: type='%s' must be one of: file, block, network", type);
                return;
        }
        source_read(g, xml, which, FORMAT_RAW, &f->nvram_source);
        f->nvram_is_remote = which == SOURCE_NETWORK && !f->nvram_source.empty;
        f->nvram_is_block = which == SOURCE_BLOCK;
        f->nvram = f->nvram_source.path;
        if (!xml_child(xml, "source"))
                guest_error(g, xml->place, "<nvram>: type='%s' requires <source>", type);
        else if (!f->nvram && which != SOURCE_NETWORK)
                guest_error(g, xml->place, "<nvram>: <source> requires a path");
}

static void read_features(Guest *g, XmlElement *xml)
{
        static const char *const names[] = { "secure-boot", "enrolled-keys", NULL };
        Tristate *to[] = { &guest_own(g, firmware)->secure_boot, &guest_own(g, firmware)->enrolled_keys };

        XML_FOREACH(e, xml, "feature") {
                const char *name = xml_attribute(e, "name");
                int which = name ? words_find(names, name) : 0;
                const Field enabled[] = { { "@enabled", FIELD_YESNO, .offset = 0 }, {} };

                if (which == 0) {
                        xml_claim_all(e);
                        guest_error(
                                g, e->place,
                                "<feature>: name='%s' must be one of: secure-boot, enrolled-keys%s",
                                name ?: "", words_hint(names, name ?: "").text);
                        continue;
                }
                fields_read(e, enabled, to[which - 1], g->findings);
                if (*to[which - 1] == UNSET)
                        guest_error(g, e->place, "<feature>: the attribute enabled is required");
        }
}

static void firmware_read(Guest *g)
{
        Firmware *f = guest_own(g, firmware);
        XmlElement *os = xml_child(g->xml, "os"), *loader, *nvram, *features;

        if (!os)
                return;
        loader = xml_child(os, "loader");
        nvram = xml_child(os, "nvram");
        features = xml_child(os, "firmware");
        f->place = loader ? loader->place : os->place;
        fields_read(os, firmware_fields, f, g->findings);
        if (nvram)
                read_nvram(g, nvram);
        if (features) {
                read_features(g, features);
                if (!f->automatic)
                        guest_error(g, features->place, "<firmware>: <feature> requires <os firmware='…'>");
        }
}

bool firmware_is_efi(const Firmware *f)
{
        return f->type == LOADER_PFLASH || f->varstore_there;
}

/* Contradictions within the XML, before it is used to choose a firmware. */
static bool is_consistent(Guest *g)
{
        const Firmware *f = g->firmware;
        size_t before = findings_count(g->findings);
        Place place = f->place;

        if (!f->automatic && f->loader_there && !f->loader)
                guest_error(g, place, "<loader>: requires a path, or <os firmware='…'> to choose one");
        if (!f->automatic && f->nvram_there && !f->loader_there)
                guest_error(g, place, "<nvram> requires <loader>, or <os firmware='…'> to choose one");
        if (f->secure_boot == OFF && f->enrolled_keys == ON)
                guest_error(g, place, "<firmware>: enrolled-keys requires secure-boot");
        if (f->stateless == ON && f->nvram_there)
                guest_error(g, place, "<nvram>: cannot be combined with <loader stateless='yes'>");
        if (f->type == LOADER_ROM && f->nvram_there)
                guest_error(g, place, "<nvram>: cannot be combined with <loader type='rom'>");
        if (f->varstore_there && !f->automatic && !f->loader_there)
                guest_error(g, place, "<varstore> requires <loader>, or <os firmware='…'> to choose one");
        if (f->varstore_there && (f->nvram_there || f->type == LOADER_PFLASH || f->stateless == ON ||
                                  f->automatic == FIRMWARE_BIOS))
                guest_error(
                        g, place,
                        "<varstore>: requires an EFI with type='rom' and cannot be combined with <nvram> or "
                        "stateless='yes'");
        if (f->type == LOADER_ROM && f->stateless == OFF)
                guest_error(g, place, "<loader>: stateless cannot be combined with type='rom'");
        if (f->automatic == FIRMWARE_BIOS &&
            (f->nvram_there || f->type == LOADER_PFLASH || f->stateless == OFF))
                guest_error(g, place, "<os>: firmware='bios' has no flash chips and no variables");
        if (f->template && (f->nvram_is_block || f->nvram_is_remote))
                guest_error(g, place, "<nvram>: a template requires type='file'");
        return findings_count(g->findings) == before;
}

static void complete_nvram(Guest *g)
{
        Firmware *f = guest_own(g, firmware);
        const char *suffix;

        if (f->type != LOADER_PFLASH || f->readonly != ON || f->stateless == ON)
                return;
        if (!f->nvram_format)
                f->nvram_format = f->format;
        if (f->nvram_is_remote) {
                f->nvram_source.format = f->nvram_format == FIRMWARE_QCOW2 ? FORMAT_QCOW2 : FORMAT_RAW;
                f->nvram_source.last = true;
                source_complete(g, &f->nvram_source, &(SourceOptions){ 0 });
                source_name_as(g, &f->nvram_source, "libvirt-pflash1");
        }
        if (f->nvram || f->nvram_is_remote)
                return;
        suffix = f->nvram_format == FIRMWARE_QCOW2                    ? ".qcow2"
                 : f->template && text_ends_with(f->template, ".raw") ? ".raw"
                                                                      : ".fd";
        f->nvram = guest_text(g, "%s/%s_VARS%s", g->settings->state_directory, g->general->name, suffix);
}

static void firmware_complete(Guest *g)
{
        Firmware *f = guest_own(g, firmware);

        if (!is_consistent(g))
                return;
        if (!f->automatic && f->loader && !f->type)
                f->type = LOADER_ROM;
        if ((f->automatic || f->type == LOADER_PFLASH) && !firmware_choose(g))
                return;
        if (f->type == LOADER_PFLASH && !f->format)
                f->format = FIRMWARE_RAW;
        complete_nvram(g);
        if (f->varstore_there && !f->varstore)
                f->varstore =
                        guest_text(g, "%s/%s_VARS.json", g->settings->state_directory, g->general->name);
}

static void firmware_check(const Guest *g)
{
        const Firmware *f = g->firmware;
        bool x86 = os_is_x86(g->os);

        if (f->type == LOADER_PFLASH && !g->features->acpi)
                guest_error(g, f->place, "<os>: an EFI requires <acpi/> in <features>");
        if (!x86 && g->features->acpi && !firmware_is_efi(f) && !f->automatic)
                guest_error(g, f->place, "<acpi/>: requires an EFI as firmware on this machine type");
        if (f->type == LOADER_PFLASH && x86 && !os_is_pc(g->os))
                guest_error(
                        g, f->place,
                        "<loader>: type='pflash' is not supported: this machine type has no flash chips");
        if (f->nvram_is_remote)
                source_check(g, &f->nvram_source);
        if (f->secure == ON) {
                if (f->type != LOADER_PFLASH)
                        guest_error(g, f->place, "<loader>: secure='yes' requires type='pflash'");
                else if (g->os->family != MACHINE_Q35 || g->os->arch != ARCH_X86_64)
                        guest_error(
                                g, f->place,
                                "<loader>: secure='yes' requires a q35 machine with arch='x86_64'");
                else if (g->features->smm != ON)
                        guest_error(g, f->place, "<loader>: secure='yes' requires <smm state='on'/>");
        }
        if (f->template && f->template_format && f->nvram_format && f->template_format != f->nvram_format)
                guest_error(
                        g, f->place,
                        "<nvram>: the template's format is '%s', so its copy cannot have format '%s'",
                        firmware_format_words[f->template_format - 1],
                        firmware_format_words[f->nvram_format - 1]);
        if (f->nvram && !f->template && f->type == LOADER_PFLASH && !f->nvram_is_block && !f->nvram_there)
                guest_error(
                        g, f->place, "<nvram>: there is no known template for %s; add <nvram template='…'/>",
                        f->loader);
}

void firmware_machine(const Guest *g, Props *machine)
{
        const Firmware *f = g->firmware;

        if (f->type != LOADER_PFLASH)
                return;
        props_text(machine, "pflash0", "libvirt-pflash0-format");
        if (f->nvram_is_remote)
                props_text(machine, "pflash1", f->nvram_source.node);
        else if (f->nvram)
                props_text(
                        machine, "pflash1",
                        f->nvram_format == FIRMWARE_QCOW2 ? "libvirt-pflash1-format"
                                                          : "libvirt-pflash1-storage");
}

/* QEMU's sandbox contains /usr; a file anywhere else has to be granted. */
static void grant(Plan *p, const char *path, Access access)
{
        if (access == ACCESS_WRITE || !text_after(path, "/usr/"))
                plan_grant(p, path, access);
}

/* The same for a file that is a node of QEMU's. */
static void hand_over(const Guest *g, Plan *p, const char *node, const char *path, Access access)
{
        if (g->settings->policy->disks_by_descriptor) {
                plan_image(p, &(Image){ .node = node, .path = path, .access = access });
                if (text_after(path, "/dev/"))
                        plan_directive(p, "DeviceAllow", "%s %s", path, access == ACCESS_READ ? "r" : "rw");
        } else
                plan_grant(p, path, access);
}

static void build_format(Plan *p, const char *node, const char *storage, int format, bool readonly)
{
        Props props = props_new("node-name", node);

        props_bool(&props, "read-only", readonly);
        props_text(&props, "driver", firmware_format_words[format - 1]);
        props_text(&props, "file", storage);
        if (format == FIRMWARE_QCOW2)
                props_json_value(&props, "backing", json_null());
        plan_json(p, "-blockdev", &props);
}

static void build_code(const Guest *g, const Firmware *f, Plan *p)
{
        bool readonly = f->readonly == ON;
        Props storage = props_new("driver", "file");

        props_text(&storage, "filename", f->loader);
        props_text(&storage, "node-name", "libvirt-pflash0-storage");
        props_bool(&storage, "auto-read-only", true);
        props_text(&storage, "discard", "unmap");
        plan_json(p, "-blockdev", &storage);
        build_format(p, "libvirt-pflash0-format", "libvirt-pflash0-storage", f->format, readonly);
        if (!readonly || !text_after(f->loader, "/usr/"))
                hand_over(g, p, "libvirt-pflash0-storage", f->loader, readonly ? ACCESS_READ : ACCESS_WRITE);
}

/* In its state directory the guest's user needs no grant for what it opens by path. node: NULL for a file
 * that QEMU always opens by its path. */
static void plan_variables(const Guest *g, const char *node, const char *path, const char *template, Plan *p)
{
        bool own = path_is_in(path, g->settings->state_directory),
             by_path = !node || !g->settings->policy->disks_by_descriptor;

        if (template) {
                plan_build_at(
                        p, xml_place(g->xml, node ? "os/nvram" : "os/varstore"),
                        node ? "nvram" : "varstore");
                plan_use_outside(p, POLICY_HOST_KERNEL, template, "/usr/share");
                p->nvram = path;
                p->nvram_template = template;
        }
        if (own && by_path)
                return;
        if (template && !own) /* the helper creates the file for the guest's user */
                plan_use(p, POLICY_CHOWN);
        if (node)
                hand_over(g, p, node, path, ACCESS_WRITE);
        else
                plan_grant(p, path, ACCESS_WRITE);
}

static void build_varstore(const Guest *g, Plan *p)
{
        const Firmware *f = g->firmware;
        Props device = props_new("driver", os_is_x86(g->os) ? "uefi-vars-x64" : "uefi-vars-sysbus");

        props_text(&device, "jsonfile", f->varstore);
        plan_json(p, "-device", &device);
        plan_variables(g, NULL, f->varstore, f->varstore_template, p);
}

static void build_variables(const Guest *g, Plan *p)
{
        const Firmware *f = g->firmware;
        Props storage = props_new("driver", f->nvram_is_block ? "host_device" : "file");

        props_text(&storage, "filename", f->nvram);
        props_text(&storage, "node-name", "libvirt-pflash1-storage");
        if (f->nvram_format == FIRMWARE_QCOW2) {
                props_bool(&storage, "auto-read-only", true);
                props_text(&storage, "discard", "unmap");
        } else {
                props_bool(&storage, "read-only", false);
        }
        plan_json(p, "-blockdev", &storage);
        if (f->nvram_format == FIRMWARE_QCOW2)
                build_format(p, "libvirt-pflash1-format", "libvirt-pflash1-storage", f->nvram_format, false);
        plan_variables(g, "libvirt-pflash1-storage", f->nvram, f->template, p);
}

static void firmware_build(const Guest *g, Plan *p)
{
        const Firmware *f = g->firmware;

        plan_build_at(p, f->place, "loader");
        if (f->loader)
                plan_use_outside(p, POLICY_HOST_KERNEL, f->loader, "/usr/share");
        if (f->type == LOADER_ROM && f->loader) {
                plan_value(p, "-bios", f->loader);
                grant(p, f->loader, ACCESS_READ);
        }
        if (f->varstore)
                build_varstore(g, p);
        if (f->type != LOADER_PFLASH)
                return;
        build_code(g, f, p);
        if (f->nvram_is_remote)
                source_build(g, &f->nvram_source, p);
        else if (f->nvram)
                build_variables(g, p);
        if (f->secure == ON) {
                Props secure = props_new("driver", "cfi.pflash01");

                props_text(&secure, "property", "secure");
                props_bool(&secure, "value", true);
                plan_list_named(p, "-global", &secure);
        }
}

const GuestPart part_firmware = {
        GUEST_PART(Firmware, firmware), .read = firmware_read,   .complete = firmware_complete,
        .check = firmware_check,        .build = firmware_build,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Chooses the guest's firmware among the distribution's descriptors: the first that has everything the XML
 * requests and contradicts nothing in it.
 */

#include "guest/firmware/firmware-choice.h"

#include <errno.h>

#include "guest/firmware/firmware-descriptor.h"
#include "guest/firmware/firmware.h"
#include "guest/firmware/launch-security.h"
#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

/* A name that the patterns of descriptors match, even for an alias. */
static const char *versioned_machine(Guest *g)
{
        if (streq(g->os->machine, "pc"))
                return "pc-i440fx-10.0";
        if (streq(g->os->machine, "q35"))
                return "pc-q35-10.0";
        return streq(g->os->machine, "virt") ? "virt-10.0" : g->os->machine;
}

static bool format_fits(int wanted, const char *format)
{
        int is = words_find(firmware_format_words, format);

        return is > 0 && (!wanted || wanted == is);
}

static bool flash_fits(const Firmware *f, const FirmwareDescriptor *d)
{
        if (f->loader && !streq(f->loader, d->code))
                return false;
        if (f->template && (d->mode != FIRMWARE_SPLIT || !streq(f->template, d->vars)))
                return false;
        if (d->mode != (f->stateless == ON ? FIRMWARE_STATELESS : FIRMWARE_SPLIT) || f->readonly == OFF)
                return false;
        if (!format_fits(f->format, d->code_format))
                return false;
        /* the template's format is that of its copies; variables elsewhere are not made of it */
        return d->mode != FIRMWARE_SPLIT || f->nvram_is_remote || f->nvram_is_block ||
               format_fits(f->nvram_format, d->vars_format);
}

static bool wants(Tristate wanted, unsigned has)
{
        return wanted == UNSET || (wanted == ON) == (has != 0);
}

static bool fits(Guest *g, const FirmwareDescriptor *d)
{
        static const char *const archs[] = { "x86_64", "i386", "aarch64" };
        const Firmware *f = g->firmware;
        int interface = f->automatic ?: f->type == LOADER_PFLASH ? FIRMWARE_EFI : FIRMWARE_BIOS;
        bool smm = d->features & FIRMWARE_REQUIRES_SMM;

        if (!(d->interfaces & 1u << interface) ||
            !firmware_descriptor_targets(d, archs[g->os->arch - 1], versioned_machine(g)))
                return false;
        if (f->type && f->type != (d->device == FIRMWARE_FLASH ? LOADER_PFLASH : LOADER_ROM))
                return false;
        if (d->device == FIRMWARE_FLASH ? !flash_fits(f, d) : (f->loader && !streq(f->loader, d->code)))
                return false;
        if (f->varstore_there && !(d->features & FIRMWARE_HOST_VARIABLES))
                return false;
        if (d->features & FIRMWARE_HOST_VARIABLES &&
            (f->nvram_there || d->device != FIRMWARE_MEMORY ||
             (f->varstore_template && !streq_null(f->varstore_template, d->vars))))
                return false;
        if (g->general->suspend_to_mem == ON && !(d->features & FIRMWARE_S3))
                return false;
        if (g->general->suspend_to_disk == ON && !(d->features & FIRMWARE_S4))
                return false;
        if (!wants(f->secure_boot, d->features & FIRMWARE_SECURE_BOOT) ||
            !wants(f->enrolled_keys, d->features & FIRMWARE_ENROLLED_KEYS))
                return false;
        if (launch_security_needs(g->launch_security) & ~d->features)
                return false;
        if (smm && g->features->smm == OFF)
                return false;
        return wants(f->secure, smm);
}

static void take(Guest *g, const FirmwareDescriptor *d)
{
        Firmware *f = guest_own(g, firmware);

        f->loader = guest_text(g, "%s", d->code);
        f->type = d->device == FIRMWARE_FLASH ? LOADER_PFLASH : LOADER_ROM;
        if (d->device == FIRMWARE_FLASH) {
                f->readonly = ON;
                f->format = words_find(firmware_format_words, d->code_format);
        }
        if (d->device == FIRMWARE_FLASH && d->mode == FIRMWARE_SPLIT && !f->nvram_is_block &&
            !f->nvram_is_remote) {
                f->template = guest_text(g, "%s", d->vars);
                f->template_format = words_find(firmware_format_words, d->vars_format);
        }
        if (d->features & FIRMWARE_HOST_VARIABLES) {
                f->varstore_there = true;
                if (d->vars)
                        f->varstore_template = guest_text(g, "%s", d->vars);
        }
        if (d->features & FIRMWARE_REQUIRES_SMM) {
                guest_own(g, features)->smm = ON;
                f->secure = ON;
        }
}

/* QEMU comes with a BIOS for each PC, which needs no descriptor. */
static void complain_of_none(Guest *g, bool any)
{
        const Firmware *f = g->firmware;

        if (f->automatic == FIRMWARE_BIOS && !f->loader && os_is_x86(g->os))
                return;
        if (!any)
                guest_error(
                        g, f->place,
                        "<os>: there are no firmware descriptors in /usr/share/qemu/firmware or "
                        "/etc/qemu/firmware; install %s",
                        os_is_x86(g->os) ? "ovmf (edk2-ovmf)" : "qemu-efi-aarch64 (edk2-aarch64)");
        else if (f->loader || f->template)
                guest_error(
                        g, f->place,
                        "<os>: no firmware described in /usr/share/qemu/firmware or /etc/qemu/firmware is "
                        "%s with everything requested here; omit the paths to let firmware='%s' choose "
                        "among those of this host",
                        f->loader ?: f->template, firmware_interface_words[f->automatic - 1]);
        else
                guest_error(
                        g, f->place,
                        "<os>: no firmware described in /usr/share/qemu/firmware or /etc/qemu/firmware is "
                        "'%s' with everything requested here",
                        firmware_interface_words[f->automatic - 1]);
}

/* Older files of distributions: descriptors no longer name them, but guests do. Source: libvirt's built-in
 * list. */
static const struct {
        const char *code, *vars;
} old_files[] = {
        { "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
        { "/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
        { "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd" },
};

static void take_old(Firmware *f)
{
        for (size_t i = 0; i < ELEMENTS(old_files); i++)
                if (f->loader && !f->template && !f->nvram_is_block && !f->nvram_is_remote &&
                    f->stateless != ON && f->nvram_format != FIRMWARE_QCOW2 &&
                    streq(f->loader, old_files[i].code))
                        f->template = old_files[i].vars;
}

bool firmware_choose(Guest *g)
{
        FirmwareDescriptors all = { 0 };
        const FirmwareDescriptor *found = NULL;
        bool any;

        if (firmware_descriptors_load(&all, g->settings->root, g->findings, g->firmware->place) < 0)
                g->status = -ENOMEM;
        for (size_t i = 0; i < all.count && !found; i++)
                if (fits(g, &all.items[i]))
                        found = &all.items[i];
        if (found)
                take(g, found);
        any = all.count > 0;
        firmware_descriptors_done(&all);
        if (found)
                return true;
        if (!g->firmware->automatic) {
                take_old(guest_own(g, firmware));
                return true;
        }
        complain_of_none(g, any);
        return false;
}

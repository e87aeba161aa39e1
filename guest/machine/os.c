/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * There is no list of machine types, since each QEMU release adds some. Only the family matters: buses,
 * implied devices and many defaults depend on it. QEMU itself refuses versions that it does not have, except
 * those that no supported QEMU has any more, which are refused here.
 */

#include "guest/machine/os.h"

#include "guest/guest.h"
#include "guest/part.h"

static const char *const type_words[] = { "hvm", NULL };
static const char *const arch_words[] = { "x86_64", "i686", "aarch64", NULL };
static const char *const boot_words[] = { "fd", "cdrom", "hd", "network", NULL }; /* as BootClass */
static const char *const smbios_words[] = { "emulate", "host", "sysinfo", NULL };
static const char *const acpi_table_words[] = { "slic", "raw", "rawset", NULL };
static const char *const acpi_signatures[] = { "SLIC", NULL, NULL };

static const Field os_fields[] = {
        FIELD_OF_WORDS("type", Os, type, type_words),
        FIELD_OF_WORDS("type@arch", Os, arch, arch_words),
        FIELD("type@machine", FIELD_TEXT, Os, machine),
        FIELD("bootmenu@enable", FIELD_YESNO, Os, boot_menu),
        FIELD_IN_RANGE("bootmenu@timeout", Os, boot_menu_timeout, 0, 65535),
        FIELD("bios@rebootTimeout", FIELD_TEXT, Os, reboot_timeout),
        FIELD("bios@useserial", FIELD_YESNO, Os, use_serial),
        FIELD("kernel", FIELD_PATH, Os, kernel),
        FIELD("initrd", FIELD_PATH, Os, initrd),
        FIELD("cmdline", FIELD_STRING, Os, cmdline),
        FIELD("dtb", FIELD_PATH, Os, dtb),
        FIELD("shim", FIELD_PATH, Os, shim),
        FIELD_OF_WORDS("smbios@mode", Os, smbios_mode, smbios_words),
        FIELD_SAID("init", FIELD_REFUSED, "applies only to containers"),
        FIELD_SAID("initarg", FIELD_REFUSED, "applies only to containers"),
        FIELD_SAID("initenv", FIELD_REFUSED, "applies only to containers"),
        FIELD_SAID("initdir", FIELD_REFUSED, "applies only to containers"),
        FIELD_SAID("inituser", FIELD_REFUSED, "applies only to containers"),
        FIELD_SAID("initgroup", FIELD_REFUSED, "applies only to containers"),
        {},
};

/* How a machine type's name begins, whether a version follows, and whether QEMU has removed it. */
static const struct {
        const char *prefix;
        MachineFamily family;
        bool versioned, gone;
        unsigned archs; /* bits of Arch */
} families[] = {
        { "pc-i440fx-", MACHINE_I440FX, true, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "pc-q35-", MACHINE_Q35, true, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "pc-0.", MACHINE_I440FX, false, true, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "pc-1.", MACHINE_I440FX, false, true, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "pc", MACHINE_I440FX, false, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "q35", MACHINE_Q35, false, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "isapc", MACHINE_ISAPC, false, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "microvm", MACHINE_MICROVM, false, false, 1 << ARCH_X86_64 | 1 << ARCH_I686 },
        { "virt-", MACHINE_VIRT, true, false, 1 << ARCH_AARCH64 },
        { "virt", MACHINE_VIRT, false, false, 1 << ARCH_AARCH64 },
};

static void read_acpi_tables(Guest *g, XmlElement *os)
{
        Os *own = guest_own(g, os);
        XmlElement *acpi = xml_child(os, "acpi");

        if (!acpi)
                return;
        XML_FOREACH(table, acpi, "table") {
                const Field fields[] = {
                        FIELD_OF_WORDS("@type", AcpiTable, type, acpi_table_words),
                        FIELD(".", FIELD_PATH, AcpiTable, path),
                        {},
                };
                AcpiTable t = {};

                fields_read(table, fields, &t, g->findings);
                if (!t.type || !t.path) {
                        guest_error(g, table->place, "<table>: the attribute type and a path are required");
                        continue;
                }
                for (unsigned i = 0; i < own->n_acpi_tables; i++)
                        if (own->acpi_tables[i].type == t.type)
                                guest_error(
                                        g, table->place, "<table>: duplicate type='%s'",
                                        acpi_table_words[t.type - 1]);
                if (own->n_acpi_tables < OS_ACPI_TABLES_MAX)
                        own->acpi_tables[own->n_acpi_tables++] = t;
        }
}

static void read_boot(Guest *g, XmlElement *os)
{
        Os *own = guest_own(g, os);

        XML_FOREACH(boot, os, "boot") {
                const char *dev = xml_attribute(boot, "dev");
                int class = dev ? words_find(boot_words, dev) : 0;

                if (class == 0)
                        guest_error(
                                g, boot->place, "<boot>: dev='%s' must be one of: fd, cdrom, hd, network%s",
                                dev ?: "", words_hint(boot_words, dev ?: "").text);
                else if (own->n_boot == OS_BOOT_MAX)
                        guest_error(g, boot->place, "<boot>: at most %d are supported", OS_BOOT_MAX);
                else
                        own->boot[own->n_boot++] = class;
        }
}

static void read_reboot_timeout(Guest *g)
{
        const char *text = g->os->reboot_timeout;
        unsigned n;

        if (text && !streq(text, "-1") && text_to_unsigned(text, 65535, &n) < 0)
                guest_error_at(
                        g, "os/bios", "<bios>: rebootTimeout='%s' must be between -1 and 65535", text);
}

static unsigned version_of(const char *text)
{
        unsigned major = 0, minor = 0;

        /* distributions have their own versions ("rhel9.4.0"): treated as the newest */
        if (sscanf(text, "%3u.%3u", &major, &minor) != 2)
                return OS_NEWEST;
        return OS_VERSION(major, minor);
}

static void find_family(Guest *g)
{
        Os *os = guest_own(g, os);
        TextNear near = { .wrong = os->machine };

        for (size_t i = 0; i < ELEMENTS(families); i++) {
                bool whole = !families[i].versioned && !families[i].gone;
                const char *rest = text_after(os->machine, families[i].prefix);

                if (whole && families[i].archs & 1u << os->arch)
                        text_near_consider(&near, families[i].prefix, strlen(families[i].prefix));
                if (!rest || (whole && *rest))
                        continue;
                if (families[i].gone) {
                        guest_error_at(
                                g, "os/type",
                                "<type>: QEMU no longer supports machine='%s'; use machine='pc'",
                                os->machine);
                        return;
                }
                if (!(families[i].archs & 1u << os->arch))
                        break;
                os->family = (int) families[i].family;
                os->machine_version = families[i].versioned ? version_of(rest) : OS_NEWEST;
                return;
        }
        guest_error_at(
                g, "os/type", "<type>: machine='%s' is not supported for arch='%s'%s%s%s", os->machine,
                arch_words[os->arch - 1], *near.found ? "; did you mean '" : "", near.found,
                *near.found ? "'?" : "");
}

static bool has_arch(XmlElement *os)
{
        XmlElement *type = xml_child(os, "type");

        return type && xml_attribute(type, "arch");
}

/* The machine is completed here, since reading everything else depends on it. */
static void os_read(Guest *g)
{
        XmlElement *xml = xml_child(g->xml, "os");
        Os *os = guest_own(g, os);
        bool known;

        os->arch = ARCH_X86_64; /* for readers, if <os> is missing */
        os->place = xml ? xml->place : g->xml->place;
        if (!xml) {
                guest_error(g, os->place, "<os> is required");
                return;
        }
        os->arch = 0;
        fields_read(xml, os_fields, os, g->findings);
        known = os->arch || !has_arch(xml);
        if (!os->arch)
                os->arch = ARCH_X86_64;
        read_boot(g, xml);
        read_acpi_tables(g, xml);
        read_reboot_timeout(g);
        if (!os->type && !findings_failed(g->findings))
                guest_error(g, os->place, "<os>: <type>hvm</type> is required");
        if (!os->machine)
                os->machine = os->arch == ARCH_AARCH64 ? "virt" : "pc";
        if (known)
                find_family(g);
}

static void os_complete(Guest *g)
{
}

static bool has_serial(const Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (streq(g->devices[i]->kind->element, "serial"))
                        return true;
        return false;
}

static void os_check(const Guest *g)
{
        const Os *os = g->os;

        if (os->use_serial == ON && (!os_is_x86(os) || !has_serial(g)))
                guest_error_at(g, "os/bios", "<bios>: useserial='yes' requires a PC with a <serial>");

        if (!os->kernel && os->initrd)
                guest_error_at(g, "os/initrd", "<initrd> requires <kernel>");
        if (!os->kernel && os->cmdline)
                guest_error_at(g, "os/cmdline", "<cmdline> requires <kernel>");
        if (!os->kernel && os->shim)
                guest_error_at(g, "os/shim", "<shim> requires <kernel>");
        if (os->dtb && os_is_x86(os))
                guest_error_at(g, "os/dtb", "<dtb>: not supported: a PC has no device tree");
        if (os->boot_menu_timeout.set && os->boot_menu == UNSET)
                guest_error_at(g, "os/bootmenu", "<bootmenu>: timeout requires enable='yes'");
        if (os->boot_menu != UNSET && !os_is_x86(os) && os->boot_menu_timeout.set)
                guest_warning_at(
                        g, "os/bootmenu", "<bootmenu>: timeout is not supported by this machine's firmware");
}

bool os_is_pc(const Os *os)
{
        return os->family == MACHINE_I440FX || os->family == MACHINE_Q35;
}

bool os_machine_is_alias(const Os *os)
{
        return streq(os->machine, "pc") || streq(os->machine, "q35") || streq(os->machine, "virt");
}

const char *os_ram_id(const Os *os)
{
        if (os->family == MACHINE_MICROVM)
                return "microvm.ram";
        return os->family == MACHINE_VIRT ? "mach-virt.ram" : "pc.ram";
}

void os_machine(const Guest *g, Props *machine)
{
        /* without graphics, SeaBIOS uses the first serial port, as the device "sga" did once */
        if (g->os->use_serial == ON)
                props_bool(machine, "graphics", false);
}

static void grant(const Guest *g, Plan *p, const char *option, const char *element, const char *path)
{
        _cleanup_(freep) char *where = text_format("os/%s", element);

        if (!path)
                return;
        plan_build_at(p, xml_place(g->xml, where ?: "os"), element);
        plan_use_outside(p, POLICY_HOST_KERNEL, path, "/usr/share");
        plan_grant(p, path, ACCESS_READ);
        plan_value(p, option, path);
}

static void build_boot(const Os *os, Plan *p)
{
        Props boot = props_new("strict", "on");

        props_bool_if(&boot, "menu", os->boot_menu);
        if (os->boot_menu == ON && os->boot_menu_timeout.set)
                props_number(&boot, "splash-time", os->boot_menu_timeout.value);
        props_text(&boot, "reboot-timeout", os->reboot_timeout);
        plan_list_named(p, "-boot", &boot);
}

static void os_build(const Guest *g, Plan *p)
{
        const Os *os = g->os;

        build_boot(os, p);
        grant(g, p, "-kernel", "kernel", os->kernel);
        grant(g, p, "-initrd", "initrd", os->initrd);
        if (os->cmdline)
                plan_value(p, "-append", os->cmdline);
        grant(g, p, "-dtb", "dtb", os->dtb);
        grant(g, p, "-shim", "shim", os->shim);
        plan_build_at(p, xml_place(g->xml, "os/acpi"), "acpi");
        for (unsigned i = 0; i < os->n_acpi_tables; i++) {
                const AcpiTable *t = &os->acpi_tables[i];
                const char *signature = acpi_signatures[t->type - 1];
                Props table = props_new(signature ? "sig" : "file", signature ?: t->path);

                if (signature)
                        props_text(&table, "file", t->path);
                plan_use_outside(p, POLICY_HOST_KERNEL, t->path, "/usr/share");
                plan_grant(p, t->path, ACCESS_READ);
                plan_list_named(p, "-acpitable", &table);
        }
}

const GuestPart part_os = {
        GUEST_PART(Os, os), .read = os_read, .complete = os_complete, .check = os_check, .build = os_build,
};

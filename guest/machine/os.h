/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What boots, and in which machine: <os> except for its firmware (guest/firmware/). */

#include "guest/device.h"
#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef enum Arch {
        ARCH_X86_64 = 1,
        ARCH_I686,
        ARCH_AARCH64,
} Arch;

/* Families of machine types that differ in their buses; the type itself is Os.machine. */
typedef enum MachineFamily {
        MACHINE_I440FX = 1,
        MACHINE_Q35,
        MACHINE_ISAPC,
        MACHINE_MICROVM,
        MACHINE_VIRT,
} MachineFamily;

#define OS_BOOT_MAX        4
#define OS_ACPI_TABLES_MAX 16

typedef enum SmbiosMode {
        SMBIOS_EMULATE = 1,
        SMBIOS_HOST,
        SMBIOS_SYSINFO,
} SmbiosMode;

typedef struct AcpiTable {
        int type; /* AcpiTableType of os.c */
        const char *path;
} AcpiTable;

typedef struct Os {
        int type;
        int arch;                 /* Arch */
        const char *machine;      /* as it goes to -machine */
        int family;               /* MachineFamily */
        unsigned machine_version; /* OS_VERSION() of it; of an alias OS_NEWEST */
        Place place;              /* of <os> */

        int boot[OS_BOOT_MAX]; /* BootClass each, the first to be tried first; see boot.c */
        unsigned n_boot;
        Tristate boot_menu;
        Number boot_menu_timeout;   /* in milliseconds */
        const char *reboot_timeout; /* in milliseconds, "-1" for never */
        Tristate use_serial;

        const char *kernel, *initrd, *cmdline, *dtb, *shim;
        AcpiTable acpi_tables[OS_ACPI_TABLES_MAX];
        unsigned n_acpi_tables;
        int smbios_mode; /* SmbiosMode */
} Os;

#define OS_VERSION(major, minor) ((major) *1000u + (minor))
#define OS_NEWEST                OS_VERSION(1000, 0)

static inline bool os_is_x86(const Os *os)
{
        return os->arch != ARCH_AARCH64;
}

/* Whether the machine type is a short name that QEMU resolves to its newest version: "q35". */
bool os_machine_is_alias(const Os *os);

/* The machine's RAM as QEMU names it: "pc.ram". */
const char *os_ram_id(const Os *os);

/* Whether it is a PC with PCI slots: i440fx or q35. */
bool os_is_pc(const Os *os);

/* Whether the machine type is a short name that QEMU resolves to its newest version: "q35". */
bool os_machine_is_alias(const Os *os);

void os_machine(const Guest *g, Props *machine);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's firmware: a BIOS, or flash chips with an EFI and its variables. */

#include "guest/image/source.h"
#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef enum LoaderType {
        LOADER_ROM = 1,
        LOADER_PFLASH,
} LoaderType;

typedef enum FirmwareFormat {
        FIRMWARE_RAW = 1,
        FIRMWARE_QCOW2,
} FirmwareFormat;

typedef struct Firmware {
        int automatic; /* FirmwareInterface: <os firmware='…'> */
        Tristate secure_boot, enrolled_keys;
        Place place;

        bool loader_there;
        const char *loader;
        int type, format; /* LoaderType, FirmwareFormat */
        Tristate readonly, secure, stateless;

        bool nvram_there;
        const char *nvram, *template;
        int nvram_format, template_format; /* FirmwareFormat */
        bool nvram_is_block, nvram_is_remote;
        bool varstore_there;
        const char *varstore, *varstore_template; /* variables that QEMU keeps itself, in JSON */
        Source nvram_source; /* what <nvram type='…'> says; only a remote one is used as such */
} Firmware;

/* Whether the guest boots an EFI, from flash chips or with its variables kept by QEMU. */
bool firmware_is_efi(const Firmware *f);

void firmware_machine(const Guest *g, Props *machine);

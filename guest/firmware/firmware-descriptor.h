/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The descriptors in which distributions say what firmware they have installed. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/findings.h"

typedef enum FirmwareInterface {
        FIRMWARE_BIOS = 1,
        FIRMWARE_EFI,
} FirmwareInterface;

typedef enum FirmwareDevice {
        FIRMWARE_FLASH = 1,
        FIRMWARE_MEMORY,
} FirmwareDevice;

typedef enum FirmwareMode {
        FIRMWARE_SPLIT = 1, /* code read-only, variables in a copy of the template */
        FIRMWARE_COMBINED,
        FIRMWARE_STATELESS,
} FirmwareMode;

typedef enum FirmwareFeature {
        FIRMWARE_S3 = 1 << 0,
        FIRMWARE_S4 = 1 << 1,
        FIRMWARE_SEV = 1 << 2,
        FIRMWARE_SEV_ES = 1 << 3,
        FIRMWARE_SEV_SNP = 1 << 4,
        FIRMWARE_TDX = 1 << 5,
        FIRMWARE_ENROLLED_KEYS = 1 << 6,
        FIRMWARE_REQUIRES_SMM = 1 << 7,
        FIRMWARE_SECURE_BOOT = 1 << 8,
        FIRMWARE_HOST_VARIABLES = 1 << 9,
} FirmwareFeature;

/* Text is borrowed from the file's JSON, which lives as long as the descriptors. */
typedef struct FirmwareDescriptor {
        json_t *json;
        unsigned interfaces; /* bits of FirmwareInterface */
        FirmwareDevice device;
        FirmwareMode mode;
        const char *code, *code_format, *vars,
                *vars_format; /* vars of a FIRMWARE_MEMORY: those of FIRMWARE_HOST_VARIABLES */
        unsigned features;    /* FirmwareFeature bits */
} FirmwareDescriptor;

typedef struct FirmwareDescriptors {
        FirmwareDescriptor *items; /* the preferred ones first */
        size_t count;
        bool any_directory; /* one of the directories is there */
} FirmwareDescriptors;

/* Loads them below root (NULL for none). A file that is no
 * descriptor is a warning at place. 0 or -ENOMEM. */
int firmware_descriptors_load(FirmwareDescriptors *d, const char *root, Findings *findings, Place place);
void firmware_descriptors_done(FirmwareDescriptors *d);

/* Whether the descriptor is for the machine; machine is a versioned type ("pc-q35-9.2"), arch is QEMU's
 * ("x86_64"). */
bool firmware_descriptor_targets(const FirmwareDescriptor *d, const char *arch, const char *machine);

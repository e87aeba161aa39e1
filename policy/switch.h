/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The switches of [Guests] in vmunit.conf: each allows or forbids one function that costs the host a
 * privilege. To add one, add a row in switch.c, and have the plan notice who uses it (guest/plan/use.h).
 */

#include <stdbool.h>

/* In the order of vmunit.conf(5). */
typedef enum PolicySwitch {
        POLICY_TAP,
        POLICY_MACVTAP,
        POLICY_CHOWN,
        POLICY_RAW_IO,
        POLICY_HOST_DEVICES, /* of any kind, those of the next four rows too */
        POLICY_PCI,
        POLICY_USB,
        POLICY_MEDIATED_DEVICES,
        POLICY_SCSI,
        POLICY_LOCKED_MEMORY,
        POLICY_REAL_TIME,
        POLICY_HOST_DIRECTORIES,
        POLICY_HOST_KERNEL,
        POLICY_TCP_LISTENING,
        POLICY_QEMU_COMMANDLINE,
        POLICY_PROGRAMS,
        POLICY_SWITCHES,
} PolicySwitch;

typedef enum PolicyCostKind {
        POLICY_COST_CAPABILITY = 1, /* "CAP_CHOWN" */
        POLICY_COST_DEVICE,         /* of DeviceAllow=: "char-vfio" */
        POLICY_COST_SYSTEM_CALL,    /* of SystemCallFilter=: "mount" */
        POLICY_COST_SETTING,        /* another line of the unit: "LimitMEMLOCK=infinity" */
} PolicyCostKind;

extern const char *const policy_cost_words[]; /* indexed by kind - 1 */

/* What a unit of the system scope has only for guests that use the function. */
typedef struct PolicyCost {
        PolicyCostKind kind; /* 0 ends the list */
        const char *unit;    /* the template: "vm-helper@.service" */
        const char *what;
} PolicyCost;

#define POLICY_COSTS_MAX 8

typedef struct PolicySwitchInfo {
        const char *key;     /* in vmunit.conf */
        const char *forbids; /* "AllowTap= forbids …" */
        bool system_only;    /* users' guests do without the privilege */
        bool off_for_users;  /* the default for users' guests is "no" */
        PolicyCost costs[POLICY_COSTS_MAX];
} PolicySwitchInfo;

extern const PolicySwitchInfo policy_switches[POLICY_SWITCHES];

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmunit.conf: the administrator's policy; see vmunit.conf(5). */

#include <stdbool.h>
#include <stdint.h>

#include "policy/switch.h"
#include "util/findings.h"
#include "util/text.h"

#define POLICY_TAPS_MAX        100 /* of one user: as many as there are names */
#define POLICY_DIRECTORIES_MAX 64  /* of images: vm-launcher accepts no more */

/* MAC addresses as 48-bit numbers, most significant byte first; last is included. */
typedef struct AddressRange {
        uint64_t first, last;
} AddressRange;

/* Numbers of users, which are also those of their groups; last is included. */
typedef struct UidRange {
        uint32_t first, last;
} UidRange;

#define POLICY_USER_DEFAULT   "qemu" /* User= in units/vm@.service.in */
#define POLICY_USER_PER_GUEST "per-guest"

typedef struct PolicyBridge {
        char *name;
        Strings users, groups; /* names, numbers, or "*" for everybody */
        AddressRange *ranges;  /* allowed for guests; none: QEMU's own range */
        size_t n_ranges;
        unsigned max_taps; /* of one user; 0: the limit for all bridges together */
        bool filter_mac;   /* guests may only use their own address */
} PolicyBridge;

/* QEMU's bridge.conf: what it allows everybody. */
typedef struct PolicyBridgeConf {
        bool allow_all, deny_all;
        Strings allowed, denied; /* bridges */
} PolicyBridgeConf;

/* The value of one of the switches, and the line that set it: without a file, it is the default. */
typedef struct PolicyChoice {
        bool allowed;
        Place at;
} PolicyChoice;

/* 0: no limit */
typedef struct PolicyLimit {
        uint64_t max;
        Place at;
} PolicyLimit;

typedef struct Policy {
        Strings files; /* the files it was read from; findings borrow these names */

        /* [Guests] */
        Strings image_directories; /* where backing files that only an image names may be */
        bool save_on_stop;         /* when its unit is stopped, a guest is saved instead of powered down */
        bool disks_by_descriptor;  /* QEMU gets disks open, instead of its user the right to open them */
        PolicyChoice switches[POLICY_SWITCHES];
        Strings disk_directories; /* where disks may be; empty: anywhere */
        Place disk_directories_at;
        PolicyLimit max_guests; /* that run at a time in a scope */
        PolicyLimit max_memory; /* bytes of one guest */
        PolicyLimit max_vcpus;  /* of one guest */
        char *user;          /* of the system's guests: see policy_user_fault(); NULL: POLICY_USER_DEFAULT */
        UidRange user_range; /* for guests that have a user each */

        /* [Broker] */
        bool use_bridge_conf;
        unsigned max_taps; /* of one user, on all bridges together */

        /* [Bridge NAME] */
        PolicyBridge *bridges;
        size_t n_bridges;

        PolicyBridgeConf bridge_conf;
} Policy;

/*
 * Reads vmunit.conf and vmunit.conf.d/NAME.conf from /etc, /run and /usr/lib, as described in
 * systemd.syntax(7): the first vmunit.conf, then all drop-ins sorted by name; a drop-in in /etc hides one
 * with the same name in /run. An invalid line is an error among the findings: a policy is valid as a whole
 * or not at all. root is a prefix of the directories, NULL for none; some defaults depend on user_scope. 0;
 * -EINVAL if the findings contain an error; -ENOMEM. *policy, empty before, must be released in each case.
 */
int policy_read(const char *root, bool user_scope, Policy *policy, Findings *findings);

/*
 * Reads QEMU's bridge.conf and the files it includes. Not part of policy_read(), since only the broker has
 * to be able to read it. Same results.
 */
int policy_read_bridge_conf(const char *root, Policy *policy, Findings *findings);

/*
 * Where a setting was made, for messages: "/etc/vmunit/vmunit.conf:3", or "vmunit.conf" for a default. A new
 * string, or NULL if out of memory.
 */
char *policy_place_text(const Place *at);

/* The section for a bridge, or NULL. */
const PolicyBridge *policy_find_bridge(const Policy *policy, const char *name);

/* Whether bridge.conf lets everybody use the bridge. */
bool policy_bridge_conf_allows(const PolicyBridgeConf *conf, const char *name);

/* Whether a guest on the bridge (NULL: a bridge without a section) may have that address. */
bool policy_allows_address(const PolicyBridge *bridge, const uint8_t mac[static 6]);

/*
 * What is wrong with the text as the user of guests, or NULL. It is a user's name or number, or
 * POLICY_USER_PER_GUEST for a user that no other guest has.
 */
const char *policy_user_fault(const char *user);

void policy_done(Policy *policy);

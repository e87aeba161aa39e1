/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmunit.conf: the administrator's policy; see vmunit.conf(5). */

#include <stdbool.h>
#include <stdint.h>

#include "util/findings.h"
#include "util/text.h"

#define POLICY_TAPS_MAX        100 /* of one user: as many as there are names */
#define POLICY_DIRECTORIES_MAX 64  /* of images: vm-launcher accepts no more */

/* MAC addresses as 48-bit numbers, most significant byte first; last is included. */
typedef struct AddressRange {
        uint64_t first, last;
} AddressRange;

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

typedef struct Policy {
        Strings files; /* the files it was read from; findings borrow these names */

        /* [Guests] */
        Strings image_directories;   /* where backing files that only an image names may be */
        bool disks_by_descriptor;    /* QEMU gets disks open, instead of its user the right to open them */
        bool allow_qemu_commandline; /* <qemu:commandline> and its kin */
        bool allow_host_devices;     /* <hostdev> and others that pass a host device to the guest */

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

/* The section for a bridge, or NULL. */
const PolicyBridge *policy_find_bridge(const Policy *policy, const char *name);

/* Whether bridge.conf lets everybody use the bridge. */
bool policy_bridge_conf_allows(const PolicyBridgeConf *conf, const char *name);

/* Whether a guest on the bridge (NULL: a bridge without a section) may have that address. */
bool policy_allows_address(const PolicyBridge *bridge, const uint8_t mac[static 6]);

void policy_done(Policy *policy);

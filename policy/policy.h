/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmunit.conf: the administrator's policy; see vmunit.conf(5). */

#include <stdbool.h>
#include <stdint.h>

#include "util/findings.h"
#include "util/text.h"

#define POLICY_TAPS_MAX 100 /* of one user; as many as there are names for */

/* Addresses of network interfaces as numbers of 48 bits, the first byte the highest; last is one of them. */
typedef struct AddressRange {
        uint64_t first, last;
} AddressRange;

typedef struct PolicyBridge {
        char *name;
        Strings users, groups; /* names, numbers, or "*" for everybody */
        AddressRange *ranges;  /* that guests' addresses are from; none: QEMU's own */
        size_t n_ranges;
        unsigned max_taps; /* of one user; 0: as on all bridges together */
        bool filter_mac;   /* a guest has no other address than its own */
} PolicyBridge;

/* QEMU's bridge.conf: what its lines say to everybody. */
typedef struct PolicyBridgeConf {
        bool allow_all, deny_all;
        Strings allowed, denied; /* bridges */
} PolicyBridgeConf;

typedef struct Policy {
        Strings files; /* where it was read from; findings borrow these names */

        /* [Guests] */
        Strings image_directories;   /* where backing files that only an image names may lie */
        bool allow_qemu_commandline; /* <qemu:commandline> and its kin */
        bool allow_host_devices;     /* <hostdev> and others that hand a device of the host to the guest */

        /* [Broker] */
        bool use_bridge_conf;
        unsigned max_taps; /* of one user, on all bridges together */

        /* [Bridge NAME] */
        PolicyBridge *bridges;
        size_t n_bridges;

        PolicyBridgeConf bridge_conf;
} Policy;

/*
 * Reads vmunit.conf and vmunit.conf.d/NAME.conf, from /etc, /run and /usr/lib as systemd.syntax(7) has it:
 * the first vmunit.conf counts, then all the drop-ins sorted by name, one in /etc hiding one of its name in
 * /run. A line that is not understood is an error among the findings: a policy is followed whole or not at
 * all. root is a prefix of the directories, NULL for none; user_scope is whose guests it is read for, which
 * some defaults go by. 0, or -EINVAL where the findings hold an error, -ENOMEM; *policy, empty before, is to
 * be released in each case.
 */
int policy_read(const char *root, bool user_scope, Policy *policy, Findings *findings);

/*
 * Reads QEMU's bridge.conf and what it includes. Not part of policy_read(): only the broker has to be able
 * to. The result is as there.
 */
int policy_read_bridge_conf(const char *root, Policy *policy, Findings *findings);

/* What the policy says of a bridge, where it has a section of that name; else NULL. */
const PolicyBridge *policy_find_bridge(const Policy *policy, const char *name);

/* Whether bridge.conf lets everybody use the bridge. */
bool policy_bridge_conf_allows(const PolicyBridgeConf *conf, const char *name);

/* Whether a guest on the bridge (NULL: one without a section) may have that address. */
bool policy_allows_address(const PolicyBridge *bridge, const uint8_t mac[static 6]);

void policy_done(Policy *policy);

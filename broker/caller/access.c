/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The policy is read for each request: it is only a few small files, and this way it is never out of date.
 *
 * Users learn nothing about bridges they may not use: the answer is the same whether there is such a bridge,
 * a section for it, or neither.
 */

#include "broker/caller/access.h"

#include <errno.h>

#include "broker/call/error.h"
#include "broker/caller/user.h"
#include "policy/policy.h"

static char *first_error(const Findings *findings)
{
        for (size_t i = 0; i < findings_count(findings); i++)
                if (findings_get(findings, i)->severity == SEVERITY_ERROR)
                        return finding_format(findings_get(findings, i));
        return NULL;
}

static int read_policy(Policy *policy, char **ret_detail, sd_bus_error *error)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        int r;

        r = findings ? policy_read(NULL, true, policy, findings) : -ENOMEM;
        if (r >= 0 && policy->use_bridge_conf)
                r = policy_read_bridge_conf(NULL, policy, findings);
        if (r >= 0)
                return 0;
        if (findings)
                *ret_detail = first_error(findings);
        return sd_bus_error_set(
                error, ERROR_POLICY_BROKEN,
                "vmunit.conf is invalid, so all requests are refused. The administrator can find the line "
                "with journalctl -u vm-broker.");
}

static bool is_for(const Policy *policy, const PolicyBridge *bridge, const Identity *who, const char *name)
{
        if (policy->use_bridge_conf && policy_bridge_conf_allows(&policy->bridge_conf, name))
                return true;
        return bridge &&
               (identity_has_name(who, &bridge->users) || identity_has_group(who, &bridge->groups));
}

int access_check(uid_t uid, const CreateTap *ask, Terms *ret, char **ret_detail, sd_bus_error *ret_error)
{
        _cleanup_(identity_done) Identity who = { 0 };
        _cleanup_(policy_done) Policy policy = { 0 };
        const PolicyBridge *bridge;
        int r;

        *ret_detail = NULL;
        r = read_policy(&policy, ret_detail, ret_error);
        if (r < 0)
                return r;
        r = identity_find(uid, &who);
        if (r < 0)
                return r;
        bridge = policy_find_bridge(&policy, ask->bridge);
        if (!is_for(&policy, bridge, &who, ask->bridge))
                return sd_bus_error_setf(
                        ret_error, ERROR_NOT_ALLOWED,
                        "User %u may not use the bridge %s: vmunit.conf does not allow it.", uid,
                        ask->bridge);
        if (!policy_allows_address(bridge, ask->mac))
                return sd_bus_error_setf(
                        ret_error, ERROR_ADDRESS_NOT_ALLOWED,
                        "The guest's MAC address is not among those that vmunit.conf allows on the bridge "
                        "%s (MACAddresses=).",
                        ask->bridge);
        *ret = (Terms){
                .max_taps = policy.max_taps,
                .max_bridge_taps = bridge && bridge->max_taps ? bridge->max_taps : policy.max_taps,
                .filter_mac = !bridge || bridge->filter_mac,
        };
        return 0;
}

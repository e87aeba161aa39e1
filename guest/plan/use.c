/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan notices uses where it takes what they cost, so that no device can forget to ask: a device that
 * plans a TAP uses TAPs. Everything is refused at once, after all of the guest was built.
 *
 * Paths are compared as text; readers refuse those with "..".
 */

#include "guest/plan/use.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/plan/plan.h"

void plan_use(Plan *p, PolicySwitch function)
{
        PlanUse *uses;

        for (size_t i = 0; i < p->n_uses; i++) {
                const PlanUse *u = &p->uses[i];

                if (u->function == function && u->place.line == p->place.line &&
                    u->place.column == p->place.column)
                        return;
        }
        uses = reallocarray(p->uses, p->n_uses + 1, sizeof(*uses));
        if (!uses) {
                p->status = -ENOMEM;
                return;
        }
        p->uses = uses;
        uses[p->n_uses++] = (PlanUse){ function, p->place, p->element };
}

void plan_use_outside(Plan *p, PolicySwitch function, const char *path, const char *directory)
{
        if (!path_is_in(path, directory))
                plan_use(p, function);
}

bool plan_use_counts(const PlanUse *use, bool user_scope)
{
        return !user_scope || !policy_switches[use->function].system_only;
}

static void deny(const Guest *g, const PlanUse *use)
{
        const PolicySwitchInfo *info = &policy_switches[use->function];
        const PolicyChoice *choice = &g->settings->policy->switches[use->function];
        _cleanup_(freep) char *where = policy_place_text(&choice->at);

        finding(g->findings, SEVERITY_DENIAL, use->place, "<%s>: %s= in %s forbids %s%s", use->element,
                info->key, where ?: "vmunit.conf", info->forbids,
                !g->settings->user_scope ? ""
                : info->off_for_users    ? "; ask the administrator, or use a system guest"
                                         : "; ask the administrator");
}

void plan_check_uses(const Guest *g, const Plan *p)
{
        for (size_t i = 0; i < p->n_uses; i++)
                if (plan_use_counts(&p->uses[i], g->settings->user_scope) &&
                    !g->settings->policy->switches[p->uses[i].function].allowed)
                        deny(g, &p->uses[i]);
}

void limit_check(
        const Guest *g, Place at, const char *element, const PolicyLimit *limit, const char *key,
        uint64_t has, const char *unit)
{
        _cleanup_(freep) char *where = policy_place_text(&limit->at);

        if (limit->max > 0 && has > limit->max)
                finding(g->findings, SEVERITY_DENIAL, at, "<%s>: %s= in %s allows at most %llu %s, not %llu",
                        element, key, where ?: "vmunit.conf", (unsigned long long) limit->max, unit,
                        (unsigned long long) has);
}

void disk_path_check(const Guest *g, Place at, const char *path)
{
        const Policy *policy = g->settings->policy;
        _cleanup_(freep) char *where = NULL;

        if (policy->disk_directories.count == 0 || !path)
                return;
        for (size_t i = 0; i < policy->disk_directories.count; i++)
                if (path_is_in(path, policy->disk_directories.items[i]))
                        return;
        where = policy_place_text(&policy->disk_directories_at);
        finding(g->findings, SEVERITY_DENIAL, at,
                "<source>: DiskDirectories= in %s does not have a directory that %s is in",
                where ?: "vmunit.conf", path);
}

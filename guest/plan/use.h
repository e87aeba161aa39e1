/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guest uses of the functions that vmunit.conf can switch off, and the limits that it sets. */

#include "policy/policy.h"
#include "util/findings.h"

typedef struct Plan Plan;
typedef struct Guest Guest;

typedef struct PlanUse {
        PolicySwitch function;
        Place place;         /* in the XML */
        const char *element; /* its name */
} PlanUse;

/* The guest uses that function with what is being built: see plan_build_at(). */
void plan_use(Plan *p, PolicySwitch function);

/* The same if path is not in that directory of the distribution. */
void plan_use_outside(Plan *p, PolicySwitch function, const char *path, const char *directory);

/* Whether the switch concerns guests of the scope. */
bool plan_use_counts(const PlanUse *use, bool user_scope);

/* A denial for each use that the policy forbids. */
void plan_check_uses(const Guest *g, const Plan *p);

/* A denial if the guest has more than the limit allows; key: the setting, without "="; unit: of the number
 */
void limit_check(
        const Guest *g, Place at, const char *element, const PolicyLimit *limit, const char *key,
        uint64_t has, const char *unit);

/* A denial if the disk's file or device must not be at that path. */
void disk_path_check(const Guest *g, Place at, const char *path);

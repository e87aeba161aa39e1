/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest that has taken over its QEMU may try. Each attempt is a row of one of the tables below. */

/*
 * Tries it, and returns 0 if it succeeded, NOT_APPLICABLE, or -errno of the call that refused it. It runs in
 * a process of its own, which ends afterwards, and must do no harm where it succeeds: it may run as root.
 */
typedef int (*AttackFunction)(const char *target, int argument);

#define NOT_APPLICABLE 1

typedef struct Attack {
        const char *name;
        AttackFunction attempt;
        const char *target; /* with "{KEY}" for the value of a target; not applicable without that */
        int argument;

        /* The error, or one of several: "EPERM|EACCES". "succeeded" if only QEMU's own filter refuses it;
         * "known" if nothing does, and SECURITY.md says so. */
        const char *expected;
} Attack;

/* Each table ends with a row without a name. The controls must succeed: they do the same with what is the
 * guest's own. */
extern const Attack attacks_on_controls[], attacks_on_files[], attacks_on_own_files[],
        attacks_on_processes[], attacks_on_kernel[], attacks_on_privileges[], attacks_on_sockets[],
        attacks_on_resources[];

/* The value of a target, or NULL. */
const char *attack_target(const char *key);

/* Attempts that several tables have. */
int attack_read(const char *target, int argument);
int attack_write(const char *target, int argument);
int attack_create(const char *target, int argument);

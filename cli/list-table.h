/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What vmctl list found, and how it prints that. */

#include <stdbool.h>

#include "guest/plan/plan.h"

typedef struct Row {
        const char *name, *file, *user; /* file: NULL for a user's guest; user: NULL for one of this scope */
        char *unit, *state;
        char *title, *reason; /* may be NULL; reason: why the guest is refused */
        int autostart;        /* 1, 0, or negative if unknown */
        PlanClaim *claims;    /* what only one running guest may have */
        size_t n_claims;
        Strings addresses;
} Row;

typedef struct Rows {
        Row *items;
        size_t count;
        bool users; /* show a column for them */
} Rows;

/* To standard output; the exit status. The table has colours on a terminal, unless $NO_COLOR is set. */
int list_print_table(const Rows *rows);
int list_print_json(const Rows *rows);

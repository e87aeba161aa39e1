/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <seclabel>: under which label of SELinux or AppArmor the guest runs. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define LABELS_MAX 4

typedef struct Label {
        const char *model, *label, *base;
        int type; /* words of label.c */
        Tristate relabel;
        Place place;
} Label;

typedef struct Labels {
        Label items[LABELS_MAX];
        unsigned count;
} Labels;

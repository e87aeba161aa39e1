/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Running guests of users, for root. */

#include <stddef.h>

typedef struct UserGuest {
        char *name, *unit, *user; /* user: the user's name, or number if there is none */
} UserGuest;

typedef struct UserGuests {
        UserGuest *items;
        size_t count;
} UserGuests;

void user_guests_done(UserGuests *guests);

/* 0, or -ENOMEM. */
int user_guests_find(UserGuests *ret);

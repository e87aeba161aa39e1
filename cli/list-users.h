/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guests of users that run, as root may want to know. */

#include <stddef.h>

typedef struct UserGuest {
        char *name, *unit, *user; /* user: the name, or the number where it has none */
} UserGuest;

typedef struct UserGuests {
        UserGuest *items;
        size_t count;
} UserGuests;

void user_guests_done(UserGuests *guests);

/* 0, or -ENOMEM. */
int user_guests_find(UserGuests *ret);

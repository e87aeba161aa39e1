/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users: what the broker remembers of them, and what the user database says. */

#include <stdbool.h>
#include <sys/types.h>

#include "util/rate-limit.h"
#include "util/text.h"

typedef struct User {
        uid_t uid;
        unsigned requests;  /* in progress */
        RateLimit refusals; /* rate limit for logging */
} User;

typedef struct Users {
        User **items;
        size_t count;
} Users;

/* The user's entry; kept while a request of the user is in progress, and longer if there is room. */
int users_get(Users *users, uid_t uid, User **ret);
void users_done(Users *users);

/* Logs how many refusals were not logged, if any. */
void user_log_suppressed(const User *user, unsigned n);

/* Microseconds, for the rate limit. */
uint64_t users_now(void);

/* From the user database. */
typedef struct Identity {
        uid_t uid;
        char *name; /* NULL if there is none */
        gid_t *groups;
        size_t n_groups;
} Identity;

int identity_find(uid_t uid, Identity *ret); /* release with identity_done() */
void identity_done(Identity *identity);

/* Whether one of the names (or numbers, or "*") matches the user, or one of the user's groups. */
bool identity_has_name(const Identity *identity, const Strings *names);
bool identity_has_group(const Identity *identity, const Strings *names);

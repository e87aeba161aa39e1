/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a user is called in messages. */

#include <sys/types.h>

typedef struct UserName {
        char text[64];
} UserName;

/* The name that the host has for it, or its number. To be used as user_name(uid).text. */
UserName user_name(uid_t uid);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* User names for messages. */

#include <sys/types.h>

typedef struct UserName {
        char text[64];
} UserName;

/* The user's name on this host, or its number. Use it as user_name(uid).text. */
UserName user_name(uid_t uid);

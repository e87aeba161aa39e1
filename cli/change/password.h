/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The password of a guest's VNC and SPICE, which is no part of its definition. */

#include "cli/change/apply.h"

typedef struct NewPassword {
        char *text;          /* NULL: it stays */
        const char *expires; /* as QEMU's expire_password takes it, or NULL */
} NewPassword;

void new_password_done(NewPassword *p);

/*
 * Takes one of the settings "password" and "password-expires". A password is never an argument, which other
 * users can see: the value is "-" for the terminal or standard input, or a file. Prints its own error
 * message; 0, or an exit status. -ENOENT for any other setting.
 */
int new_password_take(NewPassword *p, const char *key, const char *value);

/* Stores it where the guest's next start finds it, if the change lasts, and gives it to a guest that runs. 0
 * or an exit status. */
int new_password_apply(const NewPassword *p, ChangeCall *c);

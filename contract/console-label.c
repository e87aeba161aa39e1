/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generator chooses the label of a console, the launcher names a socket and journal entries by it, and
 * vmctl connects to that socket. So a label must be a plain file name, and must not be the name of another
 * socket in that directory or of another source of entries.
 */

#include "contract/console-label.h"

#include <string.h>

#include "util/text.h"

#define LABEL_MAX 64

bool console_label_is_valid(const char *label)
{
        size_t n = strlen(label);

        return n >= 1 && n <= LABEL_MAX && *label != '.' && !streq(label, "control") &&
               !streq(label, "qemu") && !streq(label, "vm-launcher") &&
               strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

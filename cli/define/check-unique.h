/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether systemd will be able to start a guest beside the others, before its file is changed. */

#include "generator/convert/convert.h"
#include "util/text.h"

/*
 * Compares a converted guest with all others in the directories; c gets the findings. is_same: the guest of
 * that name exists and keeps its UUID, and so it has the age of its file; otherwise it is newer than all
 * others. ret_shared: another guest has the UUID as well, and so that age must not change. 0, -EINVAL if the
 * guest would be refused, or another negative errno.
 */
int check_unique(
        const Host *host, const Strings *directories, const char *name, bool is_same, Conversion *c,
        bool *ret_shared);

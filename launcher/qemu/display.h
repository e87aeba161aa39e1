/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether there is a screen for the guest's window. */

/* 0, or -ENOENT if the environment names no screen or it does not exist; logs that and what to do. */
int display_check(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether there is a screen for the guest's window. */

/* 0, or -ENOENT where the environment names none or what it names is not there; that is logged, with what to
 * do. */
int display_check(void);

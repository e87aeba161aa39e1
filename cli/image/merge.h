/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images of a disk that are written into the one behind them, or into the newest; of a guest that runs or is
 * off. */

#include "cli/change/apply.h"
#include "operate/layers.h"

/*
 * Writes `count` images of the disk's chain, from the one with the index `first` on, into the next one, and
 * has the guest and its definition go on without them; their files stay. Shows progress on a terminal.
 * Prints its own error messages; 0 or the exit status, after which the disk has the same contents as before.
 */
int merge_images(ChangeCall *c, const char *target, size_t first, size_t count);

/* The other way round: writes `count` images behind the newest into that one, or all of them if it is 0. */
int pull_images(ChangeCall *c, const char *target, size_t count);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Virtual processors that were added to a QEMU that runs. A disk or a card has as many queues as there were
 * processors at its start, so a QEMU that is to go on where another one was saved begins with as many as
 * that one, and gets the others as devices.
 */

#include <jansson.h>

#include "util/text.h"

#define PROCESSOR_PREFIX "vcpu." /* of the ids of those that were added, before a number */

/* Those that were added, from QEMU's answer to query-hotpluggable-cpus: a new array of QEMU's -device
 * options, or NULL if out of memory. */
json_t *processors_added(const json_t *hotpluggable);

/*
 * Has a QEMU with that command line begin with so many processors, and have the added ones as well. -EBADMSG
 * if added is no array as above, which may come from a file of the guest's user; -ENOMEM.
 */
int processors_start(Strings *argv, unsigned boot, const json_t *added);

/* What such a command line begins with, and the ids of those that were added. 0 or -ENOMEM. */
int processors_find(char *const *argv, unsigned *ret_boot, Strings *ret_added);

/* The number that the value of -smp begins with; 0 if it has none. */
unsigned processors_count(const char *smp);

/* The number in such an id; 0 if it is none. */
unsigned processors_number(const char *id);

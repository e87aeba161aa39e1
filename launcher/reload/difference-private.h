/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the two files that find differences. */

#include "launcher/reload/difference.h"

/* As difference_find(). */
Change *difference_change(const Difference *difference, const char *name, const char *id);

/* Calls visit for the nodes of a device in that command line: the one it names, and those below. */
void difference_each_node(
        const CommandLine *line, const Option *device, void (*visit)(const Option *node, void *userdata),
        void *userdata);

/* All changes of these nodes are to be of that kind. */
void difference_set_nodes(
        const CommandLine *was, const CommandLine *is, const Option *device, Difference *d, ChangeKind kind);

/* Whether the two differ in that key only, or not at all. */
bool option_differs_only_in(const Option *a, const Option *b, const char *key);

/* Finds the disks that stay, with other images. */
void difference_settle_layers(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, Difference *d);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A network of its own, with nothing in it, for a process that has no capability. */

/*
 * For the calling process, before it executes another program; it keeps its user and groups. 0 or negative
 * errno. Only calls what may be called between fork() and exec().
 */
int private_network_enter(void);

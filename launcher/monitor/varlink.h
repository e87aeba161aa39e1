/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call of a Varlink method, waiting for its answer. */

#include <jansson.h>

/*
 * parameters is taken. 0 when the method succeeded; -EREMOTE when it returned an error, whose name is in
 * *ret_error then, a new string; else what went wrong with the connection (-ENOENT or -ECONNREFUSED: nobody
 * listens).
 */
int varlink_call(const char *address, const char *method, json_t *parameters, char **ret_error);

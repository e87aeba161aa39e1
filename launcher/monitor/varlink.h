/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls one Varlink method and waits for the reply. */

#include <jansson.h>

/*
 * Takes parameters. 0 if the method succeeded; -EREMOTE if it returned an error, with its name in
 * *ret_error, a new string; else the error of the connection (-ENOENT or -ECONNREFUSED if no service is
 * listening).
 */
int varlink_call(const char *address, const char *method, json_t *parameters, char **ret_error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The value of one QEMU option as typed keys in order, and its two forms: JSON, and QEMU's comma
 * list.
 *
 * All text of the XML reaches QEMU through here, so a comma, a quote or a newline in a name stays inside
 * its value. Source: QEMU's qemu-options.hx and util/keyval.c ("," is doubled inside a value).
 */

#include <jansson.h>

#include "guest/xml/field.h"
#include "util/ownership.h"

/* Failures (out of memory, or text that is not UTF-8) are kept, and reported by props_json() and
 * props_list(). */
typedef struct Props {
        json_t *json; /* an object */
        bool failed;
} Props;

/* Starts with one key; first_key is "driver" for a -device, "qom-type" for an -object and so on. */
Props props_new(const char *first_key, const char *value);
void props_done(Props *p);

void props_text(Props *p, const char *key, const char *value); /* nothing if value is NULL */
void props_textf(Props *p, const char *key, const char *format, ...) _printf_(3, 4);
void props_number(Props *p, const char *key, uint64_t value);
void props_number_if(Props *p, const char *key, Number value); /* nothing if it is not set */
void props_bool(
        Props *p, const char *key, bool value); /* JSON true or false; "on" or "off" in a comma list */
void props_bool_if(Props *p, const char *key, Tristate value); /* nothing if it is UNSET */
void props_onoff(
        Props *p, const char *key,
        Tristate value); /* the words "on" and "off": QEMU's OnOffAuto; likewise */
void props_json_value(Props *p, const char *key, json_t *value); /* takes the reference, even on failure */

/* An object or array within: props_object(&p, "cache") … props_done is not needed; they hang on p. */
json_t *props_object(Props *p, const char *key);
json_t *props_array(Props *p, const char *key);

/* A new string each, or NULL. */
char *props_json(const Props *p);
char *props_list(const Props *p); /* the first key's name is left out, as QEMU implies it: "socket,id=…" */
char *props_list_named(const Props *p); /* all with their keys: "guest=…,debug-threads=on" */

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of QEMU's options are built as JSON, so no text from the XML is ever escaped by hand. An
 * error while building is kept and reported when the properties are used, so builders need not check each
 * call.
 */

#include "guest/plan/props.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/text.h"

static void set(Props *p, const char *key, json_t *value)
{
        if (!p->json || json_object_set_new(p->json, key, value) < 0)
                p->failed = true;
}

Props props_new(const char *first_key, const char *value)
{
        Props p = { json_object() };

        set(&p, first_key, json_string(value));
        return p;
}

void props_done(Props *p)
{
        json_decref(p->json);
        p->json = NULL;
}

void props_text(Props *p, const char *key, const char *value)
{
        if (value)
                set(p, key, json_string(value));
}

void props_textf(Props *p, const char *key, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        set(p, key, json_vsprintf(format, ap));
        va_end(ap);
}

void props_number(Props *p, const char *key, uint64_t value)
{
        if (value > INT64_MAX)
                p->failed = true;
        else
                set(p, key, json_integer((json_int_t) value));
}

void props_number_if(Props *p, const char *key, Number value)
{
        if (value.set)
                props_number(p, key, value.value);
}

void props_bool(Props *p, const char *key, bool value)
{
        set(p, key, json_boolean(value));
}

void props_bool_if(Props *p, const char *key, Tristate value)
{
        if (value != UNSET)
                props_bool(p, key, value == ON);
}

void props_onoff(Props *p, const char *key, Tristate value)
{
        if (value != UNSET)
                set(p, key, json_string(value == ON ? "on" : "off"));
}

void props_json_value(Props *p, const char *key, json_t *value)
{
        set(p, key, value);
}

json_t *props_object(Props *p, const char *key)
{
        json_t *o = json_object();

        set(p, key, o);
        return p->failed ? NULL : o;
}

json_t *props_array(Props *p, const char *key)
{
        json_t *a = json_array();

        set(p, key, a);
        return p->failed ? NULL : a;
}

char *props_json(const Props *p)
{
        return p->failed ? NULL : json_dumps(p->json, JSON_COMPACT | JSON_PRESERVE_ORDER);
}

static void write_text(FILE *f, const char *text)
{
        for (; *text; text++) {
                if (*text == ',')
                        fputc(',', f);
                fputc(*text, f);
        }
}

static void write_pairs(FILE *f, const char *prefix, json_t *object, bool *first, bool hide_first_key);

static void write_pair(
        FILE *f, const char *prefix, const char *key, json_t *value, bool *first, bool hide_first_key)
{
        char name[256];

        snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value)) {
                write_pairs(f, name, value, first, hide_first_key);
                return;
        }
        if (json_is_array(value)) {
                size_t i;
                json_t *item;

                /* a repeated key, as in -numa cpus=0,cpus=2 */
                json_array_foreach(value, i, item)
                        write_pair(f, prefix, key, item, first, hide_first_key);
                return;
        }
        if (!*first)
                fputc(',', f);
        if (!*first || !hide_first_key)
                fprintf(f, "%s=", name);
        *first = false;
        if (json_is_string(value))
                write_text(f, json_string_value(value));
        else if (json_is_boolean(value))
                fputs(json_is_true(value) ? "on" : "off", f);
        else
                fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static void write_pairs(FILE *f, const char *prefix, json_t *object, bool *first, bool hide_first_key)
{
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value)
                write_pair(f, prefix, key, value, first, hide_first_key);
}

static char *list(const Props *p, bool hide_first_key)
{
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        bool first = true;
        FILE *f;

        if (p->failed)
                return NULL;
        f = text_writer_start(&w);
        if (!f)
                return NULL;
        write_pairs(f, "", p->json, &first, hide_first_key);
        return text_writer_take(&w);
}

char *props_list(const Props *p)
{
        return list(p, true);
}

char *props_list_named(const Props *p)
{
        return list(p, false);
}

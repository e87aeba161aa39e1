/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd's escaping: "/" becomes "-", a leading "." and all outside [A-Za-z0-9:_.] become \xNN.
 * Source: systemd.unit(5), "String Escaping for Inclusion in Unit Names".
 */

#include "util/unit-name.h"

#include <errno.h>

#include "util/text.h"

#define UNIT_NAME_MAX 255

static bool plain(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
               c == '_' || c == '.';
}

char *unit_name_escape(const char *name)
{
        static const char hex[] = "0123456789abcdef";
        char *out, *p;

        out = p = malloc(4 * strlen(name) + 1);
        if (!out)
                return NULL;
        for (const char *s = name; *s; s++) {
                unsigned char c = (unsigned char) *s;

                if (c == '/')
                        *p++ = '-';
                else if (plain((char) c) && !(c == '.' && s == name))
                        *p++ = (char) c;
                else {
                        *p++ = '\\';
                        *p++ = 'x';
                        *p++ = hex[c >> 4];
                        *p++ = hex[c & 15];
                }
        }
        *p = '\0';
        return out;
}

static int hex_value(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int unit_name_unescape(const char *instance, char **ret)
{
        _cleanup_(freep) char *out = malloc(strlen(instance) + 1);
        char *p = out;

        if (!out)
                return -ENOMEM;
        for (const char *s = instance; *s; s++) {
                if (*s == '-')
                        *p++ = '/';
                else if (plain(*s))
                        *p++ = *s;
                else if (*s == '\\' && s[1] == 'x' && hex_value(s[2]) >= 0 && hex_value(s[3]) >= 0) {
                        *p = (char) (hex_value(s[2]) << 4 | hex_value(s[3]));
                        if (!*p++)
                                return -EINVAL;
                        s += 3;
                } else
                        return -EINVAL;
        }
        *p = '\0';
        *ret = TAKE_PTR(out);
        return 0;
}

int unit_name_for_guest(const char *name, char **ret)
{
        _cleanup_(freep) char *instance = unit_name_escape(name), *unit = NULL;

        if (!instance)
                return -ENOMEM;
        unit = text_format("vm@%s.service", instance);
        if (!unit)
                return -ENOMEM;
        if (strlen(unit) > UNIT_NAME_MAX)
                return -ENAMETOOLONG;
        *ret = TAKE_PTR(unit);
        return 0;
}

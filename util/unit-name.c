/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * People type "systemctl start vm@web-1", so a name that is a valid instance is used unchanged. Any other is
 * escaped as a whole, like systemd-escape(1). Plain names have no backslash and escaped names always do, so
 * no two guests share a unit, and an instance identifies its guest.
 *
 * systemd's own reverse, %I, only works for escaped names: it turns "web-1" into "web/1". vmunit's unit
 * files do not use it.
 *
 * A guest's name also becomes the name of a file (NAME.xml) and of directories that root makes and removes
 * (/run/vm/NAME). A name that is no single component of a path, such as "..", would make them somebody
 * else's. So guest_name_is_valid() is the only place that says what a name is; whatever gets one from
 * outside, or makes a path of one, asks it. No input is trusted: names come from files, arguments, the bus,
 * and units' instances that anybody may have typed.
 *
 * Source: systemd.unit(5), "String Escaping for Inclusion in Unit Names".
 */

#include "util/unit-name.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "util/text.h"

#define UNIT_NAME_MAX 255
#define ALPHANUMERIC  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define UNESCAPED     ALPHANUMERIC ":_." /* what systemd-escape leaves unchanged */
#define PLAIN         UNESCAPED "-@"     /* what systemd accepts in an instance */

/* systemd accepts a leading dot as well, but such a file is hidden, and systemd-escape escapes the dot.
 */
static bool is_plain(const char *name)
{
        return *name && *name != '.' && !name[strspn(name, PLAIN)];
}

/* dot: also escape a dot at the beginning. */
static char *escape(const char *name, bool dot)
{
        char *out, *p;

        out = p = malloc(4 * strlen(name) + 1);
        if (!out)
                return NULL;
        for (const char *s = name; *s; s++)
                if (strchr(UNESCAPED, *s) && !(dot && *s == '.' && s == name))
                        *p++ = *s;
                else
                        p += sprintf(p, "\\x%02x", (unsigned char) *s);
        *p = '\0';
        return out;
}

char *unit_name_instance(const char *name)
{
        return is_plain(name) ? strdup(name) : escape(name, true);
}

/* A hash, since a long name would not fit into a socket address. */
static char *socket_path(const char *run, const char *directory, const char *instance)
{
        return text_format(
                "%s/vmunit/%s/%016llx", run, directory,
                (unsigned long long) text_hash(instance, strlen(instance)));
}

char *unit_name_helper_socket(const char *run, const char *instance)
{
        return socket_path(run, "helper", instance);
}

char *unit_name_tpm_socket(const char *run, const char *instance)
{
        return socket_path(run, "tpm", instance);
}

char *unit_name_for_interface(const char *interface)
{
        _cleanup_(freep) char *escaped = escape(interface, false);

        return escaped ? text_format("sys-subsystem-net-devices-%s.device", escaped) : NULL;
}

/* "-" means a slash, which no guest's name contains. */
static int unescape(const char *instance, char **ret)
{
        _cleanup_(freep) char *out = malloc(strlen(instance) + 1);
        char *p = out;

        if (!out)
                return -ENOMEM;
        for (const char *s = instance; *s; s++) {
                if (strchr(UNESCAPED, *s))
                        *p = *s;
                else if (*s == '\\' && s[1] == 'x' && text_hex_byte(s + 2) >= 0) {
                        *p = (char) text_hex_byte(s + 2);
                        s += 3;
                } else
                        return -EINVAL;
                if (!*p || *p++ == '/')
                        return -EINVAL;
        }
        *p = '\0';
        *ret = TAKE_PTR(out);
        return 0;
}

int unit_name_guest(const char *instance, char **ret)
{
        _cleanup_(freep) char *name = NULL, *own = NULL;
        int r;

        if (!strchr(instance, '\\')) {
                if (!is_plain(instance) || !guest_name_is_valid(instance))
                        return -EINVAL;
                *ret = strdup(instance);
                return *ret ? 1 : -ENOMEM;
        }
        r = unescape(instance, &name);
        if (r < 0)
                return r;
        if (!guest_name_is_valid(name))
                return -EINVAL;
        own = unit_name_instance(name);
        if (!own)
                return -ENOMEM;
        *ret = TAKE_PTR(name);
        return streq(own, instance);
}

int unit_name_for_guest(const char *name, char **ret)
{
        _cleanup_(freep) char *instance = unit_name_instance(name), *unit = NULL;

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

/* The length of the UTF-8 character, or 0 if it is none. RFC 3629: no overlong forms, no surrogates. */
static size_t character_length(const unsigned char *p)
{
        size_t n = p[0] < 0x80   ? 1
                   : p[0] < 0xc2 ? 0
                   : p[0] < 0xe0 ? 2
                   : p[0] < 0xf0 ? 3
                   : p[0] < 0xf5 ? 4
                                 : 0;

        for (size_t i = 1; i < n; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return n;
}

static bool is_control(const unsigned char *p)
{
        return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

bool guest_name_is_valid(const char *name)
{
        _cleanup_(freep) char *unit = NULL;

        if (!*name || *name == '.' || strchr(name, '/') || strlen(name) + strlen(".xml") > NAME_MAX)
                return false;
        for (const unsigned char *p = (const unsigned char *) name; *p;) {
                size_t n = character_length(p);

                if (n == 0 || is_control(p))
                        return false;
                p += n;
        }
        return unit_name_for_guest(name, &unit) >= 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generator knows neither when the guest will start nor with which version of QEMU. This rewrites its
 * command line for both: the date at which the guest's clock begins, and options with another name in other
 * versions.
 */

#include "launcher/qemu/qemu-syntax.h"

#include <errno.h>
#include <stdlib.h>

/* The index of the value of the first -rtc that begins so; argv->count if there is none. */
static size_t find_rtc(const Strings *argv, const char *base)
{
        for (size_t i = 0; i + 1 < argv->count; i++) {
                const char *rest;

                if (!streq(argv->items[i], "-rtc"))
                        continue;
                rest = text_after(argv->items[i + 1], base);
                if (rest && (*rest == ',' || *rest == '\0'))
                        return i + 1;
        }
        return argv->count;
}

static int replace(Strings *argv, size_t at, char *text)
{
        if (!text)
                return -ENOMEM;
        free(argv->items[at]);
        argv->items[at] = text;
        return 0;
}

int qemu_syntax_rtc(Strings *argv, int64_t offset, time_t now)
{
        const char *base = "base=utc";
        size_t at = find_rtc(argv, base);
        bool local = at == argv->count;
        char date[32];
        struct tm tm;

        if (local)
                at = find_rtc(argv, base = "base=localtime");
        if (at == argv->count)
                return -ENOENT;
        now += offset;
        if (!(local ? localtime_r(&now, &tm) : gmtime_r(&now, &tm)))
                return -ERANGE;
        if (tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
                return -ERANGE;
        if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                return -ERANGE;
        return replace(argv, at, text_format("base=%s%s", date, argv->items[at] + strlen(base)));
}

/* The "=" of the key in QEMU's comma list, or NULL; a comma in a value is doubled. */
static const char *find_key(const char *list, const char *key)
{
        for (const char *p = list; *p; p++) {
                const char *rest;

                if (*p != ',')
                        continue;
                if (p[1] == ',') {
                        p++;
                        continue;
                }
                rest = text_after(p + 1, key);
                if (rest && *rest == '=')
                        return rest;
        }
        return NULL;
}

static const char *reconnect_of(const Strings *argv, size_t i)
{
        if (i + 1 >= argv->count || !streq(argv->items[i], "-chardev"))
                return NULL;
        return find_key(argv->items[i + 1], "reconnect-ms");
}

static bool is_before(QemuVersion v, unsigned major, unsigned minor)
{
        return v.major < major || (v.major == major && v.minor < minor);
}

static int say_seconds(Strings *argv)
{
        for (size_t i = 0; i < argv->count; i++) {
                const char *found = reconnect_of(argv, i), *list = found ? argv->items[i + 1] : NULL;
                unsigned long long ms;
                char *end;
                int r;

                if (!found)
                        continue;
                ms = strtoull(found + 1, &end, 10);
                r =
                        replace(argv, i + 1,
                                text_format(
                                        "%.*s=%llu%s", (int) (found - strlen("-ms") - list), list,
                                        (ms + 999) / 1000, end));
                if (r < 0)
                        return r;
        }
        return 0;
}

bool qemu_syntax_needs_version(const Strings *argv)
{
        for (size_t i = 0; i < argv->count; i++) {
                if (reconnect_of(argv, i))
                        return true;
        }
        return false;
}

int qemu_syntax_to_version(Strings *argv, QemuVersion version)
{
        return is_before(version, 9, 2) ? say_seconds(argv) : 0;
}

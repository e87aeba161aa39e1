/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of values in vmunit.conf. Each reader checks its value fully before it changes anything. */

#include <errno.h>

#include "policy/reader.h"

/* Lists accumulate, and an empty value clears them, as in systemd's files. */
void value_read_paths(Reader *r, char *value, void *to)
{
        Strings *list = to;
        char *path;

        if (!*value)
                strings_done(list);
        while ((path = reader_next_word(&value))) {
                if (*path != '/')
                        reader_error(r, path, "'%s' is not an absolute path", path);
                else if (list->count >= POLICY_DIRECTORIES_MAX)
                        reader_error(
                                r, path, "at most %u directories are supported", POLICY_DIRECTORIES_MAX);
                else if (strings_add(list, path) < 0)
                        r->status = -ENOMEM;
        }
}

void value_read_bool(Reader *r, char *value, void *to)
{
        static const struct {
                const char *text;
                bool value;
        } words[] = {
                { "yes", true }, { "true", true },   { "on", true },   { "1", true },
                { "no", false }, { "false", false }, { "off", false }, { "0", false },
        };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (streq(words[i].text, value)) {
                        *(bool *) to = words[i].value;
                        return;
                }
        reader_error(r, value, "'%s' is not a boolean; must be one of: yes, no", value);
}

void value_read_disks(Reader *r, char *value, void *to)
{
        if (streq(value, "descriptors") || streq(value, "chown"))
                *(bool *) to = streq(value, "descriptors");
        else
                reader_error(
                        r, value, "'%s' is not a way to hand over disks; must be one of: descriptors, chown",
                        value);
}

void value_read_taps(Reader *r, char *value, void *to)
{
        unsigned n;

        if (text_to_unsigned(value, POLICY_TAPS_MAX, &n) < 0 || n == 0)
                reader_error(r, value, "'%s' is not a number from 1 to %u", value, POLICY_TAPS_MAX);
        else
                *(unsigned *) to = n;
}

/* Names need not exist here, since user databases may be remote, but they must be valid: a typo must not let
 * anybody in. */
static bool is_name(const char *text)
{
        unsigned number;

        if (streq(text, "*"))
                return true;
        if (*text >= '0' && *text <= '9')
                return text_to_unsigned(text, UINT32_MAX - 1, &number) >= 0;
        for (const char *p = text; *p; p++)
                if (*p <= ' ' || *p == 0x7f || strchr(",;:/%*?\"'", *p))
                        return false;
        return *text != '-';
}

void value_read_names(Reader *r, char *value, void *to)
{
        Strings *list = to;
        char *name;

        if (!*value)
                strings_done(list);
        while ((name = reader_next_word(&value))) {
                if (!is_name(name))
                        reader_error(r, name, "'%s' is not valid; expected a name, a number or *", name);
                else if (strings_add(list, name) < 0)
                        r->status = -ENOMEM;
        }
}

/* All addresses of a range are unicast if both ends are and share the first byte. */
static const char *range_from_text(char *text, AddressRange *ret)
{
        uint8_t first[6], last[6];
        char *dash = strchr(text, '-');
        AddressRange range = { 0 };
        bool bad;

        if (dash)
                *dash = '\0';
        bad = text_to_mac(text, first) < 0 || text_to_mac(dash ? dash + 1 : text, last) < 0;
        if (dash)
                *dash = '-';
        if (bad)
                return "is not valid; expected a MAC address such as 52:54:00:12:34:56, or a range "
                       "FIRST-LAST";
        for (size_t i = 0; i < 6; i++) {
                range.first = range.first << 8 | first[i];
                range.last = range.last << 8 | last[i];
        }
        if (first[0] & 1 || first[0] != last[0])
                return "must be unicast addresses (first byte even), and a range must not span different "
                       "first bytes";
        if (range.first > range.last)
                return "is empty: the last address is lower than the first";
        *ret = range;
        return NULL;
}

void value_read_ranges(Reader *r, char *value, void *to)
{
        PolicyBridge *bridge = to;
        char *text;

        if (!*value)
                bridge->n_ranges = 0;
        while ((text = reader_next_word(&value))) {
                AddressRange range, *ranges;
                const char *wrong = range_from_text(text, &range);

                if (wrong) {
                        reader_error(r, text, "'%s' %s", text, wrong);
                        continue;
                }
                ranges = reallocarray(bridge->ranges, bridge->n_ranges + 1, sizeof(*ranges));
                if (!ranges) {
                        r->status = -ENOMEM;
                        return;
                }
                bridge->ranges = ranges;
                bridge->ranges[bridge->n_ranges++] = range;
        }
}

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

#define UID_NOBODY       65534U
#define UID_NONE_16      65535U    /* (uid_t) -1 in 16 bits */
#define UID_SIGNED_MAX   INT32_MAX /* parts of the kernel fail for greater ones */
#define USER_NAME_MAX    31
#define USER_NAME_LETTER "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

const char *policy_user_fault(const char *user)
{
        unsigned number;

        if (streq(user, POLICY_USER_PER_GUEST))
                return NULL;
        if (text_to_unsigned(user, UINT32_MAX, &number) >= 0) {
                if (number == 0)
                        return "is root, and guests must not run as root";
                return number == UID_NOBODY || number == UID_NONE_16 || number == UINT32_MAX
                               ? "is a number that stands for no user"
                               : NULL;
        }
        if (streq(user, "root"))
                return "must not be the user of guests";
        if (streq(user, "nobody"))
                return "stands for no user";
        if (!*user || *user == '-' || *user == '.' || (*user >= '0' && *user <= '9') ||
            strlen(user) > USER_NAME_MAX || strspn(user, USER_NAME_LETTER ".-") != strlen(user))
                return "is not valid; expected a user's name or number, or " POLICY_USER_PER_GUEST;
        return NULL;
}

void value_read_user(Reader *r, char *value, void *to)
{
        const char *fault = policy_user_fault(value);
        char **user = to, *copy;

        if (fault) {
                reader_error(r, value, "'%s' %s", value, fault);
                return;
        }
        copy = strdup(value);
        if (!copy) {
                r->status = -ENOMEM;
                return;
        }
        free(*user);
        *user = copy;
}

static bool has_special_uid(const UidRange *range)
{
        return range->first == 0 || (range->first <= UID_NONE_16 && range->last >= UID_NOBODY);
}

void value_read_uids(Reader *r, char *value, void *to)
{
        char *dash = strchr(value, '-');
        UidRange range;
        bool bad;

        if (dash)
                *dash = '\0';
        bad = !dash || text_to_unsigned(value, UID_SIGNED_MAX, &range.first) < 0 ||
              text_to_unsigned(dash + 1, UID_SIGNED_MAX, &range.last) < 0;
        if (dash)
                *dash = '-';
        if (bad)
                reader_error(
                        r, value, "'%s' is not a range FIRST-LAST of numbers up to %u", value,
                        (unsigned) UID_SIGNED_MAX);
        else if (range.first > range.last)
                reader_error(r, value, "'%s' is empty: the last number is lower than the first", value);
        else if (has_special_uid(&range))
                reader_error(r, value, "'%s' must not contain 0, 65534 and 65535", value);
        else
                *(UidRange *) to = range;
}

void value_read_taps(Reader *r, char *value, void *to)
{
        unsigned n;

        if (text_to_unsigned(value, POLICY_TAPS_MAX, &n) < 0 || n == 0)
                reader_error(r, value, "'%s' is not a number from 1 to %u", value, POLICY_TAPS_MAX);
        else
                *(unsigned *) to = n;
}

static void set_limit(Reader *r, void *to, uint64_t max)
{
        *(PolicyLimit *) to = (PolicyLimit){ max, r->place };
}

void value_read_limit(Reader *r, char *value, void *to)
{
        uint64_t n;

        if (streq(value, "infinity"))
                set_limit(r, to, 0);
        else if (text_to_u64(value, UINT32_MAX, &n) < 0 || n == 0)
                reader_error(r, value, "'%s' is not a number from 1 on, and not infinity", value);
        else
                set_limit(r, to, n);
}

void value_read_size_limit(Reader *r, char *value, void *to)
{
        static const char units[] = "KMGT";
        size_t n = strlen(value);
        const char *unit = n > 0 ? strchr(units, value[n - 1]) : NULL;
        unsigned shift = unit ? 10 * (unsigned) (unit - units + 1) : 0;
        _cleanup_(freep) char *number = strndup(value, unit ? n - 1 : n);
        uint64_t size;

        if (!number)
                r->status = -ENOMEM;
        else if (streq(value, "infinity"))
                set_limit(r, to, 0);
        else if (text_to_u64(number, UINT64_MAX >> shift, &size) < 0 || size == 0)
                reader_error(
                        r, value,
                        "'%s' is not a size; expected bytes, a number followed by K, M, G or T, or infinity",
                        value);
        else
                set_limit(r, to, size << shift);
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

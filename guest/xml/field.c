/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads elements by tables (field.h). One place decides what a number, a switch or a path may look like, so
 * every element accepts and refuses the same. The XML is the administrator's, but no value is trusted.
 */

#include "guest/xml/field.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <strings.h>

#include "util/text.h"

/* What a path leads to: an attribute's value or an element. */
typedef struct Target {
        XmlElement *element;
        const char *attribute; /* its name; NULL if the path ends at the element */
        const char *value;     /* NULL if absent */
} Target;

static bool find(XmlElement *element, const char *path, bool claim_text, Target *ret)
{
        for (;;) {
                size_t n = strcspn(path, "/@");

                if (n > 0 && !(n == 1 && path[0] == '.')) {
                        element = xml_child_named(element, path, n);
                        if (!element)
                                return false;
                }
                path += n;
                if (*path == '@') {
                        *ret = (Target){ element, path + 1, xml_attribute(element, path + 1) };
                        return ret->value != NULL;
                }
                if (*path == '\0') {
                        *ret = (Target){ element, NULL, claim_text ? xml_text(element) : NULL };
                        return true;
                }
                path++;
        }
}

static void _printf_(3, 4) complain(const Target *t, Findings *findings, const char *format, ...)
{
        _cleanup_(freep) char *what = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&what, format, ap);
        va_end(ap);
        if (r < 0)
                what = NULL;
        if (t->attribute)
                finding(findings, SEVERITY_ERROR, t->element->place, "<%s>: %s='%s' %s", t->element->name,
                        t->attribute, t->value, what ?: "is wrong");
        else
                finding(findings, SEVERITY_ERROR, t->element->place, "<%s>: '%s' %s", t->element->name,
                        t->value, what ?: "is wrong");
}

int words_find(const char *const *words, const char *word)
{
        for (int i = 0; words[i]; i++)
                if (streq(words[i], word))
                        return i + 1;
        return 0;
}

WordHint words_hint(const char *const *words, const char *word)
{
        TextNear near = { .wrong = word };
        WordHint hint = { "" };

        for (; *words; words++)
                text_near_consider(&near, *words, strlen(*words));
        if (*near.found)
                (void) snprintf(hint.text, sizeof(hint.text), "; did you mean '%s'?", near.found);
        return hint;
}

static void read_word(const Field *f, const Target *t, int *to, Findings *findings)
{
        char list[512];
        size_t n = 0;
        int word = words_find(f->words, t->value);

        if (word > 0) {
                *to = word;
                return;
        }
        list[0] = '\0';
        for (unsigned i = 0; f->words[i] && n < sizeof(list); i++)
                n += (size_t) snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", f->words[i]);
        complain(
                t, findings, f->words[1] ? "must be one of: %s%s" : "must be '%s'%s", list,
                f->words[1] ? words_hint(f->words, t->value).text : "");
}

static void read_switch(const Target *t, const char *on, const char *off, Tristate *to, Findings *findings)
{
        if (streq(t->value, on))
                *to = ON;
        else if (streq(t->value, off))
                *to = OFF;
        else
                complain(t, findings, "must be '%s' or '%s'", on, off);
}

static void read_number(const Field *f, const Target *t, Number *to, Findings *findings)
{
        uint64_t max = f->max ?: UINT64_MAX, n;
        int r = text_to_u64(t->value, UINT64_MAX, &n);

        if (r == -EINVAL)
                complain(t, findings, "must be a number");
        else if ((r < 0 || n != max) && f->min == max)
                complain(t, findings, "must be %llu", (unsigned long long) max);
        else if (r < 0 || n > max || n < f->min)
                complain(
                        t, findings, "must be between %llu and %llu", (unsigned long long) f->min,
                        (unsigned long long) max);
        else
                *to = (Number){ n, true };
}

int size_parse(const char *text, const char *unit, uint64_t default_unit, uint64_t *ret)
{
        /* source: libvirt's documentation of "scaled integers" */
        static const struct {
                const char *name;
                uint64_t bytes;
        } units[] = {
                { "b", 1 },
                { "bytes", 1 },
                { "KB", 1000 },
                { "MB", 1000000 },
                { "GB", 1000000000 },
                { "TB", UINT64_C(1000000000000) },
                { "k", KIB },
                { "KiB", KIB },
                { "M", MIB },
                { "MiB", MIB },
                { "G", GIB },
                { "GiB", GIB },
                { "T", UINT64_C(1) << 40 },
                { "TiB", UINT64_C(1) << 40 },
                { "P", UINT64_C(1) << 50 },
                { "PiB", UINT64_C(1) << 50 },
                { "E", UINT64_C(1) << 60 },
                { "EiB", UINT64_C(1) << 60 },
        };
        uint64_t n, scale = unit ? 0 : default_unit;
        int r;

        for (size_t i = 0; unit && i < ELEMENTS(units); i++)
                if (strcasecmp(units[i].name, unit) == 0)
                        scale = units[i].bytes;
        if (scale == 0)
                return -EINVAL;
        r = text_to_u64(text, UINT64_MAX, &n);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(n, scale, ret))
                return -ERANGE;
        return 0;
}

static void read_size(const Field *f, const Target *t, Number *to, Findings *findings)
{
        const char *unit = xml_attribute(t->element, "unit");
        uint64_t n;
        int r = size_parse(t->value, unit, f->min, &n);

        if (r == -ERANGE)
                complain(t, findings, "is too large");
        else if (r < 0 && unit)
                complain(
                        t, findings,
                        "must be a whole number with a known unit, such as KiB, MiB or GiB, not unit='%s'",
                        unit);
        else if (r < 0)
                complain(t, findings, "must be a whole number");
        else
                *to = (Number){ n, true };
}

static void read_set(const Target *t, Set *to, Findings *findings)
{
        int r = set_parse(t->value, to);

        if (r == -ERANGE)
                complain(t, findings, "must not contain a number above %d", SET_MAX - 1);
        else if (r < 0)
                complain(t, findings, "must be a set of numbers, such as \"0-3,^2,7\"");
        else if (set_count(to) == 0)
                complain(t, findings, "excludes every number it names; at least one must remain");
}

/* What is wrong with the path, or NULL. */
static const char *path_fault(const char *path)
{
        if (path[0] != '/')
                return "must be an absolute path";
        for (const char *p = path; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f) /* would break unit files and messages */
                        return "must not contain control characters";
        /* systemd 257 and later cannot read their own list of mounts with one */
        if (strchr(path, '"'))
                return "must not contain a double quote: systemd cannot show such a path to a guest";
        for (const char *p = path; *p;) {
                size_t n;

                p += strspn(p, "/");
                n = strcspn(p, "/");
                if (n == 2 && p[0] == '.' && p[1] == '.')
                        return "must not contain \"..\"";
                if (n > NAME_MAX)
                        return "has a part that is longer than any name of a file";
                p += n;
        }
        return strlen(path) < PATH_MAX ? NULL : "is too long for a path";
}

/*
 * All paths of the XML pass here, and have one spelling from here on, so that all others can compare them as
 * text. The text belongs to the tree that is read, and only gets shorter.
 */
static void read_path(const Target *t, const char **to, Findings *findings)
{
        const char *fault = path_fault(t->value);

        if (fault) {
                complain(t, findings, "%s", fault);
                return;
        }
        path_simplify((char *) t->value);
        *to = t->value;
}

static void read_text(const Field *f, const Target *t, const char **to, Findings *findings)
{
        char uuid[37];
        uint8_t mac[6];

        if (!*t->value && (f->type == FIELD_STRING || !t->attribute))
                return;
        if (!*t->value)
                complain(t, findings, "must not be empty");
        else if (f->type == FIELD_PATH)
                read_path(t, to, findings);
        else if (f->type == FIELD_MAC && text_to_mac(t->value, mac) < 0)
                complain(t, findings, "must be a MAC address, such as 52:54:00:12:34:56");
        else if (f->type == FIELD_UUID && text_to_uuid(t->value, uuid) < 0)
                complain(t, findings, "must be a UUID, such as c7a5fdbd-edaf-9455-926a-d65c16db1809");
        else
                *to = t->value;
}

static void read_said(const Field *f, const Target *t, Findings *findings)
{
        XmlElement *e = t->element;

        /* one finding is enough for all of them */
        for (XmlElement *other = t->attribute ? NULL : e; other; other = xml_next(other))
                xml_claim_all(other);
        if (f->type == FIELD_IGNORED)
                return;
        finding(findings, f->type == FIELD_REFUSED ? SEVERITY_ERROR : SEVERITY_WARNING, e->place,
                "<%s>%s%s: %s", e->name, t->attribute ? " " : "", t->attribute ?: "", f->text);
}

static void field_read(XmlElement *element, const Field *f, void *target, Findings *findings)
{
        bool of_value = f->type <= FIELD_YESNO || f->type == FIELD_NUMBER || f->type == FIELD_SIZE ||
                        f->type == FIELD_SET;
        void *to = (char *) target + f->offset;
        Target t;

        if (!find(element, f->path, of_value, &t))
                return;
        switch (f->type) {
        case FIELD_TEXT:
        case FIELD_STRING:
        case FIELD_PATH:
        case FIELD_MAC:
        case FIELD_UUID:
                read_text(f, &t, to, findings);
                break;
        case FIELD_WORD:
                read_word(f, &t, to, findings);
                break;
        case FIELD_SWITCH:
                read_switch(&t, "on", "off", to, findings);
                break;
        case FIELD_YESNO:
                read_switch(&t, "yes", "no", to, findings);
                break;
        case FIELD_PRESENT:
                *(bool *) to = true;
                break;
        case FIELD_NUMBER:
                read_number(f, &t, to, findings);
                break;
        case FIELD_SIZE:
                read_size(f, &t, to, findings);
                break;
        case FIELD_SET:
                read_set(&t, to, findings);
                break;
        case FIELD_STATE:
                t.attribute = "state";
                t.value = xml_attribute(t.element, "state") ?: "on";
                read_switch(&t, "on", "off", to, findings);
                break;
        case FIELD_ELEMENT:
                *(XmlElement **) to = t.element;
                break;
        case FIELD_IGNORED:
        case FIELD_WARNED:
        case FIELD_REFUSED:
                read_said(f, &t, findings);
                break;
        }
}

void fields_read(XmlElement *element, const Field *table, void *target, Findings *findings)
{
        for (const Field *f = table; f->path; f++)
                field_read(element, f, target, findings);
}

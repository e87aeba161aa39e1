/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * For XML that a program makes: fragments. Comments and layout of the elements that it copies are lost,
 * which nobody has written there.
 */

#include "guest/xml/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

XmlElement *xml_new(const char *name)
{
        XmlElement *e = calloc(1, sizeof(*e));

        if (e)
                e->name = strdup(name);
        return e && e->name ? e : xml_free(e);
}

/* ——— changing ——— */

static XmlElement *child_at(XmlElement *e, const char *name, size_t n, bool add)
{
        _cleanup_(freep) char *copy = NULL;
        XmlElement *child = e->first;

        while (child && !(strncmp(child->name, name, n) == 0 && child->name[n] == '\0'))
                child = child->next;
        if (child || !add)
                return child;
        copy = strndup(name, n);
        child = copy ? xml_new(copy) : NULL;
        if (child)
                xml_append(e, child);
        return child;
}

static void drop_attribute(XmlElement *e, const char *name)
{
        for (size_t i = 0; i < e->n_attributes; i++)
                if (streq(e->attributes[i].name, name)) {
                        free(e->attributes[i].name);
                        free(e->attributes[i].value);
                        e->n_attributes--;
                        memmove(&e->attributes[i], &e->attributes[i + 1],
                                (e->n_attributes - i) * sizeof(*e->attributes));
                        return;
                }
}

static int set_attribute(XmlElement *e, const char *name, const char *value)
{
        XmlAttribute *bigger, added = { 0 };

        drop_attribute(e, name);
        if (!value)
                return 0;
        bigger = reallocarray(e->attributes, e->n_attributes + 1, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        e->attributes = bigger;
        added = (XmlAttribute){ .name = strdup(name), .value = strdup(value) };
        if (!added.name || !added.value) {
                free(added.name);
                free(added.value);
                return -ENOMEM;
        }
        bigger[e->n_attributes++] = added;
        return 0;
}

int xml_set(XmlElement *e, const char *path, const char *value)
{
        char *text;

        while (e && *path && *path != '@') {
                size_t n = strcspn(path, "/@");

                e = child_at(e, path, n, value != NULL);
                path += n + (path[n] == '/');
        }
        if (!e)
                return value ? -ENOMEM : 0;
        if (*path == '@')
                return set_attribute(e, path + 1, value);
        text = value ? strdup(value) : NULL;
        if (value && !text)
                return -ENOMEM;
        free(e->text);
        e->text = text;
        return 0;
}

/* ——— writing ——— */

void xml_write_escaped(FILE *f, const char *text)
{
        for (; *text; text++)
                switch (*text) {
                case '<':
                        fputs("&lt;", f);
                        break;
                case '>':
                        fputs("&gt;", f);
                        break;
                case '&':
                        fputs("&amp;", f);
                        break;
                case '\'':
                        fputs("&apos;", f);
                        break;
                case '"':
                        fputs("&quot;", f);
                        break;
                case '\n':
                case '\t':
                case '\r':
                        fprintf(f, "&#%d;", *text);
                        break;
                default:
                        fputc(*text, f);
                }
}

static void write_element(FILE *f, const XmlElement *e, int depth)
{
        fprintf(f, "%*s<%s", depth * 2, "", e->name);
        if (depth == 0 && text_after(e->name, "vmunit:"))
                fputs(" xmlns:vmunit='" XML_VMUNIT_NAMESPACE "'", f);
        for (size_t i = 0; i < e->n_attributes; i++) {
                fprintf(f, " %s='", e->attributes[i].name);
                xml_write_escaped(f, e->attributes[i].value);
                fputc('\'', f);
        }
        if (!e->first && !(e->text && *e->text)) {
                fputs("/>\n", f);
                return;
        }
        fputc('>', f);
        if (e->text)
                xml_write_escaped(f, e->text);
        if (e->first) {
                fputc('\n', f);
                for (const XmlElement *c = e->first; c; c = c->next)
                        write_element(f, c, depth + 1);
                fprintf(f, "%*s", depth * 2, "");
        }
        fprintf(f, "</%s>\n", e->name);
}

char *xml_write(const XmlElement *e)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);

        if (!f)
                return NULL;
        write_element(f, e, 0);
        return text_writer_take(&w);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * For XML that a program makes: fragments, and the definition of a guest with all that was completed.
 * Comments and layout of the elements that it copies are lost.
 */

#include "guest/xml/write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

#define XML_NAMESPACE "http://www.w3.org/XML/1998/namespace" /* of xml:lang and the like */

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

/* value may be the one that it has. */
static int set_attribute(XmlElement *e, const char *name, const char *value)
{
        _cleanup_(freep) char *name_copy = strdup(name), *value_copy = value ? strdup(value) : NULL;
        XmlAttribute *bigger;

        if (!name_copy || (value && !value_copy))
                return -ENOMEM;
        drop_attribute(e, name);
        if (!value)
                return 0;
        bigger = reallocarray(e->attributes, e->n_attributes + 1, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        e->attributes = bigger;
        bigger[e->n_attributes++] =
                (XmlAttribute){ .name = TAKE_PTR(name_copy), .value = TAKE_PTR(value_copy) };
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

int xml_setf(XmlElement *e, const char *path, const char *format, ...)
{
        _cleanup_(freep) char *value = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&value, format, ap) < 0)
                value = NULL;
        va_end(ap);
        return value ? xml_set(e, path, value) : -ENOMEM;
}

void xml_remove_children(XmlElement *e, const char *name)
{
        for (XmlElement *c = e->first, *next; c; c = next) {
                next = c->next;
                if (streq(c->name, name))
                        xml_remove(c);
        }
}

void xml_move_behind(XmlElement *e, XmlElement *before)
{
        XmlElement *parent = e->parent, **at = &parent->first, *previous = NULL;

        for (; *at != e; at = &(*at)->next)
                previous = *at;
        *at = e->next;
        if (parent->last == e)
                parent->last = previous;
        e->next = before->next;
        before->next = e;
        if (parent->last == before)
                parent->last = e;
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

/* Without its namespace, which stands in braces before it. */
static const char *local_name(const char *name)
{
        const char *end = *name == '{' ? strrchr(name, '}') : NULL;

        return end ? end + 1 : name;
}

/* Of libvirt's namespaces, the prefix is part of the name. */
static bool uses_prefix(const XmlElement *e, const char *prefix)
{
        if (text_after(e->name, prefix))
                return true;
        for (size_t i = 0; i < e->n_attributes; i++)
                if (text_after(e->attributes[i].name, prefix))
                        return true;
        for (const XmlElement *c = e->first; c; c = c->next)
                if (uses_prefix(c, prefix))
                        return true;
        return false;
}

static void write_namespace(FILE *f, const char *attribute, const char *name)
{
        size_t n = local_name(name) == name ? 0 : (size_t) (local_name(name) - name) - 2;

        fprintf(f, " %s='", attribute);
        for (size_t i = 0; i < n; i++) {
                const char c[] = { name[1 + i], '\0' };

                xml_write_escaped(f, c);
        }
        fputc('\'', f);
}

static void write_attribute(FILE *f, const XmlAttribute *a, size_t number)
{
        const char *name = local_name(a->name);

        if (name == a->name) {
                fprintf(f, " %s='", name);
        } else if (text_after(a->name, "{" XML_NAMESPACE "}")) {
                fprintf(f, " xml:%s='", name);
        } else {
                char declaration[32];

                (void) snprintf(declaration, sizeof(declaration), "xmlns:n%zu", number);
                write_namespace(f, declaration, a->name);
                fprintf(f, " n%zu:%s='", number, name);
        }
        xml_write_escaped(f, a->value);
        fputc('\'', f);
}

static bool has_prefix(const char *name)
{
        return *name != '{' && strchr(name, ':');
}

static bool same_namespace(const char *a, const char *b)
{
        size_t n = (size_t) (local_name(a) - a);

        return n == (size_t) (local_name(b) - b) && strncmp(a, b, n) == 0;
}

/* space: a name in the namespace that elements without a prefix are in here. */
static void write_element(FILE *f, const XmlElement *e, int depth, const char *space)
{
        const char *name = local_name(e->name);

        fprintf(f, "%*s<%s", depth * 2, "", name);
        if (depth == 0 && uses_prefix(e, "qemu:"))
                fputs(" xmlns:qemu='" XML_QEMU_NAMESPACE "'", f);
        if (depth == 0 && uses_prefix(e, "vmunit:"))
                fputs(" xmlns:vmunit='" XML_VMUNIT_NAMESPACE "'", f);
        if (!has_prefix(e->name) && !same_namespace(e->name, space)) {
                write_namespace(f, "xmlns", e->name);
                space = e->name;
        }
        for (size_t i = 0; i < e->n_attributes; i++)
                write_attribute(f, &e->attributes[i], i);
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
                        if (!c->removed)
                                write_element(f, c, depth + 1, space);
                fprintf(f, "%*s", depth * 2, "");
        }
        fprintf(f, "</%s>\n", name);
}

char *xml_write(const XmlElement *e)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);

        if (!f)
                return NULL;
        write_element(f, e, 0, "");
        return text_writer_take(&w);
}

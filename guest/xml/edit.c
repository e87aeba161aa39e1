/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writing the tree of elements out again would lose comments, indentation and the order of attributes, which
 * an administrator keeps under version control. So values are replaced at their places in the text. The text
 * was parsed before: it is well-formed UTF-8 and has no DOCTYPE, and so the scanning here can be simple. It
 * still checks all bounds, since a place could be from another text.
 */

#include "guest/xml/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/xml/write.h"
#include "util/text.h"

#define BLANKS "  " /* one more level of indentation, as libvirt writes it */

/* Where a start tag and its parts are in the text. */
typedef struct Tag {
        size_t start, end; /* from "<" to behind ">" */
        size_t close;      /* of ">" or "/>" */
        bool empty;        /* "/>" */
} Tag;

void xml_edits_done(XmlEdits *edits)
{
        for (size_t i = 0; i < edits->count; i++)
                free(edits->items[i].text);
        free(edits->items);
        *edits = (XmlEdits){ 0 };
}

static int replace(XmlEdits *edits, size_t offset, size_t length, char *text)
{
        XmlEdit *grown = text ? reallocarray(edits->items, edits->count + 1, sizeof(*grown)) : NULL;

        if (!grown) {
                free(text);
                return -ENOMEM;
        }
        edits->items = grown;
        edits->items[edits->count++] = (XmlEdit){ offset, length, text };
        return 0;
}

static char *escape(const char *value)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);

        if (!f)
                return NULL;
        xml_write_escaped(f, value);
        return text_writer_take(&w);
}

char *xml_edit_element(const char *path, const char *value)
{
        _cleanup_(freep) char *escaped = escape(value);
        int n = (int) strcspn(path, "@");

        if (!escaped)
                return NULL;
        return path[n] ? text_format("<%.*s %s='%s'/>", n, path, path + n + 1, escaped)
                       : text_format("<%s>%s</%s>", path, escaped, path);
}

static size_t offset_of(const XmlEdits *edits, Place place)
{
        size_t offset = 0;

        for (unsigned line = 1; line < place.line && offset < edits->size; offset++)
                line += edits->data[offset] == '\n';
        return offset + place.column - 1;
}

/* Behind the first occurrence of text; the size if there is none. */
static size_t behind(const XmlEdits *edits, size_t at, const char *text)
{
        const char *found =
                at < edits->size ? memmem(edits->data + at, edits->size - at, text, strlen(text)) : NULL;

        return found ? (size_t) (found - edits->data) + strlen(text) : edits->size;
}

static bool is_at(const XmlEdits *edits, size_t at, const char *text)
{
        return at <= edits->size && edits->size - at >= strlen(text) &&
               memcmp(edits->data + at, text, strlen(text)) == 0;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the tag that begins at "<". A ">" may be part of a quoted value. */
static size_t tag_end(const XmlEdits *edits, size_t at)
{
        char quote = '\0';

        for (; at < edits->size; at++) {
                char c = edits->data[at];

                if (quote)
                        quote = c == quote ? '\0' : quote;
                else if (c == '"' || c == '\'')
                        quote = c;
                else if (c == '>')
                        return at + 1;
        }
        return edits->size;
}

static int find_tag(const XmlEdits *edits, const XmlElement *e, Tag *ret)
{
        size_t start = offset_of(edits, e->place), end;
        bool empty;

        if (!is_at(edits, start, "<") || !is_at(edits, start + 1, e->name))
                return -EINVAL;
        end = tag_end(edits, start);
        if (edits->data[end - 1] != '>')
                return -EINVAL;
        empty = edits->data[end - 2] == '/';
        *ret = (Tag){ start, end, end - 1 - empty, empty };
        return 0;
}

/* The "</" that ends the element; its content follows the tag. */
static size_t content_end(const XmlEdits *edits, const Tag *tag)
{
        unsigned depth = 1;
        size_t at = tag->end;

        for (;;) {
                at = behind(edits, at, "<");
                if (at >= edits->size)
                        return edits->size;
                if (is_at(edits, at, "!--"))
                        at = behind(edits, at + 3, "-->");
                else if (is_at(edits, at, "![CDATA["))
                        at = behind(edits, at, "]]>");
                else if (is_at(edits, at, "?"))
                        at = behind(edits, at, "?>");
                else if (is_at(edits, at, "/")) {
                        if (--depth == 0)
                                return at - 1;
                } else {
                        at = tag_end(edits, at);
                        depth += edits->data[at - 2] != '/';
                }
        }
}

/* The value of an attribute without its quotes; false if the tag has none of that name. */
static bool find_attribute(
        const XmlEdits *edits, const Tag *tag, const char *name, size_t *ret_offset, size_t *ret_length)
{
        const char *data = edits->data;
        size_t at = tag->start, n = strlen(name);

        while (at < tag->close && !is_blank(data[at]))
                at++;
        for (;;) {
                size_t start, length;
                char quote;

                while (at < tag->close && is_blank(data[at]))
                        at++;
                start = at;
                while (at < tag->close && !is_blank(data[at]) && data[at] != '=')
                        at++;
                length = at - start;
                while (at < tag->close && data[at] != '"' && data[at] != '\'')
                        at++;
                if (at >= tag->close)
                        return false;
                quote = data[at++];
                *ret_offset = at;
                while (at < tag->close && data[at] != quote)
                        at++;
                *ret_length = at++ - *ret_offset;
                if (length == n && memcmp(data + start, name, n) == 0)
                        return true;
        }
}

/* The line break and the indentation before a tag; empty if something else is on its line. */
static char *indentation(const XmlEdits *edits, const Tag *tag)
{
        size_t at = tag->start;

        while (at > 0 && (edits->data[at - 1] == ' ' || edits->data[at - 1] == '\t'))
                at--;
        if (at == 0 || edits->data[at - 1] != '\n')
                return strdup("");
        at -= at > 1 && edits->data[at - 2] == '\r' ? 2 : 1;
        return strndup(edits->data + at, tag->start - at);
}

static const XmlElement *find_child(const XmlElement *e, const char *name, size_t n)
{
        for (const XmlElement *c = e->first; c; c = c->next)
                if (strlen(c->name) == n && memcmp(c->name, name, n) == 0)
                        return c;
        return NULL;
}

static int set_attribute(XmlEdits *edits, const Tag *tag, const char *name, const char *value)
{
        _cleanup_(freep) char *escaped = escape(value);
        size_t offset, length;

        if (!escaped)
                return -ENOMEM;
        if (find_attribute(edits, tag, name, &offset, &length))
                return replace(edits, offset, length, TAKE_PTR(escaped));
        for (offset = tag->close; is_blank(edits->data[offset - 1]); offset--)
                ;
        return replace(edits, offset, 0, text_format(" %s='%s'", name, escaped));
}

static int set_text(XmlEdits *edits, const Tag *tag, const char *name, const char *value)
{
        _cleanup_(freep) char *escaped = escape(value);
        size_t end;

        if (!escaped)
                return -ENOMEM;
        if (tag->empty)
                return replace(
                        edits, tag->close, tag->end - tag->close, text_format(">%s</%s>", escaped, name));
        end = content_end(edits, tag);
        return replace(edits, tag->end, end - tag->end, TAKE_PTR(escaped));
}

/* Into an element that is only "<vsock/>". */
static int open_up(XmlEdits *edits, const XmlElement *e, const Tag *tag, const char *added)
{
        _cleanup_(freep) char *indent = indentation(edits, tag);

        if (!indent)
                return -ENOMEM;
        return replace(
                edits, tag->close, tag->end - tag->close,
                text_format(">%s%s%s%s</%s>", indent, *indent ? BLANKS : "", added, indent, e->name));
}

static int add_child(
        XmlEdits *edits, const XmlElement *e, const Tag *tag, const char *after, const char *added)
{
        const XmlElement *previous = after ? find_child(e, after, strlen(after)) : NULL;
        const XmlElement *model = previous ?: e->first;
        _cleanup_(freep) char *indent = NULL;
        size_t offset = tag->end;
        Tag at;
        int r;

        if (tag->empty)
                return open_up(edits, e, tag, added);
        if (model) {
                r = find_tag(edits, model, &at);
                if (r < 0)
                        return r;
                indent = indentation(edits, &at);
                if (previous)
                        offset = at.empty ? at.end : tag_end(edits, content_end(edits, &at));
        } else
                indent = strdup("");
        return indent ? replace(edits, offset, 0, text_format("%s%s", indent, added)) : -ENOMEM;
}

int xml_edits_set(
        XmlEdits *edits, const XmlElement *e, const char *path, const char *after, const char *value)
{
        size_t n = strcspn(path, "@");
        const XmlElement *child = n > 0 ? find_child(e, path, n) : e;
        Tag tag;
        int r;

        r = find_tag(edits, child ?: e, &tag);
        if (r < 0)
                return r;
        if (!child) {
                _cleanup_(freep) char *added = xml_edit_element(path, value);

                return added ? add_child(edits, e, &tag, after, added) : -ENOMEM;
        }
        return path[n] ? set_attribute(edits, &tag, path + n + 1, value)
                       : set_text(edits, &tag, child->name, value);
}

static int by_offset(const void *a, const void *b)
{
        const XmlEdit *x = a, *y = b;

        return (x->offset > y->offset) - (x->offset < y->offset);
}

int xml_edits_apply(XmlEdits *edits, char **ret_data, size_t *ret_size)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);
        size_t at = 0;

        if (!f)
                return -ENOMEM;
        if (edits->count > 0)
                qsort(edits->items, edits->count, sizeof(*edits->items), by_offset);
        for (size_t i = 0; i < edits->count; i++) {
                const XmlEdit *edit = &edits->items[i];

                fwrite(edits->data + at, 1, edit->offset - at, f);
                fputs(edit->text, f);
                at = edit->offset + edit->length;
        }
        fwrite(edits->data + at, 1, edits->size - at, f);
        return text_writer_finish(&w, ret_data, ret_size);
}

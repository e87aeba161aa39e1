/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libxml2's SAX interface builds the tree, because its own tree has no columns. The place of an element is
 * found by scanning back from where the parser stands, at the end of the start tag, to its "<", which cannot
 * occur inside a tag. That needs byte offsets into what was read, so encodings other than UTF-8 are refused;
 * so is a DOCTYPE, and with it every entity that could expand or reach for another file.
 */

#include "guest/xml/xml.h"

#include <ctype.h>
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <strings.h>

#include "util/text.h"

typedef struct Builder {
        const char *file, *data;
        size_t size;
        size_t known_offset; /* line counting goes on from here */
        unsigned known_line;
        size_t known_line_start;
        xmlParserCtxtPtr parser;
        Findings *findings;
        XmlElement *root, *current;
        bool stopped;
} Builder;

/* Callers move forward through the file, so each byte is scanned once. */
static Place place_of(Builder *b, size_t offset)
{
        for (; b->known_offset < offset; b->known_offset++)
                if (b->data[b->known_offset] == '\n') {
                        b->known_line++;
                        b->known_line_start = b->known_offset + 1;
                }
        return (Place){ b->file, b->known_line, (unsigned) (offset - b->known_line_start) + 1 };
}

/* How many bytes the parser has read. Older versions of libxml2 have only the first way, and newer ones warn
 * about it. */
static size_t bytes_read(const Builder *b)
{
#if LIBXML_VERSION >= 21400
        unsigned long at = 0;

        (void) xmlCtxtGetInputPosition(b->parser, 0, NULL, NULL, NULL, &at);
        return at;
#else
        long at = xmlByteConsumed(b->parser);

        return at < 0 ? 0 : (size_t) at;
#endif
}

static Place place_of_tag(Builder *b)
{
        size_t offset = bytes_read(b);

        if (offset >= b->size)
                offset = b->size ? b->size - 1 : 0;
        while (offset > b->known_offset && b->data[offset] != '<')
                offset--;
        return place_of(b, offset);
}

static void stop(Builder *b)
{
        b->stopped = true;
        xmlStopParser(b->parser);
}

static void out_of_memory(Builder *b)
{
        finding(b->findings, SEVERITY_ERROR, (Place){ b->file }, "out of memory");
        stop(b);
}

static char *element_name(const char *local, const char *prefix, const char *uri)
{
        if (!uri)
                return prefix ? text_format("%s:%s", prefix, local) : strdup(local);
        if (streq(uri, XML_QEMU_NAMESPACE))
                return text_format("qemu:%s", local);
        if (streq(uri, XML_VMUNIT_NAMESPACE))
                return text_format("vmunit:%s", local);
        return text_format("{%s}%s", uri, local);
}

/* libxml2 gives five pointers per attribute: local name, prefix, URI, and the start and end of its value. */
static int add_attributes(XmlElement *e, int n, const xmlChar **attributes)
{
        e->attributes = calloc((size_t) n, sizeof(*e->attributes));
        if (!e->attributes)
                return -ENOMEM;
        for (int i = 0; i < n; i++) {
                const char **a = (const char **) attributes + 5 * i;
                XmlAttribute *to = &e->attributes[e->n_attributes++];

                to->name = element_name(a[0], a[1], a[2]);
                to->value = strndup(a[3], (size_t) (a[4] - a[3]));
                if (!to->name || !to->value)
                        return -ENOMEM;
        }
        return 0;
}

static void on_start(
        void *userdata, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
        const xmlChar **namespaces, int n_attributes, int n_defaulted, const xmlChar **attributes)
{
        Builder *b = userdata;
        XmlElement *e;

        if (b->stopped)
                return;
        e = calloc(1, sizeof(*e));
        if (!e) {
                out_of_memory(b);
                return;
        }
        e->place = place_of_tag(b);
        e->parent = b->current;
        if (!b->current)
                b->root = e;
        else if (b->current->last)
                b->current->last = b->current->last->next = e;
        else
                b->current->first = b->current->last = e;
        b->current = e;

        e->name = element_name((const char *) local, (const char *) prefix, (const char *) uri);
        if (!e->name || (n_attributes > 0 && add_attributes(e, n_attributes, attributes) < 0))
                out_of_memory(b);
}

static void trim(char *text)
{
        size_t n = strlen(text), skip;

        while (n > 0 && isspace((unsigned char) text[n - 1]))
                n--;
        text[n] = '\0';
        skip = strspn(text, " \t\r\n");
        memmove(text, text + skip, n - skip + 1);
}

static void on_end(void *userdata, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
        Builder *b = userdata;

        if (b->stopped || !b->current)
                return;
        if (b->current->text)
                trim(b->current->text);
        b->current = b->current->parent;
}

static void on_text(void *userdata, const xmlChar *text, int n)
{
        Builder *b = userdata;
        size_t old;
        char *grown;

        if (b->stopped || !b->current || n <= 0)
                return;
        old = b->current->text ? strlen(b->current->text) : 0;
        if (old == 0)
                while (n > 0 && isspace((unsigned char) *text)) {
                        text++;
                        n--;
                }
        if (n == 0)
                return;
        grown = realloc(b->current->text, old + (size_t) n + 1);
        if (!grown) {
                out_of_memory(b);
                return;
        }
        memcpy(grown + old, text, (size_t) n);
        grown[old + (size_t) n] = '\0';
        b->current->text = grown;
}

static void on_doctype(void *userdata, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
        Builder *b = userdata;

        finding(b->findings, SEVERITY_ERROR, place_of_tag(b), "a DOCTYPE is not allowed; remove it");
        stop(b);
}

/* Whether a start tag of that name is at the offset. */
static bool is_start_of(const Builder *b, size_t offset, const char *name)
{
        size_t n = strlen(name);

        return offset + n + 1 < b->size && b->data[offset] == '<' &&
               memcmp(b->data + offset + 1, name, n) == 0 &&
               (isspace((unsigned char) b->data[offset + 1 + n]) || b->data[offset + 1 + n] == '>');
}

/* virt-install --print-xml prints two documents for a guest that has to be installed first. */
static void report_trailing(Builder *b)
{
        size_t offset = bytes_read(b);

        while (offset < b->size && isspace((unsigned char) b->data[offset]))
                offset++;
        if (is_start_of(b, offset, "domain"))
                finding(b->findings, SEVERITY_ERROR, place_of(b, offset),
                        "a second <domain> begins here, but a file describes one guest; \"virt-install "
                        "--print-xml 1\" prints only the guest that boots the installer, and \"--print-xml "
                        "2\" the same guest after the installation");
        else
                finding(b->findings, SEVERITY_ERROR, place_of(b, offset),
                        "nothing may follow the end of <%s>; remove what begins here", b->root->name);
}

/* What people meet often, and what libxml2 says about it helps little. */
static bool explain(Builder *b, int code)
{
        if (code == XML_ERR_DOCUMENT_END && b->root && b->root->name)
                report_trailing(b);
        else if (code == XML_ERR_DOCUMENT_EMPTY && !b->root)
                finding(b->findings, SEVERITY_ERROR, (Place){ b->file, 1, 1 },
                        "this is not XML: expected \"<domain\" or \"<?xml\" at the beginning");
        else if (code == XML_ERR_RESERVED_XML_NAME && !b->current)
                finding(b->findings, SEVERITY_ERROR, place_of_tag(b),
                        b->root ? "a second document begins here, but a file describes one guest; remove "
                                  "one of them"
                                : "\"<?xml\" must be at the very beginning of the file; remove what is "
                                  "before it");
        else
                return false;
        return true;
}

#if LIBXML_VERSION >= 21200
static void on_error(void *userdata, const xmlError *error)
#else
static void on_error(void *userdata, xmlError *error)
#endif
{
        Builder *b = userdata;
        _cleanup_(freep) char *text = NULL;
        unsigned line, column;

        /* about namespace names, which are free in a guest's <metadata> */
        if (b->stopped || error->level == XML_ERR_WARNING)
                return;
        if (explain(b, error->code)) {
                stop(b);
                return;
        }
        line = error->line > 0 ? (unsigned) error->line : 1;
        column = error->int2 > 0 ? (unsigned) error->int2 : 1;
        text = strdup(error->message ?: "not well-formed");
        if (text)
                trim(text);
        finding(b->findings, SEVERITY_ERROR, (Place){ b->file, line, column }, "%s",
                text ?: "not well-formed");
        stop(b);
}

/* If the XML declaration names an encoding, it must be UTF-8 or its subset ASCII. */
static bool encoding_is_utf8(const char *data, size_t size)
{
        const char *end, *p;

        if (size >= 2 && ((uint8_t) data[0] >= 0xfe || data[0] == '\0' || data[1] == '\0'))
                return false;
        if (size < 5 || strncmp(data, "<?xml", 5) != 0)
                return true;
        end = memmem(data, size, "?>", 2);
        p = end ? memmem(data, (size_t) (end - data), "encoding", 8) : NULL;
        if (!p)
                return true;
        p += 8;
        while (p < end && (isspace((unsigned char) *p) || *p == '=' || *p == '"' || *p == '\''))
                p++;
        return strncasecmp(p, "utf-8", 5) == 0 || strncasecmp(p, "us-ascii", 8) == 0 ||
               strncasecmp(p, "ascii", 5) == 0;
}

XmlElement *xml_parse(const char *file, const char *data, size_t size, Findings *findings)
{
        Builder b = { .file = file, .data = data, .size = size, .known_line = 1, .findings = findings };
        _cleanup_(xml_freep) XmlElement *root = NULL;
        xmlParserCtxtPtr parser;

        if (size > XML_SIZE_MAX) {
                finding(findings, SEVERITY_ERROR, (Place){ file }, "the file must be at most %zu MiB",
                        XML_SIZE_MAX >> 20);
                return NULL;
        }
        if (size == 0) {
                finding(findings, SEVERITY_ERROR, (Place){ file, 1, 1 }, "the file is empty");
                return NULL;
        }
        if (!encoding_is_utf8(data, size)) {
                finding(findings, SEVERITY_ERROR, (Place){ file, 1, 1 },
                        "the file must be encoded in UTF-8");
                return NULL;
        }

        b.parser = parser = xmlCreateMemoryParserCtxt(data, (int) size);
        if (!parser) {
                finding(findings, SEVERITY_ERROR, (Place){ file }, "out of memory");
                return NULL;
        }
        /* NOENT: otherwise "&amp;" in an attribute would stay "&#38;". Only XML's own five entities can
         * occur here. */
        (void) xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOENT);
        memset(parser->sax, 0, sizeof(*parser->sax));
        parser->sax->initialized = XML_SAX2_MAGIC;
        parser->sax->startElementNs = on_start;
        parser->sax->endElementNs = on_end;
        parser->sax->characters = parser->sax->ignorableWhitespace = parser->sax->cdataBlock = on_text;
        parser->sax->internalSubset = on_doctype;
        parser->sax->serror = on_error;
        parser->userData = &b;

        (void) xmlParseDocument(parser);
        root = b.root;
        if (!parser->wellFormed && !findings_failed(findings))
                finding(findings, SEVERITY_ERROR, (Place){ file, 1, 1 }, "not well-formed XML");
        xmlFreeParserCtxt(parser);
        return findings_failed(findings) ? NULL : TAKE_PTR(root);
}

/* Recursive only for elements in the place of others, so deep nesting needs no stack. */
XmlElement *xml_free(XmlElement *e)
{
        XmlElement *top = e;

        while (e) {
                XmlElement *parent, *next;

                if (e->first) {
                        XmlElement *child = e->first;

                        e->first = child->next;
                        child->next = NULL;
                        e = child;
                        continue;
                }
                (void) xml_free(e->instead_of);
                parent = e == top ? NULL : e->parent;
                next = parent;
                for (size_t i = 0; i < e->n_attributes; i++) {
                        free(e->attributes[i].name);
                        free(e->attributes[i].value);
                }
                free(e->attributes);
                free(e->expected);
                free(e->name);
                free(e->text);
                free(e);
                e = next;
        }
        return NULL;
}

/* Tables look for one child many times in a row. The array grows at powers of two. */
void xml_expect(XmlElement *e, XmlLookup what, const char *name, size_t n)
{
        const XmlExpected *last = e->n_expected ? &e->expected[e->n_expected - 1] : NULL;
        XmlExpected *grown;

        if (last && last->what == what && last->length == n && memcmp(last->name, name, n) == 0)
                return;
        if ((e->n_expected & (e->n_expected - 1)) == 0) {
                grown = reallocarray(e->expected, e->n_expected ? 2 * e->n_expected : 1, sizeof(*grown));
                if (!grown)
                        return;
                e->expected = grown;
        }
        e->expected[e->n_expected++] = (XmlExpected){ what, name, n };
}

static XmlElement *first_named(XmlElement *e, const char *name, size_t n)
{
        for (; e; e = e->next)
                if (strncmp(e->name, name, n) == 0 && e->name[n] == '\0') {
                        e->claimed = true;
                        return e;
                }
        return NULL;
}

XmlElement *xml_child_named(XmlElement *e, const char *name, size_t n)
{
        xml_expect(e, XML_CHILD, name, n);
        return first_named(e->first, name, n);
}

XmlElement *xml_child(XmlElement *e, const char *name)
{
        return xml_child_named(e, name, strlen(name));
}

XmlElement *xml_next(XmlElement *e)
{
        return first_named(e->next, e->name, strlen(e->name));
}

const char *xml_attribute(XmlElement *e, const char *name)
{
        xml_expect(e, XML_ATTRIBUTE, name, strlen(name));
        for (size_t i = 0; i < e->n_attributes; i++)
                if (streq(e->attributes[i].name, name)) {
                        e->attributes[i].claimed = true;
                        return e->attributes[i].value;
                }
        return NULL;
}

const char *xml_text(XmlElement *e)
{
        e->text_claimed = true;
        return e->text ?: "";
}

void xml_claim_all(XmlElement *e)
{
        e->claimed = e->text_claimed = true;
        for (size_t i = 0; i < e->n_attributes; i++)
                e->attributes[i].claimed = true;
        for (XmlElement *c = e->first; c; c = c->next)
                xml_claim_all(c);
}

/* The type of a device, which may be what is unknown about it. */
static const char *type_of(const XmlElement *e)
{
        for (size_t i = 0; i < e->n_attributes; i++)
                if (streq(e->attributes[i].name, "type"))
                        return e->attributes[i].value;
        return NULL;
}

/* Every user can read findings, in the journal and in units; in libvirt's XML, passwd holds a password. */
static const char *quotable(const XmlAttribute *a)
{
        return streq(a->name, "passwd") ? "..." : a->value;
}

/* What is expected in e and nearest to the wrong name; "" if nothing is near. */
static TextNear nearest(const XmlElement *e, XmlLookup what, const char *wrong)
{
        TextNear near = { .wrong = wrong };

        for (size_t i = 0; i < e->n_expected; i++)
                if (e->expected[i].what == what)
                        text_near_consider(&near, e->expected[i].name, e->expected[i].length);
        return near;
}

static void report_attribute(const XmlElement *e, const XmlAttribute *a, Findings *findings)
{
        TextNear near = nearest(e, XML_ATTRIBUTE, a->name);

        if (*near.found)
                finding(findings, SEVERITY_ERROR, e->place,
                        "<%s>: the attribute %s='%s' is not supported; did you mean %s='…'?", e->name,
                        a->name, quotable(a), near.found);
        else
                finding(findings, SEVERITY_ERROR, e->place,
                        "<%s>: the attribute %s='%s' is not supported; remove it", e->name, a->name,
                        quotable(a));
}

static void report_child(const XmlElement *e, const XmlElement *child, Findings *findings)
{
        const char *type = type_of(child);
        TextNear near = nearest(e, XML_CHILD, child->name), near_type = nearest(child, XML_TYPE, type ?: "");
        _cleanup_(freep) char *advice = NULL;

        if (*near_type.found)
                advice = text_format("did you mean type='%s'?", near_type.found);
        else if (*near.found)
                advice = text_format("did you mean <%s>?", near.found);
        finding(findings, SEVERITY_ERROR, child->place, "<%s%s%s%s> in <%s> is not supported; %s",
                child->name, type ? " type='" : "", type ?: "", type ? "'" : "", e->name,
                advice ?: "remove it");
}

static void report_element(const XmlElement *e, Findings *findings)
{
        for (size_t i = 0; i < e->n_attributes; i++)
                if (!e->attributes[i].claimed)
                        report_attribute(e, &e->attributes[i], findings);
        if (!e->text_claimed && e->text && *e->text)
                finding(findings, SEVERITY_ERROR, e->place, "<%s> must not contain text", e->name);
        for (const XmlElement *c = e->first; c; c = c->next)
                if (c->claimed)
                        report_element(c, findings);
                else
                        report_child(e, c, findings);
}

void xml_report_unclaimed(const XmlElement *root, Findings *findings)
{
        report_element(root, findings);
}

static const XmlElement *find_child(const XmlElement *e, const char *name, size_t n)
{
        for (e = e->first; e; e = e->next)
                if (strncmp(e->name, name, n) == 0 && e->name[n] == '\0')
                        return e;
        return NULL;
}

XmlElement *xml_peek_child(const XmlElement *e, const char *name)
{
        return e ? (XmlElement *) find_child(e, name, strlen(name)) : NULL;
}

const char *xml_peek(const XmlElement *e, const char *path)
{
        while (e && *path && *path != '@') {
                size_t n = strcspn(path, "/@");

                e = find_child(e, path, n);
                path += n + (path[n] == '/');
        }
        if (!e || *path != '@')
                return e ? e->text : NULL;
        for (size_t i = 0; i < e->n_attributes; i++)
                if (streq(e->attributes[i].name, path + 1))
                        return e->attributes[i].value;
        return NULL;
}

void xml_append(XmlElement *parent, XmlElement *e)
{
        e->parent = parent;
        if (parent->last)
                parent->last->next = e;
        else
                parent->first = e;
        parent->last = e;
}

void xml_replace(XmlElement *old, XmlElement *e)
{
        XmlElement **at = &old->parent->first;

        while (*at != old)
                at = &(*at)->next;
        *at = e;
        e->parent = old->parent;
        e->next = old->next;
        if (old->parent->last == old)
                old->parent->last = e;
        old->parent = NULL;
        old->next = NULL;
        if (!old->fragment) {
                e->instead_of = old;
                return;
        }
        e->instead_of = old->instead_of;
        if (!e->instead_of)
                e->fragment = old->fragment;
        old->instead_of = NULL;
        (void) xml_free(old);
}

void xml_remove(XmlElement *e)
{
        XmlElement *before = NULL, **at = &e->parent->first;

        for (; *at != e; at = &(*at)->next)
                before = *at;
        *at = e->next;
        if (e->parent->last == e)
                e->parent->last = before;
        e->next = NULL;
        (void) xml_free(e);
}

Place xml_place(const XmlElement *e, const char *path)
{
        while (*path) {
                size_t n = strcspn(path, "/");
                const XmlElement *child = find_child(e, path, n);

                if (!child)
                        break;
                e = child;
                path += n + (path[n] == '/');
        }
        return e->place;
}

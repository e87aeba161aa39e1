/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small tree of XML elements that records the place of each, and which parts of it have been read.
 *
 * Every reader claims what it reads. Whatever is unclaimed in the end is a finding, so nothing in the XML is
 * silently ignored, and a new element or attribute of the format is refused until it has a row.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/findings.h"
#include "util/ownership.h"

#define XML_QEMU_NAMESPACE   "http://libvirt.org/schemas/domain/qemu/1.0"
#define XML_VMUNIT_NAMESPACE "https://vmunit.org/domain/1"

#define XML_SIZE_MAX ((size_t) 4 << 20) /* bytes of a guest's XML: thousands of devices fit */

typedef struct XmlAttribute {
        char *name, *value;
        bool claimed;
} XmlAttribute;

/* What readers look for in an element, found or not: what a wrong name may have been meant to be. */
typedef enum XmlLookup {
        XML_CHILD,
        XML_ATTRIBUTE,
        XML_TYPE, /* a value of its attribute "type" */
} XmlLookup;

typedef struct XmlExpected {
        XmlLookup what;
        const char *name; /* of length bytes */
        size_t length;
} XmlExpected;

/*
 * The name of an element outside libvirt's own (empty) namespace is "qemu:…" for libvirt's QEMU namespace
 * and "vmunit:…" for vmunit's own whatever the prefix, and "{URI}…" for any other. Text is the element's own
 * character data, without surrounding blanks.
 */
typedef struct XmlElement XmlElement;
struct XmlElement {
        char *name, *text;
        Place place;
        XmlAttribute *attributes;
        size_t n_attributes;
        XmlExpected *expected;
        size_t n_expected;
        XmlElement *parent, *first, *last, *next;
        bool claimed, text_claimed;

        /* of a device in another file than its guest's; see generator/convert/fragments.h */
        const char *fragment;   /* the name of that file without ".xml"; NULL for other elements */
        XmlElement *instead_of; /* the one whose place it took, which it owns; NULL if it is an addition */
        bool removed;           /* the device keeps its place, and the guest does not have it */
};

/*
 * Parses size bytes at data; file is what findings name, and is borrowed. NULL and an error in
 * findings if it is not well-formed UTF-8 XML, has a DOCTYPE, or memory ran out.
 */
XmlElement *xml_parse(const char *file, const char *data, size_t size, Findings *findings);
XmlElement *xml_free(XmlElement *e); /* with all below it; returns NULL */
DEFINE_CLEANUP(XmlElement, xml_free);

/* All of these claim what they return. They remember the name, which must live as long as the tree. */
XmlElement *xml_child(XmlElement *e, const char *name);     /* the first of that name, or NULL */
XmlElement *xml_next(XmlElement *e);                        /* the next sibling of the same name, or NULL */
const char *xml_attribute(XmlElement *e, const char *name); /* NULL if absent */
const char *xml_text(XmlElement *e);                        /* "" if empty */
void xml_claim_all(XmlElement *e);                          /* with all below it: known to be irrelevant */

#define XML_FOREACH(child, parent, name) \
        for (XmlElement *child = xml_child(parent, name); child; child = xml_next(child))

/* As xml_child(), but claims and remembers nothing; NULL also for no element. */
XmlElement *xml_peek_child(const XmlElement *e, const char *name);

/* As xml_child(), for the first n bytes of name. */
XmlElement *xml_child_named(XmlElement *e, const char *name, size_t n);

/* Adds to what may be in e, as looking for it does; name as above. Lost if memory runs out. */
void xml_expect(XmlElement *e, XmlLookup what, const char *name, size_t n);

/* The place of the element at path ("smm/tseg") below e, or of its closest existing ancestor. Claims
 * nothing. */
Place xml_place(const XmlElement *e, const char *path);

/* The value at a path of guest/xml/field.h, "target@dev" or "source/address@slot"; NULL if it is not there.
 * Claims nothing. */
const char *xml_peek(const XmlElement *e, const char *path);

/* Makes e, the root of another tree, the last child of parent. */
void xml_append(XmlElement *parent, XmlElement *e);

/* Puts e, the root of another tree, in the place of old, which becomes e's instead_of, unless it is of a
 * fragment itself. */
void xml_replace(XmlElement *old, XmlElement *e);

/* Takes e out of its parent, and frees it. */
void xml_remove(XmlElement *e);

/* An error for each element, attribute and text that is not claimed, with the nearest of what is expected.
 */
void xml_report_unclaimed(const XmlElement *root, Findings *findings);

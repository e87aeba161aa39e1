/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Changes values in the text of XML, and nothing else of it: comments, order and layout stay. */

#include "guest/xml/xml.h"

typedef struct XmlEdit {
        size_t offset, length; /* of what is replaced */
        char *text;
} XmlEdit;

typedef struct XmlEdits {
        const char *data; /* borrowed: what xml_parse() parsed without an error */
        size_t size;
        XmlEdit *items;
        size_t count;
} XmlEdits;

void xml_edits_done(XmlEdits *edits);

/*
 * Sets what a path of guest/xml/field.h leads to from e: "name", "uuid", "mac@address", "@machine", at most
 * one element deep. If that element is missing it is added, below the first child of the name `after`, or at
 * the beginning if after is NULL or missing. 0; -ENOMEM; -EINVAL if e is not from this text.
 */
int xml_edits_set(
        XmlEdits *edits, const XmlElement *e, const char *path, const char *after, const char *value);

/* The text with all edits, followed by a NUL; 0 or -ENOMEM. */
int xml_edits_apply(XmlEdits *edits, char **ret_data, size_t *ret_size);

/* The element that xml_edits_set() adds, "<mac address='…'/>"; NULL if out of memory. */
char *xml_edit_element(const char *path, const char *value);

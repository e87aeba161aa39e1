/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes and changes trees of elements, and writes them as XML. What keeps a file's comments and layout is in
 * edit.h. */

#include <stdio.h>

#include "guest/xml/xml.h"

/* An element of that name without a place; NULL if out of memory. */
XmlElement *xml_new(const char *name);

/*
 * Sets what a path of guest/xml/field.h leads to from e, and adds elements that are missing; NULL removes
 * the attribute, or the element's text. 0 or -ENOMEM.
 */
int xml_set(XmlElement *e, const char *path, const char *value);
int xml_setf(XmlElement *e, const char *path, const char *format, ...) _printf_(3, 4);

/* Removes all children of that name. */
void xml_remove_children(XmlElement *e, const char *name);

/* Moves e behind another child of its parent. */
void xml_move_behind(XmlElement *e, XmlElement *before);

/* Text as it may stand in an element, and in an attribute with quotes of either kind. */
void xml_write_escaped(FILE *f, const char *text);

/* As XML with a line for each element, without those that are `removed`; a new string, or NULL if out of
 * memory. */
char *xml_write(const XmlElement *e);

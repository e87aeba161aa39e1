/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of operations share. */

#include "operate/operation.h"

/* Keeps the text as the reason and returns error. */
int operation_fail(Operation *o, int error, const char *format, ...) _printf_(3, 4);

/* The path of a fragment of that name; NULL if out of memory. */
char *operation_path(const Operation *o, const char *name);

/* Removes the fragments of that name, also those that would apply after it. */
int operation_remove(Operation *o, const char *name);

/* A copy of an element, as a tree of its own; NULL if out of memory. */
XmlElement *operation_copy(const XmlElement *e);

/* Writes the changed copy e of that disk, for as long as the disk itself is defined, and checks the guest.
 */
int operation_write_disk(Operation *o, const XmlElement *disk, const XmlElement *e);

/* The same; if that is what the disk is without the fragment, the fragment is removed. */
int operation_put_disk(Operation *o, const XmlElement *disk, const XmlElement *e);

/* Nothing is behind the image of that <disk>, whatever its header says. 0 or -ENOMEM. */
int operation_end_chain(XmlElement *disk);

/* Writes a file, or with NULL removes it; operation_revert() undoes that. */
int operation_write(Operation *o, const char *path, const char *data);

/* Converts the guest anew; operation_check() also takes the changes back if it is refused. */
int operation_convert(Operation *o);
int operation_check(Operation *o);

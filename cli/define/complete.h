/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Completes the XML of a guest by what must not change later: its identity and the version of its machine.
 */

#include "generator/convert/convert.h"
#include "guest/xml/edit.h"

/*
 * Adds edits of the XML that c was converted from, for what that leaves out: as in the definition it
 * replaces (NULL for none), or else as c's conversion derived it. The machine version is QEMU's newest one;
 * if that cannot be found out, a message says so. added: what is added, as elements. 0, or an exit status
 * after a message.
 */
int complete_definition(const Conversion *c, const Guest *replaced, XmlEdits *edits, Strings *added);

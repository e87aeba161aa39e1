/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's name as the instance of a unit, escaped as systemd-escape(1) does (not --path). */

/* A new string, or NULL where memory ran out. "a b/c" → "a\x20b-c". */
char *unit_name_escape(const char *name);

/* The other way; -EINVAL where the escaping is not what unit_name_escape() writes or yields a NUL byte. */
int unit_name_unescape(const char *instance, char **ret);

/* The unit of a guest, vm@INSTANCE.service: 0, -ENOMEM, or -ENAMETOOLONG over systemd's 255 characters. */
int unit_name_for_guest(const char *name, char **ret);

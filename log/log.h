/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages to the journal, each with the guest it is about; to stderr if that is not connected to the
 * journal. */

#include <stddef.h>
#include <syslog.h>

#include "util/ownership.h"

/* From now on messages carry VM_NAME= and VM_UUID=, and belong to that guest's unit, too, if journald
 * accepts that: from root, and from a user's own programs. The strings are not copied; either may be NULL.
 */
void log_open(const char *guest, const char *uuid);

void log_at(int priority, const char *format, ...) _printf_(2, 3);

/* Appends the meaning of the negative errno; returns it. */
int log_errno(int priority, int error, const char *format, ...) _printf_(3, 4);

int log_out_of_memory(void); /* logs it; returns -ENOMEM */

/*
 * An entry with a MESSAGE_ID (32 hexadecimal digits) and more fields ("KEY=value", ended by NULL, or NULL
 * for none).
 */
void log_entry(int priority, const char *message_id, char *const *fields, const char *format, ...)
        _printf_(4, 5);

/* An entry with another identifier than our own: a line from a guest's console. */
void log_line(int priority, const char *identifier, const char *text, size_t size);

/*
 * A descriptor that turns each line written to it into an entry with that identifier. Without a journal it
 * is a copy of stderr; negative errno if even that fails.
 */
int log_stream(int priority, const char *identifier);

#define log_error(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

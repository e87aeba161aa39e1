/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages to the journal, each with the guest it is about; to stderr where stderr is not the journal. */

#include <stddef.h>
#include <syslog.h>

#include "util/ownership.h"

/* From now on messages carry VM_NAME= and VM_UUID=. The strings are not copied; either may be NULL. */
void log_open(const char *guest, const char *uuid);

/*
 * Messages are about that unit, too, and not only of the one that we are in. Of a user's programs,
 * `journalctl --user` believes that of the user's own units. The string is not copied.
 */
void log_open_user_unit(const char *unit);

void log_at(int priority, const char *format, ...) _printf_(2, 3);

/* Appends what the negative errno means; returns it. */
int log_errno(int priority, int error, const char *format, ...) _printf_(3, 4);

int log_out_of_memory(void); /* says so, returns -ENOMEM */

/*
 * An entry with a MESSAGE_ID (32 hexadecimal digits) and more fields ("KEY=value", ended by NULL, or NULL
 * for none).
 */
void log_entry(int priority, const char *message_id, char *const *fields, const char *format, ...)
        _printf_(4, 5);

/* An entry of another identifier than our own: a line that a guest's console printed. */
void log_line(int priority, const char *identifier, const char *text, size_t size);

/*
 * A descriptor that turns each line written to it into an entry of that identifier. Where there is no
 * journal a copy of stderr, so that there always is one that can be written to; negative errno when even
 * that fails.
 */
int log_stream(int priority, const char *identifier);

#define log_error(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Makes what a guest or its QEMU wrote safe to show: whole UTF-8, no control characters, no terminal
 * sequences.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANITIZED_MAX 4U /* bytes that one byte may become at most */

/* Where a stream is, between two bytes of it. Zero at its start. */
typedef struct Sanitizer {
        uint8_t escape;  /* inside a terminal sequence, see sanitize.c */
        uint8_t missing; /* bytes of a character that are still to come */
        uint32_t code;   /* what came of it */
        uint32_t lowest; /* below this it would be an overlong form */
        unsigned swallowed;
} Sanitizer;

/*
 * Takes a byte, and says what it comes to: none up to SANITIZED_MAX bytes, or one '\n' for the end of a
 * line.
 */
size_t sanitize_byte(Sanitizer *s, uint8_t byte, char ret[static SANITIZED_MAX]);

/*
 * A whole text into a buffer of that many bytes; cut between characters, always ended by a NUL. Line ends
 * become blanks.
 */
void sanitize_text(const char *text, size_t size, char *ret, size_t room);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Makes text from a guest or its QEMU safe to show: valid UTF-8, no control characters, no terminal
 * sequences.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANITIZED_MAX 4U /* at most so many bytes for one byte of input */

/* The state between two bytes of a stream. Zero at its start. */
typedef struct Sanitizer {
        uint8_t escape;  /* inside a terminal sequence, see sanitize.c */
        uint8_t missing; /* bytes of a character that are still to come */
        uint32_t code;   /* its bits so far */
        uint32_t lowest; /* below this it would be an overlong form */
        unsigned swallowed;
} Sanitizer;

/*
 * Takes a byte and returns the size of its output: 0 to SANITIZED_MAX bytes, or one '\n' at the end of a
 * line.
 */
size_t sanitize_byte(Sanitizer *s, uint8_t byte, char ret[static SANITIZED_MAX]);

/*
 * Sanitizes a whole text into a buffer of that many bytes, truncated between characters and always
 * terminated by NUL. Line ends become blanks.
 */
void sanitize_text(const char *text, size_t size, char *ret, size_t room);

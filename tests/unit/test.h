/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit tests: a check that fails says what and where and ends the
 * program; each program is one meson test. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expression)                                                                        \
        do {                                                                                     \
                if (!(expression)) {                                                             \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #expression); \
                        abort();                                                                 \
                }                                                                                \
        } while (0)

#define CHECK_NUMBER(actual, expected)                                                                    \
        do {                                                                                              \
                long long a_ = (long long) (actual), e_ = (long long) (expected);                         \
                if (a_ != e_) {                                                                           \
                        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, a_, \
                                e_);                                                                      \
                        abort();                                                                          \
                }                                                                                         \
        } while (0)

#define CHECK_TEXT(actual, expected)                                                                \
        do {                                                                                        \
                const char *a_ = (actual), *e_ = (expected);                                        \
                if (!a_ || strcmp(a_, e_) != 0) {                                                   \
                        fprintf(stderr, "%s:%d: %s is\n%s\nnot\n%s\n", __FILE__, __LINE__, #actual, \
                                a_ ? a_ : "(null)", e_);                                            \
                        abort();                                                                    \
                }                                                                                   \
        } while (0)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SipHash-2-4: numbers that follow from a key and a text, and tell nothing about the key. */

#include <stddef.h>
#include <stdint.h>

#define KEYED_HASH_KEY_SIZE 16

uint64_t keyed_hash(const uint8_t key[static KEYED_HASH_KEY_SIZE], const void *data, size_t size);

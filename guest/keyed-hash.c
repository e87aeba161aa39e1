/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * machine-id(5) asks that the ID never leaves the host except through a cryptographic hash with a key:
 * guests and the network see what is derived from it. This is SipHash-2-4 by Aumasson and Bernstein, which
 * systemd uses for MAC addresses, too; libsystemd does not export it.
 */

#include "guest/keyed-hash.h"

static uint64_t rotate(uint64_t x, unsigned bits)
{
        return x << bits | x >> (64 - bits);
}

static uint64_t read_word(const uint8_t *p, size_t size)
{
        uint64_t word = 0;

        for (size_t i = 0; i < size; i++)
                word |= (uint64_t) p[i] << (8 * i);
        return word;
}

static void mix(uint64_t v[static 4], unsigned rounds)
{
        while (rounds-- > 0) {
                v[0] += v[1];
                v[2] += v[3];
                v[1] = rotate(v[1], 13) ^ v[0];
                v[3] = rotate(v[3], 16) ^ v[2];
                v[0] = rotate(v[0], 32) + v[3];
                v[2] += v[1];
                v[3] = rotate(v[3], 21) ^ v[0];
                v[1] = rotate(v[1], 17) ^ v[2];
                v[2] = rotate(v[2], 32);
        }
}

static void absorb(uint64_t v[static 4], uint64_t word)
{
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
}

uint64_t keyed_hash(const uint8_t key[static KEYED_HASH_KEY_SIZE], const void *data, size_t size)
{
        uint64_t k0 = read_word(key, 8), k1 = read_word(key + 8, 8);
        uint64_t v[4] = {
                k0 ^ UINT64_C(0x736f6d6570736575),
                k1 ^ UINT64_C(0x646f72616e646f6d),
                k0 ^ UINT64_C(0x6c7967656e657261),
                k1 ^ UINT64_C(0x7465646279746573),
        };
        const uint8_t *p = data;
        size_t rest = size % 8;

        for (const uint8_t *end = p + (size - rest); p < end; p += 8)
                absorb(v, read_word(p, 8));
        absorb(v, read_word(p, rest) | (uint64_t) size << 56);
        v[2] ^= 0xff;
        mix(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

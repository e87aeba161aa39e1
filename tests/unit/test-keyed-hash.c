/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SipHash-2-4 against the test vectors of its reference implementation. */

#include "guest/keyed-hash.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

int main(void)
{
        static const struct {
                size_t size;
                uint64_t hash;
        } vectors[] = {
                { 0, UINT64_C(0x726fdb47dd0e0e31) },
                { 1, UINT64_C(0x74f839c593dc67fd) },
                { 8, UINT64_C(0x93f5f5799a932462) },
                { 15, UINT64_C(0xa129ca6149be45e5) },
        };
        uint8_t key[KEYED_HASH_KEY_SIZE], data[16];

        for (uint8_t i = 0; i < 16; i++)
                key[i] = data[i] = i;
        for (size_t i = 0; i < ELEMENTS(vectors); i++)
                CHECK(keyed_hash(key, data, vectors[i].size) == vectors[i].hash);
        return 0;
}

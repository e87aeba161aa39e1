/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's own QEMU wrote this header, and a QEMU that its guest has taken over may have written
 * anything. So every offset and size is checked against the bytes that exist before it is used, and callers
 * run in a process that has only the guest's rights (see errand-agent.c). What the header says is a claim:
 * chain.c decides whether the named file is opened.
 *
 * Source: docs/interop/qcow2.rst of QEMU. Numbers are big-endian. Versions 2 (72 bytes) and 3 (at least 104
 * bytes).
 */

#include "launcher/errand/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "contract/limits.h"

#define QCOW2_MAGIC             0x514649fbU /* "QFI\xfb" */
#define QCOW2_SIZE_V2           72U
#define QCOW2_SIZE_V3           104U
#define QCOW2_CLUSTER_BITS_MIN  9U
#define QCOW2_CLUSTER_BITS_MAX  21U
#define QCOW2_INCOMPATIBLE_DATA (UINT64_C(1) << 2)
#define QCOW2_EXTENSION_END     0U
#define QCOW2_EXTENSION_BACKING 0xe2792acaU /* the backing file's format */
#define QCOW2_EXTENSION_DATA    0x44415441U /* the data file's name */

/* Offsets of the header fields that matter here. */
enum {
        QCOW2_AT_MAGIC = 0,
        QCOW2_AT_VERSION = 4,
        QCOW2_AT_BACKING_OFFSET = 8,
        QCOW2_AT_BACKING_SIZE = 16,
        QCOW2_AT_CLUSTER_BITS = 20,
        QCOW2_AT_INCOMPATIBLE = 72,
        QCOW2_AT_HEADER_SIZE = 100,
};

typedef struct Image {
        const uint8_t *data;
        size_t size; /* of the available bytes, at most one cluster */
} Image;

static int get_u32(const Image *image, uint64_t offset, uint32_t *ret)
{
        uint32_t n;

        if (offset > image->size || image->size - offset < sizeof(n))
                return -EBADMSG;
        memcpy(&n, image->data + offset, sizeof(n));
        *ret = be32toh(n);
        return 0;
}

static int get_u64(const Image *image, uint64_t offset, uint64_t *ret)
{
        uint64_t n;

        if (offset > image->size || image->size - offset < sizeof(n))
                return -EBADMSG;
        memcpy(&n, image->data + offset, sizeof(n));
        *ret = be64toh(n);
        return 0;
}

/*
 * Copies text of that length into a buffer one byte larger than max. A NUL inside is refused, because QEMU
 * and vmunit would then read different names.
 */
static int get_text(const Image *image, uint64_t offset, uint32_t length, size_t max, char *ret)
{
        if (length > max || offset > image->size || image->size - offset < length)
                return -EBADMSG;
        if (memchr(image->data + offset, '\0', length))
                return -EBADMSG;
        memcpy(ret, image->data + offset, length);
        ret[length] = '\0';
        return 0;
}

/*
 * From the end of the header to the backing file's name (QEMU reads no further), or to the end of the
 * available bytes.
 */
static int read_extensions(const Image *image, uint64_t offset, uint64_t end, Qcow2Header *header)
{
        bool cut = end > image->size && image->size >= QCOW2_HEADER_MAX;

        if (end > image->size)
                end = image->size;
        while (offset < end) {
                uint32_t type, length;
                int r;

                if (end - offset < 8)
                        return -EBADMSG;
                if (get_u32(image, offset, &type) < 0 || get_u32(image, offset + 4, &length) < 0)
                        return -EBADMSG;
                offset += 8;
                if (type == QCOW2_EXTENSION_END)
                        return 0;
                if (length > end - offset)
                        return -EBADMSG;
                if (type == QCOW2_EXTENSION_BACKING) {
                        r = get_text(image, offset, length, QCOW2_FORMAT_MAX, header->format);
                        if (r < 0)
                                return r;
                }
                if (type == QCOW2_EXTENSION_DATA)
                        header->data_file = true;
                offset += ((uint64_t) length + 7) & ~UINT64_C(7);
        }
        return cut ? -EBADMSG : 0;
}

static int read_sizes(Image *image, uint32_t *ret_header_size, Qcow2Header *header)
{
        uint32_t magic, version, cluster_bits, header_size = QCOW2_SIZE_V2;
        uint64_t incompatible = 0;

        if (get_u32(image, QCOW2_AT_MAGIC, &magic) < 0 || magic != QCOW2_MAGIC)
                return -EBADMSG;
        if (get_u32(image, QCOW2_AT_VERSION, &version) < 0 || (version != 2 && version != 3))
                return -EBADMSG;
        if (get_u32(image, QCOW2_AT_CLUSTER_BITS, &cluster_bits) < 0 ||
            cluster_bits < QCOW2_CLUSTER_BITS_MIN || cluster_bits > QCOW2_CLUSTER_BITS_MAX)
                return -EBADMSG;
        if (image->size > UINT64_C(1) << cluster_bits)
                image->size = UINT64_C(1) << cluster_bits;
        if (version == 3) {
                if (get_u64(image, QCOW2_AT_INCOMPATIBLE, &incompatible) < 0 ||
                    get_u32(image, QCOW2_AT_HEADER_SIZE, &header_size) < 0 || header_size < QCOW2_SIZE_V3)
                        return -EBADMSG;
        }
        if (header_size > image->size)
                return -EBADMSG;
        header->data_file = incompatible & QCOW2_INCOMPATIBLE_DATA;
        *ret_header_size = header_size;
        return 0;
}

int qcow2_read_header(const void *data, size_t size, Qcow2Header *ret)
{
        Image image = { .data = data, .size = size };
        Qcow2Header header = { 0 };
        uint32_t header_size, backing_size;
        uint64_t backing_offset;
        int r;

        r = read_sizes(&image, &header_size, &header);
        if (r < 0)
                return r;
        if (get_u64(&image, QCOW2_AT_BACKING_OFFSET, &backing_offset) < 0 ||
            get_u32(&image, QCOW2_AT_BACKING_SIZE, &backing_size) < 0)
                return -EBADMSG;
        if (backing_offset != 0) {
                r = get_text(&image, backing_offset, backing_size, QCOW2_BACKING_MAX, header.backing);
                if (r < 0)
                        return r;
        }
        r = read_extensions(&image, header_size, backing_offset ?: UINT64_MAX, &header);
        if (r < 0)
                return r;
        *ret = header;
        return 0;
}

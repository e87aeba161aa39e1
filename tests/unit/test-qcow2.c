/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <endian.h>
#include <errno.h>
#include <stdint.h>

#include "contract/limits.h"
#include "launcher/errand/qcow2.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

#define IMAGE_SIZE 4096U

typedef struct Image {
        uint8_t data[IMAGE_SIZE];
} Image;

static void put_u32(Image *image, size_t at, uint32_t n)
{
        n = htobe32(n);
        memcpy(image->data + at, &n, sizeof(n));
}

static void put_u64(Image *image, size_t at, uint64_t n)
{
        n = htobe64(n);
        memcpy(image->data + at, &n, sizeof(n));
}

/* A header without extensions or backing file. */
static Image make(uint32_t version)
{
        Image image = { 0 };

        put_u32(&image, 0, 0x514649fb);
        put_u32(&image, 4, version);
        put_u32(&image, 20, 16); /* cluster bits */
        if (version == 3)
                put_u32(&image, 100, 104);
        return image;
}

static void put_backing(Image *image, size_t at, const char *name)
{
        put_u64(image, 8, at);
        put_u32(image, 16, (uint32_t) strlen(name));
        memcpy(image->data + at, name, strlen(name));
}

static size_t put_extension(Image *image, size_t at, uint32_t type, uint32_t length, const char *text)
{
        put_u32(image, at, type);
        put_u32(image, at + 4, length);
        memcpy(image->data + at + 8, text, strlen(text));
        return at + 8 + (length + 7) / 8 * 8;
}

static int read_image(const Image *image, Qcow2Header *h)
{
        *h = (Qcow2Header){ .backing = "untouched" };
        return qcow2_read_header(image->data, sizeof(image->data), h);
}

static void test_valid(void)
{
        Image image;
        Qcow2Header h;

        for (uint32_t version = 2; version <= 3; version++) {
                size_t at = version == 2 ? 72 : 104;

                image = make(version);
                CHECK_NUMBER(read_image(&image, &h), 0);
                CHECK_TEXT(h.backing, "");
                CHECK_TEXT(h.format, "");
                CHECK(!h.data_file);

                at = put_extension(&image, at, 0xe2792aca, 5, "qcow2");
                at = put_extension(
                        &image, at, 0x6803f857, 48, "names of features"); /* one that does not matter here */
                at = put_extension(&image, at, 0, 0, "");
                put_backing(&image, at, "base image.qcow2");
                CHECK_NUMBER(read_image(&image, &h), 0);
                CHECK_TEXT(h.backing, "base image.qcow2");
                CHECK_TEXT(h.format, "qcow2");
        }

        /* older images have the name right behind the header, and no format */
        image = make(2);
        put_backing(&image, 72, "b");
        CHECK_NUMBER(read_image(&image, &h), 0);
        CHECK_TEXT(h.backing, "b");
        CHECK_TEXT(h.format, "");
}

static void test_data_file(void)
{
        Image image = make(3);
        Qcow2Header h;

        put_u64(&image, 72, UINT64_C(1) << 2);
        CHECK_NUMBER(read_image(&image, &h), 0);
        CHECK(h.data_file);
        image = make(3);
        put_extension(&image, 104, 0x44415441, 3, "raw");
        CHECK_NUMBER(read_image(&image, &h), 0);
        CHECK(h.data_file);
}

static void test_truncated(void)
{
        Image image = make(3);
        Qcow2Header h = { .backing = "untouched" };

        put_backing(&image, 512, "base");
        for (size_t size = 0; size < 104; size++)
                CHECK_NUMBER(qcow2_read_header(image.data, size, &h), -EBADMSG);
        CHECK_NUMBER(qcow2_read_header(image.data, 515, &h), -EBADMSG);
        CHECK_TEXT(h.backing, "untouched");
        CHECK_NUMBER(qcow2_read_header(image.data, 516, &h), 0);
        CHECK_TEXT(h.backing, "base");
}

static void refused(const Image *image)
{
        Qcow2Header h;

        CHECK_NUMBER(read_image(image, &h), -EBADMSG);
        CHECK_TEXT(h.backing, "untouched");
}

static void test_hostile_numbers(void)
{
        static const struct {
                size_t at;
                uint32_t value;
        } cases[] = {
                { 0, 0x514649fc },
                { 4, 0 },
                { 4, 1 },
                { 4, 4 },
                { 4, 0x03000000 },
                { 20, 8 },
                { 20, 22 },
                { 20, 0xffffffff },
                { 100, 0 },
                { 100, 103 },
                { 100, 70000 },
                { 100, 0xffffffff },
                { 104, 0x12345678 } /* an extension that is longer than all: its length follows */,
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                Image image = make(3);

                put_u32(&image, 108, 0xffffffff);
                put_u32(&image, cases[i].at, cases[i].value);
                refused(&image);
        }
}

static void test_hostile_backing(void)
{
        static const struct {
                uint64_t at;
                uint32_t size;
        } cases[] = {
                { UINT64_MAX, 1 },
                { UINT64_MAX - 3, 8 },
                { IMAGE_SIZE, 1 },
                { IMAGE_SIZE - 1, 2 },
                { 512, 1024 },
                { 512, UINT32_MAX },
                { UINT64_C(1) << 63, 1 },
                { 106, 4 } /* ends what is an extension in its middle */,
        };
        Image image;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                image = make(3);
                memset(image.data + 512, 'a', 1024);
                put_extension(&image, 104, 1, 0, "");
                put_u64(&image, 8, cases[i].at);
                put_u32(&image, 16, cases[i].size);
                refused(&image);
        }

        /* the longest name there may be, and a NUL within one */
        image = make(3);
        memset(image.data + 512, 'a', 1023);
        put_u64(&image, 8, 512);
        put_u32(&image, 16, 1023);
        CHECK_NUMBER(qcow2_read_header(image.data, IMAGE_SIZE, &(Qcow2Header){ 0 }), 0);
        image.data[520] = '\0';
        refused(&image);

        /* a format whose name is too long */
        image = make(3);
        put_extension(&image, 104, 0xe2792aca, 16, "0123456789abcdef");
        refused(&image);
}

/* Where extensions go on behind what is read of an image, one that matters could hide there. */
static void test_endless_extensions(void)
{
        static uint8_t data[QCOW2_HEADER_MAX];
        Image image = make(3);
        Qcow2Header h;

        put_u32(&image, 20, 21);
        memset(data, 0, sizeof(data));
        memcpy(data, image.data, 104);
        for (size_t at = 104; at < sizeof(data); at += 8)
                data[at + 3] = 1; /* of no length */
        CHECK_NUMBER(qcow2_read_header(data, sizeof(data), &h), -EBADMSG);
        CHECK_NUMBER(
                qcow2_read_header(data, sizeof(data) - 8, &h), 0); /* a file that ends there has no more */
}

int main(void)
{
        test_valid();
        test_data_file();
        test_truncated();
        test_hostile_numbers();
        test_hostile_backing();
        test_endless_extensions();
        return 0;
}

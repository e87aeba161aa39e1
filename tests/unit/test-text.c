/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <limits.h>

#include "tests/unit/test.h"
#include "util/text.h"

static void test_numbers(void)
{
        uint64_t n = 7;
        unsigned u = 7;

        CHECK_NUMBER(text_to_u64("0x1F", UINT64_MAX, &n), 0);
        CHECK_NUMBER(n, 31);
        CHECK_NUMBER(text_to_u64("18446744073709551615", UINT64_MAX, &n), 0);
        CHECK(n == UINT64_MAX);
        CHECK_NUMBER(text_to_u64("18446744073709551616", UINT64_MAX, &n), -ERANGE);
        CHECK_NUMBER(text_to_unsigned("256", 255, &u), -ERANGE);
        CHECK_NUMBER(u, 7);
        for (const char **bad = (const char *[]){ "", " 1", "1 ", "-1", "+1", "0x", "1a", "0xg", NULL };
             *bad; bad++)
                CHECK_NUMBER(text_to_u64(*bad, UINT64_MAX, &n), -EINVAL);
}

static void test_hex(void)
{
        CHECK_NUMBER(text_hex_byte("00"), 0);
        CHECK_NUMBER(text_hex_byte("7fff"), 0x7f);
        CHECK_NUMBER(text_hex_byte("Fa"), 0xfa);
        for (const char **bad = (const char *[]){ "", "1", "g0", "0g", "-1", " 1", "0x", NULL }; *bad; bad++)
                CHECK_NUMBER(text_hex_byte(*bad), -1);
}

static void test_mac(void)
{
        uint8_t mac[6];

        CHECK_NUMBER(text_to_mac("52:54:00:aB:cd:EF", mac), 0);
        CHECK(memcmp(mac, (uint8_t[]){ 0x52, 0x54, 0, 0xab, 0xcd, 0xef }, 6) == 0);
        CHECK_TEXT(mac_text(mac).text, "52:54:00:ab:cd:ef");
        for (const char **bad = (const char *[]){ "", "52", "52:54:00:ab:cd", "52:54:00:ab:cd:ef:",
                                                  "52-54-00-ab-cd-ef", "5:54:00:ab:cd:ef", NULL };
             *bad; bad++)
                CHECK_NUMBER(text_to_mac(*bad, mac), -EINVAL);
}

static void test_uuid(void)
{
        char uuid[37];

        CHECK_NUMBER(text_to_uuid("C7A5FDBD-edaf-9455-926a-d65c16db1809", uuid), 0);
        CHECK_TEXT(uuid, "c7a5fdbd-edaf-9455-926a-d65c16db1809");
        CHECK_NUMBER(text_to_uuid("c7a5fdbdedaf9455926ad65c16db1809", uuid), 0);
        CHECK_TEXT(uuid, "c7a5fdbd-edaf-9455-926a-d65c16db1809");
        for (const char **bad = (const char *[]){ "", "c7a5fdbd", "c7a5fdbdedaf9455926ad65c16db18099",
                                                  "c7a5fdbd-edaf-9455-926a-d65c16db180g", NULL };
             *bad; bad++)
                CHECK_NUMBER(text_to_uuid(*bad, uuid), -EINVAL);
}

static void test_strings(void)
{
        Strings s = { 0 };

        CHECK_NUMBER(strings_add(&s, "a"), 0);
        CHECK_NUMBER(strings_addf(&s, "%d", 12), 0);
        CHECK_NUMBER(strings_take(&s, NULL), -ENOMEM);
        CHECK_NUMBER(s.count, 2);
        CHECK_TEXT(s.items[1], "12");
        CHECK(!s.items[2]);
        CHECK(strings_have(&s, "a") && !strings_have(&s, "b"));
        strings_done(&s);
        CHECK(!s.items && s.count == 0);
}

static void test_writer(void)
{
        _cleanup_(text_writer_done) TextWriter w;
        _cleanup_(freep) char *text = NULL, *empty = NULL;
        size_t size = 7;
        FILE *f = text_writer_start(&w);

        CHECK(f == w.file);
        fprintf(f, "%d,", 12);
        fwrite("a\0b", 1, 3, f);
        CHECK_NUMBER(text_writer_finish(&w, &text, &size), 0);
        CHECK_NUMBER(size, 6);
        CHECK(memcmp(text, "12,a\0b", 7) == 0);
        CHECK(!w.file && !w.text);

        CHECK(text_writer_start(&w));
        empty = text_writer_take(&w);
        CHECK_TEXT(empty, "");
}

/* What was written before a failure is not taken for the whole. */
static void test_writer_failure(void)
{
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        char kept, *text = &kept;
        size_t size = 7;

        w.file = fopen("/dev/full", "w");
        CHECK(w.file);
        fputs("lost", w.file);
        CHECK_NUMBER(text_writer_finish(&w, &text, &size), -ENOMEM);
        CHECK(text == &kept && size == 7);

        w.file = fopen("/dev/null", "r");
        CHECK(w.file);
        fputs("never written", w.file); /* sets the stream's error, and fclose() succeeds */
        CHECK(!text_writer_take(&w));
}

/* Started or not, finished or not, there is nothing to leak. */
static void test_writer_done(void)
{
        _cleanup_(text_writer_done) TextWriter never = { 0 }, unfinished;

        CHECK(!never.file);
        CHECK(text_writer_start(&unfinished));
        fputs("unfinished", unfinished.file);
}

static void test_make_printable(void)
{
        char text[] = "a\033[31mb\nc\177d \302\233e \303\251 \302",
             expected[] = "a [31mb c d   e \303\251 \302";

        text_make_printable(text);
        CHECK_TEXT(text, expected);
}

static void test_distance(void)
{
        char longer[TEXT_NEAR_MAX + 2];

        CHECK_NUMBER(text_distance("", ""), 0);
        CHECK_NUMBER(text_distance("disk", "disk"), 0);
        CHECK_NUMBER(text_distance("KVM", "kvm"), 0);
        CHECK_NUMBER(text_distance("", "disk"), 4);
        CHECK_NUMBER(text_distance("disk", ""), 4);
        CHECK_NUMBER(text_distance("disks", "disk"), 1);
        CHECK_NUMBER(text_distance("dik", "disk"), 1);
        CHECK_NUMBER(text_distance("dosk", "disk"), 1);
        CHECK_NUMBER(text_distance("diks", "disk"), 1);
        CHECK_NUMBER(text_distance("idks", "disk"), 2);
        CHECK_NUMBER(text_distance("kitten", "sitting"), 3);
        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        CHECK(text_distance(longer, "x") == UINT_MAX);
        CHECK(text_distance("x", longer) == UINT_MAX);
        CHECK_NUMBER(text_distance(longer + 1, longer + 2), 1);
}

static const char *nearest(const char *wrong)
{
        static const char *const words[] = { "raw", "qcow2", "qcow", "qed", "vmdk", "threads" };
        static TextNear near;

        near = (TextNear){ .wrong = wrong };
        for (size_t i = 0; i < ELEMENTS(words); i++)
                text_near_consider(&near, words[i], strlen(words[i]));
        return near.found;
}

static void test_near(void)
{
        CHECK_TEXT(nearest("qcwo2"), "qcow2");
        CHECK_TEXT(nearest("qcow3"), "qcow2"); /* the first of two that are as near */
        CHECK_TEXT(nearest("QCOW"), "qcow");
        CHECK_TEXT(nearest("thread"), "threads");
        CHECK_TEXT(nearest("raww"), "raw");
        CHECK_TEXT(nearest("raw"), "");  /* not wrong */
        CHECK_TEXT(nearest("rw"), "");   /* half of it */
        CHECK_TEXT(nearest("thrd"), ""); /* too far */
        CHECK_TEXT(nearest("vhdx"), "");
        CHECK_TEXT(nearest(""), "");
}

static void test_path(const char *path, const char *simple)
{
        _cleanup_(freep) char *copy = strdup(path);

        CHECK(copy);
        path_simplify(copy);
        CHECK_TEXT(copy, simple);
}

static void test_paths(void)
{
        test_path("/", "/");
        test_path("//", "/");
        test_path("/./", "/");
        test_path("/a", "/a");
        test_path("//srv/x", "/srv/x");
        test_path("/srv///./.hidden/./x.//", "/srv/.hidden/x.");
        test_path("/srv/../x/", "/srv/../x");
        CHECK(path_is_in("/srv", "/srv") && path_is_in("/srv/x", "/srv") && path_is_in("/srv", "/"));
        CHECK(!path_is_in("/srv2", "/srv") && !path_is_in("/", "/srv"));
}

int main(void)
{
        test_paths();
        test_make_printable();
        test_numbers();
        test_hex();
        test_mac();
        test_uuid();
        test_distance();
        test_near();
        test_strings();
        CHECK_TEXT(text_after("--fd=3", "--fd="), "3");
        CHECK(!text_after("--f", "--fd="));
        CHECK(text_ends_with("a.xml", ".xml") && !text_ends_with("xml", ".xml"));
        test_writer();
        test_writer_failure();
        test_writer_done();
        return 0;
}

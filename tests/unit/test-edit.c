/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values are changed at their places, and every other byte stays as it was. */

#include "guest/xml/edit.h"
#include "tests/unit/test.h"
#include "util/text.h"

/* One edit of the element of that name, or of the root. The result must still be XML. */
static void check(
        const char *text, const char *element, const char *path, const char *after, const char *value,
        const char *expected)
{
        _cleanup_(findings_freep) Findings *f = findings_new(), *later = findings_new();
        _cleanup_(xml_freep) XmlElement *root = xml_parse("t.xml", text, strlen(text), f), *again = NULL;
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = text, .size = strlen(text) };
        _cleanup_(freep) char *result = NULL;
        size_t size;

        CHECK(root);
        CHECK_NUMBER(
                xml_edits_set(&edits, element ? xml_child(root, element) : root, path, after, value), 0);
        CHECK_NUMBER(xml_edits_apply(&edits, &result, &size), 0);
        CHECK_TEXT(result, expected);
        CHECK_NUMBER(size, strlen(expected));
        again = xml_parse("t.xml", result, size, later);
        CHECK(again);
}

static void test_text(void)
{
        check("<d>\n <name>a</name> <!-- b -->\n</d>\n", NULL, "name", NULL, "x<y>&'z'",
              "<d>\n <name>x&lt;y&gt;&amp;&apos;z&apos;</name> <!-- b -->\n</d>\n");
        check("<d><name/></d>", NULL, "name", NULL, "x", "<d><name>x</name></d>");
        check("<d><name a='>'\n>a<!-- </name> --><![CDATA[</name>]]><?p </name>?></name ></d>", NULL, "name",
              NULL, "x", "<d><name a='>'\n>x</name ></d>");
        /* the first of that name, and not one in a comment or deeper */
        check("<!--<d>--><d><!-- <name>a</name> --><b><name>b</name></b><name>c</name></d>", NULL, "name",
              NULL, "x", "<!--<d>--><d><!-- <name>a</name> --><b><name>b</name></b><name>x</name></d>");
}

static void test_attributes(void)
{
        check("<d><m a=\"1\"\tb = '2'/></d>", "m", "@b", NULL, "\"", "<d><m a=\"1\"\tb = '&quot;'/></d>");
        check("<d><m ab='b=\"9\"' b='2' ></m></d>", "m", "@b", NULL, "3",
              "<d><m ab='b=\"9\"' b='3' ></m></d>");
        check("<d><m ab='1'  /></d>", "m", "@b", NULL, "3", "<d><m ab='1' b='3'  /></d>");
        check("<d><m/></d>", NULL, "m@b", NULL, "3", "<d><m b='3'/></d>");
        check("<d><m>text</m></d>", NULL, "m@b", NULL, "3", "<d><m b='3'>text</m></d>");
}

static void test_new_elements(void)
{
        check("<d>\r\n\t<name>a</name> <!-- n -->\r\n\t<z/>\r\n</d>", NULL, "uuid", "name", "u",
              "<d>\r\n\t<name>a</name>\r\n\t<uuid>u</uuid> <!-- n -->\r\n\t<z/>\r\n</d>");
        check("<d>\n    <z/>\n</d>", NULL, "uuid", "name", "u", "<d>\n    <uuid>u</uuid>\n    <z/>\n</d>");
        check("<d><name/><z/></d>", NULL, "uuid", "name", "u", "<d><name/><uuid>u</uuid><z/></d>");
        check("<d><z/></d>", NULL, "m@b", NULL, "1", "<d><m b='1'/><z/></d>");
        check("<d>\n  <i type='user'/>\n</d>", "i", "m@b", NULL, "1",
              "<d>\n  <i type='user'>\n    <m b='1'/>\n  </i>\n</d>");
        check("<d><i type='user' /></d>", "i", "m@b", NULL, "1", "<d><i type='user' ><m b='1'/></i></d>");
        check("<d><i></i></d>", "i", "m@b", NULL, "1", "<d><i><m b='1'/></i></d>");
        /* columns count bytes */
        check("<d><!-- äöü --><i a='ß'/></d>", "i", "m@b", NULL, "1",
              "<d><!-- äöü --><i a='ß'><m b='1'/></i></d>");
}

static void test_several(void)
{
        static const char text[] = "<d>\n  <i/>\n  <n>a</n>\n</d>";
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(xml_freep) XmlElement *root = xml_parse("t.xml", text, strlen(text), f);
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = text, .size = strlen(text) };
        _cleanup_(freep) char *result = NULL, *same = NULL;
        size_t size;

        CHECK_NUMBER(xml_edits_apply(&edits, &same, &size), 0);
        CHECK_TEXT(same, text);
        CHECK_NUMBER(xml_edits_set(&edits, root, "n", NULL, "b"), 0);
        CHECK_NUMBER(xml_edits_set(&edits, root, "n@k", NULL, "v"), 0);
        CHECK_NUMBER(xml_edits_set(&edits, xml_child(root, "i"), "m@b", NULL, "1"), 0);
        CHECK_NUMBER(xml_edits_apply(&edits, &result, &size), 0);
        CHECK_TEXT(result, "<d>\n  <i>\n    <m b='1'/>\n  </i>\n  <n k='v'>b</n>\n</d>");
}

int main(void)
{
        test_text();
        test_attributes();
        test_new_elements();
        test_several();
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/guest.h"
#include "guest/xml/field.h"
#include "guest/xml/xml.h"
#include "tests/unit/test.h"
#include "util/text.h"

static XmlElement *parse(const char *text, Findings *f)
{
        return xml_parse("t.xml", text, strlen(text), f);
}

static void check_finding(const Findings *f, size_t i, const char *expected)
{
        _cleanup_(freep) char *line = NULL;

        CHECK(i < findings_count(f));
        line = finding_format(findings_get(f, i));
        CHECK_TEXT(line, expected);
}

static void test_places(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(xml_freep) XmlElement *root = NULL;
        XmlElement *b, *c;

        root =
                parse("<a>\n  <!-- <no> -->\n  <b x='1'\n     y='&lt;2>&amp;&#x41;'>  t&amp;u "
                      "<![CDATA[<v>]]> </b><c/>\n</a>",
                      f);
        CHECK(root);
        b = xml_child(root, "b");
        CHECK(b);
        CHECK_NUMBER(b->place.line, 3);
        CHECK_NUMBER(b->place.column, 3);
        CHECK_TEXT(xml_attribute(b, "y"), "<2>&A");
        CHECK_TEXT(xml_text(b), "t&u <v>");
        c = xml_child(root, "c");
        CHECK_NUMBER(c->place.line, 4);
        CHECK_NUMBER(c->place.column, 58);
}

static void test_unclaimed(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(xml_freep) XmlElement *root = NULL;

        root = parse("<a one='1' two='2'>text<b/><c><d/></c><e><f/></e></a>", f);
        CHECK(root);
        CHECK_TEXT(xml_attribute(root, "one"), "1");
        CHECK(xml_child(root, "b"));
        CHECK(xml_child(root, "c"));
        xml_claim_all(xml_child(root, "e"));
        xml_report_unclaimed(root, f);
        CHECK_NUMBER(findings_count(f), 3);
        check_finding(f, 0, "t.xml:1:1: error: <a>: the attribute two='2' is not supported; remove it");
        check_finding(f, 1, "t.xml:1:1: error: <a> must not contain text");
        check_finding(f, 2, "t.xml:1:31: error: <d> in <c> is not supported; remove it");
}

static void test_refused(void)
{
        static const char *const cases[][2] = {
                { "<a><b></a>", "t.xml:1:" },
                { "<!DOCTYPE a><a/>", "t.xml:1:1: error: a DOCTYPE is not allowed; remove it" },
                { "<a>\n&nosuch;</a>", "t.xml:2:" },
                { "", "t.xml:1:1: error: the file is empty" },
                { "<?xml version='1.0' encoding='UTF-16'?><a/>",
                  "t.xml:1:1: error: the file must be encoded in UTF-8" },
                { "<a>\xff</a>", "t.xml:1:" },
                { "<a x='1' x='2'/>", "t.xml:1:" },
                { "<a/><b/>", "t.xml:1:" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(findings_freep) Findings *f = findings_new();
                _cleanup_(freep) char *line = NULL;

                CHECK(!parse(cases[i][0], f));
                CHECK_NUMBER(findings_count(f), 1);
                line = finding_format(findings_get(f, 0));
                if (!text_after(line, cases[i][1]))
                        CHECK_TEXT(line, cases[i][1]);
        }
}

typedef struct Values {
        const char *text, *path;
        int word;
        Tristate flag, answer;
        bool present;
        Number number, size;
} Values;

static const char *const words[] = { "red", "green", NULL };

static const Field fields[] = {
        FIELD("@text", FIELD_TEXT, Values, text),
        FIELD("path", FIELD_PATH, Values, path),
        FIELD_OF_WORDS("deep/er@word", Values, word, words),
        FIELD("flag@on", FIELD_SWITCH, Values, flag),
        FIELD("answer@is", FIELD_YESNO, Values, answer),
        FIELD("present", FIELD_PRESENT, Values, present),
        FIELD_IN_RANGE("number", Values, number, 2, 9),
        FIELD_OF_SIZE("size", Values, size, KIB),
        FIELD_SAID("ignored", FIELD_IGNORED, NULL),
        FIELD_SAID("refused", FIELD_REFUSED, "never"),
        {},
};

static void test_fields(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(xml_freep) XmlElement *root = NULL;
        Values v = { 0 };

        root =
                parse("<a text='t'><path>/x/y</path><deep><er word='green'/></deep><flag on='off'/><answer "
                      "is='yes'/><present/><number>0x9</number><size unit='MiB'>2</size><ignored "
                      "a='b'>c<d/></ignored></a>",
                      f);
        fields_read(root, fields, &v, f);
        xml_report_unclaimed(root, f);
        CHECK_NUMBER(findings_count(f), 0);
        CHECK_TEXT(v.text, "t");
        CHECK_TEXT(v.path, "/x/y");
        CHECK_NUMBER(v.word, 2);
        CHECK(v.flag == OFF && v.answer == ON && v.present);
        CHECK(v.number.set && v.number.value == 9);
        CHECK(v.size.set && v.size.value == 2 * MIB);
}

static void test_bad_fields(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(xml_freep) XmlElement *root = NULL;
        Values v = { 0 };

        root =
                parse("<a text=''>\n<path>/x/../y</path>\n<deep><er word='blue'/></deep>\n<flag "
                      "on='yes'/>\n<number>10</number>\n"
                      "<size unit='furlong'>2</size>\n<refused/>\n</a>",
                      f);
        fields_read(root, fields, &v, f);
        CHECK_NUMBER(findings_count(f), 7);
        check_finding(f, 0, "t.xml:1:1: error: <a>: text='' must not be empty");
        check_finding(f, 1, "t.xml:2:1: error: <path>: '/x/../y' must not contain \"..\"");
        check_finding(f, 2, "t.xml:3:7: error: <er>: word='blue' must be one of: red, green");
        check_finding(f, 3, "t.xml:4:1: error: <flag>: on='yes' must be 'on' or 'off'");
        check_finding(f, 4, "t.xml:5:1: error: <number>: '10' must be between 2 and 9");
        check_finding(
                f, 5,
                "t.xml:6:1: error: <size>: '2' must be a whole number with a known unit, such as KiB, MiB "
                "or GiB, not unit='furlong'");
        check_finding(f, 6, "t.xml:7:1: error: <refused>: never");
        CHECK(!v.text && !v.path && !v.word && !v.number.set && !v.size.set);
}

static void test_findings(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();

        finding(f, SEVERITY_WARNING, (Place){ "a\nb", 3, 1 }, "ctrl\x1b[2J");
        CHECK(!findings_failed(f));
        check_finding(f, 0, "a\\x0ab:3:1: warning: ctrl\\x1b[2J");
        for (unsigned i = 0; i < 2 * FINDINGS_MAX; i++)
                finding(f, SEVERITY_ERROR, (Place){ "x", 1, 1 }, "%u", i);
        CHECK_NUMBER(findings_count(f), FINDINGS_MAX);
        CHECK(findings_failed(f));
}

int main(void)
{
        test_places();
        test_unclaimed();
        test_refused();
        test_fields();
        test_bad_fields();
        test_findings();
        return 0;
}

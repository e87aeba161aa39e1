/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "generator/convert/fragments.h"
#include "guest/xml/write.h"
#include "tests/unit/test.h"
#include "util/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char guest[] = "<domain><memory>1</memory><devices>"
                            "<disk><target dev='vda'/></disk>"
                            "<interface><mac address='52:54:00:00:00:01'/></interface>"
                            "<memory model='dimm'/></devices></domain>";

static char directory[] = "/tmp/test-fragments.XXXXXX";

static void put(const char *name, const char *text)
{
        _cleanup_(freep) char *path = text_format("%s/one.xml.d/%s", directory, name);

        CHECK(path);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, 0), 0);
}

/* The guest with the fragments that are there, as XML; findings must have that many errors. */
static char *applied(size_t errors)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(strings_done) Strings directories = { 0 }, files = { 0 };
        _cleanup_(xml_freep) XmlElement *xml = NULL;
        size_t found = 0;

        CHECK_NUMBER(strings_add(&directories, directory), 0);
        CHECK_NUMBER(strings_add(&directories, "/usr/lib/vmunit/guests"), 0);
        CHECK_NUMBER(fragments_find(&directories, "one", &files), 0);
        xml = xml_parse("one.xml", guest, strlen(guest), findings);
        CHECK(xml);
        CHECK_NUMBER(fragments_apply(xml, &files, findings), 0);
        for (size_t i = 0; i < findings_count(findings); i++)
                found += findings_get(findings, i)->severity == SEVERITY_ERROR;
        CHECK_NUMBER(found, errors);
        return xml_write(xml);
}

static void clear(void)
{
        _cleanup_(freep) char *path = text_format("%s/one.xml.d", directory);

        CHECK(path);
        (void) directory_remove(path);
        CHECK_NUMBER(mkdir(path, 0755), 0);
}

static void expect(const char *text, size_t errors)
{
        _cleanup_(freep) char *whole = applied(errors);

        CHECK(whole);
        CHECK(strstr(whole, text));
}

static void expect_not(const char *text)
{
        _cleanup_(freep) char *whole = applied(0);

        CHECK(whole);
        CHECK(!strstr(whole, text));
}

static void test_devices(void)
{
        clear();
        put("b.xml", "<disk><source file='/b'/><target dev='vdb'/></disk>");
        expect("<memory model='dimm'/>\n    <disk>\n      <source file='/b'/>", 0);
        put("a.xml", "<disk><source file='/a'/><target dev='vda'/></disk>");
        expect("<devices>\n    <disk>\n      <source file='/a'/>", 0);
        /* the later of two that are about one device */
        put("c.xml", "<disk><source file='/c'/><target dev='vdb'/></disk>");
        expect("<source file='/c'/>", 0);
        expect_not("<source file='/b'/>");
        put("d.xml", "<vmunit:remove xmlns:vmunit='" XML_VMUNIT_NAMESPACE
                     "'><disk><target dev='vdb'/></disk></vmunit:remove>");
        expect_not("<source file='/c'/>");
        put("e.xml", "<interface><mac address='52:54:00:00:00:02'/></interface>");
        expect("52:54:00:00:00:02", 0);
        expect("52:54:00:00:00:01", 0);
}

static void test_domain(void)
{
        clear();
        put("memory.xml", "<memory>2</memory>");
        expect("<domain>\n  <memory>2</memory>\n  <devices>", 0);
        expect("<memory model='dimm'/>", 0);
        put("vcpu.xml", "<vcpu current='1'>2</vcpu>");
        expect("<vcpu current='1'>2</vcpu>", 0);
}

static void test_errors(void)
{
        clear();
        put("not a name.xml", "<disk/>");
        put("broken.xml", "<disk>");
        put("two.xml",
            "<vmunit:remove xmlns:vmunit='" XML_VMUNIT_NAMESPACE "'><disk/><disk/></vmunit:remove>");
        put("ignored.txt", "<disk>");
        put(".hidden.xml", "<disk>");
        expect("vda", 3);
}

static void test_names(void)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        static const char text[] =
                "<hostdev type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>";
        _cleanup_(xml_freep) XmlElement *e = xml_parse("x", text, strlen(text), findings), *removal = NULL;
        _cleanup_(freep) char *name = fragment_name_for(e), *whole = NULL;

        CHECK_TEXT(name, "hostdev-0x1-0x2");
        removal = fragment_removal(e);
        CHECK(removal);
        whole = xml_write(removal);
        CHECK(strstr(whole, "<vendor id='0x1'/>") && strstr(whole, "<product id='0x2'/>"));
        CHECK(fragment_name_is_valid("a-1.b_c") && !fragment_name_is_valid("-a") &&
              !fragment_name_is_valid("") && !fragment_name_is_valid("a b"));
}

int main(void)
{
        CHECK(mkdtemp(directory));
        test_devices();
        test_domain();
        test_errors();
        test_names();
        clear();
        CHECK_NUMBER(chdir(directory), 0);
        CHECK_NUMBER(rmdir("one.xml.d"), 0);
        CHECK_NUMBER(rmdir(directory), 0);
        return 0;
}

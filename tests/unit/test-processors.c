/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processors that were added: what is saved of them, and what QEMU is started with. */

#include <errno.h>

#include "launcher/machine/processors.h"
#include "tests/unit/test.h"

#define TYPE         "qemu64-x86_64-cpu"
#define PROPS(n)     "{\"core-id\": 0, \"thread-id\": 0, \"socket-id\": " #n "}"
#define VACANT(n)    "{\"type\": \"" TYPE "\", \"vcpus-count\": 1, \"props\": " PROPS(n) "}"
#define TAKEN(n, at) "{\"type\": \"" TYPE "\", \"qom-path\": \"" at "\", \"props\": " PROPS(n) "}"

static json_t *parse(const char *text)
{
        json_t *json = json_loads(text, 0, NULL);

        CHECK(json);
        return json;
}

static void test_added(void)
{
        _cleanup_(json_decrefp) json_t *answer = parse(
                "[" VACANT(4) "," TAKEN(3, "/machine/peripheral/vcpu.2") "," TAKEN(2, "/machine/peripheral/vcpu.1") "," TAKEN(
                        1, "/machine/peripheral/vcpu1") "," TAKEN(0, "/machine/unattached/device[0]") "]");
        _cleanup_(json_decrefp) json_t *added = processors_added(answer);
        const json_t *first = json_array_get(added, 0);

        CHECK_NUMBER(json_array_size(added), 2);
        CHECK_TEXT(json_string_value(json_object_get(first, "id")), "vcpu.2");
        CHECK_TEXT(json_string_value(json_object_get(first, "driver")), TYPE);
        CHECK_NUMBER(json_integer_value(json_object_get(first, "socket-id")), 3);
}

static int start(const char *smp, unsigned boot, const char *added, Strings *argv)
{
        _cleanup_(json_decrefp) json_t *json = parse(added);

        CHECK_NUMBER(strings_add(argv, "/q"), 0);
        CHECK_NUMBER(strings_add(argv, "-smp"), 0);
        CHECK_NUMBER(strings_add(argv, smp), 0);
        return processors_start(argv, boot, json);
}

#define ADDED(id, type, more) "{\"id\":\"" id "\",\"driver\":\"" type "\"" more "}"

static void test_start(void)
{
        _cleanup_(strings_done) Strings argv = { 0 }, all = { 0 }, found = { 0 };
        unsigned boot;

        CHECK_NUMBER(
                start("3,maxcpus=4,sockets=4", 1,
                      "[" ADDED("vcpu.7", TYPE, ",\"socket-id\":2") "," ADDED("vcpu.1", TYPE, "") "]",
                      &argv),
                0);
        CHECK_NUMBER(argv.count, 7);
        CHECK_TEXT(argv.items[2], "1,maxcpus=4,sockets=4");
        CHECK_TEXT(argv.items[3], "-device");
        CHECK_TEXT(argv.items[4], ADDED("vcpu.7", TYPE, ",\"socket-id\":2"));
        CHECK_NUMBER(processors_find(argv.items, &boot, &found), 0);
        CHECK_NUMBER(boot, 1);
        CHECK_NUMBER(found.count, 2);
        CHECK_TEXT(found.items[0], "vcpu.7");
        CHECK_NUMBER(processors_number(found.items[0]), 7);

        CHECK_NUMBER(start("2,sockets=2", 1, "[" ADDED("vcpu.1", TYPE, "") "]", &all), 0);
        CHECK_TEXT(all.items[2], "1,maxcpus=2,sockets=2");
}

/* The file is of the guest's user. */
static void test_refused(void)
{
        static const char *const bad[] = {
                "[" ADDED("vcpu.1", "virtio-net-pci", "") "]",
                "[" ADDED("vcpu.1", "x,y-cpu", "") "]",
                "[" ADDED("net0", TYPE, "") "]",
                "[" ADDED("vcpu.-1", TYPE, "") "]",
                "[" ADDED("vcpu.1", TYPE, ",\"socket-id\":\"1\"") "]",
                "[" ADDED("vcpu.1", TYPE, ",\"rombar\":1") "]",
                "[" ADDED("vcpu.1", TYPE, "") "," ADDED("vcpu.2", TYPE, "") "]",
                "[]",
                "{}",
                "[1]",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(strings_done) Strings argv = { 0 };

                CHECK_NUMBER(start("2,maxcpus=4,sockets=4", 1, bad[i], &argv), -EBADMSG);
                CHECK_NUMBER(argv.count, 3);
        }
        for (unsigned boot = 0; boot < 2; boot++) {
                _cleanup_(strings_done) Strings argv = { 0 };

                CHECK_NUMBER(
                        start(boot ? "x" : "1,sockets=4", boot, "[" ADDED("vcpu.1", TYPE, "") "]", &argv),
                        -EBADMSG);
        }
}

int main(void)
{
        test_added();
        test_start();
        test_refused();
        return 0;
}

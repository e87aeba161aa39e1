/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "broker/call/create-tap.h"
#include "broker/call/error.h"
#include "broker/call/limits.h"
#include "broker/caller/user.h"
#include "broker/tap/tap-name.h"
#include "tests/unit/test.h"

static void test_tap_names(void)
{
        static const char *const others[] = {
                "",        "vm",        "vm-",       "vm-0",      "vm1000",       "vm1000-",
                "vm1-100", "vm01-0",    "vm1-00",    "vm1-0x1",   "vm0x1-0",      "vm4294967296-0",
                "vm1-0-0", "vm-1000-0", "xvm1000-0", "vm1000-0 ", "vm 1000-0",    "vm+1-0",
                "vm1-+0",  "vm1--0",    "VM1000-0",  "vm1000_0",  "vm1000-0.100", "vm4294967295-999",
        };
        static const struct {
                uid_t uid;
                unsigned number;
                const char *name;
        } ours[] = {
                { 0, 0, "vm0-0" },
                { 1000, 7, "vm1000-7" },
                { UINT32_MAX, 99, "vm4294967295-99" }, /* just as long as a name may be */
        };
        char name[IFNAMSIZ];
        unsigned number;
        uid_t uid;

        for (size_t i = 0; i < ELEMENTS(ours); i++) {
                tap_name_format(name, ours[i].uid, ours[i].number);
                CHECK_TEXT(name, ours[i].name);
                CHECK(tap_name_parse(name, &uid, &number));
                CHECK(uid == ours[i].uid);
                CHECK_NUMBER(number, ours[i].number);
        }
        for (size_t i = 0; i < ELEMENTS(others); i++)
                CHECK(!tap_name_parse(others[i], &uid, &number));
}

static void test_tap_aliases(void)
{
        static const char *const others[] = {
                "",
                "vmunit: guest web of user 1000",
                "vmunit: guest web of user 1000, 52:54:00:00:00",
                "vmunit: guest web of user 1000, 52:54:00:00:00:0a:0b",
                "vmunit: guest web of user 1000, 52:54:00:00:00:0g",
                "guest web of user 1000, 52:54:00:00:00:0a",
        };
        static const uint8_t mac[6] = { 0x52, 0x54, 0, 0xab, 0, 0x0a };
        _cleanup_(freep) char *alias = tap_alias_new("a, 00:00:00:00:00:00", UINT32_MAX, mac);
        uint8_t found[6];

        CHECK_TEXT(alias, "vmunit: guest a, 00:00:00:00:00:00 of user 4294967295, 52:54:00:ab:00:0a");
        CHECK(tap_alias_parse(alias, found));
        CHECK(memcmp(found, mac, sizeof(mac)) == 0);
        for (size_t i = 0; i < ELEMENTS(others); i++)
                CHECK(!tap_alias_parse(others[i], found));
        tap_end_address(mac, found);
        CHECK(found[0] == 0xfe && memcmp(found + 1, mac + 1, 5) == 0);
}

static void test_guest_names(void)
{
        static const char *const bad[] = { "", ".", "..", ".x", "\xff", "a/b", "a\nb", "a\x7f", "\x1b[m" };
        char name[GUEST_NAME_MAX + 2];

        CHECK_NUMBER(guest_name_check("web 1 %d \xc3\xa9"), 0);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK_NUMBER(guest_name_check(bad[i]), -EINVAL);
        memset(name, 'a', sizeof(name));
        name[GUEST_NAME_MAX + 1] = '\0';
        CHECK_NUMBER(guest_name_check(name), -EINVAL);
        name[GUEST_NAME_MAX] = '\0';
        CHECK_NUMBER(guest_name_check(name), 0);
}

/* A call as if it had come by the bus; what follows is as for sd_bus_message_append(). */
static sd_bus_message *call_of(sd_bus *bus, const char *types, ...)
{
        sd_bus_message *m;
        va_list ap;

        CHECK_NUMBER(sd_bus_message_new_method_call(bus, &m, "a.b", "/a", "a.b", "CreateTap"), 0);
        va_start(ap, types);
        CHECK(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        CHECK(sd_bus_message_seal(m, 1, 0) >= 0);
        return m;
}

static void check_refused(sd_bus_message *m, const char *text)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CreateTap ask;

        CHECK(create_tap_read(m, &ask, &error) < 0);
        CHECK_TEXT(error.name, ERROR_BAD_REQUEST);
        CHECK_TEXT(error.message, text);
        sd_bus_message_unref(m);
}

#define MAC        "mac", "s", "52:54:00:12:34:56"
#define BAD_BRIDGE "The bridge is not a valid interface name."
#define BAD_MAC    "The option mac must be a unicast MAC address such as 52:54:00:12:34:56."
#define BAD_QUEUES "The option queues must be a number from 1 to 16 (type u)."
#define BAD_MTU    "The option mtu must be a number from 68 to 65521 (type u)."

static void test_requests(sd_bus *bus)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        static const char *const macs[] = {
                "",
                "52:54:00:12:34",
                "52:54:00:12:34:5g",
                "53:54:00:12:34:56",
                "ff:ff:ff:ff:ff:ff",
                "00:00:00:00:00:00",
                "52:54:00:12:34:56:78",
                "52-54-00-12-34-56",
                "52:54:00:12:34:56                                                             ",
        };
        static const char *const bridges[] = { "",     ".",   "a/b", "br%d", "br 0", "a-name-of-16-byte",
                                               "br\n", "br:0" };
        sd_bus_message *m;
        CreateTap ask;

        m = call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 3, MAC, "queues", "u", 16, "mtu", "u", 9000);
        CHECK_NUMBER(create_tap_read(m, &ask, &error), 0);
        CHECK_TEXT(ask.bridge, "br0");
        CHECK_TEXT(ask.guest, "one");
        CHECK_NUMBER(ask.mac[5], 0x56);
        CHECK_NUMBER(ask.queues, 16);
        CHECK_NUMBER(ask.mtu, 9000);
        sd_bus_message_unref(m);

        m = call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 1, MAC);
        CHECK_NUMBER(create_tap_read(m, &ask, &error), 0);
        CHECK_NUMBER(ask.queues, 1);
        CHECK_NUMBER(ask.mtu, 0);
        sd_bus_message_unref(m);

        for (size_t i = 0; i < ELEMENTS(bridges); i++)
                check_refused(call_of(bus, CREATE_TAP_SIGNATURE, bridges[i], "one", 1, MAC), BAD_BRIDGE);
        for (size_t i = 0; i < ELEMENTS(macs); i++)
                check_refused(
                        call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 1, "mac", "s", macs[i]), BAD_MAC);
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "a/b", 1, MAC),
                "The guest's name is not valid: at most 128 bytes of UTF-8, no slash, no control character "
                "and no leading dot.");
        check_refused(call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 0), "The option mac is missing.");
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, MAC),
                "The option mac may be given only once.");
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 1, "mac", "u", 1),
                "The option mac must be a string.");
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "owner", "u", 0),
                "Unknown option: must be one of mac, queues, mtu.");
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "queues", "u", 0), BAD_QUEUES);
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "queues", "u", 17), BAD_QUEUES);
        check_refused(
                call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "queues", "i", -1), BAD_QUEUES);
        check_refused(call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "mtu", "u", 67), BAD_MTU);
        check_refused(call_of(bus, CREATE_TAP_SIGNATURE, "br0", "one", 2, MAC, "mtu", "u", 65522), BAD_MTU);
}

/* Messages belong to a connection; nobody is at the other end of this one. */
static void with_bus(void (*test)(sd_bus *bus))
{
        sd_bus *bus;
        int fds[2];

        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        CHECK_NUMBER(sd_bus_new(&bus), 0);
        CHECK_NUMBER(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        CHECK(sd_bus_start(bus) >= 0);
        test(bus);
        sd_bus_close_unref(bus);
        close(fds[1]);
}

static void list_of(Strings *names, const char *text)
{
        strings_done(names);
        CHECK_NUMBER(strings_add(names, "nosuchone"), 0);
        CHECK_NUMBER(strings_add(names, text), 0);
}

static void test_identity(void)
{
        gid_t groups[] = { 7, 4242 };
        const Identity root = { .uid = 0, .name = (char *) "root", .groups = groups, .n_groups = 2 },
                       nameless = { .uid = 4000000000 };
        _cleanup_(identity_done) Identity found = { 0 };
        _cleanup_(strings_done) Strings names = { 0 };

        list_of(&names, "root");
        CHECK(identity_has_name(&root, &names));
        CHECK(!identity_has_name(&nameless, &names));
        CHECK(!identity_has_group(&root, &names)); /* number 0, which these are not */
        list_of(&names, "0");
        CHECK(identity_has_name(&root, &names));
        CHECK(!identity_has_name(&nameless, &names));
        list_of(&names, "4000000000");
        CHECK(identity_has_name(&nameless, &names));
        list_of(&names, "*");
        CHECK(identity_has_name(&nameless, &names));
        CHECK(identity_has_group(&nameless, &names));
        list_of(&names, "4242");
        CHECK(identity_has_group(&root, &names));
        CHECK(!identity_has_group(&nameless, &names));
        list_of(&names, "nosuchothers");
        CHECK(!identity_has_group(&root, &names));

        CHECK_NUMBER(identity_find(0, &found), 0);
        CHECK_TEXT(found.name, "root");
        list_of(&names, "root");
        CHECK(identity_has_group(&found, &names));
}

static void test_users(void)
{
        Users users = { 0 };
        User *first, *again, *last;

        CHECK_NUMBER(users_get(&users, 1000, &first), 0);
        first->requests = 1;
        CHECK_NUMBER(users_get(&users, 1001, &again), 0);
        CHECK(rate_limit_pass(&again->refusals, users_now(), 0)); /* not to be forgotten yet */
        for (uid_t uid = 2000; users.count < USERS_MAX; uid++)
                CHECK_NUMBER(users_get(&users, uid, &last), 0);
        CHECK_NUMBER(users_get(&users, 1999, &last), 0);
        CHECK_NUMBER(users.count, 3);
        CHECK_NUMBER(users_get(&users, 1000, &again), 0);
        CHECK(again == first);

        /* all were refused something lately: the oldest who asks for nothing makes room */
        for (uid_t uid = 2000; uid < 2000 + 2 * USERS_MAX; uid++) {
                CHECK_NUMBER(users_get(&users, uid, &last), 0);
                CHECK(last->uid == uid);
                CHECK(rate_limit_pass(&last->refusals, users_now(), 0));
        }
        CHECK_NUMBER(users.count, USERS_MAX);
        CHECK(users.items[0] == first);
        for (size_t i = 1; i < USERS_MAX; i++)
                CHECK(users.items[i]->uid == 2000 + USERS_MAX + i);
        users_done(&users);
}

int main(void)
{
        test_tap_names();
        test_tap_aliases();
        test_guest_names();
        with_bus(test_requests);
        test_identity();
        test_users();
        return 0;
}

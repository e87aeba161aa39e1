/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/socket.h>
#include <unistd.h>

#include "contract/limits.h"
#include "launcher/attach/console-client.h"
#include "tests/unit/test.h"

static void typed(const char *data, size_t size, void *userdata)
{
        abort();
}

static void left(ConsoleClient *a, void *userdata)
{
        abort();
}

static const ConsoleClientHandlers handlers = { .typed = typed, .left = left };

static void expect(int fd, const char *text)
{
        char got[64];

        CHECK_NUMBER(recv(fd, got, sizeof(got), MSG_DONTWAIT), strlen(text));
        CHECK(memcmp(got, text, strlen(text)) == 0);
}

/* A backlog whose end is that of its buffer has nothing at its beginning, and the guest chooses how much it
 * prints. */
static void test_nothing(sd_event *event)
{
        int fds[2];
        ConsoleClient *a;

        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        CHECK_NUMBER(console_client_new(event, fds[0], &handlers, NULL, &a), 0);
        CHECK(console_client_show(a, "", 0));
        CHECK(console_client_show(a, "before", 6));
        CHECK(console_client_show(a, "", 0));
        CHECK(console_client_show(a, "", 0));
        CHECK(console_client_show(a, "after", 5));
        expect(fds[1], "beforeafter");
        console_client_free(a);
        CHECK_NUMBER(close(fds[1]), 0);
}

/* Who does not read has a share of memory, and no more. */
static void test_limit(sd_event *event)
{
        static char data[CONSOLE_OUTPUT_MAX];
        int fds[2], room = 4096;
        ConsoleClient *a;

        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        CHECK_NUMBER(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
        CHECK_NUMBER(console_client_new(event, fds[0], &handlers, NULL, &a), 0);
        CHECK(!console_client_show(a, data, sizeof(data) + 1));
        CHECK(console_client_show(a, data, sizeof(data)));
        CHECK(!console_client_show(a, data, sizeof(data)));
        CHECK(console_client_show(a, "", 0));
        console_client_free(a);
        CHECK_NUMBER(close(fds[1]), 0);
}

int main(void)
{
        sd_event *event = NULL;

        CHECK(sd_event_new(&event) >= 0);
        test_nothing(event);
        test_limit(event);
        sd_event_unref(event);
        return 0;
}

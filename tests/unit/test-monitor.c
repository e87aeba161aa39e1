/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands that QEMU never answers, and who asked for them. */

#include "launcher/monitor/monitor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract/limits.h"
#include "tests/unit/test.h"

#define PATIENCE (MONITOR_SECOND / 50)

static unsigned replies, closed;
static sd_event *event;
static Monitor *monitor;

static void on_reply(const json_t *result, const char *error, void *userdata)
{
        replies++;
}

static void on_ready(void *userdata)
{
        CHECK_NUMBER(monitor_execute(monitor, "query-status", NULL, on_reply, &replies, PATIENCE), 0);
}

static void on_event(const json_t *message, void *userdata)
{
}

static void on_closed(int error, void *userdata)
{
        closed++;
}

static const MonitorHandlers handlers = { .ready = on_ready, .event = on_event, .closed = on_closed };

static void say(int fd, const char *text)
{
        CHECK_NUMBER(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        while (sd_event_run(event, 0) > 0)
                ;
}

/* Answers the greeting, and leaves the command that follows it without an answer. */
static int begin(void)
{
        int fds[2];

        replies = closed = 0;
        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        CHECK(sd_event_new(&event) >= 0);
        CHECK_NUMBER(monitor_new(event, fds[0], &handlers, NULL, &monitor), 0);
        say(fds[1], "{\"QMP\": {}}\n");
        say(fds[1], "{\"return\": {}, \"id\": 1}\n");
        return fds[1];
}

static void end(int fd)
{
        monitor = monitor_free(monitor);
        event = sd_event_unref(event);
        if (fd >= 0)
                close(fd);
}

static void wait_longer_than_patience(void)
{
        for (unsigned i = 0; i < 20; i++)
                CHECK(sd_event_run(event, PATIENCE / 5) >= 0);
}

static size_t lines_in(int fd)
{
        char text[4096];
        size_t lines = 0;

        for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0;)
                for (ssize_t i = 0; i < n; i++)
                        lines += text[i] == '\n';
        return lines;
}

/* Refused commands are logged, but not at the rate that QEMU likes. */
static void test_refusals(void)
{
        int qemu = begin(), saved = dup(STDERR_FILENO), errors = memfd_create("errors", MFD_CLOEXEC);
        char answer[128];

        CHECK(errors >= 0 && saved >= 0);
        CHECK_NUMBER(dup2(errors, STDERR_FILENO), STDERR_FILENO);
        for (unsigned i = 0; i < 1000; i++) {
                CHECK_NUMBER(monitor_execute(monitor, "balloon", NULL, NULL, NULL, MONITOR_PATIENCE), 0);
                (void) snprintf(
                        answer, sizeof(answer), "{\"error\": {\"desc\": \"no\"}, \"id\": %u}\n", i + 3);
                say(qemu, answer);
                while (read(qemu, answer, sizeof(answer)) > 0)
                        ;
        }
        CHECK_NUMBER(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        CHECK_NUMBER(lseek(errors, 0, SEEK_SET), 0);
        CHECK_NUMBER(lines_in(errors), EVENT_RATE_EVENTS);
        (void) close(errors);
        (void) close(saved);
        end(qemu);
}

static void test_timed_out(void)
{
        int fd = begin();

        wait_longer_than_patience();
        CHECK_NUMBER(replies, 1);
        CHECK_NUMBER(closed, 0);
        end(fd);
}

/* Who asked may be gone by the time at which the command would have timed out. */
static void test_closed(void)
{
        int fd = begin();

        close(fd);
        wait_longer_than_patience();
        CHECK_NUMBER(closed, 1);
        CHECK_NUMBER(replies, 0);
        end(-1);
}

static const char *sent(int qemu)
{
        static char text[4096];
        ssize_t n = read(qemu, text, sizeof(text) - 1);

        text[n > 0 ? n : 0] = '\0';
        return text;
}

static void remove_set(int qemu, unsigned set, unsigned id)
{
        char answer[64];

        CHECK_NUMBER(
                monitor_execute(
                        monitor, "remove-fd", json_pack("{s:i}", "fdset-id", (int) set), on_reply, &replies,
                        MONITOR_PATIENCE),
                0);
        (void) snprintf(answer, sizeof(answer), "{\"return\": {}, \"id\": %u}\n", id);
        say(qemu, answer);
}

/* QEMU 7.2 closes sets only while the guest runs. */
static void test_sets(void)
{
        int qemu = begin();

        remove_set(qemu, 1, 3);
        say(qemu, "{\"event\": \"STOP\"}\n");
        remove_set(qemu, 2, 4);
        CHECK(strstr(sent(qemu), "remove-fd"));
        say(qemu, "{\"event\": \"RESUME\"}\n");
        say(qemu, "{\"return\": {}, \"id\": 5}\n");
        CHECK_TEXT(sent(qemu), "{\"execute\":\"remove-fd\",\"id\":5,\"arguments\":{\"fdset-id\":2}}\n");
        say(qemu, "{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n");
        CHECK_TEXT(sent(qemu), "");
        CHECK_NUMBER(replies, 2);
        end(qemu);
}

int main(void)
{
        test_refusals();
        test_timed_out();
        test_closed();
        test_sets();
        return 0;
}

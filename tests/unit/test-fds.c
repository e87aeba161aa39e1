/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/store/fds.h"
#include "tests/unit/process.h"
#include "tests/unit/test.h"
#include "util/text.h"

/* A descriptor whose content says which one it is. */
static int marked(char mark)
{
        int fds[2];

        CHECK(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
        CHECK(write(fds[1], &mark, 1) == 1);
        CHECK(close(fds[1]) == 0);
        return fds[0];
}

static char mark_of(int fd)
{
        char c = '-';

        return read(fd, &c, 1) == 1 ? c : '-';
}

/* Two that change places, a chain of three, and one that is where it belongs. */
static void place_collisions(void)
{
        int a = marked('a'), b = marked('b'), c = marked('c'), d = marked('d');
        Placement p[] = { { a, b }, { b, a }, { c, c }, { d, 40 }, { a, 41 } };

        CHECK_NUMBER(fds_place(p, ELEMENTS(p)), 0);
        CHECK_NUMBER(mark_of(a), 'b');
        CHECK_NUMBER(mark_of(b), 'a');
        CHECK_NUMBER(mark_of(c), 'c');
        CHECK_NUMBER(mark_of(40), 'd');
        CHECK_NUMBER(mark_of(41), '-'); /* a's other copy: the one byte was read */
        for (size_t i = 0; i < ELEMENTS(p); i++)
                CHECK(!(fcntl(p[i].to, F_GETFD) & FD_CLOEXEC));
}

/* Whatever else is open does not get through an exec, however it was opened. */
static void place_closes_others(void)
{
        int a = marked('a'), other = dup(marked('o')), high = fcntl(other, F_DUPFD, 500);
        Placement p[] = { { a, 10 } };

        CHECK_NUMBER(fds_place(p, 1), 0);
        CHECK(fcntl(other, F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(high, F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(a, F_GETFD) & FD_CLOEXEC);
        CHECK(!(fcntl(10, F_GETFD) & FD_CLOEXEC));
        CHECK(!(fcntl(STDERR_FILENO, F_GETFD) & FD_CLOEXEC));
}

static void place_fails(void)
{
        Placement p[] = { { 900, 10 } };

        CHECK_NUMBER(fds_place(p, 1), -EBADF);
}

/* ——— the store ——— */

static int notifications = -1;

static void listen_to_notifications(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = sizeof(address);
        char name[128];

        notifications = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(notifications >= 0);
        CHECK(bind(notifications, (struct sockaddr *) &address, sizeof(sa_family_t)) ==
              0); /* an abstract one of the kernel's choice */
        CHECK(getsockname(notifications, (struct sockaddr *) &address, &size) == 0);
        snprintf(name, sizeof(name), "@%.*s", (int) (size - sizeof(sa_family_t) - 1), address.sun_path + 1);
        setenv("NOTIFY_SOCKET", name, 1);
}

static void next_notification(char ret[static 256])
{
        ssize_t n = recv(notifications, ret, 255, 0);

        ret[n < 0 ? 0 : n] = '\0';
}

static Fds make_store(const char *const *names)
{
        Fds f = { .items = calloc(16, sizeof(StoredFd)) };

        for (; *names; names++, f.count++)
                f.items[f.count] = (StoredFd){ .name = strdup(*names),
                                               .fd = marked((char) ('a' + f.count)),
                                               .stored = true };
        return f;
}

static int count_visit(const char *name, int fd, void *userdata)
{
        CHECK(fd >= 0);
        return strings_add(userdata, name);
}

static void test_store(void)
{
        /* no pipe is a TAP, so these TAPs are dead */
        Fds f = make_store((const char *[]){ "chain.x.2.raw", "tap.net0.0", "vhost.net0.0",
                                             "chain.x.1.qcow2", "old", "chain.xy.1.raw", NULL });
        Strings visited = { 0 };
        char text[256];
        int fd = -1;

        listen_to_notifications();
        CHECK_NUMBER(fds_find(&f, "nothing", &fd), -ENOENT);
        CHECK_NUMBER(fds_find(&f, "tap.net0.0", &fd), -ENOENT);
        CHECK_NUMBER(fds_find(&f, "vhost.net0.0", &fd), 0);
        CHECK_NUMBER(fd, f.items[2].fd);
        CHECK_NUMBER(fds_each(&f, "chain.x.", count_visit, &visited), 0);
        CHECK_NUMBER(visited.count, 2);
        CHECK(strings_have(&visited, "chain.x.1.qcow2") && strings_have(&visited, "chain.x.2.raw"));

        /* what each start brings anew, what is dead, and what nobody asked for: all of it, but for what the
         * helper opened for this start */
        CHECK_NUMBER(fds_put(&f, "image.x", marked('z')), 0);
        fds_tidy_store(&f);
        for (size_t i = 0; i < f.count - 1; i++) {
                _cleanup_(freep) char *expected = text_format("FDSTOREREMOVE=1\nFDNAME=%s", f.items[i].name);

                next_notification(text);
                CHECK_TEXT(text, expected);
        }
        next_notification(text);
        CHECK_TEXT(text, "");
        strings_done(&visited);
        fds_done(&f);
        unsetenv("NOTIFY_SOCKET");
}

static void test_no_store(void)
{
        Fds f = { 0 };

        unsetenv("LISTEN_FDS");
        CHECK_NUMBER(fds_take(&f), 0);
        CHECK_NUMBER(f.count, 0);
}

int main(void)
{
        in_child(place_collisions);
        in_child(place_closes_others);
        in_child(place_fails);
        test_store();
        test_no_store();
        return 0;
}

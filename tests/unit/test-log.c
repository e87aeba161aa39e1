/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text of a guest in a message must stay a part of that message. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"
#include "tests/unit/test.h"

/* What a message with that text is on stderr. */
static void check(const char *text, const char *expected)
{
        int fds[2], saved = dup(STDERR_FILENO);
        char said[256], *part;
        ssize_t n;

        CHECK(saved >= 0);
        CHECK_NUMBER(pipe(fds), 0);
        CHECK_NUMBER(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        log_error("the file %s", text);
        (void) log_errno(LOG_ERR, -EPERM, "the file %s", text);
        CHECK_NUMBER(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        (void) close(fds[1]);
        n = read(fds[0], said, sizeof(said) - 1);
        CHECK(n > 0);
        said[n] = '\0';
        part = strstr(said, ": the file ");
        CHECK(part);
        CHECK_TEXT(strtok(part + strlen(": the file "), "\n"), expected);
        part = strstr(strtok(NULL, "\n"), ": the file ");
        CHECK(part && strncmp(part + strlen(": the file "), expected, strlen(expected)) == 0);
        CHECK(!strtok(NULL, "\n"));
        (void) close(fds[0]);
        (void) close(saved);
}

int main(void)
{
        check("/srv/a b.qcow2", "/srv/a b.qcow2");
        check("/srv/größe.qcow2", "/srv/größe.qcow2");
        check("a\n<0>b", "a?<0>b");
        check("a\tb\033[2Jc\177", "a?b?[2Jc?");
        check("a\302\233b\302\240c", "a??b\302\240c");
        check("a\302", "a\302");
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What tests need to know of their own process, or change for good and therefore do in another one. */

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* A sanitizer's own calls at an exit may not be allowed by then: _exit(). */
static inline void in_child(void (*test)(void))
{
        pid_t pid = fork();
        int status;

        CHECK(pid >= 0);
        if (pid == 0) {
                test();
                _exit(0);
        }
        CHECK_NUMBER(waitpid(pid, &status, 0), pid);
        CHECK_NUMBER(status, 0);
}

/* How many descriptors are open, with the one that counts. */
static inline unsigned count_open(void)
{
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        CHECK(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vm-broker creates TAPs for unprivileged users. Privileges, in stages:
 *
 *   1. As started: its own user (User= of its unit) with CAP_NET_ADMIN (AmbientCapabilities=), in the unit's
 * sandbox. It is never root.
 *   2. privileges_reduce(): drops everything except CAP_NET_ADMIN, which executed programs would not
 * inherit. Only the command line was read before.
 *   3. refuse_calls(): only the system calls that it needs.
 *
 * An attacker who takes over the broker can do to the host's network what CAP_NET_ADMIN allows, and nothing
 * else to the host.
 */

#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "broker/broker.h"
#include "broker/call/limits.h"
#include "broker/tap/watch.h"
#include "confine/allowed-calls.h"
#include "contract/exit.h"
#include "log/log.h"
#include "util/text.h"

#define IDLE_SECONDS_MAX 86400U

static int privileges_reduce(void)
{
        if (geteuid() == 0) {
                log_error("Refusing to run as root. Start vm-broker.service instead.");
                return -EPERM;
        }
        if (capng_get_caps_process() < 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN)) {
                log_error("Missing CAP_NET_ADMIN. Start vm-broker.service instead.");
                return -EPERM;
        }
        capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
        if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0 ||
            capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) != 0)
                return log_errno(LOG_ERR, -EPERM, "Failed to drop capabilities");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to set no_new_privs");
        return 0;
}

/* The C library loads the user database's plugins for the broker only: the other one never asks for names.
 */
static int refuse_calls(bool watch)
{
        int r = allowed_calls_install(
                CALLS_SPEAK | CALLS_NETLINK | (watch ? 0 : CALLS_TAP | CALLS_CODE), NULL, 0);

        return r < 0 ? log_errno(LOG_ERR, r, "Failed to restrict system calls") : 0;
}

static int usage(void)
{
        fprintf(stderr, "Usage: vm-broker [--idle=SECONDS]\n       vm-broker --watch\n");
        return EXIT_BAD_USAGE;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "idle", required_argument, NULL, 'i' },
                { "watch", no_argument, NULL, 'w' },
                {},
        };
        unsigned idle = IDLE_SECONDS;
        bool watch = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'w')
                        watch = true;
                else if (c != 'i' || text_to_unsigned(optarg, IDLE_SECONDS_MAX, &idle) < 0)
                        return usage();
        if (optind < argc)
                return usage();
        if (privileges_reduce() < 0 || refuse_calls(watch) < 0)
                return EXIT_OS;
        return watch ? watch_run() : broker_run(idle * UINT64_C(1000000));
}

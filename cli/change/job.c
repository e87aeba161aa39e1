/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of systemd for a guest: some changes of one that is off end with its start, and a launcher that is
 * older than vmctl is reloaded through its unit. */

#include <errno.h>
#include <time.h>

#include "cli/change/apply.h"
#include "contract/exit.h"

#define JOB_SECONDS 310 /* TimeoutStartSec= of the unit, and some more */

static time_t now_seconds(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

typedef struct Job {
        const char *path;
        char *result;
} Job;

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *path, *unit, *result;
        Job *job = userdata;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
            streq(path, job->path))
                job->result = strdup(result);
        return 0;
}

/* Waits for the job; 0, -EPROTO if it failed, or another error. */
static int wait_for_job(sd_bus *bus, Job *job)
{
        time_t end = now_seconds() + JOB_SECONDS;
        int r = 0;

        while (r >= 0 && !job->result) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = now_seconds() > end ? -ETIMEDOUT : sd_bus_wait(bus, UINT64_C(1000000));
        }
        return r < 0 ? r : streq(job->result, "done") ? 0 : -EPROTO;
}

int change_run_job(bool user_scope, const char *unit, const char *method)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Job job = { 0 };
        int r = manager_bus(user_scope, &bus);

        r = r < 0 ? r
                  : sd_bus_match_signal(
                            bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", "JobRemoved", on_job_removed, &job);
        r = r < 0 ? r
                  : sd_bus_call_method(
                            bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL, NULL);
        r = r < 0 ? r
                  : sd_bus_call_method(
                            bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", method, NULL, &reply, "ss", unit, "replace");
        r = r < 0 ? r : sd_bus_message_read(reply, "o", &job.path);
        r = r < 0 ? r : wait_for_job(bus, &job);
        free(job.result);
        return r;
}

int change_start_guest(const ChangeCall *c)
{
        int r = change_run_job(c->call->user_scope, c->unit, "StartUnit");

        return r < 0 ? fail(EXIT_OS, "cannot start guest %s: %s; see journalctl %s-u '%s'", c->guest,
                            r == -EPROTO ? "its unit failed" : strerror(-r),
                            c->call->user_scope ? "--user " : "", c->unit)
                     : 0;
}

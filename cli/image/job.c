/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The job is held by this process's connection to the launcher, which undoes what it holds if that ends, in
 * whatever way: so a job that nobody waits for does not go on. Only from right before a definition names
 * what the job has made, job_release() lets it go on, so that both sides stay alike. */

#include "cli/image/job.h"

#include <sys/stat.h>
#include <unistd.h>

#include "contract/exit.h"
#include "util/text.h"

#define POLL_USEC  200000
#define SYNC_POLLS 50 /* until both sides are alike, while the guest stands still */

int job_open(DiskJob *j)
{
        return client_open(j->call, &j->client);
}

void job_done(DiskJob *j)
{
        client_done(&j->client);
        client_done(&j->still);
        free(j->id);
}

int job_execute(DiskJob *j, json_t *commands, bool hold, ClientFds fds, json_t **ret)
{
        return client_call(
                &j->client, j->what, "org.vmunit.Guest.Execute",
                json_pack("{s:o, s:b}", "commands", commands, "hold", (int) hold), fds, ret);
}

int job_release(DiskJob *j, bool undo)
{
        return client_call(
                &j->client, j->what, "org.vmunit.Guest.Release", json_pack("{s:b}", "undo", (int) undo),
                (ClientFds){ 0 }, NULL);
}

int job_query(DiskJob *j, const char *command, json_t **ret)
{
        return client_call(
                &j->client, "query", "org.vmunit.Guest.Query", json_pack("{s:[s]}", "commands", command),
                (ClientFds){ 0 }, ret);
}

const json_t *job_answer(const json_t *reply, const char *command)
{
        return json_object_get(json_object_get(reply, "results"), command);
}

const char *json_text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key)) ?: "";
}

int job_check_file(const DiskJob *j, const json_t *layer, const char *path, int fd)
{
        struct stat st;

        if (fstat(fd, &st) >= 0 &&
            (json_int_t) st.st_ino == json_integer_value(json_object_get(layer, "fileInode")) &&
            (json_int_t) st.st_dev == json_integer_value(json_object_get(layer, "fileDevice")))
                return 0;
        return fail(
                EXIT_MISSING,
                "QEMU has another file than %s as an image of disk %s: the definition has changed since the "
                "guest started, or the file was replaced",
                path, j->target);
}

/* ——— waiting ——— */

static const json_t *find_job(const DiskJob *j, const json_t *reply)
{
        json_t *job;
        size_t i;

        json_array_foreach((json_t *) job_answer(reply, "query-jobs"), i, job) {
                if (streq(json_text(job, "id"), j->id))
                        return job;
        }
        return NULL;
}

static void show_progress(const DiskJob *j, const json_t *job)
{
        json_int_t now = json_integer_value(json_object_get(job, "current-progress")),
                   all = json_integer_value(json_object_get(job, "total-progress"));

        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\rvmctl: %s disk %s: %lld %% ", j->doing, j->target,
                        all > 0 ? (long long) (now * 100 / all) : 0);
}

static void end_progress(void)
{
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
}

static bool is_alike(const json_t *job)
{
        return json_equal(json_object_get(job, "current-progress"), json_object_get(job, "total-progress"));
}

/* 1 if it is where it should be, 0 if not yet, negative exit status if it failed. */
static int look_at_job(const DiskJob *j, const json_t *job, const char *status)
{
        const char *error = json_text(job, "error");
        _cleanup_(freep) char *shown = client_text(error);

        if (job && !*error && streq(json_text(job, "status"), status))
                return 1;
        if (job && !*error && !streq(json_text(job, "status"), "concluded"))
                return 0;
        return -fail(
                EXIT_OS, "%s disk %s failed: %s", j->doing, j->target,
                shown && *shown ? shown : "QEMU's job is gone");
}

int job_wait(DiskJob *j, const char *status, bool alike)
{
        for (unsigned polls = 0;; polls++) {
                json_t *reply = NULL;
                const json_t *job;
                int r = job_query(j, "query-jobs", &reply);

                if (r != 0)
                        return r;
                job = find_job(j, reply);
                r = look_at_job(j, job, status);
                if (r > 0 && alike && !is_alike(job))
                        r = polls < SYNC_POLLS ? 0
                                               : -fail(EXIT_OS, "disk %s does not come to rest", j->target);
                show_progress(j, job);
                json_decref(reply);
                if (r != 0)
                        end_progress();
                if (r != 0)
                        return r > 0 ? 0 : -r;
                (void) usleep(POLL_USEC);
        }
}

/* ——— the guest, and jobs that were left ——— */

int job_hold_still(DiskJob *j)
{
        int r = client_open(j->call, &j->still);

        return r
                       ?: client_call(
                                  &j->still, j->what, "org.vmunit.Guest.Execute",
                                  json_pack(
                                          "{s:[{s:s}], s:b}", "commands", "execute", "hold-still", "hold",
                                          1),
                                  (ClientFds){ 0 }, NULL);
}

int job_check_still(DiskJob *j)
{
        json_t *reply = NULL;
        int r = job_query(j, "query-status", &reply);

        if (r == 0 && json_is_true(json_object_get(job_answer(reply, "query-status"), "running")))
                r = fail(EXIT_OS, "the guest went on before disk %s could be changed", j->target);
        json_decref(reply);
        return r;
}

void job_let_go_on(DiskJob *j)
{
        (void) client_call(
                &j->still, "let continue", "org.vmunit.Guest.Release", json_pack("{s:b}", "undo", 1),
                (ClientFds){ 0 }, NULL);
}

int job_flush(DiskJob *j, const char *node)
{
        _cleanup_(freep) char *line = text_format("qemu-io %s flush", node);

        return line ? job_execute(
                              j,
                              json_pack(
                                      "[{s:s, s:{s:s}}]", "execute", "human-monitor-command", "arguments",
                                      "command-line", line),
                              false, (ClientFds){ 0 }, NULL)
                    : fail(EXIT_OS, "out of memory");
}

json_t *job_command(const DiskJob *j, const char *command)
{
        return json_pack("[{s:s, s:{s:s}}]", "execute", command, "arguments", "id", j->id);
}

int job_end_old(DiskJob *j)
{
        json_t *reply = NULL;
        int r = job_query(j, "query-jobs", &reply);

        if (r == 0 && find_job(j, reply))
                r = job_execute(
                            j,
                            json_pack(
                                    "[{s:s, s:{s:s, s:{s:s}}}]", "execute", "query-status", "undo",
                                    "execute", "job-cancel", "arguments", "id", j->id),
                            true, (ClientFds){ 0 }, NULL)
                            ?: job_release(j, true);
        json_decref(reply);
        return r;
}

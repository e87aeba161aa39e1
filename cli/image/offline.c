/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The images of a guest are written by its QEMU, so what is in them is not trusted, and whoever does this
 * may be root. So root only opens them, and a QEMU without a guest, a user of its own without rights, gets
 * the descriptors: it does the same as one that runs a guest does with vmctl commit. It has no network, sees
 * no other processes, and is killed when this process ends.
 */

#include "cli/image/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/running/client.h"
#include "confine/landlock.h"
#include "contract/exit.h"
#include "guest/machine/general.h"
#include "operate/backup/steps.h"
#include "util/file.h"

#define UNUSED_UIDS    0x70000000U /* no user is there, see systemd's UIDS-GIDS.md */
#define ANSWER_SECONDS 60
#define POLL_USEC      200000
#define JOB            "images"

typedef struct Offline {
        const OfflineJob *job;
        Client client;
        pid_t qemu;
        int written; /* the image that is written */
        char *error; /* QEMU's, of the last command; or NULL */
} Offline;

/* ——— QEMU ——— */

static int give_up_rights(void)
{
        uid_t uid = UNUSED_UIDS + (uid_t) getpid();
        int r;

        if (geteuid() == 0 && (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0 || setgroups(0, NULL) < 0 ||
                               setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
                return -errno;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        r = landlock_hide_processes();
        return r == -EOPNOTSUPP ? 0 : r;
}

static void run_qemu(const char *emulator, int fd, pid_t parent)
{
        char *const argv[] = { (char *) emulator,
                               "-machine",
                               "none",
                               "-nodefaults",
                               "-no-user-config",
                               "-display",
                               "none",
                               "-S",
                               "-sandbox",
                               "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
                               "-chardev",
                               "socket,id=monitor,fd=0",
                               "-qmp",
                               "chardev:monitor",
                               NULL };
        int r = dup2(fd, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? -errno
                                                                                     : give_up_rights();

        if (r < 0) {
                fprintf(stderr, "vmctl: failed to give up rights: %s\n", strerror(-r));
                _exit(EXIT_OS);
        }
        if (getppid() != parent)
                _exit(EXIT_OS);
        (void) execv(argv[0], argv);
        fprintf(stderr, "vmctl: cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(EXIT_MISSING);
}

static int start_qemu(Offline *o)
{
        const char *emulator = o->job->change->operation.now.guest->general->emulator;
        pid_t parent = getpid();
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return fail(EXIT_OS, "failed to create a socket pair: %s", strerror(errno));
        o->client.fd = fds[0];
        o->qemu = fork();
        if (o->qemu == 0)
                run_qemu(emulator, fds[1], parent);
        (void) close(fds[1]);
        return o->qemu < 0 ? fail(EXIT_OS, "failed to fork: %s", strerror(errno)) : 0;
}

static void offline_done(Offline *o)
{
        if (o->qemu > 0) {
                (void) kill(o->qemu, SIGKILL);
                while (waitpid(o->qemu, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        client_done(&o->client);
        (void) fd_close(o->written);
        free(o->error);
}

/* ——— its monitor ——— */

/* 1 if the message is an answer. */
static int take_answer(Offline *o, const json_t *message, json_t **ret)
{
        const json_t *error = json_object_get(message, "error"),
                     *result = json_object_get(message, "return");

        if (!error && !result)
                return 0;
        if (error) {
                free(o->error);
                o->error = client_text(json_string_value(json_object_get(error, "desc")) ?: "");
                return -EIO;
        }
        *ret = json_incref((json_t *) result);
        return 1;
}

/* Takes arguments; fd: sent along, or -1. 0 or negative errno, -EIO with o->error. */
static int execute(Offline *o, const char *command, json_t *arguments, int fd, json_t **ret)
{
        json_t *request = steps_command(command, arguments), *result = NULL;
        int r = client_send_object(&o->client, request, (ClientFds){ &fd, fd >= 0 });

        json_decref(request);
        while (r == 0) {
                json_t *message = NULL;

                r = client_receive(&o->client, ANSWER_SECONDS, &message);
                r = r < 0 ? r : take_answer(o, message, &result);
                json_decref(message);
        }
        if (ret && r > 0)
                *ret = json_incref(result);
        json_decref(result);
        return r < 0 ? r : 0;
}

static int say(const Offline *o, int r)
{
        return fail(
                EXIT_OS, "QEMU failed to change the images of disk %s: %s", o->job->target,
                r == -EIO && o->error ? o->error : strerror(-r));
}

static int check_job(Offline *o, const json_t *jobs, bool *ret_over)
{
        const json_t *job = json_array_get(jobs, 0);
        const char *status = json_string_value(json_object_get(job, "status")),
                   *error = json_string_value(json_object_get(job, "error"));
        json_int_t now = json_integer_value(json_object_get(job, "current-progress")),
                   all = json_integer_value(json_object_get(job, "total-progress"));

        if (error || !status) {
                free(o->error);
                o->error = client_text(error ?: "its job is gone");
                return -EIO;
        }
        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\rvmctl: merging images of disk %s: %lld %% ", o->job->target,
                        all > 0 ? (long long) (now * 100 / all) : 0);
        *ret_over = streq(status, "concluded");
        return streq(status, "ready") ? execute(o, "job-complete", json_pack("{s:s}", "id", JOB), -1, NULL)
                                      : 0;
}

static int wait_for_job(Offline *o)
{
        bool over = false;
        int r = 0;

        while (r >= 0 && !over) {
                json_t *jobs = NULL;

                (void) usleep(POLL_USEC);
                r = execute(o, "query-jobs", NULL, -1, &jobs);
                r = r < 0 ? r : check_job(o, jobs, &over);
                json_decref(jobs);
        }
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        return r;
}

/* ——— the images ——— */

static bool is_written(const OfflineJob *j, size_t at)
{
        if (j->pull)
                return at == 0;
        /* the header of the one above names what is behind it */
        return at == j->first + j->count || (j->first > 0 && at == j->first - 1);
}

static json_t *node_of(const OfflineJob *j, size_t at, const char *layer)
{
        char name[32];

        (void) snprintf(name, sizeof(name), "%s%zu", layer, at);
        return at < j->n ? json_string(name) : json_null();
}

static json_t *storage_options(const OfflineJob *j, size_t at)
{
        json_t *options = json_pack(
                "{s:s, s:b, s:b, s:s}", "driver", j->chain[at].block ? "host_device" : "file", "read-only",
                !is_written(j, at), "auto-read-only", 0, "discard", "unmap");
        char path[64];

        (void) snprintf(path, sizeof(path), "/dev/fdset/%zu", at);
        (void) json_object_set_new(options, "filename", json_string(path));
        (void) json_object_set_new(options, "node-name", node_of(j, at, "storage"));
        return options;
}

static json_t *format_options(const OfflineJob *j, size_t at)
{
        json_t *options =
                json_pack("{s:s, s:b}", "driver", j->chain[at].format, "read-only", !is_written(j, at));

        (void) json_object_set_new(options, "node-name", node_of(j, at, "image"));
        (void) json_object_set_new(options, "file", node_of(j, at, "storage"));
        if (!streq(j->chain[at].format, "raw"))
                (void) json_object_set_new(options, "backing", node_of(j, at + 1, "image"));
        return options;
}

static int add_image(Offline *o, size_t at)
{
        const OfflineJob *j = o->job;
        bool written = is_written(j, at);
        _cleanup_(closep) int fd =
                open(j->chain[at].path, (written ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        int r;

        if (fd < 0)
                return fail(
                        errno == EACCES || errno == EPERM ? EXIT_POLICY : EXIT_OS, "cannot open %s: %s",
                        j->chain[at].path, strerror(errno));
        r = execute(o, "add-fd", json_pack("{s:I}", "fdset-id", (json_int_t) at), fd, NULL);
        r = r < 0 ? r : execute(o, "blockdev-add", storage_options(j, at), -1, NULL);
        r = r < 0 ? r : execute(o, "blockdev-add", format_options(j, at), -1, NULL);
        if (written && (j->pull || at == j->first + j->count))
                o->written = TAKE_FD(fd);
        return r < 0 ? say(o, r) : 0;
}

static int start_job(Offline *o)
{
        const OfflineJob *j = o->job;
        size_t end = j->first + j->count;
        json_t *arguments = json_pack("{s:s, s:b}", "job-id", JOB, "auto-dismiss", 0);

        (void) json_object_set_new(arguments, "device", node_of(j, 0, "image"));
        if (!j->pull)
                (void) json_object_set_new(arguments, "top-node", node_of(j, j->first, "image"));
        if (end < j->n)
                (void) json_object_set_new(arguments, "base-node", node_of(j, end, "image"));
        if (end < j->n && j->first > 0)
                (void) json_object_set_new(arguments, "backing-file", json_string(j->chain[end].path));
        return execute(o, j->pull ? "block-stream" : "block-commit", arguments, -1, NULL);
}

static int change_images(Offline *o)
{
        int r = execute(o, "qmp_capabilities", NULL, -1, NULL), status = 0;

        if (r < 0)
                return say(o, r);
        for (size_t i = o->job->n; status == 0 && i-- > 0;)
                status = add_image(o, i);
        if (status != 0)
                return status;
        r = start_job(o);
        r = r < 0 ? r : wait_for_job(o);
        r = r < 0 ? r : execute(o, "quit", NULL, -1, NULL);
        if (r < 0)
                return say(o, r);
        while (waitpid(o->qemu, &status, 0) < 0) /* it closes the images */
                if (errno != EINTR)
                        return fail(EXIT_OS, "failed to wait for QEMU: %s", strerror(errno));
        o->qemu = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return fail(EXIT_OS, "QEMU failed to close the images of disk %s", o->job->target);
        return fsync(o->written) < 0
                       ? fail(EXIT_OS, "cannot write an image to its device: %s", strerror(errno))
                       : 0;
}

int offline_run(const OfflineJob *j)
{
        _cleanup_(offline_done) Offline o = { .job = j, .client = CLIENT_EMPTY, .written = -EBADF };
        int r = start_qemu(&o);

        o.client.end = '\n';
        o.client.guest = j->change->guest;
        return r ?: change_images(&o);
}

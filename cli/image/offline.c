/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The images of a guest are written by its QEMU, so what is in them is not trusted, and whoever does this
 * may be root. So root only opens them, and a QEMU without a guest, a user of its own without rights, gets
 * the descriptors: it does the same as one that runs a guest does with vmctl commit. It has no network, no
 * terminal, sees no other processes and, with Landlock, no files but programs, and is killed when this
 * process ends. An image whose header names another file is refused where QEMU would open that file, or
 * where the job would lose what is in it.
 *
 * QEMU's locks on the images keep a guest that is started meanwhile from having them. QEMU has them until
 * systemd knows the definition without the images that go: what was written is complete then, and QEMU has
 * all of them read-only.
 */

#include "cli/image/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
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
#include "operate/overlay.h"
#include "util/file.h"

#define UNUSED_UIDS    0x70000000U /* no user is there, see systemd's UIDS-GIDS.md */
#define ANSWER_SECONDS 60
#define POLL_USEC      200000
#define JOB            "images"
#define SAID_MAX       4000 /* bytes of what QEMU says on stderr */

typedef struct Offline {
        const OfflineJob *job;
        Client client;
        pid_t qemu;
        int said;    /* QEMU's stderr, a pipe; what does not fit is dropped */
        char *error; /* QEMU's, of the last command; or NULL */
} Offline;

/* ——— QEMU ——— */

static int give_up_rights(const char *emulator)
{
        _cleanup_(freep) char *directory = path_directory(emulator),
                              *prefix = directory ? path_directory(directory) : NULL;
        uid_t uid = UNUSED_UIDS + (uid_t) getpid();
        int r;

        if (geteuid() == 0 && (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0 || setgroups(0, NULL) < 0 ||
                               setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
                return -errno;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        r = prefix ? landlock_keep_programs(prefix) : -ENOMEM;
        return r == -EOPNOTSUPP ? 0 : r;
}

/* The terminal is not QEMU's, and neither is what this process has open. */
static int place_descriptors(int monitor, int said)
{
        int none;

        monitor = fcntl(monitor, F_DUPFD_CLOEXEC, 3);
        said = fcntl(said, F_DUPFD_CLOEXEC, 3);
        none = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (setsid() < 0 || monitor < 0 || said < 0 || none < 0 || dup2(none, STDOUT_FILENO) < 0 ||
            dup2(monitor, STDIN_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0 ||
            close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        return 0;
}

static void run_qemu(const char *emulator, int monitor, int said, pid_t parent)
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
        int r = place_descriptors(monitor, said);

        r = r < 0 ? r : give_up_rights(emulator);
        if (r < 0) {
                fprintf(stderr, "failed to give up rights: %s\n", strerror(-r));
                _exit(EXIT_OS);
        }
        if (getppid() != parent)
                _exit(EXIT_OS);
        (void) execv(argv[0], argv);
        fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(EXIT_MISSING);
}

static int start_qemu(Offline *o)
{
        const char *emulator = o->job->change->operation.now.guest->general->emulator;
        pid_t parent = getpid();
        int fds[2], said[2];

        if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0)
                return fail(EXIT_OS, "failed to create a pipe: %s", strerror(errno));
        o->said = said[0];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
                (void) close(said[1]);
                return fail(EXIT_OS, "failed to create a socket pair: %s", strerror(errno));
        }
        o->client.fd = fds[0];
        o->qemu = fork();
        if (o->qemu == 0)
                run_qemu(emulator, fds[1], said[1], parent);
        (void) close(fds[1]);
        (void) close(said[1]);
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
        (void) fd_close(o->said);
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

/* What QEMU or the process before it wrote is the user's to read, but not the terminal's to obey. */
static void print_said(const Offline *o)
{
        char text[SAID_MAX + 1];
        ssize_t n = read(o->said, text, SAID_MAX);

        if (n <= 0)
                return;
        text[n] = '\0';
        text_make_printable(text);
        fprintf(stderr, "vmctl: QEMU: %s\n", text);
}

static int say(const Offline *o, int r)
{
        print_said(o);
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
                "{s:s, s:b, s:b, s:s, s:s}", "driver", j->chain[at].block ? "host_device" : "file",
                "read-only", !is_written(j, at), "auto-read-only", 0, "discard", "unmap", "locking", "on");
        char path[64];

        (void) snprintf(path, sizeof(path), "/dev/fdset/%zu", at);
        (void) json_object_set_new(options, "filename", json_string(path));
        (void) json_object_set_new(options, "node-name", node_of(j, at, "storage"));
        return options;
}

static json_t *format_options(const OfflineJob *j, size_t at, bool read_only, size_t behind)
{
        json_t *options =
                json_pack("{s:s, s:b}", "driver", j->chain[at].format, "read-only", (int) read_only);

        (void) json_object_set_new(options, "node-name", node_of(j, at, "image"));
        (void) json_object_set_new(options, "file", node_of(j, at, "storage"));
        if (!streq(j->chain[at].format, "raw"))
                (void) json_object_set_new(options, "backing", node_of(j, behind, "image"));
        return options;
}

/* QEMU would open what a header names, and what only that names is not part of the chain. */
static int check_image(const OfflineJob *j, size_t at, int fd)
{
        const char *path = j->chain[at].path;
        ImageHeader header;
        int r;

        if (streq(j->chain[at].format, "raw"))
                return 0;
        if (!streq(j->chain[at].format, "qcow2"))
                return fail(
                        EXIT_BAD_GUEST,
                        "%s is in %s format; while the guest is off, only raw and qcow2 images are changed",
                        path, j->chain[at].format);
        r = image_read_header(fd, &header);
        if (r < 0)
                return fail(
                        EXIT_OS, "cannot read the header of %s: %s", path,
                        r == -EBADMSG ? "it is not a qcow2 image" : strerror(-r));
        if (header.has_data)
                return fail(
                        EXIT_BAD_GUEST,
                        "%s has its data in another file, which its header names; refusing to open that "
                        "while the guest is off",
                        path);
        if (header.has_backing && at + 1 == j->n)
                return fail(
                        EXIT_BAD_GUEST,
                        "only the header of %s names the image behind it; name that in the definition of "
                        "disk %s (<backingStore>), or start the guest first",
                        path, j->target);
        return 0;
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
        r = check_image(j, at, fd);
        if (r != 0)
                return r;
        r = execute(o, "add-fd", json_pack("{s:I}", "fdset-id", (json_int_t) at), fd, NULL);
        r = r < 0 ? r : execute(o, "blockdev-add", storage_options(j, at), -1, NULL);
        r = r < 0 ? r : execute(o, "blockdev-add", format_options(j, at, !written, at + 1), -1, NULL);
        return r < 0 ? say(o, r) : 0;
}

/* QEMU writes all that it has of an image when that becomes read-only, and says if it cannot. */
static int complete_image(Offline *o, size_t at)
{
        const OfflineJob *j = o->job;
        size_t end = j->first + j->count, behind = at < end ? end : at + 1;
        json_t *options = json_array();

        (void) json_array_append_new(options, format_options(j, at, true, behind));
        return execute(o, "blockdev-reopen", json_pack("{s:o}", "options", options), -1, NULL);
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
        r = r < 0 ? r
                  : execute(o, "job-dismiss", json_pack("{s:s}", "id", JOB), -1, NULL); /* it has images */
        for (size_t i = o->job->n; r >= 0 && i-- > 0;)
                r = is_written(o->job, i) ? complete_image(o, i) : 0;
        return r < 0 ? say(o, r) : 0;
}

/* It lets go of the images. */
static int quit(Offline *o)
{
        int r = execute(o, "quit", NULL, -1, NULL), status;

        if (r < 0)
                return say(o, r);
        while (waitpid(o->qemu, &status, 0) < 0)
                if (errno != EINTR)
                        return fail(EXIT_OS, "failed to wait for QEMU: %s", strerror(errno));
        o->qemu = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        print_said(o);
        return fail(EXIT_OS, "QEMU failed to close the images of disk %s", o->job->target);
}

int offline_run(const OfflineJob *j)
{
        _cleanup_(offline_done) Offline o = { .job = j, .client = CLIENT_EMPTY, .said = -EBADF };
        int r = start_qemu(&o);

        o.client.end = '\n';
        o.client.guest = j->change->guest;
        r = r ?: change_images(&o);
        r = r ?: j->define(j->userdata);
        return r ?: quit(&o);
}

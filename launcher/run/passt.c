/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * passt connects the guest's network card to sockets of the host. It runs as the guest's user in the guest's
 * unit. A socket pair connects it to QEMU, so there is no socket in the file system that other processes
 * could use, and passt exits when QEMU closes its end.
 *
 * If passt exits first, the guest has no network until it is restarted: QEMU cannot get a new socket for an
 * existing backend, and passt's connections are lost anyway. This is logged, and the guest sees its link go
 * down.
 *
 * passt reads what the guest sends, so it is trusted no more than QEMU. It runs in the unit's sandbox
 * without any capability, and before the first packet it confines itself to namespaces with an empty file
 * system and a filter that allows a few dozen system calls. What the unit must permit for that is kept from
 * QEMU: see call-filter.c and private-network.c in rights/.
 *
 * passt logs to syslog, and its final messages to stderr as well. These are kept and logged if passt fails,
 * because journald can no longer assign messages of an exited process to the unit.
 */

#include "launcher/run/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/program/passt-command.h"
#include "launcher/run/process.h"
#include "launcher/stream/lines.h"
#include "launcher/stream/listener.h"
#include "log/log.h"

#define PASST_SOCKET     3
#define PASST_LAST_WORDS 4096 /* bytes of its output that are kept */

/* QEMU closed its end, usually because it is exiting, which shows within this time. */
#define PASST_GRACE_USEC UINT64_C(1000000)

/* ——— the processes ——— */

typedef struct Passt {
        Passts *all;
        const PasstRequest *options;
        Listener *listener;
        bool forgotten;
        pid_t pid; /* 0 before it is started and after it has exited */
        sd_event_source *child, *output, *grace;
        char said[PASST_LAST_WORDS];
        size_t n_said;
} Passt;

struct Passts {
        sd_event *event;
        PasstEnded ended;
        void *userdata;
        Passt *items;
        size_t count;
};

static void on_line(const char *text, size_t size, void *userdata)
{
        log_line(LOG_INFO, "passt", text, size);
}

/* Returns the result of read(). If the buffer is full, drops the older half. */
static ssize_t read_output(Passt *p)
{
        size_t half = sizeof(p->said) / 2;
        ssize_t n;

        if (p->n_said == sizeof(p->said)) {
                memmove(p->said, p->said + half, half);
                p->n_said = half;
        }
        n = read(sd_event_source_get_io_fd(p->output), p->said + p->n_said, sizeof(p->said) - p->n_said);
        p->n_said += n > 0 ? (size_t) n : 0;
        return n;
}

static int on_output(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        Passt *p = userdata;

        if (read_output(p) == 0)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return 0;
}

static void show_last_words(Passt *p)
{
        Lines lines = { 0 };

        while (read_output(p) > 0)
                ;
        lines_feed(&lines, p->said, p->n_said, on_line, NULL);
        lines_flush(&lines, on_line, NULL);
}

static int on_grace_over(sd_event_source *s, uint64_t usec, void *userdata)
{
        Passt *p = userdata;

        if (!p->forgotten)
                p->all->ended(p->options->id, "exited with status 0", p->all->userdata);
        return 0;
}

static int on_child(sd_event_source *s, const siginfo_t *info, void *userdata)
{
        _cleanup_(freep) char *how = process_describe_end(info->si_code, info->si_status);
        Passt *p = userdata;

        p->pid = 0;
        if (info->si_code == CLD_EXITED && info->si_status == 0)
                return sd_event_add_time_relative(
                        p->all->event, &p->grace, CLOCK_MONOTONIC, PASST_GRACE_USEC, 0, on_grace_over, p);
        show_last_words(p);
        if (!p->forgotten)
                p->all->ended(p->options->id, how ?: "failed", p->all->userdata);
        return 0;
}

/* Sets *ret to the end for passt's output. */
static int listen_to(Passt *p, int *ret)
{
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret = fds[1];
        r = fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(p->all->event, &p->output, fds[0], EPOLLIN, on_output, p);
        if (r < 0) {
                (void) fd_close(fds[0]);
                return r;
        }
        return sd_event_source_set_io_fd_own(p->output, true);
}

static int start_one(Passt *p, int socket)
{
        Placement placement = { .from = socket, .to = PASST_SOCKET };
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(closep) int output = -1;
        const char *program = passt_program();
        int r;

        if (!program)
                return log_errno(LOG_ERR, -ENOENT, "Cannot find passt");
        r = passt_command(p->options, program, PASST_SOCKET, &argv);
        if (r < 0)
                return log_out_of_memory();
        r = listen_to(p, &output);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read what passt prints");
        r = process_spawn(argv.items, &placement, 1, output, PROCESS_SHUTS_ITSELF_IN, &p->pid);
        if (r < 0)
                return r;
        r = sd_event_add_child(p->all->event, &p->child, p->pid, WEXITED, on_child, p);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to watch passt") : 0;
}

static void on_connection(int socket, void *userdata)
{
        _cleanup_(closep) int fd = socket;
        Passt *p = userdata;

        if (p->output) /* QEMU connects once, so nobody connects again after passt exited */
                return;
        if (start_one(p, fd) < 0)
                p->all->ended(p->options->id, "failed to start", p->all->userdata);
}

static int start_or_listen(Passt *p, int *socket, const char *directory)
{
        int r;

        if (*socket >= 0) {
                r = start_one(p, *socket);
                *socket = fd_close(*socket);
                return r;
        }
        r = directory ? listener_new(
                                p->all->event, directory, p->options->socket, on_connection, p, &p->listener)
                      : -ENOENT;
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to create the socket %s", p->options->socket) : 0;
}

int passts_start(
        sd_event *event, const PasstList *list, int *sockets, const char *directory, PasstEnded ended,
        void *userdata, Passts **ret)
{
        Passts *p = calloc(1, sizeof(*p));
        int r = 0;

        if (p)
                *p = (Passts){ sd_event_ref(event), ended, userdata,
                               calloc(list->count + 1, sizeof(Passt)) };
        if (!p || !p->items)
                r = log_out_of_memory();
        for (size_t i = 0; r >= 0 && i < list->count; i++) {
                Passt *one = &p->items[p->count];

                if (sockets[i] < 0 && !list->items[i].socket)
                        continue;
                one->all = p;
                one->options = &list->items[i];
                p->count++;
                r = start_or_listen(one, &sockets[i], directory);
        }
        if (r < 0) {
                passts_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

size_t passts_pids(const Passts *p, pid_t *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < p->count; i++)
                if (p->items[i].pid > 0)
                        ret[n++] = p->items[i].pid;
        return n;
}

void passts_forget(Passts *p, const char *id)
{
        for (size_t i = 0; p && i < p->count; i++)
                p->items[i].forgotten = p->items[i].forgotten || streq(p->items[i].options->id, id);
}

static void passt_done(Passt *p)
{
        listener_free(p->listener);
        sd_event_source_disable_unref(p->child);
        sd_event_source_disable_unref(p->output);
        sd_event_source_disable_unref(p->grace);
        if (p->pid > 0) {
                (void) kill(p->pid, SIGKILL);
                (void) waitpid(p->pid, NULL, 0);
        }
}

Passts *passts_free(Passts *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->count; i++)
                passt_done(&p->items[i]);
        sd_event_unref(p->event);
        free(p->items);
        free(p);
        return NULL;
}

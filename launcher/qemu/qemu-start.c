/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collects the descriptors that the generator numbered for QEMU: those that systemd stored by name, the
 * monitor's socketpair, one for each console, and the sockets on which it listens. A missing one is an
 * error, except for two that a host may lack: vhost for a TAP, and backing files of a disk. The rest adapts
 * QEMU's command line to this start.
 */

#include "launcher/qemu/qemu-start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/monitor/command.h"
#include "launcher/program/passt-command.h"
#include "launcher/qemu/qemu-syntax.h"
#include "launcher/store/prepared.h"
#include "launcher/stream/listener.h"
#include "log/log.h"
#include "net/netlink.h"
#include "net/route.h"
#include "net/tun.h"

static int place(QemuStart *h, int from, int to)
{
        Placement *bigger = realloc(h->placements, (h->count + 1) * sizeof(*bigger));

        if (!bigger)
                return log_out_of_memory();
        h->placements = bigger;
        h->placements[h->count++] = (Placement){ .from = from, .to = to };
        return 0;
}

/* Takes the descriptor, also on failure, which is logged. */
static int place_own(QemuStart *h, int from, int to)
{
        int *bigger = realloc(h->theirs, (h->n_theirs + 1) * sizeof(*bigger));

        if (!bigger) {
                (void) fd_close(from);
                return log_out_of_memory();
        }
        h->theirs = bigger;
        h->theirs[h->n_theirs++] = from;
        return place(h, from, to);
}

/* A socketpair: one end becomes that number in QEMU, the other is *ret. */
static int place_pair(QemuStart *h, int to, int *ret)
{
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to create a socket pair");
        *ret = fds[1];
        return place_own(h, fds[0], to);
}

/* In a directory that QEMU cannot reach. */
static int place_sockets(QemuStart *h, const RunOptions *o, const char *directory)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < o->sockets.count; i++) {
                const Numbered *n = &o->sockets.items[i];
                int fd = -EBADF;

                r = directory ? listener_socket(directory, n->name, &fd) : -ENOENT;
                r = r < 0 ? log_errno(LOG_ERR, r, "Failed to create the guest's socket %s", n->name)
                          : place_own(h, fd, n->number);
        }
        return r;
}

static int place_stored(QemuStart *h, const RunOptions *o, Fds *store)
{
        for (size_t i = 0; i < o->fds.count; i++) {
                const Numbered *n = &o->fds.items[i];
                int fd, r;

                r = fds_find(store, n->name, &fd);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "File descriptor %s was not passed by systemd", n->name);
                /* A QEMU that ran before has left off those queues of a kept TAP that its guest did not use,
                 * and the next one expects them all on. It says so itself where that fails. */
                if (fd_name_is_tap(n->name))
                        (void) tun_enable_queue(fd);
                r = place(h, fd, n->number);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* "vhost.ID.QUEUE" → ID */
static char *middle_of(const char *name)
{
        const char *first = strchr(name, '.'), *last = strrchr(name, '.');

        return first && last > first + 1 ? text_format("%.*s", (int) (last - first - 1), first + 1) : NULL;
}

static int place_optional(QemuStart *h, const RunOptions *o, Fds *store)
{
        for (size_t i = 0; i < o->try_fds.count; i++) {
                const Numbered *n = &o->try_fds.items[i];
                _cleanup_(freep) char *id = middle_of(n->name);
                int fd, r;

                if (fds_find(store, n->name, &fd) >= 0) {
                        r = place(h, fd, n->number);
                        if (r < 0)
                                return r;
                        continue;
                }

                /* prepare logged why */
                r = id ? command_drop_vhost(&h->argv, id) : -EINVAL;
                if (r < 0)
                        return log_errno(LOG_ERR, r, "Required file descriptor %s is missing", n->name);
        }
        return 0;
}

/* passt takes the guest's addresses from the interface of the host's default route; older versions exit
 * without one.
 */
static bool host_has_route(void)
{
        _cleanup_(closep) int netlink = -EBADF;

        return netlink_open(&netlink) < 0 || route_has_default(netlink) != 0;
}

static int place_passt(QemuStart *h, const PasstRequest *o, int *ret)
{
        const char *program = passt_program();
        int r;

        *ret = -1;
        if (!program && !o->optional)
                return log_errno(
                        LOG_ERR, -ENOENT, "Cannot find passt, which network %s requires; install it", o->id);
        if (o->optional && (!program || !host_has_route())) {
                log_notice(
                        "%s; using QEMU's own user networking for network %s instead.",
                        program ? "The host has no default route for passt" : "passt is not installed",
                        o->id);
                h->private_network = false;
                h->peers = true;
                return 0;
        }
        if (o->socket)
                return 0;
        r = place_pair(h, o->fd, ret);
        if (r >= 0 && o->optional)
                r = command_set_stream(&h->argv, o->id, o->fd);
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot connect %s to passt", o->id) : 0;
}

static int place_passts(QemuStart *h, const RunOptions *o)
{
        int r = 0;

        h->private_network = o->private_network;
        h->peers = o->peers;
        h->passts = calloc(o->passts.count + 1, sizeof(int));
        if (!h->passts)
                return log_out_of_memory();
        for (size_t i = 0; r >= 0 && i < o->passts.count; i++)
                r = place_passt(h, &o->passts.items[i], &h->passts[h->n_passts++]);
        return r;
}

static int place_image(QemuStart *h, const char *node, Fds *store)
{
        _cleanup_(freep) char *name = fd_name_image(node);
        int fd, flags, r;

        if (!name)
                return log_out_of_memory();
        r = fds_find(store, name, &fd);
        if (r < 0)
                return log_errno(LOG_ERR, r, "File descriptor %s was not passed by systemd", name);
        flags = fcntl(fd, F_GETFL);
        if (flags < 0)
                return log_errno(LOG_ERR, -errno, "Cannot use file descriptor %s", name);
        r = place(h, fd, ++h->highest);
        if (r < 0)
                return r;
        r = command_set_image(&h->argv, node, h->highest, (flags & O_ACCMODE) == O_RDONLY);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to add the image of %s to QEMU's command line", node)
                     : 0;
}

typedef struct Chain {
        QemuStart *start;
        const char *prefix; /* "chain.NODE." */
        BackingImage images[CHAIN_DEPTH_MAX];
        size_t count;
} Chain;

/* name is "chain.NODE.DEPTH.FORMAT". */
static int add_to_chain(const char *name, int fd, void *userdata)
{
        Chain *c = userdata;
        const char *format;
        unsigned depth;
        struct stat st;

        if (fd_name_read_chain(name, c->prefix, &depth, &format) < 0)
                return log_errno(LOG_ERR, -EINVAL, "Invalid name of file descriptor %s", name);
        if (c->images[depth - 1].format)
                return log_errno(LOG_ERR, -EEXIST, "File descriptor %s was passed with two formats", name);
        if (fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot stat file descriptor %s", name);
        c->images[depth - 1] = (BackingImage){
                .depth = depth,
                .format = format,
                .driver = S_ISBLK(st.st_mode) ? "host_device" : "file",
                .fd = ++c->start->highest,
        };
        c->count++;
        return place(c->start, fd, c->start->highest);
}

static int place_chain(QemuStart *h, const char *node, Fds *store)
{
        _cleanup_(freep) char *prefix = fd_name_chain_prefix(node);
        _cleanup_(freep) Chain *c = calloc(1, sizeof(*c));
        int r;

        if (!prefix || !c)
                return log_out_of_memory();
        c->start = h;
        c->prefix = prefix;
        r = fds_each(store, prefix, add_to_chain, c);
        if (r < 0)
                return r;
        for (size_t i = 0; i < c->count; i++)
                if (!c->images[i].format)
                        return log_errno(
                                LOG_ERR, -ENOENT, "Backing image %zu of %s was not passed", i + 1, node);
        r = command_set_backing(&h->argv, node, c->images, c->count);
        return r < 0 ? log_errno(
                               LOG_ERR, r, "Failed to add the backing images of %s to QEMU's command line",
                               node)
                     : 0;
}

static int copy_argv(QemuStart *h, char *const *argv)
{
        for (; *argv; argv++)
                if (strings_add(&h->argv, *argv) < 0)
                        return log_out_of_memory();
        return 0;
}

/*
 * If its store is full, systemd drops descriptors without telling anybody. A TAP that is kept over a restart
 * would lack a queue, so all descriptors that the helper noted must be there.
 */
static int check_complete(const char *directory, const Fds *store)
{
        _cleanup_(prepared_done) Prepared prepared = { 0 };
        int r;

        r = directory ? prepared_load(directory, &prepared) : -ENOENT;
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read " PREPARED_NAME ", which the helper wrote");
        for (size_t i = 0; i < prepared.names.count; i++) {
                bool found = false;

                for (size_t j = 0; j < store->count && !found; j++)
                        found = streq(store->items[j].name, prepared.names.items[i]);
                if (found)
                        continue;
                log_error(
                        "File descriptor %s was stored, but systemd did not pass it: its store is full. "
                        "Raise FileDescriptorStoreMax= in the guest's unit.",
                        prepared.names.items[i]);
                return -ENOENT;
        }
        return 0;
}

/* Adapts the command line to what the generator could not know. */
static int complete_arguments(QemuStart *h, const RunOptions *o)
{
        QemuVersion version;
        int r;

        if (o->rtc_offset != 0) {
                r = qemu_syntax_rtc(&h->argv, o->rtc_offset, time(NULL));
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Failed to set the guest's clock %lld s ahead",
                                (long long) o->rtc_offset);
        }
        if (!qemu_syntax_needs_version(&h->argv))
                return 0;
        r = qemu_version_ask(h->argv.items[0], &version);
        if (r == -ENODATA)
                return 0; /* gets the newest syntax, and reports what it does not understand */
        if (r < 0)
                return r;
        return qemu_syntax_to_version(&h->argv, version) < 0 ? log_out_of_memory() : 0;
}

static int fill(QemuStart *h, const RunOptions *o, const char *directory, Fds *store)
{
        int r;

        h->consoles = calloc(o->consoles.count + 1, sizeof(int));
        if (!h->consoles)
                return log_out_of_memory();
        r = check_complete(directory, store);
        if (r >= 0)
                r = copy_argv(h, o->argv);
        if (r >= 0)
                r = place_pair(h, o->monitor, &h->monitor);
        for (size_t i = 0; r >= 0 && i < o->consoles.count; i++) {
                r = place_pair(h, o->consoles.items[i].number, &h->consoles[i]);
                if (r >= 0)
                        h->n_consoles++;
        }
        if (r >= 0)
                r = place_sockets(h, o, directory);
        if (r >= 0)
                r = place_stored(h, o, store);
        if (r >= 0)
                r = place_optional(h, o, store);
        if (r >= 0)
                r = place_passts(h, o);
        for (size_t i = 0; r >= 0 && i < o->images.count; i++)
                r = place_image(h, o->images.items[i], store);
        for (size_t i = 0; r >= 0 && i < o->chains.count; i++)
                r = place_chain(h, o->chains.items[i], store);
        return r < 0 ? r : complete_arguments(h, o);
}

int qemu_start_prepare(QemuStart *ret, const RunOptions *options, const char *directory, Fds *store)
{
        QemuStart h = { .monitor = -1, .highest = run_options_highest_fd(options) };
        int r;

        r = fill(&h, options, directory, store);
        if (r < 0) {
                qemu_start_done(&h);
                return r;
        }
        *ret = h;
        return 0;
}

void qemu_start_given(QemuStart *h)
{
        while (h->n_theirs > 0)
                (void) fd_close(h->theirs[--h->n_theirs]);
}

void qemu_start_done(QemuStart *h)
{
        qemu_start_given(h);
        for (size_t i = 0; i < h->n_consoles; i++)
                (void) fd_close(h->consoles[i]);
        for (size_t i = 0; i < h->n_passts; i++)
                (void) fd_close(h->passts[i]);
        (void) fd_close(h->monitor);
        strings_done(&h->argv);
        free(h->placements);
        free(h->consoles);
        free(h->passts);
        free(h->theirs);
        *h = (QemuStart){ .monitor = -1 };
}

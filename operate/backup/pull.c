/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pull: QEMU's NBD server offers each disk as it was at one moment, and a client reads it at its own pace.
 * What the guest overwrites meanwhile is kept in a scratch file without a name. For an increment the server
 * also offers which parts were written since the checkpoint, as "qemu:dirty-bitmap:CHECKPOINT".
 *
 * QEMU has one NBD server, so a guest has one pull at a time; a second is refused by QEMU.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "operate/backup/backup-private.h"

#define SCRATCH_DIRECTORY "/var/tmp"
#define BACKLOG           8

/* ——— the socket ——— */

static int make_address(Backup *b, struct sockaddr_un *address)
{
        size_t n = strlen(b->request->socket);

        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (n == 0 || n >= sizeof(address->sun_path))
                return backup_fail(b, -EINVAL, "the path of a socket has at most 107 characters");
        memcpy(address->sun_path, b->request->socket, n);
        return 0;
}

/* A socket without a listener is what a pull left that was killed. */
static bool is_left(const struct sockaddr_un *address)
{
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct stat st;

        return lstat(address->sun_path, &st) >= 0 && S_ISSOCK(st.st_mode) && fd >= 0 &&
               connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0 && errno == ECONNREFUSED;
}

static int listen_at(Backup *b, int *ret)
{
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address;
        mode_t mask;
        int r = fd < 0 ? -errno : make_address(b, &address);

        if (r < 0)
                return r;
        if (is_left(&address))
                (void) unlink(address.sun_path);
        mask = umask(0177);
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                r = -errno;
        (void) umask(mask);
        b->listens = r >= 0;
        if (r >= 0 && listen(fd, BACKLOG) < 0)
                r = -errno;
        if (r < 0)
                return backup_fail(
                        b, r == -EADDRINUSE ? -EEXIST : r, "cannot listen on %s: %s", b->request->socket,
                        r == -EADDRINUSE ? "it exists" : strerror(-r));
        *ret = TAKE_FD(fd);
        return 0;
}

static int start_server(Backup *b, int fd)
{
        json_t *commands = json_array(), *step;

        step = steps_add(commands, "getfd", json_pack("{s:s}", "fdname", b->id));
        (void) json_object_set_new(step, "fileDescriptorIndex", json_integer(0));
        step_set(step, "name", "socket");
        step_undo(step, "closefd", json_pack("{s:s}", "fdname", b->id));
        step = steps_add(
                commands, "nbd-server-start",
                json_pack("{s:{s:s, s:{s:s}}}", "addr", "type", "fd", "data", "str", b->id));
        step_set(step, "replaces", "socket");
        step_undo(step, "nbd-server-stop", NULL);
        return backup_execute(b, commands, true, fd, NULL);
}

/* ——— the disks ——— */

static int make_scratch(Backup *b)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                r = target_create_scratch(&b->disks[i].target, SCRATCH_DIRECTORY);
        return r < 0 ? backup_fail(
                               b, r, "cannot create a scratch file in " SCRATCH_DIRECTORY ": %s",
                               strerror(-r))
                     : 0;
}

/* The image of the scratch file has it: it vanishes with that. */
static void add_dirty(const Backup *b, const BackupDisk *d, json_t *actions)
{
        actions_add(
                actions, "block-dirty-bitmap-add",
                json_pack("{s:s, s:s, s:b}", "node", d->id, "name", b->request->since, "disabled", 1));
        actions_add(
                actions, "block-dirty-bitmap-merge",
                json_pack(
                        "{s:s, s:s, s:[{s:s, s:s}]}", "node", d->id, "target", b->request->since, "bitmaps",
                        "node", d->disk.node, "name", b->request->since));
}

static int keep_moment(Backup *b)
{
        json_t *actions = json_array(), *undo = json_array();

        backup_add_checkpoint(b, actions, undo);
        for (size_t i = 0; i < b->n_disks; i++) {
                BackupDisk *d = &b->disks[i];

                if (b->request->since)
                        add_dirty(b, d, actions);
                actions_add(
                        actions, "blockdev-backup",
                        json_pack(
                                "{s:s, s:s, s:s, s:s, s:b}", "job-id", d->job, "device", d->disk.node,
                                "target", d->id, "sync", "none", "auto-dismiss", 0));
                (void) json_array_insert_new(
                        undo, 0, steps_command("job-cancel", json_pack("{s:s}", "id", d->job)));
        }
        return backup_start(b, actions, undo);
}

static int serve(Backup *b, const BackupDisk *d)
{
        json_t *commands = json_array();
        json_t *arguments = json_pack(
                "{s:s, s:s, s:s, s:s}", "type", "nbd", "id", d->id, "node-name", d->id, "name",
                d->disk.target);

        if (b->request->since)
                (void) json_object_set_new(arguments, "bitmaps", json_pack("[s]", b->request->since));
        steps_add(commands, "block-export-add", arguments); /* which ends with the server */
        return backup_execute(b, commands, true, -1, NULL);
}

int backup_begin_pull(Backup *b)
{
        _cleanup_(closep) int fd = -EBADF;
        int r = backup_choose(b);

        if (r >= 0)
                r = listen_at(b, &fd);
        if (r >= 0)
                r = make_scratch(b);
        if (r >= 0)
                r = backup_make_images(b, true);
        if (r >= 0)
                r = keep_moment(b);
        if (r >= 0)
                r = start_server(b, fd);
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                r = serve(b, &b->disks[i]);
        return r;
}

int backup_check_pull(Backup *b)
{
        int r = backup_look(b);

        return r > 0 ? backup_fail(b, -EIO, "QEMU ended the copy") : r;
}

int backup_end_pull(Backup *b, bool finished)
{
        int r = finished ? backup_keep_checkpoint(b, false) : 0, released = backup_release(b, true);

        return r < 0 ? r : released;
}

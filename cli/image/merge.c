/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU's job copies what the upper images have into the one behind them, while the guest goes on. It is held
 * by this process's connection: if that ends, the launcher cancels it, and all is as before.
 *
 * A pull is the other way round: the newest image gets what is behind it, down to an image that stays, or
 * all.
 *
 * While the guest is off, a QEMU without one does that (cli/image/offline.c).
 *
 * In the middle of a chain, and after a pull, QEMU goes on without the images when the job is done, and the
 * definition follows: until then it names images that have the same content.
 *
 * At the top, the guest's writes go to both sides when the job is ready. The guest stands still while the
 * definition changes from the upper image to the one behind, which then has all that was written, and has
 * to be the one on which a QEMU starts after a crash; systemctl reload ends the job. From right before the
 * definition changes, the job is not cancelled if this process ends: it goes on copying until a reload, a
 * moment behind the guest, which a QEMU that is killed before that reload has lost.
 */

#include "cli/image/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/image/job.h"
#include "cli/image/offline.h"
#include "cli/running/disks.h"
#include "contract/exit.h"
#include "contract/words.h"
#include "util/file.h"

#define FD_SET_PATH "/dev/fdset/"
#define ALL         SIZE_MAX

typedef struct Merge {
        ChangeCall *change;
        const char *target;
        bool pull;
        size_t first, count; /* of the images that go; count: of a pull of all, ALL */
        DiskJob job;
        json_t *reply; /* of Query, before */
        const json_t *disk, *layers;
        ChainImage chain[CHAIN_IMAGES_MAX];
        DiskImage image;
        size_t n_chain;
        int base; /* the image that is written */
} Merge;

static void merge_done(Merge *m)
{
        job_done(&m->job);
        json_decref(m->reply);
        disk_image_done(&m->image);
        (void) fd_close(m->base);
}

/* ——— images that QEMU may write ——— */

static int open_image(const Merge *m, size_t at, int flags, int *ret)
{
        const json_t *layer = json_array_get(m->layers, at);
        const char *path = m->chain[at].path;
        int fd, r;

        if (json_is_true(
                    json_object_get(json_object_get(json_object_get(layer, "options"), "cache"), "direct")))
                flags |= O_DIRECT;
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fail(
                        errno == EACCES || errno == EPERM ? EXIT_POLICY : EXIT_OS, "cannot open %s: %s",
                        path, strerror(errno));
        r = job_check_file(&m->job, layer, path, fd);
        if (r != 0)
                (void) close(fd);
        else
                *ret = fd;
        return r;
}

static bool is_read_only(const json_t *nodes, const char *name)
{
        json_t *node;
        size_t i;

        json_array_foreach((json_t *) nodes, i, node) {
                if (streq(json_text(node, "node-name"), name))
                        return json_is_true(json_object_get(node, "ro"));
        }
        return false;
}

/* Those of the set that were there before. A node that changes from one descriptor to another leaves its
 * locks with the first, if that stays. */
static json_t *removals_of(const json_t *sets, json_int_t set)
{
        json_t *commands = json_array(), *item, *fd;
        size_t i, j;

        json_array_foreach((json_t *) sets, i, item) {
                if (json_integer_value(json_object_get(item, "fdset-id")) != set)
                        continue;
                json_array_foreach(json_object_get(item, "fds"), j, fd)
                        (void) json_array_append_new(
                                commands, json_pack(
                                                  "{s:s, s:{s:I, s:O}}", "execute", "remove-fd", "arguments",
                                                  "fdset-id", set, "fd", json_object_get(fd, "fd")));
        }
        return commands;
}

static json_t *reopen(const json_t *options)
{
        json_t *copy = json_copy((json_t *) options);

        (void) json_object_set_new(copy, "read-only", json_false());
        return json_pack("{s:s, s:{s:[o]}}", "execute", "blockdev-reopen", "arguments", "options", copy);
}

/* QEMU gets the image at that place of the chain open for writing, and keeps it so, as one that was on top.
 */
static int lend(Merge *m, size_t at)
{
        const json_t *layer = json_array_get(m->layers, at), *options = json_object_get(layer, "options");
        const char *number = text_after(json_text(options, "filename"), FD_SET_PATH);
        json_t *nodes = NULL, *sets = NULL, *commands;
        json_int_t set = number ? atoll(number) : -1;
        int fd = -EBADF, r;

        r = job_query(&m->job, "query-named-block-nodes", &nodes);
        if (r == 0 &&
            is_read_only(job_answer(nodes, "query-named-block-nodes"), json_text(layer, "storage")))
                r = set < 0 ? fail(EXIT_MISSING, "QEMU opened %s itself", m->chain[at].path)
                            : open_image(m, at, O_RDWR, &fd);
        if (r == 0 && fd >= 0)
                r = job_query(&m->job, "query-fdsets", &sets);
        if (r == 0 && fd >= 0) {
                commands = removals_of(job_answer(sets, "query-fdsets"), set);
                (void) json_array_insert_new(commands, 0, reopen(options));
                (void) json_array_insert_new(
                        commands, 0,
                        json_pack(
                                "{s:s, s:i, s:{s:I}}", "execute", "add-fd", "fileDescriptorIndex", 0,
                                "arguments", "fdset-id", set));
                r = job_execute(&m->job, commands, false, (ClientFds){ &fd, 1 }, NULL);
        }
        json_decref(nodes);
        json_decref(sets);
        (void) fd_close(fd);
        return r;
}

/* ——— the job ——— */

/* Takes arguments. */
static int run_job(Merge *m, const char *command, json_t *arguments)
{
        return job_execute(
                &m->job,
                json_pack(
                        "[{s:s, s:o, s:{s:s, s:{s:s}}}]", "execute", command, "arguments", arguments, "undo",
                        "execute", "job-cancel", "arguments", "id", m->job.id),
                true, (ClientFds){ 0 }, NULL);
}

static int start_commit(Merge *m)
{
        size_t end = m->first + m->count;
        json_t *arguments = json_pack(
                "{s:s, s:s, s:s, s:s, s:b}", "job-id", m->job.id, "device", json_text(m->disk, "node"),
                "top-node", json_text(json_array_get(m->layers, m->first), "node"), "base-node",
                json_text(json_array_get(m->layers, end), "node"), "auto-dismiss", 0);

        if (m->first > 0) /* or QEMU writes its own name for the file into the header above */
                (void) json_object_set_new(arguments, "backing-file", json_string(m->chain[end].path));
        return run_job(m, "block-commit", arguments);
}

static int start_pull(Merge *m)
{
        size_t end = m->first + m->count;
        json_t *arguments = json_pack(
                "{s:s, s:s, s:b}", "job-id", m->job.id, "device",
                json_text(json_array_get(m->layers, 0), "node"), "auto-dismiss", 0);

        if (m->count != ALL) {
                (void) json_object_set(
                        arguments, "base-node", json_object_get(json_array_get(m->layers, end), "node"));
                (void) json_object_set_new(arguments, "backing-file", json_string(m->chain[end].path));
        }
        return run_job(m, "block-stream", arguments);
}

/* ——— the definition ——— */

static void nothing(ChangeCall *change, void *userdata)
{
}

static int is_done(ChangeCall *change, void *userdata)
{
        const Merge *m = userdata;
        json_t *reply = NULL;
        size_t was = json_array_size(m->layers), now;
        int r = client_query(change->call, json_pack("{s:[]}", "commands"), &reply);
        const json_t *disk = disks_find(reply, m->target);

        now = json_array_size(json_object_get(disk, "layers")); /* 0 if that waits for a restart */
        r = r != 0 || !disk ? -EIO : now == (m->count == ALL ? 1 : was - m->count);
        json_decref(reply);
        return r;
}

static const ChangeHooks hooks = { nothing, nothing, is_done };

static int define_images(Merge *m)
{
        Operation *o = &m->change->operation;
        int r = m->count == ALL ? operation_end_disk(o, &m->image)
                                : operation_drop_images(o, &m->image, m->first, m->count);

        r = r < 0 ? r : operation_sync(o);
        return change_check(m->change, r);
}

static int define(Merge *m)
{
        Operation *o = &m->change->operation;
        int r = define_images(m);

        if (r != 0)
                return r;
        m->change->hooks = &hooks;
        m->change->userdata = m;
        r = change_apply(m->change);
        if (r == 0)
                operation_settle(o);
        return r;
}

/* The guest goes on, on the image behind. */
static int merge_top(Merge *m)
{
        int r = job_wait(&m->job, "ready", false);

        r = r ?: job_hold_still(&m->job);
        r = r ?: job_wait(&m->job, "ready", true);
        r = r ?: job_flush(&m->job, json_text(json_array_get(m->layers, m->first + m->count), "node"));
        if (r == 0 && fsync(m->base) < 0)
                r =
                        fail(EXIT_OS, "cannot write %s to its device: %s",
                             m->chain[m->first + m->count].path, strerror(errno));
        r = r ?: job_release(&m->job, false);
        if (r != 0)
                return r;
        r = job_check_still(&m->job);
        r = r ?: define(m);
        if (r != 0 && !m->change->kept)
                (void) job_end_old(&m->job);
        job_let_go_on(&m->job);
        return r;
}

static int merge_middle(Merge *m)
{
        int r = job_wait(&m->job, "concluded", false);

        r = r ?: job_release(&m->job, false);
        r = r ?: job_execute(&m->job, job_command(&m->job, "job-dismiss"), false, (ClientFds){ 0 }, NULL);
        return r ?: define(m);
}

static int ask_layers(Merge *m)
{
        json_decref(m->reply);
        m->reply = NULL;
        m->disk = m->layers = NULL;
        if (job_query(&m->job, "query-block", &m->reply) != 0)
                return EXIT_OS;
        m->disk = disks_find(m->reply, m->target);
        m->layers = json_object_get(m->disk, "layers");
        return 0;
}

/* Who was killed may have left a definition that has not been carried out. */
static int find_disk(Merge *m)
{
        const char *device;
        int r = ask_layers(m);

        if (r == 0 && json_array_size(m->layers) < m->n_chain) {
                r = change_apply(m->change);
                r = r ?: ask_layers(m);
        }
        if (r != 0)
                return r;
        device = json_text(m->disk, "device");
        if (json_array_size(m->layers) < m->n_chain || !*device)
                return fail(
                        EXIT_MISSING,
                        "guest %s does not have all images of disk %s that its definition names; it gets "
                        "them "
                        "when it is restarted",
                        m->change->guest, m->target);
        m->job.id = text_format(LAYER_JOB "%s", device);
        return m->job.id ? 0 : fail(EXIT_OS, "out of memory");
}

/* All of the chain is what the definition says. */
static int check_chain(const Merge *m)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < m->n_chain; i++) {
                _cleanup_(closep) int fd = open(m->chain[i].path, O_PATH | O_CLOEXEC);

                r = job_check_file(&m->job, json_array_get(m->layers, i), m->chain[i].path, fd);
        }
        return r;
}

static int lend_images(Merge *m)
{
        size_t end = m->first + m->count;
        int r;

        if (m->pull) /* into the newest, which the guest writes */
                return 0;
        r = open_image(m, end, O_RDONLY, &m->base);
        r = r ?: lend(m, end);
        return m->first == 0 ? r : r ?: lend(m, m->first - 1); /* whose header names what is behind it */
}

static int run(Merge *m)
{
        int r = find_disk(m);

        r = r ?: check_chain(m);
        if (r == 0 && m->pull && json_array_size(m->layers) < 2)
                r = fail(EXIT_BAD_GUEST, "disk %s has no image behind %s", m->target, m->image.path);
        r = r ?: lend_images(m);
        r = r ?: job_end_old(&m->job);
        r = r ?: m->pull ? start_pull(m) : start_commit(m);
        if (r != 0)
                return r;
        r = m->first == 0 ? merge_top(m) : merge_middle(m);
        if (r != 0) /* a definition that was kept needs the job: both sides stay alike */
                (void) job_release(&m->job, !m->change->kept);
        return r;
}

/* While QEMU has the images locked: a guest that was started with the former definition cannot have them,
 * and after the reload that is over. */
static int define_offline(void *userdata)
{
        Merge *m = userdata;
        int r = change_require_off(m->change);

        r = r ?: define_images(m);
        r = r ?: change_apply(m->change);
        if (r != 0)
                return r;
        operation_settle(&m->change->operation);
        return change_wait_for_starts(m->change);
}

/* Of a guest that is off; what is behind an image is what its definition says. */
static int change_offline(Merge *m)
{
        const OfflineJob job = {
                .change = m->change,
                .target = m->target,
                .chain = m->chain,
                .n = m->n_chain,
                .pull = m->pull,
                .first = m->first,
                .count = m->count == ALL ? m->n_chain - 1 : m->count,
                .define = define_offline,
                .userdata = m,
        };

        return m->n_chain < 2 ? fail(EXIT_BAD_GUEST,
                                     "the definition of disk %s names no image behind %s (<backingStore>)",
                                     m->target, m->image.path)
                              : offline_run(&job);
}

static int merge(ChangeCall *c, Merge *m)
{
        int r;

        m->change = c;
        m->job = (DiskJob){ .call = c->call,
                            .target = m->target,
                            .what = m->pull ? "pull images of" : "merge images of",
                            .doing = m->pull ? "pulling images of" : "merging images of",
                            .client = CLIENT_EMPTY,
                            .still = CLIENT_EMPTY };
        r = change_check(c, operation_find_disk(&c->operation, m->target, &m->image));
        if (r != 0)
                return r;
        m->n_chain = disk_image_chain(&m->image, m->chain);
        if (m->count != ALL && m->first + m->count >= m->n_chain)
                return fail(EXIT_BAD_GUEST, "the definition names no image behind disk %s", m->target);
        if (!c->running)
                return change_offline(m);
        r = job_open(&m->job);
        return r ?: run(m);
}

int merge_images(ChangeCall *c, const char *target, size_t first, size_t count)
{
        _cleanup_(merge_done) Merge m = { .target = target, .first = first, .count = count, .base = -EBADF };

        return merge(c, &m);
}

int pull_images(ChangeCall *c, const char *target, size_t count)
{
        _cleanup_(merge_done) Merge m = {
                .target = target, .pull = true, .first = 1, .count = count ?: ALL, .base = -EBADF
        };

        return merge(c, &m);
}

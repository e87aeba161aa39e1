/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU's job copies what the upper images have into the one behind them, while the guest goes on. It is held
 * by this process's connection: if that ends, the launcher cancels it, and all is as before.
 *
 * In the middle of a chain, QEMU goes on without the images when the job is done, and the definition
 * follows: until then it names images that have the same content.
 *
 * At the top, the guest's writes go to both sides when the job is ready. The guest stands still while the
 * definition changes from the upper image to the one behind, which then has all that was written, and has
 * to be the one on which a QEMU starts after a crash; systemctl reload ends the job. From right before the
 * definition changes, the job is not cancelled if this process ends: it goes on copying until a reload, a
 * moment behind the guest, which a QEMU that is killed before that reload has lost.
 */

#include "cli/disk/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/running/client.h"
#include "cli/running/disks.h"
#include "contract/exit.h"
#include "contract/words.h"
#include "util/file.h"

#define POLL_USEC   200000
#define SYNC_POLLS  50 /* until both sides are alike, while the guest stands still */
#define FD_SET_PATH "/dev/fdset/"

typedef struct Merge {
        ChangeCall *change;
        const char *target;
        size_t first, count;
        Client client; /* which holds the job */
        Client still;  /* which has the guest stand still */
        json_t *reply; /* of Query, before */
        const json_t *disk, *layers;
        char *job;
        ChainImage chain[CHAIN_IMAGES_MAX];
        DiskImage image;
        size_t n_chain;
        int base; /* the image that is written */
} Merge;

static void merge_done(Merge *m)
{
        client_done(&m->client);
        client_done(&m->still);
        json_decref(m->reply);
        free(m->job);
        disk_image_done(&m->image);
        (void) fd_close(m->base);
}

static int execute(Merge *m, json_t *commands, bool hold, ClientFds fds, json_t **ret)
{
        return client_call(
                &m->client, "merge images of", "org.vmunit.Guest.Execute",
                json_pack("{s:o, s:b}", "commands", commands, "hold", (int) hold), fds, ret);
}

/* What the connection holds lasts, or is undone now. */
static int release(Merge *m, bool undo)
{
        return client_call(
                &m->client, "merge images of", "org.vmunit.Guest.Release",
                json_pack("{s:b}", "undo", (int) undo), (ClientFds){ 0 }, NULL);
}

static int query(Merge *m, const char *command, json_t **ret)
{
        return client_call(
                &m->client, "query", "org.vmunit.Guest.Query", json_pack("{s:[s]}", "commands", command),
                (ClientFds){ 0 }, ret);
}

static const json_t *answer_to(const json_t *reply, const char *command)
{
        return json_object_get(json_object_get(reply, "results"), command);
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key)) ?: "";
}

/* ——— images that QEMU may write ——— */

/* The file that the definition names is the one that QEMU has at that place of the chain. */
static int check_file(const Merge *m, const json_t *layer, const char *path, int fd)
{
        struct stat st;

        if (fstat(fd, &st) >= 0 &&
            (json_int_t) st.st_ino == json_integer_value(json_object_get(layer, "fileInode")) &&
            (json_int_t) st.st_dev == json_integer_value(json_object_get(layer, "fileDevice")))
                return 0;
        return fail(
                EXIT_MISSING,
                "QEMU has another file than %s behind disk %s: the definition has changed since the guest "
                "started, or the file was replaced",
                path, m->target);
}

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
        r = check_file(m, layer, path, fd);
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
                if (streq(text_of(node, "node-name"), name))
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
        const char *number = text_after(text_of(options, "filename"), FD_SET_PATH);
        json_t *nodes = NULL, *sets = NULL, *commands;
        json_int_t set = number ? atoll(number) : -1;
        int fd = -EBADF, r;

        r = query(m, "query-named-block-nodes", &nodes);
        if (r == 0 && is_read_only(answer_to(nodes, "query-named-block-nodes"), text_of(layer, "storage")))
                r = set < 0 ? fail(EXIT_MISSING, "QEMU opened %s itself", m->chain[at].path)
                            : open_image(m, at, O_RDWR, &fd);
        if (r == 0 && fd >= 0)
                r = query(m, "query-fdsets", &sets);
        if (r == 0 && fd >= 0) {
                commands = removals_of(answer_to(sets, "query-fdsets"), set);
                (void) json_array_insert_new(commands, 0, reopen(options));
                (void) json_array_insert_new(
                        commands, 0,
                        json_pack(
                                "{s:s, s:i, s:{s:I}}", "execute", "add-fd", "fileDescriptorIndex", 0,
                                "arguments", "fdset-id", set));
                r = execute(m, commands, false, (ClientFds){ &fd, 1 }, NULL);
        }
        json_decref(nodes);
        json_decref(sets);
        (void) fd_close(fd);
        return r;
}

/* ——— the job ——— */

static int start_job(Merge *m)
{
        size_t end = m->first + m->count;
        json_t *arguments = json_pack(
                "{s:s, s:s, s:s, s:s, s:b}", "job-id", m->job, "device", text_of(m->disk, "node"),
                "top-node", text_of(json_array_get(m->layers, m->first), "node"), "base-node",
                text_of(json_array_get(m->layers, end), "node"), "auto-dismiss", 0);

        if (m->first > 0) /* or QEMU writes its own name for the file into the header above */
                (void) json_object_set_new(arguments, "backing-file", json_string(m->chain[end].path));
        return execute(
                m,
                json_pack(
                        "[{s:s, s:o, s:{s:s, s:{s:s}}}]", "execute", "block-commit", "arguments", arguments,
                        "undo", "execute", "job-cancel", "arguments", "id", m->job),
                true, (ClientFds){ 0 }, NULL);
}

static const json_t *find_job(const Merge *m, const json_t *reply)
{
        json_t *job;
        size_t i;

        json_array_foreach((json_t *) answer_to(reply, "query-jobs"), i, job) {
                if (streq(text_of(job, "id"), m->job))
                        return job;
        }
        return NULL;
}

static void show_progress(const Merge *m, const json_t *job)
{
        json_int_t now = json_integer_value(json_object_get(job, "current-progress")),
                   all = json_integer_value(json_object_get(job, "total-progress"));

        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\rvmctl: merging images of disk %s: %lld %% ", m->target,
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
static int look_at_job(const Merge *m, const json_t *job, const char *status)
{
        const char *error = text_of(job, "error");
        _cleanup_(freep) char *shown = client_text(error);

        if (job && !*error && streq(text_of(job, "status"), status))
                return 1;
        if (job && !*error && !streq(text_of(job, "status"), "concluded"))
                return 0;
        return -fail(
                EXIT_OS, "QEMU failed to merge images of disk %s: %s", m->target,
                shown && *shown ? shown : "the job is gone");
}

/* alike: wait until nothing is left to copy. */
static int wait_for_job(Merge *m, const char *status, bool alike)
{
        for (unsigned polls = 0;; polls++) {
                json_t *reply = NULL;
                const json_t *job;
                int r = query(m, "query-jobs", &reply);

                if (r != 0)
                        return r;
                job = find_job(m, reply);
                r = look_at_job(m, job, status);
                if (r > 0 && alike && !is_alike(job))
                        r = polls < SYNC_POLLS ? 0
                                               : -fail(EXIT_OS, "disk %s does not come to rest", m->target);
                show_progress(m, job);
                json_decref(reply);
                if (r != 0)
                        end_progress();
                if (r != 0)
                        return r > 0 ? 0 : -r;
                (void) usleep(POLL_USEC);
        }
}

/* ——— the definition ——— */

static void nothing(ChangeCall *change, void *userdata)
{
}

static int is_done(ChangeCall *change, void *userdata)
{
        const Merge *m = userdata;
        json_t *reply = NULL;
        size_t now;
        int r = client_query(change->call, json_pack("{s:[]}", "commands"), &reply);

        now = json_array_size(json_object_get(disks_find(reply, m->target), "layers"));
        json_decref(reply);
        return r != 0 || now == 0 ? -EIO : now == json_array_size(m->layers) - m->count;
}

static const ChangeHooks hooks = { nothing, nothing, is_done };

static int define(Merge *m)
{
        Operation *o = &m->change->operation;
        int r = operation_drop_images(o, &m->image, m->first, m->count);

        r = r < 0 ? r : operation_sync(o);
        r = change_check(m->change, r);
        if (r != 0)
                return r;
        m->change->hooks = &hooks;
        m->change->userdata = m;
        r = change_apply(m->change);
        if (r == 0)
                operation_settle(o);
        return r;
}

static int hold_still(Merge *m)
{
        int r = client_open(m->change->call, &m->still);

        return r
                       ?: client_call(
                                  &m->still, "merge images of", "org.vmunit.Guest.Execute",
                                  json_pack(
                                          "{s:[{s:s}], s:b}", "commands", "execute", "hold-still", "hold",
                                          1),
                                  (ClientFds){ 0 }, NULL);
}

/* The end of the connection would do that as well, but nobody would wait for it, and what an operator does
 * next, such as a save, would find it under way. */
static void let_go_on(Merge *m)
{
        (void) client_call(
                &m->still, "let continue", "org.vmunit.Guest.Release", json_pack("{s:b}", "undo", 1),
                (ClientFds){ 0 }, NULL);
}

static json_t *command_of_job(const Merge *m, const char *command)
{
        return json_pack("[{s:s, s:{s:s}}]", "execute", command, "arguments", "id", m->job);
}

/* One that was left by a process that was killed, before the definition changed. */
static int end_old_job(Merge *m)
{
        json_t *reply = NULL;
        int r = query(m, "query-jobs", &reply);

        if (r == 0 && find_job(m, reply))
                r = execute(m,
                            json_pack(
                                    "[{s:s, s:{s:s, s:{s:s}}}]", "execute", "query-status", "undo",
                                    "execute", "job-cancel", "arguments", "id", m->job),
                            true, (ClientFds){ 0 }, NULL)
                            ?: release(m, true);
        json_decref(reply);
        return r;
}

/* The guest goes on, on the image behind. */
static int merge_top(Merge *m)
{
        int r = wait_for_job(m, "ready", false);

        r = r ?: hold_still(m);
        r = r ?: wait_for_job(m, "ready", true);
        if (r == 0 && fsync(m->base) < 0)
                r =
                        fail(EXIT_OS, "cannot write %s to its device: %s",
                             m->chain[m->first + m->count].path, strerror(errno));
        r = r ?: release(m, false);
        if (r != 0)
                return r;
        r = define(m);
        if (r != 0 && !m->change->kept)
                (void) execute(m, command_of_job(m, "job-cancel"), false, (ClientFds){ 0 }, NULL);
        let_go_on(m);
        return r;
}

static int merge_middle(Merge *m)
{
        int r = wait_for_job(m, "concluded", false);

        r = r ?: release(m, false);
        r = r ?: execute(m, command_of_job(m, "job-dismiss"), false, (ClientFds){ 0 }, NULL);
        return r ?: define(m);
}

static int ask_layers(Merge *m)
{
        json_decref(m->reply);
        m->reply = NULL;
        m->disk = m->layers = NULL;
        if (query(m, "query-block", &m->reply) != 0)
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
        device = text_of(m->disk, "device");
        if (json_array_size(m->layers) < m->n_chain || !*device)
                return fail(
                        EXIT_MISSING,
                        "guest %s does not have all images of disk %s that its definition names; it gets "
                        "them "
                        "when it is restarted",
                        m->change->guest, m->target);
        m->job = text_format(LAYER_JOB "%s", device);
        return m->job ? 0 : fail(EXIT_OS, "out of memory");
}

/* All of the chain is what the definition says. */
static int check_chain(const Merge *m)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < m->n_chain; i++) {
                _cleanup_(closep) int fd = open(m->chain[i].path, O_PATH | O_CLOEXEC);

                r = check_file(m, json_array_get(m->layers, i), m->chain[i].path, fd);
        }
        return r;
}

static int run(Merge *m)
{
        size_t end = m->first + m->count;
        int r = find_disk(m);

        r = r ?: check_chain(m);
        r = r ?: open_image(m, end, O_RDONLY, &m->base);
        r = r ?: lend(m, end);
        if (m->first > 0) /* whose header names what is behind it */
                r = r ?: lend(m, m->first - 1);
        r = r ?: end_old_job(m);
        r = r ?: start_job(m);
        if (r != 0)
                return r;
        r = m->first == 0 ? merge_top(m) : merge_middle(m);
        if (r != 0) /* a definition that was kept needs the job: both sides stay alike */
                (void) release(m, !m->change->kept);
        return r;
}

int merge_images(ChangeCall *c, const char *target, size_t first, size_t count)
{
        _cleanup_(merge_done) Merge m = { .change = c,
                                          .target = target,
                                          .first = first,
                                          .count = count,
                                          .client = CLIENT_EMPTY,
                                          .still = CLIENT_EMPTY,
                                          .base = -EBADF };
        int r = change_check(c, operation_find_disk(&c->operation, target, &m.image));

        if (r != 0)
                return r;
        m.n_chain = disk_image_chain(&m.image, m.chain);
        if (first + count >= m.n_chain)
                return fail(EXIT_BAD_GUEST, "the definition names no image behind disk %s", target);
        r = client_open(c->call, &m.client);
        return r ?: run(&m);
}

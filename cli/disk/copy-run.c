/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What vmctl copy-disk has QEMU do. Each step is held by the launcher with what undoes it, from the first
 * descriptor on.
 */

#include <sys/random.h>
#include <sys/stat.h>

#include "cli/disk/copy-private.h"
#include "contract/exit.h"
#include "contract/fd-name.h"
#include "operate/backup/steps.h"

#define FIRST_SET (1U << 29) /* far from QEMU's command line, and from the launcher's and backups' */
#define SETS      (1U << 28)

static json_t *node_name(const char *name)
{
        return json_pack("{s:s}", "node-name", name);
}

static json_t *set_number(unsigned set)
{
        return json_pack("{s:I}", "fdset-id", (json_int_t) set);
}

static bool is_in_use(const json_t *reply, const char *storage)
{
        json_t *disk, *layer;
        size_t i, j;

        json_array_foreach(json_object_get(reply, "disks"), i, disk)
                json_array_foreach(json_object_get(disk, "layers"), j, layer)
                        if (streq(json_text(layer, "storage"), storage))
                                return true;
        return false;
}

/* What removes a copy from QEMU; NULL if out of memory. */
static json_t *removal_of(unsigned set)
{
        _cleanup_(freep) char *storage = fd_name_copy_storage(set), *format = fd_name_copy_format(set);
        json_t *undos = json_array();

        if (!storage || !format || !undos)
                return NULL;
        steps_add(undos, "blockdev-del", node_name(format));
        steps_add(undos, "blockdev-del", node_name(storage));
        steps_add(undos, "remove-fd", set_number(set));
        return undos;
}

/* The launcher does it, which waits for the end of the job before it goes on. */
int copy_remove(Copy *c, const char *job, unsigned set)
{
        json_t *undos = removal_of(set);

        if (undos && job)
                (void) json_array_insert_new(
                        undos, 0, steps_command("job-cancel", json_pack("{s:s}", "id", job)));
        return undos ? job_execute(
                               &c->job, json_pack("[{s:s, s:o}]", "execute", "query-status", "undos", undos),
                               true, (ClientFds){ 0 }, NULL)
                               ?: job_release(&c->job, true)
                     : fail(EXIT_OS, "out of memory");
}

/* Of a copy that was killed right before the definition changed. */
static int remove_left(Copy *c)
{
        json_t *reply = NULL, *set, *fd;
        size_t i, j;
        int r = job_end_old(&c->job);

        r = r ?: job_query(&c->job, "query-fdsets", &reply);
        json_array_foreach((json_t *) job_answer(reply, "query-fdsets"), i, set) {
                unsigned number = (unsigned) json_integer_value(json_object_get(set, "fdset-id"));
                _cleanup_(freep) char *storage = fd_name_copy_storage(number);

                json_array_foreach(json_object_get(set, "fds"), j, fd)
                        if (r == 0 && storage && fd_name_is_copy(json_text(fd, "opaque")) &&
                            !is_in_use(reply, storage))
                                r = copy_remove(c, NULL, number);
        }
        json_decref(reply);
        return r;
}

static int add_file(Copy *c)
{
        _cleanup_(freep) char *path = text_format("/dev/fdset/%u", c->set),
                              *storage = fd_name_copy_storage(c->set), *name = NULL;
        json_t *commands = json_array(), *options = json_copy(c->storage), *step;
        struct stat st;

        if (fstat(c->file.fd, &st) >= 0)
                name = fd_name_copy(st.st_dev, st.st_ino);
        if (!path || !storage || !name || !options)
                return fail(EXIT_OS, "out of memory");
        step = steps_add(
                commands, "add-fd",
                json_pack("{s:I, s:s}", "fdset-id", (json_int_t) c->set, "opaque", name));
        (void) json_object_set_new(step, "fileDescriptorIndex", json_integer(0));
        step_undo(step, "remove-fd", set_number(c->set));
        (void) json_object_set_new(options, "node-name", json_string(storage));
        (void) json_object_set_new(options, "filename", json_string(path));
        (void) json_object_set_new(options, "read-only", json_false());
        (void) json_object_set_new(options, "auto-read-only", json_false());
        step = steps_add(commands, "blockdev-add", options);
        step_undo(step, "blockdev-del", node_name(storage));
        return job_execute(&c->job, commands, true, (ClientFds){ &c->file.fd, 1 }, NULL);
}

/* QEMU makes the image in its sandbox: this process, which may be root's, opens none. The job has the name
 * of the copy, which comes later. */
static int add_format(Copy *c)
{
        _cleanup_(freep) char *storage = fd_name_copy_storage(c->set), *format = fd_name_copy_format(c->set);
        json_t *commands = json_array(), *options = json_copy(c->node), *step;
        int r;

        if (!storage || !format || !options || !commands)
                return fail(EXIT_OS, "out of memory");
        step = steps_add(
                commands, "blockdev-create",
                json_pack(
                        "{s:s, s:{s:s, s:s, s:I}}", "job-id", c->job.id, "options", "driver", c->format,
                        "file", storage, "size", (json_int_t) c->size));
        step_undo(step, "job-cancel", json_pack("{s:s}", "id", c->job.id));
        r = job_execute(&c->job, commands, true, (ClientFds){ 0 }, NULL);
        r = r ?: job_wait(&c->job, "concluded", false);
        r = r ?: job_execute(&c->job, job_command(&c->job, "job-dismiss"), false, (ClientFds){ 0 }, NULL);
        (void) json_object_set_new(options, "node-name", json_string(format));
        (void) json_object_set_new(options, "file", json_string(storage));
        (void) json_object_set_new(options, "backing", json_null());
        commands = json_array();
        step = steps_add(commands, "blockdev-add", options);
        step_undo(step, "blockdev-del", node_name(format));
        if (r == 0)
                return job_execute(&c->job, commands, true, (ClientFds){ 0 }, NULL);
        json_decref(commands);
        return r;
}

static int start_job(Copy *c)
{
        _cleanup_(freep) char *to = c->node ? fd_name_copy_format(c->set) : fd_name_copy_storage(c->set);
        json_t *commands = json_array(), *step,
               *arguments = json_pack(
                       "{s:s, s:s, s:s, s:s, s:I, s:b}", "job-id", c->job.id, "device", c->top, "target",
                       to ?: "", "sync", "full", "speed", (json_int_t) c->speed, "auto-dismiss", 0);

        if (!streq(c->top, c->image))
                (void) json_object_set_new(arguments, "replaces", json_string(c->image));
        step = steps_add(commands, "blockdev-mirror", arguments);
        step_undo(step, "job-cancel", json_pack("{s:s}", "id", c->job.id));
        return job_execute(&c->job, commands, true, (ClientFds){ 0 }, NULL);
}

int copy_run(Copy *c)
{
        int r = remove_left(c);

        r = r ?: copy_open_target(c);
        if (r == 0 && getrandom(&c->set, sizeof(c->set), 0) != sizeof(c->set))
                r = fail(EXIT_OS, "failed to get random bytes");
        c->set = FIRST_SET + c->set % SETS;
        r = r ?: add_file(c);
        if (c->node)
                r = r ?: add_format(c);
        r = r ?: start_job(c);
        return r ?: job_wait(&c->job, "ready", false);
}

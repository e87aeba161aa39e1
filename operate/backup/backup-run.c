/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a backup has QEMU do: the images that are written, the moment at which all disks are copied, and the
 * jobs until they are done. Each step is held by the launcher with what undoes it, from the first descriptor
 * on.
 *
 * QEMU makes the image's format itself (blockdev-create), in its sandbox: this process, which may be root's,
 * opens no image.
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "operate/backup/backup-private.h"

#define AGENT_SECONDS 10 /* to write all that is in the guest's memory */
#define ASK_MSEC      300

/* ——— jobs ——— */

static const json_t *find_job(const json_t *jobs, const char *id)
{
        const json_t *job;
        size_t i;

        json_array_foreach(jobs, i, job)
                if (streq_null(json_string_value(json_object_get(job, "id")), id))
                        return job;
        return NULL;
}

/* 1 if the job has ended well, 0 if not yet. */
static int look_at_job(Backup *b, BackupDisk *d, const json_t *jobs)
{
        const json_t *job = find_job(jobs, d->job);
        const char *error = json_string_value(json_object_get(job, "error"));

        if (!job)
                return backup_fail(
                        b, -ECANCELED, "the copy of disk %s was removed by someone else", d->disk.target);
        if (error) {
                _cleanup_(freep) char *shown = strdup(error);

                if (shown)
                        text_make_printable(shown);
                return backup_fail(b, -EIO, "cannot copy disk %s: %s", d->disk.target, shown ?: "");
        }
        d->done = (uint64_t) json_integer_value(json_object_get(job, "current-progress"));
        d->total = (uint64_t) json_integer_value(json_object_get(job, "total-progress"));
        return streq_null(json_string_value(json_object_get(job, "status")), "concluded");
}

static int look_at_jobs(Backup *b, bool shown)
{
        json_t *reply = NULL;
        const json_t *jobs;
        uint64_t done = 0, total = 0;
        size_t ended = 0;
        int r;

        r = backup_call(
                b, "org.vmunit.Guest.Query", json_pack("{s:[s]}", "commands", "query-jobs"), -1, &reply);
        jobs = json_object_get(json_object_get(reply, "results"), "query-jobs");
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++) {
                r = look_at_job(b, &b->disks[i], jobs);
                if (r > 0)
                        ended++;
                done += b->disks[i].done;
                total += b->disks[i].total;
        }
        json_decref(reply);
        if (r >= 0 && shown)
                b->link->progress(done, total, b->link->userdata);
        return r < 0 ? r : ended == b->n_disks;
}

int backup_look(Backup *b)
{
        return look_at_jobs(b, false);
}

int backup_wait(Backup *b, bool shown)
{
        int r;

        while ((r = look_at_jobs(b, shown)) == 0)
                (void) nanosleep(&(struct timespec){ .tv_nsec = ASK_MSEC * 1000L * 1000L }, NULL);
        return r < 0 ? r : 0;
}

/* ——— the moment ——— */

static json_t *agent_arguments(const char *command, int seconds)
{
        return json_pack("{s:s, s:i}", "execute", command, "timeout", seconds);
}

/* A guest without an agent is copied as if its power had failed at that moment. */
static int freeze(Backup *b)
{
        json_t *commands = json_array(), *step, *reply = NULL;
        int r;

        r = backup_call(b, "org.vmunit.Guest.Agent", agent_arguments("guest-ping", 2), -1, &reply);
        json_decref(reply);
        if (r >= 0) {
                step = steps_add(
                        commands, "guest-agent", agent_arguments("guest-fsfreeze-freeze", AGENT_SECONDS));
                step_set(step, "name", "freeze");
                step_undo(step, "guest-agent", agent_arguments("guest-fsfreeze-thaw", AGENT_SECONDS));
                r = backup_execute(b, json_incref(commands), true, -1, NULL);
        }
        json_decref(commands);
        b->frozen = r >= 0;
        if (r < 0) {
                _cleanup_(freep) char *text = text_format(
                        "not quieted by the guest agent: %s; the backup is as after a power failure",
                        backup_why(b));

                if (text)
                        b->link->note(text, b->link->userdata);
        }
        return 0;
}

int backup_start(Backup *b, json_t *actions, json_t *undo)
{
        json_t *commands = json_array(), *step;

        (void) freeze(b);
        step = steps_add(commands, "transaction", json_pack("{s:o}", "actions", actions));
        step_set(step, "name", b->id);
        (void) json_object_set_new(step, "undos", undo);
        if (b->frozen) {
                step = steps_add(
                        commands, "guest-agent", agent_arguments("guest-fsfreeze-thaw", AGENT_SECONDS));
                step_set(step, "replaces", "freeze");
        }
        return backup_execute(b, commands, true, -1, NULL);
}

/* ——— images ——— */

/* Above vmunit's own, and other than that of other backups; QEMU reads it as an int. */
static json_int_t set_number(const Backup *b, const BackupDisk *d)
{
        json_int_t number = (json_int_t) strtoul(b->id + strlen("backup-"), NULL, 16) & 0x1ffffff;

        return (1 << 30) + number * BACKUP_DISKS_MAX + (d - b->disks);
}

static int add_file(Backup *b, BackupDisk *d)
{
        _cleanup_(freep) char *path = text_format("/dev/fdset/%lld", (long long) set_number(b, d));
        json_t *commands = json_array(), *step;

        step = steps_add(commands, "add-fd", json_pack("{s:I}", "fdset-id", set_number(b, d)));
        (void) json_object_set_new(step, "fileDescriptorIndex", json_integer(0));
        step_set(step, "name", d->set);
        step_undo(step, "remove-fd", json_pack("{s:I}", "fdset-id", set_number(b, d)));
        step = steps_add(
                commands, "blockdev-add",
                json_pack(
                        "{s:s, s:s, s:s, s:b, s:s}", "driver", "file", "node-name", d->file, "filename",
                        path ?: "", "auto-read-only", 0, "discard", "unmap"));
        step_set(step, "name", d->file);
        step_undo(step, "blockdev-del", json_pack("{s:s}", "node-name", d->file));
        return backup_execute(b, commands, true, d->target.fd, NULL);
}

/* The job has the name of the copy, which comes later. */
static int format_file(Backup *b, BackupDisk *d)
{
        json_t *commands = json_array(), *step;
        json_t *options = json_pack(
                "{s:s, s:s, s:I}", "driver", "qcow2", "file", d->file, "size", (json_int_t) d->disk.size);

        if (d->base) {
                (void) json_object_set_new(options, "backing-file", json_string(d->base));
                (void) json_object_set_new(options, "backing-fmt", json_string("qcow2"));
        }
        step = steps_add(
                commands, "blockdev-create", json_pack("{s:s, s:o}", "job-id", d->job, "options", options));
        step_undo(step, "job-cancel", json_pack("{s:s}", "id", d->job));
        return backup_execute(b, commands, true, -1, NULL);
}

static int open_image(Backup *b, BackupDisk *d, bool over_disk)
{
        json_t *commands = json_array(), *step;

        steps_add(commands, "job-dismiss", json_pack("{s:s}", "id", d->job));
        step = steps_add(
                commands, "blockdev-add",
                json_pack(
                        "{s:s, s:s, s:s, s:o}", "driver", "qcow2", "node-name", d->id, "file", d->file,
                        "backing", over_disk ? json_string(d->disk.node) : json_null()));
        step_set(step, "name", d->id);
        step_undo(step, "blockdev-del", json_pack("{s:s}", "node-name", d->id));
        return backup_execute(b, commands, true, -1, NULL);
}

int backup_make_images(Backup *b, bool over_disks)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < b->n_disks; i++) {
                r = add_file(b, &b->disks[i]);
                if (r >= 0)
                        r = format_file(b, &b->disks[i]);
        }
        if (r >= 0)
                r = backup_wait(b, false);
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                r = open_image(b, &b->disks[i], over_disks);
        return r;
}

int backup_remove_images(Backup *b)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < b->n_disks; i++) {
                BackupDisk *d = &b->disks[i];
                json_t *commands = json_array(), *step;

                steps_add(commands, "job-dismiss", json_pack("{s:s}", "id", d->job));
                step = steps_add(commands, "blockdev-del", json_pack("{s:s}", "node-name", d->id));
                step_set(step, "replaces", d->id);
                step = steps_add(commands, "blockdev-del", json_pack("{s:s}", "node-name", d->file));
                step_set(step, "replaces", d->file);
                step = steps_add(commands, "remove-fd", json_pack("{s:I}", "fdset-id", set_number(b, d)));
                step_set(step, "replaces", d->set);
                r = backup_execute(b, commands, false, -1, NULL);
        }
        return r;
}

/* ——— the checkpoint ——— */

static json_t *bitmap_of(const BackupDisk *d, const char *name)
{
        return json_pack("{s:s, s:s}", "node", d->disk.node, "name", name);
}

void backup_add_checkpoint(Backup *b, json_t *actions, json_t *undo)
{
        for (size_t i = 0; b->request->checkpoint && i < b->n_disks; i++) {
                actions_add(actions, "block-dirty-bitmap-add", bitmap_of(&b->disks[i], b->id));
                (void) json_array_append_new(
                        undo, steps_command("block-dirty-bitmap-remove", bitmap_of(&b->disks[i], b->id)));
        }
}

int backup_keep_checkpoint(Backup *b, bool hold)
{
        json_t *actions, *undo, *commands, *step;

        if (!b->request->checkpoint)
                return 0;
        actions = json_array();
        undo = json_array();
        commands = json_array();
        for (size_t i = 0; i < b->n_disks; i++) {
                json_t *add = bitmap_of(&b->disks[i], b->request->checkpoint);
                json_t *merge = json_pack(
                        "{s:s, s:s, s:[s]}", "node", b->disks[i].disk.node, "target", b->request->checkpoint,
                        "bitmaps", b->id);

                (void) json_object_set_new(add, "persistent", json_true());
                actions_add(actions, "block-dirty-bitmap-add", add);
                actions_add(actions, "block-dirty-bitmap-merge", merge);
                if (hold)
                        actions_add(actions, "block-dirty-bitmap-remove", bitmap_of(&b->disks[i], b->id));
                (void) json_array_append_new(
                        undo, steps_command(
                                      "block-dirty-bitmap-remove",
                                      bitmap_of(&b->disks[i], b->request->checkpoint)));
        }
        step = steps_add(commands, "transaction", json_pack("{s:o}", "actions", actions));
        if (hold)
                step_set(step, "replaces", b->id);
        (void) json_object_set_new(step, "undos", undo);
        return backup_execute(b, commands, hold, -1, NULL);
}

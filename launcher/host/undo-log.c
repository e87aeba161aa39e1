/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A TAP vanishes when its last descriptor is closed. A macvtap does not, and a PCI device does not return to
 * its driver by itself. So each such change is written to the guest's file before it is made, and cleanup
 * undoes what it finds there, even if the process that made the change was killed. A step may not have been
 * carried out, so undoing one must also work on a host where nothing was changed.
 *
 * The files are in /run, because no such change survives a reboot. systemd never runs a guest's prepare and
 * cleanup at the same time, so there is no lock.
 *
 * Trusted: root, the only user that can enter the directory. The lines are parsed strictly nevertheless.
 */

#include "launcher/host/undo-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"
#include "util/unit-name.h"

struct UndoLog {
        int directory;
        char *name; /* of the file */
        Strings steps;
};

static int open_directory(int *ret)
{
        int fd = file_open_private_directory(UNDO_LOG_DIRECTORY);

        if (fd == -EUCLEAN) {
                log_error("Ignoring " UNDO_LOG_DIRECTORY
                          ": users other than root can access it. Inspect it, then "
                          "remove it.");
                return -EPERM;
        }
        if (fd < 0)
                return log_errno(LOG_ERR, fd, "Cannot open " UNDO_LOG_DIRECTORY);
        *ret = fd;
        return 0;
}

static int load(UndoLog *log)
{
        _cleanup_(freep) char *data = NULL;
        char *p, *line;
        size_t size;
        int r;

        r = file_read(log->directory, log->name, UNDO_SIZE_MAX, &data, &size);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read " UNDO_LOG_DIRECTORY "/%s", log->name);
        for (p = data; (line = strsep(&p, "\n"));)
                if (*line && strings_add(&log->steps, line) < 0)
                        return log_out_of_memory();
        return 0;
}

int undo_log_open(const char *guest, UndoLog **ret)
{
        _cleanup_(undo_log_freep) UndoLog *log = calloc(1, sizeof(*log));
        int r;

        if (!log)
                return log_out_of_memory();
        log->directory = -EBADF;
        if (!guest_name_is_valid(guest)) {
                log_error("Cannot keep a record for \"%s\": it is not a guest's name.", guest);
                return -EINVAL;
        }
        log->name = unit_name_instance(guest);
        if (!log->name)
                return log_out_of_memory();
        r = open_directory(&log->directory);
        if (r >= 0)
                r = load(log);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(log);
        return 0;
}

UndoLog *undo_log_free(UndoLog *log)
{
        if (!log)
                return NULL;
        fd_close(log->directory);
        free(log->name);
        strings_done(&log->steps);
        free(log);
        return NULL;
}

bool undo_log_is_needed(const char *guest)
{
        _cleanup_(freep) char *name = unit_name_instance(guest),
                              *path = name ? text_format(UNDO_LOG_DIRECTORY "/%s", name) : NULL;

        return !path || access(path, F_OK) == 0;
}

/* Not synced: no change survives a crash of the host. */
static int save(const UndoLog *log)
{
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *f;
        int r;

        if (log->steps.count == 0)
                return unlinkat(log->directory, log->name, 0) < 0 && errno != ENOENT
                               ? log_errno(
                                         LOG_ERR, -errno, "Cannot remove " UNDO_LOG_DIRECTORY "/%s",
                                         log->name)
                               : 0;
        f = text_writer_start(&w);
        if (!f)
                return log_out_of_memory();
        for (size_t i = 0; i < log->steps.count; i++)
                fprintf(f, "%s\n", log->steps.items[i]);
        if (text_writer_finish(&w, &text, &size) < 0)
                return log_out_of_memory();
        r = size > UNDO_SIZE_MAX ? -E2BIG
                                 : file_write_atomic(log->directory, log->name, text, size, 0600, 0);
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot write " UNDO_LOG_DIRECTORY "/%s", log->name) : 0;
}

static void drop_last(UndoLog *log)
{
        Strings *s = &log->steps;

        free(s->items[--s->count]);
        s->items[s->count] = NULL;
}

_printf_(2, 0) static int add(UndoLog *log, const char *format, va_list arguments)
{
        char *line;

        if (vasprintf(&line, format, arguments) < 0 || strings_take(&log->steps, line) < 0)
                return log_out_of_memory();
        return save(log);
}

int undo_log_add(UndoLog *log, const char *format, ...)
{
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = add(log, format, arguments);
        va_end(arguments);
        return r;
}

int undo_log_amend(UndoLog *log, const char *format, ...)
{
        va_list arguments;
        int r;

        drop_last(log);
        va_start(arguments, format);
        r = add(log, format, arguments);
        va_end(arguments);
        return r;
}

static int undo_step(const UndoLog *log, const UndoKind *kinds, size_t count, const char *step)
{
        _cleanup_(freep) char *copy = strdup(step);
        char *words = copy;
        const char *kind;
        int r = -EBADMSG;

        if (!copy)
                return log_out_of_memory();
        kind = strsep(&words, " ");
        for (size_t i = 0; i < count && words; i++)
                if (streq(kinds[i].name, kind))
                        r = kinds[i].undo(words);
        if (r == -EBADMSG)
                log_error("Invalid step in " UNDO_LOG_DIRECTORY "/%s: \"%s\"", log->name, step);
        return r;
}

size_t undo_log_count(const UndoLog *log)
{
        return log->steps.count;
}

static bool is_chosen(const UndoChoice *choice, size_t number, const char *step)
{
        _cleanup_(freep) char *copy = strdup(step);
        char *words = copy;
        const char *kind;

        if (!copy || number < choice->from)
                return false;
        kind = strsep(&words, " ");
        return !choice->wants || (words && choice->wants(kind, words, choice->userdata));
}

int undo_log_run(UndoLog *log, const UndoKind *kinds, size_t count, const UndoChoice *choice)
{
        Strings kept = { 0 };
        int r, result = 0;

        for (; log->steps.count > 0; drop_last(log)) {
                const char *step = log->steps.items[log->steps.count - 1];
                bool chosen = is_chosen(choice, log->steps.count - 1, step);

                r = chosen ? undo_step(log, kinds, count, step) : 0;
                if ((r < 0 || !chosen) && strings_add(&kept, step) < 0)
                        r = log_out_of_memory();
                if (r < 0 && result == 0)
                        result = r;
        }
        for (size_t i = kept.count; i-- > 0;)
                if (strings_add(&log->steps, kept.items[i]) < 0)
                        result = log_out_of_memory();
        strings_done(&kept);
        r = save(log);
        return result < 0 ? result : r;
}

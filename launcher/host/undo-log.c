/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A TAP is gone when its last descriptor is closed. A macvtap is not, nor does a PCI device go back to its
 * driver by itself. So each such change has a line in a file of the guest's before it is made, and cleanup
 * undoes what it finds there, whoever was killed meanwhile. What a line tells of may not have happened yet:
 * each kind looks before it acts.
 *
 * The files are in /run: nothing that they tell of outlives the host's boot. A file belongs to one guest,
 * whose prepare and cleanup systemd never runs at once, so there is no lock.
 *
 * Trusted: root, who alone can enter the directory. The lines are parsed strictly all the same.
 */

#include "launcher/host/undo-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/host/host-device.h"
#include "launcher/tap/macvtap.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"
#include "util/unit-name.h"

struct UndoLog {
        int directory;
        char *name; /* of the guest's file */
        Strings steps;
};

typedef struct UndoKind {
        const char *name;
        int (*undo)(char *words); /* may change them; failures are logged, -EBADMSG is not */
} UndoKind;

static const UndoKind undo_kinds[] = {
        { "macvtap", macvtap_undo },
        { "pci", pci_undo },
};

static int open_directory(int *ret)
{
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        int r;

        r = file_make_directories(AT_FDCWD, "/run/vmunit", 0755);
        if (r < 0)
                return log_errno(LOG_ERR, r, "/run/vmunit cannot be made");
        if (mkdir(UNDO_LOG_DIRECTORY, 0700) < 0 && errno != EEXIST)
                return log_errno(LOG_ERR, -errno, UNDO_LOG_DIRECTORY " cannot be made");
        fd = open(UNDO_LOG_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, UNDO_LOG_DIRECTORY " cannot be opened");
        if (st.st_uid != geteuid() || st.st_mode & 0077) {
                log_error(UNDO_LOG_DIRECTORY
                          " is not root's alone, so what it says cannot be believed. Look at "
                          "it, then remove it.");
                return -EPERM;
        }
        *ret = TAKE_FD(fd);
        return 0;
}

static int load(UndoLog *undo)
{
        _cleanup_(freep) char *data = NULL;
        char *p, *line;
        size_t size;
        int r;

        r = file_read(undo->directory, undo->name, UNDO_SIZE_MAX, &data, &size);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return log_errno(LOG_ERR, r, UNDO_LOG_DIRECTORY "/%s cannot be read", undo->name);
        for (p = data; (line = strsep(&p, "\n"));)
                if (*line && strings_add(&undo->steps, line) < 0)
                        return log_out_of_memory();
        return 0;
}

int undo_log_open(const char *guest, UndoLog **ret)
{
        _cleanup_(undo_log_freep) UndoLog *undo = calloc(1, sizeof(*undo));
        int r;

        if (!undo)
                return log_out_of_memory();
        undo->directory = -EBADF;
        undo->name = unit_name_instance(guest);
        if (!undo->name)
                return log_out_of_memory();
        r = open_directory(&undo->directory);
        if (r >= 0)
                r = load(undo);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(undo);
        return 0;
}

UndoLog *undo_log_free(UndoLog *undo)
{
        if (!undo)
                return NULL;
        fd_close(undo->directory);
        free(undo->name);
        strings_done(&undo->steps);
        free(undo);
        return NULL;
}

bool undo_log_is_needed(const char *guest)
{
        _cleanup_(freep) char *name = unit_name_instance(guest),
                              *path = name ? text_format(UNDO_LOG_DIRECTORY "/%s", name) : NULL;

        return !path || access(path, F_OK) == 0;
}

/* Not synced: a crash of the host ends what the file tells of. */
static int save(const UndoLog *undo)
{
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *f;
        bool failed;
        int r;

        if (undo->steps.count == 0)
                return unlinkat(undo->directory, undo->name, 0) < 0 && errno != ENOENT
                               ? log_errno(
                                         LOG_ERR, -errno, UNDO_LOG_DIRECTORY "/%s cannot be removed",
                                         undo->name)
                               : 0;
        f = open_memstream(&text, &size);
        if (!f)
                return log_out_of_memory();
        for (size_t i = 0; i < undo->steps.count; i++)
                fprintf(f, "%s\n", undo->steps.items[i]);
        failed = ferror(f);
        if (fclose(f) != 0 || failed)
                return log_out_of_memory();
        r = size > UNDO_SIZE_MAX ? -E2BIG
                                 : file_write_atomic(undo->directory, undo->name, text, size, 0600, 0);
        return r < 0 ? log_errno(LOG_ERR, r, UNDO_LOG_DIRECTORY "/%s cannot be written", undo->name) : 0;
}

static void drop_last(UndoLog *undo)
{
        Strings *s = &undo->steps;

        free(s->items[--s->count]);
        s->items[s->count] = NULL;
}

_printf_(2, 0) static int add(UndoLog *undo, const char *format, va_list arguments)
{
        char *line;

        if (vasprintf(&line, format, arguments) < 0 || strings_take(&undo->steps, line) < 0)
                return log_out_of_memory();
        return save(undo);
}

int undo_log_add(UndoLog *undo, const char *format, ...)
{
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = add(undo, format, arguments);
        va_end(arguments);
        return r;
}

int undo_log_amend(UndoLog *undo, const char *format, ...)
{
        va_list arguments;
        int r;

        drop_last(undo);
        va_start(arguments, format);
        r = add(undo, format, arguments);
        va_end(arguments);
        return r;
}

static int undo_step(const UndoLog *undo, const char *step)
{
        _cleanup_(freep) char *copy = strdup(step);
        char *words = copy;
        const char *kind;
        int r = -EBADMSG;

        if (!copy)
                return log_out_of_memory();
        kind = strsep(&words, " ");
        for (size_t i = 0; i < ELEMENTS(undo_kinds) && words; i++)
                if (streq(undo_kinds[i].name, kind))
                        r = undo_kinds[i].undo(words);
        if (r == -EBADMSG)
                log_error(UNDO_LOG_DIRECTORY "/%s holds \"%s\", which makes no sense.", undo->name, step);
        return r;
}

int undo_log_run(UndoLog *undo)
{
        Strings failed = { 0 };
        int r, result = 0;

        for (; undo->steps.count > 0; drop_last(undo)) {
                const char *step = undo->steps.items[undo->steps.count - 1];

                r = undo_step(undo, step);
                if (r < 0 && strings_add(&failed, step) < 0)
                        r = log_out_of_memory();
                if (r < 0 && result == 0)
                        result = r;
        }
        for (size_t i = failed.count; i-- > 0;)
                if (strings_add(&undo->steps, failed.items[i]) < 0)
                        result = log_out_of_memory();
        strings_done(&failed);
        r = save(undo);
        return result < 0 ? result : r;
}

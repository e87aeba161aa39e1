/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One file for each file that was handed out, named after what identifies it while the host is up
 * (filesystem, inode and when it was made, or a device's number) and the boot, so that two paths to one file
 * meet in one record, and none meets that of an earlier boot, when the numbers meant something else. A
 * record is written beside its name, synced, and renamed there; then the directory is synced. So at any
 * moment the host may crash and each record is whole.
 *
 * All that reads or changes records or the owners they tell of does it under one lock on the directory. It
 * is held for milliseconds, and the kernel takes it back from a process that dies.
 *
 * Trusted: root, who alone can enter the directory.
 */

#include "launcher/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <systemd/sd-id128.h>

#include "launcher/limits.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"

struct Ledger {
        int directory;
        char boot[RECORD_BOOT_SIZE];
};

static int open_directory(int *ret)
{
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        int r;

        r = file_make_directories(AT_FDCWD, "/var/lib/vmunit", 0755);
        if (r < 0)
                return log_errno(LOG_ERR, r, "/var/lib/vmunit cannot be made");
        if (mkdir(LEDGER_DIRECTORY, 0700) < 0 && errno != EEXIST)
                return log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY " cannot be made");
        fd = open(LEDGER_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY " cannot be opened");
        if (st.st_uid != 0 || st.st_mode & 0077) {
                log_error(LEDGER_DIRECTORY " is not root's alone, so what it says about owners cannot be "
                                           "believed. Look at it, then: chown root:root " LEDGER_DIRECTORY
                                           "; chmod 0700 " LEDGER_DIRECTORY);
                return -EPERM;
        }
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY " cannot be locked");
        *ret = TAKE_FD(fd);
        return 0;
}

int ledger_open(Ledger **ret)
{
        _cleanup_(ledger_freep) Ledger *ledger = calloc(1, sizeof(*ledger));
        sd_id128_t boot;
        int r;

        if (!ledger)
                return log_out_of_memory();
        ledger->directory = -EBADF;
        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return log_errno(LOG_ERR, r, "The host's boot id cannot be read");
        sd_id128_to_string(boot, ledger->boot);
        r = open_directory(&ledger->directory);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ledger);
        return 0;
}

Ledger *ledger_free(Ledger *ledger)
{
        if (!ledger)
                return NULL;
        fd_close(ledger->directory);
        free(ledger);
        return NULL;
}

const char *ledger_boot(const Ledger *ledger)
{
        return ledger->boot;
}

int identity_of_fd(int fd, Identity *ret)
{
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
                return -errno;
        *ret = (Identity){
                .type = S_ISBLK(st.stx_mode)   ? IDENTITY_BLOCK
                        : S_ISCHR(st.stx_mode) ? IDENTITY_CHARACTER
                                               : IDENTITY_FILE,
                .file_system = makedev(st.stx_dev_major, st.stx_dev_minor),
                .inode = st.stx_ino,
                .device = makedev(st.stx_rdev_major, st.stx_rdev_minor),
        };
        if (st.stx_mask & STATX_BTIME)
                ret->born = (uint64_t) st.stx_btime.tv_sec * UINT64_C(1000000000) + st.stx_btime.tv_nsec;
        return 0;
}

bool identity_same(const Identity *a, const Identity *b, bool rebooted)
{
        if (a->type != b->type || a->inode != b->inode || a->device != b->device)
                return false;
        if (a->born && b->born && a->born != b->born)
                return false;
        return rebooted || a->file_system == b->file_system ||
               (a->type == IDENTITY_FILE && a->born && b->born);
}

static char *identity_name(const Ledger *ledger, const Identity *id)
{
        if (id->type != IDENTITY_FILE)
                return text_format(
                        "%c-%" PRIx64 "-%s", id->type == IDENTITY_BLOCK ? 'b' : 'c', id->device,
                        ledger->boot);
        return text_format(
                "f-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%s", id->file_system, id->inode, id->born,
                ledger->boot);
}

static char *record_name(const Ledger *ledger, const Record *record)
{
        return record->name ? strdup(record->name) : identity_name(ledger, &record->identity);
}

static int load(Ledger *ledger, const char *name, Record **ret)
{
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r;

        r = file_read(ledger->directory, name, RECORD_SIZE_MAX, &data, &size);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r >= 0)
                r = record_parse(data, size, &record);
        if (r >= 0) {
                record->name = strdup(name);
                if (!record->name)
                        return log_out_of_memory();
                *ret = TAKE_PTR(record);
                return 0;
        }
        if (r != -EBADMSG)
                return log_errno(LOG_ERR, r, LEDGER_DIRECTORY "/%s cannot be read", name);
        log_error(
                LEDGER_DIRECTORY "/%s is damaged. It tells whose the file in its line \"path=\" is: give "
                                 "that file back by hand, then remove the record.",
                name);
        return -EIO;
}

int ledger_load(Ledger *ledger, const Identity *identity, Record **ret)
{
        _cleanup_(freep) char *name = identity_name(ledger, identity);

        if (!name)
                return log_out_of_memory();
        return load(ledger, name, ret);
}

int ledger_save(Ledger *ledger, const Record *record)
{
        _cleanup_(freep) char *name = record_name(ledger, record), *text = NULL;
        size_t size = 0;
        int r;

        if (!name)
                return log_out_of_memory();
        r = record_format(record, &text, &size);
        if (r >= 0)
                r = file_write_atomic(ledger->directory, name, text, size, 0600, 1);
        if (r >= 0 && fsync(ledger->directory) < 0)
                r = -errno;
        if (r < 0)
                return log_errno(LOG_ERR, r, LEDGER_DIRECTORY "/%s cannot be written", name);
        return 0;
}

int ledger_remove(Ledger *ledger, const Record *record)
{
        _cleanup_(freep) char *name = record_name(ledger, record);

        if (!name)
                return log_out_of_memory();
        /* not synced: a record that comes back after a crash says what is so, and is removed again */
        if (unlinkat(ledger->directory, name, 0) < 0 && errno != ENOENT)
                return log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY "/%s cannot be removed", name);
        return 0;
}

int ledger_set_aside(Ledger *ledger, Record *record)
{
        int r = -EEXIST;

        for (unsigned i = 1; r == -EEXIST && i <= RECORDS_ASIDE_MAX; i++) {
                _cleanup_(freep) char *name = text_format("%s+%u", record->name, i);

                if (!name)
                        return log_out_of_memory();
                r = file_rename_new(ledger->directory, record->name, name);
                if (r >= 0) {
                        free(record->name);
                        record->name = TAKE_PTR(name);
                }
        }
        return r < 0 ? log_errno(LOG_ERR, r, LEDGER_DIRECTORY "/%s cannot be set aside", record->name) : 0;
}

static int list_names(Ledger *ledger, Strings *names)
{
        _cleanup_(closedirp) DIR *directory = NULL;
        int fd, r;

        /* a descriptor of its own: fdopendir() takes it */
        fd = openat(ledger->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY " cannot be opened");
        directory = fdopendir(fd);
        if (!directory) {
                fd_close(fd);
                return log_out_of_memory();
        }
        for (;;) {
                struct dirent *entry;

                errno = 0;
                entry = readdir(directory);
                if (!entry)
                        return errno ? log_errno(LOG_ERR, -errno, LEDGER_DIRECTORY " cannot be read") : 0;
                if (text_after(entry->d_name, ".#")) {
                        /* what a crash left of a record that was being written; nothing was done on its
                         * behalf yet */
                        (void) unlinkat(ledger->directory, entry->d_name, 0);
                        continue;
                }
                if (entry->d_name[0] == '.')
                        continue;
                r = strings_add(names, entry->d_name);
                if (r < 0)
                        return log_out_of_memory();
        }
}

int ledger_each(Ledger *ledger, LedgerFunction function, void *userdata)
{
        _cleanup_(strings_done) Strings names = { 0 };
        int r, result;

        /* the names first, since the function removes and adds some */
        result = list_names(ledger, &names);
        for (size_t i = 0; i < names.count; i++) {
                Record *record = NULL;

                /* what cannot be read was said, and is no reason
                 * for each guest's stop to fail from then on */
                r = load(ledger, names.items[i], &record) < 0 || !record
                            ? 0
                            : function(ledger, record, userdata);
                if (r < 0 && result >= 0)
                        result = r;
        }
        return result;
}

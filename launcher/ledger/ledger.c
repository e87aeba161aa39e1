/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * There is one record file for each file that was handed out. Its name consists of what identifies the file
 * while the host is up (filesystem, inode and creation time, or a device number) and of the boot ID. So two
 * paths to one file lead to the same record, and records of an earlier boot, when the numbers had other
 * meanings, are not confused with it. A record is written to a temporary file, synced and renamed, and then
 * the directory is synced, so that each record is complete even if the host crashes.
 *
 * A process that changes a file's owner or its record holds that file's lock. There is no global lock,
 * because a file may be on a server that does not answer, and no guest must wait for another one's. Locks
 * are bytes of one file (OFD locks, fcntl(2)) at an offset derived from what identifies the file across
 * reboots; the kernel releases them when a process dies. Two files with the same offset merely wait for each
 * other.
 *
 * Trusted: root, the only user that can enter the directory.
 */

#include "launcher/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <systemd/sd-id128.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"

#define LOCK_DIRECTORY "/run/vmunit"
#define LOCK_FILE      LOCK_DIRECTORY "/grants.lock"
#define DRIVERS_LOCK   0 /* an offset that no file has */

struct Ledger {
        int directory;
        int locks;
        int64_t locked; /* the offset of the lock that is held; -1 for none */
        char boot[RECORD_BOOT_SIZE];
};

static int open_directory(int *ret)
{
        int fd = file_open_private_directory(LEDGER_DIRECTORY);

        if (fd == -EUCLEAN) {
                log_error("Ignoring " LEDGER_DIRECTORY ": users other than root can access it. Inspect it, "
                          "then run: chown root:root " LEDGER_DIRECTORY "; chmod 0700 " LEDGER_DIRECTORY);
                return -EPERM;
        }
        if (fd < 0)
                return log_errno(LOG_ERR, fd, "Cannot open " LEDGER_DIRECTORY);
        *ret = fd;
        return 0;
}

static int open_locks(int *ret)
{
        int fd, r;

        r = file_make_directories(AT_FDCWD, LOCK_DIRECTORY, 0755);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot create " LOCK_DIRECTORY);
        fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open " LOCK_FILE);
        *ret = fd;
        return 0;
}

int ledger_open(Ledger **ret)
{
        _cleanup_(ledger_freep) Ledger *ledger = calloc(1, sizeof(*ledger));
        sd_id128_t boot;
        int r;

        if (!ledger)
                return log_out_of_memory();
        ledger->directory = ledger->locks = -EBADF;
        ledger->locked = -1;
        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read the host's boot ID");
        sd_id128_to_string(boot, ledger->boot);
        r = open_directory(&ledger->directory);
        if (r >= 0)
                r = open_locks(&ledger->locks);
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
        fd_close(ledger->locks);
        free(ledger);
        return NULL;
}

const char *ledger_boot(const Ledger *ledger)
{
        return ledger->boot;
}

static int lock_at(const Ledger *ledger, int64_t offset, short type, bool wait)
{
        struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1 };

        while (fcntl(ledger->locks, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0) {
                if (errno == EAGAIN || errno == EACCES)
                        return -EBUSY;
                if (errno != EINTR)
                        return log_errno(LOG_ERR, -errno, "Cannot lock " LOCK_FILE);
        }
        return 0;
}

/* A filesystem's number may change with a reboot, so it is not part of the key. */
static int64_t lock_offset(const Identity *id)
{
        const uint64_t key[] = { id->type, id->type == IDENTITY_FILE ? id->inode : id->device,
                                 id->type == IDENTITY_FILE ? id->born : 0 };

        return (int64_t) (text_hash((const char *) key, sizeof(key)) >> 2) + DRIVERS_LOCK + 1;
}

int ledger_lock(Ledger *ledger, const Identity *identity, bool wait)
{
        int64_t offset = lock_offset(identity);
        int r;

        r = lock_at(ledger, offset, F_WRLCK, wait);
        if (r >= 0)
                ledger->locked = offset;
        return r;
}

void ledger_unlock(Ledger *ledger)
{
        if (ledger->locked >= 0)
                (void) lock_at(ledger, ledger->locked, F_UNLCK, false);
        ledger->locked = -1;
}

int ledger_lock_drivers(Ledger *ledger)
{
        return lock_at(ledger, DRIVERS_LOCK, F_WRLCK, true);
}

void ledger_unlock_drivers(Ledger *ledger)
{
        (void) lock_at(ledger, DRIVERS_LOCK, F_UNLCK, false);
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

bool identity_may_be(const Identity *a, const Identity *b)
{
        return lock_offset(a) == lock_offset(b);
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
                return log_errno(LOG_ERR, r, "Cannot read " LEDGER_DIRECTORY "/%s", name);
        log_error(
                "Invalid record " LEDGER_DIRECTORY
                "/%s. Restore the owner of the file in its line \"path=\" by hand, then remove the record.",
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

int ledger_reload(Ledger *ledger, const Record *record, Record **ret)
{
        return load(ledger, record->name, ret);
}

int ledger_save(Ledger *ledger, const Record *record)
{
        _cleanup_(freep) char *name = record_name(ledger, record), *text = NULL;
        size_t size = 0;
        int r;

        if (!name)
                return log_out_of_memory();
        r = record_format(record, &text, &size);
        (void) flock(ledger->directory, LOCK_SH); /* see remove_halves() */
        if (r >= 0)
                r = file_write_atomic(ledger->directory, name, text, size, 0600, 1);
        (void) flock(ledger->directory, LOCK_UN);
        if (r >= 0 && fsync(ledger->directory) < 0)
                r = -errno;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot write " LEDGER_DIRECTORY "/%s", name);
        return 0;
}

int ledger_remove(Ledger *ledger, const Record *record)
{
        _cleanup_(freep) char *name = record_name(ledger, record);

        if (!name)
                return log_out_of_memory();
        /* not synced: if the record reappears after a crash it is still true, and is removed again */
        if (unlinkat(ledger->directory, name, 0) < 0 && errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot remove " LEDGER_DIRECTORY "/%s", name);
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
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot rename " LEDGER_DIRECTORY "/%s", record->name) : 0;
}

/* Partly written records left by a crash; nothing had been done on their behalf yet. */
static void remove_halves(Ledger *ledger, const Strings *names)
{
        if (names->count == 0 || flock(ledger->directory, LOCK_EX | LOCK_NB) < 0)
                return; /* one is being written; the next listing removes these */
        for (size_t i = 0; i < names->count; i++)
                (void) unlinkat(ledger->directory, names->items[i], 0);
        (void) flock(ledger->directory, LOCK_UN);
}

static int list_names(Ledger *ledger, Strings *names)
{
        _cleanup_(closedirp) DIR *directory = NULL;
        _cleanup_(strings_done) Strings halves = { 0 };
        int fd, r;

        /* needs its own descriptor, because fdopendir() takes it over */
        fd = openat(ledger->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open " LEDGER_DIRECTORY);
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
                        break;
                if (entry->d_name[0] == '.' && !text_after(entry->d_name, ".#"))
                        continue;
                r = strings_add(entry->d_name[0] == '.' ? &halves : names, entry->d_name);
                if (r < 0)
                        return log_out_of_memory();
        }
        if (errno)
                return log_errno(LOG_ERR, -errno, "Cannot read " LEDGER_DIRECTORY);
        remove_halves(ledger, &halves);
        return 0;
}

int ledger_each(Ledger *ledger, LedgerFunction function, void *userdata)
{
        _cleanup_(strings_done) Strings names = { 0 };
        int r, result;

        /* list the names first, because the function adds and removes records */
        result = list_names(ledger, &names);
        for (size_t i = 0; i < names.count; i++) {
                Record *record = NULL;

                /*
                 * an unreadable record has been logged, and must not make every guest's stop fail from now
                 * on
                 */
                r = load(ledger, names.items[i], &record) < 0 || !record
                            ? 0
                            : function(ledger, record, userdata);
                if (r < 0 && result >= 0)
                        result = r;
        }
        return result;
}

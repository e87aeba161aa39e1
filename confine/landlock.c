/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Landlock, by which a process takes the file system away from itself. A mount namespace hides what is not
 * mounted in it; Landlock also limits descriptors of directories outside of it, such as those that the
 * launcher has from its helper: without it, "/proc/self/fd/N/.." leads to the whole host.
 *
 * A process with Landlock can also not trace others without it, and /proc refuses it their memory,
 * environment and descriptors. So that it cannot list or read anything about them either, QEMU loses /proc
 * except for its own entry. In the system's units ProtectProc= does that; a user's service manager cannot.
 *
 * Each kernel limits what it knows. Rights of later versions are not in the headers of all suites, so they
 * are written here, like the system calls, which the C library does not have. What a kernel does not know
 * stays allowed: the unit's sandbox and the capabilities, of which there are none, do not depend on
 * Landlock.
 */

#include "confine/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/ownership.h"
#include "util/text.h"

/* struct landlock_ruleset_attr as of version 6; an older kernel accepts it if the rest is zero. */
typedef struct Ruleset {
        uint64_t files, network, scopes;
} Ruleset;

#define RIGHT(n) (UINT64_C(1) << (n))

/* The rights for files by the version that introduced them; version 1 has the first thirteen. */
#define FILES_FIRST    (RIGHT(13) - 1)
#define FILES_REFER    RIGHT(13)
#define FILES_TRUNCATE RIGHT(14)
#define FILES_IOCTL    RIGHT(15)

/* Of these, what a file that is no directory can be given. */
#define FILES_NO_DIRECTORY (RIGHT(0) | RIGHT(1) | RIGHT(2) | FILES_TRUNCATE | FILES_IOCTL)

#define FILES_PROGRAM \
        (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

#define NETWORK_TCP  (RIGHT(0) | RIGHT(1)) /* bind, connect */
#define SCOPE_SIGNAL RIGHT(1)

typedef struct Version {
        long version;
        Ruleset limits;
} Version;

static const Version versions[] = {
        { 1, { .files = FILES_FIRST } },    { 2, { .files = FILES_REFER } },
        { 3, { .files = FILES_TRUNCATE } }, { 4, { .network = NETWORK_TCP } },
        { 5, { .files = FILES_IOCTL } },    { 6, { .scopes = SCOPE_SIGNAL } },
};

/* The most of `wanted` that this kernel knows. Returns the descriptor, or a negative errno. */
static int create_ruleset(const Ruleset *wanted, Ruleset *ret)
{
        Ruleset known = { 0 };
        long version;
        int fd;

        version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        if (version < 0) /* EPERM: a container that refuses what it does not know */
                return errno == ENOSYS || errno == EPERM ? -EOPNOTSUPP : -errno;
        for (size_t i = 0; i < ELEMENTS(versions); i++)
                if (version >= versions[i].version) {
                        known.files |= versions[i].limits.files & wanted->files;
                        known.network |= versions[i].limits.network & wanted->network;
                        known.scopes |= versions[i].limits.scopes & wanted->scopes;
                }
        fd = (int) syscall(SYS_landlock_create_ruleset, &known, sizeof(known), 0);
        if (fd < 0)
                return -errno;
        *ret = known;
        return fd;
}

static int allow(int rules, int fd, uint64_t files)
{
        const struct landlock_path_beneath_attr allowed = { .allowed_access = files, .parent_fd = fd };

        return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &allowed, 0) < 0 ? -errno
                                                                                                  : 0;
}

static int restrict_self(int rules)
{
        return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

int landlock_keep_directories(const int *directories, size_t n)
{
        static const Ruleset all = { .files = UINT64_MAX, .network = UINT64_MAX };
        _cleanup_(closep) int rules = -EBADF;
        Ruleset known;
        int r = 0;

        rules = create_ruleset(&all, &known);
        if (rules < 0)
                return rules;
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (directories[i] >= 0)
                        r = allow(
                                rules, directories[i], known.files & ~(uint64_t) LANDLOCK_ACCESS_FS_EXECUTE);
        return r < 0 ? r : restrict_self(rules);
}

/* Links lead to what they name; those that lead nowhere, and what only others can see, need no rule. */
static int allow_entry(int rules, int directory, const char *name, uint64_t files)
{
        _cleanup_(closep) int fd = openat(directory, name, O_PATH | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return 0;
        if (fstat(fd, &st) < 0)
                return -errno;
        return allow(rules, fd, S_ISDIR(st.st_mode) ? files : files & FILES_NO_DIRECTORY);
}

/* All that is in the root directory but /proc. */
static int allow_all_but_proc(int rules, uint64_t files)
{
        _cleanup_(closedirp) DIR *root = opendir("/");
        struct dirent *entry;
        int r = 0;

        if (!root)
                return -errno;
        while (r >= 0 && (entry = readdir(root)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, "..") &&
                    !streq(entry->d_name, "proc"))
                        r = allow_entry(rules, dirfd(root), entry->d_name, files);
        return r;
}

int landlock_hide_processes(void)
{
        static const Ruleset wanted = { .files = UINT64_MAX, .scopes = SCOPE_SIGNAL };
        _cleanup_(closep) int rules = -EBADF;
        Ruleset known;
        int r;

        rules = create_ruleset(&wanted, &known);
        if (rules < 0)
                return rules;
        r = allow_all_but_proc(rules, known.files);
        if (r >= 0)
                r = allow_entry(rules, AT_FDCWD, "/proc/self", known.files);
        return r < 0 ? r : restrict_self(rules);
}

int landlock_keep_programs(const char *prefix)
{
        static const Ruleset wanted = { .files = UINT64_MAX, .network = UINT64_MAX, .scopes = SCOPE_SIGNAL };
        static const char *const programs[] = { "/usr",   "/bin",   "/lib",
                                                "/lib32", "/lib64", "/etc/ld.so.cache" };
        _cleanup_(closep) int rules = -EBADF;
        Ruleset known;
        int r;

        rules = create_ruleset(&wanted, &known);
        if (rules < 0)
                return rules;
        r = allow_entry(rules, AT_FDCWD, prefix, FILES_PROGRAM);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(programs); i++)
                r = allow_entry(rules, AT_FDCWD, programs[i], FILES_PROGRAM);
        if (r >= 0) /* by which QEMU finds out how it can lock files */
                r = allow_entry(rules, AT_FDCWD, "/dev/null", known.files);
        return r < 0 ? r : restrict_self(rules);
}

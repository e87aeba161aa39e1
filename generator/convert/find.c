/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Guests are files in a few directories, of which the first that has a name wins, as with unit files. File
 * names come from whoever may write there, so a name that no unit can have is refused.
 */

#include "generator/convert/find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "util/unit-name.h"
#include "util/user-directory.h"

int guest_directories(bool user_scope, Strings *ret)
{
        _cleanup_(freep) char *config = NULL, *run = NULL;
        int r = 0;

        if (!user_scope) {
                for (const char **d = (const char *[]){ "/etc", "/run", "/usr/lib", NULL }; r >= 0 && *d;
                     d++)
                        r = strings_addf(ret, "%s/vmunit/guests", *d);
                return r;
        }
        config = user_directory(USER_CONFIG);
        run = user_directory(USER_RUN);
        if (!config || !run)
                return -ENOMEM;
        r = strings_addf(ret, "%s/vmunit/guests", config);
        r = r < 0 ? r : strings_addf(ret, "%s/vmunit/guests", run);
        return r < 0 ? r : strings_add(ret, "/usr/share/vmunit/guests");
}

void guest_files_done(GuestFiles *files)
{
        for (size_t i = 0; i < files->count; i++) {
                free(files->items[i].name);
                free(files->items[i].path);
        }
        free(files->items);
        *files = (GuestFiles){ 0 };
}

static bool is_masked(int dir_fd, const char *file)
{
        char target[16];
        ssize_t n = readlinkat(dir_fd, file, target, sizeof(target));

        return n == 9 && memcmp(target, "/dev/null", 9) == 0;
}

static int add_file(GuestFiles *files, const char *directory, unsigned rank, const struct dirent *entry)
{
        _cleanup_(freep) char *name = strndup(entry->d_name, strlen(entry->d_name) - 4),
                              *path = text_format("%s/%s", directory, entry->d_name);
        GuestFile *grown;

        if (!name || !path)
                return -ENOMEM;
        if (files->count >= GUESTS_MAX)
                return -E2BIG;
        grown = reallocarray(files->items, files->count + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        files->items = grown;
        files->items[files->count++] =
                (GuestFile){ .name = TAKE_PTR(name),
                             .path = TAKE_PTR(path),
                             .rank = rank,
                             .link = entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN };
        return 0;
}

static int add_directory(GuestFiles *files, const char *directory, unsigned rank)
{
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        struct dirent *entry;
        int r;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while ((errno = 0, entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || !text_ends_with(entry->d_name, ".xml"))
                        continue;
                r = add_file(files, directory, rank, entry);
                if (r < 0)
                        return r;
        }
        return -errno;
}

static int by_name(const void *a, const void *b)
{
        const GuestFile *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r != 0 ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Removes the items that drop() selects, given the item kept before (NULL at first). */
static void thin_out(GuestFiles *files, bool (*drop)(const GuestFile *before, const GuestFile *file))
{
        size_t kept = 0;

        for (size_t i = 0; i < files->count; i++) {
                GuestFile *file = &files->items[i];

                if (drop(kept > 0 ? &files->items[kept - 1] : NULL, file)) {
                        free(file->name);
                        free(file->path);
                } else
                        files->items[kept++] = *file;
        }
        files->count = kept;
}

static bool is_shadowed(const GuestFile *before, const GuestFile *file)
{
        return before && streq(before->name, file->name);
}

static bool file_is_masked(const GuestFile *before, const GuestFile *file)
{
        return file->link && is_masked(AT_FDCWD, file->path);
}

static void note_times(GuestFiles *files)
{
        struct stat st;

        for (size_t i = 0; i < files->count; i++)
                if (stat(files->items[i].path, &st) >= 0) {
                        files->items[i].modified = st.st_mtim;
                        files->items[i].changed = st.st_ctim;
                }
}

int guest_files_find(const Strings *directories, GuestFiles *ret)
{
        _cleanup_(guest_files_done) GuestFiles all = { 0 };

        for (size_t i = 0; i < directories->count; i++) {
                int r = add_directory(&all, directories->items[i], (unsigned) i);

                if (r < 0)
                        return r;
        }
        if (all.count > 0)
                qsort(all.items, all.count, sizeof(*all.items), by_name);
        thin_out(&all, is_shadowed);
        thin_out(&all, file_is_masked);
        note_times(&all);
        *ret = all;
        all = (GuestFiles){ 0 };
        return 0;
}

static int by_time(const struct timespec *a, const struct timespec *b)
{
        if (a->tv_sec != b->tv_sec)
                return a->tv_sec < b->tv_sec ? -1 : 1;
        return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

int guest_file_by_age(const void *a, const void *b)
{
        const GuestFile *x = a, *y = b;
        int r = by_time(&x->modified, &y->modified) ?: by_time(&x->changed, &y->changed);

        return r ?: strcmp(x->name, y->name);
}

static int by_name_only(const void *name, const void *file)
{
        return strcmp(name, ((const GuestFile *) file)->name);
}

void guest_files_note_running(GuestFiles *files, const char *run)
{
        _cleanup_(freep) char *path = text_format("%s/vm", run);
        _cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
        struct dirent *entry;

        while (dir && files->count > 0 && (entry = readdir(dir))) {
                GuestFile *file =
                        bsearch(entry->d_name, files->items, files->count, sizeof(*file), by_name_only);

                if (file)
                        file->running = true;
        }
}

int guest_file_find(const Strings *directories, const char *name, char **ret_path)
{
        if (!guest_name_is_valid(name))
                return -EINVAL;
        for (size_t i = 0; i < directories->count; i++) {
                _cleanup_(freep) char *path = text_format("%s/%s.xml", directories->items[i], name);
                struct stat st;

                if (!path)
                        return -ENOMEM;
                if (lstat(path, &st) < 0)
                        continue;
                if (is_masked(AT_FDCWD, path))
                        return -ENOENT;
                *ret_path = TAKE_PTR(path);
                return 0;
        }
        return -ENOENT;
}

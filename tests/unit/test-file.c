/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/unit/test.h"
#include "util/file.h"
#include "util/text.h"

static void test_private_directory(const char *directory)
{
        _cleanup_(freep) char *parent = text_format("%s/parent", directory),
                              *path = text_format("%s/parent/private", directory),
                              *file = text_format("%s/parent/file", directory),
                              *link = text_format("%s/parent/link", directory);
        struct stat st;
        int fd;

        for (unsigned i = 0; i < 2; i++) { /* made, then found */
                fd = file_open_private_directory(path);
                CHECK(fd >= 0);
                CHECK(fstat(fd, &st) >= 0);
                CHECK_NUMBER(st.st_mode & 07777, 0700);
                CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                fd_close(fd);
        }
        CHECK(stat(parent, &st) >= 0);
        CHECK_NUMBER(st.st_mode & 07777, 0755);
        for (const mode_t *bad = (const mode_t[]){ 0710, 0704, 0701, 0720, 0 }; *bad; bad++) {
                CHECK(chmod(path, *bad) >= 0);
                CHECK_NUMBER(file_open_private_directory(path), -EUCLEAN);
                CHECK(stat(path, &st) >= 0);
                CHECK_NUMBER(st.st_mode & 07777, *bad); /* left as it was, to be inspected */
        }
        CHECK(chmod(path, 0700) >= 0);

        CHECK(symlink("private", link) >= 0);
        CHECK(file_open_private_directory(link) < 0);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, file, "x", 1, 0600, 0), 0);
        CHECK_NUMBER(file_open_private_directory(file), -ENOTDIR);

        CHECK(unlink(link) >= 0 && unlink(file) >= 0 && rmdir(path) >= 0 && rmdir(parent) >= 0);
}

/* As NFS does. */
static void refuse_noreplace(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        CHECK(filter);
        CHECK_NUMBER(
                seccomp_rule_add(
                        filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(renameat2), 1,
                        SCMP_A4(SCMP_CMP_EQ, RENAME_NOREPLACE)),
                0);
        CHECK_NUMBER(seccomp_load(filter), 0);
        seccomp_release(filter);
}

static void test_nameless(const char *directory)
{
        _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closep) int file = file_create_nameless(fd);
        struct stat st;

        CHECK(file >= 0);
        CHECK_NUMBER(file_write_all(file, "x", 1), 0);
        CHECK(symlinkat("nowhere", fd, "link") >= 0);
        CHECK_NUMBER(file_link_new(file, fd, "link"), -EEXIST);
        CHECK_NUMBER(file_link_new(file, fd, "named"), 0);
        CHECK(fstatat(fd, "named", &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(st.st_mode) && st.st_size == 1);
        CHECK(unlinkat(fd, "link", 0) >= 0 && unlinkat(fd, "named", 0) >= 0);
}

/* Changes what the process may do: the last test. */
static void test_rename_new(const char *directory)
{
        _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (unsigned i = 0; i < 2; i++) {
                if (i == 1)
                        refuse_noreplace();
                CHECK(mkdirat(fd, "a", 0700) >= 0 && mkdirat(fd, "a/in", 0700) >= 0 &&
                      mkdirat(fd, "empty", 0700) >= 0);
                CHECK_NUMBER(file_rename_new(fd, "a", "empty"), -EEXIST);
                CHECK_NUMBER(file_rename_new(fd, "a", "b"), 0);
                CHECK(unlinkat(fd, "b/in", AT_REMOVEDIR) >= 0 && unlinkat(fd, "b", AT_REMOVEDIR) >= 0);

                CHECK(symlinkat("nowhere", fd, "link") >= 0);
                CHECK_NUMBER(file_write_atomic(fd, "file", "x", 1, 0600, 0), 0);
                CHECK_NUMBER(file_rename_new(fd, "file", "link"), -EEXIST);
                CHECK_NUMBER(file_rename_new(fd, "file", "empty"), -EEXIST);
                CHECK_NUMBER(file_rename_new(fd, "link", "moved"), 0);
                CHECK_NUMBER(file_rename_new(fd, "none", "other"), -ENOENT);
                CHECK(unlinkat(fd, "moved", 0) >= 0 && unlinkat(fd, "file", 0) >= 0 &&
                      unlinkat(fd, "empty", AT_REMOVEDIR) >= 0);
        }
}

static void test_read_at(const char *directory)
{
        _cleanup_(freep) char *path = text_format("%s/file", directory);
        _cleanup_(closep) int fd = -EBADF;
        char data[] = "--------";
        size_t size = 7;

        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, "abcdef", 6, 0600, 0), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && lseek(fd, 3, SEEK_SET) == 3);
        CHECK_NUMBER(file_read_at(fd, data, 4, 0, &size), 0); /* whatever the descriptor's own offset is */
        CHECK_NUMBER(size, 4);
        CHECK(memcmp(data, "abcd----", 8) == 0);
        CHECK_NUMBER(file_read_at(fd, data, 8, 0, &size), 0);
        CHECK_NUMBER(size, 6);
        CHECK_NUMBER(file_read_at(fd, data, 8, 5, &size), 0);
        CHECK_NUMBER(size, 1);
        CHECK(data[0] == 'f');
        CHECK_NUMBER(file_read_at(fd, data, 8, 6, &size), 0);
        CHECK_NUMBER(size, 0);
        size = 7;
        CHECK_NUMBER(file_read_at(-1, data, 8, 0, &size), -EBADF);
        CHECK_NUMBER(size, 7);
        CHECK(unlink(path) >= 0);
}

static void test_read_pipe(void)
{
        char text[8];
        int fds[2];

        CHECK(pipe(fds) == 0 && write(fds[1], "abcdef", 6) == 6);
        CHECK_NUMBER(file_read_pipe(fds[0], text, sizeof(text), 10), -ETIMEDOUT);
        CHECK_TEXT(text, "abcdef");
        CHECK(write(fds[1], "0123456789", 10) == 10);
        CHECK_NUMBER(file_read_pipe(fds[0], text, sizeof(text), 10000), -EFBIG);
        CHECK_TEXT(text, "0123456");
        CHECK(close(fds[1]) == 0);
        CHECK_NUMBER(file_read_pipe(fds[0], text, sizeof(text), 10000), 0);
        CHECK_TEXT(text, "789");
        CHECK(close(fds[0]) == 0);
        CHECK_NUMBER(file_read_pipe(fds[0], text, sizeof(text), 10000), -EBADF);
}

static void test_read(const char *directory)
{
        static char big[10000];
        _cleanup_(freep) char *path = text_format("%s/file", directory);

        memset(big, 'x', sizeof(big));
        for (const size_t *n = (const size_t[]){ 1, 4094, 4095, 4096, 8191, 10000, 0 }; *n; n++) {
                _cleanup_(freep) char *data = NULL;
                size_t size = 7;

                CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, big, *n, 0600, 0), 0);
                CHECK_NUMBER(file_read(AT_FDCWD, path, *n - 1, &data, &size), -EFBIG);
                CHECK(!data && size == 7);
                CHECK_NUMBER(file_read(AT_FDCWD, path, *n, &data, &size), 0);
                CHECK_NUMBER(size, *n);
                CHECK(memcmp(data, big, *n) == 0 && data[*n] == '\0');
        }
        CHECK(unlink(path) >= 0);
        CHECK_NUMBER(file_read(AT_FDCWD, directory, 10, &(char *){ NULL }, &(size_t){ 0 }), -EISDIR);
}

/* A name as long as names can be, with a directory and without; and nothing else is left there. */
static void test_longest_name(const char *directory)
{
        char name[NAME_MAX + 1];
        _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(freep) char *path = NULL;

        memset(name, 'x', NAME_MAX);
        name[NAME_MAX] = '\0';
        path = text_format("%s/%s", directory, name);
        CHECK(fd >= 0 && path);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, "abc", 3, 0600, 0), 0);
        CHECK_NUMBER(file_write_atomic(fd, name, "abc", 3, 0600, 1), 0);
        CHECK(unlinkat(fd, name, 0) >= 0);
}

int main(void)
{
        char directory[] = "/tmp/test-file.XXXXXX";

        umask(022);
        CHECK(mkdtemp(directory));
        test_private_directory(directory);
        test_read_at(directory);
        test_read_pipe();
        test_read(directory);
        test_longest_name(directory);
        test_nameless(directory);
        test_rename_new(directory);
        CHECK(rmdir(directory) >= 0);
        return 0;
}

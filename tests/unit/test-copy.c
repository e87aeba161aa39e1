/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies of files: their content, holes and mode, and that nothing is left of one that has no name. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/define/copy.h"
#include "tests/unit/test.h"
#include "util/file.h"
#include "util/text.h"

#define HOLE ((off_t) 64 << 20)

static char root[] = "/tmp/test-copy-XXXXXX";

static char *path_of(const char *name)
{
        char *path = text_format("%s/%s", root, name);

        CHECK(path);
        return path;
}

/* "begin", a hole, and "end". */
static void make_image(const char *path)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

        CHECK(fd >= 0);
        CHECK_NUMBER(pwrite(fd, "begin", 5, 0), 5);
        CHECK_NUMBER(pwrite(fd, "end", 3, HOLE), 3);
}

static bool is_there(const char *path)
{
        return access(path, F_OK) >= 0;
}

static void test_content(void)
{
        _cleanup_(freep) char *from = path_of("from"), *to = path_of("to");
        FileCopy copy;
        char text[8] = "";
        struct stat st;
        size_t size;
        int fd;

        make_image(from);
        CHECK_NUMBER(copy_make(from, to, COPY_ANY_SIZE, &copy), 0);
        CHECK(!is_there(to));
        CHECK_NUMBER(copy_name(&copy), 0);
        copy_keep(&copy);
        copy_done(&copy);
        fd = open(to, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && fstat(fd, &st) >= 0);
        CHECK_NUMBER(st.st_size, HOLE + 3);
        CHECK_NUMBER(st.st_mode & 0777, 0640);
        CHECK(st.st_blocks < 4096);
        CHECK_NUMBER(file_read_at(fd, text, 5, 0, &size), 0);
        CHECK_TEXT(text, "begin");
        CHECK_NUMBER(file_read_at(fd, text, 5, HOLE, &size), 0);
        CHECK_NUMBER(size, 3);
        CHECK(memcmp(text, "end", 3) == 0);
        (void) fd_close(fd);
}

static void test_nothing_left(void)
{
        _cleanup_(freep) char *from = path_of("from"), *to = path_of("other");
        FileCopy copy;

        CHECK_NUMBER(copy_make(from, to, COPY_ANY_SIZE, &copy), 0);
        copy_done(&copy);
        CHECK(!is_there(to));

        /* named, and then something else failed */
        CHECK_NUMBER(copy_make(from, to, COPY_ANY_SIZE, &copy), 0);
        CHECK_NUMBER(copy_name(&copy), 0);
        CHECK(is_there(to));
        copy_done(&copy);
        CHECK(!is_there(to));
}

static void test_refused(void)
{
        _cleanup_(freep) char *from = path_of("from"), *to = path_of("to"), *link = path_of("link"),
                              *new = path_of("new"), *nowhere = path_of("nowhere/new");
        FileCopy copy;

        CHECK_NUMBER(copy_make(from, to, COPY_ANY_SIZE, &copy), -EEXIST);
        copy_done(&copy);
        CHECK_NUMBER(symlink(from, link), 0);
        CHECK_NUMBER(copy_make(link, new, COPY_ANY_SIZE, &copy), -ELOOP);
        copy_done(&copy);
        CHECK_NUMBER(copy_make(from, link, COPY_ANY_SIZE, &copy), -EEXIST);
        copy_done(&copy);
        CHECK_NUMBER(copy_make(from, new, 3, &copy), -EFBIG);
        copy_done(&copy);
        CHECK_NUMBER(copy_make("/dev/null", new, COPY_ANY_SIZE, &copy), -EINVAL);
        copy_done(&copy);
        CHECK_NUMBER(copy_make(from, nowhere, COPY_ANY_SIZE, &copy), -ENOENT);
        copy_done(&copy);

        /* somebody was faster */
        CHECK_NUMBER(copy_make(from, new, COPY_ANY_SIZE, &copy), 0);
        make_image(new);
        CHECK_NUMBER(copy_name(&copy), -EEXIST);
        copy_done(&copy);
        CHECK(is_there(new));
}

int main(void)
{
        CHECK(mkdtemp(root));
        test_content();
        test_nothing_left();
        test_refused();
        CHECK_NUMBER(directory_remove(root), 0);
        return 0;
}

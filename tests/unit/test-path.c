/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>

#include "launcher/errand/path.h"
#include "tests/unit/test.h"
#include "util/text.h"

/* A directory as path_walk() would meet it. */
typedef struct Step {
        uid_t owner;
        mode_t mode;
} Step;

typedef struct Case {
        Step steps[4]; /* below the root directory, which is always the first; ended by mode 0 */
        bool anyone;
        uid_t owner;
} Case;

static void test_control(void)
{
        static const Case cases[] = {
                { { { 0, 0755 }, { 0, 0711 } }, false, 0 },
                { { { 0, 0755 }, { 5, 0700 } }, false, 5 },
                { { { 0, 0755 }, { 5, 0700 }, { 5, 0755 }, { 0, 0755 } }, false, 5 },
                { { { 5, 0700 }, { 6, 0700 } }, true, 5 },
                { { { 0, 0775 } },
                  true,
                  0 }, /* also for a group of root's: there may be an access control list */
                { { { 0, 0757 } }, true, 0 },
                { { { 0, 0777 }, { 5, 0700 } }, true, 0 },
                { { { 5, 0770 } }, true, 0 },
                { { { 0, 01777 }, { 0, 0700 } }, false, 0 },
                { { { 0, 01777 }, { 5, 0700 } }, false, 5 },
                { { { 5, 01777 } }, false, 5 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                PathControl control = { 0 };

                CHECK_NUMBER(path_control_add(&control, &(struct stat){ .st_mode = S_IFDIR | 0755 }, ""), 0);
                CHECK(!control.where);
                for (const Step *s = cases[i].steps; s < cases[i].steps + 4 && s->mode; s++)
                        CHECK_NUMBER(
                                path_control_add(
                                        &control,
                                        &(struct stat){ .st_uid = s->owner, .st_mode = S_IFDIR | s->mode },
                                        "/x"),
                                0);
                CHECK_NUMBER(control.anyone, cases[i].anyone);
                CHECK_NUMBER(control.owner, cases[i].owner);
                CHECK_NUMBER(!!control.where, cases[i].anyone || cases[i].owner);
                free(control.where);
        }
}

static void test_owner(void)
{
        Walk walk = WALK_EMPTY;

        walk.st.st_uid = 7;
        CHECK_NUMBER(walk_check_owner(&walk), 0);
        walk.control.owner = 7;
        CHECK_NUMBER(walk_check_owner(&walk), 0);
        walk.control.owner = 8;
        CHECK_NUMBER(walk_check_owner(&walk), -EPERM);
        walk.control = (PathControl){ .anyone = true };
        CHECK_NUMBER(walk_check_owner(&walk), -EPERM);
}

/* The walk to DIRECTORY/NAME, whose result must be that, at that path below the directory. */
static void check_walk(const char *directory, const char *name, int result, const char *at)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *path = text_format("%s/%s", directory, name),
                              *expected = text_format("%s%s", directory, at);

        CHECK_NUMBER(path_walk(path, &walk), result);
        CHECK_TEXT(walk.path, expected);
        CHECK_NUMBER(walk.fd >= 0, result == 0);
}

static void make_file(int directory, const char *name)
{
        int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK(fd >= 0);
        fd_close(fd);
}

/* In directories of the user who runs this. Root follows its own links, but none that others could have put
 * there. */
static void test_walk(void)
{
        char directory[] = "/tmp/test-path.XXXXXX";
        _cleanup_(closep) int fd = -EBADF;

        CHECK(mkdtemp(directory));
        fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK(mkdirat(fd, "sub", 0755) >= 0 && mkdirat(fd, "open", 0700) >= 0 &&
              fchmodat(fd, "open", 0777, 0) >= 0);
        make_file(fd, "file");
        make_file(fd, "sub/file");
        CHECK(symlinkat("../file", fd, "sub/link") >= 0 && symlinkat("sub", fd, "sub-link") >= 0);
        CHECK(symlinkat("loop", fd, "loop") >= 0 && symlinkat("../file", fd, "open/link") >= 0);

        check_walk(directory, "file", 0, "/file");
        check_walk(directory, ".//sub/./file", 0, "/sub/file");
        check_walk(directory, "sub/../file", 0, "/file");
        check_walk(directory, "sub/", 0, "/sub");
        check_walk(directory, "nothing/file", -ENOENT, "/nothing");
        check_walk(directory, "file/more", -ENOTDIR, "/file");
        check_walk(directory, "sub/link", 0, "/file");
        check_walk(directory, "sub-link/file", 0, "/sub/file");
        check_walk(directory, "loop", -ELOOP, "/loop");
        check_walk(
                directory, "open/link", geteuid() == 0 ? -EPERM : 0,
                geteuid() == 0 ? "/open/link" : "/file");

        CHECK(unlinkat(fd, "open/link", 0) >= 0 && unlinkat(fd, "loop", 0) >= 0 &&
              unlinkat(fd, "sub-link", 0) >= 0);
        CHECK(unlinkat(fd, "sub/link", 0) >= 0 && unlinkat(fd, "sub/file", 0) >= 0 &&
              unlinkat(fd, "file", 0) >= 0);
        CHECK(unlinkat(fd, "open", AT_REMOVEDIR) >= 0 && unlinkat(fd, "sub", AT_REMOVEDIR) >= 0 &&
              rmdir(directory) >= 0);
}

static void test_sticky(void)
{
        char file[] = "/tmp/test-path.XXXXXX";
        int fd = mkostemp(file, O_CLOEXEC);
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        struct stat st;

        CHECK(fd >= 0 && stat("/tmp", &st) >= 0);
        fd_close(fd);
        CHECK_NUMBER(path_walk(file, &walk), 0);
        /* in /tmp anybody may have made a hard link to it */
        if (st.st_mode & S_IWOTH)
                CHECK_NUMBER(walk_check_owner(&walk), -EPERM);
        CHECK(unlink(file) >= 0);
}

int main(void)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *top = path_directory("/a"), *below = path_directory("/a/b/c");

        test_control();
        test_owner();
        test_walk();
        test_sticky();
        CHECK_NUMBER(path_walk("relative", &walk), -EINVAL);
        CHECK_TEXT(top, "/");
        CHECK_TEXT(below, "/a/b");
        CHECK(path_is_below("/a/b", "/a") && path_is_below("/a/b", "/a/") && path_is_below("/a", "/"));
        CHECK(!path_is_below("/ab", "/a") && !path_is_below("/a", "/a") && !path_is_below("/a/", "/a"));
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl screenshot and dump: QEMU writes a file that is opened here, with the caller's rights, and readable
 * for the caller only. It gets its name when it is whole.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/text.h"

typedef struct Capture {
        const char *path;
        char *partial; /* its name until then; it exists only if the file system knows no nameless files */
        int fd;
        bool named;
} Capture;

#define CAPTURE_EMPTY ((Capture){ .fd = -EBADF })

/* What is not finished is removed. */
static void capture_done(Capture *c)
{
        c->fd = fd_close(c->fd);
        if (c->named)
                (void) unlink(c->partial);
        free(c->partial);
}

/* A file without a name vanishes with this process, however it ends. */
static int open_nameless(const char *path)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(freep) char *directory = slash ? strndup(path, (size_t) (slash + 1 - path)) : strdup(".");

        if (!directory)
                return -ENOMEM;
        return open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

static int capture_begin(const char *path, Capture *ret)
{
        struct stat st;

        /* it is replaced when the new one is whole, which would be no good for /dev/null */
        if (lstat(path, &st) >= 0 && !S_ISREG(st.st_mode))
                return fail(EXIT_OS, "%s exists, and is not a regular file", path);
        ret->path = path;
        ret->partial = text_format("%s.partial", path);
        if (!ret->partial)
                return fail(EXIT_OS, "out of memory");
        ret->fd = open_nameless(path);
        if (ret->fd >= 0)
                return 0;
        ret->fd = open(ret->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        ret->named = ret->fd >= 0;
        return ret->named ? 0 : fail(EXIT_OS, "cannot create %s: %s", ret->partial, strerror(errno));
}

static int give_name(Capture *c)
{
        _cleanup_(freep) char *link = text_format("/proc/self/fd/%d", c->fd);

        if (!link)
                return -ENOMEM;
        if (c->named)
                return 0;
        (void) unlink(c->partial); /* of one that was killed at this point */
        if (linkat(AT_FDCWD, link, AT_FDCWD, c->partial, AT_SYMLINK_FOLLOW) < 0)
                return -errno;
        c->named = true;
        return 0;
}

static int capture_finish(Capture *c)
{
        int r = give_name(c);

        if (r >= 0 && rename(c->partial, c->path) < 0)
                r = -errno;
        if (r < 0)
                return fail(EXIT_OS, "cannot create %s: %s", c->path, strerror(-r));
        c->named = false;
        return EXIT_SUCCESS;
}

int verb_screenshot(const Call *call)
{
        _cleanup_(capture_done) Capture capture = CAPTURE_EMPTY;
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        bool png = text_ends_with(call->words[1], ".png");
        int r;

        r = client_open(call, &c);
        if (r == 0)
                r = capture_begin(call->words[1], &capture);
        if (r == 0)
                r = client_call(
                        &c, "take a screenshot of", "org.vmunit.Guest.Screenshot",
                        json_pack("{s:i, s:s}", "fileDescriptorIndex", 0, "format", png ? "png" : "ppm"),
                        (ClientFds){ &capture.fd, 1 }, NULL);
        return r == 0 ? capture_finish(&capture) : r;
}

static void show_progress(const json_t *answer, Progress *progress)
{
        const json_t *p = json_object_get(answer, "parameters");

        client_show_progress(
                progress, (double) json_integer_value(json_object_get(p, "completed")),
                (double) json_integer_value(json_object_get(p, "total")));
}

int verb_dump(const Call *call)
{
        _cleanup_(capture_done) Capture capture = CAPTURE_EMPTY;
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        Progress progress = { .begun = time(NULL) };
        bool continues = true;
        int r;

        r = client_open(call, &c);
        if (r == 0)
                r = capture_begin(call->words[1], &capture);
        if (r != 0)
                return r;
        r = client_send(
                &c, "org.vmunit.Guest.Dump", json_pack("{s:i}", "fileDescriptorIndex", 0), CLIENT_MORE,
                (ClientFds){ &capture.fd, 1 });
        while (continues) {
                json_t *answer = NULL;

                if (r >= 0)
                        r = client_receive(&c, 0, &answer);
                continues = r >= 0 && json_is_true(json_object_get(answer, "continues"));
                if (continues)
                        show_progress(answer, &progress);
                else {
                        client_end_progress(&progress);
                        r = client_check(&c, "dump", r, answer);
                }
                json_decref(answer);
        }
        return r == 0 ? capture_finish(&capture) : r;
}

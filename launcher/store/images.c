/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher gives away its images when QEMU starts, and has no path to them from its sandbox: a copy of a
 * descriptor would keep QEMU's locks. So it keeps a descriptor of another kind, to know them later. A guest
 * that is saved must find its disks unchanged when it is restored. And when images are passed later, it
 * shows whether QEMU has one already: an image that a disk has now is to become the backing file of a new
 * one, or the disk is to go back to one of its backing files.
 */

#include "launcher/store/images.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/fd-name.h"
#include "util/text.h"

bool file_id_equals(FileId a, FileId b)
{
        return a.inode != 0 && a.device == b.device && a.inode == b.inode;
}

FileId file_id_of(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return (FileId){ 0 };
        return (FileId){ st.st_dev, st.st_ino };
}

static int put(Images *images, const char *name, int fd)
{
        _cleanup_(closep) int owned = fd;
        KnownImage *bigger;

        for (size_t i = 0; i < images->count; i++)
                if (streq(images->items[i].name, name)) {
                        (void) fd_close(images->items[i].fd);
                        images->items[i].fd = TAKE_FD(owned);
                        return 0;
                }
        bigger = reallocarray(images->items, images->count + 1, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        images->items = bigger;
        bigger[images->count] = (KnownImage){ .name = strdup(name), .fd = owned };
        if (!bigger[images->count].name)
                return -ENOMEM;
        images->count++;
        (void) TAKE_FD(owned);
        return 0;
}

static int note(Images *images, const char *name, int descriptor)
{
        _cleanup_(freep) char *path = text_format("/proc/self/fd/%d", descriptor);
        int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

        return !path ? -ENOMEM : fd < 0 ? -errno : put(images, name, fd);
}

int images_note(Images *images, const Fds *fds)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < fds->count; i++)
                if (fd_name_is_image(fds->items[i].name))
                        r = note(images, fds->items[i].name, fds->items[i].fd);
        return r;
}

int images_update(
        Images *images, const Fds *fds, bool (*has)(const char *name, FileId file, const void *userdata),
        const void *userdata)
{
        size_t kept = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < fds->count; i++) {
                const StoredFd *item = &fds->items[i];

                if (fd_name_is_image(item->name) && has(item->name, file_id_of(item->fd), userdata))
                        r = note(images, item->name, item->fd);
        }
        for (size_t i = 0; i < images->count; i++) {
                KnownImage *image = &images->items[i];

                if (fd_name_is_backing(image->name) && !has(image->name, file_id_of(image->fd), userdata)) {
                        free(image->name);
                        (void) fd_close(image->fd);
                } else
                        images->items[kept++] = *image;
        }
        images->count = kept;
        return r;
}

void images_forget(
        Images *images, bool (*knows)(const char *name, const void *userdata), const void *userdata)
{
        size_t kept = 0;

        for (size_t i = 0; i < images->count; i++) {
                KnownImage *image = &images->items[i];

                if (knows(image->name, userdata))
                        images->items[kept++] = *image;
                else {
                        free(image->name);
                        (void) fd_close(image->fd);
                }
        }
        images->count = kept;
}

void images_done(Images *images)
{
        for (size_t i = 0; i < images->count; i++) {
                free(images->items[i].name);
                (void) fd_close(images->items[i].fd);
        }
        free(images->items);
        *images = (Images){ 0 };
}

FileId images_find(const Images *images, const char *name)
{
        for (size_t i = 0; name && i < images->count; i++)
                if (streq(images->items[i].name, name))
                        return file_id_of(images->items[i].fd);
        return (FileId){ 0 };
}

FileId images_find_backing(const Images *images, const char *node, unsigned depth)
{
        _cleanup_(freep) char *prefix = fd_name_chain_prefix(node);
        const char *format;
        unsigned found;

        for (size_t i = 0; prefix && i < images->count; i++)
                if (fd_name_read_chain(images->items[i].name, prefix, &found, &format) >= 0 &&
                    found == depth)
                        return file_id_of(images->items[i].fd);
        return (FileId){ 0 };
}

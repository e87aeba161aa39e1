/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that is saved must find its disks unchanged when it is restored. The launcher, which compares
 * them, has no path to them from its sandbox, and gives all their descriptors to QEMU: a copy would keep
 * QEMU's locks. So it keeps a descriptor of another kind.
 */

#include "launcher/store/images.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "contract/fd-name.h"
#include "util/text.h"

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

int images_note(Images *images, const Fds *fds)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < fds->count; i++) {
                const char *name = fds->items[i].name;
                _cleanup_(freep) char *path = NULL;
                int fd;

                if (!fd_name_is_of_image(name))
                        continue;
                path = text_format("/proc/self/fd/%d", fds->items[i].fd);
                fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;
                r = !path ? -ENOMEM : fd < 0 ? -errno : put(images, name, fd);
        }
        return r;
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

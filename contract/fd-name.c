/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A descriptor that is stored under one name and asked for under another is missing at the start of a guest,
 * so each name has its formatter and its reader here, side by side. An id or node may contain dots;
 * therefore the name of a chain is read behind a known prefix and never split at its dots.
 */

#include "contract/fd-name.h"

#include <errno.h>
#include <stdio.h>

#include "contract/limits.h"
#include "util/text.h"

#define TAP_PREFIX       "tap."
#define VHOST_PREFIX     "vhost."
#define IMAGE_PREFIX     "image."
#define CHAIN_PREFIX     "chain."
#define DIRECTORY_PREFIX "directory."
#define PASST_PREFIX     "passt."
#define COPY_PREFIX      "copy."

char *fd_name_tap(const char *id, unsigned queue)
{
        return text_format(TAP_PREFIX "%s.%u", id, queue);
}

bool fd_name_is_tap(const char *name)
{
        return text_after(name, TAP_PREFIX);
}

char *fd_name_vhost(const char *id, unsigned queue)
{
        return text_format(VHOST_PREFIX "%s.%u", id, queue);
}

char *fd_name_bandwidth(const char *id)
{
        return text_format("bandwidth.%s", id);
}

char *fd_name_passt(const char *id)
{
        return text_format(PASST_PREFIX "%s", id);
}

char *fd_name_usb(const char *id)
{
        return text_format("usb.%s", id);
}

char *fd_name_scsi(const char *id)
{
        return text_format("scsi.%s", id);
}

char *fd_name_image(const char *node)
{
        return text_format(IMAGE_PREFIX "%s", node);
}

char *fd_name_chain(const char *node, unsigned depth, const char *format)
{
        return text_format(CHAIN_PREFIX "%s.%u.%s", node, depth, format);
}

char *fd_name_chain_prefix(const char *node)
{
        return text_format(CHAIN_PREFIX "%s.", node);
}

int fd_name_read_chain(const char *name, const char *prefix, unsigned *ret_depth, const char **ret_format)
{
        const char *rest = text_after(name, prefix);
        unsigned depth;
        int end = 0;

        if (!rest || sscanf(rest, "%u.%n", &depth, &end) < 1 || end == 0 || !rest[end] || depth < 1 ||
            depth > CHAIN_DEPTH_MAX)
                return -EINVAL;
        *ret_depth = depth;
        *ret_format = rest + end;
        return 0;
}

bool fd_name_is_backing(const char *name)
{
        return text_after(name, CHAIN_PREFIX) != NULL;
}

char *fd_name_copy(dev_t device, ino_t inode)
{
        return text_format(COPY_PREFIX "%llu.%llu", (unsigned long long) device, (unsigned long long) inode);
}

char *fd_name_copy_storage(unsigned set)
{
        return text_format("copy%u-storage", set);
}

char *fd_name_copy_format(unsigned set)
{
        return text_format("copy%u-format", set);
}

bool fd_name_is_copy(const char *name)
{
        return text_after(name, COPY_PREFIX);
}

bool fd_name_is_image(const char *name)
{
        return text_after(name, IMAGE_PREFIX) || fd_name_is_backing(name);
}

bool fd_name_is_of_one_start(const char *name)
{
        return text_after(name, VHOST_PREFIX) || fd_name_is_image(name) ||
               text_after(name, DIRECTORY_PREFIX) || text_after(name, PASST_PREFIX);
}

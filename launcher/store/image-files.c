/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher gives away its images when QEMU starts, and sees no file of the host. When it is given other
 * images later, the numbers of their files tell whether QEMU has them already: an image that a disk has now
 * is to become the backing file of a new one, or the disk is to go back to one of its backing files.
 */

#include "launcher/store/image-files.h"

#include <errno.h>
#include <stdlib.h>
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

        return fstat(fd, &st) < 0 ? (FileId){ 0 } : (FileId){ st.st_dev, st.st_ino };
}

int image_files_note(const Fds *fds, ImageFiles *ret)
{
        ImageFiles files = { .items = calloc(fds->count + 1, sizeof(*files.items)) };

        for (size_t i = 0; files.items && i < fds->count; i++) {
                ImageFile *file = &files.items[files.count];

                if (!fd_name_is_image(fds->items[i].name))
                        continue;
                file->id = file_id_of(fds->items[i].fd);
                file->name = strdup(fds->items[i].name);
                if (!file->name) {
                        image_files_done(&files);
                        return -ENOMEM;
                }
                files.count++;
        }
        if (!files.items)
                return -ENOMEM;
        *ret = files;
        return 0;
}

void image_files_done(ImageFiles *files)
{
        for (size_t i = 0; i < files->count; i++)
                free(files->items[i].name);
        free(files->items);
        *files = (ImageFiles){ 0 };
}

FileId image_files_find(const ImageFiles *files, const char *name)
{
        for (size_t i = 0; name && i < files->count; i++)
                if (streq(files->items[i].name, name))
                        return files->items[i].id;
        return (FileId){ 0 };
}

FileId image_files_find_backing(const ImageFiles *files, const char *node, unsigned depth)
{
        _cleanup_(freep) char *prefix = fd_name_chain_prefix(node);
        const char *format;
        unsigned found;

        for (size_t i = 0; prefix && i < files->count; i++)
                if (fd_name_read_chain(files->items[i].name, prefix, &found, &format) >= 0 && found == depth)
                        return files->items[i].id;
        return (FileId){ 0 };
}

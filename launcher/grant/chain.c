/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest's XML names the top image, and each image's header names the next. The XML is the administrator's,
 * but the guest's own QEMU writes the top image: a QEMU that has been taken over can name any file of the
 * host in its header, to have it opened at the next start. So a file that only a header names is opened
 *
 *  - if it is near: in the directory of the image that names it, or in one of the configured image
 *    directories, but not in their subdirectories, where other guests' disks may be. It is opened as the
 *    guest's user first; if that user may not, with root's rights, after path_walk() and walk_check_owner()
 *    have approved the way.
 *  - elsewhere only as the guest's user, and only if it is a qcow2 image that everybody may read. QEMU's
 *    sandbox would have hidden everything else, such as other guests' files, even from its own user.
 *
 * A user's own guest (no ledger) has all the file access of that user, and a home directory may have keys
 * and passwords beside an image. So for such guests a file beside the image must be of qcow2 format, too.
 * Its own header, which is read next, shows whether it is. Any file passes as raw, and images of the other
 * formats would reach QEMU as descriptors before anything has examined them.
 *
 * A file that a running guest writes is always refused (by grant_remember_reader(), or by QEMU's locks for a
 * user's guests). What an administrator names in the XML (<backingStore>) is not checked here. Naming near
 * files is not a boundary between guests whose disks share a directory: to separate them, give each guest's
 * disks their own directory, or name the chain in the XML.
 *
 * Headers are read by the child that runs as the guest's user. QEMU is told the chain found here and never
 * follows a header by itself, so later changes of a header have no effect.
 */

#include "launcher/grant/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/errand/path.h"
#include "launcher/errand/user-name.h"
#include "log/log.h"
#include "util/text.h"

/* Formats whose images name no other file, and qcow2, whose headers are read here. */
static const char *const formats[] = { "qcow2", "raw", "vdi", "vpc", "vhdx" };

typedef struct Chain {
        const Granting *granting;
        const Strings *directories;
        const ChainRequest *request;
        int top; /* the request's image, already open; negative if it is not */
        Store *store;
        struct stat seen[CHAIN_DEPTH_MAX + 1];
        unsigned depth;
} Chain;

/* An image whose header is being read. */
typedef struct Image {
        int fd;
        char *path; /* the path that relative names are resolved against */
        char *format;
} Image;

static void image_done(Image *image)
{
        image->fd = fd_close(image->fd);
        free(image->path);
        free(image->format);
        *image = (Image){ .fd = -EBADF };
}

bool chain_format_is_known(const char *format)
{
        for (size_t i = 0; i < ELEMENTS(formats); i++)
                if (streq(formats[i], format))
                        return true;
        return false;
}

int chain_resolve(const char *image, const char *backing, char **ret)
{
        _cleanup_(freep) char *directory = NULL;
        size_t n = strcspn(backing, ":/");

        if (backing[n] == ':') /* "nbd://…", "json:{…}", "file:…" */
                return -EPROTONOSUPPORT;
        if (*backing == '/')
                *ret = strdup(backing);
        else {
                directory = path_directory(image);
                *ret = directory ? text_format("%s/%s", streq(directory, "/") ? "" : directory, backing)
                                 : NULL;
        }
        return *ret ? 0 : -ENOMEM;
}

/* `path` has no trailing slash; a configured directory may have one. */
static bool is_directory(const char *path, const char *configured)
{
        size_t n = strlen(configured);

        while (n > 1 && configured[n - 1] == '/')
                n--;
        return strlen(path) == n && strncmp(path, configured, n) == 0;
}

bool chain_is_beside(const char *image, const char *backing)
{
        _cleanup_(freep) char *ours = path_directory(image), *theirs = path_directory(backing);

        return ours && theirs && streq(ours, theirs);
}

bool chain_is_listed(const char *backing, const Strings *directories)
{
        _cleanup_(freep) char *theirs = path_directory(backing);

        if (!theirs)
                return false;
        for (size_t i = 0; directories && i < directories->count; i++)
                if (is_directory(theirs, directories->items[i]))
                        return true;
        return false;
}

static int refuse_far(const Image *image, const char *path)
{
        log_error(
                "The header of %s names the backing file %s, which is in another directory. The guest may "
                "have written that header, so the file is not opened. Name it in <backingStore>, add its "
                "directory to ImageDirectories= in vmunit.conf, or move it to the directory of that image "
                "and write its new path into the header (qemu-img rebase -u).",
                image->path, path);
        return -EPERM;
}

static int refuse_format(const Image *image, const Image *backing, const char *path)
{
        log_error(
                "The header of %s names the backing file %s with the format %s, which could be any of the "
                "user's files. The guest may have written that header, so the file is not opened. Name it "
                "in <backingStore>, or add its directory to ImageDirectories= in vmunit.conf.",
                image->path, path, backing->format);
        return -EPERM;
}

static bool is_at(const Walk *walk, const struct stat *st)
{
        return walk->st.st_dev == st->st_dev && walk->st.st_ino == st->st_ino;
}

/*
 * The directory of an open image says what is beside it, but the kernel's name of a descriptor is only text:
 * that of a memfd looks as if it was in the root directory, and that of a file in somebody's own mount
 * namespace like any file of the host. So the path must lead to the image. *ret stays NULL if it does not.
 *
 * On a file system where root has fewer rights than others, the user looks.
 */
static int find_path(const Chain *chain, const Image *image, char **ret)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st, found;
        int r;

        r = path_of_fd(image->fd, &path);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot find the path of %s", image->path);
        if (fstat(image->fd, &st) < 0)
                return 0;
        r = path_walk(path, &walk);
        if (r >= 0 && is_at(&walk, &st))
                *ret = TAKE_PTR(path);
        if (r != -EACCES)
                return 0;
        fd = errand_open(chain->granting->errand, path);
        if (fd >= 0 && fstat(fd, &found) >= 0 && found.st_dev == st.st_dev && found.st_ino == st.st_ino)
                *ret = TAKE_PTR(path);
        return 0;
}

static bool is_beside(const char *image, const char *path)
{
        return image && chain_is_beside(image, path);
}

/* Checks a file that the guest's user could open itself. */
static int check_opened(const Chain *chain, const Image *image, const Image *backing)
{
        _cleanup_(freep) char *real = NULL, *real_image = NULL;
        struct stat st;
        bool beside;
        int r;

        r = path_of_fd(backing->fd, &real);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot stat %s", backing->path);
        r = find_path(chain, image, &real_image);
        if (r < 0)
                return r;
        if (fstat(backing->fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", backing->path);
        if ((fcntl(backing->fd, F_GETFL) & O_ACCMODE) != O_RDONLY ||
            (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
                return log_errno(
                        LOG_ERR, -EPROTO, "Refusing %s, which was not opened read-only or is not an image",
                        backing->path);
        beside = is_beside(real_image, real);
        if (chain_is_listed(real, chain->directories) || (beside && chain->granting->ledger))
                return 0;
        if (streq(backing->format, "qcow2") && (beside || (S_ISREG(st.st_mode) && st.st_mode & S_IROTH)))
                return 0;
        return beside ? refuse_format(image, backing, real) : refuse_far(image, real);
}

/* Opens a file that the guest's user may not read. */
static int open_with_privilege(const Chain *chain, const Image *image, Image *backing)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *real_image = NULL;
        int r;

        r = path_walk_logged("the backing file", backing->path, &walk);
        if (r < 0)
                return r;
        r = find_path(chain, image, &real_image);
        if (r < 0)
                return r;
        if (!is_beside(real_image, walk.path) && !chain_is_listed(walk.path, chain->directories))
                return refuse_far(image, walk.path);
        if (!S_ISREG(walk.st.st_mode) && !S_ISBLK(walk.st.st_mode)) {
                log_error(
                        "The backing file %s of %s is neither a regular file nor a block device.", walk.path,
                        image->path);
                return -EPERM;
        }
        if (walk_check_owner(&walk) < 0) {
                log_error(
                        "The backing file %s of %s is not opened for user %s, who cannot read it: users "
                        "other than its owner can write in %s and could put any file there. Let that user "
                        "read it.",
                        walk.path, image->path, user_name(chain->granting->user->uid).text,
                        walk.control.where);
                return -EPERM;
        }
        r = path_reopen(walk.fd, O_RDONLY | O_NOCTTY);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot open the backing file %s of %s", walk.path, image->path);
        backing->fd = r;
        return 0;
}

static int open_backing(const Chain *chain, const Image *image, Image *backing)
{
        backing->fd = errand_open(chain->granting->errand, backing->path);
        if (backing->fd >= 0)
                return check_opened(chain, image, backing);
        if ((backing->fd == -EACCES || backing->fd == -EPERM) && chain->granting->ledger)
                return open_with_privilege(chain, image, backing);
        if (backing->fd == -EMEDIUMTYPE) {
                log_error(
                        "The backing file %s of %s is neither a regular file nor a block device.",
                        backing->path, image->path);
                return -EPERM;
        }
        return log_errno(
                LOG_ERR, backing->fd, "Cannot open the backing file %s of %s", backing->path, image->path);
}

/* Detects a loop in the chain. */
static int check_loop(Chain *chain, const Image *image)
{
        struct stat st;

        if (fstat(image->fd, &st) < 0 && errno == EACCES && chain->depth == 0)
                return 0; /* image_open() opened it where root may not look; depth is limited anyway */
        if (fstat(image->fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", image->path);
        for (unsigned i = 0; i < chain->depth; i++)
                if (chain->seen[i].st_dev == st.st_dev && chain->seen[i].st_ino == st.st_ino) {
                        log_error(
                                "The backing chain of %s is a loop: it contains %s twice.",
                                chain->request->path, image->path);
                        return -EBADMSG;
                }
        chain->seen[chain->depth] = st;
        return 0;
}

/* Checks what the header says about the next image. */
static int name_backing(const Image *image, const Qcow2Header *header, Image *backing)
{
        int r;

        if (!*header->format) {
                log_error(
                        "The header of %s names the backing file %s, but not its format. If the format is "
                        "raw, run: qemu-img rebase -u -b %s -F raw %s",
                        image->path, header->backing, header->backing, image->path);
                return -EBADMSG;
        }
        if (!chain_format_is_known(header->format)) {
                log_error(
                        "The header of %s names a backing file of the format %s, which is not supported for "
                        "backing files.",
                        image->path, header->format);
                return -EBADMSG;
        }
        r = chain_resolve(image->path, header->backing, &backing->path);
        if (r == -EPROTONOSUPPORT) {
                log_error(
                        "The header of %s names the backing file %s, which is not a file name. Describe it "
                        "in <backingStore>, or change the header with qemu-img rebase.",
                        image->path, header->backing);
                return -EPERM;
        }
        if (r >= 0)
                backing->format = strdup(header->format);
        return r < 0 || !backing->format ? log_out_of_memory() : 0;
}

/* Opens the image behind this one into *backing, which stays empty if there is none. */
static int follow(Chain *chain, const Image *image, Image *backing)
{
        Qcow2Header header;
        int r;

        r = errand_read_header(chain->granting->errand, image->fd, &header);
        if (r == -EBADMSG) {
                log_error(
                        "%s should be a qcow2 image, but has no valid qcow2 header (see qemu-img check).",
                        image->path);
                return r;
        }
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read the header of %s", image->path);
        if (header.data_file) {
                log_error(
                        "%s keeps its data in another file (qcow2 data_file), which is not supported.",
                        image->path);
                return -EPERM;
        }
        if (!*header.backing)
                return 0;
        if (++chain->depth > CHAIN_DEPTH_MAX) {
                log_error(
                        "The backing chain of %s is longer than %u images.", chain->request->path,
                        CHAIN_DEPTH_MAX);
                return -E2BIG;
        }
        r = name_backing(image, &header, backing);
        if (r >= 0)
                r = open_backing(chain, image, backing);
        return r;
}

static int store_backing(const Chain *chain, const Image *image)
{
        _cleanup_(freep) char *real = NULL;
        int fd, r;

        r = path_of_fd(image->fd, &real);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot stat %s", image->path);
        r = grant_remember_reader(chain->granting, image->fd, real);
        if (r < 0)
                return r;
        fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return log_errno(LOG_ERR, -errno, "Cannot duplicate a file descriptor of %s", image->path);
        return store_add(chain->store, fd_name_chain(chain->request->node, chain->depth, image->format), fd);
}

static int open_top(const Chain *chain, Image *image)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int from = chain->top, r;

        image->path = strdup(chain->request->path);
        image->format = strdup(chain->request->format);
        if (!image->path || !image->format)
                return log_out_of_memory();
        if (from < 0) {
                r = path_walk_logged("the disk", image->path, &walk);
                if (r < 0)
                        return r;
                from = walk.fd;
        }
        /* again even if it is open: it may be open for O_DIRECT, which a read of a header does not suit */
        r = errand_reopen(chain->granting->errand, from, O_RDONLY);
        if ((r == -EACCES || r == -EPERM) && chain->top >= 0 && chain->granting->ledger)
                r = path_reopen(chain->top, O_RDONLY | O_NOCTTY);
        image->fd = r;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot open %s to read its header", image->path);
        return 0;
}

int chain_open(
        const Granting *granting, const Strings *directories, const ChainRequest *q, int top, Store *store)
{
        Chain chain = {
                .granting = granting,
                .directories = directories,
                .request = q,
                .top = top,
                .store = store,
        };
        _cleanup_(image_done) Image image = { .fd = -EBADF };
        int r;

        /* nothing reliable tells the format: a guest can write a qcow2 header into its raw disk */
        if (!chain_format_is_known(q->format)) {
                log_error(
                        "Cannot determine the backing file of %s, because vmunit does not read headers of "
                        "the format %s. Name it in <backingStore>, or write <backingStore/> if there is "
                        "none.",
                        q->path, q->format);
                return -EPERM;
        }
        if (!streq(q->format, "qcow2"))
                return 0;
        r = open_top(&chain, &image);
        if (r >= 0)
                r = check_loop(&chain, &image);
        while (r >= 0 && streq(image.format, "qcow2")) {
                _cleanup_(image_done) Image backing = { .fd = -EBADF };

                r = follow(&chain, &image, &backing);
                if (r >= 0 && backing.path)
                        r = check_loop(&chain, &backing);
                if (r < 0 || !backing.path)
                        break;
                image_done(&image);
                image = backing;
                backing = (Image){ .fd = -EBADF };
                r = store_backing(&chain, &image);
        }
        return r < 0 ? r : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A list is a version followed by entries, little-endian, ordered by tag and user. A list with an entry for
 * a named user requires a mask, and the mode's group bits then show that mask; the group's own permissions
 * are in an entry of their own. Lists read from a file may come from its user, so they are checked before
 * use.
 */

#include "launcher/grant/acl.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "util/ownership.h"

#define ACL_SIZE_MAX 65536
#define ACL_VERSION  2U
#define ACL_HEADER   4U
#define NOBODY       UINT32_MAX
#define MAY_READ     4U

enum {
        TAG_OWNER = 0x01,
        TAG_USER = 0x02,
        TAG_GROUP = 0x04,
        TAG_NAMED_GROUP = 0x08,
        TAG_MASK = 0x10,
        TAG_OTHER = 0x20
};

typedef struct AclEntry {
        uint16_t tag, permissions;
        uint32_t id;
} AclEntry;

static AclEntry entry(unsigned tag, unsigned permissions, uint32_t id)
{
        return (AclEntry){ htole16((uint16_t) tag), htole16((uint16_t) (permissions & 7)), htole32(id) };
}

static int check(const uint8_t *acl, size_t size)
{
        uint32_t version;

        if (size <= ACL_HEADER || (size - ACL_HEADER) % sizeof(AclEntry) != 0)
                return -EBADMSG;
        memcpy(&version, acl, sizeof(version));
        return le32toh(version) == ACL_VERSION ? 0 : -EBADMSG;
}

static void append(uint8_t *acl, size_t *size, AclEntry e)
{
        memcpy(acl + *size, &e, sizeof(e));
        *size += sizeof(e);
}

/* The list that is equivalent to a mode. */
static size_t from_mode(uint8_t *acl, mode_t mode)
{
        uint32_t version = htole32(ACL_VERSION);
        size_t size = sizeof(version);

        memcpy(acl, &version, sizeof(version));
        append(acl, &size, entry(TAG_OWNER, mode >> 6, NOBODY));
        append(acl, &size, entry(TAG_GROUP, mode >> 3, NOBODY));
        append(acl, &size, entry(TAG_OTHER, mode, NOBODY));
        return size;
}

int acl_drop_user(const uint8_t *acl, size_t size, uid_t user, uint8_t **ret, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *list = NULL;
        size_t n = ACL_HEADER;
        int r;

        r = check(acl, size);
        if (r < 0)
                return r;
        list = malloc(size);
        if (!list)
                return -ENOMEM;
        memcpy(list, acl, ACL_HEADER);
        for (size_t i = ACL_HEADER; i < size; i += sizeof(AclEntry)) {
                AclEntry e;

                memcpy(&e, acl + i, sizeof(e));
                if (le16toh(e.tag) != TAG_USER || le32toh(e.id) != user)
                        append(list, &n, e);
        }
        *ret = TAKE_PTR(list);
        *ret_size = n;
        return 0;
}

int acl_add_reader(const uint8_t *acl, size_t size, mode_t mode, uid_t user, uint8_t **ret, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *base = NULL, *list = NULL;
        uint8_t plain[ACL_HEADER + 3 * sizeof(AclEntry)];
        bool added = false, masked = false;
        unsigned group = 0;
        size_t n = ACL_HEADER;
        int r;

        if (!acl) {
                acl = plain;
                size = from_mode(plain, mode);
        }
        r = acl_drop_user(acl, size, user, &base, &size);
        if (r < 0)
                return r;
        list = malloc(size + 2 * sizeof(AclEntry));
        if (!list)
                return -ENOMEM;
        memcpy(list, base, ACL_HEADER);
        for (size_t i = ACL_HEADER; i < size; i += sizeof(AclEntry)) {
                AclEntry e;
                unsigned tag;

                memcpy(&e, base + i, sizeof(e));
                tag = le16toh(e.tag);
                if (!added && (tag > TAG_USER || (tag == TAG_USER && le32toh(e.id) > user))) {
                        append(list, &n, entry(TAG_USER, MAY_READ, user));
                        added = true;
                }
                if (tag == TAG_GROUP)
                        group = le16toh(e.permissions);
                if (tag == TAG_OTHER && !masked)
                        append(list, &n, entry(TAG_MASK, group | MAY_READ, NOBODY));
                if (tag == TAG_MASK) {
                        /* a mask that restricts other entries keeps doing so, except for reading */
                        e = entry(TAG_MASK, le16toh(e.permissions) | MAY_READ, NOBODY);
                        masked = true;
                }
                append(list, &n, e);
        }
        if (!added)
                return -EBADMSG;
        *ret = TAKE_PTR(list);
        *ret_size = n;
        return 0;
}

int acl_add_readers(
        const uint8_t *acl, size_t size, mode_t mode, const uid_t *users, size_t n, uint8_t **ret,
        size_t *ret_size)
{
        _cleanup_(freep) uint8_t *list = NULL;

        for (size_t i = 0; i < n; i++) {
                uint8_t *longer;
                int r = acl_add_reader(list ?: acl, size, mode, users[i], &longer, &size);

                if (r < 0)
                        return r;
                free(list);
                list = longer;
        }
        *ret = TAKE_PTR(list);
        *ret_size = size;
        return 0;
}

int acl_drop_users(
        const uint8_t *acl, size_t size, const uid_t *users, size_t n, uint8_t **ret, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *list = NULL;

        for (size_t i = 0; i < n; i++) {
                uint8_t *shorter;
                int r = acl_drop_user(list ?: acl, size, users[i], &shorter, &size);

                if (r < 0)
                        return r;
                free(list);
                list = shorter;
        }
        *ret = TAKE_PTR(list);
        *ret_size = size;
        return 0;
}

/* Extended attributes of an O_PATH descriptor can only be reached by its name in /proc. */
static void name_of_fd(int fd, char name[static 32])
{
        snprintf(name, 32, "/proc/self/fd/%d", fd);
}

int acl_of_fd(int fd, uint8_t **ret_acl, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *acl = malloc(ACL_SIZE_MAX);
        char name[32];
        ssize_t n;

        if (!acl)
                return -ENOMEM;
        name_of_fd(fd, name);
        n = getxattr(name, ACL_ATTRIBUTE, acl, ACL_SIZE_MAX);
        if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                return -errno;
        if (n <= 0) {
                *ret_acl = NULL;
                *ret_size = 0;
                return 0;
        }
        *ret_acl = TAKE_PTR(acl);
        *ret_size = (size_t) n;
        return 0;
}

int acl_set(int fd, const uint8_t *acl, size_t size)
{
        char name[32];

        name_of_fd(fd, name);
        if (acl)
                return setxattr(name, ACL_ATTRIBUTE, acl, size, 0) < 0 ? -errno : 0;
        return removexattr(name, ACL_ATTRIBUTE) < 0 && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
}

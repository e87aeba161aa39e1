/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * POSIX access control lists in the form of the kernel's extended attribute. Open this to let one more user
 * read a file, or to take that away.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ACL_ATTRIBUTE "system.posix_acl_access"

/*
 * Adds an entry that lets one more user read; acl is NULL for a file that has only its mode. An existing
 * entry of that user is replaced. -EBADMSG if it is not a valid list.
 */
int acl_add_reader(
        const uint8_t *acl, size_t size, mode_t mode, uid_t user, uint8_t **ret, size_t *ret_size);

/* The same for n users. */
int acl_add_readers(
        const uint8_t *acl, size_t size, mode_t mode, const uid_t *users, size_t n, uint8_t **ret,
        size_t *ret_size);

/* Removes the user's entry. */
int acl_drop_user(const uint8_t *acl, size_t size, uid_t user, uint8_t **ret, size_t *ret_size);

/* Removes the entries of n users. */
int acl_drop_users(
        const uint8_t *acl, size_t size, const uid_t *users, size_t n, uint8_t **ret, size_t *ret_size);

/*
 * A file's list, also through an O_PATH descriptor; NULL and 0 if it has none or the filesystem does not
 * support them.
 */
int acl_of_fd(int fd, uint8_t **ret_acl, size_t *ret_size);
int acl_set(int fd, const uint8_t *acl, size_t size); /* NULL for none */

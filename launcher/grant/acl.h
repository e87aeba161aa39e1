/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* POSIX access control lists, in the form of the kernel's extended attribute. */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ACL_ATTRIBUTE "system.posix_acl_access"

/*
 * The list that lets one more user read; acl is NULL for a file that has none but its mode. An entry that
 * the user has already is replaced. -EBADMSG for what is no list.
 */
int acl_add_reader(
        const uint8_t *acl, size_t size, mode_t mode, uid_t user, uint8_t **ret, size_t *ret_size);

/* The list without the user's entry. */
int acl_drop_user(const uint8_t *acl, size_t size, uid_t user, uint8_t **ret, size_t *ret_size);

/* A file's list as the kernel has it, through an O_PATH descriptor too; NULL and 0 where it has none or the
 * filesystem knows none. */
int acl_of_fd(int fd, uint8_t **ret_acl, size_t *ret_size);
int acl_set(int fd, const uint8_t *acl, size_t size); /* NULL for none */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is remembered about a file that was handed to a guest's user: what it was, and who has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "contract/words.h"
#include "util/ownership.h"

#define RECORD_BOOT_SIZE  33   /* 32 hexadecimal digits and a NUL */
#define RECORD_HANDLE_MAX 128U /* bytes of a file handle, as the kernel has it (MAX_HANDLE_SZ) */

/* How a guest has a file. */
typedef Access GrantMode;

#define GRANT_READ   ACCESS_READ
#define GRANT_WRITE  ACCESS_WRITE
#define GRANT_SHARED ACCESS_WRITE_SHARED

/* A guest that has the file. */
typedef struct Holder {
        char *guest;
        char *directory; /* its run-time directory, which is there for as long as it runs */
        GrantMode mode;
        uid_t user;
        char boot[RECORD_BOOT_SIZE]; /* the host's boot in which it was handed out */
} Holder;

typedef enum IdentityType {
        IDENTITY_FILE, /* a regular one */
        IDENTITY_BLOCK,
        IDENTITY_CHARACTER,
        IDENTITY_TYPES,
} IdentityType;

/* Which file it is, so that one that came in its place is told apart. */
typedef struct Identity {
        IdentityType type;
        uint64_t file_system; /* st_dev; may be another after a reboot */
        uint64_t inode;
        uint64_t device; /* st_rdev */
        uint64_t born;   /* nanoseconds since 1970, 0 where the filesystem does not know */
} Identity;

typedef struct Record {
        char *name; /* of its file, where the ledger read it from one */
        char *path; /* without symbolic links */
        Identity identity;
        Identity directory; /* its directory, whose filesystem is not the file's everywhere; its inode is 0
                               where it is not known */
        uint8_t *handle; /* finds the file whatever its path is by now; NULL where the filesystem has none */
        size_t handle_size;
        int handle_type;
        char pending[RECORD_BOOT_SIZE]; /* the boot in which nobody had it any more, but it was not there to
                                           be given back */
        uid_t owner;                    /* owner, group, mode and acl are what was there before */
        gid_t group;
        mode_t mode;  /* 07777 */
        uint8_t *acl; /* the extended attribute as the kernel has it; NULL for none */
        size_t acl_size;
        bool granted;       /* the owner was changed, or was about to be */
        uid_t granted_user; /* to this one */
        bool listed;        /* an entry was put into its access control list, or was about to be */
        uid_t listed_user;  /* for this one, to read it */
        bool returning;     /* it was being given back */
        Holder *holders;
        size_t n_holders;
} Record;

Record *record_new(void);
Record *record_free(Record *record); /* returns NULL */

/* Adds a copy, or raises what that guest has already: it may have one file more than once. Negative errno:
 * -ENOMEM, -E2BIG. */
int record_add_holder(Record *record, const Holder *holder);
void record_remove_holder(Record *record, size_t i);

/* As text, one "key=value" a line. */
int record_format(const Record *record, char **ret, size_t *ret_size);

/* -EBADMSG for what record_format() cannot have written. */
int record_parse(const char *data, size_t size, Record **ret);

DEFINE_CLEANUP(Record, record_free);

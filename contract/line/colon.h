/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The values of options that hold a few parts with colons between them, a writer and a reader of each. The
 * writers return a text to be freed, NULL if memory runs out. The readers return -EINVAL or -ERANGE for
 * invalid values and -ENOMEM; what they set points into the text, or into what they add to owned.
 */

#include <stdint.h>

#include "contract/words.h"
#include "util/text.h"

/* --grant=, --grant-device=: "MODE:PATH" */
char *grant_value_write(Access mode, const char *path);
int grant_value_read(const char *text, Strings *owned, Access *ret_mode, const char **ret_path);

/* --image= of prepare: "ACCESS:CACHE:NODE:PATH", CACHE being "cached", or "direct" for O_DIRECT */
char *image_value_write(Access access, bool direct, const char *node, const char *path);
int image_value_read(
        const char *text, Strings *owned, Access *ret_access, bool *ret_direct, const char **ret_node,
        const char **ret_path);

/* --chain= of prepare: "NODE:FORMAT:PATH" */
char *chain_value_write(const char *node, const char *format, const char *path);
int chain_value_read(
        const char *text, Strings *owned, const char **ret_node, const char **ret_format,
        const char **ret_path);

/* --source=: "PATH:HASH", the hash in 16 hexadecimal digits */
char *source_value_write(const char *path, uint64_t hash);
int source_value_read(const char *text, Strings *owned, const char **ret_path, uint64_t *ret_hash);

/* --claim=: "KIND:VALUE", something that no two running guests may share. Values have one spelling, so equal
 * ones are equal texts without slashes. */
typedef struct Claim {
        ClaimKind kind;
        char value[37];
} Claim;

char *claim_value_write(const Claim *claim);
int claim_value_read(const char *text, Claim *ret);

/* The value of that kind in its one spelling. */
int claim_make(ClaimKind kind, const char *value, Claim *ret);
bool claim_same(const Claim *a, const Claim *b);

/* --disk=: "NODE:TARGET" or "NODE:TARGET:PATH"; path is NULL if there is none */
char *disk_value_write(const char *node, const char *target, const char *path);

/* ret_node is to be freed and owns the text of the others. */
int disk_value_read(const char *text, char **ret_node, const char **ret_target, const char **ret_path);

/* --argument-path=: "LINE:PATH"; ret_path points into the text */
char *argument_path_write(unsigned line, const char *path);
int argument_path_read(const char *text, unsigned *ret_line, const char **ret_path);

/* --console=, --fd=, --try-fd=: "NAME:NUMBER"; ret_name is to be freed */
char *fd_value_write(const char *name, unsigned number);
int fd_value_read(const char *text, char **ret_name, int *ret_number);

/* An absolute path that the kernel accepts; an ArgumentReader. */
int path_value_read(const char *text, void *target);

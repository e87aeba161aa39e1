/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of users' TAPs: "vmUID-N"; and their aliases: "vmunit: guest NAME of user UID, MAC". */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TAP_NUMBERS 100U /* N is below it; the longest name just fits the kernel's limit */

void tap_name_format(char ret[static IFNAMSIZ], uid_t uid, unsigned number);

/* Whether tap_name_format() could have written it, and for whom. */
bool tap_name_parse(const char *name, uid_t *ret_uid, unsigned *ret_number);

/* NULL if out of memory. */
char *tap_alias_new(const char *guest, uid_t uid, const uint8_t mac[static 6]);

/* The guest's address, from an alias. */
bool tap_alias_parse(const char *alias, uint8_t ret_mac[static 6]);

/*
 * The address of the host's end: the guest's with the highest possible first byte. A bridge may adopt the
 * lowest address of its ports, and must not adopt this one.
 */
void tap_end_address(const uint8_t mac[static 6], uint8_t ret[static 6]);

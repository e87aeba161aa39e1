/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units of a guest's emulated TPM, vm-tpm@NAME.socket and .service: launcher/verb/tpm.c says how it is
 * run. */

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"

bool tpm_is_emulated(const Conversion *c);

void tpm_write_dependencies(UnitFile *u, const Conversion *c); /* in the guest's [Unit] */

/*
 * The drop-ins 50-guest.conf of both, for a successful conversion of a guest that has such a TPM. 0,
 * -ENOMEM, or an error of unit_file_finish().
 */
int tpm_service_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size);
int tpm_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of org.vmunit.Guest share. */

#include "launcher/command/batch.h"
#include "launcher/control/call.h"

void guest_agent(Call *call, const json_t *parameters);
void guest_query(Call *call, const json_t *parameters);
void guest_execute(Call *call, const json_t *parameters);
void guest_release(Call *call, const json_t *parameters);
void guest_dump(Call *call, const json_t *parameters);

/* Runs the batch, which is taken over, and replies without parameters. */
void guest_run(Call *call, Batch *b);

/* Replies why a batch could not be made or run. */
void guest_refuse(Call *call, int error);

/*
 * The descriptor that the parameter fileDescriptorIndex names, which must be open for writing only, as QEMU
 * demands, and a regular file, so that QEMU never waits for somebody to read; -EBADF with a reply otherwise.
 */
int guest_take_file(Call *call, const json_t *parameters);

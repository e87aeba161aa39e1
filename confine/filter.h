/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the filters of system calls have in common: the one of QEMU, which refuses, and those of vmunit's own
 * processes, which allow. */

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>

#define REFUSE    SCMP_ACT_ERRNO(EPERM)
#define NOT_THERE SCMP_ACT_ERRNO(ENOSYS)
#define INT_MASK  UINT32_MAX

#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

/*
 * A filter that does that with what no rule is for, and refuses the calls of other architectures. 0 or a
 * negative errno; later calls of libseccomp return the kernel's errno instead of -ECANCELED.
 */
int filter_new(uint32_t action, scmp_filter_ctx *ret);
void filter_release(scmp_filter_ctx *filter);

/* The condition that these bits of an argument, counted from 0, have that value. */
struct scmp_arg_cmp filter_bits(int argument, uint32_t mask, uint32_t value);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beginning and the end of each filter of system calls. */

#include "confine/filter.h"

int filter_new(uint32_t action, scmp_filter_ctx *ret)
{
        scmp_filter_ctx filter = seccomp_init(action);
        int r;

        if (!filter)
                return -ENOMEM;
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, REFUSE);
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
        if (r < 0) {
                seccomp_release(filter);
                return r;
        }
        *ret = filter;
        return 0;
}

void filter_release(scmp_filter_ctx *filter)
{
        if (*filter)
                seccomp_release(*filter);
}

struct scmp_arg_cmp filter_bits(int argument, uint32_t mask, uint32_t value)
{
        return (struct scmp_arg_cmp){ (unsigned) argument, SCMP_CMP_MASKED_EQ, mask, value };
}

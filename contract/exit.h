/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs exit with: sysexits(3), with vmunit's meaning of each. */

#include <stdbool.h>
#include <sysexits.h>

#define EXIT_BAD_USAGE EX_USAGE       /* 64: the command line is wrong */
#define EXIT_BAD_GUEST EX_DATAERR     /* 65: the guest's XML has an error */
#define EXIT_NO_GUEST  EX_NOINPUT     /* 66: there is no such guest, or it cannot be read */
#define EXIT_MISSING   EX_UNAVAILABLE /* 69: something needed is missing */
#define EXIT_INTERNAL  EX_SOFTWARE    /* 70: vmunit itself failed */
#define EXIT_OS        EX_OSERR       /* 71: the system said no */
#define EXIT_POLICY    EX_NOPERM      /* 77: policy says no */
#define EXIT_CONFIG    EX_CONFIG      /* 78: vmunit.conf is wrong */

/* Whether the guest is refused for what it is or what the policy says, so that trying again does not help:
 * the units have these in RestartPreventExitStatus=. */
static inline bool exit_is_refusal(int status)
{
        return status == EXIT_BAD_GUEST || status == EXIT_NO_GUEST || status == EXIT_POLICY ||
               status == EXIT_CONFIG;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person wants to know of a running guest in one line: "2 vCPUs, VNC on 127.0.0.1:5900". */

#include "launcher/monitor/monitor.h"

typedef struct Describe Describe;

/* text is borrowed, "" where nothing is known. The description may be freed in this call. */
typedef void (*DescribeDone)(const char *text, void *userdata);

/* argv is QEMU's, and tells what need be asked. done is called later, in any case. */
int describe_new(Monitor *monitor, char *const *argv, DescribeDone done, void *userdata, Describe **ret);
Describe *describe_free(Describe *d); /* returns NULL; done is not called any more */

DEFINE_CLEANUP(Describe, describe_free);

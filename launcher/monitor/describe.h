/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Summarizes a running guest in one line: "2 vCPUs, VNC on 127.0.0.1:5900". */

#include "launcher/monitor/monitor.h"

typedef struct Describe Describe;

/* text is borrowed, "" if nothing is known. The callback may free the Describe. */
typedef void (*DescribeDone)(const char *text, void *userdata);

/* argv is QEMU's, and decides which queries are sent. done is called later, unless this fails. */
int describe_new(Monitor *monitor, char *const *argv, DescribeDone done, void *userdata, Describe **ret);
Describe *describe_free(Describe *d); /* returns NULL; done is no longer called */

DEFINE_CLEANUP(Describe, describe_free);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names of the options of vm-launcher's verbs, without the dashes. The tables of the launcher read them,
 * the generator writes them, and units/ has those of refuse and cleanup. */

/* of several verbs */
#define OPTION_GUEST    "guest"
#define OPTION_UUID     "uuid"
#define OPTION_INSTANCE "instance"

/* of reload, with --instance= */
#define OPTION_RUN "run"

/* of run and serve */
#define OPTION_DEFINITION "definition"

/* of prepare */
#define OPTION_SOURCE          "source"
#define OPTION_CLAIM           "claim"
#define OPTION_MAX_GUESTS      "max-guests"
#define OPTION_TAP             "tap"
#define OPTION_LINK            "link"
#define OPTION_GRANT           "grant"
#define OPTION_GRANT_DEVICE    "grant-device"
#define OPTION_IMAGE           "image"
#define OPTION_CHAIN           "chain"
#define OPTION_USB             "usb"
#define OPTION_PCI             "pci"
#define OPTION_MDEV            "mdev"
#define OPTION_SCSI            "scsi"
#define OPTION_IMAGE_DIRECTORY "image-directory"
#define OPTION_LOG_FILE        "log-file"
#define OPTION_NVRAM_TEMPLATE  "nvram-template"
#define OPTION_NVRAM           "nvram"

/* of run, which has --guest=, --uuid=, --image= and --chain= as well */
#define OPTION_HELPER          "helper"
#define OPTION_ON_POWEROFF     "on-poweroff"
#define OPTION_ON_REBOOT       "on-reboot"
#define OPTION_ON_CRASH        "on-crash"
#define OPTION_WATCHDOG_DUMP   "watchdog-dump"
#define OPTION_SAVE_ON_STOP    "save-on-stop"
#define OPTION_MONITOR         "monitor"
#define OPTION_CONSOLE         "console"
#define OPTION_SOCKET          "socket"
#define OPTION_VNC             "vnc"
#define OPTION_SPICE           "spice"
#define OPTION_FD              "fd"
#define OPTION_TRY_FD          "try-fd"
#define OPTION_PASST           "passt"
#define OPTION_DISPLAY         "display"
#define OPTION_PRIVATE_NETWORK "private-network"
#define OPTION_PEERS           "peers"
#define OPTION_DISK            "disk"
#define OPTION_LINK_DOWN       "link-down"
#define OPTION_BANDWIDTH       "bandwidth"
#define OPTION_BALLOON         "balloon"
#define OPTION_AFFINITY        "affinity"
#define OPTION_SCHEDULER       "scheduler"
#define OPTION_RTC_OFFSET      "rtc-offset"
#define OPTION_ARGUMENT_PATH   "argument-path"

/* of tpm, which also takes --guest= and --uuid= */
#define OPTION_VERSION        "version"
#define OPTION_PCR_BANKS      "pcr-banks"
#define OPTION_PROFILE        "profile"
#define OPTION_PROFILE_REMOVE "profile-remove"
#define OPTION_LOG_LEVEL      "log-level"
#define OPTION_KEY            "key"
#define OPTION_STATE_DIR      "state-dir"
#define OPTION_STATE_FILE     "state-file"

/* of refuse */
#define OPTION_EXIT "exit"

/* of cleanup */
#define OPTION_STALE "stale"

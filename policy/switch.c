/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of what administrators can switch off. The costs are claims about the units of running guests:
 * `vmctl policy` prints them, and a system test holds them against the processes. A capability that is
 * needed by several functions is listed for each, and is gone when none of them is used.
 */

#include "policy/switch.h"

#include <stddef.h>

#define GUEST   "vm@.service"
#define HELPER  "vm-helper@.service"
#define CLEANUP "vm-helper@.socket" /* its ExecStopPost= */

#define CAPABILITY(unit, what)                     \
        {                                          \
                POLICY_COST_CAPABILITY, unit, what \
        }
#define DEVICE(unit, what)                     \
        {                                      \
                POLICY_COST_DEVICE, unit, what \
        }
#define CALL(what)                                   \
        {                                            \
                POLICY_COST_SYSTEM_CALL, GUEST, what \
        }
#define SETTING(what)                            \
        {                                        \
                POLICY_COST_SETTING, GUEST, what \
        }

const char *const policy_cost_words[] = { "capability", "device", "system call", "setting", NULL };

const PolicySwitchInfo policy_switches[POLICY_SWITCHES] = {
        [POLICY_TAP] = { .key = "AllowTap",
                         .forbids = "TAP devices",
                         .costs = { CAPABILITY(HELPER, "CAP_NET_ADMIN") } },
        [POLICY_MACVTAP] = { .key = "AllowMacvtap",
                             .forbids = "macvtap devices",
                             .costs = { CAPABILITY(HELPER, "CAP_NET_ADMIN"), CAPABILITY(HELPER, "CAP_MKNOD"),
                                        CAPABILITY(CLEANUP, "CAP_NET_ADMIN") } },
        [POLICY_CHOWN] = { .key = "AllowChown",
                           .forbids = "changing the owner or the access control list of files for guests, "
                                      "which files and devices that QEMU opens by their paths require",
                           .system_only = true,
                           .costs = { CAPABILITY(HELPER, "CAP_CHOWN"), CAPABILITY(HELPER, "CAP_FOWNER"),
                                      CAPABILITY(CLEANUP, "CAP_CHOWN"), CAPABILITY(CLEANUP, "CAP_FOWNER"),
                                      CAPABILITY(CLEANUP, "CAP_DAC_READ_SEARCH") } },
        [POLICY_RAW_IO] = { .key = "AllowRawIO",
                            .forbids = "SCSI commands from guests to disks of the host" },
        [POLICY_HOST_DEVICES] = { .key = "AllowHostDevices",
                                  .forbids = "passing devices of the host to guests",
                                  .off_for_users = true,
                                  .costs = { SETTING("DeviceAllow=DEVICE") } },
        [POLICY_PCI] = { .key = "AllowPCI",
                         .forbids = "passing PCI devices of the host to guests",
                         .costs = { DEVICE(GUEST, "/dev/vfio/vfio"), DEVICE(GUEST, "char-vfio"),
                                    CAPABILITY(HELPER, "CAP_NET_ADMIN"),
                                    CAPABILITY(CLEANUP, "CAP_NET_ADMIN") } },
        [POLICY_USB] = { .key = "AllowUSB",
                         .forbids = "passing USB devices of the host to guests",
                         .costs = { DEVICE(GUEST, "char-usb_device") } },
        [POLICY_MEDIATED_DEVICES] = { .key = "AllowMediatedDevices",
                                      .forbids = "passing mediated devices of the host to guests",
                                      .costs = { DEVICE(GUEST, "/dev/vfio/vfio"),
                                                 DEVICE(GUEST, "char-vfio") } },
        [POLICY_SCSI] = { .key = "AllowSCSI",
                          .forbids = "passing SCSI devices of the host to guests",
                          .costs = { DEVICE(GUEST, "char-sg"), DEVICE(GUEST, "/dev/vhost-scsi") } },
        [POLICY_LOCKED_MEMORY] = { .key = "AllowLockedMemory",
                                   .forbids = "locking memory of the host",
                                   .costs = { SETTING("LimitMEMLOCK=infinity") } },
        [POLICY_REAL_TIME] = { .key = "AllowRealTime",
                               .forbids = "real-time scheduling",
                               .costs = { CALL("sched_setscheduler"), SETTING("RestrictRealtime=no"),
                                          SETTING("LimitRTPRIO=PRIORITY") } },
        [POLICY_HOST_DIRECTORIES] = { .key = "AllowHostDirectories",
                                      .forbids = "sharing directories of the host with guests",
                                      .costs = { SETTING("BindPaths=DIRECTORY") } },
        [POLICY_HOST_KERNEL] = { .key = "AllowHostKernel",
                                 .forbids = "kernels, initial RAM disks, device trees and firmware that are "
                                            "not in /usr/share",
                                 .costs = { SETTING("BindReadOnlyPaths=FILE") } },
        [POLICY_TCP_LISTENING] = { .key = "AllowTCPListening",
                                   .forbids = "listening on TCP and UDP ports of the host",
                                   .costs = { SETTING("SocketBindAllow=PORT") } },
        [POLICY_QEMU_COMMANDLINE] = { .key = "AllowQemuCommandline",
                                      .forbids = "arguments and properties of QEMU that vmunit does not "
                                                 "interpret",
                                      .costs = { CALL("inotify_init"), CALL("inotify_init1"),
                                                 CALL("memfd_create"), SETTING("ReadOnlyPaths=") } },
        [POLICY_PROGRAMS] = { .key = "AllowPrograms",
                              .forbids = "programs other than the distribution's QEMU",
                              .costs = { CALL("capset"), CALL("mount"), CALL("pivot_root"), CALL("setuid"),
                                         CALL("umount2"),
                                         SETTING("RestrictNamespaces=ipc mnt net pid user uts"),
                                         SETTING("RestrictAddressFamilies=AF_NETLINK") } },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much of the launcher a guest, its QEMU or a user may consume. A compromised QEMU can still harm its
 * own guest, since it runs as the launcher's user. But the launcher stays alive to report that and to kill
 * QEMU, and the journal stays readable.
 */

#define MONITOR_MESSAGE_MAX  (4U << 20)   /* bytes in one message; QEMU's largest are schemas of 300 KiB */
#define MONITOR_OUTPUT_MAX   (1U << 20)   /* bytes not yet read by QEMU */
#define MONITOR_COMMANDS_MAX 64U          /* commands without a reply yet */
#define AGENT_MESSAGE_MAX    (512U << 10) /* bytes in one answer of the guest agent */
#define AGENT_REQUESTS_MAX   32U          /* commands for it that wait */
#define CONTROL_MESSAGE_MAX  (64U << 10)  /* bytes in one call */
#define CONTROL_OUTPUT_MAX   (1U << 20)   /* bytes not yet read by a client; above, it is dropped */
#define CONTROL_CALLERS_MAX  16U
#define CONTROL_STEPS_MAX    64U          /* commands in one batch */
#define HELD_STEPS_MAX       256U         /* steps that one client's connection holds */
#define STILL_SECONDS_MAX    30U          /* that a guest stands still for a client */
#define JOB_PATIENCE         60U          /* seconds for a job of QEMU's to end after it was cancelled */
#define CONTROL_KEYS_MAX     16U          /* pressed at once */
#define CHANNEL_FDS_MAX      64U          /* descriptors in one message; a client sends one call at a time */
#define CONSOLE_LINE_MAX     2048U        /* bytes of a line in the journal; the rest is cut off */
#define CONSOLE_BACKLOG      (64U << 10)  /* bytes of earlier output shown to a client that attaches */
#define CONSOLE_OUTPUT_MAX   (256U << 10) /* bytes not yet read by a client; above, it is dropped */
#define CONSOLE_INPUT_MAX    (16U << 10)  /* bytes not yet read by the guest; then input is not read */
#define CONSOLE_ATTACHED_MAX 8U           /* on each console */
#define CONSOLES_MAX         64U
#define PASSTS_MAX           24U
#define CLIENTS_PENDING_MAX  16U  /* of SPICE, that QEMU has not taken over yet */
#define SOCKETS_MAX          256U /* on which QEMU listens, made by the launcher */

/*
 * journald accepts 10,000 messages in 30 s from a unit and drops the rest, whatever they say. All consoles
 * of a guest together get less than half of that, so that there is always room for the launcher's own
 * messages.
 */
#define CONSOLE_RATE_SECONDS 10U
#define CONSOLE_RATE_LINES   1500U
#define CONSOLE_RATE_BYTES   (512U << 10)
#define EVENT_RATE_SECONDS   10U
#define EVENT_RATE_EVENTS    200U
#define COMPLAINTS_BYTES     65536U /* of QEMU's errors, at that rate */

#define EVENT_VALUE_MAX            256U   /* bytes of a value from QEMU, in a journal field or a message */
#define EVENT_DATA_MAX             4096U  /* bytes of an unknown event, in a journal field */
#define QEMU_DESCRIPTORS_MAX       65536U /* that QEMU can have open */
#define QEMU_ALONE_DESCRIPTORS_MAX 32768U /* the same for one that passes none to other programs */
#define FD_NUMBER_MAX              4000U  /* the highest descriptor number in QEMU */
#define CHAIN_DEPTH_MAX            64U /* backing files of one disk; FileDescriptorStoreMax= allows for them */
#define CORE_DUMPS_MAX             3U /* of one guest; further ones are not written */

/* What one start of a guest may request from root. */
#define TAPS_MAX              64U
#define LINKS_MAX             PASSTS_MAX /* interfaces that passt uses */
#define TAP_QUEUES_MAX        256U       /* of one TAP: the kernel's limit */
#define BROKER_QUEUES_MAX     16U  /* of one TAP of the broker's: descriptors in one message on the bus */
#define ALIAS_MAX             127U /* characters of a device's alias in the XML */
#define ID_MAX                (ALIAS_MAX + 8U) /* an alias, and what a name of something behind the device adds */
#define STORAGES_MAX          32U /* disks that clients of the control socket have added to a guest */
#define STORAGE_NAME_MAX      255U
#define UNPLUG_PATIENCE       5U /* seconds for a guest to let go of a device before a reload ends without */
#define TAP_PATIENCE          2000U /* milliseconds for a TAP of the guest's previous run to disappear */
#define ERRAND_PATIENCE       20U   /* seconds for one reply of the child running as the guest's user */
#define REGISTER_PATIENCE     10U   /* seconds for machined to register a guest that is starting */
#define HELPER_PATIENCE       10U   /* seconds that a helper waits for its guest's launcher to call */
#define CLAIMS_MAX            256U
#define ARGUMENT_PATHS_MAX    64U /* that <qemu:arg> names, and whose failure is explained */
#define GRANTS_MAX            256U
#define HOST_DEVICES_MAX      64U   /* of each kind */
#define USER_GROUPS_MAX       1024U /* of a guest's user; above, only the primary group is used */
#define IMAGES_MAX            256U
#define CHAINS_MAX            256U
#define IMAGE_DIRECTORIES_MAX 64U
#define LOG_FILES_MAX         64U
#define PATH_LINKS_MAX        40U   /* symbolic links on the way to one file, as in the kernel */
#define STORED_MAX            2048U /* descriptors in systemd's store; TAPS_MAX times 2 queues and more */
#define NVRAM_SIZE_MAX        (64U << 20)  /* bytes of firmware variables */
#define UNDO_SIZE_MAX         (64U << 10)  /* bytes of the undo log of one guest */
#define SOURCE_SIZE_MAX       (16U << 20)  /* bytes of a guest's XML that are hashed */
#define ARGUMENTS_SIZE_MAX    (2U << 20)   /* bytes of a guest's command line; systemd reads 1 MiB */
#define PREPARED_SIZE_MAX     (1U << 20)   /* bytes of the note that prepare leaves for its next run */
#define RECORD_SIZE_MAX       (256U << 10) /* bytes of one record */
#define RECORDS_ASIDE_MAX     100U         /* records of replaced files, for one name */
#define RECORD_HOLDERS_MAX    1024U        /* guests that share one file */
#define QCOW2_HEADER_MAX      (64U << 10)  /* bytes of an image that are read; QEMU writes less than 1 KiB */

/* The MTUs that the kernel accepts for a TAP device. XML, launcher and broker refuse any other. */
#define MTU_MIN 68U    /* the least that IPv4 requires */
#define MTU_MAX 65521U /* 65535 minus the Ethernet header */

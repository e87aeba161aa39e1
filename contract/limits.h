/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much of the launcher a guest, its QEMU or a user may use up. A guest may have taken its QEMU over, and
 * QEMU's user is the launcher's own: nothing here keeps such a QEMU from harm to itself, but the launcher
 * stays alive to report and to end it, and the journal stays readable.
 */

#define MONITOR_MESSAGE_MAX  (4U << 20)   /* bytes in one message; QEMU's largest are schemas of 300 KiB */
#define MONITOR_OUTPUT_MAX   (1U << 20)   /* bytes that wait for QEMU to read them */
#define MONITOR_COMMANDS_MAX 64U          /* commands that wait for an answer */
#define CONTROL_MESSAGE_MAX  (64U << 10)  /* bytes in one call */
#define CONTROL_OUTPUT_MAX   (256U << 10) /* bytes that wait for a caller to read them, then he is dropped */
#define CONTROL_CALLERS_MAX  16U
#define CONSOLE_LINE_MAX     2048U        /* bytes of a line in the journal, then it is cut */
#define CONSOLE_BACKLOG      (64U << 10)  /* bytes that who attaches gets to see of what was before */
#define CONSOLE_OUTPUT_MAX   (256U << 10) /* bytes that wait for one who is attached, then he is dropped */
#define CONSOLE_INPUT_MAX    (16U << 10)  /* bytes that wait for the guest; then no typing is read */
#define CONSOLE_ATTACHED_MAX 8U           /* on each console */
#define CONSOLES_MAX         64U
#define PASSTS_MAX           24U

/*
 * journald takes 10,000 messages in 30 s from a unit and drops the rest, whatever they say; less than half
 * of that is for the consoles of a guest together, so that what the launcher has to say itself always finds
 * room.
 */
#define CONSOLE_RATE_SECONDS 10U
#define CONSOLE_RATE_LINES   1500U
#define CONSOLE_RATE_BYTES   (512U << 10)
#define EVENT_RATE_SECONDS   10U
#define EVENT_RATE_EVENTS    200U

#define EVENT_VALUE_MAX 256U  /* bytes of a value of QEMU's in a journal field or in a text */
#define EVENT_DATA_MAX  4096U /* bytes of an event that nobody knows, in a journal field */
#define FD_NUMBER_MAX   4000U /* the highest number that a descriptor of QEMU's may be given */
#define CHAIN_DEPTH_MAX 64U   /* images behind one disk; there is room in systemd's store for as many */
#define CORE_DUMPS_MAX  3U    /* dumps of a guest that are kept; no further one is made */

/* What one start of a guest may ask of root. */
#define TAPS_MAX              64U
#define TAP_QUEUES_MAX        256U  /* of one TAP; the kernel has no more */
#define TAP_PATIENCE          2000U /* milliseconds for a TAP that a guest's last life held to go away */
#define ERRAND_PATIENCE       20U   /* seconds for one answer of the child that is the guest's user */
#define GRANTS_MAX            256U
#define HOST_DEVICES_MAX      64U   /* of each kind */
#define USER_GROUPS_MAX       1024U /* groups of a guest's user; of one with more only its own is taken */
#define CHAINS_MAX            256U
#define IMAGE_DIRECTORIES_MAX 64U
#define LOG_FILES_MAX         64U
#define PATH_LINKS_MAX        40U   /* symbolic links on the way to one file, as the kernel has it */
#define STORED_MAX            2048U /* descriptors in systemd's store; TAPS_MAX times 2 queues and more */
#define NVRAM_SIZE_MAX        (64U << 20)  /* bytes of a firmware's variables */
#define UNDO_SIZE_MAX         (64U << 10)  /* bytes of what is remembered to be undone after one guest */
#define SOURCE_SIZE_MAX       (16U << 20)  /* bytes of a guest's XML, to be hashed */
#define PREPARED_SIZE_MAX     (256U << 10) /* bytes of what prepare notes for its next run */
#define RECORD_SIZE_MAX       (256U << 10) /* bytes of what is remembered about one file that was handed out */
#define RECORDS_ASIDE_MAX     100U         /* records of files that others took the place of, of one name */
#define RECORD_HOLDERS_MAX    1024U        /* guests that share one file */
#define QCOW2_HEADER_MAX      (64U << 10) /* bytes of an image that are looked at; QEMU writes under 1 KiB */

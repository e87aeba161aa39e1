/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs for a guest that runs: how each is called and what it does. */

#include "cli/cli.h"

#define ANY (-1)

const Verb running_verbs[] = {
        { "console",
          "NAME",
          "connect to the guest's serial console",
          "Shows the first serial console of a running guest and types on it. Ctrl-] disconnects.\n"
          "Exit status 69 means that the guest has ended, or does not run.\n",
          { NULL },
          1,
          1,
          verb_console },
        { "view",
          "[--print] NAME",
          "open a viewer on the guest's screen",
          "Opens vncviewer (VNC) or remote-viewer (SPICE) on the screen of a running guest. The viewer is\n"
          "connected through a file descriptor, so that the guest need not listen anywhere.\n\n"
          "  --print    print the address where the guest listens, and open nothing\n",
          { "print" },
          1,
          1,
          verb_view },
        { "pause",
          "NAME",
          "pause a running guest",
          "Stops the guest's virtual processors. vmctl resume lets it continue.\n",
          { NULL },
          1,
          1,
          verb_pause },
        { "resume",
          "NAME",
          "let a stopped guest continue",
          "Lets a guest continue that is paused, sleeps, or was stopped by a disk error or its watchdog.\n"
          "Remove the cause first, for example free space for its disk. Fails where the guest does not\n"
          "run a moment later, and says why.\n",
          { NULL },
          1,
          1,
          verb_resume },
        { "reset",
          "NAME",
          "reset a guest, as by its reset button",
          "Resets the guest without a warning to it; data that it has not written yet is lost.\n"
          "For a reboot in order: systemctl restart vm@NAME, or machinectl reboot NAME.\n",
          { NULL },
          1,
          1,
          verb_reset },
        { "kill",
          "NAME",
          "turn a guest off hard",
          "Ends the guest at once, as by pulling the plug, and waits until it is gone. Its unit is then\n"
          "inactive and not failed. To let it power off in order: systemctl stop vm@NAME.\n",
          { NULL },
          1,
          1,
          verb_kill },
        { "save",
          "[--discard] NAME",
          "save a guest, for its next start to restore",
          "Writes the guest's memory and the state of its devices to its state directory and ends it. Its\n"
          "unit is then inactive, and its next start goes on where it was. A guest that cannot be saved "
          "goes\n"
          "on; so does one if this command is interrupted.\n\n"
          "  --discard  give up what was saved of a guest that is off: its next start begins afresh\n",
          { "discard" },
          1,
          1,
          verb_save },
        { "nmi",
          "NAME",
          "send the guest a non-maskable interrupt",
          "Most operating systems then crash and write a dump, if that is configured.\n",
          { NULL },
          1,
          1,
          verb_nmi },
        { "send-key",
          "NAME KEY...",
          "press keys on the guest's keyboard",
          "Presses one key after the other. Keys that are joined by + are pressed together, for example\n"
          "ctrl+alt+delete. The names are those of QEMU's QKeyCode.\n",
          { NULL },
          2,
          ANY,
          verb_send_key },
        { "info",
          "[--json] NAME",
          "show what a running guest is and does",
          "Prints the guest's status, QEMU's version, vCPUs, memory, disks and jobs.\n\n"
          "  --json     print QEMU's answers as JSON\n",
          { "json" },
          1,
          1,
          verb_info },
        { "stats",
          "[--json] NAME",
          "print counters of a running guest",
          "Prints the time of vCPUs, memory, and what disks and network cards have transferred, one\n"
          "KEY=VALUE a line. Disks have their aliases as names, network cards the host's TAP devices;\n"
          "received is what the guest received.\n\n"
          "  --json     print JSON\n",
          { "json" },
          1,
          1,
          verb_stats },
        { "top",
          "",
          "show what running guests use of the host",
          "Shows CPU time (100 is one processor) and memory of the running guests, every second until q is\n"
          "pressed. Without a terminal it prints one table, over one second.\n",
          { NULL },
          0,
          0,
          verb_top },
        { "address",
          "[--json] NAME",
          "print a guest's IP addresses",
          "Asks the guest agent, and if none answers, the host's neighbour table.\n\n"
          "  --json     print JSON\n",
          { "json" },
          1,
          1,
          verb_address },
        { "backup",
          "[OPTION...] NAME [DIRECTORY]",
          "copy the disks of a running guest",
          "Copies all disks as they are at one moment into DIRECTORY, as TARGET.qcow2, or with a "
          "checkpoint\n"
          "as TARGET.CHECKPOINT.qcow2. A checkpoint remembers what is written from then on, so that a "
          "later\n"
          "backup can copy only that. Prints the files.\n\n"
          "  --disk=TARGET         copy this disk; may be repeated\n"
          "  --checkpoint=NAME     begin a checkpoint\n"
          "  --since=CHECKPOINT    copy what was written since, into files that build on that backup's\n"
          "  --pull=SOCKET         write no files, but offer the disks over NBD on a UNIX socket: until "
          "Enter\n"
          "                        is pressed, or while the command after NAME and -- runs\n"
          "  --list                print the checkpoints of the disks\n"
          "  --delete=CHECKPOINT   remove a checkpoint from all disks\n",
          { "list" },
          1,
          ANY,
          verb_backup,
          { "disk=", "checkpoint=", "since=", "pull=", "delete=" } },
        { "screenshot",
          "NAME FILE",
          "write a picture of the guest's screen",
          "Writes PNG if the file's name ends in .png, otherwise PPM. Only the caller can read the file.\n",
          { NULL },
          2,
          2,
          verb_screenshot },
        { "dump",
          "NAME FILE",
          "write the guest's memory to a file",
          "Writes an ELF file for crash(8) and gdb. The guest is paused meanwhile. Only the caller can "
          "read\n"
          "the file.\n",
          { NULL },
          2,
          2,
          verb_dump },
        { "events",
          "[--json] NAME",
          "print the guest's events as they come",
          "Prints an event of QEMU a line, with the time and its data, until the guest ends.\n\n"
          "  --json     print an object a line\n",
          { "json" },
          1,
          1,
          verb_events },
        { "agent",
          "NAME COMMAND [JSON]",
          "give the guest agent a command",
          "Prints the agent's answer as JSON, for example: vmctl agent NAME guest-get-host-name\n",
          { NULL },
          2,
          3,
          verb_agent },
        { "qmp",
          "NAME [COMMAND [JSON]]",
          "give QEMU a command",
          "Prints QEMU's answer as JSON, for example: vmctl qmp NAME query-status\n"
          "Without a command, standard input and output are a monitor. Commands for which there is a verb,\n"
          "such as stop and quit, are refused.\n",
          { NULL },
          1,
          3,
          verb_qmp },
};

const size_t n_running_verbs = ELEMENTS(running_verbs);

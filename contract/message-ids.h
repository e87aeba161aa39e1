/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The MESSAGE_ID of each kind of journal entry about a guest. Fixed for good: programs ask the journal for
 * them. What each means to an administrator is in units/vmunit.catalog.
 */

#define MESSAGE_ID_STARTED         "48e9a216fb98410a9b5cd36dc804f554" /* the guest runs */
#define MESSAGE_ID_ENDED           "be37f5befe6d47a5a09ab3d657f71357" /* the guest is off, as was wanted */
#define MESSAGE_ID_SHUTDOWN        "23edcc3993734f9ba5c7e374174e71aa" /* QEMU's machine went off */
#define MESSAGE_ID_POWERDOWN       "bae084ceaa134e97bfbbef0d12e798dd" /* the power button was pressed */
#define MESSAGE_ID_RESET           "1a2d1a369a144a5d8d9f46651e2e89e6" /* the machine was reset */
#define MESSAGE_ID_PAUSED          "a5328e079d844706984753bcb7f21c5f" /* the virtual processors stopped */
#define MESSAGE_ID_RESUMED         "6b290388093e445da7f5b1073e8e8a1a" /* they go on */
#define MESSAGE_ID_SUSPENDED       "118770d3aba64949b2fefa81f7f5bfaf" /* the guest sleeps */
#define MESSAGE_ID_WOKEN           "7d14ed432c1745f087041d4514009bc7" /* it was woken */
#define MESSAGE_ID_PANICKED        "889b7f4c800944babc838933960eb3eb" /* the guest crashed */
#define MESSAGE_ID_CRASH_KERNEL    "89305509e6dd46488123283e4a3b9ebe" /* its crash kernel runs */
#define MESSAGE_ID_IO_ERROR        "4527968d151c4b6a98211358e845b019" /* a disk failed */
#define MESSAGE_ID_IMAGE_CORRUPTED "a69b5ded9e12420e9730e4359c543fd0" /* a disk image is damaged */
#define MESSAGE_ID_WATCHDOG        "1aacb29b7e8e41cc9fc1a48e9cb0b8d7" /* the guest's watchdog ran out */
#define MESSAGE_ID_DEVICE_DELETED  "b0182faad072427caad08097887dcf88" /* the guest let go of a device */
#define MESSAGE_ID_MEMORY_FAILURE  "4961990d267f4d379925224deca98152" /* memory of the host failed */
#define MESSAGE_ID_AGENT           "22e1f984e94b415abec4cb6b71a93119" /* a guest agent came or went */
#define MESSAGE_ID_QEMU_FAILED     "d0a6a3c6b3cb4b1092ab040b9b353b5a" /* QEMU ended by itself */
#define MESSAGE_ID_DUMPED          "0f60d2b7eda240f0affe19d429353491" /* its memory is in a file */
#define MESSAGE_ID_BLOCK_JOB       "e7437e3cebfd43fe89ad4b02f4b3b235" /* a copy of a disk ended, or failed */
#define MESSAGE_ID_DISK_TRAY       "d58d13355d64405a93bbba340c3a4de2" /* a drive's tray moved */
#define MESSAGE_ID_CLIENT          "12007178e37e4d088e707b5b080a513a" /* a client of its screen */
#define MESSAGE_ID_WAITING         "d01781d4673247959dfaad6a40f6c287" /* it has not powered off yet */
#define MESSAGE_ID_GIVEN_UP        "af4dce346cb44930b2d86d9e501511ab" /* ended without a power-down */
#define MESSAGE_ID_NETWORK_LOST    "3380a2c077ef41b78fb3613fb817b59f" /* what connected a card has ended */
#define MESSAGE_ID_SUPPRESSED      "119e39fd1a4944c98b9adffa54b6d195" /* what was too much */
#define MESSAGE_ID_BALLOON         "c795a141041043dd808d7b6f01edf3b4" /* the guest's memory has another size */
#define MESSAGE_ID_MIGRATION       "7a337f3d915d4adf8e3cf0092a251a70" /* it goes elsewhere, or a step of that */
#define MESSAGE_ID_CHANGED         "5d3b0d1c5f6f4b1c9d2f2d6f0c8e7a41" /* a guest that runs was changed */
#define MESSAGE_ID_NEEDS_GUEST     "c1f5a0e49b0c4c53a3f2e5b6b4a7d9f2" /* it still uses what is to be removed */
#define MESSAGE_ID_NEEDS_RESTART   "0b7e9c7d6a524c8e8f3a1d5e4c2b6f90" /* a change waits for a restart */
#define MESSAGE_ID_SAVED           "2f6a1b0de5cb4b52a0ab64a8fca6c3d7" /* it is in a file, and off */
#define MESSAGE_ID_NOT_SAVED       "8d1c2be3fd7f4c5b9a60cf1f2f0b7e14" /* it could not be saved, and goes on */
#define MESSAGE_ID_RESTORED        "b7a9d3c86e0f4f3c8d2757d0a4e91c65" /* it goes on where it was saved */
#define MESSAGE_ID_NOT_RESTORED    "e40c7a5f19d8466a8c3b92d51f6ab08e" /* its saved state was refused */
#define MESSAGE_ID_OTHER           "70161ded21ea472b8485bd8d612bf8e7" /* any other event */

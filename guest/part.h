/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A part of the guest as a whole (its CPUs, its memory, its clock): what a device kind is for a device. */

#include "guest/guest.h"

typedef struct Plan Plan;

typedef struct GuestPart {
        size_t size, offset; /* of the part's own struct, and of the pointer to it in Guest; 0 for none */

        void (*read)(Guest *g);
        void (*complete)(Guest *g);    /* fills in defaults */
        void (*check)(const Guest *g); /* what only the whole guest, with its addresses, can tell */
        void (*build)(const Guest *g, Plan *p);
        void (*build_last)(const Guest *g, Plan *p); /* after the devices, the last part first */
} GuestPart;

/* The head of a part's definition: its struct, and the member of Guest. */
#define GUEST_PART(type, member) .size = sizeof(type), .offset = offsetof(Guest, member)

/*
 * A part's struct, to write to. It takes a guest that is not const, so the compiler refuses it in a check
 * and in a build, which must not change the guest. Everything else reads the part through Guest's const
 * pointer.
 */
#define guest_own(g, member) guest_own_##member(g)

#define OWN(Type, member)                                    \
        static inline Type *guest_own_##member(Guest *guest) \
        {                                                    \
                return (Type *) guest->member;               \
        }
OWN(General, general)
OWN(Os, os)
OWN(Firmware, firmware)
OWN(Cpu, cpu)
OWN(Memory, memory)
OWN(Numa, numa)
OWN(Features, features)
OWN(Clock, clock)
OWN(Tuning, tuning)
OWN(Sysinfo, sysinfo)
OWN(Labels, labels)
OWN(LaunchSecurity, launch_security)
OWN(QemuNamespace, qemu_namespace)
OWN(Iothreads, iothreads)
OWN(VmunitNamespace, vmunit_namespace)
#undef OWN

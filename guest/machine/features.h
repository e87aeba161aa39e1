/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <features>: what the machine and its CPUs can do beyond their type and model. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

/* Who emulates the I/O APIC: <ioapic driver=>. */
typedef enum Ioapic {
        IOAPIC_DEFAULT,
        IOAPIC_KVM,
        IOAPIC_QEMU,
} Ioapic;

#define HYPERV_STATES_MAX 16

typedef struct Hyperv {
        int mode;
        Tristate states[HYPERV_STATES_MAX]; /* by the rows of features.c */
        Tristate spinlocks, vendor, stimer, stimer_direct, tlbflush, tlbflush_direct, tlbflush_extended;
        Number retries;
        const char *vendor_id;
} Hyperv;

typedef struct Features {
        bool acpi, apic, hyperv_present;
        Tristate apic_eoi, pmu, pvspinlock, vmport, smm, ps2, ras;
        Tristate vmcoreinfo;
        Number tseg;
        int ioapic; /* Ioapic */
        int gic;
        Tristate kvm_hidden, kvm_dedicated, kvm_poll_control, kvm_pv_ipi, kvm_dirty_ring;
        Number kvm_dirty_ring_size;
        Number tcg_tb_cache;
        Hyperv hyperv;
        Place place;
} Features;

void features_machine(const Guest *g, Props *machine);
void features_accelerator(const Guest *g, Props *accelerator);
void features_cpu(const Guest *g, Props *cpu);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The PCI buses of a guest while its devices are placed: what each accepts, and which addresses are taken.
 *
 * Each PCI controller offers one bus; its number is the controller's index.
 */

#include "guest/device.h"

/* In the order of <controller type='pci' model=>'s words; see device/controller/pci.c. */
typedef enum PciModel {
        PCI_NO_MODEL,
        PCI_ROOT,
        PCI_EXPRESS_ROOT,
        PCI_MODEL_BRIDGE,
        PCI_MODEL_DMI_BRIDGE,
        PCI_MODEL_EXPRESS_BRIDGE,
        PCI_MODEL_ROOT_PORT,
        PCI_MODEL_UPSTREAM_PORT,
        PCI_MODEL_DOWNSTREAM_PORT,
        PCI_MODEL_EXPANDER,
        PCI_MODEL_EXPRESS_EXPANDER,
        PCI_N_MODELS,
} PciModel;

/* <controller type='pci' model=>. */
const char *pci_model_word(PciModel model);

/* The kind of slot that such a controller needs (PciWant); 0 for the roots. */
unsigned pci_model_wants(PciModel model);

#define PCI_SLOTS     32
#define PCI_FUNCTIONS 8
#define PCI_BUSES_MAX 256

typedef struct PciSlot {
        const Device *users[PCI_FUNCTIONS]; /* the machine's own devices are &pci_built_in */
        bool shared;                        /* others of its first user's kind may use the other functions */
} PciSlot;

typedef struct PciBus {
        PciModel model;
        unsigned accepts; /* PciWant bits */
        bool automatic;   /* devices without an address may be placed here */
        unsigned first, last;
        PciSlot slots[PCI_SLOTS];
} PciBus;

typedef struct PciBuses {
        Guest *guest;
        PciBus *buses;
        unsigned n;
        bool growing; /* adds buses if none has room */
} PciBuses;

extern const Device pci_built_in;

void pci_buses_done(PciBuses *b);

/* Adds buses up to the number n; they have no model yet. False if out of memory or bus numbers. */
bool pci_buses_extend(PciBuses *b, unsigned n);

void pci_bus_set_model(PciBus *bus, PciModel model);

bool pci_bus_is_full(const PciBus *bus);
bool pci_slot_is_used(const PciBuses *b, unsigned bus, unsigned slot);

/*
 * Reserves the address for user (&pci_built_in: the machine itself), which needs such a slot (PciWant).
 * from_xml: the XML sets the address, which may mix conventional and express. A growing search may change
 * the bus of *a. False if it is not possible, with an error at the place of user or of <devices>.
 */
bool pci_buses_take(PciBuses *b, Address *a, unsigned wants, const Device *user, bool from_xml);

/* Finds a free address for user and reserves it. function: the required one, or PCI_ANY_FUNCTION. */
bool pci_take_next(PciBuses *b, unsigned wants, const Device *user, unsigned function, Address *ret);

#define PCI_ANY_FUNCTION UINT32_MAX

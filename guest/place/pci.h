/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The PCI buses of a guest while its devices are placed: what each accepts, and what of it is taken.
 *
 * A bus is what a PCI controller offers; its number is the controller's index.
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

/* What slot such a controller itself wants (PciWant); 0 for the roots. */
unsigned pci_model_wants(PciModel model);

#define PCI_SLOTS     32
#define PCI_FUNCTIONS 8
#define PCI_BUSES_MAX 256

typedef struct PciSlot {
        const Device *users[PCI_FUNCTIONS]; /* the machine's own devices are &pci_built_in */
        bool shared; /* its first user lets others of its kind have the further functions */
} PciSlot;

typedef struct PciBus {
        PciModel model;
        unsigned accepts; /* PciWant bits */
        bool automatic;   /* devices may be placed here unasked */
        unsigned first, last;
        PciSlot slots[PCI_SLOTS];
} PciBus;

typedef struct PciBuses {
        Guest *guest;
        PciBus *buses;
        unsigned n;
        bool growing; /* adds buses where none has room; only then */
} PciBuses;

extern const Device pci_built_in;

void pci_buses_done(PciBuses *b);

/* Adds buses up to the number n; they have no model yet. Whether there was memory, and bus numbers, for
 * them. */
bool pci_buses_extend(PciBuses *b, unsigned n);

void pci_bus_set_model(PciBus *bus, PciModel model);

bool pci_bus_is_full(const PciBus *bus);
bool pci_slot_is_used(const PciBuses *b, unsigned bus, unsigned slot);

/*
 * Takes the address for user (&pci_built_in: the machine itself), which wants (PciWant) such a slot.
 * from_xml: the address is the XML's own, which may mix conventional and express. A growing search may have
 * to move the bus of *a on. False where it cannot be; an error at the user's place (or that of <devices>)
 * says why.
 */
bool pci_buses_take(PciBuses *b, Address *a, unsigned wants, const Device *user, bool from_xml);

/* Finds a free address for user and takes it. function: the one that it must be, or PCI_ANY_FUNCTION. */
bool pci_take_next(PciBuses *b, unsigned wants, const Device *user, unsigned function, Address *ret);

#define PCI_ANY_FUNCTION UINT32_MAX

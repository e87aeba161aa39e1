/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest: what its XML says, completed by the conversion (generator/convert/phases.h). */

#include "guest/device.h"
#include "guest/settings.h"
#include "guest/xml/xml.h"
#include "util/findings.h"
#include "util/ownership.h"

/* The parts of a guest as a whole; each is defined in the header of its file. */
typedef struct General General;
typedef struct Os Os;
typedef struct Firmware Firmware;
typedef struct Cpu Cpu;
typedef struct Memory Memory;
typedef struct Numa Numa;
typedef struct Features Features;
typedef struct Clock Clock;
typedef struct Tuning Tuning;
typedef struct Sysinfo Sysinfo;
typedef struct Labels Labels;
typedef struct LaunchSecurity LaunchSecurity;
typedef struct QemuNamespace QemuNamespace;
typedef struct Iothreads Iothreads;
typedef struct VmunitNamespace VmunitNamespace;
typedef struct Identity Identity;
typedef struct KeptAddresses KeptAddresses;

#define GUEST_DEVICES_MAX 4096 /* in the XML; placing them takes quadratic time */

struct Guest {
        const char *file;
        Findings *findings;
        const Settings *settings;
        XmlElement *xml;
        int status;    /* 0 or -ENOMEM; checked once at the end */
        Strings texts; /* owns what guest_text() and guest_zeroed() returned */

        /* Whole-guest parts, one file and one row of guest/parts.h each; never NULL. Read and
         * complete change them through guest_own() of guest/part.h. */
        const General *general;
        const Os *os;
        const Firmware *firmware;
        const Cpu *cpu;
        const Memory *memory;
        const Numa *numa;
        const Features *features;
        const Clock *clock;
        const Tuning *tuning;
        const Sysinfo *sysinfo;
        const Labels *labels;
        const LaunchSecurity *launch_security;
        const QemuNamespace *qemu_namespace;
        const Iothreads *iothreads;
        const VmunitNamespace *vmunit_namespace;
        unsigned n_images; /* that have node names of libvirt's form; see source_name() */

        Identity *identities; /* see guest/identity.h */
        size_t n_identities;

        const DeviceKind *const *kinds; /* NULL-terminated; in the order of QEMU's options */
        Place devices_place;
        Device **devices;
        size_t n_devices;
        const KeptAddresses *kept; /* placement/keep.h; NULL if no fragment changes the guest */
};

/* An empty guest with those kinds of devices (device/kinds.h); NULL if out of memory. Borrows all arguments.
 */
Guest *guest_new(
        const char *file, const DeviceKind *const *kinds, const Settings *settings, Findings *findings);
Guest *guest_free(Guest *g); /* returns NULL */
DEFINE_CLEANUP(Guest, guest_free);

/* A formatted string that lives as long as the guest; "" if out of memory (g->status tells). */
const char *guest_text(Guest *g, const char *format, ...) _printf_(2, 3);

/* Zeroed memory that lives as long as the guest; NULL if out of memory (g->status tells). */
void *guest_zeroed(Guest *g, size_t count, size_t size);

/* Adds a device, zeroed except for its head; NULL if out of memory. */
Device *guest_add_device(Guest *g, const DeviceKind *kind);

/* A pointer to a device that is as const as g is: phases that must not change a guest cannot change its
 * devices. */
#define GUEST_DEVICE(g) PART_POINTER(Device, Guest, g)

/*
 * The first device of the kind (NULL: of any) at or after position *i, which is moved behind it. NULL if
 * there is none.
 */
#define guest_next_device(g, kind, i) ((GUEST_DEVICE(g)) guest_find_device(g, kind, i))
Device *guest_find_device(const Guest *g, const DeviceKind *kind, size_t *i);

#define GUEST_FOREACH_DEVICE(g, kind, d)                                        \
        for (size_t i_##d = 0, once_##d = 0; !once_##d; once_##d = 1)           \
                for (GUEST_DEVICE(g) d = guest_find_device(g, kind, &i_##d); d; \
                     d = guest_find_device(g, kind, &i_##d))

#define guest_error(g, place, ...)   finding((g)->findings, SEVERITY_ERROR, place, __VA_ARGS__)
#define guest_warning(g, place, ...) finding((g)->findings, SEVERITY_WARNING, place, __VA_ARGS__)

/* The same at the element of that path from <domain>, "os/bios", or its closest existing ancestor. */
#define guest_error_at(g, path, ...) \
        finding((g)->findings, SEVERITY_ERROR, xml_place((g)->xml, path), __VA_ARGS__)
#define guest_warning_at(g, path, ...) \
        finding((g)->findings, SEVERITY_WARNING, xml_place((g)->xml, path), __VA_ARGS__)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's RAM: how much, and how the host provides it. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define MEMORY_PAGES_MAX 16

typedef enum MemorySource {
        MEMORY_SOURCE_FILE = 1,
        MEMORY_SOURCE_ANONYMOUS,
        MEMORY_SOURCE_MEMFD,
} MemorySource;

typedef enum MemoryAccess {
        MEMORY_ACCESS_SHARED = 1,
        MEMORY_ACCESS_PRIVATE,
} MemoryAccess;

extern const char *const memory_access_words[];

typedef struct MemoryPages {
        Number size; /* of one page; unset: the host's default size of huge pages */
        Set nodes;   /* nodes of the guest; unset: all that no other <page> names */
        Place place;
} MemoryPages;

typedef struct Memory {
        Number size, current, max, slots; /* bytes, except slots */
        Place place;                      /* of <memory> */
        Tristate dump_core;
        uint64_t devices; /* bytes of <memory> devices, which are part of size */

        int source, access; /* MemorySource, MemoryAccess */
        int allocation;     /* 1: immediate, 2: ondemand */
        Number allocation_threads;
        bool no_share_pages, locked, discard,
                hugepages; /* discard: unless the node or device says otherwise */
        MemoryPages pages[MEMORY_PAGES_MAX];
        unsigned n_pages;
        Number hard_limit; /* <memtune>; includes locked memory */
} Memory;

/* One piece of the guest's RAM, as a -object. */
typedef struct MemoryBackend {
        const char *id;
        uint64_t size;
        int node;         /* the guest's NUMA node, -1 for none */
        bool main;        /* all of the machine's RAM */
        const char *path; /* a file or device of its own (NVDIMM, virtio-pmem) */
        int access;       /* MemoryAccess; 0: the node's or the guest's */
        Tristate discard; /* likewise */
        Number page_size, align;
        const Set *host_nodes; /* NULL: those of <numatune> */
        bool pmem, readonly;
        bool lazy;       /* never allocated at start */
        bool unreserved; /* the device allocates its pages itself, on demand */
} MemoryBackend;

/* Tells QEMU of the backend; false where plain anonymous RAM of the host would be all the same. */
bool memory_backend_is_special(const Guest *g, const MemoryBackend *b);
bool memory_backend_is_preallocated(const Guest *g, const MemoryBackend *b);
void memory_backend_build(const Guest *g, Plan *p, const MemoryBackend *b);

/* An error at the place unless all of the guest's RAM is shared with other programs, as what ("virtiofs")
 * requires. */
void memory_require_shared(const Guest *g, Place at, const char *what);

/* Bytes that the machine starts with, without memory devices; whole MiB. */
uint64_t memory_initial(const Guest *g);

/* Bytes that the balloon leaves to the guest when it starts; 0: all. */
uint64_t memory_balloon(const Guest *g);

void memory_machine(const Guest *g, Props *machine);

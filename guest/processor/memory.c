/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Huge pages are anonymous memfds: the guest's user needs no hugetlbfs mount and no permission on one, only
 * pages that the administrator has reserved (vm.nr_hugepages). Memory "in a file" is in an unnamed file in
 * the guest's state directory, so nothing is left behind, however QEMU exits.
 */

#include "guest/processor/memory.h"

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/processor/numa.h"

#define PAGE_SIZE_HOST 4096 /* of the hosts that can run these guests */

const char *const memory_access_words[] = { "shared", "private", NULL };
static const char *const source_words[] = { "file", "anonymous", "memfd", NULL };
static const char *const allocation_words[] = { "immediate", "ondemand", NULL };
enum { ALLOCATION_IMMEDIATE = 1, ALLOCATION_ON_DEMAND };

static const Field memory_fields[] = {
        FIELD_OF_SIZE("memory", Memory, size, KIB),
        FIELD("memory@dumpCore", FIELD_SWITCH, Memory, dump_core),
        FIELD_OF_SIZE("currentMemory", Memory, current, KIB),
        FIELD_OF_SIZE("maxMemory", Memory, max, KIB),
        FIELD_IN_RANGE("maxMemory@slots", Memory, slots, 0, 256), /* QEMU's ACPI_MAX_RAM_SLOTS */
        FIELD_OF_WORDS("memoryBacking/source@type", Memory, source, source_words),
        FIELD_OF_WORDS("memoryBacking/access@mode", Memory, access, memory_access_words),
        FIELD_OF_WORDS("memoryBacking/allocation@mode", Memory, allocation, allocation_words),
        FIELD_IN_RANGE("memoryBacking/allocation@threads", Memory, allocation_threads, 1, 1024),
        FIELD("memoryBacking/nosharepages", FIELD_PRESENT, Memory, no_share_pages),
        FIELD("memoryBacking/locked", FIELD_PRESENT, Memory, locked),
        FIELD("memoryBacking/discard", FIELD_PRESENT, Memory, discard),
        FIELD("memoryBacking/hugepages", FIELD_PRESENT, Memory, hugepages),
        {},
};

static const Field pages_fields[] = {
        FIELD_OF_SIZE("@size", MemoryPages, size, KIB),
        FIELD("@nodeset", FIELD_SET, MemoryPages, nodes),
        {},
};

static void read_pages(Guest *g, XmlElement *hugepages)
{
        Memory *m = guest_own(g, memory);

        XML_FOREACH(page, hugepages, "page") {
                MemoryPages pages = { .place = page->place };

                fields_read(page, pages_fields, &pages, g->findings);
                if (!pages.size.set || pages.size.value == 0)
                        guest_error(g, page->place, "<page>: size='…' is missing");
                else if (m->n_pages == MEMORY_PAGES_MAX)
                        guest_error(g, page->place, "<page>: at most %d are supported", MEMORY_PAGES_MAX);
                else
                        m->pages[m->n_pages++] = pages;
        }
        if (m->n_pages == 0)
                m->pages[m->n_pages++] = (MemoryPages){ .place = hugepages->place };
}

static void memory_read(Guest *g)
{
        Memory *m = guest_own(g, memory);
        XmlElement *memory = xml_child(g->xml, "memory"), *backing = xml_child(g->xml, "memoryBacking");
        XmlElement *hugepages = backing ? xml_child(backing, "hugepages") : NULL;

        m->place = memory ? memory->place : g->xml->place;
        fields_read(g->xml, memory_fields, m, g->findings);
        if (hugepages)
                read_pages(g, hugepages);
}

static void memory_complete(Guest *g)
{
        Memory *m = guest_own(g, memory);

        if (g->numa->n_cells > 0) {
                m->size = (Number){ m->devices, true };
                for (unsigned i = 0; i < g->numa->n_cells; i++)
                        m->size.value += g->numa->cells[i].memory.value;
        }
}

void memory_require_shared(const Guest *g, Place at, const char *what)
{
        const Numa *numa = g->numa;
        bool shared = numa->n_cells > 0 || g->memory->access == MEMORY_ACCESS_SHARED;

        for (unsigned i = 0; i < numa->n_cells; i++)
                if ((numa->cells[i].access ?: g->memory->access) != MEMORY_ACCESS_SHARED)
                        shared = false;
        if (!shared)
                guest_error(
                        g, at,
                        "%s shares the guest's RAM; add <access mode='shared'/> and "
                        "<source type='memfd'/> to <memoryBacking>",
                        what);
}

uint64_t memory_initial(const Guest *g)
{
        const Numa *numa = g->numa;
        uint64_t size = 0;

        if (numa->n_cells == 0)
                return (g->memory->size.value - g->memory->devices + MIB - 1) / MIB * MIB;
        for (unsigned i = 0; i < numa->n_cells; i++)
                size += (numa->cells[i].memory.value + MIB - 1) / MIB * MIB;
        return size;
}

uint64_t memory_balloon(const Guest *g)
{
        const Memory *m = g->memory;

        return m->current.set && m->current.value / MIB < m->size.value / MIB ? m->current.value : 0;
}

static void check_pages(const Guest *g)
{
        const Memory *m = g->memory;
        const MemoryPages *master = NULL;

        for (unsigned i = 0; i < m->n_pages; i++) {
                const MemoryPages *p = &m->pages[i];

                if (p->size.set && (p->size.value & (p->size.value - 1)))
                        guest_error(
                                g, p->place, "<page>: size must be a power of two, not %llu bytes",
                                (unsigned long long) p->size.value);
                for (unsigned j = 0; j < i; j++)
                        if (p->nodes.set && m->pages[j].nodes.set &&
                            set_overlaps(&p->nodes, &m->pages[j].nodes))
                                guest_error(
                                        g, p->place,
                                        "<page>: nodeset overlaps with that of another <page>; name each "
                                        "node only once");
                if (!p->nodes.set || (g->numa->n_cells == 0 && set_last(&p->nodes) == 0)) {
                        if (master)
                                guest_error(g, p->place, "<page>: only one may omit nodeset='…'");
                        master = p;
                } else if (set_last(&p->nodes) >= g->numa->n_cells) {
                        guest_error(
                                g, p->place,
                                "<page>: NUMA node %u does not exist; define it with <cell> in <numa>",
                                set_last(&p->nodes));
                }
        }
}

static void memory_check(const Guest *g)
{
        const Memory *m = g->memory;

        if (!m->size.set || m->size.value == 0) {
                guest_error(g, m->place, "<memory> is missing; it is required without <numa>");
                return;
        }
        if (m->size.value > UINT64_C(1) << 52)
                guest_error(
                        g, m->place, "<memory>: %llu bytes is too large",
                        (unsigned long long) m->size.value);
        if (m->devices >= m->size.value && g->numa->n_cells == 0)
                guest_error(g, m->place, "<memory>: must be larger than all <memory> devices together");
        limit_check(
                g, m->max.set ? xml_place(g->xml, "maxMemory") : m->place,
                m->max.set ? "maxMemory" : "memory", &g->settings->policy->max_memory, "MaxMemory",
                m->max.set ? m->max.value : m->size.value, "bytes");
        if (m->max.set && m->max.value < m->size.value)
                guest_error_at(g, "maxMemory", "<maxMemory>: must be at least the guest's <memory>");
        if (m->max.set && g->numa->n_cells == 0 && os_is_x86(g->os))
                guest_error_at(
                        g, "maxMemory",
                        "<maxMemory>: requires at least one NUMA node; define it with <cell> in <numa>");
        if (m->allocation_threads.set && m->allocation != ALLOCATION_IMMEDIATE)
                guest_error_at(
                        g, "memoryBacking/allocation", "<allocation>: threads requires mode='immediate'");
        if (m->hugepages && m->source == MEMORY_SOURCE_ANONYMOUS)
                guest_error_at(
                        g, "memoryBacking/source",
                        "<source>: type='anonymous' cannot be combined with <hugepages>");
        if (m->hugepages && m->allocation == ALLOCATION_ON_DEMAND)
                guest_error_at(
                        g, "memoryBacking/allocation",
                        "<allocation>: mode='ondemand' cannot be combined with <hugepages>");
        check_pages(g);
}

void memory_machine(const Guest *g, Props *machine)
{
        const Memory *m = g->memory;

        props_bool(machine, "dump-guest-core", m->dump_core == ON);
        if (m->no_share_pages)
                props_bool(machine, "mem-merge", false);
        if (g->numa->n_cells == 0)
                props_text(machine, "memory-backend", os_ram_id(g->os));
}

/* The <page> for the node, or else the one for all others; NULL for ordinary pages. */
static const MemoryPages *pages_for(const Guest *g, int node, bool *ret_own)
{
        const Memory *m = g->memory;
        const MemoryPages *found = NULL;

        *ret_own = false;
        for (unsigned i = 0; i < m->n_pages; i++) {
                const MemoryPages *p = &m->pages[i];

                if (!p->nodes.set && !*ret_own)
                        found = p;
                else if (p->nodes.set && set_has(&p->nodes, node < 0 ? 0 : (unsigned) node)) {
                        found = p;
                        *ret_own = true;
                }
        }
        if (found && found->size.set && found->size.value <= PAGE_SIZE_HOST)
                return NULL;
        return found;
}

static int access_of(const Guest *g, const MemoryBackend *b)
{
        if (b->access)
                return b->access;
        if (b->node >= 0 && g->numa->cells[b->node].access)
                return g->numa->cells[b->node].access;
        return g->memory->access;
}

static Tristate discard_of(const Guest *g, const MemoryBackend *b)
{
        if (b->discard != UNSET)
                return b->discard;
        if (b->node >= 0 && g->numa->cells[b->node].discard != UNSET)
                return g->numa->cells[b->node].discard;
        return g->memory->discard ? ON : UNSET;
}

bool memory_backend_is_special(const Guest *g, const MemoryBackend *b)
{
        bool own_pages;
        const MemoryPages *pages = pages_for(g, b->node, &own_pages);

        if ((pages && own_pages) || b->page_size.set || b->host_nodes || b->path || access_of(g, b))
                return true;
        if (b->node >= 0 && g->numa->cells[b->node].host_nodes.set)
                return true;
        return g->memory->source == MEMORY_SOURCE_FILE || g->memory->source == MEMORY_SOURCE_MEMFD;
}

static void add_host_nodes(const Guest *g, Plan *p, const MemoryBackend *b, Props *props, json_t **ret_nodes)
{
        int mode;
        const Set *nodes = numa_host_nodes(g, b->node, &mode);
        json_t *array;

        if (b->host_nodes)
                nodes = b->host_nodes;
        if (!nodes || !numa_policy(mode))
                return;
        array = props_array(props, "host-nodes");
        for (unsigned i = 0; i < SET_MAX; i++)
                if (set_has(nodes, i))
                        json_array_append_new(array, json_integer(i));
        props_text(props, "policy", numa_policy(mode));
        plan_directive(p, "SystemCallFilter", "mbind sched_setaffinity"); /* the template removes these */
        *ret_nodes = array;
}

/* Pages allocated at start are allocated by threads on the nodes that will hold them. */
static void build_thread_context(Plan *p, const MemoryBackend *b, Props *props, json_t *nodes)
{
        char id[256];
        Props context;

        snprintf(id, sizeof(id), "tc-%s", b->id);
        context = props_new("qom-type", "thread-context");
        props_text(&context, "id", id);
        props_json_value(&context, "node-affinity", json_deep_copy(nodes));
        plan_json(p, "-object", &context);
        props_text(props, "prealloc-context", id);
}

static void add_kind(const Guest *g, const MemoryBackend *b, const MemoryPages *pages, Props *props, Plan *p)
{
        int access = access_of(g, b);
        bool huge = pages || b->page_size.set;
        Number page_size = b->page_size.set ? b->page_size : pages ? pages->size : (Number){ 0 };

        if (b->path || (!huge && g->memory->source != MEMORY_SOURCE_MEMFD &&
                        (access || g->memory->source == MEMORY_SOURCE_FILE))) {
                *props = props_new("qom-type", "memory-backend-file");
                props_text(props, "id", b->id);
                props_text(props, "mem-path", b->path ?: g->settings->state_directory);
        } else if (huge || g->memory->source == MEMORY_SOURCE_MEMFD) {
                *props = props_new("qom-type", "memory-backend-memfd");
                plan_calls(p, CALLS_MEMFD);
                props_text(props, "id", b->id);
                if (huge)
                        props_bool(props, "hugetlb", true);
                props_number_if(props, "hugetlbsize", page_size);
        } else {
                *props = props_new("qom-type", "memory-backend-ram");
                props_text(props, "id", b->id);
                return;
        }
        if (!b->path && !huge && g->memory->source != MEMORY_SOURCE_MEMFD)
                props_bool_if(props, "discard-data", discard_of(g, b));
        if (access)
                props_bool(props, "share", access == MEMORY_ACCESS_SHARED);
        /* migration from and to libvirt requires QEMU's default name of the RAM */
        if (b->main)
                props_bool(props, "x-use-canonical-path-for-ramblock-id", false);
}

bool memory_backend_is_preallocated(const Guest *g, const MemoryBackend *b)
{
        bool own_pages;

        if (g->memory->allocation == ALLOCATION_IMMEDIATE)
                return true;
        if (b->path)
                return !b->pmem && !b->lazy;
        return pages_for(g, b->node, &own_pages) || b->page_size.set;
}

void memory_backend_build(const Guest *g, Plan *p, const MemoryBackend *b)
{
        bool own_pages, preallocated = memory_backend_is_preallocated(g, b);
        const MemoryPages *pages = pages_for(g, b->node, &own_pages);
        json_t *nodes = NULL;
        Props props;

        add_kind(g, b, pages, &props, p);
        if (b->unreserved) {
                props_bool(&props, "reserve", false);
        } else if (preallocated) {
                props_bool(&props, "prealloc", true);
                props_number_if(&props, "prealloc-threads", g->memory->allocation_threads);
        }
        props_number(&props, "size", b->size);
        props_number_if(&props, "align", b->align);
        if (b->pmem)
                props_bool(&props, "pmem", true);
        if (b->readonly)
                props_bool(&props, "readonly", true);
        add_host_nodes(g, p, b, &props, &nodes);
        if (nodes && preallocated && !b->unreserved)
                build_thread_context(p, b, &props, nodes);
        plan_json(p, "-object", &props);
}

static void memory_build(const Guest *g, Plan *p)
{
        const Memory *m = g->memory;
        uint64_t initial = memory_initial(g);
        Props size = props_new("size", "");

        props_textf(&size, "size", "%lluk", (unsigned long long) (initial / KIB));
        if (m->max.set) {
                props_number_if(&size, "slots", m->slots);
                props_textf(
                        &size, "maxmem", "%lluk",
                        (unsigned long long) ((m->max.value + MIB - 1) / MIB * MIB / KIB));
        }
        plan_list_named(p, "-m", &size);
        if (g->numa->n_cells == 0) {
                MemoryBackend ram = { .id = os_ram_id(g->os), .size = initial, .node = -1, .main = true };

                memory_backend_build(g, p, &ram);
        }
        plan_value(p, "-overcommit", m->locked ? "mem-lock=on" : "mem-lock=off");
        if (m->locked) {
                plan_build_at(p, xml_place(g->xml, "memoryBacking/locked"), "locked");
                plan_directive(p, "LimitMEMLOCK", "infinity");
        }
}

const GuestPart part_memory = {
        GUEST_PART(Memory, memory), .read = memory_read,   .complete = memory_complete,
        .check = memory_check,      .build = memory_build,
};

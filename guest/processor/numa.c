/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * NUMA, twice: <cpu><numa> is the topology that the guest sees, <numatune> says which of the host's nodes
 * its memory comes from. They stand together because a cell of the one is bound by the other.
 */

#include "guest/processor/numa.h"

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/processor/cpu.h"
#include "guest/processor/memory.h"

#define DISTANCE_LOCAL  10 /* as ACPI's SLIT has it */
#define DISTANCE_REMOTE 20
#define DISTANCE_MAX    255

static const char *const associativity_words[] = { "none", "direct", "full", NULL };
static const char *const associativity_qemu[] = { "none", "direct", "complex" };
static const char *const cache_policy_words[] = { "none", "writeback", "writethrough", NULL };
static const char *const cache_policy_qemu[] = { "none", "write-back", "write-through" };
static const char *const latency_words[] = { "access", "read", "write", NULL };
static const char *const hierarchy_qemu[] = { "memory", "first-level", "second-level", "third-level" };
static const char *const mode_words[] = { "strict", "preferred", "interleave", "restrictive", NULL };
static const char *const mode_qemu[] = { "bind", "preferred", "interleave", NULL };
static const char *const placement_words[] = { "static", "auto", NULL };
enum { PLACEMENT_STATIC = 1, PLACEMENT_AUTO };

static const Field cell_fields[] = {
        FIELD_IN_RANGE("@id", NumaCell, id, 0, NUMA_CELLS_MAX - 1),
        FIELD("@cpus", FIELD_SET, NumaCell, cpus),
        FIELD_OF_SIZE("@memory", NumaCell, memory, KIB),
        FIELD_OF_WORDS("@memAccess", NumaCell, access, memory_access_words),
        FIELD("@discard", FIELD_YESNO, NumaCell, discard),
        {},
};

static const Field cache_fields[] = {
        FIELD_IN_RANGE("@level", NumaCache, level, 1, NUMA_CACHES_MAX),
        FIELD_OF_WORDS("@associativity", NumaCache, associativity, associativity_words),
        FIELD_OF_WORDS("@policy", NumaCache, policy, cache_policy_words),
        FIELD_OF_SIZE("size@value", NumaCache, size, KIB),
        FIELD_OF_SIZE("line@value", NumaCache, line, 1),
        {},
};

static const Field latency_fields[] = {
        FIELD_IN_RANGE("@initiator", NumaInterconnect, initiator, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@target", NumaInterconnect, target, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@cache", NumaInterconnect, cache, 0, NUMA_CACHES_MAX),
        FIELD_OF_WORDS("@type", NumaInterconnect, type, latency_words),
        FIELD("@value", FIELD_NUMBER, NumaInterconnect, value),
        {},
};

static const Field bandwidth_fields[] = {
        FIELD_IN_RANGE("@initiator", NumaInterconnect, initiator, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@target", NumaInterconnect, target, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@cache", NumaInterconnect, cache, 0, NUMA_CACHES_MAX),
        FIELD_OF_WORDS("@type", NumaInterconnect, type, latency_words),
        FIELD_OF_SIZE("@value", NumaInterconnect, value, KIB),
        {},
};

typedef struct Sibling {
        Number id, value;
} Sibling;

static const Field sibling_fields[] = {
        FIELD_IN_RANGE("@id", Sibling, id, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@value", Sibling, value, DISTANCE_LOCAL, DISTANCE_MAX),
        {},
};

typedef struct MemNode {
        Number cell;
        int mode;
        Set nodes;
} MemNode;

static const Field memnode_fields[] = {
        FIELD_IN_RANGE("@cellid", MemNode, cell, 0, NUMA_CELLS_MAX - 1),
        FIELD_OF_WORDS("@mode", MemNode, mode, mode_words),
        FIELD("@nodeset", FIELD_SET, MemNode, nodes),
        {},
};

static const Field tune_fields[] = {
        FIELD_OF_WORDS("memory@mode", Numa, mode, mode_words),
        FIELD_OF_WORDS("memory@placement", Numa, placement, placement_words),
        FIELD("memory@nodeset", FIELD_SET, Numa, host_nodes),
        {},
};

static unsigned count(XmlElement *parent, const char *name)
{
        unsigned n = 0;

        XML_FOREACH(e, parent, name)
                n++;
        return n;
}

static void read_caches(Guest *g, XmlElement *xml, NumaCell *cell)
{
        XML_FOREACH(e, xml, "cache") {
                NumaCache cache = { 0 };

                fields_read(e, cache_fields, &cache, g->findings);
                if (!cache.level.set || !cache.associativity || !cache.policy || !cache.size.set ||
                    !cache.line.set) {
                        guest_error(
                                g, e->place,
                                "<cache>: level, associativity, policy, <size> and <line> are required");
                        continue;
                }
                for (unsigned i = 0; i < cell->n_caches; i++)
                        if (cell->caches[i].level.value == cache.level.value)
                                guest_error(
                                        g, e->place, "<cache>: duplicate level='%u'",
                                        (unsigned) cache.level.value);
                if (cell->n_caches < NUMA_CACHES_MAX)
                        cell->caches[cell->n_caches++] = cache;
        }
}

/* A distance goes for the way back too, unless that is said as well. */
static void read_distances(Guest *g, XmlElement *xml, unsigned id)
{
        Numa *numa = guest_own(g, numa);
        XmlElement *distances = xml_child(xml, "distances");

        if (!distances)
                return;
        XML_FOREACH(e, distances, "sibling") {
                Sibling s = { 0 };

                fields_read(e, sibling_fields, &s, g->findings);
                if (!s.id.set || !s.value.set) {
                        guest_error(g, e->place, "<sibling>: id and value are required");
                        continue;
                }
                if (s.id.value >= numa->n_cells)
                        guest_error(g, e->place, "<sibling>: cell %u does not exist", (unsigned) s.id.value);
                else if ((s.id.value == id) != (s.value.value == DISTANCE_LOCAL))
                        guest_error(
                                g, e->place,
                                "<sibling>: value must be %u for the cell itself, and another number for "
                                "other cells",
                                DISTANCE_LOCAL);
                else {
                        numa->cells[id].distances[s.id.value] = (uint8_t) s.value.value;
                        if (!numa->cells[s.id.value].distances[id])
                                numa->cells[s.id.value].distances[id] = (uint8_t) s.value.value;
                        numa->distances = true;
                }
        }
}

static void read_cells(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);
        unsigned position = 0, n = count(xml, "cell");

        if (n == 0 || n > NUMA_CELLS_MAX) {
                guest_error(g, xml->place, "<numa>: between 1 and %d <cell> are required", NUMA_CELLS_MAX);
                return;
        }
        numa->cells = guest_zeroed(g, n, sizeof(*numa->cells));
        if (!numa->cells)
                return;
        numa->n_cells = n;
        XML_FOREACH(e, xml, "cell") {
                NumaCell cell = { .place = e->place, .initiator = -1 };
                unsigned id;

                fields_read(e, cell_fields, &cell, g->findings);
                id = cell.id.set ? (unsigned) cell.id.value : position;
                position++;
                if (id >= n) {
                        guest_error(
                                g, e->place,
                                "<cell>: id='%u' must be below the number of cells, which is %u", id, n);
                        continue;
                }
                if (numa->cells[id].memory.set) {
                        guest_error(g, e->place, "<cell>: duplicate id='%u'", id);
                        continue;
                }
                if (!cell.memory.set)
                        guest_error(g, e->place, "<cell>: memory='…' is missing");
                memcpy(cell.distances, numa->cells[id].distances, sizeof(cell.distances));
                numa->cells[id] = cell;
                read_caches(g, e, &numa->cells[id]);
                read_distances(g, e, id);
        }
}

static void read_interconnects(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);
        XmlElement *all = xml_child(xml, "interconnects");
        unsigned n;

        if (!all)
                return;
        n = count(all, "latency") + count(all, "bandwidth");
        numa->interconnects = guest_zeroed(g, n + 1, sizeof(*numa->interconnects));
        for (XmlElement *e = all->first; e && numa->interconnects; e = e->next) {
                NumaInterconnect *i = &numa->interconnects[numa->n_interconnects];

                if (streq(e->name, "bandwidth")) {
                        i->bandwidth = true;
                        fields_read(e, bandwidth_fields, i, g->findings);
                } else if (streq(e->name, "latency")) {
                        fields_read(e, latency_fields, i, g->findings);
                } else {
                        continue;
                }
                if (!i->initiator.set || !i->target.set || !i->type || !i->value.set)
                        guest_error(
                                g, e->place, "<%s>: initiator, target, type and value are required",
                                e->name);
                numa->n_interconnects++;
        }
}

static void read_tune(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);

        numa->tune_place = xml->place;
        fields_read(xml, tune_fields, numa, g->findings);
        XML_FOREACH(e, xml, "memnode") {
                MemNode m = { 0 };

                fields_read(e, memnode_fields, &m, g->findings);
                if (!m.cell.set || !m.nodes.set)
                        guest_error(g, e->place, "<memnode>: cellid and nodeset are required");
                else if (numa->placement == PLACEMENT_AUTO)
                        guest_error(
                                g, e->place,
                                "<memnode>: cannot be combined with <memory placement='auto'/>");
                else if (m.cell.value >= numa->n_cells)
                        guest_error(
                                g, e->place,
                                "<memnode>: NUMA node %u does not exist; define it with <cell> in <numa>",
                                (unsigned) m.cell.value);
                else if (numa->cells[m.cell.value].host_nodes.set)
                        guest_error(
                                g, e->place, "<memnode>: duplicate cellid='%u'", (unsigned) m.cell.value);
                else if (numa->mode == NUMA_RESTRICTIVE && m.mode != NUMA_RESTRICTIVE)
                        guest_error(
                                g, e->place,
                                "<memnode>: mode must be 'restrictive', because that of <memory> is");
                else {
                        numa->cells[m.cell.value].mode = m.mode ?: NUMA_STRICT;
                        numa->cells[m.cell.value].host_nodes = m.nodes;
                }
        }
}

void numa_read(Guest *g, XmlElement *cpu)
{
        XmlElement *xml = cpu ? xml_child(cpu, "numa") : NULL, *tune = xml_child(g->xml, "numatune");

        guest_own(g, numa)->xml = xml;
        if (xml) {
                read_cells(g, xml);
                read_interconnects(g, xml);
        }
        if (tune)
                read_tune(g, tune);
}

/* CPUs that no cell has are the first one's. */
static void give_rest_to_first(Guest *g)
{
        Numa *numa = guest_own(g, numa);
        Set rest = { .set = true };
        unsigned n = (unsigned) g->cpu->max.value;

        for (unsigned c = 0; c < n && c < SET_MAX; c++) {
                bool taken = false;

                for (unsigned i = 1; i < numa->n_cells; i++)
                        taken |= set_has(&numa->cells[i].cpus, c);
                if (!taken)
                        set_add(&rest, c);
        }
        numa->cells[0].cpus = rest;
}

/* A node without CPUs is nearest to the one with the least latency, or else the most bandwidth. */
static void find_initiator(Numa *numa, unsigned node)
{
        uint64_t latency = UINT64_MAX, bandwidth = 0;
        int by_latency = -1, by_bandwidth = -1;

        for (unsigned i = 0; i < numa->n_interconnects; i++) {
                const NumaInterconnect *c = &numa->interconnects[i];

                if (c->target.value != node)
                        continue;
                if (!c->bandwidth && c->value.value < latency) {
                        latency = c->value.value;
                        by_latency = (int) c->initiator.value;
                } else if (c->bandwidth && c->value.value > bandwidth) {
                        bandwidth = c->value.value;
                        by_bandwidth = (int) c->initiator.value;
                }
        }
        numa->cells[node].initiator = by_latency >= 0 ? by_latency : by_bandwidth;
}

void numa_complete(Guest *g)
{
        Numa *numa = guest_own(g, numa);
        int master = 0;

        if (numa->n_cells == 0)
                return;
        give_rest_to_first(g);
        for (unsigned i = numa->n_cells; i > 0; i--)
                if (set_count(&numa->cells[i - 1].cpus) > 0)
                        master = (int) i - 1;
        for (unsigned i = 0; i < numa->n_cells; i++) {
                if (set_count(&numa->cells[i].cpus) > 0)
                        numa->cells[i].initiator = (int) i;
                else
                        find_initiator(numa, i);
                if (numa->cells[i].initiator < 0)
                        numa->cells[i].initiator = master;
        }
}

static void check_interconnect(const Guest *g, unsigned index)
{
        const Numa *numa = g->numa;
        const NumaInterconnect *c = &numa->interconnects[index];
        bool cache = c->cache.value == 0;
        Place place = numa->xml->place;

        if (c->initiator.value >= numa->n_cells || c->target.value >= numa->n_cells) {
                guest_error(g, place, "<interconnects>: initiator and target must be existing cells");
                return;
        }
        if (set_count(&numa->cells[c->initiator.value].cpus) == 0)
                guest_error(
                        g, place, "<interconnects>: cell %u has no CPUs and so cannot be an initiator",
                        (unsigned) c->initiator.value);
        for (unsigned i = 0; i < numa->cells[c->target.value].n_caches; i++)
                cache |= numa->cells[c->target.value].caches[i].level.value == c->cache.value;
        if (!cache)
                guest_error(
                        g, place, "<interconnects>: cell %u has no cache of level %u",
                        (unsigned) c->target.value, (unsigned) c->cache.value);
        for (unsigned i = 0; i < index; i++) {
                const NumaInterconnect *o = &numa->interconnects[i];

                if (o->bandwidth == c->bandwidth && o->initiator.value == c->initiator.value &&
                    o->target.value == c->target.value && o->cache.value == c->cache.value &&
                    o->type == c->type)
                        guest_error(g, place, "<interconnects>: duplicate entry");
        }
}

void numa_check(const Guest *g)
{
        const Numa *numa = g->numa;

        if (numa->tune_place.file && (numa->mode || numa->placement) && !numa->host_nodes.set &&
            numa->placement != PLACEMENT_AUTO &&
            (numa->placement == PLACEMENT_STATIC || g->cpu->placement != CPU_PLACEMENT_AUTO))
                guest_error(g, numa->tune_place, "<numatune>: <memory> requires nodeset='…'");
        if (numa->mode == NUMA_PREFERRED && numa->placement != PLACEMENT_AUTO &&
            set_count(&numa->host_nodes) > 1)
                guest_error(
                        g, numa->tune_place,
                        "<numatune>: mode='preferred' supports only one node in nodeset");
        if (numa->placement == PLACEMENT_AUTO)
                guest_warning(
                        g, numa->tune_place,
                        "<numatune>: vmunit does not use numad; the kernel places the memory");
        for (unsigned i = 0; i < numa->n_cells; i++) {
                const NumaCell *cell = &numa->cells[i];

                if (set_last(&cell->cpus) >= g->cpu->max.value && set_count(&cell->cpus) > 0)
                        guest_error(g, cell->place, "<cell>: CPU %u does not exist", set_last(&cell->cpus));
                for (unsigned j = 0; j < i; j++)
                        if (set_overlaps(&cell->cpus, &numa->cells[j].cpus))
                                guest_error(g, cell->place, "<cell>: cpus overlaps with that of cell %u", j);
        }
        for (unsigned i = 0; i < numa->n_interconnects; i++)
                check_interconnect(g, i);
}

const Set *numa_host_nodes(const Guest *g, int node, int *ret_mode)
{
        const Numa *numa = g->numa;

        *ret_mode = numa->mode ?: NUMA_STRICT;
        if (node >= 0 && numa->cells[node].host_nodes.set) {
                *ret_mode = numa->cells[node].mode;
                return &numa->cells[node].host_nodes;
        }
        return numa->host_nodes.set && numa->placement != PLACEMENT_AUTO ? &numa->host_nodes : NULL;
}

const char *numa_policy(int mode)
{
        return mode_qemu[mode - 1];
}

bool numa_has_hmat(const Guest *g)
{
        for (unsigned i = 0; i < g->numa->n_cells; i++)
                if (g->numa->cells[i].n_caches > 0)
                        return true;
        return g->numa->n_interconnects > 0;
}

void numa_machine(const Guest *g, Props *machine)
{
        if (numa_has_hmat(g))
                props_bool(machine, "hmat", true);
}

static void add_run(void *data, unsigned first, unsigned last)
{
        char text[32];

        snprintf(text, sizeof(text), first == last ? "%u" : "%u-%u", first, last);
        json_array_append_new(data, json_string(text));
}

static void build_cell(const Guest *g, Plan *p, unsigned id, bool backends)
{
        const NumaCell *cell = &g->numa->cells[id];
        uint64_t size = (cell->memory.value + MIB - 1) / MIB * MIB;
        Props node = props_new("type", "node");
        char memdev[32];

        snprintf(memdev, sizeof(memdev), "ram-node%u", id);
        if (backends && size > 0)
                memory_backend_build(g, p, &(MemoryBackend){ .id = memdev, .size = size, .node = (int) id });
        props_number(&node, "nodeid", id);
        set_runs(&cell->cpus, add_run, props_array(&node, "cpus"));
        if (numa_has_hmat(g))
                props_number(&node, "initiator", (uint64_t) cell->initiator);
        if (backends && size > 0)
                props_text(&node, "memdev", memdev);
        else if (size > 0) /* QEMU has no backend of no size */
                props_number(&node, "mem", size / MIB);
        plan_list(p, "-numa", &node);
}

static void build_distances(const Numa *numa, Plan *p)
{
        for (unsigned i = 0; i < numa->n_cells; i++)
                for (unsigned j = 0; j < numa->n_cells; j++) {
                        Props distance = props_new("type", "dist");

                        props_number(&distance, "src", i);
                        props_number(&distance, "dst", j);
                        props_number(
                                &distance, "val",
                                numa->cells[i].distances[j]
                                        ?: i == j ? DISTANCE_LOCAL
                                                  : DISTANCE_REMOTE);
                        plan_list(p, "-numa", &distance);
                }
}

static void build_hmat(const Numa *numa, Plan *p)
{
        for (unsigned i = 0; i < numa->n_interconnects; i++) {
                const NumaInterconnect *c = &numa->interconnects[i];
                Props lb = props_new("type", "hmat-lb");

                props_number(&lb, "initiator", c->initiator.value);
                props_number(&lb, "target", c->target.value);
                props_text(&lb, "hierarchy", hierarchy_qemu[c->cache.value]);
                props_textf(
                        &lb, "data-type", "%s-%s", latency_words[c->type - 1],
                        c->bandwidth ? "bandwidth" : "latency");
                if (c->bandwidth)
                        props_textf(&lb, "bandwidth", "%lluK", (unsigned long long) (c->value.value / KIB));
                else
                        props_number(&lb, "latency", c->value.value);
                plan_list(p, "-numa", &lb);
        }
        /* QEMU takes caches only behind these */
        for (unsigned i = 0; i < numa->n_cells; i++)
                for (unsigned j = 0; j < numa->cells[i].n_caches; j++) {
                        const NumaCache *c = &numa->cells[i].caches[j];
                        Props cache = props_new("type", "hmat-cache");

                        props_number(&cache, "node-id", i);
                        props_textf(&cache, "size", "%lluK", (unsigned long long) (c->size.value / KIB));
                        props_number(&cache, "level", c->level.value);
                        props_text(&cache, "associativity", associativity_qemu[c->associativity - 1]);
                        props_text(&cache, "policy", cache_policy_qemu[c->policy - 1]);
                        props_number_if(&cache, "line", c->line);
                        plan_list(p, "-numa", &cache);
                }
}

/*
 * Machines up to 5.0 can have nodes without backends, and libvirt gives them such where nothing else is
 * asked for: the two kinds cannot be migrated to one another.
 */
static bool needs_backends(const Guest *g)
{
        if (g->os->machine_version > OS_VERSION(5, 0) || numa_has_hmat(g))
                return true;
        for (unsigned i = 0; i < g->numa->n_cells; i++)
                if (memory_backend_is_special(g, &(MemoryBackend){ .node = (int) i }))
                        return true;
        return false;
}

static void numa_build(const Guest *g, Plan *p)
{
        const Numa *numa = g->numa;
        bool backends = needs_backends(g);

        for (unsigned i = 0; i < numa->n_cells; i++)
                build_cell(g, p, i, backends);
        if (numa->distances)
                build_distances(numa, p);
        if (numa_has_hmat(g))
                build_hmat(numa, p);
}

const GuestPart part_numa = {
        GUEST_PART(Numa, numa),
        .build = numa_build,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <cpu><numa>: the nodes (cells) that the guest sees, with their CPUs, memory, distances and caches. A cell
 * that omits something gets it here, so the check and numa-build.c find every cell complete. Where their
 * memory lies on the host is in numatune.c.
 */

#include "guest/processor/numa.h"

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/processor/cpu.h"
#include "guest/processor/memory.h"

#define DISTANCE_MAX 255

static const char *const associativity_words[] = { "none", "direct", "full", NULL };
static const char *const cache_policy_words[] = { "none", "writeback", "writethrough", NULL };
const char *const numa_latency_words[] = { "access", "read", "write", NULL };
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
        FIELD_OF_WORDS("@type", NumaInterconnect, type, numa_latency_words),
        FIELD("@value", FIELD_NUMBER, NumaInterconnect, value),
        {},
};

static const Field bandwidth_fields[] = {
        FIELD_IN_RANGE("@initiator", NumaInterconnect, initiator, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@target", NumaInterconnect, target, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@cache", NumaInterconnect, cache, 0, NUMA_CACHES_MAX),
        FIELD_OF_WORDS("@type", NumaInterconnect, type, numa_latency_words),
        FIELD_OF_SIZE("@value", NumaInterconnect, value, KIB),
        {},
};

typedef struct Sibling {
        Number id, value;
} Sibling;

static const Field sibling_fields[] = {
        FIELD_IN_RANGE("@id", Sibling, id, 0, NUMA_CELLS_MAX - 1),
        FIELD_IN_RANGE("@value", Sibling, value, NUMA_DISTANCE_LOCAL, DISTANCE_MAX),
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

/* A distance also applies to the way back, unless the XML sets that one, too. */
static void read_distances(Guest *g, XmlElement *xml, unsigned id)
{
        Numa *numa = guest_own(g, numa);
        NumaCell *cells = numa_own_cells(g);
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
                else if ((s.id.value == id) != (s.value.value == NUMA_DISTANCE_LOCAL))
                        guest_error(
                                g, e->place,
                                "<sibling>: value must be %u for the cell itself, and another number for "
                                "other cells",
                                NUMA_DISTANCE_LOCAL);
                else {
                        cells[id].distances[s.id.value] = (uint8_t) s.value.value;
                        if (!cells[s.id.value].distances[id])
                                cells[s.id.value].distances[id] = (uint8_t) s.value.value;
                        numa->distances = true;
                }
        }
}

static void read_cells(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);
        unsigned position = 0, n = count(xml, "cell");
        NumaCell *cells;

        if (n == 0 || n > NUMA_CELLS_MAX) {
                guest_error(g, xml->place, "<numa>: between 1 and %d <cell> are required", NUMA_CELLS_MAX);
                return;
        }
        cells = guest_zeroed(g, n, sizeof(*cells));
        if (!cells)
                return;
        numa->cells = cells;
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
                if (cells[id].memory.set) {
                        guest_error(g, e->place, "<cell>: duplicate id='%u'", id);
                        continue;
                }
                if (!cell.memory.set)
                        guest_error(g, e->place, "<cell>: memory='…' is missing");
                memcpy(cell.distances, cells[id].distances, sizeof(cell.distances));
                cells[id] = cell;
                read_caches(g, e, &cells[id]);
                read_distances(g, e, id);
        }
}

static void read_interconnects(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);
        XmlElement *all = xml_child(xml, "interconnects");
        NumaInterconnect *interconnects;
        unsigned n;

        if (!all)
                return;
        n = count(all, "latency") + count(all, "bandwidth");
        interconnects = guest_zeroed(g, n + 1, sizeof(*interconnects));
        if (!interconnects)
                return;
        numa->interconnects = interconnects;
        for (XmlElement *e = all->first; e; e = e->next) {
                NumaInterconnect *i = &interconnects[numa->n_interconnects];

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

void numa_read(Guest *g, XmlElement *cpu)
{
        XmlElement *xml = cpu ? xml_child(cpu, "numa") : NULL, *tune = xml_child(g->xml, "numatune");

        guest_own(g, numa)->xml = xml;
        if (xml) {
                read_cells(g, xml);
                read_interconnects(g, xml);
        }
        if (tune)
                numatune_read(g, tune);
}

/* CPUs that no cell names belong to the first cell, as in libvirt. */
static void give_rest_to_first(Guest *g)
{
        const Numa *numa = g->numa;
        Set rest = { .set = true };
        unsigned n = (unsigned) g->cpu->max.value;

        for (unsigned c = 0; c < n && c < SET_MAX; c++) {
                bool taken = false;

                for (unsigned i = 1; i < numa->n_cells; i++)
                        taken |= set_has(&numa->cells[i].cpus, c);
                if (!taken)
                        set_add(&rest, c);
        }
        numa_own_cells(g)[0].cpus = rest;
}

/* The initiator of a node without CPUs is the one with the lowest latency, or else the highest bandwidth. */
static void find_initiator(Guest *g, unsigned node)
{
        const Numa *numa = g->numa;
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
        numa_own_cells(g)[node].initiator = by_latency >= 0 ? by_latency : by_bandwidth;
}

void numa_complete(Guest *g)
{
        const Numa *numa = g->numa;
        NumaCell *cells = numa_own_cells(g);
        int master = 0;

        if (numa->n_cells == 0)
                return;
        give_rest_to_first(g);
        for (unsigned i = numa->n_cells; i > 0; i--)
                if (set_count(&cells[i - 1].cpus) > 0)
                        master = (int) i - 1;
        for (unsigned i = 0; i < numa->n_cells; i++) {
                if (set_count(&cells[i].cpus) > 0)
                        cells[i].initiator = (int) i;
                else
                        find_initiator(g, i);
                if (cells[i].initiator < 0)
                        cells[i].initiator = master;
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

        numatune_check(g);
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

bool numa_has_hmat(const Guest *g)
{
        for (unsigned i = 0; i < g->numa->n_cells; i++)
                if (g->numa->cells[i].n_caches > 0)
                        return true;
        return g->numa->n_interconnects > 0;
}

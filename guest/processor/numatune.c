/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <numatune>: which of the host's NUMA nodes the guest's memory comes from, for the whole guest or for one
 * of its cells. The result is a property of the memory backends (memory.c).
 */

#include "guest/guest.h"
#include "guest/part.h"
#include "guest/processor/cpu.h"
#include "guest/processor/numa.h"

static const char *const mode_words[] = { "strict", "preferred", "interleave", "restrictive", NULL };
static const char *const mode_qemu[] = { "bind", "preferred", "interleave", NULL };
static const char *const placement_words[] = { "static", "auto", NULL };

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

void numatune_read(Guest *g, XmlElement *xml)
{
        Numa *numa = guest_own(g, numa);
        NumaCell *cells = numa_own_cells(g);

        numa->tune_place = xml->place;
        fields_read(xml, tune_fields, numa, g->findings);
        XML_FOREACH(e, xml, "memnode") {
                MemNode m = { 0 };

                fields_read(e, memnode_fields, &m, g->findings);
                if (!m.cell.set || !m.nodes.set)
                        guest_error(g, e->place, "<memnode>: cellid and nodeset are required");
                else if (numa->placement == NUMA_PLACEMENT_AUTO)
                        guest_error(
                                g, e->place,
                                "<memnode>: cannot be combined with <memory placement='auto'/>");
                else if (m.cell.value >= numa->n_cells)
                        guest_error(
                                g, e->place,
                                "<memnode>: NUMA node %u does not exist; define it with <cell> in <numa>",
                                (unsigned) m.cell.value);
                else if (cells[m.cell.value].host_nodes.set)
                        guest_error(
                                g, e->place, "<memnode>: duplicate cellid='%u'", (unsigned) m.cell.value);
                else if (numa->mode == NUMA_RESTRICTIVE && m.mode != NUMA_RESTRICTIVE)
                        guest_error(
                                g, e->place,
                                "<memnode>: mode must be 'restrictive', because that of <memory> is");
                else {
                        cells[m.cell.value].mode = m.mode ?: NUMA_STRICT;
                        cells[m.cell.value].host_nodes = m.nodes;
                }
        }
}

void numatune_check(const Guest *g)
{
        const Numa *numa = g->numa;

        if (numa->tune_place.file && (numa->mode || numa->placement) && !numa->host_nodes.set &&
            numa->placement != NUMA_PLACEMENT_AUTO &&
            (numa->placement == NUMA_PLACEMENT_STATIC || g->cpu->placement != CPU_PLACEMENT_AUTO))
                guest_error(g, numa->tune_place, "<numatune>: <memory> requires nodeset='…'");
        if (numa->mode == NUMA_PREFERRED && numa->placement != NUMA_PLACEMENT_AUTO &&
            set_count(&numa->host_nodes) > 1)
                guest_error(
                        g, numa->tune_place,
                        "<numatune>: mode='preferred' supports only one node in nodeset");
        if (numa->placement == NUMA_PLACEMENT_AUTO)
                guest_warning(
                        g, numa->tune_place,
                        "<numatune>: vmunit does not use numad; the kernel places the memory");
}

const Set *numa_host_nodes(const Guest *g, int node, int *ret_mode)
{
        const Numa *numa = g->numa;

        *ret_mode = numa->mode ?: NUMA_STRICT;
        if (node >= 0 && numa->cells[node].host_nodes.set) {
                *ret_mode = numa->cells[node].mode;
                return &numa->cells[node].host_nodes;
        }
        return numa->host_nodes.set && numa->placement != NUMA_PLACEMENT_AUTO ? &numa->host_nodes : NULL;
}

const char *numa_policy(int mode)
{
        return mode_qemu[mode - 1];
}

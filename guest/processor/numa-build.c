/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's NUMA nodes as QEMU's -numa. QEMU wants them in this order: nodes, distances, then latencies
 * and bandwidths (HMAT), then caches. Source: QEMU's qapi/machine.json (NumaOptions).
 */

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/processor/memory.h"
#include "guest/processor/numa.h"

#define DISTANCE_REMOTE 20 /* as in ACPI's SLIT */

static const char *const associativity_qemu[] = { "none", "direct", "complex" };
static const char *const cache_policy_qemu[] = { "none", "write-back", "write-through" };
static const char *const hierarchy_qemu[] = { "memory", "first-level", "second-level", "third-level" };

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
        else if (size > 0) /* QEMU refuses an empty backend */
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
                                        ?: i == j ? NUMA_DISTANCE_LOCAL
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
                        &lb, "data-type", "%s-%s", numa_latency_words[c->type - 1],
                        c->bandwidth ? "bandwidth" : "latency");
                if (c->bandwidth)
                        props_textf(&lb, "bandwidth", "%lluK", (unsigned long long) (c->value.value / KIB));
                else
                        props_number(&lb, "latency", c->value.value);
                plan_list(p, "-numa", &lb);
        }
        /* QEMU accepts caches only after these */
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
 * libvirt gives machine types up to 5.0 nodes without backends unless the XML requires them. Guests with and
 * without backends cannot migrate to each other, so this must be the same here.
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <memory>: modules that can be plugged (DIMM, NVDIMM), memory that the host can take back (virtio-mem),
 * disks that look like memory (virtio-pmem), and Intel's enclaves (sgx-epc). Each is part of the guest's
 * memory and of its maxMemory.
 */

#include "guest/processor/memory.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/part.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/numa.h"

typedef enum MemoryModel {
        MODEL_DIMM = 1,
        MODEL_NVDIMM,
        MODEL_VIRTIO_PMEM,
        MODEL_VIRTIO_MEM,
        MODEL_SGX_EPC,
} MemoryModel;

typedef struct MemoryDevice {
        Device device;
        int model;  /* MemoryModel */
        int access; /* MemoryAccess */
        Tristate discard, dynamic_slots;
        const char *path;
        Number align, page_size;
        Set host_nodes;
        bool pmem, readonly;
        Number size, node, label, block, requested, base;
} MemoryDevice;

#define MODULE_ALIGN (2 * MIB)   /* libvirt's: a huge page of the host */
#define LABEL_MIN    (128 * KIB) /* of the NVDIMM specification */
#define BLOCK_MIN    (2 * MIB)   /* a huge page of the host: virtio-mem adds and removes whole ones */

static const char *const model_words[] = { "dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc", NULL };
static const char *const prefixes[] = { "dimm", "nvdimm", "virtiopmem", "virtiomem", "epc" }; /* of ids */

static const Field fields[] = {
        FIELD_OF_WORDS("@model", MemoryDevice, model, model_words),
        FIELD_OF_WORDS("@access", MemoryDevice, access, memory_access_words),
        FIELD("@discard", FIELD_YESNO, MemoryDevice, discard),
        FIELD("source/path", FIELD_PATH, MemoryDevice, path),
        FIELD_OF_SIZE("source/alignsize", MemoryDevice, align, KIB),
        FIELD_OF_SIZE("source/pagesize", MemoryDevice, page_size, KIB),
        FIELD("source/nodemask", FIELD_SET, MemoryDevice, host_nodes),
        FIELD("source/pmem", FIELD_PRESENT, MemoryDevice, pmem),
        FIELD_OF_SIZE("target/size", MemoryDevice, size, KIB),
        FIELD_IN_RANGE("target/node", MemoryDevice, node, 0, NUMA_CELLS_MAX - 1),
        FIELD_OF_SIZE("target/label/size", MemoryDevice, label, KIB),
        FIELD("target/readonly", FIELD_PRESENT, MemoryDevice, readonly),
        FIELD_OF_SIZE("target/block", MemoryDevice, block, KIB),
        FIELD_OF_SIZE("target/requested", MemoryDevice, requested, KIB),
        FIELD_SAID("target/current", FIELD_IGNORED, NULL), /* what a running guest had of it */
        FIELD("target/address@base", FIELD_NUMBER, MemoryDevice, base),
        FIELD("target@dynamicMemslots", FIELD_YESNO, MemoryDevice, dynamic_slots),
        FIELD_SAID("uuid", FIELD_REFUSED, "is supported only on POWER machines"),
        {},
};

static bool is_module(const MemoryDevice *m)
{
        return m->model == MODEL_DIMM || m->model == MODEL_NVDIMM;
}

static bool is_virtio(const MemoryDevice *m)
{
        return m->model == MODEL_VIRTIO_PMEM || m->model == MODEL_VIRTIO_MEM;
}

/* Settings that a model does not use must not be ignored silently. */
static void check_fields(const Guest *g, const MemoryDevice *m)
{
        const Device *d = &m->device;
        bool persistent = m->model == MODEL_NVDIMM || m->model == MODEL_VIRTIO_PMEM;

        if (persistent != (m->path != NULL))
                device_error(
                        g, d,
                        persistent ? "<memory>: <path> in <source> is missing"
                                   : "<memory>: <path> requires model='nvdimm' or model='virtio-pmem'");
        if (persistent && (m->page_size.set || m->host_nodes.set || m->discard == ON))
                device_error(
                        g, d, "<memory>: pagesize, nodemask and discard cannot be combined with <path>");
        if (m->model != MODEL_NVDIMM && (m->align.set || m->pmem || m->label.set || m->readonly))
                device_error(g, d, "<memory>: alignsize, pmem, label and readonly require model='nvdimm'");
        if (m->model != MODEL_VIRTIO_MEM && (m->block.set || m->requested.set || m->dynamic_slots != UNSET))
                device_error(
                        g, d, "<memory>: block, requested and dynamicMemslots require model='virtio-mem'");
        if (!is_virtio(m) && m->base.set)
                device_error(
                        g, d,
                        "<memory>: <address base='…'/> in <target> requires model='virtio-mem' or "
                        "model='virtio-pmem'");
        if (m->model == MODEL_VIRTIO_PMEM && m->node.set)
                device_error(g, d, "<memory>: <node> cannot be combined with model='virtio-pmem'");
        if (m->model == MODEL_VIRTIO_PMEM && m->access != MEMORY_ACCESS_SHARED)
                device_error(g, d, "<memory>: model='virtio-pmem' requires access='shared'");
        if (m->model == MODEL_SGX_EPC && (m->access || m->discard != UNSET || m->page_size.set))
                device_error(
                        g, d,
                        "<memory>: access, discard and pagesize cannot be combined with model='sgx-epc'");
}

static void memory_device_read(Guest *g, Device *d)
{
        MemoryDevice *m = DEVICE_AS(MemoryDevice, d);

        if (!m->model || !m->size.set || m->size.value == 0) {
                device_error(g, d, "<memory>: model='…' and <size> in <target> are required");
                return;
        }
        check_fields(g, m);
        if (m->size.value > UINT64_C(1) << 52) {
                device_error(g, d, "<memory>: size is too large");
                return;
        }
        m->size.value = (m->size.value + MODULE_ALIGN - 1) / MODULE_ALIGN * MODULE_ALIGN;
        if (m->model != MODEL_SGX_EPC)
                guest_own(g, memory)->devices += m->size.value;
}

static void memory_device_complete(Guest *g, Device *d)
{
        MemoryDevice *m = DEVICE_AS(MemoryDevice, d);

        if (is_module(m)) {
                d->bus = BUS_DIMM;
                if (d->address.type == ADDRESS_DIMM && d->address.dimm.base.value == 0)
                        d->address.dimm.base = (Number){ 0 };
        } else if (is_virtio(m)) {
                device_virtio_complete(g, d, 0);
        }
}

/* libvirt names modules by their slots, and numbers all others by kind. */
static void memory_device_placed(Guest *g, Device *d)
{
        const MemoryDevice *m = DEVICE_AS(MemoryDevice, d);
        const char *prefix = prefixes[m->model - 1];

        if (is_module(m))
                device_set_id(g, d, "%s%u", prefix, (unsigned) d->address.dimm.slot.value);
        else
                device_set_next_id(g, d, prefix);
}

static void check_virtio_mem(const Guest *g, const MemoryDevice *m)
{
        const Device *d = &m->device;

        if (!m->block.set || m->block.value < BLOCK_MIN || m->block.value & (m->block.value - 1))
                device_error(
                        g, d,
                        "<memory>: model='virtio-mem' requires <block>, a power of two of at least %u KiB",
                        (unsigned) (BLOCK_MIN / KIB));
        else if (m->requested.value % m->block.value || m->size.value % m->block.value)
                device_error(g, d, "<memory>: size and requested must be multiples of <block>");
        if (m->requested.value > m->size.value)
                device_error(g, d, "<memory>: requested must not be larger than size");
}

static void check_nvdimm(const Guest *g, const MemoryDevice *m)
{
        if (m->label.set && m->label.value < LABEL_MIN)
                device_error(g, &m->device, "<memory>: <label> must be at least 128 KiB");
        if (m->label.set && m->label.value >= m->size.value)
                device_error(g, &m->device, "<memory>: <label> must be smaller than the whole module");
}

/* The range of guest memory that it occupies; false if QEMU chooses it. */
static bool range_of(const MemoryDevice *m, uint64_t *ret_base, uint64_t *ret_size)
{
        Number base = is_module(m) && m->device.address.type == ADDRESS_DIMM ? m->device.address.dimm.base
                                                                             : m->base;

        *ret_base = base.value;
        *ret_size = m->size.value;
        if (m->label.set) /* the label is mapped elsewhere; the rest is in whole units of the alignment */
                *ret_size =
                        (m->size.value - m->label.value) / (m->align.value ?: MIB) * (m->align.value ?: MIB);
        return base.set && base.value > 0;
}

static void check_overlap(const Guest *g, const MemoryDevice *m)
{
        uint64_t base, size, other_base, other_size;

        if (!range_of(m, &base, &size))
                return;
        GUEST_FOREACH_DEVICE(g, &kind_memory, d) {
                if (d == &m->device)
                        break;
                if (range_of(DEVICE_AS(MemoryDevice, d), &other_base, &other_size) &&
                    base < other_base + other_size && other_base < base + size)
                        device_error(
                                g, &m->device, "<memory>: address 0x%llx overlaps another <memory>",
                                (unsigned long long) base);
        }
}

static void memory_device_check(const Guest *g, const Device *d)
{
        const MemoryDevice *m = DEVICE_AS(MemoryDevice, d);

        if (m->model == MODEL_SGX_EPC)
                return;
        if (!g->memory->max.set)
                device_error(g, d, "<memory>: requires <maxMemory> in <domain>");
        else if (g->memory->max.value < memory_initial(g) + g->memory->devices)
                device_error(g, d, "<memory>: the guest's total memory exceeds <maxMemory>");
        if (is_module(m) && d->address.dimm.slot.value >= g->memory->slots.value)
                device_error(
                        g, d, "<memory>: slot %u does not exist; <maxMemory> has slots='%u'",
                        (unsigned) d->address.dimm.slot.value, (unsigned) g->memory->slots.value);
        if (is_module(m) && !g->features->acpi)
                device_warning(g, d, "<memory>: QEMU requires <acpi/> in <features> for memory modules");
        if (m->model != MODEL_VIRTIO_PMEM && g->numa->n_cells > 0 && !m->node.set)
                device_error(g, d, "<memory>: <node> in <target> is missing");
        if (m->node.set && m->node.value >= g->numa->n_cells)
                device_error(
                        g, d, "<memory>: NUMA node %u does not exist; define it with <cell> in <numa>",
                        (unsigned) m->node.value);
        if (m->model == MODEL_VIRTIO_MEM)
                check_virtio_mem(g, m);
        if (m->model == MODEL_NVDIMM)
                check_nvdimm(g, m);
        check_overlap(g, m);
}

static unsigned epc_number(const Guest *g, const Device *d)
{
        unsigned n = 0;

        GUEST_FOREACH_DEVICE(g, &kind_memory, other) {
                if (other == d)
                        break;
                n += DEVICE_AS(MemoryDevice, other)->model == MODEL_SGX_EPC;
        }
        return n;
}

static void memory_device_machine(const Guest *g, const Device *d, Props *machine)
{
        const MemoryDevice *m = DEVICE_AS(MemoryDevice, d);
        char key[64];

        if (m->model == MODEL_NVDIMM)
                props_bool(machine, "nvdimm", true);
        if (m->model != MODEL_SGX_EPC)
                return;
        snprintf(key, sizeof(key), "sgx-epc.%u.memdev", epc_number(g, d));
        props_textf(machine, key, "mem%s", d->id);
        if (m->node.set) {
                snprintf(key, sizeof(key), "sgx-epc.%u.node", epc_number(g, d));
                props_number(machine, key, m->node.value);
        }
}

static void build_epc(const MemoryDevice *m, Plan *p)
{
        Props object = props_new("qom-type", "memory-backend-epc");

        props_textf(&object, "id", "mem%s", m->device.id);
        props_bool(&object, "prealloc", true);
        props_number(&object, "size", m->size.value);
        if (m->host_nodes.set) {
                json_t *nodes = props_array(&object, "host-nodes");

                for (unsigned i = 0; i < SET_MAX; i++)
                        if (set_has(&m->host_nodes, i))
                                json_array_append_new(nodes, json_integer(i));
                props_text(&object, "policy", "bind");
        }
        plan_json(p, "-object", &object);
        plan_share_device(p, "/dev/sgx_vepc");
        plan_share_device(p, "/dev/sgx_provision");
}

static void grant(const MemoryDevice *m, Plan *p)
{
        Access access = m->readonly ? ACCESS_READ : ACCESS_WRITE;

        if (!m->path)
                return;
        if (text_after(m->path, "/dev/dax"))
                plan_grant_device(p, m->path, access);
        else
                plan_grant(p, m->path, access);
}

static void memory_device_build(const Guest *g, const Device *d, Plan *p)
{
        static const char *const drivers[] = { "pc-dimm", "nvdimm" };
        const MemoryDevice *m = DEVICE_AS(MemoryDevice, d);
        char memdev[160];
        MemoryBackend backend = {
                .id = memdev,
                .size = m->size.value,
                .node = m->node.set ? (int) m->node.value : -1,
                .path = m->path,
                .access = m->access,
                .discard = m->discard,
                .page_size = m->page_size,
                .align = m->align,
                .host_nodes = m->host_nodes.set ? &m->host_nodes : NULL,
                .pmem = m->pmem,
                .lazy = m->model == MODEL_VIRTIO_PMEM,
                .readonly = m->readonly,
                .unreserved = m->model == MODEL_VIRTIO_MEM,
        };
        Props device;

        if (m->model == MODEL_SGX_EPC) {
                build_epc(m, p);
                return;
        }
        snprintf(memdev, sizeof(memdev), "mem%s", d->id);
        memory_backend_build(g, p, &backend);
        grant(m, p);
        device = is_module(m) ? props_new("driver", drivers[m->model - 1])
                              : device_virtio_new(
                                        d, m->model == MODEL_VIRTIO_PMEM ? "virtio-pmem" : "virtio-mem", 0);
        props_number_if(&device, "node", m->node);
        props_number_if(&device, "label-size", m->label);
        props_number_if(&device, "block-size", m->block);
        if (m->requested.value > 0)
                props_number_if(&device, "requested-size", m->requested);
        if (m->readonly)
                props_bool(&device, "unarmed", true);
        props_text(&device, "memdev", memdev);
        if (m->model == MODEL_VIRTIO_MEM && memory_backend_is_preallocated(g, &backend))
                props_bool(&device, "prealloc", true);
        props_bool_if(&device, "dynamic-memslots", m->dynamic_slots);
        props_number_if(&device, "memaddr", m->base);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_memory = {
        .element = "memory",
        .size = sizeof(MemoryDevice),
        .fields = fields,
        .has_acpi_index = true,
        .read = memory_device_read,
        .complete = memory_device_complete,
        .placed = memory_device_placed,
        .check = memory_device_check,
        .build = memory_device_build,
        .machine = memory_device_machine,
};

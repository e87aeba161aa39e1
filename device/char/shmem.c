/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <shmem>: memory that guests share, either plain or with a server that provides it and forwards interrupts.
 * It is in /dev/shm under its name, as with libvirt, so that guests of both can share it. Every guest that
 * names it can write to it.
 */

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define DEFAULT_SIZE (4 * MIB)

typedef enum ShmemModel {
        SHMEM_LEGACY = 1,
        SHMEM_PLAIN,
        SHMEM_DOORBELL,
} ShmemModel;

typedef enum ShmemRole {
        SHMEM_MASTER = 1,
        SHMEM_PEER,
} ShmemRole;

typedef struct Shmem {
        Device device;
        const char *name, *server_path;
        int model; /* ShmemModel */
        int role;  /* ShmemRole */
        Number size, vectors;
        Tristate ioeventfd;
        bool server, msi;
} Shmem;

static const char *const model_words[] = { "ivshmem", "ivshmem-plain", "ivshmem-doorbell", NULL };
static const char *const role_words[] = { "master", "peer", NULL };

static const Field fields[] = {
        FIELD("@name", FIELD_TEXT, Shmem, name),
        FIELD_OF_WORDS("@role", Shmem, role, role_words),
        FIELD_OF_WORDS("model@type", Shmem, model, model_words),
        FIELD_OF_SIZE("size", Shmem, size, 1),
        FIELD("server", FIELD_PRESENT, Shmem, server),
        FIELD("server@path", FIELD_PATH, Shmem, server_path),
        FIELD("msi", FIELD_PRESENT, Shmem, msi),
        FIELD_IN_RANGE("msi@vectors", Shmem, vectors, 1, UINT16_MAX),
        FIELD("msi@ioeventfd", FIELD_SWITCH, Shmem, ioeventfd),
        {},
};

static void shmem_read(Guest *g, Device *d)
{
        Shmem *s = DEVICE_AS(Shmem, d);

        if (!s->name)
                device_error(g, d, "<shmem>: name='…' is missing");
        else if (strchr(s->name, '/') || streq(s->name, ".") || streq(s->name, ".."))
                device_error(g, d, "<shmem>: name='%s' is not a valid file name", s->name);
        if (!s->model || s->model == SHMEM_LEGACY)
                device_error(
                        g, d, "<shmem>: <model type='…'/> must be one of: ivshmem-plain, ivshmem-doorbell");
}

static void shmem_complete(Guest *g, Device *d)
{
        Shmem *s = DEVICE_AS(Shmem, d);

        if (s->model == SHMEM_PLAIN && !s->size.set)
                s->size = (Number){ DEFAULT_SIZE, true };
        if (s->server && !s->server_path)
                s->server_path = guest_text(g, "/var/lib/libvirt/shmem-%s-sock", s->name);
        device_set_id(g, d, "shmem%u", d->index);
        d->bus = BUS_PCI;
        d->pci = PCI_CONVENTIONAL;
}

static void shmem_check(const Guest *g, const Device *d)
{
        const Shmem *s = DEVICE_AS(Shmem, d);

        if (s->size.set && (s->size.value < MIB || (s->size.value & (s->size.value - 1))))
                device_error(g, d, "<size>: must be a power of two and at least 1 MiB");
        if (s->model == SHMEM_PLAIN && s->server)
                device_error(g, d, "<shmem>: <server> requires <model type='ivshmem-doorbell'/>");
        if (s->model == SHMEM_PLAIN && s->msi)
                device_error(g, d, "<shmem>: <msi> requires <server>");
        if (s->model == SHMEM_DOORBELL && !s->server)
                device_error(g, d, "<shmem>: <model type='ivshmem-doorbell'/> requires <server>");
        if (s->model == SHMEM_DOORBELL && s->size.set)
                device_error(
                        g, d,
                        "<size>: cannot be combined with <model type='ivshmem-doorbell'/>, where the server "
                        "decides the size");
}

static void build_memory(const Shmem *s, Plan *p)
{
        Props object = props_new("qom-type", "memory-backend-file");

        props_textf(&object, "id", "shmmem-%s", s->device.id);
        props_textf(&object, "mem-path", "/dev/shm/%s", s->name);
        props_number(&object, "size", s->size.value);
        props_bool(&object, "share", true);
        plan_json(p, "-object", &object);
        plan_directive(p, "BindPaths", "/dev/shm"); /* instead of the guest's own */
}

static void build_server(const Shmem *s, Plan *p)
{
        Props chardev = props_new("backend", "socket");

        props_textf(&chardev, "id", "char%s", s->device.id);
        props_text(&chardev, "path", s->server_path);
        plan_list(p, "-chardev", &chardev);
        plan_peers(p);
        plan_directive(p, "BindPaths", "%s", s->server_path);
}

static void shmem_build(const Guest *g, const Device *d, Plan *p)
{
        const Shmem *s = DEVICE_AS(Shmem, d);
        Props device = props_new("driver", model_words[s->model - 1]);

        if (s->model == SHMEM_PLAIN) {
                build_memory(s, p);
                props_textf(&device, "memdev", "shmmem-%s", d->id);
        } else {
                build_server(s, p);
                props_textf(&device, "chardev", "char%s", d->id);
                props_number_if(&device, "vectors", s->vectors);
                props_onoff(&device, "ioeventfd", s->ioeventfd);
        }
        if (s->role)
                props_onoff(&device, "master", s->role == SHMEM_MASTER ? ON : OFF);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_shmem = {
        .element = "shmem",
        .size = sizeof(Shmem),
        .fields = fields,
        .has_acpi_index = true,
        .read = shmem_read,
        .complete = shmem_complete,
        .check = shmem_check,
        .build = shmem_build,
};

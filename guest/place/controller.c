/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of the controllers decides which gets the lower slot, so the order has to be libvirt's to the
 * detail: those of a type stand together where the first of them stood, sorted by index but for those whose
 * index the XML left out; implied ones are sorted in, and the first of a type comes last. Source: what
 * libvirt documents of controller indexes, and the machines that it makes.
 */

#include "guest/place/controller.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/xml/write.h"

static const struct {
        const char *word;     /* <controller type=> */
        const char *first_id; /* of index 0, if different */
        const char *id;       /* before the index */
} types[] = {
        [CONTROLLER_PCI] = { "pci", NULL, "pci." },
        [CONTROLLER_USB] = { "usb", "usb", "usb" },
        [CONTROLLER_SCSI] = { "scsi", NULL, "scsi" },
        [CONTROLLER_IDE] = { "ide", NULL, "ide" },
        [CONTROLLER_SATA] = { "sata", NULL, "sata" },
        [CONTROLLER_FDC] = { "fdc", NULL, "fdc" },
        [CONTROLLER_VIRTIO_SERIAL] = { "virtio-serial", NULL, "virtio-serial" },
        [CONTROLLER_CCID] = { "ccid", NULL, "ccid" },
        [CONTROLLER_NVME] = { "nvme", NULL, "nvme" },
};

Controller *controller_of(Device *d, ControllerType *ret)
{
        if (!streq(d->kind->element, "controller"))
                return NULL;
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (streq(d->kind->type, types[i].word)) {
                        *ret = (ControllerType) i;
                        return device_controller(d);
                }
        return NULL;
}

Controller *controller_of_type(Device *d, ControllerType type)
{
        ControllerType is;
        Controller *c = controller_of(d, &is);

        return c && is == type ? c : NULL;
}

Controller *controller_find_any(const Guest *g, ControllerType type, unsigned index)
{
        Controller *found = NULL;

        for (size_t i = 0; i < g->n_devices; i++) {
                Controller *c = controller_of_type(g->devices[i], type);

                if (c && c->index.set && c->index.value == index && (!found || found->companion))
                        found = c;
        }
        return found;
}

/*
 * Moves the controller at a position to its place among those before it. A missing index counts as lower
 * than any other.
 */
static void settle(Guest *g, size_t at)
{
        ControllerType type;
        Device *moved = g->devices[at];
        const Controller *c = controller_of(moved, &type);
        size_t to = SIZE_MAX;

        if (!c)
                return;
        for (size_t i = at; i-- > 0;) {
                const Controller *other = controller_of_type(g->devices[i], type);

                if (!other)
                        continue;
                if (!c->index.set) {
                        to = i + 1;
                        break;
                }
                if (other->index.set && other->index.value > c->index.value)
                        to = i;
                else if (
                        !c->companion && other->companion && other->index.set &&
                        other->index.value == c->index.value)
                        to = i;
                else if (to == SIZE_MAX)
                        to = i + 1;
        }
        if (to >= at)
                return;
        memmove(&g->devices[to + 1], &g->devices[to], (at - to) * sizeof(*g->devices));
        g->devices[to] = moved;
}

/* The functions of one ICH9 controller share an index, where the one before lacks this one. */
static bool join_companions(const Guest *g, Controller *c, const Controller *previous)
{
        if (!c->usb2 || !previous || !previous->usb2)
                return false;
        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_USB, other)
                if (other != c && other->index.set && other->index.value == previous->index.value &&
                    other->function == c->function)
                        return false;
        c->index = previous->index;
        return true;
}

/* The functions of one ICH9 controller share an index, and no others. */
static void refuse_twin(Guest *g, Controller *c, ControllerType type)
{
        GUEST_FOREACH_CONTROLLER(g, type, other) {
                if (other == c)
                        return;
                if (other->index.value != c->index.value ||
                    (c->usb2 && other->usb2 && c->function != other->function))
                        continue;
                device_error(
                        g, &c->device, "<controller>: line %u already has one with type='%s' and index='%u'",
                        other->device.place.line, types[type].word, (unsigned) c->index.value);
                return;
        }
}

/* Sets the lowest index that is free among those of the type. */
static bool choose_index(
        Guest *g, Controller *c, ControllerType type, bool used[static CONTROLLER_INDEX_MAX + 1])
{
        unsigned index = 0;

        while (index <= CONTROLLER_INDEX_MAX && used[index])
                index++;
        if (index > CONTROLLER_INDEX_MAX) {
                device_error(
                        g, &c->device, "<controller>: at most %u of type '%s' are supported",
                        CONTROLLER_INDEX_MAX + 1, types[type].word);
                return false;
        }
        used[index] = true;
        c->index = (Number){ index, true };
        return true;
}

void controllers_settle(Guest *g)
{
        bool used[ELEMENTS(types)][CONTROLLER_INDEX_MAX + 1] = {};
        const Controller *previous = NULL;
        ControllerType type;

        for (size_t i = 0; i < g->n_devices; i++) {
                const Controller *c = controller_of(g->devices[i], &type);

                settle(g, i);
                if (c && c->index.set)
                        used[type][c->index.value] = true;
        }
        for (size_t i = 0; i < g->n_devices; i++) {
                Controller *c = controller_of(g->devices[i], &type);

                if (!c)
                        continue;
                if (!c->index.set && !join_companions(g, c, previous) &&
                    !choose_index(g, c, type, used[type]))
                        return;
                refuse_twin(g, c, type);
                previous = c;
        }
}

Controller *controller_imply(Guest *g, ControllerType type, unsigned index, PciModel pci_model)
{
        Controller *c = controller_find(g, type, index);
        const DeviceKind *const *k = g->kinds;

        if (c)
                return c;
        while (*k && !(streq((*k)->element, "controller") && streq((*k)->type, types[type].word)))
                k++;
        c = *k ? device_controller(guest_add_device(g, *k)) : NULL;
        if (!c) {
                g->status = -ENOMEM;
                return NULL;
        }
        c->index = (Number){ index, true };
        c->pci_model = pci_model;
        c->device.kind->complete(g, &c->device);
        settle(g, g->n_devices - 1);
        return c;
}

int controller_describe(const Guest *g, const Device *d, XmlElement *e)
{
        return xml_setf(e, "@index", "%u", (unsigned) device_controller(d)->index.value);
}

void controllers_set_ids(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                ControllerType type;
                Controller *c = controller_of(g->devices[i], &type);
                unsigned index = c ? (unsigned) c->index.value : 0;

                if (!c)
                        continue;
                /* controllers built into the machine keep its names, whatever their alias in the XML */
                if (c->pci_model == PCI_ROOT && type == CONTROLLER_PCI)
                        c->device.id = "pci.0";
                else if (c->pci_model == PCI_EXPRESS_ROOT && type == CONTROLLER_PCI)
                        c->device.id = "pcie.0";
                else if ((type == CONTROLLER_SATA || type == CONTROLLER_IDE) && index == 0 && c->home.set)
                        c->device.id = "ide";
                else if (index == 0 && types[type].first_id)
                        device_set_id(g, &c->device, "%s", types[type].first_id);
                else
                        device_set_id(g, &c->device, "%s%u", types[type].id, index);
        }
}

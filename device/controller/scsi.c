/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <controller type='scsi'>: which model of host adapter QEMU emulates, with its queues and limits. Disks
 * and host devices on a SCSI bus find the adapter's model here, because their addresses depend on it.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/iothread.h"
#include "guest/xml/write.h"

typedef enum ScsiModel {
        SCSI_AUTO = 1,
        SCSI_BUSLOGIC,
        SCSI_LSILOGIC,
        SCSI_LSISAS1068,
        SCSI_LSISAS1078,
        SCSI_VMPVSCSI,
        SCSI_IBMVSCSI,
        SCSI_NCR53C90,
        SCSI_DC390,
        SCSI_AM53C974,
        SCSI_VIRTIO,
        SCSI_VIRTIO_TRANSITIONAL,
        SCSI_VIRTIO_NON_TRANSITIONAL,
        SCSI_N_MODELS,
} ScsiModel;

static const char *const model_words[] = {
        "auto",
        "buslogic",
        "lsilogic",
        "lsisas1068",
        "lsisas1078",
        "vmpvscsi",
        "ibmvscsi",
        "ncr53c90",
        "dc390",
        "am53c974",
        "virtio-scsi",
        "virtio-transitional",
        "virtio-non-transitional",
        NULL,
};

static const struct {
        const char *driver; /* NULL: QEMU has none for PCI */
        VirtioModel virtio;
        bool narrow;
} models[SCSI_N_MODELS] = {
        [SCSI_LSILOGIC] = { "lsi", .narrow = true },
        [SCSI_LSISAS1068] = { "mptsas1068" },
        [SCSI_LSISAS1078] = { "megasas" },
        [SCSI_VMPVSCSI] = { "pvscsi" },
        [SCSI_DC390] = { "dc390", .narrow = true },
        [SCSI_AM53C974] = { "am53c974", .narrow = true },
        [SCSI_VIRTIO] = { "virtio-scsi", VIRTIO_MODEL },
        [SCSI_VIRTIO_TRANSITIONAL] = { "virtio-scsi", VIRTIO_MODEL_TRANSITIONAL },
        [SCSI_VIRTIO_NON_TRANSITIONAL] = { "virtio-scsi", VIRTIO_MODEL_NON_TRANSITIONAL },
};

typedef struct ScsiController {
        Controller controller;
        int model; /* ScsiModel */
        Number queues, cmd_per_lun, max_sectors, iothread;
        XmlElement *iothreads;
        Tristate ioeventfd;
} ScsiController;

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        FIELD_OF_WORDS("@model", ScsiController, model, model_words),
        FIELD_IN_RANGE("driver@queues", ScsiController, queues, 0, 1024),
        FIELD_IN_RANGE("driver@cmd_per_lun", ScsiController, cmd_per_lun, 0, UINT32_MAX),
        FIELD_IN_RANGE("driver@max_sectors", ScsiController, max_sectors, 0, UINT32_MAX),
        FIELD_IN_RANGE("driver@iothread", ScsiController, iothread, 1, UINT32_MAX),
        FIELD("driver/iothreads", FIELD_ELEMENT, ScsiController, iothreads),
        FIELD("driver@ioeventfd", FIELD_SWITCH, ScsiController, ioeventfd),
        {},
};

static bool is_default(const ScsiController *scsi)
{
        return !scsi->model || scsi->model == SCSI_AUTO;
}

/* A controller without a model in the XML takes that of the first that has one; 0 if none has. */
static int model_of_likes(const Guest *g)
{
        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_SCSI, c)
                if (c->device.xml && !is_default(DEVICE_AS(ScsiController, &c->device)))
                        return DEVICE_AS(ScsiController, &c->device)->model;
        return 0;
}

static int default_model(const Guest *g)
{
        return model_of_likes(g) ?: (os_is_x86(g->os) ? SCSI_LSILOGIC : SCSI_VIRTIO);
}

static void complete(Guest *g, Device *d)
{
        ScsiController *scsi = DEVICE_AS(ScsiController, d);

        if (is_default(scsi))
                scsi->model = default_model(g);
        if (!models[scsi->model].driver) {
                device_error(
                        g, d,
                        "<controller>: QEMU has no SCSI controller with model='%s' for this machine type",
                        model_words[scsi->model - 1]);
                return;
        }
        scsi->controller.narrow = models[scsi->model].narrow;
        scsi->controller.short_ids = scsi->model == SCSI_LSILOGIC;
        if (models[scsi->model].virtio) {
                device_virtio_complete(g, d, models[scsi->model].virtio);
        } else {
                d->bus = BUS_PCI;
                d->pci = PCI_CONVENTIONAL;
        }
}

static void check_iothreads(const Guest *g, const Device *d, const ScsiController *scsi)
{
        if ((scsi->iothread.set || scsi->iothreads) && d->bus != BUS_PCI)
                device_error(g, d, "<controller>: an iothread requires a controller on PCI");
        if (scsi->iothread.set && scsi->iothreads)
                device_error(g, d, "<driver>: iothread='…' cannot be combined with <iothreads>");
        if (scsi->iothread.set && !iothread_exists(g, scsi->iothread.value))
                device_error(
                        g, d,
                        "<driver>: iothread %llu does not exist; define it with <iothreads> in <domain>",
                        (unsigned long long) scsi->iothread.value);
        iothread_mapping_check(g, scsi->iothreads, scsi->queues.value);
}

static void check(const Guest *g, const Device *d)
{
        const ScsiController *scsi = DEVICE_AS(ScsiController, d);

        if (models[scsi->model].virtio) {
                check_iothreads(g, d, scsi);
                return;
        }
        device_no_virtio_options(g, d);
        if (scsi->queues.set || scsi->cmd_per_lun.set || scsi->max_sectors.set || scsi->iothread.set ||
            scsi->iothreads || scsi->ioeventfd != UNSET)
                device_error(
                        g, d,
                        "<controller>: these options of <driver> require model='virtio-scsi', not '%s'",
                        model_words[scsi->model - 1]);
}

static void number_above_zero(Props *props, const char *key, Number n)
{
        if (n.set && n.value > 0)
                props_number(props, key, n.value);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const ScsiController *scsi = DEVICE_AS(ScsiController, d);
        Props props;

        if (models[scsi->model].virtio) {
                props = device_virtio_new(d, models[scsi->model].driver, models[scsi->model].virtio);
                if (scsi->iothread.set)
                        props_textf(
                                &props, "iothread", "iothread%llu",
                                (unsigned long long) scsi->iothread.value);
                iothread_mapping_props(scsi->iothreads, &props);
                number_above_zero(&props, "num_queues", scsi->queues);
                number_above_zero(&props, "cmd_per_lun", scsi->cmd_per_lun);
                number_above_zero(&props, "max_sectors", scsi->max_sectors);
                props_bool_if(&props, "ioeventfd", scsi->ioeventfd);
        } else {
                props = props_new("driver", models[scsi->model].driver);
        }
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

static int describe(const Guest *g, const Device *d, XmlElement *e)
{
        int r = controller_describe(g, d, e);

        return r < 0 ? r : xml_set(e, "@model", model_words[DEVICE_AS(ScsiController, d)->model - 1]);
}

const DeviceKind kind_controller_scsi = {
        .element = "controller",
        .type = "scsi",
        .size = sizeof(ScsiController),
        .fields = fields,
        .has_virtio_options = true,
        .complete = complete,
        .check = check,
        .build = build,
        .describe = describe,
};

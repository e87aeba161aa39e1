/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <tpm>: the host's own TPM, or one that swtpm emulates behind a socket: in a unit of vmunit's, or of
 * somebody else's (<backend type='external'>). QEMU requires a file through which it can cancel commands of
 * the host's TPM. That file is in /sys, which is read-only in the sandbox, so QEMU gets /dev/null and waits
 * until each command ends.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/plan/bind.h"
#include "guest/plan/plan.h"
#include "guest/plan/secret.h"

typedef enum TpmModel {
        TPM_TIS = 1,
        TPM_CRB,
} TpmModel;

typedef enum TpmBackend {
        TPM_PASSTHROUGH = 1,
        TPM_EMULATOR,
        TPM_EXTERNAL,
} TpmBackend;

typedef enum TpmVersion {
        TPM_1_2 = 1,
        TPM_2_0,
} TpmVersion;

typedef enum TpmStateType {
        TPM_STATE_DIRECTORY = 1,
        TPM_STATE_FILE,
} TpmStateType;

typedef struct Tpm {
        Device device;
        int model, backend, version; /* TpmModel, TpmBackend, TpmVersion */
        XmlElement *backend_element;
        const char *path; /* the node, or the socket that QEMU connects to */
        int source_type, source_mode;
        XmlElement *encryption, *profile_element, *source;
        int state_type; /* TpmStateType; 0: in the guest's state directory */
        const char *state_path;
        const char *secret; /* the UUID of the passphrase for the emulator's state */
        const char *credential;
        XmlElement *banks;
        const char *bank_list; /* as swtpm_setup takes it, or NULL */
        const char *profile;
        int profile_remove;
        Number debug;
} Tpm;

static const char *const model_words[] = { "tpm-tis", "tpm-crb", NULL };
static const char *const backend_words[] = { "passthrough", "emulator", "external", NULL };
static const char *const version_words[] = { "1.2", "2.0", NULL };
static const char *const unix_words[] = { "unix", NULL };
static const char *const connect_words[] = { "connect", NULL };
static const char *const bank_words[] = { "sha1", "sha256", "sha384", "sha512", NULL };
static const char *const state_words[] = { "dir", "file", NULL };
static const char *const remove_words[] = { "check", "fips-host", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Tpm, model, model_words),
        FIELD("backend", FIELD_ELEMENT, Tpm, backend_element),
        FIELD_OF_WORDS("backend@type", Tpm, backend, backend_words),
        {},
};

static const Field passthrough_fields[] = {
        FIELD("device@path", FIELD_PATH, Tpm, path),
        {},
};

static const Field emulator_fields[] = {
        FIELD_OF_WORDS("@version", Tpm, version, version_words),
        /* a guest's state always stays, as its disks do */
        FIELD_SAID("@persistent_state", FIELD_IGNORED, NULL),
        FIELD_IN_RANGE("@debug", Tpm, debug, 0, 20),
        FIELD("encryption", FIELD_ELEMENT, Tpm, encryption),
        FIELD("encryption@secret", FIELD_UUID, Tpm, secret),
        FIELD("active_pcr_banks", FIELD_ELEMENT, Tpm, banks),
        FIELD("source", FIELD_ELEMENT, Tpm, source),
        FIELD_OF_WORDS("source@type", Tpm, state_type, state_words),
        FIELD("source@path", FIELD_PATH, Tpm, state_path),
        FIELD("profile", FIELD_ELEMENT, Tpm, profile_element),
        FIELD("profile@source", FIELD_TEXT, Tpm, profile),
        FIELD_OF_WORDS("profile@removeDisabled", Tpm, profile_remove, remove_words),
        /* libvirt's note of what the state was made with */
        FIELD_SAID("profile@name", FIELD_IGNORED, NULL),
        {},
};

static const Field external_fields[] = {
        FIELD_OF_WORDS("source@type", Tpm, source_type, unix_words),
        FIELD_OF_WORDS("source@mode", Tpm, source_mode, connect_words),
        FIELD("source@path", FIELD_PATH, Tpm, path),
        {},
};

static const Field *const backend_fields[] = {
        [TPM_PASSTHROUGH] = passthrough_fields,
        [TPM_EMULATOR] = emulator_fields,
        [TPM_EXTERNAL] = external_fields,
};

static void read_banks(Guest *g, Tpm *t)
{
        t->bank_list = "";
        for (const char *const *word = bank_words; *word; word++)
                if (xml_child(t->banks, *word))
                        t->bank_list =
                                guest_text(g, "%s%s%s", t->bank_list, *t->bank_list ? "," : "", *word);
        if (!*t->bank_list)
                guest_error(
                        g, t->banks->place,
                        "<active_pcr_banks>: is empty; it must have one or more of <sha1/>, <sha256/>, "
                        "<sha384/>, <sha512/>");
}

static void tpm_read(Guest *g, Device *d)
{
        Tpm *t = DEVICE_AS(Tpm, d);

        if (d->index > 0)
                device_error(g, d, "<tpm>: a guest can have at most one");
        if (!t->backend) {
                device_error(
                        g, d,
                        "<tpm>: <backend type='…'> is missing; the type must be one of: emulator, "
                        "passthrough, external");
                return;
        }
        fields_read(t->backend_element, backend_fields[t->backend], t, g->findings);
        if (t->banks)
                read_banks(g, t);
        if (t->secret)
                t->credential = secret_of_uuid(g, t->secret);
        if (t->backend == TPM_EXTERNAL && !t->path)
                device_error(g, d, "<tpm>: <source type='unix' mode='connect' path='…'/> is missing");
}

static void tpm_complete(Guest *g, Device *d)
{
        Tpm *t = DEVICE_AS(Tpm, d);

        if (!t->model)
                t->model = TPM_TIS;
        if (!t->version)
                t->version = TPM_2_0;
        if (t->backend == TPM_PASSTHROUGH && !t->path)
                t->path = "/dev/tpm0";
        if (t->backend == TPM_EMULATOR)
                t->path = g->settings->tpm_socket;
        device_set_id(g, d, "tpm%u", d->index);
}

static void tpm_check(const Guest *g, const Device *d)
{
        const Tpm *t = DEVICE_AS(Tpm, d);

        if (d->address.type != ADDRESS_NONE)
                device_error(g, d, "<tpm>: <address> is not supported");
        if (t->version == TPM_1_2 && (t->model == TPM_CRB || !os_is_x86(g->os)))
                device_error(g, d, "<tpm>: version='1.2' requires model='tpm-tis' on x86");
        if (t->model == TPM_CRB && !os_is_x86(g->os))
                device_error(g, d, "<tpm>: model='tpm-crb' requires x86");
        if (t->version == TPM_1_2 && (t->banks || t->profile))
                device_error(
                        g, d, "<tpm>: <%s> requires version='2.0'",
                        t->banks ? "active_pcr_banks" : "profile");
        if (t->encryption && !t->secret)
                guest_error(g, t->encryption->place, "<encryption>: secret='UUID' is required");
        if (t->source && t->backend == TPM_EMULATOR && (!t->state_type || !t->state_path))
                guest_error(g, t->source->place, "<source>: type and path are required");
        else if (t->state_path && strchr(t->state_path, ','))
                guest_error(g, t->source->place, "<source>: swtpm does not take a comma in a path");
        if (t->state_type == TPM_STATE_DIRECTORY)
                bind_check_directory(g, t->source->place, "source", t->state_path);
        if (t->profile_element && !t->profile)
                guest_error(g, t->profile_element->place, "<profile>: source is required");
}

static void build_passthrough(const Tpm *t, Plan *p)
{
        Props tpm = props_new("type", "passthrough");

        props_textf(&tpm, "id", "tpm-%s", t->device.id);
        props_text(&tpm, "path", t->path);
        props_text(&tpm, "cancel-path", "/dev/null");
        plan_list(p, "-tpmdev", &tpm);
        plan_grant_device(p, t->path, ACCESS_WRITE);
}

static void build_emulator(const Guest *g, const Tpm *t, Plan *p)
{
        plan_tpm(
                p,
                &(PlanTpm){
                        .version = version_words[t->version - 1],
                        .pcr_banks = t->bank_list,
                        .profile = t->profile,
                        .profile_remove = t->profile_remove ? remove_words[t->profile_remove - 1] : NULL,
                        .credential = t->credential,
                        .log_level = (unsigned) t->debug.value,
                        .state_type = t->state_type ? state_words[t->state_type - 1] : NULL,
                        .state_path = t->state_path,
                },
                t->path);
}

static void build_socket(const Guest *g, const Tpm *t, Plan *p)
{
        Props chardev = props_new("backend", "socket"), tpm = props_new("type", "emulator");

        props_text(&chardev, "id", "chrtpm");
        props_text(&chardev, "path", t->path);
        plan_list(p, "-chardev", &chardev);
        plan_peers(p);
        if (t->backend == TPM_EXTERNAL)
                plan_directive(p, "BindPaths", "%s", t->path);
        else
                build_emulator(g, t, p);
        props_textf(&tpm, "id", "tpm-%s", t->device.id);
        props_text(&tpm, "chardev", "chrtpm");
        plan_list(p, "-tpmdev", &tpm);
}

static void tpm_build(const Guest *g, const Device *d, Plan *p)
{
        const Tpm *t = DEVICE_AS(Tpm, d);
        Props device = props_new(
                "driver",
                t->model == TPM_TIS && !os_is_x86(g->os) ? "tpm-tis-device" : model_words[t->model - 1]);

        if (t->backend == TPM_PASSTHROUGH)
                build_passthrough(t, p);
        else
                build_socket(g, t, p);
        props_textf(&device, "tpmdev", "tpm-%s", d->id);
        props_text(&device, "id", d->id);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_tpm = {
        .element = "tpm",
        .size = sizeof(Tpm),
        .fields = fields,
        .read = tpm_read,
        .complete = tpm_complete,
        .check = tpm_check,
        .build = tpm_build,
};

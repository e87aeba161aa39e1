/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What every guest has. A guest whose XML has no <uuid> gets one that is derived (guest/identity.h), so that
 * each conversion results in the same guest.
 */

#include "guest/machine/general.h"

#include "contract/options.h"
#include "contract/words.h"
#include "guest/guest.h"
#include "guest/identity.h"
#include "guest/machine/os.h"
#include "guest/part.h"

static const char *const accelerator_words[] = { "kvm", "qemu", NULL };
static const char *const action_words[] = {
        "destroy", "restart", "preserve", "rename-restart", "coredump-destroy", "coredump-restart", NULL,
};
/* What the launcher does. rename-restart is refused. */
static const Fate fates[] = {
        [ACTION_DESTROY] = FATE_DESTROY,
        [ACTION_RESTART] = FATE_RESTART,
        [ACTION_PRESERVE] = FATE_PRESERVE,
        [ACTION_RENAME_RESTART] = FATE_DESTROY,
        [ACTION_COREDUMP_DESTROY] = FATE_DUMP_DESTROY,
        [ACTION_COREDUMP_RESTART] = FATE_DUMP_RESTART,
};

static const char *const lock_words[] = { "poweroff", "restart", "pause", "ignore", NULL };

/* By Arch. */
static const char *const emulators[] = {
        "/usr/bin/qemu-system-x86_64",
        "/usr/bin/qemu-system-i386",
        "/usr/bin/qemu-system-aarch64",
};

static const Field general_fields[] = {
        FIELD_OF_WORDS("@type", General, type, accelerator_words),
        FIELD("name", FIELD_TEXT, General, name),
        FIELD("uuid", FIELD_UUID, General, uuid),
        FIELD("hwuuid", FIELD_UUID, General, hardware_uuid),
        FIELD("title", FIELD_STRING, General, title),
        FIELD("description", FIELD_STRING, General, description),
        FIELD("devices/emulator", FIELD_PATH, General, emulator),
        FIELD_OF_WORDS("on_poweroff", General, on_poweroff, action_words),
        FIELD_OF_WORDS("on_reboot", General, on_reboot, action_words),
        FIELD_OF_WORDS("on_crash", General, on_crash, action_words),
        FIELD("pm/suspend-to-mem@enabled", FIELD_YESNO, General, suspend_to_mem),
        FIELD("pm/suspend-to-disk@enabled", FIELD_YESNO, General, suspend_to_disk),
        FIELD("genid", FIELD_PRESENT, General, genid_there),
        FIELD_SAID("@id", FIELD_IGNORED, NULL), /* set by libvirt while the guest runs */
        /* there is no lock manager to fail */
        FIELD_OF_WORDS("on_lockfailure", General, on_lock_failure, lock_words),
        FIELD_SAID("idmap", FIELD_IGNORED, NULL), /* for containers; libvirt's QEMU driver accepts it too */
        FIELD_SAID(
                "iommufd", FIELD_WARNED,
                "ignored: host devices are opened through their IOMMU groups, which makes no difference to "
                "the guest"),
        FIELD_SAID(
                "devices/lease", FIELD_REFUSED,
                "not supported: there is no lock manager to hold it, so a second host could start the guest "
                "at the same time"),
        FIELD_SAID("devices/nvram", FIELD_REFUSED, "exists only on POWER machines, which are not supported"),
        FIELD_SAID("bootloader", FIELD_REFUSED, "applies only to guests of Xen"),
        FIELD_SAID("bootloader_args", FIELD_REFUSED, "applies only to guests of Xen"),
        FIELD_SAID("keywrap", FIELD_REFUSED, "exists only on IBM Z machines, which are not supported"),
        FIELD_SAID("perf", FIELD_WARNED, "ignored: \"perf stat\" counts events of a unit's cgroup"),
        {},
};

static const Field genid_fields[] = {
        FIELD("genid", FIELD_UUID, General, genid),
        {},
};

static void general_read(Guest *g)
{
        General *general = guest_own(g, general);
        XmlElement *genid = xml_child(g->xml, "genid");

        fields_read(g->xml, general_fields, general, g->findings);
        if (genid && *xml_text(genid))
                fields_read(g->xml, genid_fields, general, g->findings);
        if (!xml_attribute(g->xml, "type"))
                guest_error(
                        g, g->xml->place,
                        "<domain>: the attribute type is required and must be one of: kvm, qemu");
        if (!general->name)
                guest_error_at(g, "name", "<domain>: <name> is required");
        else if (strchr(general->name, '/') || strchr(general->name, '\n'))
                guest_error_at(
                        g, "name", "<name>: '%s' must not contain a slash or a newline", general->name);
}

/* Marked as random (version 4), as systemd's IDs are that are derived in the same way. */
static const char *derive_uuid(Guest *g)
{
        uint64_t a = identity_derive(g, "uuid", 0), b = identity_derive(g, "uuid", 1);

        return guest_text(
                g, "%08x-%04x-4%03x-%04x-%012llx", (unsigned) (a >> 32), (unsigned) (a >> 16 & 0xffff),
                (unsigned) (a & 0xfff), (unsigned) (0x8000 | (b >> 48 & 0x3fff)),
                (unsigned long long) (b & UINT64_C(0xffffffffffff)));
}

static void general_complete(Guest *g)
{
        General *general = guest_own(g, general);
        bool missing = !general->uuid;
        char uuid[37];

        if (missing)
                general->uuid = derive_uuid(g);
        else if (text_to_uuid(general->uuid, uuid) >= 0)
                general->uuid = guest_text(g, "%s", uuid);
        identity_add(g, (Identity){ "uuid", 0, g->xml, "uuid", general->uuid, missing });
        if (!general->hardware_uuid)
                general->hardware_uuid = general->uuid;
        else if (text_to_uuid(general->hardware_uuid, uuid) >= 0)
                general->hardware_uuid = guest_text(g, "%s", uuid);
        if (general->genid_there && !general->genid)
                general->genid = general->uuid;
        else if (general->genid && text_to_uuid(general->genid, uuid) >= 0)
                general->genid = guest_text(g, "%s", uuid);
        if (!general->emulator)
                general->emulator = emulators[g->os->arch - 1];
        if (!general->on_poweroff)
                general->on_poweroff = ACTION_DESTROY;
        if (!general->on_reboot)
                general->on_reboot = ACTION_RESTART;
        if (!general->on_crash)
                general->on_crash = ACTION_DESTROY;
}

/* libvirt's QEMU driver refuses the same combinations. */
static void general_check(const Guest *g)
{
        const General *general = g->general;
        const struct {
                const char *element;
                int action;
                bool crash;
        } events[] = { { "on_poweroff", general->on_poweroff, false },
                       { "on_reboot", general->on_reboot, false },
                       { "on_crash", general->on_crash, true } };

        for (size_t i = 0; i < ELEMENTS(events); i++)
                if (events[i].action == ACTION_RENAME_RESTART ||
                    (!events[i].crash && events[i].action >= ACTION_PRESERVE))
                        guest_error_at(
                                g, events[i].element, "<%s>: '%s' is not supported", events[i].element,
                                action_words[events[i].action - 1]);
        if (general->on_poweroff == ACTION_RESTART && general->on_reboot == ACTION_DESTROY)
                guest_error_at(
                        g, "on_reboot",
                        "<on_reboot>: 'destroy' cannot be combined with 'restart' of <on_poweroff>");
        if ((general->suspend_to_mem != UNSET || general->suspend_to_disk != UNSET) && !os_is_pc(g->os))
                guest_error_at(g, "pm", "<pm>: not supported by this machine type");
}

/* In /usr, but not in /usr/local, which is the administrator's. */
static bool is_distributions(const char *program)
{
        return (text_after(program, "/usr/") || text_after(program, "/bin/")) &&
               !text_after(program, "/usr/local/");
}

static void general_build_first(const Guest *g, Plan *p)
{
        const General *general = g->general;
        Props name = props_new("guest", general->name), monitor = props_new("backend", "socket");

        plan_flag(p, general->emulator);
        plan_build_at(p, xml_place(g->xml, "devices/emulator"), "emulator");
        if (!is_distributions(general->emulator))
                plan_use(p, POLICY_PROGRAMS);
        if (!text_after(general->emulator, "/usr/") && !text_after(general->emulator, "/bin/"))
                plan_grant(p, general->emulator, ACCESS_READ);
        plan_build_at(p, g->xml->place, g->xml->name);
        props_bool(&name, "debug-threads", true);
        plan_list_named(p, "-name", &name);
        plan_flag(p, "-S");
        plan_flag(p, "-no-user-config");
        plan_flag(p, "-nodefaults");
        plan_value(p, "-uuid", general->hardware_uuid);
        plan_claim(p, CLAIM_UUID, general->uuid, xml_place(g->xml, "uuid"));

        props_text(&monitor, "id", "charmonitor");
        props_number(&monitor, "fd", PLAN_FD_MONITOR);
        plan_list(p, "-chardev", &monitor);
        plan_value(p, "-qmp", "chardev:charmonitor");
        plan_flag(p, "-no-shutdown");

        plan_run(p, "--" OPTION_GUEST "=%s", general->name);
        plan_run(p, "--" OPTION_UUID "=%s", general->uuid);
        plan_run(p, "--" OPTION_ON_POWEROFF "=%s", fate_word(fates[general->on_poweroff]));
        plan_run(p, "--" OPTION_ON_REBOOT "=%s", fate_word(fates[general->on_reboot]));
        plan_run(p, "--" OPTION_ON_CRASH "=%s", fate_word(fates[general->on_crash]));
        plan_run(p, "--" OPTION_MONITOR "=%u", PLAN_FD_MONITOR);
}

/* In QEMU, these are properties of the chip that implements power management on the real board. */
static void build_sleep_states(const Guest *g, Plan *p)
{
        const General *general = g->general;
        const char *chip = g->os->family == MACHINE_Q35 ? "ICH9-LPC" : "PIIX4_PM";
        const struct {
                const char *property;
                Tristate enabled;
        } states[] = { { "disable_s3", general->suspend_to_mem },
                       { "disable_s4", general->suspend_to_disk } };

        for (size_t i = 0; i < ELEMENTS(states); i++) {
                char key[64];
                Props props;

                if (states[i].enabled == UNSET)
                        continue;
                snprintf(key, sizeof(key), "%s.%s", chip, states[i].property);
                props = props_new(key, states[i].enabled == OFF ? "1" : "0");
                plan_list_named(p, "-global", &props);
        }
}

static void general_build_last(const Guest *g, Plan *p)
{
        if (g->general->genid) {
                Props device = props_new("driver", "vmgenid");

                props_text(&device, "guid", g->general->genid);
                props_text(&device, "id", "vmgenid0");
                plan_json(p, "-device", &device);
        }
        build_sleep_states(g, p);
        plan_value(p, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        plan_value(p, "-msg", "timestamp=on");
}

const GuestPart part_general = {
        GUEST_PART(General, general), .read = general_read,         .complete = general_complete,
        .check = general_check,       .build = general_build_first, .build_last = general_build_last,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <launchSecurity>: confidential guests. Values that depend on the host's CPU have to be in the XML, since
 * conversion asks nothing of the host. Source: libvirt's documentation of <launchSecurity>, and QEMU's
 * qapi/qom.json for the objects.
 */

#include "guest/firmware/launch-security.h"

#include "guest/firmware/firmware-descriptor.h"
#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/plan/secret.h"

#define POLICY_ENCRYPTED_STATE (1 << 2)                      /* of AMD's SEV API: SEV-ES is required */
#define QUOTE_SOCKET           "/var/run/tdx-qgs/qgs.socket" /* of Intel's quote generation service */

static const char *const type_words[] = { "sev", "sev-snp", "tdx", NULL };
static const char *const object_types[] = { "sev-guest", "sev-snp-guest", "tdx-guest" };

/* What both kinds of SEV have. */
static const Field amd_fields[] = {
        FIELD_IN_RANGE("cbitpos", LaunchSecurity, cbitpos, 0, 63),
        FIELD_IN_RANGE("reducedPhysBits", LaunchSecurity, reduced_phys_bits, 0, 63),
        FIELD("@kernelHashes", FIELD_YESNO, LaunchSecurity, kernel_hashes),
        FIELD("policy", FIELD_NUMBER, LaunchSecurity, policy),
        {},
};

static const Field sev_fields[] = {
        FIELD("dhCert", FIELD_TEXT, LaunchSecurity, certificate),
        FIELD("session", FIELD_TEXT, LaunchSecurity, session),
        {},
};

static const Field snp_fields[] = {
        FIELD("@authorKey", FIELD_YESNO, LaunchSecurity, author_key),
        FIELD("@vcek", FIELD_YESNO, LaunchSecurity, vcek),
        FIELD("guestVisibleWorkarounds", FIELD_TEXT, LaunchSecurity, workarounds),
        FIELD("idBlock", FIELD_TEXT, LaunchSecurity, id_block),
        FIELD("idAuth", FIELD_TEXT, LaunchSecurity, id_auth),
        FIELD("hostData", FIELD_TEXT, LaunchSecurity, host_data),
        {},
};

static const Field tdx_fields[] = {
        FIELD("policy", FIELD_NUMBER, LaunchSecurity, policy),
        FIELD("mrConfigId", FIELD_TEXT, LaunchSecurity, config_id),
        FIELD("mrOwner", FIELD_TEXT, LaunchSecurity, owner),
        FIELD("mrOwnerConfig", FIELD_TEXT, LaunchSecurity, owner_config),
        FIELD("quoteGenerationService", FIELD_PRESENT, LaunchSecurity, quote),
        FIELD("quoteGenerationService@path", FIELD_PATH, LaunchSecurity, quote_socket),
        {},
};

/* By LaunchSecurityType. */
static const Field *const fields[] = { NULL, sev_fields, snp_fields, tdx_fields };

static void launch_security_read(Guest *g)
{
        XmlElement *xml = xml_child(g->xml, "launchSecurity");
        LaunchSecurity *l = guest_own(g, launch_security);
        const char *type = xml ? xml_attribute(xml, "type") : NULL;

        if (!xml)
                return;
        l->place = xml->place;
        l->type = type ? words_find(type_words, type) : 0;
        if (l->type == 0)
                guest_error(
                        g, xml->place, "<launchSecurity>: type='%s' must be one of: sev, sev-snp, tdx%s",
                        type ?: "", words_hint(type_words, type ?: "").text);
        if (l->type == LAUNCH_SEV || l->type == LAUNCH_SEV_SNP)
                fields_read(xml, amd_fields, l, g->findings);
        if (l->type)
                fields_read(xml, fields[l->type], l, g->findings);
}

/* Base64 without its line breaks; NULL if it is not valid. */
static const char *unfold(Guest *g, const char *text)
{
        char *copy = guest_zeroed(g, strlen(text) + 1, 1);
        size_t n = 0;

        for (; copy && *text; text++)
                if (!strchr(" \t\r\n", *text))
                        copy[n++] = *text;
        if (!copy || strspn(copy, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != n)
                return NULL;
        return copy;
}

static void launch_security_complete(Guest *g)
{
        LaunchSecurity *l = guest_own(g, launch_security);
        const char **texts[] = { &l->certificate, &l->session };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                if (!*texts[i])
                        continue;
                *texts[i] = unfold(g, *texts[i]);
                if (!*texts[i])
                        guest_error(g, l->place, "<launchSecurity>: <dhCert> and <session> must be base64");
        }
        if (l->quote && !l->quote_socket)
                l->quote_socket = QUOTE_SOCKET;
}

unsigned launch_security_needs(const LaunchSecurity *l)
{
        switch (l->type) {
        case LAUNCH_SEV:
                return l->policy.value & POLICY_ENCRYPTED_STATE ? FIRMWARE_SEV | FIRMWARE_SEV_ES
                                                                : FIRMWARE_SEV;
        case LAUNCH_SEV_SNP:
                return FIRMWARE_SEV_SNP;
        case LAUNCH_TDX:
                return FIRMWARE_TDX;
        default:
                return 0;
        }
}

static void launch_security_check(const Guest *g)
{
        const LaunchSecurity *l = g->launch_security;

        if (!l->type)
                return;
        if (g->general->type != ACCELERATOR_KVM || g->os->arch != ARCH_X86_64)
                guest_error(g, l->place, "<launchSecurity> requires <domain type='kvm'> and arch='x86_64'");
        if (!l->policy.set && l->type != LAUNCH_TDX)
                guest_error(g, l->place, "<launchSecurity>: <policy> is required");
        if (l->type != LAUNCH_TDX && (!l->cbitpos.set || !l->reduced_phys_bits.set))
                guest_error(
                        g, l->place,
                        "<launchSecurity>: <cbitpos> and <reducedPhysBits> are required; they are "
                        "properties of the host's CPU, usually 51 and 1");
        if (l->type == LAUNCH_TDX && g->os->family != MACHINE_Q35)
                guest_error(g, l->place, "<launchSecurity>: type='tdx' requires a q35 machine");
}

void launch_security_machine(const Guest *g, Props *machine)
{
        if (!g->launch_security->type)
                return;
        props_text(machine, "confidential-guest-support", "lsec0");
        if (g->launch_security->type == LAUNCH_TDX && !g->features->ioapic)
                props_text(machine, "kernel_irqchip", "split");
}

/* QEMU requires a file; systemd makes one from the credential in the unit. */
static void add_text(
        const Guest *g, Plan *p, Props *object, const char *key, const char *name, const char *text)
{
        if (!text)
                return;
        plan_directive(p, "SetCredential", "%s:%s", name, text);
        props_credential(g, object, key, name);
}

static void build_sev(const Guest *g, const LaunchSecurity *l, Plan *p, Props *object)
{
        props_number_if(object, "cbitpos", l->cbitpos);
        props_number_if(object, "reduced-phys-bits", l->reduced_phys_bits);
        props_number_if(object, "policy", l->policy);
        add_text(g, p, object, "dh-cert-file", "sev-certificate", l->certificate);
        add_text(g, p, object, "session-file", "sev-session", l->session);
        props_bool_if(object, "kernel-hashes", l->kernel_hashes);
        props_bool_if(object, "author-key-enabled", l->author_key);
        if (l->vcek != UNSET)
                props_bool(object, "vcek-disabled", l->vcek == OFF);
        props_text(object, "guest-visible-workarounds", l->workarounds);
        props_text(object, "id-block", l->id_block);
        props_text(object, "id-auth", l->id_auth);
        props_text(object, "host-data", l->host_data);
        plan_grant_device(p, "/dev/sev", ACCESS_WRITE_SHARED);
        plan_directive(p, "LimitMEMLOCK", "infinity"); /* the kernel pins all of the guest's memory */
}

static void build_tdx(const LaunchSecurity *l, Plan *p, Props *object)
{
        props_number_if(object, "attributes", l->policy);
        props_text(object, "mrconfigid", l->config_id);
        props_text(object, "mrowner", l->owner);
        props_text(object, "mrownerconfig", l->owner_config);
        if (l->quote_socket) {
                json_t *socket = props_object(object, "quote-generation-socket");

                json_object_set_new(socket, "type", json_string("unix"));
                json_object_set_new(socket, "path", json_string(l->quote_socket));
                plan_directive(p, "BindReadOnlyPaths", "%s", l->quote_socket);
                plan_peers(p); /* at the guest's first request for a quote */
        }
}

static void launch_security_build(const Guest *g, Plan *p)
{
        const LaunchSecurity *l = g->launch_security;
        Props object;

        if (!l->type)
                return;
        plan_build_at(p, xml_place(g->xml, "launchSecurity"), "launchSecurity");
        object = props_new("qom-type", object_types[l->type - 1]);
        props_text(&object, "id", "lsec0");
        if (l->type == LAUNCH_TDX)
                build_tdx(l, p, &object);
        else
                build_sev(g, l, p, &object);
        plan_json(p, "-object", &object);
}

const GuestPart part_launch_security = {
        GUEST_PART(LaunchSecurity, launch_security),
        .read = launch_security_read,
        .complete = launch_security_complete,
        .check = launch_security_check,
        .build = launch_security_build,
};

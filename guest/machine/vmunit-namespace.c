/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <metadata>: what libvirt keeps for other programs, and vmunit's own settings among it. Elements of other
 * namespaces are left to the programs that wrote them; libvirt allows each program one element there.
 *
 * The settings decide which user the guest runs as. With "per-guest" no other guest has that user, so the
 * kernel keeps the processes and files of guests apart, and not only their sandboxes do. The name and the
 * number follow from the guest's UUID alone: they survive a rename, a copy is another guest, and a guest
 * that moves to another host finds its files on a shared file system. Names are 64 bits of a hash, so two
 * guests have different ones. Numbers may collide, with those of another guest or of anybody else: the user
 * database decides when the user is created, under its own lock (units/vm-user@.service.in).
 *
 * Others say what vmunit does with the guest where libvirt has no words for it.
 */

#include <errno.h>

#include "contract/options.h"
#include "guest/guest.h"
#include "guest/keyed-hash.h"
#include "guest/machine/general.h"
#include "guest/part.h"
#include "guest/plan/plan.h"

struct VmunitNamespace {
        XmlElement *user, *save;
        const char *user_name; /* User= of the unit; NULL: as in the template */
        PlanUser own_user;
        bool save_on_stop;
};

static const Field vmunit_fields[] = {
        FIELD("vmunit:guest/vmunit:user", FIELD_ELEMENT, VmunitNamespace, user),
        FIELD("vmunit:guest/vmunit:saveOnStop", FIELD_ELEMENT, VmunitNamespace, save),
        {},
};

static void claim_others(XmlElement *metadata)
{
        for (XmlElement *e = metadata->first; e; e = e->next)
                if (!text_after(e->name, "vmunit:"))
                        xml_claim_all(e);
        (void) xml_text(metadata);
        for (size_t i = 0; i < metadata->n_attributes; i++)
                metadata->attributes[i].claimed = true;
}

static void read_save(Guest *g, VmunitNamespace *v)
{
        const char *text = v->save ? xml_text(v->save) : NULL;

        v->save_on_stop = text ? streq(text, "yes") : g->settings->policy->save_on_stop;
        if (text && !streq(text, "yes") && !streq(text, "no"))
                guest_error(
                        g, v->save->place, "<vmunit:saveOnStop>: '%s' is invalid; must be one of: yes, no",
                        text);
}

static void vmunit_namespace_read(Guest *g)
{
        VmunitNamespace *v = guest_own(g, vmunit_namespace);
        XmlElement *metadata = xml_child(g->xml, "metadata");
        const char *user, *fault;

        if (metadata) {
                fields_read(metadata, vmunit_fields, v, g->findings);
                claim_others(metadata);
        }
        read_save(g, v);
        if (!v->user)
                return;
        user = xml_text(v->user);
        fault = policy_user_fault(user);
        if (fault)
                guest_error(g, v->user->place, "<vmunit:user>: '%s' %s", user, fault);
        else if (g->settings->user_scope)
                guest_error(
                        g, v->user->place,
                        "<vmunit:user>: not supported in the user scope, where guests run as the user whose "
                        "guests they are");
}

static void choose_own_user(Guest *g, VmunitNamespace *v)
{
        static const uint8_t key[KEYED_HASH_KEY_SIZE] = { 0 }; /* the same on every host */
        const UidRange *range = &g->settings->policy->user_range;
        _cleanup_(freep) char *text = text_format("user of guest %s", g->general->uuid);
        uint64_t hash;

        if (!text) {
                g->status = -ENOMEM;
                return;
        }
        hash = keyed_hash(key, text, strlen(text));
        v->own_user.name = v->user_name = guest_text(g, "vm-%016llx", (unsigned long long) hash);
        v->own_user.number = range->first + (unsigned) (hash % ((uint64_t) range->last - range->first + 1));
}

static void vmunit_namespace_complete(Guest *g)
{
        VmunitNamespace *v = guest_own(g, vmunit_namespace);
        const char *user = v->user ? xml_text(v->user) : g->settings->policy->user;

        if (g->settings->user_scope || !user || streq(user, POLICY_USER_DEFAULT))
                return;
        if (streq(user, POLICY_USER_PER_GUEST))
                choose_own_user(g, v);
        else
                v->user_name = user;
}

static void vmunit_namespace_build(const Guest *g, Plan *p)
{
        const VmunitNamespace *v = g->vmunit_namespace;

        if (v->save_on_stop)
                plan_run(p, "--" OPTION_SAVE_ON_STOP);
        if (!v->user_name)
                return;
        plan_directive(p, "User", "%s", v->user_name);
        if (!v->own_user.name)
                return;
        p->own_user = v->own_user;
        /* as the default user has by units/vmunit-sysusers.conf: for /dev/kvm, and /dev/vhost-… on some
         * hosts
         */
        plan_directive(p, "SupplementaryGroups", "kvm");
}

const GuestPart part_vmunit_namespace = {
        GUEST_PART(VmunitNamespace, vmunit_namespace),
        .read = vmunit_namespace_read,
        .complete = vmunit_namespace_complete,
        .build = vmunit_namespace_build,
};

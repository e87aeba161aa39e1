/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A label that the XML gives goes into the unit. One that libvirt would have made up ("dynamic") does not
 * exist here: what keeps guests from each other is the unit's sandbox with a mount namespace of its own. So
 * the absence of a label takes nothing from a guest's isolation that the sandbox does not give, and a
 * warning is enough.
 */

#include "guest/machine/label.h"

#include "guest/guest.h"
#include "guest/part.h"

static const char *const type_words[] = { "dynamic", "static", "none", NULL };
enum { TYPE_DYNAMIC = 1, TYPE_STATIC, TYPE_NONE };

static const Field label_fields[] = {
        FIELD("@model", FIELD_TEXT, Label, model),
        FIELD_OF_WORDS("@type", Label, type, type_words),
        FIELD("@relabel", FIELD_YESNO, Label, relabel),
        FIELD("label", FIELD_TEXT, Label, label),
        FIELD("baselabel", FIELD_STRING, Label, base),
        FIELD_SAID("imagelabel", FIELD_IGNORED, NULL), /* what libvirt found out when the guest ran */
        {},
};

static void label_read(Guest *g)
{
        Labels *all = guest_own(g, labels);

        XML_FOREACH(xml, g->xml, "seclabel") {
                Label l = { .place = xml->place };

                fields_read(xml, label_fields, &l, g->findings);
                if (!l.type)
                        l.type = TYPE_DYNAMIC;
                for (unsigned i = 0; i < all->count; i++)
                        if (streq_null(all->items[i].model, l.model))
                                guest_error(
                                        g, l.place, "<seclabel>: there is one for model '%s' already",
                                        l.model ?: "");
                if (all->count == LABELS_MAX)
                        guest_error(g, l.place, "<seclabel>: there are more than %d", LABELS_MAX);
                else
                        all->items[all->count++] = l;
        }
}

static void check_static(const Guest *g, const Label *l)
{
        if (!l->label)
                guest_error(g, l->place, "<seclabel>: <label> is missing");
        else if (
                strspn(l->label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,/+-") !=
                strlen(l->label))
                guest_error(g, l->place, "<seclabel>: '%s' is no label", l->label);
        else if (l->model && streq(l->model, "dac"))
                guest_error(
                        g, l->place,
                        "<seclabel>: a guest's user is its unit's; User= in a drop-in of one's own changes "
                        "it");
        else if (l->model && !streq(l->model, "selinux") && !streq(l->model, "apparmor"))
                guest_error(
                        g, l->place, "<seclabel>: model='%s' is none of: selinux, apparmor, dac", l->model);
        if (l->relabel == ON)
                guest_warning(g, l->place, "<seclabel>: the guest's files keep the labels that they have");
}

static void label_check(const Guest *g)
{
        const Labels *all = g->labels;

        for (unsigned i = 0; i < all->count; i++) {
                const Label *l = &all->items[i];

                if (g->settings->user_scope && l->type == TYPE_STATIC) {
                        guest_error(
                                g, l->place,
                                "<seclabel>: a user's guest runs as that user, with the user's label; "
                                "type='static' is for guests of the system's");
                        continue;
                }
                if (!l->model && (all->count > 1 || l->type == TYPE_STATIC || l->base))
                        guest_error(g, l->place, "<seclabel>: model is missing");
                if (l->model && streq(l->model, "none"))
                        continue;
                if (l->type == TYPE_DYNAMIC && l->relabel == OFF)
                        guest_error(g, l->place, "<seclabel>: type='dynamic' with relabel='no'");
                if (l->type == TYPE_NONE && l->relabel == ON)
                        guest_error(g, l->place, "<seclabel>: type='none' with relabel='yes'");
                if (l->type == TYPE_STATIC)
                        check_static(g, l);
                if (l->type == TYPE_DYNAMIC && l->base)
                        guest_warning(
                                g, l->place,
                                "<seclabel>: no label is made up; the unit's sandbox isolates the guest");
        }
}

static void label_build(const Guest *g, Plan *p)
{
        for (unsigned i = 0; i < g->labels->count; i++) {
                const Label *l = &g->labels->items[i];

                if (l->type == TYPE_STATIC && l->label && !(l->model && streq(l->model, "none")))
                        plan_directive(
                                p, streq(l->model, "selinux") ? "SELinuxContext" : "AppArmorProfile", "%s",
                                l->label);
        }
}

const GuestPart part_label = {
        GUEST_PART(Labels, labels),
        .read = label_read,
        .check = label_check,
        .build = label_build,
};

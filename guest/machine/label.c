/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A label in the XML goes into the unit. vmunit generates no labels as libvirt does ("dynamic"): the unit's
 * sandbox, with its own mount namespace, keeps guests apart. So a missing label is only a warning.
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
        FIELD_SAID("imagelabel", FIELD_IGNORED, NULL), /* set by libvirt while the guest ran */
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
                                        g, l.place, "<seclabel>: duplicate for model='%s'", l.model ?: "");
                if (all->count == LABELS_MAX)
                        guest_error(g, l.place, "<seclabel>: at most %d are supported", LABELS_MAX);
                else
                        all->items[all->count++] = l;
        }
}

static void check_static(const Guest *g, const Label *l)
{
        if (!l->label)
                guest_error(g, l->place, "<seclabel>: <label> is required");
        else if (
                strspn(l->label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,/+-") !=
                strlen(l->label))
                guest_error(g, l->place, "<seclabel>: '%s' is not a valid label", l->label);
        else if (l->model && streq(l->model, "dac"))
                guest_error(
                        g, l->place,
                        "<seclabel>: ignored: the guest runs as its unit's user, which User= in a drop-in "
                        "changes");
        else if (l->model && !streq(l->model, "selinux") && !streq(l->model, "apparmor"))
                guest_error(
                        g, l->place, "<seclabel>: model='%s' must be one of: selinux, apparmor, dac",
                        l->model);
        if (l->relabel == ON)
                guest_warning(g, l->place, "<seclabel>: the guest's files are not relabeled");
}

static void label_check(const Guest *g)
{
        const Labels *all = g->labels;

        for (unsigned i = 0; i < all->count; i++) {
                const Label *l = &all->items[i];

                if (g->settings->user_scope && l->type == TYPE_STATIC) {
                        guest_error(
                                g, l->place,
                                "<seclabel>: type='static' is not supported for a user's guest, which runs "
                                "with that user's label");
                        continue;
                }
                if (!l->model && (all->count > 1 || l->type == TYPE_STATIC || l->base))
                        guest_error(g, l->place, "<seclabel>: the attribute model is required");
                if (l->model && streq(l->model, "none"))
                        continue;
                if (l->type == TYPE_DYNAMIC && l->relabel == OFF)
                        guest_error(
                                g, l->place,
                                "<seclabel>: type='dynamic' cannot be combined with relabel='no'");
                if (l->type == TYPE_NONE && l->relabel == ON)
                        guest_error(
                                g, l->place,
                                "<seclabel>: type='none' cannot be combined with relabel='yes'");
                if (l->type == TYPE_STATIC)
                        check_static(g, l);
                if (l->type == TYPE_DYNAMIC && l->base)
                        guest_warning(
                                g, l->place,
                                "<seclabel>: no label is generated; the unit's sandbox isolates the guest");
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt writes the same into the XML that it stores. A definition that is replaced keeps what it had: XML
 * from a template has no MAC addresses, and defining it again must not change those of the guest.
 */

#include "cli/define/complete.h"

#include <errno.h>

#include "cli/cli.h"
#include "cli/define/machine-type.h"
#include "contract/exit.h"
#include "guest/identity.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"

/* A value may have moved to another device in the new XML. */
static bool is_taken(const Guest *g, const Identity *wanted, const char *value)
{
        for (size_t i = 0; i < g->n_identities; i++)
                if (!g->identities[i].missing && streq(g->identities[i].kind, wanted->kind) &&
                    streq(g->identities[i].value, value))
                        return true;
        return false;
}

static int set(XmlEdits *edits, const XmlElement *e, const char *path, const char *value, Strings *added)
{
        int r = xml_edits_set(edits, e, path, "name", value);

        return r < 0 ? r : strings_take(added, xml_edit_element(path, value));
}

static int complete_identity(const Guest *g, const Guest *replaced, XmlEdits *edits, Strings *added)
{
        int r = 0;

        for (size_t i = 0; i < g->n_identities && r >= 0; i++) {
                const Identity *missing = &g->identities[i];
                const char *old = replaced ? identity_find(replaced, missing->kind, missing->index) : NULL;

                if (!missing->missing)
                        continue;
                if (old && is_taken(g, missing, old))
                        old = NULL;
                r = set(edits, missing->element, missing->path, old ?: missing->value, added);
        }
        return r;
}

static int complete_machine(const Guest *g, const Guest *replaced, XmlEdits *edits, Strings *added)
{
        _cleanup_(freep) char *resolved = NULL;
        const char *machine = NULL;
        int r;

        if (!os_machine_is_alias(g->os))
                return 0;
        if (replaced && replaced->os->family == g->os->family && replaced->os->arch == g->os->arch &&
            !os_machine_is_alias(replaced->os))
                machine = replaced->os->machine;
        else {
                r = machine_type_resolve(g->general->emulator, g->os->machine, &resolved);
                if (r < 0)
                        fprintf(stderr,
                                "vmctl: leaving machine='%s' without a version, since %s cannot be asked "
                                "for it (%s): a later QEMU may give the guest other hardware\n",
                                g->os->machine, g->general->emulator,
                                r == -EPERM ? "it must be a QEMU that belongs to root" : strerror(-r));
                machine = resolved;
        }
        return machine ? set(edits, xml_child(g->xml, "os"), "type@machine", machine, added) : 0;
}

int complete_definition(const Conversion *c, const Guest *replaced, XmlEdits *edits, Strings *added)
{
        int r = complete_identity(c->guest, replaced, edits, added);

        if (r >= 0)
                r = complete_machine(c->guest, replaced, edits, added);
        return r < 0 ? fail(EXIT_OS, "cannot complete the XML: %s", strerror(-r)) : 0;
}

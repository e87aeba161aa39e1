/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt keeps secrets in its own store and finds them by UUID or by usage. Here systemd's credential store
 * replaces it: "vm.secret.UUID" or "vm.secret.USAGE" in /etc/credstore, or whatever an administrator's
 * own LoadCredential= or LoadCredentialEncrypted= for that name says (systemctl edit); a later one of the
 * same name replaces this one.
 */

#include "guest/plan/secret.h"

#include <ctype.h>

#include "guest/guest.h"

#define CREDENTIAL_NAME_MAX 255 /* systemd: a file's name */

static const Field fields[] = {
        FIELD("@type", FIELD_TEXT, Secret, type),
        FIELD("@uuid", FIELD_UUID, Secret, uuid),
        FIELD("@usage", FIELD_TEXT, Secret, usage),
        {},
};

/* Letters, digits, "-" and "." stay; any other byte is written as "_" and its two hexadecimal digits. */
const char *secret_credential(Guest *g, Place place, const char *usage)
{
        char *encoded = guest_zeroed(g, strlen(usage) * 3 + 1, 1), *to = encoded;

        if (!encoded)
                return "";
        for (const char *c = usage; *c; c++)
                if ((isascii(*c) && isalnum((unsigned char) *c)) || *c == '-' || *c == '.')
                        *to++ = *c;
                else
                        to += sprintf(to, "_%02x", (unsigned char) *c);
        if (strlen("vm.secret.") + strlen(encoded) > CREDENTIAL_NAME_MAX)
                guest_error(
                        g, place,
                        "the name of the credential for '%s' would be longer than %d bytes; choose a "
                        "shorter usage",
                        usage, CREDENTIAL_NAME_MAX);
        return guest_text(g, "vm.secret.%s", encoded);
}

const char *secret_of_uuid(Guest *g, const char *uuid)
{
        char text[37];

        return text_to_uuid(uuid, text) < 0 ? NULL : guest_text(g, "vm.secret.%s", text);
}

void secret_read(Guest *g, XmlElement *element, Secret *s)
{
        s->xml = xml_child(element, "secret");
        if (!s->xml)
                return;
        fields_read(s->xml, fields, s, g->findings);
        if (!s->uuid == !s->usage) {
                guest_error(g, s->xml->place, "<secret>: exactly one of uuid and usage is required");
                return;
        }
        if (s->usage)
                s->credential = secret_credential(g, s->xml->place, s->usage);
        else
                s->credential = secret_of_uuid(g, s->uuid);
}

/* The directory in which a unit finds its credentials; a sibling of its run-time directory. */
void props_credential(const Guest *g, Props *p, const char *key, const char *credential)
{
        const char *run = g->settings->run_directory, *end = run + strlen(run);

        for (unsigned components = 0; components < 2 && end > run; components++)
                while (end > run && *--end != '/')
                        ;
        props_textf(
                p, key, "%.*s/credentials/vm@%s.service/%s", (int) (end - run), run, g->settings->instance,
                credential);
}

void secret_object(const Guest *g, const char *credential, const char *id, SecretForm form, Plan *p)
{
        Props object = props_new("qom-type", "secret");

        props_text(&object, "id", id);
        props_credential(g, &object, "file", credential);
        props_text(&object, "format", form == SECRET_BASE64 ? "base64" : "raw");
        plan_json(p, "-object", &object);
}

void secret_build(const Guest *g, const Secret *s, const char *id, SecretForm form, Plan *p)
{
        secret_object(g, s->credential, id, form, p);
        for (size_t i = 0; i < p->n_directives; i++)
                if (streq(p->directives[i].key, "LoadCredential") &&
                    streq(p->directives[i].value, s->credential))
                        return;
        plan_directive(p, "LoadCredential", "%s", s->credential);
}

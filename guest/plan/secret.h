/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * <secret>: a password or key that the XML only names. It reaches QEMU as a systemd credential: the guest's
 * unit loads it by name from the host's credential store, and QEMU reads the file that systemd provides; it
 * never appears in an option.
 */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef struct Secret {
        XmlElement *xml;  /* NULL if there is none */
        const char *type; /* as the XML has it, or NULL */
        const char *uuid, *usage;
        const char *credential; /* its name in the credential store */
} Secret;

/* The name of the credential for a secret of that usage; a name that would be too long is an error at
 * the place. */
const char *secret_credential(Guest *g, Place place, const char *usage);

/* The same for a secret of that UUID; NULL if it is none. */
const char *secret_of_uuid(Guest *g, const char *uuid);

/* How to interpret the credential's text. */
typedef enum SecretForm {
        SECRET_RAW,    /* the text itself; a newline at its end would be part of it */
        SECRET_BASE64, /* bytes in base64, as "ceph auth get-key" prints them */
} SecretForm;

/* Reads the child <secret> of element, if any. Exactly one of uuid and usage must be set. */
void secret_read(Guest *g, XmlElement *element, Secret *s);

/* Adds the path of the file in which the unit finds the credential of that name. */
void props_credential(const Guest *g, Props *p, const char *key, const char *credential);

/* Writes the -object that makes the credential of that name known to QEMU as id. */
void secret_object(const Guest *g, const char *credential, const char *id, SecretForm form, Plan *p);

/* The same, and makes the unit load the credential from the host's store. */
void secret_build(const Guest *g, const Secret *s, const char *id, SecretForm form, Plan *p);

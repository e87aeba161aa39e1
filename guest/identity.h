/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What makes a guest this one: UUID, MAC addresses, vsock CID. If the XML leaves one out, it is derived from
 * the guest's name and the settings' key, so that a guest of the same name on another host, or of another
 * user, is another guest. `vmctl define` writes them into the XML it stores.
 */

#include "guest/guest.h"

struct Identity {
        const char *kind; /* with index: the same in every definition of the guest */
        unsigned index;
        const XmlElement *element; /* that contains it */
        const char *path;          /* from there, for xml_edits_set() */
        const char *value;
        bool missing; /* in the XML, which may also leave the choice to vmunit */
        bool quiet;   /* the warning about another value is enough */
};

/* A number for a value of that kind that the XML leaves out. */
uint64_t identity_derive(Guest *g, const char *kind, unsigned index);

/* Records a value for its definition. If it is missing in the file of a guest, a warning says so. */
void identity_add(Guest *g, Identity identity);

/* The guest's value of that kind, or NULL. */
const char *identity_find(const Guest *g, const char *kind, unsigned index);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a guest's XML. Beyond not crashing and what converted.h lists, the target checks this: what
 * vmctl define and rename write into the XML is what a conversion of the result reads.
 */

#include "guest/identity.h"
#include "guest/xml/edit.h"
#include "tests/fuzz/converted.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_edits(const Host *host, const Conversion *c, const char *data, size_t size)
{
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = data, .size = size };
        _cleanup_(conversion_done) Conversion later = { 0 };
        _cleanup_(freep) char *text = NULL;
        const Guest *g = c->guest;

        for (size_t i = 0; i < g->n_identities; i++)
                if (g->identities[i].missing)
                        CHECK_NUMBER(
                                xml_edits_set(
                                        &edits, g->identities[i].element, g->identities[i].path, "name",
                                        g->identities[i].value),
                                0);
        CHECK_NUMBER(xml_edits_apply(&edits, &text, &size), 0);
        CHECK_NUMBER(conversion_start(&later, host), 0);
        CHECK_NUMBER(conversion_data(&later, "fuzz.xml", text, size, NULL), 0);
        for (size_t i = 0; i < g->n_identities; i++)
                if (!g->identities[i].quiet)
                        CHECK_TEXT(
                                identity_find(later.guest, g->identities[i].kind, g->identities[i].index),
                                g->identities[i].value);
        for (size_t i = 0; i < later.guest->n_identities; i++)
                CHECK(!later.guest->identities[i].missing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(freep) char *xml = strndup((const char *) data, size);
        Conversion c;
        Host host;

        CHECK(xml);
        CHECK(host_read(&host, "/nonexistent", false) >= 0);
        CHECK(conversion_start(&c, &host) >= 0);
        (void) conversion_data(&c, "fuzz.xml", (const char *) data, size, NULL);
        check_converted(&c, "/etc/vmunit/guests/fuzz.xml", xml);
        if (c.status == 0)
                check_edits(&host, &c, (const char *) data, size);
        conversion_done(&c);
        host_done(&host);
        return 0;
}

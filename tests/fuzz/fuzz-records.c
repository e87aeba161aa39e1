/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a record of a file, as the list of what was prepared, or as a step of the undo log; the first
 * byte says which. Beyond not crashing, the target checks this: an accepted record is written as it was
 * read, no number is beyond its limit, and text that becomes part of a path or of a message to systemd
 * cannot leave its place.
 */

#include <errno.h>
#include <stdint.h>

#include "contract/limits.h"
#include "launcher/host/host-device.h"
#include "launcher/ledger/record.h"
#include "launcher/store/fd-store.h"
#include "launcher/store/prepared.h"
#include "launcher/tap/macvtap.h"
#include "tests/unit/test.h"
#include "util/interface-name.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const char *data, size_t size)
{
        _cleanup_(record_freep) Record *a = NULL, *b = NULL;
        _cleanup_(freep) char *text = NULL, *again = NULL;
        size_t text_size, again_size;
        int r = record_parse(data, size, &a);

        if (r < 0) {
                CHECK_NUMBER(r, -EBADMSG);
                CHECK(!a);
                return;
        }
        CHECK(a->path[0] == '/');
        CHECK((a->mode & ~07777U) == 0);
        CHECK(a->owner != UINT32_MAX && a->group != UINT32_MAX); /* what chown() leaves as it is */
        CHECK(!a->granted || a->granted_user != UINT32_MAX);
        CHECK(a->n_holders <= RECORD_HOLDERS_MAX && a->n_listed <= RECORD_HOLDERS_MAX);
        CHECK(!a->handle || (a->handle_size > 0 && a->handle_size <= RECORD_HANDLE_MAX));
        r = record_format(a, &text, &text_size);
        if (r == -E2BIG)
                return; /* more is escaped than was */
        CHECK_NUMBER(r, 0);
        CHECK_NUMBER(record_parse(text, text_size, &b), 0);
        CHECK_NUMBER(record_format(b, &again, &again_size), 0);
        CHECK_NUMBER(again_size, text_size);
        CHECK_TEXT(again, text);
}

static void check_prepared(const char *data, size_t size)
{
        _cleanup_(prepared_done) Prepared p = { 0 };
        int r = prepared_parse(data, size, &p);

        if (r < 0) {
                CHECK_NUMBER(r, -EBADMSG);
                CHECK_NUMBER(p.n_taps + p.names.count, 0);
                return;
        }
        CHECK(p.n_taps <= TAPS_MAX && p.names.count <= STORED_MAX);
        for (size_t i = 0; i < p.n_taps; i++) {
                CHECK(store_name_is_valid(p.taps[i].id));
                CHECK(interface_name_is_valid(p.taps[i].interface));
                CHECK(p.taps[i].queues <= TAP_QUEUES_MAX);
                CHECK(prepared_find_tap(&p, p.taps[i].id));
        }
        for (size_t i = 0; i < p.names.count; i++)
                CHECK(store_name_is_valid(p.names.items[i]));
}

static void check_step(const char *data, size_t size)
{
        _cleanup_(freep) char *macvtap = strndup(data, size), *pci = strndup(data, size),
                              *vf = strndup(data, size);
        MacvtapStep m;
        PciStep p;
        VfStep v;

        CHECK(macvtap && pci && vf);
        if (macvtap_parse_step(macvtap, &m) >= 0)
                CHECK(m.index <= INT32_MAX && interface_name_is_valid(m.name));
        if (pci_parse_step(pci, &p) >= 0)
                CHECK(!strchr(p.address, '/') && !strchr(p.ours, '/') &&
                      !(p.before && strchr(p.before, '/')));
        if (vf_parse_step(vf, &v) >= 0)
                CHECK(v.index <= INT32_MAX && v.number <= UINT16_MAX && v.interface);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const checks[])(const char *data, size_t size) = {
                check_record,
                check_prepared,
                check_step,
        };

        if (size < 1)
                return 0;
        if (data[0] >= '0' && (size_t) (data[0] - '0') < ELEMENTS(checks))
                checks[data[0] - '0']((const char *) data + 1, size - 1);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as output of QEMU's monitor. Beyond not crashing, the target checks this: an event becomes a
 * single line of valid UTF-8 without control characters, and fields with the launcher's own names.
 */

#include <stdint.h>

#include "launcher/lifecycle/events.h"
#include "launcher/stream/channel.h"
#include "launcher/stream/frames.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
        CHECK(strlen(text) < 8192);
        for (const char *p = text; *p; p++)
                CHECK((unsigned char) *p >= 0x20 && *p != 0x7f);
}

static void check_event(const json_t *message)
{
        EventReport r = { 0 };

        if (event_translate(message, NULL, &r) < 0)
                return;
        if (!r.quiet) {
                check_text(r.text);
                CHECK(r.message_id);
                CHECK(r.priority >= 0 && r.priority <= 7);
        }
        for (size_t i = 0; i < r.fields.count; i++) {
                CHECK(text_after(r.fields.items[i], "VM_"));
                CHECK(strspn(r.fields.items[i], "VM_ABCDEFGHIJKLNOPQRSTUWXYZ0123456789") ==
                      strcspn(r.fields.items[i], "="));
                check_text(r.fields.items[i]);
        }
        event_report_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Frames f = { .end = '\n', .max = 65536 };
        size_t at = 0, room, n;
        char *to, *frame;

        while (at < size && frames_prepare(&f, &to, &room) >= 0) {
                n = size - at < room ? size - at : room;
                memcpy(to, data + at, n);
                frames_received(&f, n);
                at += n;
                while (frames_next(&f, &frame, &n)) {
                        json_t *message = channel_parse(frame, n);

                        if (message)
                                check_event(message);
                        json_decref(message);
                }
        }
        frames_done(&f);
        return 0;
}

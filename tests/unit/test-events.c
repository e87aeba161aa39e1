/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <syslog.h>

#include "contract/message-ids.h"
#include "launcher/lifecycle/events.h"
#include "launcher/stream/channel.h"
#include "tests/unit/test.h"

static const EventContext *context;

static EventReport translate(const char *text)
{
        _cleanup_(json_decrefp) json_t *event = channel_parse(text, strlen(text));
        EventReport r = { 0 };

        CHECK(event);
        CHECK_NUMBER(event_translate(event, context, &r), 0);
        r.name = NULL; /* was the event's */
        return r;
}

static void expect(
        const char *event, EventMeaning meaning, int priority, const char *id, const char *text,
        const char *field)
{
        EventReport r = translate(event);

        CHECK_NUMBER(r.meaning, meaning);
        CHECK_NUMBER(r.priority, priority);
        CHECK_TEXT(r.message_id, id);
        CHECK_TEXT(r.text, text);
        if (field)
                CHECK(strings_have(&r.fields, field));
        event_report_done(&r);
}

static void test_rows(void)
{
        expect("{\"event\":\"POWERDOWN\"}", EVENT_BUTTON, LOG_NOTICE, MESSAGE_ID_POWERDOWN,
               "The guest's power button was pressed.", NULL);
        expect("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-shutdown\"}}", EVENT_OFF,
               LOG_NOTICE, MESSAGE_ID_SHUTDOWN, "The guest powered off.", "VM_REASON=guest-shutdown");
        expect("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}",
               EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
               "The guest reset itself, which powers it off.", "VM_EVENT=SHUTDOWN");
        expect("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,\"reason\":\"host-qmp-quit\"}}",
               EVENT_OFF_BY_HOST, LOG_INFO, MESSAGE_ID_SHUTDOWN, "QEMU is exiting as requested.", NULL);
        expect("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,\"reason\":\"something-new\"}}", EVENT_OFF,
               LOG_NOTICE, MESSAGE_ID_SHUTDOWN, "The guest was powered off (something-new).", NULL);
        expect("{\"event\":\"SHUTDOWN\"}", EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
               "The guest was powered off (unknown).", NULL);
        expect("{\"event\":\"GUEST_PANICKED\",\"data\":{\"action\":\"pause\"}}", EVENT_PANIC, LOG_ERR,
               MESSAGE_ID_PANICKED, "The guest crashed.", "VM_ACTION=pause");
        expect("{\"event\":\"GUEST_PANICKED\",\"data\":{\"action\":\"run\"}}", EVENT_NOTE, LOG_ERR,
               MESSAGE_ID_PANICKED, "The guest crashed; letting it continue as configured.", NULL);
        expect("{\"event\":\"DEVICE_DELETED\",\"data\":{\"path\":\"/machine/x\"}}", EVENT_NOTE, LOG_INFO,
               MESSAGE_ID_DEVICE_DELETED, "Device /machine/x was removed.", "VM_PATH=/machine/x");
        expect("{\"event\":\"STOP\"}", EVENT_STATE, LOG_INFO, MESSAGE_ID_PAUSED, "The guest is paused.",
               NULL);
        expect("{\"event\":\"BALLOON_CHANGE\",\"data\":{\"actual\":1048576}}", EVENT_NOTE, LOG_INFO,
               MESSAGE_ID_BALLOON, "The guest's memory is now 1048576 bytes.", "VM_SIZE=1048576");
        expect("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"active\"}}", EVENT_STATE, LOG_INFO,
               MESSAGE_ID_MIGRATION, "Migration of the guest: active.", "VM_STATUS=active");
        expect("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"failed\"}}", EVENT_STATE, LOG_ERR,
               MESSAGE_ID_MIGRATION, "The guest's migration failed.", "VM_STATUS=failed");
}

/* With -blockdev a disk has no device name; its node's is shown. */
static void test_disk(void)
{
        expect("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"\",\"node-name\":\"libvirt-1-format\","
               "\"operation\":\"write\",\"action\":\"stop\",\"reason\":\"No space left on "
               "device\",\"nospace\":true}}",
               EVENT_DISK_STOP, LOG_ERR, MESSAGE_ID_IO_ERROR,
               "Write error on disk libvirt-1-format; the guest is paused: No space left on device. "
               "Free space for it, then run: vmctl resume NAME",
               "VM_NODE=libvirt-1-format");
        expect("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"vda\",\"operation\":\"read\","
               "\"action\":\"report\",\"reason\":\"x\"}}",
               EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
               "Read error on disk vda, reported to the guest: x.", "VM_ACTION=report");
}

/* A disk is named as the guest's XML names it, with what is to be done; QEMU cannot say another. */
static void test_disk_names(void)
{
        DiskNames names = { 0 };
        const EventContext own = { "it's one", &names };

        CHECK_NUMBER(disk_names_read("libvirt-1-format:vdb:/srv/a:b.raw", &names), 0);
        CHECK_NUMBER(disk_names_read("transient-vdc:vdc", &names), 0);
        CHECK_NUMBER(disk_names_read("libvirt-1-format", &names), -EINVAL);
        CHECK_NUMBER(disk_names_read(":vda:/x", &names), -EINVAL);
        CHECK_NUMBER(disk_names_read("a::/x", &names), -EINVAL);
        CHECK_NUMBER(disk_names_read("a:b:", &names), -EINVAL);
        context = &own;
        expect("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"\",\"node-name\":\"libvirt-1-format\","
               "\"operation\":\"write\",\"action\":\"stop\",\"reason\":\"Input/output error\","
               "\"-disk\":\"x\",\"-resume\":\"x\"}}",
               EVENT_DISK_STOP, LOG_ERR, MESSAGE_ID_IO_ERROR,
               "Write error on disk vdb (/srv/a:b.raw); the guest is paused: Input/output error. "
               "Remove the cause, then run: vmctl resume -- 'it'\\''s one'",
               "VM_DISK=vdb");
        expect("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"transient-vdc\",\"node-name\":\"#"
               "block7\","
               "\"operation\":\"read\",\"action\":\"report\",\"reason\":\"x\"}}",
               EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
               "Read error on disk vdc, reported to the guest: x.", "VM_DISK=vdc");
        context = NULL;
        disk_names_done(&names);
}

/* A crashed Windows reports numbers that no signed 64-bit integer holds. */
static void test_long_numbers(void)
{
        expect("{\"event\":\"GUEST_PANICKED\",\"data\":{\"action\":\"pause\",\"info\":{\"type\":\"hyper-v\","
               "\"arg1\":18446735290187685888,\"arg2\":10}}}",
               EVENT_PANIC, LOG_ERR, MESSAGE_ID_PANICKED, "The guest crashed.",
               "VM_PANIC_ARG1=18446735290187685888");
        expect("{\"event\":\"X\",\"data\":{\"a\":\"\\\"1844673529018768588899\",\"b\":"
               "1844673529018768588899}}",
               EVENT_NOTE, LOG_DEBUG, MESSAGE_ID_OTHER, "QEMU reported X.",
               "VM_DATA={\"a\":\"\\\"1844673529018768588899\",\"b\":\"1844673529018768588899\"}");
}

static void test_unknown_and_quiet(void)
{
        EventReport r = translate("{\"event\":\"RTC_CHANGE\",\"data\":{\"offset\":1}}");

        CHECK(r.quiet);
        event_report_done(&r);
        expect("{\"event\":\"WATCHDOG\",\"data\":{\"action\":\"pause\"}}", EVENT_WATCHDOG, LOG_ERR,
               MESSAGE_ID_WATCHDOG, "The guest's watchdog expired; pausing the guest.", "VM_ACTION=pause");
        expect("{\"event\":\"NEW_THING\",\"data\":{\"a\":1}}", EVENT_NOTE, LOG_DEBUG, MESSAGE_ID_OTHER,
               "QEMU reported NEW_THING.", "VM_DATA={\"a\":1}");
}

/* QEMU may be the guest's: what it says becomes neither another field nor a terminal's command, and is not
 * endless. */
static void test_hostile(void)
{
        char event[9000] = "{\"event\":\"VSERPORT_CHANGE\",\"data\":{\"open\":true,\"id\":\"",
             *p = event + strlen(event);
        EventReport r;

        expect("{\"event\":\"VSERPORT_CHANGE\",\"data\":{\"open\":true,\"id\":\"a\\nVM_NAME=b\\u001b["
               "2Jc\\u0007\\u202ed\"}}",
               EVENT_NOTE, LOG_INFO, MESSAGE_ID_AGENT, "The guest opened port a VM_NAME=bcd.",
               "VM_DEVICE=a VM_NAME=bcd");
        expect("{\"event\":\"WATCHDOG\",\"data\":{\"action\":{\"a\":1}}}", EVENT_STATE, LOG_ERR,
               MESSAGE_ID_WATCHDOG, "The guest's watchdog expired (action: unknown).", NULL);
        expect("{\"event\":\"WATCHDOG\",\"data\":[1]}", EVENT_STATE, LOG_ERR, MESSAGE_ID_WATCHDOG,
               "The guest's watchdog expired (action: unknown).", NULL);
        memset(p, 'x', 8000);
        strcpy(p + 8000, "\"}}");
        r = translate(event);
        CHECK(strlen(r.text) < 400);
        event_report_done(&r);
        for (const char **bad = (const char *[]){ "{}", "{\"event\":1}", "{\"event\":\"\"}",
                                                  "{\"event\":\"A b\"}", "{\"event\":\"a\\nB\"}", NULL };
             *bad; bad++) {
                _cleanup_(json_decrefp) json_t *json = json_loads(*bad, 0, NULL);

                CHECK_NUMBER(event_translate(json, NULL, &r), -EINVAL);
        }
}

int main(void)
{
        test_rows();
        test_disk();
        test_disk_names();
        test_long_numbers();
        test_unknown_and_quiet();
        test_hostile();
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All that the launcher knows of QEMU's events is this table. A row says when it applies, what the journal
 * is told (a sentence, a priority, a MESSAGE_ID, and which of the event's values become fields) and what the
 * event means for the guest's life. The first row that fits is taken; an event without a row is an entry of
 * debug level, so that nothing is lost in silence.
 *
 * The values come from a QEMU that a guest may have taken over: a string is cut and rid of control
 * characters before it goes anywhere, and one of another type than expected is just not there.
 */

#include "launcher/lifecycle/events.h"

#include <errno.h>
#include <syslog.h>

#include "contract/limits.h"
#include "contract/message-ids.h"
#include "launcher/stream/sanitize.h"

#define EVENT_FIELDS_MAX 6

typedef struct EventField {
        const char *path; /* in the event's "data", parts separated by dots */
        const char *key;  /* of the journal */
} EventField;

struct EventRow {
        const char *name;
        const char *path, *value; /* applies where the value at that path is this one; NULL: to all */
        EventMeaning meaning;
        int priority;
        const char *message_id;
        const char *text; /* {path} stands for the value there; NULL: no entry */
        EventField fields[EVENT_FIELDS_MAX];
};

/* One list of fields for each kind of data that events carry. */
/* clang-format off: it breaks the braces of a macro */
#define F(path, key)      \
        {                 \
                path, key \
        }

#define REASON_FIELD                     \
        {                                \
                F("reason", "VM_REASON") \
        }
#define ACTION_FIELD                     \
        {                                \
                F("action", "VM_ACTION") \
        }
#define NODE_FIELD                        \
        {                                 \
                F("node-name", "VM_NODE") \
        }
#define NETDEV_FIELD                        \
        {                                   \
                F("netdev-id", "VM_DEVICE") \
        }
#define SIZE_FIELD                           \
        {                                    \
                F("result.total", "VM_SIZE") \
        }
#define ERROR_FIELD                     \
        {                               \
                F("error", "VM_REASON") \
        }
#define DEVICE_FIELDS                                          \
        {                                                      \
                F("device", "VM_DEVICE"), F("path", "VM_PATH") \
        }
#define TRAY_FIELDS                                          \
        {                                                    \
                F("device", "VM_DEVICE"), F("id", "VM_NODE") \
        }
#define PORT_FIELDS                                        \
        {                                                  \
                F("id", "VM_DEVICE"), F("open", "VM_OPEN") \
        }
#define MEMORY_FIELDS                                                    \
        {                                                                \
                F("recipient", "VM_RECIPIENT"), F("action", "VM_ACTION") \
        }
#define SPICE_FIELDS                                                                 \
        {                                                                            \
                F("client.host", "VM_CLIENT"), F("client.port", "VM_CLIENT_SERVICE") \
        }
#define JOB_FIELDS                                                                           \
        {                                                                                    \
                F("device", "VM_DEVICE"), F("type", "VM_OPERATION"), F("error", "VM_REASON") \
        }
#define VNC_FIELDS                                                                       \
        {                                                                                \
                F("client.host", "VM_CLIENT"), F("client.service", "VM_CLIENT_SERVICE"), \
                        F("client.sasl_username", "VM_CLIENT_USER")                      \
        }
#define DISK_FIELDS                                                                                  \
        {                                                                                            \
                F("device", "VM_DEVICE"), F("node-name", "VM_NODE"), F("operation", "VM_OPERATION"), \
                        F("action", "VM_ACTION"), F("reason", "VM_REASON")                           \
        }
#define CORRUPTED_FIELDS                                                                    \
        {                                                                                   \
                F("device", "VM_DEVICE"), F("node-name", "VM_NODE"), F("msg", "VM_REASON"), \
                        F("fatal", "VM_FATAL"), F("offset", "VM_OFFSET")                    \
        }
#define PANIC_FIELDS                                                                                        \
        {                                                                                                   \
                F("action", "VM_ACTION"), F("info.type", "VM_PANIC_TYPE"), F("info.arg1", "VM_PANIC_ARG1"), \
                        F("info.arg2", "VM_PANIC_ARG2"), F("info.core", "VM_PANIC_CORE"),                   \
                        F("info.reason", "VM_REASON")                                                       \
        }
/* clang-format on */

static const EventRow event_rows[] = {
        /* the machine goes off */
        { "SHUTDOWN", "reason", "guest-shutdown", EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest turned itself off.", REASON_FIELD },
        { "SHUTDOWN", "reason", "guest-reset", EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest reset itself, which is to turn it off.", REASON_FIELD },
        { "SHUTDOWN", "reason", "subsystem-reset", EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest reset itself, which is to turn it off.", REASON_FIELD },
        { "SHUTDOWN", "reason", "host-qmp-system-reset", EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest was reset, which is to turn it off.", REASON_FIELD },
        { "SHUTDOWN", "reason", "guest-panic", EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "QEMU turned the crashed guest off.", REASON_FIELD },
        { "SHUTDOWN", "reason", "host-error", EVENT_OFF_BY_FAILURE, LOG_ERR, MESSAGE_ID_SHUTDOWN,
          "QEMU gave the guest up after an error of the host.", REASON_FIELD },
        { "SHUTDOWN", "reason", "host-signal", EVENT_OFF_BY_FAILURE, LOG_WARNING, MESSAGE_ID_SHUTDOWN,
          "QEMU was ended by a signal.", REASON_FIELD },
        { "SHUTDOWN", "reason", "host-qmp-quit", EVENT_OFF_BY_HOST, LOG_INFO, MESSAGE_ID_SHUTDOWN,
          "QEMU ends, as it was told.", REASON_FIELD },
        { "SHUTDOWN", "guest", "true", EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest turned itself off ({reason}).", REASON_FIELD },
        { "SHUTDOWN", NULL, NULL, EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest was turned off ({reason}).", REASON_FIELD },
        { "POWERDOWN", NULL, NULL, EVENT_BUTTON, LOG_NOTICE, MESSAGE_ID_POWERDOWN,
          "The guest's power button was pressed." },
        { "RESET", "guest", "true", EVENT_STATE, LOG_NOTICE, MESSAGE_ID_RESET, "The guest reset itself.",
          REASON_FIELD },
        { "RESET", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_RESET, "The guest was reset ({reason}).",
          REASON_FIELD },

        /* it stops and goes on; why it stopped, its state says */
        { "STOP", NULL, NULL, EVENT_STATE, LOG_DEBUG, MESSAGE_ID_PAUSED, "The guest stopped." },
        { "RESUME", NULL, NULL, EVENT_STATE, LOG_DEBUG, MESSAGE_ID_RESUMED, "The guest goes on." },
        { "SUSPEND", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_SUSPENDED, "The guest went to sleep." },
        { "SUSPEND_DISK", NULL, NULL, EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_SUSPENDED,
          "The guest hibernates." },
        { "WAKEUP", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_WOKEN, "The guest woke up." },

        /* it is in trouble */
        { "GUEST_PANICKED", "action", "run", EVENT_NOTE, LOG_ERR, MESSAGE_ID_PANICKED,
          "The guest crashed, and goes on as its XML says.", PANIC_FIELDS },
        { "GUEST_PANICKED", NULL, NULL, EVENT_PANIC, LOG_ERR, MESSAGE_ID_PANICKED, "The guest crashed.",
          PANIC_FIELDS },
        { "GUEST_CRASHLOADED", NULL, NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_CRASH_KERNEL,
          "The guest crashed and runs its crash kernel.", PANIC_FIELDS },
        { "GUEST_PVSHUTDOWN", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_OTHER,
          "The guest announces that it turns itself off." },
        { "BLOCK_IO_ERROR", "action", "ignore", EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {device|node-name}, ignored: {reason}.", DISK_FIELDS },
        { "BLOCK_IO_ERROR", "action", "report", EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {device|node-name}, reported to the guest: {reason}.", DISK_FIELDS },
        { "BLOCK_IO_ERROR", NULL, NULL, EVENT_STATE, LOG_ERR, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {device|node-name}, the guest is stopped: {reason}.", DISK_FIELDS },
        { "BLOCK_IMAGE_CORRUPTED", NULL, NULL, EVENT_STATE, LOG_CRIT, MESSAGE_ID_IMAGE_CORRUPTED,
          "The image of disk {device|node-name} is damaged: {msg}.", CORRUPTED_FIELDS },
        { "BLOCK_WRITE_THRESHOLD", NULL, NULL, EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_OTHER,
          "Image {node-name} grew beyond its threshold.", NODE_FIELD },
        { "WATCHDOG", "action", "poweroff", EVENT_OFF, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog ran out and turns it off.", ACTION_FIELD },
        { "WATCHDOG", "action", "pause", EVENT_WATCHDOG, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog ran out and pauses it.", ACTION_FIELD },
        { "WATCHDOG", NULL, NULL, EVENT_STATE, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog ran out (action: {action}).", ACTION_FIELD },
        { "MEMORY_FAILURE", "flags.recursive", "true", EVENT_STATE, LOG_CRIT, MESSAGE_ID_MEMORY_FAILURE,
          "The host's memory failed again under the {recipient} ({action}).", MEMORY_FIELDS },
        { "MEMORY_FAILURE", NULL, NULL, EVENT_STATE, LOG_ERR, MESSAGE_ID_MEMORY_FAILURE,
          "The host's memory failed under the {recipient} ({action}).", MEMORY_FIELDS },
        { "DUMP_COMPLETED", "result.status", "failed", EVENT_DUMPED, LOG_ERR, MESSAGE_ID_DUMPED,
          "The guest's memory could not be written: {error}.", ERROR_FIELD },
        { "DUMP_COMPLETED", NULL, NULL, EVENT_DUMPED, LOG_NOTICE, MESSAGE_ID_DUMPED,
          "The guest's memory is written, {result.total} bytes.", SIZE_FIELD },

        /* devices come and go */
        { "DEVICE_DELETED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_DEVICE_DELETED,
          "Device {device|path} is gone.", DEVICE_FIELDS },
        { "DEVICE_UNPLUG_GUEST_ERROR", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_DEVICE_DELETED,
          "The guest does not let go of device {device|path}.", DEVICE_FIELDS },
        { "DEVICE_TRAY_MOVED", "tray-open", "true", EVENT_NOTE, LOG_INFO, MESSAGE_ID_DISK_TRAY,
          "The tray of drive {device|id} was opened.", TRAY_FIELDS },
        { "DEVICE_TRAY_MOVED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_DISK_TRAY,
          "The tray of drive {device|id} was closed.", TRAY_FIELDS },
        { "VSERPORT_CHANGE", "open", "true", EVENT_NOTE, LOG_INFO, MESSAGE_ID_AGENT,
          "The guest opened port {id}.", PORT_FIELDS },
        { "VSERPORT_CHANGE", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_AGENT,
          "The guest closed port {id}.", PORT_FIELDS },
        { "NETDEV_STREAM_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_OTHER,
          "The peer of network {netdev-id} is gone.", NETDEV_FIELD },
        { "NETDEV_VHOST_USER_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_OTHER,
          "The vhost-user peer of network {netdev-id} is gone.", NETDEV_FIELD },

        /* work on disks */
        { "BLOCK_JOB_COMPLETED", "error", NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} failed: {error}.", JOB_FIELDS },
        { "BLOCK_JOB_COMPLETED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} is done.", JOB_FIELDS },
        { "BLOCK_JOB_CANCELLED", NULL, NULL, EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} was cancelled.", JOB_FIELDS },
        { "BLOCK_JOB_ERROR", NULL, NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_BLOCK_JOB,
          "Disk job {device} met a {operation} error (action: {action}).", DISK_FIELDS },
        { "BLOCK_JOB_READY", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} is ready.", JOB_FIELDS },

        /* people at its screen */
        { "VNC_INITIALIZED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} looks at the guest's screen (VNC).", VNC_FIELDS },
        { "VNC_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} left the guest's screen (VNC).", VNC_FIELDS },
        { "VNC_CONNECTED", NULL, NULL, EVENT_NOTE, LOG_DEBUG, NULL, NULL },
        { "SPICE_INITIALIZED", NULL, NULL, EVENT_NOTE, LOG_DEBUG, NULL, NULL },
        { "SPICE_CONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} connects to the guest's screen (SPICE).", SPICE_FIELDS },
        { "SPICE_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} left the guest's screen (SPICE).", SPICE_FIELDS },

        /* known, frequent, and of no interest here */
        { "NETDEV_STREAM_CONNECTED" },
        { "RTC_CHANGE" },
        { "NIC_RX_FILTER_CHANGED" },
        { "JOB_STATUS_CHANGE" },
        { "BALLOON_CHANGE" },
        { "MIGRATION_PASS" },
        { "ACPI_DEVICE_OST" },
};

/* The value at a path; false where there is none that text could show. */
static bool data_text_at(const json_t *data, const char *path, char ret[static EVENT_VALUE_MAX + 1])
{
        const json_t *value = data;

        while (value && *path) {
                char key[64];
                size_t n = strcspn(path, ".");

                if (n >= sizeof(key))
                        return false;
                memcpy(key, path, n);
                key[n] = '\0';
                value = json_object_get(value, key);
                path += n + (path[n] == '.');
        }
        if (json_is_string(value)) {
                sanitize_text(json_string_value(value), json_string_length(value), ret, EVENT_VALUE_MAX + 1);
                return true;
        }
        if (json_is_boolean(value))
                return strcpy(ret, json_is_true(value) ? "true" : "false"), true;
        if (json_is_integer(value))
                return snprintf(ret, EVENT_VALUE_MAX, "%lld", (long long) json_integer_value(value)), true;
        return false;
}

/* The first that is not empty of several paths, "PATH|PATH". */
static bool data_text(const json_t *data, const char *paths, char ret[static EVENT_VALUE_MAX + 1])
{
        bool found = false;

        while (*paths && !(found && *ret)) {
                char path[64];
                size_t n = strcspn(paths, "|");

                snprintf(path, sizeof(path), "%.*s", (int) n, paths);
                found = data_text_at(data, path, ret) || found;
                paths += n + (paths[n] == '|');
        }
        return found;
}

static bool row_applies(const EventRow *row, const char *name, const json_t *data)
{
        char value[EVENT_VALUE_MAX + 1];

        if (!streq(row->name, name))
                return false;
        if (!row->path)
                return true;
        return data_text(data, row->path, value) && (!row->value || streq(row->value, value));
}

/* Appends to text[*size], cutting at what fits. */
static void append(char *text, size_t room, size_t *size, const char *more, size_t n)
{
        if (n > room - *size - 1)
                n = room - *size - 1;
        memcpy(text + *size, more, n);
        *size += n;
        text[*size] = '\0';
}

/* The first letter is made a capital one: a sentence may begin with one of QEMU's words. */
static char *fill_text(const char *template, const json_t *data)
{
        char text[EVENT_VALUE_MAX * 4] = "";
        size_t size = 0;

        while (*template) {
                size_t n = strcspn(template, "{");
                char path[64], value[EVENT_VALUE_MAX + 1];

                append(text, sizeof(text), &size, template, n);
                template += n;
                if (!*template)
                        break;
                n = strcspn(++template, "}");
                snprintf(path, sizeof(path), "%.*s", (int) n, template);
                template += n + (template[n] == '}');
                if (!data_text(data, path, value) || !*value)
                        strcpy(value, "unknown");
                append(text, sizeof(text), &size, value, strlen(value));
        }
        if (text[0] >= 'a' && text[0] <= 'z')
                text[0] = (char) (text[0] - 'a' + 'A');
        return strdup(text);
}

static int add_fields(Strings *fields, const EventRow *row, const char *name, const json_t *data)
{
        int r;

        r = strings_addf(fields, "VM_EVENT=%s", name);
        for (size_t i = 0; r >= 0 && row && i < EVENT_FIELDS_MAX && row->fields[i].path; i++) {
                char value[EVENT_VALUE_MAX + 1];

                if (data_text(data, row->fields[i].path, value))
                        r = strings_addf(fields, "%s=%s", row->fields[i].key, value);
        }
        return r;
}

/* What nobody knows is kept whole, as far as a journal field should be long. */
static int translate_unknown(const json_t *data, EventReport *report)
{
        _cleanup_(freep) char *dump = NULL;
        char text[EVENT_DATA_MAX + 1];
        int r;

        report->priority = LOG_DEBUG;
        report->message_id = MESSAGE_ID_OTHER;
        report->text = text_format("QEMU reports %s.", report->name);
        r = add_fields(&report->fields, NULL, report->name, NULL);
        if (r >= 0 && data) {
                dump = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);
                if (dump)
                        sanitize_text(dump, strlen(dump), text, sizeof(text));
                r = dump ? strings_addf(&report->fields, "VM_DATA=%s", text) : -ENOMEM;
        }
        return r;
}

int event_translate(const json_t *event, EventReport *ret)
{
        const char *name = json_string_value(json_object_get(event, "event"));
        _cleanup_(event_report_done) EventReport report = { .name = name };
        const json_t *data = json_object_get(event, "data");
        const EventRow *row = NULL;
        int r = 0;

        if (!name || !*name || strlen(name) > 64 ||
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTS(event_rows) && !row; i++)
                if (row_applies(&event_rows[i], name, data))
                        row = &event_rows[i];
        if (!row)
                r = translate_unknown(data, &report);
        else if (!row->text)
                report.quiet = true;
        else {
                report.meaning = row->meaning;
                report.priority = row->priority;
                report.message_id = row->message_id;
                report.text = fill_text(row->text, data);
                r = add_fields(&report.fields, row, name, data);
        }
        if (r >= 0 && !report.quiet && !report.text)
                r = -ENOMEM;
        if (r < 0)
                return r;
        *ret = report;
        report = (EventReport){ 0 };
        return 0;
}

void event_report_done(EventReport *r)
{
        free(r->text);
        strings_done(&r->fields);
        *r = (EventReport){ 0 };
}

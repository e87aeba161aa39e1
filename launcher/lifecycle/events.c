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
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "contract/limits.h"
#include "contract/message-ids.h"
#include "launcher/stream/sanitize.h"
#include "util/text.h"

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
        const char *text;         /* {path} stands for the value there; NULL: no entry */
        const EventField *fields; /* or NULL */
};

/*
 * Keys that are added to an event's data here, whatever QEMU says: the disk as people know it (the target
 * and its image), and the command that lets the guest continue.
 */
#define OWN_DISK   "-disk"
#define OWN_TARGET "-target"
#define OWN_PATH   "-path"
#define OWN_RESUME "-resume"

/* One list of fields for each kind of data that events carry; each ends with an empty one. */
static const EventField reason_fields[] = { { "reason", "VM_REASON" }, { 0 } };
static const EventField action_fields[] = { { "action", "VM_ACTION" }, { 0 } };
static const EventField netdev_fields[] = { { "netdev-id", "VM_DEVICE" }, { 0 } };
static const EventField size_fields[] = { { "result.total", "VM_SIZE" }, { 0 } };
static const EventField balloon_fields[] = { { "actual", "VM_SIZE" }, { 0 } };
static const EventField migration_fields[] = { { "status", "VM_STATUS" }, { 0 } };
static const EventField error_fields[] = { { "error", "VM_REASON" }, { 0 } };
static const EventField device_fields[] = { { "device", "VM_DEVICE" }, { "path", "VM_PATH" }, { 0 } };
static const EventField tray_fields[] = { { "device", "VM_DEVICE" }, { "id", "VM_NODE" }, { 0 } };
static const EventField port_fields[] = { { "id", "VM_DEVICE" }, { "open", "VM_OPEN" }, { 0 } };
static const EventField memory_fields[] = { { "recipient", "VM_RECIPIENT" },
                                            { "action", "VM_ACTION" },
                                            { 0 } };
static const EventField spice_fields[] = { { "client.host", "VM_CLIENT" },
                                           { "client.port", "VM_CLIENT_SERVICE" },
                                           { 0 } };
static const EventField job_fields[] = {
        { "device", "VM_DEVICE" }, { "type", "VM_OPERATION" }, { "error", "VM_REASON" }, { 0 }
};
static const EventField vnc_fields[] = { { "client.host", "VM_CLIENT" },
                                         { "client.service", "VM_CLIENT_SERVICE" },
                                         { "client.sasl_username", "VM_CLIENT_USER" },
                                         { 0 } };
static const EventField disk_fields[] = { { OWN_TARGET, "VM_DISK" },       { OWN_PATH, "VM_PATH" },
                                          { "device", "VM_DEVICE" },       { "node-name", "VM_NODE" },
                                          { "operation", "VM_OPERATION" }, { "action", "VM_ACTION" },
                                          { "reason", "VM_REASON" },       { 0 } };
static const EventField corrupted_fields[] = { { OWN_TARGET, "VM_DISK" }, { OWN_PATH, "VM_PATH" },
                                               { "device", "VM_DEVICE" }, { "node-name", "VM_NODE" },
                                               { "msg", "VM_REASON" },    { "fatal", "VM_FATAL" },
                                               { "offset", "VM_OFFSET" }, { 0 } };
static const EventField panic_fields[] = { { "action", "VM_ACTION" },
                                           { "info.type", "VM_PANIC_TYPE" },
                                           { "info.arg1", "VM_PANIC_ARG1" },
                                           { "info.arg2", "VM_PANIC_ARG2" },
                                           { "info.core", "VM_PANIC_CORE" },
                                           { "info.reason", "VM_REASON" },
                                           { 0 } };

static const EventRow event_rows[] = {
        /* the machine goes off */
        { "SHUTDOWN", "reason", "guest-shutdown", EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest powered off.", reason_fields },
        { "SHUTDOWN", "reason", "guest-reset", EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest reset itself, which powers it off.", reason_fields },
        { "SHUTDOWN", "reason", "host-qmp-system-reset", EVENT_OFF_BY_RESET, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest was reset, which powers it off.", reason_fields },
        { "SHUTDOWN", "reason", "host-error", EVENT_OFF_BY_FAILURE, LOG_ERR, MESSAGE_ID_SHUTDOWN,
          "QEMU ended the guest after a host error.", reason_fields },
        { "SHUTDOWN", "reason", "host-signal", EVENT_OFF_BY_FAILURE, LOG_WARNING, MESSAGE_ID_SHUTDOWN,
          "QEMU received a signal to terminate.", reason_fields },
        { "SHUTDOWN", "reason", "host-qmp-quit", EVENT_OFF_BY_HOST, LOG_INFO, MESSAGE_ID_SHUTDOWN,
          "QEMU is exiting as requested.", reason_fields },
        { "SHUTDOWN", "guest", "true", EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest powered off ({reason}).", reason_fields },
        { "SHUTDOWN", NULL, NULL, EVENT_OFF, LOG_NOTICE, MESSAGE_ID_SHUTDOWN,
          "The guest was powered off ({reason}).", reason_fields },
        { "POWERDOWN", NULL, NULL, EVENT_BUTTON, LOG_NOTICE, MESSAGE_ID_POWERDOWN,
          "The guest's power button was pressed." },
        { "RESET", "guest", "true", EVENT_STATE, LOG_NOTICE, MESSAGE_ID_RESET, "The guest reset itself.",
          reason_fields },
        { "RESET", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_RESET, "The guest was reset ({reason}).",
          reason_fields },

        /* it stops and continues; its state says why it stopped */
        { "STOP", NULL, NULL, EVENT_STATE, LOG_INFO, MESSAGE_ID_PAUSED, "The guest is paused." },
        { "RESUME", NULL, NULL, EVENT_STATE, LOG_INFO, MESSAGE_ID_RESUMED, "The guest is running again." },
        { "SUSPEND", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_SUSPENDED,
          "The guest suspended to RAM." },
        { "SUSPEND_DISK", NULL, NULL, EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_SUSPENDED,
          "The guest is suspending to disk." },
        { "WAKEUP", NULL, NULL, EVENT_STATE, LOG_NOTICE, MESSAGE_ID_WOKEN, "The guest woke up." },

        /* it is in trouble */
        { "GUEST_PANICKED", "action", "run", EVENT_NOTE, LOG_ERR, MESSAGE_ID_PANICKED,
          "The guest crashed; letting it continue as configured.", panic_fields },
        { "GUEST_PANICKED", NULL, NULL, EVENT_PANIC, LOG_ERR, MESSAGE_ID_PANICKED, "The guest crashed.",
          panic_fields },
        { "GUEST_CRASHLOADED", NULL, NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_CRASH_KERNEL,
          "The guest crashed and is running its crash kernel.", panic_fields },
        { "GUEST_PVSHUTDOWN", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_OTHER,
          "The guest announced that it is powering off." },
        { "BLOCK_IO_ERROR", "action", "ignore", EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {" OWN_DISK "}, ignored: {reason}.", disk_fields },
        { "BLOCK_IO_ERROR", "action", "report", EVENT_NOTE, LOG_WARNING, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {" OWN_DISK "}, reported to the guest: {reason}.", disk_fields },
        { "BLOCK_IO_ERROR", "nospace", "true", EVENT_DISK_STOP, LOG_ERR, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {" OWN_DISK "}; the guest is paused: {reason}. "
          "Free space for it, then run: {" OWN_RESUME "}",
          disk_fields },
        { "BLOCK_IO_ERROR", NULL, NULL, EVENT_DISK_STOP, LOG_ERR, MESSAGE_ID_IO_ERROR,
          "{operation} error on disk {" OWN_DISK "}; the guest is paused: {reason}. "
          "Remove the cause, then run: {" OWN_RESUME "}",
          disk_fields },
        { "BLOCK_IMAGE_CORRUPTED", NULL, NULL, EVENT_STATE, LOG_CRIT, MESSAGE_ID_IMAGE_CORRUPTED,
          "The image of disk {" OWN_DISK "} is damaged: {msg}.", corrupted_fields },
        { "WATCHDOG", "action", "poweroff", EVENT_OFF, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog expired; powering off the guest.", action_fields },
        { "WATCHDOG", "action", "pause", EVENT_WATCHDOG, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog expired; pausing the guest.", action_fields },
        { "WATCHDOG", NULL, NULL, EVENT_STATE, LOG_ERR, MESSAGE_ID_WATCHDOG,
          "The guest's watchdog expired (action: {action}).", action_fields },
        { "MEMORY_FAILURE", "flags.recursive", "true", EVENT_STATE, LOG_CRIT, MESSAGE_ID_MEMORY_FAILURE,
          "Another host memory error hit the {recipient} ({action}).", memory_fields },
        { "MEMORY_FAILURE", NULL, NULL, EVENT_STATE, LOG_ERR, MESSAGE_ID_MEMORY_FAILURE,
          "A host memory error hit the {recipient} ({action}).", memory_fields },
        { "DUMP_COMPLETED", "result.status", "failed", EVENT_DUMPED, LOG_ERR, MESSAGE_ID_DUMPED,
          "Failed to dump the guest's memory: {error}.", error_fields },
        { "DUMP_COMPLETED", NULL, NULL, EVENT_DUMPED, LOG_NOTICE, MESSAGE_ID_DUMPED,
          "Dumped the guest's memory, {result.total} bytes.", size_fields },

        { "BALLOON_CHANGE", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_BALLOON,
          "The guest's memory is now {actual} bytes.", balloon_fields },

        /* it goes to a file or to another host */
        { "MIGRATION", "status", "completed", EVENT_STATE, LOG_NOTICE, MESSAGE_ID_MIGRATION,
          "The guest's migration completed.", migration_fields },
        { "MIGRATION", "status", "failed", EVENT_STATE, LOG_ERR, MESSAGE_ID_MIGRATION,
          "The guest's migration failed.", migration_fields },
        { "MIGRATION", "status", "cancelled", EVENT_STATE, LOG_NOTICE, MESSAGE_ID_MIGRATION,
          "The guest's migration was cancelled.", migration_fields },
        { "MIGRATION", NULL, NULL, EVENT_STATE, LOG_INFO, MESSAGE_ID_MIGRATION,
          "Migration of the guest: {status}.", migration_fields },

        /* devices come and go */
        { "DEVICE_DELETED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_DEVICE_DELETED,
          "Device {device|path} was removed.", device_fields },
        { "DEVICE_UNPLUG_GUEST_ERROR", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_DEVICE_DELETED,
          "The guest refused to release device {device|path}.", device_fields },
        { "DEVICE_TRAY_MOVED", "tray-open", "true", EVENT_NOTE, LOG_INFO, MESSAGE_ID_DISK_TRAY,
          "The tray of drive {device|id} was opened.", tray_fields },
        { "DEVICE_TRAY_MOVED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_DISK_TRAY,
          "The tray of drive {device|id} was closed.", tray_fields },
        { "VSERPORT_CHANGE", "open", "true", EVENT_NOTE, LOG_INFO, MESSAGE_ID_AGENT,
          "The guest opened port {id}.", port_fields },
        { "VSERPORT_CHANGE", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_AGENT,
          "The guest closed port {id}.", port_fields },
        { "NETDEV_STREAM_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_OTHER,
          "Network {netdev-id} was disconnected by its peer.", netdev_fields },
        { "NETDEV_VHOST_USER_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_WARNING, MESSAGE_ID_OTHER,
          "Network {netdev-id} was disconnected by its vhost-user peer.", netdev_fields },

        /* work on disks */
        { "BLOCK_JOB_COMPLETED", "error", NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} failed: {error}.", job_fields },
        { "BLOCK_JOB_COMPLETED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} completed.", job_fields },
        { "BLOCK_JOB_CANCELLED", NULL, NULL, EVENT_NOTE, LOG_NOTICE, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} was cancelled.", job_fields },
        { "BLOCK_JOB_ERROR", NULL, NULL, EVENT_NOTE, LOG_ERR, MESSAGE_ID_BLOCK_JOB,
          "Disk job {device}: {operation} error (action: {action}).", disk_fields },
        { "BLOCK_JOB_READY", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_BLOCK_JOB,
          "The {type} of disk {device} is ready.", job_fields },

        /* people at its screen */
        { "VNC_INITIALIZED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} connected to the guest's screen (VNC).", vnc_fields },
        { "VNC_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} disconnected from the guest's screen (VNC).", vnc_fields },
        { "VNC_CONNECTED", NULL, NULL, EVENT_NOTE, LOG_DEBUG, NULL, NULL },
        { "SPICE_INITIALIZED", NULL, NULL, EVENT_NOTE, LOG_DEBUG, NULL, NULL },
        { "SPICE_CONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} connected to the guest's screen (SPICE).", spice_fields },
        { "SPICE_DISCONNECTED", NULL, NULL, EVENT_NOTE, LOG_INFO, MESSAGE_ID_CLIENT,
          "{client.host} disconnected from the guest's screen (SPICE).", spice_fields },

        /* known, frequent, and of no interest here */
        { "NETDEV_STREAM_CONNECTED" },
        { "RTC_CHANGE" },
        { "NIC_RX_FILTER_CHANGED" },
        { "JOB_STATUS_CHANGE" },
        { "MIGRATION_PASS" },
        { "ACPI_DEVICE_OST" },
};

/* The value at a path; false if there is none, or none that can be shown as text. */
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
        for (const EventField *f = row ? row->fields : NULL; r >= 0 && f && f->path; f++) {
                char value[EVENT_VALUE_MAX + 1];

                if (data_text(data, f->path, value))
                        r = strings_addf(fields, "%s=%s", f->key, value);
        }
        return r;
}

char *event_resume_command(const char *guest)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@";
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        _cleanup_(freep) char *quoted = NULL;
        FILE *f;

        if (*guest && *guest != '-' && strspn(guest, plain) == strlen(guest))
                return text_format("vmctl resume %s", guest);
        f = text_writer_start(&w);
        if (!f)
                return NULL;
        for (; *guest; guest++)
                if (*guest == '\'')
                        fputs("'\\''", f);
                else
                        fputc(*guest, f);
        quoted = text_writer_take(&w);
        return quoted ? text_format("vmctl resume -- '%s'", quoted) : NULL;
}

static void set_text(json_t *data, const char *key, const char *text)
{
        (void) json_object_del(data, key);
        if (text)
                (void) json_object_set_new(data, key, json_string(text));
}

/* The event's data with the keys OWN_… in it; NULL where memory ran out. */
static json_t *complete_data(const json_t *data, const EventContext *context)
{
        const char *device = json_string_value(json_object_get(data, "device"));
        const char *node = json_string_value(json_object_get(data, "node-name"));
        const DiskNames *disks = context ? context->disks : NULL;
        const DiskName *disk = disk_names_find(disks, node) ?: disk_names_find(disks, device);
        _cleanup_(freep) char *resume = event_resume_command(context ? context->guest : "NAME"),
                              *shown = disk && disk->path ? text_format("%s (%s)", disk->target, disk->path)
                                                          : NULL;
        const char *name = disk ? disk->target : device && *device ? device : node;
        json_t *copy = json_is_object(data) ? json_copy((json_t *) data) : json_object();

        set_text(copy, OWN_DISK, shown ?: name);
        set_text(copy, OWN_TARGET, name);
        set_text(copy, OWN_PATH, disk ? disk->path : NULL);
        set_text(copy, OWN_RESUME, resume);
        return copy;
}

/* An unknown event is logged whole, up to a reasonable length of a journal field. */
static int translate_unknown(const json_t *data, EventReport *report)
{
        _cleanup_(freep) char *dump = NULL;
        char text[EVENT_DATA_MAX + 1];
        int r;

        report->priority = LOG_DEBUG;
        report->message_id = MESSAGE_ID_OTHER;
        report->text = text_format("QEMU reported %s.", report->name);
        r = add_fields(&report->fields, NULL, report->name, NULL);
        if (r >= 0 && data) {
                dump = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);
                if (dump)
                        sanitize_text(dump, strlen(dump), text, sizeof(text));
                r = dump ? strings_addf(&report->fields, "VM_DATA=%s", text) : -ENOMEM;
        }
        return r;
}

int event_translate(const json_t *event, const EventContext *context, EventReport *ret)
{
        _cleanup_(json_decrefp) json_t *completed = NULL;
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
                completed = complete_data(data, context);
                report.meaning = row->meaning;
                report.priority = row->priority;
                report.message_id = row->message_id;
                report.text = fill_text(row->text, completed);
                r = add_fields(&report.fields, row, name, completed);
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

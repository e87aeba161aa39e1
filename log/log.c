/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The journal is the only log, and it keeps fields: to find a guest's messages, match VM_NAME=, never words
 * in the text. So messages are sent to journald's own socket, not through stderr.
 *
 * Messages go to stderr if it is not connected to the journal, as when a program is run by hand or by a
 * test. Like systemd's own programs, JOURNAL_STREAM tells.
 *
 * journald finds a message's unit by the sender's cgroup, which may be gone if the program exits at once. So
 * programs running as root also name the unit in OBJECT_SYSTEMD_UNIT=, which `journalctl -u` trusts from
 * root; in users' units it is USER_UNIT=, which `journalctl --user -u` trusts. Otherwise, and before the
 * guest is known, an error that is the first message, and so probably the last, goes to stderr: journald
 * knows the unit of that stream, and LogExtraFields= of the unit adds VM_NAME= to it.
 *
 * Later errors may be the last words, too, of a program that ends before journald read any of its messages.
 * So the program begins with an empty line on the stream. journald prints none, but from then on knows the
 * unit of the process, whatever it sends and even when it is gone.
 */

#define SD_JOURNAL_SUPPRESS_LOCATION

#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "util/text.h"
#include "util/unit-name.h"

#define LOG_FIELDS_MAX 32

static const char *log_guest, *log_uuid;
static char *log_unit;
static const char *log_unit_field;

static bool stderr_is_journal(void)
{
        static int known = -1;
        const char *stream;
        unsigned long long device, inode;
        struct stat st;

        if (known >= 0)
                return known;
        known = 0;
        stream = getenv("JOURNAL_STREAM");
        if (stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) >= 0)
                known = st.st_dev == device && st.st_ino == inode;
        return known;
}

void log_open(const char *guest, const char *uuid)
{
        log_guest = guest;
        log_uuid = uuid;
        free(log_unit);
        log_unit = NULL;
        log_unit_field = getenv("MANAGERPID") ? "USER_UNIT" : "OBJECT_SYSTEMD_UNIT"; /* set by the manager */
        if (guest && (geteuid() == 0 || getenv("MANAGERPID")))
                (void) unit_name_for_guest(guest, &log_unit);
        else if (stderr_is_journal())
                (void) !write(STDERR_FILENO, "\n", 1);
}

typedef struct Entry {
        struct iovec fields[LOG_FIELDS_MAX];
        char *owned[LOG_FIELDS_MAX];
        size_t count, n_owned;
} Entry;

static void entry_done(Entry *e)
{
        while (e->n_owned > 0)
                free(e->owned[--e->n_owned]);
}

static void entry_add(Entry *e, const char *field, size_t size)
{
        if (e->count < LOG_FIELDS_MAX)
                e->fields[e->count++] = (struct iovec){ .iov_base = (char *) field, .iov_len = size };
}

/* If a value is missing or memory runs out, the field is dropped, never the message. */
static void entry_add_value(Entry *e, const char *key, const char *value)
{
        char *field;

        if (!value || e->n_owned >= LOG_FIELDS_MAX)
                return;
        field = text_format("%s=%s", key, value);
        if (!field)
                return;
        e->owned[e->n_owned++] = field;
        entry_add(e, field, strlen(field));
}

static void entry_send(Entry *e, int priority, const char *text)
{
        static bool known; /* journald knows us from an earlier message */
        bool last_words = !known && priority <= LOG_ERR && !log_unit;

        if (stderr_is_journal() && !last_words && sd_journal_sendv(e->fields, (int) e->count) >= 0) {
                known = true;
                return;
        }
        if (stderr_is_journal())
                fprintf(stderr, "<%d>%s\n", priority, text);
        else
                fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}

static void send_text(int priority, const char *message_id, char *const *fields, const char *text)
{
        static const char *const priorities[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
        _cleanup_(entry_done) Entry e = { 0 };

        entry_add_value(&e, "MESSAGE", text);
        entry_add_value(&e, "PRIORITY", priorities[priority & 7]);
        entry_add_value(&e, "SYSLOG_IDENTIFIER", program_invocation_short_name);
        entry_add_value(&e, "MESSAGE_ID", message_id);
        entry_add_value(&e, "VM_NAME", log_guest);
        entry_add_value(&e, "VM_UUID", log_uuid);
        if (log_unit)
                entry_add_value(&e, log_unit_field, log_unit);
        for (; fields && *fields; fields++)
                entry_add(&e, *fields, strlen(*fields));
        entry_send(&e, priority, text);
}

/*
 * Messages can contain text of a guest: names in the header of its image, QEMU's errors. Control characters
 * would make journalctl hide the message, and a line break would let that text begin an entry of its own,
 * with a priority, where messages go to stderr. C1 characters are two bytes in UTF-8.
 */
static void make_printable(char *text)
{
        for (unsigned char *c = (unsigned char *) text; *c; c++) {
                if (*c < ' ' || *c == 0x7f)
                        *c = '?';
                if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
                        c[0] = c[1] = '?';
        }
}

static _printf_(5, 0) void send_format(
        int priority, int error, const char *message_id, char *const *fields, const char *format, va_list ap)
{
        _cleanup_(freep) char *text = NULL, *whole = NULL;
        int saved = errno;

        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        if (text && error)
                whole = text_format("%s: %s", text, strerror(-error));
        if (text)
                make_printable(text);
        if (whole)
                make_printable(whole);
        send_text(priority, message_id, fields, whole ?: text ?: "(out of memory while formatting a message)");
        errno = saved;
}

void log_at(int priority, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        send_format(priority, 0, NULL, NULL, format, ap);
        va_end(ap);
}

int log_errno(int priority, int error, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        send_format(priority, error, NULL, NULL, format, ap);
        va_end(ap);
        return error;
}

int log_out_of_memory(void)
{
        log_error("Out of memory.");
        return -ENOMEM;
}

void log_entry(int priority, const char *message_id, char *const *fields, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        send_format(priority, 0, message_id, fields, format, ap);
        va_end(ap);
}

void log_line(int priority, const char *identifier, const char *text, size_t size)
{
        _cleanup_(freep) char *line = text_format("%.*s", (int) size, text);
        _cleanup_(entry_done) Entry e = { 0 };

        if (!line)
                return;
        if (!stderr_is_journal()) {
                fprintf(stderr, "%s: %s\n", identifier, line);
                return;
        }
        entry_add_value(&e, "MESSAGE", line);
        entry_add_value(&e, "PRIORITY", priority == LOG_INFO ? "6" : "4");
        entry_add_value(&e, "SYSLOG_IDENTIFIER", identifier);
        entry_add_value(&e, "VM_NAME", log_guest);
        entry_add_value(&e, "VM_UUID", log_uuid);
        (void) sd_journal_sendv(e.fields, (int) e.count);
}

int log_stream(int priority, const char *identifier)
{
        int fd;

        if (stderr_is_journal()) {
                fd = sd_journal_stream_fd(identifier, priority, 0);
                if (fd >= 0)
                        return fd;
        }
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

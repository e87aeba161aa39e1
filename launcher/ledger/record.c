/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A record outlives the process that wrote it, and even a crash of the host; then nothing else tells who
 * owned the file. It is text, so that an administrator can read it if everything else failed: one
 * "key=value" per line, with blanks, backslashes and unprintable characters of values as \xNN.
 *
 * Records are in a directory that only root can enter, so they are trusted. They are parsed strictly
 * nevertheless, because acting on half a record would give a file to the wrong owner. The first line is the
 * format's version.
 */

#include "launcher/ledger/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/limits.h"
#include "util/text.h"

#define RECORD_FIRST_LINE "vmunit-grant=1"

static const char *const identity_type_texts[IDENTITY_TYPES] = {
        [IDENTITY_FILE] = "file",
        [IDENTITY_BLOCK] = "block",
        [IDENTITY_CHARACTER] = "character",
};

Record *record_new(void)
{
        return calloc(1, sizeof(Record));
}

Record *record_free(Record *record)
{
        if (!record)
                return NULL;
        while (record->n_holders > 0)
                record_remove_holder(record, record->n_holders - 1);
        free(record->holders);
        free(record->listed);
        free(record->name);
        free(record->path);
        free(record->acl);
        free(record->handle);
        free(record);
        return NULL;
}

void record_remove_holder(Record *record, size_t i)
{
        free(record->holders[i].guest);
        free(record->holders[i].directory);
        record->n_holders--;
        memmove(&record->holders[i], &record->holders[i + 1], (record->n_holders - i) * sizeof(Holder));
}

/* The stronger of two modes, so that neither exclusive nor shared write access is lost. */
static Access grant_mode_both(Access a, Access b)
{
        if (a == ACCESS_WRITE || b == ACCESS_WRITE)
                return ACCESS_WRITE;
        return a == ACCESS_WRITE_SHARED || b == ACCESS_WRITE_SHARED ? ACCESS_WRITE_SHARED : ACCESS_READ;
}

int record_add_holder(Record *record, const Holder *holder)
{
        Holder *holders, copy = *holder;

        for (size_t i = 0; i < record->n_holders; i++) {
                Holder *h = &record->holders[i];

                if (streq(h->guest, holder->guest) && h->user == holder->user &&
                    streq(h->boot, holder->boot)) {
                        h->mode = grant_mode_both(h->mode, holder->mode);
                        return 0;
                }
        }
        if (record->n_holders >= RECORD_HOLDERS_MAX)
                return -E2BIG;
        holders = reallocarray(record->holders, record->n_holders + 1, sizeof(Holder));
        if (!holders)
                return -ENOMEM;
        record->holders = holders;
        copy.guest = strdup(holder->guest);
        copy.directory = strdup(holder->directory);
        record->holders[record->n_holders++] = copy;
        if (!copy.guest || !copy.directory) {
                record_remove_holder(record, record->n_holders - 1);
                return -ENOMEM;
        }
        return 0;
}

int record_add_listed(Record *record, uid_t user)
{
        uid_t *listed;

        for (size_t i = 0; i < record->n_listed; i++)
                if (record->listed[i] == user)
                        return 0;
        if (record->n_listed >= RECORD_HOLDERS_MAX)
                return -E2BIG;
        listed = reallocarray(record->listed, record->n_listed + 1, sizeof(*listed));
        if (!listed)
                return -ENOMEM;
        record->listed = listed;
        record->listed[record->n_listed++] = user;
        return 0;
}

static void write_escaped(FILE *f, const char *text)
{
        for (const unsigned char *p = (const unsigned char *) text; *p; p++) {
                if (*p <= ' ' || *p >= 0x7f || *p == '\\')
                        fprintf(f, "\\x%02x", *p);
                else
                        putc(*p, f);
        }
}

static void write_bytes(FILE *f, const uint8_t *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                fprintf(f, "%02x", bytes[i]);
        putc('\n', f);
}

/* In place. */
static int unescape(char *text)
{
        char *out = text;

        for (const char *p = text; *p; p++) {
                int byte;

                if (*p != '\\') {
                        *out++ = *p;
                        continue;
                }
                if (p[1] != 'x' || (byte = text_hex_byte(p + 2)) <= 0)
                        return -EBADMSG;
                *out++ = (char) byte;
                p += 3;
        }
        *out = '\0';
        return 0;
}

int record_format(const Record *record, char **ret, size_t *ret_size)
{
        const Identity *id = &record->identity;
        _cleanup_(text_writer_done) TextWriter w;
        _cleanup_(freep) char *text = NULL;
        FILE *f = text_writer_start(&w);
        size_t size;

        if (!f)
                return -ENOMEM;
        fprintf(f, RECORD_FIRST_LINE "\npath=");
        write_escaped(f, record->path);
        fprintf(f,
                "\ntype=%s\nfilesystem=%" PRIu64 "\ninode=%" PRIu64 "\ndevice=%" PRIu64 "\nborn=%" PRIu64
                "\n",
                identity_type_texts[id->type], id->file_system, id->inode, id->device, id->born);
        fprintf(f, "owner=%u\ngroup=%u\nmode=%04o\n", record->owner, record->group, (unsigned) record->mode);
        if (record->directory.inode)
                fprintf(f, "directory=%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", record->directory.file_system,
                        record->directory.inode, record->directory.born);
        if (record->handle) {
                fprintf(f, "handle=%08x", (unsigned) record->handle_type);
                write_bytes(f, record->handle, record->handle_size);
        }
        if (record->acl) {
                fputs("acl=", f);
                write_bytes(f, record->acl, record->acl_size);
        }
        if (*record->pending)
                fprintf(f, "pending=%s\n", record->pending);
        if (record->granted)
                fprintf(f, "granted=%u\n", record->granted_user);
        for (size_t i = 0; i < record->n_listed; i++)
                fprintf(f, "listed=%u\n", record->listed[i]);
        if (record->returning)
                fputs("returning=yes\n", f);
        for (size_t i = 0; i < record->n_holders; i++) {
                const Holder *h = &record->holders[i];

                fprintf(f, "holder=%s %s %u ", access_word(h->mode), h->boot, h->user);
                write_escaped(f, h->guest);
                putc(' ', f);
                write_escaped(f, h->directory);
                putc('\n', f);
        }
        if (text_writer_finish(&w, &text, &size) < 0)
                return -ENOMEM;
        if (size > RECORD_SIZE_MAX)
                return -E2BIG;
        *ret = TAKE_PTR(text);
        *ret_size = size;
        return 0;
}

static int read_u32(const char *value, uint32_t max, uint32_t *ret)
{
        unsigned n;

        if (text_to_unsigned(value, max, &n) < 0)
                return -EBADMSG;
        *ret = n;
        return 0;
}

static int read_u64(const char *value, uint64_t *ret)
{
        return text_to_u64(value, UINT64_MAX, ret) < 0 ? -EBADMSG : 0;
}

static int read_path(Record *record, char *value)
{
        if (unescape(value) < 0 || *value != '/')
                return -EBADMSG;
        record->path = strdup(value);
        return record->path ? 0 : -ENOMEM;
}

static int read_type(Record *record, char *value)
{
        for (size_t i = 0; i < IDENTITY_TYPES; i++)
                if (streq(value, identity_type_texts[i])) {
                        record->identity.type = (IdentityType) i;
                        return 0;
                }
        return -EBADMSG;
}

static int read_file_system(Record *record, char *value)
{
        return read_u64(value, &record->identity.file_system);
}

static int read_inode(Record *record, char *value)
{
        return read_u64(value, &record->identity.inode);
}

static int read_device(Record *record, char *value)
{
        return read_u64(value, &record->identity.device);
}

static int read_born(Record *record, char *value)
{
        return read_u64(value, &record->identity.born);
}

static int read_owner(Record *record, char *value)
{
        return read_u32(
                value, UINT32_MAX - 1, &record->owner); /* chown() takes (uid_t) -1 as "leave unchanged" */
}

static int read_group(Record *record, char *value)
{
        return read_u32(value, UINT32_MAX - 1, &record->group);
}

static int read_mode(Record *record, char *value)
{
        size_t n = strlen(value);

        if (n < 1 || n > 4 || strspn(value, "01234567") != n)
                return -EBADMSG;
        record->mode = (mode_t) strtoul(value, NULL, 8);
        return 0;
}

static int read_granted(Record *record, char *value)
{
        record->granted = true;
        return read_u32(value, UINT32_MAX - 1, &record->granted_user);
}

static int read_listed(Record *record, char *value)
{
        uint32_t user;
        int r;

        if (read_u32(value, UINT32_MAX - 1, &user) < 0)
                return -EBADMSG;
        r = record_add_listed(record, user);
        return r == -ENOMEM ? r : r < 0 ? -EBADMSG : 0;
}

static int read_returning(Record *record, char *value)
{
        record->returning = streq(value, "yes");
        return record->returning ? 0 : -EBADMSG;
}

static int read_bytes(const char *value, uint8_t **ret, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *bytes = NULL;
        size_t n = strlen(value);

        if (n == 0 || n % 2 != 0)
                return -EBADMSG;
        bytes = malloc(n / 2);
        if (!bytes)
                return -ENOMEM;
        for (size_t i = 0; i < n / 2; i++) {
                int byte = text_hex_byte(value + 2 * i);

                if (byte < 0)
                        return -EBADMSG;
                bytes[i] = (uint8_t) byte;
        }
        *ret = TAKE_PTR(bytes);
        *ret_size = n / 2;
        return 0;
}

static int read_acl(Record *record, char *value)
{
        return read_bytes(value, &record->acl, &record->acl_size);
}

static int read_directory(Record *record, char *value)
{
        uint64_t *const numbers[] = { &record->directory.file_system, &record->directory.inode,
                                      &record->directory.born };

        for (size_t i = 0; i < ELEMENTS(numbers); i++) {
                const char *word = strsep(&value, " ");

                if (!word || read_u64(word, numbers[i]) < 0)
                        return -EBADMSG;
        }
        return value ? -EBADMSG : 0;
}

/* Four bytes of the handle's type, followed by the handle itself. */
static int read_handle(Record *record, char *value)
{
        _cleanup_(freep) uint8_t *bytes = NULL;
        size_t size;
        int r;

        r = read_bytes(value, &bytes, &size);
        if (r < 0)
                return r;
        if (size <= 4 || size > 4 + RECORD_HANDLE_MAX)
                return -EBADMSG;
        record->handle_type =
                (int) ((uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 |
                       bytes[3]);
        record->handle_size = size - 4;
        memmove(bytes, bytes + 4, size - 4);
        record->handle = TAKE_PTR(bytes);
        return 0;
}

static int read_pending(Record *record, char *value)
{
        if (strlen(value) != RECORD_BOOT_SIZE - 1)
                return -EBADMSG;
        memcpy(record->pending, value, RECORD_BOOT_SIZE);
        return 0;
}

static int read_holder(Record *record, char *value)
{
        Holder holder = { 0 };
        char *word[5];
        int r;

        for (size_t i = 0; i < ELEMENTS(word); i++)
                if (!(word[i] = strsep(&value, " ")) || !*word[i])
                        return -EBADMSG;
        if (value || access_from_word(word[0], &holder.mode) < 0 || strlen(word[1]) != RECORD_BOOT_SIZE - 1)
                return -EBADMSG;
        if (read_u32(word[2], UINT32_MAX - 1, &holder.user) < 0 || unescape(word[3]) < 0 ||
            unescape(word[4]) < 0)
                return -EBADMSG;
        memcpy(holder.boot, word[1], RECORD_BOOT_SIZE);
        holder.guest = word[3];
        holder.directory = word[4];
        r = record_add_holder(record, &holder);
        return r == -ENOMEM ? r : r < 0 ? -EBADMSG : 0;
}

typedef struct RecordKey {
        const char *key;
        int (*read)(Record *record, char *value);
        enum { KEY_ONCE, KEY_OPTIONAL, KEY_MANY } times;
} RecordKey;

static const RecordKey record_keys[] = {
        { "path", read_path, KEY_ONCE },
        { "type", read_type, KEY_ONCE },
        { "filesystem", read_file_system, KEY_ONCE },
        { "inode", read_inode, KEY_ONCE },
        { "device", read_device, KEY_ONCE },
        { "born", read_born, KEY_ONCE },
        { "owner", read_owner, KEY_ONCE },
        { "group", read_group, KEY_ONCE },
        { "mode", read_mode, KEY_ONCE },
        { "acl", read_acl, KEY_OPTIONAL },
        { "directory", read_directory, KEY_OPTIONAL },
        { "handle", read_handle, KEY_OPTIONAL },
        { "pending", read_pending, KEY_OPTIONAL },
        { "granted", read_granted, KEY_OPTIONAL },
        { "listed", read_listed, KEY_MANY },
        { "returning", read_returning, KEY_OPTIONAL },
        { "holder", read_holder, KEY_MANY },
};

static int record_parse_line(Record *record, char *line, unsigned seen[static ELEMENTS(record_keys)])
{
        char *value = line, *key = strsep(&value, "=");

        if (!value)
                return -EBADMSG;
        for (size_t i = 0; i < ELEMENTS(record_keys); i++) {
                if (!streq(record_keys[i].key, key))
                        continue;
                if (seen[i]++ && record_keys[i].times != KEY_MANY)
                        return -EBADMSG;
                return record_keys[i].read(record, value);
        }
        return -EBADMSG;
}

int record_parse(const char *data, size_t size, Record **ret)
{
        _cleanup_(record_freep) Record *record = record_new();
        _cleanup_(freep) char *copy = NULL;
        unsigned seen[ELEMENTS(record_keys)] = { 0 };
        char *p, *line;
        int r;

        if (size == 0 || size > RECORD_SIZE_MAX || data[size - 1] != '\n' || memchr(data, '\0', size))
                return -EBADMSG;
        p = copy = strndup(data, size - 1);
        if (!record || !copy)
                return -ENOMEM;
        line = strsep(&p, "\n");
        if (!streq(line, RECORD_FIRST_LINE))
                return -EBADMSG;
        while ((line = strsep(&p, "\n"))) {
                r = record_parse_line(record, line, seen);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTS(record_keys); i++)
                if (record_keys[i].times == KEY_ONCE && !seen[i])
                        return -EBADMSG;
        *ret = TAKE_PTR(record);
        return 0;
}

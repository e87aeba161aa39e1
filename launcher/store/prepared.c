/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The note lies in the guest's run-time directory, because systemd keeps that one over a restart and removes
 * it at a stop, exactly as it does with the stored descriptors. That directory is the guest's user's, so the
 * note is written and opened by the child that is that user, and what it says is believed only where the
 * kernel agrees (an interface that exists and has that index) or where only the guest's own descriptors can
 * suffer.
 *
 * One line each: "tap ID INTERFACE INDEX QUEUES MAC" and "fd NAME". `run` compares the names with what it
 * got.
 */

#include "launcher/store/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/store/fd-store.h"
#include "log/log.h"
#include "util/file.h"
#include "util/interface-name.h"

void prepared_done(Prepared *note)
{
        for (size_t i = 0; i < note->n_taps; i++) {
                free((char *) note->taps[i].id);
                free((char *) note->taps[i].interface);
        }
        free(note->taps);
        strings_done(&note->names);
        *note = (Prepared){ 0 };
}

int prepared_add_tap(Prepared *note, const PreparedTap *tap)
{
        _cleanup_(freep) char *id = strdup(tap->id), *interface = strdup(tap->interface);
        PreparedTap *taps = reallocarray(note->taps, note->n_taps + 1, sizeof(*taps));

        if (taps)
                note->taps = taps;
        if (!taps || !id || !interface)
                return -ENOMEM;
        taps[note->n_taps] = *tap;
        taps[note->n_taps].id = TAKE_PTR(id);
        taps[note->n_taps++].interface = TAKE_PTR(interface);
        return 0;
}

const PreparedTap *prepared_find_tap(const Prepared *note, const char *id)
{
        for (size_t i = 0; i < note->n_taps; i++)
                if (streq(note->taps[i].id, id))
                        return &note->taps[i];
        return NULL;
}

static int parse_tap(Prepared *note, const char *const words[static 5])
{
        PreparedTap tap = { .id = words[0], .interface = words[1] };

        if (note->n_taps >= TAPS_MAX || !store_name_is_valid(tap.id) ||
            !interface_name_is_valid(tap.interface) ||
            text_to_unsigned(words[2], INT32_MAX, &tap.index) < 0 ||
            text_to_unsigned(words[3], TAP_QUEUES_MAX, &tap.queues) < 0 ||
            text_to_mac(words[4], tap.mac) < 0)
                return -EBADMSG;
        return prepared_add_tap(note, &tap);
}

static int parse_line(Prepared *note, char *line)
{
        const char *words[6];
        size_t n = 0;

        while (line && n < ELEMENTS(words))
                words[n++] = strsep(&line, " ");
        if (line)
                return -EBADMSG;
        if (n == 2 && streq(words[0], "fd"))
                return !store_name_is_valid(words[1]) || note->names.count >= STORED_MAX
                               ? -EBADMSG
                               : strings_add(&note->names, words[1]);
        return n == 6 && streq(words[0], "tap") ? parse_tap(note, words + 1) : -EBADMSG;
}

int prepared_parse(const char *data, size_t size, Prepared *ret)
{
        _cleanup_(prepared_done) Prepared note = { 0 };
        _cleanup_(freep) char *copy = strndup(data, size);
        char *p = copy, *line;

        if (!copy)
                return -ENOMEM;
        if (strlen(copy) != size)
                return -EBADMSG;
        while ((line = strsep(&p, "\n"))) {
                int r = *line ? parse_line(&note, line) : 0;

                if (r < 0)
                        return r;
        }
        *ret = note;
        note = (Prepared){ 0 };
        return 0;
}

int prepared_load(const char *directory, Prepared *ret)
{
        _cleanup_(freep) char *path = text_format("%s/" PREPARED_NAME, directory), *data = NULL;
        size_t size;
        int r;

        if (!path)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, PREPARED_SIZE_MAX, &data, &size);
        return r < 0 ? r : prepared_parse(data, size, ret);
}

int prepared_read(Errand *errand, const GuestUser *user, Prepared *ret)
{
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *data = NULL;
        struct stat st;
        ssize_t n;
        int r;

        *ret = (Prepared){ 0 };
        fd = errand_open_in(errand, user->directory_fd, PREPARED_NAME);
        if (fd == -ENOENT)
                return 0;
        r = fd < 0                                                   ? fd
            : fstat(fd, &st) < 0                                     ? -errno
            : !S_ISREG(st.st_mode) || st.st_size > PREPARED_SIZE_MAX ? -EBADMSG
                                                                     : 0;
        if (r >= 0) {
                data = malloc(PREPARED_SIZE_MAX);
                if (!data)
                        return log_out_of_memory();
                n = pread(fd, data, PREPARED_SIZE_MAX, 0);
                r = n < 0 ? -errno : prepared_parse(data, (size_t) n, ret);
        }
        if (r < 0)
                log_errno(LOG_WARNING, r, "Ignoring %s/" PREPARED_NAME, user->directory);
        return r == -ENOMEM || r == -EPIPE || r == -ETIMEDOUT ? r : 0;
}

static int write_note(int fd, const Prepared *note)
{
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        bool failed;

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < note->n_taps; i++) {
                const PreparedTap *t = &note->taps[i];

                fprintf(f, "tap %s %s %u %u %02x:%02x:%02x:%02x:%02x:%02x\n", t->id, t->interface, t->index,
                        t->queues, t->mac[0], t->mac[1], t->mac[2], t->mac[3], t->mac[4], t->mac[5]);
        }
        for (size_t i = 0; i < note->names.count; i++)
                fprintf(f, "fd %s\n", note->names.items[i]);
        failed = ferror(f);
        if (fclose(f) != 0 || failed)
                return -ENOMEM;
        return file_write_all(fd, text, size);
}

int prepared_write(Errand *errand, const GuestUser *user, const Prepared *note)
{
        char temporary[sizeof(".#" PREPARED_NAME ".12345678")];
        _cleanup_(closep) int fd = -EBADF;
        unsigned random;
        int r;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
                return log_errno(LOG_ERR, -errno, "Failed to get random bytes");
        snprintf(temporary, sizeof(temporary), ".#" PREPARED_NAME ".%08x", random);
        fd = errand_create(errand, user->directory_fd, temporary);
        r = fd < 0 ? fd : write_note(fd, note);
        if (r >= 0)
                r = errand_rename(errand, user->directory_fd, temporary, PREPARED_NAME, true);
        if (r < 0) {
                if (fd >= 0)
                        (void) errand_remove(errand, user->directory_fd, temporary);
                return log_errno(LOG_ERR, r, "Cannot write %s/" PREPARED_NAME, user->directory);
        }
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list is a file in the guest's runtime directory, because systemd keeps that directory over a restart
 * and removes it at a stop, exactly as it does with the stored descriptors. The directory belongs to the
 * guest's user, so the child that runs as that user opens and writes the file. Its contents are used only if
 * the kernel confirms them (an interface exists and has that index), or if they can only affect the guest's
 * own descriptors.
 *
 * Each line is "tap ID INTERFACE INDEX QUEUES MAC", "fd NAME" or "stop MICROSECONDS". `run` compares the
 * names with the descriptors that it received.
 */

#include "launcher/store/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/store/fd-store.h"
#include "log/log.h"
#include "util/file.h"
#include "util/interface-name.h"
#include "util/text.h"

void prepared_done(Prepared *prepared)
{
        for (size_t i = 0; i < prepared->n_taps; i++) {
                free((char *) prepared->taps[i].id);
                free((char *) prepared->taps[i].interface);
        }
        free(prepared->taps);
        strings_done(&prepared->names);
        *prepared = (Prepared){ 0 };
}

int prepared_add_tap(Prepared *prepared, const PreparedTap *tap)
{
        _cleanup_(freep) char *id = strdup(tap->id), *interface = strdup(tap->interface);
        PreparedTap *taps = reallocarray(prepared->taps, prepared->n_taps + 1, sizeof(*taps));

        if (taps)
                prepared->taps = taps;
        if (!taps || !id || !interface)
                return -ENOMEM;
        taps[prepared->n_taps] = *tap;
        taps[prepared->n_taps].id = TAKE_PTR(id);
        taps[prepared->n_taps++].interface = TAKE_PTR(interface);
        return 0;
}

const PreparedTap *prepared_find_tap(const Prepared *prepared, const char *id)
{
        for (size_t i = 0; i < prepared->n_taps; i++)
                if (streq(prepared->taps[i].id, id))
                        return &prepared->taps[i];
        return NULL;
}

static int parse_tap(Prepared *prepared, const char *const words[static 5])
{
        PreparedTap tap = { .id = words[0], .interface = words[1] };

        if (prepared->n_taps >= TAPS_MAX || !store_name_is_valid(tap.id) ||
            !interface_name_is_valid(tap.interface) ||
            text_to_unsigned(words[2], INT32_MAX, &tap.index) < 0 ||
            text_to_unsigned(words[3], TAP_QUEUES_MAX, &tap.queues) < 0 ||
            text_to_mac(words[4], tap.mac) < 0)
                return -EBADMSG;
        return prepared_add_tap(prepared, &tap);
}

static int parse_line(Prepared *prepared, char *line)
{
        const char *words[6];
        size_t n = 0;

        while (line && n < ELEMENTS(words))
                words[n++] = strsep(&line, " ");
        if (line)
                return -EBADMSG;
        if (n == 2 && streq(words[0], "fd"))
                return !store_name_is_valid(words[1]) || prepared->names.count >= STORED_MAX
                               ? -EBADMSG
                               : strings_add(&prepared->names, words[1]);
        if (n == 2 && streq(words[0], "stop"))
                return text_to_u64(words[1], UINT64_MAX, &prepared->stop_usec) < 0 ? -EBADMSG : 0;
        return n == 6 && streq(words[0], "tap") ? parse_tap(prepared, words + 1) : -EBADMSG;
}

int prepared_parse(const char *data, size_t size, Prepared *ret)
{
        _cleanup_(prepared_done) Prepared prepared = { 0 };
        _cleanup_(freep) char *copy = strndup(data, size);
        char *p = copy, *line;

        if (!copy)
                return -ENOMEM;
        if (strlen(copy) != size)
                return -EBADMSG;
        while ((line = strsep(&p, "\n"))) {
                int r = *line ? parse_line(&prepared, line) : 0;

                if (r < 0)
                        return r;
        }
        *ret = prepared;
        prepared = (Prepared){ 0 };
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
        size_t size;
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
                r = file_read_at(fd, data, PREPARED_SIZE_MAX, 0, &size);
                if (r >= 0)
                        r = prepared_parse(data, size, ret);
        }
        if (r < 0)
                log_errno(LOG_WARNING, r, "Ignoring %s/" PREPARED_NAME, user->directory);
        return r == -ENOMEM || r == -EPIPE || r == -ETIMEDOUT ? r : 0;
}

static int write_list(int fd, const Prepared *prepared)
{
        _cleanup_(text_writer_done) TextWriter w;
        _cleanup_(freep) char *text = NULL;
        FILE *f = text_writer_start(&w);
        size_t size;

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < prepared->n_taps; i++) {
                const PreparedTap *t = &prepared->taps[i];

                fprintf(f, "tap %s %s %u %u %s\n", t->id, t->interface, t->index, t->queues,
                        mac_text(t->mac).text);
        }
        for (size_t i = 0; i < prepared->names.count; i++)
                fprintf(f, "fd %s\n", prepared->names.items[i]);
        if (prepared->stop_usec > 0)
                fprintf(f, "stop %" PRIu64 "\n", prepared->stop_usec);
        if (text_writer_finish(&w, &text, &size) < 0)
                return -ENOMEM;
        return file_write_all(fd, text, size);
}

/* A helper that is killed leaves its file to the next one, and there is one at a time. */
int prepared_write(Errand *errand, const GuestUser *user, const Prepared *prepared)
{
        static const char temporary[] = ".#" PREPARED_NAME;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        (void) errand_remove(errand, user->directory_fd, temporary);
        fd = errand_create(errand, user->directory_fd, temporary);
        r = fd < 0 ? fd : write_list(fd, prepared);
        if (r >= 0)
                r = errand_rename(errand, user->directory_fd, temporary, PREPARED_NAME, true);
        if (r < 0) {
                if (fd >= 0)
                        (void) errand_remove(errand, user->directory_fd, temporary);
                return log_errno(LOG_ERR, r, "Cannot write %s/" PREPARED_NAME, user->directory);
        }
        return 0;
}

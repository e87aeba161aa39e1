/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vm-generator: run by systemd at boot and at each daemon-reload, as described in systemd.generator(7). It
 * reads files and writes drop-ins, and exits with 0 unless it could not work at all: a guest that cannot be
 * converted gets a drop-in that refuses the start and says why, and other guests are not affected.
 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/convert/unique.h"
#include "generator/log.h"
#include "generator/unit/drop-in-helper.h"
#include "generator/unit/drop-in-tpm.h"
#include "generator/unit/drop-in-user.h"
#include "generator/unit/drop-in.h"
#include "util/file.h"
#include "util/unit-name.h"

#define MEMORY_KEPT (4 << 20) /* bytes; the largest guests need more */

/* The file appears complete or not at all: it is renamed into place. Nobody else writes in the directory, so
 * that one name serves all files before. */
static int write_file(int output_fd, const char *path, const char *text, size_t size)
{
        static const char temporary[] = ".#vm-generator";
        _cleanup_(closep) int fd = -EBADF;
        int r;

        fd = openat(output_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        r = file_write_all(fd, text, size);
        if (r >= 0 && renameat(output_fd, temporary, output_fd, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(output_fd, temporary, 0);
        return r;
}

static int write_drop_in(
        int output_fd, const char *template, const char *instance, const char *type, const char *text,
        size_t size)
{
        _cleanup_(freep) char *directory = text_format("%s@%s.%s.d", template, instance, type);
        _cleanup_(freep) char *path = text_format("%s@%s.%s.d/50-guest.conf", template, instance, type);

        if (!directory || !path)
                return -ENOMEM;
        if (mkdirat(output_fd, directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        return write_file(output_fd, path, text, size);
}

/*
 * A guest that is refused now may still be running. Its helper's socket keeps its address, since systemd
 * closes sockets whose address changed.
 */
static int generate_helper(int output_fd, const Conversion *c, const GuestFile *file, const char *instance)
{
        _cleanup_(freep) char *service = NULL, *socket = NULL;
        size_t service_size, socket_size;
        int r = helper_socket_text(c, file->path, &socket, &socket_size);

        if (r >= 0)
                r = write_drop_in(output_fd, "vm-helper", instance, "socket", socket, socket_size);
        if (c->status < 0)
                return 0; /* the refusal is already written, and an overlong name may be the reason */
        if (r < 0)
                return r;
        r = helper_service_text(c, file->name, file->path, &service, &service_size);
        return r < 0 ? r : write_drop_in(output_fd, "vm-helper", instance, "service", service, service_size);
}

static int generate_user(int output_fd, const Conversion *c, const GuestFile *file, const char *instance)
{
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        if (c->status < 0 || !c->plan.own_user.name)
                return 0;
        r = user_service_text(c, file->path, &text, &size);
        return r < 0 ? r : write_drop_in(output_fd, "vm-user", instance, "service", text, size);
}

/* The socket of a guest that runs keeps its address, as its helper's does. */
static int generate_tpm(int output_fd, const Conversion *c, const GuestFile *file, const char *instance)
{
        _cleanup_(freep) char *service = NULL, *socket = NULL;
        size_t service_size, socket_size;
        bool emulated = c->status == 0 && tpm_is_emulated(c);
        int r;

        if (!emulated && (!c->settings.tpm_socket || access(c->settings.tpm_socket, F_OK) < 0))
                return 0;
        r = tpm_socket_text(c, file->path, &socket, &socket_size);
        r = r < 0 ? r : write_drop_in(output_fd, "vm-tpm", instance, "socket", socket, socket_size);
        if (r < 0 || !emulated)
                return r;
        r = tpm_service_text(c, file->name, file->path, &service, &service_size);
        return r < 0 ? r : write_drop_in(output_fd, "vm-tpm", instance, "service", service, service_size);
}

/* A refused guest has its errors; this warning is about two files, and the check of one does not show it. */
static int check_unique(Unique *unique, Conversion *c, const GuestFile *file)
{
        size_t before = findings_count(c->findings);
        int r = unique_check(unique, c, file);

        if (r >= 0 && findings_count(c->findings) > before)
                generator_log_warning(findings_get(c->findings, before));
        return r;
}

static int generate(int output_fd, const GuestFile *file, const Host *host, Unique *unique)
{
        _cleanup_(conversion_done) Conversion c;
        _cleanup_(freep) char *text = NULL, *instance = unit_name_instance(file->name);
        size_t size;
        int r;

        if (!instance)
                return -ENOMEM;
        (void) conversion_start(&c, host);
        r = conversion_file(&c, file->path, file->name);
        if (r >= 0)
                r = check_unique(unique, &c, file);
        if (c.status == -ENOMEM)
                return -ENOMEM;
        r = drop_in_text(&c, file->name, file->path, &text, &size);
        if (r < 0)
                return r;
        generator_log_findings(c.findings);
        r = write_drop_in(output_fd, "vm", instance, "service", text, size);
        r = r < 0 ? r : generate_helper(output_fd, &c, file, instance);
        r = r < 0 ? r : generate_user(output_fd, &c, file, instance);
        return r < 0 ? r : generate_tpm(output_fd, &c, file, instance);
}

static int generate_all(int output_fd, bool user_scope)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(unique_done) Unique unique = { 0 };
        _cleanup_(host_done) Host host = { 0 };
        int r;

        /* if vmunit.conf is invalid, each guest gets a drop-in that says so */
        (void) host_read(&host, NULL, user_scope);
        r = guest_directories(user_scope, &directories);
        if (r >= 0)
                r = guest_files_find(&directories, &files);
        if (r < 0) {
                generator_log("cannot list guests: %s", strerror(-r));
                return r;
        }
        guest_files_note_running(&files, host.run);
        /* what two guests have in common is the older file's */
        if (files.count > 0)
                qsort(files.items, files.count, sizeof(*files.items), guest_file_by_age);
        for (size_t i = 0; i < files.count; i++) {
                if (!guest_name_is_valid(files.items[i].name)) {
                        generator_log(
                                "%s: error: the file's name is not a valid guest name", files.items[i].path);
                        continue;
                }
                r = generate(output_fd, &files.items[i], &host, &unique);
                if (r < 0)
                        generator_log("%s: cannot write the drop-in: %s", files.items[i].path, strerror(-r));
        }
        return 0;
}

int main(int argc, char **argv)
{
        const char *scope = getenv("SYSTEMD_SCOPE");
        _cleanup_(closep) int output_fd = -EBADF;
        bool user_scope;

        /* what one guest needed serves the next, and is not returned to the kernel in between */
        (void) mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
        (void) mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
        if (argc != 2 && argc != 4) {
                fprintf(stderr,
                        "vm-generator is run by systemd and requires one or three output directories.\n");
                return EXIT_BAD_USAGE;
        }
        /* systemd 252 and later set the scope; otherwise use the caller's */
        user_scope = scope ? streq(scope, "user") : getuid() != 0;
        generator_log_open(user_scope);
        (void) umask(0022);
        output_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (output_fd < 0) {
                generator_log("cannot open %s: %s", argv[1], strerror(errno));
                return EXIT_OS;
        }
        return generate_all(output_fd, user_scope) < 0 ? EXIT_OS : EXIT_SUCCESS;
}

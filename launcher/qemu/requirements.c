/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks for what newcomers' hosts lack before QEMU is started: QEMU itself, /dev/kvm, the sockets of
 * programs that somebody else starts, secrets, and disks that the sandbox hides. Each costs a system call or
 * two, in the sandbox and as the user in and as which QEMU runs. Sockets are not connected to: swtpm and
 * virtiofsd serve one client and then exit.
 *
 * A socket or file that appears in the next moment is too late, as it would be for QEMU.
 */

#include "launcher/qemu/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/monitor/command.h"
#include "launcher/qemu/explain.h"
#include "launcher/tpm/swtpm.h"
#include "log/log.h"

static int check_emulator(const char *program)
{
        if (access(program, X_OK) >= 0)
                return 0;
        log_error(
                "Cannot execute %s: %s. Install QEMU for the guest's architecture (Debian: qemu-system-x86 "
                "or qemu-system-arm; Fedora: qemu-system-x86-core or qemu-system-aarch64-core), or correct "
                "<emulator>.",
                program, strerror(errno));
        return -ENOENT;
}

static int check_kvm(const char *accelerator)
{
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *text = NULL;

        if (!streq(accelerator, "kvm") && !text_after(accelerator, "kvm,"))
                return 0;
        fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        if (fd >= 0)
                return 0;
        text = explain_kvm(-errno);
        log_error("%s", text ?: "Cannot open /dev/kvm.");
        return -ENOENT;
}

/* Which program listens there, by the ids that the generator gives to its character devices. */
static const char *server_of(const char *id)
{
        if (streq(id, "chrtpm"))
                return "swtpm";
        return text_after(id, "chr-vu-fs") ? "virtiofsd" : "the program that serves it";
}

static bool starts_passt(const RunOptions *o, const char *path)
{
        for (size_t i = 0; i < o->passts.count; i++)
                if (o->passts.items[i].socket && text_ends_with(path, o->passts.items[i].socket))
                        return true;
        return false;
}

/* The value of a key in "a,key=value,…", in which a comma is doubled; NULL and 0 if it is not there. */
static int list_value(const char *list, const char *key, char **ret)
{
        size_t n = strlen(key);

        for (const char *p = list; *p;) {
                _cleanup_(freep) char *piece = calloc(1, strlen(p) + 1);
                char *to = piece;

                if (!piece)
                        return -ENOMEM;
                for (; *p && (*p != ',' || p[1] == ','); p++) {
                        p += *p == ',';
                        *to++ = *p;
                }
                p += *p == ',';
                if (strncmp(piece, key, n) == 0 && piece[n] == '=') {
                        memmove(piece, piece + n + 1, strlen(piece + n + 1) + 1);
                        *ret = TAKE_PTR(piece);
                        return 0;
                }
        }
        *ret = NULL;
        return 0;
}

/* systemd listens there before the guest starts, so the socket says nothing about who will answer. */
static int check_swtpm(const char *id, const char *path)
{
        const char *missing = !swtpm_program() ? "swtpm" : !swtpm_setup_program() ? "swtpm_setup" : NULL;

        if (!streq(id, "chrtpm") || !strstr(path, "/vmunit/tpm/") || !missing)
                return 0;
        log_error(
                "Cannot find %s, which emulates the guest's TPM. Install it (Debian: swtpm and swtpm-tools; "
                "Fedora: swtpm and swtpm-tools), or remove <tpm> from the guest's XML.",
                missing);
        return -ENOENT;
}

/* A client that connects again and again may wait for its server, and a server makes its socket itself. */
static int check_socket(const RunOptions *o, const char *chardev)
{
        _cleanup_(freep) char *path = NULL, *id = NULL;

        if (!text_after(chardev, "socket,") || strstr(chardev, ",server") || strstr(chardev, ",reconnect"))
                return 0;
        if (list_value(chardev, "path", &path) < 0 || list_value(chardev, "id", &id) < 0)
                return log_out_of_memory();
        if (!path || path[0] != '/' || starts_passt(o, path))
                return 0;
        if (access(path, F_OK) >= 0)
                return check_swtpm(id ?: "", path);
        log_error(
                "Cannot find the socket %s: %s. Start %s first: it must listen there before the guest "
                "starts, "
                "so order its unit Before= the guest's. See vmunit-guest(5) for an example.",
                path, strerror(errno), server_of(id ?: ""));
        return -ENOENT;
}

/* systemd skips a credential that is nowhere, so the file is missing here. */
static int check_secret(const RunOptions *o, const char *object)
{
        _cleanup_(json_decrefp) json_t *json = json_loads(object, 0, NULL);
        const char *file = json_string_value(json_object_get(json, "file")), *name;
        _cleanup_(freep) char *edit = NULL;

        if (!file || !strstr(file, "/credentials/vm@") || access(file, R_OK) >= 0)
                return 0;
        name = strrchr(file, '/') + 1;
        edit = explain_edit(o);
        log_error(
                "Cannot read the credential %s: %s. The secret of that name is needed by a disk or device: "
                "store it as /etc/credstore/%s, or name its file in [Service] LoadCredential=%s:PATH with "
                "\"%s\".",
                name, strerror(errno), name, name, edit ?: "systemctl edit");
        return -ENOENT;
}

/* Whether QEMU gets the file as a descriptor. */
static bool is_passed(const RunOptions *o, const char *path)
{
        for (char *const *a = o->argv; a[0] && a[1]; a++) {
                _cleanup_(json_decrefp) json_t *json = NULL;
                const char *node;

                if (!streq(a[0], "-blockdev"))
                        continue;
                json = json_loads(a[1], 0, NULL);
                node = json_string_value(json_object_get(json, "node-name"));
                if (node && strings_have(&o->images, node) &&
                    streq_null(json_string_value(json_object_get(json, "filename")), path))
                        return true;
        }
        return false;
}

/* prepare has found the file, and the unit shows it to the guest; so a drop-in hides it. */
static int check_shown(const RunOptions *o, const char *path)
{
        _cleanup_(freep) char *edit = NULL;
        int r;

        if (path[0] != '/' || access(path, F_OK) >= 0)
                return 0;
        r = -errno;
        if (is_passed(o, path))
                return 0;
        edit = explain_edit(o);
        log_error(
                "The guest's sandbox hides %s: %s. Remove InaccessiblePaths= and ProtectHome= for its "
                "directory from the unit's drop-ins (\"%s\" shows them).",
                path, strerror(-r), edit ?: "systemctl edit");
        return -ENOENT;
}

static int check_disks(const RunOptions *o)
{
        int r = 0;

        for (size_t i = 0; i < o->life.disks.count; i++)
                if (o->life.disks.items[i].path && check_shown(o, o->life.disks.items[i].path) < 0)
                        r = -ENOENT;
        return r;
}

int requirements_check(const RunOptions *o)
{
        int r, worst;

        worst = check_emulator(o->argv[0]);
        r = check_disks(o);
        worst = r < worst ? r : worst;
        for (char *const *a = o->argv; a[0] && a[1]; a++) {
                r = 0;
                if (streq(a[0], "-accel"))
                        r = check_kvm(a[1]);
                else if (streq(a[0], "-chardev"))
                        r = check_socket(o, a[1]);
                else if (streq(a[0], "-object"))
                        r = check_secret(o, a[1]);
                else if (streq(a[0], "-kernel") || streq(a[0], "-initrd"))
                        r = check_shown(o, a[1]);
                worst = r < worst ? r : worst;
        }
        return worst;
}

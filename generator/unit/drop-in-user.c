/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user's manager runs every process of a unit in the sandbox, and can start only one process there: the
 * user namespace of a second one has no rights over the network and IPC namespaces of the first. So systemd
 * starts a single process for a user's guest, and everything outside the sandbox is done by a second unit,
 * its helper (launcher/helper/helper.c). The helper is started twice: before the guest, to create what the
 * sandbox contains; and later through a socket, the only part of it that is visible in the sandbox.
 */

#include "generator/unit/drop-in-user.h"

#include <errno.h>

#include "generator/unit/commands.h"

static void write_environment(UnitFile *u, const char *variable, const char *value)
{
        _cleanup_(freep) char *word = text_format("%s=%s", variable, value);

        if (word)
                unit_word(u, "Environment", word, "");
        else
                u->status = -ENOMEM;
}

void user_write_dependencies(UnitFile *u, const Conversion *c)
{
        _cleanup_(freep) char *socket = text_format("vm-helper@%s.socket", c->instance),
                              *service = text_format("vm-helper@%s.service", c->instance);

        if (!socket || !service) {
                u->status = -ENOMEM;
                return;
        }
        /* unit names are not quoted: backslashes stay as they are */
        unit_plain(u, "Requires", socket);
        unit_plain(u, "Wants", service); /* if it fails, the guest reports why */
        unit_plain(u, "After", socket);
        unit_plain(u, "After", service);
}

static int start_drop_in(UnitFile *u, const char *path)
{
        int r = unit_file_start(u);

        if (r < 0)
                return r;
        unit_comment(u, "Made by vm-generator, for the guest's unit that has this name.");
        unit_section(u, "Unit");
        unit_plain(u, "SourcePath", path);
        return 0;
}

int user_helper_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(unit_file_done) UnitFile u;
        int r = start_drop_in(&u, path);

        r = r < 0 ? r : command_serve(c, name, path, &argv);
        if (r < 0)
                return r;
        unit_section(&u, "Service");
        unit_empty(&u, "ExecStart");
        unit_command(&u, "ExecStart", "", &argv);
        write_environment(&u, "RUNTIME_DIRECTORY", c->run_directory);
        write_environment(&u, "STATE_DIRECTORY", c->state_directory);
        return unit_file_finish(&u, ret_text, ret_size);
}

int user_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(unit_file_done) UnitFile u;
        int r = start_drop_in(&u, path);

        if (r < 0)
                return r;
        unit_section(&u, "Socket");
        unit_empty(&u, "ListenSequentialPacket");
        unit_plain(&u, "ListenSequentialPacket", c->settings.helper_socket);
        return unit_file_finish(&u, ret_text, ret_size);
}

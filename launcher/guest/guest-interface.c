/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * org.vmunit.Guest: what vmctl does with a running guest. All but Query is for root, or in the user scope
 * for the user: QEMU's user must not read another guest's memory. What needs a privilege the client has done
 * before: files, sockets and devices arrive as descriptors. Descriptors are checked here, because QEMU would
 * wait for a pipe that nobody reads, and the guest with it.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/guest/guest.h"
#include "util/text.h"

#define KEY_MAX       32U
#define HOLD_MSEC_MAX 10000

void guest_refuse(Call *call, int error)
{
        switch (error) {
        case -EBUSY:
                call_busy(call);
                break;
        case -EINVAL:
        case -E2BIG:
                call_bad_parameter(call, "commands");
                break;
        case -EBADF:
                call_bad_parameter(call, "fileDescriptorIndex");
                break;
        default:
                call_refuse(call, ERROR_FAILED, "%s", strerror(-error));
        }
}

static void on_batch_done(json_t *results, const char *error, size_t failed, void *userdata)
{
        if (results)
                call_reply(userdata, json_object());
        else
                call_refuse(userdata, ERROR_FAILED, "%s", error);
}

static void on_batch_gone(void *userdata)
{
        batch_abandon(userdata);
}

void guest_run(Call *call, Batch *b)
{
        const ControlContext *context = call_context(call);
        int r = batch_run(b, context->batches, context->life, on_batch_done, call);

        if (r < 0)
                guest_refuse(call, r);
        else
                call_on_gone(call, on_batch_gone, b);
}

/* A new descriptor, or -EBADF with a reply. */
static int take_fd(Call *call, const json_t *parameters)
{
        const json_t *index = json_object_get(parameters, "fileDescriptorIndex");
        int fd = json_is_integer(index) && json_integer_value(index) >= 0
                         ? call_take_fd(call, (size_t) json_integer_value(index))
                         : -EBADF;

        if (fd < 0)
                call_bad_parameter(call, "fileDescriptorIndex");
        return fd;
}

int guest_take_file(Call *call, const json_t *parameters)
{
        int fd = take_fd(call, parameters), flags;
        struct stat st;

        if (fd < 0)
                return fd;
        flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && (flags & (O_ACCMODE | O_PATH)) == O_WRONLY && fstat(fd, &st) >= 0 &&
            S_ISREG(st.st_mode))
                return fd;
        (void) fd_close(fd);
        call_refuse(
                call, ERROR_NOT_SUPPORTED,
                "the descriptor must be of a regular file, open for writing only");
        return -EBADF;
}

/* One command without a descriptor. */
static void execute(Call *call, const char *command, json_t *arguments)
{
        _cleanup_(batch_freep) Batch *b = batch_new();
        int r = b ? batch_add(b, command, arguments, -1) : -ENOMEM;

        if (r < 0)
                guest_refuse(call, r);
        else
                guest_run(call, TAKE_PTR(b));
}

static void on_reloaded(int exit_status, void *userdata)
{
        if (exit_status == 0)
                call_reply(userdata, json_object());
        else
                call_refuse(userdata, ERROR_FAILED, "the reload failed; the journal says why");
}

static void on_reload_gone(void *userdata)
{
        reload_forget(call_context(userdata)->reload, userdata);
}

static void guest_reload(Call *call, const json_t *parameters)
{
        const ControlContext *context = call_context(call);
        int r;

        call_on_gone(call, on_reload_gone, call);
        r = reload_request(context->reload, on_reloaded, call);
        if (r < 0)
                call_refuse(call, ERROR_FAILED, "it has no helper: %s", strerror(-r));
}

static void guest_reset(Call *call, const json_t *parameters)
{
        execute(call, "system_reset", NULL);
}

static void guest_nmi(Call *call, const json_t *parameters)
{
        execute(call, "inject-nmi", NULL);
}

static void guest_send_key(Call *call, const json_t *parameters)
{
        const json_t *names = json_object_get(parameters, "keys"),
                     *hold = json_object_get(parameters, "hold"), *name;
        json_int_t msec = json_is_integer(hold) ? json_integer_value(hold) : 100;
        json_t *keys;
        size_t i;

        if (json_array_size(names) == 0 || json_array_size(names) > CONTROL_KEYS_MAX) {
                call_bad_parameter(call, "keys");
                return;
        }
        if ((hold && !json_is_null(hold) && !json_is_integer(hold)) || msec < 1 || msec > HOLD_MSEC_MAX) {
                call_bad_parameter(call, "hold");
                return;
        }
        keys = json_array();
        json_array_foreach(names, i, name) {
                const char *text = json_string_value(name);

                if (text && strlen(text) <= KEY_MAX)
                        (void) json_array_append_new(
                                keys, json_pack("{s:s, s:s}", "type", "qcode", "data", text));
        }
        if (json_array_size(keys) < json_array_size(names)) {
                json_decref(keys);
                call_bad_parameter(call, "keys");
                return;
        }
        execute(call, "send-key", json_pack("{s:o, s:I}", "keys", keys, "hold-time", msec));
}

/* Copies a parameter to an argument that may have another name. */
static void pass(json_t *arguments, const char *to, const json_t *parameters, const char *from)
{
        json_t *value = json_object_get(parameters, from);

        if (value && !json_is_null(value))
                (void) json_object_set(arguments, to, value);
}

static int make_screenshot(Batch *b, Batches *batches, int fd, const json_t *parameters)
{
        _cleanup_(freep) char *path = NULL;
        json_t *arguments;
        unsigned set = 0;
        int r;

        r = batch_add_set(b, batches, fd, &set);
        if (r < 0)
                return r;
        path = text_format("/dev/fdset/%u", set);
        arguments = path ? json_pack("{s:s}", "filename", path) : NULL;
        if (!arguments)
                return -ENOMEM;
        pass(arguments, "format", parameters, "format");
        pass(arguments, "device", parameters, "device");
        pass(arguments, "head", parameters, "head");
        r = batch_add(b, "screendump", arguments, -1);
        return r < 0 ? r : batch_remove_set(b, set);
}

static void guest_screenshot(Call *call, const json_t *parameters)
{
        int fd = guest_take_file(call, parameters), r;
        _cleanup_(batch_freep) Batch *b = NULL;

        if (fd < 0)
                return;
        b = batch_new();
        if (!b)
                (void) fd_close(fd);
        r = b ? make_screenshot(b, call_context(call)->batches, fd, parameters) : -ENOMEM;
        if (r < 0)
                guest_refuse(call, r);
        else
                guest_run(call, TAKE_PTR(b));
}

static int make_client(Batch *b, Batches *batches, int fd, const json_t *parameters)
{
        char name[BATCH_NAME_MAX];
        json_t *arguments;
        int r;

        r = batch_add_named(b, batches, fd, name);
        if (r < 0)
                return r;
        arguments = json_pack("{s:s}", "fdname", name);
        pass(arguments, "protocol", parameters, "protocol");
        pass(arguments, "skipauth", parameters, "skipAuth");
        return batch_add(b, "add_client", arguments, -1);
}

static void guest_add_client(Call *call, const json_t *parameters)
{
        const char *protocol = json_string_value(json_object_get(parameters, "protocol"));
        _cleanup_(batch_freep) Batch *b = NULL;
        struct stat st;
        int fd, r;

        /* "@dbus-display" and names of character devices are not what a viewer wants */
        if (!protocol || (!streq(protocol, "vnc") && !streq(protocol, "spice"))) {
                call_bad_parameter(call, "protocol");
                return;
        }
        fd = take_fd(call, parameters);
        if (fd < 0)
                return;
        if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
                (void) fd_close(fd);
                call_refuse(call, ERROR_NOT_SUPPORTED, "the descriptor must be of a socket");
                return;
        }
        b = batch_new();
        if (!b)
                (void) fd_close(fd);
        r = b ? make_client(b, call_context(call)->batches, fd, parameters) : -ENOMEM;
        if (r < 0)
                guest_refuse(call, r);
        else
                guest_run(call, TAKE_PTR(b));
}

static const ControlMethod methods[] = {
        { "Query", guest_query, 0 },
        { "Execute", guest_execute, CONTROL_ADMIN },
        { "Release", guest_release, CONTROL_ADMIN },
        { "Agent", guest_agent, CONTROL_ADMIN },
        { "Reload", guest_reload, CONTROL_ADMIN },
        { "Reset", guest_reset, CONTROL_ADMIN },
        { "SendKey", guest_send_key, CONTROL_ADMIN },
        { "Nmi", guest_nmi, CONTROL_ADMIN },
        { "Screenshot", guest_screenshot, CONTROL_ADMIN },
        { "Dump", guest_dump, CONTROL_ADMIN },
        { "Save", guest_save, CONTROL_ADMIN },
        { "AddClient", guest_add_client, CONTROL_ADMIN },
};

const ControlInterface guest_interface = {
        .name = "org.vmunit.Guest",
        .text = "# A guest of vmunit and its QEMU. Descriptors are named by their index among those sent "
                "with\n"
                "# the call; the others are closed.\n"
                "interface org.vmunit.Guest\n\n"
                "type Command (\n"
                "  execute: string,\n"
                "  arguments: ?object\n"
                ")\n\n"
                "# undo, then undos, are executed if a later command fails, or if the client leaves. "
                "After\n"
                "# \"job-cancel\" the job's end is waited for. A step with replaces does itself what "
                "would undo\n"
                "# those of that name, which is forgotten. Beside QEMU's commands there are:\n"
                "#   hold-still   the guest stands still until the end of the batch, or if that is held "
                "until\n"
                "#                go-on or the client's end, but at most 30 s; one that was paused stays "
                "paused\n"
                "#   go-on        fails if the guest moved before\n"
                "#   guest-agent  with the arguments execute, arguments and timeout, as the method Agent\n"
                "type Step (\n"
                "  execute: string,\n"
                "  arguments: ?object,\n"
                "  fileDescriptorIndex: ?int,\n"
                "  name: ?string,\n"
                "  replaces: ?string,\n"
                "  undo: ?Command,\n"
                "  undos: ?[]Command\n"
                ")\n\n"
                "type Pending (device: ?string, text: string)\n\n"
                "# An image of a disk as QEMU has it; options: of storage, as for blockdev-add\n"
                "type Layer (\n"
                "  node: string,\n"
                "  storage: string,\n"
                "  fileDevice: int,\n"
                "  fileInode: int,\n"
                "  options: ?object\n"
                ")\n\n"
                "# layers: the newest first\n"
                "type Disk (\n"
                "  node: string,\n"
                "  target: string,\n"
                "  path: ?string,\n"
                "  device: ?string,\n"
                "  layers: []Layer\n"
                ")\n\n"
                "# pending: changes of the definition that wait for a restart of the guest\n"
                "# commands: of QEMU's \"query-...\"; results has the answer of each that QEMU has\n"
                "method Query(commands: ?[]string) -> (\n"
                "  name: string,\n"
                "  uuid: string,\n"
                "  running: bool,\n"
                "  status: string,\n"
                "  disks: []Disk,\n"
                "  pending: []Pending,\n"
                "  results: object\n"
                ")\n\n"
                "# All of the commands are carried out, or none. hold: what was done is undone when the "
                "client's\n"
                "# connection ends, the last batch first, unless it calls Release before\n"
                "method Execute(commands: []Step, hold: ?bool) -> (results: []object)\n\n"
                "# What the client holds lasts; with undo it is undone now\n"
                "method Release(undo: ?bool) -> ()\n\n"
                "# Gives the guest agent a command; timeout: seconds. Commands of several clients are "
                "executed\n"
                "# in turn\n"
                "method Agent(execute: string, arguments: ?object, timeout: ?int) -> (result: object)\n\n"
                "# Makes the guest what its unit says now, as systemctl reload does; the journal says "
                "what failed\n"
                "method Reload() -> ()\n\n"
                "# Resets the machine, as by its reset button\n"
                "method Reset() -> ()\n\n"
                "# keys: of QEMU's QKeyCode, pressed at once; hold: milliseconds\n"
                "method SendKey(keys: []string, hold: ?int) -> ()\n\n"
                "method Nmi() -> ()\n\n"
                "# format: ppm or png\n"
                "method Screenshot(\n"
                "  fileDescriptorIndex: int,\n"
                "  format: ?string,\n"
                "  device: ?string,\n"
                "  head: ?int\n"
                ") -> ()\n\n"
                "# Writes the guest's memory; with the 'more' flag progress is sent meanwhile\n"
                "method Dump(fileDescriptorIndex: int, format: ?string) -> (completed: ?int, total: "
                "?int)\n\n"
                "# Saves the guest in its state directory, and ends it when that is whole; it goes on if "
                "the\n"
                "# client leaves before. With the 'more' flag progress is sent meanwhile\n"
                "method Save() -> (completed: ?int, total: ?int)\n\n"
                "# Connects a viewer by a socket; protocol: vnc or spice. For root, or the user in the "
                "user\n"
                "# scope\n"
                "method AddClient(protocol: string, fileDescriptorIndex: int, skipAuth: ?bool) -> ()\n\n"
                "error NotConnected(reason: ?string)\n\n"
                "error NotSupported(reason: ?string)\n\n"
                "error Failed(reason: string)\n\n"
                "error CommandFailed(index: int, reason: string)\n",
        .methods = methods,
        .n_methods = ELEMENTS(methods),
};

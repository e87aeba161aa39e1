/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * io.systemd.MachineInstance, as systemd 261 and later define it. To a guest registered with a control
 * address, machinectl sends no signals: it connects to the socket as its user and calls a method. It does
 * not fall back to signals, so all methods are implemented. Disks come as descriptors, from "machinectl
 * bind-volume".
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contract/limits.h"
#include "launcher/command/storage.h"
#include "launcher/control/call.h"
#include "log/log.h"
#include "util/ownership.h"

static void request(Call *call, Request what)
{
        if (lifecycle_request(call_context(call)->life, what) < 0)
                call_error(call, ERROR_NOT_CONNECTED, json_object());
        else
                call_reply(call, json_object());
}

static void call_terminate(Call *call, const json_t *parameters)
{
        request(call, REQUEST_TERMINATE);
}

static void call_power_off(Call *call, const json_t *parameters)
{
        request(call, REQUEST_POWER_OFF);
}

static void call_reboot(Call *call, const json_t *parameters)
{
        request(call, REQUEST_REBOOT);
}

static void on_qemu_answered(const json_t *result, const char *error, void *userdata)
{
        Call *call = userdata;

        if (result) {
                call_reply(call, json_object());
                return;
        }
        log_debug("Failed to execute a request from the control socket: %s", error);

        /* a caller that shows more than the error's name, as vmctl does, shows the reason */
        call_refuse(call, ERROR_NOT_SUPPORTED, "%s", error);
}

static void call_pause(Call *call, const json_t *parameters)
{
        if (lifecycle_pause(call_context(call)->life, on_qemu_answered, call) < 0)
                call_busy(call);
}

static void call_resume(Call *call, const json_t *parameters)
{
        if (lifecycle_resume(call_context(call)->life, on_qemu_answered, call) < 0)
                call_busy(call);
}

static void call_describe(Call *call, const json_t *parameters)
{
        const Lifecycle *life = call_context(call)->life;

        call_reply(
                call, json_pack(
                              "{s:b, s:s}", "running", lifecycle_is_running(life), "status",
                              lifecycle_status(life)));
}

static void call_subscribe_events(Call *call, const json_t *parameters)
{
        const json_t *filter = json_object_get(parameters, "filter");

        if (filter && !json_is_null(filter) && !json_is_array(filter))
                call_bad_parameter(call, "filter");
        else
                call_subscribe(call, json_is_array(filter) ? filter : NULL);
}

/* ——— disks ——— */

/* A call, and where it waits. */
typedef struct StorageCall {
        Call *call;
        Storages *storages;
} StorageCall;

static void on_storage(const char *why, void *userdata)
{
        StorageCall *s = userdata;

        if (why)
                call_refuse(s->call, "StorageImmutable", "%s", why);
        else
                call_reply(s->call, json_object());
        free(s);
}

static void on_storage_gone(void *userdata)
{
        StorageCall *s = userdata;

        storages_forget(s->storages, s);
        free(s);
}

/* NULL after a reply. */
static StorageCall *storage_call_new(Call *call)
{
        StorageCall *s = malloc(sizeof(*s));

        if (s)
                *s = (StorageCall){ call, call_context(call)->storages };
        else
                call_refuse(call, ERROR_NOT_SUPPORTED, "out of memory");
        return s;
}

/* The name is any text: QEMU has its own. NULL after a reply. */
static const char *read_name(Call *call, const json_t *parameters)
{
        const char *name = json_string_value(json_object_get(parameters, "name"));

        if (name && *name && strlen(name) <= STORAGE_NAME_MAX)
                return name;
        call_bad_parameter(call, "name");
        return NULL;
}

/* A new descriptor, or -EBADF after a reply. */
static int read_file(Call *call, const json_t *parameters)
{
        const json_t *index = json_object_get(parameters, "fileDescriptorIndex");
        int fd = json_is_integer(index) && json_integer_value(index) >= 0
                         ? call_take_fd(call, (size_t) json_integer_value(index))
                         : -EBADF;

        if (fd < 0)
                call_bad_parameter(call, "fileDescriptorIndex");
        return fd;
}

/* What began, or why it did not. */
static void storage_begun(StorageCall *s, int r)
{
        Call *call = s->call;

        if (r >= 0) {
                call_on_gone(call, on_storage_gone, s);
                return;
        }
        free(s);
        if (r == -EEXIST)
                call_refuse(call, "StorageExists", "a disk of this name was added already");
        else if (r == -ENOENT)
                call_refuse(call, "NoSuchStorage", "no disk of this name was added");
        else if (r == -EINVAL)
                call_refuse(
                        call, "ConfigNotSupported",
                        "the descriptor must be of a regular file or a block device, and open for reading, "
                        "or "
                        "for reading and writing; a volume of a directory is none of these");
        else if (r == -E2BIG)
                call_refuse(call, "ConfigNotSupported", "at most %u disks can be added", STORAGES_MAX);
        else if (r == -EBUSY)
                call_busy(call);
        else
                call_refuse(call, ERROR_NOT_SUPPORTED, "%s", strerror(-r));
}

static void call_add_storage(Call *call, const json_t *parameters)
{
        const json_t *config = json_object_get(parameters, "config");
        const char *name = read_name(call, parameters);
        StorageCall *s;
        StorageKind kind;
        int fd;

        if (!name)
                return;
        if ((config && !json_is_null(config) && !json_is_string(config)) ||
            storage_kind_from_word(json_string_value(config), &kind) < 0) {
                call_refuse(call, "BadConfig", "expected one of: virtio-blk, virtio-scsi, nvme, scsi-cd");
                return;
        }
        fd = read_file(call, parameters);
        s = fd >= 0 ? storage_call_new(call) : NULL;
        if (s)
                storage_begun(s, storages_add(s->storages, name, kind, TAKE_FD(fd), on_storage, s));
        (void) fd_close(fd);
}

static void call_remove_storage(Call *call, const json_t *parameters)
{
        const char *name = read_name(call, parameters);
        StorageCall *s = name ? storage_call_new(call) : NULL;

        if (s)
                storage_begun(s, storages_remove(s->storages, name, on_storage, s));
}

static void call_replace_storage(Call *call, const json_t *parameters)
{
        const char *name = read_name(call, parameters);
        int fd = name ? read_file(call, parameters) : -EBADF;
        StorageCall *s = fd >= 0 ? storage_call_new(call) : NULL;

        if (s)
                storage_begun(s, storages_replace(s->storages, name, TAKE_FD(fd), on_storage, s));
        (void) fd_close(fd);
}

static const ControlMethod methods[] = {
        { "Terminate", call_terminate, 0 },
        { "PowerOff", call_power_off, 0 },
        { "Reboot", call_reboot, 0 },
        { "Pause", call_pause, 0 },
        { "Resume", call_resume, 0 },
        { "Describe", call_describe, 0 },
        { "SubscribeEvents", call_subscribe_events, CONTROL_MORE },
        { "AddStorage", call_add_storage, CONTROL_ADMIN },
        { "RemoveStorage", call_remove_storage, CONTROL_ADMIN },
        { "ReplaceStorage", call_replace_storage, CONTROL_ADMIN },
};

const ControlInterface machine_instance_interface = {
        .name = "io.systemd.MachineInstance",
        .text = "# A machine, as systemd-machined and machinectl know it\n"
                "interface io.systemd.MachineInstance\n\n"
                "# Ends the machine at once\n"
                "method Terminate() -> ()\n\n"
                "# Asks the guest to power off\n"
                "method PowerOff() -> ()\n\n"
                "# Asks the guest to power off, and starts it again\n"
                "method Reboot() -> ()\n\n"
                "method Pause() -> ()\n\n"
                "# Fails if the guest does not run a moment later\n"
                "method Resume() -> ()\n\n"
                "method Describe() -> (running: bool, status: string)\n\n"
                "# Requires the 'more' flag; the events are QEMU's\n"
                "method SubscribeEvents(filter: ?[]string) -> (event: string, data: ?object)\n\n"
                "# Adds a file or block device as a disk: virtio-blk (default), virtio-scsi, nvme or "
                "scsi-cd\n"
                "method AddStorage(fileDescriptorIndex: int, name: string, config: ?string) -> ()\n\n"
                "# Waits a few seconds for the guest to let it go\n"
                "method RemoveStorage(name: string) -> ()\n\n"
                "# Puts another file in the place of the one that was added; the guest is not told\n"
                "method ReplaceStorage(fileDescriptorIndex: int, name: string) -> ()\n\n"
                "error NotConnected(reason: ?string)\n\n"
                "error NotSupported(reason: ?string)\n\n"
                "error BadConfig(reason: ?string)\n\n"
                "error ConfigNotSupported(reason: ?string)\n\n"
                "error StorageExists(reason: ?string)\n\n"
                "error NoSuchStorage(reason: ?string)\n\n"
                "# QEMU or the guest does not do it\n"
                "error StorageImmutable(reason: ?string)\n",
        .methods = methods,
        .n_methods = ELEMENTS(methods),
};

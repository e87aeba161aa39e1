/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * io.systemd.MachineInstance, as systemd 261 and later define it. To a guest registered with a control
 * address, machinectl sends no signals: it connects to the socket as its user and calls a method. It does
 * not fall back to signals, so all methods are implemented; those that would change the guest's disks reply
 * "not supported".
 */

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

static void call_storage(Call *call, const json_t *parameters)
{
        call_error(call, ERROR_NOT_SUPPORTED, json_object());
}

static const ControlMethod methods[] = {
        { "Terminate", call_terminate, 0 },
        { "PowerOff", call_power_off, 0 },
        { "Reboot", call_reboot, 0 },
        { "Pause", call_pause, 0 },
        { "Resume", call_resume, 0 },
        { "Describe", call_describe, 0 },
        { "SubscribeEvents", call_subscribe_events, CONTROL_MORE },
        { "AddStorage", call_storage, 0 },
        { "RemoveStorage", call_storage, 0 },
        { "ReplaceStorage", call_storage, 0 },
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
                "method AddStorage(fileDescriptorIndex: int, name: string, config: ?string) -> ()\n\n"
                "method RemoveStorage(name: string) -> ()\n\n"
                "method ReplaceStorage(fileDescriptorIndex: int, name: string) -> ()\n\n"
                "error NotConnected(reason: ?string)\n\n"
                "error NotSupported(reason: ?string)\n",
        .methods = methods,
        .n_methods = ELEMENTS(methods),
};

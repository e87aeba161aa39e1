/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.varlink.service, which every Varlink service has: what it is, and its interfaces. */

#include "launcher/control/call.h"
#include "util/text.h"

const ControlInterface *const control_interfaces[] = {
        &service_interface, &machine_instance_interface, &qemu_machine_interface, &guest_interface, NULL,
};

static void call_get_info(Call *call, const json_t *parameters)
{
        json_t *names = json_array();

        for (const ControlInterface *const *i = control_interfaces; names && *i; i++)
                (void) json_array_append_new(names, json_string((*i)->name));
        call_reply(
                call, json_pack(
                              "{s:s, s:s, s:s, s:s, s:o}", "vendor", "vmunit", "product", "vm-launcher",
                              "version", VMUNIT_VERSION, "url", "", "interfaces", names));
}

static void call_get_description(Call *call, const json_t *parameters)
{
        const char *name = json_string_value(json_object_get(parameters, "interface"));

        if (!name) {
                call_bad_parameter(call, "interface");
                return;
        }
        for (const ControlInterface *const *i = control_interfaces; *i; i++)
                if (streq((*i)->name, name)) {
                        call_reply(call, json_pack("{s:s}", "description", (*i)->text));
                        return;
                }
        call_error(call, "org.varlink.service.InterfaceNotFound", json_pack("{s:s}", "interface", name));
}

static const ControlMethod methods[] = {
        { "GetInfo", call_get_info, 0 },
        { "GetInterfaceDescription", call_get_description, 0 },
};

const ControlInterface service_interface = {
        .name = "org.varlink.service",
        .text = "interface org.varlink.service\n\n"
                "method GetInfo() -> (\n"
                "  vendor: string,\n"
                "  product: string,\n"
                "  version: string,\n"
                "  url: string,\n"
                "  interfaces: []string\n"
                ")\n\n"
                "method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
                "error InterfaceNotFound(interface: string)\n\n"
                "error MethodNotFound(method: string)\n\n"
                "error MethodNotImplemented(method: string)\n\n"
                "error InvalidParameter(parameter: string)\n\n"
                "error PermissionDenied()\n\n"
                "error ExpectedMore()\n\n"
                "error ExpectedUpgrade()\n",
        .methods = methods,
        .n_methods = ELEMENTS(methods),
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Objects, networks and devices have the same arguments in both. Character devices have a nested form in the
 * monitor (QAPI's ChardevBackend), and a flat one on the command line. Source: QEMU's qapi/char.json.
 */

#include "launcher/machine/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static const char *const commands[][2] = {
        [QEMU_OBJECT] = { "object-add", "object-del" }, [QEMU_CHARDEV] = { "chardev-add", "chardev-remove" },
        [QEMU_NETDEV] = { "netdev_add", "netdev_del" }, [QEMU_BLOCKDEV] = { "blockdev-add", "blockdev-del" },
        [QEMU_DEVICE] = { "device_add", "device_del" },
};

const char *arguments_command(QemuKind kind)
{
        return commands[kind][0];
}

const char *arguments_undo_command(QemuKind kind)
{
        return commands[kind][1];
}

bool arguments_have_backing(const char *format)
{
        return streq(format, "qcow2") || streq(format, "qed") || streq(format, "qcow") ||
               streq(format, "vmdk");
}

void arguments_plain_names(json_t *json)
{
        const char *key;
        json_t *value;
        void *next;

        json_object_foreach_safe(json, next, key, value)
        {
                const char *text = json_string_value(value);
                _cleanup_(freep) char *plain = text && *text == '@' ? strdup(text) : NULL;
                char *to = plain;

                if (json_is_object(value))
                        arguments_plain_names(value);
                if (!plain)
                        continue;
                for (const char *from = text; *from; from++)
                        if (*from != '@')
                                *to++ = *from;
                *to = '\0';
                (void) json_object_set_new(json, key, json_string(plain));
        }
}

void arguments_set_path(json_t *json, const char *path)
{
        const char *key = json_object_get(json, "hostdevice") ? "hostdevice" : "filename";

        (void) json_object_set_new(json, key, json_string(path));
}

/* ——— character devices ——— */

static const char *get(const json_t *json, const char *key)
{
        return json_string_value(json_object_get(json, key));
}

static json_t *socket_address(const json_t *json)
{
        if (get(json, "fd"))
                return json_pack("{s:s, s:{s:s}}", "type", "fd", "data", "str", get(json, "fd"));
        if (get(json, "path"))
                return json_pack("{s:s, s:{s:s}}", "type", "unix", "data", "path", get(json, "path"));
        if (get(json, "host") && get(json, "port"))
                return json_pack(
                        "{s:s, s:{s:s, s:s}}", "type", "inet", "data", "host", get(json, "host"), "port",
                        get(json, "port"));
        return NULL;
}

static bool is_on(const json_t *json, const char *key)
{
        return streq_null(get(json, key), "on");
}

static json_t *socket_data(const json_t *json)
{
        json_t *data =
                json_pack("{s:o, s:b}", "addr", socket_address(json), "server", (int) is_on(json, "server"));

        if (data && get(json, "wait"))
                (void) json_object_set_new(data, "wait", json_boolean(is_on(json, "wait")));
        if (data && get(json, "telnet"))
                (void) json_object_set_new(data, "telnet", json_boolean(is_on(json, "telnet")));
        if (data && get(json, "reconnect"))
                (void) json_object_set_new(data, "reconnect", json_integer(atoi(get(json, "reconnect"))));
        return data;
}

static json_t *file_data(const json_t *json)
{
        return json_pack(
                "{s:s, s:b}", "out", get(json, "path") ?: "", "append", (int) is_on(json, "append"));
}

static json_t *agent_data(const json_t *json)
{
        return json_pack(
                "{s:b, s:b}", "clipboard", (int) is_on(json, "clipboard"), "mouse",
                !streq_null(get(json, "mouse"), "off"));
}

static json_t *name_data(const json_t *json)
{
        return json_pack("{s:s}", "type", get(json, "name") ?: "");
}

static json_t *fqdn_data(const json_t *json)
{
        return json_pack("{s:s}", "fqdn", get(json, "name") ?: "");
}

static json_t *no_data(const json_t *json)
{
        return json_object();
}

static const struct {
        const char *type;
        json_t *(*data)(const json_t *json);
} backends[] = {
        { "socket", socket_data }, { "file", file_data },      { "qemu-vdagent", agent_data },
        { "spicevmc", name_data }, { "spiceport", fqdn_data }, { "pty", no_data },
        { "null", no_data },       { "ringbuf", no_data },
};

static json_t *chardev_arguments(const json_t *json)
{
        const char *type = get(json, "type");

        for (size_t i = 0; type && i < ELEMENTS(backends); i++)
                if (streq(backends[i].type, type))
                        return json_pack(
                                "{s:s, s:{s:s, s:o}}", "id", get(json, "id"), "backend", "type", type,
                                "data", backends[i].data(json));
        return NULL;
}

json_t *arguments_of(QemuKind kind, json_t *json)
{
        return kind == QEMU_CHARDEV ? chardev_arguments(json) : json_incref(json);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU is not trusted to say what its successor is started with, and neither is the file with what it said:
 * of a processor, only its type and its numbers are taken over.
 */

#include "launcher/machine/processors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/stream/channel.h"

#define TYPE_MAX 128 /* bytes of a name of QEMU's */

unsigned processors_count(const char *smp)
{
        const char *cpus = smp ? text_after(smp, "cpus=") ?: smp : NULL;

        return cpus ? (unsigned) strtoul(cpus, NULL, 10) : 0;
}

unsigned processors_number(const char *id)
{
        const char *number = id ? text_after(id, PROCESSOR_PREFIX) : NULL;
        unsigned n;

        return number && text_to_unsigned(number, INT32_MAX, &n) >= 0 ? n : 0;
}

/* ——— what is saved ——— */

json_t *processors_added(const json_t *hotpluggable)
{
        _cleanup_(json_decrefp) json_t *added = json_array();
        const json_t *one;
        size_t i;

        json_array_foreach(hotpluggable, i, one) {
                const char *path = json_string_value(json_object_get(one, "qom-path"));
                const char *id = path ? text_after(path, "/machine/peripheral/") : NULL;
                json_t *device;

                if (processors_number(id) == 0)
                        continue;
                device = json_pack("{s:s, s:O}", "id", id, "driver", json_object_get(one, "type"));
                if (!device || json_object_update(device, json_object_get(one, "props")) < 0 ||
                    json_array_append(added, device) < 0) {
                        json_decref(device);
                        return NULL;
                }
                json_decref(device);
        }
        return TAKE_PTR(added);
}

/* ——— what is started ——— */

static bool is_type(const char *driver)
{
        return driver && text_ends_with(driver, "-cpu") && strlen(driver) <= TYPE_MAX &&
               driver[strspn(driver, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")] ==
                       '\0';
}

static bool is_processor(const json_t *device)
{
        const json_t *value;
        const char *key;

        if (!processors_number(json_string_value(json_object_get(device, "id"))) ||
            !is_type(json_string_value(json_object_get(device, "driver"))))
                return false;
        json_object_foreach((json_t *) device, key, value)
                if (!streq(key, "id") && !streq(key, "driver") &&
                    !(text_ends_with(key, "-id") && json_is_integer(value)))
                        return false;
        return true;
}

static int add_device(Strings *argv, const json_t *device)
{
        char *text = json_dumps(device, JSON_COMPACT);
        int r = text ? strings_add(argv, "-device") : -ENOMEM;

        if (r < 0) {
                free(text);
                return r;
        }
        return strings_take(argv, text);
}

/* "3,sockets=3" → "1,maxcpus=3,sockets=3": where all are there, the most that there can be is not named. */
static int set_boot(char **smp, unsigned boot)
{
        const char *rest = *smp + strspn(*smp, "0123456789");
        char *changed = text_after(rest, ",maxcpus=")
                                ? text_format("%u%s", boot, rest)
                                : text_format("%u,maxcpus=%u%s", boot, processors_count(*smp), rest);

        if (!changed)
                return -ENOMEM;
        free(*smp);
        *smp = changed;
        return 0;
}

int processors_start(Strings *argv, unsigned boot, const json_t *added)
{
        const json_t *device;
        char **smp = NULL;
        size_t i;
        int r = 0;

        for (i = 0; i + 1 < argv->count; i++)
                if (streq(argv->items[i], "-smp"))
                        smp = &argv->items[i + 1];
        if (!smp || boot == 0 || boot + json_array_size(added) != processors_count(*smp))
                return -EBADMSG;
        json_array_foreach(added, i, device)
                if (!is_processor(device))
                        return -EBADMSG;
        r = set_boot(smp, boot);
        for (i = 0; r >= 0 && i < json_array_size(added); i++)
                r = add_device(argv, json_array_get(added, i));
        return r;
}

/* ——— what runs ——— */

static int note_device(const char *text, Strings *added)
{
        _cleanup_(json_decrefp) json_t *json = channel_parse(text, strlen(text));
        const char *id = json_string_value(json_object_get(json, "id"));

        return processors_number(id) > 0 ? strings_add(added, id) : 0;
}

int processors_find(char *const *argv, unsigned *ret_boot, Strings *ret_added)
{
        unsigned boot = 0;
        int r = 0;

        for (; r >= 0 && argv[0] && argv[1]; argv++)
                if (streq(argv[0], "-smp"))
                        boot = processors_count(argv[1]);
                else if (streq(argv[0], "-device"))
                        r = note_device(argv[1], ret_added);
        if (r >= 0)
                *ret_boot = boot ?: 1;
        return r;
}

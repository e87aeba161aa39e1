/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Completes the generator's command line with what is only known at the start: whether the host has
 * vhost-net, whether it has passt, and which backing files a disk has. Each changes the JSON of one option.
 *
 * QEMU must not open backing files by name, because the name is in an image's header, which the guest may
 * have written. The helper opens and checks them; QEMU receives the descriptors in "fd sets", and the last
 * image of the chain is declared to have no backing file.
 */

#include "launcher/monitor/command.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "launcher/stream/channel.h"

/* The index of the option's argument in which the key has that value; -ENOENT. */
static int find_option(
        const Strings *argv, const char *option, const char *key, const char *value, size_t *ret_at,
        json_t **ret_json)
{
        for (size_t i = 0; i + 1 < argv->count; i++) {
                json_t *json;

                if (!streq(argv->items[i], option))
                        continue;
                i++;
                json = channel_parse(argv->items[i], strlen(argv->items[i]));
                if (streq_null(json_string_value(json_object_get(json, key)), value)) {
                        *ret_at = i;
                        *ret_json = json;
                        return 0;
                }
                json_decref(json);
        }
        return -ENOENT;
}

static int set_item(Strings *argv, size_t at, const json_t *json)
{
        char *text = json_dumps(json, JSON_COMPACT);

        if (!text)
                return -ENOMEM;
        free(argv->items[at]);
        argv->items[at] = text;
        return 0;
}

int command_drop_vhost(Strings *argv, const char *id)
{
        _cleanup_(json_decrefp) json_t *json = NULL;
        size_t at;
        int r;

        r = find_option(argv, "-netdev", "id", id, &at, &json);
        if (r < 0)
                return r;
        (void) json_object_del(json, "vhost");
        (void) json_object_del(json, "vhostfd");
        (void) json_object_del(json, "vhostfds");
        (void) json_object_del(json, "vhostforce");
        return set_item(argv, at, json);
}

int command_set_stream(Strings *argv, const char *id, int fd)
{
        _cleanup_(json_decrefp) json_t *was = NULL, *json = NULL;
        char number[16];
        size_t at;
        int r;

        r = find_option(argv, "-netdev", "id", id, &at, &was);
        if (r < 0)
                return r;
        (void) snprintf(number, sizeof(number), "%d", fd);
        json = json_pack(
                "{s:s, s:s, s:b, s:{s:s, s:s}}", "type", "stream", "id", id, "server", 0, "addr", "type",
                "fd", "str", number);
        return json ? set_item(argv, at, json) : -ENOMEM;
}

/* Above the generator's own fd sets. */
static unsigned next_fd_set(const Strings *argv)
{
        unsigned highest = 0;

        for (size_t i = 0; i + 1 < argv->count; i++) {
                const char *set =
                        streq(argv->items[i], "-add-fd") ? strstr(argv->items[i + 1], "set=") : NULL;
                unsigned n;

                if (set && sscanf(set, "set=%u", &n) == 1 && n > highest && n < 1000000)
                        highest = n;
        }
        return highest + 1;
}

static int add_option(Strings *list, const char *option, json_t *json)
{
        _cleanup_(json_decrefp) json_t *taken = json;
        int r;

        if (!taken)
                return -ENOMEM;
        r = strings_add(list, option);
        return r < 0 ? r : strings_take(list, json_dumps(taken, JSON_COMPACT));
}

/* QEMU accepts "backing" only for formats that can have a backing file. */
static bool format_has_backing(const char *format)
{
        return streq(format, "qcow2") || streq(format, "qed") || streq(format, "qcow") ||
               streq(format, "vmdk");
}

/* set is the fd set of this image; its backing file has the next one. */
static int add_image(Strings *list, const BackingImage *image, unsigned set, bool last)
{
        _cleanup_(freep) char *storage = text_format("backing%u-storage", set),
                              *node = text_format("backing%u-format", set);
        _cleanup_(freep) char *behind = text_format("backing%u-format", set + 1),
                              *path = text_format("/dev/fdset/%u", set);
        json_t *format;
        int r;

        if (!storage || !node || !behind || !path)
                return -ENOMEM;
        r = strings_add(list, "-add-fd");
        if (r >= 0)
                r = strings_addf(list, "set=%u,fd=%d", set, image->fd);
        if (r >= 0)
                r = add_option(
                        list, "-blockdev",
                        json_pack(
                                "{s:s, s:s, s:s, s:b, s:b}", "driver", image->driver, "filename", path,
                                "node-name", storage, "read-only", 1, "auto-read-only", 0));
        if (r < 0)
                return r;
        format = json_pack(
                "{s:s, s:s, s:s, s:b}", "driver", image->format, "file", storage, "node-name", node,
                "read-only", 1);
        if (format && (!last || format_has_backing(image->format)))
                (void) json_object_set_new(format, "backing", last ? json_null() : json_string(behind));
        return add_option(list, "-blockdev", format);
}

/* Moves all of list into argv, before the item at that index. */
static int insert_before(Strings *argv, size_t at, Strings *list)
{
        size_t n = list->count;
        char **items;

        if (n == 0)
                return 0;
        items = realloc(argv->items, (argv->count + n + 1) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        argv->items = items;
        memmove(items + at + n, items + at, (argv->count - at + 1) * sizeof(*items));
        memcpy(items + at, list->items, n * sizeof(*items));
        argv->count += n;
        free(list->items);
        *list = (Strings){ 0 };
        return 0;
}

/*
 * auto-read-only is off: QEMU would ask the set for a descriptor to read with first, and one that is left
 * for another keeps its locks.
 */
int command_set_image(Strings *argv, const char *node, int fd, bool read_only)
{
        _cleanup_(json_decrefp) json_t *json = NULL;
        _cleanup_(strings_done) Strings list = { 0 };
        unsigned set = next_fd_set(argv);
        _cleanup_(freep) char *path = text_format("/dev/fdset/%u", set);
        size_t at;
        int r;

        if (!path)
                return -ENOMEM;
        r = find_option(argv, "-blockdev", "node-name", node, &at, &json);
        if (r < 0)
                return r;
        if (json_object_set_new(json, "filename", json_string(path)) < 0 ||
            json_object_set_new(json, "read-only", json_boolean(read_only)) < 0 ||
            json_object_set_new(json, "auto-read-only", json_false()) < 0)
                return -ENOMEM;
        r = set_item(argv, at, json);
        if (r >= 0)
                r = strings_add(&list, "-add-fd");
        if (r >= 0)
                r = strings_addf(&list, "set=%u,fd=%d", set, fd);
        return r < 0 ? r : insert_before(argv, at - 1, &list);
}

int command_set_backing(Strings *argv, const char *node, const BackingImage *images, size_t count)
{
        _cleanup_(json_decrefp) json_t *json = NULL;
        _cleanup_(strings_done) Strings list = { 0 };
        const char *driver;
        unsigned set = next_fd_set(argv);
        size_t at;
        int r;

        r = find_option(argv, "-blockdev", "node-name", node, &at, &json);
        if (r < 0)
                return r;
        driver = json_string_value(json_object_get(json, "driver"));
        if (count == 0 && !(driver && format_has_backing(driver)))
                return 0;

        /* the last of the chain first: QEMU creates nodes in order, and each needs its backing node */
        for (size_t i = count; i-- > 0;) {
                r = add_image(&list, &images[i], set + (unsigned) i, i + 1 == count);
                if (r < 0)
                        return r;
        }
        if (count > 0) {
                _cleanup_(freep) char *first = text_format("backing%u-format", set);

                r = first ? json_object_set_new(json, "backing", json_string(first)) : -1;
        } else
                r = json_object_set_new(json, "backing", json_null());
        r = r < 0 ? -ENOMEM : set_item(argv, at, json);
        return r < 0 ? r : insert_before(argv, at - 1, &list);
}

bool command_has_option(char *const *argv, const char *option)
{
        for (; *argv; argv++)
                if (streq(*argv, option))
                        return true;
        return false;
}

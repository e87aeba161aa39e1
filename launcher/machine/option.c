/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generator writes what can be added to a running QEMU as JSON with the arguments of the monitor's
 * commands, except for -chardev, which has no such form. The order of options is QEMU's to need: what an
 * option refers to comes before it.
 */

#include "launcher/machine/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/fd-name.h"
#include "launcher/stream/channel.h"
#include "util/text.h"

#define FD_SET_PATH  "/dev/fdset/"
#define FD_PROC_PATH "/proc/self/fd/"

static const struct {
        const char *name, *key; /* which tells it from others */
        QemuKind kind;
} kinds[] = {
        { "-object", "id", QEMU_OBJECT }, { "-chardev", "id", QEMU_CHARDEV },
        { "-netdev", "id", QEMU_NETDEV }, { "-blockdev", "node-name", QEMU_BLOCKDEV },
        { "-device", "id", QEMU_DEVICE },
};

/* ——— descriptors ——— */

static const char *name_in(const NumberedList *list, int number)
{
        for (size_t i = 0; i < list->count; i++)
                if (list->items[i].number == number)
                        return list->items[i].name;
        return NULL;
}

/* A new string, or NULL. */
static char *descriptor_name(const RunOptions *o, int number)
{
        const char *name;

        for (size_t i = 0; i < o->passts.count; i++)
                if (o->passts.items[i].fd == number)
                        return fd_name_passt(o->passts.items[i].id);
        name = number == o->monitor ? "monitor"
                                    : name_in(&o->fds, number) ?: name_in(&o->try_fds, number)
                                               ?: name_in(&o->sockets, number)
                                               ?: name_in(&o->consoles, number);
        return name ? strdup(name) : NULL;
}

/* "100:101" → "@tap.net0.0:@tap.net0.1"; NULL if out of memory, or if a number is not known. */
static char *name_numbers(const RunOptions *o, const char *numbers)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);

        while (f && *numbers) {
                size_t n = strcspn(numbers, ":");
                _cleanup_(freep) char *name = descriptor_name(o, atoi(numbers));

                if (!name)
                        return NULL;
                fprintf(f, "@%s%s", name, numbers[n] ? ":" : "");
                numbers += n + (numbers[n] == ':');
        }
        return f ? text_writer_take(&w) : NULL;
}

static bool is_descriptor_key(const json_t *object, const char *key)
{
        return streq(key, "fd") || streq(key, "fds") || streq(key, "vhostfd") || streq(key, "vhostfds") ||
               (streq(key, "str") && streq_null(json_string_value(json_object_get(object, "type")), "fd"));
}

/* A new string, or NULL if the value names no descriptor, or out of memory. */
static char *name_value(const RunOptions *o, const json_t *object, const char *key, const char *value)
{
        static const char *const paths[] = { FD_SET_PATH, FD_PROC_PATH };

        if (is_descriptor_key(object, key))
                return name_numbers(o, value);
        for (size_t i = 0; i < ELEMENTS(paths); i++) {
                const char *number = text_after(value, paths[i]);
                _cleanup_(freep) char *name = number ? descriptor_name(o, atoi(number)) : NULL;

                if (name)
                        return text_format(FD_SET_PATH "@%s", name);
        }
        return NULL;
}

static void name_descriptors(const RunOptions *o, json_t *object)
{
        const char *key;
        json_t *value;
        void *next;

        json_object_foreach_safe(object, next, key, value)
        {
                _cleanup_(freep) char *named = NULL;

                if (json_is_object(value))
                        name_descriptors(o, value);
                else if (json_is_string(value))
                        named = name_value(o, object, key, json_string_value(value));
                if (named)
                        (void) json_object_set_new(object, key, json_string(named));
        }
}

/* ——— reading ——— */

/* "socket,id=a,path=b,,c" → {"type": "socket", "id": "a", "path": "b,c"} */
static json_t *read_list(const char *text)
{
        _cleanup_(freep) char *copy = strdup(text);
        json_t *object = copy ? json_object() : NULL;
        char *from = copy, *to = copy, *item = copy;
        bool first = true, more = true;

        while (object && more) {
                char *value;

                if (*from == ',' && from[1] == ',') {
                        *to++ = ',';
                        from += 2;
                        continue;
                }
                if (*from && *from != ',') {
                        *to++ = *from++;
                        continue;
                }
                more = *from++ == ',';
                *to++ = '\0';
                value = strchr(item, '=');
                if (value)
                        *value++ = '\0';
                (void) json_object_set_new(
                        object,
                        value   ? item
                        : first ? "type"
                                : item,
                        json_string(
                                value
                                        ?: first ? item
                                                 : "on"));
                first = false;
                item = to;
        }
        return object;
}

static int read_option(const RunOptions *o, const char *name, const char *text, Option *ret)
{
        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                const char *id;

                if (!streq(kinds[i].name, name) || !text)
                        continue;
                ret->kind = kinds[i].kind;
                ret->json = ret->kind == QEMU_CHARDEV ? read_list(text) : channel_parse(text, strlen(text));
                id = json_string_value(json_object_get(ret->json, kinds[i].key));
                if (!id)
                        break; /* it cannot be told from others */
                name_descriptors(o, ret->json);
                ret->id = strdup(id);
                return ret->id ? 0 : -ENOMEM;
        }
        json_decref(ret->json);
        ret->json = NULL;
        ret->kind = QEMU_OTHER;
        if (!text)
                return 0;
        ret->text = strdup(text);
        return ret->text ? 0 : -ENOMEM;
}

static void option_done(Option *option)
{
        free(option->name);
        free(option->id);
        free(option->text);
        json_decref(option->json);
}

static int add(CommandLine *line, Option *option)
{
        Option *bigger = reallocarray(line->items, line->count + 1, sizeof(*bigger));

        if (!bigger) {
                option_done(option);
                return -ENOMEM;
        }
        line->items = bigger;
        line->items[line->count++] = *option;
        return 0;
}

/* The number of an option among those of its name. */
static char *number_of(const CommandLine *line, const char *name)
{
        unsigned n = 0;

        for (size_t i = 0; i < line->count; i++)
                n += line->items[i].kind == QEMU_OTHER && streq(line->items[i].name, name);
        return text_format("%u", n);
}

int command_line_read(const RunOptions *options, char *const *argv, CommandLine *ret)
{
        CommandLine line = { 0 };
        int r = 0;

        for (argv++; r >= 0 && *argv; argv++) {
                const char *name = *argv, *text = argv[1] && argv[1][0] != '-' ? *++argv : NULL;
                Option option = { .name = strdup(name) };

                if (streq(name, "-add-fd")) {
                        free(option.name);
                        continue; /* part of what refers to it */
                }
                r = option.name ? read_option(options, name, text, &option) : -ENOMEM;
                if (r >= 0 && option.kind == QEMU_OTHER) {
                        option.id = number_of(&line, name);
                        r = option.id ? 0 : -ENOMEM;
                }
                if (r >= 0)
                        r = add(&line, &option);
                else
                        option_done(&option);
        }
        if (r < 0) {
                command_line_done(&line);
                return r;
        }
        *ret = line;
        return 0;
}

void command_line_done(CommandLine *line)
{
        for (size_t i = 0; i < line->count; i++)
                option_done(&line->items[i]);
        free(line->items);
        *line = (CommandLine){ 0 };
}

/* ——— asking ——— */

const Option *command_line_find(const CommandLine *line, const char *name, const char *id)
{
        for (size_t i = 0; i < line->count; i++)
                if (streq(line->items[i].id, id) && streq(line->items[i].name, name))
                        return &line->items[i];
        return NULL;
}

int command_line_add(CommandLine *line, const Option *option)
{
        Option copy = {
                .kind = option->kind,
                .name = strdup(option->name),
                .id = strdup(option->id),
                .json = option->json ? json_deep_copy(option->json) : NULL,
                .text = option->text ? strdup(option->text) : NULL,
        };

        if (!copy.name || !copy.id || (option->json && !copy.json) || (option->text && !copy.text)) {
                option_done(&copy);
                return -ENOMEM;
        }
        return add(line, &copy);
}

void command_line_remove(CommandLine *line, const char *name, const char *id)
{
        Option *option = (Option *) command_line_find(line, name, id);

        if (!option)
                return;
        option_done(option);
        line->count--;
        memmove(option, option + 1, (size_t) (line->items + line->count - option) * sizeof(*option));
}

bool option_equals(const Option *a, const Option *b)
{
        return a->kind == b->kind && (a->json ? json_equal(a->json, b->json) : streq_null(a->text, b->text));
}

static bool value_refers_to(const json_t *value, const char *id)
{
        const char *text = json_string_value(value), *rest = text ? text_after(text, id) : NULL, *key;
        json_t *below;
        size_t i;

        if (text)
                return rest && (!*rest || streq(rest, ".0"));
        json_array_foreach(value, i, below)
                if (value_refers_to(below, id))
                        return true;
        json_object_foreach((json_t *) value, key, below)
                if (value_refers_to(below, id))
                        return true;
        return false;
}

bool option_refers_to(const Option *option, const char *id)
{
        const char *key;
        json_t *value;

        json_object_foreach(option->json, key, value)
                if (!streq(key, "id") && !streq(key, "node-name") && !streq(key, "driver") &&
                    !streq(key, "qom-type") && !streq(key, "type") && !streq(key, "mac") &&
                    !streq(key, "serial") && value_refers_to(value, id))
                        return true;
        return false;
}

const char *option_text(const Option *option, const char *key)
{
        return json_string_value(json_object_get(option->json, key));
}

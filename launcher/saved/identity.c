/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU checks of a saved state only what it needs to read it, so a guest whose definition changed might be
 * restored to something that never was: a disk that is another one, a card with another address. So the
 * command lines have to be equal, except for what no state of the guest depends on: what the host's end of
 * things is called, and what only people see of a guest. Numbers of descriptors are not in a CommandLine.
 *
 * A disk is the same if it is the same file, with the same size, and was not written since. A block device
 * does not say when it was written, and its number may be another after a boot, so only that it is one is
 * compared; a disk on the network is not compared at all.
 */

#include "launcher/saved/identity.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/fd-name.h"
#include "util/text.h"

#define DIFFERENCE_MAX 256 /* bytes of a message */

/* What of a guest has its name, or is how people look at it. */
static const char *const others[] = { "-name", "-vnc", "-spice", "-display", "-incoming" };

static bool is_of_state(const Option *o)
{
        const char *type = o->json ? option_text(o, "qom-type") : NULL;

        if (type && (streq(type, "secret") || streq(type, "throttle-group")))
                return false;
        for (size_t i = 0; i < ELEMENTS(others); i++)
                if (streq(o->name, others[i]))
                        return false;
        return true;
}

/* "pc-q35-7.2" and "q35" may be the same: when a guest is defined, the version is added. QEMU compares what
 * they stand for. */
static json_t *machine_value(const char *text)
{
        size_t n = strcspn(text, ","), base = n;
        const char *known = NULL;
        _cleanup_(freep) char *value = NULL;

        for (size_t i = 0; i + 1 < n; i++)
                if (text[i] == '-' && text[i + 1] >= '0' && text[i + 1] <= '9')
                        base = i;
        if (base == strlen("pc-q35") && text_after(text, "pc-q35-"))
                known = "q35";
        else if (base == strlen("pc-i440fx") && text_after(text, "pc-i440fx-"))
                known = "pc";
        value = text_format("%.*s%s", (int) (known ? strlen(known) : base), known ?: text, text + n);
        return value ? json_string(value) : NULL;
}

/* Whether QEMU has the node's file as a descriptor. */
static bool has_image(const Images *images, const char *node)
{
        _cleanup_(freep) char *name = fd_name_image(node);

        for (size_t i = 0; name && i < images->count; i++)
                if (streq(images->items[i].name, name))
                        return true;
        return false;
}

/* What the option is to the guest. */
static json_t *value_of(const Images *images, const Option *o)
{
        json_t *copy;

        if (streq(o->name, "-machine") && o->text)
                return machine_value(o->text);
        if (!o->json)
                return json_string(o->text ?: "");
        if (o->kind == QEMU_CHARDEV)
                return json_true();
        copy = json_deep_copy(o->json);
        if (o->kind == QEMU_BLOCKDEV && has_image(images, o->id))
                (void) json_object_del(copy, "filename"); /* identity_of_disks() is about these */
        return copy;
}

json_t *identity_of_machine(const CommandLine *line, const Images *images)
{
        _cleanup_(json_decrefp) json_t *machine = json_object();

        for (size_t i = 0; machine && i < line->count; i++) {
                const Option *o = &line->items[i];
                _cleanup_(freep) char *key = NULL;

                if (!is_of_state(o))
                        continue;
                /* the number of an option among those of its name says nothing to people if it is the only
                 * one */
                key = o->kind == QEMU_OTHER && streq(o->id, "0") ? strdup(o->name)
                                                                 : text_format("%s %s", o->name, o->id);
                if (!key || json_object_set_new(machine, key, value_of(images, o)) < 0)
                        return NULL;
        }
        return TAKE_PTR(machine);
}

static json_t *describe_file(int fd)
{
        _cleanup_(freep) char *inode = NULL, *modified = NULL;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return json_string("unknown");
        if (!S_ISREG(st.st_mode))
                return json_string("device");
        inode = text_format("%ju", (uintmax_t) st.st_ino);
        modified = text_format("%jd.%09ld", (intmax_t) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        return inode && modified ? json_pack(
                                           "{s:s, s:I, s:s}", "inode", inode, "size",
                                           (json_int_t) st.st_size, "modified", modified)
                                 : NULL;
}

static int add_disk(json_t *disks, const KnownImage *image, const char *node)
{
        _cleanup_(freep) char *name = fd_name_image(node), *chain = fd_name_chain_prefix(node);

        if (!name || !chain)
                return -1;
        if (!streq(image->name, name) && !text_after(image->name, chain))
                return 0;
        return json_object_set_new(disks, image->name, describe_file(image->fd));
}

json_t *identity_of_disks(const CommandLine *line, const Images *images)
{
        _cleanup_(json_decrefp) json_t *disks = json_object();

        for (size_t i = 0; disks && i < line->count; i++)
                for (size_t j = 0; line->items[i].kind == QEMU_BLOCKDEV && j < images->count; j++)
                        if (add_disk(disks, &images->items[j], line->items[i].id) < 0)
                                return NULL;
        return TAKE_PTR(disks);
}

bool identity_differs(const json_t *saved, const json_t *now, char **ret)
{
        const json_t *value, *other;
        const char *key, *how = NULL, *first = NULL;

        json_object_foreach((json_t *) saved, key, value) {
                other = json_object_get(now, key);
                if (how || (other && json_equal((json_t *) value, (json_t *) other)))
                        continue;
                how = other ? "is not the same" : "is gone";
                first = key;
        }
        json_object_foreach((json_t *) now, key, value)
                if (!how && !json_object_get(saved, key)) {
                        how = "is new";
                        first = key;
                }
        if (!how)
                return false;
        *ret = text_format("%s %s", first, how);
        if (*ret) { /* what was saved is of a file that the guest's user can write */
                text_make_printable(*ret);
                text_cut(*ret, DIFFERENCE_MAX);
        }
        return true;
}

/* Nodes that are files or devices, or on the network; formats are above them. */
static bool is_storage(const Option *o)
{
        return o->kind == QEMU_BLOCKDEV && !option_text(o, "file") && !json_object_get(o->json, "file") &&
               !json_is_true(json_object_get(o->json, "read-only"));
}

bool identity_tells(const CommandLine *line, const json_t *disks)
{
        for (size_t i = 0; i < line->count; i++) {
                _cleanup_(freep) char *name = NULL;

                if (!is_storage(&line->items[i]))
                        continue;
                name = fd_name_image(line->items[i].id);
                if (!name || !json_is_object(json_object_get(disks, name)))
                        return false;
        }
        return true;
}

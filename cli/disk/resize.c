/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl resize-disk: makes a disk of a running guest larger; the guest sees the new size at once. A disk is
 * not made smaller, which would cut off what the guest has in it. While the guest is off, qemu-img does it.
 */

#include <errno.h>
#include <stdlib.h>

#include "cli/running/client.h"
#include "cli/running/disks.h"
#include "contract/exit.h"
#include "guest/xml/field.h"

static int read_size(const char *text, uint64_t *ret)
{
        _cleanup_(freep) char *number = strdup(text);
        size_t digits = strspn(text, "0123456789");

        if (!number)
                return -ENOMEM;
        number[digits] = '\0';
        return size_parse(number, text[digits] ? text + digits : NULL, 1, ret);
}

static int resize(Client *c, const char *target, uint64_t size)
{
        json_t *reply = NULL;
        const char *node;
        json_int_t now;
        int r;

        r = client_call(
                c, "ask", "org.vmunit.Guest.Query", json_pack("{s:[s]}", "commands", "query-block"),
                (ClientFds){ 0 }, &reply);
        if (r != 0)
                return r;
        node = disks_node(reply, target);
        now = node ? disks_size(reply, node) : -1;
        if (!node)
                r = fail(EXIT_MISSING, "guest %s has no disk %s", c->guest, target);
        else if (now < 0)
                r = fail(EXIT_MISSING, "QEMU does not say how large disk %s is", target);
        else if ((uint64_t) now > size)
                r =
                        fail(EXIT_BAD_USAGE, "disk %s has %lld bytes, and cannot be made smaller", target,
                             (long long) now);
        else
                r = client_call(
                        c, "resize a disk of", "org.vmunit.Guest.Execute",
                        json_pack(
                                "{s:[{s:s, s:{s:s, s:I}}]}", "commands", "execute", "block_resize",
                                "arguments", "node-name", node, "size", (json_int_t) size),
                        (ClientFds){ 0 }, NULL);
        json_decref(reply);
        return r;
}

int verb_resize_disk(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        uint64_t size;
        int r;

        if (read_size(call->words[2], &size) < 0 || size == 0 || size > INT64_MAX || size % 512 != 0)
                return fail(
                        EXIT_BAD_USAGE,
                        "\"%s\" is not a size: expected a number of bytes, or one with a unit, such as "
                        "20GiB",
                        call->words[2]);
        r = client_open(call, &c);
        return r ?: resize(&c, call->words[1], size);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One table for both directions of --passt=: the launcher accepts each key that the generator writes, and no
 * other. The texts go into passt's command line, each after an option of its own, so they need no quoting,
 * and passt checks what they say. The reader runs as the guest's user.
 */

#include "contract/line/passt-request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contract/arguments.h"
#include "contract/limits.h"

static const char *const use_words[] = { "require", "try" };

static int read_use(const char *text, void *target)
{
        for (size_t i = 0; i < ELEMENTS(use_words); i++)
                if (streq(text, use_words[i])) {
                        *(bool *) target = i == 1;
                        return 0;
                }
        return -EINVAL;
}

static void write_use(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%s", key, use_words[*(const bool *) target]);
}

/* The netmask is written after the address that it belongs to. */
static void write_addresses(FILE *f, const char *key, const void *target)
{
        const PasstRequest *q = target;
        const char *netmask = q->netmask;

        for (size_t i = 0; i < q->addresses.count; i++) {
                fprintf(f, ",%s=%s", key, q->addresses.items[i]);
                if (netmask && !strchr(q->addresses.items[i], ':')) {
                        fprintf(f, ",netmask=%s", netmask);
                        netmask = NULL;
                }
        }
        if (netmask)
                fprintf(f, ",netmask=%s", netmask);
}

static void write_strings(FILE *f, const char *key, const void *target)
{
        const Strings *strings = target;

        for (size_t i = 0; i < strings->count; i++)
                fprintf(f, ",%s=%s", key, strings->items[i]);
}

int passt_request_forward(PasstRequest *q, bool udp, const char *ports)
{
        PasstForward *bigger = reallocarray(q->forwards, q->n_forwards + 1, sizeof(*bigger));
        char *copy;

        if (!bigger)
                return -ENOMEM;
        q->forwards = bigger;
        copy = strdup(ports);
        if (!copy)
                return -ENOMEM;
        q->forwards[q->n_forwards++] = (PasstForward){ .udp = udp, .ports = copy };
        return 0;
}

static int read_tcp(const char *text, void *target)
{
        return passt_request_forward(target, false, text);
}

static int read_udp(const char *text, void *target)
{
        return passt_request_forward(target, true, text);
}

static int read_address(const char *text, void *target)
{
        return argument_strings(text, &((PasstRequest *) target)->addresses);
}

/* Both protocols at once, to keep their order. */
static void write_forwards(FILE *f, const char *key, const void *target)
{
        const PasstRequest *q = target;

        for (size_t i = 0; i < q->n_forwards; i++)
                fprintf(f, ",%s=%s", q->forwards[i].udp ? "udp" : "tcp", q->forwards[i].ports);
}

#define AT(member) offsetof(PasstRequest, member)

/* address and tcp write netmask and udp as well. */
static const Argument passt_arguments[] = {
        { "fd", "the number of a file descriptor", argument_fd, AT(fd), 0, argument_write_unsigned },
        { "id", "the id of a -netdev", argument_text, AT(id), ARGUMENT_REQUIRED, argument_write_text },
        { "use", "require or try", read_use, AT(optional), ARGUMENT_REQUIRED, write_use },
        { "socket", "a file name", argument_text, AT(socket), 0, argument_write_text },
        { "address", "an IP address", read_address, 0, ARGUMENT_REPEATED, write_addresses },
        { "netmask", "a netmask", argument_text, AT(netmask), 0 },
        { "gateway", "an IP address", argument_strings, AT(gateways), ARGUMENT_REPEATED, write_strings },
        { "mtu", "an MTU", argument_text, AT(mtu), 0, argument_write_text },
        { "interface", "an interface name", argument_text, AT(interface), 0, argument_write_text },
        { "hostname", "a host name", argument_text, AT(hostname), 0, argument_write_text },
        { "fqdn", "a host name", argument_text, AT(fqdn), 0, argument_write_text },
        { "log-file", "an absolute path", argument_path, AT(log_file), 0, argument_write_text },
        { "tcp", "a list of ports", read_tcp, 0, ARGUMENT_REPEATED, write_forwards },
        { "udp", "a list of ports", read_udp, 0, ARGUMENT_REPEATED },
};

char *passt_request_write(const PasstRequest *q)
{
        return arguments_write_list(passt_arguments, ELEMENTS(passt_arguments), q);
}

void passt_request_done(PasstRequest *q)
{
        strings_done(&q->addresses);
        strings_done(&q->gateways);
        strings_done(&q->owned);
        for (size_t i = 0; i < q->n_forwards; i++)
                free(q->forwards[i].ports);
        free(q->forwards);
        *q = (PasstRequest){ 0 };
}

static int read_request(const char *text, PasstRequest *q)
{
        char *owned = NULL;
        int r;

        r = arguments_read_list(passt_arguments, ELEMENTS(passt_arguments), q, text, &owned);
        if (owned && strings_take(&q->owned, owned) < 0)
                return -ENOMEM;
        return r >= 0 && !q->fd == !q->socket ? -EINVAL : r;
}

int passt_list_read(const char *text, void *target)
{
        PasstList *list = target;
        PasstRequest q = { 0 }, *bigger;
        int r;

        if (list->count >= PASSTS_MAX)
                return -ERANGE;
        bigger = reallocarray(list->items, list->count + 1, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        list->items = bigger;
        r = read_request(text, &q);
        if (r < 0) {
                passt_request_done(&q);
                return r;
        }
        list->items[list->count++] = q;
        return 0;
}

void passt_list_done(PasstList *list)
{
        for (size_t i = 0; i < list->count; i++)
                passt_request_done(&list->items[i]);
        free(list->items);
        *list = (PasstList){ 0 };
}

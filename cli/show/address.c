/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl address: a running guest's IP addresses. The guest knows best, so its agent is asked; where it does
 * not answer, the host's neighbour table has the addresses that the host exchanged packets with.
 */

#include <errno.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "net/neighbour.h"
#include "net/netlink.h"

/* A list of objects with "interface", "mac" and "address". */
static void add(json_t *list, const char *interface, const char *mac, const char *address)
{
        (void) json_array_append_new(
                list,
                json_pack("{s:s*, s:s*, s:s}", "interface", interface, "mac", mac, "address", address));
}

static void add_of_agent(json_t *list, const json_t *interfaces)
{
        const json_t *one, *ip;
        size_t i, k;

        json_array_foreach(interfaces, i, one) {
                const char *name = json_string_value(json_object_get(one, "name"));

                if (name && strcmp(name, "lo") == 0)
                        continue;
                json_array_foreach(json_object_get(one, "ip-addresses"), k, ip) {
                        const char *address = json_string_value(json_object_get(ip, "ip-address"));

                        if (address)
                                add(list, name, json_string_value(json_object_get(one, "hardware-address")),
                                    address);
                }
        }
}

/* Whether the agent answered. */
static bool ask_agent(Client *c, json_t *list)
{
        json_t *answer = NULL;
        const json_t *result;
        bool answered = false;

        if (client_send(
                    c, "org.vmunit.Guest.Agent",
                    json_pack("{s:s, s:i}", "execute", "guest-network-get-interfaces", "timeout", 5), 0,
                    (ClientFds){ 0 }) < 0)
                return false;
        if (client_receive(c, 30, &answer) >= 0) {
                result = json_object_get(json_object_get(answer, "parameters"), "result");
                answered = json_is_array(result);
                add_of_agent(list, result);
        }
        json_decref(answer);
        return answered;
}

typedef struct Search {
        const PlanClaim *claims;
        size_t n_claims;
        json_t *list;
} Search;

static int note(const uint8_t mac[static 6], const char *address, void *data)
{
        MacText text = mac_text(mac);
        const Search *s = data;

        for (size_t i = 0; i < s->n_claims; i++)
                if (s->claims[i].claim.kind == CLAIM_MAC && streq(s->claims[i].claim.value, text.text))
                        add(s->list, NULL, text.text, address);
        return 0;
}

/* The MAC addresses are those in the guest's XML. */
static void ask_neighbours(const Call *call, json_t *list)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(freep) char *path = NULL;
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(closep) int fd = -EBADF;

        (void) host_read(&host, NULL, call->user_scope);
        if (guest_directories(call->user_scope, &directories) < 0 ||
            guest_file_find(&directories, call->words[0], &path) < 0 || conversion_start(&c, &host) < 0 ||
            conversion_file(&c, path, call->words[0]) < 0 || netlink_open(&fd) < 0)
                return;
        (void) neighbour_list(fd, note, &(Search){ c.plan.claims, c.plan.n_claims, list });
}

int verb_address(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        json_t *list = json_array(), *one;
        size_t i;
        int r;

        r = client_open(call, &c);
        if (r == 0 && !ask_agent(&c, list))
                ask_neighbours(call, list);
        if (r == 0 && call->option)
                r = client_print(list);
        else if (r == 0 && json_array_size(list) == 0)
                r =
                        fail(EXIT_MISSING,
                             "no address of guest %s is known: no guest agent answers, and the host has not "
                             "exchanged packets with it",
                             c.guest);
        json_array_foreach(list, i, one) {
                _cleanup_(freep) char *text =
                        client_text(json_string_value(json_object_get(one, "address")));

                if (r == 0 && !call->option)
                        puts(text ?: "");
        }
        json_decref(list);
        return r;
}

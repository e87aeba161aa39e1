/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bus guarantees a well-formed message, and sd-bus its signature; nothing else is trusted. A caller's
 * text reaches a reply, the journal or the kernel only after it was found to be a valid name.
 */

#include "broker/call/create-tap.h"

#include <errno.h>
#include <stdbool.h>

#include "broker/call/error.h"
#include "broker/call/limits.h"
#include "contract/limits.h"
#include "util/interface-name.h"
#include "util/text.h"
#include "util/unit-name.h"

int guest_name_check(const char *name)
{
        return guest_name_is_valid(name) && strlen(name) <= GUEST_NAME_MAX ? 0 : -EINVAL;
}

int guest_address_from_text(const char *text, uint8_t ret[static 6])
{
        static const uint8_t none[6];
        uint8_t mac[6];

        if (text_to_mac(text, mac) < 0 || mac[0] & 1 || memcmp(mac, none, sizeof(mac)) == 0)
                return -EINVAL;
        memcpy(ret, mac, sizeof(mac));
        return 0;
}

static int bad(sd_bus_error *error, const char *text)
{
        return sd_bus_error_set(error, ERROR_BAD_REQUEST, text);
}

static int read_mac(sd_bus_message *call, CreateTap *to, sd_bus_error *error)
{
        const char *text;

        if (sd_bus_message_read(call, "v", "s", &text) < 0)
                return bad(error, "The option mac must be a string.");
        if (strnlen(text, OPTION_SIZE_MAX) >= OPTION_SIZE_MAX || guest_address_from_text(text, to->mac) < 0)
                return bad(error, "The option mac must be a unicast MAC address such as 52:54:00:12:34:56.");
        return 0;
}

static int read_queues(sd_bus_message *call, CreateTap *to, sd_bus_error *error)
{
        uint32_t queues;

        if (sd_bus_message_read(call, "v", "u", &queues) < 0 || queues == 0 || queues > BROKER_QUEUES_MAX)
                return sd_bus_error_setf(
                        error, ERROR_BAD_REQUEST,
                        "The option queues must be a number from 1 to %u (type u).", BROKER_QUEUES_MAX);
        to->queues = queues;
        return 0;
}

static int read_mtu(sd_bus_message *call, CreateTap *to, sd_bus_error *error)
{
        uint32_t mtu;

        if (sd_bus_message_read(call, "v", "u", &mtu) < 0 || mtu < MTU_MIN || mtu > MTU_MAX)
                return sd_bus_error_setf(
                        error, ERROR_BAD_REQUEST, "The option mtu must be a number from %u to %u (type u).",
                        MTU_MIN, MTU_MAX);
        to->mtu = mtu;
        return 0;
}

static const struct {
        const char *name;
        int (*read)(sd_bus_message *call, CreateTap *to, sd_bus_error *error);
        bool required;
} options[] = {
        { "mac", read_mac, true },
        { "queues", read_queues },
        { "mtu", read_mtu },
};

static int read_option(sd_bus_message *call, unsigned *seen, CreateTap *to, sd_bus_error *error)
{
        const char *name;
        int r;

        r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(options); i++) {
                if (!streq(options[i].name, name))
                        continue;
                if (*seen & 1U << i)
                        return sd_bus_error_setf(
                                error, ERROR_BAD_REQUEST, "The option %s may be given only once.",
                                options[i].name);
                *seen |= 1U << i;
                return options[i].read(call, to, error);
        }
        return bad(error, "Unknown option: must be one of mac, queues, mtu.");
}

static int read_options(sd_bus_message *call, CreateTap *to, sd_bus_error *error)
{
        unsigned seen = 0;
        int r;

        r = sd_bus_message_enter_container(call, 'a', "{sv}");
        while (r >= 0) {
                r = sd_bus_message_enter_container(call, 'e', "sv");
                if (r <= 0)
                        break;
                r = read_option(call, &seen, to, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(call);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(options); i++)
                if (options[i].required && !(seen & 1U << i))
                        return sd_bus_error_setf(
                                error, ERROR_BAD_REQUEST, "The option %s is missing.", options[i].name);
        return 0;
}

int create_tap_read(sd_bus_message *call, CreateTap *ret, sd_bus_error *ret_error)
{
        CreateTap q = { .queues = 1 };
        int r;

        r = sd_bus_message_read(call, "ss", &q.bridge, &q.guest);
        if (r < 0)
                return r;
        if (!interface_name_is_valid(q.bridge))
                return bad(ret_error, "The bridge is not a valid interface name.");
        if (guest_name_check(q.guest) < 0)
                return sd_bus_error_setf(
                        ret_error, ERROR_BAD_REQUEST,
                        "The guest's name is not valid: at most %u bytes of UTF-8, no slash, no control "
                        "character and no leading dot.",
                        GUEST_NAME_MAX);
        r = read_options(call, &q, ret_error);
        if (r < 0)
                return r;
        *ret = q;
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses --tap= while all privileges are still there, under the rules of prepare-request.c: it looks at
 * nothing but the text and limits what it accepts. Nothing in the text is trusted.
 */

#include "launcher/tap/tap-request.h"

#include <errno.h>

#include "contract/arguments.h"
#include "contract/limits.h"
#include "launcher/tap/macvtap.h"
#include "log/log.h"
#include "net/bridge/bridge-vlan.h"
#include "util/interface-name.h"

#define MTU_MIN  68U /* the least that IPv4 requires and the kernel accepts */
#define MTU_MAX  65521U
#define RATE_MAX (UINT64_C(1) << 48) /* bytes per second */

static int read_interface(const char *text, void *target)
{
        return interface_name_is_valid(text) ? argument_text(text, target) : -EINVAL;
}

static int read_mac(const char *text, void *target)
{
        uint8_t mac[6];

        if (text_to_mac(text, mac) < 0 || mac[0] & 1) /* not a multicast address */
                return -EINVAL;
        memcpy(target, mac, sizeof(mac));
        return 0;
}

static int read_mtu(const char *text, void *target)
{
        unsigned n;
        int r;

        r = text_to_unsigned(text, MTU_MAX, &n);
        if (r < 0)
                return r;
        if (n < MTU_MIN)
                return -ERANGE;
        *(unsigned *) target = n;
        return 0;
}

static int read_queues(const char *text, void *target)
{
        unsigned n;
        int r;

        r = text_to_unsigned(text, TAP_QUEUES_MAX, &n);
        if (r < 0)
                return r;
        if (n < 1)
                return -ERANGE;
        *(unsigned *) target = n;
        return 0;
}

/* One of two words; the second one means true. */
static int read_either(const char *text, const char *no, const char *yes, bool *target)
{
        if (!streq(text, no) && !streq(text, yes))
                return -EINVAL;
        *target = streq(text, yes);
        return 0;
}

static int read_link(const char *text, void *target)
{
        return read_either(text, "up", "down", target);
}

static int read_managed(const char *text, void *target)
{
        return read_either(text, "yes", "no", target);
}

static int read_broker(const char *text, void *target)
{
        return yes_no_from_word(text, target);
}

static int read_vhost(const char *text, void *target)
{
        return vhost_mode_from_word(text, target);
}

static int read_mode(const char *text, void *target)
{
        return macvtap_mode_from_text(text, target);
}

static int read_isolated(const char *text, void *target)
{
        return yes_no_from_word(text, target);
}

static int read_size(const char **text, uint64_t *ret)
{
        size_t n = strcspn(*text, ":");
        char number[24];

        if (n >= sizeof(number))
                return -ERANGE;
        memcpy(number, *text, n);
        number[n] = '\0';
        *text += n;
        return text_to_u64(number, RATE_MAX, ret);
}

/* AVERAGE:PEAK:BURST */
static int read_rate(const char *text, void *target)
{
        uint64_t numbers[3];
        int r;

        for (size_t i = 0; i < ELEMENTS(numbers); i++) {
                if (i > 0 && *text++ != ':')
                        return -EINVAL;
                r = read_size(&text, &numbers[i]);
                if (r < 0)
                        return r;
        }
        if (*text)
                return -EINVAL;
        if (numbers[0] == 0)
                return -ERANGE;
        *(ShapeRate *) target = (ShapeRate){ numbers[0], numbers[1], numbers[2] };
        return 0;
}

static int read_vlan(const char *text, unsigned *ret)
{
        unsigned n;
        int r;

        r = text_to_unsigned(text, VLAN_MAX, &n);
        if (r < 0)
                return r;
        if (n < VLAN_MIN)
                return -ERANGE;
        *ret = n;
        return 0;
}

static int read_native(const char *text, void *target)
{
        TapRequest *q = target;

        return q->native ? -EINVAL : read_vlan(text, &q->native);
}

static int read_native_tagged(const char *text, void *target)
{
        ((TapRequest *) target)->native_tagged = true;
        return read_native(text, target);
}

/* VLAN:VLAN:… */
static int read_trunk(const char *text, void *target)
{
        _cleanup_(freep) char *copy = strdup(text);
        TapRequest *q = target;
        char *p = copy, *word;
        unsigned vlan;
        int r = copy ? 0 : -ENOMEM;

        while (r >= 0 && (word = strsep(&p, ":"))) {
                r = read_vlan(word, &vlan);
                if (r >= 0)
                        q->trunk[vlan / 64] |= UINT64_C(1) << vlan % 64;
        }
        q->has_trunk = true;
        return r;
}

bool tap_request_has_vlan(const TapRequest *q, unsigned vlan)
{
        return q->trunk[vlan / 64] & UINT64_C(1) << vlan % 64;
}

static const Argument tap_arguments[] = {
        { "id", "an id of letters, digits, dots, dashes", argument_id, offsetof(TapRequest, id),
          ARGUMENT_REQUIRED },
        { "ifname", "an interface's name", read_interface, offsetof(TapRequest, interface), 0 },
        { "bridge", "an interface's name", read_interface, offsetof(TapRequest, bridge), 0 },
        { "mac", "an interface's MAC", read_mac, offsetof(TapRequest, mac), 0 },
        { "mtu", "an MTU", read_mtu, offsetof(TapRequest, mtu), 0 },
        { "queues", "a number of queues", read_queues, offsetof(TapRequest, queues), 0 },
        { "link", "up or down", read_link, offsetof(TapRequest, down), 0 },
        { "vhost", "no, try or require", read_vhost, offsetof(TapRequest, vhost), 0 },
        { "broker", "yes or no", read_broker, offsetof(TapRequest, broker), 0 },
        { "managed", "yes or no", read_managed, offsetof(TapRequest, unmanaged), 0 },
        { "lower", "an interface's name", read_interface, offsetof(TapRequest, lower), 0 },
        { "mode", "vepa, private, bridge or passthrough", read_mode, offsetof(TapRequest, mode), 0 },
        { "inbound", "AVERAGE:PEAK:BURST", read_rate, offsetof(TapRequest, inbound), 0 },
        { "outbound", "AVERAGE:PEAK:BURST", read_rate, offsetof(TapRequest, outbound), 0 },
        { "isolated", "yes or no", read_isolated, offsetof(TapRequest, isolated), 0 },
        { "native", "the only VLAN without tags, from 1 to 4094", read_native, 0, 0 },
        { "native-tagged", "the only VLAN without tags, from 1 to 4094", read_native_tagged, 0, 0 },
        { "trunk", "VLANs from 1 to 4094, with colons between them", read_trunk, 0, 0 },
};

static int check_port(const TapRequest *q)
{
        if (!q->bridge && (q->isolated || q->native || q->has_trunk)) {
                log_error(
                        "isolated=, native=, native-tagged= and trunk= of %s require bridge=.",
                        q->interface);
                return -EINVAL;
        }
        if (q->native && tap_request_has_vlan(q, q->native)) {
                log_error("VLAN %u cannot be both tagged and untagged, in %s.", q->native, q->interface);
                return -EINVAL;
        }
        return 0;
}

/* Which keys require or exclude each other. */
static int check_broker(const TapRequest *q)
{
        static const uint8_t none[6];

        if (!q->broker && !q->interface) {
                log_error("The TAP %s requires ifname=.", q->id);
                return -EINVAL;
        }
        if (q->broker && (q->interface || q->unmanaged || q->lower)) {
                log_error(
                        "broker=yes cannot be combined with ifname=, managed= or lower=, in TAP %s.", q->id);
                return -EINVAL;
        }
        if (q->broker && (!q->bridge || memcmp(q->mac, none, sizeof(none)) == 0)) {
                log_error("broker=yes requires bridge= and mac=, in TAP %s.", q->id);
                return -EINVAL;
        }
        return 0;
}

static int check_macvtap(const TapRequest *q)
{
        static const uint8_t none[6];

        if (!q->lower != !q->mode) {
                log_error("lower= and mode= require each other, in %s.", q->interface);
                return -EINVAL;
        }
        if (q->lower && (q->bridge || q->unmanaged)) {
                log_error("lower= cannot be combined with bridge= or managed=no, in %s.", q->interface);
                return -EINVAL;
        }
        if (q->lower && memcmp(q->mac, none, sizeof(none)) == 0) {
                log_error("lower= requires mac=, in %s.", q->interface);
                return -EINVAL;
        }
        return 0;
}

int tap_request_read(const char *text, void *target)
{
        TapList *list = target;
        TapRequest *items, *q;
        char *owned = NULL;
        int r;

        if (list->count >= TAPS_MAX)
                return -ERANGE;
        items = reallocarray(list->items, list->count + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        list->items = items;
        q = &items[list->count];
        *q = (TapRequest){ .queues = 1 };
        r = arguments_read_list(tap_arguments, ELEMENTS(tap_arguments), q, text, &owned);
        if (owned && strings_take(&list->owned, owned) < 0)
                return -ENOMEM;
        if (r >= 0)
                r = check_broker(q);
        if (r >= 0)
                r = check_macvtap(q);
        if (r >= 0)
                r = check_port(q);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->count; i++)
                if (streq(items[i].id, q->id) ||
                    (q->interface && streq_null(items[i].interface, q->interface))) {
                        log_error(
                                "Two TAPs have the same id or interface: %s, %s.", q->id,
                                q->interface ?: "(the broker's)");
                        return -EINVAL;
                }
        list->count++;
        return 0;
}

void tap_list_done(TapList *list)
{
        free(list->items);
        strings_done(&list->owned);
        *list = (TapList){ 0 };
}

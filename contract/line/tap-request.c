/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One table for both directions of --tap=: the launcher accepts each key that the generator writes, and no
 * other. The reader runs with root's privileges on text that an administrator may have changed; so it looks
 * at nothing but the text, and each value has limits.
 */

#include "contract/line/tap-request.h"

#include <errno.h>
#include <stdlib.h>

#include "contract/arguments.h"
#include "contract/limits.h"
#include "contract/words.h"
#include "log/log.h"
#include "net/bridge/bridge-vlan.h"
#include "util/interface-name.h"

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

static void write_mac(FILE *f, const char *key, const void *target)
{
        static const uint8_t none[6];

        if (memcmp(target, none, sizeof(none)) != 0)
                fprintf(f, ",%s=%s", key, mac_text(target).text);
}

static int read_link(const char *text, void *target)
{
        return up_down_from_word(text, target);
}

static void write_link(FILE *f, const char *key, const void *target)
{
        bool down = *(const bool *) target;

        if (down)
                fprintf(f, ",%s=%s", key, up_down_word(down));
}

static int read_yes_no(const char *text, void *target)
{
        return yes_no_from_word(text, target);
}

static void write_yes(FILE *f, const char *key, const void *target)
{
        if (*(const bool *) target)
                fprintf(f, ",%s=%s", key, yes_no_word(true));
}

static int read_managed(const char *text, void *target)
{
        bool managed;
        int r = yes_no_from_word(text, &managed);

        if (r >= 0)
                *(bool *) target = !managed;
        return r;
}

static void write_managed(FILE *f, const char *key, const void *target)
{
        if (*(const bool *) target)
                fprintf(f, ",%s=%s", key, yes_no_word(false));
}

static int read_vhost(const char *text, void *target)
{
        return vhost_mode_from_word(text, target);
}

static void write_vhost(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%s", key, vhost_mode_word(*(const VhostMode *) target));
}

static int read_mode(const char *text, void *target)
{
        return macvtap_mode_from_word(text, target);
}

static void write_mode(FILE *f, const char *key, const void *target)
{
        MacvtapMode mode = *(const MacvtapMode *) target;

        if (mode)
                fprintf(f, ",%s=%s", key, macvtap_mode_word(mode));
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

static void write_rate(FILE *f, const char *key, const void *target)
{
        const ShapeRate *rate = target;

        if (rate->average)
                fprintf(f, ",%s=%llu:%llu:%llu", key, (unsigned long long) rate->average,
                        (unsigned long long) rate->peak, (unsigned long long) rate->burst);
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

static void write_native(FILE *f, const char *key, const void *target)
{
        const TapRequest *q = target;

        if (q->native && !q->native_tagged)
                fprintf(f, ",%s=%u", key, q->native);
}

static void write_native_tagged(FILE *f, const char *key, const void *target)
{
        const TapRequest *q = target;

        if (q->native && q->native_tagged)
                fprintf(f, ",%s=%u", key, q->native);
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

static void write_trunk(FILE *f, const char *key, const void *target)
{
        const TapRequest *q = target;
        bool any = false;

        for (unsigned vlan = VLAN_MIN; vlan <= VLAN_MAX && q->has_trunk; vlan++)
                if (tap_request_has_vlan(q, vlan)) {
                        if (any)
                                fprintf(f, ":%u", vlan);
                        else
                                fprintf(f, ",%s=%u", key, vlan);
                        any = true;
                }
}

bool tap_request_has_vlan(const TapRequest *q, unsigned vlan)
{
        return q->trunk[vlan / 64] & UINT64_C(1) << vlan % 64;
}

#define AT(member) offsetof(TapRequest, member)

static const Argument tap_arguments[] = {
        { "id", "an id of letters, digits, '.', '_' and '-'", argument_id, AT(id), ARGUMENT_REQUIRED,
          argument_write_text },
        { "ifname", "an interface name", read_interface, AT(interface), 0, argument_write_text },
        { "queues", "a number of queues", read_queues, AT(queues), 0, argument_write_unsigned },
        { "vhost", "no, try or require", read_vhost, AT(vhost), 0, write_vhost },
        { "broker", "yes or no", read_yes_no, AT(broker), 0, write_yes },
        { "bridge", "an interface name", read_interface, AT(bridge), 0, argument_write_text },
        { "mac", "a unicast MAC address", read_mac, AT(mac), 0, write_mac },
        { "mtu", "an MTU", read_mtu, AT(mtu), 0, argument_write_unsigned },
        { "link", "up or down", read_link, AT(down), 0, write_link },
        { "managed", "yes or no", read_managed, AT(unmanaged), 0, write_managed },
        { "lower", "an interface name", read_interface, AT(lower), 0, argument_write_text },
        { "mode", MACVTAP_MODE_WORDS, read_mode, AT(mode), 0, write_mode },
        { "inbound", "AVERAGE:PEAK:BURST", read_rate, AT(inbound), 0, write_rate },
        { "outbound", "AVERAGE:PEAK:BURST", read_rate, AT(outbound), 0, write_rate },
        { "native", "the only untagged VLAN, from 1 to 4094", read_native, 0, 0, write_native },
        { "native-tagged", "the only untagged VLAN, from 1 to 4094", read_native_tagged, 0, 0,
          write_native_tagged },
        { "trunk", "VLANs from 1 to 4094, separated by colons", read_trunk, 0, 0, write_trunk },
        { "isolated", "yes or no", read_yes_no, AT(isolated), 0, write_yes },
};

char *tap_request_write(const TapRequest *q)
{
        return arguments_write_list(tap_arguments, ELEMENTS(tap_arguments), q);
}

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generator writes these words into units and the launcher reads them; the launcher also keeps some of
 * them in its records. One table for both directions keeps the two from drifting apart. The words come from
 * units that an administrator may have changed, so only exact matches are accepted.
 */

#include "contract/words.h"

#include <errno.h>
#include <stddef.h>

#include "util/text.h"

static const char *const access_words[ACCESS_MODES] = {
        [ACCESS_READ] = "ro",
        [ACCESS_WRITE] = "rw",
        [ACCESS_WRITE_SHARED] = "rw-shared",
};

static const char *const claim_kind_words[CLAIM_KINDS] = {
        [CLAIM_UUID] = "uuid",
        [CLAIM_MAC] = "mac",
        [CLAIM_VSOCK_CID] = "vsock-cid",
};

static const char *const claim_kind_names[CLAIM_KINDS] = {
        [CLAIM_UUID] = "UUID",
        [CLAIM_MAC] = "MAC address",
        [CLAIM_VSOCK_CID] = "vsock CID",
};

static const char *const fate_words[FATES] = {
        [FATE_DESTROY] = "destroy",
        [FATE_RESTART] = "restart",
        [FATE_PRESERVE] = "preserve",
        [FATE_DUMP_DESTROY] = "coredump-destroy",
        [FATE_DUMP_RESTART] = "coredump-restart",
};

static const char *const vhost_mode_words[VHOST_MODES] = {
        [VHOST_NO] = "no",
        [VHOST_TRY] = "try",
        [VHOST_REQUIRE] = "require",
};

static const char *const macvtap_mode_words[] = {
        [MACVTAP_PRIVATE] = "private",
        [MACVTAP_VEPA] = "vepa",
        [MACVTAP_BRIDGE] = "bridge",
        [MACVTAP_PASSTHROUGH] = "passthrough",
};

static const char *const up_down_words[] = { "up", "down" };

static const char *const yes_no_words[] = { "no", "yes" };

/* The word's index in the table, which may have gaps, or -EINVAL. */
static int find(const char *const *words, size_t count, const char *word)
{
        for (size_t i = 0; i < count; i++)
                if (words[i] && streq(words[i], word))
                        return (int) i;
        return -EINVAL;
}

const char *access_word(Access access)
{
        return access_words[access];
}

int access_from_word(const char *word, Access *ret)
{
        int i = find(access_words, ELEMENTS(access_words), word);

        if (i < 0)
                return i;
        *ret = (Access) i;
        return 0;
}

const char *claim_kind_word(ClaimKind kind)
{
        return claim_kind_words[kind];
}

int claim_kind_from_word(const char *word, ClaimKind *ret)
{
        int i = find(claim_kind_words, ELEMENTS(claim_kind_words), word);

        if (i < 0)
                return i;
        *ret = (ClaimKind) i;
        return 0;
}

const char *claim_kind_name(ClaimKind kind)
{
        return claim_kind_names[kind];
}

const char *fate_word(Fate fate)
{
        return fate_words[fate];
}

int fate_from_word(const char *word, Fate *ret)
{
        int i = find(fate_words, ELEMENTS(fate_words), word);

        if (i < 0)
                return i;
        *ret = (Fate) i;
        return 0;
}

const char *vhost_mode_word(VhostMode mode)
{
        return vhost_mode_words[mode];
}

int vhost_mode_from_word(const char *word, VhostMode *ret)
{
        int i = find(vhost_mode_words, ELEMENTS(vhost_mode_words), word);

        if (i < 0)
                return i;
        *ret = (VhostMode) i;
        return 0;
}

const char *macvtap_mode_word(MacvtapMode mode)
{
        return macvtap_mode_words[mode];
}

int macvtap_mode_from_word(const char *word, MacvtapMode *ret)
{
        int i = find(macvtap_mode_words, ELEMENTS(macvtap_mode_words), word);

        if (i < 0)
                return i;
        *ret = (MacvtapMode) i;
        return 0;
}

const char *up_down_word(bool down)
{
        return up_down_words[down];
}

int up_down_from_word(const char *word, bool *ret_down)
{
        int i = find(up_down_words, ELEMENTS(up_down_words), word);

        if (i < 0)
                return i;
        *ret_down = i == 1;
        return 0;
}

const char *yes_no_word(bool yes)
{
        return yes_no_words[yes];
}

int yes_no_from_word(const char *word, bool *ret)
{
        int i = find(yes_no_words, ELEMENTS(yes_no_words), word);

        if (i < 0)
                return i;
        *ret = i == 1;
        return 0;
}

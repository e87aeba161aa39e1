/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writer and reader of each value stand side by side, so that neither changes without the other. The readers
 * run with root's privileges on text that an administrator may have changed: they look at nothing but the
 * text. Only the last part, or the first one of a source and of a descriptor, can hold a colon.
 */

#include "contract/line/colon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "contract/arguments.h"

#define HASH_DIGITS 16U

/* Splits the text at its first colon and stores what is before it in owned. */
static int cut(const char *text, Strings *owned, const char **ret_first, const char **ret_rest)
{
        const char *colon = strchr(text, ':');
        char *first;

        if (!colon)
                return -EINVAL;
        first = strndup(text, (size_t) (colon - text));
        if (strings_take(owned, first) < 0)
                return -ENOMEM;
        *ret_first = first;
        *ret_rest = colon + 1;
        return 0;
}

int path_value_read(const char *text, void *target)
{
        return strlen(text) >= PATH_MAX ? -ERANGE : argument_path(text, target);
}

char *grant_value_write(Access mode, const char *path)
{
        return text_format("%s:%s", access_word(mode), path);
}

int grant_value_read(const char *text, Strings *owned, Access *ret_mode, const char **ret_path)
{
        const char *word, *path;
        Access mode;
        int r;

        r = cut(text, owned, &word, &path);
        r = r < 0 ? r : access_from_word(word, &mode);
        r = r < 0 ? r : path_value_read(path, ret_path);
        if (r >= 0)
                *ret_mode = mode;
        return r;
}

char *image_value_write(Access access, bool direct, const char *node, const char *path)
{
        return text_format("%s:%s:%s:%s", access_word(access), direct ? "direct" : "cached", node, path);
}

int image_value_read(
        const char *text, Strings *owned, Access *ret_access, bool *ret_direct, const char **ret_node,
        const char **ret_path)
{
        const char *word, *cache, *node;
        Access access;
        int r;

        r = cut(text, owned, &word, &text);
        r = r < 0 ? r : access_from_word(word, &access);
        r = r < 0 ? r : cut(text, owned, &cache, &text);
        if (r >= 0 && !streq(cache, "direct") && !streq(cache, "cached"))
                r = -EINVAL;
        r = r < 0 ? r : cut(text, owned, &node, &text);
        r = r < 0 ? r : argument_id(node, ret_node);
        r = r < 0 ? r : path_value_read(text, ret_path);
        if (r < 0)
                return r;
        *ret_access = access;
        *ret_direct = streq(cache, "direct");
        return 0;
}

char *chain_value_write(const char *node, const char *format, const char *path)
{
        return text_format("%s:%s:%s", node, format, path);
}

int chain_value_read(
        const char *text, Strings *owned, const char **ret_node, const char **ret_format,
        const char **ret_path)
{
        const char *node, *format;
        int r;

        r = cut(text, owned, &node, &text);
        r = r < 0 ? r : argument_id(node, ret_node);
        r = r < 0 ? r : cut(text, owned, &format, &text);
        r = r < 0 ? r : argument_id(format, ret_format);
        return r < 0 ? r : path_value_read(text, ret_path);
}

char *source_value_write(const char *path, uint64_t hash)
{
        return text_format("%s:%016llx", path, (unsigned long long) hash);
}

int source_value_read(const char *text, Strings *owned, const char **ret_path, uint64_t *ret_hash)
{
        const char *colon = strrchr(text, ':');
        uint64_t hash = 0;
        char *path;

        if (!colon || strlen(colon + 1) != HASH_DIGITS)
                return -EINVAL;
        for (const char *p = colon + 1; *p; p++) {
                if (!strchr("0123456789abcdef", *p))
                        return -EINVAL;
                hash = hash << 4 | (uint64_t) (*p <= '9' ? *p - '0' : *p - 'a' + 10);
        }
        path = strndup(text, (size_t) (colon - text));
        if (strings_take(owned, path) < 0)
                return -ENOMEM;
        *ret_hash = hash;
        return path_value_read(path, ret_path);
}

char *argument_path_write(unsigned line, const char *path)
{
        return text_format("%u:%s", line, path);
}

int argument_path_read(const char *text, unsigned *ret_line, const char **ret_path)
{
        _cleanup_(freep) char *line = strndup(text, strcspn(text, ":"));
        int r;

        if (!line)
                return -ENOMEM;
        if (!text[strlen(line)])
                return -EINVAL;
        r = text_to_unsigned(line, UINT_MAX, ret_line);
        return r < 0 ? r : path_value_read(text + strlen(line) + 1, ret_path);
}

char *claim_value_write(const Claim *claim)
{
        return text_format("%s:%s", claim_kind_word(claim->kind), claim->value);
}

int claim_make(ClaimKind kind, const char *value, Claim *ret)
{
        Claim claim = { .kind = kind };
        unsigned number;
        uint8_t mac[6];
        int r;

        switch (kind) {
        case CLAIM_UUID:
                r = text_to_uuid(value, claim.value);
                break;
        case CLAIM_MAC:
                r = text_to_mac(value, mac);
                if (r >= 0)
                        snprintf(claim.value, sizeof(claim.value), "%s", mac_text(mac).text);
                break;
        case CLAIM_VSOCK_CID:
                r = text_to_unsigned(value, UINT32_MAX, &number);
                if (r >= 0)
                        snprintf(claim.value, sizeof(claim.value), "%u", number);
                break;
        default:
                r = -EINVAL;
        }
        if (r >= 0)
                *ret = claim;
        return r;
}

int claim_value_read(const char *text, Claim *ret)
{
        _cleanup_(strings_done) Strings owned = { 0 };
        const char *word, *value;
        ClaimKind kind;
        int r;

        r = cut(text, &owned, &word, &value);
        r = r < 0 ? r : claim_kind_from_word(word, &kind);
        return r < 0 ? r : claim_make(kind, value, ret);
}

bool claim_same(const Claim *a, const Claim *b)
{
        return a->kind == b->kind && streq(a->value, b->value);
}

char *fd_value_write(const char *name, unsigned number)
{
        return text_format("%s:%u", name, number);
}

int fd_value_read(const char *text, char **ret_name, int *ret_number)
{
        const char *colon = strrchr(text, ':');
        int number, r;

        if (!colon || colon == text)
                return -EINVAL;
        r = argument_fd(colon + 1, &number);
        if (r < 0)
                return r;
        *ret_name = strndup(text, (size_t) (colon - text));
        if (!*ret_name)
                return -ENOMEM;
        *ret_number = number;
        return 0;
}

char *disk_value_write(const char *node, const char *target, const char *path)
{
        return text_format("%s:%s%s%s", node, target, path ? ":" : "", path ?: "");
}

int disk_value_read(const char *text, char **ret_node, const char **ret_target, const char **ret_path)
{
        _cleanup_(freep) char *copy = strdup(text);
        char *disk, *path;

        if (!copy)
                return -ENOMEM;
        disk = strchr(copy, ':');
        if (!disk || disk == copy)
                return -EINVAL;
        *disk++ = '\0';
        path = strchr(disk, ':');
        if (path)
                *path++ = '\0';
        if (!*disk || (path && !*path))
                return -EINVAL;
        *ret_node = TAKE_PTR(copy);
        *ret_target = disk;
        *ret_path = path;
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A setting with a mistake must not count as absent: it may be the one that forbids something. So a policy
 * is valid as a whole or not at all. The generator also reports mistakes in settings that only the broker
 * uses, so that `vmctl check` finds them.
 */

#include "policy/policy.h"

#include <errno.h>
#include <stddef.h>

#include "policy/reader.h"
#include "util/interface-name.h"

#define POLICY_FILES_MAX   256 /* drop-ins */
#define POLICY_BRIDGES_MAX 1024
#define POLICY_TAPS        16 /* of one user, by default */

/* systemd's UIDS-GIDS.md leaves these to nobody: above its containers, below the IDs of foreign images. */
static const UidRange default_users = { 0x70000000, 0x7ffdffff };

static const char *const directories[] = { "/etc/vmunit", "/run/vmunit", "/usr/lib/vmunit" };

typedef enum Section {
        SECTION_NONE,
        SECTION_UNKNOWN, /* one finding for the whole section is enough */
        SECTION_GUESTS,
        SECTION_BROKER,
        SECTION_BRIDGE,
} Section;

static void read_disk_directories(Reader *r, char *value, void *to)
{
        Policy *policy = to;

        policy->disk_directories_at = r->place;
        value_read_paths(r, value, &policy->disk_directories);
}

static const struct {
        Section section;
        const char *key;
        ReadValue *read;
        size_t offset; /* in Policy, or in PolicyBridge */
} keys[] = {
        { SECTION_GUESTS, "ImageDirectories", value_read_paths, offsetof(Policy, image_directories) },
        { SECTION_GUESTS, "Disks", value_read_disks, offsetof(Policy, disks_by_descriptor) },
        { SECTION_GUESTS, "DiskDirectories", read_disk_directories, 0 },
        { SECTION_GUESTS, "MaxGuests", value_read_limit, offsetof(Policy, max_guests) },
        { SECTION_GUESTS, "MaxMemory", value_read_size_limit, offsetof(Policy, max_memory) },
        { SECTION_GUESTS, "MaxVCPUs", value_read_limit, offsetof(Policy, max_vcpus) },
        { SECTION_GUESTS, "User", value_read_user, offsetof(Policy, user) },
        { SECTION_GUESTS, "UserRange", value_read_uids, offsetof(Policy, user_range) },
        { SECTION_GUESTS, "SaveOnStop", value_read_bool, offsetof(Policy, save_on_stop) },
        { SECTION_BROKER, "BridgeConf", value_read_bool, offsetof(Policy, use_bridge_conf) },
        { SECTION_BROKER, "MaxTaps", value_read_taps, offsetof(Policy, max_taps) },
        { SECTION_BRIDGE, "Users", value_read_names, offsetof(PolicyBridge, users) },
        { SECTION_BRIDGE, "Groups", value_read_names, offsetof(PolicyBridge, groups) },
        { SECTION_BRIDGE, "MaxTaps", value_read_taps, offsetof(PolicyBridge, max_taps) },
        { SECTION_BRIDGE, "MACAddresses", value_read_ranges, 0 },
        { SECTION_BRIDGE, "FilterMAC", value_read_bool, offsetof(PolicyBridge, filter_mac) },
};

/* The current section of the file. */
typedef struct Position {
        Section section;
        size_t bridge; /* index in the policy */
} Position;

static int find_bridge(const Policy *policy, const char *name, size_t *ret)
{
        for (size_t i = 0; i < policy->n_bridges; i++)
                if (streq(policy->bridges[i].name, name)) {
                        *ret = i;
                        return 0;
                }
        return -ENOENT;
}

/* Sections with the same name are merged. */
static void begin_bridge(Reader *r, const char *name, Position *at)
{
        Policy *policy = r->policy;
        PolicyBridge *bridges;

        *at = (Position){ SECTION_BRIDGE };
        if (find_bridge(policy, name, &at->bridge) >= 0)
                return;
        if (policy->n_bridges >= POLICY_BRIDGES_MAX) {
                reader_error(
                        r, name, "too many [Bridge] sections: at most %u are supported", POLICY_BRIDGES_MAX);
                at->section = SECTION_UNKNOWN;
                return;
        }
        bridges = reallocarray(policy->bridges, policy->n_bridges + 1, sizeof(*bridges));
        if (bridges) {
                policy->bridges = bridges;
                at->bridge = policy->n_bridges;
                bridges[at->bridge] = (PolicyBridge){ .name = strdup(name), .filter_mac = true };
        }
        if (!bridges || !bridges[at->bridge].name) {
                r->status = -ENOMEM;
                at->section = SECTION_UNKNOWN;
                return;
        }
        policy->n_bridges++;
}

static void read_section(Reader *r, char *line, Position *at)
{
        size_t n = strlen(line);
        char *name;

        *at = (Position){ SECTION_UNKNOWN };
        if (streq(line, "[Guests]"))
                at->section = SECTION_GUESTS;
        else if (streq(line, "[Broker]"))
                at->section = SECTION_BROKER;
        else if (text_after(line, "[Bridge ") && line[n - 1] == ']') {
                line[n - 1] = '\0';
                name = reader_trim(line + strlen("[Bridge "));
                if (interface_name_is_valid(name))
                        begin_bridge(r, name, at);
                else
                        reader_error(r, name, "'%s' is not a valid interface name", name);
        } else
                reader_error(
                        r, line, "unknown section %s; must be one of: [Guests], [Broker], [Bridge NAME]",
                        line);
}

static bool read_switch(Reader *r, const char *key, char *value)
{
        for (size_t i = 0; i < POLICY_SWITCHES; i++)
                if (streq(policy_switches[i].key, key)) {
                        value_read_bool(r, value, &r->policy->switches[i].allowed);
                        r->policy->switches[i].at = r->place;
                        return true;
                }
        return false;
}

static void read_assignment(Reader *r, char *key, char *value, const Position *at)
{
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (keys[i].section == at->section && streq(keys[i].key, key)) {
                        char *base = at->section == SECTION_BRIDGE ? (char *) &r->policy->bridges[at->bridge]
                                                                   : (char *) r->policy;

                        keys[i].read(r, value, base + keys[i].offset);
                        return;
                }
        if (at->section != SECTION_GUESTS || !read_switch(r, key, value))
                reader_error(r, key, "unknown setting %s= in this section", key);
}

static void read_line(Reader *r, char *line, Position *at)
{
        char *equals;

        if (!*line || *line == '#' || *line == ';')
                return;
        if (*line == '[') {
                read_section(r, line, at);
                return;
        }
        equals = strchr(line, '=');
        if (!equals)
                reader_error(r, line, "expected [SECTION] or KEY=VALUE");
        else if (at->section == SECTION_NONE)
                reader_error(r, line, "expected a [SECTION] before the first setting");
        else if (at->section != SECTION_UNKNOWN) {
                *equals = '\0';
                read_assignment(r, reader_trim(line), reader_trim(equals + 1), at);
        }
}

/* 1 if the file was read, 0 if it does not exist. */
static int read_file(Reader *r, const char *path)
{
        _cleanup_(freep) char *data = NULL;
        Position at = { 0 };
        char *line, *next;
        int q;

        q = reader_open(r, path, &data);
        if (q <= 0)
                return q;
        next = data;
        while ((line = reader_next_line(r, &next)))
                read_line(r, line, &at);
        return r->status < 0 ? r->status : 1;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static int list_directory(DIR *dir, Strings *names)
{
        struct dirent *entry;

        while (errno = 0, (entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || !text_ends_with(entry->d_name, ".conf") ||
                    strings_have(names, entry->d_name))
                        continue;
                if (names->count >= POLICY_FILES_MAX)
                        return -E2BIG;
                if (strings_add(names, entry->d_name) < 0)
                        return -ENOMEM;
        }
        return -errno;
}

/* A directory that exists but cannot be listed is an error: what it restricts is unknown. */
static int list_drop_ins(Reader *r, const char *root, Strings *names)
{
        Strings *files = &r->policy->files;

        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *path = text_format("%s%s/vmunit.conf.d", root, directories[i]);
                _cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
                int q = !path ? -ENOMEM : dir ? list_directory(dir, names) : -errno;

                if (q == -ENOMEM || q == -E2BIG)
                        return q;
                if (q == 0 || q == -ENOENT || q == -ENOTDIR)
                        continue;
                if (strings_add(files, path) < 0) /* a finding borrows the name of its file */
                        return -ENOMEM;
                finding(r->findings, SEVERITY_ERROR, (Place){ files->items[files->count - 1] },
                        "cannot read the file: %s", strerror(-q));
        }
        if (names->count > 0)
                qsort(names->items, names->count, sizeof(*names->items), by_text);
        return 0;
}

/* The first directory that has the file wins. */
static int read_first(Reader *r, const char *root, const char *middle, const char *name)
{
        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *path = text_format("%s%s/%s%s", root, directories[i], middle, name);
                int q = path ? read_file(r, path) : -ENOMEM;

                if (q != 0)
                        return q;
        }
        return 0;
}

static void set_defaults(Policy *policy, bool user_scope)
{
        policy->disks_by_descriptor = true;
        policy->max_taps = POLICY_TAPS;
        policy->user_range = default_users;
        for (size_t i = 0; i < POLICY_SWITCHES; i++)
                policy->switches[i].allowed = !(user_scope && policy_switches[i].off_for_users);
}

static void check_contradictions(const Policy *policy, Findings *findings)
{
        const PolicyChoice *chown = &policy->switches[POLICY_CHOWN];
        Place place = chown->at;

        place.column = 1;
        if (!chown->allowed && !policy->disks_by_descriptor)
                finding(findings, SEVERITY_ERROR, place,
                        "AllowChown=no contradicts Disks=chown, with which QEMU's user becomes the owner of "
                        "disks; remove one of them");
}

char *policy_place_text(const Place *at)
{
        return at->file ? text_format("%s:%u", at->file, at->line) : strdup("vmunit.conf");
}

int policy_read(const char *root, bool user_scope, Policy *policy, Findings *findings)
{
        Reader r = { .policy = policy, .findings = findings };
        _cleanup_(strings_done) Strings names = { 0 };
        int q;

        root = root ?: "";
        set_defaults(policy, user_scope);
        q = read_first(&r, root, "", "vmunit.conf");
        q = q < 0 ? q : list_drop_ins(&r, root, &names);
        for (size_t i = 0; q >= 0 && i < names.count; i++)
                q = read_first(&r, root, "vmunit.conf.d/", names.items[i]);
        if (q < 0)
                return q;
        check_contradictions(policy, findings);
        return findings_failed(findings) ? -EINVAL : 0;
}

const PolicyBridge *policy_find_bridge(const Policy *policy, const char *name)
{
        size_t i;

        return find_bridge(policy, name, &i) < 0 ? NULL : &policy->bridges[i];
}

bool policy_allows_address(const PolicyBridge *bridge, const uint8_t mac[static 6])
{
        static const AddressRange qemus = { 0x525400000000, 0x525400ffffff };
        bool own = bridge && bridge->n_ranges > 0;
        const AddressRange *ranges = own ? bridge->ranges : &qemus;
        uint64_t address = 0;

        for (size_t i = 0; i < 6; i++)
                address = address << 8 | mac[i];
        for (size_t i = 0; i < (own ? bridge->n_ranges : 1); i++)
                if (ranges[i].first <= address && address <= ranges[i].last)
                        return true;
        return false;
}

static void bridge_done(PolicyBridge *bridge)
{
        free(bridge->name);
        free(bridge->ranges);
        strings_done(&bridge->users);
        strings_done(&bridge->groups);
}

void policy_done(Policy *policy)
{
        for (size_t i = 0; i < policy->n_bridges; i++)
                bridge_done(&policy->bridges[i]);
        free(policy->bridges);
        strings_done(&policy->bridge_conf.allowed);
        strings_done(&policy->bridge_conf.denied);
        strings_done(&policy->files);
        strings_done(&policy->image_directories);
        strings_done(&policy->disk_directories);
        free(policy->user);
        *policy = (Policy){ 0 };
}

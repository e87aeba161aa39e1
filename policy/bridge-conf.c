/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file with which administrators tell QEMU's setuid bridge helper what users may do. Each line is "allow
 * BRIDGE", "deny BRIDGE", either with "all", or "include FILE"; a deny anywhere overrides every allow.
 *
 * The helper skips files that it cannot read: files readable by some users only are how permissions are
 * assigned to them. The broker is none of these users, and skipping could lose a "deny", so it is an error
 * here.
 */

#include <errno.h>

#include "policy/reader.h"

#define BRIDGE_CONF           "/etc/qemu/bridge.conf"
#define BRIDGE_CONF_FILES_MAX 64

static int add_bridge(Strings *list, bool *all, const char *bridge)
{
        if (!streq(bridge, "all"))
                return strings_add(list, bridge);
        *all = true;
        return 0;
}

/* Included files are appended to the list of files to read. */
static void read_line(Reader *r, const char *root, char *line, Strings *files)
{
        PolicyBridgeConf *conf = &r->policy->bridge_conf;
        char *rest = line, *word, *value;
        int q = 0;

        if (!*line || *line == '#')
                return;
        word = reader_next_word(&rest);
        value = reader_next_word(&rest);
        if (!value || reader_next_word(&rest))
                reader_error(r, line, "expected \"allow BRIDGE\", \"deny BRIDGE\" or \"include FILE\"");
        else if (streq(word, "allow"))
                q = add_bridge(&conf->allowed, &conf->allow_all, value);
        else if (streq(word, "deny"))
                q = add_bridge(&conf->denied, &conf->deny_all, value);
        else if (!streq(word, "include"))
                reader_error(r, word, "unknown word '%s'; must be one of: allow, deny, include", word);
        else if (*value != '/')
                reader_error(r, value, "'%s' is not an absolute path", value);
        else if (files->count >= BRIDGE_CONF_FILES_MAX)
                reader_error(r, word, "too many included files: at most %u", BRIDGE_CONF_FILES_MAX);
        else
                q = strings_addf(files, "%s%s", root, value);
        if (q < 0)
                r->status = q;
}

int policy_read_bridge_conf(const char *root, Policy *policy, Findings *findings)
{
        Reader r = { .policy = policy, .findings = findings };
        _cleanup_(strings_done) Strings files = { 0 };
        int q;

        root = root ?: "";
        q = strings_addf(&files, "%s%s", root, BRIDGE_CONF);
        for (size_t i = 0; q >= 0 && i < files.count; i++) {
                _cleanup_(freep) char *data = NULL;
                char *line, *next;

                q = reader_open(&r, files.items[i], &data);
                if (q == 0 && i > 0)
                        finding(findings, SEVERITY_ERROR, r.place, "included, but does not exist");
                next = data;
                while ((line = reader_next_line(&r, &next)))
                        read_line(&r, root, line, &files);
                q = q < 0 ? q : r.status;
        }
        if (q < 0)
                return q;
        return findings_failed(findings) ? -EINVAL : 0;
}

bool policy_bridge_conf_allows(const PolicyBridgeConf *conf, const char *name)
{
        if (conf->deny_all || strings_have(&conf->denied, name))
                return false;
        return conf->allow_all || strings_have(&conf->allowed, name);
}

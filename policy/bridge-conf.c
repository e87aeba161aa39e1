/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file by which an administrator tells QEMU's setuid helper for bridges what users may do. Each line is
 * "allow BRIDGE", "deny BRIDGE", either with "all", or "include FILE"; what is denied anywhere is denied,
 * whatever is allowed.
 *
 * The helper passes over what it cannot read, and a file that only some may read is how it is told who may
 * what. The broker is none of them and would take away a "deny" by that, so it is an error here.
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

/* Files that are yet to be read come to the end of the list. */
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
                reader_error(r, line, "not two words: allow, deny or include, and what");
        else if (streq(word, "allow"))
                q = add_bridge(&conf->allowed, &conf->allow_all, value);
        else if (streq(word, "deny"))
                q = add_bridge(&conf->denied, &conf->deny_all, value);
        else if (!streq(word, "include"))
                reader_error(r, word, "'%s' is none of allow, deny and include", word);
        else if (*value != '/')
                reader_error(r, value, "'%s' is not an absolute path", value);
        else if (files->count >= BRIDGE_CONF_FILES_MAX)
                reader_error(r, word, "more than %u files", BRIDGE_CONF_FILES_MAX);
        else
                q = strings_addf(files, "%s%s", root, value);
        if (q < 0)
                r->status = q;
}

int policy_read_bridge_conf(const char *root, Policy *policy, Findings *findings)
{
        Reader r = { .policy = policy, .findings = findings };
        _cleanup_(strings_cleanup) Strings files = { 0 };
        int q;

        root = root ?: "";
        q = strings_addf(&files, "%s%s", root, BRIDGE_CONF);
        for (size_t i = 0; q >= 0 && i < files.count; i++) {
                _cleanup_(freep) char *data = NULL;
                char *line, *next;

                q = reader_open(&r, files.items[i], &data);
                if (q == 0 && i > 0)
                        finding(findings, SEVERITY_ERROR, r.place, "is included, and not there");
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

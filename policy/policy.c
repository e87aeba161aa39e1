/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>

#include "util/file.h"

#define POLICY_SIZE_MAX  ((size_t) 1 << 20) /* bytes of one file */
#define POLICY_FILES_MAX 256                /* drop-ins */

static const char *const directories[] = { "/etc/vmunit", "/run/vmunit", "/usr/lib/vmunit" };

typedef struct Reader {
        Policy *policy;
        Findings *findings;
        Place place;
        int status;
} Reader;

/* A list replaces nothing: it adds, and an empty one forgets what came before, as in systemd's files. */
static void read_paths(Reader *r, Strings *list, const char *value)
{
        if (!*value)
                strings_done(list);
        while (*value) {
                size_t n = strcspn(value, " \t");
                _cleanup_(freep) char *path = strndup(value, n);

                if (!path || (n > 0 && path[0] == '/' && strings_add(list, path) < 0))
                        r->status = -ENOMEM;
                else if (n > 0 && path[0] != '/')
                        finding(r->findings, SEVERITY_ERROR, r->place, "'%s' is not an absolute path", path);
                value += n + strspn(value + n, " \t");
        }
}

static void read_bool(Reader *r, bool *to, const char *value)
{
        static const struct {
                const char *text;
                bool value;
        } words[] = {
                { "yes", true }, { "true", true },   { "on", true },   { "1", true },
                { "no", false }, { "false", false }, { "off", false }, { "0", false },
        };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (streq(words[i].text, value)) {
                        *to = words[i].value;
                        return;
                }
        finding(r->findings, SEVERITY_ERROR, r->place, "'%s' is neither yes nor no", value);
}

static void read_assignment(Reader *r, const char *key, const char *value)
{
        Policy *p = r->policy;

        if (streq(key, "ImageDirectories"))
                read_paths(r, &p->image_directories, value);
        else if (streq(key, "AllowQemuCommandline"))
                read_bool(r, &p->allow_qemu_commandline, value);
        else if (streq(key, "AllowHostDevices"))
                read_bool(r, &p->allow_host_devices, value);
        else
                finding(r->findings, SEVERITY_ERROR, r->place, "%s= is not known", key);
}

static char *trimmed(char *s)
{
        size_t n;

        s += strspn(s, " \t\r");
        n = strlen(s);
        while (n > 0 && strchr(" \t\r", s[n - 1]))
                s[--n] = '\0';
        return s;
}

static void read_line(Reader *r, char *line, bool *in_section)
{
        char *equals;

        line = trimmed(line);
        if (!*line || *line == '#' || *line == ';')
                return;
        if (*line == '[') {
                *in_section = streq(line, "[Guests]");
                if (!*in_section)
                        finding(r->findings, SEVERITY_ERROR, r->place, "the section %s is not known", line);
                return;
        }
        equals = strchr(line, '=');
        if (!equals)
                finding(r->findings, SEVERITY_ERROR, r->place, "neither a [section] nor KEY=VALUE");
        else if (!*in_section)
                finding(r->findings, SEVERITY_ERROR, r->place, "an assignment before [Guests]");
        else {
                *equals = '\0';
                read_assignment(r, trimmed(line), trimmed(equals + 1));
        }
}

/* 1 where the file was read, 0 where it is not there. */
static int read_file(Reader *r, const char *path)
{
        _cleanup_(freep) char *data = NULL;
        bool in_section = false;
        char *next;
        size_t size;
        int q;

        q = strings_add(&r->policy->files, path);
        if (q < 0)
                return q;
        r->place = (Place){ r->policy->files.items[r->policy->files.count - 1] };
        q = file_read(AT_FDCWD, path, POLICY_SIZE_MAX, &data, &size);
        if (q == -ENOENT || q == -ENOTDIR)
                return 0;
        if (q < 0) {
                finding(r->findings, SEVERITY_ERROR, r->place, "cannot be read: %s", strerror(-q));
                return 1;
        }
        r->place.column = 1;
        for (char *line = data; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                r->place.line++;
                read_line(r, line, &in_section);
        }
        return r->status < 0 ? r->status : 1;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static int list_drop_ins(const char *root, Strings *names)
{
        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *path = text_format("%s%s/vmunit.conf.d", root, directories[i]);
                _cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
                struct dirent *entry;

                if (!path)
                        return -ENOMEM;
                while (dir && (entry = readdir(dir))) {
                        if (entry->d_name[0] == '.' || !text_ends_with(entry->d_name, ".conf") ||
                            strings_have(names, entry->d_name))
                                continue;
                        if (names->count >= POLICY_FILES_MAX)
                                return -E2BIG;
                        if (strings_add(names, entry->d_name) < 0)
                                return -ENOMEM;
                }
        }
        if (names->count > 0)
                qsort(names->items, names->count, sizeof(*names->items), by_text);
        return 0;
}

/* The first directory that has the file counts. */
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

int policy_read(const char *root, bool user_scope, Policy *policy, Findings *findings)
{
        Reader r = { .policy = policy, .findings = findings };
        _cleanup_(strings_cleanup) Strings names = { 0 };
        int q;

        root = root ?: "";
        policy->allow_qemu_commandline = true;
        policy->allow_host_devices = !user_scope;
        q = read_first(&r, root, "", "vmunit.conf");
        q = q < 0 ? q : list_drop_ins(root, &names);
        for (size_t i = 0; q >= 0 && i < names.count; i++)
                q = read_first(&r, root, "vmunit.conf.d/", names.items[i]);
        if (q < 0)
                return q;
        return findings_failed(findings) ? -EINVAL : 0;
}

void policy_done(Policy *policy)
{
        strings_done(&policy->files);
        strings_done(&policy->image_directories);
        *policy = (Policy){ 0 };
}

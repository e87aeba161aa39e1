/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdarg.h>

#include "cli/cli.h"
#include "generator/find.h"
#include "util/exit.h"

void print_findings(const Findings *findings)
{
        for (size_t i = 0; i < findings_count(findings); i++) {
                _cleanup_(freep) char *line = finding_format(findings_get(findings, i));

                fprintf(stderr, "%s\n", line ?: "out of memory");
        }
}

int fail(int status, const char *format, ...)
{
        va_list ap;

        fputs("vmctl: ", stderr);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        return status;
}

const char *systemctl_of(bool user_scope)
{
        return user_scope ? "systemctl --user" : "systemctl";
}

int resolve_guest(bool user_scope, const char *argument, char **ret_path, char **ret_name)
{
        _cleanup_(strings_cleanup) Strings directories = { 0 };
        int r;

        if (strchr(argument, '/') || text_ends_with(argument, ".xml")) {
                *ret_path = strdup(argument);
                *ret_name = NULL;
                return *ret_path ? 0 : fail(EXIT_OS, "out of memory");
        }
        r = guest_directories(user_scope, &directories);
        if (r < 0)
                return fail(EXIT_OS, "%s", strerror(-r));
        r = guest_file_find(&directories, argument, ret_path);
        if (r == -EINVAL)
                return fail(EXIT_BAD_USAGE, "\"%s\" cannot be a guest's name", argument);
        if (r == -ENOENT)
                return fail(
                        EXIT_NO_GUEST,
                        "there is no guest \"%s\" in %s%s; \"vmctl%s list\" shows those that there are",
                        argument, directories.items[0],
                        user_scope ? "" : ", /run/vmunit/guests or /usr/lib/vmunit/guests",
                        user_scope ? " --user" : "");
        if (r < 0)
                return fail(EXIT_OS, "%s", strerror(-r));
        *ret_name = strdup(argument);
        return *ret_name ? 0 : fail(EXIT_OS, "out of memory");
}

int read_stdin(char **ret_data, size_t *ret_size)
{
        _cleanup_(freep) char *data = malloc(XML_SIZE_MAX + 2);
        size_t n;

        if (!data)
                return fail(EXIT_OS, "out of memory");
        n = fread(data, 1, XML_SIZE_MAX + 1, stdin);
        if (ferror(stdin))
                return fail(EXIT_NO_GUEST, STDIN_NAME " cannot be read: %s", strerror(errno));
        if (n > XML_SIZE_MAX)
                return fail(EXIT_BAD_GUEST, STDIN_NAME " is larger than %zu MiB", XML_SIZE_MAX >> 20);
        data[n] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = n;
        return 0;
}

int convert_argument(bool user_scope, const char *argument, Conversion *c, char **ret_path)
{
        _cleanup_(freep) char *path = NULL, *name = NULL, *data = NULL;
        bool from_stdin = streq(argument, "-");
        size_t size;
        int r;

        r = from_stdin ? read_stdin(&data, &size) : resolve_guest(user_scope, argument, &path, &name);
        if (r != 0)
                return r;
        r = conversion_start(c, NULL, user_scope);
        if (r >= 0)
                r = from_stdin ? conversion_data(c, STDIN_NAME, data, size, NULL)
                               : conversion_file(c, path, name);
        if (c->findings)
                print_findings(c->findings);
        if (ret_path)
                *ret_path = TAKE_PTR(path);
        return conversion_exit(r);
}

int manager_bus(bool user_scope, sd_bus **ret)
{
        return user_scope ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
}

int unit_state(sd_bus *bus, const char *unit, char **ret)
{
        _cleanup_(freep) char *path = NULL;
        int r;

        /* a unit that is not loaded has an object too: asking for it loads it */
        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r < 0)
                return r;
        return sd_bus_get_property_string(
                bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit", "ActiveState", NULL,
                ret);
}

int manager_reload(sd_bus *bus)
{
        /* reading every unit of a large host again takes its time */
        (void) sd_bus_set_method_call_timeout(bus, UINT64_C(300) * 1000 * 1000);
        return sd_bus_call_method(
                bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "Reload", NULL, NULL, NULL);
}

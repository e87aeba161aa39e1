/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the verbs share: resolving a guest, converting it, and talking to the service manager. */

#include <errno.h>
#include <stdarg.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/unit/drop-in.h"
#include "guest/machine/general.h"
#include "util/user-directory.h"

void print_findings_from(const Findings *findings, size_t first)
{
        for (size_t i = first; i < findings_count(findings); i++) {
                _cleanup_(freep) char *line = finding_format(findings_get(findings, i));

                fprintf(stderr, "%s\n", line ?: "out of memory");
        }
}

void print_findings(const Findings *findings)
{
        print_findings_from(findings, 0);
}

json_t *strings_json(const Strings *s)
{
        json_t *array = json_array();

        for (size_t i = 0; i < s->count; i++)
                (void) json_array_append_new(array, json_string(s->items[i]));
        return array;
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

bool call_has(const Call *call, const char *extra)
{
        for (int i = 0; i < call->n_extras; i++)
                if (streq(call->extras[i], extra))
                        return true;
        return false;
}

const char *systemctl_of(bool user_scope)
{
        return user_scope ? "systemctl --user" : "systemctl";
}

int resolve_guest(bool user_scope, const char *argument, char **ret_path, char **ret_name)
{
        _cleanup_(strings_done) Strings directories = { 0 };
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
                return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", argument);
        if (r == -ENOENT)
                return fail(
                        EXIT_NO_GUEST,
                        "no such guest: \"%s\" is not in %s%s; run \"vmctl%s list\" to see all guests",
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
                return fail(EXIT_NO_GUEST, "cannot read " STDIN_NAME ": %s", strerror(errno));
        if (n > XML_SIZE_MAX)
                return fail(EXIT_BAD_GUEST, STDIN_NAME " is larger than %zu MiB", XML_SIZE_MAX >> 20);
        data[n] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = n;
        return 0;
}

int convert_argument(const Host *host, const char *argument, Conversion *c, char **ret_path)
{
        _cleanup_(freep) char *path = NULL, *name = NULL, *data = NULL;
        bool from_stdin = streq(argument, "-");
        size_t size;
        int r;

        r = from_stdin ? read_stdin(&data, &size) : resolve_guest(host->user_scope, argument, &path, &name);
        if (r != 0)
                return r;
        r = conversion_start(c, host);
        if (r >= 0)
                r = from_stdin ? conversion_data(c, STDIN_NAME, data, size, NULL)
                               : conversion_file(c, path, name);
        if (r >= 0) { /* what a unit file cannot express is a finding, too */
                _cleanup_(freep) char *text = NULL;

                if (drop_in_text(c, c->guest->general->name, path ?: STDIN_NAME, &text, &size) < 0)
                        return fail(EXIT_OS, "out of memory");
                r = c->status;
        }
        if (c->findings)
                print_findings(c->findings);
        if (ret_path)
                *ret_path = TAKE_PTR(path);
        return conversion_exit(r);
}

/* A shell started by su or cron may lack the variable with the bus address, and a user may have no bus at
 * all. The manager's own socket works then. */
static int open_user_manager(sd_bus **ret)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *run = user_directory(USER_RUN), *address = NULL;
        int r;

        if (!run || setenv("XDG_RUNTIME_DIR", run, 0) < 0)
                return -ENOMEM;
        if (sd_bus_open_user(ret) >= 0)
                return 0;
        address = text_format("unix:path=%s/systemd/private", run);
        if (!address)
                return -ENOMEM;
        r = sd_bus_new(&bus);
        r = r < 0 ? r : sd_bus_set_address(bus, address);
        r = r < 0 ? r : sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int manager_bus(bool user_scope, sd_bus **ret)
{
        return user_scope ? open_user_manager(ret) : sd_bus_open_system(ret);
}

static int unit_text(sd_bus *bus, const char *unit, const char *property, char **ret)
{
        _cleanup_(freep) char *path = NULL;
        int r;

        /* units that are not loaded have an object, too: asking for it loads them */
        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r < 0)
                return r;
        return sd_bus_get_property_string(
                bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit", property, NULL, ret);
}

int unit_state(sd_bus *bus, const char *unit, char **ret)
{
        return unit_text(bus, unit, "ActiveState", ret);
}

int require_off(sd_bus *bus, bool user_scope, const char *name, const char *unit)
{
        _cleanup_(freep) char *state = NULL;
        int r = unit_state(bus, unit, &state);

        if (r < 0)
                return fail(
                        EXIT_MISSING, "cannot ask systemd whether guest %s is off: %s", name, strerror(-r));
        if (streq(state, "inactive") || streq(state, "failed"))
                return 0;
        return fail(
                EXIT_MISSING, "guest %s is %s; stop it first: %s stop '%s'", name, state,
                systemctl_of(user_scope), unit);
}

int unit_is_enabled(sd_bus *bus, const char *unit)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *state;
        int r;

        r = sd_bus_call_method(
                bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "GetUnitFileState", NULL, &reply, "s", unit);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &state);
        return r < 0 ? r : text_after(state, "enabled") != NULL;
}

int unit_source(sd_bus *bus, const char *unit, char **ret)
{
        return unit_text(bus, unit, "SourcePath", ret);
}

/* The first error among the findings that follow "--", or else the first of them. */
static char *first_error(sd_bus_message *words)
{
        const char *word, *found = NULL;
        bool after = false;

        while (sd_bus_message_read(words, "s", &word) > 0) {
                if (after && (!found || (!strstr(found, ": error: ") && strstr(word, ": error: "))))
                        found = word;
                after = after || streq(word, "--");
        }
        return found ? strdup(found) : NULL;
}

Refusal unit_refusal(sd_bus *bus, const char *unit, char **ret_reason)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *path = NULL;
        const char *program, *verb, *first;

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
            sd_bus_get_property(
                    bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Service", "ExecStart",
                    NULL, &reply, "a(sasbttttuii)") < 0 ||
            sd_bus_message_enter_container(reply, 'a', "(sasbttttuii)") <= 0 ||
            sd_bus_message_enter_container(reply, 'r', "sasbttttuii") <= 0 ||
            sd_bus_message_read(reply, "s", &program) <= 0 ||
            sd_bus_message_enter_container(reply, 'a', "s") <= 0 ||
            sd_bus_message_read(reply, "s", &program) <= 0 || sd_bus_message_read(reply, "s", &verb) <= 0 ||
            sd_bus_message_read(reply, "s", &first) <= 0 || !streq(verb, "refuse"))
                return REFUSAL_NONE;
        if (text_after(first, "--instance="))
                return REFUSAL_UNKNOWN;
        *ret_reason = first_error(reply);
        return REFUSAL_GUEST;
}

static int manager_reload(sd_bus *bus)
{
        /* rereading every unit takes long on a large host */
        (void) sd_bus_set_method_call_timeout(bus, UINT64_C(300) * 1000 * 1000);
        return sd_bus_call_method(
                bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "Reload", NULL, NULL, NULL);
}

int reload_manager(bool user_scope)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = manager_bus(user_scope, &bus);

        if (r >= 0)
                r = manager_reload(bus);
        if (r < 0)
                return fail(
                        EXIT_OS, "cannot reload systemd: %s; run \"%s daemon-reload\"", strerror(-r),
                        systemctl_of(user_scope));
        return 0;
}

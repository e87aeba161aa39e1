/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A conversion owns everything that its phases borrow: the policy, the directories, the findings, the guest
 * and the plan. The XML is written by whoever may define guests; nothing here trusts it.
 */

#include "generator/convert/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "contract/exit.h"
#include "device/kinds.h"
#include "generator/convert/find.h"
#include "generator/convert/phases.h"
#include "guest/machine/general.h"
#include "policy/policy.h"
#include "util/file.h"
#include "util/unit-name.h"
#include "util/user-directory.h"

void conversion_done(Conversion *c)
{
        plan_done(&c->plan);
        c->guest = guest_free(c->guest);
        c->findings = findings_free(c->findings);
        policy_done(&c->settings.policy);
        free(c->instance);
        free(c->run_directory);
        free(c->session_directory);
        free(c->home);
        free(c->state_directory);
        free(c->helper_socket);
        *c = (Conversion){ 0 };
}

/* A hash, since a long name would not fit into a socket address. */
static char *helper_socket(const char *session_directory, const char *instance)
{
        return text_format(
                "%s/vmunit/helper/%016llx", session_directory,
                (unsigned long long) text_hash(instance, strlen(instance)));
}

/* The directories use the guest's name unescaped: systemd 257 fails to execute anything if they contain an
 * escape. */
static int set_directories(Conversion *c, const char *name)
{
        c->instance = unit_name_instance(name);
        if (!c->instance)
                return -ENOMEM;
        if (!c->settings.user_scope) {
                c->run_directory = text_format("/run/vm/%s", name);
                c->state_directory = text_format("/var/lib/vm/%s", name);
        } else {
                _cleanup_(freep) char *run = user_directory(USER_RUN), *state = user_directory(USER_STATE);

                c->run_directory = run ? text_format("%s/vm/%s", run, name) : NULL;
                c->state_directory = state ? text_format("%s/vm/%s", state, name) : NULL;
                c->helper_socket = run ? helper_socket(run, c->instance) : NULL;
                c->session_directory = TAKE_PTR(run);
                c->home = user_directory(USER_HOME);
                if (!c->helper_socket || !c->session_directory || !c->home)
                        return -ENOMEM;
        }
        if (!c->run_directory || !c->state_directory)
                return -ENOMEM;
        c->settings.session_directory = c->session_directory;
        c->settings.home = c->home;
        c->settings.helper_socket = c->helper_socket;
        c->settings.instance = c->instance;
        c->settings.run_directory = c->run_directory;
        c->settings.state_directory = c->state_directory;
        return 0;
}

/* The kernel's limit for one argument (MAX_ARG_STRLEN in linux/binfmts.h), including its NUL. */
#define ARGUMENT_MAX ((size_t) 128 << 10)

static void check_arguments(Conversion *c)
{
        const Strings *argv = &c->plan.argv;

        for (size_t i = 1; i < argv->count; i++)
                if (strlen(argv->items[i]) >= ARGUMENT_MAX)
                        guest_error(
                                c->guest, c->guest->xml->place,
                                "<domain>: QEMU's %s would be longer than %zu KiB, the kernel's limit for "
                                "one argument",
                                argv->items[i - 1][0] == '-' ? argv->items[i - 1] : "argument",
                                ARGUMENT_MAX >> 10);
}

/* Directories use the name unescaped; systemd 257 executes nothing if they contain a backslash, 262 if they
 * contain a quote. */
static void check_name(Conversion *c, const char *name)
{
        _cleanup_(freep) char *instance = unit_name_instance(name), *longest = NULL;
        Place place = xml_child(c->guest->xml, "name") ? xml_child(c->guest->xml, "name")->place
                                                       : c->guest->xml->place;

        /* the longest file name that the generator writes */
        longest =
                text_format("%s@%s.service.d", c->settings.user_scope ? "vm-helper" : "vm", instance ?: "");
        if (strpbrk(name, "\\\""))
                guest_error(
                        c->guest, place,
                        "<name>: '%s' contains a backslash or a quote, which systemd does not support in "
                        "directory names",
                        name);
        else if (longest && strlen(longest) > NAME_MAX)
                guest_error(
                        c->guest, place,
                        "<name>: too long: it takes %zu bytes in the names of the guest's units, and at "
                        "most %zu fit",
                        strlen(instance), NAME_MAX - (strlen(longest) - strlen(instance)));
}

int conversion_start(Conversion *c, const char *root, bool user_scope)
{
        int r;

        *c = (Conversion){ .settings = { .user_scope = user_scope, .root = root } };
        c->findings = findings_new();
        r = c->findings ? policy_read(root, user_scope, &c->settings.policy, c->findings) : -ENOMEM;
        return c->status = r == -EINVAL ? -EBADMSG : r;
}

int conversion_data(Conversion *c, const char *file, const char *data, size_t size, const char *name)
{
        int r;

        if (c->status < 0)
                return c->status;
        c->hash = text_hash(data, size);
        c->guest = phases_read(file, data, size, device_kinds, &c->settings, c->findings);
        if (!c->guest)
                return c->status = -EINVAL;
        /* invalid names already have a finding */
        if (name && c->guest->general->name && guest_name_is_valid(c->guest->general->name) &&
            !streq(name, c->guest->general->name))
                guest_error(
                        c->guest, c->guest->xml->place,
                        "<name> is '%s', but the file is named '%s.xml'; both must match",
                        c->guest->general->name, name);
        if (c->guest->general->name)
                check_name(c, c->guest->general->name);
        r = set_directories(c, c->guest->general->name ?: "");
        r = r < 0 ? r : phases_convert(c->guest, &c->plan);
        if (r == 0) {
                check_arguments(c);
                r = findings_failed(c->findings) ? -EINVAL : 0;
        }
        if (r == -EINVAL && findings_denied(c->findings))
                r = -EPERM;
        return c->status = r;
}

int conversion_file(Conversion *c, const char *path, const char *name)
{
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r;

        if (c->status < 0)
                return c->status;
        r = file_read(AT_FDCWD, path, XML_SIZE_MAX, &data, &size);
        if (r == -EFBIG)
                finding(c->findings, SEVERITY_ERROR, (Place){ path },
                        "cannot read the file: larger than the limit of %zu MiB", XML_SIZE_MAX >> 20);
        else if (r == -EINVAL)
                finding(c->findings, SEVERITY_ERROR, (Place){ path },
                        "cannot read the file: not a regular file");
        else if (r < 0)
                finding(c->findings, SEVERITY_ERROR, (Place){ path }, "cannot read the file: %s",
                        strerror(-r));
        if (r < 0)
                return c->status = r;
        return conversion_data(c, path, data, size, name);
}

int conversion_exit(int status)
{
        switch (status) {
        case 0:
                return EXIT_SUCCESS;
        case -EINVAL:
        case -EFBIG:
                return EXIT_BAD_GUEST;
        case -EBADMSG:
                return EXIT_CONFIG; /* an invalid policy is not the guest's fault */
        case -EPERM:
                return EXIT_POLICY;
        case -ENOMEM:
                return EXIT_OS;
        default:
                return EXIT_NO_GUEST;
        }
}

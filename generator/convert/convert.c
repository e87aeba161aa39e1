/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A conversion owns everything that its phases borrow, except for what all guests share (host.h): the
 * guest's directories, the findings, the guest and the plan. The XML is written by whoever may define
 * guests; nothing here trusts it.
 */

#include "generator/convert/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/convert/fragments.h"
#include "generator/convert/phases.h"
#include "guest/machine/general.h"
#include "util/file.h"
#include "util/unit-name.h"

void conversion_done(Conversion *c)
{
        plan_done(&c->plan);
        c->guest = guest_free(c->guest);
        c->findings = findings_free(c->findings);
        strings_done(&c->fragments);
        kept_addresses_done(&c->kept);
        free(c->instance);
        free(c->run_directory);
        free(c->state_directory);
        free(c->helper_socket);
        free(c->tpm_socket);
        *c = (Conversion){ 0 };
}

/* The directories use the guest's name unescaped: systemd 257 fails to execute anything if they contain an
 * escape. */
static int set_directories(Conversion *c, const char *name)
{
        const Host *host = c->host;

        c->instance = unit_name_instance(name);
        c->run_directory = text_format("%s/vm/%s", host->run, name);
        c->state_directory = text_format("%s/vm/%s", host->state, name);
        c->helper_socket = c->instance ? unit_name_helper_socket(host->run, c->instance) : NULL;
        c->tpm_socket = c->instance ? unit_name_tpm_socket(host->run, c->instance) : NULL;
        if (!c->run_directory || !c->state_directory || !c->helper_socket || !c->tpm_socket)
                return -ENOMEM;
        c->settings = (Settings){
                .user_scope = host->user_scope,
                .instance = c->instance,
                .run_directory = c->run_directory,
                .state_directory = c->state_directory,
                .session_directory = host->user_scope ? host->run : NULL,
                .home = host->home,
                .helper_socket = c->helper_socket,
                .tpm_socket = c->tpm_socket,
                .identity_key = host->identity_key,
                .in_place = c->in_place,
                .root = host->root,
                .policy = &host->policy,
        };
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
        Place place = xml_place(c->guest->xml, "name");

        /* the longest file name that the generator writes */
        longest = text_format("vm-helper@%s.service.d", instance ?: "");
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
        else if (!guest_name_is_valid(name) && !strpbrk(name, "/\n")) /* those have a finding already */
                guest_error(
                        c->guest, place,
                        "<name>: '%s' must not be empty, begin with a dot or contain control characters",
                        name);
}

int conversion_start(Conversion *c, const Host *host)
{
        *c = (Conversion){ .host = host, .settings.user_scope = host->user_scope, .status = host->status };
        c->findings = findings_new();
        if (!c->findings)
                return c->status = -ENOMEM;
        for (size_t i = 0; host->findings && i < findings_count(host->findings); i++) {
                const Finding *f = findings_get(host->findings, i);

                finding(c->findings, f->severity, f->place, "%s", f->text);
        }
        return c->status;
}

static int find_fragments(Conversion *c, const char *name)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        int r;

        if (!c->in_place)
                return 0;
        r = guest_directories(c->host->user_scope, &directories);
        if (r >= 0 && c->host->lasting)
                strings_remove(&directories, directories.items[1]);
        if (r >= 0)
                r = fragments_find(&directories, name, &c->fragments);
        if (r < 0 && r != -ENOMEM)
                finding(c->findings, SEVERITY_ERROR, (Place){ name },
                        "cannot read the guest's fragments: %s", strerror(-r));
        return r;
}

/* Errors are found again when the guest is read with its fragments. */
static int keep_addresses(Conversion *c, const char *file, const char *data, size_t size)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(guest_freep) Guest *g = NULL;
        XmlElement *xml = findings ? phases_parse(file, data, size, findings) : NULL;

        g = xml ? phases_read(file, xml, c->host->kinds, &c->settings, findings) : NULL;
        if (!g || phases_place(g) < 0)
                return 0;
        return kept_addresses_of(g, &c->kept);
}

/* Settings first: no reader may see half of them. */
static int read_guest(Conversion *c, const char *file, const char *data, size_t size, const char *name)
{
        _cleanup_(xml_freep) XmlElement *xml = phases_parse(file, data, size, c->findings);
        int r;

        if (!xml)
                return -EINVAL;
        if (!c->instance && set_directories(c, phases_name(xml)) < 0)
                return -ENOMEM;
        r = name ? find_fragments(c, name) : 0;
        if (r >= 0 && c->fragments.count > 0)
                r = keep_addresses(c, file, data, size);
        if (r >= 0 && c->fragments.count > 0)
                r = fragments_apply(xml, &c->fragments, c->findings);
        if (r < 0)
                return r == -ENOMEM ? r : -EINVAL;
        c->guest = phases_read(file, TAKE_PTR(xml), c->host->kinds, &c->settings, c->findings);
        if (!c->guest)
                return -EINVAL;
        c->guest->kept = c->kept.count > 0 ? &c->kept : NULL;
        return 0;
}

int conversion_data(Conversion *c, const char *file, const char *data, size_t size, const char *name)
{
        int r;

        if (c->status < 0)
                return c->status;
        c->hash = text_hash(data, size);
        r = read_guest(c, file, data, size, name);
        if (r < 0)
                return c->status = r;
        /* invalid names already have a finding */
        if (name && c->guest->general->name && guest_name_is_valid(c->guest->general->name) &&
            !streq(name, c->guest->general->name))
                guest_error_at(
                        c->guest, "name", "<name> is '%s', but the file is named '%s.xml'; both must match",
                        c->guest->general->name, name);
        if (c->guest->general->name)
                check_name(c, c->guest->general->name);
        r = phases_convert(c->guest, &c->plan);
        if (r == 0) {
                check_arguments(c);
                r = findings_failed(c->findings) ? -EINVAL : 0;
        }
        if (r == -EINVAL && findings_denied(c->findings))
                r = -EPERM;
        return c->status = r;
}

static int read_file(Conversion *c, const char *path, char **ret_data, size_t *ret_size)
{
        int r = file_read(AT_FDCWD, path, XML_SIZE_MAX, ret_data, ret_size);

        if (r == -EFBIG)
                finding(c->findings, SEVERITY_ERROR, (Place){ path },
                        "cannot read the file: larger than the limit of %zu MiB", XML_SIZE_MAX >> 20);
        else if (r == -EINVAL)
                finding(c->findings, SEVERITY_ERROR, (Place){ path },
                        "cannot read the file: not a regular file");
        else if (r < 0)
                finding(c->findings, SEVERITY_ERROR, (Place){ path }, "cannot read the file: %s",
                        strerror(-r));
        return r;
}

int conversion_file(Conversion *c, const char *path, const char *name)
{
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r;

        if (c->status == -ENOMEM)
                return c->status;
        c->in_place = name != NULL;
        /* a guest that is refused may still be running, and its units need its directories */
        if (name && set_directories(c, name) < 0)
                return c->status = -ENOMEM;
        if (c->status < 0)
                return c->status;
        r = read_file(c, path, &data, &size);
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl unit: prints the drop-ins that vm-generator would write for a guest, even if they refuse to start
 * it. */

#include <errno.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/unit/drop-in-helper.h"
#include "generator/unit/drop-in-tpm.h"
#include "generator/unit/drop-in-user.h"
#include "generator/unit/drop-in.h"
#include "guest/machine/general.h"
#include "util/unit-name.h"

/* Without a name in the XML, the file's name, as in the generator. */
static char *name_of(const Conversion *c, const char *path)
{
        const char *file;

        if (c->guest && c->guest->general->name)
                return strdup(c->guest->general->name);
        if (!path || !text_ends_with(path, ".xml"))
                return NULL;
        file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        return strndup(file, strlen(file) - strlen(".xml"));
}

/* Where the guest's file is, or will be once it is defined. */
static char *path_of(bool user_scope, const char *path, const char *name)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        char *real = path ? realpath(path, NULL) : NULL;

        if (real || path)
                return real ?: strdup(path);
        if (guest_directories(user_scope, &directories) < 0)
                return NULL;
        return text_format("%s/%s.xml", directories.items[0], name);
}

static void print_drop_in(
        const char *template, const char *instance, const char *type, const char *text, size_t size)
{
        printf("\n# %s@%s.%s.d/50-guest.conf\n", template, instance, type);
        (void) fwrite(text, 1, size, stdout);
}

static int print_helper(const Conversion *c, const char *name, const char *file)
{
        _cleanup_(freep) char *service = NULL, *socket = NULL;
        size_t service_size, socket_size;
        int r = helper_service_text(c, name, file, &service, &service_size);

        r = r < 0 ? r : helper_socket_text(c, file, &socket, &socket_size);
        if (r < 0)
                return r;
        print_drop_in("vm-helper", c->instance, "service", service, service_size);
        print_drop_in("vm-helper", c->instance, "socket", socket, socket_size);
        return 0;
}

static int print_tpm(const Conversion *c, const char *name, const char *file)
{
        _cleanup_(freep) char *service = NULL, *socket = NULL;
        size_t service_size, socket_size;
        int r;

        if (!tpm_is_emulated(c))
                return 0;
        r = tpm_service_text(c, name, file, &service, &service_size);
        r = r < 0 ? r : tpm_socket_text(c, file, &socket, &socket_size);
        if (r < 0)
                return r;
        print_drop_in("vm-tpm", c->instance, "service", service, service_size);
        print_drop_in("vm-tpm", c->instance, "socket", socket, socket_size);
        return 0;
}

static int print_user(const Conversion *c, const char *file)
{
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        if (!c->plan.own_user.name)
                return 0;
        r = user_service_text(c, file, &text, &size);
        if (r < 0)
                return r;
        print_drop_in("vm-user", c->instance, "service", text, size);
        return 0;
}

int verb_unit(const Call *call)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(freep) char *path = NULL, *name = NULL, *file = NULL, *text = NULL;
        size_t size;
        int r, q;

        (void) host_read(&host, NULL, call->user_scope); /* each conversion reports what is wrong with it */
        r = convert_argument(&host, call->words[0], &c, &path);
        if (r == EXIT_NO_GUEST || r == EXIT_OS)
                return r;
        name = name_of(&c, path);
        if (!name || !guest_name_is_valid(name))
                return r;
        file = path_of(call->user_scope, path, name);
        q = file ? drop_in_text(&c, name, file, &text, &size) : -ENOMEM;
        if (q < 0)
                return fail(EXIT_OS, "%s", strerror(-q));
        (void) fwrite(text, 1, size, stdout);
        q = c.status == 0 ? print_helper(&c, name, file) : 0;
        q = q < 0 || c.status != 0 ? q : print_user(&c, file);
        q = q < 0 || c.status != 0 ? q : print_tpm(&c, name, file);
        if (q < 0)
                return fail(EXIT_OS, "%s", strerror(-q));
        return conversion_exit(c.status);
}

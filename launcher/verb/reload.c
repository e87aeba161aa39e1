/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vm-launcher reload` is ExecReload= of a guest's unit. It runs as the guest's user in its sandbox and has
 * no right of its own: it tells the launcher that there is something to do, and waits until that is done, so
 * that systemctl can say how it went. Who reads the guest's definition, and opens what is new, is the
 * guest's helper (launcher/helper/serve-reload.c); who changes QEMU is the launcher (launcher/reload/).
 */

#include <errno.h>
#include <stdlib.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/helper/helper.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

typedef struct ReloadOptions {
        const char *instance, *run;
} ReloadOptions;

static const Argument arguments[] = {
        { OPTION_INSTANCE, "the instance of a guest's unit", argument_text,
          offsetof(ReloadOptions, instance), ARGUMENT_REQUIRED },
        { OPTION_RUN, "an absolute path", argument_path, offsetof(ReloadOptions, run), ARGUMENT_REQUIRED },
};

static pid_t launcher_pid(void)
{
        const char *text = getenv("MAINPID");
        unsigned pid;

        return text && text_to_unsigned(text, INT32_MAX, &pid) >= 0 ? (pid_t) pid : 0;
}

int verb_reload(int argc, char **argv)
{
        _cleanup_(freep) char *guest = NULL, *socket = NULL;
        ReloadOptions o = { 0 };
        pid_t launcher = launcher_pid();
        char **rest;
        int r;

        r = arguments_read(arguments, ELEMENTS(arguments), &o, argc, argv, &rest);
        if (r < 0 || *rest)
                return EXIT_BAD_USAGE;
        if (unit_name_guest(o.instance, &guest) == 1)
                log_open(guest, NULL);
        if (launcher <= 1) {
                log_error("$MAINPID is not set: this verb must be started by systemd, from vm@.service.");
                return EXIT_BAD_USAGE;
        }
        socket = unit_name_helper_socket(o.run, o.instance);
        if (!socket) {
                log_out_of_memory();
                return EXIT_OS;
        }
        r = helper_wait_reload(socket, launcher);
        return r < 0 ? EXIT_OS : r;
}

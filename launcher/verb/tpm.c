/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vm-launcher tpm` is ExecStart= of vm-tpm@.service. It runs as the guest's user, without any right, makes
 * the state of the guest's TPM at the first start, and then becomes swtpm, which serves QEMU on the socket
 * that systemd passed.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "contract/exit.h"
#include "launcher/rights/call-filter.h"
#include "launcher/tpm/swtpm.h"
#include "launcher/tpm/tpm-state.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/text.h"

/* The file with the passphrase; NULL and 0 if the state is not encrypted. */
static int key_file(const TpmState *o, char **ret)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");

        *ret = NULL;
        if (!o->key)
                return 0;
        *ret = text_format("%s/%s", directory ?: "", o->key);
        if (!*ret)
                return log_out_of_memory();
        if (directory && access(*ret, R_OK) == 0)
                return 0;
        log_error(
                "Cannot read the credential %s, the passphrase of the TPM's state. Store it as "
                "/etc/credstore/%s, or name its file in [Service] LoadCredential=%s:PATH of the TPM's unit.",
                o->key, o->key, o->key);
        return -ENOENT;
}

/* Returns only if it fails. The directory is named relative to the current one: a comma in a guest's name
 * would end it. */
static void execute(const TpmState *o, const char *key)
{
        _cleanup_(freep) char *uri = tpm_state_uri(o);
        _cleanup_(strings_done) Strings argv = { 0 };
        int r = uri ? strings_add(&argv, swtpm_program()) : -ENOMEM;

        r = r < 0 ? r : strings_add(&argv, "socket");
        if (r >= 0 && tpm_is_2(o))
                r = strings_add(&argv, "--tpm2");
        r = r < 0 ? r : strings_add(&argv, "--terminate");
        r = r < 0 ? r : strings_add(&argv, "--tpmstate");
        r = r < 0 ? r : strings_addf(&argv, "backend-uri=%s,mode=0600", uri);
        r = r < 0 ? r : strings_add(&argv, "--ctrl");
        r = r < 0 ? r : strings_addf(&argv, "type=unixio,fd=%d", SD_LISTEN_FDS_START);
        if (r >= 0 && key) {
                r = strings_add(&argv, "--key");
                r = r < 0 ? r : strings_addf(&argv, "pwdfile=%s,mode=" TPM_CIPHER, key);
        }
        if (r >= 0 && o->log_level > 0) {
                int log =
                        fcntl(STDERR_FILENO, F_DUPFD, SD_LISTEN_FDS_START + 1); /* swtpm refuses 2 itself */

                r = log < 0 ? -errno : strings_add(&argv, "--log");
                r = r < 0 ? r : strings_addf(&argv, "fd=%d,level=%u", log, o->log_level);
        }
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot run swtpm");
                return;
        }
        if (fcntl(SD_LISTEN_FDS_START, F_SETFD, 0) < 0) {
                log_errno(LOG_ERR, -errno, "Cannot pass the socket to swtpm");
                return;
        }
        r = call_filter_install(
                CALL_FILTER_SIGNALS | CALL_FILTER_NAMESPACES | CALL_FILTER_SERVICES | CALL_FILTER_PEERS);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot install the filter of system calls");
                return;
        }
        (void) execv(argv.items[0], argv.items);
        log_errno(LOG_ERR, -errno, "Cannot execute %s", argv.items[0]);
}

/* QEMU waits for an answer, and systemd would start this again and again for its connection. */
static void turn_away(void)
{
        if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK) < 0)
                return;
        for (int fd; (fd = accept4(SD_LISTEN_FDS_START, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
                (void) fd_close(fd);
}

static int become_swtpm(const TpmState *o, const char *state)
{
        _cleanup_(freep) char *key = NULL;
        int r;

        if (!swtpm_program() || !swtpm_setup_program()) {
                log_error(
                        "Cannot find %s; see vmunit-guest(5), <tpm>.",
                        swtpm_program() ? "swtpm_setup" : "swtpm");
                return EXIT_MISSING;
        }
        r = key_file(o, &key);
        if (r < 0)
                return r == -ENOENT ? EXIT_MISSING : EXIT_OS;
        r = tpm_state_prepare(o, state, key);
        if (r != 0)
                return r;
        execute(o, key);
        return EXIT_OS;
}

int verb_tpm(int argc, char **argv)
{
        const char *state = getenv("STATE_DIRECTORY");
        TpmState o = { 0 };
        int r;

        r = tpm_options_read(&o, argc, argv);
        if (r < 0)
                return r == -ENOMEM ? EXIT_OS : EXIT_BAD_USAGE;
        log_open(o.guest, o.uuid);
        if (!state || state[0] != '/' || sd_listen_fds(true) != 1) {
                log_error("This verb must be started by systemd, from vm-tpm@.service.");
                return EXIT_BAD_USAGE;
        }
        r = become_swtpm(&o, state);
        turn_away();
        return r;
}

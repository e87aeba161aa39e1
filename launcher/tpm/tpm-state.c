/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The state is tpm/ in the guest's state directory. It appears there complete or not at all: if swtpm_setup
 * is killed, tpm.new/ remains, and is replaced at the next start. Elsewhere it is a copy of what was made
 * there.
 *
 * The certificate of the endorsement key is signed by a CA that is made for it in /tmp and lost with the
 * sandbox: a CA of the host's would need a key that a process of a guest could use.
 */

#include "launcher/tpm/tpm-state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/exit.h"
#include "launcher/tpm/swtpm.h"
#include "log/log.h"
#include "util/file.h"

#define STATE     TPM_STATE
#define STATE_NEW "tpm.new"
#define BANKS     STATE "/pcr-banks" /* which banks the state has */
#define WRITING   "tpm.writing"      /* the path of a state file that is being written */
#define BANKS_MAX 256                /* bytes */
#define FILE_MAX  ((size_t) 4 << 20) /* bytes of the state in one file */

static int add(Strings *argv, const char *option, const char *value)
{
        int r = value ? strings_add(argv, option) : 0;

        return r < 0 || !value ? r : strings_add(argv, value);
}

/* What all calls for a state have in common. directory: relative to the current one, since a comma in a
 * guest's name would end it for swtpm. */
static int setup_command(const TpmState *o, const char *directory, const char *key, Strings *argv)
{
        int r = strings_add(argv, swtpm_setup_program());

        if (r >= 0 && tpm_is_2(o))
                r = strings_add(argv, "--tpm2");
        r = r < 0 ? r : add(argv, "--tpm-state", directory);
        r = r < 0 ? r : add(argv, "--pwdfile", key);
        r = r < 0 ? r : add(argv, "--cipher", key ? TPM_CIPHER : NULL);
        return r < 0 ? r : add(argv, "--pcr-banks", o->pcr_banks);
}

/* The host's own profiles, where the configuration that swtpm_setup makes has them. */
static int link_profiles(const char *directory)
{
        _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || mkdirat(fd, "etc", 0700) < 0 || mkdirat(fd, "etc/swtpm", 0700) < 0 ||
            symlinkat("/etc/swtpm/profiles", fd, "etc/swtpm/profiles") < 0)
                return log_errno(LOG_ERR, -errno, "Cannot create a link in %s", directory);
        return 0;
}

/* swtpm_setup does nothing without its configuration, which here also names the CA. */
static int make_configuration(void)
{
        _cleanup_(strings_done) Strings argv = { 0 };
        char directory[] = "/tmp/tpm-XXXXXX";
        int r;

        if (!mkdtemp(directory) || setenv("XDG_CONFIG_HOME", directory, 1) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot create a directory in /tmp");
        r = strings_add(&argv, swtpm_setup_program());
        r = r < 0 ? r : add(&argv, "--create-config-files", "skip-if-exist");
        if (r < 0)
                return log_out_of_memory();
        r = swtpm_setup_run(&argv);
        return r < 0 ? r : link_profiles(directory);
}

static int manufacture(const TpmState *o, const char *directory, const char *key)
{
        static const char *const options[] = { "--createek",   "--create-ek-cert", "--create-platform-cert",
                                               "--lock-nvram", "--vmid",           NULL };
        _cleanup_(strings_done) Strings argv = { 0 };
        int r = setup_command(o, directory, key, &argv);

        for (const char *const *option = options; r >= 0 && *option; option++)
                r = strings_add(&argv, *option);
        r = r < 0 ? r : strings_add(&argv, o->uuid);
        r = r < 0 ? r : add(&argv, "--profile-name", o->profile);
        r = r < 0 ? r : add(&argv, "--profile-remove-disabled", o->profile_remove);
        return r < 0 ? log_out_of_memory() : swtpm_setup_run(&argv);
}

static int note_banks(const TpmState *o, const char *path)
{
        int r = o->pcr_banks
                        ? file_write_atomic(AT_FDCWD, path, o->pcr_banks, strlen(o->pcr_banks), 0600, true)
                        : 0;

        return r < 0 ? log_errno(LOG_ERR, r, "Cannot write %s", path) : 0;
}

/* The current directory is the guest's state directory, which has an empty tpm.new/ then. */
static int begin_state(const TpmState *o)
{
        int r = directory_remove(STATE_NEW);

        if (r < 0 && r != -ENOENT)
                return log_errno(LOG_ERR, r, "Cannot remove " STATE_NEW);
        if (mkdir(STATE_NEW, 0700) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot create " STATE_NEW);
        log_info("Creating a TPM %s for the guest.", o->version);
        return make_configuration();
}

static int make_state(const TpmState *o, const char *state, const char *key)
{
        _cleanup_(closep) int fd = -EBADF;
        int r = begin_state(o);

        r = r < 0 ? r : manufacture(o, STATE_NEW, key);
        r = r < 0 ? r : note_banks(o, STATE_NEW "/pcr-banks");
        if (r < 0)
                return r;
        fd = open(STATE_NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || syncfs(fd) < 0 || rename(STATE_NEW, STATE) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot rename " STATE_NEW " to " STATE);
        fd = fd_close(fd);
        fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot write %s to its disk", state);
        return 0;
}

/* What can be changed of a state that is there. */
static int change_state(const TpmState *o, const char *directory, const char *noted, const char *key)
{
        _cleanup_(freep) char *banks = NULL;
        _cleanup_(strings_done) Strings argv = { 0 };
        size_t size;
        int r;

        if (!o->pcr_banks)
                return 0;
        r = file_read(AT_FDCWD, noted, BANKS_MAX, &banks, &size);
        if (r >= 0 && streq(banks, o->pcr_banks))
                return 0;
        log_info("Activating the PCR banks %s.", o->pcr_banks);
        r = make_configuration();
        if (r < 0)
                return r;
        r = setup_command(o, directory, key, &argv);
        r = r < 0 ? r : strings_add(&argv, "--reconfigure");
        if (r < 0)
                return log_out_of_memory();
        r = swtpm_setup_run(&argv);
        return r < 0 ? r : note_banks(o, noted);
}

/* 1: there is such a file with something in it; 0: there is none; negative errno, logged. */
static int has_state(const char *path, const char *shown)
{
        struct stat st;

        if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : log_errno(LOG_ERR, -errno, "Cannot read %s/%s", shown, path);
        if (!S_ISREG(st.st_mode) || st.st_size == 0) {
                log_error("%s/%s is not a file with the state of a TPM.", shown, path);
                return -EBADMSG;
        }
        return 1;
}

/* 0 or an exit status, logged. */
static int check_state(const TpmState *o, const char *shown)
{
        static const char tpm2[] = STATE "/tpm2-00.permall", tpm1[] = STATE "/tpm-00.permall";
        int own = has_state(tpm_is_2(o) ? tpm2 : tpm1, shown),
            other = own != 0 ? 0 : has_state(tpm_is_2(o) ? tpm1 : tpm2, shown);

        if (own > 0)
                return 0;
        if (own < 0 || other < 0)
                return EXIT_CONFIG;
        if (other > 0)
                log_error(
                        "%s/%s contains the state of a TPM %s, and the guest's XML says <backend "
                        "version='%s'>. Correct the XML, or move that directory away: then the guest gets a "
                        "new TPM.",
                        shown, STATE, tpm_is_2(o) ? "1.2" : "2.0", o->version);
        else
                log_error(
                        "%s/%s contains no state of a TPM. Restore its files, or move that directory away: "
                        "then the guest gets a new TPM.",
                        shown, STATE);
        return EXIT_CONFIG;
}

/* ——— state elsewhere ——— */

char *tpm_state_uri(const TpmState *o)
{
        return o->directory ? text_format("dir://%s", o->directory)
               : o->file    ? text_format("file://%s", o->file)
                            : strdup("dir://" STATE);
}

static const char *state_name(const TpmState *o)
{
        return tpm_is_2(o) ? "tpm2-00.permall" : "tpm-00.permall";
}

/* 1: there is state; 0: there is none yet; negative errno, logged. */
static int has_state_elsewhere(const TpmState *o, const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return errno == ENOENT && o->directory ? 0
                                                       : log_errno(LOG_ERR, -errno, "Cannot read %s", path);
        return S_ISBLK(st.st_mode) || st.st_size > 0;
}

/* The sandbox shows the file alone, so it cannot be replaced: a note says that it is being written. */
static int write_file(const char *path, const char *data, size_t size)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_write_atomic(AT_FDCWD, WRITING, path, strlen(path), 0600, true);

        r = r < 0 ? r : file_write_all(fd, data, size);
        if (r >= 0 && (fsync(fd) < 0 || unlink(WRITING) < 0))
                r = -errno;
        return r;
}

static bool was_being_written(const char *path)
{
        _cleanup_(freep) char *noted = NULL;
        size_t size;

        return file_read(AT_FDCWD, WRITING, PATH_MAX, &noted, &size) >= 0 && streq(noted, path);
}

static int make_elsewhere(const TpmState *o, const char *path, const char *key)
{
        _cleanup_(freep) char *made = text_format(STATE_NEW "/%s", state_name(o)),
                              *uri = made ? text_format(
                                                    "%s%s", o->file ? "file://" : "dir://",
                                                    o->file ? made : STATE_NEW)
                                          : NULL;
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r = uri ? begin_state(o) : log_out_of_memory();

        r = r < 0 ? r : manufacture(o, uri, key);
        if (r < 0)
                return r;
        r = file_read(AT_FDCWD, made, FILE_MAX, &data, &size);
        if (r >= 0)
                r = o->file ? write_file(path, data, size)
                            : file_write_atomic(AT_FDCWD, path, data, size, 0600, true);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot write %s", path);
        return directory_remove(STATE_NEW);
}

static int prepare_elsewhere(const TpmState *o, const char *key)
{
        static const char banks[] = "tpm.pcr-banks";
        _cleanup_(freep) char *uri = tpm_state_uri(o),
                              *path = o->file ? strdup(o->file)
                                              : text_format("%s/%s", o->directory, state_name(o));
        int r = uri && path ? has_state_elsewhere(o, path) : log_out_of_memory();

        if (r < 0)
                return r;
        if (r > 0 && !(o->file && was_being_written(path)))
                return change_state(o, uri, banks, key);
        r = make_elsewhere(o, path, key);
        return r < 0 ? r : note_banks(o, banks);
}

int tpm_state_prepare(const TpmState *o, const char *state, const char *key)
{
        struct stat st;
        int r;

        if (chdir(state) < 0) {
                log_errno(LOG_ERR, -errno, "Cannot enter %s", state);
                return EXIT_OS;
        }
        if (o->directory || o->file)
                return prepare_elsewhere(o, key) < 0 ? EXIT_OS : 0;
        if (fstatat(AT_FDCWD, STATE, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno == ENOENT)
                        return make_state(o, state, key) < 0 ? EXIT_OS : 0;
                log_errno(LOG_ERR, -errno, "Cannot read %s/%s", state, STATE);
                return EXIT_OS;
        }
        if (!S_ISDIR(st.st_mode)) {
                log_error("%s/%s is not a directory.", state, STATE);
                return EXIT_CONFIG;
        }
        r = check_state(o, state);
        if (r != 0)
                return r;
        return change_state(o, STATE, BANKS, key) < 0 ? EXIT_OS : 0;
}

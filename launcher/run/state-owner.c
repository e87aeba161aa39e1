/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * State directories have the names of guests, and names change: a guest must not boot from the NVRAM, or
 * unlock its disk with the TPM, of another that had its name before. So the directory says whose it is. The
 * guest's user can write there, and thereby only withhold its own state: a UUID is random, and not told to
 * the guests of others.
 */

#include "launcher/run/state-owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "contract/exit.h"
#include "contract/state.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"

#define OWNER_SIZE_MAX 256U

static int read_owner(const char *path, char ret[static 37])
{
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        r = file_read(AT_FDCWD, path, OWNER_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = '\0';
        return text_to_uuid(text, ret);
}

/* Besides the file that says whose it is. */
static bool holds_state(const char *directory)
{
        _cleanup_(closedirp) DIR *stream = opendir(directory);
        struct dirent *entry;

        while (stream && (entry = readdir(stream))) {
                if (entry->d_name[0] != '.' && !streq(entry->d_name, STATE_UUID_FILE))
                        return true;
        }
        return !stream;
}

static int refuse(const char *directory, const char *owner, const char *uuid)
{
        log_error(
                "The state in %s (NVRAM, TPM) belongs to the guest with UUID %s, but this guest's UUID is "
                "%s. "
                "If that guest was renamed, undo this and use \"vmctl rename\". If this is the same guest "
                "with a new UUID, remove %s/" STATE_UUID_FILE
                ". Otherwise remove the directory, or move it away.",
                directory, owner, uuid, directory);
        return EXIT_CONFIG;
}

int state_claim(const char *directory, const char *shown, const char *uuid)
{
        _cleanup_(freep) char *path = text_format("%s/" STATE_UUID_FILE, directory);
        _cleanup_(freep) char *text = text_format("%s\n", uuid);
        char owner[37] = "";
        int r;

        if (!path || !text)
                return log_out_of_memory();
        r = read_owner(path, owner);
        if (r >= 0 && streq(owner, uuid))
                return 0;
        if (r >= 0 && holds_state(directory))
                return refuse(shown, owner, uuid);
        if (r == -EINVAL || r == -EFBIG || r == -EISDIR) {
                log_error(
                        "%s/" STATE_UUID_FILE " does not contain a UUID, so it is unknown which guest the "
                        "state belongs to. If it is this guest's, remove that file.",
                        shown);
                return EXIT_CONFIG;
        }
        if (r >= 0 || r == -ENOENT)
                r = file_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, r < 0);
        /* a guest that needs no state can start without: its file system may be full or read-only */
        if (r < 0)
                log_errno(
                        LOG_WARNING, r, "Cannot record in %s/" STATE_UUID_FILE " whose state this is",
                        shown);
        return 0;
}

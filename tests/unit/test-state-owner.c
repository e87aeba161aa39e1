/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* State is adopted once, and then belongs to that guest only. */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/exit.h"
#include "launcher/run/state-owner.h"
#include "tests/unit/test.h"
#include "util/file.h"
#include "util/text.h"

#define MINE   "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define THEIRS "d7a5fdbd-edaf-9455-926a-d65c16db1809"

static char directory[] = "/tmp/test-state-owner-XXXXXX";

int main(void)
{
        static const struct {
                const char *text;
                int result;
        } files[] = {
                { MINE "\n", 0 },
                { MINE, 0 },
                { "C7A5FDBD-EDAF-9455-926A-D65C16DB1809\n", 0 },
                { THEIRS "\n", EXIT_CONFIG },
                { "", EXIT_CONFIG },
                { MINE "0\n", EXIT_CONFIG },
        };
        _cleanup_(freep) char *path = NULL, *text = NULL, *state = NULL;
        size_t size;

        CHECK(mkdtemp(directory));
        path = text_format("%s/uuid", directory);
        CHECK_NUMBER(state_claim(directory, directory, MINE), 0);
        CHECK_NUMBER(file_read(AT_FDCWD, path, 100, &text, &size), 0);
        CHECK_TEXT(text, MINE "\n");
        CHECK_NUMBER(state_claim(directory, directory, MINE), 0);
        /* a directory with nothing else in it may go to another guest; one with state may not */
        CHECK_NUMBER(state_claim(directory, directory, THEIRS), 0);
        CHECK_NUMBER(state_claim(directory, directory, MINE), 0);
        state = text_format("%s/one_VARS.fd", directory);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, state, "", 0, 0600, 0), 0);
        CHECK_NUMBER(state_claim(directory, directory, THEIRS), EXIT_CONFIG);
        for (size_t i = 0; i < ELEMENTS(files); i++) {
                CHECK_NUMBER(
                        file_write_atomic(AT_FDCWD, path, files[i].text, strlen(files[i].text), 0600, 0), 0);
                CHECK_NUMBER(state_claim(directory, directory, MINE), files[i].result);
        }
        /* hostile: nothing may block, or be followed to other users' files */
        CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
        CHECK_NUMBER(state_claim(directory, directory, MINE), EXIT_CONFIG);
        CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0);
        CHECK_NUMBER(state_claim(directory, directory, MINE), EXIT_CONFIG);
        CHECK(rmdir(path) == 0 && symlink("/nonexistent/a", path) == 0);
        CHECK_NUMBER(state_claim(directory, directory, MINE), 0);
        /* a directory that cannot be written does not keep the guest from starting */
        CHECK(unlink(path) == 0 && unlink(state) == 0 && rmdir(directory) == 0);
        CHECK_NUMBER(state_claim(directory, directory, MINE), 0);
        return 0;
}

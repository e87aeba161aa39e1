/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target over files and directories of files: this is how the ordinary tests replay the corpus
 * without a fuzzer, with whatever sanitizers the build enables.
 */

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tests/unit/test.h"
#include "util/file.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static void replay(const char *path)
{
        _cleanup_(freep) char *data = NULL;
        size_t size;

        CHECK_NUMBER(file_read(AT_FDCWD, path, (size_t) 1 << 24, &data, &size), 0);
        CHECK_NUMBER(LLVMFuzzerTestOneInput((const uint8_t *) data, size), 0);
        replayed++;
}

static void replay_directory(const char *path)
{
        _cleanup_(closedirp) DIR *dir = opendir(path);
        struct dirent *entry;

        CHECK(dir);
        while ((entry = readdir(dir))) {
                _cleanup_(freep) char *file = text_format("%s/%s", path, entry->d_name);
                struct stat st;

                CHECK(file && stat(file, &st) >= 0);
                if (S_ISREG(st.st_mode))
                        replay(file);
        }
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                struct stat st;

                CHECK(stat(argv[i], &st) >= 0);
                if (S_ISDIR(st.st_mode))
                        replay_directory(argv[i]);
                else
                        replay(argv[i]);
        }
        printf("%u inputs\n", replayed);
        return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

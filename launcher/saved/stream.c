/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU opens files itself for "file:", also those that it was given in an fd set; it is of QEMU 8.2 and
 * later. Before, "fd:" takes a file as it takes a socket, and begins at its present place; QEMU 11 refuses
 * files there.
 */

#include "launcher/saved/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "launcher/saved/saved-file.h"
#include "util/text.h"

#define FIRST_BY_FILE 9     /* major version */
#define SET           99999 /* the launcher's other sets have other numbers */
#define NAME          "saved-guest"

static const json_t *version_of(const Monitor *monitor)
{
        return json_object_get(
                json_object_get(json_object_get(monitor_greeting(monitor), "QMP"), "version"), "qemu");
}

static bool is_by_file(const Monitor *monitor)
{
        return json_integer_value(json_object_get(version_of(monitor), "major")) >= FIRST_BY_FILE;
}

int stream_give(const Monitor *monitor, int fd, Script *script)
{
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        if (copy < 0)
                return -errno;
        if (is_by_file(monitor))
                script_add(script, "add-fd", json_pack("{s:i}", "fdset-id", SET), copy, NULL, NULL);
        else
                script_add(script, "getfd", json_pack("{s:s}", "fdname", NAME), copy, NULL, NULL);
        return 0;
}

/* It may have been closed already, or never have come. */
static void on_taken_back(const json_t *result, const char *error, void *userdata)
{
}

void stream_take_back(Monitor *monitor)
{
        if (is_by_file(monitor))
                (void) monitor_execute(
                        monitor, "remove-fd", json_pack("{s:i}", "fdset-id", SET), on_taken_back, NULL,
                        MONITOR_PATIENCE);
        else
                (void) monitor_execute(
                        monitor, "closefd", json_pack("{s:s}", "fdname", NAME), on_taken_back, NULL,
                        MONITOR_PATIENCE);
}

json_t *stream_uri(const Monitor *monitor)
{
        _cleanup_(freep) char *uri = is_by_file(monitor)
                                             ? text_format("file:/dev/fdset/%d,offset=%d", SET, SAVED_OFFSET)
                                             : strdup("fd:" NAME);

        return uri ? json_pack("{s:s}", "uri", uri) : NULL;
}

char *stream_version(const Monitor *monitor)
{
        const json_t *v = version_of(monitor);

        return text_format(
                "%d.%d.%d", (int) json_integer_value(json_object_get(v, "major")),
                (int) json_integer_value(json_object_get(v, "minor")),
                (int) json_integer_value(json_object_get(v, "micro")));
}

bool stream_is_newer(const char *a, const char *b)
{
        unsigned a_major = 0, a_minor = 0, b_major = 0, b_minor = 0;

        if (sscanf(a, "%u.%u", &a_major, &a_minor) < 2 || sscanf(b, "%u.%u", &b_major, &b_minor) < 2)
                return false;
        return a_major != b_major ? a_major > b_major : a_minor > b_minor;
}

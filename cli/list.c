/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl list: the guests of a scope and the state of their units,
 * as far as a service manager can be asked. */

#include <errno.h>
#include <jansson.h>

#include "cli/cli.h"
#include "generator/find.h"
#include "util/exit.h"
#include "util/unit-name.h"

typedef struct Row {
        const char *name, *file;
        char *unit, *state;
} Row;

static int fill(Row *row, const GuestFile *file, sd_bus *bus)
{
        int r;

        *row = (Row){ .name = file->name, .file = file->path };
        if (!guest_name_is_valid(file->name)) {
                row->unit = strdup("-");
                row->state = strdup("bad-name");
                return row->unit && row->state ? 0 : -ENOMEM;
        }
        r = unit_name_for_guest(file->name, &row->unit);
        if (r < 0)
                return r;
        if (!bus || unit_state(bus, row->unit, &row->state) < 0)
                row->state = strdup("unknown");
        return row->state ? 0 : -ENOMEM;
}

static int print_json(const Row *rows, size_t n)
{
        json_t *array = json_array();
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = json_array_append_new(
                        array, json_pack(
                                       "{s:s, s:s, s:s, s:s}", "name", rows[i].name, "unit", rows[i].unit,
                                       "state", rows[i].state, "file", rows[i].file));
        if (r == 0)
                r = json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return r == 0 ? EXIT_SUCCESS
                      : fail(EXIT_OS, "the list cannot be written as JSON: a name is not UTF-8");
}

static int print_table(const Row *rows, size_t n)
{
        int width = 4;

        for (size_t i = 0; i < n; i++)
                if ((int) strlen(rows[i].name) > width)
                        width = (int) strlen(rows[i].name);
        printf("%-*s  %-12s  %s\n", width, "NAME", "STATE", "FILE");
        for (size_t i = 0; i < n; i++)
                printf("%-*s  %-12s  %s\n", width, rows[i].name, rows[i].state, rows[i].file);
        return EXIT_SUCCESS;
}

int verb_list(bool user_scope, int argc, char **argv)
{
        _cleanup_(strings_cleanup) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        bool json = argc > 1 && streq(argv[1], "--json");
        Row *rows;
        int r;

        if (argc != 1 + json)
                return fail(EXIT_BAD_USAGE, "list takes nothing but --json");
        r = guest_directories(user_scope, &directories);
        r = r < 0 ? r : guest_files_find(&directories, &files);
        rows = r < 0 ? NULL : calloc(files.count + 1, sizeof(*rows));
        if (!rows)
                return fail(EXIT_OS, "guests cannot be listed: %s", strerror(r < 0 ? -r : ENOMEM));
        if (manager_bus(user_scope, &bus) < 0 && !json)
                fprintf(stderr, "vmctl: systemd cannot be asked for the guests' states\n");
        for (size_t i = 0; r >= 0 && i < files.count; i++)
                r = fill(&rows[i], &files.items[i], bus);
        r = r < 0  ? fail(EXIT_OS, "%s", strerror(-r))
            : json ? print_json(rows, files.count)
                   : print_table(rows, files.count);
        for (size_t i = 0; i < files.count; i++) {
                free(rows[i].unit);
                free(rows[i].state);
        }
        free(rows);
        return r;
}

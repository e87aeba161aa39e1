/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl list: the guests of a scope and the state of their units, if the service manager answers. Root also
 * sees the running guests of users; guests that are not running are each user's own matter.
 *
 * The states are systemd's own, and two more: "refused" is a guest that cannot start because of its XML or
 * vmunit.conf, "unread" one whose file was added since systemd was last reloaded.
 */

#include <errno.h>
#include <jansson.h>

#include "cli/cli.h"
#include "cli/list-users.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/unit-name.h"

typedef struct Row {
        const char *name, *file, *user; /* file: NULL for a user's guest; user: NULL for one of this scope */
        char *unit, *state;
} Row;

typedef struct Rows {
        Row *items;
        size_t count;
        bool users; /* show a column for them */
} Rows;

static void rows_done(Rows *rows)
{
        for (size_t i = 0; i < rows->count; i++) {
                free(rows->items[i].unit);
                free(rows->items[i].state);
        }
        free(rows->items);
}

/* For a unit that is not running. */
static const char *refined_state(sd_bus *bus, const char *unit, const char *state)
{
        if (!streq(state, "inactive") && !streq(state, "failed"))
                return state;
        switch (unit_refusal(bus, unit)) {
        case REFUSAL_GUEST:
                return "refused";
        case REFUSAL_UNKNOWN:
                return "unread";
        default:
                return state;
        }
}

static int fill(Row *row, const GuestFile *file, sd_bus *bus)
{
        _cleanup_(freep) char *state = NULL;
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
        if (!bus || unit_state(bus, row->unit, &state) < 0)
                row->state = strdup("unknown");
        else
                row->state = strdup(refined_state(bus, row->unit, state));
        return row->state ? 0 : -ENOMEM;
}

static int fill_of_user(Row *row, const UserGuest *guest)
{
        *row = (Row){ .name = guest->name, .user = guest->user };
        row->unit = strdup(guest->unit);
        row->state = strdup("active");
        return row->unit && row->state ? 0 : -ENOMEM;
}

static int fill_all(Rows *rows, const GuestFiles *files, const UserGuests *guests, sd_bus *bus)
{
        int r = 0;

        rows->items = calloc(files->count + guests->count + 1, sizeof(*rows->items));
        if (!rows->items)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < files->count; i++)
                r = fill(&rows->items[rows->count++], &files->items[i], bus);
        for (size_t i = 0; r >= 0 && i < guests->count; i++)
                r = fill_of_user(&rows->items[rows->count++], &guests->items[i]);
        return r;
}

static int print_json(const Rows *rows)
{
        json_t *array = json_array();
        int r = 0;

        for (size_t i = 0; r == 0 && i < rows->count; i++) {
                const Row *row = &rows->items[i];

                r = json_array_append_new(
                        array, json_pack(
                                       "{s:s, s:s, s:s, s:s?, s:s?}", "name", row->name, "unit", row->unit,
                                       "state", row->state, "file", row->file, "user", row->user));
        }
        if (r == 0)
                r = json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return r == 0 ? EXIT_SUCCESS
                      : fail(EXIT_OS, "cannot write the list as JSON: a name is not valid UTF-8");
}

static int width_of(const Rows *rows, const char *head, const char *(*column)(const Row *row))
{
        size_t width = strlen(head);

        for (size_t i = 0; i < rows->count; i++) {
                size_t n = strlen(column(&rows->items[i]));

                width = n > width ? n : width;
        }
        return (int) width;
}

static const char *name_of(const Row *row)
{
        return row->name;
}

static const char *user_of(const Row *row)
{
        return row->user ?: "-";
}

static int print_table(const Rows *rows)
{
        int name = width_of(rows, "NAME", name_of), user = rows->users ? width_of(rows, "USER", user_of) : 0;
        int gap = rows->users ? 2 : 0;

        printf("%-*s  %-12s  %-*s%*s%s\n", name, "NAME", "STATE", user, rows->users ? "USER" : "", gap, "",
               "FILE");
        for (size_t i = 0; i < rows->count; i++) {
                const Row *row = &rows->items[i];

                printf("%-*s  %-12s  %-*s%*s%s\n", name, row->name, row->state, user,
                       rows->users ? user_of(row) : "", gap, "", row->file ?: "-");
        }
        return EXIT_SUCCESS;
}

int verb_list(bool user_scope, int argc, char **argv)
{
        _cleanup_(strings_cleanup) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(user_guests_done) UserGuests guests = { 0 };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        bool json = argc > 1 && streq(argv[1], "--json");
        _cleanup_(rows_done) Rows rows = { .users = !user_scope && geteuid() == 0 };
        int r;

        if (argc != 1 + json)
                return fail(EXIT_BAD_USAGE, "list accepts no arguments except --json");
        r = guest_directories(user_scope, &directories);
        r = r < 0 ? r : guest_files_find(&directories, &files);
        if (r >= 0 && rows.users)
                r = user_guests_find(&guests);
        if (r >= 0 && manager_bus(user_scope, &bus) < 0 && !json)
                fprintf(stderr, "vmctl: cannot query systemd; the guests' states are unknown\n");
        r = r < 0 ? r : fill_all(&rows, &files, &guests, bus);
        if (r < 0)
                return fail(EXIT_OS, "cannot list guests: %s", strerror(-r));
        return json ? print_json(&rows) : print_table(&rows);
}

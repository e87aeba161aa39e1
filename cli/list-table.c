/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The columns of vmctl list: a table of titles and functions, each as wide as its widest cell. A column that
 * is empty in every row is left out, so that a short list stays narrow.
 */

#include "cli/list-table.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "contract/exit.h"

#define CELL_MAX 256

static void name_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->name);
}

static void state_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->state);
}

static void user_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->user ?: "");
}

static void autostart_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->autostart < 0 ? "" : row->autostart ? "yes" : "no");
}

/* The first one; the others are in the JSON. */
static void address_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(
                cell, CELL_MAX, "%s%s", row->addresses.count > 0 ? row->addresses.items[0] : "",
                row->addresses.count > 1 ? ",…" : "");
}

static void unit_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->unit);
}

static void title_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->title ?: "");
        text_make_printable(cell);
}

static void file_cell(const Row *row, char cell[static CELL_MAX])
{
        snprintf(cell, CELL_MAX, "%s", row->file ?: "");
}

static void reason_cell(const Row *row, char cell[static CELL_MAX])
{
        _cleanup_(freep) char *text = row->reason ? strdup(row->reason) : NULL;

        if (text)
                text_cut(text, CELL_MAX - 1);
        snprintf(cell, CELL_MAX, "%s", text ?: "");
        text_make_printable(cell);
}

static const struct {
        const char *head;
        void (*cell)(const Row *row, char cell[static CELL_MAX]);
} columns[] = {
        { "NAME", name_cell },           { "STATE", state_cell },     { "USER", user_cell },
        { "AUTOSTART", autostart_cell }, { "ADDRESS", address_cell }, { "UNIT", unit_cell },
        { "TITLE", title_cell },         { "FILE", file_cell },       { "REASON", reason_cell },
};

/* In characters of UTF-8, not bytes. */
static int width(const char *text)
{
        int n = 0;

        for (; *text; text++)
                n += (*text & 0xc0) != 0x80;
        return n;
}

static const char *colour_of(const Row *row)
{
        if (streq(row->state, "active"))
                return "\033[32m";
        if (streq(row->state, "failed") || streq(row->state, "refused") || streq(row->state, "bad-name"))
                return "\033[31m";
        if (streq(row->state, "unread") || streq(row->state, "unknown"))
                return "\033[33m";
        return "";
}

static bool has_colours(void)
{
        const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no && *no) && terminal && !streq(terminal, "dumb");
}

static void print_cell(const char *text, int to_width, bool last, const char *before, const char *after)
{
        int gap = last ? 0 : to_width - width(text) + 2;

        printf("%s%s%s%*s", before, text, after, gap, "");
}

int list_print_table(const Rows *rows)
{
        int widths[ELEMENTS(columns)] = { 0 };
        size_t last = 0;
        bool colours = has_colours();
        char cell[CELL_MAX];

        for (size_t c = 0; c < ELEMENTS(columns); c++) {
                for (size_t i = 0; i < rows->count; i++) {
                        columns[c].cell(&rows->items[i], cell);
                        widths[c] = width(cell) > widths[c] ? width(cell) : widths[c];
                }
                if (widths[c] > 0 || c < 2)
                        widths[c] = width(columns[c].head) > widths[c] ? width(columns[c].head) : widths[c];
                last = widths[c] > 0 ? c : last;
        }
        for (size_t c = 0; c <= last; c++)
                if (widths[c] > 0)
                        print_cell(
                                columns[c].head, widths[c], c == last, colours ? "\033[1m" : "",
                                colours ? "\033[0m" : "");
        putchar('\n');
        for (size_t i = 0; i < rows->count; i++) {
                for (size_t c = 0; c <= last; c++) {
                        bool coloured = colours && columns[c].cell == state_cell;

                        if (widths[c] == 0)
                                continue;
                        columns[c].cell(&rows->items[i], cell);
                        print_cell(
                                *cell ? cell : "-", widths[c], c == last,
                                coloured ? colour_of(&rows->items[i]) : "", coloured ? "\033[0m" : "");
                }
                putchar('\n');
        }
        return EXIT_SUCCESS;
}

int list_print_json(const Rows *rows)
{
        json_t *array = json_array();
        int r = 0;

        for (size_t i = 0; r == 0 && i < rows->count; i++) {
                const Row *row = &rows->items[i];

                r = json_array_append_new(
                        array,
                        json_pack(
                                "{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:o}", "name", row->name,
                                "unit", row->unit, "state", row->state, "file", row->file, "user", row->user,
                                "title", row->title, "reason", row->reason, "autostart",
                                row->autostart < 0 ? json_null() : json_boolean(row->autostart), "addresses",
                                strings_json(&row->addresses)));
        }
        if (r == 0)
                r = json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return r == 0 ? EXIT_SUCCESS
                      : fail(EXIT_OS, "cannot write the list as JSON: a name is not valid UTF-8");
}

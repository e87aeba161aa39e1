/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl policy: what vmunit.conf allows, what each function costs the host, and which guests use it. The
 * costs are those of policy/switch.c. Who uses what follows from the conversion of each guest, so it needs
 * neither privileges nor systemd, and a guest that the policy refuses is listed, too.
 */

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/unit-name.h"

/* One of the lines that are printed: a switch, or a limit, which costs nothing and is used by all. */
typedef struct Line {
        const char *name, *value;
        const Place *at;
        const PolicyCost *costs;
        Strings guests;
} Line;

enum {
        LINE_MAX_GUESTS = POLICY_SWITCHES,
        LINE_MAX_MEMORY,
        LINE_MAX_VCPUS,
        LINE_DISK_DIRECTORIES,
        LINES,
};

typedef struct Lines {
        bool user_scope;
        Line items[LINES];
        Strings texts; /* the values that had to be made */
} Lines;

static void lines_done(Lines *lines)
{
        for (size_t i = 0; i < LINES; i++)
                strings_done(&lines->items[i].guests);
        strings_done(&lines->texts);
}

static int take_value(Lines *lines, Line *line, char *value)
{
        int r = strings_take(&lines->texts, value);

        if (r >= 0)
                line->value = lines->texts.items[lines->texts.count - 1];
        return r;
}

static int set_limit(Lines *lines, size_t i, const char *name, const PolicyLimit *limit)
{
        Line *line = &lines->items[i];

        *line = (Line){ .name = name, .value = "infinity", .at = &limit->at };
        return limit->max == 0
                       ? 0
                       : take_value(lines, line, text_format("%llu", (unsigned long long) limit->max));
}

static char *join(const Strings *words, const char *between)
{
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        FILE *f = text_writer_start(&w);

        for (size_t i = 0; f && i < words->count; i++)
                fprintf(f, "%s%s", i > 0 ? between : "", words->items[i]);
        return f ? text_writer_take(&w) : NULL;
}

static int set_lines(Lines *lines, const Policy *policy)
{
        Line *directories = &lines->items[LINE_DISK_DIRECTORIES];
        int r;

        for (size_t i = 0; i < POLICY_SWITCHES; i++)
                lines->items[i] = (Line){ .name = policy_switches[i].key,
                                          .value = policy->switches[i].allowed ? "yes" : "no",
                                          .at = &policy->switches[i].at,
                                          .costs = policy_switches[i].costs };
        *directories = (Line){ .name = "DiskDirectories", .at = &policy->disk_directories_at };
        r = set_limit(lines, LINE_MAX_GUESTS, "MaxGuests", &policy->max_guests);
        r = r < 0 ? r : set_limit(lines, LINE_MAX_MEMORY, "MaxMemory", &policy->max_memory);
        r = r < 0 ? r : set_limit(lines, LINE_MAX_VCPUS, "MaxVCPUs", &policy->max_vcpus);
        return r < 0 ? r : take_value(lines, directories, join(&policy->disk_directories, " "));
}

/* A guest whose XML has an error has no plan. */
static int note_guest(Lines *lines, const Host *host, const GuestFile *file)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        int r = conversion_start(&c, host);

        if (r >= 0)
                r = conversion_file(&c, file->path, file->name);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && r != -EPERM) {
                fprintf(stderr, "vmctl: it is unknown what guest %s uses: its XML has errors\n", file->name);
                return 0;
        }
        for (size_t i = 0; i < c.plan.n_uses; i++) {
                const PlanUse *use = &c.plan.uses[i];
                Strings *guests = &lines->items[use->function].guests;

                if (!plan_use_counts(use, host->user_scope) || strings_have(guests, file->name))
                        continue;
                r = strings_add(guests, file->name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A user's units have no capabilities and no device filter in the first place. */
static bool has_cost(const Lines *lines, const PolicyCost *cost)
{
        return !lines->user_scope ||
               (cost->kind != POLICY_COST_CAPABILITY && cost->kind != POLICY_COST_DEVICE);
}

/* "vm-helper@.service: CAP_NET_ADMIN CAP_MKNOD; vm-helper@.socket: CAP_NET_ADMIN" */
static char *costs_text(const Lines *lines, const Line *line)
{
        _cleanup_(text_writer_done) TextWriter w = { 0 };
        FILE *f = text_writer_start(&w);
        const char *unit = NULL;

        for (const PolicyCost *c = line->costs; f && c && c->kind; c++) {
                if (!has_cost(lines, c))
                        continue;
                if (!unit || !streq(unit, c->unit))
                        fprintf(f, "%s%s:", unit ? "; " : "", c->unit);
                unit = c->unit;
                fprintf(f, " %s", c->what);
        }
        return f ? text_writer_take(&w) : NULL;
}

enum { COLUMNS = 5 };

static int print_table(const Lines *lines)
{
        static const char *const heads[COLUMNS] = { "SETTING", "VALUE", "SET IN", "COSTS", "GUESTS" };
        _cleanup_(strings_done) Strings cells = { 0 };
        size_t widths[COLUMNS] = { 0 };
        int r = 0;

        for (size_t i = 0; i < COLUMNS; i++)
                r = r < 0 ? r : strings_add(&cells, heads[i]);
        for (size_t i = 0; i < LINES && r >= 0; i++) {
                const Line *line = &lines->items[i];

                r = strings_add(&cells, line->name);
                r = r < 0 ? r : strings_add(&cells, line->value);
                r = r < 0 ? r
                          : strings_take(&cells, line->at->file ? policy_place_text(line->at) : strdup("-"));
                r = r < 0 ? r : strings_take(&cells, costs_text(lines, line));
                r = r < 0 ? r : strings_take(&cells, join(&line->guests, " "));
        }
        if (r < 0)
                return fail(EXIT_OS, "out of memory");
        for (size_t i = 0; i < cells.count; i++)
                if (strlen(cells.items[i]) > widths[i % COLUMNS])
                        widths[i % COLUMNS] = strlen(cells.items[i]);
        for (size_t i = 0; i < cells.count; i++) {
                bool last = i % COLUMNS == COLUMNS - 1;

                text_make_printable(cells.items[i]);
                printf("%-*s%s", last ? 0 : (int) widths[i % COLUMNS],
                       *cells.items[i] ? cells.items[i] : "-", last ? "\n" : "  ");
        }
        return EXIT_SUCCESS;
}

static json_t *costs_json(const Lines *lines, const Line *line)
{
        json_t *array = json_array();

        for (const PolicyCost *c = line->costs; c && c->kind; c++)
                if (has_cost(lines, c))
                        (void) json_array_append_new(
                                array, json_pack(
                                               "{s:s, s:s, s:s}", "unit", c->unit, "kind",
                                               policy_cost_words[c->kind - 1], "what", c->what));
        return array;
}

static int print_json(const Lines *lines)
{
        json_t *array = json_array();
        int r = 0;

        for (size_t i = 0; i < LINES && r == 0; i++) {
                const Line *line = &lines->items[i];

                r = json_array_append_new(
                        array,
                        json_pack(
                                "{s:s, s:s, s:s?, s:i, s:o, s:o}", "name", line->name, "value", line->value,
                                "file", line->at->file, "line", (int) line->at->line, "costs",
                                costs_json(lines, line), "guests", strings_json(&line->guests)));
        }
        if (r == 0)
                r = json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return r == 0 ? EXIT_SUCCESS
                      : fail(EXIT_OS, "cannot write the policy as JSON: a name is not valid UTF-8");
}

int verb_policy(const Call *call)
{
        _cleanup_(lines_done) Lines lines = { .user_scope = call->user_scope };
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(host_done) Host host = { 0 };
        int r = host_read(&host, NULL, call->user_scope);

        if (r == -EBADMSG) {
                print_findings(host.findings);
                return EXIT_CONFIG;
        }
        r = r < 0 ? r : set_lines(&lines, &host.policy);
        r = r < 0 ? r : guest_directories(call->user_scope, &directories);
        r = r < 0 ? r : guest_files_find(&directories, &files);
        for (size_t i = 0; r >= 0 && i < files.count; i++)
                if (guest_name_is_valid(files.items[i].name))
                        r = note_guest(&lines, &host, &files.items[i]);
        if (r < 0)
                return fail(EXIT_OS, "cannot show the policy: %s", strerror(-r));
        return call->option ? print_json(&lines) : print_table(&lines);
}

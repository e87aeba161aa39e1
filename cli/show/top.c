/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl top: what the running guests of the scope use of the host, by the control groups of their units. On
 * a terminal the table is renewed every second; otherwise it is printed once, over one second.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <time.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/file.h"
#include "util/unit-name.h"

#define PERIOD_MSEC 1000
#define VALUE_MAX   4096U

typedef struct Used {
        const char *name;
        char *group;          /* the directory of its unit's control group */
        uint64_t cpu, before; /* microseconds */
        uint64_t memory;      /* bytes; 0 if unknown */
} Used;

typedef struct UsedList {
        Used *items;
        size_t count;
} UsedList;

static void used_list_done(UsedList *g)
{
        for (size_t i = 0; i < g->count; i++)
                free(g->items[i].group);
        free(g->items);
}

static char *find_group(sd_bus *bus, const char *unit)
{
        _cleanup_(freep) char *path = NULL, *group = NULL;

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
            sd_bus_get_property_string(
                    bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Service",
                    "ControlGroup", NULL, &group) < 0 ||
            !*group)
                return NULL;
        return text_format("/sys/fs/cgroup%s", group);
}

static int find_running(bool user_scope, const GuestFiles *files, sd_bus *bus, UsedList *ret)
{
        ret->items = calloc(files->count + 1, sizeof(*ret->items));
        if (!ret->items)
                return -ENOMEM;
        for (size_t i = 0; i < files->count; i++) {
                _cleanup_(freep) char *unit = NULL;
                char *group;

                if (!guest_name_is_valid(files->items[i].name) ||
                    unit_name_for_guest(files->items[i].name, &unit) < 0)
                        continue;
                group = find_group(bus, unit);
                if (group)
                        ret->items[ret->count++] = (Used){ .name = files->items[i].name, .group = group };
        }
        return 0;
}

/* The number in a file of the group's, behind the key, or the first one; 0 if there is none. */
static uint64_t read_number(const char *group, const char *file, const char *key)
{
        _cleanup_(freep) char *path = text_format("%s/%s", group, file), *text = NULL;
        const char *found;
        size_t size;

        if (!path || file_read(AT_FDCWD, path, VALUE_MAX, &text, &size) < 0)
                return 0;
        found = key ? strstr(text, key) : text;
        return found ? strtoull(found + (key ? strlen(key) : 0), NULL, 10) : 0;
}

static void measure(UsedList *g)
{
        for (size_t i = 0; i < g->count; i++) {
                Used *one = &g->items[i];

                one->before = one->cpu;
                one->cpu = read_number(one->group, "cpu.stat", "usage_usec ");
                one->memory = read_number(one->group, "memory.current", NULL);
        }
}

static int compare(const void *a, const void *b)
{
        const Used *x = a, *y = b;
        uint64_t p = x->cpu - x->before, q = y->cpu - y->before;

        return p == q ? strcmp(x->name, y->name) : p < q ? 1 : -1;
}

static void print_table(UsedList *g, double seconds)
{
        int width = (int) strlen("NAME");

        qsort(g->items, g->count, sizeof(*g->items), compare);
        for (size_t i = 0; i < g->count; i++)
                width = (int) strlen(g->items[i].name) > width ? (int) strlen(g->items[i].name) : width;
        printf("%-*s  %7s  %10s\n", width, "NAME", "CPU %", "MEMORY MiB");
        for (size_t i = 0; i < g->count; i++) {
                const Used *one = &g->items[i];

                printf("%-*s  %7.1f  ", width, one->name,
                       one->cpu >= one->before ? (double) (one->cpu - one->before) / seconds / 10000.0 : 0);
                if (one->memory > 0)
                        printf("%10.0f\n", (double) one->memory / (1024 * 1024));
                else
                        printf("%10s\n", "-");
        }
}

static double now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* Waits for the period; true if the user wants to end it: by q, or by closing the terminal. */
static bool wait_or_quit(bool keys)
{
        struct pollfd p = { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
        char key;

        return poll(&p, 1, PERIOD_MSEC) > 0 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q');
}

/* One table, over one period, of the guests that run now; true to go on. */
static int show(const Call *call, const GuestFiles *files, sd_bus *bus, bool terminal, bool *ret_quit)
{
        _cleanup_(used_list_done) UsedList g = { 0 };
        double begun = now();
        int r;

        r = find_running(call->user_scope, files, bus, &g);
        if (r < 0)
                return r;
        measure(&g);
        *ret_quit = wait_or_quit(terminal);
        measure(&g);
        if (terminal)
                fputs("\033[H\033[2J", stdout);
        print_table(&g, now() - begun);
        return fflush(stdout) == 0 ? 0 : -errno;
}

int verb_top(const Call *call)
{
        bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO), quit = false;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        struct termios before, keys;
        int r;

        r = guest_directories(call->user_scope, &directories);
        r = r < 0 ? r : guest_files_find(&directories, &files);
        if (r < 0)
                return fail(EXIT_OS, "cannot list guests: %s", strerror(-r));
        r = manager_bus(call->user_scope, &bus);
        if (r < 0)
                return fail(EXIT_MISSING, "cannot query systemd: %s", strerror(-r));
        terminal = terminal && tcgetattr(STDIN_FILENO, &before) >= 0;
        if (terminal) {
                keys = before;
                keys.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
        }
        do
                r = show(call, &files, bus, terminal, &quit);
        while (r >= 0 && terminal && !quit);
        if (terminal)
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        return r < 0 ? fail(EXIT_OS, "%s", strerror(-r)) : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The arguments of `run`, which come from the unit. Checks them as a whole: QEMU must be named by its path,
 * and no two descriptors may have the same number, or QEMU could get a disk in place of a network.
 */

#include "launcher/run/run-options.h"

#include <errno.h>

#include "contract/arguments.h"
#include "contract/console-label.h"
#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/options.h"
#include "log/log.h"

static int read_numbered(const char *text, void *target)
{
        NumberedList *list = target;
        Numbered *bigger;
        int r;

        bigger = realloc(list->items, (list->count + 1) * sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        list->items = bigger;
        r = fd_value_read(text, &bigger[list->count].name, &bigger[list->count].number);
        if (r >= 0)
                list->count++;
        return r;
}

static int read_console(const char *text, void *target)
{
        NumberedList *list = target;
        int r;

        if (list->count >= CONSOLES_MAX)
                return -ERANGE;
        r = read_numbered(text, target);
        if (r < 0)
                return r;
        return console_label_is_valid(list->items[list->count - 1].name) ? 0 : -EINVAL;
}

static int read_fate(const char *text, void *target, Fate last)
{
        Fate fate;
        int r;

        r = fate_from_word(text, &fate);
        if (r < 0)
                return r;
        if (fate > last)
                return -EINVAL;
        *(Fate *) target = fate;
        return 0;
}

static int read_off_fate(const char *text, void *target)
{
        return read_fate(text, target, FATE_PRESERVE);
}

static int read_crash_fate(const char *text, void *target)
{
        return read_fate(text, target, FATE_DUMP_RESTART);
}

/* The generator's limit, too: 68 years. */
static int read_seconds(const char *text, void *target)
{
        uint64_t n;
        int r;

        r = text_to_u64(text + (*text == '-'), INT32_MAX, &n);
        if (r >= 0)
                *(int64_t *) target = *text == '-' ? -(int64_t) n : (int64_t) n;
        return r;
}

static int read_bytes(const char *text, void *target)
{
        return text_to_u64(text, INT64_MAX, target);
}

static int read_argument_path(const char *text, void *target)
{
        ArgumentPaths *paths = target;
        ArgumentPath *bigger = realloc(paths->items, (paths->count + 1) * sizeof(*bigger));
        int r;

        if (!bigger)
                return -ENOMEM;
        paths->items = bigger;
        r = argument_path_read(text, &bigger[paths->count].line, &bigger[paths->count].path);
        if (r >= 0)
                paths->count++;
        return r;
}

#define TO(member) offsetof(RunOptions, member)

static const Argument run_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, TO(guest), ARGUMENT_REQUIRED },
        { OPTION_DEFINITION, "a hash", argument_text, TO(definition), 0 },
        { OPTION_HELPER, "an absolute path", argument_path, TO(helper), 0 },
        { OPTION_UUID, "a UUID", argument_uuid, TO(uuid), ARGUMENT_REQUIRED },
        { OPTION_ON_POWEROFF, "destroy, restart or preserve", read_off_fate, TO(life.on_poweroff), 0 },
        { OPTION_ON_REBOOT, "destroy, restart or preserve", read_off_fate, TO(life.on_reboot), 0 },
        { OPTION_ON_CRASH, "destroy, restart, preserve, coredump-destroy or coredump-restart",
          read_crash_fate, TO(life.on_crash), 0 },
        { OPTION_WATCHDOG_DUMP, "", argument_switch, TO(life.dump_on_watchdog), ARGUMENT_SWITCH },
        { OPTION_SAVE_ON_STOP, "", argument_switch, TO(life.save_on_stop), ARGUMENT_SWITCH },
        { OPTION_MONITOR, "the number of a file descriptor", argument_fd, TO(monitor), ARGUMENT_REQUIRED },
        { OPTION_CONSOLE, "LABEL:NUMBER", read_console, TO(consoles), ARGUMENT_REPEATED },
        { OPTION_SOCKET, "NAME:NUMBER", read_numbered, TO(sockets), ARGUMENT_REPEATED },
        { OPTION_VNC, "the name of a socket", argument_text, TO(vnc), 0 },
        { OPTION_SPICE, "the name of a socket", argument_text, TO(spice), 0 },
        { OPTION_FD, "NAME:NUMBER", read_numbered, TO(fds), ARGUMENT_REPEATED },
        { OPTION_TRY_FD, "NAME:NUMBER", read_numbered, TO(try_fds), ARGUMENT_REPEATED },
        { OPTION_PASST, "KEY=VALUE,…", passt_list_read, TO(passts), ARGUMENT_REPEATED },
        { OPTION_DISPLAY, "", argument_switch, TO(display), ARGUMENT_SWITCH },
        { OPTION_PRIVATE_NETWORK, "", argument_switch, TO(private_network), ARGUMENT_SWITCH },
        { OPTION_PEERS, "", argument_switch, TO(peers), ARGUMENT_SWITCH },
        { OPTION_IMAGE, "a node name", argument_strings, TO(images), ARGUMENT_REPEATED },
        { OPTION_CHAIN, "a node name", argument_strings, TO(chains), ARGUMENT_REPEATED },
        { OPTION_DISK, "NODE:TARGET[:PATH]", disk_names_read, TO(life.disks), ARGUMENT_REPEATED },
        { OPTION_LINK_DOWN, "the id of a network card", argument_strings, TO(life.links_down),
          ARGUMENT_REPEATED },
        { OPTION_BANDWIDTH, "ID:LIMITS", argument_strings, TO(life.bandwidths), ARGUMENT_REPEATED },
        { OPTION_BALLOON, "a number of bytes", read_bytes, TO(life.balloon), 0 },
        { OPTION_AFFINITY, "THREAD:CPUS", thread_rules_read_affinity, TO(life.threads), ARGUMENT_REPEATED },
        { OPTION_SCHEDULER, "THREAD:POLICY[:PRIORITY]", thread_rules_read_scheduler, TO(life.threads),
          ARGUMENT_REPEATED },
        { OPTION_RTC_OFFSET, "a number of seconds", read_seconds, TO(rtc_offset), 0 },
        { OPTION_ARGUMENT_PATH, "LINE:PATH", read_argument_path, TO(argument_paths), ARGUMENT_REPEATED },
};

static int take_number(const char *name, int number, bool taken[static FD_NUMBER_MAX + 1])
{
        if (taken[number]) {
                log_error("%s:%d: another file descriptor already has this number.", name, number);
                return -EINVAL;
        }
        taken[number] = true;
        return 0;
}

static int check_list(const NumberedList *list, bool taken[static FD_NUMBER_MAX + 1])
{
        int r = 0;

        for (size_t i = 0; i < list->count; i++)
                if (take_number(list->items[i].name, list->items[i].number, taken) < 0)
                        r = -EINVAL;
        return r;
}

static int check_names(const NumberedList *list, const char *what)
{
        int r = 0;

        for (size_t i = 0; i < list->count; i++)
                for (size_t j = 0; j < i; j++)
                        if (streq(list->items[i].name, list->items[j].name)) {
                                log_error("Duplicate %s \"%s\".", what, list->items[i].name);
                                r = -EINVAL;
                        }
        return r;
}

static int check(const RunOptions *o)
{
        bool taken[FD_NUMBER_MAX + 1] = { false };
        int r = 0;

        taken[o->monitor] = true;
        if (check_list(&o->consoles, taken) < 0 || check_list(&o->sockets, taken) < 0 ||
            check_list(&o->fds, taken) < 0 || check_list(&o->try_fds, taken) < 0)
                r = -EINVAL;
        for (size_t i = 0; i < o->passts.count; i++)
                if (o->passts.items[i].fd > 0 &&
                    take_number(o->passts.items[i].id, o->passts.items[i].fd, taken) < 0)
                        r = -EINVAL;
        if (check_names(&o->consoles, "console") < 0 || check_names(&o->sockets, "socket") < 0)
                r = -EINVAL;
        if (!o->argv[0] || o->argv[0][0] != '/') {
                log_error("Expected QEMU's absolute path after \"--\".");
                r = -EINVAL;
        }
        return r;
}

int run_options_read(RunOptions *ret, int argc, char **argv)
{
        RunOptions o = {
                .life = { .on_poweroff = FATE_DESTROY, .on_reboot = FATE_RESTART, .on_crash = FATE_DESTROY }
        };
        int r;

        r = arguments_read(run_arguments, ELEMENTS(run_arguments), &o, argc, argv, &o.argv);
        if (r >= 0)
                r = check(&o);
        if (r < 0) {
                run_options_done(&o);
                return r;
        }
        *ret = o;
        return 0;
}

static void numbered_list_done(NumberedList *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->items[i].name);
        free(list->items);
        *list = (NumberedList){ 0 };
}

void run_options_done(RunOptions *o)
{
        numbered_list_done(&o->consoles);
        numbered_list_done(&o->sockets);
        numbered_list_done(&o->fds);
        numbered_list_done(&o->try_fds);
        passt_list_done(&o->passts);
        strings_done(&o->images);
        strings_done(&o->chains);
        disk_names_done(&o->life.disks);
        strings_done(&o->life.links_down);
        strings_done(&o->life.bandwidths);
        thread_rules_done(&o->life.threads);
        free(o->argument_paths.items);
}

static int highest(const NumberedList *list, int n)
{
        for (size_t i = 0; i < list->count; i++)
                n = list->items[i].number > n ? list->items[i].number : n;
        return n;
}

int run_options_highest_fd(const RunOptions *o)
{
        int n = highest(&o->sockets, highest(&o->consoles, o->monitor));

        n = highest(&o->try_fds, highest(&o->fds, n));
        for (size_t i = 0; i < o->passts.count; i++)
                n = o->passts.items[i].fd > n ? o->passts.items[i].fd : n;
        return n;
}

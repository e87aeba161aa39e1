/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmctl: what its verbs share. Each verb is one file and returns the program's exit status
 * (contract/exit.h). */

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "generator/convert/convert.h"

/* What the command line asks a verb to do; vmctl.c has checked it against the verb's row. */
typedef struct Call {
        const char *verb;
        bool user_scope;
        const char *option; /* the one that was given, without its dashes, or NULL */
        const char *
                *extras; /* those that go with any other, in the order given: "secrets", "disk=vda=PATH" */
        int n_extras;
        int n_words;
        char **words; /* ended by NULL */
} Call;

#define OPTIONS_MAX 6

typedef struct Verb {
        const char *name, *arguments, *what;
        const char *details;              /* for "vmctl VERB --help" */
        const char *options[OPTIONS_MAX]; /* without dashes; one of them at most may be given */
        int min, max;                     /* number of arguments; -1 for any number */
        int (*run)(const Call *call);
        const char *extras[OPTIONS_MAX]; /* options that go with any other; "disk=" takes a value */
        bool own_options;                /* the verb reads its options itself, as words */
} Verb;

/* Whether that extra option without a value was given. */
bool call_has(const Call *call, const char *extra);

/* Those for a guest that runs, those that change one, and those for its disks. */
extern const Verb running_verbs[], change_verbs[], disk_verbs[];
extern const size_t n_running_verbs, n_change_verbs, n_disk_verbs;

int verb_address(const Call *call);
int verb_agent(const Call *call);
int verb_argv(const Call *call);
int verb_backup(const Call *call);
int verb_check(const Call *call);
int verb_commit(const Call *call);
int verb_clone(const Call *call);
int verb_copy_disk(const Call *call);
int verb_console(const Call *call);
int verb_define(const Call *call);
int verb_dump(const Call *call);
int verb_dumpxml(const Call *call);
int verb_edit(const Call *call);
int verb_events(const Call *call);
int verb_info(const Call *call);
int verb_kill(const Call *call);
int verb_list(const Call *call);
int verb_nmi(const Call *call);
int verb_pause(const Call *call);
int verb_policy(const Call *call);
int verb_qmp(const Call *call);
int verb_rename(const Call *call);
int verb_reset(const Call *call);
int verb_resize_disk(const Call *call);
int verb_resume(const Call *call);
int verb_save(const Call *call);
int verb_screenshot(const Call *call);
int verb_send_key(const Call *call);
int verb_snapshot(const Call *call);
int verb_stats(const Call *call);
int verb_top(const Call *call);
int verb_undefine(const Call *call);
int verb_unit(const Call *call);
int verb_view(const Call *call);

/* Prints the findings to stderr, one a line. */
void print_findings(const Findings *findings);
void print_findings_from(const Findings *findings, size_t first); /* without those before */

/* A JSON array of them, to be released. */
json_t *strings_json(const Strings *strings);

/* Says "vmctl: …" on stderr and returns status. */
int fail(int status, const char *format, ...) _printf_(2, 3);

#define STDIN_NAME "<stdin>" /* what findings and messages call it */

/* All of standard input, with a NUL behind it. Prints its own error message; 0 or the exit status. */
int read_stdin(char **ret_data, size_t *ret_size);

/* Whether there is a saved state of that guest, as far as the caller can see. */
bool guest_is_saved(bool user_scope, const char *name);

/* Removes it from a guest that is off. Prints what it did, or its own error message; the exit status. */
int discard_saved(bool user_scope, const char *name);

/* "systemctl" or "systemctl --user": for commands that a message suggests. */
const char *systemctl_of(bool user_scope);

/*
 * The file that an argument names: a path if it contains a slash or ends in ".xml", otherwise a guest's name
 * in the scope. Prints its own error message; 0 or the exit status. ret_name: the guest's name, NULL if a
 * path was given.
 */
int resolve_guest(bool user_scope, const char *argument, char **ret_path, char **ret_name);

/*
 * resolve_guest(), then the conversion, whose findings are printed; "-" is standard input. 0 or the exit
 * status; the caller releases c in any case. ret_path: the file, NULL for standard input.
 */
int convert_argument(const Host *host, const char *argument, Conversion *c, char **ret_path);

/*
 * Connects to a socket of the running guest that the call's first word names. missing: the message if
 * the guest has none. Prints its own error message; 0 or the exit status.
 */
int connect_to_guest(const Call *call, const char *name, const char *missing, int *ret);

/* The bus of the scope's service manager; 0 or negative errno. */
int manager_bus(bool user_scope, sd_bus **ret);

/* ActiveState of a unit, "inactive" if it is not loaded; 0 or negative errno. */
int unit_state(sd_bus *bus, const char *unit, char **ret);

/* Says so if a guest is not off, and how to stop it; 0 or an exit status. */
int require_off(sd_bus *bus, bool user_scope, const char *name, const char *unit);

/* Whether a unit starts at boot: 1, 0 or negative errno. */
int unit_is_enabled(sd_bus *bus, const char *unit);

/* SourcePath of a unit: the guest's file that it was made from, or ""; 0 or negative errno. */
int unit_source(sd_bus *bus, const char *unit, char **ret);

/* Whether a unit's ExecStart= only refuses to start the guest ("vm-launcher refuse"). */
typedef enum Refusal {
        REFUSAL_NONE, /* or unknown */
        REFUSAL_GUEST,
        REFUSAL_UNKNOWN, /* the template's own: systemd does not know the guest */
} Refusal;

/* ret_reason: the first error that it would print, to be freed; NULL if there is none. */
Refusal unit_refusal(sd_bus *bus, const char *unit, char **ret_reason);

/* Makes systemd read the guests now (daemon-reload). If that fails, a message says that the user has to. 0
 * or the exit status. */
int reload_manager(bool user_scope);

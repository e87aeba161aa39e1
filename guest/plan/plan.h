/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The result of a conversion: QEMU's command line, and all that the guest needs of the host. The generator
 * writes it as a drop-in; nothing else is carried over from the XML to the running guest.
 */

#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/line/passt-request.h"
#include "contract/line/tap-request.h"
#include "contract/line/thread-rule.h"
#include "contract/words.h"
#include "guest/plan/props.h"
#include "guest/plan/use.h"
#include "util/findings.h"
#include "util/text.h"

/* The numbers of the file descriptors that QEMU inherits; the launcher moves them there. */
enum {
        PLAN_FD_MONITOR = 10,
        PLAN_FD_CONSOLE = 11, /* and up: one per console that is logged to the journal */
        PLAN_FD_PASST = 76,   /* and up: one per passt, in the order of plan_passt() calls */
        PLAN_FD_STORED = 100, /* and up, in the order of plan_fd() and plan_socket() calls */
};

_Static_assert(
        PLAN_FD_CONSOLE + CONSOLES_MAX <= PLAN_FD_PASST, "the numbers of consoles reach into passt's");
_Static_assert(PLAN_FD_PASST + PASSTS_MAX <= PLAN_FD_STORED, "the numbers of passts reach into stored ones");

typedef struct Grant {
        const char *path;
        Access access;
        bool device; /* a device node: needs DeviceAllow= as well */
} Grant;

/* The file or block device of one node of QEMU's, which QEMU gets as a descriptor. */
typedef struct Image {
        const char *node, *path;
        Access access;
        bool direct; /* cache.direct of the node */
} Image;

typedef struct Chain {
        const char *node, *format, *path;
} Chain;

/* No other guest may have this while the guest runs. */
typedef struct PlanClaim {
        Claim claim;
        Place place; /* in the XML */
} PlanClaim;

/* The user that only this guest has, and its group of the same name and number. */
typedef struct PlanUser {
        const char *name; /* NULL: the guest has none of its own */
        unsigned number;
} PlanUser;

/* The TPM that swtpm emulates in a unit of its own; see vm-launcher(8), the verb tpm. Texts are borrowed. */
typedef struct PlanTpm {
        const char *version;        /* "1.2", "2.0"; NULL: the guest has none */
        const char *pcr_banks;      /* "sha256,sha384"; NULL: swtpm's choice */
        const char *profile;        /* NULL: swtpm's choice */
        const char *profile_remove; /* "check", "fips-host"; NULL: none */
        const char *credential;     /* with the passphrase of its state; NULL: it is not encrypted */
        unsigned log_level;         /* 0: it does not log */
        const char *state_type;     /* "dir", "file": its state is in state_path; NULL: with the guest's */
        const char *state_path;
} PlanTpm;

typedef struct Directive {
        char *key, *value; /* value unescaped; the writer of unit files escapes it */
} Directive;

/* A device property with another value than its kind's; see plan_override(). */
typedef struct Override {
        const char *id, *key;
        json_t *value; /* NULL: remove the property */
        bool used;
} Override;

/* Which part of the host's network QEMU itself must reach, beyond the descriptors it inherits. */
typedef enum NetworkNeed {
        NETWORK_NONE,
        NETWORK_LOCAL, /* listens on addresses of this host (VNC, SPICE) */
        NETWORK_ANY,   /* connects or listens anywhere (user networking, sockets) */
} NetworkNeed;

/* How often the guest asks for something that the launcher accepts only a number of times: see plan.c. */
typedef struct PlanCount {
        unsigned n;
        Place excess; /* of the first one too many */
} PlanCount;

enum { PLAN_COUNTS = 13 };

typedef struct Plan {
        Strings argv;    /* QEMU's, argv[0] included */
        Strings prepare; /* arguments of vm-launcher prepare, beside those that the fields below mean */
        Strings run;     /* arguments of vm-launcher run, beside those that the fields below mean */
        Grant *grants;
        size_t n_grants;
        Image *images;
        size_t n_images;
        Chain *chains;
        size_t n_chains;
        PlanClaim *claims;
        size_t n_claims;
        TapRequest *taps;
        size_t n_taps;
        Directive *directives; /* further directives of [Service], in order */
        size_t n_directives;
        Override *overrides;
        size_t n_overrides;
        Strings listens; /* SocketBindAllow= values: "tcp:5900" */
        NetworkNeed network;
        bool peers; /* see plan_peers() */
        unsigned n_consoles, n_stored, n_sockets, n_passts;
        const char *nvram, *nvram_template;
        PlanUse *uses;
        size_t n_uses;
        PlanUser own_user;
        PlanTpm tpm;
        Place place;         /* of what is being built */
        const char *element; /* its name */
        PlanCount counts[PLAN_COUNTS];
        int status; /* 0 or -ENOMEM: kept, and checked once at the end */
} Plan;

void plan_done(Plan *p);

/* From now on, what is planned is that element's. */
void plan_build_at(Plan *p, Place place, const char *element);

/* An error for each limit of the launcher that the guest exceeds. */
void plan_check_limits(const Plan *p, Findings *findings);

/* QEMU's command line. plan_option*() consume the props. */
void plan_flag(Plan *p, const char *option);                     /* "-S" */
void plan_value(Plan *p, const char *option, const char *value); /* "-uuid", value as it is: no keys in it */
void plan_json(
        Plan *p, const char *option, Props *props); /* -device, -object, -blockdev, -netdev, -audiodev */
void plan_list(
        Plan *p, const char *option, Props *props); /* -chardev, -machine, -smp …: first key implied */
void plan_list_named(
        Plan *p, const char *option, Props *props); /* -name, -rtc, -boot …: every key written */

/* Changes a property of the -device with that id, which must come later; takes the reference to value. */
void plan_override(Plan *p, const char *id, const char *key, json_t *value);

/* What the host must grant. Text is borrowed and must live as long
 * as the plan (the XML's, or guest_text()). */
void plan_grant(Plan *p, const char *path, Access access);
void plan_grant_device(
        Plan *p, const char *path, Access access); /* a device node; DeviceAllow= and BindPaths= follow */
void plan_share_device(
        Plan *p, const char *path); /* a node that all guests may open but none may own: /dev/vhost-… */
void plan_log_file(Plan *p, const char *path); /* a file that is created if missing */
void plan_image(Plan *p, const Image *image);
void plan_chain(Plan *p, const char *node, const char *format, const char *path);
void plan_tap(Plan *p, const TapRequest *tap);
void plan_claim(Plan *p, ClaimKind kind, const char *value, Place place); /* once, if it is valid */
void plan_network(Plan *p, NetworkNeed need);                             /* the greatest need counts */
void plan_network_of(Plan *p, const char *host); /* the one that this host is in; NULL is this one */
void plan_listen_at(Plan *p, const char *host);  /* QEMU listens there; a name may have to be looked up */

/*
 * QEMU connects to other programs or hosts, or passes descriptors to them. Without this, its system call
 * filter refuses to connect, and other QEMUs of its user can use up what it may have in transit.
 */
void plan_peers(Plan *p);
void plan_listen(Plan *p, const char *format, ...)
        _printf_(2, 3); /* a port that QEMU or passt listens on: "tcp:5900-5999" */
void plan_bind_any(Plan *p, const char *protocol); /* ports that passt sends from: "udp" */
void plan_directive(Plan *p, const char *key, const char *format, ...)
        _printf_(3, 4); /* duplicates are dropped */

/* What the templates refuse, for guests whose QEMU needs it. */
#define CALLS_MEMFD    "memfd_create"
#define CALLS_INOTIFY  "inotify_init inotify_init1"
#define CALLS_IO_URING "io_uring_enter io_uring_register io_uring_setup"
void plan_calls(Plan *p, const char *calls); /* one of these */
void plan_scratch(Plan *p); /* the host's disk space for temporary files, instead of 64 MiB */

/* One argument of vm-launcher prepare, once; option: OPTION_… of options.h; value of contract/line/, which
 * is freed here and may be NULL if memory ran out. */
void plan_prepare(Plan *p, const char *option, char *value);
void plan_run(Plan *p, const char *format, ...) _printf_(2, 3); /* one argument of vm-launcher run */
void plan_run_value(Plan *p, const char *option, char *value);  /* value as above */

/*
 * Asks for a stored descriptor and returns the number that QEMU gets it as. name is one of fd-name.h, which
 * is freed here and may be NULL (out of memory). optional: see --try-fd=.
 */
unsigned plan_fd(Plan *p, bool optional, char *name);

/* Asks for a console socket that is logged to the journal under label; returns its number in QEMU. */
unsigned plan_console(Plan *p, const char *label);

/* Asks for a listening socket of that name in the guest's runtime directory; returns its number in QEMU. */
unsigned plan_socket(Plan *p, const char *name);

/* Asks for a socket of that name there for clients of VNC or SPICE; does nothing if it is NULL. */
void plan_vnc(Plan *p, const char *name);
void plan_spice(Plan *p, const char *name);

/* Asks for these CPUs or this scheduler for one of QEMU's threads. */
void plan_thread(Plan *p, const ThreadRule *rule);

/* Tells the launcher what the guest's XML calls the disk of this node; path: of its image, or NULL. */
void plan_disk_name(Plan *p, const char *node, const char *target, const char *path);

/* Asks for a TPM, which listens on the settings' tpm_socket. */
void plan_tpm(Plan *p, const PlanTpm *tpm, const char *socket);

/*
 * Asks for this passt. fd: QEMU gets its socket as a descriptor, whose number is set in the request and
 * returned.
 */
unsigned plan_passt(Plan *p, bool fd, PasstRequest *request);

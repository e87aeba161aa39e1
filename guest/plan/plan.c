/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan collects what the guest's parts and devices ask for, in order: QEMU's options, descriptors,
 * grants and directives of the unit. It knows nothing of what they mean; generator/unit writes them out.
 */

#include "guest/plan/plan.h"

#include "contract/line/colon.h"
#include "contract/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>

void plan_done(Plan *p)
{
        strings_done(&p->argv);
        strings_done(&p->prepare);
        strings_done(&p->run);
        strings_done(&p->listens);
        for (size_t i = 0; i < p->n_directives; i++) {
                free(p->directives[i].key);
                free(p->directives[i].value);
        }
        free(p->directives);
        for (size_t i = 0; i < p->n_overrides; i++)
                json_decref(p->overrides[i].value);
        free(p->overrides);
        free(p->grants);
        free(p->images);
        free(p->chains);
        free(p->claims);
        free(p->taps);
        free(p->uses);
        *p = (Plan){ 0 };
}

void plan_build_at(Plan *p, Place place, const char *element)
{
        p->place = place;
        p->element = element;
}

/* By the option that the launcher counts. What one is called must fit "a guest can have at most 64 …". */
static const struct {
        const char *option;
        unsigned max;
        const char *what;
} limits[] = {
        { OPTION_TAP, TAPS_MAX, "network interfaces with a TAP or macvtap device" },
        { OPTION_LINK, LINKS_MAX, "interfaces of the host that passt uses" },
        { OPTION_GRANT, GRANTS_MAX, "files and devices of the host" },
        { OPTION_IMAGE, IMAGES_MAX, "images of disks and firmware" },
        { OPTION_CHAIN, CHAINS_MAX, "disks whose images can have backing files" },
        { OPTION_USB, HOST_DEVICES_MAX, "USB devices of the host" },
        { OPTION_PCI, HOST_DEVICES_MAX, "PCI devices of the host" },
        { OPTION_MDEV, HOST_DEVICES_MAX, "mediated devices" },
        { OPTION_SCSI, HOST_DEVICES_MAX, "SCSI devices of the host" },
        { OPTION_LOG_FILE, LOG_FILES_MAX, "log files" },
        { OPTION_PASST, PASSTS_MAX, "network interfaces with passt" },
        { OPTION_SOCKET, SOCKETS_MAX, "channels with a socket that vmunit creates" },
        { OPTION_FD, STORED_MAX, "queues of network interfaces, those of vhost-net counted as well" },
};

_Static_assert(ELEMENTS(limits) == PLAN_COUNTS, "each limit has its count");
_Static_assert(
        PLAN_FD_STORED + STORED_MAX + SOCKETS_MAX <= FD_NUMBER_MAX + 1,
        "the numbers of stored descriptors and sockets end there");

static void count(Plan *p, const char *option)
{
        for (size_t i = 0; i < ELEMENTS(limits); i++)
                if (streq(limits[i].option, option) && ++p->counts[i].n == limits[i].max + 1)
                        p->counts[i].excess = p->place;
}

void plan_check_limits(const Plan *p, Findings *findings)
{
        for (size_t i = 0; i < ELEMENTS(limits); i++)
                if (p->counts[i].n > limits[i].max)
                        finding(findings, SEVERITY_ERROR, p->counts[i].excess,
                                "a guest can have at most %u %s", limits[i].max, limits[i].what);
}

static void note(Plan *p, int r)
{
        if (r < 0)
                p->status = r;
}

/* Room for one more item after the first n; NULL if out of memory. */
static void *one_more(Plan *p, void *items_pointer, size_t *n, size_t size)
{
        char **items = items_pointer;
        char *grown = reallocarray(*items, *n + 1, size);

        if (!grown) {
                p->status = -ENOMEM;
                return NULL;
        }
        *items = grown;
        return grown + (*n)++ * size;
}

void plan_flag(Plan *p, const char *option)
{
        note(p, strings_add(&p->argv, option));
}

void plan_value(Plan *p, const char *option, const char *value)
{
        plan_flag(p, option);
        note(p, strings_add(&p->argv, value));
}

static void add_option(Plan *p, const char *option, Props *props, char *(*write)(const Props *) )
{
        plan_flag(p, option);
        note(p, strings_take(&p->argv, write(props)));
        props_done(props);
}

void plan_override(Plan *p, const char *id, const char *key, json_t *value)
{
        Override *o = one_more(p, &p->overrides, &p->n_overrides, sizeof(*o));

        if (o)
                *o = (Override){ id, key, value };
        else
                json_decref(value);
}

static void apply_overrides(Plan *p, Props *props)
{
        const char *id = json_string_value(json_object_get(props->json, "id"));

        for (size_t i = 0; id && i < p->n_overrides; i++) {
                Override *o = &p->overrides[i];

                if (!streq(o->id, id))
                        continue;
                o->used = true;
                if (o->value)
                        props_json_value(props, o->key, json_incref(o->value));
                else
                        json_object_del(props->json, o->key);
        }
}

void plan_json(Plan *p, const char *option, Props *props)
{
        if (p->n_overrides > 0 && streq(option, "-device"))
                apply_overrides(p, props);
        add_option(p, option, props, props_json);
}

void plan_list(Plan *p, const char *option, Props *props)
{
        add_option(p, option, props, props_list);
}

void plan_list_named(Plan *p, const char *option, Props *props)
{
        add_option(p, option, props, props_list_named);
}

/* A file written exclusively must stay exclusive: a second mention must not share it with other guests. */
static bool is_stronger(Access a, Access than)
{
        static const unsigned strength[] = {
                [ACCESS_READ] = 0, [ACCESS_WRITE_SHARED] = 1, [ACCESS_WRITE] = 2
        };

        return strength[a] > strength[than];
}

/* A file named twice is granted once, with the greater access. */
static void add_grant(Plan *p, Grant grant)
{
        Grant *to;

        plan_use(p, POLICY_CHOWN);
        for (size_t i = 0; i < p->n_grants; i++)
                if (streq(p->grants[i].path, grant.path)) {
                        if (is_stronger(grant.access, p->grants[i].access))
                                p->grants[i].access = grant.access;
                        p->grants[i].device |= grant.device;
                        return;
                }
        count(p, OPTION_GRANT);
        to = one_more(p, &p->grants, &p->n_grants, sizeof(*to));
        if (to)
                *to = grant;
}

void plan_grant(Plan *p, const char *path, Access access)
{
        add_grant(p, (Grant){ path, access, false });
}

void plan_grant_device(Plan *p, const char *path, Access access)
{
        add_grant(p, (Grant){ path, access, true });
}

void plan_log_file(Plan *p, const char *path)
{
        plan_prepare(p, OPTION_LOG_FILE, strdup(path));
        plan_grant(p, path, ACCESS_WRITE);
}

void plan_share_device(Plan *p, const char *path)
{
        plan_directive(p, "DeviceAllow", "%s rw", path);
        plan_directive(p, "BindPaths", "%s", path);
}

void plan_image(Plan *p, const Image *image)
{
        Image *to;

        count(p, OPTION_IMAGE);
        to = one_more(p, &p->images, &p->n_images, sizeof(*to));
        if (to)
                *to = *image;
}

void plan_chain(Plan *p, const char *node, const char *format, const char *path)
{
        Chain *c;

        count(p, OPTION_CHAIN);
        c = one_more(p, &p->chains, &p->n_chains, sizeof(*c));

        if (c)
                *c = (Chain){ node, format, path };
}

void plan_tap(Plan *p, const TapRequest *tap)
{
        TapRequest *t;

        count(p, OPTION_TAP);
        plan_use(p, tap->lower ? POLICY_MACVTAP : POLICY_TAP);
        t = one_more(p, &p->taps, &p->n_taps, sizeof(*t));

        if (t)
                *t = *tap;
}

void plan_claim(Plan *p, ClaimKind kind, const char *value, Place place)
{
        PlanClaim *item;
        Claim claim;

        if (claim_make(kind, value, &claim) < 0)
                return;
        /* one guest may use a MAC address twice, as under libvirt */
        for (size_t i = 0; i < p->n_claims; i++)
                if (claim_same(&p->claims[i].claim, &claim))
                        return;
        item = one_more(p, &p->claims, &p->n_claims, sizeof(*item));
        if (item)
                *item = (PlanClaim){ claim, place };
}

void plan_network(Plan *p, NetworkNeed need)
{
        if (need > p->network)
                p->network = need;
}

static bool is_local(const char *host)
{
        return !host || streq(host, "localhost") || streq(host, "::1") || text_after(host, "127.");
}

void plan_network_of(Plan *p, const char *host)
{
        plan_network(p, is_local(host) ? NETWORK_LOCAL : NETWORK_ANY);
}

static bool is_number(const char *host)
{
        struct in6_addr address;

        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

void plan_listen_at(Plan *p, const char *host)
{
        plan_network_of(p, host);
        if (!is_local(host) && !is_number(host))
                plan_peers(p); /* which know the name's address */
}

void plan_peers(Plan *p)
{
        p->peers = true;
}

static void add_ports(Plan *p, char *ports)
{
        if (ports && strings_have(&p->listens, ports))
                free(ports);
        else
                note(p, strings_take(&p->listens, ports));
}

void plan_listen(Plan *p, const char *format, ...)
{
        char *ports;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&ports, format, ap) < 0)
                ports = NULL;
        va_end(ap);
        plan_use(p, POLICY_TCP_LISTENING);
        add_ports(p, ports);
}

void plan_bind_any(Plan *p, const char *protocol)
{
        add_ports(p, strdup(protocol));
}

/* By the directive that the function requires. */
static void use_directive(Plan *p, const char *key)
{
        if (streq(key, "LimitMEMLOCK"))
                plan_use(p, POLICY_LOCKED_MEMORY);
        else if (streq(key, "LimitRTPRIO"))
                plan_use(p, POLICY_REAL_TIME);
}

static bool has_directive(const Plan *p, const char *key, const char *value)
{
        for (size_t i = 0; i < p->n_directives; i++)
                if (streq(p->directives[i].key, key) && streq(p->directives[i].value, value))
                        return true;
        return false;
}

void plan_calls(Plan *p, const char *calls)
{
        plan_directive(p, "SystemCallFilter", "%s", calls);
}

/* The template makes them read-only; an empty value undoes that. */
void plan_scratch(Plan *p)
{
        plan_directive(p, "PrivateTmp", "yes");
        plan_directive(p, "ReadOnlyPaths", "%s", "");
        plan_directive(p, "NoExecPaths", "+/tmp +/var/tmp");
        plan_directive(p, "Environment", "TMPDIR=/var/tmp");
}

void plan_directive(Plan *p, const char *key, const char *format, ...)
{
        _cleanup_(freep) char *value = NULL;
        Directive *d;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&value, format, ap) < 0)
                value = NULL;
        va_end(ap);
        if (!value) {
                p->status = -ENOMEM;
                return;
        }
        use_directive(p, key);
        if (has_directive(p, key, value))
                return;
        d = one_more(p, &p->directives, &p->n_directives, sizeof(*d));
        if (!d)
                return;
        *d = (Directive){ strdup(key), TAKE_PTR(value) };
        if (!d->key)
                p->status = -ENOMEM;
}

/* By the option with which the helper hands out a device of the host. */
static void use_option(Plan *p, const char *option)
{
        static const struct {
                const char *option;
                PolicySwitch function;
                bool node; /* QEMU opens the device's node by its path */
        } options[] = {
                { OPTION_PCI, POLICY_PCI, true },
                { OPTION_USB, POLICY_USB, false },
                { OPTION_MDEV, POLICY_MEDIATED_DEVICES, true },
                { OPTION_SCSI, POLICY_SCSI, true },
        };

        for (size_t i = 0; i < ELEMENTS(options); i++) {
                if (!streq(options[i].option, option))
                        continue;
                plan_use(p, POLICY_HOST_DEVICES);
                plan_use(p, options[i].function);
                if (options[i].node)
                        plan_use(p, POLICY_CHOWN);
        }
}

void plan_prepare(Plan *p, const char *option, char *value)
{
        _cleanup_(freep) char *owned = value,
                              *argument = owned ? text_format("--%s=%s", option, owned) : NULL;

        use_option(p, option);
        /* two disks may be on one NVMe controller */
        if (argument && strings_have(&p->prepare, argument))
                return;
        count(p, option);
        note(p, strings_take(&p->prepare, TAKE_PTR(argument)));
}

void plan_run(Plan *p, const char *format, ...)
{
        char *argument;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&argument, format, ap) < 0)
                argument = NULL;
        va_end(ap);
        note(p, strings_take(&p->run, argument));
}

void plan_run_value(Plan *p, const char *option, char *value)
{
        _cleanup_(freep) char *owned = value;

        if (owned)
                plan_run(p, "--%s=%s", option, owned);
        else
                p->status = -ENOMEM;
}

unsigned plan_fd(Plan *p, bool optional, char *name)
{
        _cleanup_(freep) char *owned = name;
        unsigned number = PLAN_FD_STORED + p->n_stored++ + p->n_sockets;

        count(p, OPTION_FD);
        plan_run_value(
                p, optional ? OPTION_TRY_FD : OPTION_FD, owned ? fd_value_write(owned, number) : NULL);
        return number;
}

unsigned plan_console(Plan *p, const char *label)
{
        unsigned number = PLAN_FD_CONSOLE + p->n_consoles++;

        plan_run_value(p, OPTION_CONSOLE, fd_value_write(label, number));
        return number;
}

unsigned plan_socket(Plan *p, const char *name)
{
        unsigned number = PLAN_FD_STORED + p->n_stored + p->n_sockets++;

        count(p, OPTION_SOCKET);
        plan_run_value(p, OPTION_SOCKET, fd_value_write(name, number));
        return number;
}

void plan_vnc(Plan *p, const char *name)
{
        if (name)
                plan_run_value(p, OPTION_VNC, strdup(name));
}

void plan_spice(Plan *p, const char *name)
{
        if (name)
                plan_run_value(p, OPTION_SPICE, strdup(name));
}

void plan_thread(Plan *p, const ThreadRule *rule)
{
        plan_run_value(p, rule->cpus ? OPTION_AFFINITY : OPTION_SCHEDULER, thread_rule_write(rule));
}

void plan_disk_name(Plan *p, const char *node, const char *target, const char *path)
{
        plan_run_value(p, OPTION_DISK, disk_value_write(node, target, path));
}

void plan_tpm(Plan *p, const PlanTpm *tpm, const char *socket)
{
        plan_use(p, POLICY_PROGRAMS);
        plan_directive(p, "BindReadOnlyPaths", "%s", socket);
        p->tpm = *tpm;
}

unsigned plan_passt(Plan *p, bool fd, PasstRequest *request)
{
        unsigned number = PLAN_FD_PASST + p->n_passts++;

        count(p, OPTION_PASST);
        plan_use(p, POLICY_PROGRAMS);
        request->fd = fd ? (int) number : 0;
        plan_run_value(p, OPTION_PASST, passt_request_write(request));
        return number;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU writes the guest's memory and the state of its devices into the first image, and keeps all disks as
 * they are at that moment, inside of their images. It answers nothing meanwhile, and systemd's watchdog ends
 * a guest whose QEMU is silent for minutes; so the memory must not be too large.
 */

#include "cli/snapshot/internal.h"

#include <unistd.h>

#include "cli/running/client.h"
#include "cli/running/disks.h"
#include "contract/exit.h"

#define MEMORY_MAX  (UINT64_C(4) << 30)
#define JOB         "snapshot"
#define POLL_USEC   200000
#define JOB_SECONDS 150 /* QEMU is silent while it works */

static const struct {
        const char *command, *doing;
} actions[] = {
        [INTERNAL_SAVE] = { "snapshot-save", "make a snapshot of" },
        [INTERNAL_LOAD] = { "snapshot-load", "revert" },
        [INTERNAL_DELETE] = { "snapshot-delete", "delete a snapshot of" },
};

static uint64_t memory_of(const ChangeCall *c)
{
        json_t *reply = NULL;
        const json_t *size;
        uint64_t memory = UINT64_MAX;

        if (client_query(c->call, json_pack("{s:[s]}", "commands", "query-memory-size-summary"), &reply) !=
            0)
                return memory;
        size = json_object_get(json_object_get(reply, "results"), "query-memory-size-summary");
        if (size)
                memory = (uint64_t) json_integer_value(json_object_get(size, "base-memory")) +
                         (uint64_t) json_integer_value(json_object_get(size, "plugged-memory"));
        json_decref(reply);
        return memory;
}

const char *internal_why_not(ChangeCall *c, const Snapshot *s)
{
        _cleanup_(strings_done) Strings all = { 0 };

        if (!c->running)
                return "the guest is off";
        if (operation_list_disks(&c->operation, &all) < 0 || all.count != s->n_disks)
                return "it has to be of all disks that the guest writes";
        for (size_t i = 0; i < s->n_disks; i++)
                if (!streq(s->disks[i].base_format, "qcow2"))
                        return "not all of its disks are qcow2 images";
        return memory_of(c) > MEMORY_MAX ? "it has more than 4 GiB of memory" : NULL;
}

static int call(Client *client, InternalAction action, const char *method, json_t *parameters, json_t **ret)
{
        json_t *answer = NULL;
        int r = client_send(client, method, parameters, 0, (ClientFds){ 0 });

        r = r < 0 ? r : client_receive(client, JOB_SECONDS, &answer);
        r = client_check(client, actions[action].doing, r, answer);
        if (r == 0 && ret)
                *ret = json_incref(json_object_get(answer, "parameters"));
        json_decref(answer);
        return r;
}

/* QEMU's names of the disks' newest images; NULL after an error message. */
static json_t *find_nodes(const ChangeCall *c, const Snapshot *s)
{
        json_t *reply = NULL, *nodes;

        if (client_query(c->call, json_pack("{s:[]}", "commands"), &reply) != 0)
                return NULL;
        nodes = json_array();
        for (size_t i = 0; nodes && i < s->n_disks; i++) {
                const json_t *layers = json_object_get(disks_find(reply, s->disks[i].target), "layers");
                json_t *node = json_object_get(json_array_get(layers, 0), "node");

                if (json_is_string(node) && json_array_append(nodes, node) == 0)
                        continue;
                (void) fail(EXIT_MISSING, "QEMU does not have disk %s", s->disks[i].target);
                json_decref(nodes);
                nodes = NULL;
        }
        json_decref(reply);
        return nodes;
}

/* 1 when it is over, 0 if not, negative exit status if it failed. */
static int look_at_job(const ChangeCall *c, InternalAction action, const json_t *reply)
{
        const json_t *jobs = json_object_get(json_object_get(reply, "results"), "query-jobs");
        const char *status, *error;
        _cleanup_(freep) char *shown = NULL;
        json_t *job;
        size_t i;

        json_array_foreach((json_t *) jobs, i, job) {
                if (!streq_null(json_string_value(json_object_get(job, "id")), JOB))
                        continue;
                status = json_string_value(json_object_get(job, "status"));
                error = json_string_value(json_object_get(job, "error"));
                shown = error ? client_text(error) : NULL;
                if (error)
                        return -fail(
                                EXIT_OS, "QEMU failed to %s guest %s: %s", actions[action].doing, c->guest,
                                shown ?: "out of memory");
                return streq_null(status, "concluded");
        }
        return -fail(EXIT_OS, "QEMU lost the job of the snapshot");
}

static int wait_for_job(const ChangeCall *c, Client *client, InternalAction action, bool *ret_unknown)
{
        int r = 0;

        while (r == 0) {
                json_t *reply = NULL;

                (void) usleep(POLL_USEC);
                r =
                        -call(client, action, "org.vmunit.Guest.Query",
                              json_pack("{s:[s]}", "commands", "query-jobs"), &reply);
                *ret_unknown = r != 0;
                r = r ?: look_at_job(c, action, reply);
                json_decref(reply);
        }
        return r > 0 ? 0 : -r;
}

static json_t *arguments_of(const Snapshot *s, InternalAction action, json_t *nodes)
{
        json_t *arguments = json_pack("{s:s, s:s, s:O}", "job-id", JOB, "tag", s->name, "devices", nodes);

        if (action != INTERNAL_DELETE)
                (void) json_object_set(arguments, "vmstate", json_array_get(nodes, 0));
        return arguments;
}

int internal_run(ChangeCall *c, const Snapshot *s, InternalAction action, bool *ret_unknown)
{
        _cleanup_(client_done) Client client = CLIENT_EMPTY;
        json_t *nodes = find_nodes(c, s), *step;
        int r;

        *ret_unknown = false;
        if (!nodes)
                return EXIT_MISSING;
        r = client_open(c->call, &client);
        if (r == 0 && isatty(STDERR_FILENO))
                fprintf(stderr, "vmctl: guest %s stands still until its memory is copied\n", c->guest);
        step = json_pack(
                "{s:s, s:o, s:{s:s, s:{s:s}}}", "execute", actions[action].command, "arguments",
                arguments_of(s, action, nodes), "undo", "execute", "job-cancel", "arguments", "id", JOB);
        json_decref(nodes);
        if (r != 0) {
                json_decref(step);
                return r;
        }
        r =
                call(&client, action, "org.vmunit.Guest.Execute",
                     json_pack("{s:[o], s:b}", "commands", step, "hold", 1), NULL);
        if (r != 0)
                return r;
        r = wait_for_job(c, &client, action, ret_unknown);
        /* which dismisses the job; what it did stays */
        (void) call(&client, action, "org.vmunit.Guest.Release", json_pack("{s:b}", "undo", 1), NULL);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Query: what QEMU says of itself and the guest, by its own commands that ask and change nothing. They are
 * sent one after the other, so that a client with many questions does not fill QEMU's monitor. A command
 * that this QEMU does not have is left out.
 */

#include <stdlib.h>

#include "launcher/guest/guest.h"
#include "util/text.h"

/* Those that are asked if the client names none come first. query-qmp-schema is too long for a reply. */
static const char *const questions[] = {
        "query-status",
        "query-version",
        "query-jobs",
        "query-block-jobs",
        "query-block",
        "query-blockstats",
        "query-cpus-fast",
        "query-balloon",
        "query-memory-size-summary",
        "query-rx-filter",
        "query-migrate",
        "query-dump",
        "query-name",
        "query-uuid",
        "query-vnc",
        "query-vnc-servers",
        "query-spice",
        "query-chardev",
        "query-iothreads",
        "query-named-block-nodes",
        "query-memory-devices",
        "query-hotpluggable-cpus",
        "query-pci",
        "query-fdsets",
        "query-block-exports",
        "query-kvm",
        "query-machines",
        "query-commands",
        "query-mice",
};

#define QUESTIONS_DEFAULT 11U

typedef struct Query {
        Call *call;
        json_t *names, *results;
        size_t at;
} Query;

static void query_free(Query *q)
{
        json_decref(q->names);
        json_decref(q->results);
        free(q);
}

static void on_gone(void *userdata)
{
        Query *q = userdata;

        lifecycle_forget(call_context(q->call)->life, q);
        query_free(q);
}

static void ask_next(Query *q);

static void on_answer(const json_t *result, const char *error, void *userdata)
{
        Query *q = userdata;

        if (result)
                (void) json_object_set(
                        q->results, json_string_value(json_array_get(q->names, q->at)), (json_t *) result);
        q->at++;
        ask_next(q);
}

static json_t *pending_of(const Reload *reload)
{
        json_t *array = json_array();
        const PendingChange *pending;
        size_t n;

        pending = reload_pending(reload, &n);
        for (size_t i = 0; i < n; i++)
                (void) json_array_append_new(
                        array,
                        json_pack("{s:s*, s:s}", "device", pending[i].device, "text", pending[i].text));
        return array;
}

/* The newest first; an array. */
static json_t *list_layers(const Layers *layers)
{
        json_t *array = json_array();

        for (size_t i = 0; i < layers->count; i++) {
                const Layer *layer = &layers->items[i];

                (void) json_array_append_new(
                        array,
                        json_pack(
                                "{s:s, s:s, s:I, s:I, s:O*}", "node", layer->format ?: layer->storage,
                                "storage", layer->storage, "fileDevice", (json_int_t) layer->file.device,
                                "fileInode", (json_int_t) layer->file.inode, "options", layer->options));
        }
        return array;
}

static json_t *disk_of(Reload *reload, const DiskName *name)
{
        const char *device = NULL;
        Layers layers = { 0 };
        json_t *disk;

        if (reload)
                (void) reload_disk_layers(reload, name->node, &layers, &device);
        disk = json_pack(
                "{s:s, s:s, s:s*, s:s*, s:o}", "node", name->actual ?: name->node, "target", name->target,
                "path", name->path, "device", device, "layers", list_layers(&layers));
        layers_done(&layers);
        return disk;
}

/* By the names that the guest's XML gives them. A disk has several nodes. */
static json_t *disks_of(Reload *reload, const DiskNames *names)
{
        json_t *disks = json_array();

        for (size_t i = 0; i < names->count; i++)
                (void) json_array_append_new(disks, disk_of(reload, &names->items[i]));
        return disks;
}

static void ask_next(Query *q)
{
        const ControlContext *context = call_context(q->call);
        Call *call = q->call;

        /* a guest that starts or ends has a status, too */
        if (q->at < json_array_size(q->names) &&
            lifecycle_execute(
                    context->life, json_string_value(json_array_get(q->names, q->at)), NULL, -1, on_answer,
                    q) >= 0)
                return;
        call_reply(
                call, json_pack(
                              "{s:s, s:s, s:b, s:s, s:o, s:o, s:O}", "name", context->options->guest, "uuid",
                              context->options->uuid, "running", lifecycle_is_running(context->life),
                              "status", lifecycle_status(context->life), "disks",
                              disks_of(context->reload, &context->options->life.disks), "pending",
                              pending_of(context->reload), "results", q->results));
        query_free(q);
}

static bool may_ask(const json_t *name)
{
        for (size_t i = 0; i < ELEMENTS(questions); i++)
                if (json_is_string(name) && streq(questions[i], json_string_value(name)))
                        return true;
        return false;
}

/* The names to ask for, a new array; NULL if the parameter is wrong. */
static json_t *read_names(const json_t *wanted)
{
        json_t *names = json_array(), *name;
        size_t i;

        if (!wanted || json_is_null(wanted)) {
                for (i = 0; i < QUESTIONS_DEFAULT; i++)
                        (void) json_array_append_new(names, json_string(questions[i]));
                return names;
        }
        json_array_foreach(wanted, i, name) {
                if (!may_ask(name))
                        break;
                (void) json_array_append(names, name);
        }
        if (json_is_array(wanted) && json_array_size(wanted) == json_array_size(names) &&
            json_array_size(names) <= ELEMENTS(questions))
                return names;
        json_decref(names);
        return NULL;
}

void guest_query(Call *call, const json_t *parameters)
{
        Query *q = calloc(1, sizeof(*q));

        if (q)
                *q = (Query){ .call = call,
                              .names = read_names(json_object_get(parameters, "commands")),
                              .results = json_object() };
        if (!q || !q->names || !q->results) {
                if (q)
                        query_free(q);
                call_bad_parameter(call, "commands");
                return;
        }
        call_on_gone(call, on_gone, q);
        ask_next(q);
}

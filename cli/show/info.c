/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl info: what a running guest is and does, as its QEMU says it. Text from QEMU is made safe to print.
 */

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/text.h"

#define MEBI (1024 * 1024)

static void print_field(const char *name, const char *text)
{
        _cleanup_(freep) char *shown = client_text(text);

        printf("%10s: %s\n", name, shown ?: "");
}

static const json_t *answer_to(const json_t *reply, const char *command)
{
        return json_object_get(json_object_get(reply, "results"), command);
}

static void print_version(const json_t *reply)
{
        const json_t *v = json_object_get(answer_to(reply, "query-version"), "qemu");

        if (v)
                printf("%10s: %lld.%lld.%lld\n", "QEMU",
                       (long long) json_integer_value(json_object_get(v, "major")),
                       (long long) json_integer_value(json_object_get(v, "minor")),
                       (long long) json_integer_value(json_object_get(v, "micro")));
}

static void print_memory(const json_t *reply)
{
        const json_t *size = answer_to(reply, "query-memory-size-summary");
        json_int_t base = json_integer_value(json_object_get(size, "base-memory")) +
                          json_integer_value(json_object_get(size, "plugged-memory"));
        const json_t *actual = json_object_get(answer_to(reply, "query-balloon"), "actual");

        if (!size)
                return;
        printf("%10s: %lld MiB", "Memory", (long long) (base / MEBI));
        if (json_is_integer(actual) && json_integer_value(actual) != base)
                printf(", of which the guest keeps %lld MiB",
                       (long long) (json_integer_value(actual) / MEBI));
        putchar('\n');
}

static void print_disk(const json_t *disk)
{
        const char *target = json_string_value(json_object_get(disk, "target")),
                   *path = json_string_value(json_object_get(disk, "path"));
        _cleanup_(freep) char *text = text_format("%s %s", target ?: "", path ?: "");

        print_field("Disk", text ?: "");
}

static void print_job(const json_t *job)
{
        const char *id = json_string_value(json_object_get(job, "id")),
                   *type = json_string_value(json_object_get(job, "type")),
                   *status = json_string_value(json_object_get(job, "status"));
        json_int_t total = json_integer_value(json_object_get(job, "total-progress")),
                   done = json_integer_value(json_object_get(job, "current-progress"));
        _cleanup_(freep) char *text = text_format(
                "%s (%s), %s, %lld %%", id ?: "", type ?: "", status ?: "",
                total > 0 ? (long long) (done * 100.0 / total) : 0LL);

        print_field("Job", text ?: "");
}

int verb_info(const Call *call)
{
        json_t *reply, *item;
        size_t i;
        int r;

        r = client_query(call, NULL, &reply);
        if (r != 0)
                return r;
        if (call->option) {
                r = client_print(reply);
                json_decref(reply);
                return r;
        }
        print_field("Name", json_string_value(json_object_get(reply, "name")) ?: "");
        print_field("UUID", json_string_value(json_object_get(reply, "uuid")) ?: "");
        print_field("Status", json_string_value(json_object_get(reply, "status")) ?: "");
        print_version(reply);
        printf("%10s: %zu\n", "vCPUs", json_array_size(answer_to(reply, "query-cpus-fast")));
        print_memory(reply);
        json_array_foreach(json_object_get(reply, "disks"), i, item)
                print_disk(item);
        json_array_foreach(answer_to(reply, "query-jobs"), i, item)
                print_job(item);
        json_decref(reply);
        return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl stats: counters of a running guest, for programs. Disks and memory are QEMU's figures; the time of
 * each vCPU is its thread's; and the network cards are counted at the host's ends, which QEMU has open as
 * TAP devices. What is received by the guest, the host's end sends.
 */

#include <dirent.h>
#include <errno.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/file.h"
#include "util/text.h"

#define FILE_MAX 4096U

/* What a small file of the kernel's says; NULL if it cannot be read. */
static char *read_text(const char *path)
{
        _cleanup_(fclosep) FILE *f = fopen(path, "re");
        char *text = f ? calloc(1, FILE_MAX) : NULL;

        if (text && fread(text, 1, FILE_MAX - 1, f) == 0) {
                free(text);
                return NULL;
        }
        return text;
}

/* User and system time in nanoseconds; -1 if unknown. */
static json_int_t thread_time(json_int_t thread)
{
        _cleanup_(freep) char *path = text_format("/proc/%lld/stat", (long long) thread),
                              *text = path ? read_text(path) : NULL;
        const char *after = text ? strrchr(text, ')') : NULL;
        unsigned long long user, system;

        /* the name ends at the last bracket; the 12th and 13th fields behind it */
        if (!after ||
            sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
                return -1;
        return (json_int_t) ((user + system) * (1000000000ULL / (unsigned long long) sysconf(_SC_CLK_TCK)));
}

static json_t *vcpus_of(const json_t *cpus)
{
        json_t *all = json_array();
        const json_t *cpu;
        size_t i;

        json_array_foreach(cpus, i, cpu) {
                json_int_t time = thread_time(json_integer_value(json_object_get(cpu, "thread-id")));

                (void) json_array_append_new(
                        all, json_pack(
                                     "{s:O*, s:o*}", "index", json_object_get(cpu, "cpu-index"), "time_ns",
                                     time >= 0 ? json_integer(time) : NULL));
        }
        return all;
}

/* The process of a thread; 0 if unknown. */
static long process_of(json_int_t thread)
{
        _cleanup_(freep) char *path = text_format("/proc/%lld/status", (long long) thread),
                              *text = path ? read_text(path) : NULL;
        const char *found = text ? strstr(text, "\nTgid:") : NULL;

        return found ? strtol(found + strlen("\nTgid:"), NULL, 10) : 0;
}

static json_int_t interface_counter(const char *name, const char *counter)
{
        _cleanup_(freep) char *path = text_format("/sys/class/net/%s/statistics/%s", name, counter),
                              *text = path ? read_text(path) : NULL;

        return text ? (json_int_t) strtoll(text, NULL, 10) : 0;
}

static void add_interface(json_t *all, const char *name)
{
        static const char *const counters[][2] = {
                { "rx_bytes", "tx_bytes" }, { "rx_packets", "tx_packets" }, { "rx_dropped", "tx_dropped" },
                { "tx_bytes", "rx_bytes" }, { "tx_packets", "rx_packets" }, { "tx_dropped", "rx_dropped" },
        };
        json_t *one;

        if (json_object_get(all, name))
                return; /* another queue of the same */
        one = json_object();
        for (size_t i = 0; i < ELEMENTS(counters); i++)
                (void) json_object_set_new(
                        one, counters[i][0], json_integer(interface_counter(name, counters[i][1])));
        (void) json_object_set_new(all, name, one);
}

/* The TAP devices that the process has open. */
static json_t *interfaces_of(long process)
{
        _cleanup_(freep) char *path = text_format("/proc/%ld/fdinfo", process);
        _cleanup_(closedirp) DIR *d = path ? opendir(path) : NULL;
        json_t *all = json_object();
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                _cleanup_(freep) char *file = text_format("%s/%s", path, entry->d_name),
                                      *text = file ? read_text(file) : NULL, *name = NULL;
                const char *found = text ? strstr(text, "\niff:\t") : NULL;

                if (!found)
                        continue;
                found += strlen("\niff:\t");
                name = strndup(found, strcspn(found, "\n"));
                if (name && *name && !strchr(name, '/'))
                        add_interface(all, name);
        }
        return all;
}

/* The alias of the device in "/machine/peripheral/virtio-disk0/virtio-backend". */
static char *disk_name(const json_t *block)
{
        const char *path = json_string_value(json_object_get(block, "qdev")),
                   *node = json_string_value(json_object_get(block, "node-name")), *start;

        start = path ? strstr(path, "/peripheral/") : NULL;
        if (!start)
                return strdup(path ?: node ?: "");
        start += strlen("/peripheral/");
        return strndup(start, strcspn(start, "/"));
}

static json_t *disks_of(const json_t *blocks)
{
        static const char *const counters[][2] = {
                { "read_bytes", "rd_bytes" },
                { "read_operations", "rd_operations" },
                { "read_time_ns", "rd_total_time_ns" },
                { "written_bytes", "wr_bytes" },
                { "write_operations", "wr_operations" },
                { "write_time_ns", "wr_total_time_ns" },
                { "flush_operations", "flush_operations" },
        };
        json_t *all = json_object();
        const json_t *block;
        size_t i;

        json_array_foreach(blocks, i, block) {
                const json_t *stats = json_object_get(block, "stats");
                _cleanup_(freep) char *name = disk_name(block);
                json_t *one = json_object();

                for (size_t k = 0; k < ELEMENTS(counters); k++)
                        if (json_object_get(stats, counters[k][1]))
                                (void) json_object_set(
                                        one, counters[k][0], json_object_get(stats, counters[k][1]));
                (void) json_object_set_new(all, name ?: "", one);
        }
        return all;
}

/* "disks.virtio-disk0.read_bytes=512", a line a value. */
static void print_flat(const char *prefix, const json_t *json)
{
        const char *key;
        json_t *value;
        size_t i;

        if (json_is_object(json)) {
                json_object_foreach((json_t *) json, key, value) {
                        _cleanup_(freep) char *name =
                                *prefix ? text_format("%s.%s", prefix, key) : strdup(key);

                        print_flat(name ?: "", value);
                }
        } else if (json_is_array(json)) {
                json_array_foreach(json, i, value) {
                        _cleanup_(freep) char *name = text_format("%s.%zu", prefix, i);

                        print_flat(name ?: "", value);
                }
        } else {
                _cleanup_(freep) char *name = client_text(prefix),
                                      *text = json_is_string(json) ? client_text(json_string_value(json))
                                                                   : json_dumps(json, JSON_ENCODE_ANY);

                printf("%s=%s\n", name ?: "", text ?: "");
        }
}

static json_t *make_stats(const json_t *reply)
{
        const json_t *results = json_object_get(reply, "results"),
                     *cpus = json_object_get(results, "query-cpus-fast"), *first = json_array_get(cpus, 0);

        return json_pack(
                "{s:O, s:O, s:O*, s:O*, s:o, s:o, s:o}", "running", json_object_get(reply, "running"),
                "status", json_object_get(reply, "status"), "memory",
                json_object_get(results, "query-memory-size-summary"), "balloon",
                json_object_get(results, "query-balloon"), "vcpus", vcpus_of(cpus), "disks",
                disks_of(json_object_get(results, "query-blockstats")), "interfaces",
                interfaces_of(process_of(json_integer_value(json_object_get(first, "thread-id")))));
}

int verb_stats(const Call *call)
{
        json_t *reply, *stats;
        int r;

        r = client_query(call, NULL, &reply);
        if (r != 0)
                return r;
        stats = make_stats(reply);
        json_decref(reply);
        if (!stats)
                return fail(EXIT_OS, "guest %s did not answer: %s", call->words[0], strerror(EBADMSG));
        if (call->option)
                r = client_print(stats);
        else
                print_flat("", stats);
        json_decref(stats);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl backup: what its words ask for, and how that is shown. The files and the socket are opened here,
 * with the caller's rights; QEMU gets descriptors.
 */

#include <errno.h>

#include "cli/backup/pull.h"
#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/text.h"

#define ANSWER_SECONDS 180U /* the guest agent may need its time, and each command of a batch */

typedef struct Backing {
        Client client;
        Progress progress;
        const char *directory;
} Backing;

/* ——— what the backup is lent ——— */

static int explain(Client *c, int r, const json_t *answer, char **ret_why)
{
        const char *error = json_string_value(json_object_get(answer, "error")), *reason;

        if (r < 0) {
                *ret_why = text_format("guest %s did not answer: %s", c->guest, strerror(-r));
                return r;
        }
        if (!error)
                return 0;
        if (text_ends_with(error, ".PermissionDenied")) {
                *ret_why = strdup("only root may do that");
                return -EPERM;
        }
        reason = json_string_value(json_object_get(json_object_get(answer, "parameters"), "reason"));
        *ret_why = client_text(reason ?: error);
        if (text_ends_with(error, ".NotConnected"))
                return -ENOTCONN;
        return text_ends_with(error, ".NotSupported") ? -EOPNOTSUPP : -EIO;
}

static int on_call(
        const char *method, json_t *parameters, int fd, json_t **ret, char **ret_why, void *userdata)
{
        Backing *b = userdata;
        json_t *answer = NULL;
        int r;

        r = client_send(&b->client, method, parameters, 0, (ClientFds){ &fd, fd >= 0 });
        if (r >= 0)
                r = client_receive(&b->client, ANSWER_SECONDS, &answer);
        r = explain(&b->client, r, answer, ret_why);
        if (r >= 0)
                *ret = json_incref(json_object_get(answer, "parameters"));
        json_decref(answer);
        return r;
}

static void on_progress(uint64_t done, uint64_t total, void *userdata)
{
        Backing *b = userdata;

        client_show_progress(&b->progress, (double) done, (double) total);
}

static void on_note(const char *text, void *userdata)
{
        fprintf(stderr, "vmctl: %s\n", text);
}

static void on_wrote(const char *name, void *userdata)
{
        Backing *b = userdata;

        printf("%s/%s\n", b->directory, name);
}

/* ——— what is asked for ——— */

static int read_request(const Call *call, Strings *disks, BackupRequest *ret)
{
        *ret = (BackupRequest){ .disks = disks };
        for (int i = 0; i < call->n_extras; i++) {
                const char *extra = call->extras[i], *value = strchr(extra, '=') + 1, **one = NULL;

                if (text_after(extra, "disk=")) {
                        if (strings_have(disks, value))
                                return fail(EXIT_BAD_USAGE, "--disk=%s may be given only once", value);
                        if (strings_add(disks, value) < 0)
                                return fail(EXIT_OS, "out of memory");
                } else if (text_after(extra, "checkpoint="))
                        one = &ret->checkpoint;
                else if (text_after(extra, "since="))
                        one = &ret->since;
                else if (text_after(extra, "pull="))
                        one = &ret->socket;
                else
                        one = &ret->remove;
                if (one && *one)
                        return fail(
                                EXIT_BAD_USAGE, "--%.*s may be given only once", (int) (value - 1 - extra),
                                extra);
                if (one)
                        *one = value;
        }
        return 0;
}

static int check_words(const Call *call, const BackupRequest *request)
{
        bool lists = call->option, alone = lists || request->remove;

        if (lists + !!request->remove + !!request->socket > 1)
                return fail(EXIT_BAD_USAGE, "--list, --delete and --pull cannot be combined");
        if (alone && (request->disks->count > 0 || request->checkpoint || request->since))
                return fail(
                        EXIT_BAD_USAGE, "--%s cannot be combined with --disk, --checkpoint and --since",
                        lists ? "list" : "delete");
        if (alone && call->n_words > 1)
                return fail(EXIT_BAD_USAGE, "--%s takes a guest's name only", lists ? "list" : "delete");
        if (!alone && !request->socket && call->n_words != 2)
                return fail(
                        EXIT_BAD_USAGE,
                        "expected a guest's name and a directory; see \"vmctl backup --help\"");
        return 0;
}

/* ——— what is done ——— */

static int list(Backup *b)
{
        json_t *found = NULL, *names, *name;
        const char *target;
        size_t i;
        int r = backup_list(b, &found);

        if (r < 0)
                return r;
        json_object_foreach(found, target, names)
                json_array_foreach(names, i, name) {
                        _cleanup_(freep) char *shown = client_text(json_string_value(name) ?: "");

                        printf("%s %s\n", target, shown ?: "");
                }
        json_decref(found);
        return 0;
}

static int pull(Backup *b, const BackupRequest *request, char **command)
{
        int r, status;

        pull_block_signals();
        r = backup_begin_pull(b);
        if (r < 0)
                return r;
        for (size_t i = 0; backup_target(b, i); i++)
                printf("nbd+unix:///%s?socket=%s\n", backup_target(b, i), request->socket);
        status = pull_wait(b, command);
        r = backup_end_pull(b, status == 0);
        return status != 0 ? status : r;
}

/* errors of backup_push() and the like are negative; what is positive was said before. */
static int to_exit(const Backup *b, int r)
{
        switch (r) {
        case -EINVAL:
                return fail(EXIT_BAD_USAGE, "%s", backup_why(b));
        case -ENOENT:
        case -EOPNOTSUPP:
        case -ENOTCONN:
                return fail(EXIT_MISSING, "%s", backup_why(b));
        case -EPERM:
                return fail(EXIT_POLICY, "%s", backup_why(b));
        default:
                return r < 0 ? fail(EXIT_OS, "%s", backup_why(b)) : r;
        }
}

static int run(const Call *call, const BackupRequest *request)
{
        Backing backing = { .client = CLIENT_EMPTY, .directory = request->directory };
        const BackupLink link = { .call = on_call,
                                  .progress = on_progress,
                                  .note = on_note,
                                  .wrote = on_wrote,
                                  .userdata = &backing };
        _cleanup_(backup_freep) Backup *b = backup_new(&link, request);
        int r;

        if (!b)
                return fail(EXIT_OS, "out of memory");
        r = client_open(call, &backing.client);
        if (r == 0) {
                if (call->option)
                        r = list(b);
                else if (request->remove)
                        r = backup_delete(b);
                else if (request->socket)
                        r = pull(b, request, call->words + 1);
                else
                        r = backup_push(b);
                client_end_progress(&backing.progress);
                r = to_exit(b, r);
        }
        client_done(&backing.client);
        return r;
}

int verb_backup(const Call *call)
{
        _cleanup_(strings_done) Strings disks = { 0 };
        BackupRequest request;
        int r;

        r = read_request(call, &disks, &request);
        if (r == 0)
                r = check_words(call, &request);
        if (r != 0)
                return r;
        if (!call->option && !request.remove && !request.socket)
                request.directory = call->words[1];
        return run(call, &request);
}

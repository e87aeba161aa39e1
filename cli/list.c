/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl list: the guests of a scope and the state of their units, if the service manager answers. Root also
 * sees the running guests of users; guests that are not running are each user's own matter.
 *
 * The states are systemd's own, and three more: "saved" is a guest that its next start restores; "refused"
 * one that cannot start because of its XML, vmunit.conf or another guest that runs, with the reason;
 * "unread" one whose file was added since systemd was last reloaded.
 */

#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/list-table.h"
#include "cli/list-users.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/convert/unique.h"
#include "guest/machine/general.h"
#include "net/neighbour.h"
#include "net/netlink.h"
#include "util/unit-name.h"

static void rows_done(Rows *rows)
{
        for (size_t i = 0; i < rows->count; i++) {
                Row *row = &rows->items[i];

                free(row->unit);
                free(row->state);
                free(row->title);
                free(row->reason);
                free(row->claims);
                strings_done(&row->addresses);
        }
        free(rows->items);
}

static bool is_off(const char *state)
{
        return streq(state, "inactive") || streq(state, "failed") || streq(state, "saved");
}

static bool is_on(const char *state)
{
        return streq(state, "active") || streq(state, "activating") || streq(state, "deactivating") ||
               streq(state, "reloading");
}

static const char *refined_state(
        sd_bus *bus, const char *unit, const char *state, bool saved, char **ret_reason)
{
        if (!is_off(state))
                return state;
        switch (unit_refusal(bus, unit, ret_reason)) {
        case REFUSAL_GUEST:
                return "refused";
        case REFUSAL_UNKNOWN:
                return "unread";
        default:
                return saved ? "saved" : state;
        }
}

/* What only the XML says. A guest that is refused has no title and no interfaces here. */
static int fill_from_xml(Row *row, const Host *host)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        int r = conversion_start(&c, host);

        if (r < 0 || conversion_file(&c, row->file, row->name) < 0)
                return r == -ENOMEM ? r : 0;
        if (c.guest->general->title) {
                row->title = strdup(c.guest->general->title);
                if (!row->title)
                        return -ENOMEM;
        }
        row->claims = TAKE_PTR(c.plan.claims);
        row->n_claims = c.plan.n_claims;
        return 0;
}

static int fill(Row *row, const GuestFile *file, sd_bus *bus, bool user_scope)
{
        _cleanup_(freep) char *state = NULL;
        int r;

        *row = (Row){ .name = file->name, .file = file->path, .autostart = -1 };
        if (!guest_name_is_valid(file->name)) {
                row->unit = strdup("-");
                row->state = strdup("bad-name");
                return row->unit && row->state ? 0 : -ENOMEM;
        }
        r = unit_name_for_guest(file->name, &row->unit);
        if (r < 0)
                return r;
        if (!bus || unit_state(bus, row->unit, &state) < 0)
                row->state = strdup("unknown");
        else
                row->state = strdup(refined_state(
                        bus, row->unit, state, guest_is_saved(user_scope, file->name), &row->reason));
        if (bus)
                row->autostart = unit_is_enabled(bus, row->unit);
        return row->state ? 0 : -ENOMEM;
}

static int fill_of_user(Row *row, const UserGuest *guest)
{
        *row = (Row){ .name = guest->name, .user = guest->user, .autostart = -1 };
        row->unit = strdup(guest->unit);
        row->state = strdup("active");
        return row->unit && row->state ? 0 : -ENOMEM;
}

static int fill_all(
        Rows *rows, const GuestFiles *files, const UserGuests *guests, sd_bus *bus, bool user_scope)
{
        int r = 0;

        rows->items = calloc(files->count + guests->count + 1, sizeof(*rows->items));
        if (!rows->items)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < files->count; i++)
                r = fill(&rows->items[rows->count++], &files->items[i], bus, user_scope);
        for (size_t i = 0; r >= 0 && i < guests->count; i++)
                r = fill_of_user(&rows->items[rows->count++], &guests->items[i]);
        return r;
}

/* What prepare would say. */
static int refuse(Row *row, const Claim *claim, const GuestFile *other)
{
        row->reason = text_format(
                "%s %s is in use by guest %s, which is running", claim_kind_name(claim->kind), claim->value,
                other->name);
        free(row->state);
        row->state = strdup("refused");
        return row->reason && row->state ? 0 : -ENOMEM;
}

/* Of guests that share something, those that are off cannot start while one of them runs. The rows of files
 * come first, in the order of the files. */
static int refuse_rivals(Rows *rows, const GuestFiles *files)
{
        _cleanup_(unique_done) Unique taken = { 0 };
        const GuestFile *other;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < files->count; i++)
                for (size_t j = 0; r >= 0 && j < rows->items[i].n_claims && is_on(rows->items[i].state); j++)
                        r = unique_add(&taken, &rows->items[i].claims[j].claim, &files->items[i], &other);
        for (size_t i = 0; r >= 0 && i < files->count; i++)
                for (size_t j = 0; r >= 0 && j < rows->items[i].n_claims && is_off(rows->items[i].state);
                     j++) {
                        other = unique_find(&taken, &rows->items[i].claims[j].claim);
                        if (other)
                                r = refuse(&rows->items[i], &rows->items[i].claims[j].claim, other);
                }
        return r;
}

static bool has_mac(const Row *row, const char *mac)
{
        for (size_t i = 0; i < row->n_claims; i++)
                if (row->claims[i].claim.kind == CLAIM_MAC && streq(row->claims[i].claim.value, mac))
                        return true;
        return false;
}

static int note_address(const uint8_t mac[static 6], const char *address, void *data)
{
        MacText text = mac_text(mac);
        Rows *rows = data;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < rows->count; i++)
                if (has_mac(&rows->items[i], text.text) && !strings_have(&rows->items[i].addresses, address))
                        r = strings_add(&rows->items[i].addresses, address);
        return r;
}

/* A list without addresses is still a list. */
static void find_addresses(Rows *rows)
{
        _cleanup_(closep) int fd = -EBADF;

        if (netlink_open(&fd) >= 0)
                (void) neighbour_list(fd, note_address, rows);
}

static int print_plain(const Rows *rows, bool units)
{
        for (size_t i = 0; i < rows->count; i++)
                if (guest_name_is_valid(rows->items[i].name))
                        puts(units ? rows->items[i].unit : rows->items[i].name);
        return EXIT_SUCCESS;
}

int verb_list(const Call *call)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(user_guests_done) UserGuests guests = { 0 };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        bool json = call->option && streq(call->option, "json"), plain = call->option && !json;
        _cleanup_(rows_done) Rows rows = { .users = !plain && !call->user_scope && geteuid() == 0 };
        _cleanup_(host_done) Host host = { 0 };
        int r;

        (void) host_read(
                &host, NULL, call->user_scope); /* if vmunit.conf is invalid, guests are listed anyway */
        r = guest_directories(call->user_scope, &directories);
        r = r < 0 ? r : guest_files_find(&directories, &files);
        if (r >= 0 && rows.users)
                r = user_guests_find(&guests);
        if (r >= 0 && !plain && manager_bus(call->user_scope, &bus) < 0 && !json)
                fprintf(stderr, "vmctl: cannot query systemd; the guests' states are unknown\n");
        r = r < 0 ? r : fill_all(&rows, &files, &guests, bus, call->user_scope);
        for (size_t i = 0; r >= 0 && i < rows.count && !plain; i++)
                if (rows.items[i].file && !streq(rows.items[i].state, "bad-name"))
                        r = fill_from_xml(&rows.items[i], &host);
        if (r >= 0 && !plain)
                r = refuse_rivals(&rows, &files);
        if (r < 0)
                return fail(EXIT_OS, "cannot list guests: %s", strerror(-r));
        if (plain)
                return print_plain(&rows, streq(call->option, "units"));
        find_addresses(&rows);
        return json ? list_print_json(&rows) : list_print_table(&rows);
}

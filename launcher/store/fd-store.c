/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd keeps descriptors for a unit and passes them to its main process (sd_notify(3), FDSTORE=1). It
 * keeps both descriptors if a name is stored twice, and it does not tell us what it has. So before a
 * descriptor is stored, any descriptor of that name left by the guest's previous run is removed. Trusted:
 * the callers' names, which are checked nevertheless because they become lines of a message to systemd.
 */

#include "launcher/store/fd-store.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "contract/limits.h"
#include "log/log.h"

#define STORE_NAME_MAX 255

void store_done(Store *store)
{
        for (size_t i = 0; i < store->count; i++) {
                fd_close(store->items[i].fd);
                free(store->items[i].name);
        }
        free(store->items);
        *store = (Store){ .tell = store->tell, .userdata = store->userdata };
}

bool store_name_is_valid(const char *name)
{
        size_t n = strlen(name);

        return n > 0 && n <= STORE_NAME_MAX &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

int store_add(Store *store, char *name, int fd)
{
        _cleanup_(freep) char *owned_name = name;
        _cleanup_(closep) int owned_fd = fd;
        StoreItem *items;

        if (!name)
                return log_out_of_memory();
        if (!store_name_is_valid(name)) {
                log_error("Invalid name for a file descriptor in systemd's store: \"%s\".", name);
                return -EINVAL;
        }
        if (store->count >= STORED_MAX) {
                log_error(
                        "The guest requires more than %u file descriptors, the most that systemd's store "
                        "can hold.",
                        STORED_MAX);
                return -E2BIG;
        }
        items = reallocarray(store->items, store->count + 1, sizeof(*items));
        if (!items)
                return log_out_of_memory();
        store->items = items;
        store->items[store->count++] = (StoreItem){ .name = TAKE_PTR(owned_name), .fd = TAKE_FD(owned_fd) };
        return 0;
}

int store_tell(const char *name, int fd, void *userdata)
{
        _cleanup_(freep) char *message =
                text_format("%s=1\nFDNAME=%s", fd >= 0 ? "FDSTORE" : "FDSTOREREMOVE", name);
        int r;

        if (!message)
                return log_out_of_memory();
        r = sd_pid_notify_with_fds(0, 0, message, &fd, fd >= 0 ? 1 : 0);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot send the file descriptor %s to systemd", name);
        if (r == 0) {
                log_error("$NOTIFY_SOCKET is not set, so file descriptors cannot be stored. vm-launcher "
                          "must be started by systemd, from a unit with NotifyAccess=exec (or all) and "
                          "FileDescriptorStoreMax=.");
                return -ENOENT;
        }
        return 0;
}

static int tell(const Store *store, const char *name, int fd)
{
        return (store->tell ?: store_tell)(name, fd, store->userdata);
}

int store_remove(const Store *store, const char *name)
{
        return tell(store, name, -EBADF);
}

int store_send(Store *store)
{
        int r = 0;
        size_t i;

        for (i = 0; i < store->count && r >= 0; i++) {
                r = store_remove(store, store->items[i].name);
                if (r >= 0)
                        r = tell(store, store->items[i].name, store->items[i].fd);
        }
        if (r >= 0)
                return 0;
        while (i-- > 0)
                if (store_remove(store, store->items[i].name) < 0)
                        break;
        return r;
}

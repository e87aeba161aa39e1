/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses the arguments of `vm-launcher prepare`. They come from the guest's unit, which vm-generator wrote
 * and an administrator may have changed. They decide which privileges are kept, so they are read before
 * any is given up. That is why this looks at nothing but argv, touches no path, and accepts only
 * plain keys and values with limits.
 */

#include "launcher/prepare/prepare-request.h"

#include <errno.h>

#include "contract/arguments.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/options.h"
#include "contract/words.h"
#include "log/log.h"
#include "util/interface-name.h"

/* Makes room for one more item. NULL if out of memory or if there are max already. */
static void *list_grow(void *items, size_t count, size_t size, size_t max, int *ret_error)
{
        void *bigger;

        *ret_error = count >= max ? -ERANGE : -ENOMEM;
        bigger = count >= max ? NULL : reallocarray(items, count + 1, size);
        if (bigger)
                memset((char *) bigger + count * size, 0, size);
        return bigger;
}

static int read_grant(const char *text, void *target)
{
        PrepareRequest *request = (PrepareRequest *) ((char *) target - offsetof(PrepareRequest, grants));
        GrantList *list = &request->grants;
        GrantRequest *items;
        int r;

        items = list_grow(list->items, list->count, sizeof(*items), GRANTS_MAX, &r);
        if (!items)
                return r;
        list->items = items;
        r = grant_value_read(text, &request->owned, &items[list->count].mode, &items[list->count].path);
        if (r >= 0)
                list->count++;
        return r;
}

static int read_grant_device(const char *text, void *target)
{
        GrantList *list = target;
        int r;

        r = read_grant(text, target);
        if (r >= 0)
                list->items[list->count - 1].device = true;
        return r;
}

static int read_claim(const char *text, void *target)
{
        ClaimList *list = target;
        Claim *items;
        int r;

        items = list_grow(list->items, list->count, sizeof(*items), CLAIMS_MAX, &r);
        if (!items)
                return r;
        list->items = items;
        r = claim_value_read(text, &items[list->count]);
        if (r >= 0)
                list->count++;
        return r;
}

static int read_image(const char *text, void *target)
{
        PrepareRequest *request = (PrepareRequest *) ((char *) target - offsetof(PrepareRequest, images));
        ImageList *list = &request->images;
        ImageRequest *items, *q;
        int r;

        items = list_grow(list->items, list->count, sizeof(*items), IMAGES_MAX, &r);
        if (!items)
                return r;
        list->items = items;
        q = &items[list->count];
        r = image_value_read(text, &request->owned, &q->access, &q->direct, &q->node, &q->path);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->count; i++)
                if (streq(items[i].node, q->node)) {
                        log_error("The node name %s is used by two images.", q->node);
                        return -EINVAL;
                }
        list->count++;
        return 0;
}

static int read_chain(const char *text, void *target)
{
        PrepareRequest *request = (PrepareRequest *) ((char *) target - offsetof(PrepareRequest, chains));
        ChainList *list = &request->chains;
        ChainRequest *items, *q;
        int r;

        items = list_grow(list->items, list->count, sizeof(*items), CHAINS_MAX, &r);
        if (!items)
                return r;
        list->items = items;
        q = &items[list->count];
        r = chain_value_read(text, &request->owned, &q->node, &q->format, &q->path);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->count; i++)
                if (streq(items[i].node, q->node)) {
                        log_error("The node name %s is used by two chains.", q->node);
                        return -EINVAL;
                }
        list->count++;
        return 0;
}

static int read_source(const char *text, void *target)
{
        PrepareRequest *request = target;

        return source_value_read(text, &request->owned, &request->source_path, &request->source_hash);
}

static int read_paths(const char *text, Strings *target, size_t max)
{
        const char *path;
        int r;

        r = path_value_read(text, &path);
        if (r >= 0 && target->count >= max)
                r = -ERANGE;
        return r < 0 ? r : argument_strings(path, target);
}

static int read_directory(const char *text, void *target)
{
        return read_paths(text, target, IMAGE_DIRECTORIES_MAX);
}

static int read_log_file(const char *text, void *target)
{
        return text_ends_with(text, "/") ? -EINVAL : read_paths(text, target, LOG_FILES_MAX);
}

static int read_link(const char *text, void *target)
{
        const Strings *links = target;

        if (links->count >= LINKS_MAX)
                return -ERANGE;
        return interface_name_is_valid(text) ? argument_strings(text, target) : -EINVAL;
}

#define AT(field) offsetof(PrepareRequest, field)
#define MANY      ARGUMENT_REPEATED

static const Argument prepare_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, AT(guest), ARGUMENT_REQUIRED },
        { OPTION_SOURCE, "PATH:HASH", read_source, 0, 0 },
        { OPTION_CLAIM, "uuid, mac or vsock-cid:VALUE", read_claim, AT(claims), MANY },
        { OPTION_MAX_GUESTS, "a number", argument_unsigned, AT(max_guests), 0 },
        { OPTION_TAP, "a TAP's KEY=VALUE list", tap_request_read, AT(taps), MANY },
        { OPTION_LINK, "an interface", read_link, AT(links), MANY },
        { OPTION_GRANT, "ro, rw or rw-shared:PATH", read_grant, AT(grants), MANY },
        { OPTION_GRANT_DEVICE, "ro, rw or rw-shared:PATH", read_grant_device, AT(grants), MANY },
        { OPTION_IMAGE, "ACCESS:CACHE:NODE:PATH", read_image, AT(images), MANY },
        { OPTION_CHAIN, "NODE:FORMAT:PATH", read_chain, AT(chains), MANY },
        { OPTION_USB, "a USB device's KEY=VALUE list", device_request_usb, AT(devices), MANY },
        { OPTION_PCI, "a PCI device's KEY=VALUE list", device_request_pci, AT(devices), MANY },
        { OPTION_MDEV, "a mediated device's KEY=VALUE list", device_request_mdev, AT(devices), MANY },
        { OPTION_SCSI, "a SCSI unit's KEY=VALUE list", device_request_scsi, AT(devices), MANY },
        { OPTION_IMAGE_DIRECTORY, "an absolute path", read_directory, AT(image_directories), MANY },
        { OPTION_LOG_FILE, "an absolute path", read_log_file, AT(log_files), MANY },
        { OPTION_NVRAM_TEMPLATE, "an absolute path", path_value_read, AT(nvram_template), 0 },
        { OPTION_NVRAM, "an absolute path", path_value_read, AT(nvram), 0 },
};

int prepare_request_read(int argc, char **argv, PrepareRequest *ret)
{
        int r;

        *ret = (PrepareRequest){ 0 };
        r = arguments_read(prepare_arguments, ELEMENTS(prepare_arguments), ret, argc, argv, NULL);
        if (r < 0)
                return r;
        if (!ret->nvram != !ret->nvram_template) {
                log_error("--nvram= and --nvram-template= require each other.");
                return -EINVAL;
        }
        return 0;
}

void prepare_request_done(PrepareRequest *request)
{
        tap_list_done(&request->taps);
        tap_list_done(&request->reshaped);
        strings_done(&request->links);
        free(request->claims.items);
        free(request->grants.items);
        free(request->images.items);
        free(request->chains.items);
        device_requests_done(&request->devices);
        strings_done(&request->image_directories);
        strings_done(&request->log_files);
        strings_done(&request->owned);
        *request = (PrepareRequest){ 0 };
}

/* ——— a part of it ——— */

static bool is_named(const Strings *names, char *name)
{
        _cleanup_(freep) char *owned = name;

        return owned && strings_have(names, owned);
}

static int keep_reshaped(PrepareRequest *request, const Strings *names)
{
        TapList *list = &request->reshaped;

        list->count = 0;
        free(list->items);
        list->items = calloc(request->taps.count + 1, sizeof(*list->items));
        if (!list->items)
                return -ENOMEM;
        for (size_t i = 0; i < request->taps.count; i++)
                if (is_named(names, fd_name_bandwidth(request->taps.items[i].id)))
                        list->items[list->count++] = request->taps.items[i];
        return 0;
}

int prepare_request_keep(PrepareRequest *request, const Strings *names)
{
        DeviceRequests *d = &request->devices;
        size_t n = 0;
        int r = keep_reshaped(request, names);

        if (r < 0)
                return r;
        for (size_t i = 0; i < request->taps.count; i++)
                if (is_named(names, fd_name_tap(request->taps.items[i].id, 0)))
                        request->taps.items[n++] = request->taps.items[i];
        request->taps.count = n;
        n = 0;
        for (size_t i = 0; i < request->images.count; i++)
                if (is_named(names, fd_name_image(request->images.items[i].node)))
                        request->images.items[n++] = request->images.items[i];
        request->images.count = n;
        n = 0;
        for (size_t i = 0; i < request->chains.count; i++)
                if (is_named(names, fd_name_chain_prefix(request->chains.items[i].node)))
                        request->chains.items[n++] = request->chains.items[i];
        request->chains.count = n;
        n = 0;
        for (size_t i = 0; i < d->n_usb; i++)
                if (is_named(names, fd_name_usb(d->usb[i].id)))
                        d->usb[n++] = d->usb[i];
        d->n_usb = n;
        n = 0;
        for (size_t i = 0; i < d->n_scsi; i++)
                if (is_named(names, fd_name_scsi(d->scsi[i].id)))
                        d->scsi[n++] = d->scsi[i];
        d->n_scsi = n;
        d->n_pci = d->n_mdev = request->grants.count = 0;
        strings_done(&request->log_files);
        strings_done(&request->links);
        request->nvram = request->nvram_template = request->source_path = NULL;
        return 0;
}

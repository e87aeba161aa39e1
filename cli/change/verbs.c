/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl attach, detach, change-media, set: how each is called and what it does. */

#include <errno.h>
#include <fcntl.h>

#include "cli/change/apply.h"
#include "cli/change/password.h"
#include "contract/exit.h"
#include "util/file.h"

static int read_argument(const char *argument, char **ret_data, size_t *ret_size)
{
        int r;

        if (streq(argument, "-"))
                return read_stdin(ret_data, ret_size);
        r = file_read(AT_FDCWD, argument, XML_SIZE_MAX, ret_data, ret_size);
        return r < 0 ? fail(EXIT_NO_GUEST, "cannot read %s: %s", argument, strerror(-r)) : 0;
}

static int verb_attach(const Call *call)
{
        _cleanup_(change_done) ChangeCall c = { 0 };
        _cleanup_(freep) char *data = NULL;
        const char *file = call->words[1];
        size_t size;
        int r;

        r = change_start(call, &c);
        r = r ?: read_argument(file, &data, &size);
        if (r != 0)
                return r;
        r = change_check(
                &c, operation_attach(&c.operation, streq(file, "-") ? STDIN_NAME : file, data, size));
        return r ?: change_apply(&c);
}

static int verb_detach(const Call *call)
{
        _cleanup_(change_done) ChangeCall c = { 0 };
        int r;

        r = change_start(call, &c);
        r = r ?: change_check(&c, operation_detach(&c.operation, call->words[1]));
        return r ?: change_apply(&c);
}

static int verb_change_media(const Call *call)
{
        _cleanup_(change_done) ChangeCall c = { 0 };
        int r;

        r = change_start(call, &c);
        r = r
                    ?: change_check(
                               &c, operation_change_media(
                                           &c.operation, call->words[1],
                                           call->n_words > 2 ? call->words[2] : NULL));
        return r ?: change_apply(&c);
}

static int verb_set(const Call *call)
{
        _cleanup_(change_done) ChangeCall c = { 0 };
        _cleanup_(new_password_done) NewPassword password = { 0 };
        bool changed = false;
        int r;

        r = change_start(call, &c);
        for (int i = 1; r == 0 && i < call->n_words; i++) {
                char *value = strchr(call->words[i], '=');
                int taken;

                if (!value) {
                        r = change_check(&c, -EINVAL) ?: EXIT_BAD_USAGE;
                        return fail(r, "expected KEY=VALUE, not %s", call->words[i]);
                }
                *value++ = '\0';
                taken = new_password_take(&password, call->words[i], value);
                changed = changed || taken == -ENOENT;
                r = taken == -ENOENT ? change_check(&c, operation_set(&c.operation, call->words[i], value))
                                     : taken;
        }
        if (r == 0 && changed)
                r = change_apply(&c);
        else if (r != 0 && changed)
                (void) operation_revert(&c.operation);
        if (r == 0 && (password.text || password.expires))
                r = new_password_apply(&password, &c);
        return r;
}

#define LASTS                                                                                      \
        "The change lasts until the guest is off; with --persistent, or if the guest is off, it\n" \
        "stays. It is a fragment beside the guest's XML, which vmctl detach takes back.\n\n"       \
        "  --persistent   change the guest for good\n"

const Verb change_verbs[] = {
        { "attach",
          "[--persistent] NAME FILE|-",
          "add a device to a guest",
          "Adds the device that the XML describes, such as <disk> or <interface>, to the guest, at once if\n"
          "it runs. An interface without a MAC address gets a random one.\n" LASTS,
          { "persistent" },
          2,
          2,
          verb_attach },
        { "detach",
          "[--persistent] NAME DEVICE",
          "remove a device from a guest",
          "Removes the device with this target, MAC address or alias from the guest, at once if it runs "
          "and\n"
          "lets the device go.\n" LASTS,
          { "persistent" },
          2,
          2,
          verb_detach },
        { "change-media",
          "[--persistent] NAME TARGET [PATH]",
          "change or eject the medium of a drive",
          "Puts the image or device at PATH into the CD-ROM or floppy drive; without PATH, the drive is\n"
          "empty afterwards. A guest that has locked its drive is asked to unlock it, for five "
          "seconds.\n" LASTS,
          { "persistent" },
          2,
          3,
          verb_change_media },
        { "set",
          "[--persistent] NAME KEY=VALUE...",
          "change a value of a guest",
          "  memory=SIZE                what the balloon leaves the guest: 2GiB; a number is MiB\n"
          "  vcpus=NUMBER               virtual processors, at most the maximum of <vcpu>\n"
          "  link=DEVICE:up|down        the cable of a network card, by its MAC address or alias\n"
          "  bandwidth=DEVICE:IN,OUT    kilobytes per second to and from a network card; 0: unlimited\n"
          "  iotune=TARGET:KEY=N[,...]  limits of a disk, as in <iotune>\n"
          "  password=-|FILE            of VNC and SPICE, read from the terminal, standard input or a file\n"
          "  password-expires=TIME      now, never, +SECONDS or seconds since 1970\n\n" LASTS,
          { "persistent" },
          2,
          -1,
          verb_set },
};

const size_t n_change_verbs = ELEMENTS(change_verbs);

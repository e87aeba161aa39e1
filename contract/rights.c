/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *  - CAP_NET_ADMIN for TAPs, and for addresses and VLANs of virtual functions
 *  - CAP_MKNOD for macvtaps: in a container, their device has no node
 *  - CAP_CHOWN to hand files over, and back
 *  - CAP_FOWNER to restore mode and access control list of files that are not root's
 *  - CAP_DAC_READ_SEARCH to walk through, and read in, directories that are closed to root without it
 *  - CAP_DAC_OVERRIDE to create the firmware's variables, because libvirt's directory for these is not
 *    root's; to open an image for writing whose owner is somebody else; and to open a SCSI device's node
 *    when it belongs to the guest's user already
 */

#include "contract/rights.h"

#include <linux/capability.h>
#include <stddef.h>

#include "util/text.h"

#define RIGHT(name) (UINT64_C(1) << (name))

static const struct {
        uint64_t right;
        const char *name;
} names[] = {
        { RIGHT(CAP_CHOWN), "CAP_CHOWN" },
        { RIGHT(CAP_DAC_OVERRIDE), "CAP_DAC_OVERRIDE" },
        { RIGHT(CAP_DAC_READ_SEARCH), "CAP_DAC_READ_SEARCH" },
        { RIGHT(CAP_FOWNER), "CAP_FOWNER" },
        { RIGHT(CAP_MKNOD), "CAP_MKNOD" },
        { RIGHT(CAP_NET_ADMIN), "CAP_NET_ADMIN" },
};

uint64_t rights_needed(const RightsNeeded *needed)
{
        uint64_t rights = 0;

        if (needed->network)
                rights |= RIGHT(CAP_NET_ADMIN);
        if (needed->macvtap)
                rights |= RIGHT(CAP_MKNOD);
        if (needed->files)
                rights |= RIGHT(CAP_DAC_READ_SEARCH);
        if (needed->grants)
                rights |= RIGHT(CAP_CHOWN) | RIGHT(CAP_FOWNER);
        if (needed->others_files)
                rights |= RIGHT(CAP_DAC_OVERRIDE);
        return rights;
}

char *rights_text(uint64_t rights)
{
        char *text = strdup("");

        for (size_t i = 0; text && i < ELEMENTS(names); i++) {
                char *longer;

                if (!(rights & names[i].right))
                        continue;
                longer = text_format("%s%s%s", text, *text ? " " : "", names[i].name);
                free(text);
                text = longer;
        }
        return text;
}

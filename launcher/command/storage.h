/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Disks that a client adds to a running guest by descriptor, by a name of the client's. They are in no
 * definition, and so they end with QEMU. */

#include <systemd/sd-event.h>

#include "launcher/command/batch.h"

typedef struct Storages Storages;

/* The same words as in a client's "config". */
typedef enum StorageKind {
        STORAGE_VIRTIO_BLK,
        STORAGE_VIRTIO_SCSI,
        STORAGE_NVME,
        STORAGE_SCSI_CD,
} StorageKind;

/* NULL, which is a virtio disk, or one of the words; -EINVAL for any other. */
int storage_kind_from_word(const char *word, StorageKind *ret);

/* why: the reason of a failure, or NULL; it is QEMU's, or the guest does not let the disk go. */
typedef void (*StorageDone)(const char *why, void *userdata);

/* Borrows all. */
int storages_new(sd_event *event, Lifecycle *life, Batches *batches, Storages **ret);
Storages *storages_free(Storages *s); /* returns NULL; before the batches are freed */

/*
 * Adds the file or block device as a disk, read-only if the descriptor is. Takes over fd in any case. done
 * is called later, once. 0; -EINVAL for a descriptor that is none of these, or is not open for reading;
 * -EEXIST if there is one of the name; -E2BIG; -ENOMEM; -EBUSY if QEMU takes no commands.
 */
int storages_add(Storages *s, const char *name, StorageKind kind, int fd, StorageDone done, void *userdata);

/* Has the guest let it go, and then closes the file. 0; -ENOENT; -EBUSY, also while it is being added. */
int storages_remove(Storages *s, const char *name, StorageDone done, void *userdata);

/* Gives the guest another file as the same disk. Takes over fd. Errors are those of the two above. */
int storages_replace(Storages *s, const char *name, int fd, StorageDone done, void *userdata);

/* How many there are, also those on their way in or out. */
size_t storages_count(const Storages *s);

/* Nobody wants to hear the end of what has that userdata any more. */
void storages_forget(Storages *s, const void *userdata);

/* One of QEMU's events. */
void storages_event(Storages *s, const json_t *event);

DEFINE_CLEANUP(Storages, storages_free);

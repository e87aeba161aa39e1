/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An image: where its bytes are (a file, a block device, a server), what format they have, and its
 * backing files.
 *
 * Disks, NVRAM and SCSI host devices all have one. It becomes one or more -blockdev: a "storage" node for
 * the bytes, a "slice" where only a part of them counts, a "format" node where they are not raw; and the
 * same for each image behind.
 */

#include "guest/plan/plan.h"
#include "guest/plan/secret.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef enum SourceType {
        SOURCE_FILE = 1,
        SOURCE_BLOCK,
        SOURCE_DIRECTORY, /* shown to the guest as a FAT filesystem */
        SOURCE_NETWORK,
        SOURCE_VOLUME, /* of a libvirt storage pool: always refused */
        SOURCE_NVME,
        SOURCE_VHOST_USER,
        SOURCE_VHOST_VDPA,
} SourceType;

typedef enum SourceFormat {
        FORMAT_RAW = 1,
        FORMAT_QCOW2,
        FORMAT_QCOW,
        FORMAT_QED,
        FORMAT_VMDK,
        FORMAT_VDI,
        FORMAT_VPC,
        FORMAT_BOCHS,
        FORMAT_CLOOP,
        FORMAT_DMG,
        FORMAT_FAT,
} SourceFormat;

typedef enum SourceProtocol {
        PROTOCOL_NBD = 1,
        PROTOCOL_RBD,
        PROTOCOL_ISCSI,
        PROTOCOL_GLUSTER,
        PROTOCOL_HTTP,
        PROTOCOL_HTTPS,
        PROTOCOL_FTP,
        PROTOCOL_FTPS,
        PROTOCOL_TFTP,
        PROTOCOL_SSH,
        PROTOCOL_NFS,
        PROTOCOL_SHEEPDOG,
        PROTOCOL_VXHS,
} SourceProtocol;

typedef enum CacheMode {
        CACHE_DEFAULT = 1,
        CACHE_NONE,
        CACHE_WRITETHROUGH,
        CACHE_WRITEBACK,
        CACHE_DIRECTSYNC,
        CACHE_UNSAFE,
} CacheMode;

typedef enum Discard {
        DISCARD_UNMAP = 1,
        DISCARD_IGNORE,
} Discard;

typedef enum DetectZeroes {
        DETECT_ZEROES_OFF = 1,
        DETECT_ZEROES_ON,
        DETECT_ZEROES_UNMAP,
} DetectZeroes;

/* In the order of io_words. */
typedef enum SourceIo {
        SOURCE_IO_THREADS = 1,
        SOURCE_IO_NATIVE,
        SOURCE_IO_URING,
} SourceIo;

/* How QEMU treats an image, from a disk's <driver>. Backing files inherit the first three. */
typedef struct SourceOptions {
        int cache;   /* CacheMode */
        int io;      /* SourceIo */
        int discard; /* Discard */
        int detect_zeroes;
        Tristate discard_no_unref;
        Number metadata_cache; /* bytes */
        bool floppy;           /* a directory looks like a floppy, not like a hard disk */
        bool cdrom;            /* a CD-ROM drive of the host lets the guest open its tray */
} SourceOptions;

extern const char *const source_type_words[];
extern const char *const source_format_words[];
extern const char *const cache_words[], *const io_words[], *const discard_words[],
                                                                   *const detect_zeroes_words[];

#define SOURCE_HOSTS_MAX 32
#define SOURCE_DEPTH_MAX 200 /* images in a chain: libvirt's limit */

typedef struct SourceHost {
        Place place;
        int transport; /* 0: TCP */
        const char *name, *socket;
        Number port;
} SourceHost;

typedef enum SourceTransport {
        TRANSPORT_TCP = 1,
        TRANSPORT_UNIX,
        TRANSPORT_RDMA,
} SourceTransport;

typedef struct SourceNetwork {
        int protocol;
        const char *name, *query, *snapshot, *config;
        Tristate tls, verify;
        const char *tls_hostname;
        Number readahead, timeout, reconnect_delay;
        const char *initiator;
        const char *user, *group; /* of <identity>, for NFS */
        const char *ssh_user, *ssh_key, *ssh_agent, *known_hosts;
        XmlElement *cookies;
        SourceHost hosts[SOURCE_HOSTS_MAX];
        unsigned n_hosts;
} SourceNetwork;

typedef struct SourceSlice {
        bool present;
        Number offset, size;
} SourceSlice;

/* The values of <encryption format=> and engine=; their words are in source.c. */
enum {
        ENCRYPTION_LUKS = 1,
        ENCRYPTION_QCOW,
        ENCRYPTION_DEFAULT,
        ENCRYPTION_LUKS2,
        ENCRYPTION_LUKS_ANY,
};
enum {
        ENCRYPTION_QEMU = 1,
        ENCRYPTION_LIBRBD,
};

typedef struct SourceEncryption {
        XmlElement *xml;
        int format, engine;
        Secret secret;
} SourceEncryption;

typedef struct SourceNvme {
        Number namespace;
        Tristate managed;
        Number domain, bus, slot, function;
} SourceNvme;

typedef struct Source Source;
struct Source {
        XmlElement *xml; /* <source>, or its parent if there is none */
        Place place;
        int type;   /* SourceType */
        int format; /* SourceFormat */
        bool empty; /* there is no <source>, or it names nothing: a drive without a medium */
        bool read_only, shared;
        bool keep_owner;  /* <seclabel model='dac' relabel='no'/>: the file is accessible as it is */
        const char *path; /* of a file, device, directory or socket */
        SourceNetwork network;
        SourceNvme nvme;
        SourceSlice slice;
        SourceEncryption encryption;
        const char *user; /* of <auth> */
        Secret auth;
        Secret cookies; /* source_name() sets the credential */
        XmlElement *reservations;
        Tristate reservations_managed;
        const char *reservations_path;
        SourceOptions options;

        Source *backing; /* the backing file */
        bool last;       /* the XML says that there is no backing file: <backingStore/> */
        Source *data;    /* the file that holds the data of a qcow2 image */

        /* set by source_name() */
        const char *storage_node, *slice_node, *format_node;
        const char *node; /* the top one of these */
        const char *secret_id, *auth_id, *cookie_id, *tls_id, *manager_id;
};

/*
 * Reads the <source> of holder (<disk>, <backingStore> …) and what goes with it, and the images behind it.
 * type and format are those of the image itself, as the holder says them; *ret is zeroed before.
 */
void source_read(Guest *g, XmlElement *holder, int type, int format, Source *ret);

/* Fills in defaults, here and in all backing files; they inherit options, except the size of caches. */
void source_complete(Guest *g, Source *s, const SourceOptions *options);

/* Names the nodes of s and of its backing files, with numbers that are unique among the guest's images. */
void source_name(Guest *g, Source *s);

/* How many numbers that takes. */
unsigned source_count(const Source *s);

/* The same without numbers, for what a fragment adds: "PREFIX-storage", of the backing file
 * "PREFIX.1-storage". Call it with a depth of 0. */
void source_name_for(Guest *g, Source *s, const char *prefix, unsigned depth);

/* The same with names from the caller: "PREFIX-storage", "PREFIX-format". For images that libvirt names this
 * way, without numbers. */
void source_name_as(Guest *g, Source *s, const char *prefix);

/* Errors for impossible settings. */
void source_check(const Guest *g, const Source *s);

/* Writes all -blockdev of s and its backing files, the lowest first, and what they need from the host. */
void source_build(const Guest *g, const Source *s, Plan *p);

/* Whether the image is a file or block device of this host. */
bool source_is_local(const Source *s);

/* The default socket of QEMU's helper for persistent reservations. */
#define RESERVATIONS_HELPER "/run/qemu-pr-helper.sock"

/* source-network*.c */
void source_network_read(Guest *g, XmlElement *source, Source *s);
void source_network_name(Guest *g, Source *s);
void source_network_check(const Guest *g, const Source *s);
Props source_network_props(const Guest *g, const Source *s, Plan *p);

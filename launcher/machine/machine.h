/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a QEMU that runs consists of: the command line that it would have to be started with, and what is
 * behind names that only QEMU knows.
 */

#include "launcher/machine/option.h"
#include "launcher/monitor/script.h"
#include "launcher/store/fds.h"
#include "launcher/store/images.h"

/* An image of a chain, as QEMU has it. */
typedef struct Layer {
        char *format; /* QEMU's node; NULL if the image is raw, and the disk's own */
        char *storage;
        unsigned set; /* the fd set with the image; 0 if there is none */
        FileId file;
        json_t *options; /* of storage: what it was added with */
} Layer;

typedef struct Layers {
        Layer *items; /* the nearest to the disk first, which is also the order of removal */
        size_t count;
} Layers;

void layers_done(Layers *layers);

/* Adds a copy. 0 or -ENOMEM. */
int layers_add(Layers *layers, const Layer *layer);

/* A node of the command line, as QEMU has it. */
typedef struct Node {
        char *name;   /* in the command line */
        char *actual; /* in QEMU: another one while an earlier node of the name is still there */
        unsigned set; /* the fd set with its image; 0 if there is none */
        FileId file;
        json_t *options; /* what it was added with; NULL if that is not known */
        Layers below;    /* images that are no nodes of the command line */
        bool leaving;    /* about to be removed: its name may be taken by another */
} Node;

typedef struct Machine {
        CommandLine line;
        Node **nodes;
        size_t n_nodes;
        CommandLine gone;    /* of the line, when the present reload ends */
        Strings released;    /* descriptors of TAPs that QEMU does not have any more, for the helper */
        unsigned boot_vcpus; /* that QEMU was started with */
        Strings vcpus;       /* ids of virtual processors that were added and are there */
        Strings new_vcpus;   /* of those that the present reload adds */
        unsigned next_set, generation;
        const char *directory; /* the guest's runtime directory, for sockets; borrowed */
} Machine;

/* actual is what QEMU was started with, which the launcher made of the options' own; images are those
 * that it got. 0, -EBADMSG, -ENOMEM. */
int machine_begin(
        const RunOptions *options, char *const *actual, const Images *images, const char *directory,
        Machine *ret);
void machine_done(Machine *m);

/* What new options need beside their text: the options of their command line, and descriptors by name. */
typedef struct MachineParts {
        const RunOptions *options;
        const CommandLine *line;
        Fds *fds;
} MachineParts;

/*
 * Adds to the script what adds the option to QEMU, and undoes that. The machine knows a node from then on,
 * until machine_forget_node(). 0; -ENOENT if a descriptor is missing, -EINVAL if the option cannot be added;
 * -ENOMEM. Errors are logged.
 */
int machine_script_add(Machine *m, const MachineParts *parts, const Option *option, Script *script);

/* The same for the format node of an image that is to lie over another: QEMU links the two later. */
int machine_script_overlay(Machine *m, const MachineParts *parts, const Option *option, Script *script);

/* Whether QEMU's own user networking is to be replaced by passt where the host has that. */
bool machine_may_use_passt(const RunOptions *options, const Option *netdev);

/* Adds to the script what removes it. Not for devices, which the guest has to let go first. A node is
 * leaving from then on. */
void machine_script_remove(Machine *m, const Option *option, Script *script);

/* What QEMU calls the node; the name itself if it is no node. */
const char *machine_node(const Machine *m, const char *name);

/* The same for one that is leaving; NULL if none is. */
const char *machine_leaving_node(const Machine *m, const char *name);

/* The node of that name was removed, or could not be added. leaving: the one that was to be removed. */
void machine_forget_node(Machine *m, const char *name, bool leaving);

/* What the guest has let go of leaves the command line: not at once, since a difference may point into it.
 */
int machine_note_gone(Machine *m, const Option *option);
void machine_forget_gone(Machine *m);

/* It stays after all. */
void machine_keep_node(Machine *m, const char *name);

/* Whether the machine has that file where a descriptor of that name belongs: behind the node itself, or at
 * that depth of its chain; see contract/fd-name.h. */
bool machine_has_image(const Machine *m, const char *name, FileId file);

/* Whether it has the node that a descriptor of that name is for. */
bool machine_knows_image(const Machine *m, const char *name);

/* The images of the chain that the node of the machine's command line is the top of. 0; -ENOENT if it is
 * none of which all is known; -ENOMEM. */
int machine_find_layers(const Machine *m, const char *top, Layers *ret);

/* Adds the layer of that image, a format node of a new command line that the machine has already. */
int machine_add_layer_of(const Machine *m, const Option *format, Layers *layers);

/* The nodes of that chain are leaving, or stay after all. */
void machine_set_chain_leaving(Machine *m, const char *top, bool leaving);

/*
 * That chain, whose nodes were leaving, has become the one of top in line, of which these are the layers;
 * top and its storage are nodes of their own, and known already if they are new. 0 or -ENOMEM.
 */
int machine_replace_chain(
        Machine *m, const char *old_top, const CommandLine *line, const char *top, const Layers *layers);

/* Calls visit for each descriptor's name in the option. */
void option_each_descriptor(
        const Option *option, void (*visit)(const char *name, void *userdata), void *userdata);

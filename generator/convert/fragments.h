/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Fragments: files in NAME.xml.d/ beside a guest's XML, each with one element that is added to it, takes the
 * place of one of its elements, or removes one of its devices. Below /etc they last, below /run until the
 * guest stops.
 */

#include "guest/xml/xml.h"
#include "util/text.h"

#define FRAGMENT_NAME_MAX  64   /* characters, without ".xml" */
#define FRAGMENTS_MAX      1024 /* of one guest */
#define FRAGMENT_REMOVE    "vmunit:remove"
#define FRAGMENT_DIRECTORY ".xml.d" /* after the guest's name */

/* Letters, digits, "-", "_" and ".", with a letter or digit first: the name is part of the device's id. */
bool fragment_name_is_valid(const char *name);

/*
 * Adds the paths of a guest's fragments to ret, in the order in which they apply: those of the first
 * directory first, each in the order of their names. directories: as of guest_directories(), of which those
 * that packages own are left out. 0; -E2BIG; -ENOMEM; or the error of a directory that cannot be read.
 */
int fragments_find(const Strings *directories, const char *guest, Strings *ret);

/*
 * Reads the files and changes domain accordingly. files must live as long as domain: places and ids borrow
 * their texts. Errors are in findings. Returns 0 or -ENOMEM.
 */
int fragments_apply(XmlElement *domain, Strings *files, Findings *findings);

/* What tells a device from the others of its element, "target dev='vdb'", or NULL if only an alias would; a
 * new string. */
char *fragment_device_name(const XmlElement *device);

/* Whether that can be a device, and not an element of <domain> or a removal. */
bool fragment_is_device(const XmlElement *e);

/* A name for the fragment of that device: "disk-vdb"; NULL if out of memory, or if nothing tells the device
 * from others. */
char *fragment_name_for(const XmlElement *device);

/* The request to remove the device, for a fragment; NULL as above. */
XmlElement *fragment_removal(const XmlElement *device);

/* The device among the children of devices that a fragment with that device is about, or NULL. */
XmlElement *fragment_find_device(const XmlElement *devices, const XmlElement *device);

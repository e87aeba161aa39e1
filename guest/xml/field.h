/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tables that say what an element may contain: the path of a value, its type, and where in a struct to
 * store it.
 *
 * A path is relative to the element that is read: "driver@cache" is the attribute cache of its child driver,
 * "@type" an attribute of its own, "serial" the text of its child serial, "." its own text,
 * "source/host@port" goes deeper. Values go into a zeroed struct: what the XML does not say stays zero. Text
 * is borrowed from the XML tree.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/xml/set.h"
#include "guest/xml/xml.h"
#include "util/text.h"

typedef enum Tristate {
        UNSET,
        ON,
        OFF,
} Tristate;

typedef struct Number {
        uint64_t value;
        bool set;
} Number;

typedef enum FieldType {
        /* as in libvirt, an element with empty text counts as absent */
        FIELD_TEXT,    /* const char *: any text; an attribute's may not be empty */
        FIELD_STRING,  /* const char *: any text; an empty attribute counts as absent, too */
        FIELD_PATH,    /* const char *: an absolute path without "..", simplified (path_simplify()) */
        FIELD_MAC,     /* const char *: six bytes in hex with colons */
        FIELD_UUID,    /* const char *: see text_to_uuid() for the accepted forms */
        FIELD_WORD,    /* int: 1 for the first of the row's words, 2 for the second … */
        FIELD_SWITCH,  /* Tristate: "on" or "off" */
        FIELD_YESNO,   /* Tristate: "yes" or "no" */
        FIELD_PRESENT, /* bool: the element is there; its attributes are left to other rows */
        FIELD_NUMBER,  /* Number, between min and max (0: 2^64-1), decimal or 0x… */
        FIELD_SIZE,    /* Number in bytes; the attribute "unit" of the same element scales it, else the row's
                          min does */
        FIELD_SET,     /* Set: "0-3,^2,7" */
        FIELD_STATE,   /* Tristate: an element that turns something on, unless its attribute "state" is "off"
                        */
        FIELD_ELEMENT, /* XmlElement *: for code that reads on */
        FIELD_IGNORED, /* nothing: the guest is the same without it */
        FIELD_WARNED,  /* nothing: accepted with a warning, the row's text */
        FIELD_REFUSED, /* nothing: an error, the row's text */
} FieldType;

typedef struct Field {
        const char *path;
        FieldType type;
        size_t offset;
        const char *const *words; /* ended by NULL */
        uint64_t min, max;
        const char *text;
} Field;

/* clang-format off: it breaks the braces of a macro */
#define FIELD(path_, type_, struct_, member_)                                      \
        {                                                                          \
                .path = path_, .type = type_, .offset = offsetof(struct_, member_) \
        }
#define FIELD_OF_WORDS(path_, struct_, member_, words_)                                                  \
        {                                                                                                \
                .path = path_, .type = FIELD_WORD, .offset = offsetof(struct_, member_), .words = words_ \
        }
#define FIELD_IN_RANGE(path_, struct_, member_, min_, max_)                                             \
        {                                                                                               \
                .path = path_, .type = FIELD_NUMBER, .offset = offsetof(struct_, member_), .min = min_, \
                .max = max_                                                                             \
        }
#define FIELD_OF_SIZE(path_, struct_, member_, unit_)                                                 \
        {                                                                                             \
                .path = path_, .type = FIELD_SIZE, .offset = offsetof(struct_, member_), .min = unit_ \
        }
#define FIELD_SAID(path_, type_, text_)                     \
        {                                                   \
                .path = path_, .type = type_, .text = text_ \
        }
/* clang-format on */

/* Reads element by the table (ended by a row without a path) into the struct at target. */
void fields_read(XmlElement *element, const Field *table, void *target, Findings *findings);

/* The position of word in words, from 1; 0 if it is not among them. */
int words_find(const char *const *words, const char *word);

/* To be added to a message that lists the words: "; did you mean 'x'?", or "" if none is near. */
typedef struct WordHint {
        char text[TEXT_NEAR_MAX + 20];
} WordHint;
WordHint words_hint(const char *const *words, const char *word);

/* A size such as <memory unit='MiB'>: text scaled by unit (NULL:
 * by default_unit bytes). -EINVAL, -ERANGE. */
int size_parse(const char *text, const char *unit, uint64_t default_unit, uint64_t *ret);

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

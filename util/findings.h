/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Findings about a guest's XML, each with its place in the file. They are collected, so that one run reports
 * them all, in the order of the file.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/ownership.h"

typedef enum Severity {
        SEVERITY_WARNING,
        SEVERITY_DENIAL, /* an error only because vmunit.conf forbids it */
        SEVERITY_ERROR,
} Severity;

/* Line and column count from 1; a line of 0 means the file as a whole. */
typedef struct Place {
        const char *file;
        unsigned line, column;
} Place;

typedef struct Finding {
        Severity severity;
        Place place;
        char *text;
} Finding;

typedef struct Findings Findings;

Findings *findings_new(void);
Findings *findings_free(Findings *f); /* returns NULL */
DEFINE_CLEANUP(Findings, findings_free);

/*
 * Never fails visibly: if memory runs out or there are more than FINDINGS_MAX findings, findings_failed()
 * returns true. place.file is borrowed and must live as long as the findings.
 */
#define FINDINGS_MAX 200
void finding(Findings *f, Severity severity, Place place, const char *format, ...) _printf_(4, 5);

/* Whether there is an error among them. */
bool findings_failed(const Findings *f);

/* Whether vmunit.conf is the only reason for the errors. */
bool findings_denied(const Findings *f);

size_t findings_count(const Findings *f);
const Finding *findings_get(const Findings *f, size_t i);

/* "FILE:LINE:COL: error: TEXT", control characters in it made visible; a new string, or NULL if out of
 * memory. */
char *finding_format(const Finding *f);

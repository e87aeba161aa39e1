/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ownership made visible: cleanup attributes, and handover by assign-and-clear. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))
#define _noreturn_     __attribute__((noreturn))

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The type "pointer to type", const if p, a pointer to whole, is: from a const guest one gets const devices
 * only. cppcheck does not understand _Generic, and would skip every file that uses it.
 */
#ifdef __cppcheck__
#define PART_POINTER(type, whole, p) type *
#else
#define PART_POINTER(type, whole, p) \
        __typeof__(_Generic((p), whole * : (type *) NULL, const whole * : (const type *) NULL))
#endif

#define TAKE_PTR(ptr)                         \
        ({                                    \
                __typeof__(ptr) *p_ = &(ptr); \
                __typeof__(ptr) v_ = *p_;     \
                *p_ = NULL;                   \
                v_;                           \
        })

#define TAKE_FD(fd)              \
        ({                       \
                int *p_ = &(fd); \
                int v_ = *p_;    \
                *p_ = -EBADF;    \
                v_;              \
        })

/* For a destructor that accepts NULL and returns NULL: defines what _cleanup_(DESTRUCTORp) calls. */
#define DEFINE_CLEANUP(type, destructor)                    \
        static inline _unused_ void destructor##p(type **p) \
        {                                                   \
                if (*p)                                     \
                        *p = destructor(*p);                \
        }

static inline void freep(void *p)
{
        free(*(void **) p);
}

/* Never retried: on Linux the descriptor is closed whatever close() returns. */
static inline int fd_close(int fd)
{
        if (fd >= 0)
                (void) close(fd);
        return -1;
}

static inline void closep(int *fd)
{
        *fd = fd_close(*fd);
}

static inline void fclosep(FILE **f)
{
        if (*f)
                (void) fclose(*f);
}

static inline void closedirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

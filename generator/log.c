/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Generators may run before the journal: systemd.generator(7) suggests /dev/kmsg for messages. */

#include "generator/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <syslog.h>

#include "util/text.h"

#define LOG_LINE_MAX 900 /* bytes; the kernel cuts a record at about a thousand */

static int log_fd = STDERR_FILENO;

void generator_log_open(bool user_scope)
{
        int fd;

        if (user_scope)
                return;
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0)
                log_fd = fd;
}

/* level: as in syslog(3); a generator's stderr goes to the journal, which understands the prefix, too. */
static void log_line(int level, const char *text)
{
        char line[LOG_LINE_MAX + 64];
        int n;

        n = log_fd == STDERR_FILENO
                    ? snprintf(line, sizeof(line), "<%d>%s\n", level, text)
                    : snprintf(line, sizeof(line), "<%d>vm-generator[%d]: %s\n", level, getpid(), text);
        if (write(log_fd, line, (size_t) n) < 0)
                return; /* nowhere left to report it */
}

void generator_log(const char *format, ...)
{
        char text[LOG_LINE_MAX];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        log_line(LOG_ERR, text);
}

void generator_log_warning(const Finding *warning)
{
        _cleanup_(freep) char *text = finding_format(warning);

        if (text)
                text_cut(text, LOG_LINE_MAX - 1);
        log_line(LOG_WARNING, text ?: "out of memory");
}

void generator_log_findings(const Findings *findings)
{
        size_t errors = 0;
        const Finding *first = NULL;
        _cleanup_(freep) char *line = NULL;

        for (size_t i = 0; i < findings_count(findings); i++)
                if (findings_get(findings, i)->severity != SEVERITY_WARNING && errors++ == 0)
                        first = findings_get(findings, i);
        if (!first)
                return;
        line = finding_format(first);
        if (errors > 1)
                generator_log("%s (and %zu more)", line ?: "out of memory", errors - 1);
        else
                generator_log("%s", line ?: "out of memory");
}

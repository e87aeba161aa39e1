/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of lines and words, for vmunit.conf and bridge.conf. Errors carry the line and column. */

#include "policy/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "util/file.h"

#define BLANKS          " \t\r"
#define POLICY_SIZE_MAX ((size_t) 1 << 20) /* bytes of one file */

void reader_error(Reader *r, const char *at, const char *format, ...)
{
        _cleanup_(freep) char *text = NULL;
        Place place = r->place;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        place.column = (unsigned) (at - r->line) + 1;
        finding(r->findings, SEVERITY_ERROR, place, "%s", text ?: "out of memory");
}

int reader_open(Reader *r, const char *path, char **ret_data)
{
        Strings *files = &r->policy->files;
        size_t size;
        int q;

        q = strings_add(files, path);
        if (q < 0)
                return q;
        r->place = (Place){ files->items[files->count - 1] };
        q = file_read(AT_FDCWD, path, POLICY_SIZE_MAX, ret_data, &size);
        if (q == -ENOENT || q == -ENOTDIR)
                return 0;
        if (q < 0)
                finding(r->findings, SEVERITY_ERROR, r->place, "cannot read the file: %s", strerror(-q));
        return 1;
}

char *reader_next_line(Reader *r, char **next)
{
        char *line = *next;

        if (!line)
                return NULL;
        *next = strchr(line, '\n');
        if (*next)
                *(*next)++ = '\0';
        r->line = line;
        r->place.line++;
        return reader_trim(line);
}

char *reader_next_word(char **rest)
{
        char *word = *rest + strspn(*rest, BLANKS);
        size_t n = strcspn(word, BLANKS);

        *rest = word + n;
        if (n == 0)
                return NULL;
        if (**rest)
                *(*rest)++ = '\0';
        return word;
}

char *reader_trim(char *text)
{
        size_t n;

        text += strspn(text, BLANKS);
        n = strlen(text);
        while (n > 0 && strchr(BLANKS, text[n - 1]))
                text[--n] = '\0';
        return text;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The journal is read on terminals, and the guest must not control them: it must not move the cursor,
 * reverse the direction of text, or send sequences that a terminal replies to. So only printable characters
 * of its output are kept; a byte that is not part of a character is shown as U+FFFD.
 *
 * This works byte by byte with a small state, because reads may split a console's output anywhere.
 */

#include "launcher/stream/sanitize.h"

#include <string.h>

/*
 * The terminal sequences that matter: CSI (ESC [ … letter), strings (ESC ] … BEL or ESC \), other (ESC,
 * maybe some, and one).
 */
enum { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_STRING, ESCAPE_STRING_END };

/*
 * Unfinished sequences end after so many bytes; otherwise a lone ESC would hide the rest of the output.
 */
#define ESCAPE_LENGTH_MAX 256

#define REPLACEMENT      "\xef\xbf\xbd"
#define REPLACEMENT_SIZE 3

/* Drops the bytes of a terminal sequence; false if the byte belongs to none. */
static bool in_escape(Sanitizer *s, uint8_t byte)
{
        if (byte == 0x1b) {
                s->escape = s->escape == ESCAPE_STRING ? ESCAPE_STRING_END : ESCAPE_BEGUN;
                s->swallowed = 0;
                return true;
        }
        if (s->escape == ESCAPE_NONE)
                return false;
        if (byte == '\n' || byte == '\r' || byte >= 0x80 || ++s->swallowed > ESCAPE_LENGTH_MAX) {
                if (s->escape == ESCAPE_STRING && byte >= 0x80 && s->swallowed <= ESCAPE_LENGTH_MAX)
                        return true;
                s->escape = ESCAPE_NONE;
                return false;
        }
        switch (s->escape) {
        case ESCAPE_BEGUN:
                if (byte == '[')
                        s->escape = ESCAPE_CSI;
                else if (strchr("]PX^_", byte) && byte)
                        s->escape = ESCAPE_STRING;
                else if (byte >= 0x30)
                        s->escape = ESCAPE_NONE;
                return true;
        case ESCAPE_CSI:
                if (byte >= 0x40)
                        s->escape = ESCAPE_NONE;
                return true;
        case ESCAPE_STRING:
                if (byte == 0x07)
                        s->escape = ESCAPE_NONE;
                return true;
        default:
                s->escape = ESCAPE_NONE; /* the '\' of ESC \ */
                return true;
        }
}

/*
 * C0 and C1 controls, marks that change the direction of text, line separators, and the byte order mark.
 */
static bool is_unsafe(uint32_t c)
{
        return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x61c || c == 0xfeff;
}

static size_t write_code(uint32_t c, char *ret)
{
        if (c < 0x80) {
                ret[0] = (char) c;
                return 1;
        }
        if (c < 0x800) {
                ret[0] = (char) (0xc0 | c >> 6);
                ret[1] = (char) (0x80 | (c & 63));
                return 2;
        }
        if (c < 0x10000) {
                ret[0] = (char) (0xe0 | c >> 12);
                ret[1] = (char) (0x80 | (c >> 6 & 63));
                ret[2] = (char) (0x80 | (c & 63));
                return 3;
        }
        ret[0] = (char) (0xf0 | c >> 18);
        ret[1] = (char) (0x80 | (c >> 12 & 63));
        ret[2] = (char) (0x80 | (c >> 6 & 63));
        ret[3] = (char) (0x80 | (c & 63));
        return 4;
}

static size_t write_replacement(char *ret)
{
        memcpy(ret, REPLACEMENT, REPLACEMENT_SIZE);
        return REPLACEMENT_SIZE;
}

/* The first byte of a multi-byte character; false if none begins with it. */
static bool begin_character(Sanitizer *s, uint8_t byte)
{
        if (byte >= 0xc2 && byte <= 0xdf)
                *s = (Sanitizer){ .missing = 1, .code = byte & 0x1f, .lowest = 0x80 };
        else if (byte >= 0xe0 && byte <= 0xef)
                *s = (Sanitizer){ .missing = 2, .code = byte & 0x0f, .lowest = 0x800 };
        else if (byte >= 0xf0 && byte <= 0xf4)
                *s = (Sanitizer){ .missing = 3, .code = byte & 0x07, .lowest = 0x10000 };
        else
                return false;
        return true;
}

static size_t end_character(const Sanitizer *s, char *ret)
{
        if (s->code < s->lowest || s->code > 0x10ffff || (s->code >= 0xd800 && s->code <= 0xdfff))
                return write_replacement(ret);
        return is_unsafe(s->code) ? 0 : write_code(s->code, ret);
}

size_t sanitize_byte(Sanitizer *s, uint8_t byte, char ret[static SANITIZED_MAX])
{
        if (s->missing > 0) {
                if ((byte & 0xc0) == 0x80) {
                        s->code = s->code << 6 | (byte & 63);
                        return --s->missing > 0 ? 0 : end_character(s, ret);
                }
                s->missing = 0; /* the character is incomplete; this byte begins a new one */
        }
        if (in_escape(s, byte))
                return 0;
        if (byte == '\n' || byte == '\r') {
                ret[0] = '\n';
                return 1;
        }
        if (byte < 0x80)
                return is_unsafe(byte) ? 0 : write_code(byte, ret);
        return begin_character(s, byte) ? 0 : write_replacement(ret);
}

void sanitize_text(const char *text, size_t size, char *ret, size_t room)
{
        Sanitizer s = { 0 };
        size_t n = 0;

        for (size_t i = 0; i < size; i++) {
                char piece[SANITIZED_MAX];
                size_t more = sanitize_byte(&s, (uint8_t) text[i], piece);

                if (n + more >= room)
                        break;
                memcpy(ret + n, piece, more);
                if (more == 1 && (piece[0] == '\n' || piece[0] == '\t'))
                        ret[n] = ' ';
                n += more;
        }
        ret[n] = '\0';
}

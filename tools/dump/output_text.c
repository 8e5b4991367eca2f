/* What several formats write in the same way: numbers, bytes as text, text that claims to be UTF-8, and a preamble. */
#include <assert.h>

#include "base/text.h"
#include "output_private.h"

#define BAD_BYTE UINT32_MAX
#define REPLACEMENT "\xef\xbf\xbd"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* ---- numbers and bytes --------------------------------------------------------------------------------------- */

char *put_digits(char *to, int64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char digits[INTEGER_TEXT_MAX], *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    if (number < 0)
        *to++ = '-';
    for (; rest >= 100; rest /= 100)
        memcpy(at -= 2, pairs + rest % 100 * 2, 2);
    if (rest >= 10)
        memcpy(at -= 2, pairs + rest * 2, 2);
    else
        *--at = (char)('0' + rest);
    size_t len = (size_t)(digits + sizeof(digits) - at);
    memcpy(to, at, len);
    return to + len;
}

void put_grouped(struct buffer *out, struct bytes number)
{
    size_t at = number.len != 0 && number.data[0] == '-' ? 1 : 0, whole = at;
    while (whole < number.len && number.data[whole] >= '0' && number.data[whole] <= '9')
        ++whole;
    buffer_append(out, number.data, at);
    for (; at < whole; ++at) {
        buffer_append(out, number.data + at, 1);
        if (at + 1 < whole && (whole - at - 1) % 3 == 0)
            buffer_append(out, ",", 1);
    }
    buffer_append(out, number.data + whole, number.len - whole);
}

char *put_hex(char *to, struct bytes blob)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < blob.len; ++i) {
        *to++ = digits[(unsigned char)blob.data[i] >> 4];
        *to++ = digits[(unsigned char)blob.data[i] & 15];
    }
    return to;
}

struct bytes cell_text(const struct cell *cell, struct buffer *scratch)
{
    char *to;
    assert(cell->type != CELL_NULL);
    if (cell->type == CELL_TEXT || cell->type == CELL_REAL)
        return cell->text;
    buffer_clear(scratch);
    to = buffer_reserve(scratch, INTEGER_TEXT_MAX + 2 * cell->text.len);
    to = cell->type == CELL_INTEGER ? put_digits(to, cell->integer) : put_hex(to, cell->text);
    return bytes_view(scratch->data, (size_t)(to - scratch->data));
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

uint32_t character_at(struct bytes text, size_t *len)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t need = data[0] < 0x80 ? 1 : data[0] < 0xe0 ? 2 : data[0] < 0xf0 ? 3 : 4;
    *len = 1;
    if (need == 1)
        return data[0];
    if (need > text.len || !utf8_valid(bytes_view(data, need)))
        return BAD_BYTE;
    uint32_t character = data[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; ++i)
        character = character << 6 | (data[i] & 0x3fu);
    *len = need;
    return character;
}

struct bytes utf8_mend(struct bytes text, struct buffer *scratch)
{
    size_t len;
    if (utf8_valid(text))
        return text;
    buffer_clear(scratch);
    for (; text.len != 0; text = bytes_view(text.data + len, text.len - len)) {
        if (character_at(text, &len) == BAD_BYTE)
            buffer_append_string(scratch, REPLACEMENT);
        else
            buffer_append(scratch, text.data, len);
    }
    return buffer_view(scratch);
}

/* ---- preambles ----------------------------------------------------------------------------------------------- */

void put_wrapped(struct buffer *out, struct bytes text, size_t width)
{
    size_t column = 0;
    for (size_t at = 0; at < text.len;) {
        const char *space = memchr(text.data + at, ' ', text.len - at);
        size_t len = space != NULL ? (size_t)(space - text.data) - at : text.len - at;
        struct buffer word = {0};
        size_t word_width = put_shown(&word, bytes_view(text.data + at, len), SIZE_MAX);
        if (column != 0) {
            bool fits = column + 1 + word_width <= width;
            buffer_append_string(out, fits ? " " : "\n");
            column = fits ? column + 1 : 0;
        }
        buffer_append(out, word.data, word.len);
        column += word_width;
        at += len + 1;
        buffer_dispose(&word);
    }
}

static void put_fact(struct buffer *out, const char *name, const char *value, bool styled)
{
    if (value == NULL)
        return;
    buffer_printf(out, "%s%-14s%s", styled ? DIM : "", name, styled ? PLAIN : "");
    put_shown(out, bytes_of_string(value), SIZE_MAX);
    buffer_append_string(out, "\n");
}

void put_preamble(struct buffer *out, const struct output_preamble *preamble, size_t width, bool styled)
{
    buffer_append_string(out, styled ? BOLD : "");
    put_shown(out, bytes_of_string(preamble->title != NULL ? preamble->title : preamble->name), SIZE_MAX);
    buffer_append_string(out, styled ? PLAIN "\n" : "\n");
    for (const char *from = preamble->definition; from != NULL && *from != '\0';) {
        size_t len = strcspn(from, "\n");
        put_wrapped(out, bytes_view(from, len), width);
        buffer_append_string(out, "\n");
        from += len + (from[len] == '\n' ? 1 : 0);
    }
    buffer_append_string(out, "\n");
    put_fact(out, "Organisation", preamble->organisation, styled);
    put_fact(out, "Period", preamble->period, styled);
    put_fact(out, "Time zone", preamble->time_zone, styled);
    put_fact(out, "Made at", preamble->made_at, styled);
    buffer_append_string(out, "\n");
}

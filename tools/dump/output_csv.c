/*
 * RFC 4180: a line of names, CRLF, quotes where a reader needs them. Reading back gives every byte of every text. Each
 * row reserves its worst case once and is then written through a bare pointer, since millions of rows pass here.
 */
#include "output_private.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const bool needs_quotes[256] = {[','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true};

/* One character in two quotes and an apostrophe more; every byte a quote. */
#define FIELD_MAX(len) (2 * (len) + 3)

#ifdef __SSE2__

static inline int quote_bits(__m128i chunk)
{
    __m128i comma = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(','));
    __m128i quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
    __m128i lf = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\n'));
    __m128i cr = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\r'));
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(comma, quote), _mm_or_si128(lf, cr)));
}

/* At least sixteen bytes; the last step looks at some of them again. */
static inline bool has_special(const char *data, size_t len)
{
    for (size_t at = 0; at + 16 <= len; at += 16)
        if (quote_bits(_mm_loadu_si128((const __m128i *)(data + at))) != 0)
            return true;
    return quote_bits(_mm_loadu_si128((const __m128i *)(data + len - 16))) != 0;
}

#define SPECIAL_LEN_MIN 16

#else

#define SPECIAL_LEN_MIN SIZE_MAX
#define has_special(data, len) false

#endif

/* Elsewhere in the world spreadsheets separate by semicolons, or by tabs: to them the quotes of a field that does not
 * begin their cell mean nothing, and what follows a separator inside a text begins a cell of its own. */
static const bool separates[256] = {[';'] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true};

static bool has_separator(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (separates[(unsigned char)text.data[i]])
            return true;
    return false;
}

static bool must_be_quoted(struct bytes text)
{
    if (text.data[0] == ' ' || text.data[text.len - 1] == ' ')
        return true;
    if (text.len >= SPECIAL_LEN_MIN)
        return has_special(text.data, text.len);
    for (size_t i = 0; i < text.len; ++i)
        if (needs_quotes[(unsigned char)text.data[i]])
            return true;
    /* To psql a line of this alone is the end of the data. */
    return text.len == 2 && memcmp(text.data, "\\.", 2) == 0;
}

/* What spreadsheets take for the beginning of a formula, or skip before one. */
static const bool begins_formula[256] = {
    ['='] = true, ['+'] = true, ['-'] = true, ['@'] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true,
};

static bool is_formula(struct bytes text)
{
    static const char wide[][4] = {"\uff1d", "\uff0b", "\uff0d",
                                   "\uff20"}; /* the same four, as wide as a Chinese letter */
    if (begins_formula[(unsigned char)text.data[0]])
        return true;
    if (text.data[0] != wide[0][0] || text.len < 3)
        return false;
    for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); ++i)
        if (memcmp(text.data, wide[i], 3) == 0)
            return true;
    return false;
}

/* Every quote twice. */
static char *put_doubled(char *to, struct bytes text)
{
    while (text.len != 0) {
        const char *quote = memchr(text.data, '"', text.len);
        size_t len = quote != NULL ? (size_t)(quote - text.data) + 1 : text.len;
        memcpy(to, text.data, len);
        to += len;
        if (quote != NULL)
            *to++ = '"';
        text = bytes_view(text.data + len, text.len - len);
    }
    return to;
}

/* Between quotes, and with an apostrophe before each formula that somebody's separator could set free. */
static char *put_defused(char *to, struct bytes text)
{
    bool begins = true;
    *to++ = '"';
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.data[i];
        bool ends_line = i != 0 && separates[(unsigned char)c]; /* the second half of CRLF begins nothing */
        if (begins && !ends_line && is_formula(bytes_view(text.data + i, text.len - i)))
            *to++ = '\'';
        if (c == '"')
            *to++ = '"';
        *to++ = c;
        begins = separates[(unsigned char)c];
    }
    *to++ = '"';
    return to;
}

static inline char *put_text(char *to, struct bytes text, bool csv_safe)
{
    if (text.len == 0) {
        memcpy(to, "\"\"", 2);
        return to + 2;
    }
    if (csv_safe && has_separator(text))
        return put_defused(to, text);
    bool defused = csv_safe && is_formula(text);
    if (must_be_quoted(text)) {
        *to++ = '"';
        if (defused)
            *to++ = '\'';
        to = put_doubled(to, text);
        *to++ = '"';
        return to;
    }
    if (defused)
        *to++ = '\'';
    memcpy(to, text.data, text.len);
    return to + text.len;
}

void csv_put_text(struct buffer *out, struct bytes text, bool csv_safe)
{
    char *to = buffer_reserve(out, FIELD_MAX(text.len));
    out->len += (size_t)(put_text(to, text, csv_safe) - to);
}

static void begin_csv(struct output *output, const struct output_head *head)
{
    struct buffer *out = output->out;
    (void)head;
    if (output->set_count > 1)
        buffer_append_string(out, "\r\n");
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_append_string(out, i != 0 ? "," : "");
        csv_put_text(out, bytes_of_string(output->names[i]), output->config.csv_safe);
    }
    buffer_append_string(out, "\r\n");
}

static size_t row_len_max(const struct cell *cells, size_t count)
{
    size_t len = 2;
    for (size_t i = 0; i < count; ++i)
        len += INTEGER_TEXT_MAX + FIELD_MAX(cells[i].type >= CELL_REAL ? cells[i].text.len : 0) + 1;
    return len;
}

static inline char *put_cell(char *to, const struct cell *cell, bool csv_safe)
{
    switch (cell->type) {
    case CELL_NULL:
        return to;
    case CELL_INTEGER:
        return put_digits(to, cell->integer);
    case CELL_REAL:
        memcpy(to, cell->text.data, cell->text.len);
        return to + cell->text.len;
    case CELL_TEXT:
        return put_text(to, cell->text, csv_safe);
    case CELL_BLOB:
        return put_hex(to, cell->text);
    }
    return to;
}

static void row_csv(struct output *output, const struct cell *cells)
{
    size_t count = output->column_count;
    bool csv_safe = output->config.csv_safe;
    char *start = buffer_reserve(output->out, row_len_max(cells, count)), *to = start;
    for (size_t i = 0; i < count; ++i) {
        if (i != 0)
            *to++ = ',';
        to = put_cell(to, &cells[i], csv_safe);
    }
    memcpy(to, "\r\n", 2);
    output->out->len += (size_t)(to + 2 - start);
}

const struct output_writer output_csv = {.begin = begin_csv, .row = row_csv};

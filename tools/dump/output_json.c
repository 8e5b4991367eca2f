/*
 * JSON and ndjson. A row is one line and one object. A plain question's sets are arrays, one after another, which is
 * what readers of JSON streams take; a report is one object around all of them. The keys of a set, with their quotes
 * and commas, are made once.
 */
#include "base/json.h"

#include <assert.h>
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "output_private.h"

#define SUFFIX_TEXT_MAX 24

struct json_state {
    struct buffer keys;   /* {"a": ,"b": … one behind another */
    size_t *key_ends;     /* where each ends in keys */
    struct buffer mended; /* text that was not UTF-8 */
};

/* ---- keys ---------------------------------------------------------------------------------------------------- */

static bool is_among(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Members of an object need names of their own: a second "id" becomes "id_2", if nobody else is called that. */
static char *unique_name(const struct output *output, char *const *taken, size_t at)
{
    const char *name = output->names[at];
    if (!is_among(taken, at, name))
        return bytes_dup(bytes_of_string(name));
    size_t number = 1;
    for (size_t i = 0; i < at; ++i)
        number += strcmp(output->names[i], name) == 0;
    for (;; ++number) {
        char suffix[SUFFIX_TEXT_MAX];
        struct buffer text = {0};
        snprintf(suffix, sizeof(suffix), "_%zu", number);
        buffer_append_string(&text, name);
        buffer_append(&text, suffix, strlen(suffix) + 1);
        if (!is_among(taken, at, text.data) && !is_among(output->names, output->column_count, text.data))
            return text.data;
        buffer_dispose(&text);
    }
}

static void make_keys(struct output *output)
{
    struct json_state *state = output->state;
    size_t count = output->column_count;
    char **taken = calloc(count, sizeof(*taken));
    state->key_ends = realloc(state->key_ends, count * sizeof(*state->key_ends));
    if (taken == NULL || state->key_ends == NULL)
        abort();
    buffer_clear(&state->keys);
    for (size_t i = 0; i < count; ++i) {
        taken[i] = unique_name(output, taken, i);
        buffer_append_string(&state->keys, i == 0 ? "{" : ",");
        json_put_string(&state->keys, utf8_mend(bytes_of_string(taken[i]), &state->mended));
        buffer_append_string(&state->keys, ":");
        state->key_ends[i] = state->keys.len;
    }
    for (size_t i = 0; i < count; ++i)
        free(taken[i]);
    free(taken);
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

/* ASCII that needs no escape: what nearly all text is, and what is copied as it stands. */
static inline bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

#ifdef __SSE2__

static inline bool are_plain(const char *data)
{
    __m128i chunk = _mm_loadu_si128((const __m128i *)data);
    __m128i odd = _mm_cmplt_epi8(chunk, _mm_set1_epi8(0x20)); /* signed, so bytes from 0x80 on are less, too */
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"')));
    return _mm_movemask_epi8(_mm_or_si128(odd, _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\')))) == 0;
}

#else

static inline bool are_plain(const char *data)
{
    for (size_t i = 0; i < 16; ++i)
        if (!is_plain((unsigned char)data[i]))
            return false;
    return true;
}

#endif

static bool is_plain_text(struct bytes text)
{
    if (text.len >= 16) {
        for (size_t at = 0; at + 16 <= text.len; at += 16)
            if (!are_plain(text.data + at))
                return false;
        return are_plain(text.data + text.len - 16);
    }
    for (size_t i = 0; i < text.len; ++i)
        if (!is_plain((unsigned char)text.data[i]))
            return false;
    return true;
}

static inline char *put_bytes(char *to, const char *data, size_t len)
{
    memcpy(to, data, len);
    return to + len;
}

/* A value that needs no escape, where there is room for it. */
static inline char *put_plain(char *to, const struct cell *cell)
{
    switch (cell->type) {
    case CELL_INTEGER:
        return put_digits(to, cell->integer);
    case CELL_REAL:
        if (isfinite(cell->real))
            return put_bytes(to, cell->text.data, cell->text.len);
        return put_bytes(to, "null", 4);
    case CELL_NULL:
        return put_bytes(to, "null", 4);
    case CELL_TEXT:
        *to++ = '"';
        if (cell->text.len != 0)
            to = put_bytes(to, cell->text.data, cell->text.len);
        *to++ = '"';
        return to;
    case CELL_BLOB:
        *to++ = '"';
        to = put_hex(to, cell->text);
        *to++ = '"';
        return to;
    }
    return to;
}

static inline void put_member_of_row(struct output *output, struct bytes key, const struct cell *cell)
{
    struct json_state *state = output->state;
    struct buffer *out = output->out;
    size_t len_max = key.len + INTEGER_TEXT_MAX + 2 + 2 * (cell->type >= CELL_REAL ? cell->text.len : 0);
    char *to = out->capacity - out->len >= len_max ? out->data + out->len : buffer_reserve(out, len_max);
    to = put_bytes(to, key.data, key.len);
    if (cell->type != CELL_TEXT || is_plain_text(cell->text)) {
        out->len = (size_t)(put_plain(to, cell) - out->data);
        return;
    }
    out->len += key.len;
    json_put_string(out, utf8_mend(cell->text, &state->mended));
}

static void put_object(struct output *output, const struct cell *cells)
{
    const struct json_state *state = output->state;
    size_t from = 0;
    for (size_t i = 0; i < output->column_count; ++i) {
        struct bytes key = bytes_view(state->keys.data + from, state->key_ends[i] - from);
        put_member_of_row(output, key, &cells[i]);
        from = state->key_ends[i];
    }
    buffer_append(output->out, "}", 1);
}

static void dispose(struct output *output)
{
    struct json_state *state = output->state;
    buffer_dispose(&state->keys);
    buffer_dispose(&state->mended);
    free(state->key_ends);
}

/* ---- ndjson -------------------------------------------------------------------------------------------------- */

static void begin_ndjson(struct output *output, const struct output_head *head)
{
    (void)head;
    make_keys(output);
}

static void row_ndjson(struct output *output, const struct cell *cells)
{
    put_object(output, cells);
    buffer_append(output->out, "\n", 1);
}

const struct output_writer output_ndjson = {
    .state_size = sizeof(struct json_state), .begin = begin_ndjson, .row = row_ndjson, .dispose = dispose};

/* ---- json ---------------------------------------------------------------------------------------------------- */

static void put_member(struct output *output, const char *name, const char *text)
{
    struct json_state *state = output->state;
    json_key(output->out, bytes_of_string(name));
    if (text != NULL)
        json_put_string(output->out, utf8_mend(bytes_of_string(text), &state->mended));
    else
        json_put_literal(output->out, "null");
}

static void preamble_json(struct output *output, const struct output_preamble *preamble)
{
    assert(preamble->seq <= INT64_MAX);
    json_open(output->out, '{');
    put_member(output, "report", preamble->name);
    put_member(output, "title", preamble->title);
    put_member(output, "definition", preamble->definition);
    put_member(output, "organisation", preamble->organisation);
    put_member(output, "period", preamble->period);
    put_member(output, "timeZone", preamble->time_zone);
    put_member(output, "madeAt", preamble->made_at);
    json_member_integer(output->out, "sequence", (int64_t)preamble->seq);
    json_key(output->out, BYTES("sets"));
    json_open(output->out, '[');
}

static void begin_json(struct output *output, const struct output_head *head)
{
    make_keys(output);
    if (output->is_report) {
        buffer_append_string(output->out, output->set_count > 1 ? ",\n" : "\n");
        json_open(output->out, '{');
        put_member(output, "title", head->title);
        json_key(output->out, BYTES("rows"));
    }
    json_open(output->out, '[');
}

static void row_json(struct output *output, const struct cell *cells)
{
    buffer_append_string(output->out, output->row_count > 1 ? ",\n" : "\n");
    put_object(output, cells);
}

static void end_json(struct output *output)
{
    buffer_append_string(output->out, output->row_count != 0 ? "\n]" : "]");
    buffer_append_string(output->out, output->is_report ? "}" : "\n");
}

static void close_json(struct output *output)
{
    if (output->is_report)
        buffer_append_string(output->out, output->set_count != 0 ? "\n]}\n" : "]}\n");
}

const struct output_writer output_json = {
    .state_size = sizeof(struct json_state),
    .preamble = preamble_json,
    .begin = begin_json,
    .row = row_json,
    .end = end_json,
    .close = close_json,
    .dispose = dispose,
};

/*
 * CSV as PostgreSQL and our own exports write it (RFC 4180, with \n or \r\n): an empty field is NULL, an empty text is
 * "". A quote means something only at the beginning of a field; anywhere else the row is refused, but where it ends is
 * still clear: a text that a visitor wrote, however it is malformed, must never begin a row of its own.
 */
#include "import_private.h"

/* Where reading is, in one record. */
struct reading {
    const char *at, *end;
    struct csv_record *record;
};

static uint64_t count_line_ends(const char *from, const char *to)
{
    uint64_t count = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        ++count;
        ++from;
    }
    return count;
}

/* From behind the opening quote to the closing one, which is passed over. */
static struct bytes read_quoted(struct reading *reading, bool *has_doubled_quotes)
{
    const char *begin = reading->at, *at = begin;
    for (;;) {
        at = memchr(at, '"', (size_t)(reading->end - at));
        if (at == NULL || at + 1 == reading->end || at[1] != '"')
            break;
        *has_doubled_quotes = true;
        at += 2;
    }
    const char *end = at != NULL ? at : reading->end;
    reading->record->is_open = at == NULL;
    reading->record->lines += count_line_ends(begin, end);
    reading->at = at != NULL ? at + 1 : end;
    return bytes_view(begin, (size_t)(end - begin));
}

/* Up to the comma or the line end. */
static struct bytes read_plain(struct reading *reading)
{
    const char *begin = reading->at, *at = begin;
    while (at < reading->end && *at != ',' && *at != '\n') {
        reading->record->has_stray_quote |= *at == '"';
        ++at;
    }
    reading->at = at;
    return bytes_view(begin, (size_t)(at - begin));
}

static struct csv_field read_field(struct reading *reading)
{
    struct csv_field field = {0};
    if (reading->at == reading->end || *reading->at != '"') {
        field.text = read_plain(reading);
        /* The \r of a line end is not part of the last field. */
        bool is_last = reading->at == reading->end || *reading->at == '\n';
        if (is_last && field.text.len != 0 && field.text.data[field.text.len - 1] == '\r')
            --field.text.len;
        return field;
    }
    ++reading->at;
    field.is_quoted = true;
    field.text = read_quoted(reading, &field.has_doubled_quotes);
    struct bytes behind = read_plain(reading);
    if (behind.len != 0 && !(behind.len == 1 && behind.data[0] == '\r'))
        reading->record->has_stray_quote = true;
    return field;
}

void csv_read(struct bytes rest, struct csv_record *out)
{
    struct reading reading = {.at = rest.data, .end = rest.data + rest.len, .record = out};
    out->field_count = 0;
    out->lines = 0;
    out->is_open = out->has_stray_quote = false;
    for (;;) {
        struct csv_field field = read_field(&reading);
        if (out->field_count < IMPORT_COLUMNS_MAX)
            out->fields[out->field_count] = field;
        ++out->field_count;
        if (reading.at == reading.end || *reading.at != ',')
            break;
        ++reading.at;
    }
    size_t len = (size_t)(reading.at - rest.data);
    bool has_line_end = reading.at != reading.end;
    out->lines += has_line_end;
    out->len = len + has_line_end;
    out->text = bytes_view(rest.data, len - (len != 0 && rest.data[len - 1] == '\r' && !out->is_open));
}

struct bytes csv_value(const struct csv_field *field, struct buffer *scratch)
{
    if (!field->is_quoted && field->text.len == 0)
        return BYTES_NONE;
    if (!field->has_doubled_quotes)
        return field->text;
    char *to = scratch->data + scratch->len, *begin = to;
    for (size_t i = 0; i < field->text.len; ++i) {
        *to++ = field->text.data[i];
        i += field->text.data[i] == '"';
    }
    scratch->len += (size_t)(to - begin);
    return bytes_view(begin, (size_t)(to - begin));
}

/*
 * ndjson and csv: a directory with a file for each table. This is the path that has to be fast, so a row costs no more
 * than the copying of its bytes: what stands between values is made once for each column, and the text of an id is kept
 * for the next row, which in these orders often has the same organisation and conversation.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "export_private.h"
#include "output.h"

/* Copied whole, since that is faster than copying exactly what there is. */
#define LEAD_LEN_MAX 32
/* Room for a value that is no text, with its quotes: an id, a time, a number, a word. */
#define SHORT_VALUE_LEN_MAX 32

struct text_column {
    unsigned index;
    size_t lead_len;
    char lead[LEAD_LEN_MAX]; /* what stands before the value */
    bool has_id;
    struct id id; /* the last one, and its text */
    char id_text[ID_TEXT_LEN];
};

struct text_table {
    char *path;
    struct export_rows rows;
    struct sink sink;
    struct text_column columns[SCHEMA_COLUMNS_MAX];
    size_t room; /* that a row needs beside its texts */
    bool is_csv, csv_safe;
};

/* ---- values: each writer returns where the next byte goes ---------------------------------------------------------
 */

static char *put_bytes(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

static char *put_id(char *to, struct text_column *column, struct id id)
{
    if (!column->has_id || !id_equal(column->id, id)) {
        column->has_id = true;
        column->id = id;
        id_format(id, column->id_text);
    }
    return put_bytes(to, column->id_text, ID_TEXT_LEN);
}

static char *put_time(char *to, int64_t time_ms)
{
    sql_time_format(time_ms, to);
    return to + SQL_TIME_LEN;
}

static char *put_number(char *to, uint64_t number)
{
    char digits[20], *at = digits + sizeof(digits);
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return put_bytes(to, at, (size_t)(digits + sizeof(digits) - at));
}

/* A text goes through the buffer, which has room for the rest of the row again behind it. */
static char *put_text(struct text_table *table, char *to, struct bytes text)
{
    struct buffer *out = &table->sink.buffer;
    out->len = (size_t)(to - out->data);
    if (table->is_csv)
        csv_put_text(out, text, table->csv_safe);
    else
        json_put_string(out, text);
    return buffer_reserve(out, table->room);
}

static char *put_json_value(struct text_table *table, char *to, struct text_column *column, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        return put_bytes(to, "null", 4);
    case VALUE_TEXT:
        return put_text(table, to, value->text);
    case VALUE_UINT:
        return put_number(to, value->number);
    case VALUE_BOOL:
        return value->flag ? put_bytes(to, "true", 4) : put_bytes(to, "false", 5);
    default:
        *to++ = '"';
        to = value->type == VALUE_ID ? put_id(to, column, value->id) : put_time(to, value->time_ms);
        *to++ = '"';
        return to;
    }
}

static char *put_csv_value(struct text_table *table, char *to, struct text_column *column, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        return to;
    case VALUE_TEXT:
        return put_text(table, to, value->text);
    case VALUE_UINT:
        return put_number(to, value->number);
    case VALUE_BOOL:
        *to++ = value->flag ? 't' : 'f';
        return to;
    case VALUE_ID:
        return put_id(to, column, value->id);
    case VALUE_TIME:
        return put_time(to, value->time_ms);
    }
    return to;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void put_row(struct text_table *table)
{
    struct buffer *out = &table->sink.buffer;
    char *to = buffer_reserve(out, table->room);
    for (unsigned i = 0; i < table->rows.column_count; ++i) {
        struct text_column *column = &table->columns[i];
        struct value value;
        export_rows_value(&table->rows, column->index, &value);
        memcpy(to, column->lead, LEAD_LEN_MAX);
        to += column->lead_len;
        to = (table->is_csv ? put_csv_value : put_json_value)(table, to, column, &value);
    }
    if (!table->is_csv)
        *to++ = '}';
    *to++ = '\n';
    out->len = (size_t)(to - out->data);
}

/* {"id": before the first value, ,"orgId": before another; in csv the comma alone. */
static void prepare_columns(struct text_table *table)
{
    for (unsigned i = 0; i < table->rows.column_count; ++i) {
        const struct export_column *from = &table->rows.columns[i];
        struct text_column *column = &table->columns[i];
        column->index = from->index;
        int len = table->is_csv
                      ? snprintf(column->lead, LEAD_LEN_MAX, "%s", i == 0 ? "" : ",")
                      : snprintf(column->lead, LEAD_LEN_MAX, "%c\"%s\":", i == 0 ? '{' : ',', from->column->name);
        assert(len >= 0 && len < LEAD_LEN_MAX);
        column->lead_len = (size_t)len;
    }
    table->room = (table->rows.column_count + 1) * (LEAD_LEN_MAX + SHORT_VALUE_LEN_MAX);
}

static void put_header(struct text_table *table)
{
    for (unsigned i = 0; i < table->rows.column_count; ++i)
        buffer_printf(&table->sink.buffer, "%s%s", i == 0 ? "" : ",", table->rows.columns[i].column->name);
    buffer_append_string(&table->sink.buffer, "\n");
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static bool open_table(struct text_table *table, struct export *export, enum record_kind kind, const char *also)
{
    *table = (struct text_table){.is_csv = export->kind == EXPORT_CSV, .csv_safe = export->manifest.csv_safe};
    table->path = export_table_path(export, kind);
    if (!sink_create(&table->sink, table->path, true)) {
        cli_complain("%s can't be made: %s", table->path, partial_reason(errno));
        free(table->path);
        return false;
    }
    export_rows_open(&table->rows, export, kind, true, also);
    prepare_columns(table);
    if (table->is_csv)
        put_header(table);
    return true;
}

/* Moves to the next row; false at the end, or when something is wrong. */
static bool next_row(struct text_table *table)
{
    return sink_flush_if_full(&table->sink) && export_rows_next(&table->rows);
}

static void abandon_table(struct text_table *table)
{
    sink_abandon(&table->sink);
    export_rows_close(&table->rows);
    free(table->path);
}

static int finish_table(struct text_table *table)
{
    struct manifest_file *file = &export_rows_note(&table->rows)->file;
    bool is_written = sink_finish(&table->sink, file->sha256);
    snprintf(file->name, sizeof(file->name), "%s", export_base_name(table->path));
    file->bytes = table->sink.bytes;
    if (!is_written)
        progress_end(&table->rows.export->progress);
    int status = is_written ? EXIT_FINE : sink_explain(&table->sink, table->path);
    export_rows_close(&table->rows);
    free(table->path);
    return status;
}

static int close_table(struct text_table *table, int status)
{
    if (status == EXIT_FINE)
        status = table->rows.status;
    if (status == EXIT_FINE)
        return finish_table(table);
    abandon_table(table);
    return status;
}

static int write_table(struct export *export, enum record_kind kind)
{
    struct text_table table;
    if (!open_table(&table, export, kind, NULL))
        return EXIT_FAILED;
    while (next_row(&table))
        put_row(&table);
    return close_table(&table, EXIT_FINE);
}

/* ---- conversations and messages --------------------------------------------------------------------------------- */

/* Messages come in the order of their conversations, so both are written in one walk: what a conversation needs to know
 * of its last message then takes no look-up, which would cost as much as all the rest of it. */
struct pair {
    struct text_table conversations, messages;
    unsigned id, conversation, time, ordinal; /* columns: the first of conversations */
    bool has_message;                         /* one that is not written yet */
    struct id message_of;                     /* its conversation */
};

static struct value value_of(struct text_table *table, unsigned column)
{
    struct value value;
    export_rows_value(&table->rows, column, &value);
    return value;
}

static void next_message(struct pair *pair)
{
    pair->has_message = next_row(&pair->messages);
    if (pair->has_message)
        pair->message_of = value_of(&pair->messages, pair->conversation).id;
}

/* Messages up to those of this conversation, which is told about the last of them. */
static void write_messages_to(struct pair *pair, struct id conversation)
{
    uint64_t ordinal = 0;
    int64_t at_ms = 0;
    int order;
    for (; pair->has_message && (order = memcmp(&pair->message_of, &conversation, ID_LEN)) <= 0; next_message(pair)) {
        put_row(&pair->messages);
        if (order == 0) {
            ordinal = value_of(&pair->messages, pair->ordinal).number;
            at_ms = value_of(&pair->messages, pair->time).time_ms;
        }
    }
    scan_tell_last_message(pair->conversations.rows.scan, ordinal, at_ms);
}

static bool is_sound(const struct text_table *table)
{
    return table->rows.status == EXIT_FINE && !table->sink.failed;
}

static void write_both(struct pair *pair)
{
    const struct schema *messages = schemas[RECORD_MESSAGES];
    pair->id = (unsigned)schema_column(schemas[RECORD_CONVERSATIONS], "id");
    pair->conversation = (unsigned)schema_column(messages, "conversationId");
    pair->time = (unsigned)schema_column(messages, "timestamp");
    pair->ordinal = (unsigned)schema_column(messages, "ordinal");
    next_message(pair);
    while (is_sound(&pair->messages) && next_row(&pair->conversations)) {
        write_messages_to(pair, value_of(&pair->conversations, pair->id).id);
        put_row(&pair->conversations);
    }
    for (; pair->has_message && is_sound(&pair->conversations); next_message(pair))
        put_row(&pair->messages);
}

static int write_pair(struct export *export)
{
    struct pair pair;
    if (!open_table(&pair.conversations, export, RECORD_CONVERSATIONS, NULL))
        return EXIT_FAILED;
    if (!open_table(&pair.messages, export, RECORD_MESSAGES, "ordinal")) {
        abandon_table(&pair.conversations);
        return EXIT_FAILED;
    }
    write_both(&pair);
    int status = close_table(&pair.conversations, pair.messages.rows.status);
    return close_table(&pair.messages, status);
}

/* What is given to a visitor has nothing in it that the visitor was never meant to see. */
static bool is_wanted(const struct export *export, enum record_kind kind)
{
    return kind != RECORD_NOTES || !export->selection.has_visitor;
}

int export_text(struct export *export)
{
    int status = EXIT_FINE;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && status == EXIT_FINE; ++i) {
        enum record_kind kind = schema_export_order[i];
        if (kind == RECORD_CONVERSATIONS)
            status = write_pair(export);
        else if (kind != RECORD_MESSAGES && is_wanted(export, kind))
            status = write_table(export, kind);
    }
    return status;
}

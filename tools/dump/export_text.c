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

static int finish_table(struct text_table *table, const char *path)
{
    if (table->rows.status != EXIT_FINE) {
        sink_abandon(&table->sink);
        return table->rows.status;
    }
    struct manifest_file *file = &export_rows_note(&table->rows)->file;
    bool is_written = sink_finish(&table->sink, file->sha256);
    snprintf(file->name, sizeof(file->name), "%s", export_base_name(path));
    file->bytes = table->sink.bytes;
    if (is_written)
        return EXIT_FINE;
    progress_end(&table->rows.export->progress);
    return sink_explain(&table->sink, path);
}

static int write_table(struct export *export, enum record_kind kind, const char *path)
{
    struct text_table table = {.is_csv = export->kind == EXPORT_CSV, .csv_safe = export->manifest.csv_safe};
    if (!sink_create(&table.sink, path, true)) {
        cli_complain("%s can't be made: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    export_rows_open(&table.rows, export, kind, true);
    prepare_columns(&table);
    if (table.is_csv)
        put_header(&table);
    while (export_rows_next(&table.rows)) {
        put_row(&table);
        if (!sink_flush_if_full(&table.sink))
            break;
    }
    int status = finish_table(&table, path);
    export_rows_close(&table.rows);
    return status;
}

int export_text(struct export *export)
{
    int status = EXIT_FINE;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && status == EXIT_FINE; ++i) {
        enum record_kind kind = schema_export_order[i];
        char *path = export_table_path(export, kind);
        status = write_table(export, kind, path);
        free(path);
    }
    return status;
}

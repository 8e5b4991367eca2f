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

#define LEAD_LEN_MAX 64

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
    bool is_csv, csv_safe;
};

/* ---- values ----------------------------------------------------------------------------------------------------- */

static void put_id(struct buffer *out, struct text_column *column, struct id id)
{
    if (!column->has_id || !id_equal(column->id, id)) {
        column->has_id = true;
        column->id = id;
        id_format(id, column->id_text);
    }
    buffer_append(out, column->id_text, ID_TEXT_LEN);
}

static void put_time(struct buffer *out, int64_t time_ms)
{
    sql_time_format(time_ms, buffer_reserve(out, SQL_TIME_LEN));
    out->len += SQL_TIME_LEN;
}

static void put_json_value(struct buffer *out, struct text_column *column, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        buffer_append(out, "null", 4);
        break;
    case VALUE_ID:
        buffer_append(out, "\"", 1);
        put_id(out, column, value->id);
        buffer_append(out, "\"", 1);
        break;
    case VALUE_TEXT:
        json_put_string(out, value->text);
        break;
    case VALUE_TIME:
        buffer_append(out, "\"", 1);
        put_time(out, value->time_ms);
        buffer_append(out, "\"", 1);
        break;
    case VALUE_UINT:
        json_put_integer(out, (int64_t)value->number);
        break;
    case VALUE_BOOL:
        buffer_append_string(out, value->flag ? "true" : "false");
        break;
    }
}

static void put_csv_value(struct buffer *out, struct text_column *column, const struct value *value, bool csv_safe)
{
    switch (value->type) {
    case VALUE_NULL:
        break;
    case VALUE_ID:
        put_id(out, column, value->id);
        break;
    case VALUE_TEXT:
        csv_put_text(out, value->text, csv_safe);
        break;
    case VALUE_TIME:
        put_time(out, value->time_ms);
        break;
    case VALUE_UINT:
        json_put_integer(out, (int64_t)value->number);
        break;
    case VALUE_BOOL:
        buffer_append(out, value->flag ? "t" : "f", 1);
        break;
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void put_row(struct text_table *table)
{
    struct buffer *out = &table->sink.buffer;
    for (unsigned i = 0; i < table->rows.column_count; ++i) {
        struct text_column *column = &table->columns[i];
        struct value value;
        export_rows_value(&table->rows, column->index, &value);
        buffer_append(out, column->lead, column->lead_len);
        if (table->is_csv)
            put_csv_value(out, column, &value, table->csv_safe);
        else
            put_json_value(out, column, &value);
    }
    buffer_append_string(out, table->is_csv ? "\n" : "}\n");
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

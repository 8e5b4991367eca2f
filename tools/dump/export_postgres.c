/*
 * A script for psql: the schema as Prisma would create it, the rows by COPY, then indexes and references, which is the
 * order in which PostgreSQL is fastest; all of it in one transaction, so that it is loaded whole or not at all, also
 * when the script is cut off.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/partial.h"
#include "export_private.h"

static const char script_head[] =
    "-- Organisations, visitors, conversations and messages, exported by helvino for PostgreSQL.\n"
    "-- To load it into an empty database: psql -d DATABASE -f FILE\n"
    "-- Times are in UTC.\n"
    "\n"
    /* Without it psql would go on behind a mistake, and read rows, which visitors wrote, as commands. */
    "\\set ON_ERROR_STOP on\n"
    "SET client_encoding = 'UTF8';\n"
    "SET standard_conforming_strings = on;\n"
    "\n"
    "BEGIN;\n";

/* ---- schema ----------------------------------------------------------------------------------------------------- */

static void put_table(struct buffer *out, const struct export_rows *rows)
{
    buffer_printf(out, "\nCREATE TABLE \"%s\" (\n", rows->schema->name);
    for (unsigned i = 0; i < rows->column_count; ++i) {
        buffer_append_string(out, "    ");
        export_put_column(out, rows->columns[i].column, "TIMESTAMP(3)");
        buffer_append_string(out, ",\n");
    }
    buffer_printf(out, "    CONSTRAINT \"%s_pkey\" PRIMARY KEY (\"id\")\n);\n", rows->schema->name);
}

static void put_copy(struct buffer *out, const struct export_rows *rows)
{
    buffer_printf(out, "\nCOPY \"%s\" (", rows->schema->name);
    for (unsigned i = 0; i < rows->column_count; ++i)
        buffer_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", rows->columns[i].column->name);
    buffer_append_string(out, ") FROM stdin;\n");
}

static void put_tail(struct buffer *out)
{
    buffer_append_string(out, "\n");
    for (size_t i = 0; i < EXPORT_INDEX_COUNT; ++i) {
        export_put_index(out, &export_indexes[i]);
        buffer_append_string(out, ";\n");
    }
    buffer_append_string(out, "\n");
    for (size_t i = 0; i < EXPORT_REFERENCE_COUNT; ++i) {
        buffer_printf(out, "ALTER TABLE \"%s\" ADD ", schemas[export_references[i].kind]->name);
        export_put_reference(out, &export_references[i]);
        buffer_append_string(out, ";\n");
    }
    buffer_append_string(out, "\nCOMMIT;\n\n");
    for (size_t i = 0; i < EXPORT_SQL_TABLES; ++i)
        buffer_printf(out, "ANALYZE \"%s\";\n", schemas[export_sql_tables[i]]->name);
}

/* ---- rows: COPY's text format ------------------------------------------------------------------------------------ */

/* The letter behind the backslash. */
static const char copy_escapes[256] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r', ['\\'] = '\\',
};

static void put_copy_text(struct buffer *out, struct bytes text)
{
    char *to = buffer_reserve(out, 2 * text.len);
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        while (at < text.len && copy_escapes[(unsigned char)text.data[at]] == 0)
            ++at;
        memcpy(to, text.data + begin, at - begin);
        to += at - begin;
        if (at == text.len)
            break;
        *to++ = '\\';
        *to++ = copy_escapes[(unsigned char)text.data[at++]];
    }
    out->len = (size_t)(to - out->data);
}

static void put_copy_value(struct buffer *out, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        buffer_append(out, "\\N", 2);
        break;
    case VALUE_ID:
        id_format(value->id, buffer_reserve(out, ID_TEXT_LEN));
        out->len += ID_TEXT_LEN;
        break;
    case VALUE_TEXT:
        put_copy_text(out, value->text);
        break;
    case VALUE_TIME:
        sql_time_format(value->time_ms, buffer_reserve(out, SQL_TIME_LEN));
        out->len += SQL_TIME_LEN;
        break;
    case VALUE_UINT:
        json_put_integer(out, (int64_t)value->number);
        break;
    case VALUE_BOOL:
        buffer_append(out, value->flag ? "t" : "f", 1);
        break;
    }
}

static void put_row(struct buffer *out, struct export_rows *rows)
{
    for (unsigned i = 0; i < rows->column_count; ++i) {
        struct value value;
        export_rows_value(rows, rows->columns[i].index, &value);
        if (i != 0)
            buffer_append(out, "\t", 1);
        put_copy_value(out, &value);
    }
    buffer_append(out, "\n", 1);
}

/* ---- the script -------------------------------------------------------------------------------------------------- */

static int write_table(struct export *export, struct sink *sink, enum record_kind kind)
{
    struct export_rows rows;
    export_rows_open(&rows, export, kind, false, NULL);
    put_table(&sink->buffer, &rows);
    put_copy(&sink->buffer, &rows);
    while (export_rows_next(&rows)) {
        put_row(&sink->buffer, &rows);
        if (!sink_flush_if_full(sink))
            break;
    }
    buffer_append_string(&sink->buffer, "\\.\n");
    export_rows_note(&rows);
    export_rows_close(&rows);
    return rows.status;
}

static int write_script(struct export *export, struct sink *sink)
{
    int status = EXIT_FINE;
    buffer_append_string(&sink->buffer, script_head);
    for (size_t i = 0; i < EXPORT_SQL_TABLES && status == EXIT_FINE && !sink->failed; ++i)
        status = write_table(export, sink, export_sql_tables[i]);
    if (status == EXIT_FINE)
        put_tail(&sink->buffer);
    return status;
}

/* Without an error at its end psql, under --single-transaction, would keep what it has got. */
static void break_off(struct sink *sink, bool is_file)
{
    if (!is_file) {
        buffer_append_string(&sink->buffer, "\nDO $$ BEGIN RAISE EXCEPTION 'the export was not finished'; END $$;\n");
        sink_flush(sink);
    }
    sink_abandon(sink);
}

static int finish(struct export *export, struct sink *sink, bool is_file)
{
    struct manifest_file *file = &export->manifest.file;
    bool is_written = sink_finish(sink, is_file ? file->sha256 : NULL);
    file->bytes = sink->bytes;
    if (is_file)
        snprintf(file->name, sizeof(file->name), "%s", export_base_name(export->path));
    if (is_written)
        return EXIT_FINE;
    export->is_cut = sink->reader_is_gone;
    progress_end(&export->progress);
    if (sink->error == EINTR) /* it waited for its reader */
        return snapshot_explain_end(&export->snapshot, snapshot_state(&export->snapshot));
    return sink_explain(sink, is_file ? export->path : "standard output");
}

int export_postgres(struct export *export)
{
    struct sink sink;
    bool is_file = !export_is_to_stdout(export);
    if (!is_file) {
        sink_open(&sink, STDOUT_FILENO);
    } else if (!sink_create(&sink, export->path, true)) {
        cli_complain("%s can't be made: %s", export->path, partial_reason(errno));
        return EXIT_FAILED;
    }
    int status = write_script(export, &sink);
    if (status == EXIT_FINE)
        return finish(export, &sink, is_file);
    break_off(&sink, is_file);
    return status;
}

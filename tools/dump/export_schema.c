/* The schema of the SQL forms, which PostgreSQL and SQLite both understand: columns come from records.def, and only
 * what it doesn't know is listed here: indexes and references, named as Prisma names them. */
#include "export_private.h"

#include <string.h>

const enum record_kind export_sql_tables[EXPORT_SQL_TABLES] = {
    RECORD_ORGS,
    RECORD_VISITORS,
    RECORD_CONVERSATIONS,
    RECORD_MESSAGES,
};

const struct export_index export_indexes[EXPORT_INDEX_COUNT] = {
    {RECORD_ORGS, true, {"key"}},
    {RECORD_VISITORS, true, {"orgId", "visitorKey"}},
    {RECORD_VISITORS, false, {"orgId", "lastSeenAt"}},
    {RECORD_CONVERSATIONS, false, {"orgId", "updatedAt"}},
    {RECORD_CONVERSATIONS, false, {"visitorId"}},
    {RECORD_MESSAGES, false, {"conversationId"}},
};

const struct export_reference export_references[EXPORT_REFERENCE_COUNT] = {
    {RECORD_VISITORS, "orgId", RECORD_ORGS},
    {RECORD_CONVERSATIONS, "orgId", RECORD_ORGS},
    {RECORD_CONVERSATIONS, "visitorId", RECORD_VISITORS},
    {RECORD_MESSAGES, "conversationId", RECORD_CONVERSATIONS},
    {RECORD_MESSAGES, "orgId", RECORD_ORGS},
};

void export_put_index(struct buffer *out, const struct export_index *index)
{
    const char *table = schemas[index->kind]->name;
    buffer_printf(out, "CREATE %sINDEX \"%s", index->is_unique ? "UNIQUE " : "", table);
    for (size_t i = 0; index->columns[i] != NULL; ++i)
        buffer_printf(out, "_%s", index->columns[i]);
    buffer_printf(out, "_%s\" ON \"%s\"(", index->is_unique ? "key" : "idx", table);
    for (size_t i = 0; index->columns[i] != NULL; ++i)
        buffer_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", index->columns[i]);
    buffer_append_string(out, ")");
}

void export_put_reference(struct buffer *out, const struct export_reference *reference)
{
    const struct schema *schema = schemas[reference->kind];
    bool is_nullable = schema->columns[schema_column(schema, reference->column)].show == COLUMN_NULLABLE;
    buffer_printf(out, "CONSTRAINT \"%s_%s_fkey\" FOREIGN KEY (\"%s\") REFERENCES \"%s\"(\"id\") ", schema->name,
                  reference->column, reference->column, schemas[reference->target]->name);
    buffer_printf(out, "ON DELETE %s ON UPDATE CASCADE", is_nullable ? "SET NULL" : "RESTRICT");
}

static const char *type_name(enum field_type type, const char *time_type)
{
    switch (type) {
    case FIELD_TIME:
        return time_type;
    case FIELD_UINT:
        return "INTEGER";
    case FIELD_BOOL:
        return "BOOLEAN";
    default:
        return "TEXT";
    }
}

void export_put_column(struct buffer *out, const struct column *column, const char *time_type)
{
    buffer_printf(out, "\"%s\" %s%s", column->name, type_name(column->type, time_type),
                  column->show == COLUMN_NULLABLE ? "" : " NOT NULL");
}

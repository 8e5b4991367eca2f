/* The outside view of records.def, generated from it twice: the lists of columns, and the tables that hold them. */
#include "schema.h"

#include <assert.h>
#include <string.h>

/* The index of a stored member among its shape's fields is its line in records.def; computed columns have none. */
#define NO_FIELD UINT32_MAX

#define RECORD(name, table, sql_name, use) static const struct column name##_columns[] = {
#define KEY(record, type, member, json_name, show) {json_name, FIELD_##type, COLUMN_##show, false, 0},
#define FIELD(record, type, member, json_name, show) {json_name, FIELD_##type, COLUMN_##show, false, 0},
#define COMPUTED(record, type, member, json_name, show) {json_name, FIELD_##type, COLUMN_##show, true, NO_FIELD},
#define END(name) \
    }             \
    ;
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END

static struct schema built[RECORD_COUNT] = {
#define RECORD(name_, table_, sql_name, use_) \
    [RECORD_##table_] = {.name = sql_name, .use = SCHEMA_##use_, .kind = RECORD_##table_, .table = TABLE_##table_},
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define COMPUTED(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END
};

const struct schema *const schemas[RECORD_COUNT] = {
#define RECORD(name, table, sql_name, use) [RECORD_##table] = &built[RECORD_##table],
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define COMPUTED(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END
};

const enum record_kind schema_export_order[SCHEMA_EXPORTED_COUNT] = {
    RECORD_ORGS, RECORD_ERASURES, RECORD_VISITORS, RECORD_CONVERSATIONS, RECORD_MESSAGES, RECORD_ALIASES, RECORD_NOTES,
};

/* ---- building, before main ------------------------------------------------------------------------------------- */

static void add_column(struct schema *schema, const struct column *column, unsigned field)
{
    assert(schema->column_count < SCHEMA_COLUMNS_MAX);
    struct column *added = &schema->columns[schema->column_count++];
    *added = *column;
    added->field = column->is_computed ? NO_FIELD : field;
}

/* "id" first, then the others in order; private ones not at all. */
static void build(struct schema *schema, const struct column *columns, unsigned count)
{
    for (int round = 0; round < 2; ++round)
        for (unsigned i = 0, field = 0; i < count; field += !columns[i].is_computed, ++i)
            if (columns[i].show != COLUMN_PRIVATE && (strcmp(columns[i].name, "id") == 0) == (round == 0))
                add_column(schema, &columns[i], field);
}

__attribute__((constructor)) static void build_all(void)
{
#define RECORD(name, table, sql_name, use) \
    build(&built[RECORD_##table], name##_columns, sizeof(name##_columns) / sizeof(struct column));
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define COMPUTED(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END
}

/* ---- looking up ------------------------------------------------------------------------------------------------ */

int schema_column(const struct schema *schema, const char *name)
{
    for (unsigned i = 0; i < schema->column_count; ++i)
        if (strcmp(schema->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

const struct schema *schema_by_name(const char *name)
{
    for (unsigned i = 0; i < RECORD_COUNT; ++i)
        if (schemas[i]->use != SCHEMA_UNSEEN && strcmp(schemas[i]->name, name) == 0)
            return schemas[i];
    return NULL;
}

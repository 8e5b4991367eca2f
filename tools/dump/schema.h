#pragma once
/*
 * The tables as they look from outside, in SQL and in exports: every record of records.def whose use is not UNSEEN,
 * with its columns in the order of SQL ("id" first). Constant data; any thread.
 */
#include "core/records.h"
#include "store/store.h"

#define SCHEMA_COLUMNS_MAX 32 /* of one table; also bounds the bits of a mask of columns */

enum column_show { COLUMN_COLUMN, COLUMN_NULLABLE, COLUMN_HIDDEN, COLUMN_CARRIED, COLUMN_INTERNAL, COLUMN_PRIVATE };

struct column {
    const char *name;
    enum field_type type;
    enum column_show show;
    bool is_computed; /* not in the record; scan.c knows where it comes from */
    unsigned field;   /* its index in the record's shape, unless computed */
};

enum schema_use { SCHEMA_EXPORTED, SCHEMA_QUERIED, SCHEMA_UNSEEN };

struct schema {
    const char *name; /* in SQL: "visitors" */
    enum schema_use use;
    enum record_kind kind;
    enum table table;
    unsigned column_count;
    struct column columns[SCHEMA_COLUMNS_MAX]; /* without the private ones */
};

/* By record kind: one for every record, the unseen ones too. */
extern const struct schema *const schemas[RECORD_COUNT];

/* Tables in the order in which an export writes and an import reads them: what is referred to comes first. */
#define SCHEMA_EXPORTED_COUNT 7
extern const enum record_kind schema_export_order[SCHEMA_EXPORTED_COUNT];

/* Not in SELECT *, but can be named. */
static inline bool column_is_hidden(const struct column *column)
{
    return column->show == COLUMN_HIDDEN || column->show == COLUMN_CARRIED || column->show == COLUMN_INTERNAL;
}

static inline bool column_may_be_null(const struct column *column)
{
    return column->show == COLUMN_NULLABLE || column->show == COLUMN_CARRIED || column->show == COLUMN_INTERNAL;
}

/* The index of a column by its name (as spelt), or -1. */
int schema_column(const struct schema *schema, const char *name);
/* The table of this name, or NULL. */
const struct schema *schema_by_name(const char *name);

#pragma once
/* What the two files of the virtual tables share: vtab.c has the tables and their cursors, vtab_plan.c chooses the
 * path.
 */
#include "scan.h"
#include "vtab.h"

struct table_of_sql {
    sqlite3_vtab base;
    struct snapshot *snapshot;
    const struct schema *schema;
    int id, org, key, time, visitor, conversation, seq; /* columns that a path knows, or -1 */
    bool is_span_known, has_span;                       /* of the index by time */
    int64_t first_ms, last_ms;
};

/* "id", or what an alias is found by. */
bool vtab_is_primary_key(const struct schema *schema, unsigned column);

/*
 * xBestIndex. The choice travels to xFilter in idxNum, the path and its direction, and idxStr: the columns in use, a
 * space, and a letter for each value that xFilter gets:
 *
 *     i  an id: the row's own, its visitor's or its conversation's, as the path has it        o  an organisation
 *     a, b  the least and the greatest id        k  a key        = > <  bounds of time, each included
 */
int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
#define VTAB_DESCENDING 16 /* beside the path in idxNum */

/* ---- values of conditions ---- */

/* The earliest time whose text is not before `text`: times sort as their texts do, so any text has its place. */
int64_t vtab_first_time_from(struct bytes text);
struct bytes vtab_text_of(sqlite3_value *value);

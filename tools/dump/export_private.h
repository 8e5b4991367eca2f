#pragma once
/*
 * What the forms of an export share: the rows that were asked for, table by table in the order of their keys, and what
 * the manifest will say. A form pulls rows and writes them; it returns an exit status, with the sentence already said,
 * and leaves the removal of what it made to export.c. Main thread. Private to the files export*.c.
 */
#include "cli/progress.h"
#include "manifest.h"
#include "scan.h"
#include "snapshot.h"

enum export_kind { EXPORT_NDJSON, EXPORT_CSV, EXPORT_SQL, EXPORT_SQLITE }; /* the words of --format, in order */

struct export
{
    const struct options *options;
    enum export_kind kind;
    const char *path; /* of --output; "-" is standard output */
    struct snapshot snapshot;
    struct export_selection {
        bool has_org, has_visitor; /* a visitor never without its organisation */
        struct id org, visitor;
        struct id *conversations; /* the visitor's, in order */
        size_t conversation_count;
    } selection;
    struct progress progress;
    struct manifest manifest;
    bool was_directory; /* PATH was there and empty: it stays */
    bool is_cut;        /* whoever read standard output has gone */
};

/* Each form, in the file of its name. */
int export_text(struct export *export);
int export_postgres(struct export *export);
int export_sqlite(struct export *export);

bool export_is_to_stdout(const struct export *export);
/* "PATH/visitors.csv": a table's file in a directory; the caller frees. */
char *export_table_path(const struct export *export, enum record_kind kind);
/* The last part of a path. */
const char *export_base_name(const char *path);

/* The order of ids, for qsort and bsearch. */
int export_compare_id(const void *a, const void *b);

/* ---- rows ------------------------------------------------------------------------------------------------------ */

struct export_column {
    unsigned index; /* in the schema */
    const struct column *column;
};

struct export_rows {
    struct export *export;
    const struct schema *schema;
    struct export_column columns[SCHEMA_COLUMNS_MAX]; /* that an export of this form has */
    unsigned column_count;
    struct scan *scan; /* for scan_value, of those columns */
    uint64_t count;    /* rows given so far */
    int status;        /* once there are no more: EXIT_FINE, or why it ended early */
    struct scan_request request;
    int filter; /* the column that must be of the selection, or -1 */
    bool is_scanning;
    size_t scans, scans_started;
    uint64_t steps;
};

/* `also` is a column that will be asked for and not exported; NULL: none. */
void export_rows_open(struct export_rows *rows, struct export *export, enum record_kind kind, bool carried,
                      const char *also);
/* To the next row; false at the end, or once something is wrong, which rows->status tells. */
bool export_rows_next(struct export_rows *rows);
/* scan_value; a value that can't be read ends the rows, and is a NULL. */
void export_rows_value(struct export_rows *rows, unsigned column, struct value *out);
void export_rows_close(struct export_rows *rows);
/* The table's entry in the manifest, filled but for its file. */
struct manifest_table *export_rows_note(const struct export_rows *rows);

/* ---- the schema as Prisma would create it (export_schema.c) ---------------------------------------------------- */

/* PostgreSQL and SQLite get these of the tables, in this order. */
#define EXPORT_SQL_TABLES 4
extern const enum record_kind export_sql_tables[EXPORT_SQL_TABLES];

struct export_index {
    enum record_kind kind;
    bool is_unique;
    const char *columns[3]; /* up to a NULL */
};

struct export_reference {
    enum record_kind kind;
    const char *column;
    enum record_kind target; /* its id */
};

#define EXPORT_INDEX_COUNT 6
#define EXPORT_REFERENCE_COUNT 5
extern const struct export_index export_indexes[EXPORT_INDEX_COUNT];
extern const struct export_reference export_references[EXPORT_REFERENCE_COUNT];

/* "visitors_orgId_lastSeenAt_idx" and what it is on: a statement without its semicolon. */
void export_put_index(struct buffer *out, const struct export_index *index);
/* CONSTRAINT "visitors_orgId_fkey" FOREIGN KEY … */
void export_put_reference(struct buffer *out, const struct export_reference *reference);
/* "name" TYPE NOT NULL; time_type is the word for times. */
void export_put_column(struct buffer *out, const struct column *column, const char *time_type);

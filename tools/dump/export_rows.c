/*
 * The rows of an export. Every table comes in the order of its keys, whatever was selected, so that equal data give
 * equal bytes: a visitor's conversations, which the store chains newest first, are sorted before anything is written,
 * and an organisation's rows are picked out of all of them. One snapshot, so every reference leads to a row.
 */
#include <stdlib.h>
#include <string.h>

#include "export_private.h"

/* Rows between two looks at Ctrl-C and --max-age. */
#define STEPS_BETWEEN_LOOKS 256

/* ---- which rows ------------------------------------------------------------------------------------------------- */

static bool is_exported(const struct column *column, bool carried, bool internal)
{
    return column->show == COLUMN_COLUMN || column->show == COLUMN_NULLABLE ||
           (carried && column->show == COLUMN_CARRIED) || (internal && column->show == COLUMN_INTERNAL);
}

static void choose_columns(struct export_rows *rows, bool carried)
{
    for (unsigned i = 0; i < rows->schema->column_count; ++i) {
        const struct column *column = &rows->schema->columns[i];
        if (!is_exported(column, carried, carried && !rows->export->selection.has_visitor))
            continue;
        rows->columns[rows->column_count++] = (struct export_column){i, column};
        rows->request.columns |= UINT32_C(1) << i;
    }
}

static bool begins_with_org(enum record_kind kind)
{
    return kind == RECORD_ORGS || kind == RECORD_ALIASES || kind == RECORD_ERASURES;
}

/* Tables whose key begins with the organisation need no filter. */
static void choose_org(struct export_rows *rows)
{
    const struct export_selection *selection = &rows->export->selection;
    if (begins_with_org(rows->schema->kind))
        rows->request.id_min = rows->request.id_max = selection->org;
    else
        rows->filter = schema_column(rows->schema, "orgId");
}

/* One scan gives a whole table; of a visitor's conversations each has its own. */
static void choose_visitor(struct export_rows *rows)
{
    const struct export_selection *selection = &rows->export->selection;
    switch (rows->schema->kind) {
    case RECORD_VISITORS:
        rows->request.id_min = rows->request.id_max = selection->visitor;
        return;
    case RECORD_CONVERSATIONS:
        rows->request.path = SCAN_ID;
        rows->scans = selection->conversation_count;
        return;
    case RECORD_MESSAGES:
        rows->request.path = SCAN_CONVERSATION;
        rows->scans = selection->conversation_count;
        return;
    case RECORD_ERASURES: /* they are of others */
        rows->scans = 0;
        return;
    default:
        choose_org(rows);
        if (rows->schema->kind == RECORD_ALIASES)
            rows->filter = schema_column(rows->schema, "targetId");
    }
}

int export_compare_id(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static bool is_selected(struct export_rows *rows)
{
    const struct export_selection *selection = &rows->export->selection;
    struct value value;
    if (rows->filter < 0)
        return true;
    export_rows_value(rows, (unsigned)rows->filter, &value);
    if (value.type != VALUE_ID)
        return false;
    if (!selection->has_visitor)
        return id_equal(value.id, selection->org);
    return id_equal(value.id, selection->visitor) ||
           (selection->conversation_count != 0 &&
            bsearch(&value.id, selection->conversations, selection->conversation_count, sizeof(struct id),
                    export_compare_id) != NULL);
}

/* ---- stepping --------------------------------------------------------------------------------------------------- */

static bool start_next(struct export_rows *rows)
{
    const struct export_selection *selection = &rows->export->selection;
    if (rows->scans_started == rows->scans)
        return false;
    if (rows->request.path != SCAN_ALL)
        rows->request.id = selection->conversations[rows->scans_started];
    ++rows->scans_started;
    scan_start(rows->scan, &rows->request);
    return true;
}

void export_rows_open(struct export_rows *rows, struct export *export, enum record_kind kind, bool carried,
                      const char *also)
{
    *rows = (struct export_rows){.export = export, .schema = schemas[kind], .filter = -1, .scans = 1};
    rows->request = scan_everything(0);
    choose_columns(rows, carried);
    if (export->selection.has_visitor)
        choose_visitor(rows);
    else if (export->selection.has_org)
        choose_org(rows);
    if (rows->filter >= 0)
        rows->request.columns |= UINT32_C(1) << rows->filter;
    if (also != NULL)
        rows->request.columns |= UINT32_C(1) << schema_column(rows->schema, also);
    rows->scan = scan_open(&export->snapshot, rows->schema);
    rows->is_scanning = start_next(rows);
}

static enum error step(struct export_rows *rows)
{
    while (rows->is_scanning) {
        enum error error = scan_next(rows->scan);
        if (error != ERR_NOT_FOUND)
            return error;
        rows->is_scanning = start_next(rows);
    }
    return ERR_NOT_FOUND;
}

/* The log has said which record it is. */
static bool fail(struct export_rows *rows)
{
    const struct export *export = rows->export;
    if (rows->status == EXIT_FINE) {
        progress_end(&rows->export->progress);
        cli_complain("a record of %s is damaged, so there is no export; this lists all that is: %s", rows->schema->name,
                     cli_command(export->options, "check"));
    }
    rows->status = EXIT_FAILED;
    return false;
}

/* Whether it goes on. */
static bool look_around(struct export_rows *rows)
{
    struct export *export = rows->export;
    enum snapshot_end end = snapshot_state(&export->snapshot);
    progress_update(&export->progress, export->snapshot.rows_read);
    if (end == SNAPSHOT_GOES_ON)
        return true;
    progress_end(&export->progress);
    rows->status = snapshot_explain_end(&export->snapshot, end);
    return false;
}

bool export_rows_next(struct export_rows *rows)
{
    do {
        if (rows->status != EXIT_FINE || (rows->steps++ % STEPS_BETWEEN_LOOKS == 0 && !look_around(rows)))
            return false;
        enum error error = step(rows);
        if (error == ERR_NOT_FOUND)
            return false;
        if (error != OK)
            return fail(rows);
    } while (!is_selected(rows));
    ++rows->count;
    return rows->status == EXIT_FINE;
}

void export_rows_value(struct export_rows *rows, unsigned column, struct value *out)
{
    enum error error = scan_value(rows->scan, column, out);
    if (error == OK)
        return;
    *out = (struct value){.type = VALUE_NULL};
    fail(rows);
}

void export_rows_close(struct export_rows *rows)
{
    scan_close(rows->scan);
}

struct manifest_table *export_rows_note(const struct export_rows *rows)
{
    struct manifest *manifest = &rows->export->manifest;
    struct manifest_table *table = &manifest->tables[manifest->table_count++];
    *table = (struct manifest_table){.name = rows->schema->name, .rows = rows->count};
    return table;
}

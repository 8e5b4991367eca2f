/*
 * SQLite's view of a scan (https://sqlite.org/vtab.html). xBestIndex chooses the path and says what it costs; it asks
 * SQLite to check every condition again, so that a path only has to find no row too few. The choice travels to xFilter
 * as one number (path, direction) and one text: a letter for each value that xFilter gets, and the columns in use.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vtab_private.h"

struct cursor_of_sql {
    sqlite3_vtab_cursor base;
    struct scan *scan;
    bool at_end;
    char key[STORE_KEY_LEN_MAX]; /* the value of a condition, for as long as the scan needs it */
    struct id cached_id;         /* the text of an id that many rows share */
    char cached_text[ID_TEXT_LEN];
};

/* ---- the tables ------------------------------------------------------------------------------------------------- */

struct module {
    sqlite3_module methods;
    struct snapshot *snapshot;
    const struct schema *schema;
};

static const char *type_name(enum field_type type)
{
    return type == FIELD_UINT ? "INTEGER" : type == FIELD_BOOL ? "BOOLEAN" : "TEXT";
}

bool vtab_is_primary_key(const struct schema *schema, unsigned column)
{
    const struct column *given = &schema->columns[column];
    if (schema_column(schema, "id") >= 0)
        return strcmp(given->name, "id") == 0;
    return !given->is_computed && record_shapes[schema->kind].fields[given->field].is_key;
}

/* "CREATE TABLE x("id" TEXT, …, PRIMARY KEY(…)) WITHOUT ROWID": a name for each row that SQLite can compare. */
static void describe(const struct schema *schema, struct buffer *out)
{
    const char *separator = "";
    buffer_append_string(out, "CREATE TABLE x(");
    for (unsigned i = 0; i < schema->column_count; ++i, separator = ", ") {
        const struct column *column = &schema->columns[i];
        buffer_printf(out, "%s\"%s\" %s%s", separator, column->name, type_name(column->type),
                      column_is_hidden(column) ? " HIDDEN" : "");
    }
    separator = ", PRIMARY KEY(";
    for (unsigned i = 0; i < schema->column_count; ++i) {
        if (!vtab_is_primary_key(schema, i))
            continue;
        buffer_printf(out, "%s\"%s\"", separator, schema->columns[i].name);
        separator = ", ";
    }
    buffer_append_string(out, ")) WITHOUT ROWID");
}

/* Whether a row is found by its id alone. */
static bool is_keyed_by_id(enum record_kind kind)
{
    return strcmp(record_shapes[kind].fields[0].name, "id") == 0;
}

static void find_columns(struct table_of_sql *table)
{
    enum record_kind kind = table->schema->kind;
    table->id = is_keyed_by_id(kind) ? schema_column(table->schema, "id") : -1;
    table->org = schema_column(table->schema, "orgId");
    table->key = kind == RECORD_VISITORS ? schema_column(table->schema, "visitorKey")
                 : kind == RECORD_ORGS   ? schema_column(table->schema, "key")
                                         : -1;
    table->time = kind == RECORD_VISITORS        ? schema_column(table->schema, "lastSeenAt")
                  : kind == RECORD_CONVERSATIONS ? schema_column(table->schema, "updatedAt")
                                                 : -1;
    table->visitor = kind == RECORD_CONVERSATIONS ? schema_column(table->schema, "visitorId") : -1;
    bool is_of_conversation = kind == RECORD_MESSAGES || kind == RECORD_NOTES;
    table->conversation = is_of_conversation ? schema_column(table->schema, "conversationId") : -1;
    table->seq = is_of_conversation ? schema_column(table->schema, "seq") : -1;
}

static int vtab_connect(sqlite3 *connection, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **why)
{
    const struct module *module = aux;
    struct buffer declaration = {0};
    (void)argc, (void)argv, (void)why;
    struct table_of_sql *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return SQLITE_NOMEM;
    table->snapshot = module->snapshot;
    table->schema = module->schema;
    find_columns(table);
    describe(module->schema, &declaration);
    buffer_append(&declaration, "", 1);
    int code = sqlite3_declare_vtab(connection, declaration.data);
    buffer_dispose(&declaration);
    assert(code == SQLITE_OK || code == SQLITE_NOMEM);
    *out = &table->base;
    return code;
}

static int vtab_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

/* ---- the request ------------------------------------------------------------------------------------------------ */

/*
 * Puts one value into the request. False: no row can agree. A value that is no text is compared by rules of its own
 * (affinity), so it restricts nothing here and SQLite sorts it out; NULL agrees with nothing.
 */
static bool filter_take(struct scan_request *request, char letter, sqlite3_value *value)
{
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return false;
    bool is_text = sqlite3_value_type(value) == SQLITE_TEXT;
    struct bytes text = vtab_text_of(value);
    struct id id;
    switch (letter) {
    case 'i':
        return is_text && id_parse(text, &request->id);
    case 'o':
        request->has_org = is_text && id_parse(text, &request->org);
        return request->has_org;
    case 'a':
        if (is_text && id_parse(text, &id))
            request->id_min = id;
        return true;
    case 'b':
        if (is_text && id_parse(text, &id))
            request->id_max = id;
        return true;
    case 'k':
        request->key = text;
        if (!is_text)
            request->path = SCAN_ALL;
        return text.len <= STORE_KEY_LEN_MAX;
    case '=':
    case '>':
        if (is_text)
            request->time_min_ms = vtab_first_time_from(text);
        if (is_text && letter == '=')
            request->time_max_ms = request->time_min_ms;
        return true;
    case '<':
        if (is_text)
            request->time_max_ms = vtab_first_time_from(text);
        return true;
    }
    assert(!"every letter is taken above");
    return true;
}

/* ---- cursors ---------------------------------------------------------------------------------------------------- */

static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct table_of_sql *table = (struct table_of_sql *)base;
    struct cursor_of_sql *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL)
        return SQLITE_NOMEM;
    cursor->scan = scan_open(table->snapshot, table->schema);
    *out = &cursor->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base)
{
    struct cursor_of_sql *cursor = (struct cursor_of_sql *)base;
    scan_close(cursor->scan);
    free(cursor);
    return SQLITE_OK;
}

static int complain(sqlite3_vtab_cursor *base, enum error error)
{
    const struct table_of_sql *table = (const struct table_of_sql *)base->pVtab;
    sqlite3_free(base->pVtab->zErrMsg);
    base->pVtab->zErrMsg =
        error == ERR_CORRUPT
            ? sqlite3_mprintf("a record of %s is damaged; \"helvino check\" says which", table->schema->name)
            : sqlite3_mprintf("%s can't be read: %s", table->schema->name, error_sentence(error));
    return SQLITE_ERROR;
}

static int vtab_next(sqlite3_vtab_cursor *base)
{
    struct cursor_of_sql *cursor = (struct cursor_of_sql *)base;
    enum error error = scan_next(cursor->scan);
    cursor->at_end = error != OK;
    return error == OK || error == ERR_NOT_FOUND ? SQLITE_OK : complain(base, error);
}

static int vtab_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv)
{
    struct cursor_of_sql *cursor = (struct cursor_of_sql *)base;
    char *letters;
    struct scan_request request = scan_everything((uint32_t)strtoul(text, &letters, 10));
    request.path = (enum scan_path)(number & ~VTAB_DESCENDING);
    request.descending = (number & VTAB_DESCENDING) != 0;
    request.time_min_ms = TIME_MS_MIN;
    request.time_max_ms = TIME_MS_MAX;
    cursor->at_end = true;
    for (int i = 0; i < argc; ++i)
        if (!filter_take(&request, letters[1 + i], argv[i]))
            return SQLITE_OK;
    if (request.key.len != 0)
        request.key.data = memcpy(cursor->key, request.key.data, request.key.len);
    scan_start(cursor->scan, &request);
    return vtab_next(base);
}

static int vtab_eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor_of_sql *)base)->at_end;
}

static void give_id(struct cursor_of_sql *cursor, sqlite3_context *context, struct id id)
{
    if (!id_equal(id, cursor->cached_id)) {
        id_format(id, cursor->cached_text);
        cursor->cached_id = id;
    }
    sqlite3_result_text(context, cursor->cached_text, ID_TEXT_LEN, SQLITE_TRANSIENT);
}

static void give_time(sqlite3_context *context, int64_t time_ms)
{
    char text[SQL_TIME_LEN];
    sql_time_format(time_ms, text);
    sqlite3_result_text(context, text, SQL_TIME_LEN, SQLITE_TRANSIENT);
}

/* A text lies in the map for as long as the connection, so SQLite need not copy it. */
static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
    struct cursor_of_sql *cursor = (struct cursor_of_sql *)base;
    struct value value;
    enum error error = scan_value(cursor->scan, (unsigned)index, &value);
    if (error != OK)
        return complain(base, error);
    switch (value.type) {
    case VALUE_NULL:
        break;
    case VALUE_ID:
        give_id(cursor, context, value.id);
        break;
    case VALUE_TEXT:
        sqlite3_result_text(context, value.text.data, (int)value.text.len, SQLITE_STATIC);
        break;
    case VALUE_TIME:
        give_time(context, value.time_ms);
        break;
    case VALUE_UINT:
        sqlite3_result_int64(context, (sqlite3_int64)value.number);
        break;
    case VALUE_BOOL:
        sqlite3_result_int(context, value.flag);
        break;
    }
    return SQLITE_OK;
}

/* ---- registering ------------------------------------------------------------------------------------------------ */

/* No xCreate: the table is there under the module's name, and nobody can make another. No xUpdate: read-only. */
static const sqlite3_module methods = {
    .iVersion = 2,
    .xConnect = vtab_connect,
    .xBestIndex = vtab_best_index,
    .xDisconnect = vtab_disconnect,
    .xOpen = vtab_open,
    .xClose = vtab_close,
    .xFilter = vtab_filter,
    .xNext = vtab_next,
    .xEof = vtab_eof,
    .xColumn = vtab_column,
};

/* A table is connected when it is first named, and that takes rights which questions don't have. */
static void connect_now(sqlite3 *connection, const char *name)
{
    char sql[128];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof(sql), "SELECT 1 FROM \"%s\"", name);
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK)
        abort();
    sqlite3_finalize(statement);
}

void vtab_register(sqlite3 *connection, struct snapshot *snapshot)
{
    for (unsigned kind = 0; kind < RECORD_COUNT; ++kind) {
        if (schemas[kind]->use == SCHEMA_UNSEEN)
            continue;
        struct module *module = malloc(sizeof(*module));
        if (module == NULL)
            abort();
        *module = (struct module){methods, snapshot, schemas[kind]};
        if (sqlite3_create_module_v2(connection, schemas[kind]->name, &module->methods, module, free) != SQLITE_OK)
            abort();
        connect_now(connection, schemas[kind]->name);
    }
}

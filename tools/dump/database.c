/*
 * The connection has an empty database in memory; what it can see are the virtual tables and SQLite's own functions. An
 * authorizer lets only reading through, so that a mistake or a malicious text can't reach the file system, and limits
 * keep what SQLite remembers within bounds: what is larger it sorts on disk.
 */
#include "database.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "functions.h"
#include "vtab.h"

#define COLUMNS_MAX 200              /* of a result */
#define SQL_LEN_MAX 1048576          /* bytes of one statement */
#define MEMORY_SOFT_BYTES (48 << 20) /* from here on sorts go to disk early */
#define MEMORY_HARD_BYTES (96 << 20) /* what SQLite may hold at all; a question that needs more fails */
#define TEXT_LEN_MAX (16 << 20)      /* bytes of one text that a question makes */
#define CACHE_KIB 16384              /* of each sort before it goes to disk */
#define STEPS_BETWEEN_LOOKS 20000    /* of SQLite's machine, between two looks at the clock */
#define CARET_WIDTH 100              /* characters of a line that a caret points into */

struct database {
    sqlite3 *connection;
    struct snapshot *snapshot;
    struct database_parameters parameters;
    struct progress progress;
    bool is_quiet; /* rows go to the terminal: no progress line between them */
};

/* ---- what may be done ------------------------------------------------------------------------------------------- */

/* Those that tell something about tables, functions and the program; with a value none of them is let through. */
static bool pragma_only_reads(const char *name)
{
    static const char *const names[] = {"collation_list", "compile_options", "encoding",
                                        "function_list",  "module_list",     "pragma_list",
                                        "table_info",     "table_list",      "table_xinfo"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i)
        if (sqlite3_stricmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool pragma_is_allowed(const char *name, const char *value)
{
    bool takes_a_table = sqlite3_strnicmp(name, "table_", 6) == 0;
    return pragma_only_reads(name) && (value == NULL || takes_a_table);
}

static bool function_is_allowed(const char *name)
{
    static const char *const names[] = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i)
        if (sqlite3_stricmp(name, names[i]) == 0)
            return false;
    return true;
}

static int on_authorize(void *context, int action, const char *first, const char *second, const char *database,
                        const char *trigger)
{
    (void)context, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return function_is_allowed(second) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA:
        return pragma_is_allowed(first, second) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

/* ---- ending early ----------------------------------------------------------------------------------------------- */

static int on_progress(void *context)
{
    struct database *database = context;
    if (!database->is_quiet)
        progress_update(&database->progress, database->snapshot->rows_read);
    return snapshot_state(database->snapshot) != SNAPSHOT_GOES_ON;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static void must(int code)
{
    if (code != SQLITE_OK)
        abort();
}

static void set_limits(sqlite3 *connection)
{
    char pragma[64];
    snprintf(pragma, sizeof(pragma), "PRAGMA cache_size = -%d", CACHE_KIB);
    must(sqlite3_exec(connection, pragma, NULL, NULL, NULL));
    must(sqlite3_exec(connection, "PRAGMA temp_store = FILE", NULL, NULL, NULL));
    /* "misspelt" in double quotes is an error, and not a text. */
    must(sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL));
    must(sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL));
    must(sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL));
    sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, TEXT_LEN_MAX);
    sqlite3_limit(connection, SQLITE_LIMIT_SQL_LENGTH, SQL_LEN_MAX);
    sqlite3_limit(connection, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
}

/* SQLite's own table-valued functions that only compute or tell: like any table they are connected when they are first
 * named, which takes rights that questions don't have. */
static void connect_functions(sqlite3 *connection)
{
    static const char *const names[] = {"json_each",
                                        "json_tree",
                                        "pragma_collation_list",
                                        "pragma_compile_options",
                                        "pragma_function_list",
                                        "pragma_module_list",
                                        "pragma_pragma_list",
                                        "pragma_table_info",
                                        "pragma_table_list",
                                        "pragma_table_xinfo"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        char sql[64];
        sqlite3_stmt *statement = NULL;
        snprintf(sql, sizeof(sql), "SELECT 1 FROM %s", names[i]);
        sqlite3_prepare_v2(connection, sql, -1, &statement, NULL); /* one that this SQLite lacks is no loss */
        sqlite3_finalize(statement);
    }
}

struct database *database_open(struct snapshot *snapshot)
{
    struct database *database = calloc(1, sizeof(*database));
    if (database == NULL)
        abort();
    database->snapshot = snapshot;
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD); /* no locks, with which counting memory would cost */
    sqlite3_soft_heap_limit64(MEMORY_SOFT_BYTES);
    sqlite3_hard_heap_limit64(MEMORY_HARD_BYTES);
    must(sqlite3_open_v2(":memory:", &database->connection,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, NULL));
    set_limits(database->connection);
    vtab_register(database->connection, snapshot);
    functions_register(database->connection);
    connect_functions(database->connection);
    must(sqlite3_set_authorizer(database->connection, on_authorize, NULL));
    sqlite3_progress_handler(database->connection, STEPS_BETWEEN_LOOKS, on_progress, database);
    return database;
}

void database_close(struct database *database)
{
    must(sqlite3_close(database->connection));
    free(database);
}

void database_set_parameters(struct database *database, const struct database_parameters *parameters)
{
    database->parameters = *parameters;
}

/* ---- mistakes --------------------------------------------------------------------------------------------------- */

/* The line of the mistake, and a caret under it; a long line is cut around it. */
static void point_at(const char *sql, int offset)
{
    const char *end = sql + strlen(sql), *at = sql + offset;
    const char *line = at, *line_end = at;
    while (line > sql && line[-1] != '\n' && at - line < CARET_WIDTH / 2)
        --line;
    while (line < at && ((unsigned char)*line & 0xc0) == 0x80)
        ++line;
    while (line_end < end && *line_end != '\n' && line_end - line < CARET_WIDTH)
        ++line_end;
    int indent = 0;
    fputs("  ", stderr);
    for (const char *c = line; c < line_end; ++c)
        fputc((unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c, stderr);
    for (const char *c = line; c < at; ++c)
        indent += ((unsigned char)*c & 0xc0) != 0x80;
    fprintf(stderr, "\n  %*s^\n", indent, "");
}

static int complain_of_sql(struct database *database, const char *sql)
{
    int offset = sqlite3_error_offset(database->connection);
    bool denied = sqlite3_errcode(database->connection) == SQLITE_AUTH;
    progress_end(&database->progress);
    enum snapshot_end end = snapshot_state(database->snapshot);
    if (end != SNAPSHOT_GOES_ON)
        return snapshot_explain_end(database->snapshot, end);
    if (sqlite3_errcode(database->connection) == SQLITE_NOMEM)
        cli_complain("the question needs more than %d MiB of memory; ask for less at once", MEMORY_HARD_BYTES >> 20);
    else if (denied)
        cli_complain("only questions that read are answered here: %s", sqlite3_errmsg(database->connection));
    else
        cli_complain("%s", sqlite3_errmsg(database->connection));
    if (sql != NULL && offset >= 0 && (size_t)offset <= strlen(sql))
        point_at(sql, offset);
    return EXIT_FAILED;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static bool find_parameter(const struct database_parameters *parameters, const char *name, const char **out)
{
    const struct {
        const char *name, *value;
    } known[] = {{":org", parameters->org},
                 {":visitor", parameters->visitor},
                 {":since", parameters->since},
                 {":until", parameters->until},
                 {":tz", parameters->tz}};
    for (size_t i = 0; name != NULL && i < sizeof(known) / sizeof(*known); ++i) {
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].value;
            return true;
        }
    }
    return false;
}

static bool bind(struct database *database, sqlite3_stmt *statement)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
        const char *name = sqlite3_bind_parameter_name(statement, i), *value;
        if (!find_parameter(&database->parameters, name, &value)) {
            cli_complain("there is no parameter %.60s; known are :org, :visitor, :since, :until and :tz",
                         name != NULL ? name : "?");
            return false;
        }
        must(sqlite3_bind_text(statement, i, value, -1, SQLITE_TRANSIENT));
    }
    return true;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* The bytes of a text as they are: sqlite3_column_text would copy one that lies in the map, to put a NUL behind it. */
static struct bytes bytes_of(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return bytes_view(data != NULL ? data : "", (size_t)sqlite3_column_bytes(statement, column));
}

static struct bytes decimal_of(sqlite3_stmt *statement, int column)
{
    const void *text = sqlite3_column_text(statement, column);
    return bytes_view(text != NULL ? text : "", (size_t)sqlite3_column_bytes(statement, column));
}

static void read_cell(sqlite3_stmt *statement, int column, struct cell *out)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        *out = (struct cell){.type = CELL_INTEGER, .integer = sqlite3_column_int64(statement, column)};
        return;
    case SQLITE_FLOAT:
        *out = (struct cell){.type = CELL_REAL, .real = sqlite3_column_double(statement, column)};
        out->text = decimal_of(statement, column);
        return;
    case SQLITE_TEXT:
        *out = (struct cell){.type = CELL_TEXT, .text = bytes_of(statement, column)};
        return;
    case SQLITE_BLOB:
        *out = (struct cell){.type = CELL_BLOB, .text = bytes_of(statement, column)};
        return;
    default:
        *out = (struct cell){.type = CELL_NULL};
    }
}

static void begin_output(sqlite3_stmt *statement, const struct output_head *head, struct output *output)
{
    const char *names[COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    for (int i = 0; i < count; ++i) {
        names[i] = sqlite3_column_name(statement, i);
        if (names[i] == NULL)
            abort();
    }
    output_begin(output, head, (size_t)count, names);
}

/* Steps to the end; SQLITE_DONE, SQLITE_FULL for an output that failed, or SQLite's error. */
static int write_rows(sqlite3_stmt *statement, struct output *output, uint64_t *rows)
{
    struct cell cells[COLUMNS_MAX];
    int count = sqlite3_column_count(statement), code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; ++i)
            read_cell(statement, i, &cells[i]);
        if (!output_row(output, cells))
            return SQLITE_FULL;
        ++*rows;
    }
    return code;
}

/* The output tells of its own failure when it is closed. */
static int run_statement(struct database *database, sqlite3_stmt *statement, const struct output_head *head,
                         struct output *output, uint64_t *rows)
{
    if (!sqlite3_stmt_readonly(statement) || sqlite3_column_count(statement) == 0) {
        cli_complain("only questions that read are answered here");
        return EXIT_FAILED;
    }
    if (!bind(database, statement))
        return EXIT_FAILED;
    begin_output(statement, head, output);
    int code = write_rows(statement, output, rows);
    if (code != SQLITE_DONE && code != SQLITE_FULL)
        return complain_of_sql(database, sqlite3_sql(statement));
    progress_end(&database->progress);
    return output_end(output) && code == SQLITE_DONE ? EXIT_FINE : EXIT_FAILED;
}

int database_run(struct database *database, const char **sql, const struct output_head *head, struct output *output,
                 uint64_t *rows, bool *done)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = *sql;
    *rows = 0;
    *done = false;
    enum snapshot_end end = snapshot_state(database->snapshot);
    if (end != SNAPSHOT_GOES_ON)
        return snapshot_explain_end(database->snapshot, end);
    progress_begin(&database->progress, "rows read", 0);
    while (statement == NULL && !*done) {
        const char *begin = rest;
        if (sqlite3_prepare_v2(database->connection, begin, -1, &statement, &rest) != SQLITE_OK)
            return complain_of_sql(database, begin);
        *done = statement == NULL && (*rest == '\0' || rest == begin);
    }
    *sql = rest;
    if (*done)
        return EXIT_FINE;
    int status = run_statement(database, statement, head, output, rows);
    progress_end(&database->progress);
    sqlite3_finalize(statement);
    return status;
}

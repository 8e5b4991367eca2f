/*
 * A database file for any tool that reads SQLite: the tables of the PostgreSQL script, with times as the text that SQL
 * has here too, so that the same questions have the same answers. The file is built without a journal, in one
 * transaction and with the indexes last, beside its place, and gets its name when it is whole and on the disk.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export_private.h"

/* "Helv", as `file` and others may know it, and the version of this schema. */
#define APPLICATION_ID 0x48656c76
#define USER_VERSION 1
#define CACHE_KIBIBYTES 49152
/* SQLite's steps between two looks at Ctrl-C and --max-age: some milliseconds. */
#define STEPS_BETWEEN_LOOKS 1000000
#define READ_BYTES 262144

struct target {
    struct export *export;
    struct partial file;
    sqlite3 *connection;
};

/* ---- speaking to SQLite ------------------------------------------------------------------------------------------ */

static int complain(const struct target *target, const char *why)
{
    progress_end(&target->export->progress);
    cli_complain("%s was not written: %s", target->export->path, why);
    return EXIT_FAILED;
}

/* What SQLite says; an interruption has its own sentence. */
static int explain(const struct target *target)
{
    enum snapshot_end end = snapshot_state(&target->export->snapshot);
    int number = sqlite3_system_errno(target->connection);
    if (sqlite3_errcode(target->connection) == SQLITE_INTERRUPT && end != SNAPSHOT_GOES_ON) {
        progress_end(&target->export->progress);
        return snapshot_explain_end(&target->export->snapshot, end);
    }
    return complain(target, number != 0 ? strerror(number) : sqlite3_errmsg(target->connection));
}

static int on_steps(void *context)
{
    const struct target *target = context;
    return snapshot_state(&target->export->snapshot) != SNAPSHOT_GOES_ON;
}

static int execute(const struct target *target, const char *sql)
{
    return sqlite3_exec(target->connection, sql, NULL, NULL, NULL) == SQLITE_OK ? EXIT_FINE : explain(target);
}

/* Executes the statement that was built, and empties it. */
static int execute_built(const struct target *target, struct buffer *sql)
{
    buffer_append(sql, "", 1);
    int status = execute(target, sql->data);
    buffer_clear(sql);
    return status;
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static void put_table(struct buffer *out, const struct export_rows *rows)
{
    const char *name = rows->schema->name;
    buffer_printf(out, "CREATE TABLE \"%s\" (\n", name);
    for (unsigned i = 0; i < rows->column_count; ++i) {
        buffer_append_string(out, "    ");
        export_put_column(out, rows->columns[i].column, "TEXT");
        buffer_append_string(out, ",\n");
    }
    buffer_printf(out, "    CONSTRAINT \"%s_pkey\" PRIMARY KEY (\"id\")", name);
    for (size_t i = 0; i < EXPORT_REFERENCE_COUNT; ++i) {
        if (export_references[i].kind != rows->schema->kind)
            continue;
        buffer_append_string(out, ",\n    ");
        export_put_reference(out, &export_references[i]);
    }
    buffer_append_string(out, "\n)");
}

static void put_insert(struct buffer *out, const struct export_rows *rows)
{
    buffer_printf(out, "INSERT INTO \"%s\" VALUES (", rows->schema->name);
    for (unsigned i = 0; i < rows->column_count; ++i)
        buffer_append_string(out, i == 0 ? "?" : ", ?");
    buffer_append_string(out, ")");
}

/* Texts lie in the memory map, which outlives the statement. */
static int bind_value(sqlite3_stmt *insert, int at, const struct value *value)
{
    char text[ID_TEXT_LEN > SQL_TIME_LEN ? ID_TEXT_LEN : SQL_TIME_LEN];
    switch (value->type) {
    case VALUE_NULL:
        return sqlite3_bind_null(insert, at);
    case VALUE_ID:
        id_format(value->id, text);
        return sqlite3_bind_text(insert, at, text, ID_TEXT_LEN, SQLITE_TRANSIENT);
    case VALUE_TEXT:
        return sqlite3_bind_text(insert, at, value->text.data, (int)value->text.len, SQLITE_STATIC);
    case VALUE_TIME:
        sql_time_format(value->time_ms, text);
        return sqlite3_bind_text(insert, at, text, SQL_TIME_LEN, SQLITE_TRANSIENT);
    case VALUE_UINT:
        return sqlite3_bind_int64(insert, at, (sqlite3_int64)value->number);
    case VALUE_BOOL:
        return sqlite3_bind_int(insert, at, value->flag);
    }
    return SQLITE_MISUSE;
}

static bool insert_row(sqlite3_stmt *insert, struct export_rows *rows)
{
    for (unsigned i = 0; i < rows->column_count; ++i) {
        struct value value;
        export_rows_value(rows, rows->columns[i].index, &value);
        if (bind_value(insert, (int)i + 1, &value) != SQLITE_OK)
            return false;
    }
    return sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
}

static int insert_rows(const struct target *target, sqlite3_stmt *insert, struct export_rows *rows)
{
    while (export_rows_next(rows))
        if (!insert_row(insert, rows))
            return rows->status == EXIT_FINE ? explain(target) : rows->status;
    return rows->status;
}

static int fill_table(const struct target *target, struct export_rows *rows)
{
    struct buffer sql = {0};
    sqlite3_stmt *insert = NULL;
    put_table(&sql, rows);
    int status = execute_built(target, &sql);
    put_insert(&sql, rows);
    if (status == EXIT_FINE &&
        sqlite3_prepare_v2(target->connection, sql.data, (int)sql.len, &insert, NULL) != SQLITE_OK)
        status = explain(target);
    if (status == EXIT_FINE)
        status = insert_rows(target, insert, rows);
    sqlite3_finalize(insert);
    buffer_dispose(&sql);
    return status;
}

static int write_table(const struct target *target, enum record_kind kind)
{
    struct export_rows rows;
    export_rows_open(&rows, target->export, kind, false, NULL);
    int status = fill_table(target, &rows);
    export_rows_note(&rows);
    export_rows_close(&rows);
    return status;
}

static int make_indexes(const struct target *target)
{
    struct progress *progress = &target->export->progress;
    struct buffer sql = {0};
    int status = EXIT_FINE;
    progress_end(progress);
    progress_begin(progress, "indexes", EXPORT_INDEX_COUNT);
    for (size_t i = 0; i < EXPORT_INDEX_COUNT && status == EXIT_FINE; ++i) {
        export_put_index(&sql, &export_indexes[i]);
        status = execute_built(target, &sql);
        progress_update(progress, i + 1);
    }
    buffer_dispose(&sql);
    return status;
}

static int fill(const struct target *target)
{
    int status = execute(target, "BEGIN");
    for (size_t i = 0; i < EXPORT_SQL_TABLES && status == EXIT_FINE; ++i)
        status = write_table(target, export_sql_tables[i]);
    if (status == EXIT_FINE)
        status = make_indexes(target);
    return status == EXIT_FINE ? execute(target, "COMMIT") : status;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Sorting for an index needs room on the disk: on the one that has room for the file, unless somebody chose another. */
static void choose_temporary_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? bytes_dup(BYTES(".")) : bytes_dup(bytes_view(path, (size_t)(slash - path) + 1));
    setenv("SQLITE_TMPDIR", directory, 0);
    free(directory);
}

static int open_connection(struct target *target)
{
    static const char pragmas[] =
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA temp_store = FILE;";
    struct buffer sql = {0};
    choose_temporary_directory(target->export->path);
    /* Without SQLite's own locks: the file is locked already. */
    if (sqlite3_open_v2(target->file.unfinished, &target->connection, SQLITE_OPEN_READWRITE, "unix-none") != SQLITE_OK)
        return explain(target);
    sqlite3_progress_handler(target->connection, STEPS_BETWEEN_LOOKS, on_steps, target);
    buffer_printf(&sql, "%s PRAGMA cache_size = -%d; PRAGMA application_id = %d; PRAGMA user_version = %d", pragmas,
                  CACHE_KIBIBYTES, APPLICATION_ID, USER_VERSION);
    int status = execute_built(target, &sql);
    buffer_dispose(&sql);
    return status;
}

static int build(struct target *target)
{
    int status = open_connection(target);
    if (status == EXIT_FINE)
        status = fill(target);
    int closed = sqlite3_close(target->connection);
    if (status == EXIT_FINE && closed != SQLITE_OK)
        status = complain(target, sqlite3_errstr(closed));
    return status;
}

static bool digest_file(int fd, struct manifest_file *out)
{
    static char chunk[READ_BYTES];
    ssize_t len;
    struct digest *digest = digest_begin();
    while ((len = read(fd, chunk, sizeof(chunk))) > 0) {
        digest_add(digest, bytes_view(chunk, (size_t)len));
        out->bytes += (uint64_t)len;
    }
    int error = errno;
    digest_end(digest, out->sha256);
    errno = error;
    return len == 0;
}

/* SQLite was told not to sync. */
static int put_in_place(struct target *target)
{
    struct manifest_file *file = &target->export->manifest.file;
    snprintf(file->name, sizeof(file->name), "%s", export_base_name(target->export->path));
    if (digest_file(target->file.fd, file) && partial_finish(&target->file, false))
        return EXIT_FINE;
    int error = errno;
    if (target->file.path != NULL)
        partial_abandon(&target->file);
    return complain(target, partial_reason(error));
}

int export_sqlite(struct export *export)
{
    struct target target = {.export = export};
    char *path;
    /* A relative name that begins with "file:" is a name all the same. */
    if (asprintf(&path, "%s%s", export->path[0] == '/' ? "" : "./", export->path) < 0)
        abort();
    bool is_made = partial_create(&target.file, path);
    free(path);
    if (!is_made)
        return complain(&target, partial_reason(errno));
    int status = build(&target);
    if (status == EXIT_FINE)
        return put_in_place(&target);
    partial_abandon(&target.file);
    return status;
}

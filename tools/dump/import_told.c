/*
 * What an export knows of erasures, for a restore: the files are those of an import, and the organisations beside them
 * say which keys their ids stand for. A file of erasures alone has ids, which are the same in a backup of that server.
 */
#include "cli/erasures.h"
#include "cli/interrupt.h"

#include "import_private.h"

static void add(struct erasures *out, const struct command *command)
{
    if (command->kind == COMMAND_ORG_IMPORT)
        erasures_add_org(out, command->org_import.org, command->org_import.key);
    else
        erasures_add(out, &command->erasure_import);
}

/* An organisation that no row names is known by its id. */
static void complete_orgs(struct erasures *out)
{
    for (size_t i = 0; i < out->count; ++i) {
        bool is_known = false;
        for (size_t j = 0; j < out->org_count && !is_known; ++j)
            is_known = id_equal(out->orgs[j].id, out->entries[i].command.org);
        if (!is_known)
            erasures_add_org(out, out->entries[i].command.org, BYTES(""));
    }
}

/* A list that is not whole would let somebody come back, so a row that can't be read is refused with all the others. */
static bool read_table(struct import_file *file, struct erasures *out)
{
    struct import_rows rows = {0};
    struct import_cursor cursor = import_begin(file);
    struct import_record record;
    struct import_reason reason = {.kind = ""};
    struct command command;
    while (import_next(file, &cursor, &record)) {
        if (!import_cells(file, &record, &reason) || !import_command(&rows, file->table, &record, &command, &reason)) {
            cli_complain("%s, line %llu: %s; nothing has been restored", file->path, (unsigned long long)record.line,
                         reason.kind);
            return false;
        }
        add(out, &command);
    }
    return true;
}

/* The others may be large, and are not looked at. */
static void close_others(struct import_file files[SCHEMA_EXPORTED_COUNT])
{
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        if (import_tables[i].kind != RECORD_ORGS && import_tables[i].kind != RECORD_ERASURES)
            import_file_close(&files[i]);
}

static bool has_erasures(const struct import_file files[SCHEMA_EXPORTED_COUNT])
{
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        if (import_tables[i].kind == RECORD_ERASURES && files[i].path != NULL)
            return true;
    return false;
}

static bool read_files(struct import_file files[SCHEMA_EXPORTED_COUNT], const char *path, struct erasures *out)
{
    close_others(files);
    if (!has_erasures(files)) {
        cli_complain(
            "there is no table \"erasures\" in %s, so it does not say who was erased; nothing has been restored", path);
        return false;
    }
    bool is_fine = import_look(files) == EXIT_FINE;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && is_fine; ++i)
        is_fine = files[i].path == NULL || read_table(&files[i], out);
    complete_orgs(out);
    return is_fine;
}

bool erasures_read_export(const char *path, struct erasures *out)
{
    struct import_file files[SCHEMA_EXPORTED_COUNT];
    bool is_fine = import_files_open(files, path) && read_files(files, path, out);
    import_files_close(files);
    return is_fine;
}

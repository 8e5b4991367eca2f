/*
 * `helvino import`: every file is looked at once, then read again and given to the rules in batches, in the order in
 * which tables refer to each other. Each batch is a transaction of its own, so a server beside it writes in between,
 * and since the rules know every row again, an import that ended early is simply repeated. A dry run does the same to a
 * copy of the database.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/erasures.h"
#include "cli/grid.h"
#include "cli/interrupt.h"

#include "import_private.h"

struct counts {
    uint64_t added, updated, present, erased, rejected;
};

/* Where a command is from; it stands beside it in its entry. */
struct origin {
    struct bytes row;
    uint64_t line;
};

struct import {
    const struct options *options;
    struct import_file files[SCHEMA_EXPORTED_COUNT];
    struct counts counts[SCHEMA_EXPORTED_COUNT];
    struct admin admin;
    struct import_rows rows;
    struct import_rejects rejects;
    struct progress progress;
    uint64_t total, done;
    bool is_new_database;
    struct batch {
        struct log_entry *first, **end;
        unsigned count;
        size_t bytes;
    } batch;
    unsigned batch_limit; /* commands of the next one */
    struct buffer scratch;
};

/* ---- batches --------------------------------------------------------------------------------------------------- */

static void batch_begin(struct batch *batch)
{
    *batch = (struct batch){.end = &batch->first};
}

static void batch_end(struct batch *batch)
{
    for (struct log_entry *entry = batch->first, *next; entry != NULL; entry = next) {
        next = entry->next;
        log_entry_free(entry);
    }
    batch_begin(batch);
}

static struct bytes command_of(const struct log_entry *entry)
{
    return bytes_view(entry->bytes + entry->extra_len, entry->command_len);
}

/* The error that keeps the whole batch out, or OK. */
static enum error batch_error(const struct batch *batch)
{
    for (const struct log_entry *entry = batch->first; entry != NULL; entry = entry->next)
        if (entry->error == ERR_STORE_FULL || entry->error == ERR_OUTCOME_UNKNOWN)
            return entry->error;
    return OK;
}

/*
 * Whoever tries the new server first makes an organisation there, and then brings the old rows in: they belong to the
 * one of the same key. Two organisations of one file never become one.
 */
static bool adopt_org(struct import *import, const struct log_entry *entry)
{
    struct command command;
    struct org org;
    if (command_decode(command_of(entry), &command) != OK || command.kind != COMMAND_ORG_IMPORT)
        return false;
    struct id id = command.org_import.org;
    if (entry->error == OK) {
        import_adopt_org(&import->rows, id, id);
        return false;
    }
    if (entry->error != ERR_CONFLICT || (import->admin.txn == NULL && admin_read(&import->admin) == NULL) ||
        org_get(import->admin.txn, id, &org) != ERR_NOT_FOUND ||
        org_get_by_key(import->admin.txn, command.org_import.key, &org) != OK || import_has_org(&import->rows, org.id))
        return false;
    import_adopt_org(&import->rows, id, org.id);
    cli_complain("note: the organisation %.*s is here already; what the file has of it goes there", (int)org.key.len,
                 org.key.data);
    return true;
}

/* One that was not taken. False when the rejects can't be written. */
static bool refuse_entry(struct import *import, struct import_file *file, const struct log_entry *entry,
                         struct counts *counts)
{
    const struct origin *origin = log_entry_extra(entry);
    struct command command;
    struct import_reason reason = {.kind = ""};
    bool is_decoded = command_decode(command_of(entry), &command) == OK;
    if (is_decoded && import_is_erased(&import->rows.erased, &command, entry->error)) {
        ++counts->erased;
        return true;
    }
    ++counts->rejected;
    if (import->admin.txn == NULL && admin_read(&import->admin) == NULL)
        return false;
    if (is_decoded)
        import_explain(import->admin.txn, &command, entry->error, &reason);
    return import_reject(&import->rejects, file, origin->line, origin->row, &reason);
}

static bool count_entries(struct import *import, struct import_file *file, struct counts *counts)
{
    bool is_fine = true;
    for (const struct log_entry *entry = import->batch.first; entry != NULL && is_fine; entry = entry->next) {
        bool is_adopted = adopt_org(import, entry), is_taken = entry->error == OK;
        if (is_adopted) {
            ++counts->present;
            continue;
        }
        counts->added += is_taken && !entry->outcome.replayed && !entry->outcome.widened;
        counts->updated += is_taken && entry->outcome.widened;
        counts->present += is_taken && entry->outcome.replayed;
        is_fine = is_taken || refuse_entry(import, file, entry, counts);
    }
    if (import->admin.txn != NULL)
        admin_read_end(&import->admin);
    return is_fine;
}

static void complain_of_store(struct import *import, enum error error)
{
    const char *place = import->admin.options->data;
    progress_end(&import->progress);
    if (error != ERR_STORE_FULL)
        cli_complain("the disk reported an error, so whether the last rows were taken is not known. Repeat the import: "
                     "it knows what is there already");
    else if (import->options->dry_run)
        cli_complain("there is no more room for the copy of the database in %s; TMPDIR names another place for it",
                     place);
    else
        cli_complain("there is no more room for the database in %s", place);
}

/* The more rows a transaction has, the more of them share a page, so batches grow while they are quick. */
static enum error execute(struct import *import)
{
    uint64_t begun_ns = clock_monotonic_ns();
    enum error error = log_execute_all(import->admin.store, import->batch.first);
    uint64_t took_ns = clock_monotonic_ns() - begun_ns;
    if (took_ns < IMPORT_BATCH_NS / 2 && import->batch_limit * 2 <= EXECUTE_COMMANDS_MAX)
        import->batch_limit *= 2;
    else if (took_ns > IMPORT_BATCH_NS && import->batch_limit > IMPORT_BATCH_COMMANDS)
        import->batch_limit /= 2;
    return error != OK ? error : batch_error(&import->batch);
}

/* Applies what is gathered; an exit status. */
static int apply_batch(struct import *import, struct import_file *file, struct counts *counts)
{
    int status = EXIT_FAILED;
    if (import->admin.txn != NULL)
        admin_read_end(&import->admin);
    if (import->batch.first == NULL)
        return EXIT_FINE;
    enum error error = execute(import);
    if (error != OK) {
        complain_of_store(import, error);
    } else {
        import->done += import->batch.count;
        status = count_entries(import, file, counts) ? EXIT_FINE : EXIT_FAILED;
    }
    batch_end(&import->batch);
    progress_update(&import->progress, import->done);
    return status;
}

static void add_to_batch(struct import *import, const struct command *command, const struct import_record *record)
{
    struct batch *batch = &import->batch;
    struct log_entry *entry = log_entry_new(command, &import->scratch, sizeof(struct origin));
    *(struct origin *)log_entry_extra(entry) = (struct origin){.row = record->text, .line = record->line};
    *batch->end = entry;
    batch->end = &entry->next;
    ++batch->count;
    batch->bytes += entry->command_len;
}

/* A row fits beside any batch that is not full. */
static bool is_full(const struct import *import)
{
    const struct batch *batch = &import->batch;
    return batch->count >= import->batch_limit || batch->bytes + IMPORT_ROW_LEN_MAX > BATCH_BYTES_MAX;
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

/* False when the rejects can't be written. */
static bool take_row(struct import *import, struct import_file *file, struct counts *counts,
                     struct import_record *record)
{
    struct import_reason reason = {.kind = ""};
    struct command command;
    if (import_cells(file, record, &reason) && import_command(&import->rows, file->table, record, &command, &reason)) {
        add_to_batch(import, &command, record);
        return true;
    }
    ++import->done;
    ++*(reason.is_erased ? &counts->erased : &counts->rejected);
    return reason.is_erased || import_reject(&import->rejects, file, record->line, record->text, &reason);
}

/* Messages that don't say whose they are ask the database. */
static void begin_lookups(struct import *import, const struct import_file *file)
{
    if (file->table->kind == RECORD_MESSAGES && import->admin.txn == NULL)
        admin_read(&import->admin);
    import->rows.txn = import->admin.txn;
}

static int import_table(struct import *import, struct import_file *file, struct counts *counts)
{
    struct import_cursor cursor = import_begin(file);
    struct import_record record;
    int status = EXIT_FINE;
    begin_lookups(import, file);
    while (status == EXIT_FINE && import_next(file, &cursor, &record)) {
        if (!take_row(import, file, counts, &record))
            status = EXIT_FAILED;
        else if (is_full(import)) {
            status = apply_batch(import, file, counts);
            begin_lookups(import, file);
        }
        if (status == EXIT_FINE && interrupt_was_noted())
            status = EXIT_INTERRUPTED;
    }
    int last = apply_batch(import, file, counts);
    return status == EXIT_FINE ? last : status;
}

/* Who was erased elsewhere may be here from an earlier import. */
static int erase_again(struct import *import, const struct import_file *file)
{
    struct erasures_done done;
    struct buffer text = {0};
    if (file->table->kind != RECORD_ERASURES || file->rows == 0)
        return EXIT_FINE;
    bool is_fine = erasures_apply(&import->admin, &done);
    if (done.visitors != 0) {
        erasures_describe(&done, &text);
        progress_end(&import->progress);
        cli_complain("note: %.*s, since they were erased where %s is from", (int)text.len, text.data, file->name);
    }
    buffer_dispose(&text);
    return !is_fine ? EXIT_FAILED : interrupt_was_noted() ? EXIT_INTERRUPTED : EXIT_FINE;
}

static int import_all(struct import *import)
{
    int status = EXIT_FINE;
    batch_begin(&import->batch);
    import->batch_limit = IMPORT_BATCH_COMMANDS;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        import->total += import->files[i].rows;
    progress_begin(&import->progress, "rows", import->total);
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && status == EXIT_FINE; ++i)
        if (import->files[i].path != NULL) {
            status = import_table(import, &import->files[i], &import->counts[i]);
            if (status == EXIT_FINE)
                status = erase_again(import, &import->files[i]);
        }
    progress_end(&import->progress);
    batch_end(&import->batch);
    free(import->rows.orgs);
    import_erased_dispose(&import->rows.erased);
    buffer_dispose(&import->scratch);
    if (!import_rejects_finish(&import->rejects) && status == EXIT_FINE)
        status = EXIT_FAILED;
    return status;
}

/* ---- what is said at the end ----------------------------------------------------------------------------------- */

static void add_counts(struct grid *grid, const struct import_file *file, const struct counts *counts)
{
    grid_add(grid, bytes_of_string(file->table->name));
    grid_add_number(grid, file->rows);
    grid_add_number(grid, counts->added);
    grid_add_number(grid, counts->updated);
    grid_add_number(grid, counts->present);
    grid_add_number(grid, counts->erased);
    grid_add_number(grid, counts->rejected);
}

static void print_table(const struct import *import)
{
    static const char *const heads[] = {"TABLE", "ROWS", "NEW", "UPDATED", "ALREADY THERE", "ERASED", "REJECTED"};
    struct grid grid = {.column_count = sizeof(heads) / sizeof(heads[0])};
    for (size_t i = 0; i < grid.column_count; ++i)
        grid_add(&grid, bytes_of_string(heads[i]));
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        if (import->files[i].path != NULL)
            add_counts(&grid, &import->files[i], &import->counts[i]);
    grid_print(&grid, stderr);
    grid_dispose(&grid);
}

static void print_erased(const struct import *import)
{
    uint64_t erased = 0;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        erased += import->counts[i].erased;
    if (erased != 0)
        cli_complain("note: %" PRIu64 " rows are of visitors who have been erased here since, and were not taken",
                     erased);
}

static void print_notes(struct import *import)
{
    struct stat there;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        if (import->files[i].path != NULL)
            import_name_unknown(&import->files[i]);
    if (import->rows.agents_cut != 0)
        cli_complain("note: %" PRIu64 " userAgent texts were cut to %d bytes", import->rows.agents_cut,
                     USER_AGENT_LEN_MAX);
    if (import->rows.links_dropped != 0)
        cli_complain("note: %" PRIu64
                     " conversations of nobody known can't be reached by their old ids any more, since "
                     "those could be guessed",
                     import->rows.links_dropped);
    print_erased(import);
    if (import->rejects.count == 0 && stat(import->rejects.path, &there) == 0)
        cli_complain("note: %s is of an earlier import; this one has rejected nothing", import->rejects.path);
    if (import->is_new_database && !import->options->dry_run)
        cli_complain("note: there was no database in %s, so a new one was made", import->options->data);
}

static void print_end(const struct import *import, int status)
{
    const char *end = import->options->dry_run
                          ? "nothing has been changed"
                          : "what was taken is kept, and the import can be repeated: it goes on where it ended";
    if (status != EXIT_FINE)
        cli_complain("ended early, after %" PRIu64 " of %" PRIu64 " rows; %s", import->done, import->total, end);
    if (import->options->dry_run)
        fprintf(stderr, "a dry run: nothing has been changed. The import would do this:\n");
}

static void print_summary(struct import *import, int status)
{
    print_notes(import);
    print_end(import, status);
    print_table(import);
    import_rejects_print(&import->rejects);
}

/* ---- the database ---------------------------------------------------------------------------------------------- */

static bool has_database(const struct options *options)
{
    char *path;
    if (asprintf(&path, "%s/data.mdb", options->data) < 0)
        abort();
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

/* What is mapped can fail at any look at it: the files of the import, and later the database too. */
static void guard_maps(void)
{
    store_guard("helvino: the database or a file of the import can't be read any further: the disk has failed, or the "
                "file was cut\n",
                EXIT_FAILED, false);
}

/* Into the database of options->data, which is made when there is none. */
static int import_into(struct import *import, const struct options *options)
{
    struct options creating = *options;
    creating.new_database = true;
    if (!admin_open(&import->admin, &creating, STORE_ADMIN))
        return EXIT_FAILED;
    guard_maps();
    int status = import_all(import);
    admin_close(&import->admin);
    print_summary(import, status);
    return status == EXIT_FINE && import->rejects.count != 0 ? EXIT_FAILED : status;
}

static int try_out(struct import *import)
{
    struct import_trial trial;
    if (!import_trial_begin(&trial, import->options, !import->is_new_database))
        return interrupt_was_noted() ? EXIT_INTERRUPTED : EXIT_FAILED;
    struct options elsewhere = *import->options;
    elsewhere.data = trial.directory;
    int status = import_into(import, &elsewhere);
    import_trial_end(&trial);
    return status;
}

static int look_and_import(struct import *import)
{
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        if (import->files[i].path != NULL)
            import_name_unknown(&import->files[i]);
    guard_maps();
    int status = import_look(import->files);
    if (status == EXIT_INTERRUPTED)
        cli_complain("ended early; nothing has been imported");
    if (status != EXIT_FINE)
        return status;
    import->is_new_database = !has_database(import->options);
    return import->options->dry_run ? try_out(import) : import_into(import, import->options);
}

int cli_import(const struct options *options)
{
    struct import import = {.options = options, .rejects = {.path = options->rejects}};
    interrupt_note();
    int status = EXIT_FAILED;
    if (import_files_open(import.files, options->arguments[0]))
        status = look_and_import(&import);
    import_files_close(import.files);
    return status;
}

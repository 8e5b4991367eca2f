/*
 * `helvino dump export`: what every form of it has in common. Nothing is overwritten, a directory without a manifest is
 * an export that did not end, and whatever goes wrong takes away what was made.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/grid.h"
#include "export_private.h"

#define DIRECTORY_MODE 0700 /* it is full of what people wrote to each other */
#define ORGS_NAMED_MAX 10   /* in a sentence */

static const struct form {
    const char *name;
    bool is_directory;
    const char *extension;
    int (*write)(struct export *export);
} forms[] = {
    [EXPORT_NDJSON] = {"ndjson", true, "ndjson", export_text},
    [EXPORT_CSV] = {"csv", true, "csv", export_text},
    [EXPORT_SQL] = {"sql", false, NULL, export_postgres},
    [EXPORT_SQLITE] = {"sqlite", false, NULL, export_sqlite},
};

/* ---- paths ------------------------------------------------------------------------------------------------------ */

bool export_is_to_stdout(const struct export *export)
{
    return strcmp(export->path, "-") == 0;
}

__attribute__((format(printf, 1, 2))) static char *make_path(const char *format, ...)
{
    char *path;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&path, format, args);
    va_end(args);
    if (len < 0)
        abort();
    return path;
}

char *export_table_path(const struct export *export, enum record_kind kind)
{
    return make_path("%s/%s.%s", export->path, schemas[kind]->name, forms[export->kind].extension);
}

static char *manifest_path(const struct export *export)
{
    bool is_directory = forms[export->kind].is_directory;
    return make_path(is_directory ? "%s/" MANIFEST_NAME : "%s" MANIFEST_SUFFIX, export->path);
}

const char *export_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- where to --------------------------------------------------------------------------------------------------- */

static bool check_usage(const struct options *options)
{
    const struct form *form = &forms[options->export_format];
    if (options->output == NULL || options->output[0] == '\0') {
        cli_complain("an export needs a place: name a %s with --output (-o)",
                     form->is_directory ? "directory" : "file");
        return false;
    }
    if (strcmp(options->output, "-") != 0 || options->export_format == EXPORT_SQL)
        return true;
    cli_complain("an export as %s can't go to standard output, because it is %s; %s", form->name,
                 form->is_directory ? "several files" : "a database file",
                 "\"helvino dump sql … --format ndjson\" writes one table there, \"--format sql\" a script of all");
    return false;
}

/* Whether there is nothing in it; false with errno when it can't be looked into. */
static bool is_empty_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return false;
    const struct dirent *entry;
    do
        entry = readdir(directory);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    closedir(directory);
    errno = ENOTEMPTY;
    return entry == NULL;
}

static bool check_directory(struct export *export)
{
    struct stat there;
    if (stat(export->path, &there) != 0)
        return true;
    export->was_directory = is_empty_directory(export->path);
    if (export->was_directory)
        return true;
    if (errno == ENOTEMPTY)
        cli_complain("the directory %s is not empty; an export overwrites nothing, so name another one", export->path);
    else
        cli_complain("an export as %s goes into a directory, and %s can't be one: %s", forms[export->kind].name,
                     export->path, strerror(errno));
    return false;
}

static bool check_file(const char *path)
{
    struct stat there;
    if (lstat(path, &there) != 0)
        return true;
    cli_complain("%s is there already; an export overwrites nothing, so name another file or remove it", path);
    return false;
}

static bool check_place(struct export *export)
{
    if (export_is_to_stdout(export))
        return true;
    if (forms[export->kind].is_directory)
        return check_directory(export);
    char *manifest = manifest_path(export);
    bool is_free = check_file(export->path) && check_file(manifest);
    free(manifest);
    return is_free;
}

/* ---- one visitor --------------------------------------------------------------------------------------------------
 */

static void complain_of_visitor(const struct export *export)
{
    const struct options *options = export->options;
    cli_complain(options->org != NULL ? "the organisation \"%2$s\" has no visitor \"%1$s\""
                                      : "there is no visitor \"%s\"",
                 options->visitor, options->org);
}

/* Whose visitor it is has to be said: keys are the websites' own, and two of them may use the same. */
static void complain_of_orgs(const struct export *export, const struct id *orgs, size_t count)
{
    struct buffer names = {0};
    const struct snapshot *snapshot = &export->snapshot;
    for (size_t i = 0, named = 0; i < snapshot->org_count && named < ORGS_NAMED_MAX && named < count; ++i)
        if (id_equal(snapshot->orgs[i].id, orgs[named]))
            buffer_printf(&names, "%s%.*s", named++ == 0 ? "" : ", ", (int)snapshot->orgs[i].key.len,
                          snapshot->orgs[i].key.data);
    if (count > ORGS_NAMED_MAX)
        buffer_printf(&names, " and %zu more", count - ORGS_NAMED_MAX);
    buffer_append(&names, "", 1);
    cli_complain("several organisations have a visitor \"%s\"; choose one with --org: %s", export->options->visitor,
                 names.data);
    buffer_dispose(&names);
}

/* Those who have the visitor, in the order of the snapshot's; the first few are kept. False when one can't be read. */
static bool find_visitors(struct export *export, struct id orgs[ORGS_NAMED_MAX], size_t *count)
{
    const struct schema *schema = schemas[RECORD_VISITORS];
    unsigned id = (unsigned)schema_column(schema, "id"), org = (unsigned)schema_column(schema, "orgId");
    struct export_selection *selection = &export->selection;
    struct scan_request request = {.path = SCAN_KEY,
                                   .columns = UINT32_C(1) << id | UINT32_C(1) << org,
                                   .has_org = selection->has_org,
                                   .org = selection->org,
                                   .key = bytes_of_string(export->options->visitor)};
    struct scan *scan = scan_open(&export->snapshot, schema);
    struct value value;
    enum error error;
    scan_start(scan, &request);
    for (*count = 0; (error = scan_next(scan)) == OK; ++*count) {
        scan_value(scan, org, &value);
        if (*count < ORGS_NAMED_MAX)
            orgs[*count] = value.id;
        selection->org = value.id;
        scan_value(scan, id, &value);
        selection->visitor = value.id;
    }
    scan_close(scan);
    return error == ERR_NOT_FOUND;
}

/* The chain goes from the newest to the oldest, and rows are written in order of their ids. */
static bool gather_conversations(struct export *export)
{
    struct export_selection *selection = &export->selection;
    struct scan *scan = scan_open(&export->snapshot, schemas[RECORD_CONVERSATIONS]);
    struct value value;
    size_t room = 0;
    enum error error;
    scan_start(scan, &(struct scan_request){.path = SCAN_VISITOR, .columns = 1, .id = selection->visitor});
    while ((error = scan_next(scan)) == OK) {
        if (selection->conversation_count == room) {
            room = room == 0 ? 64 : 2 * room;
            selection->conversations = realloc(selection->conversations, room * sizeof(struct id));
            if (selection->conversations == NULL)
                abort();
        }
        scan_value(scan, 0, &value);
        selection->conversations[selection->conversation_count++] = value.id;
    }
    scan_close(scan);
    if (selection->conversation_count != 0)
        qsort(selection->conversations, selection->conversation_count, sizeof(struct id), export_compare_id);
    return error == ERR_NOT_FOUND;
}

static bool select_visitor(struct export *export)
{
    struct id orgs[ORGS_NAMED_MAX];
    size_t count;
    bool is_readable = find_visitors(export, orgs, &count);
    if (is_readable && count == 1) {
        export->selection.has_org = export->selection.has_visitor = true;
        is_readable = gather_conversations(export);
        if (is_readable)
            return true;
    }
    if (!is_readable)
        cli_complain("a record of this visitor is damaged; this lists all that is: %s",
                     cli_command(export->options, "check"));
    else if (count == 0)
        complain_of_visitor(export);
    else
        complain_of_orgs(export, orgs, count);
    return false;
}

static bool select_rows(struct export *export)
{
    const struct options *options = export->options;
    if (options->org != NULL) {
        export->selection.has_org = snapshot_find_org(&export->snapshot, options->org, &export->selection.org);
        if (!export->selection.has_org)
            return false;
    }
    return options->visitor == NULL || select_visitor(export);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static int write_manifest(struct export *export)
{
    char *path = manifest_path(export);
    struct sink sink;
    int status = EXIT_FINE;
    export->manifest.made_at_ms = clock_now_ms();
    if (!sink_create(&sink, path, false)) {
        cli_complain("%s can't be made: %s", path, partial_reason(errno));
        status = EXIT_FAILED;
    } else {
        manifest_put(&sink.buffer, &export->manifest);
        if (!sink_finish(&sink, NULL))
            status = sink_explain(&sink, path);
    }
    free(path);
    return status;
}

/* What this export has made and given a name; there was nothing before. */
static void remove_made(const struct export *export, bool has_rows)
{
    if (!forms[export->kind].is_directory) {
        if (has_rows)
            unlink(export->path);
        return;
    }
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i) {
        char *path = export_table_path(export, schema_export_order[i]);
        unlink(path);
        free(path);
    }
    if (!export->was_directory)
        rmdir(export->path);
}

static uint64_t total_bytes(const struct manifest *manifest)
{
    uint64_t bytes = manifest->file.bytes;
    for (size_t i = 0; i < manifest->table_count; ++i)
        bytes += manifest->tables[i].file.bytes;
    return bytes;
}

static void print_notes(const struct export *export)
{
    if (export_is_to_stdout(export))
        cli_complain("there is no manifest, because the rows went to standard output");
    bool is_whole = export->kind == EXPORT_CSV || export->kind == EXPORT_NDJSON;
    if (!is_whole && table_rows(export->snapshot.txn, TABLE_NOTES) != 0)
        cli_complain("the notes of the organisation's side are not in this form; ndjson and csv have them");
    if (!is_whole && table_rows(export->snapshot.txn, TABLE_ALIASES) != 0)
        cli_complain(
            "the old ids that imported conversations and visitors had (the table aliases) are not in this form; "
            "ndjson and csv have them");
    if (!is_whole && table_rows(export->snapshot.txn, TABLE_ERASURES) != 0)
        cli_complain("who has been erased, so that nothing brings them back (the table erasures), is not in this form; "
                     "ndjson and csv have it");
    if (export->kind == EXPORT_CSV && export->manifest.csv_safe)
        cli_complain(
            "text that a spreadsheet would run as a formula (= + - @ at its beginning) has a ' before it, so this "
            "export is not for import");
    else if (export->kind == EXPORT_CSV)
        cli_complain("text that begins with = + - @ is kept as it is, and a spreadsheet may run it as a formula; "
                     "--csv-safe on puts a ' before it");
}

static void print_summary(const struct export *export)
{
    const struct manifest *manifest = &export->manifest;
    uint64_t rows = 0;
    char count[COUNT_TEXT_LEN], size[SIZE_TEXT_LEN];
    for (size_t i = 0; i < manifest->table_count; ++i)
        rows += manifest->tables[i].rows;
    format_count(rows, count);
    format_size(total_bytes(manifest), size);
    print_notes(export);
    fprintf(stderr, "%s %s in %zu tables, %s, sequence %" PRIu64 ": %s\n", count, rows == 1 ? "row" : "rows",
            manifest->table_count, size, manifest->sequence,
            export_is_to_stdout(export) ? "standard output" : export->path);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* What will be read, as far as that is known beforehand. */
static uint64_t rows_to_read(const struct export *export)
{
    uint64_t rows = 0;
    if (export->selection.has_visitor)
        return 0;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        rows += table_rows(export->snapshot.txn, schemas[schema_export_order[i]]->table);
    return rows;
}

static int write_export(struct export *export)
{
    progress_begin(&export->progress, "rows", rows_to_read(export));
    int status = forms[export->kind].write(export);
    progress_end(&export->progress);
    if (export_is_to_stdout(export))
        return status;
    bool has_rows = status == EXIT_FINE;
    if (has_rows)
        status = write_manifest(export);
    if (status != EXIT_FINE)
        remove_made(export, has_rows);
    return status;
}

static bool make_directory(const struct export *export)
{
    if (!forms[export->kind].is_directory || export->was_directory ||
        (mkdir(export->path, DIRECTORY_MODE) == 0 && partial_sync_parent(export->path)))
        return true;
    cli_complain("the directory %s can't be made: %s", export->path, strerror(errno));
    return false;
}

static void describe(struct export *export)
{
    const struct options *options = export->options;
    const struct snapshot *snapshot = &export->snapshot;
    export->manifest = (struct manifest){.kind = forms[export->kind].name,
                                         .sequence = snapshot->seq,
                                         .csv_safe = export->kind == EXPORT_CSV && options->export_csv_safe};
    if (export->selection.has_visitor)
        export->manifest.visitor = bytes_of_string(options->visitor);
    for (size_t i = 0; i < snapshot->org_count && export->selection.has_org; ++i)
        if (id_equal(snapshot->orgs[i].id, export->selection.org))
            export->manifest.organisation = snapshot->orgs[i].key;
}

static int run(struct export *export)
{
    if (!select_rows(export) || !make_directory(export))
        return EXIT_FAILED;
    describe(export);
    int status = write_export(export);
    if (status == EXIT_FINE && !export->is_cut)
        print_summary(export);
    free(export->selection.conversations);
    return status;
}

int cli_dump_export(const struct options *options)
{
    if (!check_usage(options))
        return EXIT_USAGE;
    struct export export = {
        .options = options, .kind = (enum export_kind)options->export_format, .path = options->output};
    if (!check_place(&export) || !snapshot_open(&export.snapshot, options))
        return EXIT_FAILED;
    int status = run(&export);
    snapshot_close(&export.snapshot);
    return status;
}

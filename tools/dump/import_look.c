/*
 * The first look at the files: how many rows there are, whether an export of ours is still what it was, and in what
 * order to read. A message goes behind the last one of its conversation and a conversation before its visitor's others,
 * so both are given in order of time. Files are mostly written like that; where one is not, its rows are read through
 * an index of 16 bytes each.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/interrupt.h"

#include "import_private.h"
#include "manifest.h"

#define ROWS_BETWEEN_CHECKS 1024
#define DIGEST_STEP_BYTES 1048576

struct look {
    struct import_file *file;
    struct progress *progress; /* counts bytes */
    uint64_t bytes_before;     /* of the files that have been read */
};

/* Shows how far it is; false after Ctrl-C. */
static bool goes_on(const struct look *look, size_t offset)
{
    progress_update(look->progress, look->bytes_before + offset);
    return !interrupt_was_noted();
}

/* ---- order ----------------------------------------------------------------------------------------------------- */

/* What has been seen of the rows' order so far. */
struct order {
    int64_t time_ms, group_time_ms; /* of the row before; of the row before in the same group */
    struct buffer group;            /* the text of the group of the row before */
    bool is_by_time, is_by_group;
};

/* 0 for what is no time: the row will be refused. */
static int64_t time_of(const struct import_file *file, const struct import_record *record)
{
    int64_t time_ms = 0;
    struct bytes text = record->cells[file->table->time];
    return time_parse(text, &time_ms) && time_ms > 0 ? time_ms : 0;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void note_group(struct order *order, struct bytes group, int64_t time_ms)
{
    if (group.data == NULL)
        return;
    int difference = order->group.len == 0 ? 1 : compare_bytes(group, buffer_view(&order->group));
    if (difference < 0 || (difference == 0 && time_ms < order->group_time_ms))
        order->is_by_group = false;
    if (difference != 0) {
        buffer_clear(&order->group);
        buffer_append(&order->group, group.data, group.len);
    }
    order->group_time_ms = time_ms;
}

static void note_row(struct order *order, struct import_file *file, struct import_record *record)
{
    struct import_reason reason = {.kind = ""};
    if ((!order->is_by_time && !order->is_by_group) || !import_cells(file, record, &reason))
        return;
    int64_t time_ms = time_of(file, record);
    order->is_by_time &= time_ms >= order->time_ms;
    order->time_ms = time_ms;
    if (order->is_by_group)
        note_group(order, record->cells[file->table->group], time_ms);
}

/* ---- an index -------------------------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct import_place *left = a, *right = b;
    if (left->time_and_offset != right->time_and_offset)
        return left->time_and_offset < right->time_and_offset ? -1 : 1;
    return (left->offset_and_line > right->offset_and_line) - (left->offset_and_line < right->offset_and_line);
}

static struct import_place place_of(int64_t time_ms, size_t offset, uint64_t line)
{
    return (struct import_place){
        .time_and_offset = (uint64_t)time_ms << 16 | offset >> 24,
        .offset_and_line = (uint64_t)(offset & 0xffffff) << 40 | line,
    };
}

/* Equal times stay in the order of the file, because their offsets are. */
static int put_in_order(const struct look *look)
{
    struct import_file *file = look->file;
    struct import_cursor cursor = import_begin(file);
    struct import_record record;
    struct import_reason reason = {.kind = ""};
    uint64_t nth = 0;
    cli_complain("note: %s is not in order of time; its rows are put in order in memory, which takes %" PRIu64 " MiB",
                 file->path, file->rows * sizeof(*file->places) / 1048576 + 1);
    struct import_place *places = calloc(file->rows, sizeof(*places));
    if (places == NULL)
        abort();
    while (import_next(file, &cursor, &record)) {
        if (nth % ROWS_BETWEEN_CHECKS == 0 && interrupt_was_noted())
            break;
        int64_t time_ms = import_cells(file, &record, &reason) ? time_of(file, &record) : 0;
        places[nth++] = place_of(time_ms, (size_t)(record.text.data - file->data.data), record.line);
    }
    qsort(places, nth, sizeof(*places), compare_places);
    file->places = places;
    return nth == file->rows ? EXIT_FINE : EXIT_INTERRUPTED;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static int count_rows(const struct look *look, struct order *order)
{
    struct import_file *file = look->file;
    struct import_cursor cursor = import_begin(file);
    struct import_record record;
    while (import_next(file, &cursor, &record)) {
        if (file->rows++ % ROWS_BETWEEN_CHECKS == 0 && !goes_on(look, cursor.offset))
            return EXIT_INTERRUPTED;
        note_row(order, file, &record);
    }
    return EXIT_FINE;
}

/* The rows of an export's groups are in the order in which they were written, whatever their times. */
static int look_at_rows(const struct look *look)
{
    const struct import_table *table = look->file->table;
    bool matters = table->time != IMPORT_NO_MEMBER && !(look->file->keeps_order && table->group != IMPORT_NO_MEMBER);
    struct order order = {.is_by_time = matters, .is_by_group = matters && table->group != IMPORT_NO_MEMBER};
    int status = count_rows(look, &order);
    buffer_dispose(&order.group);
    if (status == EXIT_FINE && matters && !order.is_by_time && !order.is_by_group) {
        progress_end(look->progress);
        status = put_in_order(look);
    }
    return status;
}

/* ---- the manifest ---------------------------------------------------------------------------------------------- */

static int complain_of_change(const struct look *look, const char *what)
{
    progress_end(look->progress);
    cli_complain("%s is not what %s beside it says: %s; nothing has been imported. If the file was changed on purpose, "
                 "remove %s",
                 look->file->path, MANIFEST_NAME, what, MANIFEST_NAME);
    return EXIT_FAILED;
}

/* False after Ctrl-C. */
static bool compute_digest(const struct look *look, char text[DIGEST_TEXT_LEN + 1])
{
    struct bytes data = look->file->data;
    struct digest *digest = digest_begin();
    bool is_whole = true;
    for (size_t at = 0; at < data.len && is_whole; at += DIGEST_STEP_BYTES) {
        size_t step = data.len - at < DIGEST_STEP_BYTES ? data.len - at : DIGEST_STEP_BYTES;
        digest_add(digest, bytes_view(data.data + at, step));
        is_whole = goes_on(look, at + step);
    }
    digest_end(digest, text);
    return is_whole;
}

static struct bytes text_of(const struct json_value *object, const char *name)
{
    struct bytes text = BYTES_NONE;
    const struct json_value *value = json_member(object, name);
    if (value != NULL)
        json_string(value, &text);
    return text;
}

/* `table` is what the manifest has of this file. */
static int compare(const struct look *look, const struct json_value *table)
{
    struct bytes expected = text_of(table, "sha256");
    char digest[DIGEST_TEXT_LEN + 1];
    const struct json_value *rows = json_member(table, "rows");
    int64_t row_count;
    if (rows != NULL && json_integer(rows, &row_count) && (uint64_t)row_count != look->file->rows)
        return complain_of_change(look, "it has another number of rows");
    if (expected.data == NULL)
        return EXIT_FINE;
    if (!compute_digest(look, digest))
        return EXIT_INTERRUPTED;
    return bytes_equal(expected, bytes_of_string(digest)) ? EXIT_FINE : complain_of_change(look, "its SHA-256 differs");
}

/* What a manifest has of this file, or NULL. */
static const struct json_value *entry_of(const struct import_file *file, struct json_document *manifest)
{
    const struct json_value *tables = manifest != NULL ? json_member(json_root(manifest), "tables") : NULL;
    const struct json_value *table = tables != NULL ? json_member(tables, file->table->name) : NULL;
    return table != NULL && bytes_equal(text_of(table, "file"), bytes_of_string(file->name)) ? table : NULL;
}

static int look_at_file(const struct look *look, struct json_document *manifest)
{
    const struct json_value *entry = entry_of(look->file, manifest);
    look->file->keeps_order = entry != NULL;
    int status = look_at_rows(look);
    return status == EXIT_FINE && entry != NULL ? compare(look, entry) : status;
}

/* The directory that a file is in; the caller frees. */
static char *directory_of(const struct import_file *file)
{
    size_t len = (size_t)(file->name - file->path);
    return len == 0 ? bytes_dup(BYTES(".")) : bytes_dup(bytes_view(file->path, len));
}

static struct json_document *read_manifest(const char *directory)
{
    char *path, *text = malloc(MANIFEST_LEN_MAX);
    const char *sentence;
    if (text == NULL || asprintf(&path, "%s/%s", directory, MANIFEST_NAME) < 0)
        abort();
    FILE *in = fopen(path, "re");
    size_t len = in != NULL ? fread(text, 1, MANIFEST_LEN_MAX, in) : 0;
    struct json_document *manifest = json_parse_object(bytes_view(text, len), &sentence);
    if (in != NULL)
        fclose(in);
    free(path);
    free(text);
    return manifest;
}

/* *out is NULL when there is no manifest. False with a sentence. */
static bool find_manifest(const struct import_file *file, struct json_document **out)
{
    char why[MANIFEST_WHY_LEN];
    char *directory = directory_of(file);
    enum manifest_found found = manifest_look(directory, why);
    *out = found == MANIFEST_FINE ? read_manifest(directory) : NULL;
    free(directory);
    if (found == MANIFEST_REFUSED)
        cli_complain("%s", why);
    return found != MANIFEST_REFUSED;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static int look_at_all(struct import_file *files, struct json_document *manifest, struct progress *progress)
{
    struct look look = {.progress = progress};
    int status = EXIT_FINE;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && status == EXIT_FINE; ++i) {
        if (files[i].path == NULL)
            continue;
        look.file = &files[i];
        status = look_at_file(&look, manifest);
        look.bytes_before += files[i].data.len;
    }
    return status;
}

int import_look(struct import_file files[SCHEMA_EXPORTED_COUNT])
{
    struct json_document *manifest;
    struct progress progress;
    const struct import_file *any = NULL;
    uint64_t bytes = 0;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i) {
        any = files[i].path != NULL ? &files[i] : any;
        bytes += files[i].data.len;
    }
    assert(any != NULL);
    if (!find_manifest(any, &manifest))
        return EXIT_FAILED;
    progress_begin(&progress, "bytes looked at", bytes);
    int status = look_at_all(files, manifest, &progress);
    progress_end(&progress);
    if (manifest != NULL)
        json_free(manifest);
    return status;
}

/*
 * The files of an import: which there are, what their columns mean, and the walk over their rows. A file is mapped, so
 * that rows can be visited in another order than they lie, and a cell is a view into it where nothing was escaped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

#include "import_private.h"

#define SUFFIX_CSV ".csv"
#define SUFFIX_NDJSON ".ndjson"

/* ---- sentences ------------------------------------------------------------------------------------------------- */

static void show_psql(const struct import_file *file, struct buffer *out)
{
    buffer_printf(out, "psql writes it with: \\copy \"%s\" TO '%s' CSV HEADER", file->table->name, file->name);
}

__attribute__((format(printf, 2, 3))) static bool complain_of_head(const struct import_file *file, const char *format,
                                                                   ...)
{
    struct buffer text = {0};
    char *sentence;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&sentence, format, arguments) < 0)
        abort();
    va_end(arguments);
    buffer_printf(&text, "%s %s; ", file->path, sentence);
    show_psql(file, &text);
    buffer_append(&text, "", 1);
    cli_complain("%s", text.data);
    buffer_dispose(&text);
    free(sentence);
    return false;
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

int import_member_find(const struct import_table *table, struct bytes name, unsigned *rank)
{
    for (int member = 0; member < IMPORT_MEMBERS_MAX && table->members[member].names[0] != NULL; ++member)
        for (*rank = 0; *rank < IMPORT_NAMES_MAX && table->members[member].names[*rank] != NULL; ++*rank)
            if (bytes_equal(name, bytes_of_string(table->members[member].names[*rank])))
                return member;
    return IMPORT_NO_MEMBER;
}

/* Columns of our own that are computed, and so not read, are no news. */
static bool is_computed(const struct import_table *table, struct bytes name)
{
    const struct schema *schema = schemas[table->kind];
    for (unsigned i = 0; i < schema->column_count; ++i)
        if (bytes_equal(name, bytes_of_string(schema->columns[i].name)))
            return true;
    return false;
}

void import_note_unknown(struct import_file *file, struct bytes name)
{
    if (file->unknown_count == IMPORT_UNKNOWN_MAX || is_computed(file->table, name))
        return;
    for (size_t i = 0; i < file->unknown_count; ++i)
        if (bytes_equal(name, bytes_of_string(file->unknown[i])))
            return;
    file->unknown[file->unknown_count++] = bytes_dup(name);
}

void import_name_unknown(struct import_file *file)
{
    struct buffer names = {0};
    for (size_t i = 0; i < file->unknown_count; ++i) {
        buffer_printf(&names, "%s\"%.60s\"", i == 0 ? "" : ", ", file->unknown[i]);
        free(file->unknown[i]);
    }
    if (file->unknown_count == IMPORT_UNKNOWN_MAX)
        buffer_append_string(&names, " and perhaps more");
    buffer_append(&names, "", 1);
    if (file->unknown_count != 0)
        cli_complain("note: %s has columns that are not known here and are passed over: %s", file->path, names.data);
    file->unknown_count = 0;
    buffer_dispose(&names);
}

/* The column that is read for a member: the first of its names that the file has. */
static bool find_column(const struct import_file *file, const struct bytes *names, int member, size_t *out)
{
    const struct import_member *wanted = &file->table->members[member];
    for (unsigned rank = 0; rank < IMPORT_NAMES_MAX && wanted->names[rank] != NULL; ++rank)
        for (size_t i = 0; i < file->column_count; ++i)
            if (bytes_equal(names[i], bytes_of_string(wanted->names[rank]))) {
                *out = i;
                return true;
            }
    return false;
}

static bool names_are_distinct(const struct import_file *file, const struct bytes *names)
{
    for (size_t i = 0; i < file->column_count; ++i)
        for (size_t j = 0; j < i; ++j)
            if (bytes_equal(names[i], names[j]))
                return complain_of_head(file, "names the column \"%.*s\" twice", (int)names[i].len, names[i].data);
    return true;
}

/* A first line without a single name that is known is most likely a row. */
static bool names_are_a_head(const struct import_file *file, const struct bytes *names)
{
    for (size_t i = 0; i < file->column_count; ++i) {
        unsigned rank;
        if (import_member_find(file->table, names[i], &rank) != IMPORT_NO_MEMBER || is_computed(file->table, names[i]))
            return true;
    }
    return complain_of_head(
        file, "does not begin with the names of its columns, separated by commas, as CSV HEADER gives them");
}

static bool assign_columns(struct import_file *file, const struct bytes *names)
{
    for (size_t i = 0; i < file->column_count; ++i)
        file->columns[i] = IMPORT_NO_MEMBER;
    for (int member = 0; member < IMPORT_MEMBERS_MAX; ++member) {
        const struct import_member *wanted = &file->table->members[member];
        size_t column;
        if (find_column(file, names, member, &column))
            file->columns[column] = member;
        else if (wanted->is_required)
            return complain_of_head(file, "has no column \"%s\"", wanted->names[0]);
    }
    for (size_t i = 0; i < file->column_count; ++i)
        if (file->columns[i] == IMPORT_NO_MEMBER)
            import_note_unknown(file, names[i]);
    return true;
}

static bool read_names(struct import_file *file, struct bytes names[IMPORT_COLUMNS_MAX])
{
    buffer_clear(&file->scratch);
    buffer_reserve(&file->scratch, file->csv.text.len);
    for (size_t i = 0; i < file->csv.field_count; ++i) {
        names[i] = csv_value(&file->csv.fields[i], &file->scratch);
        if (!utf8_valid(names[i]))
            return complain_of_head(file, "does not begin with the names of its columns in UTF-8");
    }
    file->column_count = file->csv.field_count;
    return names_are_a_head(file, names) && names_are_distinct(file, names) && assign_columns(file, names);
}

static bool read_head(struct import_file *file)
{
    struct bytes names[IMPORT_COLUMNS_MAX];
    if (file->data.len == file->first_offset)
        return complain_of_head(file, "is empty, without the names of its columns");
    csv_read(bytes_view(file->data.data + file->first_offset, file->data.len - file->first_offset), &file->csv);
    if (file->csv.field_count > IMPORT_COLUMNS_MAX || file->csv.is_open || file->csv.has_stray_quote ||
        file->csv.text.len > IMPORT_ROW_LEN_MAX)
        return complain_of_head(file, "does not begin with the names of its columns, %d of them at most",
                                IMPORT_COLUMNS_MAX);
    file->first_offset += file->csv.len;
    file->first_line += file->csv.lines;
    return read_names(file, names);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static bool complain_of_file(const char *path, const char *why)
{
    cli_complain("%s can't be read: %s", path, why);
    return false;
}

static bool map(struct import_file *file, int fd)
{
    struct stat there;
    if (fstat(fd, &there) != 0)
        return complain_of_file(file->path, strerror(errno));
    if (!S_ISREG(there.st_mode))
        return complain_of_file(file->path, "it is not a file");
    if (there.st_size > IMPORT_FILE_LEN_MAX)
        return complain_of_file(file->path, "it is larger than 1 TiB");
    if (there.st_size == 0)
        return true;
    void *data = mmap(NULL, (size_t)there.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return complain_of_file(file->path, strerror(errno));
    file->data = bytes_view(data, (size_t)there.st_size);
    return true;
}

/* A byte order mark, which some programs put at the front, is passed over. */
static void find_begin(struct import_file *file)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    bool has_mark = file->data.len >= sizeof(mark) && memcmp(file->data.data, mark, sizeof(mark)) == 0;
    file->first_offset = has_mark ? sizeof(mark) : 0;
    file->first_line = 1;
}

/* Takes path, which the file frees. */
static bool open_file(struct import_file *file, size_t table, bool is_csv, char *path)
{
    const char *slash = strrchr(path, '/');
    *file = (struct import_file){
        .table = &import_tables[table], .path = path, .name = slash != NULL ? slash + 1 : path, .is_csv = is_csv};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return complain_of_file(path, strerror(errno));
    bool is_fine = map(file, fd);
    close(fd);
    if (!is_fine)
        return false;
    find_begin(file);
    return !is_csv || read_head(file);
}

void import_file_close(struct import_file *file)
{
    if (file->path == NULL)
        return;
    if (file->data.len != 0)
        munmap((void *)(uintptr_t)file->data.data, file->data.len);
    for (size_t i = 0; i < file->unknown_count; ++i)
        free(file->unknown[i]);
    if (file->json != NULL)
        json_free(file->json);
    buffer_dispose(&file->scratch);
    free(file->places);
    free(file->path);
    *file = (struct import_file){0};
}

void import_files_close(struct import_file files[SCHEMA_EXPORTED_COUNT])
{
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i)
        import_file_close(&files[i]);
}

/* ---- finding --------------------------------------------------------------------------------------------------- */

static char *join(const char *directory, const char *name, const char *suffix)
{
    char *path;
    size_t len = strlen(directory);
    if (asprintf(&path, "%s%s%s%s", directory, len != 0 && directory[len - 1] == '/' ? "" : "/", name, suffix) < 0)
        abort();
    return path;
}

static bool exists(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 || errno != ENOENT;
}

static bool open_table(struct import_file *file, size_t table, const char *directory)
{
    const char *name = import_tables[table].name;
    char *csv = join(directory, name, SUFFIX_CSV), *ndjson = join(directory, name, SUFFIX_NDJSON);
    bool has_csv = exists(csv), has_ndjson = exists(ndjson), is_fine = true;
    if (has_csv && has_ndjson) {
        cli_complain("there are both %s and %s; leave one of them, or name it alone", csv, ndjson);
        is_fine = false;
    } else if (has_csv || has_ndjson) {
        char *path = has_csv ? csv : ndjson;
        *(has_csv ? &csv : &ndjson) = NULL;
        is_fine = open_file(file, table, has_csv, path);
    }
    free(csv);
    free(ndjson);
    return is_fine;
}

#define EXPECTED                                                                                                       \
    "organizations, erasures, visitors, conversations, messages, aliases and notes, each with .ndjson or .csv behind " \
    "it, "                                                                                                             \
    "are read; not all of them need to be there"

static bool open_directory(struct import_file *files, const char *path)
{
    size_t count = 0;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT; ++i) {
        if (!open_table(&files[i], i, path))
            return false;
        count += files[i].path != NULL;
    }
    if (count == 0)
        cli_complain("there is nothing to import in %s: " EXPECTED, path);
    return count != 0;
}

/* "visitors.csv", and what it is. */
static bool is_table_file(const char *path, size_t *table, bool *is_csv)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (*table = 0; *table < SCHEMA_EXPORTED_COUNT; ++*table) {
        size_t len = strlen(import_tables[*table].name);
        if (strncmp(name, import_tables[*table].name, len) != 0)
            continue;
        *is_csv = strcmp(name + len, SUFFIX_CSV) == 0;
        if (*is_csv || strcmp(name + len, SUFFIX_NDJSON) == 0)
            return true;
    }
    return false;
}

static bool open_single(struct import_file *files, const char *path)
{
    size_t table;
    bool is_csv;
    if (is_table_file(path, &table, &is_csv))
        return open_file(&files[table], table, is_csv, bytes_dup(bytes_of_string(path)));
    cli_complain("%s does not say by its name what is in it: " EXPECTED, path);
    return false;
}

bool import_files_open(struct import_file files[SCHEMA_EXPORTED_COUNT], const char *path)
{
    struct stat there;
    memset(files, 0, SCHEMA_EXPORTED_COUNT * sizeof(*files));
    if (stat(path, &there) != 0)
        return complain_of_file(path, strerror(errno));
    return S_ISDIR(there.st_mode) ? open_directory(files, path) : open_single(files, path);
}

/* ---- walking --------------------------------------------------------------------------------------------------- */

struct import_cursor import_begin(const struct import_file *file)
{
    return (struct import_cursor){.offset = file->first_offset, .line = file->first_line};
}

/* Reads the record at the cursor, which must not be at the end, and moves the cursor behind it. */
static void read_record(struct import_file *file, struct import_cursor *cursor, struct import_record *record)
{
    struct bytes rest = bytes_view(file->data.data + cursor->offset, file->data.len - cursor->offset);
    size_t len;
    record->line = cursor->line;
    if (file->is_csv) {
        csv_read(rest, &file->csv);
        record->text = file->csv.text;
        cursor->line += file->csv.lines;
        len = file->csv.len;
    } else {
        const char *end = memchr(rest.data, '\n', rest.len);
        len = end != NULL ? (size_t)(end - rest.data) + 1 : rest.len;
        record->text = bytes_view(rest.data, len - (end != NULL));
        if (record->text.len != 0 && record->text.data[record->text.len - 1] == '\r')
            --record->text.len;
        cursor->line += end != NULL;
    }
    cursor->offset += len;
}

static bool next_place(struct import_file *file, struct import_cursor *cursor, struct import_record *record)
{
    if (cursor->nth == file->rows)
        return false;
    const struct import_place *place = &file->places[cursor->nth++];
    cursor->offset = (size_t)((place->time_and_offset & 0xffff) << 24 | place->offset_and_line >> 40);
    cursor->line = place->offset_and_line & ((UINT64_C(1) << 40) - 1);
    read_record(file, cursor, record);
    return true;
}

bool import_next(struct import_file *file, struct import_cursor *cursor, struct import_record *record)
{
    if (file->places != NULL)
        return next_place(file, cursor, record);
    while (cursor->offset < file->data.len) {
        read_record(file, cursor, record);
        if (record->text.len != 0) /* an empty line holds no row */
            return true;
    }
    return false;
}

/* ---- cells ----------------------------------------------------------------------------------------------------- */

static bool csv_is_fit(const struct import_file *file, struct import_reason *reason)
{
    const struct csv_record *record = &file->csv;
    if (record->is_open)
        return import_refuse(reason, "a quote is not closed before the end of the file, so that nothing behind it "
                                     "could be read");
    if (record->has_stray_quote)
        return import_refuse(reason, "a quote stands within a field, or something behind a closing quote");
    if (record->field_count != file->column_count) {
        import_refuse(reason, "the number of fields is not the number of columns");
        snprintf(reason->detail, sizeof(reason->detail), "%zu in place of %zu", record->field_count,
                 file->column_count);
        return false;
    }
    if (!utf8_valid(record->text))
        return import_refuse(reason, "the row is not UTF-8");
    if (memchr(record->text.data, '\0', record->text.len) != NULL)
        return import_refuse(reason, "the row holds the character NUL");
    return true;
}

static bool read_csv_cells(struct import_file *file, struct import_record *record, struct import_reason *reason)
{
    if (!csv_is_fit(file, reason))
        return false;
    for (unsigned i = 0; i < IMPORT_MEMBERS_MAX; ++i)
        record->cells[i] = BYTES_NONE;
    buffer_clear(&file->scratch);
    buffer_reserve(&file->scratch, record->text.len);
    for (size_t i = 0; i < file->column_count; ++i)
        if (file->columns[i] != IMPORT_NO_MEMBER)
            record->cells[file->columns[i]] = csv_value(&file->csv.fields[i], &file->scratch);
    return true;
}

bool import_cells(struct import_file *file, struct import_record *record, struct import_reason *reason)
{
    bool is_open = file->is_csv && file->csv.is_open; /* the better reason */
    if (record->text.len > IMPORT_ROW_LEN_MAX && !is_open)
        return import_refuse(reason, "the row is longer than %d bytes", IMPORT_ROW_LEN_MAX);
    return (file->is_csv ? read_csv_cells : import_json_cells)(file, record, reason);
}

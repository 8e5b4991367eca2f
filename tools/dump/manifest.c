/* The manifest in and out. The importer asks little of it, so that an export can be put together or repaired by hand:
 * a directory without a manifest is as good as one with it. */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/version.h"

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void put_file(struct buffer *out, const struct manifest_file *file)
{
    if (file->name[0] == '\0')
        return;
    json_member_string(out, "file", bytes_of_string(file->name));
    json_member_integer(out, "bytes", (int64_t)file->bytes);
    json_member_string(out, "sha256", bytes_of_string(file->sha256));
}

static void put_key(struct buffer *out, struct bytes name, struct bytes key)
{
    json_key(out, name);
    if (key.data == NULL)
        json_put_literal(out, "null");
    else
        json_put_string(out, key);
}

static void put_tables(struct buffer *out, const struct manifest *manifest)
{
    json_key(out, BYTES("tables"));
    json_open(out, '{');
    for (size_t i = 0; i < manifest->table_count; ++i) {
        json_key(out, bytes_of_string(manifest->tables[i].name));
        json_open(out, '{');
        json_member_integer(out, "rows", (int64_t)manifest->tables[i].rows);
        put_file(out, &manifest->tables[i].file);
        json_close(out, '}');
    }
    json_close(out, '}');
}

void manifest_put(struct buffer *out, const struct manifest *manifest)
{
    json_open(out, '{');
    json_member_string(out, "format", BYTES(MANIFEST_FORMAT));
    json_member_string(out, "version", BYTES(MANIFEST_VERSION));
    json_member_string(out, "kind", bytes_of_string(manifest->kind));
    json_member_string(out, "helvino", BYTES(HELVINO_VERSION));
    json_member_integer(out, "sequence", (int64_t)manifest->sequence);
    json_member_time(out, "madeAt", manifest->made_at_ms);
    put_key(out, BYTES("organisation"), manifest->organisation);
    put_key(out, BYTES("visitor"), manifest->visitor);
    json_member_bool(out, "csvSafe", manifest->csv_safe);
    put_file(out, &manifest->file);
    put_tables(out, manifest);
    json_close(out, '}');
    buffer_append_string(out, "\n");
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* A look at one manifest. */
struct look {
    const char *directory;
    char *path;
    char *why;
};

__attribute__((format(printf, 2, 3))) static enum manifest_found refuse(const struct look *look, const char *format,
                                                                        ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(look->why, MANIFEST_WHY_LEN, format, args);
    va_end(args);
    return MANIFEST_REFUSED;
}

/* False with errno. */
static bool read_whole(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len;
    while ((len = read(fd, buffer_reserve(out, 65536), 65536)) > 0 && out->len <= MANIFEST_LEN_MAX)
        out->len += (size_t)len;
    int error = len < 0 ? errno : out->len > MANIFEST_LEN_MAX ? EFBIG : 0;
    close(fd);
    errno = error;
    return error == 0;
}

static bool member_text(const struct json_value *object, const char *name, struct bytes *out)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_string(value, out);
}

/* The number before the point; 0 when there is none. */
static unsigned version_major(const struct json_value *root)
{
    struct bytes text;
    unsigned major = 0;
    if (!member_text(root, "version", &text))
        return 0;
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && major < 1000; ++i)
        major = 10 * major + (unsigned)(text.data[i] - '0');
    return major;
}

/* A copy that was cut short is noticed before a row of it is taken. */
static enum manifest_found check_length(const struct look *look, const struct json_value *table)
{
    struct bytes name;
    int64_t bytes;
    struct stat file;
    const struct json_value *length = table != NULL ? json_member(table, "bytes") : NULL;
    if (length == NULL || !json_integer(length, &bytes) || !member_text(table, "file", &name) ||
        name.len > MANIFEST_FILE_LEN_MAX || memchr(name.data, '/', name.len) != NULL)
        return MANIFEST_FINE;
    struct buffer path = {0};
    buffer_printf(&path, "%s/%.*s", look->directory, (int)name.len, name.data);
    buffer_append(&path, "", 1);
    bool is_there = stat(path.data, &file) == 0;
    buffer_dispose(&path);
    if (!is_there)
        return refuse(look, "%.*s is missing, which %s names; if that is meant, remove %s", (int)name.len, name.data,
                      MANIFEST_NAME, look->path);
    if (file.st_size != bytes)
        return refuse(look, "%.*s has %" PRId64 " bytes where %s says %" PRId64 "; if that is meant, remove %s",
                      (int)name.len, name.data, (int64_t)file.st_size, MANIFEST_NAME, bytes, look->path);
    return MANIFEST_FINE;
}

static enum manifest_found check_lengths(const struct look *look, const struct json_value *root)
{
    const struct json_value *tables = json_member(root, "tables");
    enum manifest_found found = MANIFEST_FINE;
    for (size_t i = 0; i < SCHEMA_EXPORTED_COUNT && found == MANIFEST_FINE && tables != NULL; ++i)
        found = check_length(look, json_member(tables, schemas[schema_export_order[i]]->name));
    return found;
}

static enum manifest_found judge(const struct look *look, const struct json_value *root)
{
    struct bytes format;
    bool csv_safe = false;
    const struct json_value *safe = json_member(root, "csvSafe");
    if (!member_text(root, "format", &format) || !bytes_equal(format, BYTES(MANIFEST_FORMAT)) ||
        version_major(root) == 0)
        return refuse(look, "%s is not the manifest of a helvino export; remove it if the rows are from elsewhere",
                      look->path);
    if (version_major(root) > MANIFEST_VERSION_MAJOR)
        return refuse(look, "this export was made by a newer helvino, in a form that this one can't read (%s)",
                      look->path);
    if (safe != NULL && json_bool(safe, &csv_safe) && csv_safe)
        return refuse(look,
                      "this export was made with --csv-safe on: texts in it have a ' that is not theirs, so it is "
                      "not for import; export again without it");
    return check_lengths(look, root);
}

static enum manifest_found look_at(const struct look *look)
{
    struct buffer text = {0};
    const char *sentence;
    enum manifest_found found;
    if (!read_whole(look->path, &text)) {
        found = errno == ENOENT ? MANIFEST_NONE : refuse(look, "%s can't be read: %s", look->path, strerror(errno));
    } else {
        struct json_document *document = json_parse_object(buffer_view(&text), &sentence);
        found = document != NULL ? judge(look, json_root(document))
                                 : refuse(look, "%s is not valid JSON, so this is no whole export", look->path);
        if (document != NULL)
            json_free(document);
    }
    buffer_dispose(&text);
    return found;
}

enum manifest_found manifest_look(const char *directory, char why[MANIFEST_WHY_LEN])
{
    struct buffer path = {0};
    buffer_printf(&path, "%s/%s", directory, MANIFEST_NAME);
    buffer_append(&path, "", 1);
    enum manifest_found found = look_at(&(struct look){directory, path.data, why});
    buffer_dispose(&path);
    return found;
}

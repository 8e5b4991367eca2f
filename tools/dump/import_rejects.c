/*
 * What could not be taken: a line for each row, so that nothing is dropped silently and all of it can be mended and
 * imported again. Reasons are counted by their kind; what a single row has is in its line alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/text.h"

#include "import_private.h"

/* ---- reasons --------------------------------------------------------------------------------------------------- */

bool import_refuse(struct import_reason *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->kind, sizeof(reason->kind), format, arguments);
    va_end(arguments);
    reason->detail[0] = '\0';
    reason->is_erased = false;
    return false;
}

bool import_refuse_text(struct import_reason *reason, struct bytes text)
{
    const size_t len_max = IMPORT_DETAIL_LEN - sizeof("\"…\"");
    struct bytes shown = utf8_cut(text, len_max);
    snprintf(reason->detail, sizeof(reason->detail), "\"%.*s%s\"", (int)shown.len, shown.data,
             shown.len < text.len ? "…" : "");
    return false;
}

bool import_refuse_id(struct import_reason *reason, struct id id)
{
    char text[ID_TEXT_LEN];
    id_format(id, text);
    snprintf(reason->detail, sizeof(reason->detail), "%.*s", ID_TEXT_LEN, text);
    return false;
}

static void count_reason(struct import_rejects *rejects, const struct import_table *table, const char *kind)
{
    size_t i = 0;
    while (i < rejects->reason_count &&
           (rejects->reasons[i].table != table || strcmp(rejects->reasons[i].kind, kind) != 0))
        ++i;
    if (i == IMPORT_REASONS_MAX) {
        ++rejects->other_reasons;
        return;
    }
    if (i == rejects->reason_count) {
        ++rejects->reason_count;
        rejects->reasons[i].table = table;
        snprintf(rejects->reasons[i].kind, IMPORT_REASON_LEN, "%s", kind);
    }
    ++rejects->reasons[i].count;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static bool open_rejects(struct import_rejects *rejects)
{
    struct stat there;
    rejects->has_replaced = stat(rejects->path, &there) == 0 && S_ISREG(there.st_mode);
    rejects->is_open = sink_create(&rejects->sink, rejects->path, false);
    if (!rejects->is_open) {
        cli_complain("%s, where the rows that can't be taken belong, can't be written: %s", rejects->path,
                     partial_reason(errno));
        rejects->has_failed = true;
    }
    return rejects->is_open;
}

/* The length of the character that the text begins with; 0 when it is malformed. */
static size_t character_len(struct bytes text)
{
    for (size_t len = 1; len <= 4 && len <= text.len; ++len)
        if (utf8_valid(bytes_view(text.data, len)))
            return len;
    return 0;
}

/* As JSON asks for it: what is not UTF-8 is shown as U+FFFD. */
static void append_as_utf8(struct buffer *out, struct bytes text)
{
    if (utf8_valid(text)) {
        buffer_append(out, text.data, text.len);
        return;
    }
    for (size_t at = 0; at < text.len;) {
        size_t len = character_len(bytes_view(text.data + at, text.len - at));
        if (len == 0)
            buffer_append_string(out, "\xef\xbf\xbd");
        else
            buffer_append(out, text.data + at, len);
        at += len != 0 ? len : 1;
    }
}

static struct bytes cut(struct bytes text)
{
    return text.len > IMPORT_REJECTED_ROW_LEN_MAX ? bytes_view(text.data, IMPORT_REJECTED_ROW_LEN_MAX) : text;
}

static void put_line(struct buffer *out, const struct import_file *file, uint64_t line, struct bytes row,
                     const struct import_reason *reason)
{
    struct buffer text = {0};
    buffer_append_string(&text, reason->kind);
    if (reason->detail[0] != '\0')
        buffer_append_string(&text, ": ");
    append_as_utf8(&text, bytes_of_string(reason->detail));
    json_open(out, '{');
    json_member_string(out, "file", bytes_of_string(file->name));
    json_member_integer(out, "line", (int64_t)line);
    json_member_string(out, "reason", buffer_view(&text));
    buffer_clear(&text);
    append_as_utf8(&text, cut(row));
    json_member_string(out, "row", buffer_view(&text));
    json_close(out, '}');
    buffer_append(out, "\n", 1);
    buffer_dispose(&text);
}

bool import_reject(struct import_rejects *rejects, const struct import_file *file, uint64_t line, struct bytes row,
                   const struct import_reason *reason)
{
    if (rejects->has_failed || (!rejects->is_open && !open_rejects(rejects)))
        return false;
    ++rejects->count;
    count_reason(rejects, file->table, reason->kind);
    put_line(&rejects->sink.buffer, file, line, row, reason);
    if (sink_flush_if_full(&rejects->sink))
        return true;
    rejects->has_failed = true;
    sink_explain(&rejects->sink, rejects->path);
    return false;
}

bool import_rejects_finish(struct import_rejects *rejects)
{
    if (!rejects->is_open)
        return !rejects->has_failed;
    rejects->is_open = false;
    if (rejects->has_failed) {
        sink_abandon(&rejects->sink);
        return false;
    }
    rejects->has_failed = !sink_finish(&rejects->sink, NULL);
    if (rejects->has_failed)
        sink_explain(&rejects->sink, rejects->path);
    return !rejects->has_failed;
}

void import_rejects_print(const struct import_rejects *rejects)
{
    if (rejects->count == 0)
        return;
    fprintf(stderr, "\nrejected:\n");
    for (size_t i = 0; i < rejects->reason_count; ++i)
        fprintf(stderr, "  %" PRIu64 " of %s: %s\n", rejects->reasons[i].count, rejects->reasons[i].table->name,
                rejects->reasons[i].kind);
    if (rejects->other_reasons != 0)
        fprintf(stderr, "  %" PRIu64 " for other reasons\n", rejects->other_reasons);
    if (!rejects->has_failed)
        fprintf(stderr, "%s has each with its file, line and reason%s\n", rejects->path,
                rejects->has_replaced ? " (it replaced an older file of that name)" : "");
}

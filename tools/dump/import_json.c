/* A line of ndjson: one object, its members by name in any order. The document lives in the file until the next line.
 */
#include <inttypes.h>

#include "base/json.h"

#include "import_private.h"

#define NUMBER_ROOM 24 /* digits, a sign and a NUL */

struct filling {
    struct import_file *file;
    struct import_record *record;
    struct import_reason *reason;
    unsigned ranks[IMPORT_MEMBERS_MAX]; /* of the name that a cell has been read from */
    bool is_refused;
};

/* For the digits of a number; scratch has room for one in every cell. */
static struct bytes digits_of(struct buffer *scratch, int64_t number)
{
    size_t begin = scratch->len;
    buffer_printf(scratch, "%" PRId64, number);
    return bytes_view(scratch->data + begin, scratch->len - begin);
}

/* Booleans as PostgreSQL writes them, so that both forms of a file give the same cells. */
static bool read_value(const struct json_value *value, struct bytes *out)
{
    bool flag;
    if (json_bool(value, &flag)) {
        *out = flag ? BYTES("t") : BYTES("f");
        return true;
    }
    *out = BYTES_NONE;
    return json_is_null(value) || json_string(value, out);
}

static bool read_number(struct buffer *scratch, const struct json_value *value, struct bytes *out)
{
    int64_t number;
    if (json_integer(value, &number))
        *out = digits_of(scratch, number);
    return out->data != NULL;
}

static void on_member(void *context, struct bytes name, const struct json_value *value)
{
    struct filling *filling = context;
    unsigned rank;
    int member = import_member_find(filling->file->table, name, &rank);
    if (member == IMPORT_NO_MEMBER) {
        import_note_unknown(filling->file, name);
    } else if (rank < filling->ranks[member]) {
        const struct import_member *known = &filling->file->table->members[member];
        struct bytes *cell = &filling->record->cells[member];
        filling->ranks[member] = rank;
        if ((known->is_number && read_number(&filling->file->scratch, value, cell)) || read_value(value, cell))
            return;
        filling->is_refused = true;
        import_refuse(filling->reason, "%s is neither a %s nor a boolean nor null", known->names[rank],
                      known->is_number ? "whole number" : "text");
    }
}

bool import_json_cells(struct import_file *file, struct import_record *record, struct import_reason *reason)
{
    const char *sentence;
    struct filling filling = {.file = file, .record = record, .reason = reason};
    if (file->json != NULL)
        json_free(file->json);
    file->json = json_parse_object(record->text, &sentence);
    if (file->json == NULL) {
        import_refuse(reason, "the line is not one JSON object in UTF-8");
        return import_refuse_text(reason, bytes_of_string(sentence));
    }
    buffer_clear(&file->scratch);
    buffer_reserve(&file->scratch, IMPORT_MEMBERS_MAX * IMPORT_NAMES_MAX * NUMBER_ROOM);
    for (unsigned i = 0; i < IMPORT_MEMBERS_MAX; ++i) {
        filling.ranks[i] = IMPORT_NAMES_MAX;
        record->cells[i] = BYTES_NONE;
    }
    json_each_member(json_root(file->json), on_member, &filling);
    return !filling.is_refused;
}

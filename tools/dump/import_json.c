/* A line of ndjson: one object, its members by name in any order. The document lives in the file until the next line.
 */
#include "base/json.h"

#include "import_private.h"

struct filling {
    struct import_file *file;
    struct import_record *record;
    struct import_reason *reason;
    unsigned ranks[IMPORT_MEMBERS_MAX]; /* of the name that a cell has been read from */
    bool is_refused;
};

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

static void on_member(void *context, struct bytes name, const struct json_value *value)
{
    struct filling *filling = context;
    unsigned rank;
    int member = import_member_find(filling->file->table, name, &rank);
    if (member == IMPORT_NO_MEMBER) {
        import_note_unknown(filling->file, name);
    } else if (rank < filling->ranks[member]) {
        filling->ranks[member] = rank;
        if (!read_value(value, &filling->record->cells[member])) {
            filling->is_refused = true;
            import_refuse(filling->reason, "%s is neither a text nor a boolean nor null",
                          filling->file->table->members[member].names[rank]);
        }
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
    for (unsigned i = 0; i < IMPORT_MEMBERS_MAX; ++i) {
        filling.ranks[i] = IMPORT_NAMES_MAX;
        record->cells[i] = BYTES_NONE;
    }
    json_each_member(json_root(file->json), on_member, &filling);
    return !filling.is_refused;
}

/*
 * A scan steps over LMDB entries and decodes a row's asked-for fields in one pass. Views into the map are good for the
 * whole snapshot, so nothing is copied.
 *
 * The path by time goes along an index of minutes in which stale entries are allowed: it takes a run of whole minutes
 * (a few entries at first, so that a LIMIT is answered at once; thousands later), looks their records up in order of
 * id, since neighbours then share pages, drops what is stale, and hands the run out in exact order of time. Several
 * organisations are merged minute by minute.
 */
#include "scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define RUN_ENTRIES_FIRST 64
#define RUN_ENTRIES_MAX 8192

union any_record {
#define RECORD(name, table, sql_name, use) struct name name;
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define COMPUTED(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END
};

/* One organisation's entries of an index of minutes. */
struct stream {
    struct id org;
    struct cursor *cursor;
    enum error error; /* ERR_NOT_FOUND: at its end */
    uint32_t minute;
    struct id id;
};

/* An entry of a run, and the record that it leads to. */
struct candidate {
    uint32_t minute;
    struct id id;
    int64_t time_ms;
    struct bytes value;
};

struct scan {
    struct snapshot *snapshot;
    struct txn *txn;
    const struct schema *schema;
    const struct shape *shape;
    struct scan_request request;
    uint64_t fields; /* to decode, by their index in the shape */
    int org_field;   /* -1: the organisations themselves */

    bool is_fresh;          /* started, and not stepped yet */
    struct cursor *cursor;  /* of ALL, CONVERSATION and ORG */
    struct cursor *index;   /* of ORG */
    size_t next_org;        /* of KEY */
    struct id next;         /* of VISITOR */
    uint64_t steps_left;    /* of VISITOR: a chain that runs in a circle is damage */
    struct stream *streams; /* of TIME */
    size_t stream_count;
    struct candidate *run;
    size_t run_len, run_at, run_room, run_wanted;

    union any_record row;
    bool has_activity;
    struct conversation_activity activity;
};

/* ---- decoding -------------------------------------------------------------------------------------------------- */

static void *member_of(struct scan *scan, unsigned field)
{
    return (char *)&scan->row + scan->shape->fields[field].offset;
}

/* The parts of a key are the shape's first fields; a text can only be the last of them. */
static void read_key(struct scan *scan, struct bytes key)
{
    size_t offset = 0;
    for (unsigned i = 0; i < scan->shape->field_count && scan->shape->fields[i].is_key; ++i) {
        void *member = member_of(scan, i);
        switch (scan->shape->fields[i].type) {
        case FIELD_ID:
            *(struct id *)member = key_get_id(key, &offset);
            break;
        case FIELD_UINT:
            *(uint64_t *)member = key_get_u64(key, &offset);
            break;
        default:
            *(struct bytes *)member = bytes_view(key.data + offset, key.len - offset);
        }
    }
}

/* Whether the row counts: its organisation is there. */
static bool is_of_an_org(struct scan *scan)
{
    if (!scan->snapshot->has_deleted)
        return true;
    if (scan->org_field < 0)
        return !scan->row.org.deleted;
    return snapshot_has_org(scan->snapshot, *(struct id *)member_of(scan, (unsigned)scan->org_field));
}

/* OK, ERR_CORRUPT, or ERR_NOT_FOUND for a row that does not count. */
static enum error take_row(struct scan *scan, struct bytes key, struct bytes value)
{
    read_key(scan, key);
    enum error error = codec_decode_some(scan->shape, value, scan->fields, &scan->row);
    if (error != OK)
        return error;
    scan->has_activity = false;
    ++scan->snapshot->rows_read;
    return is_of_an_org(scan) ? OK : ERR_NOT_FOUND;
}

static enum error take_by_id(struct scan *scan, struct id id)
{
    struct bytes key = bytes_view(id.bytes, ID_LEN), value;
    enum error error = table_get(scan->txn, scan->schema->table, key, &value);
    return error == OK ? take_row(scan, key, value) : error;
}

/* ---- all of a table -------------------------------------------------------------------------------------------- */

static struct cursor *main_cursor(struct scan *scan)
{
    if (scan->cursor == NULL)
        scan->cursor = cursor_open(scan->txn, scan->schema->table);
    return scan->cursor;
}

/* The smallest id behind this one; false when there is none. */
static bool id_successor(struct id *id)
{
    for (size_t i = ID_LEN; i-- > 0;)
        if (++id->bytes[i] != 0)
            return true;
    return false;
}

static enum error all_first(struct scan *scan, struct bytes *key, struct bytes *value)
{
    struct id bound = scan->request.id_max;
    if (!scan->request.descending)
        return cursor_seek(main_cursor(scan), bytes_view(scan->request.id_min.bytes, ID_LEN), key, value);
    bool is_bounded = id_successor(&bound);
    return cursor_seek_before(main_cursor(scan), is_bounded ? bytes_view(bound.bytes, ID_LEN) : BYTES_NONE, key, value);
}

static bool is_within(const struct scan *scan, struct bytes key)
{
    const struct id *bound = scan->request.descending ? &scan->request.id_min : &scan->request.id_max;
    int order = key.len < ID_LEN ? 0 : memcmp(key.data, bound->bytes, ID_LEN);
    return scan->request.descending ? order >= 0 : order <= 0;
}

/* Behind a conversation's messages lie its clientIds. */
static bool is_row(const struct scan *scan, struct bytes key)
{
    return scan->schema->table != TABLE_MESSAGES ||
           (key.len == ID_LEN + 8 && ((unsigned char)key.data[ID_LEN] & 0x80) == 0);
}

static enum error next_of_all(struct scan *scan)
{
    struct bytes key, value;
    enum error error, taken = ERR_NOT_FOUND;
    do {
        if (scan->is_fresh)
            error = all_first(scan, &key, &value);
        else
            error = (scan->request.descending ? cursor_previous : cursor_next)(scan->cursor, &key, &value);
        scan->is_fresh = false;
        if (error == OK && !is_within(scan, key))
            error = ERR_NOT_FOUND;
        if (error == OK && is_row(scan, key))
            taken = take_row(scan, key, value);
    } while (error == OK && taken == ERR_NOT_FOUND);
    return error == OK ? taken : error;
}

/* ---- one row, by its id or its key ------------------------------------------------------------------------------ */

static enum error next_by_id(struct scan *scan)
{
    if (!scan->is_fresh)
        return ERR_NOT_FOUND;
    scan->is_fresh = false;
    return take_by_id(scan, scan->request.id);
}

static enum error org_by_key(struct scan *scan)
{
    struct org org;
    if (scan->request.key.len == 0 || scan->request.key.len > ORG_KEY_LEN_MAX)
        return ERR_NOT_FOUND;
    enum error error = org_get_by_key(scan->txn, scan->request.key, &org);
    return error == OK ? take_by_id(scan, org.id) : error;
}

static enum error visitor_by_key(struct scan *scan, struct id org)
{
    struct id id;
    if (scan->request.key.len == 0 || scan->request.key.len > VISITOR_KEY_LEN_MAX)
        return ERR_NOT_FOUND;
    enum error error = visitor_id_by_key(scan->txn, org, scan->request.key, &id);
    return error == OK ? take_by_id(scan, id) : error;
}

static enum error next_by_key(struct scan *scan)
{
    bool is_fresh = scan->is_fresh;
    enum error error = ERR_NOT_FOUND;
    scan->is_fresh = false;
    if (scan->schema->kind == RECORD_ORGS)
        return is_fresh ? org_by_key(scan) : ERR_NOT_FOUND;
    if (scan->request.has_org)
        return is_fresh ? visitor_by_key(scan, scan->request.org) : ERR_NOT_FOUND;
    while (error == ERR_NOT_FOUND && scan->next_org < scan->snapshot->org_count)
        error = visitor_by_key(scan, scan->snapshot->orgs[scan->next_org++].id);
    return error;
}

/* ---- a visitor's conversations ---------------------------------------------------------------------------------- */

static enum error first_of_visitor(struct scan *scan)
{
    struct visitor visitor;
    enum error error = visitor_get(scan->txn, scan->request.id, &visitor);
    scan->next = error == OK ? visitor.last_conversation : ID_NONE;
    scan->steps_left = error == OK ? visitor.conversation_count : 0;
    return error;
}

static enum error next_of_visitor(struct scan *scan)
{
    enum error error = scan->is_fresh ? first_of_visitor(scan) : OK;
    scan->is_fresh = false;
    if (error != OK || id_is_none(scan->next))
        return error == OK ? ERR_NOT_FOUND : error;
    if (scan->steps_left-- == 0)
        return ERR_CORRUPT;
    error = take_by_id(scan, scan->next);
    if (error == OK)
        scan->next = scan->row.conversation.previous_of_visitor;
    return error;
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

static enum error next_of_conversation(struct scan *scan, struct id conversation, bool is_first)
{
    struct bytes key, value;
    enum error error = is_first ? cursor_seek(main_cursor(scan), bytes_view(conversation.bytes, ID_LEN), &key, &value)
                                : cursor_next(scan->cursor, &key, &value);
    if (error == OK && !message_key_is_of(key, conversation))
        error = ERR_NOT_FOUND;
    return error == OK ? take_row(scan, key, value) : error;
}

/* The conversation of the next entry of the activity index that is not stale. */
static enum error next_conversation_of_org(struct scan *scan, bool is_first)
{
    struct bytes key, value;
    struct conversation conversation;
    struct conversation_activity activity;
    for (;; is_first = false) {
        size_t key_offset = ID_LEN, offset = 0;
        enum error error = is_first
                               ? cursor_seek(scan->index, bytes_view(scan->request.org.bytes, ID_LEN), &key, &value)
                               : cursor_next(scan->index, &key, &value);
        if (error == OK && (key.len != ID_LEN + 8 || memcmp(key.data, scan->request.org.bytes, ID_LEN) != 0))
            return ERR_NOT_FOUND;
        if (error != OK)
            return error;
        error = conversation_get(scan->txn, key_get_id(value, &offset), &conversation);
        if (error == OK)
            error = conversation_activity(scan->txn, &conversation, &activity);
        if (error != OK && error != ERR_NOT_FOUND)
            return error;
        if (error == OK && activity.seq == key_get_u64(key, &key_offset) && activity.has_message) {
            scan->next = conversation.id;
            return OK;
        }
    }
}

static enum error next_of_org(struct scan *scan)
{
    bool is_first = scan->is_fresh;
    scan->is_fresh = false;
    if (scan->index == NULL)
        scan->index = cursor_open(scan->txn, TABLE_CONVERSATION_BY_ACTIVITY);
    if (!snapshot_has_org(scan->snapshot, scan->request.org))
        return ERR_NOT_FOUND;
    enum error error = is_first ? ERR_NOT_FOUND : next_of_conversation(scan, scan->next, false);
    while (error == ERR_NOT_FOUND) {
        error = next_conversation_of_org(scan, is_first);
        is_first = false;
        if (error != OK)
            return error;
        error = next_of_conversation(scan, scan->next, true);
    }
    return error;
}

/* ---- by time: streams ------------------------------------------------------------------------------------------- */

static enum table index_of(const struct scan *scan)
{
    return scan->schema->kind == RECORD_VISITORS ? TABLE_VISITOR_BY_SEEN : TABLE_CONVERSATION_BY_UPDATED;
}

/* Notes what the cursor found, if it is still the organisation's. */
static void stream_take(struct stream *stream, enum error error, struct bytes key)
{
    size_t offset = ID_LEN;
    stream->error = error;
    if (error != OK)
        return;
    if (key.len != 2 * ID_LEN + 4 || memcmp(key.data, stream->org.bytes, ID_LEN) != 0) {
        stream->error = ERR_NOT_FOUND;
        return;
    }
    stream->minute = key_get_u32(key, &offset);
    stream->id = key_get_id(key, &offset);
}

static uint32_t bound_minute(int64_t time_ms)
{
    return time_ms < 0 ? 0 : minute_of(time_ms > TIME_MS_MAX ? TIME_MS_MAX : time_ms);
}

static void stream_begin(const struct scan *scan, struct stream *stream)
{
    struct key bound;
    struct bytes key;
    bool descending = scan->request.descending;
    uint32_t minute =
        descending ? bound_minute(scan->request.time_max_ms) + 1 : bound_minute(scan->request.time_min_ms);
    key_clear(&bound);
    key_put_id(&bound, stream->org);
    key_put_u32(&bound, minute);
    enum error error = (descending ? cursor_seek_before : cursor_seek)(stream->cursor, key_view(&bound), &key, NULL);
    stream_take(stream, error, key);
}

static void stream_step(const struct scan *scan, struct stream *stream)
{
    struct bytes key;
    enum error error = (scan->request.descending ? cursor_previous : cursor_next)(stream->cursor, &key, NULL);
    stream_take(stream, error, key);
}

static bool is_beyond(const struct scan *scan, uint32_t minute)
{
    return scan->request.descending ? minute < bound_minute(scan->request.time_min_ms)
                                    : minute > bound_minute(scan->request.time_max_ms);
}

static void streams_close(struct scan *scan)
{
    for (size_t i = 0; i < scan->stream_count; ++i)
        cursor_close(scan->streams[i].cursor);
    free(scan->streams);
    scan->streams = NULL;
    scan->stream_count = 0;
}

static void streams_open(struct scan *scan)
{
    const struct snapshot *snapshot = scan->snapshot;
    size_t count = scan->request.has_org ? snapshot_has_org(snapshot, scan->request.org) : snapshot->org_count;
    streams_close(scan);
    scan->streams = calloc(count + 1, sizeof(*scan->streams));
    if (scan->streams == NULL)
        abort();
    for (size_t i = 0; i < count; ++i) {
        struct stream *stream = &scan->streams[i];
        stream->org = scan->request.has_org ? scan->request.org : snapshot->orgs[i].id;
        stream->cursor = cursor_open(scan->txn, index_of(scan));
        stream_begin(scan, stream);
    }
    scan->stream_count = count;
}

/* The next minute in the order of the scan that any stream has; ERR_NOT_FOUND when all are at their end. */
static enum error next_minute(const struct scan *scan, uint32_t *out)
{
    bool found = false;
    for (size_t i = 0; i < scan->stream_count; ++i) {
        const struct stream *stream = &scan->streams[i];
        if (stream->error != OK && stream->error != ERR_NOT_FOUND)
            return stream->error;
        if (stream->error != OK || is_beyond(scan, stream->minute))
            continue;
        if (!found || (scan->request.descending ? stream->minute > *out : stream->minute < *out))
            *out = stream->minute;
        found = true;
    }
    return found ? OK : ERR_NOT_FOUND;
}

/* ---- by time: runs ---------------------------------------------------------------------------------------------- */

static void run_add(struct scan *scan, const struct stream *stream)
{
    if (scan->run_len == scan->run_room) {
        scan->run_room = scan->run_room == 0 ? RUN_ENTRIES_FIRST : 2 * scan->run_room;
        scan->run = realloc(scan->run, scan->run_room * sizeof(*scan->run));
        if (scan->run == NULL)
            abort();
    }
    scan->run[scan->run_len++] = (struct candidate){.minute = stream->minute, .id = stream->id};
}

/* Whole minutes, until there are enough entries. */
static enum error run_gather(struct scan *scan)
{
    uint32_t minute = 0;
    enum error error = OK;
    scan->run_len = scan->run_at = 0;
    while (scan->run_len < scan->run_wanted && (error = next_minute(scan, &minute)) == OK)
        for (size_t i = 0; i < scan->stream_count; ++i)
            for (struct stream *stream = &scan->streams[i]; stream->error == OK && stream->minute == minute;
                 stream_step(scan, stream))
                run_add(scan, stream);
    scan->run_wanted = scan->run_wanted < RUN_ENTRIES_MAX ? 4 * scan->run_wanted : RUN_ENTRIES_MAX;
    if (error == ERR_NOT_FOUND && scan->run_len != 0)
        error = OK;
    return error;
}

static int compare_id(const void *a, const void *b)
{
    return memcmp(((const struct candidate *)a)->id.bytes, ((const struct candidate *)b)->id.bytes, ID_LEN);
}

static int compare_time(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    return left->time_ms != right->time_ms ? (left->time_ms < right->time_ms ? -1 : 1) : compare_id(a, b);
}

static int compare_time_descending(const void *a, const void *b)
{
    return compare_time(b, a);
}

/* The time by which the row of a candidate is sorted. */
static enum error candidate_time(struct scan *scan, struct candidate *candidate)
{
    union any_record record;
    struct conversation_activity activity;
    struct bytes key = bytes_view(candidate->id.bytes, ID_LEN);
    enum error error = table_get(scan->txn, scan->schema->table, key, &candidate->value);
    if (error != OK)
        return error;
    if (scan->schema->kind == RECORD_VISITORS) {
        error = codec_decode_some(scan->shape, candidate->value, scan->fields, &record);
        candidate->time_ms = record.visitor.last_seen_at_ms;
        return error;
    }
    record.conversation.id = candidate->id;
    error = record_decode(RECORD_CONVERSATIONS, candidate->value, &record.conversation);
    if (error == OK)
        error = conversation_activity(scan->txn, &record.conversation, &activity);
    candidate->time_ms = error == OK ? activity.updated_at_ms : 0;
    return error;
}

/* Looks the records up and keeps what is not stale and within the bounds. */
static enum error run_resolve(struct scan *scan)
{
    size_t kept = 0;
    qsort(scan->run, scan->run_len, sizeof(*scan->run), compare_id);
    for (size_t i = 0; i < scan->run_len; ++i) {
        struct candidate candidate = scan->run[i];
        enum error error = candidate_time(scan, &candidate);
        if (error == ERR_NOT_FOUND)
            continue;
        if (error != OK)
            return error;
        if (minute_of(candidate.time_ms) == candidate.minute && candidate.time_ms >= scan->request.time_min_ms &&
            candidate.time_ms <= scan->request.time_max_ms)
            scan->run[kept++] = candidate;
    }
    scan->run_len = kept;
    qsort(scan->run, kept, sizeof(*scan->run), scan->request.descending ? compare_time_descending : compare_time);
    return OK;
}

static enum error next_by_time(struct scan *scan)
{
    if (scan->is_fresh) {
        streams_open(scan);
        scan->run_len = scan->run_at = 0;
        scan->run_wanted = RUN_ENTRIES_FIRST;
        scan->is_fresh = false;
    }
    for (;;) {
        enum error error = OK;
        while (scan->run_at == scan->run_len && error == OK) {
            error = run_gather(scan);
            if (error == OK)
                error = run_resolve(scan);
        }
        if (error != OK)
            return error;
        const struct candidate *candidate = &scan->run[scan->run_at++];
        error = take_row(scan, bytes_view(candidate->id.bytes, ID_LEN), candidate->value);
        if (error != ERR_NOT_FOUND)
            return error;
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct scan_request scan_everything(uint32_t columns)
{
    return (struct scan_request){.path = SCAN_ALL, .columns = columns, .id_max = ID_MAX};
}

static int find_org_field(const struct shape *shape)
{
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (strcmp(shape->fields[i].name, "orgId") == 0)
            return (int)i;
    return -1;
}

struct scan *scan_open(struct snapshot *snapshot, const struct schema *schema)
{
    struct scan *scan = calloc(1, sizeof(*scan));
    if (scan == NULL)
        abort();
    scan->snapshot = snapshot;
    scan->txn = snapshot->txn;
    scan->schema = schema;
    scan->shape = &record_shapes[schema->kind];
    scan->org_field = find_org_field(scan->shape);
    return scan;
}

void scan_close(struct scan *scan)
{
    streams_close(scan);
    if (scan->cursor != NULL)
        cursor_close(scan->cursor);
    if (scan->index != NULL)
        cursor_close(scan->index);
    free(scan->run);
    free(scan);
}

#define BIT(number) (UINT64_C(1) << (number))

/* The index of a field by the member that it fills. */
static unsigned field_of(const struct shape *shape, size_t offset)
{
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (shape->fields[i].offset == offset)
            return i;
    assert(!"a member of the record");
    return 0;
}

/* What the columns need, and what the scan itself does. */
static uint64_t fields_of(const struct scan *scan, const struct scan_request *request)
{
    uint64_t fields = 0;
    for (unsigned i = 0; i < scan->schema->column_count; ++i) {
        const struct column *column = &scan->schema->columns[i];
        if ((request->columns >> i & 1) == 0)
            continue;
        if (!column->is_computed)
            fields |= BIT(column->field);
        else
            fields |= BIT(field_of(scan->shape, offsetof(struct conversation, changed_at_ms))) |
                      BIT(field_of(scan->shape, offsetof(struct conversation, changed_seq)));
    }
    if (scan->snapshot->has_deleted)
        fields |=
            scan->org_field >= 0 ? BIT(scan->org_field) : BIT(field_of(scan->shape, offsetof(struct org, deleted)));
    if (request->path == SCAN_VISITOR)
        fields |= BIT(field_of(scan->shape, offsetof(struct conversation, previous_of_visitor)));
    if (request->path == SCAN_TIME && scan->schema->kind == RECORD_VISITORS)
        fields |= BIT(field_of(scan->shape, offsetof(struct visitor, last_seen_at_ms)));
    /* A clientId that is only the message's own id is none. */
    if (scan->schema->kind == RECORD_MESSAGES)
        fields |= fields & BIT(field_of(scan->shape, offsetof(struct message, client_id)))
                      ? BIT(field_of(scan->shape, offsetof(struct message, id)))
                      : 0;
    return fields;
}

void scan_start(struct scan *scan, const struct scan_request *request)
{
    scan->request = *request;
    scan->fields = fields_of(scan, request);
    scan->is_fresh = true;
    scan->next_org = 0;
}

enum error scan_next(struct scan *scan)
{
    switch (scan->request.path) {
    case SCAN_ALL:
        return next_of_all(scan);
    case SCAN_ID:
        return next_by_id(scan);
    case SCAN_KEY:
        return next_by_key(scan);
    case SCAN_TIME:
        return next_by_time(scan);
    case SCAN_VISITOR:
        return next_of_visitor(scan);
    case SCAN_CONVERSATION: {
        bool is_first = scan->is_fresh;
        scan->is_fresh = false;
        return next_of_conversation(scan, scan->request.id, is_first);
    }
    case SCAN_ORG:
        return next_of_org(scan);
    }
    assert(!"every path is taken above");
    return ERR_NOT_FOUND;
}

/* ---- the columns of the row ------------------------------------------------------------------------------------- */

static enum error conversation_value(struct scan *scan, const struct column *column, struct value *out)
{
    enum error error = OK;
    if (!scan->has_activity)
        error = conversation_activity(scan->txn, &scan->row.conversation, &scan->activity);
    scan->has_activity = error == OK;
    if (column->type == FIELD_TIME)
        *out = (struct value){.type = VALUE_TIME, .time_ms = scan->activity.updated_at_ms};
    else
        *out = (struct value){.type = VALUE_UINT, .number = scan->activity.message_count};
    return error;
}

static struct value id_value(struct id id)
{
    return id_is_none(id) ? (struct value){.type = VALUE_NULL} : (struct value){.type = VALUE_ID, .id = id};
}

static struct value text_value(struct bytes text)
{
    return text.data == NULL ? (struct value){.type = VALUE_NULL} : (struct value){.type = VALUE_TEXT, .text = text};
}

/* An imported message without a clientId carries its id's text there. */
static struct value client_id_value(const struct message *message)
{
    char own[ID_TEXT_LEN];
    if (message->client_id.len == ID_TEXT_LEN) {
        id_format(message->id, own);
        if (memcmp(message->client_id.data, own, ID_TEXT_LEN) == 0)
            return (struct value){.type = VALUE_NULL};
    }
    return text_value(message->client_id);
}

enum error scan_value(struct scan *scan, unsigned index, struct value *out)
{
    const struct column *column = &scan->schema->columns[index];
    if (column->is_computed)
        return conversation_value(scan, column, out);
    if (column->show == COLUMN_CARRIED && scan->schema->kind == RECORD_MESSAGES) {
        *out = client_id_value(&scan->row.message);
        return OK;
    }
    const void *member = member_of(scan, column->field);
    switch (column->type) {
    case FIELD_ID:
        *out = id_value(*(const struct id *)member);
        return OK;
    case FIELD_TEXT:
    case FIELD_BYTES:
        *out = text_value(*(const struct bytes *)member);
        return OK;
    case FIELD_TIME:
        *out = (struct value){.type = VALUE_TIME, .time_ms = *(const int64_t *)member};
        return OK;
    case FIELD_UINT:
        *out = (struct value){.type = VALUE_UINT, .number = *(const uint64_t *)member};
        return OK;
    case FIELD_BOOL:
        *out = (struct value){.type = VALUE_BOOL, .flag = *(const bool *)member};
        return OK;
    }
    assert(!"every field type is taken above");
    return ERR_CORRUPT;
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

#define DAY_MS 86400000

static void put_two_digits(char *to, unsigned number)
{
    to[0] = (char)('0' + number / 10);
    to[1] = (char)('0' + number % 10);
}

/* Times come in crowds: the text of the last day is kept for the next one. */
void sql_time_format(int64_t time_ms, char out[SQL_TIME_LEN])
{
    static int64_t day_ms = INT64_MIN; /* its beginning */
    static char text[TIME_TEXT_LEN];
    if ((uint64_t)time_ms - (uint64_t)day_ms >= DAY_MS) {
        day_ms = time_ms - (time_ms % DAY_MS + DAY_MS) % DAY_MS;
        time_format(day_ms, text);
        text[10] = ' ';
    }
    unsigned ms = (unsigned)(time_ms - day_ms), second = ms / 1000;
    memcpy(out, text, SQL_TIME_LEN);
    put_two_digits(out + 11, second / 3600);
    put_two_digits(out + 14, second / 60 % 60);
    put_two_digits(out + 17, second % 60);
    out[20] = (char)('0' + ms % 1000 / 100);
    put_two_digits(out + 21, ms % 100);
}

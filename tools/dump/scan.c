/*
 * A scan steps over LMDB entries and decodes a row's asked-for fields in one pass. Views into the map are good for the
 * whole snapshot, so nothing is copied. The two paths in order of time have files of their own.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/work.h"
#include "scan_private.h"

#define CACHE_LINE_BYTES 64
#define FETCHED_BYTES 384 /* a message and its key, mostly */

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

enum error scan_take_row(struct scan *scan, struct bytes key, struct bytes value)
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
    return error == OK ? scan_take_row(scan, key, value) : error;
}

/* The same for an id that another record names: without its row the database is damaged. */
static enum error take_named(struct scan *scan, struct id id)
{
    struct bytes value;
    enum error error = table_get(scan->txn, scan->schema->table, bytes_view(id.bytes, ID_LEN), &value);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    return scan_take_row(scan, bytes_view(id.bytes, ID_LEN), value);
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

/* Entries that were appended in order lie one before the other in a page: the next one's bytes can be on their way. */
static inline void fetch_next(struct bytes key)
{
    for (size_t at = CACHE_LINE_BYTES; at <= FETCHED_BYTES; at += CACHE_LINE_BYTES)
        __builtin_prefetch(key.data - at);
}

static enum error step_of_all(struct scan *scan, struct bytes *key, struct bytes *value)
{
    if (!scan->is_fresh)
        return (scan->request.descending ? cursor_previous : cursor_next)(scan->cursor, key, value);
    scan->is_fresh = false;
    scan->before = BYTES_NONE;
    scan->entries = 0;
    return all_first(scan, key, value);
}

/* LMDB's own structure has no checksums. What a flipped bit in it loses or doubles shows in the order of the keys, or
 * in their number. */
static bool is_in_order(struct scan *scan, struct bytes key)
{
    size_t len = key.len < scan->before.len ? key.len : scan->before.len;
    int order = len == 0 ? 0 : memcmp(key.data, scan->before.data, len);
    if (order == 0)
        order = key.len < scan->before.len ? -1 : key.len > scan->before.len;
    bool is_first = scan->before.data == NULL;
    scan->before = key;
    ++scan->entries;
    return is_first || (scan->request.descending ? order < 0 : order > 0);
}

static bool is_everything(const struct scan_request *request)
{
    return id_is_none(request->id_min) && id_equal(request->id_max, ID_MAX);
}

static enum error end_of_all(const struct scan *scan)
{
    bool is_whole = !is_everything(&scan->request) || scan->entries == table_rows(scan->txn, scan->schema->table);
    return is_whole ? ERR_NOT_FOUND : ERR_CORRUPT;
}

static enum error next_of_all(struct scan *scan)
{
    struct bytes key, value;
    for (;;) {
        enum error error = step_of_all(scan, &key, &value);
        if (error == ERR_NOT_FOUND)
            return end_of_all(scan);
        if (error == OK && !is_in_order(scan, key))
            error = ERR_CORRUPT;
        if (error != OK)
            return error;
        if (!is_within(scan, key))
            return ERR_NOT_FOUND;
        fetch_next(key);
        error = is_row(scan, key) ? scan_take_row(scan, key, value) : ERR_NOT_FOUND;
        if (error != ERR_NOT_FOUND)
            return error;
    }
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
    return error == OK ? take_named(scan, org.id) : error;
}

static enum error visitor_by_key(struct scan *scan, struct id org)
{
    struct id id;
    if (scan->request.key.len == 0 || scan->request.key.len > VISITOR_KEY_LEN_MAX)
        return ERR_NOT_FOUND;
    enum error error = visitor_id_by_key(scan->txn, org, scan->request.key, &id);
    return error == OK ? take_named(scan, id) : error;
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
    if (error != OK)
        return error;
    if (id_is_none(scan->next) || scan->steps_left == 0) /* both at once, or the chain is damaged */
        return id_is_none(scan->next) && scan->steps_left == 0 ? ERR_NOT_FOUND : ERR_CORRUPT;
    --scan->steps_left;
    error = take_named(scan, scan->next);
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
    return error == OK ? scan_take_row(scan, key, value) : error;
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
    scan_time_close(scan);
    scan_sorted_close(scan);
    if (scan->cursor != NULL)
        cursor_close(scan->cursor);
    if (scan->index != NULL)
        cursor_close(scan->index);
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

/* What a computed column is made of. */
static uint64_t computed_fields(const struct shape *shape, const struct column *column)
{
    if (column->type == FIELD_TEXT)
        return BIT(field_of(shape, offsetof(struct conversation, status)));
    return BIT(field_of(shape, offsetof(struct conversation, changed_at_ms))) |
           BIT(field_of(shape, offsetof(struct conversation, changed_seq))) |
           BIT(field_of(shape, offsetof(struct conversation, removed_messages)));
}

/* What the columns need, and what the scan itself does. */
static uint64_t fields_of(const struct scan *scan, const struct scan_request *request)
{
    uint64_t fields = 0;
    for (unsigned i = 0; i < scan->schema->column_count; ++i) {
        const struct column *column = &scan->schema->columns[i];
        if ((request->columns >> i & 1) == 0)
            continue;
        fields |= column->is_computed ? computed_fields(scan->shape, column) : BIT(column->field);
    }
    if (scan->snapshot->has_deleted)
        fields |=
            scan->org_field >= 0 ? BIT(scan->org_field) : BIT(field_of(scan->shape, offsetof(struct org, deleted)));
    if (request->path == SCAN_VISITOR)
        fields |= BIT(field_of(scan->shape, offsetof(struct conversation, previous_of_visitor)));
    if ((request->path == SCAN_TIME || request->path == SCAN_SORTED) && scan->schema->kind == RECORD_VISITORS)
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
        return scan_time_next(scan);
    case SCAN_SORTED:
        return scan_sorted_next(scan);
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

static enum error status_value(const struct conversation *conversation, struct value *out)
{
    const char *word = status_word(conversation->status);
    *out = (struct value){.type = VALUE_TEXT, .text = bytes_of_string(word != NULL ? word : "")};
    return word != NULL ? OK : ERR_CORRUPT;
}

static enum error conversation_value(struct scan *scan, const struct column *column, struct value *out)
{
    enum error error = OK;
    if (column->type == FIELD_TEXT)
        return status_value(&scan->row.conversation, out);
    if (!scan->has_activity)
        error = conversation_activity(scan->txn, &scan->row.conversation, &scan->activity);
    scan->has_activity = error == OK;
    if (column->type == FIELD_TIME)
        *out = (struct value){.type = VALUE_TIME, .time_ms = scan->activity.updated_at_ms};
    else
        *out = (struct value){.type = VALUE_UINT, .number = scan->activity.message_count};
    return error;
}

void scan_tell_last_message(struct scan *conversations, uint64_t ordinal, int64_t at_ms)
{
    int64_t changed_at_ms = conversations->row.conversation.changed_at_ms;
    conversations->activity.message_count =
        ordinal != 0 ? ordinal - conversations->row.conversation.removed_messages : 0;
    conversations->activity.updated_at_ms = ordinal != 0 && at_ms > changed_at_ms ? at_ms : changed_at_ms;
    conversations->has_activity = true;
}

/* Filled member by member: a struct that is passed by value goes through the stack, which shows at these numbers. */
static inline void give_id(const struct id *id, struct value *out)
{
    out->type = id_is_none(*id) ? VALUE_NULL : VALUE_ID;
    out->id = *id;
}

static inline void give_text(const struct bytes *text, struct value *out)
{
    out->type = text->data == NULL ? VALUE_NULL : VALUE_TEXT;
    out->text = *text;
}

/* An imported message without a clientId carries its id's text there. */
__attribute__((noinline)) static void give_client_id(const struct message *message, struct value *out)
{
    char own[ID_TEXT_LEN];
    give_text(&message->client_id, out);
    if (message->client_id.len != ID_TEXT_LEN)
        return;
    id_format(message->id, own);
    if (memcmp(message->client_id.data, own, ID_TEXT_LEN) == 0)
        out->type = VALUE_NULL;
}

enum error scan_value(struct scan *scan, unsigned index, struct value *out)
{
    const struct column *column = &scan->schema->columns[index];
    if (column->is_computed)
        return conversation_value(scan, column, out);
    const void *member = member_of(scan, column->field);
    switch (column->type) {
    case FIELD_ID:
        give_id(member, out);
        return OK;
    case FIELD_TEXT:
    case FIELD_BYTES:
        if (column->show == COLUMN_CARRIED && scan->schema->kind == RECORD_MESSAGES)
            give_client_id(&scan->row.message, out);
        else
            give_text(member, out);
        return OK;
    case FIELD_TIME:
        out->time_ms = *(const int64_t *)member;
        out->type = out->time_ms == 0 && column_may_be_null(column) ? VALUE_NULL : VALUE_TIME;
        return OK;
    case FIELD_UINT:
        out->type = VALUE_UINT;
        out->number = *(const uint64_t *)member;
        return OK;
    case FIELD_BOOL:
        out->type = VALUE_BOOL;
        out->flag = *(const bool *)member;
        return OK;
    }
    assert(!"every field type is taken above");
    return ERR_CORRUPT;
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

#define DAY_MS INT64_C(86400000)
#define DAY_SLOTS 256 /* dates whose text is kept; days that share a slot displace each other */
#define DATE_LEN 10

/* "2026-01-31" of a day since 1970. Times come in crowds of a few days, and a date costs more than all the rest. */
static const char *date_text(int64_t day)
{
    static struct {
        int64_t day_plus_one; /* 0: empty */
        char text[TIME_TEXT_LEN];
    } slots[DAY_SLOTS];
    size_t slot = (uint64_t)day % DAY_SLOTS;
    if (slots[slot].day_plus_one != day + 1 || day == -1) {
        time_format(day * DAY_MS, slots[slot].text);
        slots[slot].day_plus_one = day + 1;
    }
    return slots[slot].text;
}

static void put_two_digits(char *out, unsigned number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

void sql_time_format(int64_t time_ms, char out[SQL_TIME_LEN])
{
    int64_t day = time_ms / DAY_MS - (time_ms % DAY_MS < 0);
    unsigned ms = (unsigned)(time_ms - day * DAY_MS), seconds = ms / 1000, minutes = seconds / 60;
    memcpy(out, date_text(day), DATE_LEN);
    memcpy(out + DATE_LEN, " 00:00:00.", 10);
    put_two_digits(out + 11, minutes / 60);
    put_two_digits(out + 14, minutes % 60);
    put_two_digits(out + 17, seconds % 60);
    put_two_digits(out + 20, ms % 1000 / 10);
    out[22] = (char)('0' + ms % 10);
}

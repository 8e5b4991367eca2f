/* /audit: the organisation's entries of the audit log, the newest first. */
#include "api/internal.h"

static void render_entry(struct buffer *json, const struct audit *entry)
{
    json_element(json);
    json_open(json, '{');
    json_member_integer(json, "seq", (int64_t)entry->seq);
    json_member_time(json, "at", entry->at_ms);
    json_member_string(json, "action", entry->action);
    member_id(json, "actorId", entry->actor);
    render_text(json, BYTES("actorName"), entry->actor_name);
    render_text(json, BYTES("address"), entry->address);
    member_id(json, "subjectId", entry->subject);
    render_text(json, BYTES("subjectName"), entry->subject_name);
    render_text(json, BYTES("detail"), entry->detail);
    json_close(json, '}');
}

static enum error render_page(struct call *call, uint64_t before, uint64_t limit, uint64_t *next)
{
    struct bytes key, value;
    struct key from;
    uint64_t last_seq = 0;
    audit_key(&from, call->org.id, before);
    struct cursor *cursor = cursor_open(call->txn, TABLE_AUDIT);
    enum error error = cursor_seek_before(cursor, key_view(&from), &key, &value);
    while (error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0) {
        struct audit entry;
        if (limit-- == 0) {
            *next = last_seq;
            break;
        }
        error = audit_decode(key, value, &entry);
        if (error != OK)
            break;
        render_entry(&call->loop->json, &entry);
        last_seq = entry.seq;
        error = cursor_previous(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error handle_audit_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    uint64_t limit, before, next = 0;
    enum error error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &limit);
    if (error == OK)
        error = query_uint(call, "before", 1, INT64_MAX, INT64_MAX, &before);
    if (error != OK)
        return error;
    json_open(json, '{');
    json_key(json, BYTES("entries"));
    json_open(json, '[');
    error = render_page(call, before, limit, &next);
    if (error != OK)
        return error;
    json_close(json, ']');
    json_key(json, BYTES("next"));
    if (next == 0)
        json_put_literal(json, "null");
    else
        buffer_printf(json, "\"%llu\"", (unsigned long long)next);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

/*
 * Everything about one visitor, as JSON: for the visitor itself, for the organisation that is asked for it, and for the
 * shell. Conversations come from the newest to the oldest, along the visitor's chain. A page ends when it is long, even
 * within a conversation, and says where the next one goes on.
 *
 * What a visitor takes along is a file that gets around, so its key is in what the organisation gets alone. That has
 * also what its side has made of the conversations, notes among it: they are about the visitor too.
 */
#include "api/internal.h"
#include "api/timeline.h"
#include "base/text.h"

/* ---- rendering ---- */

static enum error put_entry(const struct visitor_export *export, const struct timeline_source *source,
                            struct buffer *out)
{
    struct message message;
    struct note note;
    bool is_note = source->table == TABLE_NOTES;
    enum error error =
        is_note ? note_decode(source->key, source->value, &note) : message_decode(source->key, source->value, &message);
    if (error == OK && is_note)
        render_note(out, &note);
    else if (error == OK)
        render_message(out, &message, export->viewer);
    return error;
}

/* What lies behind export->after: messages into the object at once, notes into *notes for later. When the page has no
 * room for all, export->after is the last one it has, and *is_cut. */
static enum error put_entries(struct timeline *timeline, struct visitor_export *export, struct buffer *json,
                              struct buffer *notes, uint64_t number, bool *is_cut)
{
    enum error error = OK;
    for (struct timeline_source *source; error == OK && (source = timeline_next(timeline)) != NULL;) {
        struct buffer *out = source == &timeline->notes ? notes : json;
        *is_cut = !export->has_room(export->context, json, number, notes->len);
        if (*is_cut)
            break;
        if (out == json || notes->len != 0)
            json_element(out);
        error = put_entry(export, source, out);
        export->after = source->seq;
        if (error == OK)
            error = timeline_step(timeline, source);
    }
    return error;
}

static enum error put_timeline(struct txn *txn, struct visitor_export *export, struct buffer *json, uint64_t number,
                               bool *is_cut)
{
    struct timeline timeline;
    struct buffer notes = {0};
    *is_cut = false;
    json_key(json, BYTES("messages"));
    json_open(json, '[');
    enum error error =
        timeline_open(&timeline, txn, export->conversation, export->after, false, export->viewer == VIEWER_ORG);
    if (error == OK)
        error = put_entries(&timeline, export, json, &notes, number, is_cut);
    timeline_close(&timeline);
    json_close(json, ']');
    if (export->viewer == VIEWER_ORG) {
        json_key(json, BYTES("notes"));
        json_open(json, '[');
        buffer_append(json, notes.data, notes.len);
        json_close(json, ']');
    }
    buffer_dispose(&notes);
    return error;
}

/* One conversation, and on to the one before it unless it was cut. */
static enum error put_conversation(struct txn *txn, struct visitor_export *export, struct buffer *json, uint64_t number,
                                   bool *is_cut)
{
    struct conversation conversation;
    struct conversation_activity activity;
    enum error error = conversation_get(txn, export->conversation, &conversation);
    if (error == OK)
        error = conversation_activity(txn, &conversation, &activity);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    json_element(json);
    json_open(json, '{');
    member_id(json, "id", conversation.id);
    json_member_time(json, "createdAt", conversation.created_at_ms);
    json_member_time(json, "updatedAt", activity.updated_at_ms);
    json_member_integer(json, "messageCount", (int64_t)activity.message_count);
    json_member_integer(json, "visitorReadSeq", (int64_t)conversation.visitor_read_seq);
    json_member_integer(json, "agentReadSeq", (int64_t)conversation.agent_read_seq);
    if (export->viewer == VIEWER_ORG)
        render_work(json, &conversation);
    error = put_timeline(txn, export, json, number, is_cut);
    json_close(json, '}');
    if (!*is_cut) {
        export->conversation = conversation.previous_of_visitor;
        export->after = 0;
    }
    return error;
}

static enum error put_conversations(struct txn *txn, struct visitor_export *export, struct buffer *json)
{
    bool is_cut = false;
    enum error error = OK;
    for (uint64_t number = 0; error == OK && !is_cut && !id_is_none(export->conversation); ++number) {
        if (!export->has_room(export->context, json, number, 0))
            break;
        error = put_conversation(txn, export, json, number, &is_cut);
    }
    return error;
}

static void put_owner(const struct visitor_export *export, struct buffer *json)
{
    const struct visitor *visitor = export->visitor;
    json_member_time(json, "exportedAt", export->now_ms);
    json_key(json, BYTES("organization"));
    json_open(json, '{');
    member_id(json, "id", export->org->id);
    json_member_string(json, "key", export->org->key);
    json_member_string(json, "name", export->org->name);
    json_close(json, '}');
    json_key(json, BYTES("visitor"));
    json_open(json, '{');
    member_id(json, "id", visitor->id);
    if (export->viewer == VIEWER_ORG && !export->hides_key)
        json_member_string(json, "visitorKey", visitor->visitor_key);
    json_member_time(json, "firstSeenAt", visitor->first_seen_at_ms);
    json_member_time(json, "lastSeenAt", visitor->last_seen_at_ms);
    render_text(json, BYTES("userAgent"), visitor->user_agent);
    render_text(json, BYTES("email"), visitor->email);
    render_text(json, BYTES("address"), visitor->address);
    json_member_time(json, "createdAt", visitor->created_at_ms);
    json_member_time(json, "updatedAt", visitor->updated_at_ms);
    json_member_integer(json, "conversationCount", (int64_t)visitor->conversation_count);
    if (export->viewer == VIEWER_ORG)
        render_moment(json, BYTES("blockedAt"), visitor->blocked_at_ms);
    json_close(json, '}');
}

enum error visitor_export_put(struct txn *txn, struct visitor_export *export, struct buffer *json)
{
    json_open(json, '{');
    put_owner(export, json);
    json_key(json, BYTES("conversations"));
    json_open(json, '[');
    enum error error = put_conversations(txn, export, json);
    json_close(json, ']');
    json_key(json, BYTES("next"));
    if (id_is_none(export->conversation)) {
        json_put_literal(json, "null");
    } else {
        char id[ID_TEXT_LEN];
        id_format(export->conversation, id);
        buffer_printf(json, "\"%.*s.%llu\"", ID_TEXT_LEN, id, (unsigned long long)export->after);
    }
    json_close(json, '}');
    return error;
}

/* ---- pages ---- */

static bool page_has_room(void *context, struct buffer *json, uint64_t conversations, size_t pending)
{
    struct call *call = context;
    bool is_long = json->len + pending > EXPORT_BYTES_MAX, is_far = conversations >= VISITOR_CHAIN_MAX;
    if (is_long || is_far)
        count(&call->loop->figures.limited[is_long ? LIMIT_ANSWER_BYTES : LIMIT_VISITOR_CHAIN], 1);
    return !is_long && !is_far;
}

/* A page's cursor is "<conversation>.<seq>": go on with the conversation behind that message. It must be the visitor's
 * own. */
static enum error read_place(struct call *call, struct visitor_export *export)
{
    struct bytes text;
    struct conversation conversation;
    enum error error = query_text(call, "after", &text);
    export->conversation = export->visitor->last_conversation;
    if (error != OK || text.data == NULL)
        return error;
    bool is_place =
        text.len > ID_TEXT_LEN && text.data[ID_TEXT_LEN] == '.' &&
        id_parse(bytes_view(text.data, ID_TEXT_LEN), &export->conversation) &&
        parse_uint(bytes_view(text.data + ID_TEXT_LEN + 1, text.len - ID_TEXT_LEN - 1), 0, INT64_MAX, &export->after);
    error = is_place ? conversation_get(call->txn, export->conversation, &conversation) : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND || (error == OK && !id_equal(conversation.visitor, export->visitor->id)))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"after\" must be the \"next\" of the page before.");
    return error;
}

/* It may grow as no other answer lets it, so the buffer is not kept. */
static enum error respond(struct call *call, const struct visitor *visitor, enum viewer viewer)
{
    struct visitor_export export = {.org = &call->org,
                                    .visitor = visitor,
                                    .viewer = viewer,
                                    .hides_key = !call_may_see_keys(call),
                                    .now_ms = call->now_ms,
                                    .has_room = page_has_room,
                                    .context = call};
    enum error error = read_place(call, &export);
    if (error == OK)
        error = rate_limit(call, LIMITED_EXPORTS);
    if (error == OK)
        error = visitor_export_put(call->txn, &export, &call->loop->json);
    if (error == OK) {
        request_add_header(call->request, BYTES("content-disposition"),
                           BYTES("attachment; filename=\"helvino-export.json\""));
        call_respond(call, 200, &call->loop->json);
    }
    buffer_dispose(&call->loop->json);
    return error;
}

enum error handle_self_export(struct call *call)
{
    struct visitor visitor;
    enum error error = call_self(call, &visitor);
    return error == OK ? respond(call, &visitor, VIEWER_VISITOR) : error;
}

enum error handle_visitor_export(struct call *call)
{
    struct visitor visitor;
    enum error error = path_visitor(call, &visitor);
    return error == OK ? respond(call, &visitor, VIEWER_ORG) : error;
}

/*
 * /visitors/me: what a visitor may ask for and do about itself: be known, see itself, take its data along, and be
 * erased. Whoever holds the key is the visitor, so an answer never repeats it: an export is a file that gets around.
 */
#include "api/internal.h"
#include "base/logline.h"
#include "base/text.h"

/* ---- being known ---- */

static enum error get_self(struct call *call, struct visitor *out)
{
    struct id id;
    enum error error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &id);
    return error == OK ? visitor_get(call->txn, id, out) : error;
}

static enum error respond_self(struct api_loop *loop, struct txn *txn, struct request *request,
                               const struct visitor *visitor, int status)
{
    struct buffer *json = &loop->json;
    uint64_t unread;
    enum error error = unread_of_visitor(loop, txn, visitor, &unread);
    if (error != OK)
        return error;
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "id", visitor->id);
    json_member_time(json, "firstSeenAt", visitor->first_seen_at_ms);
    json_member_time(json, "lastSeenAt", visitor->last_seen_at_ms);
    render_text(json, BYTES("email"), visitor->email);
    json_member_integer(json, "conversationCount", (int64_t)visitor->conversation_count);
    json_member_integer(json, "unreadCount", (int64_t)unread);
    json_close(json, '}');
    request_respond(request, status, CONTENT_TYPE_JSON, buffer_view(json));
    return OK;
}

enum error handle_self_show(struct call *call)
{
    struct visitor visitor;
    enum error error = get_self(call, &visitor);
    return error == OK ? respond_self(call->loop, call->txn, call->request, &visitor, 200) : error;
}

static void on_seen(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct visitor visitor;
    enum error error = txn == NULL ? ERR_BUSY : visitor_get(txn, entry->outcome.id, &visitor);
    if (error == OK)
        error = respond_self(loop, txn, request, &visitor, entry->outcome.replayed ? 200 : 201);
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

/* One that is known and says nothing new is not written for: reading moves lastSeenAt as well. */
static enum error see(struct call *call, struct bytes email)
{
    struct visitor visitor;
    enum error error = get_self(call, &visitor);
    if (error == OK && (email.data == NULL || bytes_equal(email, visitor.email))) {
        touch_visitor(call);
        return respond_self(call->loop, call->txn, call->request, &visitor, 200);
    }
    if (error == OK || error == ERR_NOT_FOUND)
        error = rate_limit(call, LIMITED_VISITORS);
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_VISITOR_SEE,
        .visitor_see = {.org = call->org.id,
                        .visitor_key = call->visitor_key,
                        .visitor = id_make(call->now_ms, &call->loop->random),
                        .at_ms = call->now_ms,
                        .user_agent = call->by_org ? BYTES_NONE : call_user_agent(call),
                        .email = email},
    };
    return call_submit(call, &command, on_seen);
}

/* ---- the e-mail address ---- */

struct email_field {
    struct bytes text; /* NULL: none was sent; empty: null was */
    bool is_fit;
};

static void on_member(void *context, struct bytes name, const struct json_value *value)
{
    struct email_field *field = context;
    if (!bytes_equal(name, BYTES("email")))
        return;
    field->text = BYTES("");
    field->is_fit = json_is_null(value) || (json_string(value, &field->text) && email_is_valid(field->text));
}

enum error handle_self_see(struct call *call)
{
    struct json_document *document;
    struct email_field email = {.is_fit = true};
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    if (document != NULL)
        json_each_member(json_root(document), on_member, &email);
    error = email.is_fit ? see(call, email.text)
                         : call_refuse(call, ERR_INVALID_FIELD,
                                       "The field \"email\" must be an e-mail address of at most 254 bytes, or null.");
    json_free(document);
    return error;
}

/* ---- the export ---- */

/* Where a page of an export begins, and where the next one would; conversation ID_NONE at the end. */
struct place {
    struct id conversation;
    uint64_t after;
};

/* A page's cursor is "<conversation>.<seq>": go on with the conversation behind that message. It must be the visitor's
 * own. */
static enum error read_place(struct call *call, const struct visitor *visitor, struct place *out)
{
    struct bytes text;
    struct conversation conversation;
    enum error error = query_text(call, "after", &text);
    *out = (struct place){.conversation = visitor->last_conversation};
    if (error != OK || text.data == NULL)
        return error;
    bool is_place =
        text.len > ID_TEXT_LEN && text.data[ID_TEXT_LEN] == '.' &&
        id_parse(bytes_view(text.data, ID_TEXT_LEN), &out->conversation) &&
        parse_uint(bytes_view(text.data + ID_TEXT_LEN + 1, text.len - ID_TEXT_LEN - 1), 0, INT64_MAX, &out->after);
    error = is_place ? conversation_get(call->txn, out->conversation, &conversation) : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND || (error == OK && !id_equal(conversation.visitor, visitor->id)))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"after\" must be the \"next\" of the page before.");
    return error;
}

static bool page_is_long(struct call *call)
{
    bool is_long = call->loop->json.len > EXPORT_BYTES_MAX;
    if (is_long)
        count(&call->loop->figures.limited[LIMIT_ANSWER_BYTES], 1);
    return is_long;
}

/* The messages behind place->after; when the page has no room for all, place->after is the last one it has, and
 * *is_cut. */
static enum error export_messages(struct call *call, struct place *place, bool *is_cut)
{
    struct bytes key, value;
    struct key from;
    message_key(&from, place->conversation, place->after + 1);
    struct cursor *cursor = cursor_open(call->txn, TABLE_MESSAGES);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    *is_cut = false;
    while (error == OK && message_key_is_of(key, place->conversation)) {
        struct message message;
        *is_cut = page_is_long(call);
        if (*is_cut)
            break;
        error = message_decode(key, value, &message);
        if (error != OK)
            break;
        json_element(&call->loop->json);
        render_message(&call->loop->json, &message);
        place->after = message.seq;
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* One conversation, and on to the one before it unless it was cut. */
static enum error export_conversation(struct call *call, struct place *place, bool *is_cut)
{
    struct buffer *json = &call->loop->json;
    struct conversation conversation;
    struct conversation_activity activity;
    enum error error = conversation_get(call->txn, place->conversation, &conversation);
    if (error == OK)
        error = conversation_activity(call->txn, &conversation, &activity);
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
    json_key(json, BYTES("messages"));
    json_open(json, '[');
    error = export_messages(call, place, is_cut);
    json_close(json, ']');
    json_close(json, '}');
    if (!*is_cut)
        *place = (struct place){.conversation = conversation.previous_of_visitor};
    return error;
}

static enum error export_conversations(struct call *call, struct place *place)
{
    bool is_cut = false;
    enum error error = OK;
    for (unsigned steps = 0; error == OK && !is_cut && !id_is_none(place->conversation); ++steps) {
        if (steps == VISITOR_CHAIN_MAX)
            count(&call->loop->figures.limited[LIMIT_VISITOR_CHAIN], 1);
        if (steps == VISITOR_CHAIN_MAX || page_is_long(call))
            break;
        error = export_conversation(call, place, &is_cut);
    }
    return error;
}

static void export_owner(struct call *call, const struct visitor *visitor)
{
    struct buffer *json = &call->loop->json;
    json_member_time(json, "exportedAt", call->now_ms);
    json_key(json, BYTES("organization"));
    json_open(json, '{');
    member_id(json, "id", call->org.id);
    json_member_string(json, "key", call->org.key);
    json_member_string(json, "name", call->org.name);
    json_close(json, '}');
    json_key(json, BYTES("visitor"));
    json_open(json, '{');
    member_id(json, "id", visitor->id);
    json_member_time(json, "firstSeenAt", visitor->first_seen_at_ms);
    json_member_time(json, "lastSeenAt", visitor->last_seen_at_ms);
    render_text(json, BYTES("userAgent"), visitor->user_agent);
    render_text(json, BYTES("email"), visitor->email);
    json_member_time(json, "createdAt", visitor->created_at_ms);
    json_member_time(json, "updatedAt", visitor->updated_at_ms);
    json_member_integer(json, "conversationCount", (int64_t)visitor->conversation_count);
    json_close(json, '}');
}

static enum error export_page(struct call *call, const struct visitor *visitor, struct place *place)
{
    struct buffer *json = &call->loop->json;
    json_open(json, '{');
    export_owner(call, visitor);
    json_key(json, BYTES("conversations"));
    json_open(json, '[');
    enum error error = export_conversations(call, place);
    json_close(json, ']');
    json_key(json, BYTES("next"));
    if (id_is_none(place->conversation)) {
        json_put_literal(json, "null");
    } else {
        char id[ID_TEXT_LEN];
        id_format(place->conversation, id);
        buffer_printf(json, "\"%.*s.%llu\"", ID_TEXT_LEN, id, (unsigned long long)place->after);
    }
    json_close(json, '}');
    return error;
}

enum error handle_self_export(struct call *call)
{
    struct visitor visitor;
    struct place place;
    enum error error = get_self(call, &visitor);
    if (error == OK)
        error = read_place(call, &visitor, &place);
    if (error == OK)
        error = rate_limit(call, LIMITED_EXPORTS);
    if (error == OK)
        error = export_page(call, &visitor, &place);
    if (error == OK) {
        request_add_header(call->request, BYTES("content-disposition"),
                           BYTES("attachment; filename=\"helvino-export.json\""));
        call_respond(call, 200, &call->loop->json);
    }
    buffer_dispose(&call->loop->json); /* it may have grown as no other answer lets it */
    return error;
}

/* ---- being erased ---- */

/* The receipt's id is nobody's: with it, whoever was erased can be told from the log that it was, and what went. */
static void respond_receipt(struct api_loop *loop, struct request *request, bool was_there,
                            const struct outcome *outcome)
{
    struct buffer *json = &loop->json;
    int64_t now_ms = clock_now_ms();
    struct id id = id_make(now_ms, &loop->random);
    char text[ID_TEXT_LEN + 1] = "";
    id_format(id, text);
    if (was_there)
        log_line(LOG_INFO, "a visitor was erased at its own wish", LOG_TEXT("receipt", text),
                 LOG_NUMBER("conversations", outcome->erased_conversations),
                 LOG_NUMBER("messages", outcome->erased_messages));
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "receipt", id);
    json_member_time(json, "erasedAt", now_ms);
    json_member_integer(json, "visitors", was_there);
    json_member_integer(json, "conversations", (int64_t)outcome->erased_conversations);
    json_member_integer(json, "messages", (int64_t)outcome->erased_messages);
    json_close(json, '}');
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(json));
}

static void on_erased(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    static const struct outcome nothing;
    struct org org;
    bool was_there = entry->error == OK;
    if (was_there && txn != NULL && org_get(txn, entry->outcome.event.org, &org) == OK)
        cookie_forget(loop, request, org.key);
    respond_receipt(loop, request, was_there, was_there ? &entry->outcome : &nothing);
}

enum error handle_self_erase(struct call *call)
{
    struct visitor visitor;
    enum error error = get_self(call, &visitor);
    if (error == ERR_NOT_FOUND) {
        cookie_forget(call->loop, call->request, call->org.key);
        respond_receipt(call->loop, call->request, false, &(struct outcome){0});
        return OK;
    }
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_VISITOR_ERASE,
        .visitor_erase = {.org = call->org.id, .visitor_key = call->visitor_key, .at_ms = call->now_ms},
    };
    return call_submit_heard(call, &command, on_erased);
}

/*
 * /visitors/me: a visitor makes itself known, and sees itself. What it takes along is in export.c, how it is erased in
 * erase.c. Whoever holds the key is the visitor, so no answer repeats it.
 */
#include "api/internal.h"

/* ---- being known ---- */

enum error call_self(struct call *call, struct visitor *out)
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
    enum error error = call_self(call, &visitor);
    return error == OK ? respond_self(call->loop, call->txn, call->request, &visitor, 200) : error;
}

/* As if it had been seen. */
static enum error get_silenced(struct txn *txn, const struct visitor_see *command, struct visitor *out)
{
    struct id id;
    enum error error = visitor_id_by_key(txn, command->org, command->visitor_key, &id);
    if (error == OK)
        error = visitor_get(txn, id, out);
    if (error == OK && command->email.data != NULL)
        out->email = command->email.len == 0 ? BYTES_NONE : command->email;
    return error;
}

static void on_seen(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct visitor visitor;
    struct command command;
    bool is_silent = is_to_be_silenced(txn, entry, &command);
    enum error error = is_silent ? OK : txn == NULL ? ERR_BUSY : entry->error;
    if (error == OK)
        error = is_silent ? get_silenced(txn, &command.visitor_see, &visitor)
                          : visitor_get(txn, entry->outcome.id, &visitor);
    if (error == OK)
        error = respond_self(loop, txn, request, &visitor, is_silent || entry->outcome.replayed ? 200 : 201);
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

/* One that is known and says nothing new is not written for: reading moves lastSeenAt as well. */
static enum error see(struct call *call, struct bytes email)
{
    struct visitor visitor;
    enum error error = call_self(call, &visitor);
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
                        .email = email,
                        .address = call_kept_address(call),
                        .by_org = call->by_org},
    };
    return call_submit_heard(call, &command, on_seen);
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

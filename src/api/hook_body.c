/*
 * What a webhook is told, made of the tables at the moment it is sent: so what was erased in the meantime is sent
 * nowhere, and a conversation is described as it is. Like in an export, a visitor's key, which would let whoever reads
 * it be that visitor, is not in it.
 */
#include "api/hooks.h"
#include "api/internal.h"

static enum error put_conversation(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery)
{
    struct conversation conversation;
    struct conversation_activity activity;
    enum error error = conversation_get(txn, delivery->conversation, &conversation);
    if (error == OK && !id_equal(conversation.org, org))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = conversation_activity(txn, &conversation, &activity);
    if (error != OK)
        return error;
    json_key(out, BYTES("conversation"));
    render_conversation_open(out, &conversation, &activity, VIEWER_ORG);
    json_close(out, '}');
    return OK;
}

static enum error put_message(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery)
{
    struct message message;
    enum error error = message_get(txn, delivery->conversation, delivery->seq, &message);
    if (error == OK && !id_equal(message.org, org))
        error = ERR_NOT_FOUND;
    if (error != OK)
        return error;
    json_key(out, BYTES("message"));
    render_message(out, &message, VIEWER_ORG);
    return put_conversation(out, txn, org, delivery);
}

static enum error put_visitor(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery)
{
    struct visitor visitor;
    enum error error = visitor_get(txn, delivery->visitor, &visitor);
    if (error == OK && !id_equal(visitor.org, org))
        error = ERR_NOT_FOUND;
    if (error != OK)
        return error;
    json_key(out, BYTES("visitor"));
    json_open(out, '{');
    member_id(out, "id", visitor.id);
    json_member_time(out, "firstSeenAt", visitor.first_seen_at_ms);
    json_member_time(out, "lastSeenAt", visitor.last_seen_at_ms);
    render_text(out, BYTES("userAgent"), visitor.user_agent);
    render_text(out, BYTES("email"), visitor.email);
    json_member_integer(out, "conversationCount", (int64_t)visitor.conversation_count);
    json_close(out, '}');
    return OK;
}

static enum error put_erasure(struct buffer *out, const struct delivery *delivery)
{
    json_key(out, BYTES("visitor"));
    json_open(out, '{');
    member_id(out, "id", delivery->visitor);
    json_close(out, '}');
    json_member_integer(out, "conversations", (int64_t)delivery->conversations);
    json_member_integer(out, "messages", (int64_t)delivery->messages);
    return OK;
}

static enum error put_data(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery)
{
    switch ((enum hook_event)delivery->event) {
    case HOOK_CONVERSATION_CREATED:
    case HOOK_CONVERSATION_STATUS:
        return put_conversation(out, txn, org, delivery);
    case HOOK_MESSAGE_CREATED:
        return put_message(out, txn, org, delivery);
    case HOOK_VISITOR_CREATED:
    case HOOK_VISITOR_IDENTIFIED:
        return put_visitor(out, txn, org, delivery);
    case HOOK_VISITOR_ERASED:
        return put_erasure(out, delivery);
    case HOOK_NONE:
        break;
    }
    return ERR_NOT_FOUND;
}

static void open_body(struct buffer *out, struct bytes delivery, const char *event, int64_t at_ms, struct id org)
{
    json_open(out, '{');
    json_member_string(out, "id", delivery);
    json_member_string(out, "event", bytes_of_string(event));
    json_member_time(out, "createdAt", at_ms);
    member_id(out, "orgId", org);
}

enum error hook_body_write(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery)
{
    char name[HOOK_DELIVERY_LEN_MAX];
    size_t len = hook_delivery_format(delivery->webhook, delivery->seq, delivery->event, name);
    const char *event = hook_event_name(delivery->event);
    if (event == NULL)
        return ERR_NOT_FOUND;
    open_body(out, bytes_view(name, len), event, delivery->at_ms, org);
    json_member_integer(out, "seq", (int64_t)delivery->seq);
    json_key(out, BYTES("data"));
    json_open(out, '{');
    enum error error = put_data(out, txn, org, delivery);
    json_close(out, '}');
    json_close(out, '}');
    return error;
}

void hook_ping_write(struct buffer *out, const struct webhook *webhook, struct bytes delivery, int64_t at_ms)
{
    open_body(out, delivery, "ping", at_ms, webhook->org);
    json_key(out, BYTES("data"));
    json_open(out, '{');
    json_key(out, BYTES("webhook"));
    json_open(out, '{');
    member_id(out, "id", webhook->id);
    json_close(out, '}');
    json_close(out, '}');
    json_close(out, '}');
}

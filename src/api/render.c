/* Records as JSON. What a visitor may see of itself and what the organisation sees is the same here, save for visitors,
 * whose key is in render_visitor alone: only routes for the token call it. */
#include "api/internal.h"

static void put_id(struct buffer *out, struct id id)
{
    char *to = buffer_reserve(out, ID_TEXT_LEN + 2);
    to[0] = '"';
    id_format(id, to + 1);
    to[ID_TEXT_LEN + 1] = '"';
    out->len += ID_TEXT_LEN + 2;
}

void render_id(struct buffer *out, struct bytes name, struct id id)
{
    json_key(out, name);
    if (id_is_none(id))
        json_put_literal(out, "null");
    else
        put_id(out, id);
}

void render_moment(struct buffer *out, struct bytes name, int64_t at_ms)
{
    json_key(out, name);
    if (at_ms != 0)
        json_put_time(out, at_ms);
    else
        json_put_literal(out, "null");
}

void render_text(struct buffer *out, struct bytes name, struct bytes text)
{
    json_key(out, name);
    if (text.data == NULL)
        json_put_literal(out, "null");
    else
        json_put_string(out, text);
}

/* A part of fixed text; the caller has made room. */
#define PUT(to, literal) (memcpy((to), (literal), sizeof(literal) - 1), (to) + sizeof(literal) - 1)

static char *put_id_at(char *to, struct id id)
{
    id_format(id, to);
    return to + ID_TEXT_LEN;
}

/* Whether its sender gave it a clientId: one that came without has its id's text in that place. */
static bool has_own_client_id(const struct message *message, const char id_text[ID_TEXT_LEN])
{
    return message->client_id.data != NULL && !bytes_equal(message->client_id, bytes_view(id_text, ID_TEXT_LEN));
}

/* A page of messages is the longest answer there is, so the fixed parts are written straight into the buffer. */
void render_message(struct buffer *out, const struct message *message)
{
    char *begin = buffer_reserve(out, 128), *to = PUT(begin, "{\"id\":\"");
    to = put_id_at(to, message->id);
    bool is_named = has_own_client_id(message, to - ID_TEXT_LEN);
    to = PUT(to, "\",\"conversationId\":\"");
    to = put_id_at(to, message->conversation);
    to = PUT(to, "\",\"role\":");
    out->len += (size_t)(to - begin);
    json_put_string(out, message->role);
    json_key(out, BYTES("content"));
    json_put_string(out, message->content);
    begin = buffer_reserve(out, 64);
    to = PUT(begin, ",\"timestamp\":\"");
    time_format(message->at_ms, to);
    to = PUT(to + TIME_TEXT_LEN, "\",\"seq\":");
    out->len += (size_t)(to - begin);
    json_put_integer(out, (int64_t)message->seq);
    if (is_named)
        json_member_string(out, "clientId", message->client_id);
    json_close(out, '}');
}

void render_conversation_open(struct buffer *out, const struct conversation *conversation,
                              const struct conversation_activity *activity)
{
    json_open(out, '{');
    member_id(out, "id", conversation->id);
    member_id(out, "visitorId", conversation->visitor);
    json_member_time(out, "createdAt", conversation->created_at_ms);
    json_member_time(out, "updatedAt", activity->updated_at_ms);
    json_member_integer(out, "messageCount", (int64_t)activity->message_count);
    json_key(out, BYTES("lastMessage"));
    if (activity->has_message)
        render_message(out, &activity->last_message);
    else
        json_put_literal(out, "null");
    json_member_integer(out, "visitorReadSeq", (int64_t)conversation->visitor_read_seq);
    json_member_integer(out, "agentReadSeq", (int64_t)conversation->agent_read_seq);
    if (conversation->anonymized)
        json_member_bool(out, "anonymized", true);
}

void render_visitor(struct buffer *out, const struct visitor *visitor, bool is_online)
{
    json_open(out, '{');
    member_id(out, "id", visitor->id);
    json_member_string(out, "visitorKey", visitor->visitor_key);
    json_member_time(out, "firstSeenAt", visitor->first_seen_at_ms);
    json_member_time(out, "lastSeenAt", visitor->last_seen_at_ms);
    render_text(out, BYTES("userAgent"), visitor->user_agent);
    render_text(out, BYTES("email"), visitor->email);
    render_text(out, BYTES("address"), visitor->address);
    json_member_integer(out, "conversationCount", (int64_t)visitor->conversation_count);
    json_member_bool(out, "online", is_online);
    json_close(out, '}');
}

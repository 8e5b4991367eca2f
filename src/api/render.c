/* Records as JSON. What a visitor may see and what the organisation's side sees differ where a viewer is asked for;
 * visitors, whose key is in render_visitor alone, notes and replies are for the organisation's side. */
#include "api/internal.h"
#include "core/tags.h"
#include "core/work.h"

enum viewer call_viewer(const struct call *call)
{
    return call->by_org ? VIEWER_ORG : VIEWER_VISITOR;
}

bool call_may_see_keys(const struct call *call)
{
    return call->level >= LEVEL_WRITE;
}

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
void render_message(struct buffer *out, const struct message *message, enum viewer viewer)
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
    if (viewer == VIEWER_ORG && !id_is_none(message->agent))
        member_id(out, "agentId", message->agent);
    json_close(out, '}');
}

static void member_time_or_null(struct buffer *out, struct bytes name, int64_t time_ms)
{
    json_key(out, name);
    if (time_ms != 0)
        json_put_time(out, time_ms);
    else
        json_put_literal(out, "null");
}

static void render_tags(struct buffer *out, struct bytes tags)
{
    struct bytes tag;
    json_key(out, BYTES("tags"));
    json_open(out, '[');
    while (tags_next(&tags, &tag)) {
        json_element(out);
        json_put_string(out, tag);
    }
    json_close(out, ']');
}

/* Of its last change of whatever kind: the larger one is the newer picture of the conversation. */
static uint64_t version_of(const struct conversation *conversation, const struct conversation_activity *activity)
{
    uint64_t seq = activity->seq;
    if (conversation->marked_seq > seq)
        seq = conversation->marked_seq;
    return conversation->worked_seq > seq ? conversation->worked_seq : seq;
}

void render_work(struct buffer *out, const struct conversation *conversation)
{
    const char *word = status_word(conversation->status);
    json_member_string(out, "status", bytes_of_string(word != NULL ? word : "open"));
    member_time_or_null(out, BYTES("snoozedUntil"), conversation->snoozed_until_ms);
    member_time_or_null(out, BYTES("resolvedAt"), conversation->resolved_at_ms);
    member_id(out, "assigneeId", conversation->assignee);
    render_text(out, BYTES("priority"), conversation->priority);
    render_tags(out, conversation->tags);
}

void render_conversation_open(struct buffer *out, const struct conversation *conversation,
                              const struct conversation_activity *activity, enum viewer viewer)
{
    json_open(out, '{');
    member_id(out, "id", conversation->id);
    member_id(out, "visitorId", conversation->visitor);
    json_member_time(out, "createdAt", conversation->created_at_ms);
    json_member_time(out, "updatedAt", activity->updated_at_ms);
    json_member_integer(out, "messageCount", (int64_t)activity->message_count);
    json_key(out, BYTES("lastMessage"));
    if (activity->has_message)
        render_message(out, &activity->last_message, viewer);
    else
        json_put_literal(out, "null");
    json_member_integer(out, "visitorReadSeq", (int64_t)conversation->visitor_read_seq);
    json_member_integer(out, "agentReadSeq", (int64_t)conversation->agent_read_seq);
    if (conversation->anonymized)
        json_member_bool(out, "anonymized", true);
    if (viewer == VIEWER_ORG) {
        json_member_integer(out, "seq", (int64_t)version_of(conversation, activity));
        json_member_integer(out, "activitySeq", (int64_t)activity->seq);
        render_work(out, conversation);
    }
}

void render_note(struct buffer *out, const struct note *note)
{
    json_open(out, '{');
    member_id(out, "id", note->id);
    member_id(out, "conversationId", note->conversation);
    member_id(out, "agentId", note->agent);
    json_member_string(out, "content", note->content);
    json_key(out, BYTES("mentions"));
    json_open(out, '[');
    for (size_t offset = 0; offset + ID_LEN <= note->mentions.len;) {
        json_element(out);
        put_id(out, key_get_id(note->mentions, &offset));
    }
    json_close(out, ']');
    json_member_time(out, "timestamp", note->at_ms);
    json_member_integer(out, "seq", (int64_t)note->seq);
    if (note->client_id.data != NULL)
        json_member_string(out, "clientId", note->client_id);
    json_close(out, '}');
}

void render_reply(struct buffer *out, const struct reply *reply)
{
    json_open(out, '{');
    member_id(out, "id", reply->id);
    json_member_string(out, "shortcut", reply->shortcut);
    json_member_string(out, "text", reply->text);
    json_member_time(out, "createdAt", reply->created_at_ms);
    json_member_time(out, "updatedAt", reply->updated_at_ms);
    json_close(out, '}');
}

void render_visitor(struct buffer *out, const struct visitor *visitor, const struct live_visit *visit, bool with_key)
{
    json_open(out, '{');
    member_id(out, "id", visitor->id);
    if (with_key)
        json_member_string(out, "visitorKey", visitor->visitor_key);
    json_member_time(out, "firstSeenAt", visitor->first_seen_at_ms);
    json_member_time(out, "lastSeenAt", visitor->last_seen_at_ms);
    render_text(out, BYTES("userAgent"), visitor->user_agent);
    render_text(out, BYTES("email"), visitor->email);
    render_text(out, BYTES("address"), visitor->address);
    json_member_integer(out, "conversationCount", (int64_t)visitor->conversation_count);
    json_member_bool(out, "online", visit != NULL);
    member_time_or_null(out, BYTES("onlineSince"), visit == NULL ? 0 : visit->since_ms);
    render_text(out, BYTES("page"),
                visit == NULL || visit->page_len == 0 ? BYTES_NONE : bytes_view(visit->page, visit->page_len));
    json_member_bool(out, "blocked", visitor->blocked_at_ms != 0);
    member_time_or_null(out, BYTES("blockedAt"), visitor->blocked_at_ms);
    json_close(out, '}');
}

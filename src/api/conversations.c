/* /conversations: creating one, listing one's own or the organisation's, showing one. */
#include <sodium.h>
#include <stdlib.h>

#include "api/internal.h"
#include "base/address_text.h"
#include "base/text.h"

enum error call_may_read(struct call *call, const struct conversation *conversation)
{
    struct id visitor;
    if (!id_equal(conversation->org, call->org.id))
        return ERR_NOT_FOUND;
    if (call->by_org || (id_is_none(conversation->visitor) && !conversation->anonymized))
        return OK;
    if (conversation->anonymized)
        return ERR_NOT_FOUND;
    if (call->visitor_key.data == NULL)
        return ERR_NOT_FOUND;
    enum error error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &visitor);
    return error == OK && !id_equal(visitor, conversation->visitor) ? ERR_NOT_FOUND : error;
}

/* ---- creating ---- */

struct bytes call_user_agent(const struct call *call)
{
    struct bytes agent = request_header(call->request, BYTES("user-agent"), NULL);
    return agent.data == NULL || !utf8_valid(agent) ? BYTES_NONE : utf8_cut(agent, USER_AGENT_LEN_MAX);
}

struct bytes call_kept_address(const struct call *call)
{
    struct in6_addr address;
    char *text;
    if (call->org.addresses.len == 0 || call->by_org || call->visitor_key.data == NULL)
        return BYTES_NONE;
    address = request_client_address(call->request);
    text = request_alloc(call->request, ADDRESS_LEN_MAX);
    return bytes_view(text, address_text(&address, !bytes_equal(call->org.addresses, BYTES("full")), text));
}

static void hash_header(crypto_generichash_state *state, const struct call *call, struct bytes name)
{
    struct bytes value = request_header(call->request, name, NULL);
    crypto_generichash_update(state, (const unsigned char *)&value.len, sizeof(value.len));
    if (value.len != 0)
        crypto_generichash_update(state, (const unsigned char *)value.data, value.len);
}

/* The caller is part of the hash, so that a key gives an answer only to whoever got it first: the token, the visitor,
 * or, without one, the client's address and browser. */
static enum error idempotency_hash(struct call *call, unsigned char hash[IDEMPOTENCY_HASH_LEN], struct bytes *out)
{
    struct bytes key;
    crypto_generichash_state state;
    struct in6_addr address = request_client_address(call->request);
    *out = BYTES_NONE;
    enum error error = single_header(call, BYTES("idempotency-key"), &key);
    if (error != OK || key.data == NULL)
        return error;
    bool valid = key.len >= 1 && key.len <= IDEMPOTENCY_KEY_LEN_MAX;
    for (size_t i = 0; i < key.len && valid; ++i)
        valid = key.data[i] >= 0x21 && key.data[i] <= 0x7e;
    if (!valid)
        return call_refuse(call, ERR_INVALID_HEADER,
                           "The header Idempotency-Key must be 1 to 64 visible ASCII characters.");
    struct bytes caller = call->visitor_key.data != NULL ? call->visitor_key
                          : call->by_org                 ? BYTES_NONE
                                                         : bytes_view(&address, sizeof(address));
    unsigned char kind[2] = {call->by_org                     ? 't'
                             : call->visitor_key.data != NULL ? 'v'
                                                              : 'a',
                             (unsigned char)caller.len};
    crypto_generichash_init(&state, NULL, 0, IDEMPOTENCY_HASH_LEN);
    crypto_generichash_update(&state, call->org.id.bytes, ID_LEN);
    crypto_generichash_update(&state, kind, sizeof(kind));
    if (caller.len != 0)
        crypto_generichash_update(&state, (const unsigned char *)caller.data, caller.len);
    if (kind[0] == 'a') /* an address may be a whole office */
        hash_header(&state, call, BYTES("user-agent")), hash_header(&state, call, BYTES("origin"));
    crypto_generichash_update(&state, (const unsigned char *)key.data, key.len);
    crypto_generichash_final(&state, hash, IDEMPOTENCY_HASH_LEN);
    *out = bytes_view(hash, IDEMPOTENCY_HASH_LEN);
    return OK;
}

static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct buffer *json = &loop->json;
    (void)txn;
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "id", entry->outcome.id);
    json_member_time(json, "createdAt", entry->outcome.at_ms);
    json_close(json, '}');
    request_respond(request, entry->outcome.replayed ? 200 : 201, CONTENT_TYPE_JSON, buffer_view(json));
}

enum error handle_conversation_create(struct call *call)
{
    struct json_document *document;
    unsigned char hash[IDEMPOTENCY_HASH_LEN];
    struct bytes idempotency;
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    json_free(document);
    error = idempotency_hash(call, hash, &idempotency);
    if (error == OK)
        error = rate_limit(call, LIMITED_CONVERSATIONS);
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_CONVERSATION_CREATE,
        .conversation_create = {.org = call->org.id,
                                .conversation = id_make(call->now_ms, &call->loop->random),
                                .at_ms = call->now_ms,
                                .visitor_key = call->visitor_key,
                                .user_agent = call->by_org ? BYTES_NONE : call_user_agent(call),
                                .address = call_kept_address(call),
                                .idempotency = idempotency},
    };
    if (call->visitor_key.data != NULL)
        command.conversation_create.visitor = id_make(call->now_ms, &call->loop->random);
    return call_submit(call, &command, on_created);
}

/* ---- showing ---- */

/* Which messages of a conversation: those after a seq, or the last ones before one. */
struct window {
    uint64_t after, before, limit;
    bool is_before;
};

static enum error read_window(struct call *call, struct window *out)
{
    enum error error = query_uint(call, "after", 0, INT64_MAX, UINT64_MAX, &out->after);
    if (error == OK)
        error = query_uint(call, "before", 1, INT64_MAX, UINT64_MAX, &out->before);
    if (error == OK)
        error = query_uint(call, "limit", 1, MESSAGES_LIMIT_MAX, MESSAGES_LIMIT_DEFAULT, &out->limit);
    out->is_before = out->before != UINT64_MAX;
    if (error == OK && out->is_before && out->after != UINT64_MAX)
        return call_refuse(call, ERR_INVALID_QUERY, "The parameters \"after\" and \"before\" exclude each other.");
    if (out->after == UINT64_MAX)
        out->after = 0;
    return error;
}

/* Whether messages that have grown to `len` bytes must end here, with room for `left` more. */
static bool window_is_full(struct call *call, size_t len, uint64_t left)
{
    if (len > ANSWER_BYTES_MAX)
        count(&call->loop->figures.limited[LIMIT_ANSWER_BYTES], 1);
    return left == 0 || len > ANSWER_BYTES_MAX;
}

/* Ends early at `limit`, or when the answer has grown to ANSWER_BYTES_MAX. */
static enum error render_after(struct call *call, struct id conversation, const struct window *window, bool *more)
{
    struct buffer *json = &call->loop->json;
    struct bytes key, value;
    struct key from;
    message_key(&from, conversation, window->after + 1);
    struct cursor *cursor = cursor_open(call->txn, TABLE_MESSAGES);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    for (uint64_t left = window->limit; error == OK && message_key_is_of(key, conversation); --left) {
        struct message message;
        *more = window_is_full(call, json->len, left);
        if (*more)
            break;
        error = message_decode(key, value, &message);
        if (error != OK)
            break;
        json_element(json);
        render_message(json, &message);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Messages before `before`, the newest first and one behind the other; begins[i] is where the i-th stands in `out`, and
 * behind the last one its end. */
static enum error render_backwards(struct call *call, struct id conversation, const struct window *window,
                                   struct buffer *out, size_t begins[MESSAGES_LIMIT_MAX + 1], size_t *number,
                                   bool *more)
{
    struct bytes key, value;
    struct key from;
    message_key(&from, conversation, window->before);
    struct cursor *cursor = cursor_open(call->txn, TABLE_MESSAGES);
    enum error error = cursor_seek_before(cursor, key_view(&from), &key, &value);
    while (error == OK && message_key_is_of(key, conversation)) {
        struct message message;
        *more = window_is_full(call, out->len, window->limit - *number);
        if (*more)
            break;
        error = message_decode(key, value, &message);
        if (error != OK)
            break;
        begins[(*number)++] = out->len;
        render_message(out, &message);
        error = cursor_previous(cursor, &key, &value);
    }
    begins[*number] = out->len;
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* How many fit is known from the newest on, but they are given in order: so they are turned around. */
static enum error render_before(struct call *call, struct id conversation, const struct window *window, bool *more)
{
    struct buffer *json = &call->loop->json, *backwards = &call->loop->scratch;
    size_t begins[MESSAGES_LIMIT_MAX + 1], number = 0;
    buffer_clear(backwards);
    enum error error = render_backwards(call, conversation, window, backwards, begins, &number, more);
    while (error == OK && number-- > 0) {
        json_element(json);
        buffer_append(json, backwards->data + begins[number], begins[number + 1] - begins[number]);
    }
    return error;
}

static enum error render_shown(struct call *call, const struct conversation *conversation, const struct window *window)
{
    struct buffer *json = &call->loop->json;
    struct conversation_activity activity;
    bool more = false;
    enum error error = conversation_activity(call->txn, conversation, &activity);
    if (error != OK)
        return error;
    render_conversation_open(json, conversation, &activity);
    json_key(json, BYTES("messages"));
    json_open(json, '[');
    error = window->is_before ? render_before(call, conversation->id, window, &more)
                              : render_after(call, conversation->id, window, &more);
    json_close(json, ']');
    json_member_bool(json, "hasMore", more);
    json_close(json, '}');
    return error;
}

enum error handle_conversation_show(struct call *call)
{
    struct conversation conversation;
    struct window window;
    struct id id;
    enum error error = read_window(call, &window);
    if (error == OK)
        error = path_id(call, &id);
    if (error == OK)
        error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = call_may_read(call, &conversation);
    if (error == OK)
        error = render_shown(call, &conversation, &window);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    return error;
}

/* ---- listing ---- */

static void render_listed(struct call *call, const struct conversation *conversation,
                          const struct conversation_activity *activity)
{
    struct buffer *json = &call->loop->json;
    json_element(json);
    render_conversation_open(json, conversation, activity);
    json_close(json, '}');
}

/* The conversation that an entry of the activity index names; *is_current tells whether the entry is its latest. */
static enum error read_listed(struct call *call, struct bytes value, uint64_t entry_seq,
                              struct conversation *conversation, struct conversation_activity *activity,
                              bool *is_current)
{
    size_t offset = 0;
    *is_current = false;
    enum error error = conversation_get(call->txn, key_get_id(value, &offset), conversation);
    if (error == OK)
        error = conversation_activity(call->txn, conversation, activity);
    *is_current = error == OK && activity->seq == entry_seq;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Whether a page that has grown to json->len and looked at `entries` index entries must end here. */
static bool page_is_over(struct call *call, unsigned entries)
{
    bool is_long = call->loop->json.len > ANSWER_BYTES_MAX, is_far = entries >= LIST_ENTRIES_MAX;
    if (is_long || is_far)
        count(&call->loop->figures.limited[is_long ? LIMIT_ANSWER_BYTES : LIMIT_LIST_ENTRIES], 1);
    return is_long || is_far;
}

/* The organisation's: its part of the activity index backwards, skipping what is stale. A page may end early; *next is
 * then the last entry that was looked at. */
static enum error list_of_org(struct call *call, uint64_t before, uint64_t limit, uint64_t *next)
{
    struct bytes key, value;
    struct key from;
    uint64_t last_seq = 0;
    activity_key(&from, call->org.id, before);
    struct cursor *cursor = cursor_open(call->txn, TABLE_CONVERSATION_BY_ACTIVITY);
    enum error error = cursor_seek_before(cursor, key_view(&from), &key, &value);
    for (unsigned entries = 0; error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0; ++entries) {
        struct conversation conversation;
        struct conversation_activity activity;
        bool is_current;
        size_t offset = ID_LEN;
        uint64_t seq = key_get_u64(key, &offset);
        error = read_listed(call, value, seq, &conversation, &activity, &is_current);
        if (page_is_over(call, entries) || (is_current && limit-- == 0)) {
            *next = last_seq;
            break;
        }
        last_seq = seq;
        if (is_current)
            render_listed(call, &conversation, &activity);
        if (error == OK)
            error = cursor_previous(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* A conversation of a visitor, as sorting needs it. */
struct own {
    struct conversation conversation;
    uint64_t seq;
};

static int by_activity_descending(const void *a, const void *b)
{
    uint64_t first = ((const struct own *)a)->seq, second = ((const struct own *)b)->seq;
    return first > second ? -1 : first < second;
}

/* Follows the chain from the visitor's newest conversation; *found is how many there are before `before`. */
static enum error collect_own(struct call *call, struct id at, uint64_t before, struct buffer *out, size_t *found)
{
    unsigned steps = 0;
    *found = 0;
    for (; !id_is_none(at) && steps < VISITOR_CHAIN_MAX; ++steps) {
        struct own own;
        struct conversation_activity activity;
        enum error error = conversation_get(call->txn, at, &own.conversation);
        if (error == OK)
            error = conversation_activity(call->txn, &own.conversation, &activity);
        if (error != OK)
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        own.seq = activity.seq;
        at = own.conversation.previous_of_visitor;
        if (own.seq < before) {
            buffer_append(out, &own, sizeof(own));
            ++*found;
        }
    }
    if (!id_is_none(at))
        count(&call->loop->figures.limited[LIMIT_VISITOR_CHAIN], 1);
    return OK;
}

/* One of the visitor's own, with how much of it is unread. */
static enum error render_owned(struct call *call, const struct conversation *conversation, unsigned *looked)
{
    struct buffer *json = &call->loop->json;
    struct conversation_activity activity;
    uint64_t unread;
    enum error error = conversation_activity(call->txn, conversation, &activity);
    if (error == OK)
        error = unread_in_conversation(call->loop, call->txn, conversation, &activity, looked, &unread);
    if (error != OK)
        return error;
    json_element(json);
    render_conversation_open(json, conversation, &activity);
    json_member_integer(json, "unreadCount", (int64_t)unread);
    json_close(json, '}');
    return OK;
}

/* Renders from the newest on; returns early, with *next set, when the page is long enough. */
static enum error render_own(struct call *call, const struct own *owned, size_t found, uint64_t limit, uint64_t *next)
{
    enum error error = OK;
    unsigned looked = 0;
    for (size_t i = 0; i < found && error == OK; ++i) {
        if (i == limit || page_is_over(call, 0)) {
            *next = owned[i - 1].seq;
            break;
        }
        error = render_owned(call, &owned[i].conversation, &looked);
    }
    return error;
}

static enum error list_of_visitor(struct call *call, uint64_t before, uint64_t limit, uint64_t *next)
{
    struct visitor visitor;
    struct id id;
    size_t found;
    enum error error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &id);
    if (error == OK)
        error = visitor_get(call->txn, id, &visitor);
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    struct buffer owned = {0};
    error = collect_own(call, visitor.last_conversation, before, &owned, &found);
    if (error == OK) {
        struct own *all = (struct own *)owned.data;
        if (found != 0)
            qsort(all, found, sizeof(*all), by_activity_descending);
        error = render_own(call, all, found, limit, next);
    }
    buffer_dispose(&owned);
    return error;
}

enum error handle_conversation_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    uint64_t limit, before, next = 0;
    enum error error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &limit);
    if (error == OK)
        error = query_uint(call, "before", 1, INT64_MAX, INT64_MAX, &before);
    if (error != OK)
        return error;
    json_open(json, '{');
    json_key(json, BYTES("conversations"));
    json_open(json, '[');
    bool own = call->visitor_key.data != NULL;
    error = own ? list_of_visitor(call, before, limit, &next) : list_of_org(call, before, limit, &next);
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

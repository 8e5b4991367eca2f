/*
 * /webhooks, for whoever administers the organisation: whom to tell of what, and how that goes. The secret is in the
 * answer that makes it, and in no other: what can be looked up again can be stolen later.
 */
#include <stdlib.h>

#include "api/hooks.h"
#include "api/internal.h"
#include "base/text.h"

/* ---- as JSON ---- */

static void put_events(struct buffer *json, struct bytes events)
{
    uint64_t bits;
    json_key(json, BYTES("events"));
    json_open(json, '[');
    if (hook_events_parse(events, &bits))
        for (uint64_t event = 0; event < 64; ++event)
            if ((bits >> event & 1) != 0) {
                json_element(json);
                json_put_string(json, bytes_of_string(hook_event_name(event)));
            }
    json_close(json, ']');
}

static void put_webhook(struct buffer *json, const struct webhook *webhook, bool with_secret)
{
    json_open(json, '{');
    member_id(json, "id", webhook->id);
    json_member_string(json, "url", webhook->url);
    put_events(json, webhook->events);
    render_text(json, BYTES("description"), webhook->description);
    json_member_bool(json, "enabled", webhook->enabled);
    render_text(json, BYTES("disabledBecause"), webhook->disabled_because);
    json_member_time(json, "createdAt", webhook->created_at_ms);
    json_member_time(json, "updatedAt", webhook->updated_at_ms);
    json_member_integer(json, "waiting", (int64_t)webhook->waiting);
    json_member_integer(json, "parked", (int64_t)webhook->parked);
    json_member_integer(json, "lost", (int64_t)webhook->lost);
    if (with_secret)
        json_member_string(json, "secret", webhook->secret);
    json_close(json, '}');
}

static void respond_webhook(struct api_loop *loop, struct txn *txn, struct request *request, struct id id, int status,
                            bool with_secret)
{
    struct webhook webhook;
    struct buffer *json = &loop->json;
    enum error error = txn == NULL ? ERR_BUSY : webhook_get(txn, id, &webhook);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(json);
    put_webhook(json, &webhook, with_secret);
    request_respond(request, status, CONTENT_TYPE_JSON, buffer_view(json));
    if (with_secret)
        explicit_bzero(json->data, json->len);
}

static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    respond_webhook(loop, txn, request, entry->outcome.id, 201, true);
}

static void on_rotated(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    respond_webhook(loop, txn, request, entry->outcome.id, 200, true);
}

static void on_changed(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    respond_webhook(loop, txn, request, entry->outcome.id, 200, false);
}

static void on_deleted(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)loop, (void)txn, (void)entry;
    request_respond(request, 204, NULL, BYTES_NONE);
}

/* ---- finding ---- */

static enum error get_own(struct call *call, struct webhook *out)
{
    struct id id;
    if (!id_parse(request_path_param(call->request, 0), &id))
        return ERR_NOT_FOUND;
    enum error error = webhook_get(call->txn, id, out);
    return error == OK && !id_equal(out->org, call->org.id) ? ERR_NOT_FOUND : error;
}

enum error handle_webhook_show(struct call *call)
{
    struct webhook webhook;
    enum error error = get_own(call, &webhook);
    if (error != OK)
        return error;
    put_webhook(&call->loop->json, &webhook, false);
    call_respond(call, 200, &call->loop->json);
    return OK;
}

/* Calls `visit` for each of the organisation's webhooks; *number counts them. */
static enum error each_webhook(struct call *call, struct buffer *json, unsigned *number)
{
    struct bytes key;
    struct id org = call->org.id;
    struct cursor *cursor = cursor_open(call->txn, TABLE_WEBHOOK_BY_ORG);
    enum error error = cursor_seek(cursor, bytes_view(org.bytes, ID_LEN), &key, NULL);
    for (*number = 0; error == OK && key.len == 2 * ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0; ++*number) {
        struct webhook webhook;
        size_t offset = ID_LEN;
        error = json == NULL ? OK : webhook_get(call->txn, key_get_id(key, &offset), &webhook);
        if (error == OK && json != NULL) {
            json_element(json);
            put_webhook(json, &webhook, false);
        }
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error handle_webhook_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    unsigned number;
    json_open(json, '{');
    json_key(json, BYTES("webhooks"));
    json_open(json, '[');
    enum error error = each_webhook(call, json, &number);
    json_close(json, ']');
    json_close(json, '}');
    if (error == OK)
        call_respond(call, 200, json);
    return error;
}

/* ---- what a body says ---- */

/* Texts are NULL when they were not sent. */
struct fields {
    struct bytes url, description;
    uint64_t events;
    bool has_events, has_enabled, enabled;
    struct buffer names; /* of the events */
};

struct event_list {
    uint64_t bits;
    bool is_fit;
};

static void on_event(void *context, const struct json_value *value)
{
    struct event_list *list = context;
    struct bytes name;
    enum hook_event event = json_string(value, &name) ? hook_event_parse(name) : HOOK_NONE;
    list->is_fit &= event != HOOK_NONE;
    list->bits |= event == HOOK_NONE ? 0 : HOOK_BIT(event);
}

static bool read_events(const struct json_value *value, struct fields *out)
{
    struct event_list list = {.is_fit = true};
    out->has_events = value != NULL;
    if (value == NULL)
        return true;
    if (json_is_array(value))
        json_each_element(value, on_event, &list);
    out->events = list.bits;
    hook_events_write(&out->names, list.bits);
    return list.is_fit && list.bits != 0;
}

static bool read_text(const struct json_value *value, size_t len_max, struct bytes *out)
{
    return value == NULL || (json_string(value, out) && out->len <= len_max);
}

struct null_search {
    bool is_there;
};

static void on_member(void *context, struct bytes name, const struct json_value *value)
{
    struct null_search *search = context;
    search->is_there |= bytes_equal(name, BYTES("description")) && json_is_null(value);
}

#define SENTENCE_EVENTS                                                                                 \
    "The field \"events\" must be a list of one or more of conversation.created, conversation.status, " \
    "message.created, visitor.created, visitor.identified and visitor.erased."

static enum error read_fields(struct call *call, const struct json_value *root, struct fields *out)
{
    struct null_search nulls = {false};
    *out = (struct fields){.enabled = true};
    json_each_member(root, on_member, &nulls);
    if (!read_text(json_member(root, "url"), SIZE_MAX, &out->url))
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"url\" must be a text.");
    const char *refusal =
        out->url.data == NULL ? NULL : post_url_refusal(out->url, call->loop->api->config.webhook_allow_private);
    if (refusal != NULL)
        return call_refuse(call, ERR_INVALID_FIELD, refusal);
    if (!read_text(json_member(root, "description"), WEBHOOK_DESCRIPTION_LEN_MAX, &out->description))
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"description\" must be a text of at most 200 bytes.");
    if (nulls.is_there)
        out->description = BYTES("");
    const struct json_value *enabled = json_member(root, "enabled");
    out->has_enabled = enabled != NULL;
    if (enabled != NULL && !json_bool(enabled, &out->enabled))
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"enabled\" must be true or false.");
    return read_events(json_member(root, "events"), out) ? OK : call_refuse(call, ERR_INVALID_FIELD, SENTENCE_EVENTS);
}

/* Reads the body and gives it to `then`. */
static enum error with_fields(struct call *call, enum error (*then)(struct call *call, const struct fields *fields))
{
    struct json_document *document;
    struct fields fields = {0};
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    if (document == NULL)
        return call_refuse(call, ERR_INVALID_JSON, "The body must be a JSON object.");
    error = read_fields(call, json_root(document), &fields);
    if (error == OK)
        error = then(call, &fields);
    buffer_dispose(&fields.names);
    json_free(document);
    return error;
}

/* ---- creating and changing ---- */

static enum error create(struct call *call, const struct fields *fields)
{
    char secret[HOOK_SECRET_LEN + 1];
    unsigned number;
    if (fields->url.data == NULL)
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"url\" is missing.");
    if (!fields->has_events)
        return call_refuse(call, ERR_INVALID_FIELD, SENTENCE_EVENTS);
    enum error error = each_webhook(call, NULL, &number);
    if (error == OK && number >= WEBHOOKS_PER_ORG_MAX)
        return call_refuse(call, ERR_CONFLICT, "The organisation has as many webhooks as it may have, 20.");
    if (error != OK)
        return error;
    hook_secret_make(&call->loop->random, secret);
    error = call_submit(call,
                        &(struct command){
                            .kind = COMMAND_WEBHOOK_CREATE,
                            .webhook_create = {.org = call->org.id,
                                               .webhook = id_make(call->now_ms, &call->loop->random),
                                               .at_ms = call->now_ms,
                                               .url = fields->url,
                                               .secret = bytes_view(secret, HOOK_SECRET_LEN),
                                               .events = buffer_view(&fields->names),
                                               .description = fields->description,
                                               .enabled = fields->enabled,
                                               .by = call_actor(call),
                                               .from = request_address_text(call->request)},
                        },
                        on_created);
    explicit_bzero(secret, sizeof(secret));
    return error;
}

enum error handle_webhook_create(struct call *call)
{
    return with_fields(call, create);
}

static enum error update(struct call *call, const struct fields *fields)
{
    struct webhook webhook;
    enum error error = get_own(call, &webhook);
    return error != OK
               ? error
               : call_submit(
                     call,
                     &(struct command){
                         .kind = COMMAND_WEBHOOK_UPDATE,
                         .webhook_update = {.org = call->org.id,
                                            .webhook = webhook.id,
                                            .at_ms = call->now_ms,
                                            .url = fields->url,
                                            .events = fields->has_events ? buffer_view(&fields->names) : BYTES_NONE,
                                            .description = fields->description,
                                            .set_enabled = fields->has_enabled,
                                            .enabled = fields->enabled,
                                            .by = call_actor(call),
                                            .from = request_address_text(call->request)},
                     },
                     on_changed);
}

enum error handle_webhook_update(struct call *call)
{
    return with_fields(call, update);
}

enum error handle_webhook_delete(struct call *call)
{
    struct webhook webhook;
    enum error error = get_own(call, &webhook);
    return error != OK ? error
                       : call_submit(call,
                                     &(struct command){.kind = COMMAND_WEBHOOK_DELETE,
                                                       .webhook_delete = {.org = call->org.id,
                                                                          .webhook = webhook.id,
                                                                          .at_ms = call->now_ms,
                                                                          .by = call_actor(call),
                                                                          .from = request_address_text(call->request)}},
                                     on_deleted);
}

enum error handle_webhook_rotate(struct call *call)
{
    struct webhook webhook;
    char secret[HOOK_SECRET_LEN + 1];
    enum error error = get_own(call, &webhook);
    if (error != OK)
        return error;
    hook_secret_make(&call->loop->random, secret);
    error = call_submit(call,
                        &(struct command){.kind = COMMAND_WEBHOOK_ROTATE,
                                          .webhook_rotate = {.org = call->org.id,
                                                             .webhook = webhook.id,
                                                             .at_ms = call->now_ms,
                                                             .secret = bytes_view(secret, HOOK_SECRET_LEN),
                                                             .by = call_actor(call),
                                                             .from = request_address_text(call->request)}},
                        on_rotated);
    explicit_bzero(secret, sizeof(secret));
    return error;
}

/* ---- deliveries ---- */

static void put_time_or_null(struct buffer *json, struct bytes name, int64_t at_ms)
{
    json_key(json, name);
    if (at_ms == 0)
        json_put_literal(json, "null");
    else
        json_put_time(json, at_ms);
}

static void put_delivery(struct buffer *json, const struct delivery *delivery)
{
    char name[HOOK_DELIVERY_LEN_MAX];
    size_t len = hook_delivery_format(delivery->webhook, delivery->seq, delivery->event, name);
    const char *event = hook_event_name(delivery->event);
    json_element(json);
    json_open(json, '{');
    json_member_string(json, "id", bytes_view(name, len));
    json_member_string(json, "event", bytes_of_string(event == NULL ? "" : event));
    member_id(json, "conversationId", delivery->conversation);
    member_id(json, "visitorId", delivery->visitor);
    json_member_time(json, "createdAt", delivery->at_ms);
    json_member_integer(json, "tries", (int64_t)delivery->tries);
    put_time_or_null(json, BYTES("lastTryAt"), delivery->tried_at_ms);
    put_time_or_null(json, BYTES("nextTryAt"), delivery->next_at_ms);
    json_key(json, BYTES("lastStatus"));
    if (delivery->status == 0)
        json_put_literal(json, "null");
    else
        json_put_integer(json, (int64_t)delivery->status);
    render_text(json, BYTES("lastFailure"), delivery->failure);
    json_close(json, '}');
}

typedef enum error decode_delivery(struct bytes key, struct bytes value, struct delivery *out);

/* Of the entries under a prefix the first ones, or the last ones from the end on. */
static enum error put_deliveries(struct call *call, enum table table, struct key prefix, bool from_end,
                                 decode_delivery *decode, uint64_t limit)
{
    struct bytes key, value;
    struct key end = prefix;
    struct cursor *cursor = cursor_open(call->txn, table);
    key_put_u64(&end, UINT64_MAX);
    enum error error = from_end ? cursor_seek_before(cursor, key_view(&end), &key, &value)
                                : cursor_seek(cursor, key_view(&prefix), &key, &value);
    for (; error == OK && limit > 0 && key.len > prefix.len && memcmp(key.data, prefix.bytes, prefix.len) == 0;
         --limit) {
        struct delivery delivery;
        error = decode(key, value, &delivery);
        if (error != OK)
            break;
        put_delivery(&call->loop->json, &delivery);
        error = (from_end ? cursor_previous : cursor_next)(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error put_past(struct call *call, struct bytes name, struct id webhook, enum past past, uint64_t limit)
{
    struct key prefix;
    key_clear(&prefix);
    key_put_id(&prefix, webhook);
    key_put_u32(&prefix, past);
    json_key(&call->loop->json, name);
    json_open(&call->loop->json, '[');
    enum error error = put_deliveries(call, TABLE_WEBHOOK_PAST, prefix, true, past_decode, limit);
    json_close(&call->loop->json, ']');
    return error;
}

static enum error put_waiting(struct call *call, struct id webhook, uint64_t limit)
{
    struct key prefix;
    key_clear(&prefix);
    key_put_id(&prefix, webhook);
    json_key(&call->loop->json, BYTES("waiting"));
    json_open(&call->loop->json, '[');
    enum error error = put_deliveries(call, TABLE_WEBHOOK_QUEUE, prefix, false, delivery_decode, limit);
    json_close(&call->loop->json, ']');
    return error;
}

enum error handle_webhook_deliveries(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct webhook webhook;
    uint64_t limit;
    enum error error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &limit);
    if (error == OK)
        error = get_own(call, &webhook);
    if (error != OK)
        return error;
    json_open(json, '{');
    json_member_integer(json, "waitingCount", (int64_t)webhook.waiting);
    json_member_integer(json, "parkedCount", (int64_t)webhook.parked);
    json_member_integer(json, "lostCount", (int64_t)webhook.lost);
    error = put_waiting(call, webhook.id, limit);
    if (error == OK)
        error = put_past(call, BYTES("parked"), webhook.id, PAST_PARKED, limit);
    if (error == OK)
        error = put_past(call, BYTES("delivered"), webhook.id, PAST_DELIVERED, limit);
    json_close(json, '}');
    if (error == OK)
        call_respond(call, 200, json);
    return error;
}

/* ERR_NOT_FOUND unless it waits or is parked. */
static enum error find_delivery(struct call *call, struct id webhook, uint64_t seq, uint64_t event)
{
    struct delivery delivery;
    enum error error = delivery_get(call->txn, webhook, seq, event, &delivery);
    return error == ERR_NOT_FOUND ? past_get(call->txn, webhook, PAST_PARKED, seq, event, &delivery) : error;
}

enum error handle_webhook_retry(struct call *call)
{
    struct webhook webhook;
    struct id id;
    uint64_t seq, event;
    enum error error = get_own(call, &webhook);
    if (error == OK &&
        (!hook_delivery_parse(request_path_param(call->request, 1), &id, &seq, &event) || !id_equal(id, webhook.id)))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = find_delivery(call, webhook.id, seq, event);
    return error != OK ? error
                       : call_submit(call,
                                     &(struct command){.kind = COMMAND_WEBHOOK_RETRY,
                                                       .webhook_retry = {.org = call->org.id,
                                                                         .webhook = webhook.id,
                                                                         .seq = seq,
                                                                         .event = event,
                                                                         .at_ms = call->now_ms}},
                                     on_changed);
}

/* ---- a ping, now ---- */

/* Between a request that waits and the post's thread, which gives it back to the loop. */
struct ping {
    struct loop_message message;
    struct loop *loop;
    struct ticket *ticket;
    struct post_result result;
};

static void put_ping(struct buffer *json, const struct post_result *result)
{
    bool answered = result->failure == POST_NONE;
    json_open(json, '{');
    json_member_bool(json, "delivered", hook_has_arrived(result));
    json_key(json, BYTES("status"));
    if (result->status == 0)
        json_put_literal(json, "null");
    else
        json_put_integer(json, result->status);
    render_text(json, BYTES("failure"), answered ? BYTES_NONE : bytes_of_string(post_failure_word(result->failure)));
    render_text(json, BYTES("reason"), answered ? BYTES_NONE : bytes_of_string(post_failure_sentence(result->failure)));
    json_member_integer(json, "milliseconds", result->elapsed_ms);
    json_close(json, '}');
}

static void on_pinged(struct loop *loop, struct loop_message *message)
{
    struct ping *ping = (struct ping *)message;
    struct api_loop *mine = loop_data(loop);
    struct request *request = ticket_redeem(ping->ticket);
    if (request != NULL && mine != NULL) {
        buffer_clear(&mine->json);
        put_ping(&mine->json, &ping->result);
        request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(&mine->json));
    }
    free(ping);
}

/* On the post's thread. */
static void on_ping_answer(void *context, const struct post_result *result)
{
    struct ping *ping = context;
    ping->result = *result;
    loop_post(ping->loop, &ping->message);
}

enum error handle_webhook_test(struct call *call)
{
    struct webhook webhook;
    enum error error = get_own(call, &webhook);
    if (error == OK)
        error = rate_limit(call, LIMITED_PINGS);
    if (error != OK)
        return error;
    struct ping *ping = calloc(1, sizeof(*ping));
    if (ping == NULL)
        abort();
    *ping = (struct ping){.message.run = on_pinged, .loop = call->loop->loop};
    ping->ticket = request_suspend(call->request);
    error = hook_ping(call->loop->api->config.post, &webhook, &call->loop->random, on_ping_answer, ping);
    if (error == OK)
        return OK;
    respond_error(ticket_redeem(ping->ticket), error, NULL, 0);
    free(ping);
    return OK;
}

/*
 * Webhooks: what they want, what waits for them, and what became of it. A change notes what has to be told in its own
 * transaction, so nothing is told of what did not happen and nothing that happened is forgotten; for an organisation
 * whose webhooks don't want it that is one look at a number that is in memory. What is noted holds ids and numbers,
 * never a text: a body is made when it is sent, of what the tables hold then.
 *
 * A queue is bounded. Beyond WEBHOOK_WAITING_MAX deliveries of one webhook, or WEBHOOK_WAITING_ALL_MAX of all, nothing
 * more is noted for it until some have gone, and `lost` counts what was not: the oldest come first, and whoever finds
 * that it has missed something asks the API.
 */
#include <stdio.h>

#include "rules/internal.h"

/* ---- an organisation's webhooks ---- */

/* Their ids, one behind the other: what is read while walking does not outlive a removal. */
static enum error collect_webhooks(struct txn *txn, struct id org, struct buffer *out)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_WEBHOOK_BY_ORG);
    enum error error = damaged_too(cursor_seek(cursor, id_view(&org), &key, NULL), key);
    while (error == OK && key.len == 2 * ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        buffer_append(out, key.data + ID_LEN, ID_LEN);
        error = damaged_too(cursor_next(cursor, &key, NULL), key);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static size_t webhook_count(const struct buffer *ids)
{
    return ids->len / ID_LEN;
}

static struct id webhook_number(const struct buffer *ids, size_t number)
{
    size_t offset = number * ID_LEN;
    return key_get_id(buffer_view(ids), &offset);
}

/* A damaged webhook gets nothing, and keeps nobody from writing. */
static bool read_webhook(struct txn *txn, struct id id, struct webhook *out)
{
    return webhook_get(txn, id, out) == OK;
}

static uint64_t wishes_of(const struct webhook *webhook)
{
    uint64_t bits;
    return webhook->enabled && hook_events_parse(webhook->events, &bits) ? bits : 0;
}

/* What all of them want together goes into the organisation's record. */
static enum error note_wishes(struct txn *txn, struct id org_id)
{
    struct buffer ids = {0};
    struct webhook webhook;
    struct org org;
    uint64_t wishes = 0;
    enum error error = collect_webhooks(txn, org_id, &ids);
    for (size_t i = 0; i < webhook_count(&ids) && error == OK; ++i)
        wishes |= read_webhook(txn, webhook_number(&ids, i), &webhook) ? wishes_of(&webhook) : 0;
    buffer_dispose(&ids);
    if (error == OK)
        error = org_get(txn, org_id, &org);
    if (error != OK || org.hook_events == wishes)
        return error == ERR_NOT_FOUND ? OK : error;
    org.hook_events = wishes;
    *txn_note(txn) = (struct txn_note){0};
    return org_put(txn, &org);
}

/* ---- what has to be told ---- */

static bool is_full(struct txn *txn, const struct webhook *webhook)
{
    return webhook->waiting >= WEBHOOK_WAITING_MAX || table_rows(txn, TABLE_WEBHOOK_QUEUE) >= WEBHOOK_WAITING_ALL_MAX;
}

static enum error note_for(struct txn *txn, uint64_t seq, const struct hook_news *news, struct webhook *webhook,
                           struct outcome *outcome)
{
    if (is_full(txn, webhook)) {
        ++webhook->lost;
        ++outcome->hooks_lost;
        return webhook_put(txn, webhook);
    }
    outcome->hooked = true;
    ++webhook->waiting;
    enum error error = delivery_put(txn, &(struct delivery){.webhook = webhook->id,
                                                            .seq = seq,
                                                            .event = news->event,
                                                            .conversation = news->conversation,
                                                            .visitor = news->visitor,
                                                            .at_ms = news->at_ms,
                                                            .conversations = news->conversations,
                                                            .messages = news->messages,
                                                            .since_ms = news->at_ms});
    return error == OK ? webhook_put(txn, webhook) : error;
}

enum error hook_note(struct txn *txn, uint64_t seq, const struct hook_news *news, struct outcome *outcome)
{
    struct buffer ids = {0};
    struct webhook webhook;
    enum error error = org_is_alive(txn, news->org);
    if (error != OK || (txn_note(txn)->hook_events & HOOK_BIT(news->event)) == 0)
        return error;
    error = collect_webhooks(txn, news->org, &ids);
    for (size_t i = 0; i < webhook_count(&ids) && error == OK; ++i)
        if (read_webhook(txn, webhook_number(&ids, i), &webhook) && (wishes_of(&webhook) & HOOK_BIT(news->event)) != 0)
            error = note_for(txn, seq, news, &webhook, outcome);
    buffer_dispose(&ids);
    return error;
}

enum error hook_note_visitor(struct txn *txn, uint64_t seq, const struct sighting *sighting, struct outcome *outcome)
{
    if (!sighting->present || !sighting->is_new)
        return OK;
    return hook_note(txn, seq,
                     &(struct hook_news){.event = HOOK_VISITOR_CREATED,
                                         .org = sighting->visitor.org,
                                         .visitor = sighting->visitor.id,
                                         .at_ms = sighting->visitor.created_at_ms},
                     outcome);
}

/* ---- dropping ---- */

struct dropping {
    hook_names *names;
    void *context;
    uint64_t removed;
};

static enum error delivery_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct dropping *dropping = context;
    struct delivery delivery;
    (void)key;
    *goes = value.data == NULL || record_decode(RECORD_WEBHOOK_QUEUE, value, &delivery) != OK ||
            dropping->names(dropping->context, delivery.conversation) ||
            dropping->names(dropping->context, delivery.visitor);
    dropping->removed += *goes;
    return OK;
}

/* Removes what goes under a prefix; *removed is how many did. */
static enum error forget_under(struct txn *txn, enum table table, struct key prefix, struct dropping *dropping,
                               uint64_t *removed)
{
    dropping->removed = 0;
    enum error error = remove_under(txn, table, key_view(&prefix), NULL, delivery_goes, dropping);
    *removed = dropping->removed;
    return error;
}

static struct key past_prefix(struct id webhook, enum past past)
{
    struct key key;
    key_clear(&key);
    key_put_id(&key, webhook);
    key_put_u32(&key, past);
    return key;
}

static struct key queue_prefix(struct id webhook)
{
    struct key key;
    key_clear(&key);
    key_put_id(&key, webhook);
    return key;
}

static enum error forget_of(struct txn *txn, struct id id, struct dropping *dropping)
{
    struct webhook webhook;
    uint64_t waiting = 0, parked = 0, delivered = 0;
    enum error error = forget_under(txn, TABLE_WEBHOOK_QUEUE, queue_prefix(id), dropping, &waiting);
    if (error == OK)
        error = forget_under(txn, TABLE_WEBHOOK_PAST, past_prefix(id, PAST_PARKED), dropping, &parked);
    if (error == OK)
        error = forget_under(txn, TABLE_WEBHOOK_PAST, past_prefix(id, PAST_DELIVERED), dropping, &delivered);
    if (error != OK || waiting + parked + delivered == 0 || !read_webhook(txn, id, &webhook))
        return error;
    webhook.waiting -= waiting;
    webhook.parked -= parked;
    webhook.delivered -= delivered;
    return webhook_put(txn, &webhook);
}

enum error hook_forget(struct txn *txn, struct id org, hook_names *names, void *context)
{
    struct dropping dropping = {.names = names, .context = context};
    struct buffer ids = {0};
    enum error error = collect_webhooks(txn, org, &ids);
    for (size_t i = 0; i < webhook_count(&ids) && error == OK; ++i)
        error = forget_of(txn, webhook_number(&ids, i), &dropping);
    buffer_dispose(&ids);
    return error;
}

/* ---- webhooks come and go ---- */

static bool is_text(struct bytes text, size_t len_max)
{
    return text.len >= 1 && text.len <= len_max;
}

static bool are_events(struct bytes events)
{
    uint64_t bits;
    return hook_events_parse(events, &bits);
}

static struct bytes or_none(struct bytes text)
{
    return text.len == 0 ? BYTES_NONE : text;
}

/* The organisation's own, and nobody else's. */
static enum error get_own(struct txn *txn, struct id org, struct id id, struct webhook *out)
{
    enum error error = org_is_alive(txn, org);
    if (error == OK)
        error = webhook_get(txn, id, out);
    return error == OK && !id_equal(out->org, org) ? ERR_NOT_FOUND : error;
}

static enum error add_webhook(struct txn *txn, const struct webhook *webhook)
{
    struct key key;
    enum error error = webhook_put(txn, webhook);
    webhook_org_key(&key, webhook->org, webhook->id);
    if (error == OK)
        error = table_put(txn, TABLE_WEBHOOK_BY_ORG, key_view(&key), id_view(&webhook->id));
    return error == OK ? note_wishes(txn, webhook->org) : error;
}

enum error rule_webhook_create(struct txn *txn, uint64_t seq, const struct webhook_create *command,
                               struct outcome *outcome)
{
    struct buffer ids = {0};
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = collect_webhooks(txn, command->org, &ids);
    bool has_room = webhook_count(&ids) < WEBHOOKS_PER_ORG_MAX;
    buffer_dispose(&ids);
    if (error != OK)
        return error;
    if (!has_room || id_is_none(command->webhook) || !is_text(command->url, WEBHOOK_URL_LEN_MAX) ||
        !is_text(command->secret, WEBHOOK_SECRET_LEN_MAX) || !are_events(command->events) ||
        command->description.len > WEBHOOK_DESCRIPTION_LEN_MAX)
        return ERR_CONFLICT;
    outcome->id = command->webhook;
    outcome->hooked = true;
    error = add_webhook(txn, &(struct webhook){.id = command->webhook,
                                               .org = command->org,
                                               .url = command->url,
                                               .secret = command->secret,
                                               .events = command->events,
                                               .description = or_none(command->description),
                                               .enabled = command->enabled,
                                               .created_at_ms = command->at_ms,
                                               .updated_at_ms = command->at_ms,
                                               .changed_seq = seq});
    return error != OK
               ? error
               : audit_note(txn, seq,
                            ACT(command, .org = command->org, .action = "webhook.created", .subject = command->webhook,
                                .subject_name = or_none(command->description), .detail = command->events));
}

/* What a change names, for the audit log. */
static struct bytes names_of_change(const struct webhook_update *command, char out[64])
{
    int len =
        snprintf(out, 64, "%s%s%s%s", command->url.data != NULL ? " url" : "",
                 command->events.data != NULL ? " events" : "", command->description.data != NULL ? " description" : "",
                 !command->set_enabled ? ""
                 : command->enabled    ? " on"
                                       : " off");
    return len == 0 ? BYTES_NONE : bytes_view(out + 1, (size_t)len - 1);
}

static void set_enabled(struct webhook *webhook, bool enabled)
{
    webhook->enabled = enabled;
    webhook->disabled_because = BYTES_NONE;
}

enum error rule_webhook_update(struct txn *txn, uint64_t seq, const struct webhook_update *command,
                               struct outcome *outcome)
{
    struct webhook webhook;
    char names[64];
    enum error error = get_own(txn, command->org, command->webhook, &webhook);
    if (error != OK)
        return error;
    if ((command->url.data != NULL && !is_text(command->url, WEBHOOK_URL_LEN_MAX)) ||
        (command->events.data != NULL && !are_events(command->events)) ||
        command->description.len > WEBHOOK_DESCRIPTION_LEN_MAX)
        return ERR_CONFLICT;
    if (command->url.data != NULL)
        webhook.url = command->url;
    if (command->events.data != NULL)
        webhook.events = command->events;
    if (command->description.data != NULL)
        webhook.description = or_none(command->description);
    if (command->set_enabled)
        set_enabled(&webhook, command->enabled);
    webhook.updated_at_ms = command->at_ms;
    webhook.changed_seq = seq;
    outcome->id = webhook.id;
    outcome->hooked = true;
    error = webhook_put(txn, &webhook);
    if (error == OK)
        error = note_wishes(txn, webhook.org);
    return error != OK
               ? error
               : audit_note(txn, seq,
                            ACT(command, .org = webhook.org, .action = "webhook.updated", .subject = webhook.id,
                                .subject_name = webhook.description, .detail = names_of_change(command, names)));
}

enum error rule_webhook_rotate(struct txn *txn, uint64_t seq, const struct webhook_rotate *command,
                               struct outcome *outcome)
{
    struct webhook webhook;
    enum error error = get_own(txn, command->org, command->webhook, &webhook);
    if (error == OK && !is_text(command->secret, WEBHOOK_SECRET_LEN_MAX))
        error = ERR_CONFLICT;
    if (error != OK)
        return error;
    webhook.secret = command->secret;
    webhook.updated_at_ms = command->at_ms;
    outcome->id = webhook.id;
    error = webhook_put(txn, &webhook);
    return error != OK ? error
                       : audit_note(txn, seq,
                                    ACT(command, .org = webhook.org, .action = "webhook.secret", .subject = webhook.id,
                                        .subject_name = webhook.description));
}

enum error rule_webhook_delete(struct txn *txn, uint64_t seq, const struct webhook_delete *command,
                               struct outcome *outcome)
{
    struct webhook webhook;
    struct key key;
    struct id id = command->webhook, org = command->org;
    enum error error = get_own(txn, org, id, &webhook);
    if (error != OK)
        return error;
    outcome->id = id;
    outcome->hooked = true;
    error = audit_note(
        txn, seq,
        ACT(command, .org = org, .action = "webhook.deleted", .subject = id, .subject_name = webhook.description));
    if (error == OK)
        error = remove_under(txn, TABLE_WEBHOOK_QUEUE, id_view(&id), NULL, NULL, NULL);
    if (error == OK)
        error = remove_under(txn, TABLE_WEBHOOK_PAST, id_view(&id), NULL, NULL, NULL);
    webhook_org_key(&key, org, id);
    if (error == OK)
        error = remove_if_there(txn, TABLE_WEBHOOK_BY_ORG, key_view(&key));
    if (error == OK)
        error = remove_if_there(txn, TABLE_WEBHOOKS, id_view(&id));
    return error == OK ? note_wishes(txn, org) : error;
}

/* ---- what became of a delivery ---- */

/* Of those that are kept to be looked at the oldest goes when there are too many. */
static enum error trim_past(struct txn *txn, struct id webhook, enum past past, uint64_t *count, uint64_t count_max)
{
    struct bytes key;
    struct key prefix = past_prefix(webhook, past);
    if (*count <= count_max)
        return OK;
    struct cursor *cursor = cursor_open(txn, TABLE_WEBHOOK_PAST);
    enum error error = damaged_too(cursor_seek(cursor, key_view(&prefix), &key, NULL), key);
    if (error == OK)
        error = cursor_del(cursor);
    cursor_close(cursor);
    *count -= error == OK;
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

static enum error remove_delivery(struct txn *txn, struct webhook *webhook, const struct delivery *delivery)
{
    struct key key;
    delivery_key(&key, delivery->webhook, delivery->seq, delivery->event);
    --webhook->waiting;
    return table_del(txn, TABLE_WEBHOOK_QUEUE, key_view(&key));
}

static enum error move_to_past(struct txn *txn, struct webhook *webhook, struct delivery *delivery, enum past past)
{
    uint64_t *count = past == PAST_PARKED ? &webhook->parked : &webhook->delivered;
    enum error error = remove_delivery(txn, webhook, delivery);
    /* The visitor is erased: once that is told, nothing here names it. */
    if (past == PAST_DELIVERED && delivery->event == HOOK_VISITOR_ERASED)
        delivery->visitor = ID_NONE;
    delivery->next_at_ms = 0;
    ++*count;
    if (error == OK)
        error = past_put(txn, past, delivery);
    return error == OK ? trim_past(txn, webhook->id, past, count,
                                   past == PAST_PARKED ? WEBHOOK_PARKED_MAX : WEBHOOK_DELIVERED_MAX)
                       : error;
}

static enum error apply_verdict(struct txn *txn, uint64_t seq, const struct webhook_result *command,
                                struct webhook *webhook, struct delivery *delivery)
{
    switch ((enum hook_verdict)command->verdict) {
    case HOOK_DELIVERED:
        return move_to_past(txn, webhook, delivery, PAST_DELIVERED);
    case HOOK_PARK:
        return move_to_past(txn, webhook, delivery, PAST_PARKED);
    case HOOK_VOID:
        return remove_delivery(txn, webhook, delivery);
    case HOOK_GONE:
        webhook->enabled = false;
        webhook->disabled_because = BYTES("gone");
        webhook->updated_at_ms = command->at_ms;
        webhook->changed_seq = seq;
        delivery->next_at_ms = 0;
        return delivery_put(txn, delivery);
    case HOOK_RETRY:
        delivery->next_at_ms = command->next_at_ms;
        return delivery_put(txn, delivery);
    }
    return ERR_CONFLICT;
}

enum error rule_webhook_result(struct txn *txn, uint64_t seq, const struct webhook_result *command,
                               struct outcome *outcome)
{
    struct webhook webhook;
    struct delivery delivery;
    enum error error = webhook_get(txn, command->webhook, &webhook);
    if (error == OK)
        error = delivery_get(txn, command->webhook, command->seq, command->event, &delivery);
    if (error == OK && (command->verdict < HOOK_DELIVERED || command->verdict > HOOK_VOID))
        error = ERR_CONFLICT;
    if (error != OK)
        return error;
    outcome->id = webhook.id;
    ++delivery.tries;
    delivery.tried_at_ms = command->at_ms;
    delivery.status = command->status;
    delivery.failure = or_none(command->failure);
    error = apply_verdict(txn, seq, command, &webhook, &delivery);
    if (error == OK)
        error = webhook_put(txn, &webhook);
    return error == OK && command->verdict == HOOK_GONE ? note_wishes(txn, webhook.org) : error;
}

/* ---- trying again ---- */

static enum error unpark(struct txn *txn, struct webhook *webhook, struct delivery *delivery)
{
    struct key key;
    if (is_full(txn, webhook))
        return ERR_CONFLICT;
    past_key(&key, webhook->id, PAST_PARKED, delivery->seq, delivery->event);
    --webhook->parked;
    ++webhook->waiting;
    return table_del(txn, TABLE_WEBHOOK_PAST, key_view(&key));
}

enum error rule_webhook_retry(struct txn *txn, uint64_t seq, const struct webhook_retry *command,
                              struct outcome *outcome)
{
    struct webhook webhook;
    struct delivery delivery;
    enum error error = get_own(txn, command->org, command->webhook, &webhook);
    if (error == OK)
        error = delivery_get(txn, webhook.id, command->seq, command->event, &delivery);
    bool is_parked = error == ERR_NOT_FOUND;
    if (is_parked)
        error = past_get(txn, command->webhook, PAST_PARKED, command->seq, command->event, &delivery);
    if (is_parked && error == OK)
        error = unpark(txn, &webhook, &delivery);
    if (error != OK)
        return error;
    delivery.since_ms = command->at_ms;
    delivery.next_at_ms = 0;
    webhook.changed_seq = seq;
    outcome->id = webhook.id;
    outcome->hooked = true;
    error = delivery_put(txn, &delivery);
    return error == OK ? webhook_put(txn, &webhook) : error;
}

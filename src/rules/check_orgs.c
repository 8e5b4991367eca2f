/*
 * Checks of organisations and of what is their own: tokens, canned replies,
 * webhooks, what is kept of erasures and of retention.
 */
#include "rules/check_private.h"

#include <inttypes.h>

#include "core/hooks.h"
#include "core/rights.h"

/* ---- organisations and tokens
 * ------------------------------------------------------------------------------------
 */

/* What its enabled webhooks want together; false when one of them can't be
 * read. */
static bool sum_up_wishes(struct check *check, struct id org, uint64_t *wishes)
{
    struct bytes key;
    bool is_whole = true;
    struct cursor *cursor = cursor_open(check->txn, TABLE_WEBHOOK_BY_ORG);
    enum error error = cursor_seek(cursor, bytes_view(org.bytes, ID_LEN), &key, NULL);
    *wishes = 0;
    for (; error == OK && key.len == 2 * ID_LEN && id_equal(id_at(key, 0), org);
         error = cursor_next(cursor, &key, NULL)) {
        struct webhook webhook;
        uint64_t events;
        is_whole &= webhook_get(check->txn, id_at(key, ID_LEN), &webhook) == OK;
        if (is_whole && webhook.enabled && hook_events_parse(webhook.events, &events))
            *wishes |= events;
    }
    cursor_close(cursor);
    return is_whole && error != ERR_CORRUPT;
}

static void check_wishes(struct check *check, const struct entry *entry, const struct org *org)
{
    uint64_t wishes;
    if (sum_up_wishes(check, org->id, &wishes) && org->hook_events != wishes)
        check_broken(check, entry, "it says that its webhooks want %" PRIx64 ", and they want %" PRIx64,
                     org->hook_events, wishes);
}

void check_org(struct check *check, const struct entry *entry)
{
    struct org org;
    if (!check_decode(check, entry, RECORD_ORGS, ID_LEN, &org))
        return;
    org.id = id_at(entry->key, 0);
    bool key_is_fine = org.key.len >= 1 && org.key.len <= ORG_KEY_LEN_MAX;
    if (!key_is_fine)
        check_broken(check, entry, "its key has %zu characters", org.key.len);
    if (!check_is_time(org.created_at_ms) || !check_is_time(org.updated_at_ms))
        check_broken(check, entry, "one of its times is out of range");
    if (org.retain_visitors_days > RETAIN_DAYS_MAX || org.retain_messages_days > RETAIN_DAYS_MAX ||
        org.retain_empty_days > RETAIN_DAYS_MAX || org.retain_audit_days > RETAIN_DAYS_MAX ||
        org.retain_erasures_days > RETAIN_DAYS_MAX)
        check_broken(check, entry, "it keeps something for more than %d days", RETAIN_DAYS_MAX);
    check->report->orgs_deleted += org.deleted;
    if (key_is_fine && !org.deleted && !check_index_leads_to(check, TABLE_ORG_BY_KEY, org.key, org.id))
        check_broken(check, entry, "org_by_key does not lead to it");
    if (!org.deleted)
        check_wishes(check, entry, &org);
}

void check_org_by_key(struct check *check, const struct entry *entry)
{
    struct org org;
    if (!check_has_lengths(check, entry, 0, ID_LEN))
        return;
    enum error error = org_get(check->txn, id_at(entry->value, 0), &org);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its organisation does not exist");
    else if (error == OK && org.deleted)
        check_broken(check, entry, "its organisation is deleted");
    else if (error == OK && !bytes_equal(org.key, entry->key))
        check_broken(check, entry, "its organisation has another key");
}

void check_token(struct check *check, const struct entry *entry)
{
    struct token token;
    if (!check_decode(check, entry, RECORD_TOKENS, ID_LEN, &token))
        return;
    check_org_is_complete(check, entry, token.org);
    if (token.secret_hash.len != 32)
        check_broken(check, entry, "the hash of its secret has %zu bytes", token.secret_hash.len);
}

/* ---- webhooks
 * ----------------------------------------------------------------------------------------------------
 */

static uint64_t count_under(struct check *check, enum table table, const struct key *prefix)
{
    struct bytes key;
    uint64_t count = 0;
    struct cursor *cursor = cursor_open(check->txn, table);
    enum error error = cursor_seek(cursor, key_view(prefix), &key, NULL);
    /* A damaged entry is one too. */
    for (; (error == OK || error == ERR_CORRUPT) && key.data != NULL && key.len >= prefix->len &&
           memcmp(key.data, prefix->bytes, prefix->len) == 0;
         ++count)
        error = cursor_next(cursor, &key, NULL);
    cursor_close(cursor);
    return count;
}

static void check_count(struct check *check, const struct entry *entry, const char *what, uint64_t said, uint64_t there)
{
    if (said != there)
        check_broken(check, entry, "it says that %" PRIu64 " deliveries %s, and there are %" PRIu64, said, what, there);
}

static void check_deliveries(struct check *check, const struct entry *entry, const struct webhook *webhook)
{
    struct key key;
    key_clear(&key);
    key_put_id(&key, webhook->id);
    check_count(check, entry, "wait", webhook->waiting, count_under(check, TABLE_WEBHOOK_QUEUE, &key));
    key_put_u32(&key, PAST_PARKED);
    check_count(check, entry, "are parked", webhook->parked, count_under(check, TABLE_WEBHOOK_PAST, &key));
    key_clear(&key);
    key_put_id(&key, webhook->id);
    key_put_u32(&key, PAST_DELIVERED);
    check_count(check, entry, "have succeeded", webhook->delivered, count_under(check, TABLE_WEBHOOK_PAST, &key));
}

void check_webhook(struct check *check, const struct entry *entry)
{
    struct webhook webhook;
    struct key key;
    uint64_t events;
    if (!check_decode(check, entry, RECORD_WEBHOOKS, ID_LEN, &webhook))
        return;
    webhook.id = id_at(entry->key, 0);
    if (webhook.url.len == 0 || webhook.url.len > WEBHOOK_URL_LEN_MAX)
        check_broken(check, entry, "its URL has %zu characters", webhook.url.len);
    if (webhook.secret.len == 0 || webhook.secret.len > WEBHOOK_SECRET_LEN_MAX)
        check_broken(check, entry, "its secret has %zu characters", webhook.secret.len);
    if (!hook_events_parse(webhook.events, &events))
        check_broken(check, entry, "its events are none");
    if (!check_is_time(webhook.created_at_ms) || !check_is_time(webhook.updated_at_ms))
        check_broken(check, entry, "one of its times is out of range");
    if (!check_org_is_complete(check, entry, webhook.org))
        return;
    webhook_org_key(&key, webhook.org, webhook.id);
    if (!check_index_leads_to(check, TABLE_WEBHOOK_BY_ORG, key_view(&key), webhook.id))
        check_broken(check, entry, "webhook_by_org does not lead to it");
    check_deliveries(check, entry, &webhook);
}

void check_webhook_by_org(struct check *check, const struct entry *entry)
{
    struct webhook webhook;
    if (!check_has_lengths(check, entry, 2 * ID_LEN, ID_LEN) ||
        !check_org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    struct id id = id_at(entry->key, ID_LEN);
    if (!id_equal(id, id_at(entry->value, 0)))
        check_broken(check, entry, "its value is another webhook");
    enum error error = webhook_get(check->txn, id, &webhook);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its webhook does not exist");
    else if (error == OK && !id_equal(webhook.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its webhook is of another organisation");
}

/* Its conversation or visitor may be gone: then nothing is told. */
void check_delivery(struct check *check, const struct entry *entry)
{
    struct delivery delivery;
    struct webhook webhook;
    bool is_past = entry->table == TABLE_WEBHOOK_PAST;
    if (!check_decode(check, entry, RECORD_WEBHOOK_QUEUE, is_past ? PAST_KEY_LEN : DELIVERY_KEY_LEN, &delivery))
        return;
    size_t offset = entry->key.len - 12, past_offset = ID_LEN;
    if (key_get_u64(entry->key, &offset) > check->last_seq)
        check_broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    if (hook_event_name(key_get_u32(entry->key, &offset)) == NULL)
        check_broken(check, entry, "its event is not known");
    if (is_past && key_get_u32(entry->key, &past_offset) >= PAST_COUNT)
        check_broken(check, entry, "it is neither parked nor delivered");
    if (!check_is_time(delivery.at_ms) || !check_is_time(delivery.since_ms) || !check_is_time(delivery.next_at_ms))
        check_broken(check, entry, "one of its times is out of range");
    if (webhook_get(check->txn, id_at(entry->key, 0), &webhook) == ERR_NOT_FOUND)
        check_broken(check, entry, "its webhook does not exist");
}

/* ---- erasures, retention
 * -----------------------------------------------------------------------------------------
 */

void check_erasure(struct check *check, const struct entry *entry)
{
    struct erasure erasure;
    if (!check_decode(check, entry, RECORD_ERASURES, ID_LEN + ERASURE_HASH_LEN, &erasure))
        return;
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    if (!erasure_hash_is_valid(bytes_view(entry->key.data + ID_LEN, ERASURE_HASH_LEN)))
        check_broken(check, entry, "it is not kept under a hash");
    if (!check_is_time(erasure.erased_at_ms))
        check_broken(check, entry, "its time is out of range");
}

void check_retention(struct check *check, const struct entry *entry)
{
    struct retention retention;
    if (!check_decode(check, entry, RECORD_RETENTION, ID_LEN, &retention))
        return;
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    if (!check_is_time(retention.began_at_ms) || !check_is_time(retention.ended_at_ms))
        check_broken(check, entry, "one of its times is out of range");
    if (retention.run_visitors > retention.visitors || retention.run_messages > retention.messages)
        check_broken(check, entry, "its last run has removed more than all of them together");
}

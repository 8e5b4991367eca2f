/* One pair of functions a record, and the few questions that several rooms ask about them. All thin: a key, a table,
 * the codec. */
#include "store/records.h"

#include <assert.h>
#include <sodium.h>

#include "core/codec.h"

#define RECORD_VERSION 1

/* ---- any record ---- */

enum error record_decode(enum record_kind kind, struct bytes value, void *out)
{
    uint64_t version;
    return codec_decode(&record_shapes[kind], value, &version, out);
}

static enum error record_get(struct txn *txn, enum table table, enum record_kind kind, const struct key *key, void *out)
{
    struct bytes value;
    enum error error = table_get(txn, table, key_view(key), &value);
    return error != OK ? error : record_decode(kind, value, out);
}

static enum error record_put(struct txn *txn, enum table table, enum record_kind kind, const struct key *key,
                             const void *record)
{
    struct buffer *scratch = txn_scratch(txn);
    codec_encode(&record_shapes[kind], RECORD_VERSION, record, scratch);
    return table_put(txn, table, key_view(key), buffer_view(scratch));
}

static void id_key(struct key *key, struct id id)
{
    key_clear(key);
    key_put_id(key, id);
}

#define RECORD_BY_ID(name, TABLE)                                            \
    enum error name##_get(struct txn *txn, struct id id, struct name *out)   \
    {                                                                        \
        struct key key;                                                      \
        id_key(&key, id);                                                    \
        out->id = id;                                                        \
        return record_get(txn, TABLE_##TABLE, RECORD_##TABLE, &key, out);    \
    }                                                                        \
    enum error name##_put(struct txn *txn, const struct name *record)        \
    {                                                                        \
        struct key key;                                                      \
        id_key(&key, record->id);                                            \
        return record_put(txn, TABLE_##TABLE, RECORD_##TABLE, &key, record); \
    }

RECORD_BY_ID(org, ORGS)
RECORD_BY_ID(token, TOKENS)
RECORD_BY_ID(agent, AGENTS)
RECORD_BY_ID(session, SESSIONS)
RECORD_BY_ID(link, LINKS)
RECORD_BY_ID(search_org, SEARCH_ORGS)
RECORD_BY_ID(visitor, VISITORS)
RECORD_BY_ID(conversation, CONVERSATIONS)
RECORD_BY_ID(webhook, WEBHOOKS)

/* ---- ids by another name ---- */

static enum error id_get(struct txn *txn, enum table table, struct bytes key, struct id *out)
{
    struct bytes value;
    size_t offset = 0;
    enum error error = table_get(txn, table, key, &value);
    if (error == OK && value.len != ID_LEN)
        error = ERR_CORRUPT;
    if (error == OK)
        *out = key_get_id(value, &offset);
    return error;
}

enum error org_decode(struct bytes key, struct bytes value, struct org *out)
{
    size_t offset = 0;
    if (key.len != ID_LEN)
        return ERR_CORRUPT;
    out->id = key_get_id(key, &offset);
    return record_decode(RECORD_ORGS, value, out);
}

enum error org_get_by_key(struct txn *txn, struct bytes key, struct org *out)
{
    struct id id;
    enum error error = id_get(txn, TABLE_ORG_BY_KEY, key, &id);
    return error != OK ? error : org_get(txn, id, out);
}

void agent_email_key(struct key *key, struct bytes email)
{
    char lower[EMAIL_LEN_MAX];
    unsigned char hash[AGENT_EMAIL_HASH_LEN];
    assert(email.len <= EMAIL_LEN_MAX);
    for (size_t i = 0; i < email.len; ++i) {
        char c = email.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)lower, email.len, NULL, 0);
    key_clear(key);
    key_put(key, bytes_view(hash, sizeof(hash)));
}

enum error agent_id_by_email(struct txn *txn, struct bytes email, struct id *out)
{
    struct key key;
    if (email.len > EMAIL_LEN_MAX)
        return ERR_NOT_FOUND;
    agent_email_key(&key, email);
    return id_get(txn, TABLE_AGENT_BY_EMAIL, key_view(&key), out);
}

void visitor_key_key(struct key *key, struct id org, struct bytes visitor_key)
{
    id_key(key, org);
    key_put(key, visitor_key);
}

enum error visitor_id_by_key(struct txn *txn, struct id org, struct bytes visitor_key, struct id *out)
{
    struct key key;
    visitor_key_key(&key, org, visitor_key);
    return id_get(txn, TABLE_VISITOR_BY_KEY, key_view(&key), out);
}

uint32_t minute_of(int64_t time_ms)
{
    assert(time_ms >= 0);
    return (uint32_t)(time_ms / 60000);
}

uint32_t day_of(int64_t time_ms)
{
    assert(time_ms >= 0);
    return (uint32_t)(time_ms / 86400000);
}

void visitor_seen_key(struct key *key, struct id org, int64_t seen_at_ms, struct id visitor)
{
    id_key(key, org);
    key_put_u32(key, minute_of(seen_at_ms));
    key_put_id(key, visitor);
}

void conversation_updated_key(struct key *key, struct id org, int64_t updated_at_ms, struct id conversation)
{
    id_key(key, org);
    key_put_u32(key, minute_of(updated_at_ms));
    key_put_id(key, conversation);
}

void activity_key(struct key *key, struct id org, uint64_t seq)
{
    id_key(key, org);
    key_put_u64(key, seq);
}

void mark_key(struct key *key, struct id org, uint64_t marked_seq)
{
    id_key(key, org);
    key_put_u64(key, marked_seq);
}

void open_prefix(struct key *key, struct id org, uint64_t status, struct id assignee)
{
    unsigned char byte = (unsigned char)status;
    id_key(key, org);
    key_put(key, bytes_view(&byte, 1));
    key_put_id(key, assignee);
}

void open_key(struct key *key, struct id org, uint64_t status, struct id assignee, struct id conversation)
{
    open_prefix(key, org, status, assignee);
    key_put_id(key, conversation);
}

void open_entry_of(struct bytes key, struct open_entry *out)
{
    size_t offset = ID_LEN + 1, begin = 0;
    assert(key.len == OPEN_KEY_LEN);
    out->org = key_get_id(key, &begin);
    out->status = (unsigned char)key.data[ID_LEN];
    out->assignee = key_get_id(key, &offset);
    out->conversation = key_get_id(key, &offset);
}

void snooze_key(struct key *key, int64_t until_ms, struct id conversation)
{
    key_clear(key);
    key_put_u64(key, (uint64_t)until_ms);
    key_put_id(key, conversation);
}

void work_key(struct key *key, struct id org, uint64_t worked_seq)
{
    id_key(key, org);
    key_put_u64(key, worked_seq);
}

/* ---- members, the audit log ---- */

void pair_key(struct key *key, struct id one, struct id other)
{
    id_key(key, one);
    key_put_id(key, other);
}

enum error member_get(struct txn *txn, struct id org, struct id agent, struct member *out)
{
    struct key key;
    pair_key(&key, org, agent);
    out->org = org;
    out->agent = agent;
    return record_get(txn, TABLE_MEMBERS, RECORD_MEMBERS, &key, out);
}

enum error member_put(struct txn *txn, const struct member *member)
{
    struct key key;
    pair_key(&key, member->org, member->agent);
    return record_put(txn, TABLE_MEMBERS, RECORD_MEMBERS, &key, member);
}

enum error member_decode(struct bytes key, struct bytes value, struct member *out)
{
    size_t offset = 0;
    out->org = key_get_id(key, &offset);
    out->agent = key_get_id(key, &offset);
    return record_decode(RECORD_MEMBERS, value, out);
}

void audit_key(struct key *key, struct id org, uint64_t seq)
{
    id_key(key, org);
    key_put_u64(key, seq);
}

enum error audit_put(struct txn *txn, const struct audit *audit)
{
    struct key key;
    audit_key(&key, audit->org, audit->seq);
    return record_put(txn, TABLE_AUDIT, RECORD_AUDIT, &key, audit);
}

enum error audit_decode(struct bytes key, struct bytes value, struct audit *out)
{
    size_t offset = 0;
    out->org = key_get_id(key, &offset);
    out->seq = key_get_u64(key, &offset);
    return record_decode(RECORD_AUDIT, value, out);
}

/* ---- erasures, retention ---- */

void erasure_hash(struct bytes org_key, struct bytes visitor_key, char out[ERASURE_HASH_LEN])
{
    static const char purpose[] = "helvino erasures of ";
    unsigned char key[ERASURE_HASH_LEN / 2], hash[ERASURE_HASH_LEN / 2];
    char text[ERASURE_HASH_LEN + 1];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof(key));
    crypto_generichash_update(&state, (const unsigned char *)purpose, sizeof(purpose) - 1);
    crypto_generichash_update(&state, (const unsigned char *)org_key.data, org_key.len);
    crypto_generichash_final(&state, key, sizeof(key));
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)visitor_key.data, visitor_key.len, key, sizeof(key));
    sodium_bin2hex(text, sizeof(text), hash, sizeof(hash));
    memcpy(out, text, ERASURE_HASH_LEN);
}

bool erasure_hash_is_valid(struct bytes hash)
{
    bool is_valid = hash.len == ERASURE_HASH_LEN;
    for (size_t i = 0; i < hash.len && is_valid; ++i)
        is_valid = (hash.data[i] >= '0' && hash.data[i] <= '9') || (hash.data[i] >= 'a' && hash.data[i] <= 'f');
    return is_valid;
}

void erasure_key(struct key *key, struct id org, struct bytes hash)
{
    id_key(key, org);
    key_put(key, hash);
}

enum error erasure_get(struct txn *txn, struct id org, struct bytes hash, struct erasure *out)
{
    struct key key;
    erasure_key(&key, org, hash);
    out->org = org;
    out->visitor_hash = hash;
    return record_get(txn, TABLE_ERASURES, RECORD_ERASURES, &key, out);
}

enum error erasure_put(struct txn *txn, const struct erasure *erasure)
{
    struct key key;
    erasure_key(&key, erasure->org, erasure->visitor_hash);
    return record_put(txn, TABLE_ERASURES, RECORD_ERASURES, &key, erasure);
}

enum error erasure_decode(struct bytes key, struct bytes value, struct erasure *out)
{
    size_t offset = 0;
    out->org = key_get_id(key, &offset);
    out->visitor_hash = bytes_view(key.data + offset, key.len - offset);
    return record_decode(RECORD_ERASURES, value, out);
}

enum error retention_get(struct txn *txn, struct id org, struct retention *out)
{
    struct key key;
    id_key(&key, org);
    out->org = org;
    return record_get(txn, TABLE_RETENTION, RECORD_RETENTION, &key, out);
}

enum error retention_put(struct txn *txn, const struct retention *retention)
{
    struct key key;
    id_key(&key, retention->org);
    return record_put(txn, TABLE_RETENTION, RECORD_RETENTION, &key, retention);
}

/* ---- aliases ---- */

bool alias_text_is_fit(struct bytes text)
{
    bool fit = text.len >= 1 && text.len <= ALIAS_LEN_MAX;
    for (size_t i = 0; i < text.len && fit; ++i)
        fit = text.data[i] >= 0x21 && text.data[i] <= 0x7e;
    return fit;
}

void alias_key(struct key *key, struct id org, struct bytes text)
{
    assert(text.len >= 1 && text.len <= ALIAS_LEN_MAX);
    id_key(key, org);
    key_put(key, text);
}

enum error alias_get(struct txn *txn, struct id org, struct bytes text, struct alias *out)
{
    struct key key;
    alias_key(&key, org, text);
    out->org = org;
    out->text = text;
    return record_get(txn, TABLE_ALIASES, RECORD_ALIASES, &key, out);
}

enum error alias_put(struct txn *txn, const struct alias *alias)
{
    struct key key;
    alias_key(&key, alias->org, alias->text);
    return record_put(txn, TABLE_ALIASES, RECORD_ALIASES, &key, alias);
}

/* ---- messages ---- */

void message_key(struct key *key, struct id conversation, uint64_t seq)
{
    id_key(key, conversation);
    key_put_u64(key, seq);
}

enum error message_get(struct txn *txn, struct id conversation, uint64_t seq, struct message *out)
{
    struct key key;
    message_key(&key, conversation, seq);
    out->conversation = conversation;
    out->seq = seq;
    return record_get(txn, TABLE_MESSAGES, RECORD_MESSAGES, &key, out);
}

enum error message_put(struct txn *txn, const struct message *message)
{
    struct key key;
    assert((message->seq & MESSAGE_CLIENT_BIT) == 0);
    message_key(&key, message->conversation, message->seq);
    return record_put(txn, TABLE_MESSAGES, RECORD_MESSAGES, &key, message);
}

bool message_key_is_of(struct bytes key, struct id conversation)
{
    return key.len == ID_LEN + sizeof(uint64_t) && memcmp(key.data, conversation.bytes, ID_LEN) == 0 &&
           ((unsigned char)key.data[ID_LEN] & 0x80) == 0;
}

enum error message_decode(struct bytes key, struct bytes value, struct message *out)
{
    size_t offset = 0;
    out->conversation = key_get_id(key, &offset);
    out->seq = key_get_u64(key, &offset);
    return record_decode(RECORD_MESSAGES, value, out);
}

enum error message_get_last(struct txn *txn, struct id conversation, struct message *out)
{
    struct key end;
    struct bytes key, value;
    message_key(&end, conversation, MESSAGE_CLIENT_BIT);
    enum error error = table_get_before(txn, TABLE_MESSAGES, key_view(&end), &key, &value);
    if (error != OK)
        return error;
    return message_key_is_of(key, conversation) ? message_decode(key, value, out) : ERR_NOT_FOUND;
}

enum error conversation_activity(struct txn *txn, const struct conversation *conversation,
                                 struct conversation_activity *out)
{
    out->seq = conversation->changed_seq;
    out->updated_at_ms = conversation->changed_at_ms;
    out->message_count = 0;
    enum error error = message_get_last(txn, conversation->id, &out->last_message);
    out->has_message = error == OK;
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    out->message_count = out->last_message.ordinal - conversation->removed_messages;
    if (out->last_message.seq > out->seq)
        out->seq = out->last_message.seq;
    if (out->last_message.at_ms > out->updated_at_ms)
        out->updated_at_ms = out->last_message.at_ms;
    return OK;
}

/* ---- webhooks ---- */

void webhook_org_key(struct key *key, struct id org, struct id webhook)
{
    id_key(key, org);
    key_put_id(key, webhook);
}

void delivery_key(struct key *key, struct id webhook, uint64_t seq, uint64_t event)
{
    id_key(key, webhook);
    key_put_u64(key, seq);
    key_put_u32(key, (uint32_t)event);
}

void past_key(struct key *key, struct id webhook, enum past past, uint64_t seq, uint64_t event)
{
    id_key(key, webhook);
    key_put_u32(key, past);
    key_put_u64(key, seq);
    key_put_u32(key, (uint32_t)event);
}

static enum error delivery_get_by(struct txn *txn, enum table table, const struct key *key, struct delivery *out)
{
    return record_get(txn, table, RECORD_WEBHOOK_QUEUE, key, out);
}

enum error delivery_get(struct txn *txn, struct id webhook, uint64_t seq, uint64_t event, struct delivery *out)
{
    struct key key;
    delivery_key(&key, webhook, seq, event);
    out->webhook = webhook;
    out->seq = seq;
    out->event = event;
    return delivery_get_by(txn, TABLE_WEBHOOK_QUEUE, &key, out);
}

enum error past_get(struct txn *txn, struct id webhook, enum past past, uint64_t seq, uint64_t event,
                    struct delivery *out)
{
    struct key key;
    past_key(&key, webhook, past, seq, event);
    out->webhook = webhook;
    out->seq = seq;
    out->event = event;
    return delivery_get_by(txn, TABLE_WEBHOOK_PAST, &key, out);
}

enum error delivery_put(struct txn *txn, const struct delivery *delivery)
{
    struct key key;
    delivery_key(&key, delivery->webhook, delivery->seq, delivery->event);
    return record_put(txn, TABLE_WEBHOOK_QUEUE, RECORD_WEBHOOK_QUEUE, &key, delivery);
}

enum error past_put(struct txn *txn, enum past past, const struct delivery *delivery)
{
    struct key key;
    past_key(&key, delivery->webhook, past, delivery->seq, delivery->event);
    return record_put(txn, TABLE_WEBHOOK_PAST, RECORD_WEBHOOK_QUEUE, &key, delivery);
}

static enum error decode_delivery(struct bytes key, size_t seq_at, struct bytes value, struct delivery *out)
{
    size_t offset = 0;
    if (key.len != seq_at + sizeof(uint64_t) + sizeof(uint32_t))
        return ERR_CORRUPT;
    out->webhook = key_get_id(key, &offset);
    out->seq = key_get_u64(key, &seq_at);
    out->event = key_get_u32(key, &seq_at);
    return record_decode(RECORD_WEBHOOK_QUEUE, value, out);
}

enum error delivery_decode(struct bytes key, struct bytes value, struct delivery *out)
{
    return decode_delivery(key, ID_LEN, value, out);
}

enum error past_decode(struct bytes key, struct bytes value, struct delivery *out)
{
    return decode_delivery(key, ID_LEN + sizeof(uint32_t), value, out);
}

/* ---- notes, canned replies ---- */

enum error note_get(struct txn *txn, struct id conversation, uint64_t seq, struct note *out)
{
    struct key key;
    message_key(&key, conversation, seq);
    out->conversation = conversation;
    out->seq = seq;
    return record_get(txn, TABLE_NOTES, RECORD_NOTES, &key, out);
}

enum error note_put(struct txn *txn, const struct note *note)
{
    struct key key;
    message_key(&key, note->conversation, note->seq);
    return record_put(txn, TABLE_NOTES, RECORD_NOTES, &key, note);
}

enum error note_decode(struct bytes key, struct bytes value, struct note *out)
{
    size_t offset = 0;
    out->conversation = key_get_id(key, &offset);
    out->seq = key_get_u64(key, &offset);
    return record_decode(RECORD_NOTES, value, out);
}

enum error note_get_last(struct txn *txn, struct id conversation, struct note *out)
{
    return note_get_before(txn, conversation, UINT64_MAX, out);
}

enum error note_get_before(struct txn *txn, struct id conversation, uint64_t seq, struct note *out)
{
    struct key end;
    struct bytes key, value;
    message_key(&end, conversation, seq);
    enum error error = table_get_before(txn, TABLE_NOTES, key_view(&end), &key, &value);
    if (error != OK)
        return error;
    return message_key_is_of(key, conversation) ? note_decode(key, value, out) : ERR_NOT_FOUND;
}

enum error reply_get(struct txn *txn, struct id org, struct id id, struct reply *out)
{
    struct key key;
    pair_key(&key, org, id);
    out->org = org;
    out->id = id;
    return record_get(txn, TABLE_REPLIES, RECORD_REPLIES, &key, out);
}

enum error reply_put(struct txn *txn, const struct reply *reply)
{
    struct key key;
    pair_key(&key, reply->org, reply->id);
    return record_put(txn, TABLE_REPLIES, RECORD_REPLIES, &key, reply);
}

enum error reply_decode(struct bytes key, struct bytes value, struct reply *out)
{
    size_t offset = 0;
    out->org = key_get_id(key, &offset);
    out->id = key_get_id(key, &offset);
    return record_decode(RECORD_REPLIES, value, out);
}

/* ---- search ---- */

void search_segment_key(struct key *key, struct id org, uint64_t first_seq, uint64_t number)
{
    id_key(key, org);
    key_put_u64(key, first_seq);
    key_put_u64(key, number);
}

enum error search_segment_put(struct txn *txn, const struct search_segment *segment)
{
    struct key key;
    search_segment_key(&key, segment->org, segment->first_seq, segment->number);
    return record_put(txn, TABLE_SEARCH_SEGMENTS, RECORD_SEARCH_SEGMENTS, &key, segment);
}

enum error search_segment_decode(struct bytes key, struct bytes value, struct search_segment *out)
{
    size_t offset = 0;
    out->org = key_get_id(key, &offset);
    out->first_seq = key_get_u64(key, &offset);
    out->number = key_get_u64(key, &offset);
    return record_decode(RECORD_SEARCH_SEGMENTS, value, out);
}

/* ---- idempotency ---- */

static void idempotency_key(struct key *key, uint32_t day, struct bytes hash)
{
    assert(hash.len == IDEMPOTENCY_HASH_LEN);
    key_clear(key);
    key_put_u32(key, day);
    key_put(key, hash);
}

enum error idempotency_get(struct txn *txn, struct bytes hash, int64_t now_ms, struct idempotency *out)
{
    struct key key;
    enum error error = ERR_NOT_FOUND;
    /* Today, yesterday, and tomorrow: a clock may step back over midnight. */
    static const int64_t days[] = {0, -1, 1};
    for (size_t i = 0; i < 3 && error == ERR_NOT_FOUND; ++i) {
        out->day = (uint64_t)((int64_t)day_of(now_ms) + days[i]);
        out->hash = hash;
        idempotency_key(&key, (uint32_t)out->day, hash);
        error = record_get(txn, TABLE_IDEMPOTENCY, RECORD_IDEMPOTENCY, &key, out);
    }
    if (error == OK && now_ms - out->created_at_ms >= IDEMPOTENCY_KEPT_MS)
        error = ERR_NOT_FOUND;
    return error;
}

enum error idempotency_put(struct txn *txn, const struct idempotency *record)
{
    struct key key;
    idempotency_key(&key, (uint32_t)record->day, record->hash);
    return record_put(txn, TABLE_IDEMPOTENCY, RECORD_IDEMPOTENCY, &key, record);
}

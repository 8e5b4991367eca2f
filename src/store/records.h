#pragma once
/*
 * Records as structs, in and out of their tables. `get` fills every member, the key's included; texts live as long as
 * what the transaction reads (store.h). `put` encodes the whole struct before it touches the table. Errors of get:
 * ERR_NOT_FOUND, ERR_CORRUPT. Of put: see table_put.
 */
#include "core/records.h"
#include "store/store.h"

enum error org_get(struct txn *txn, struct id id, struct org *out);
/* Fills *out from an entry that a cursor found. */
enum error org_decode(struct bytes key, struct bytes value, struct org *out);
enum error org_get_by_key(struct txn *txn, struct bytes key, struct org *out);
enum error org_put(struct txn *txn, const struct org *org);

enum error token_get(struct txn *txn, struct id id, struct token *out);
enum error token_put(struct txn *txn, const struct token *token);

enum error agent_get(struct txn *txn, struct id id, struct agent *out);
/* Letters of ASCII count the same in either case. */
enum error agent_id_by_email(struct txn *txn, struct bytes email, struct id *out);
enum error agent_put(struct txn *txn, const struct agent *agent);
/* "hash of the address" as agent_by_email has it. */
void agent_email_key(struct key *key, struct bytes email);

enum error member_get(struct txn *txn, struct id org, struct id agent, struct member *out);
enum error member_put(struct txn *txn, const struct member *member);
/* Fills *out from an entry that a cursor found. */
enum error member_decode(struct bytes key, struct bytes value, struct member *out);

enum error session_get(struct txn *txn, struct id id, struct session *out);
enum error session_put(struct txn *txn, const struct session *session);
enum error link_get(struct txn *txn, struct id id, struct link *out);
enum error link_put(struct txn *txn, const struct link *link);

/* "one, other": members by (org, agent), member_by_agent by (agent, org), session_by_agent by (agent, session). */
void pair_key(struct key *key, struct id one, struct id other);

enum error audit_put(struct txn *txn, const struct audit *audit);
/* "org, seq" as audit has it. */
void audit_key(struct key *key, struct id org, uint64_t seq);
enum error audit_decode(struct bytes key, struct bytes value, struct audit *out);

enum error visitor_get(struct txn *txn, struct id id, struct visitor *out);
enum error visitor_id_by_key(struct txn *txn, struct id org, struct bytes visitor_key, struct id *out);
enum error visitor_put(struct txn *txn, const struct visitor *visitor);
/* "org, visitorKey" as visitor_by_key has it. */
void visitor_key_key(struct key *key, struct id org, struct bytes visitor_key);
/* "org, minute, visitor" as visitor_by_seen has it. */
void visitor_seen_key(struct key *key, struct id org, int64_t seen_at_ms, struct id visitor);
uint32_t minute_of(int64_t time_ms);

enum error conversation_get(struct txn *txn, struct id id, struct conversation *out);
enum error conversation_put(struct txn *txn, const struct conversation *conversation);
/* "org, seq" as conversation_by_activity has it. */
void activity_key(struct key *key, struct id org, uint64_t seq);
/* "org, minute, conversation" as conversation_by_updated has it. */
void conversation_updated_key(struct key *key, struct id org, int64_t updated_at_ms, struct id conversation);
/* "org, seq" as conversation_by_mark has it. */
void mark_key(struct key *key, struct id org, uint64_t marked_seq);

/* "org, status, assignee, conversation" as conversation_open has it; and its beginning, up to the assignee. */
void open_key(struct key *key, struct id org, uint64_t status, struct id assignee, struct id conversation);
void open_prefix(struct key *key, struct id org, uint64_t status, struct id assignee);
/* Takes such a key apart. */
struct open_entry {
    struct id org, assignee, conversation;
    uint64_t status;
};
#define OPEN_KEY_LEN (3 * ID_LEN + 1)
void open_entry_of(struct bytes key, struct open_entry *out);
/* "time, conversation" as conversation_by_snooze has it. */
void snooze_key(struct key *key, int64_t until_ms, struct id conversation);
/* "org, seq" as conversation_by_work has it. */
void work_key(struct key *key, struct id org, uint64_t worked_seq);

/* ---- notes, canned replies ---- */

/* The key "conversation, seq", as that of a message. */
enum error note_get(struct txn *txn, struct id conversation, uint64_t seq, struct note *out);
/* The last note of a conversation before a seq, or of all; ERR_NOT_FOUND when there is none. */
enum error note_get_before(struct txn *txn, struct id conversation, uint64_t seq, struct note *out);
enum error note_get_last(struct txn *txn, struct id conversation, struct note *out);
enum error note_put(struct txn *txn, const struct note *note);
/* Fills *out from an entry that a cursor found. */
enum error note_decode(struct bytes key, struct bytes value, struct note *out);

enum error reply_get(struct txn *txn, struct id org, struct id id, struct reply *out);
enum error reply_put(struct txn *txn, const struct reply *reply);
enum error reply_decode(struct bytes key, struct bytes value, struct reply *out);

/* The key "conversation, seq". */
void message_key(struct key *key, struct id conversation, uint64_t seq);
enum error message_get(struct txn *txn, struct id conversation, uint64_t seq, struct message *out);
/* The last message of a conversation; ERR_NOT_FOUND when it has none. */
enum error message_get_last(struct txn *txn, struct id conversation, struct message *out);
enum error message_put(struct txn *txn, const struct message *message);
/* Fills *out from an entry that a cursor found; its key must be a message's, not a clientId's. */
enum error message_decode(struct bytes key, struct bytes value, struct message *out);
/* Whether a key of MESSAGES is of this conversation and a message (not a clientId). */
bool message_key_is_of(struct bytes key, struct id conversation);

/* What an id of another shape stands for in an organisation. `text` has 1 to ALIAS_LEN_MAX bytes, as alias_text_is_fit
 * says. */
enum error alias_get(struct txn *txn, struct id org, struct bytes text, struct alias *out);
enum error alias_put(struct txn *txn, const struct alias *alias);
/* "org, text" as aliases has it. */
void alias_key(struct key *key, struct id org, struct bytes text);
/* Whether it can be an alias: 1 to ALIAS_LEN_MAX visible ASCII characters. */
bool alias_text_is_fit(struct bytes text);

/* ---- webhooks ---- */

enum error webhook_get(struct txn *txn, struct id id, struct webhook *out);
enum error webhook_put(struct txn *txn, const struct webhook *webhook);
/* "org, webhook" as webhook_by_org has it. */
void webhook_org_key(struct key *key, struct id org, struct id webhook);

/* What waits: "webhook, seq, event" as webhook_queue has it. */
void delivery_key(struct key *key, struct id webhook, uint64_t seq, uint64_t event);
enum error delivery_get(struct txn *txn, struct id webhook, uint64_t seq, uint64_t event, struct delivery *out);
enum error delivery_put(struct txn *txn, const struct delivery *delivery);
/* Fills *out, its key too, from an entry that a cursor found. */
enum error delivery_decode(struct bytes key, struct bytes value, struct delivery *out);

/* What does not wait any more, and is kept to be looked at: "webhook, past, seq, event" as webhook_past has it. */
enum past { PAST_PARKED, PAST_DELIVERED, PAST_COUNT };
void past_key(struct key *key, struct id webhook, enum past past, uint64_t seq, uint64_t event);
enum error past_get(struct txn *txn, struct id webhook, enum past past, uint64_t seq, uint64_t event,
                    struct delivery *out);
enum error past_put(struct txn *txn, enum past past, const struct delivery *delivery);
enum error past_decode(struct bytes key, struct bytes value, struct delivery *out);

/* ---- erasures, retention ---- */

#define ERASURE_HASH_LEN 64 /* characters */
/* How an erased visitor is known again, and nobody else by it: a keyed hash of its key, in hex. The key of the hash
 * comes from the organisation's own key, which an import keeps where it gives the organisation another id. */
void erasure_hash(struct bytes org_key, struct bytes visitor_key, char out[ERASURE_HASH_LEN]);
/* Whether it has the form of one. */
bool erasure_hash_is_valid(struct bytes hash);
/* "org, hash" as erasures has it. */
void erasure_key(struct key *key, struct id org, struct bytes hash);
enum error erasure_get(struct txn *txn, struct id org, struct bytes hash, struct erasure *out);
enum error erasure_put(struct txn *txn, const struct erasure *erasure);
/* Fills *out from an entry that a cursor found. */
enum error erasure_decode(struct bytes key, struct bytes value, struct erasure *out);

enum error retention_get(struct txn *txn, struct id org, struct retention *out);
enum error retention_put(struct txn *txn, const struct retention *retention);

/* ---- search ---- */

enum error search_org_get(struct txn *txn, struct id id, struct search_org *out);
enum error search_org_put(struct txn *txn, const struct search_org *org);
/* "org, first seq, number" as search_segments has it. */
void search_segment_key(struct key *key, struct id org, uint64_t first_seq, uint64_t number);
#define SEARCH_SEGMENT_KEY_LEN (ID_LEN + 16)
enum error search_segment_put(struct txn *txn, const struct search_segment *segment);
/* Fills *out from an entry that a cursor found; the key must have its length. */
enum error search_segment_decode(struct bytes key, struct bytes value, struct search_segment *out);

/* ---- clientIds (client_ids.c) ---- */

#define CLIENT_ID_ENTRY_LEN 16     /* bytes: hash, seq */
#define CLIENT_ID_BLOCK_ENTRIES 32 /* of the block of the newest ones */

/* The seq of the message of this role that carries this clientId, or ERR_NOT_FOUND. *block is the conversation's newest
 * ones, for client_id_note. */
enum error client_id_find(struct txn *txn, struct id conversation, struct bytes role, struct bytes client_id,
                          struct bytes *block, uint64_t *seq);
/* Notes a clientId that was not found; `block` as client_id_find gave it. ERR_CORRUPT, or the errors of table_put. */
enum error client_id_note(struct txn *txn, struct id conversation, struct bytes block, struct bytes client_id,
                          uint64_t seq);
/* Forgets the one of a message that is about to go; what there is none of is fine. */
enum error client_id_forget(struct txn *txn, struct id conversation, struct bytes client_id, uint64_t seq);
uint64_t client_id_hash(struct bytes client_id);

/* ---- any record ---- */

/* Generic: the record in `value` of the table whose shape is given, key members left alone. */
enum error record_decode(enum record_kind kind, struct bytes value, void *out);

/* What a conversation's messages tell about it. */
struct conversation_activity {
    uint64_t seq; /* of its last change: the activity index has it under this number */
    int64_t updated_at_ms;
    uint64_t message_count;
    bool has_message;
    struct message last_message; /* when has_message */
};
enum error conversation_activity(struct txn *txn, const struct conversation *conversation,
                                 struct conversation_activity *out);

/* The first answer that an Idempotency-Key got: looked for today, on the day before and the day after. */
enum error idempotency_get(struct txn *txn, struct bytes hash, int64_t now_ms, struct idempotency *out);
enum error idempotency_put(struct txn *txn, const struct idempotency *record);
#define IDEMPOTENCY_HASH_LEN 16
#define AGENT_EMAIL_HASH_LEN 32
uint32_t day_of(int64_t time_ms);

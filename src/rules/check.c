/*
 * Each table is walked once in key order; what an entry leads to is looked up, and what should lead to it, so that both
 * directions of every index are covered. Beyond single entries three sums must agree: rows walked and rows counted by
 * the tree, a visitor's chain and its count, and all chains together and the conversations that name a visitor.
 *
 * An organisation that is being deleted has lost some of its records already: there only what purging keeps is asked
 * for.
 */
#include "rules/check.h"
#include "core/redacted.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/address_text.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/rights.h"
#include "core/tags.h"
#include "core/work.h"
#include "rules/rules.h"
#include "search/verify.h"
#include "store/records.h"

#define SENTENCE_LEN_MAX 512
#define ORG_SLOTS 256
#define ROWS_BETWEEN_CALLS 1024 /* of on_rows */
#define DELIVERY_KEY_LEN (ID_LEN + 12)
#define PAST_KEY_LEN (ID_LEN + 16)

enum org_state { ORG_UNKNOWN, ORG_MISSING, ORG_DAMAGED, ORG_ALIVE, ORG_DELETED };

/* Organisations already looked up; ids that share a slot displace each other. */
struct org_slot {
    struct id id;
    enum org_state state;
};

struct check {
    struct txn *txn;
    struct check_report *report;
    void (*on_broken)(void *context, const char *sentence);
    void (*on_rows)(void *context, uint64_t rows); /* or NULL */
    void *context;
    uint64_t last_seq;
    uint64_t rows; /* of the tables that are done */
    struct org_slot orgs[ORG_SLOTS];
    uint64_t named, chained;          /* conversations that name a visitor; those that the visitors' chains reach */
    struct conversation conversation; /* of the messages being walked; id none when there is none to compare with */
    bool conversation_is_partial;
    uint64_t previous_ordinal;
    struct verification search;
};

/* The entry being looked at. */
struct entry {
    enum table table;
    struct bytes key, value;
};

/* ---- saying what is broken ----------------------------------------------------------------------------------- */

static int format_hex(struct bytes bytes, char *out, size_t len)
{
    int used = 0;
    for (size_t i = 0; i < bytes.len && i < 24 && (size_t)used + 3 < len; ++i)
        used += snprintf(out + used, len - (size_t)used, "%02x", (unsigned char)bytes.data[i]);
    return used;
}

static struct id id_at(struct bytes bytes, size_t offset)
{
    return key_get_id(bytes, &offset);
}

static uint64_t u64_at(struct bytes bytes, size_t offset)
{
    return key_get_u64(bytes, &offset);
}

struct id_text {
    char text[2 * ID_LEN + 2];
};

/* As the API shows it; the bytes themselves when damage has made them something else. */
static struct id_text text_of(struct id id)
{
    struct id_text text = {""};
    if (id_is_valid(id))
        id_format(id, text.text);
    else
        format_hex(bytes_view(id.bytes, ID_LEN), text.text, sizeof(text.text));
    return text;
}

/* The key for people: ids as the API shows them; of a visitor's key only whose it is. */
static void format_key(const struct entry *entry, char *out, size_t len)
{
    struct bytes key = entry->key;
    bool has_id = key.len >= ID_LEN;
    struct id_text first = has_id ? text_of(id_at(key, 0)) : (struct id_text){""};
    switch (entry->table) {
    case TABLE_META:
    case TABLE_ORG_BY_KEY:
        snprintf(out, len, "\"%.*s\"", key.len > ORG_KEY_LEN_MAX ? ORG_KEY_LEN_MAX : (int)key.len, key.data);
        return;
    case TABLE_VISITOR_BY_KEY:
        if (has_id && entry->value.len == ID_LEN)
            snprintf(out, len, "%s/(key of %s)", first.text, text_of(id_at(entry->value, 0)).text);
        else
            format_hex(bytes_view(key.data, has_id ? ID_LEN : key.len), out, len);
        return;
    case TABLE_ALIASES:
        if (key.len > ID_LEN && alias_text_is_fit(bytes_view(key.data + ID_LEN, key.len - ID_LEN))) {
            snprintf(out, len, "%s/%.*s", first.text, (int)(key.len - ID_LEN), key.data + ID_LEN);
            return;
        }
        break;
    case TABLE_VISITOR_BY_SEEN:
    case TABLE_CONVERSATION_BY_UPDATED:
        if (key.len == 2 * ID_LEN + 4) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, ID_LEN + 4)).text);
            return;
        }
        break;
    case TABLE_MEMBERS:
    case TABLE_MEMBER_BY_AGENT:
    case TABLE_SESSION_BY_AGENT:
    case TABLE_WEBHOOK_BY_ORG:
    case TABLE_REPLIES:
        if (key.len == 2 * ID_LEN) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, ID_LEN)).text);
            return;
        }
        break;
    case TABLE_WEBHOOK_QUEUE:
    case TABLE_WEBHOOK_PAST:
        if (key.len == DELIVERY_KEY_LEN || key.len == PAST_KEY_LEN) {
            snprintf(out, len, "%s/%" PRIu64, first.text, u64_at(key, key.len - 12));
            return;
        }
        break;
    case TABLE_CONVERSATION_OPEN:
        if (key.len == OPEN_KEY_LEN) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, OPEN_KEY_LEN - ID_LEN)).text);
            return;
        }
        break;
    case TABLE_CONVERSATION_BY_SNOOZE:
        if (key.len == 8 + ID_LEN) {
            snprintf(out, len, "%" PRIu64 "/%s", u64_at(key, 0), text_of(id_at(key, 8)).text);
            return;
        }
        break;
    case TABLE_AUDIT:
    case TABLE_CONVERSATION_BY_ACTIVITY:
    case TABLE_CONVERSATION_BY_MARK:
    case TABLE_CONVERSATION_BY_WORK:
    case TABLE_NOTES:
    case TABLE_MESSAGES:
        if (key.len == ID_LEN + 8) {
            uint64_t seq = u64_at(key, ID_LEN);
            snprintf(out, len, seq & MESSAGE_CLIENT_BIT ? "%s/clientIds %016" PRIx64 : "%s/%" PRIu64, first.text, seq);
            return;
        }
        break;
    case TABLE_SEARCH_SEGMENTS:
    case TABLE_SEARCH_BLOCKS:
    case TABLE_MESSAGE_BY_SEQ: /* what may follow in the key is a word that somebody wrote */
        if (key.len >= ID_LEN + 8) {
            snprintf(out, len, "%s/%" PRIu64, first.text, u64_at(key, ID_LEN));
            return;
        }
        break;
    case TABLE_VISITOR_BY_EMAIL:
        if (key.len > 2 * ID_LEN) {
            snprintf(out, len, "%s/(a word of %s)", first.text, text_of(id_at(key, key.len - ID_LEN)).text);
            return;
        }
        break;
    default:
        if (key.len == ID_LEN && entry->table != TABLE_IDEMPOTENCY) {
            snprintf(out, len, "%s", first.text);
            return;
        }
    }
    format_hex(key, out, len);
}

__attribute__((format(printf, 3, 4))) static void broken(struct check *check, const struct entry *entry,
                                                         const char *format, ...)
{
    char sentence[SENTENCE_LEN_MAX], key[128] = "";
    va_list args;
    format_key(entry, key, sizeof(key));
    int len = snprintf(sentence, sizeof(sentence), "%s %s: ", table_name(entry->table), key);
    va_start(args, format);
    vsnprintf(sentence + len, sizeof(sentence) - (size_t)len, format, args);
    va_end(args);
    ++check->report->broken;
    check->on_broken(check->context, sentence);
}

/* What another room has found; NULL: nothing. */
static void say(struct check *check, const struct entry *entry, const char *sentence)
{
    if (sentence != NULL)
        broken(check, entry, "%s", sentence);
}

/* ---- what an entry leads to ---------------------------------------------------------------------------------- */

static enum org_state read_org_state(struct txn *txn, struct id id)
{
    struct org org;
    enum error error = org_get(txn, id, &org);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ORG_MISSING : ORG_DAMAGED;
    return org.deleted ? ORG_DELETED : ORG_ALIVE;
}

static enum org_state org_state(struct check *check, struct id id)
{
    struct org_slot *slot = &check->orgs[id.bytes[ID_LEN - 1] % ORG_SLOTS];
    if (slot->state == ORG_UNKNOWN || !id_equal(slot->id, id))
        *slot = (struct org_slot){id, read_org_state(check->txn, id)};
    return slot->state;
}

/* Whether the record's organisation is there and its data complete; says so when it isn't there at all. */
static bool org_is_complete(struct check *check, const struct entry *entry, struct id org)
{
    enum org_state state = org_state(check, org);
    if (state == ORG_MISSING)
        broken(check, entry, "its organisation %s does not exist", text_of(org).text);
    return state == ORG_ALIVE;
}

/* False, once it has been said, when the key or the value doesn't have the length that its table asks for. */
static bool has_lengths(struct check *check, const struct entry *entry, size_t key_len, size_t value_len)
{
    if (key_len != 0 && entry->key.len != key_len)
        broken(check, entry, "the key has %zu bytes and should have %zu", entry->key.len, key_len);
    else if (value_len != SIZE_MAX && entry->value.len != value_len)
        broken(check, entry, "the value has %zu bytes and should have %zu", entry->value.len, value_len);
    else
        return true;
    return false;
}

#define ANY_LEN SIZE_MAX

static bool decode(struct check *check, const struct entry *entry, enum record_kind kind, size_t key_len, void *out)
{
    if (!has_lengths(check, entry, key_len, ANY_LEN))
        return false;
    if (record_decode(kind, entry->value, out) == OK)
        return true;
    broken(check, entry, "the record can't be decoded");
    return false;
}

static bool is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= TIME_MS_MAX;
}

/* Whether an index entry exists and holds the id. A damaged one is reported by its own table. */
static bool index_leads_to(struct check *check, enum table table, struct bytes key, struct id id)
{
    struct bytes value;
    enum error error = table_get(check->txn, table, key, &value);
    return error == OK ? bytes_equal(value, bytes_view(id.bytes, ID_LEN)) : error == ERR_CORRUPT;
}

static bool index_has(struct check *check, enum table table, struct bytes key)
{
    return table_get(check->txn, table, key, NULL) != ERR_NOT_FOUND;
}

/* ---- organisations and tokens -------------------------------------------------------------------------------- */

/* What its enabled webhooks want together; false when one of them can't be read. */
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
        broken(check, entry, "it says that its webhooks want %" PRIx64 ", and they want %" PRIx64, org->hook_events,
               wishes);
}

static void check_org(struct check *check, const struct entry *entry)
{
    struct org org;
    if (!decode(check, entry, RECORD_ORGS, ID_LEN, &org))
        return;
    org.id = id_at(entry->key, 0);
    bool key_is_fine = org.key.len >= 1 && org.key.len <= ORG_KEY_LEN_MAX;
    if (!key_is_fine)
        broken(check, entry, "its key has %zu characters", org.key.len);
    if (!is_time(org.created_at_ms) || !is_time(org.updated_at_ms))
        broken(check, entry, "one of its times is out of range");
    if (org.retain_visitors_days > RETAIN_DAYS_MAX || org.retain_messages_days > RETAIN_DAYS_MAX ||
        org.retain_empty_days > RETAIN_DAYS_MAX || org.retain_audit_days > RETAIN_DAYS_MAX ||
        org.retain_erasures_days > RETAIN_DAYS_MAX)
        broken(check, entry, "it keeps something for more than %d days", RETAIN_DAYS_MAX);
    check->report->orgs_deleted += org.deleted;
    if (key_is_fine && !org.deleted && !index_leads_to(check, TABLE_ORG_BY_KEY, org.key, org.id))
        broken(check, entry, "org_by_key does not lead to it");
    if (!org.deleted)
        check_wishes(check, entry, &org);
}

static void check_org_by_key(struct check *check, const struct entry *entry)
{
    struct org org;
    if (!has_lengths(check, entry, 0, ID_LEN))
        return;
    enum error error = org_get(check->txn, id_at(entry->value, 0), &org);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its organisation does not exist");
    else if (error == OK && org.deleted)
        broken(check, entry, "its organisation is deleted");
    else if (error == OK && !bytes_equal(org.key, entry->key))
        broken(check, entry, "its organisation has another key");
}

static void check_token(struct check *check, const struct entry *entry)
{
    struct token token;
    if (!decode(check, entry, RECORD_TOKENS, ID_LEN, &token))
        return;
    org_is_complete(check, entry, token.org);
    if (token.secret_hash.len != 32)
        broken(check, entry, "the hash of its secret has %zu bytes", token.secret_hash.len);
}

/* ---- visitors ------------------------------------------------------------------------------------------------ */

/* From the visitor's newest conversation back to its first: each must be its own, and there must be as many as it
 * counts. */
static void check_chain(struct check *check, const struct entry *entry, const struct visitor *visitor)
{
    uint64_t count = 0;
    struct conversation conversation;
    for (struct id id = visitor->last_conversation; !id_is_none(id); id = conversation.previous_of_visitor) {
        if (count == visitor->conversation_count) {
            broken(check, entry, "it counts %" PRIu64 " conversations, and its chain has more", count);
            return;
        }
        enum error error = conversation_get(check->txn, id, &conversation);
        if (error == ERR_NOT_FOUND)
            broken(check, entry, "its chain leads to %s, which does not exist", text_of(id).text);
        if (error != OK)
            return;
        if (!id_equal(conversation.visitor, visitor->id)) {
            broken(check, entry, "its chain leads to %s, which is not its own", text_of(id).text);
            return;
        }
        ++count;
    }
    if (count < visitor->conversation_count)
        broken(check, entry, "it counts %" PRIu64 " conversations, and its chain has %" PRIu64,
               visitor->conversation_count, count);
    check->chained += count;
}

static void check_visitor(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    struct key key;
    if (!decode(check, entry, RECORD_VISITORS, ID_LEN, &visitor))
        return;
    visitor.id = id_at(entry->key, 0);
    bool is_complete = org_is_complete(check, entry, visitor.org);
    if (visitor.visitor_key.len == 0 || visitor.visitor_key.len > VISITOR_KEY_LEN_MAX) {
        broken(check, entry, "its key has %zu characters", visitor.visitor_key.len);
        return;
    }
    visitor_key_key(&key, visitor.org, visitor.visitor_key);
    if (!index_leads_to(check, TABLE_VISITOR_BY_KEY, key_view(&key), visitor.id))
        broken(check, entry, "visitor_by_key does not lead to it");
    if (visitor.email.data != NULL && !email_is_valid(visitor.email))
        broken(check, entry, "its e-mail address is none");
    if (visitor.address.data != NULL && !address_text_is_valid(visitor.address))
        broken(check, entry, "its network address is none");
    if (!is_time(visitor.first_seen_at_ms) || !is_time(visitor.last_seen_at_ms) || !is_time(visitor.created_at_ms) ||
        !is_time(visitor.updated_at_ms) || !is_time(visitor.blocked_at_ms)) {
        broken(check, entry, "one of its times is out of range");
        return;
    }
    if (visitor.last_seen_at_ms < visitor.first_seen_at_ms)
        broken(check, entry, "it was last seen before it was first seen");
    if (!is_complete)
        return;
    visitor_seen_key(&key, visitor.org, visitor.last_seen_at_ms, visitor.id);
    if (!index_has(check, TABLE_VISITOR_BY_SEEN, key_view(&key)))
        broken(check, entry, "visitor_by_seen has no entry for when it was last seen");
    check_chain(check, entry, &visitor);
    say(check, entry, verify_visitor(&check->search, &visitor));
}

static void check_visitor_by_key(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    if (!has_lengths(check, entry, 0, ID_LEN))
        return;
    if (entry->key.len <= ID_LEN || entry->key.len > ID_LEN + VISITOR_KEY_LEN_MAX) {
        broken(check, entry, "the key has %zu bytes", entry->key.len);
        return;
    }
    org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = visitor_get(check->txn, id_at(entry->value, 0), &visitor);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its visitor does not exist");
    if (error != OK)
        return;
    if (!id_equal(visitor.org, id_at(entry->key, 0)))
        broken(check, entry, "its visitor is of another organisation");
    else if (!bytes_equal(visitor.visitor_key, bytes_view(entry->key.data + ID_LEN, entry->key.len - ID_LEN)))
        broken(check, entry, "its visitor has another key");
}

static void check_visitor_by_seen(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    if (!has_lengths(check, entry, 2 * ID_LEN + 4, 0))
        return;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(entry->key, &offset);
    org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = visitor_get(check->txn, id_at(entry->key, offset), &visitor);
    if (error == OK && !id_equal(visitor.org, id_at(entry->key, 0)))
        broken(check, entry, "its visitor is of another organisation");
    else if (error == ERR_NOT_FOUND ||
             (error == OK && is_time(visitor.last_seen_at_ms) && minute != minute_of(visitor.last_seen_at_ms)))
        ++check->report->stale_seen;
}

/* ---- conversations ------------------------------------------------------------------------------------------- */

static void check_owner(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct visitor visitor;
    if (id_is_none(conversation->visitor)) {
        if (!id_is_none(conversation->previous_of_visitor))
            broken(check, entry, "it has no visitor and yet one before it");
        return;
    }
    if (conversation->anonymized)
        broken(check, entry, "its visitor was erased, and yet it has one");
    ++check->named;
    enum error error = visitor_get(check->txn, conversation->visitor, &visitor);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its visitor %s does not exist", text_of(conversation->visitor).text);
    else if (error == OK && !id_equal(visitor.org, conversation->org))
        broken(check, entry, "its visitor %s is of another organisation", text_of(conversation->visitor).text);
}

/* Up to which message it has been read, and the entry that says when that changed. */
static void check_marks(struct check *check, const struct entry *entry, const struct conversation *conversation,
                        const struct conversation_activity *activity)
{
    struct key key;
    uint64_t last_seq = activity->has_message ? activity->last_message.seq : 0, marked_seq = conversation->marked_seq;
    bool is_read = conversation->visitor_read_seq != 0 || conversation->agent_read_seq != 0;
    if (conversation->visitor_read_seq > last_seq)
        broken(check, entry, "its visitor has read up to %" PRIu64 ", and its last message is %" PRIu64,
               conversation->visitor_read_seq, last_seq);
    if (conversation->agent_read_seq > last_seq)
        broken(check, entry, "its organisation has read up to %" PRIu64 ", and its last message is %" PRIu64,
               conversation->agent_read_seq, last_seq);
    if (marked_seq > check->last_seq)
        broken(check, entry, "its marks moved at %" PRIu64 ", beyond the last sequence number, %" PRIu64, marked_seq,
               check->last_seq);
    if (is_read != (marked_seq != 0))
        broken(check, entry, is_read ? "it has been read, and never marked" : "it has been marked, and never read");
    mark_key(&key, conversation->org, marked_seq);
    if (marked_seq != 0 && !index_leads_to(check, TABLE_CONVERSATION_BY_MARK, key_view(&key), conversation->id))
        broken(check, entry, "conversation_by_mark has no entry for when its marks moved, %" PRIu64, marked_seq);
}

/* What is not resolved is found by its status and assignee, and a snooze by its end. */
static void check_places(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct key key;
    open_key(&key, conversation->org, conversation->status, conversation->assignee, conversation->id);
    if (conversation->status != STATUS_RESOLVED && !index_has(check, TABLE_CONVERSATION_OPEN, key_view(&key)))
        broken(check, entry, "it is %s, and conversation_open does not have it as that and its assignee's",
               status_word(conversation->status));
    snooze_key(&key, conversation->snoozed_until_ms, conversation->id);
    if (conversation->status == STATUS_SNOOZED &&
        !index_leads_to(check, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key), conversation->org))
        broken(check, entry, "conversation_by_snooze has no entry for when its snooze is over");
}

static void check_work(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct key key;
    uint64_t worked_seq = conversation->worked_seq;
    if (conversation->status >= STATUSES) {
        broken(check, entry, "its status is none");
        return;
    }
    if ((conversation->status == STATUS_SNOOZED) != (conversation->snoozed_until_ms != 0) ||
        (conversation->status != STATUS_RESOLVED && conversation->resolved_at_ms != 0))
        broken(check, entry, "it is %s, and has a time of another status", status_word(conversation->status));
    if (!priority_is_valid(conversation->priority) || !tags_are_valid(conversation->tags))
        broken(check, entry, "its priority is none, or one of its tags is no tag");
    if (worked_seq > check->last_seq)
        broken(check, entry, "it was worked on at %" PRIu64 ", beyond the last sequence number, %" PRIu64, worked_seq,
               check->last_seq);
    check_places(check, entry, conversation);
    work_key(&key, conversation->org, worked_seq);
    if (worked_seq != 0 && !index_leads_to(check, TABLE_CONVERSATION_BY_WORK, key_view(&key), conversation->id))
        broken(check, entry, "conversation_by_work has no entry for when it was worked on, %" PRIu64, worked_seq);
}

static void check_conversation(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    struct key key;
    if (!decode(check, entry, RECORD_CONVERSATIONS, ID_LEN, &conversation))
        return;
    conversation.id = id_at(entry->key, 0);
    if (!is_time(conversation.created_at_ms) || !is_time(conversation.changed_at_ms) ||
        !is_time(conversation.snoozed_until_ms) || !is_time(conversation.resolved_at_ms))
        broken(check, entry, "one of its times is out of range");
    if (conversation.changed_seq > check->last_seq)
        broken(check, entry, "its sequence number %" PRIu64 " is beyond the last one, %" PRIu64,
               conversation.changed_seq, check->last_seq);
    if (!org_is_complete(check, entry, conversation.org))
        return;
    check_owner(check, entry, &conversation);
    check_work(check, entry, &conversation);
    if (conversation_activity(check->txn, &conversation, &activity) != OK)
        return;
    activity_key(&key, conversation.org, activity.seq);
    if (!index_leads_to(check, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), conversation.id))
        broken(check, entry, "conversation_by_activity has no entry for its last change, %" PRIu64, activity.seq);
    check_marks(check, entry, &conversation, &activity);
    if (!is_time(activity.updated_at_ms))
        return;
    conversation_updated_key(&key, conversation.org, activity.updated_at_ms, conversation.id);
    if (!index_has(check, TABLE_CONVERSATION_BY_UPDATED, key_view(&key)))
        broken(check, entry, "conversation_by_updated has no entry for when it was updated");
}

static void check_activity(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    if (!has_lengths(check, entry, ID_LEN + 8, ID_LEN))
        return;
    uint64_t seq = u64_at(entry->key, ID_LEN);
    if (seq > check->last_seq)
        broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = conversation_get(check->txn, id_at(entry->value, 0), &conversation);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_activity;
    if (error != OK)
        return;
    if (!id_equal(conversation.org, id_at(entry->key, 0)))
        broken(check, entry, "its conversation %s is of another organisation", text_of(conversation.id).text);
    else if (conversation_activity(check->txn, &conversation, &activity) == OK && activity.seq != seq)
        ++check->report->stale_activity;
}

static void check_updated(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    if (!has_lengths(check, entry, 2 * ID_LEN + 4, 0))
        return;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(entry->key, &offset);
    org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = conversation_get(check->txn, id_at(entry->key, offset), &conversation);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_updated;
    if (error != OK)
        return;
    if (!id_equal(conversation.org, id_at(entry->key, 0)))
        broken(check, entry, "its conversation is of another organisation");
    else if (conversation_activity(check->txn, &conversation, &activity) == OK && is_time(activity.updated_at_ms) &&
             minute_of(activity.updated_at_ms) != minute)
        ++check->report->stale_updated;
}

/* None is ever stale: the entry of a conversation moves with its marks. */
static void check_mark(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (!has_lengths(check, entry, ID_LEN + 8, ID_LEN) || !org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    uint64_t seq = u64_at(entry->key, ID_LEN);
    enum error error = conversation_get(check->txn, id_at(entry->value, 0), &conversation);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its conversation %s does not exist", text_of(id_at(entry->value, 0)).text);
    else if (error == OK && !id_equal(conversation.org, id_at(entry->key, 0)))
        broken(check, entry, "its conversation %s is of another organisation", text_of(conversation.id).text);
    else if (error == OK && conversation.marked_seq != seq)
        broken(check, entry, "the marks of its conversation %s last moved at %" PRIu64, text_of(conversation.id).text,
               conversation.marked_seq);
}

/* The conversation that an entry is about, unless the entry of an organisation that is being deleted is. */
static bool get_worked_on(struct check *check, const struct entry *entry, struct id org, struct id id,
                          struct conversation *out)
{
    if (!org_is_complete(check, entry, org))
        return false;
    enum error error = conversation_get(check->txn, id, out);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its conversation %s does not exist", text_of(id).text);
    else if (error == OK && !id_equal(out->org, org))
        broken(check, entry, "its conversation %s is of another organisation", text_of(id).text);
    return error == OK && id_equal(out->org, org);
}

static void check_open(struct check *check, const struct entry *entry)
{
    struct open_entry open;
    struct conversation conversation;
    if (!has_lengths(check, entry, OPEN_KEY_LEN, 0))
        return;
    open_entry_of(entry->key, &open);
    if (get_worked_on(check, entry, open.org, open.conversation, &conversation) &&
        (conversation.status != open.status || !id_equal(conversation.assignee, open.assignee)))
        broken(check, entry, "its conversation has another status, or another assignee");
}

static void check_snooze(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (has_lengths(check, entry, 8 + ID_LEN, ID_LEN) &&
        get_worked_on(check, entry, id_at(entry->value, 0), id_at(entry->key, 8), &conversation) &&
        (uint64_t)conversation.snoozed_until_ms != u64_at(entry->key, 0))
        broken(check, entry, "its conversation is not snoozed until then");
}

static void check_worked(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (has_lengths(check, entry, ID_LEN + 8, ID_LEN) &&
        get_worked_on(check, entry, id_at(entry->key, 0), id_at(entry->value, 0), &conversation) &&
        conversation.worked_seq != u64_at(entry->key, ID_LEN))
        broken(check, entry, "its conversation %s was last worked on at %" PRIu64, text_of(conversation.id).text,
               conversation.worked_seq);
}

/* ---- notes and canned replies -------------------------------------------------------------------------------- */

static void check_note_text(struct check *check, const struct entry *entry, const struct note *note)
{
    if (note->content.len == 0 || note->content.len > NOTE_CONTENT_LEN_MAX || !utf8_valid(note->content))
        broken(check, entry, "its content is no text of 1 to %d bytes", NOTE_CONTENT_LEN_MAX);
    if (!is_time(note->at_ms) || id_is_none(note->id))
        broken(check, entry, "its id is missing or its time out of range");
    if (note->mentions.len % ID_LEN != 0)
        broken(check, entry, "whom it mentions can't be read");
}

static void check_note(struct check *check, const struct entry *entry)
{
    struct note note, before = {.ordinal = 0};
    struct conversation conversation;
    if (!decode(check, entry, RECORD_NOTES, ID_LEN + 8, &note) ||
        !get_worked_on(check, entry, note.org, id_at(entry->key, 0), &conversation))
        return;
    note.seq = u64_at(entry->key, ID_LEN);
    check_note_text(check, entry, &note);
    if (note.seq > conversation.worked_seq)
        broken(check, entry, "its conversation was last worked on before it, at %" PRIu64, conversation.worked_seq);
    if (note_get_before(check->txn, conversation.id, note.seq, &before) != OK)
        return; /* those before it may have gone by their age */
    if (note.ordinal != before.ordinal + 1)
        broken(check, entry, "it is number %" PRIu64 " of its conversation and follows number %" PRIu64, note.ordinal,
               before.ordinal);
}

static void check_reply(struct check *check, const struct entry *entry)
{
    struct reply reply;
    if (!decode(check, entry, RECORD_REPLIES, 2 * ID_LEN, &reply) ||
        !org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    if (!reply_shortcut_is_valid(reply.shortcut))
        broken(check, entry, "its shortcut is none");
    if (reply.text.len == 0 || reply.text.len > REPLY_TEXT_LEN_MAX || !utf8_valid(reply.text))
        broken(check, entry, "its text is no text of 1 to %d bytes", REPLY_TEXT_LEN_MAX);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

/* At the first entry of a conversation: reads it. */
static void enter_conversation(struct check *check, const struct entry *entry, struct id id)
{
    enum error error = conversation_get(check->txn, id, &check->conversation);
    check->previous_ordinal = error == OK ? check->conversation.removed_messages : 0;
    check->conversation_is_partial = false;
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its conversation does not exist");
    if (error == OK)
        check->conversation_is_partial = org_state(check, check->conversation.org) != ORG_ALIVE;
    else
        check->conversation = (struct conversation){.id = id, .org = ID_NONE};
}

static void check_client_id(struct check *check, const struct entry *entry, const struct message *message)
{
    struct bytes block;
    uint64_t seq;
    if (message->client_id.data == NULL)
        return;
    enum error error =
        client_id_find(check->txn, message->conversation, message->role, message->client_id, &block, &seq);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "no entry leads to it by its clientId");
    else if (error == OK && seq != message->seq)
        broken(check, entry, "its clientId leads to another message, %" PRIu64, seq);
}

static void check_message(struct check *check, const struct entry *entry)
{
    struct message message;
    if (!decode(check, entry, RECORD_MESSAGES, ID_LEN + 8, &message))
        return;
    message.conversation = check->conversation.id;
    message.seq = u64_at(entry->key, ID_LEN);
    if (message.seq > check->last_seq)
        broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    if (!id_is_none(check->conversation.org) && !id_equal(message.org, check->conversation.org))
        broken(check, entry, "it is of another organisation than its conversation");
    if (!bytes_equal(message.role, BYTES("user")) && !bytes_equal(message.role, BYTES("assistant")))
        broken(check, entry, "its role is neither user nor assistant");
    if (message.content.len == 0 || message.content.len > MESSAGE_CONTENT_LEN_MAX || !utf8_valid(message.content))
        broken(check, entry, "its content is no text of 1 to %d bytes", MESSAGE_CONTENT_LEN_MAX);
    if (!is_time(message.at_ms) || id_is_none(message.id))
        broken(check, entry, "its id is missing or its time out of range");
    if (message.ordinal != check->previous_ordinal + 1 &&
        !(check->conversation_is_partial && check->previous_ordinal == check->conversation.removed_messages))
        broken(check, entry, "it is number %" PRIu64 " of its conversation and follows number %" PRIu64,
               message.ordinal, check->previous_ordinal);
    if (message.seq <= check->conversation.redacted_seq && !bytes_equal(message.content, BYTES(REDACTED_TEXT)))
        broken(check, entry, "its text should have been redacted");
    check->previous_ordinal = message.ordinal;
    if (check->conversation_is_partial)
        return;
    check_client_id(check, entry, &message);
    if (id_equal(message.org, check->conversation.org))
        say(check, entry, verify_message(&check->search, &message));
}

static void check_client_id_entry(struct check *check, const struct entry *entry, uint64_t hash, uint64_t seq)
{
    struct message message;
    enum error error = message_get(check->txn, check->conversation.id, seq, &message);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its message %" PRIu64 " does not exist", seq);
    if (error != OK)
        return;
    if (message.client_id.data == NULL)
        broken(check, entry, "its message %" PRIu64 " has no clientId", seq);
    else if (client_id_hash(message.client_id) != hash)
        broken(check, entry, "its message %" PRIu64 " has another clientId", seq);
}

/* An entry of the hash index; whether its slot is the right one is seen from its message. */
static void check_client_id_slot(struct check *check, const struct entry *entry)
{
    struct message message;
    if (!has_lengths(check, entry, 0, 8) || check->conversation_is_partial)
        return;
    uint64_t seq = u64_at(entry->value, 0);
    enum error error = message_get(check->txn, check->conversation.id, seq, &message);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its message %" PRIu64 " does not exist", seq);
    else if (error == OK && message.client_id.data == NULL)
        broken(check, entry, "its message %" PRIu64 " has no clientId", seq);
}

static void check_client_ids(struct check *check, const struct entry *entry)
{
    size_t len = entry->value.len;
    if (u64_at(entry->key, ID_LEN) != MESSAGE_CLIENT_BIT) {
        check_client_id_slot(check, entry);
        return;
    }
    if (len == 0 || len % CLIENT_ID_ENTRY_LEN != 0 || len > CLIENT_ID_ENTRY_LEN * CLIENT_ID_BLOCK_ENTRIES) {
        broken(check, entry, "its length is not that of 1 to %d clientIds", CLIENT_ID_BLOCK_ENTRIES);
        return;
    }
    if (check->conversation_is_partial)
        return;
    for (size_t offset = 0; offset < len; offset += CLIENT_ID_ENTRY_LEN)
        check_client_id_entry(check, entry, u64_at(entry->value, offset), u64_at(entry->value, offset + 8));
}

static void check_message_entry(struct check *check, const struct entry *entry)
{
    if (!has_lengths(check, entry, ID_LEN + 8, ANY_LEN))
        return;
    struct id conversation = id_at(entry->key, 0);
    if (!id_equal(conversation, check->conversation.id))
        enter_conversation(check, entry, conversation);
    if (u64_at(entry->key, ID_LEN) & MESSAGE_CLIENT_BIT)
        check_client_ids(check, entry);
    else
        check_message(check, entry);
}

/* ---- aliases ------------------------------------------------------------------------------------------------- */

/* The organisation of the conversation or visitor that an alias leads to. */
static enum error org_of_target(struct txn *txn, struct id target, struct id *org)
{
    struct conversation conversation;
    struct visitor visitor;
    enum error error = conversation_get(txn, target, &conversation);
    if (error == OK)
        *org = conversation.org;
    if (error != ERR_NOT_FOUND)
        return error;
    error = visitor_get(txn, target, &visitor);
    if (error == OK)
        *org = visitor.org;
    return error;
}

static void check_alias(struct check *check, const struct entry *entry)
{
    struct alias alias;
    struct id org;
    if (entry->key.len <= ID_LEN || !alias_text_is_fit(bytes_view(entry->key.data + ID_LEN, entry->key.len - ID_LEN))) {
        broken(check, entry, "its text is not 1 to %d visible ASCII characters", ALIAS_LEN_MAX);
        return;
    }
    if (!decode(check, entry, RECORD_ALIASES, 0, &alias) || !org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    enum error error = org_of_target(check->txn, alias.target, &org);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_aliases; /* retention has removed it, and the alias follows */
    else if (error == OK && !id_equal(org, id_at(entry->key, 0)))
        broken(check, entry, "%s, which it stands for, is of another organisation", text_of(alias.target).text);
}

/* ---- agents -------------------------------------------------------------------------------------------------- */

/* From an entry to its other direction, whose value is empty or an id. */
static void must_be_there(struct check *check, const struct entry *entry, enum table table, const struct key *key,
                          struct bytes expected)
{
    struct bytes value;
    enum error error = table_get(check->txn, table, key_view(key), &value);
    if (error == ERR_NOT_FOUND || (error == OK && !bytes_equal(value, expected)))
        broken(check, entry, "%s does not lead to it", table_name(table));
}

static void must_have_agent(struct check *check, const struct entry *entry, struct id id)
{
    struct agent agent;
    if (agent_get(check->txn, id, &agent) == ERR_NOT_FOUND)
        broken(check, entry, "its agent %s does not exist", text_of(id).text);
}

static void check_agent(struct check *check, const struct entry *entry)
{
    struct agent agent;
    struct key key;
    if (!decode(check, entry, RECORD_AGENTS, ID_LEN, &agent))
        return;
    if (!email_is_valid(agent.email)) {
        broken(check, entry, "its e-mail address is none");
        return;
    }
    agent_email_key(&key, agent.email);
    must_be_there(check, entry, TABLE_AGENT_BY_EMAIL, &key, entry->key);
}

static void check_agent_by_email(struct check *check, const struct entry *entry)
{
    struct agent agent;
    struct key key;
    if (!has_lengths(check, entry, AGENT_EMAIL_HASH_LEN, ID_LEN))
        return;
    enum error error = agent_get(check->txn, id_at(entry->value, 0), &agent);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its agent does not exist");
    if (error != OK)
        return;
    if (!email_is_valid(agent.email)) /* which its own table says */
        return;
    agent_email_key(&key, agent.email);
    if (!bytes_equal(key_view(&key), entry->key))
        broken(check, entry, "its agent has another address");
}

static void check_member(struct check *check, const struct entry *entry)
{
    struct member member;
    struct key key;
    if (!decode(check, entry, RECORD_MEMBERS, 2 * ID_LEN, &member) ||
        !org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    if (role_level(member.role) == LEVEL_NONE)
        broken(check, entry, "its role is none");
    must_have_agent(check, entry, id_at(entry->key, ID_LEN));
    pair_key(&key, id_at(entry->key, ID_LEN), id_at(entry->key, 0));
    must_be_there(check, entry, TABLE_MEMBER_BY_AGENT, &key, BYTES_NONE);
}

static void check_member_by_agent(struct check *check, const struct entry *entry)
{
    struct member member;
    if (!has_lengths(check, entry, 2 * ID_LEN, 0))
        return;
    if (member_get(check->txn, id_at(entry->key, ID_LEN), id_at(entry->key, 0), &member) == ERR_NOT_FOUND)
        broken(check, entry, "the agent is no member there");
}

static void check_session(struct check *check, const struct entry *entry)
{
    struct session session;
    struct key key;
    if (!decode(check, entry, RECORD_SESSIONS, ID_LEN, &session))
        return;
    must_have_agent(check, entry, session.agent);
    if (session.secret_hash.len != 32)
        broken(check, entry, "the hash of its secret has %zu bytes", session.secret_hash.len);
    pair_key(&key, session.agent, id_at(entry->key, 0));
    must_be_there(check, entry, TABLE_SESSION_BY_AGENT, &key, BYTES_NONE);
}

static void check_session_by_agent(struct check *check, const struct entry *entry)
{
    struct session session;
    if (!has_lengths(check, entry, 2 * ID_LEN, 0))
        return;
    enum error error = session_get(check->txn, id_at(entry->key, ID_LEN), &session);
    if (error == ERR_NOT_FOUND || (error == OK && !id_equal(session.agent, id_at(entry->key, 0))))
        broken(check, entry, "the agent has no such session");
}

static void check_link(struct check *check, const struct entry *entry)
{
    struct link link;
    if (!decode(check, entry, RECORD_LINKS, ID_LEN, &link))
        return;
    if (!id_is_none(link.agent))
        must_have_agent(check, entry, link.agent);
    if (link.secret_hash.len != 32)
        broken(check, entry, "the hash of its secret has %zu bytes", link.secret_hash.len);
}

static void check_audit(struct check *check, const struct entry *entry)
{
    struct audit audit;
    if (!decode(check, entry, RECORD_AUDIT, ID_LEN + 8, &audit))
        return;
    if (!id_is_none(id_at(entry->key, 0)))
        org_is_complete(check, entry, id_at(entry->key, 0));
    if (audit.action.len == 0 || !is_time(audit.at_ms))
        broken(check, entry, "it does not say what was done, or when");
    if (u64_at(entry->key, ID_LEN) > check->last_seq)
        broken(check, entry, "its number is beyond the last one");
}

/* ---- webhooks ------------------------------------------------------------------------------------------------ */

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
        broken(check, entry, "it says that %" PRIu64 " deliveries %s, and there are %" PRIu64, said, what, there);
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

static void check_webhook(struct check *check, const struct entry *entry)
{
    struct webhook webhook;
    struct key key;
    uint64_t events;
    if (!decode(check, entry, RECORD_WEBHOOKS, ID_LEN, &webhook))
        return;
    webhook.id = id_at(entry->key, 0);
    if (webhook.url.len == 0 || webhook.url.len > WEBHOOK_URL_LEN_MAX)
        broken(check, entry, "its URL has %zu characters", webhook.url.len);
    if (webhook.secret.len == 0 || webhook.secret.len > WEBHOOK_SECRET_LEN_MAX)
        broken(check, entry, "its secret has %zu characters", webhook.secret.len);
    if (!hook_events_parse(webhook.events, &events))
        broken(check, entry, "its events are none");
    if (!is_time(webhook.created_at_ms) || !is_time(webhook.updated_at_ms))
        broken(check, entry, "one of its times is out of range");
    if (!org_is_complete(check, entry, webhook.org))
        return;
    webhook_org_key(&key, webhook.org, webhook.id);
    if (!index_leads_to(check, TABLE_WEBHOOK_BY_ORG, key_view(&key), webhook.id))
        broken(check, entry, "webhook_by_org does not lead to it");
    check_deliveries(check, entry, &webhook);
}

static void check_webhook_by_org(struct check *check, const struct entry *entry)
{
    struct webhook webhook;
    if (!has_lengths(check, entry, 2 * ID_LEN, ID_LEN) || !org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    struct id id = id_at(entry->key, ID_LEN);
    if (!id_equal(id, id_at(entry->value, 0)))
        broken(check, entry, "its value is another webhook");
    enum error error = webhook_get(check->txn, id, &webhook);
    if (error == ERR_NOT_FOUND)
        broken(check, entry, "its webhook does not exist");
    else if (error == OK && !id_equal(webhook.org, id_at(entry->key, 0)))
        broken(check, entry, "its webhook is of another organisation");
}

/* Its conversation or visitor may be gone: then nothing is told. */
static void check_delivery(struct check *check, const struct entry *entry)
{
    struct delivery delivery;
    struct webhook webhook;
    bool is_past = entry->table == TABLE_WEBHOOK_PAST;
    if (!decode(check, entry, RECORD_WEBHOOK_QUEUE, is_past ? PAST_KEY_LEN : DELIVERY_KEY_LEN, &delivery))
        return;
    size_t offset = entry->key.len - 12, past_offset = ID_LEN;
    if (key_get_u64(entry->key, &offset) > check->last_seq)
        broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    if (hook_event_name(key_get_u32(entry->key, &offset)) == NULL)
        broken(check, entry, "its event is not known");
    if (is_past && key_get_u32(entry->key, &past_offset) >= PAST_COUNT)
        broken(check, entry, "it is neither parked nor delivered");
    if (!is_time(delivery.at_ms) || !is_time(delivery.since_ms) || !is_time(delivery.next_at_ms))
        broken(check, entry, "one of its times is out of range");
    if (webhook_get(check->txn, id_at(entry->key, 0), &webhook) == ERR_NOT_FOUND)
        broken(check, entry, "its webhook does not exist");
}

/* ---- erasures, retention ------------------------------------------------------------------------------------- */

static void check_erasure(struct check *check, const struct entry *entry)
{
    struct erasure erasure;
    if (!decode(check, entry, RECORD_ERASURES, ID_LEN + ERASURE_HASH_LEN, &erasure))
        return;
    org_is_complete(check, entry, id_at(entry->key, 0));
    if (!erasure_hash_is_valid(bytes_view(entry->key.data + ID_LEN, ERASURE_HASH_LEN)))
        broken(check, entry, "it is not kept under a hash");
    if (!is_time(erasure.erased_at_ms))
        broken(check, entry, "its time is out of range");
}

static void check_retention(struct check *check, const struct entry *entry)
{
    struct retention retention;
    if (!decode(check, entry, RECORD_RETENTION, ID_LEN, &retention))
        return;
    org_is_complete(check, entry, id_at(entry->key, 0));
    if (!is_time(retention.began_at_ms) || !is_time(retention.ended_at_ms))
        broken(check, entry, "one of its times is out of range");
    if (retention.run_visitors > retention.visitors || retention.run_messages > retention.messages)
        broken(check, entry, "its last run has removed more than all of them together");
}

/* ---- search -------------------------------------------------------------------------------------------------- */

typedef const char *search_verify(struct verification *verification, struct bytes key, struct bytes value);

/* What is being purged may be half gone, here as well. */
static void check_search_entry(struct check *check, const struct entry *entry, search_verify *verify)
{
    if (entry->key.len < ID_LEN)
        broken(check, entry, "the key has %zu bytes", entry->key.len);
    else if (org_is_complete(check, entry, id_at(entry->key, 0)))
        say(check, entry, verify(&check->search, entry->key, entry->value));
}

static void check_search_org(struct check *check, const struct entry *entry)
{
    struct search_org org;
    if (decode(check, entry, RECORD_SEARCH_ORGS, ID_LEN, &org) && org_is_complete(check, entry, id_at(entry->key, 0)) &&
        org.indexed_seq > check->last_seq)
        broken(check, entry, "it is indexed up to %" PRIu64 ", beyond the last sequence number", org.indexed_seq);
}

static void check_search_segment(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_segment);
}

static void check_search_block(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_block);
}

static void check_message_by_seq(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_by_seq);
}

static void check_visitor_by_email(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_visitor_email);
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static void check_idempotency(struct check *check, const struct entry *entry)
{
    struct idempotency first;
    size_t offset = 0;
    if (!decode(check, entry, RECORD_IDEMPOTENCY, 4 + IDEMPOTENCY_HASH_LEN, &first))
        return;
    /* Its conversation may have gone with its organisation. */
    if (!is_time(first.created_at_ms) || day_of(first.created_at_ms) != key_get_u32(entry->key, &offset))
        broken(check, entry, "it is kept under another day than its own");
    if (id_is_none(first.conversation))
        broken(check, entry, "it names no conversation");
}

static void check_meta(struct check *check, const struct entry *entry)
{
    bool is_number = bytes_equal(entry->key, BYTES("format")) || bytes_equal(entry->key, BYTES(META_SEQ)) ||
                     bytes_equal(entry->key, BYTES(META_ERASED)) || bytes_equal(entry->key, BYTES(META_SEARCH)) ||
                     bytes_equal(entry->key, BYTES(META_SEARCH_UNTIL));
    if (is_number)
        has_lengths(check, entry, 0, 8);
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

typedef void check_entry(struct check *check, const struct entry *entry);

static check_entry *const checks[TABLE_COUNT] = {
    [TABLE_META] = check_meta,
    [TABLE_ORGS] = check_org,
    [TABLE_ORG_BY_KEY] = check_org_by_key,
    [TABLE_TOKENS] = check_token,
    [TABLE_AGENTS] = check_agent,
    [TABLE_AGENT_BY_EMAIL] = check_agent_by_email,
    [TABLE_MEMBERS] = check_member,
    [TABLE_MEMBER_BY_AGENT] = check_member_by_agent,
    [TABLE_SESSIONS] = check_session,
    [TABLE_SESSION_BY_AGENT] = check_session_by_agent,
    [TABLE_LINKS] = check_link,
    [TABLE_AUDIT] = check_audit,
    [TABLE_VISITORS] = check_visitor,
    [TABLE_VISITOR_BY_KEY] = check_visitor_by_key,
    [TABLE_VISITOR_BY_SEEN] = check_visitor_by_seen,
    [TABLE_CONVERSATIONS] = check_conversation,
    [TABLE_CONVERSATION_BY_ACTIVITY] = check_activity,
    [TABLE_CONVERSATION_BY_UPDATED] = check_updated,
    [TABLE_CONVERSATION_BY_MARK] = check_mark,
    [TABLE_CONVERSATION_OPEN] = check_open,
    [TABLE_CONVERSATION_BY_SNOOZE] = check_snooze,
    [TABLE_CONVERSATION_BY_WORK] = check_worked,
    [TABLE_NOTES] = check_note,
    [TABLE_REPLIES] = check_reply,
    [TABLE_MESSAGES] = check_message_entry,
    [TABLE_IDEMPOTENCY] = check_idempotency,
    [TABLE_ALIASES] = check_alias,
    [TABLE_WEBHOOKS] = check_webhook,
    [TABLE_WEBHOOK_BY_ORG] = check_webhook_by_org,
    [TABLE_WEBHOOK_QUEUE] = check_delivery,
    [TABLE_WEBHOOK_PAST] = check_delivery,
    [TABLE_ERASURES] = check_erasure,
    [TABLE_RETENTION] = check_retention,

    [TABLE_SEARCH_ORGS] = check_search_org,
    [TABLE_SEARCH_SEGMENTS] = check_search_segment,
    [TABLE_SEARCH_BLOCKS] = check_search_block,
    [TABLE_MESSAGE_BY_SEQ] = check_message_by_seq,
    [TABLE_VISITOR_BY_EMAIL] = check_visitor_by_email,
};

static bool is_before(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order < 0 || (order == 0 && a.len < b.len);
}

static enum error next_entry(struct cursor *cursor, struct entry *entry)
{
    entry->key = entry->value = BYTES_NONE;
    return cursor_next(cursor, &entry->key, &entry->value);
}

/* A damaged value leaves its key known, and the walk goes on behind it; a damaged page doesn't. */
static bool has_entry(enum error error, const struct entry *entry)
{
    return error == OK || (error == ERR_CORRUPT && entry->key.data != NULL);
}

static void walk_table(struct check *check, enum table table)
{
    struct entry entry = {.table = table};
    struct bytes previous = BYTES_NONE;
    uint64_t *rows = &check->report->rows[table];
    struct cursor *cursor = cursor_open(check->txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    while (has_entry(error, &entry)) {
        if (++*rows % ROWS_BETWEEN_CALLS == 0 && check->on_rows != NULL)
            check->on_rows(check->context, check->rows + *rows);
        if (previous.data != NULL && !is_before(previous, entry.key))
            broken(check, &entry, "the keys are not in order");
        if (error == ERR_CORRUPT)
            broken(check, &entry, "the checksum disagrees");
        else
            checks[table](check, &entry);
        previous = entry.key;
        error = next_entry(cursor, &entry);
    }
    cursor_close(cursor);
    if (error != ERR_NOT_FOUND)
        broken(check, &(struct entry){.table = table, .key = previous}, "the table can't be read behind this entry");
    else if (*rows != table_rows(check->txn, table))
        broken(check, &(struct entry){.table = table, .key = previous},
               "the table says that it has %" PRIu64 " entries, and there are %" PRIu64, table_rows(check->txn, table),
               *rows);
}

/* Only when the sums disagree: this costs a walk along the chain for every conversation. */
static void name_unreached_conversations(struct check *check)
{
    struct entry entry = {.table = TABLE_CONVERSATIONS};
    struct cursor *cursor = cursor_open(check->txn, TABLE_CONVERSATIONS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    for (; has_entry(error, &entry); error = next_entry(cursor, &entry)) {
        struct conversation conversation, link;
        struct visitor visitor;
        if (error != OK || entry.key.len != ID_LEN ||
            conversation_get(check->txn, id_at(entry.key, 0), &conversation) != OK ||
            id_is_none(conversation.visitor) || org_state(check, conversation.org) != ORG_ALIVE ||
            visitor_get(check->txn, conversation.visitor, &visitor) != OK)
            continue;
        struct id id = visitor.last_conversation;
        for (uint64_t left = visitor.conversation_count; left > 0 && !id_is_none(id) && !id_equal(id, conversation.id);
             --left)
            id = conversation_get(check->txn, id, &link) == OK ? link.previous_of_visitor : ID_NONE;
        if (!id_equal(id, conversation.id))
            broken(check, &entry, "the chain of its visitor %s does not reach it", text_of(visitor.id).text);
    }
    cursor_close(cursor);
}

static void name_unfindable(struct check *check, const struct entry *entry)
{
    struct message message;
    struct conversation conversation;
    if (entry->key.len != ID_LEN + 8 || !message_key_is_of(entry->key, id_at(entry->key, 0)) ||
        message_decode(entry->key, entry->value, &message) != OK ||
        conversation_get(check->txn, message.conversation, &conversation) != OK ||
        org_state(check, conversation.org) != ORG_ALIVE)
        return;
    say(check, entry, verify_message_again(&check->search, &message));
}

static void name_strays(struct check *check, const struct entry *entry)
{
    if (entry->key.len >= ID_LEN && org_state(check, id_at(entry->key, 0)) == ORG_ALIVE)
        say(check, entry, verify_block_again(&check->search, entry->key, entry->value));
}

/* Only when the sums disagree: this looks up every word of every message, and the message of every posting. */
static void name_what_search_misses(struct check *check, enum table table, check_entry *name)
{
    struct entry entry = {.table = table};
    struct cursor *cursor = cursor_open(check->txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    for (; has_entry(error, &entry); error = next_entry(cursor, &entry))
        if (error == OK)
            name(check, &entry);
    cursor_close(cursor);
}

static void check_numbers(struct check *check)
{
    uint64_t format;
    struct entry entry = {.table = TABLE_META, .key = BYTES("format")};
    if (meta_get_u64(check->txn, "format", &format) == OK && format != STORE_FORMAT)
        broken(check, &entry, "the format is %" PRIu64 " and should be %d", format, STORE_FORMAT);
    if (meta_get_u64(check->txn, META_SEQ, &check->last_seq) != OK)
        check->last_seq = UINT64_MAX;
}

void check_store(struct txn *txn, void (*on_broken)(void *context, const char *sentence), void *context,
                 struct check_report *report)
{
    check_store_watched(txn, on_broken, NULL, context, report);
}

void check_store_watched(struct txn *txn, void (*on_broken)(void *context, const char *sentence),
                         void (*on_rows)(void *context, uint64_t rows), void *context, struct check_report *report)
{
    struct check check = {.txn = txn, .report = report, .on_broken = on_broken, .on_rows = on_rows, .context = context};
    *report = (struct check_report){0};
    check_numbers(&check);
    verify_begin(&check.search, txn);
    bool is_readable = true;
    for (int table = 0; table < TABLE_COUNT && is_readable; ++table) {
        walk_table(&check, (enum table)table);
        check.rows += report->rows[table];
        /* A damaged page ends the snapshot; the other tables may be sound. */
        is_readable = txn_is_usable(txn) || txn_refresh(txn);
    }
    if (is_readable && check.named != check.chained)
        name_unreached_conversations(&check);
    if (is_readable && !verify_agrees(&check.search)) {
        name_what_search_misses(&check, TABLE_MESSAGES, name_unfindable);
        name_what_search_misses(&check, TABLE_SEARCH_BLOCKS, name_strays);
    }
    verify_end(&check.search);
}

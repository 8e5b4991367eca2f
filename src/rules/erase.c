/*
 * Erasing a visitor: its messages, conversations, record and key, and every index entry that can be named from them, in
 * one transaction. The chain through its conversations finds them all; where damage has broken the chain, the whole
 * table is walked for those that name the visitor. What cannot be named, such as an entry of visitor_by_seen of a
 * minute that nothing else remembers, holds an opaque id and a minute, is stale from now on, and goes with the sweep
 * that is due afterwards.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "rules/internal.h"

struct erasure {
    struct txn *txn;
    struct id org, visitor;
    bool broken;             /* the chain, or a record in it: what it should have named is looked for everywhere */
    struct buffer gone;      /* the ids of the conversations that were removed */
    struct conversation now; /* the one being removed; its times are 0 when it can't be read */
    uint64_t messages;
};

static uint64_t gone_count(const struct erasure *erasure)
{
    return erasure->gone.len / ID_LEN;
}

/* ---- index entries ---- */

/* The entry of a key that a sequence number makes, if it is this conversation's or nobody can tell whose it is. */
static enum error forget_seq(struct erasure *erasure, enum table table, const struct key *key)
{
    struct bytes value;
    enum error error = table_get(erasure->txn, table, key_view(key), &value);
    if (error == ERR_NOT_FOUND || (error == OK && !bytes_equal(value, id_view(&erasure->now.id))))
        return OK;
    return error == OK || error == ERR_CORRUPT ? table_del(erasure->txn, table, key_view(key)) : error;
}

static enum error forget_activity(struct erasure *erasure, uint64_t seq)
{
    struct key key;
    activity_key(&key, erasure->org, seq);
    return forget_seq(erasure, TABLE_CONVERSATION_BY_ACTIVITY, &key);
}

static enum error forget_mark(struct erasure *erasure)
{
    struct key key;
    mark_key(&key, erasure->org, erasure->now.marked_seq);
    return forget_seq(erasure, TABLE_CONVERSATION_BY_MARK, &key);
}

static bool is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= TIME_MS_MAX;
}

/* The visitor was there at that time. */
static enum error forget_seen(struct erasure *erasure, int64_t at_ms)
{
    struct key key;
    if (!is_time(at_ms))
        return OK;
    visitor_seen_key(&key, erasure->org, at_ms, erasure->visitor);
    return remove_if_there(erasure->txn, TABLE_VISITOR_BY_SEEN, key_view(&key));
}

/* Its conversation changed at that time, perhaps by itself. */
static enum error forget_change(struct erasure *erasure, int64_t at_ms)
{
    struct key key;
    if (!is_time(at_ms))
        return OK;
    conversation_updated_key(&key, erasure->org, at_ms, erasure->now.id);
    enum error error = remove_if_there(erasure->txn, TABLE_CONVERSATION_BY_UPDATED, key_view(&key));
    return error == OK ? forget_seen(erasure, at_ms) : error;
}

/* ---- conversations ---- */

/* An entry of the conversation: a message, or clientIds. */
static enum error forget_message(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct erasure *erasure = context;
    struct message message;
    (void)goes;
    if (!message_key_is_of(key, erasure->now.id))
        return OK;
    ++erasure->messages;
    size_t offset = ID_LEN;
    enum error error = forget_activity(erasure, key_get_u64(key, &offset));
    if (error == OK && value.data != NULL && message_decode(key, value, &message) == OK)
        error = forget_change(erasure, message.at_ms);
    return error;
}

/* `erasure->now` as far as it can be read. */
static enum error erase_conversation(struct erasure *erasure)
{
    const struct conversation *now = &erasure->now;
    enum error error = remove_under(erasure->txn, TABLE_MESSAGES, id_view(&now->id), NULL, forget_message, erasure);
    if (error == OK)
        error = forget_activity(erasure, now->changed_seq);
    if (error == OK)
        error = forget_change(erasure, now->created_at_ms);
    if (error == OK)
        error = forget_change(erasure, now->changed_at_ms);
    if (error == OK)
        error = forget_mark(erasure);
    if (error == OK)
        error = remove_if_there(erasure->txn, TABLE_CONVERSATIONS, id_view(&now->id));
    buffer_append(&erasure->gone, now->id.bytes, ID_LEN);
    return error;
}

/* ERR_NOT_FOUND when it is not there, or not the visitor's. */
static enum error enter_conversation(struct erasure *erasure, struct id id)
{
    struct conversation *now = &erasure->now;
    enum error error = conversation_get(erasure->txn, id, now);
    if (error == ERR_CORRUPT) {
        *now = (struct conversation){.id = id, .org = erasure->org, .visitor = erasure->visitor};
        erasure->broken = true;
        return OK;
    }
    bool is_its_own = error == OK && id_equal(now->org, erasure->org) && id_equal(now->visitor, erasure->visitor);
    return error == OK && !is_its_own ? ERR_NOT_FOUND : error;
}

static enum error erase_chain(struct erasure *erasure, struct id newest)
{
    enum error error = OK;
    for (struct id id = newest; error == OK && !id_is_none(id);) {
        error = enter_conversation(erasure, id);
        id = erasure->now.previous_of_visitor;
        if (error == OK)
            error = erase_conversation(erasure);
    }
    erasure->broken |= error == ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- where the chain is broken ---- */

struct search {
    const struct erasure *erasure;
    struct bytes visitor_key;
    struct buffer found; /* ids */
};

static enum error note_conversation(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct search *search = context;
    struct conversation conversation;
    *goes = false;
    if (value.data != NULL && key.len == ID_LEN && record_decode(RECORD_CONVERSATIONS, value, &conversation) == OK &&
        id_equal(conversation.visitor, search->erasure->visitor))
        buffer_append(&search->found, key.data, ID_LEN);
    return OK;
}

static enum error note_visitor(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct search *search = context;
    struct visitor visitor;
    *goes = false;
    if (value.data != NULL && key.len == ID_LEN && record_decode(RECORD_VISITORS, value, &visitor) == OK &&
        id_equal(visitor.org, search->erasure->org) && bytes_equal(visitor.visitor_key, search->visitor_key))
        buffer_append(&search->found, key.data, ID_LEN);
    return OK;
}

static struct id id_number(const struct buffer *ids, uint64_t number)
{
    size_t offset = number * ID_LEN;
    return key_get_id(buffer_view(ids), &offset);
}

/* Each one leads on to the one before it, which may be damaged itself. */
static enum error erase_what_no_chain_reaches(struct erasure *erasure)
{
    struct search search = {.erasure = erasure};
    enum error error = remove_under(erasure->txn, TABLE_CONVERSATIONS, BYTES_NONE, NULL, note_conversation, &search);
    for (uint64_t i = 0; i < search.found.len / ID_LEN && error == OK; ++i)
        error = erase_chain(erasure, id_number(&search.found, i));
    buffer_dispose(&search.found);
    return error;
}

/* ---- what leads to them ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static bool is_gone(const struct erasure *erasure, struct id id)
{
    return id_equal(id, erasure->visitor) ||
           (erasure->gone.len != 0 &&
            bsearch(id.bytes, erasure->gone.data, gone_count(erasure), ID_LEN, compare_ids) != NULL);
}

static enum error alias_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct alias alias;
    (void)key;
    *goes = value.data != NULL && record_decode(RECORD_ALIASES, value, &alias) == OK && is_gone(context, alias.target);
    return OK;
}

static enum error mark_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    size_t offset = 0;
    (void)key;
    *goes = value.len == ID_LEN && is_gone(context, key_get_id(value, &offset));
    return OK;
}

static bool names_what_is_gone(void *context, struct id id)
{
    return !id_is_none(id) && is_gone(context, id);
}

/* Nothing leads from a record to its aliases, which only an import makes; so all of the organisation's are looked at.
 */
static enum error erase_what_leads_to_them(struct erasure *erasure)
{
    struct bytes org = id_view(&erasure->org);
    if (erasure->gone.len != 0)
        qsort(erasure->gone.data, gone_count(erasure), ID_LEN, compare_ids);
    enum error error = remove_under(erasure->txn, TABLE_ALIASES, org, NULL, alias_goes, erasure);
    if (error == OK && erasure->broken)
        error = remove_under(erasure->txn, TABLE_CONVERSATION_BY_MARK, org, NULL, mark_goes, erasure);
    return error == OK ? hook_forget(erasure->txn, erasure->org, names_what_is_gone, erasure) : error;
}

/* ---- the visitor ---- */

/* By its key; by the records when the key's own entry is damaged. */
static enum error find_visitor(struct erasure *erasure, struct bytes visitor_key)
{
    struct search search = {.erasure = erasure, .visitor_key = visitor_key};
    enum error error = visitor_id_by_key(erasure->txn, erasure->org, visitor_key, &erasure->visitor);
    if (error != ERR_CORRUPT)
        return error;
    error = remove_under(erasure->txn, TABLE_VISITORS, BYTES_NONE, NULL, note_visitor, &search);
    if (error == OK && search.found.len == 0)
        error = ERR_CORRUPT;
    if (error == OK)
        erasure->visitor = id_number(&search.found, 0);
    buffer_dispose(&search.found);
    return error;
}

/* What the record tells: the newest conversation, and when the visitor was seen. A damaged or missing one tells
 * nothing, and one of somebody else is not to be touched. */
static enum error read_visitor(struct erasure *erasure, struct bytes visitor_key, struct visitor *visitor)
{
    enum error error = visitor_get(erasure->txn, erasure->visitor, visitor);
    if (error == OK)
        return id_equal(visitor->org, erasure->org) && bytes_equal(visitor->visitor_key, visitor_key) ? OK
                                                                                                      : ERR_CORRUPT;
    erasure->broken = true;
    *visitor = (struct visitor){.id = erasure->visitor, .first_seen_at_ms = -1, .last_seen_at_ms = -1};
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

static enum error erase_record(struct erasure *erasure, const struct visitor *visitor, struct bytes visitor_key)
{
    struct key key;
    enum error error = forget_seen(erasure, visitor->first_seen_at_ms);
    if (error == OK)
        error = forget_seen(erasure, visitor->last_seen_at_ms);
    visitor_key_key(&key, erasure->org, visitor_key);
    if (error == OK)
        error = remove_if_there(erasure->txn, TABLE_VISITOR_BY_KEY, key_view(&key));
    return error == OK ? remove_if_there(erasure->txn, TABLE_VISITORS, id_view(&erasure->visitor)) : error;
}

static enum error erase(struct erasure *erasure, struct bytes visitor_key)
{
    struct visitor visitor;
    enum error error = find_visitor(erasure, visitor_key);
    if (error == OK)
        error = read_visitor(erasure, visitor_key, &visitor);
    if (error != OK)
        return error;
    error = erase_chain(erasure, visitor.last_conversation);
    erasure->broken |= gone_count(erasure) != visitor.conversation_count;
    if (error == OK && erasure->broken)
        error = erase_what_no_chain_reaches(erasure);
    if (error == OK)
        error = erase_what_leads_to_them(erasure);
    if (error == OK)
        error = erase_record(erasure, &visitor, visitor_key);
    return error == OK ? sweep_after_erasing(erasure->txn) : error;
}

/* Ids and counts are all that is left to be told. */
static enum error note_erased(struct txn *txn, uint64_t seq, const struct visitor_erase *command,
                              struct outcome *outcome)
{
    return hook_note(txn, seq,
                     &(struct hook_news){.event = HOOK_VISITOR_ERASED,
                                         .org = command->org,
                                         .visitor = outcome->id,
                                         .at_ms = command->at_ms,
                                         .conversations = outcome->erased_conversations,
                                         .messages = outcome->erased_messages},
                     outcome);
}

enum error rule_visitor_erase(struct txn *txn, uint64_t seq, const struct visitor_erase *command,
                              struct outcome *outcome)
{
    struct erasure erasure = {.txn = txn, .org = command->org};
    enum error error = command->visitor_key.data == NULL ? ERR_NOT_FOUND : org_is_alive(txn, command->org);
    if (error == OK)
        error = erase(&erasure, command->visitor_key);
    outcome->id = erasure.visitor;
    outcome->erased_conversations = gone_count(&erasure);
    outcome->erased_messages = erasure.messages;
    outcome->event = (struct event){.kind = EVENT_ERASED, .org = command->org, .visitor = erasure.visitor, .seq = seq};
    buffer_dispose(&erasure.gone);
    return error == OK ? note_erased(txn, seq, command, outcome) : error;
}

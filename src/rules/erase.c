/*
 * Erasing a visitor: its messages, conversations, record and key, and every index entry that can be named from them, in
 * one transaction; or, where conversations are to stay, its name in them. The chain through its conversations finds
 * them all; where damage has broken the chain, the whole table is walked for those that name the visitor. What cannot
 * be named, such as an entry of visitor_by_seen of a minute that nothing else remembers, holds an opaque id and a
 * minute, is stale from now on, and goes with the sweep that is due afterwards. What has to go with a message, a
 * conversation or a visitor is said in trail.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/internal.h"
#include "search/forget.h"
#include "search/visitors.h"

struct removal {
    struct trail trail;           /* conversation: the one that is being removed */
    bool anonymizes;              /* conversations stay, without their visitor */
    bool broken;                  /* the chain, or a record in it: what it should have named is looked for everywhere */
    struct buffer gone;           /* the ids of the conversations that were removed */
    struct forgetting forgetting; /* of their messages, by search */
    struct buffer email;          /* of the visitor */
    struct conversation now;      /* the one being removed; its times are 0 when it can't be read */
    bool is_readable;
    uint64_t messages, anonymized;
};

static uint64_t gone_count(const struct removal *removal)
{
    return removal->gone.len / ID_LEN;
}

/* ---- conversations ---- */

/* An entry of the conversation: a message, or clientIds. */
static enum error forget_message(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct removal *removal = context;
    struct message message;
    size_t offset = ID_LEN;
    (void)goes;
    if (!message_key_is_of(key, removal->now.id))
        return OK;
    ++removal->messages;
    bool is_readable = value.data != NULL && message_decode(key, value, &message) == OK;
    return trail_leave_message(&removal->trail, key_get_u64(key, &offset), is_readable ? &message : NULL, false);
}

/* `removal->now` as far as it can be read. */
static enum error remove_conversation(struct removal *removal)
{
    const struct conversation *now = &removal->now;
    enum error error =
        remove_under(removal->trail.txn, TABLE_MESSAGES, id_view(&now->id), NULL, forget_message, removal);
    if (error == OK)
        error = trail_leave_conversation(&removal->trail, now);
    buffer_append(&removal->gone, now->id.bytes, ID_LEN);
    return error;
}

/* A message that stays says when its visitor was there. */
static enum error forget_minute(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct removal *removal = context;
    struct message message;
    *goes = false;
    bool is_message = message_key_is_of(key, removal->now.id) && value.data != NULL;
    return is_message && message_decode(key, value, &message) == OK ? trail_leave_seen(&removal->trail, message.at_ms)
                                                                    : OK;
}

/* It stays where it is in every index, with its text, and is nobody's but the organisation's. */
static enum error anonymize_conversation(struct removal *removal)
{
    struct conversation *now = &removal->now;
    const struct trail *trail = &removal->trail;
    int64_t created_at_ms = now->created_at_ms, changed_at_ms = now->changed_at_ms;
    now->visitor = now->previous_of_visitor = ID_NONE;
    now->anonymized = true;
    ++removal->anonymized;
    enum error error = conversation_put(trail->txn, now);
    if (error == OK)
        error = trail_leave_seen(trail, created_at_ms);
    if (error == OK)
        error = trail_leave_seen(trail, changed_at_ms);
    return error == OK
               ? remove_under(trail->txn, TABLE_MESSAGES, id_view(&trail->conversation), NULL, forget_minute, removal)
               : error;
}

/* One that can't be read can't be kept either. */
static enum error leave_conversation(struct removal *removal)
{
    removal->trail.conversation = removal->now.id;
    return removal->anonymizes && removal->is_readable ? anonymize_conversation(removal) : remove_conversation(removal);
}

/* ERR_NOT_FOUND when it is not there, or not the visitor's. */
static enum error enter_conversation(struct removal *removal, struct id id)
{
    struct conversation *now = &removal->now;
    const struct trail *trail = &removal->trail;
    enum error error = conversation_get(trail->txn, id, now);
    removal->is_readable = error == OK;
    if (error == ERR_CORRUPT) {
        *now = (struct conversation){.id = id, .org = trail->org, .visitor = trail->visitor};
        removal->broken = true;
        return OK;
    }
    bool is_its_own = error == OK && id_equal(now->org, trail->org) && id_equal(now->visitor, trail->visitor);
    return error == OK && !is_its_own ? ERR_NOT_FOUND : error;
}

static enum error erase_chain(struct removal *removal, struct id newest)
{
    enum error error = OK;
    for (struct id id = newest; error == OK && !id_is_none(id);) {
        error = enter_conversation(removal, id);
        id = removal->now.previous_of_visitor;
        if (error == OK)
            error = leave_conversation(removal);
        txn_arena_reset(removal->trail.txn);
    }
    removal->broken |= error == ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- where the chain is broken ---- */

struct search {
    const struct trail *trail;
    struct bytes visitor_key;
    struct buffer found; /* ids */
};

static enum error note_conversation(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct search *search = context;
    struct conversation conversation;
    *goes = false;
    if (value.data != NULL && key.len == ID_LEN && record_decode(RECORD_CONVERSATIONS, value, &conversation) == OK &&
        id_equal(conversation.visitor, search->trail->visitor))
        buffer_append(&search->found, key.data, ID_LEN);
    return OK;
}

static enum error note_visitor(void *context, struct bytes key, struct bytes value, bool *goes)
{
    struct search *search = context;
    struct visitor visitor;
    *goes = false;
    if (value.data != NULL && key.len == ID_LEN && record_decode(RECORD_VISITORS, value, &visitor) == OK &&
        id_equal(visitor.org, search->trail->org) && bytes_equal(visitor.visitor_key, search->visitor_key))
        buffer_append(&search->found, key.data, ID_LEN);
    return OK;
}

static struct id id_number(const struct buffer *ids, uint64_t number)
{
    size_t offset = number * ID_LEN;
    return key_get_id(buffer_view(ids), &offset);
}

/* Each one leads on to the one before it, which may be damaged itself. */
static enum error erase_what_no_chain_reaches(struct removal *removal)
{
    struct search search = {.trail = &removal->trail};
    enum error error =
        remove_under(removal->trail.txn, TABLE_CONVERSATIONS, BYTES_NONE, NULL, note_conversation, &search);
    for (uint64_t i = 0; i < search.found.len / ID_LEN && error == OK; ++i)
        error = erase_chain(removal, id_number(&search.found, i));
    buffer_dispose(&search.found);
    return error;
}

/* ---- what leads to them ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static bool is_gone(const struct removal *removal, struct id id)
{
    return id_equal(id, removal->trail.visitor) ||
           (removal->gone.len != 0 &&
            bsearch(id.bytes, removal->gone.data, gone_count(removal), ID_LEN, compare_ids) != NULL);
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

/* conversation_open and conversation_by_snooze have the conversation at the end of their keys. */
static enum error place_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    size_t offset = key.len - ID_LEN;
    (void)value;
    *goes = key.len >= ID_LEN && is_gone(context, key_get_id(key, &offset));
    return OK;
}

/* What is found by the records, where one of them can't be read. */
static enum error erase_what_no_record_names(struct removal *removal)
{
    struct txn *txn = removal->trail.txn;
    struct bytes org = id_view(&removal->trail.org);
    enum error error = remove_under(txn, TABLE_CONVERSATION_BY_MARK, org, NULL, mark_goes, removal);
    if (error == OK)
        error = remove_under(txn, TABLE_CONVERSATION_BY_WORK, org, NULL, mark_goes, removal);
    if (error == OK)
        error = remove_under(txn, TABLE_CONVERSATION_OPEN, org, NULL, place_goes, removal);
    return error == OK ? remove_under(txn, TABLE_CONVERSATION_BY_SNOOZE, BYTES_NONE, NULL, place_goes, removal) : error;
}

/* Nothing leads from a record to its aliases, which only an import makes; so all of the organisation's are looked at.
 */
static enum error erase_what_leads_to_them(struct removal *removal)
{
    struct txn *txn = removal->trail.txn;
    struct bytes org = id_view(&removal->trail.org);
    if (removal->gone.len != 0)
        qsort(removal->gone.data, gone_count(removal), ID_LEN, compare_ids);
    enum error error = remove_under(txn, TABLE_ALIASES, org, NULL, alias_goes, removal);
    if (error == OK && removal->broken)
        error = erase_what_no_record_names(removal);
    return error == OK ? hook_forget(txn, removal->trail.org, names_what_is_gone, removal) : error;
}

/* ---- the visitor ---- */

/* By its key; by the records when the key's own entry is damaged. */
static enum error find_visitor(struct trail *trail, struct bytes visitor_key)
{
    struct search search = {.trail = trail, .visitor_key = visitor_key};
    enum error error = visitor_id_by_key(trail->txn, trail->org, visitor_key, &trail->visitor);
    if (error != ERR_CORRUPT)
        return error;
    error = remove_under(trail->txn, TABLE_VISITORS, BYTES_NONE, NULL, note_visitor, &search);
    if (error == OK && search.found.len == 0)
        error = ERR_CORRUPT;
    if (error == OK)
        trail->visitor = id_number(&search.found, 0);
    buffer_dispose(&search.found);
    return error;
}

/* What the record tells: the newest conversation, and when the visitor was seen. A damaged or missing one tells
 * nothing, and one of somebody else is not to be touched. */
static enum error read_visitor(struct removal *removal, struct bytes visitor_key, struct visitor *visitor)
{
    const struct trail *trail = &removal->trail;
    enum error error = visitor_get(trail->txn, trail->visitor, visitor);
    if (error == OK)
        return id_equal(visitor->org, trail->org) && bytes_equal(visitor->visitor_key, visitor_key) ? OK : ERR_CORRUPT;
    removal->broken = true;
    *visitor = (struct visitor){.id = trail->visitor, .first_seen_at_ms = -1, .last_seen_at_ms = -1};
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

/* Whom the command means. */
static enum error enter(struct removal *removal, const struct visitor_erase *command, struct visitor *visitor)
{
    enum error error = find_visitor(&removal->trail, command->visitor_key);
    if (error == OK && !id_is_none(command->visitor) && !id_equal(command->visitor, removal->trail.visitor))
        error = ERR_NOT_FOUND;
    return error == OK ? read_visitor(removal, command->visitor_key, visitor) : error;
}

/* What the visitor's texts are read from is gone after the first conversation, so its address is kept apart. */
static enum error erase(struct removal *removal, struct visitor *visitor, struct bytes visitor_key)
{
    buffer_append(&removal->email, visitor->email.data, visitor->email.len);
    visitor->email = visitor->email.data == NULL ? BYTES_NONE : buffer_view(&removal->email);
    enum error error = erase_chain(removal, visitor->last_conversation);
    removal->broken |= gone_count(removal) + removal->anonymized != visitor->conversation_count;
    if (error == OK && removal->broken)
        error = erase_what_no_chain_reaches(removal);
    if (error == OK)
        error = erase_what_leads_to_them(removal);
    if (error == OK)
        error = trail_leave_visitor(&removal->trail, visitor, visitor_key);
    return error == OK ? sweep_after_erasing(removal->trail.txn) : error;
}

/* ---- what is kept of it ---- */

static enum error note_erasure(struct removal *removal, const struct visitor_erase *command)
{
    struct org org;
    enum error error = org_get(removal->trail.txn, command->org, &org);
    return error != OK ? error
                       : erasure_note(removal->trail.txn, org.key, command->visitor_key,
                                      &(struct erasure){
                                          .org = command->org,
                                          .erased_at_ms = command->at_ms,
                                          .visitors = 1,
                                          .conversations = gone_count(removal),
                                          .messages = removal->messages,
                                          .anonymized = removal->anonymized,
                                          .receipt = command->receipt,
                                      });
}

/* The audit log must not name whom nobody is to know any more: it has the receipt. */
static enum error note_act(struct removal *removal, uint64_t seq, const struct visitor_erase *command)
{
    char detail[96];
    if (command->by_visitor)
        return OK;
    int len =
        snprintf(detail, sizeof(detail), "conversations: %" PRIu64 ", messages: %" PRIu64 ", anonymized: %" PRIu64,
                 gone_count(removal), removal->messages, removal->anonymized);
    return audit_note(removal->trail.txn, seq,
                      ACT(command, .org = command->org, .action = "visitor.erased", .subject = command->receipt,
                          .detail = bytes_view(detail, (size_t)len)));
}

static enum error erase_and_note(struct removal *removal, uint64_t seq, const struct visitor_erase *command)
{
    struct visitor visitor;
    enum error error = enter(removal, command, &visitor);
    if (error == OK)
        error = forgetting_begin(&removal->forgetting, removal->trail.txn, command->org);
    if (error == OK)
        error = erase(removal, &visitor, command->visitor_key);
    if (error == OK)
        error = note_erasure(removal, command);
    return error == OK ? note_act(removal, seq, command) : error;
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
    struct removal removal = {.trail = {.txn = txn, .org = command->org}, .anonymizes = command->anonymizes};
    removal.trail.forgetting = &removal.forgetting;
    enum error error = command->visitor_key.data == NULL ? ERR_NOT_FOUND : org_is_alive(txn, command->org);
    if (error == OK)
        error = erase_and_note(&removal, seq, command);
    enum error end = forgetting_end(&removal.forgetting);
    if (error == OK)
        error = end;
    outcome->id = removal.trail.visitor;
    outcome->at_ms = command->at_ms;
    outcome->receipt = command->receipt;
    outcome->erased_conversations = gone_count(&removal);
    outcome->erased_messages = removal.messages;
    outcome->anonymized_conversations = removal.anonymized;
    outcome->event = (struct event){.kind = EVENT_ERASED,
                                    .on = command->anonymizes,
                                    .org = command->org,
                                    .visitor = removal.trail.visitor,
                                    .seq = seq};
    buffer_dispose(&removal.gone);
    buffer_dispose(&removal.email);
    return error == OK ? note_erased(txn, seq, command, outcome) : error;
}

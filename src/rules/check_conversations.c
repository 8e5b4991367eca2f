/* Checks of conversations and of what leads to them; of notes, canned replies
 * and aliases. */
#include "rules/check_private.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/tags.h"
#include "core/work.h"
#include "rules/rules.h"

/* ---- conversations
 * -----------------------------------------------------------------------------------------------
 */

static void check_owner(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct visitor visitor;
    if (id_is_none(conversation->visitor)) {
        if (!id_is_none(conversation->previous_of_visitor))
            check_broken(check, entry, "it has no visitor and yet one before it");
        return;
    }
    if (conversation->anonymized)
        check_broken(check, entry, "its visitor was erased, and yet it has one");
    ++check->named;
    enum error error = visitor_get(check->txn, conversation->visitor, &visitor);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its visitor %s does not exist", text_of(conversation->visitor).text);
    else if (error == OK && !id_equal(visitor.org, conversation->org))
        check_broken(check, entry, "its visitor %s is of another organisation", text_of(conversation->visitor).text);
}

/* Up to which message it has been read, and the entry that says when that
 * changed. */
static void check_marks(struct check *check, const struct entry *entry, const struct conversation *conversation,
                        const struct conversation_activity *activity)
{
    struct key key;
    uint64_t last_seq = activity->has_message ? activity->last_message.seq : 0, marked_seq = conversation->marked_seq;
    bool is_read = conversation->visitor_read_seq != 0 || conversation->agent_read_seq != 0;
    if (conversation->visitor_read_seq > last_seq)
        check_broken(check, entry, "its visitor has read up to %" PRIu64 ", and its last message is %" PRIu64,
                     conversation->visitor_read_seq, last_seq);
    if (conversation->agent_read_seq > last_seq)
        check_broken(check, entry, "its organisation has read up to %" PRIu64 ", and its last message is %" PRIu64,
                     conversation->agent_read_seq, last_seq);
    if (marked_seq > check->last_seq)
        check_broken(check, entry, "its marks moved at %" PRIu64 ", beyond the last sequence number, %" PRIu64,
                     marked_seq, check->last_seq);
    if (is_read != (marked_seq != 0))
        check_broken(check, entry,
                     is_read ? "it has been read, and never marked" : "it has been marked, and never read");
    mark_key(&key, conversation->org, marked_seq);
    if (marked_seq != 0 && !check_index_leads_to(check, TABLE_CONVERSATION_BY_MARK, key_view(&key), conversation->id))
        check_broken(check, entry, "conversation_by_mark has no entry for when its marks moved, %" PRIu64, marked_seq);
}

/* What is not resolved is found by its status and assignee, and a snooze by its
 * end. */
static void check_places(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct key key;
    open_key(&key, conversation->org, conversation->status, conversation->assignee, conversation->id);
    if (conversation->status != STATUS_RESOLVED && !check_index_has(check, TABLE_CONVERSATION_OPEN, key_view(&key)))
        check_broken(check, entry,
                     "it is %s, and conversation_open does not have it as that and "
                     "its assignee's",
                     status_word(conversation->status));
    snooze_key(&key, conversation->snoozed_until_ms, conversation->id);
    if (conversation->status == STATUS_SNOOZED &&
        !check_index_leads_to(check, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key), conversation->org))
        check_broken(check, entry, "conversation_by_snooze has no entry for when its snooze is over");
}

static void check_work(struct check *check, const struct entry *entry, const struct conversation *conversation)
{
    struct key key;
    uint64_t worked_seq = conversation->worked_seq;
    if (conversation->status >= STATUSES) {
        check_broken(check, entry, "its status is none");
        return;
    }
    if ((conversation->status == STATUS_SNOOZED) != (conversation->snoozed_until_ms != 0) ||
        (conversation->status != STATUS_RESOLVED && conversation->resolved_at_ms != 0))
        check_broken(check, entry, "it is %s, and has a time of another status", status_word(conversation->status));
    if (!priority_is_valid(conversation->priority) || !tags_are_valid(conversation->tags))
        check_broken(check, entry, "its priority is none, or one of its tags is no tag");
    if (worked_seq > check->last_seq)
        check_broken(check, entry, "it was worked on at %" PRIu64 ", beyond the last sequence number, %" PRIu64,
                     worked_seq, check->last_seq);
    check_places(check, entry, conversation);
    work_key(&key, conversation->org, worked_seq);
    if (worked_seq != 0 && !check_index_leads_to(check, TABLE_CONVERSATION_BY_WORK, key_view(&key), conversation->id))
        check_broken(check, entry, "conversation_by_work has no entry for when it was worked on, %" PRIu64, worked_seq);
}

void check_conversation(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    struct key key;
    if (!check_decode(check, entry, RECORD_CONVERSATIONS, ID_LEN, &conversation))
        return;
    conversation.id = id_at(entry->key, 0);
    if (!check_is_time(conversation.created_at_ms) || !check_is_time(conversation.changed_at_ms) ||
        !check_is_time(conversation.snoozed_until_ms) || !check_is_time(conversation.resolved_at_ms))
        check_broken(check, entry, "one of its times is out of range");
    if (conversation.changed_seq > check->last_seq)
        check_broken(check, entry, "its sequence number %" PRIu64 " is beyond the last one, %" PRIu64,
                     conversation.changed_seq, check->last_seq);
    if (!check_org_is_complete(check, entry, conversation.org))
        return;
    check_owner(check, entry, &conversation);
    check_work(check, entry, &conversation);
    if (conversation_activity(check->txn, &conversation, &activity) != OK)
        return;
    activity_key(&key, conversation.org, activity.seq);
    if (!check_index_leads_to(check, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), conversation.id))
        check_broken(check, entry, "conversation_by_activity has no entry for its last change, %" PRIu64, activity.seq);
    check_marks(check, entry, &conversation, &activity);
    if (!check_is_time(activity.updated_at_ms))
        return;
    conversation_updated_key(&key, conversation.org, activity.updated_at_ms, conversation.id);
    if (!check_index_has(check, TABLE_CONVERSATION_BY_UPDATED, key_view(&key)))
        check_broken(check, entry, "conversation_by_updated has no entry for when it was updated");
}

void check_activity(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    if (!check_has_lengths(check, entry, ID_LEN + 8, ID_LEN))
        return;
    uint64_t seq = u64_at(entry->key, ID_LEN);
    if (seq > check->last_seq)
        check_broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = conversation_get(check->txn, id_at(entry->value, 0), &conversation);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_activity;
    if (error != OK)
        return;
    if (!id_equal(conversation.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its conversation %s is of another organisation", text_of(conversation.id).text);
    else if (conversation_activity(check->txn, &conversation, &activity) == OK && activity.seq != seq)
        ++check->report->stale_activity;
}

void check_updated(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    if (!check_has_lengths(check, entry, 2 * ID_LEN + 4, 0))
        return;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(entry->key, &offset);
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = conversation_get(check->txn, id_at(entry->key, offset), &conversation);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_updated;
    if (error != OK)
        return;
    if (!id_equal(conversation.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its conversation is of another organisation");
    else if (conversation_activity(check->txn, &conversation, &activity) == OK &&
             check_is_time(activity.updated_at_ms) && minute_of(activity.updated_at_ms) != minute)
        ++check->report->stale_updated;
}

/* None is ever stale: the entry of a conversation moves with its marks. */
void check_mark(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (!check_has_lengths(check, entry, ID_LEN + 8, ID_LEN) ||
        !check_org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    uint64_t seq = u64_at(entry->key, ID_LEN);
    enum error error = conversation_get(check->txn, id_at(entry->value, 0), &conversation);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its conversation %s does not exist", text_of(id_at(entry->value, 0)).text);
    else if (error == OK && !id_equal(conversation.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its conversation %s is of another organisation", text_of(conversation.id).text);
    else if (error == OK && conversation.marked_seq != seq)
        check_broken(check, entry, "the marks of its conversation %s last moved at %" PRIu64,
                     text_of(conversation.id).text, conversation.marked_seq);
}

/* The conversation that an entry is about, unless the entry of an organisation
 * that is being deleted is. */
static bool get_worked_on(struct check *check, const struct entry *entry, struct id org, struct id id,
                          struct conversation *out)
{
    if (!check_org_is_complete(check, entry, org))
        return false;
    enum error error = conversation_get(check->txn, id, out);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its conversation %s does not exist", text_of(id).text);
    else if (error == OK && !id_equal(out->org, org))
        check_broken(check, entry, "its conversation %s is of another organisation", text_of(id).text);
    return error == OK && id_equal(out->org, org);
}

void check_open(struct check *check, const struct entry *entry)
{
    struct open_entry open;
    struct conversation conversation;
    if (!check_has_lengths(check, entry, OPEN_KEY_LEN, 0))
        return;
    open_entry_of(entry->key, &open);
    if (get_worked_on(check, entry, open.org, open.conversation, &conversation) &&
        (conversation.status != open.status || !id_equal(conversation.assignee, open.assignee)))
        check_broken(check, entry, "its conversation has another status, or another assignee");
}

void check_snooze(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (check_has_lengths(check, entry, 8 + ID_LEN, ID_LEN) &&
        get_worked_on(check, entry, id_at(entry->value, 0), id_at(entry->key, 8), &conversation) &&
        (uint64_t)conversation.snoozed_until_ms != u64_at(entry->key, 0))
        check_broken(check, entry, "its conversation is not snoozed until then");
}

void check_worked(struct check *check, const struct entry *entry)
{
    struct conversation conversation;
    if (check_has_lengths(check, entry, ID_LEN + 8, ID_LEN) &&
        get_worked_on(check, entry, id_at(entry->key, 0), id_at(entry->value, 0), &conversation) &&
        conversation.worked_seq != u64_at(entry->key, ID_LEN))
        check_broken(check, entry, "its conversation %s was last worked on at %" PRIu64, text_of(conversation.id).text,
                     conversation.worked_seq);
}

/* ---- notes and canned replies
 * ------------------------------------------------------------------------------------
 */

static void check_note_text(struct check *check, const struct entry *entry, const struct note *note)
{
    if (note->content.len == 0 || note->content.len > NOTE_CONTENT_LEN_MAX || !utf8_valid(note->content))
        check_broken(check, entry, "its content is no text of 1 to %d bytes", NOTE_CONTENT_LEN_MAX);
    if (!check_is_time(note->at_ms) || id_is_none(note->id))
        check_broken(check, entry, "its id is missing or its time out of range");
    if (note->mentions.len % ID_LEN != 0)
        check_broken(check, entry, "whom it mentions can't be read");
}

void check_note(struct check *check, const struct entry *entry)
{
    struct note note, before = {.ordinal = 0};
    struct conversation conversation;
    if (!check_decode(check, entry, RECORD_NOTES, ID_LEN + 8, &note) ||
        !get_worked_on(check, entry, note.org, id_at(entry->key, 0), &conversation))
        return;
    note.seq = u64_at(entry->key, ID_LEN);
    check_note_text(check, entry, &note);
    if (note.seq > conversation.worked_seq)
        check_broken(check, entry, "its conversation was last worked on before it, at %" PRIu64,
                     conversation.worked_seq);
    if (note_get_before(check->txn, conversation.id, note.seq, &before) != OK)
        return; /* those before it may have gone by their age */
    if (note.ordinal != before.ordinal + 1)
        check_broken(check, entry, "it is number %" PRIu64 " of its conversation and follows number %" PRIu64,
                     note.ordinal, before.ordinal);
}

void check_reply(struct check *check, const struct entry *entry)
{
    struct reply reply;
    if (!check_decode(check, entry, RECORD_REPLIES, 2 * ID_LEN, &reply) ||
        !check_org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    if (!reply_shortcut_is_valid(reply.shortcut))
        check_broken(check, entry, "its shortcut is none");
    if (reply.text.len == 0 || reply.text.len > REPLY_TEXT_LEN_MAX || !utf8_valid(reply.text))
        check_broken(check, entry, "its text is no text of 1 to %d bytes", REPLY_TEXT_LEN_MAX);
}

/* ---- aliases
 * -----------------------------------------------------------------------------------------------------
 */

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

void check_alias(struct check *check, const struct entry *entry)
{
    struct alias alias;
    struct id org;
    if (entry->key.len <= ID_LEN || !alias_text_is_fit(bytes_view(entry->key.data + ID_LEN, entry->key.len - ID_LEN))) {
        check_broken(check, entry, "its text is not 1 to %d visible ASCII characters", ALIAS_LEN_MAX);
        return;
    }
    if (!check_decode(check, entry, RECORD_ALIASES, 0, &alias) ||
        !check_org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    enum error error = org_of_target(check->txn, alias.target, &org);
    if (error == ERR_NOT_FOUND)
        ++check->report->stale_aliases; /* retention has removed it, and the alias follows */
    else if (error == OK && !id_equal(org, id_at(entry->key, 0)))
        check_broken(check, entry, "%s, which it stands for, is of another organisation", text_of(alias.target).text);
}

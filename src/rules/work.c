/*
 * What the organisation's side makes of a conversation: its status, who takes care of it, its priority and its tags.
 * All of it is in the conversation's record. Three indexes follow it at once, so none of their entries is ever stale:
 * an agent's act may touch a random page or two, as a visitor's message must not. conversation_open holds only what is
 * not resolved, ordered by status and assignee, so that each list and each count that somebody works from is a walk
 * over as many entries as it has; a conversation begins there at an end of its organisation's part.
 *
 * An agent who leaves keeps nothing: whoever opens a conversation again asks whether its assignee is still there, and
 * maintenance takes what is open from those who are not, a little at a time.
 */
#include "core/work.h"
#include "core/tags.h"
#include "rules/internal.h"

/* ---- the indexes ----------------------------------------------------------------------------------------------- */

static enum error put_open(struct txn *txn, const struct conversation *conversation)
{
    struct key key;
    if (conversation->status == STATUS_RESOLVED)
        return OK;
    open_key(&key, conversation->org, conversation->status, conversation->assignee, conversation->id);
    return table_put(txn, TABLE_CONVERSATION_OPEN, key_view(&key), BYTES_NONE);
}

static enum error put_snooze(struct txn *txn, const struct conversation *conversation)
{
    struct key key;
    if (conversation->status != STATUS_SNOOZED)
        return OK;
    snooze_key(&key, conversation->snoozed_until_ms, conversation->id);
    return table_put(txn, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key), id_view(&conversation->org));
}

enum error work_index(struct txn *txn, const struct conversation *conversation)
{
    enum error error = put_open(txn, conversation);
    return error == OK ? put_snooze(txn, conversation) : error;
}

static enum error forget_place(struct txn *txn, const struct conversation *conversation)
{
    struct key key;
    enum error error = OK;
    if (conversation->status != STATUS_RESOLVED) {
        open_key(&key, conversation->org, conversation->status, conversation->assignee, conversation->id);
        error = remove_if_there(txn, TABLE_CONVERSATION_OPEN, key_view(&key));
    }
    if (error == OK && conversation->status == STATUS_SNOOZED) {
        snooze_key(&key, conversation->snoozed_until_ms, conversation->id);
        error = remove_if_there(txn, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key));
    }
    return error;
}

static enum error forget_worked(struct txn *txn, const struct conversation *conversation)
{
    struct key key;
    if (conversation->worked_seq == 0)
        return OK;
    work_key(&key, conversation->org, conversation->worked_seq);
    return remove_if_there(txn, TABLE_CONVERSATION_BY_WORK, key_view(&key));
}

enum error work_forget(struct txn *txn, const struct conversation *conversation)
{
    enum error error = forget_place(txn, conversation);
    return error == OK ? forget_worked(txn, conversation) : error;
}

static bool has_moved(const struct conversation *before, const struct conversation *after)
{
    return before->status != after->status || !id_equal(before->assignee, after->assignee) ||
           before->snoozed_until_ms != after->snoozed_until_ms;
}

static enum error move(struct txn *txn, const struct conversation *before, const struct conversation *after)
{
    if (!has_moved(before, after))
        return OK;
    enum error error = forget_place(txn, before);
    return error == OK ? work_index(txn, after) : error;
}

static enum error note_work(struct txn *txn, const struct conversation *before, const struct conversation *after)
{
    struct key key;
    enum error error = forget_worked(txn, before);
    work_key(&key, after->org, after->worked_seq);
    return error == OK ? table_put(txn, TABLE_CONVERSATION_BY_WORK, key_view(&key), id_view(&after->id)) : error;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* The one place where a conversation that is there gets another status, whoever does it: what wants to hear of that is
 * told from here. */
static enum error status_has_changed(struct txn *txn, uint64_t seq, int64_t at_ms,
                                     const struct conversation *conversation, struct outcome *outcome)
{
    return hook_note(txn, seq,
                     &(struct hook_news){.event = HOOK_CONVERSATION_STATUS,
                                         .org = conversation->org,
                                         .conversation = conversation->id,
                                         .visitor = conversation->visitor,
                                         .at_ms = at_ms},
                     outcome);
}

enum error work_write(struct txn *txn, uint64_t seq, int64_t at_ms, const struct conversation *before,
                      struct conversation *after, struct outcome *outcome)
{
    after->worked_seq = seq;
    enum error error = conversation_put(txn, after);
    if (error == OK)
        error = move(txn, before, after);
    if (error == OK)
        error = note_work(txn, before, after);
    return error == OK && before->status != after->status ? status_has_changed(txn, seq, at_ms, after, outcome) : error;
}

static void tell(struct outcome *outcome, uint64_t seq, bool by_org, struct id agent,
                 const struct conversation *conversation)
{
    outcome->event = (struct event){
        .kind = EVENT_WORK,
        .by_org = by_org,
        .agent = agent,
        .org = conversation->org,
        .visitor = conversation->visitor,
        .conversation = conversation->id,
        .seq = seq,
    };
}

/* ---- who may be assigned --------------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND when the agent is gone, disabled, or no member. */
static enum error may_take_care(struct txn *txn, struct id org, struct id id)
{
    struct member member;
    struct agent agent;
    enum error error = member_get(txn, org, id, &member);
    if (error == OK)
        error = agent_get(txn, id, &agent);
    return error == OK && agent.disabled ? ERR_NOT_FOUND : error;
}

/* Takes it from an assignee who can't take care of it any more. */
static enum error release(struct txn *txn, struct conversation *conversation)
{
    if (id_is_none(conversation->assignee))
        return OK;
    enum error error = may_take_care(txn, conversation->org, conversation->assignee);
    if (error == ERR_NOT_FOUND)
        conversation->assignee = ID_NONE;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- status ---------------------------------------------------------------------------------------------------- */

/* What leaves the resolved ones comes back into somebody's hands. */
static enum error set_status(struct txn *txn, struct conversation *conversation, uint64_t status,
                             int64_t snoozed_until_ms, int64_t at_ms)
{
    bool was_resolved = conversation->status == STATUS_RESOLVED;
    conversation->status = status;
    conversation->snoozed_until_ms = status == STATUS_SNOOZED ? snoozed_until_ms : 0;
    if (status != STATUS_RESOLVED)
        conversation->resolved_at_ms = 0;
    else if (!was_resolved)
        conversation->resolved_at_ms = at_ms;
    return was_resolved && status != STATUS_RESOLVED ? release(txn, conversation) : OK;
}

enum error work_reopen(struct txn *txn, struct conversation *conversation, bool *is_reopened)
{
    *is_reopened = conversation->status == STATUS_RESOLVED || conversation->status == STATUS_SNOOZED;
    return *is_reopened ? set_status(txn, conversation, STATUS_OPEN, 0, 0) : OK;
}

bool work_is_valid(uint64_t status, int64_t snoozed_until_ms, struct bytes priority, struct bytes tags)
{
    return status < STATUSES && (status == STATUS_SNOOZED) == (snoozed_until_ms != 0) && priority_is_valid(priority) &&
           tags_are_valid(tags);
}

/* ---- conversation_update --------------------------------------------------------------------------------------- */

static enum error update_status(struct txn *txn, const struct conversation_update *command,
                                struct conversation *conversation)
{
    if (!command->set_status)
        return OK;
    if (command->status >= STATUSES ||
        (command->status == STATUS_SNOOZED && command->snoozed_until_ms <= command->at_ms))
        return ERR_CONFLICT;
    return set_status(txn, conversation, command->status, command->snoozed_until_ms, command->at_ms);
}

static enum error update_assignee(struct txn *txn, const struct conversation_update *command,
                                  struct conversation *conversation)
{
    if (!command->set_assignee || id_equal(command->assignee, conversation->assignee))
        return OK;
    enum error error = id_is_none(command->assignee) ? OK : may_take_care(txn, conversation->org, command->assignee);
    if (error == OK)
        conversation->assignee = command->assignee;
    return error == ERR_NOT_FOUND ? ERR_ASSIGNEE_UNKNOWN : error;
}

static bool are_tags(struct bytes lines)
{
    struct bytes tag;
    while (tags_next(&lines, &tag))
        if (!tag_is_valid(tag))
            return false;
    return true;
}

/* The new text is in `room`. */
static enum error update_tags(const struct conversation_update *command, struct conversation *conversation,
                              struct buffer *room)
{
    if (!command->set_tags && command->add_tags.len == 0 && command->remove_tags.len == 0)
        return OK;
    if (!are_tags(command->add_tags) || !are_tags(command->remove_tags))
        return ERR_CONFLICT;
    struct bytes before = command->set_tags ? BYTES_NONE : conversation->tags;
    if (!tags_change(before, command->add_tags, command->remove_tags, room))
        return ERR_LIMIT_REACHED;
    conversation->tags = room->len == 0 ? BYTES_NONE : buffer_view(room);
    return OK;
}

static enum error update(struct txn *txn, const struct conversation_update *command, struct conversation *conversation,
                         struct buffer *room)
{
    if (command->if_assignee && !id_equal(conversation->assignee, command->expected_assignee))
        return ERR_TAKEN;
    enum error error = update_status(txn, command, conversation);
    if (error == OK)
        error = update_assignee(txn, command, conversation);
    if (error == OK && command->set_priority && !priority_is_valid(command->priority))
        error = ERR_CONFLICT;
    if (error == OK && command->set_priority)
        conversation->priority = command->priority;
    return error == OK ? update_tags(command, conversation, room) : error;
}

static bool is_the_same(const struct conversation *a, const struct conversation *b)
{
    return !has_moved(a, b) && bytes_equal(a->priority, b->priority) && bytes_equal(a->tags, b->tags);
}

static enum error get_own(struct txn *txn, struct id org, struct id id, struct conversation *out)
{
    enum error error = org_is_alive(txn, org);
    if (error == OK)
        error = conversation_get(txn, id, out);
    return error == OK && !id_equal(out->org, org) ? ERR_NOT_FOUND : error;
}

enum error rule_conversation_update(struct txn *txn, uint64_t seq, const struct conversation_update *command,
                                    struct outcome *outcome)
{
    struct conversation before, after;
    struct buffer room = {0};
    enum error error = get_own(txn, command->org, command->conversation, &before);
    if (error != OK)
        return error;
    after = before;
    outcome->id = before.id;
    error = update(txn, command, &after, &room);
    outcome->replayed = error == OK && is_the_same(&before, &after);
    if (error == OK && !outcome->replayed) {
        tell(outcome, seq, true, command->agent, &before);
        error = work_write(txn, seq, command->at_ms, &before, &after, outcome);
    }
    buffer_dispose(&room);
    return error;
}

/* ---- what time and absence do ---------------------------------------------------------------------------------- */

/* What damage has left of a snooze, and would be found again and again. */
static enum error forget_snooze(struct txn *txn, const struct conversation_wake *command)
{
    struct key key;
    snooze_key(&key, command->until_ms, command->conversation);
    return remove_if_there(txn, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key));
}

enum error rule_conversation_wake(struct txn *txn, uint64_t seq, const struct conversation_wake *command,
                                  struct outcome *outcome)
{
    struct conversation before, after;
    enum error error = get_own(txn, command->org, command->conversation, &before);
    if (error == ERR_NOT_FOUND || (error == OK && before.snoozed_until_ms != command->until_ms))
        return forget_snooze(txn, command);
    if (error != OK)
        return error;
    outcome->id = before.id;
    outcome->replayed = before.snoozed_until_ms > command->at_ms;
    if (outcome->replayed)
        return OK;
    after = before;
    error = set_status(txn, &after, STATUS_OPEN, 0, command->at_ms);
    if (error != OK)
        return error;
    tell(outcome, seq, false, ID_NONE, &before);
    return work_write(txn, seq, command->at_ms, &before, &after, outcome);
}

enum error rule_conversation_release(struct txn *txn, uint64_t seq, const struct conversation_release *command,
                                     struct outcome *outcome)
{
    struct conversation before, after;
    enum error error = get_own(txn, command->org, command->conversation, &before);
    if (error != OK)
        return error;
    after = before;
    outcome->id = before.id;
    if (id_equal(before.assignee, command->agent))
        error = release(txn, &after);
    outcome->replayed = error == OK && id_equal(after.assignee, before.assignee);
    if (error != OK || outcome->replayed)
        return error;
    tell(outcome, seq, false, ID_NONE, &before);
    return work_write(txn, seq, command->at_ms, &before, &after, outcome);
}

/* ---- finding what time and absence have to do with -------------------------------------------------------------- */

unsigned rules_find_snoozed(struct txn *txn, int64_t now_ms, struct work_due *out, unsigned count_max)
{
    struct bytes key, value;
    unsigned count = 0;
    struct cursor *cursor = cursor_open(txn, TABLE_CONVERSATION_BY_SNOOZE);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && count < count_max; error = cursor_next(cursor, &key, &value)) {
        size_t offset = 0, org_offset = 0;
        int64_t until_ms = (int64_t)key_get_u64(key, &offset);
        if (until_ms > now_ms)
            break;
        out[count++] = (struct work_due){
            .org = key_get_id(value, &org_offset), .conversation = key_get_id(key, &offset), .until_ms = until_ms};
    }
    cursor_close(cursor);
    return count;
}

/* Behind every entry of this status and assignee. */
static void skip_assignee(const struct open_entry *entry, struct key *out)
{
    open_prefix(out, entry->org, entry->status, entry->assignee);
    for (size_t i = out->len; i-- > 0 && ++out->bytes[i] == 0;)
        ;
}

static bool has_left(struct txn *txn, const struct open_entry *entry)
{
    return !id_is_none(entry->assignee) && may_take_care(txn, entry->org, entry->assignee) == ERR_NOT_FOUND;
}

/* One look for each assignee and status; only the entries of whoever has left are walked. */
unsigned rules_find_unattended(struct txn *txn, struct key *at, unsigned look_max, struct work_due *out,
                               unsigned count_max)
{
    struct bytes key;
    unsigned count = 0, looks = 0;
    struct cursor *cursor = cursor_open(txn, TABLE_CONVERSATION_OPEN);
    enum error error = cursor_seek(cursor, key_view(at), &key, NULL);
    for (; error == OK && count < count_max && looks < look_max; ++looks) {
        struct open_entry entry;
        open_entry_of(key, &entry);
        if (has_left(txn, &entry)) {
            out[count++] =
                (struct work_due){.org = entry.org, .conversation = entry.conversation, .agent = entry.assignee};
            error = cursor_next(cursor, &key, NULL);
        } else {
            skip_assignee(&entry, at);
            error = cursor_seek(cursor, key_view(at), &key, NULL);
        }
    }
    key_clear(at);
    if (error == OK)
        key_put(at, key);
    cursor_close(cursor);
    return count;
}

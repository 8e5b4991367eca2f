/*
 * What leads to a message, a conversation or a visitor. Each has entries in several tables; whoever removes one calls
 * the function of its kind, so a new index needs one line here to be forgotten along with what it leads to. Entries are
 * found by what the records tell: a number, a minute. What cannot be told, such as a minute that nothing else
 * remembers, is stale from then on and goes with the sweep.
 */
#include "base/clock.h"
#include "rules/internal.h"
#include "search/forget.h"
#include "search/visitors.h"

/* ---- index entries ---- */

/* The entry of a key that a sequence number makes, if it is this conversation's or nobody can tell whose it is. */
static enum error leave_seq(const struct trail *trail, enum table table, const struct key *key)
{
    struct bytes value;
    enum error error = table_get(trail->txn, table, key_view(key), &value);
    if (error == ERR_NOT_FOUND || (error == OK && !bytes_equal(value, id_view(&trail->conversation))))
        return OK;
    return error == OK || error == ERR_CORRUPT ? table_del(trail->txn, table, key_view(key)) : error;
}

static enum error leave_activity(const struct trail *trail, uint64_t seq)
{
    struct key key;
    activity_key(&key, trail->org, seq);
    return leave_seq(trail, TABLE_CONVERSATION_BY_ACTIVITY, &key);
}

static enum error leave_mark(const struct trail *trail, uint64_t marked_seq)
{
    struct key key;
    mark_key(&key, trail->org, marked_seq);
    return leave_seq(trail, TABLE_CONVERSATION_BY_MARK, &key);
}

static bool is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= TIME_MS_MAX;
}

enum error trail_leave_seen(const struct trail *trail, int64_t at_ms)
{
    struct key key;
    if (!is_time(at_ms) || id_is_none(trail->visitor))
        return OK;
    visitor_seen_key(&key, trail->org, at_ms, trail->visitor);
    return remove_if_there(trail->txn, TABLE_VISITOR_BY_SEEN, key_view(&key));
}

/* The conversation changed at that time, perhaps by its visitor. */
static enum error leave_change(const struct trail *trail, int64_t at_ms)
{
    struct key key;
    if (!is_time(at_ms))
        return OK;
    conversation_updated_key(&key, trail->org, at_ms, trail->conversation);
    enum error error = remove_if_there(trail->txn, TABLE_CONVERSATION_BY_UPDATED, key_view(&key));
    return error == OK ? trail_leave_seen(trail, at_ms) : error;
}

/* ---- what goes ---- */

/* A redacted message stays where it is, and so do the entries that tell when it was written. */
enum error trail_leave_message(const struct trail *trail, uint64_t seq, const struct message *message, bool is_redacted)
{
    struct bytes content = message != NULL ? message->content : BYTES_NONE;
    if (is_redacted)
        return forgetting_words(trail->forgetting, seq, content);
    enum error error = leave_activity(trail, seq);
    if (error == OK && message != NULL)
        error = leave_change(trail, message->at_ms);
    return error == OK ? forgetting_message(trail->forgetting, seq, content) : error;
}

/* Of the notes only the keys are read, so that what the caller has read stays. */
static enum error leave_notes(const struct trail *trail)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(trail->txn, TABLE_NOTES);
    enum error error = damaged_too(cursor_seek(cursor, id_view(&trail->conversation), &key, NULL), key);
    while (error == OK && message_key_is_of(key, trail->conversation)) {
        error = cursor_del(cursor);
        if (error == OK)
            error = damaged_too(cursor_next(cursor, &key, NULL), key);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error trail_leave_conversation(const struct trail *trail, const struct conversation *now)
{
    enum error error = leave_activity(trail, now->changed_seq);
    if (error == OK)
        error = leave_change(trail, now->created_at_ms);
    if (error == OK)
        error = leave_change(trail, now->changed_at_ms);
    if (error == OK)
        error = leave_mark(trail, now->marked_seq);
    if (error == OK)
        error = leave_notes(trail);
    if (error == OK)
        error = work_forget(trail->txn, now);
    return error == OK ? remove_if_there(trail->txn, TABLE_CONVERSATIONS, id_view(&trail->conversation)) : error;
}

enum error trail_leave_visitor(const struct trail *trail, const struct visitor *visitor, struct bytes visitor_key)
{
    struct key key;
    enum error error = trail_leave_seen(trail, visitor->first_seen_at_ms);
    if (error == OK)
        error = trail_leave_seen(trail, visitor->last_seen_at_ms);
    visitor_key_key(&key, trail->org, visitor_key);
    if (error == OK)
        error = remove_if_there(trail->txn, TABLE_VISITOR_BY_KEY, key_view(&key));
    if (error == OK)
        error = remove_if_there(trail->txn, TABLE_VISITORS, id_view(&trail->visitor));
    bool is_known = visitor->first_seen_at_ms >= 0;
    return error == OK ? search_forget_visitor(trail->txn, trail->org, trail->visitor, visitor->email, is_known)
                       : error;
}

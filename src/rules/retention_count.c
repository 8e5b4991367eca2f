/* What a step would remove, in numbers: for whoever wants to know before it is done. */
#include "rules/retention_private.h"

#define DAY_MS INT64_C(86400000)

static enum error count_visitor(struct txn *txn, struct id id, struct retained *out)
{
    struct visitor visitor;
    enum error error = visitor_get(txn, id, &visitor);
    struct id at = error == OK ? visitor.last_conversation : ID_NONE;
    for (uint64_t left = visitor.conversation_count; error == OK && !id_is_none(at) && left > 0; --left) {
        struct conversation conversation;
        struct conversation_activity activity;
        error = conversation_get(txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(txn, &conversation, &activity);
        if (error != OK)
            break;
        out->messages += activity.message_count;
        ++out->conversations;
        at = conversation.previous_of_visitor;
    }
    out->visitors += error == OK;
    return error;
}

static enum error count_messages(struct txn *txn, const struct org *org, struct id id, int64_t before_ms,
                                 struct retained *out)
{
    struct conversation conversation;
    struct key from;
    struct bytes key, value;
    struct message message;
    enum error error = conversation_get(txn, id, &conversation);
    if (error != OK)
        return error;
    message_key(&from, id, first_kept_seq(org, &conversation));
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    error = cursor_seek(cursor, key_view(&from), &key, &value);
    for (; error == OK && message_key_is_of(key, id); error = cursor_next(cursor, &key, &value)) {
        error = message_decode(key, value, &message);
        if (error != OK || message.at_ms >= before_ms)
            break;
        ++*(org->redact_messages ? &out->redacted : &out->messages);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error count_notes(struct txn *txn, struct id id, int64_t before_ms, struct retained *out)
{
    struct bytes key, value;
    struct note note;
    struct cursor *cursor = cursor_open(txn, TABLE_NOTES);
    enum error error = cursor_seek(cursor, id_view(&id), &key, &value);
    for (; error == OK && message_key_is_of(key, id); error = cursor_next(cursor, &key, &value)) {
        error = note_decode(key, value, &note);
        if (error != OK || note.at_ms >= before_ms)
            break;
        ++out->others;
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool counts_within(enum retention_kind kind)
{
    return kind == RETENTION_VISITORS || kind == RETENTION_MESSAGES || kind == RETENTION_NOTES;
}

static enum error count_subject(struct txn *txn, const struct org *org, enum retention_kind kind, struct id id,
                                int64_t before_ms, struct retained *out)
{
    return kind == RETENTION_VISITORS   ? count_visitor(txn, id, out)
           : kind == RETENTION_MESSAGES ? count_messages(txn, org, id, before_ms, out)
                                        : count_notes(txn, id, before_ms, out);
}

/* What can't be read is not counted: it would be passed too. */
enum error retention_count_as_if(struct txn *txn, const struct org *org, const struct retention_step *step,
                                 int64_t now_ms, struct retained *out)
{
    uint64_t days;
    enum error error = OK;
    if (!retention_days(org, step->kind, &days))
        return OK;
    struct bytes subjects = bytes_view(step->subjects, step->len);
    if (step->kind == RETENTION_EMPTY)
        out->conversations += step->count;
    else if (!counts_within(step->kind))
        out->others += step->count;
    for (size_t at = 0; counts_within(step->kind) && at + ID_LEN <= step->len && error == OK;) {
        error = count_subject(txn, org, step->kind, key_get_id(subjects, &at), now_ms - (int64_t)days * DAY_MS, out);
        if (error == ERR_CORRUPT || error == ERR_NOT_FOUND)
            error = OK;
    }
    return error;
}

enum error retention_count(struct txn *txn, struct id org_id, const struct retention_step *step, int64_t now_ms,
                           struct retained *out)
{
    struct org org;
    enum error error = org_get(txn, org_id, &org);
    return error == OK ? retention_count_as_if(txn, &org, step, now_ms, out) : error;
}

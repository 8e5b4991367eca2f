/*
 * Answers that a visitor has not read: those of the organisation behind the visitor's read mark. They are counted when
 * somebody asks, from the newest on, and only so far: a badge says "100 or more" at most.
 */
#include "api/internal.h"

enum error unread_in_conversation(struct api_loop *loop, struct txn *txn, const struct conversation *conversation,
                                  const struct conversation_activity *activity, unsigned *looked, uint64_t *out)
{
    struct bytes key, value;
    struct key from;
    *out = 0;
    if (!activity->has_message || activity->last_message.seq <= conversation->visitor_read_seq)
        return OK;
    message_key(&from, conversation->id, activity->last_message.seq + 1);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    enum error error = cursor_seek_before(cursor, key_view(&from), &key, &value);
    while (error == OK && message_key_is_of(key, conversation->id) && *out < UNREAD_MAX) {
        struct message message;
        if (*looked == UNREAD_LOOK_MAX) {
            count(&loop->figures.limited[LIMIT_UNREAD], 1);
            break;
        }
        ++*looked;
        error = message_decode(key, value, &message);
        if (error != OK || message.seq <= conversation->visitor_read_seq)
            break;
        *out += bytes_equal(message.role, BYTES("assistant"));
        error = cursor_previous(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error unread_of_visitor(struct api_loop *loop, struct txn *txn, const struct visitor *visitor, uint64_t *out)
{
    struct id at = visitor->last_conversation;
    unsigned looked = 0, steps = 0;
    *out = 0;
    for (; !id_is_none(at) && steps < VISITOR_CHAIN_MAX && *out < UNREAD_MAX && looked < UNREAD_LOOK_MAX; ++steps) {
        struct conversation conversation;
        struct conversation_activity activity;
        uint64_t more = 0;
        enum error error = conversation_get(txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(txn, &conversation, &activity);
        if (error == OK)
            error = unread_in_conversation(loop, txn, &conversation, &activity, &looked, &more);
        if (error != OK)
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        at = conversation.previous_of_visitor;
        *out = *out + more < UNREAD_MAX ? *out + more : UNREAD_MAX;
    }
    if (!id_is_none(at) && steps == VISITOR_CHAIN_MAX)
        count(&loop->figures.limited[LIMIT_VISITOR_CHAIN], 1);
    return OK;
}

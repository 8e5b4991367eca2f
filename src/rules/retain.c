/*
 * What a step of the retention job does with each of its subjects: it looks again whether that is due, and removes as
 * much as it may. What does not fit into one step is left in a state that is sound by itself: a conversation that has
 * lost its first messages counts how many, and a visitor who has lost its newest conversations has the ones before
 * them. So a visitor who comes back in the middle keeps what is left.
 */
#include "core/redacted.h"
#include "rules/retention_private.h"

/* Entries that are removed or changed with one thing, roughly. */
#define COST_OF_MESSAGE 5
#define COST_OF_REDACTION 2
#define TEXT_OF_ENTRY 4 /* bytes of a text: a word takes a block of the search index to be written anew */
#define COST_OF_CONVERSATION 6
#define COST_OF_VISITOR 4

static void spend(struct retaining *retaining, uint64_t cost)
{
    retaining->left -= cost < retaining->left ? cost : retaining->left;
}

static struct trail trail_of(struct retaining *retaining)
{
    return (struct trail){.txn = retaining->txn, .org = retaining->org->id, .forgetting = &retaining->forgetting};
}

static struct id subject_id(struct bytes subject, size_t offset)
{
    return key_get_id(subject, &offset);
}

/* What can't be read, or is not there any more, is no subject. */
static enum error passed(enum error error)
{
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

/* ---- messages ---- */

enum error first_message_from(struct txn *txn, struct id conversation, uint64_t seq, struct message *out)
{
    struct key from;
    struct bytes key, value;
    message_key(&from, conversation, seq);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    if (error == OK && !message_key_is_of(key, conversation))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = message_decode(key, value, out);
    cursor_close(cursor);
    return error;
}

uint64_t first_kept_seq(const struct org *org, const struct conversation *conversation)
{
    return org->redact_messages ? conversation->redacted_seq + 1 : 0;
}

static enum error remove_message(const struct trail *trail, const struct message *message)
{
    struct key key;
    enum error error = message->client_id.data == NULL
                           ? OK
                           : client_id_forget(trail->txn, message->conversation, message->client_id, message->seq);
    if (error == OK)
        error = trail_leave_message(trail, message->seq, message, false);
    message_key(&key, message->conversation, message->seq);
    return error == OK ? table_del(trail->txn, TABLE_MESSAGES, key_view(&key)) : error;
}

/* The oldest ones, as far as they were written before `before_ms`. The conversation's record is changed in memory. */
static enum error remove_messages(struct retaining *retaining, const struct trail *trail, int64_t before_ms,
                                  struct conversation *conversation)
{
    struct message message;
    enum error error = OK;
    while (error == OK && retaining->left > 0) {
        error = first_message_from(trail->txn, conversation->id, 0, &message);
        if (error != OK || message.at_ms >= before_ms)
            break;
        error = remove_message(trail, &message);
        ++conversation->removed_messages;
        ++retaining->done.messages;
        spend(retaining, COST_OF_MESSAGE + message.content.len / TEXT_OF_ENTRY);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* It keeps its place in the order of activity, whatever it has lost; entries of a message that is gone may have been
 * the ones that say so. Nobody has read what is not there. */
static enum error write_shortened(const struct trail *trail, struct conversation *conversation,
                                  const struct conversation_activity *before)
{
    struct message last;
    enum error error = message_get_last(trail->txn, conversation->id, &last);
    if (error == ERR_NOT_FOUND) {
        struct key mark;
        conversation->changed_seq = before->seq;
        conversation->changed_at_ms = before->updated_at_ms;
        mark_key(&mark, conversation->org, conversation->marked_seq);
        error = conversation->marked_seq == 0
                    ? OK
                    : remove_if_there(trail->txn, TABLE_CONVERSATION_BY_MARK, key_view(&mark));
        conversation->marked_seq = conversation->visitor_read_seq = conversation->agent_read_seq = 0;
    }
    if (error == OK)
        error = conversation_put(trail->txn, conversation);
    return error == OK ? conversation_note_change(trail->txn, before->seq, conversation, -1, before->updated_at_ms)
                       : error;
}

static enum error redact_message(const struct trail *trail, struct message *message)
{
    if (bytes_equal(message->content, BYTES(REDACTED_TEXT)))
        return OK;
    enum error error = trail_leave_message(trail, message->seq, message, true);
    message->content = BYTES(REDACTED_TEXT);
    return error == OK ? message_put(trail->txn, message) : error;
}

static enum error redact_messages(struct retaining *retaining, const struct trail *trail,
                                  struct conversation *conversation)
{
    struct message message;
    uint64_t redacted_before = conversation->redacted_seq;
    enum error error = OK;
    while (error == OK && retaining->left > 0) {
        error = first_message_from(trail->txn, conversation->id, conversation->redacted_seq + 1, &message);
        if (error != OK || message.at_ms >= retaining->before_ms)
            break;
        size_t len = message.content.len;
        error = redact_message(trail, &message);
        conversation->redacted_seq = message.seq;
        ++retaining->done.redacted;
        spend(retaining, COST_OF_REDACTION + len / TEXT_OF_ENTRY);
    }
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    return conversation->redacted_seq != redacted_before ? conversation_put(trail->txn, conversation) : OK;
}

static enum error shorten(struct retaining *retaining, const struct trail *trail, struct conversation *conversation)
{
    struct conversation_activity activity;
    uint64_t removed_before = conversation->removed_messages;
    enum error error = conversation_activity(trail->txn, conversation, &activity);
    if (error == OK)
        error = remove_messages(retaining, trail, retaining->before_ms, conversation);
    return error == OK && conversation->removed_messages != removed_before
               ? write_shortened(trail, conversation, &activity)
               : error;
}

enum error retain_messages(struct retaining *retaining, struct bytes subject)
{
    struct conversation conversation;
    struct trail trail = trail_of(retaining);
    trail.conversation = subject_id(subject, 0);
    enum error error = conversation_get(trail.txn, trail.conversation, &conversation);
    if (error != OK || !id_equal(conversation.org, trail.org))
        return passed(error);
    error = retaining->org->redact_messages ? redact_messages(retaining, &trail, &conversation)
                                            : shorten(retaining, &trail, &conversation);
    retaining->more |= retaining->left == 0;
    return error;
}

/* ---- notes ---- */

enum error first_note(struct txn *txn, struct id conversation, struct note *out)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_NOTES);
    enum error error = cursor_seek(cursor, id_view(&conversation), &key, &value);
    if (error == OK && !message_key_is_of(key, conversation))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = note_decode(key, value, out);
    cursor_close(cursor);
    return error;
}

/* They go where texts of messages are redacted too: nothing counts notes. */
enum error retain_notes(struct retaining *retaining, struct bytes subject)
{
    struct note note;
    struct id id = subject_id(subject, 0);
    enum error error;
    while ((error = first_note(retaining->txn, id, &note)) == OK && note.at_ms < retaining->before_ms &&
           id_equal(note.org, retaining->org->id) && retaining->left > 0) {
        struct key key;
        message_key(&key, id, note.seq);
        error = table_del(retaining->txn, TABLE_NOTES, key_view(&key));
        if (error != OK)
            return error;
        ++retaining->done.others;
        spend(retaining, 1);
    }
    retaining->more |= retaining->left == 0;
    return passed(error);
}

/* ---- visitors ---- */

/* The visitor's newest conversation, or as much of it as may go; *left_over: not all of it. */
static enum error remove_newest(struct retaining *retaining, struct trail *trail, struct visitor *visitor,
                                struct conversation *conversation, bool *left_over)
{
    struct conversation_activity activity;
    struct message message;
    enum error error = conversation_activity(trail->txn, conversation, &activity);
    if (error == OK)
        error = remove_messages(retaining, trail, INT64_MAX, conversation);
    if (error != OK)
        return error;
    error = first_message_from(trail->txn, conversation->id, 0, &message);
    *left_over = error == OK;
    if (error != ERR_NOT_FOUND)
        return error == OK ? write_shortened(trail, conversation, &activity) : error;
    visitor->last_conversation = conversation->previous_of_visitor;
    --visitor->conversation_count;
    ++retaining->done.conversations;
    spend(retaining, COST_OF_CONVERSATION);
    return trail_leave_conversation(trail, conversation);
}

/* Until there is none, or the step is full. A chain that is broken ends it: what it should have named, nobody knows but
 * `check`. */
static enum error remove_conversations(struct retaining *retaining, struct trail *trail, struct visitor *visitor,
                                       bool *broken)
{
    struct conversation conversation;
    enum error error = OK;
    bool left_over = false;
    *broken = false;
    while (error == OK && !left_over && retaining->left > 0 && !id_is_none(visitor->last_conversation)) {
        trail->conversation = visitor->last_conversation;
        error = conversation_get(trail->txn, trail->conversation, &conversation);
        *broken = passed(error) == OK && (error != OK || !id_equal(conversation.visitor, visitor->id));
        if (*broken)
            return OK;
        if (error == OK)
            error = remove_newest(retaining, trail, visitor, &conversation, &left_over);
    }
    return error;
}

/* Who is not gone yet was last seen when it was, whatever messages of that minute have gone. */
static enum error write_visitor(const struct trail *trail, const struct visitor *visitor)
{
    struct key key;
    enum error error = visitor_put(trail->txn, visitor);
    visitor_seen_key(&key, visitor->org, visitor->last_seen_at_ms, visitor->id);
    return error == OK ? table_put(trail->txn, TABLE_VISITOR_BY_SEEN, key_view(&key), BYTES_NONE) : error;
}

enum error retain_visitor(struct retaining *retaining, struct bytes subject)
{
    struct visitor visitor;
    struct trail trail = trail_of(retaining);
    bool broken;
    trail.visitor = subject_id(subject, 0);
    enum error error = visitor_get(trail.txn, trail.visitor, &visitor);
    if (error != OK || !id_equal(visitor.org, trail.org) || visitor.last_seen_at_ms >= retaining->before_ms)
        return passed(error);
    struct id newest = visitor.last_conversation;
    uint64_t messages_before = retaining->done.messages;
    error = remove_conversations(retaining, &trail, &visitor, &broken);
    bool changed = !id_equal(newest, visitor.last_conversation) || retaining->done.messages != messages_before;
    if (error == OK && id_is_none(visitor.last_conversation)) {
        ++retaining->done.visitors;
        spend(retaining, COST_OF_VISITOR);
        return trail_leave_visitor(&trail, &visitor, visitor.visitor_key);
    }
    retaining->more |= !broken;
    return error == OK && changed ? write_visitor(&trail, &visitor) : error;
}

bool address_is_due(const struct org *org, const struct visitor *visitor, char room[ADDRESS_LEN_MAX],
                    struct bytes *kept)
{
    bool is_valid = visitor->address.data != NULL && address_text_is_valid(visitor->address);
    *kept = is_valid ? org_keeps_address(org, visitor->address, room) : BYTES_NONE;
    return !bytes_equal(*kept, visitor->address);
}

enum error retain_address(struct retaining *retaining, struct bytes subject)
{
    struct visitor visitor;
    char room[ADDRESS_LEN_MAX];
    struct bytes kept;
    enum error error = visitor_get(retaining->txn, subject_id(subject, 0), &visitor);
    if (error != OK || !id_equal(visitor.org, retaining->org->id) ||
        !address_is_due(retaining->org, &visitor, room, &kept))
        return passed(error);
    visitor.address = kept;
    ++retaining->done.others;
    spend(retaining, 1);
    return visitor_put(retaining->txn, &visitor);
}

/* ---- empty conversations ---- */

static enum error is_empty(struct txn *txn, const struct conversation *conversation, bool *out)
{
    struct message message;
    enum error error = first_message_from(txn, conversation->id, 0, &message);
    *out = error == ERR_NOT_FOUND;
    return passed(error);
}

/* Takes it out of its visitor's chain, of which `newer` is what comes before it, or the visitor itself. ERR_NOT_FOUND,
 * with nothing changed, when that is no longer so. */
static enum error take_out_of_chain(struct txn *txn, struct id newer, const struct conversation *conversation)
{
    struct visitor visitor;
    struct conversation link;
    enum error error = visitor_get(txn, conversation->visitor, &visitor);
    if (error == OK && !id_is_none(newer))
        error = conversation_get(txn, newer, &link);
    struct id *leads = id_is_none(newer) ? &visitor.last_conversation : &link.previous_of_visitor;
    if (error != OK || !id_equal(*leads, conversation->id) ||
        (!id_is_none(newer) && !id_equal(link.visitor, visitor.id)))
        return error == OK ? ERR_NOT_FOUND : error;
    *leads = conversation->previous_of_visitor;
    --visitor.conversation_count;
    error = visitor_put(txn, &visitor);
    return error == OK && !id_is_none(newer) ? conversation_put(txn, &link) : error;
}

enum error retain_empty(struct retaining *retaining, struct bytes subject)
{
    struct conversation conversation;
    struct trail trail = trail_of(retaining);
    bool empty = false;
    trail.conversation = subject_id(subject, ID_LEN);
    enum error error = conversation_get(trail.txn, trail.conversation, &conversation);
    if (error == OK)
        error = is_empty(trail.txn, &conversation, &empty);
    if (error != OK || !empty || !id_equal(conversation.org, trail.org) ||
        conversation.changed_at_ms >= retaining->before_ms || conversation.created_at_ms >= retaining->before_ms)
        return passed(error);
    if (!id_is_none(conversation.visitor))
        error = take_out_of_chain(trail.txn, subject_id(subject, 0), &conversation);
    if (error != OK)
        return passed(error);
    ++retaining->done.conversations;
    spend(retaining, COST_OF_CONVERSATION);
    return trail_leave_conversation(&trail, &conversation);
}

/* ---- entries from one on ---- */

enum error alias_is_due(struct txn *txn, struct bytes value, bool *due)
{
    struct alias alias;
    struct conversation conversation;
    struct visitor visitor;
    *due = false;
    enum error error = record_decode(RECORD_ALIASES, value, &alias);
    if (error == OK)
        error = conversation_get(txn, alias.target, &conversation);
    if (error == ERR_NOT_FOUND)
        error = visitor_get(txn, alias.target, &visitor);
    *due = error == ERR_NOT_FOUND;
    return passed(error);
}

bool erasure_is_due(struct bytes value, int64_t before_ms)
{
    struct erasure erasure;
    return record_decode(RECORD_ERASURES, value, &erasure) == OK && erasure.erased_at_ms < before_ms;
}

/* Looks at as many entries as may still be removed, from `from` on, and removes those that are due. */
static enum error retain_from(struct retaining *retaining, enum table table, struct bytes from,
                              enum error is_due(const struct retaining *retaining, struct bytes value, bool *due))
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(retaining->txn, table);
    enum error found = cursor_seek(cursor, from, &key, &value), error = damaged_too(found, key);
    for (; error == OK && retaining->left > 0 && key.len >= ID_LEN &&
           memcmp(key.data, retaining->org->id.bytes, ID_LEN) == 0;
         spend(retaining, 1)) {
        bool due = false;
        error = found == OK ? is_due(retaining, value, &due) : OK;
        if (error == OK && due)
            error = cursor_del(cursor);
        retaining->done.others += due;
        if (error == OK) {
            found = cursor_next(cursor, &key, &value);
            error = damaged_too(found, key);
        }
    }
    cursor_close(cursor);
    return passed(error);
}

static enum error due_alias(const struct retaining *retaining, struct bytes value, bool *due)
{
    return alias_is_due(retaining->txn, value, due);
}

static enum error due_audit(const struct retaining *retaining, struct bytes value, bool *due)
{
    *due = audit_is_due(value, retaining->before_ms);
    return OK;
}

static enum error due_erasure(const struct retaining *retaining, struct bytes value, bool *due)
{
    *due = erasure_is_due(value, retaining->before_ms);
    return OK;
}

enum error retain_aliases(struct retaining *retaining, struct bytes from)
{
    return retain_from(retaining, TABLE_ALIASES, from, due_alias);
}

enum error retain_audit(struct retaining *retaining, struct bytes from)
{
    return retain_from(retaining, TABLE_AUDIT, from, due_audit);
}

enum error retain_erasures(struct retaining *retaining, struct bytes from)
{
    return retain_from(retaining, TABLE_ERASURES, from, due_erasure);
}

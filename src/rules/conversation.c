/*
 * Conversations and their messages. A creation writes to the ends of trees, save for the visitor's one page; a message
 * writes to its conversation's page in `messages` and never to the conversation's record: count, last message and last
 * change are all read from the last message.
 */
#include "core/work.h"
#include "rules/internal.h"

static struct event news(enum event_kind kind, bool by_org, const struct conversation *conversation, uint64_t seq)
{
    return (struct event){
        .kind = kind,
        .by_org = by_org,
        .org = conversation->org,
        .visitor = conversation->visitor,
        .conversation = conversation->id,
        .seq = seq,
    };
}

static enum error note_hooks(struct txn *txn, uint64_t seq, enum hook_event event, int64_t at_ms,
                             const struct conversation *conversation, struct outcome *outcome)
{
    return hook_note(txn, seq,
                     &(struct hook_news){.event = event,
                                         .org = conversation->org,
                                         .conversation = conversation->id,
                                         .visitor = conversation->visitor,
                                         .at_ms = at_ms},
                     outcome);
}

/* ---- what every change of a conversation leaves in the indexes ---- */

static enum error put_activity(struct txn *txn, struct id org, uint64_t seq, struct id conversation)
{
    struct key key;
    activity_key(&key, org, seq);
    return table_put(txn, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), bytes_view(conversation.bytes, ID_LEN));
}

static enum error put_updated(struct txn *txn, struct id org, int64_t updated_at_ms, struct id conversation)
{
    struct key key;
    conversation_updated_key(&key, org, updated_at_ms, conversation);
    return table_put(txn, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES_NONE);
}

enum error conversation_note_change(struct txn *txn, uint64_t seq, const struct conversation *conversation,
                                    int64_t updated_before_ms, int64_t updated_at_ms)
{
    enum error error = put_activity(txn, conversation->org, seq, conversation->id);
    if (error == OK && (updated_before_ms < 0 || minute_of(updated_before_ms) != minute_of(updated_at_ms)))
        error = put_updated(txn, conversation->org, updated_at_ms, conversation->id);
    return error;
}

static bool is_blocked(const struct sighting *sighting)
{
    return sighting->present && sighting->visitor.blocked_at_ms != 0;
}

/* ---- a new conversation ---- */

/* The answer counts for as long as its conversation is there: once its visitor is erased, nobody is led to it. */
static enum error first_answer(struct txn *txn, const struct conversation_create *command, struct outcome *outcome)
{
    struct idempotency first;
    struct conversation conversation;
    if (command->idempotency.data == NULL)
        return ERR_NOT_FOUND;
    enum error error = idempotency_get(txn, command->idempotency, command->at_ms, &first);
    if (error == OK)
        error = conversation_get(txn, first.conversation, &conversation);
    if (error == OK && (!id_equal(conversation.org, command->org) || conversation.anonymized))
        error = ERR_NOT_FOUND;
    if (error == OK) {
        outcome->replayed = true;
        outcome->id = first.conversation;
        outcome->at_ms = first.created_at_ms;
    }
    return error;
}

static enum error keep_answer(struct txn *txn, const struct conversation_create *command)
{
    if (command->idempotency.data == NULL)
        return OK;
    return idempotency_put(txn, &(struct idempotency){
                                    .day = day_of(command->at_ms),
                                    .hash = command->idempotency,
                                    .conversation = command->conversation,
                                    .created_at_ms = command->at_ms,
                                });
}

enum error conversation_add(struct txn *txn, uint64_t seq, struct conversation *conversation, struct sighting *sighting)
{
    struct visitor *visitor = &sighting->visitor;
    conversation->changed_seq = seq;
    if (sighting->present) {
        conversation->visitor = visitor->id;
        conversation->previous_of_visitor = visitor->last_conversation;
        visitor->last_conversation = conversation->id;
        ++visitor->conversation_count;
    }
    enum error error = visitor_write(txn, sighting);
    if (error == OK)
        error = conversation_put(txn, conversation);
    if (error == OK)
        error = work_index(txn, conversation);
    return error == OK ? conversation_note_change(txn, seq, conversation, -1, conversation->changed_at_ms) : error;
}

static enum error write_conversation(struct txn *txn, uint64_t seq, const struct conversation_create *command,
                                     struct sighting *sighting, struct outcome *outcome)
{
    struct conversation conversation = {
        .id = command->conversation,
        .org = command->org,
        .created_at_ms = command->at_ms,
        .changed_at_ms = command->at_ms,
        .status = STATUS_OPEN,
    };
    enum error error = conversation_add(txn, seq, &conversation, sighting);
    outcome->event = news(EVENT_CONVERSATION, false, &conversation, seq);
    if (error == OK)
        error = keep_answer(txn, command);
    if (error == OK)
        error = hook_note_visitor(txn, seq, sighting, outcome);
    return error == OK ? note_hooks(txn, seq, HOOK_CONVERSATION_CREATED, command->at_ms, &conversation, outcome)
                       : error;
}

enum error rule_conversation_create(struct txn *txn, uint64_t seq, const struct conversation_create *command,
                                    struct outcome *outcome)
{
    struct sighting sighting;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = visitor_sight(txn, command->org, command->visitor_key, true, command->visitor, command->at_ms,
                              command->user_agent, &sighting);
    if (error == OK && !command->by_org && is_blocked(&sighting))
        error = ERR_BLOCKED;
    if (error != OK)
        return error;
    visitor_note_address(&sighting, command->address);
    error = first_answer(txn, command, outcome);
    if (error == OK)
        return visitor_write(txn, &sighting);
    if (error != ERR_NOT_FOUND)
        return error;
    outcome->id = command->conversation;
    outcome->at_ms = command->at_ms;
    return write_conversation(txn, seq, command, &sighting, outcome);
}

/* ---- a new message ---- */

/* Who wants to change a conversation, and which. */
struct writer {
    struct id org, conversation;
    bool by_org;
    struct bytes visitor_key;
    int64_t at_ms;
    bool makes_visitor; /* where the conversation is nobody's, one who is not known yet is made under `fresh` */
    struct id fresh;
    struct bytes user_agent;
};

/* Whose conversation it is decides: its visitor's, or, without one, whoever knows its id; the organisation's token in
 * any case. One whose visitor was erased is the organisation's alone. */
static bool may_write(const struct conversation *conversation, const struct writer *writer,
                      const struct sighting *sighting)
{
    if (!id_equal(conversation->org, writer->org))
        return false;
    if (writer->by_org || (id_is_none(conversation->visitor) && !conversation->anonymized))
        return true;
    return sighting->present && id_equal(sighting->visitor.id, conversation->visitor);
}

static enum error find_writer(struct txn *txn, const struct writer *writer, struct conversation *conversation,
                              struct sighting *sighting)
{
    bool creates = writer->makes_visitor && !writer->by_org && id_is_none(conversation->visitor);
    enum error error = visitor_sight(txn, writer->org, writer->visitor_key, creates, writer->fresh, writer->at_ms,
                                     writer->user_agent, sighting);
    if (error == OK && !writer->by_org && is_blocked(sighting))
        return ERR_BLOCKED;
    return error == OK && !may_write(conversation, writer, sighting) ? ERR_NOT_FOUND : error;
}

/* Whoever is blocked does not even learn whether the conversation is there. */
static enum error refuse_writer(struct txn *txn, const struct writer *writer)
{
    struct sighting sighting;
    enum error error =
        visitor_sight(txn, writer->org, writer->visitor_key, false, ID_NONE, writer->at_ms, BYTES_NONE, &sighting);
    if (error != OK)
        return error;
    return !writer->by_org && is_blocked(&sighting) ? ERR_BLOCKED : ERR_NOT_FOUND;
}

/* The conversation and its writer, read; ERR_NOT_FOUND when it is not the writer's to change. */
static enum error let_in(struct txn *txn, const struct writer *writer, struct conversation *conversation,
                         struct sighting *sighting)
{
    enum error error = org_is_alive(txn, writer->org);
    if (error != OK)
        return error;
    error = conversation_get(txn, writer->conversation, conversation);
    if (error == ERR_NOT_FOUND)
        return refuse_writer(txn, writer);
    return error == OK ? find_writer(txn, writer, conversation, sighting) : error;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum error message_add(struct txn *txn, uint64_t seq, const struct conversation *conversation, struct message *message,
                       struct bytes block)
{
    struct message last = {.at_ms = conversation->changed_at_ms, .ordinal = conversation->removed_messages};
    enum error error = message_get_last(txn, conversation->id, &last);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    message->conversation = conversation->id;
    message->seq = seq;
    message->ordinal = last.ordinal + 1;
    error = message_put(txn, message);
    if (error == OK && message->client_id.data != NULL)
        error = client_id_note(txn, conversation->id, block, message->client_id, seq);
    return error != OK
               ? error
               : conversation_note_change(txn, seq, conversation, later(conversation->changed_at_ms, last.at_ms),
                                          later(conversation->changed_at_ms, message->at_ms));
}

static enum error write_message(struct txn *txn, uint64_t seq, const struct message_create *command,
                                const struct conversation *conversation, struct bytes client_id, struct bytes block)
{
    struct message message = {
        .id = command->message,
        .org = command->org,
        .role = command->role,
        .content = command->content,
        .at_ms = command->at_ms,
        .client_id = client_id,
        .agent = command->agent,
    };
    return message_add(txn, seq, conversation, &message, block);
}

/* A visitor's word opens what was put aside; an answer leaves it as it is. */
static enum error reopen(struct txn *txn, uint64_t seq, const struct message_create *command,
                         const struct conversation *before, struct outcome *outcome)
{
    struct conversation after = *before;
    if (!bytes_equal(command->role, BYTES("user")))
        return OK;
    enum error error = work_reopen(txn, &after, &outcome->event.works);
    return error == OK && outcome->event.works ? work_write(txn, seq, command->at_ms, before, &after, outcome) : error;
}

static enum error add_message(struct txn *txn, uint64_t seq, const struct message_create *command,
                              const struct conversation *conversation, struct bytes client_id, struct bytes block,
                              struct outcome *outcome)
{
    outcome->seq = seq;
    outcome->event = news(EVENT_MESSAGE, command->by_org, conversation, seq);
    outcome->event.agent = command->agent;
    enum error error = write_message(txn, seq, command, conversation, client_id, block);
    return error == OK ? reopen(txn, seq, command, conversation, outcome) : error;
}

/* A message that comes without a clientId has the text of its id in its place, so that its export, when it comes back,
 * is known again as quickly as any other. */
static struct bytes client_id_of(const struct message_create *command, char own[ID_TEXT_LEN])
{
    if (command->client_id.data != NULL)
        return command->client_id;
    id_format(command->message, own);
    return bytes_view(own, ID_TEXT_LEN);
}

enum error rule_message_create(struct txn *txn, uint64_t seq, const struct message_create *command,
                               struct outcome *outcome)
{
    struct conversation conversation;
    struct sighting sighting;
    char own[ID_TEXT_LEN];
    struct bytes block, client_id = client_id_of(command, own);
    const struct writer writer = {
        .org = command->org,
        .conversation = command->conversation,
        .by_org = command->by_org,
        .visitor_key = command->visitor_key,
        .at_ms = command->at_ms,
        .makes_visitor = true,
        .fresh = command->visitor,
        .user_agent = command->user_agent,
    };
    enum error error = let_in(txn, &writer, &conversation, &sighting);
    if (error != OK)
        return error;
    visitor_note_address(&sighting, command->address);
    outcome->id = command->conversation;
    error = client_id_find(txn, command->conversation, command->role, client_id, &block, &outcome->seq);
    outcome->replayed = error == OK;
    if (error == ERR_NOT_FOUND)
        error = add_message(txn, seq, command, &conversation, client_id, block, outcome);
    if (error == OK)
        error = visitor_write(txn, &sighting);
    if (error == OK)
        error = hook_note_visitor(txn, seq, &sighting, outcome);
    return error == OK && !outcome->replayed
               ? note_hooks(txn, seq, HOOK_MESSAGE_CREATED, command->at_ms, &conversation, outcome)
               : error;
}

/* ---- reading ---- */

static enum error last_seq_of(struct txn *txn, struct id conversation, uint64_t *seq)
{
    struct message last = {.seq = 0};
    enum error error = message_get_last(txn, conversation, &last);
    *seq = error == OK ? last.seq : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* One entry for each conversation that has marks, so that whoever was away finds those that have moved since. */
static enum error note_mark(struct txn *txn, const struct conversation *conversation, uint64_t marked_before)
{
    struct key key;
    enum error error = OK;
    if (marked_before != 0) {
        mark_key(&key, conversation->org, marked_before);
        error = remove_if_there(txn, TABLE_CONVERSATION_BY_MARK, key_view(&key));
    }
    mark_key(&key, conversation->org, conversation->marked_seq);
    return error == OK
               ? table_put(txn, TABLE_CONVERSATION_BY_MARK, key_view(&key), bytes_view(conversation->id.bytes, ID_LEN))
               : error;
}

/* Moves the mark to read_seq, or to the last message when that is less; *moved is whether it was not there yet. */
static enum error move_mark(struct txn *txn, uint64_t seq, const struct conversation_read *command,
                            struct conversation *conversation, bool *moved)
{
    uint64_t *mark = command->by_org ? &conversation->agent_read_seq : &conversation->visitor_read_seq;
    uint64_t last_seq, marked_before = conversation->marked_seq;
    enum error error = last_seq_of(txn, conversation->id, &last_seq);
    if (error != OK)
        return error;
    uint64_t to = command->read_seq < last_seq ? command->read_seq : last_seq;
    *moved = to > *mark;
    if (!*moved)
        return OK;
    *mark = to;
    conversation->marked_seq = seq;
    error = conversation_put(txn, conversation);
    return error == OK ? note_mark(txn, conversation, marked_before) : error;
}

enum error rule_conversation_read(struct txn *txn, uint64_t seq, const struct conversation_read *command,
                                  struct outcome *outcome)
{
    struct conversation conversation;
    struct sighting sighting;
    bool moved;
    const struct writer writer = {
        .org = command->org,
        .conversation = command->conversation,
        .by_org = command->by_org,
        .visitor_key = command->visitor_key,
        .at_ms = command->at_ms,
    };
    enum error error = let_in(txn, &writer, &conversation, &sighting);
    if (error != OK)
        return error;
    outcome->id = conversation.id;
    error = move_mark(txn, seq, command, &conversation, &moved);
    if (error == OK && moved) {
        outcome->event = news(EVENT_CONVERSATION, command->by_org, &conversation, seq);
        outcome->event.agent = command->agent;
    }
    return error == OK ? visitor_write(txn, &sighting) : error;
}

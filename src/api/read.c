/* POST /conversations/:id/read: up to which message the caller's side has read. */
#include "api/internal.h"

static void respond_marks(struct api_loop *loop, struct request *request, const struct conversation *conversation)
{
    struct buffer *json = &loop->json;
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "conversationId", conversation->id);
    json_member_integer(json, "visitorReadSeq", (int64_t)conversation->visitor_read_seq);
    json_member_integer(json, "agentReadSeq", (int64_t)conversation->agent_read_seq);
    json_close(json, '}');
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(json));
}

/* As if its mark had moved. */
static enum error respond_silence(struct api_loop *loop, struct txn *txn, struct request *request,
                                  const struct conversation_read *command)
{
    struct conversation conversation;
    struct message last = {.seq = 0};
    enum error error = conversation_get(txn, command->conversation, &conversation);
    if (error == OK)
        error = message_get_last(txn, conversation.id, &last);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    conversation.visitor_read_seq = command->read_seq < last.seq ? command->read_seq : last.seq;
    respond_marks(loop, request, &conversation);
    return OK;
}

static enum error respond_read(struct api_loop *loop, struct txn *txn, struct request *request,
                               const struct log_entry *entry)
{
    struct conversation conversation;
    struct command command;
    if (is_to_be_silenced(txn, entry, &command))
        return respond_silence(loop, txn, request, &command.conversation_read);
    enum error error = entry->error;
    if (error == OK)
        error = txn == NULL ? ERR_BUSY : conversation_get(txn, entry->outcome.id, &conversation);
    if (error == OK)
        respond_marks(loop, request, &conversation);
    return error;
}

static void on_read(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    enum error error = respond_read(loop, txn, request, entry);
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

/* Marks move on only, and not beyond the last message; one that would not move is not written for. */
static enum error would_move(struct call *call, const struct conversation *conversation, uint64_t seq, bool *out)
{
    struct message last = {.seq = 0};
    uint64_t mark = call->by_org ? conversation->agent_read_seq : conversation->visitor_read_seq;
    enum error error = message_get_last(call->txn, conversation->id, &last);
    *out = error == OK && mark < (seq < last.seq ? seq : last.seq);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Nothing is written, but somebody was there. */
static void note_reader(struct call *call)
{
    if (call->by_org)
        presence_note(call->loop, call->org.id, call->agent);
    touch_visitor(call);
}

static enum error mark(struct call *call, uint64_t seq)
{
    struct conversation conversation;
    struct id id;
    bool moves;
    enum error error = path_id(call, &id);
    if (error == OK)
        error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = call_may_read(call, &conversation);
    if (error == OK)
        error = would_move(call, &conversation, seq, &moves);
    if (error != OK)
        return error;
    if (!moves) {
        note_reader(call);
        respond_marks(call->loop, call->request, &conversation);
        return OK;
    }
    struct command command = {
        .kind = COMMAND_CONVERSATION_READ,
        .conversation_read = {.org = call->org.id,
                              .conversation = id,
                              .by_org = call->by_org,
                              .visitor_key = call->visitor_key,
                              .read_seq = seq,
                              .at_ms = call->now_ms,
                              .agent = call->agent},
    };
    return call_submit_heard(call, &command, on_read);
}

enum error handle_conversation_read(struct call *call)
{
    struct json_document *document;
    int64_t seq = 0;
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    if (document == NULL)
        return call_refuse(call, ERR_INVALID_JSON, "The body must be a JSON object with \"seq\".");
    bool is_seq = json_integer(json_member(json_root(document), "seq"), &seq) && seq >= 1;
    json_free(document);
    return is_seq ? mark(call, (uint64_t)seq)
                  : call_refuse(call, ERR_INVALID_FIELD,
                                "The field \"seq\" must be a whole number from 1 to 9223372036854775807.");
}

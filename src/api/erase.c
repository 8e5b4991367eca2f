/*
 * Being erased, at one's own wish or by the organisation: what would go (?preview=1), whether conversations stay
 * without their visitor (?conversations=anonymize), and the receipt afterwards. The receipt's id is nobody's: with it,
 * whoever was erased can be told from the log, and from what is kept of erasures, that it was, and what went.
 */
#include "api/internal.h"
#include "base/logline.h"

struct wish {
    bool is_preview, anonymizes;
};

static enum error read_wish(struct call *call, struct wish *out)
{
    struct bytes conversations;
    uint64_t preview;
    enum error error = query_uint(call, "preview", 0, 1, 0, &preview);
    if (error == OK)
        error = query_text(call, "conversations", &conversations);
    if (error != OK)
        return error;
    *out = (struct wish){.is_preview = preview == 1, .anonymizes = bytes_equal(conversations, BYTES("anonymize"))};
    return out->anonymizes || conversations.data == NULL || bytes_equal(conversations, BYTES("delete"))
               ? OK
               : call_refuse(call, ERR_INVALID_QUERY, "The parameter \"conversations\" must be delete or anonymize.");
}

/* ---- counts ---- */

struct counts {
    uint64_t visitors, conversations, messages, anonymized;
};

static void put_counts(struct buffer *json, const struct counts *counts)
{
    json_member_integer(json, "visitors", (int64_t)counts->visitors);
    json_member_integer(json, "conversations", (int64_t)counts->conversations);
    json_member_integer(json, "messages", (int64_t)counts->messages);
    json_member_integer(json, "anonymizedConversations", (int64_t)counts->anonymized);
}

/* Along the chain, as far as one answer looks; *complete: to its end. */
static enum error count_messages(struct call *call, const struct visitor *visitor, uint64_t *out, bool *complete)
{
    struct id at = visitor->last_conversation;
    *out = 0;
    for (unsigned looked = 0; !id_is_none(at) && looked < LIST_ENTRIES_MAX; ++looked) {
        struct conversation conversation;
        struct conversation_activity activity;
        enum error error = conversation_get(call->txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(call->txn, &conversation, &activity);
        if (error != OK)
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        *out += activity.message_count;
        at = conversation.previous_of_visitor;
    }
    *complete = id_is_none(at);
    if (!*complete)
        count(&call->loop->figures.limited[LIMIT_LIST_ENTRIES], 1);
    return OK;
}

static enum error preview(struct call *call, const struct visitor *visitor, const struct wish *wish)
{
    struct buffer *json = &call->loop->json;
    struct counts counts = {.visitors = 1};
    bool complete = true;
    enum error error = wish->anonymizes ? OK : count_messages(call, visitor, &counts.messages, &complete);
    if (error != OK)
        return error;
    *(wish->anonymizes ? &counts.anonymized : &counts.conversations) = visitor->conversation_count;
    json_open(json, '{');
    put_counts(json, &counts);
    json_member_bool(json, "complete", complete);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

/* ---- the receipt ---- */

static void respond_receipt(struct api_loop *loop, struct request *request, struct id receipt, int64_t at_ms,
                            const struct counts *counts)
{
    struct buffer *json = &loop->json;
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "receipt", receipt);
    json_member_time(json, "erasedAt", at_ms);
    put_counts(json, counts);
    json_close(json, '}');
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(json));
}

/* The command carries the receipt's id, and its outcome brings it back. */
static void respond_outcome(struct api_loop *loop, struct request *request, const struct outcome *outcome,
                            const char *event)
{
    char text[ID_TEXT_LEN + 1] = "";
    struct counts counts = {1, outcome->erased_conversations, outcome->erased_messages,
                            outcome->anonymized_conversations};
    id_format(outcome->receipt, text);
    log_line(LOG_INFO, event, LOG_TEXT("receipt", text), LOG_NUMBER("conversations", counts.conversations),
             LOG_NUMBER("messages", counts.messages), LOG_NUMBER("anonymized", counts.anonymized));
    respond_receipt(loop, request, outcome->receipt, outcome->at_ms, &counts);
}

static struct command command_of(struct call *call, const struct visitor *visitor, const struct wish *wish)
{
    return (struct command){
        .kind = COMMAND_VISITOR_ERASE,
        .visitor_erase = {.org = call->org.id,
                          .visitor_key = visitor->visitor_key,
                          .at_ms = call->now_ms,
                          .visitor = visitor->id,
                          .anonymizes = wish->anonymizes,
                          .receipt = id_make(call->now_ms, &call->loop->random),
                          .by = call_actor(call),
                          .from = request_address_text(call->request)},
    };
}

/* ---- by the visitor itself ---- */

/* Whoever is not there is erased: asking again changes nothing, and is no mistake. */
static void respond_nobody(struct api_loop *loop, struct request *request)
{
    int64_t now_ms = clock_now_ms();
    respond_receipt(loop, request, id_make(now_ms, &loop->random), now_ms, &(struct counts){0});
}

static void on_self_erased(struct api_loop *loop, struct txn *txn, struct request *request,
                           const struct log_entry *entry)
{
    struct org org;
    if (entry->error != OK) {
        respond_nobody(loop, request);
        return;
    }
    if (txn != NULL && org_get(txn, entry->outcome.event.org, &org) == OK)
        cookie_forget(loop, request, org.key);
    respond_outcome(loop, request, &entry->outcome, "a visitor was erased at its own wish");
}

static enum error erase_self(struct call *call, const struct wish *wish)
{
    struct visitor visitor;
    enum error error = call_self(call, &visitor);
    if (error == ERR_NOT_FOUND && !wish->is_preview) {
        cookie_forget(call->loop, call->request, call->org.key);
        respond_nobody(call->loop, call->request);
        return OK;
    }
    if (error != OK || wish->is_preview)
        return error == OK ? preview(call, &visitor, wish) : error;
    struct command command = command_of(call, &visitor, wish);
    command.visitor_erase.by_visitor = !call->by_org;
    return call_submit_heard(call, &command, on_self_erased);
}

enum error handle_self_erase(struct call *call)
{
    struct wish wish;
    enum error error = read_wish(call, &wish);
    return error == OK ? erase_self(call, &wish) : error;
}

/* ---- by the organisation ---- */

static void on_erased(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)txn;
    respond_outcome(loop, request, &entry->outcome, "a visitor was erased by the organisation");
}

enum error handle_visitor_erase(struct call *call)
{
    struct wish wish;
    struct visitor visitor;
    enum error error = read_wish(call, &wish);
    if (error == OK)
        error = path_visitor(call, &visitor);
    if (error != OK || wish.is_preview)
        return error == OK ? preview(call, &visitor, &wish) : error;
    struct command command = command_of(call, &visitor, &wish);
    return call_submit(call, &command, on_erased);
}

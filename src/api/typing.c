/* POST /conversations/:id/typing: a moment that nothing is kept of. */
#include "api/internal.h"

static enum error read_typing(struct call *call, bool *out)
{
    struct json_document *document;
    *out = true;
    enum error error = body_object(call, &document);
    if (error != OK || document == NULL)
        return error;
    const struct json_value *value = json_member(json_root(document), "typing");
    bool is_valid = value == NULL || json_bool(value, out);
    json_free(document);
    return is_valid ? OK : call_refuse(call, ERR_INVALID_FIELD, "The field \"typing\" must be true or false.");
}

static void tell(struct call *call, const struct conversation *conversation, bool on)
{
    news_tell(call->loop,
              &(struct event){
                  .kind = EVENT_TYPING,
                  .by_org = call->by_org,
                  .on = on,
                  .agent = call->agent,
                  .org = call->org.id,
                  .visitor = conversation->visitor,
                  .conversation = conversation->id,
              },
              false);
    if (call->by_org)
        presence_note(call->loop, call->org.id, call->agent);
}

enum error handle_typing(struct call *call)
{
    struct conversation conversation;
    struct id id;
    bool on, is_silent;
    enum error error = read_typing(call, &on);
    if (error == OK)
        error = path_id(call, &id);
    if (error == OK)
        error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = call_may_read(call, &conversation);
    if (error == OK)
        error = rate_limit(call, LIMITED_TYPING);
    if (error == OK)
        error = call_is_blocked(call, &is_silent);
    if (error != OK)
        return error;
    if (!is_silent)
        tell(call, &conversation, on);
    request_respond(call->request, 204, NULL, BYTES_NONE);
    return OK;
}

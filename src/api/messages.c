/* POST /conversations/:id/messages. Whose conversation it is, is asked inside the command, in one pass over the tables.
 */
#include "api/internal.h"

static enum error text_field(struct call *call, const struct json_value *root, const char *name, bool required,
                             const char *sentence, struct bytes *out)
{
    const struct json_value *value = json_member(root, name);
    *out = BYTES_NONE;
    if (value == NULL && !required)
        return OK;
    return json_string(value, out) ? OK : call_refuse(call, ERR_INVALID_FIELD, sentence);
}

static enum error read_role(struct call *call, const struct json_value *root, struct bytes *role)
{
    static const char sentence[] = "The field \"role\" must be \"user\" or \"assistant\".";
    enum error error = text_field(call, root, "role", true, sentence, role);
    if (error != OK || bytes_equal(*role, BYTES("user")))
        return error;
    if (!bytes_equal(*role, BYTES("assistant")))
        return call_refuse(call, ERR_INVALID_FIELD, sentence);
    return call->by_org ? OK : ERR_ROLE_FORBIDDEN;
}

static enum error read_content(struct call *call, const struct json_value *root, struct bytes *content)
{
    static const char sentence[] = "The field \"content\" must be a text of 1 to 32768 bytes.";
    enum error error = text_field(call, root, "content", true, sentence, content);
    if (error != OK)
        return error;
    if (content->len > MESSAGE_CONTENT_LEN_MAX)
        return call_refuse(call, ERR_BODY_TOO_LARGE, sentence);
    return content->len == 0 ? call_refuse(call, ERR_INVALID_FIELD, sentence) : OK;
}

static enum error read_client_id(struct call *call, const struct json_value *root, struct bytes *client_id)
{
    static const char sentence[] = "The field \"clientId\" must be a text of 1 to 64 visible ASCII characters.";
    enum error error = text_field(call, root, "clientId", false, sentence, client_id);
    if (error != OK || client_id->data == NULL)
        return error;
    bool valid = client_id->len >= 1 && client_id->len <= CLIENT_ID_LEN_MAX;
    for (size_t i = 0; i < client_id->len && valid; ++i)
        valid = client_id->data[i] >= 0x21 && client_id->data[i] <= 0x7e;
    return valid ? OK : call_refuse(call, ERR_INVALID_FIELD, sentence);
}

/* Reads the message again from the snapshot that holds it: the same bytes for a fresh one and for a repeated one. It is
 * not found when its organisation has been deleted in the meantime. */
static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct message message;
    struct buffer *json = &loop->json;
    enum error error = txn == NULL ? ERR_BUSY : message_get(txn, entry->outcome.id, entry->outcome.seq, &message);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(json);
    render_message(json, &message);
    request_respond(request, entry->outcome.replayed ? 200 : 201, CONTENT_TYPE_JSON, buffer_view(json));
}

static enum error submit_message(struct call *call, const struct json_value *root, struct id conversation)
{
    struct command command = {.kind = COMMAND_MESSAGE_CREATE};
    struct message_create *create = &command.message_create;
    enum error error = read_role(call, root, &create->role);
    if (error == OK)
        error = read_content(call, root, &create->content);
    if (error == OK)
        error = read_client_id(call, root, &create->client_id);
    if (error == OK)
        error = rate_limit(call, LIMITED_MESSAGES);
    if (error != OK)
        return error;
    create->org = call->org.id;
    create->conversation = conversation;
    create->message = id_make(call->now_ms, &call->loop->random);
    create->at_ms = call->now_ms;
    create->by_org = call->by_org;
    create->visitor_key = call->visitor_key;
    if (call->visitor_key.data != NULL) {
        create->visitor = id_make(call->now_ms, &call->loop->random);
        create->user_agent = call->by_org ? BYTES_NONE : call_user_agent(call);
        create->address = call_kept_address(call);
    }
    return call_submit(call, &command, on_created);
}

enum error handle_message_create(struct call *call)
{
    struct json_document *document;
    struct id conversation;
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    if (document == NULL)
        return call_refuse(call, ERR_INVALID_JSON, "The body must be a JSON object with \"role\" and \"content\".");
    error = path_id(call, &conversation);
    if (error == OK)
        error = submit_message(call, json_root(document), conversation);
    json_free(document);
    return error;
}

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

static void respond_message(struct api_loop *loop, struct request *request, const struct message *message, int status,
                            enum viewer viewer)
{
    buffer_clear(&loop->json);
    render_message(&loop->json, message, viewer);
    request_respond(request, status, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

/* As if it had been written. */
static void respond_silence(struct api_loop *loop, struct txn *txn, struct request *request,
                            const struct message_create *command)
{
    struct message message = {
        .conversation = command->conversation,
        .id = command->message,
        .role = command->role,
        .content = command->content,
        .at_ms = command->at_ms,
        .client_id = command->client_id,
    };
    uint64_t seq;
    if (meta_get_u64(txn, META_SEQ, &seq) == OK)
        message.seq = seq + 1;
    respond_message(loop, request, &message, 201, VIEWER_VISITOR);
}

/* Reads the message again from the snapshot that holds it: the same bytes for a fresh one and for a repeated one. It is
 * not found when its organisation has been deleted in the meantime. */
static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct message message;
    struct command command;
    const enum viewer *viewer = entry_kept(entry);
    if (is_to_be_silenced(txn, entry, &command)) {
        respond_silence(loop, txn, request, &command.message_create);
        return;
    }
    enum error error = entry->error;
    if (error == OK)
        error = txn == NULL ? ERR_BUSY : message_get(txn, entry->outcome.id, entry->outcome.seq, &message);
    if (error == OK)
        respond_message(loop, request, &message, entry->outcome.replayed ? 200 : 201, *viewer);
    else
        respond_error(request, error, NULL, 0);
}

static enum error submit_message(struct call *call, const struct json_value *root, struct id conversation)
{
    struct command command = {.kind = COMMAND_MESSAGE_CREATE};
    struct message_create *create = &command.message_create;
    enum viewer viewer = call_viewer(call);
    enum error error = read_role(call, root, &create->role);
    if (error == OK)
        error = read_content(call, root, &create->content);
    if (error == OK)
        error = field_client_id(call, root, &create->client_id);
    if (error == OK)
        error = rate_limit(call, LIMITED_MESSAGES);
    if (error != OK)
        return error;
    create->org = call->org.id;
    create->conversation = conversation;
    create->message = id_make(call->now_ms, &call->loop->random);
    create->at_ms = call->now_ms;
    create->by_org = call->by_org;
    create->agent = call->agent;
    create->visitor_key = call->visitor_key;
    if (call->visitor_key.data != NULL) {
        create->visitor = id_make(call->now_ms, &call->loop->random);
        create->user_agent = call->by_org ? BYTES_NONE : call_user_agent(call);
        create->address = call_kept_address(call);
    }
    return call_submit_keeping(call, &command, on_created, &viewer, sizeof(viewer));
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

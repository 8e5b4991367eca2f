/* /tokens: credentials of the organisation's own programs. A token is shown once; what is kept is a hash. */
#include "api/internal.h"

static bool is_of_org(const struct call *call, struct bytes key, struct bytes value, struct token *out)
{
    size_t offset = 0;
    out->id = key_get_id(key, &offset);
    return record_decode(RECORD_TOKENS, value, out) == OK && id_equal(out->org, call->org.id);
}

/* There are few in all of the server: an index by organisation would be looked at as seldom as this. */
enum error call_each_token(struct call *call, token_visit *visit, void *context)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(call->txn, TABLE_TOKENS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        struct token token;
        if (is_of_org(call, key, value, &token))
            visit(context, &token);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- listing ---- */

static void render_token(void *context, const struct token *token)
{
    struct buffer *json = context;
    json_element(json);
    json_open(json, '{');
    member_id(json, "id", token->id);
    json_member_string(json, "name", token->name);
    json_member_string(json, "scope", scope_word(token->scope));
    json_member_time(json, "createdAt", token->created_at_ms);
    render_moment(json, BYTES("expiresAt"), token->expires_at_ms);
    render_moment(json, BYTES("lastUsedAt"), token->used_at_ms);
    json_close(json, '}');
}

enum error handle_token_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    json_open(json, '{');
    json_key(json, BYTES("tokens"));
    json_open(json, '[');
    enum error error = call_each_token(call, render_token, json);
    json_close(json, ']');
    json_close(json, '}');
    if (error == OK)
        call_respond(call, 200, json);
    return error;
}

/* ---- creating ---- */

static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct buffer *json = &loop->json;
    (void)txn;
    if (entry->error != OK) {
        respond_error(request, entry->error, NULL, 0);
        return;
    }
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "id", entry->outcome.id);
    json_member_string(json, "token", bytes_view(entry_kept(entry), TOKEN_TEXT_LEN));
    json_close(json, '}');
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(json));
}

static enum error read_token(struct call *call, const struct json_value *root, struct token_create *out)
{
    enum error error = field_text_needed(call, root, "name", 1, ORG_NAME_LEN_MAX, &out->name);
    if (error == OK)
        error = field_text_needed(call, root, "scope", 1, 16, &out->scope);
    if (error == OK && scope_level(out->scope) == LEVEL_NONE)
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"scope\" must be read, write or admin.");
    if (error == OK)
        error = field_time(call, root, "expiresAt", &out->expires_at_ms);
    if (error == OK && out->expires_at_ms != 0 && out->expires_at_ms <= call->now_ms)
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"expiresAt\" must lie in the future.");
    return error;
}

static enum error create_token(struct call *call, const struct json_value *root)
{
    char text[TOKEN_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    struct id id = id_make(call->now_ms, &call->loop->random);
    struct command command = {
        .kind = COMMAND_TOKEN_CREATE,
        .token_create = {.token = id,
                         .org = call->org.id,
                         .secret_hash = bytes_view(hash, sizeof(hash)),
                         .at_ms = call->now_ms,
                         .by = call_actor(call),
                         .from = request_address_text(call->request)},
    };
    enum error error = read_token(call, root, &command.token_create);
    if (error != OK)
        return error;
    token_make(id, &call->loop->random, text, hash);
    return call_submit_keeping(call, &command, on_created, text, sizeof(text));
}

enum error handle_token_new(struct call *call)
{
    return call_with_body(call, create_token);
}

/* ---- revoking ---- */

enum error handle_token_end(struct call *call)
{
    struct id id;
    if (!id_parse(request_path_param(call->request, 0), &id))
        return ERR_NOT_FOUND;
    return call_submit(call,
                       &(struct command){.kind = COMMAND_TOKEN_REVOKE,
                                         .token_revoke = {.org = call->org.id,
                                                          .token = id,
                                                          .at_ms = call->now_ms,
                                                          .by = call_actor(call),
                                                          .from = request_address_text(call->request)}},
                       respond_done);
}

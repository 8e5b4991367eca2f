/* /agents: who answers, and as what. An admin invites and removes; what is about owners is for owners. */
#include "api/internal.h"

/* ---- listing ---- */

static void render_agent(struct call *call, const struct agent *agent, const struct member *member)
{
    struct buffer *json = &call->loop->json;
    json_element(json);
    json_open(json, '{');
    member_id(json, "id", agent->id);
    json_member_string(json, "name", agent->name);
    json_member_string(json, "role", member->role);
    json_member_string(json, "email", agent->email);
    json_member_bool(json, "disabled", agent->disabled);
    json_member_bool(json, "invited", agent->password_hash.data == NULL);
    json_member_bool(json, "online", api_agent_is_online(call->loop, call->org.id, agent->id));
    if (call->level >= LEVEL_ADMIN) {
        json_member_bool(json, "secondFactor", agent->totp_secret.data != NULL);
        render_moment(json, BYTES("lastLoginAt"), agent->logged_in_at_ms);
    }
    json_member_time(json, "createdAt", member->created_at_ms);
    json_close(json, '}');
}

enum error handle_agent_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct bytes key, value;
    struct cursor *cursor = cursor_open(call->txn, TABLE_MEMBERS);
    enum error error = cursor_seek(cursor, id_view(&call->org.id), &key, &value);
    json_open(json, '{');
    json_key(json, BYTES("agents"));
    json_open(json, '[');
    while (error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0) {
        struct member member;
        struct agent agent;
        error = member_decode(key, value, &member);
        if (error == OK && agent_get(call->txn, member.agent, &agent) == OK)
            render_agent(call, &agent, &member);
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    json_close(json, ']');
    json_close(json, '}');
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    call_respond(call, 200, json);
    return OK;
}

/* ---- rights among agents ---- */

static enum error read_role(struct call *call, const struct json_value *root, struct bytes *out)
{
    enum error error = field_text_needed(call, root, "role", 1, 16, out);
    if (error == OK && role_level(*out) == LEVEL_NONE)
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"role\" must be agent, admin or owner.");
    if (error == OK && role_level(*out) > call->level)
        return call_refuse(call, ERR_RIGHT_FORBIDDEN, "Only an owner makes owners.");
    return error;
}

/* The member that the path names. What is not of this organisation is not there. */
static enum error read_member(struct call *call, struct member *out)
{
    struct id id;
    if (!id_parse(request_path_param(call->request, 0), &id))
        return ERR_NOT_FOUND;
    enum error error = member_get(call->txn, call->org.id, id, out);
    if (error == OK && role_level(out->role) > call->level)
        return call_refuse(call, ERR_RIGHT_FORBIDDEN, "Only an owner changes what is about owners.");
    return error;
}

/* ---- inviting ---- */

static void put_link(struct buffer *json, const char *link)
{
    json_key(json, BYTES("link"));
    buffer_printf(json, "\"/account#%.*s\"", (int)LINK_TEXT_LEN, link);
}

static void on_invited(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct buffer *json = &loop->json;
    (void)txn;
    if (entry->error != OK) {
        respond_error(request, entry->error,
                      entry->error == ERR_CONFLICT ? "This is an agent of the organisation already." : NULL, 0);
        return;
    }
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "id", entry->outcome.id);
    put_link(json, entry_kept(entry));
    json_close(json, '}');
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(json));
}

static enum error invite(struct call *call, const struct json_value *root)
{
    char link[LINK_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    struct random_pool *pool = &call->loop->random;
    struct command command = {
        .kind = COMMAND_AGENT_CREATE,
        .agent_create = {.agent = id_make(call->now_ms, pool),
                         .org = call->org.id,
                         .link = id_make(call->now_ms, pool),
                         .link_hash = bytes_view(hash, sizeof(hash)),
                         .link_expires_at_ms = call->now_ms + INVITATION_KEPT_MS,
                         .at_ms = call->now_ms,
                         .by = call_actor(call),
                         .from = request_address_text(call->request)},
    };
    struct agent_create *create = &command.agent_create;
    enum error error = field_email(call, root, "email", &create->email);
    if (error == OK)
        error = field_text_needed(call, root, "name", 1, AGENT_NAME_LEN_MAX, &create->name);
    if (error == OK)
        error = read_role(call, root, &create->role);
    if (error != OK)
        return error;
    link_make(create->link, pool, link, hash);
    return call_submit_keeping(call, &command, on_invited, link, sizeof(link));
}

enum error handle_agent_invite(struct call *call)
{
    return call_with_body(call, invite);
}

/* ---- a new link ---- */

static void on_link(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct buffer *json = &loop->json;
    (void)txn;
    if (entry->error != OK) {
        respond_error(
            request, entry->error,
            entry->error == ERR_RIGHT_FORBIDDEN
                ? "This agent has chosen a password, or is one of another organisation too; only the server's "
                  "operator can give it a link."
                : NULL,
            0);
        return;
    }
    buffer_clear(json);
    json_open(json, '{');
    put_link(json, entry_kept(entry));
    json_close(json, '}');
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(json));
}

/* Only for an invitation: an admin who could reset a password could enter every organisation of that agent. */
enum error handle_agent_link(struct call *call)
{
    struct member member;
    char link[LINK_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    enum error error = read_member(call, &member);
    if (error != OK)
        return error;
    struct id id = id_make(call->now_ms, &call->loop->random);
    link_make(id, &call->loop->random, link, hash);
    struct command command = {
        .kind = COMMAND_LINK_CREATE,
        .link_create = {.link = id,
                        .kind = BYTES("invitation"),
                        .agent = member.agent,
                        .secret_hash = bytes_view(hash, sizeof(hash)),
                        .expires_at_ms = call->now_ms + INVITATION_KEPT_MS,
                        .at_ms = call->now_ms,
                        .by = call_actor(call),
                        .from = request_address_text(call->request),
                        .org = call->org.id},
    };
    return call_submit_keeping(call, &command, on_link, link, sizeof(link));
}

/* ---- roles, and the end ---- */

static enum error set_role(struct call *call, const struct json_value *root)
{
    struct member member;
    struct bytes role;
    enum error error = read_member(call, &member);
    if (error == OK)
        error = read_role(call, root, &role);
    if (error != OK)
        return error;
    return call_submit(call,
                       &(struct command){.kind = COMMAND_MEMBER_SET,
                                         .member_set = {.org = call->org.id,
                                                        .agent = member.agent,
                                                        .role = role,
                                                        .at_ms = call->now_ms,
                                                        .by = call_actor(call),
                                                        .from = request_address_text(call->request)}},
                       respond_done);
}

enum error handle_agent_role(struct call *call)
{
    return call_with_body(call, set_role);
}

enum error handle_agent_remove(struct call *call)
{
    struct member member;
    enum error error = read_member(call, &member);
    if (error != OK)
        return error;
    return call_submit(call,
                       &(struct command){.kind = COMMAND_MEMBER_REMOVE,
                                         .member_remove = {.org = call->org.id,
                                                           .agent = member.agent,
                                                           .at_ms = call->now_ms,
                                                           .by = call_actor(call),
                                                           .from = request_address_text(call->request)}},
                       respond_done);
}

/*
 * /agents/me: one's own name and password; and links that are good once, by which a password is chosen: to set up a new
 * server, to accept an invitation, or because the old one is forgotten. A link's secret travels in the part of an
 * address behind '#', which browsers send to nobody, and from there in a body.
 */
#include <sodium.h>

#include "api/login.h"

#define LINK_PREFIX "hvl_"

void link_make(struct id id, struct random_pool *pool, char text[LINK_TEXT_LEN + 1],
               unsigned char hash[SECRET_HASH_LEN])
{
    credential_make(LINK_PREFIX, id, pool, text, hash);
}

/* ---- oneself ---- */

static enum error rename_me(struct call *call, const struct json_value *root)
{
    struct bytes name;
    enum error error = field_text_needed(call, root, "name", 1, AGENT_NAME_LEN_MAX, &name);
    if (error != OK)
        return error;
    return call_submit(call,
                       &(struct command){.kind = COMMAND_AGENT_UPDATE,
                                         .agent_update = {.agent = call->agent,
                                                          .name = name,
                                                          .at_ms = call->now_ms,
                                                          .by = call->agent,
                                                          .from = request_address_text(call->request)}},
                       respond_done);
}

enum error handle_me_update(struct call *call)
{
    return call_with_body(call, rename_me);
}

/* ---- a new password, by the old one ---- */

struct password_change {
    struct id agent, session, link; /* one of session and link */
    struct login_try try;
    size_t name_len, new_len;
    char name[AGENT_NAME_LEN_MAX];
    char new_password[PASSWORD_LEN_MAX];
};

/* What others have failed at was another password: else they could keep whoever has lost it out for ever. */
static void forgive(struct api_loop *loop, struct txn *txn, struct id id)
{
    struct login_guard *guard = loop->api->login_guard;
    struct agent agent;
    if (txn == NULL || agent_get(txn, id, &agent) != OK)
        return;
    login_guard_forgive(guard, login_guard_account(guard, agent.email, false), login_clock_ms());
    login_guard_forgive(guard, login_guard_account(guard, agent.email, true), login_clock_ms());
}

static void on_password_set(struct api_loop *loop, struct txn *txn, struct request *request,
                            const struct log_entry *entry)
{
    if (entry->error != OK) {
        respond_error(request, entry->error == ERR_NOT_FOUND ? ERR_LINK_INVALID : entry->error, NULL, 0);
        return;
    }
    forgive(loop, txn, entry->outcome.id);
    request_respond(request, 204, NULL, BYTES_NONE);
}

static void on_hashed(struct api_loop *loop, struct request *request, const struct password_job *job)
{
    const struct password_change *change = (const struct password_change *)job->extra;
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    if (request == NULL)
        return;
    struct command command = {
        .kind = COMMAND_AGENT_PASSWORD,
        .agent_password = {.agent = change->agent,
                           .password_hash = bytes_of_string(job->hash),
                           .session = change->session,
                           .link = change->link,
                           .name = change->name_len == 0 ? BYTES_NONE : bytes_view(change->name, change->name_len),
                           .at_ms = call.now_ms,
                           .by = change->agent,
                           .from = request_address_text(request)},
    };
    enum error error = job->matches ? call_submit_heard(&call, &command, on_password_set) : ERR_BUSY;
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

static void on_old_compared(struct api_loop *loop, struct request *request, const struct password_job *job)
{
    const struct password_change *change = (const struct password_change *)job->extra;
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    enum error error = login_settle(loop, request, &change->try, job->matches ? OK : ERR_PASSWORD_WRONG);
    if (request == NULL)
        return;
    if (error == OK)
        error =
            password_hash(&call, bytes_view(change->new_password, change->new_len), on_hashed, change, sizeof(*change));
    if (error != OK)
        respond_error(request, error, call.sentence, 0);
}

static enum error read_new_password(struct call *call, const struct json_value *root, const char *field,
                                    struct bytes email, struct password_change *change)
{
    struct bytes password;
    enum error error = field_text_needed(call, root, field, 1, PASSWORD_LEN_MAX, &password);
    const char *complaint = error == OK ? password_complaint(password, email) : NULL;
    if (complaint != NULL)
        return call_refuse(call, ERR_INVALID_FIELD, complaint);
    if (error == OK) {
        change->new_len = password.len;
        memcpy(change->new_password, password.data, password.len);
    }
    return error;
}

static enum error change_password(struct call *call, const struct json_value *root)
{
    struct password_change change = {.agent = call->agent, .session = call->session};
    struct login_account account = login_own_account(call);
    struct bytes password;
    enum error error = field_text_needed(call, root, "password", 1, PASSWORD_LEN_MAX, &password);
    if (error == OK)
        error = read_new_password(call, root, "newPassword", account.email, &change);
    if (error == OK)
        error = login_compare(call, &account, password, on_old_compared, &change.try, &change, sizeof(change));
    sodium_memzero(&change, sizeof(change));
    return error;
}

enum error handle_me_password(struct call *call)
{
    return call_with_body(call, change_password);
}

/* ---- links ---- */

/* The link that the body's "token" is. ERR_LINK_INVALID, whatever is wrong with it. */
static enum error read_link(struct call *call, const struct json_value *root, struct link *out)
{
    struct bytes text, secret;
    struct id id;
    enum error error = field_text_needed(call, root, "token", 1, 200, &text);
    if (error != OK)
        return error;
    if (!credential_parse(LINK_PREFIX, text, &id, &secret))
        return ERR_LINK_INVALID;
    error = link_get(call->txn, id, out);
    if (error == ERR_NOT_FOUND ||
        (error == OK && (!credential_matches(secret, out->secret_hash) || call->now_ms >= out->expires_at_ms)))
        return ERR_LINK_INVALID;
    return error;
}

static enum error show_link(struct call *call, const struct json_value *root)
{
    struct buffer *json = &call->loop->json;
    struct link link;
    struct agent agent = {.email = BYTES_NONE};
    enum error error = read_link(call, root, &link);
    if (error == OK && !id_is_none(link.agent))
        error = agent_get(call->txn, link.agent, &agent);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_LINK_INVALID : error;
    json_open(json, '{');
    json_member_string(json, "kind", link.kind);
    json_member_time(json, "expiresAt", link.expires_at_ms);
    render_text(json, BYTES("email"), agent.email);
    render_text(json, BYTES("name"), agent.name);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

/* A body in place of an address's part: what stands in addresses stands in logs too. */
enum error handle_link_show(struct call *call)
{
    return call_with_body(call, show_link);
}

/* By an invitation or a reset. */
static enum error choose_password(struct call *call, const struct json_value *root)
{
    struct password_change change = {.session = ID_NONE};
    struct link link;
    struct agent agent;
    struct bytes name;
    enum error error = read_link(call, root, &link);
    if (error == OK && id_is_none(link.agent))
        error = ERR_LINK_INVALID;
    if (error == OK)
        error = agent_get(call->txn, link.agent, &agent);
    if (error == OK)
        error = read_new_password(call, root, "password", agent.email, &change);
    if (error == OK)
        error = field_text(call, root, "name", 1, AGENT_NAME_LEN_MAX, &name);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_LINK_INVALID : error;
    change.agent = link.agent;
    change.link = link.id;
    change.name_len = name.len;
    if (name.len != 0)
        memcpy(change.name, name.data, name.len);
    error = password_hash(call, bytes_view(change.new_password, change.new_len), on_hashed, &change, sizeof(change));
    sodium_memzero(&change, sizeof(change));
    return error;
}

enum error handle_password_choose(struct call *call)
{
    enum error error = refuse_other_sites(call);
    return error == OK ? call_with_body(call, choose_password) : error;
}

/* ---- the first owner ---- */

struct setting_up {
    struct id link;
    size_t email_len, name_len, key_len, org_name_len;
    char email[EMAIL_LEN_MAX], name[AGENT_NAME_LEN_MAX], key[ORG_KEY_LEN_MAX], org_name[ORG_NAME_LEN_MAX];
};

static void on_set_up(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct buffer *json = &loop->json;
    (void)txn;
    if (entry->error != OK) {
        bool is_late = entry->error == ERR_NOT_FOUND;
        respond_error(request, is_late ? ERR_LINK_INVALID : entry->error,
                      is_late ? NULL : "The server is set up already, or the organisation has members.", 0);
        return;
    }
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "agentId", entry->outcome.id);
    json_close(json, '}');
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(json));
}

static void on_owner_hashed(struct api_loop *loop, struct request *request, const struct password_job *job)
{
    const struct setting_up *it = (const struct setting_up *)job->extra;
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    if (request == NULL)
        return;
    struct command command = {
        .kind = COMMAND_SET_UP,
        .set_up = {.link = it->link,
                   .agent = id_make(call.now_ms, &loop->random),
                   .email = bytes_view(it->email, it->email_len),
                   .name = bytes_view(it->name, it->name_len),
                   .password_hash = bytes_of_string(job->hash),
                   .org = id_make(call.now_ms, &loop->random),
                   .org_key = bytes_view(it->key, it->key_len),
                   .org_name = bytes_view(it->org_name, it->org_name_len),
                   .at_ms = call.now_ms,
                   .from = request_address_text(request)},
    };
    enum error error = job->matches ? call_submit_heard(&call, &command, on_set_up) : ERR_BUSY;
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

static void keep_text(struct bytes text, char *to, size_t *len)
{
    *len = text.len;
    if (text.len != 0)
        memcpy(to, text.data, text.len);
}

static enum error read_setting_up(struct call *call, const struct json_value *root, struct setting_up *out)
{
    struct bytes email, name, key, org_name;
    enum error error = field_email(call, root, "email", &email);
    if (error == OK)
        error = field_text_needed(call, root, "name", 1, AGENT_NAME_LEN_MAX, &name);
    if (error == OK)
        error = field_text_needed(call, root, "orgName", 1, ORG_NAME_LEN_MAX, &org_name);
    if (error == OK)
        error = field_text_needed(call, root, "orgKey", 1, ORG_KEY_LEN_MAX, &key);
    if (error == OK && !org_key_is_valid(key))
        error = call_refuse(call, ERR_INVALID_FIELD,
                            "The field \"orgKey\" must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -.");
    if (error != OK)
        return error;
    keep_text(email, out->email, &out->email_len);
    keep_text(name, out->name, &out->name_len);
    keep_text(key, out->key, &out->key_len);
    keep_text(org_name, out->org_name, &out->org_name_len);
    return OK;
}

static enum error set_up(struct call *call, const struct json_value *root)
{
    struct setting_up it;
    struct password_change password;
    struct link link;
    enum error error = read_link(call, root, &link);
    if (error == OK && !id_is_none(link.agent))
        error = ERR_LINK_INVALID;
    if (error == OK)
        error = read_setting_up(call, root, &it);
    if (error == OK)
        error = read_new_password(call, root, "password", bytes_view(it.email, it.email_len), &password);
    if (error != OK)
        return error;
    it.link = link.id;
    error = password_hash(call, bytes_view(password.new_password, password.new_len), on_owner_hashed, &it, sizeof(it));
    sodium_memzero(&password, sizeof(password));
    return error;
}

enum error handle_set_up(struct call *call)
{
    enum error error = refuse_other_sites(call);
    return error == OK ? call_with_body(call, set_up) : error;
}

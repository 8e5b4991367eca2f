/*
 * POST and GET /session: logging in, and who one is. A wrong password and an address that nobody has get the same
 * answer after the same time; each failure makes the next try wait longer (login_try.c). The second factor is asked
 * for only once the password is right, and is used up inside the command, so two requests can't share a code.
 */
#include <sodium.h>

#include "api/credential.h"
#include "api/internal.h"
#include "api/login.h"

/* What a log-in carries to where the password has been compared. */
struct login {
    struct id agent; /* ID_NONE: nobody has the address */
    struct login_try try;
    size_t code_len;
    char code[CODE_LEN_MAX];
};

/* ---- the answer ---- */

static enum error render_orgs(struct buffer *json, struct txn *txn, struct id agent)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_MEMBER_BY_AGENT);
    enum error error = cursor_seek(cursor, id_view(&agent), &key, NULL);
    json_key(json, BYTES("organizations"));
    json_open(json, '[');
    while (error == OK && memcmp(key.data, agent.bytes, ID_LEN) == 0) {
        struct member member;
        struct org org;
        size_t offset = ID_LEN;
        struct id id = key_get_id(key, &offset);
        if (org_get(txn, id, &org) == OK && !org.deleted && member_get(txn, id, agent, &member) == OK) {
            json_element(json);
            json_open(json, '{');
            member_id(json, "id", org.id);
            json_member_string(json, "key", org.key);
            json_member_string(json, "name", org.name);
            json_member_string(json, "role", member.role);
            json_close(json, '}');
        }
        error = cursor_next(cursor, &key, NULL);
    }
    json_close(json, ']');
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error render_session(struct buffer *json, struct txn *txn, const struct agent *agent, struct bytes secret)
{
    char csrf[CSRF_TEXT_LEN + 1];
    uint64_t seq;
    enum error error = meta_get_u64(txn, META_SEQ, &seq);
    if (error != OK)
        return error;
    session_csrf(secret, csrf);
    json_open(json, '{');
    json_key(json, BYTES("agent"));
    json_open(json, '{');
    member_id(json, "id", agent->id);
    json_member_string(json, "email", agent->email);
    json_member_string(json, "name", agent->name);
    json_member_bool(json, "secondFactor", agent->totp_secret.data != NULL);
    json_member_integer(json, "recoveryCodesLeft", (int64_t)(agent->recovery_hashes.len / RECOVERY_HASH_LEN));
    json_close(json, '}');
    error = render_orgs(json, txn, agent->id);
    json_member_string(json, "csrfToken", bytes_view(csrf, CSRF_TEXT_LEN));
    json_member_integer(json, "seq", (int64_t)seq);
    json_close(json, '}');
    return error;
}

/* ---- the session ---- */

static void on_session(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    const char *credential = entry_kept(entry);
    struct session session;
    struct agent agent;
    struct id id;
    struct bytes secret, text = bytes_view(credential, CREDENTIAL_TEXT_LEN);
    enum error error = entry->error == ERR_CONFLICT    ? ERR_SECOND_FACTOR_INVALID
                       : entry->error == ERR_NOT_FOUND ? ERR_LOGIN_FAILED
                                                       : entry->error;
    if (error == OK)
        error = txn == NULL ? ERR_BUSY : session_get(txn, entry->outcome.id, &session);
    if (error == OK)
        error = agent_get(txn, session.agent, &agent);
    buffer_clear(&loop->json);
    credential_parse("", text, &id, &secret);
    if (error == OK)
        error = render_session(&loop->json, txn, &agent, secret);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    session_cookie_set(request, text);
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

static enum error begin_session(struct call *call, struct id agent, struct bytes password_hash,
                                const struct second_factor *factor)
{
    char credential[CREDENTIAL_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    struct id session = id_make(call->now_ms, &call->loop->random);
    credential_make("", session, &call->loop->random, credential, hash);
    struct command command = {
        .kind = COMMAND_SESSION_CREATE,
        .session_create = {.session = session,
                           .agent = agent,
                           .secret_hash = bytes_view(hash, sizeof(hash)),
                           .user_agent = call_user_agent(call),
                           .address = request_address_text(call->request),
                           .totp_step = factor->step,
                           .recovery_hash = factor->has_recovery_hash
                                                ? bytes_view(factor->recovery_hash, RECOVERY_HASH_LEN)
                                                : BYTES_NONE,
                           .at_ms = call->now_ms,
                           .password_hash = password_hash},
    };
    enum error error = call_submit_keeping(call, &command, on_session, credential, sizeof(credential));
    sodium_memzero(credential, sizeof(credential));
    return error;
}

/* ---- logging in: behind the password ---- */

/* The password is right: what is left are the account itself and its second factor. */
static enum error go_on(struct call *call, const struct login *login, struct bytes password_hash)
{
    struct agent agent;
    struct second_factor factor;
    enum error error = agent_get(call->txn, login->agent, &agent);
    if (error == ERR_NOT_FOUND || (error == OK && agent.disabled))
        return ERR_LOGIN_FAILED;
    if (error == OK)
        error = second_factor_check(call, &agent, bytes_view(login->code, login->code_len), &factor);
    if (error != OK)
        return error;
    return begin_session(call, agent.id, password_hash, &factor);
}

/* Only who has shown everything is forgiven earlier failures: otherwise whoever has the password could guess at codes
 * for ever. */
static void forgive(struct api_loop *loop, const struct login *login)
{
    login_guard_forgive(loop->api->login_guard, login->try.of[0].key, login_clock_ms());
}

static enum error on_right_password(struct call *call, const struct login *login, struct bytes password_hash)
{
    call->txn = reader_begin(call->loop->reader);
    if (call->txn == NULL)
        return ERR_BUSY;
    enum error error = go_on(call, login, password_hash);
    reader_end(call->loop->reader);
    return error;
}

static void on_compared(struct api_loop *loop, struct request *request, const struct password_job *job)
{
    const struct login *login = (const struct login *)job->extra;
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    bool matches = job->matches && !id_is_none(login->agent);
    enum error error = matches ? OK : ERR_LOGIN_FAILED;
    if (matches && request != NULL)
        error = on_right_password(&call, login, bytes_of_string(job->hash));
    login_settle(loop, request, &login->try, error);
    if (request == NULL)
        return;
    if (error == OK)
        forgive(loop, login);
    else
        respond_error(request, error, call.sentence, call.retry_after_s);
}

/* ---- logging in: before the password ---- */

/* Nobody's address, and one of a disabled account, give no agent, and the comparison goes its way. */
static enum error find_account(struct call *call, struct bytes email, struct id *id, struct login_account *out)
{
    struct agent agent;
    *out = (struct login_account){.email = email};
    *id = ID_NONE;
    enum error error = agent_id_by_email(call->txn, email, id);
    if (error == OK)
        error = agent_get(call->txn, *id, &agent);
    if (error == OK && !agent.disabled)
        out->password_hash = agent.password_hash;
    if (error == OK)
        error = session_is_from(call->txn, *id, request_address_text(call->request), &out->at_home);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error log_in(struct call *call, const struct json_value *root)
{
    struct login login = {.agent = ID_NONE};
    struct login_account account;
    struct bytes email, password, code;
    enum error error = field_text_needed(call, root, "email", 1, EMAIL_LEN_MAX, &email);
    if (error == OK)
        error = field_text_needed(call, root, "password", 1, PASSWORD_LEN_MAX, &password);
    if (error == OK)
        error = field_text(call, root, "code", 1, CODE_LEN_MAX, &code);
    if (error == OK)
        error = find_account(call, email, &login.agent, &account);
    if (error != OK)
        return error;
    login.code_len = code.len;
    if (code.len != 0)
        memcpy(login.code, code.data, code.len);
    return login_compare(call, &account, password, on_compared, &login.try, &login, sizeof(login));
}

/* A page of another site must not log its visitor in to an account of its own. A browser that does not say where a
 * request comes from still asks first before it sends JSON; but not before it sends what names no type. */
enum error refuse_other_sites(struct call *call)
{
    struct bytes site = request_header(call->request, BYTES("sec-fetch-site"), NULL);
    if (site.data == NULL)
        return request_header(call->request, BYTES("content-type"), NULL).data == NULL ? ERR_MEDIA_TYPE : OK;
    if (bytes_equal(site, BYTES("same-origin")) || bytes_equal(site, BYTES("none")))
        return OK;
    return call_refuse(call, ERR_ORIGIN_FORBIDDEN, "This is for pages of the server's own origin.");
}

enum error handle_session_create(struct call *call)
{
    enum error error = refuse_other_sites(call);
    return error == OK ? call_with_body(call, log_in) : error;
}

/* ---- who one is ---- */

enum error handle_session_show(struct call *call)
{
    struct id id;
    struct bytes secret;
    credential_parse("", session_cookie_of(call->request), &id, &secret);
    enum error error = render_session(&call->loop->json, call->txn, &call->me, secret);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    return error;
}

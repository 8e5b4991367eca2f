/*
 * /agents/me/second-factor: codes of an authenticator app, and recovery codes for the day the telephone is gone. The
 * secret is made here and kept once the agent has shown a code of it, so nobody locks itself out by half a set-up. A
 * recovery code is ten characters of base32, each good once; what is kept is a hash of it.
 */
#include <sodium.h>
#include <stdio.h>

#include "api/login.h"
#include "base/totp.h"

#define RECOVERY_TEXT_LEN 11 /* "ABCDE-FGHIJ" */
#define RECOVERY_LEN 10

/* ---- checking ---- */

static void hash_recovery(struct id agent, const char code[RECOVERY_LEN], unsigned char hash[RECOVERY_HASH_LEN])
{
    crypto_generichash(hash, RECOVERY_HASH_LEN, (const unsigned char *)code, RECOVERY_LEN, agent.bytes, ID_LEN);
}

/* As people type it: small letters, with the dash or without. */
static bool read_recovery(struct bytes text, char out[RECOVERY_LEN])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.data[i];
        if (c == '-' || c == ' ')
            continue;
        if (len == RECOVERY_LEN)
            return false;
        out[len++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return len == RECOVERY_LEN;
}

static bool is_recovery_code(const struct agent *agent, struct bytes code, struct second_factor *out)
{
    char text[RECOVERY_LEN];
    bool found = false;
    if (!read_recovery(code, text))
        return false;
    hash_recovery(agent->id, text, out->recovery_hash);
    for (size_t at = 0; at + RECOVERY_HASH_LEN <= agent->recovery_hashes.len; at += RECOVERY_HASH_LEN)
        found |= sodium_memcmp(agent->recovery_hashes.data + at, out->recovery_hash, RECOVERY_HASH_LEN) == 0;
    out->has_recovery_hash = found;
    return found;
}

enum error second_factor_check(struct call *call, const struct agent *agent, struct bytes code,
                               struct second_factor *out)
{
    struct login_guard *guard = call->loop->api->login_guard;
    uint64_t key = login_guard_factor(guard, agent->id), now_ms = login_clock_ms();
    struct login_try try;
    *out = (struct second_factor){0};
    if (agent->totp_secret.len != TOTP_SECRET_LEN)
        return OK;
    if (code.len == 0)
        return ERR_SECOND_FACTOR_REQUIRED;
    enum error error = login_may_go_on(call, login_guard_try(guard, key, key, now_ms, &try),
                                       "Too many codes were not right; please wait.");
    if (error != OK)
        return error;
    if (!totp_check((const unsigned char *)agent->totp_secret.data, code, call->now_ms, agent->totp_step, &out->step) &&
        !is_recovery_code(agent, code, out))
        return ERR_SECOND_FACTOR_INVALID;
    login_guard_forgive(guard, key, now_ms);
    return OK;
}

/* ---- a new one ---- */

/* The link that an authenticator app takes as a QR code (the Key Uri Format of Google's authenticator). */
static void put_uri(struct buffer *out, const struct agent *agent, const char secret[TOTP_SECRET_TEXT_LEN])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    buffer_append_string(out, "otpauth://totp/Helvino:");
    for (size_t i = 0; i < agent->email.len; ++i) {
        char c = agent->email.data[i];
        if (c != '\0' && strchr(plain, c) != NULL)
            buffer_append(out, &c, 1);
        else
            buffer_printf(out, "%%%02X", (unsigned char)c);
    }
    buffer_printf(out, "?secret=%.*s&issuer=Helvino", TOTP_SECRET_TEXT_LEN, secret);
}

enum error handle_second_factor_create(struct call *call)
{
    struct buffer *json = &call->loop->json, *uri = &call->loop->scratch;
    unsigned char secret[TOTP_SECRET_LEN];
    char text[TOTP_SECRET_TEXT_LEN];
    if (call->me.totp_secret.data != NULL)
        return call_refuse(call, ERR_CONFLICT, "There is a second factor already; switch it off first.");
    random_fill(&call->loop->random, secret, sizeof(secret));
    base32_encode(secret, sizeof(secret), text);
    buffer_clear(uri);
    put_uri(uri, &call->me, text);
    json_open(json, '{');
    json_member_string(json, "secret", bytes_view(text, sizeof(text)));
    json_member_string(json, "uri", buffer_view(uri));
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

/* ---- switching it on and off: with the password ---- */

struct change {
    struct id agent, session;
    struct login_try try;
    bool is_on;
    unsigned char secret[TOTP_SECRET_LEN];
    uint64_t step;
    char recovery[RECOVERY_CODES][RECOVERY_LEN];
};

static void make_recovery_codes(struct api_loop *loop, struct change *change)
{
    for (unsigned i = 0; i < RECOVERY_CODES; ++i) {
        unsigned char bytes[10];
        char text[16];
        random_fill(&loop->random, bytes, sizeof(bytes));
        base32_encode(bytes, sizeof(bytes), text);
        memcpy(change->recovery[i], text, RECOVERY_LEN);
    }
}

static void on_changed(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    const struct change *change = entry_kept(entry);
    struct buffer *json = &loop->json;
    (void)txn;
    if (entry->error != OK) {
        respond_error(request, entry->error, NULL, 0);
        return;
    }
    if (!change->is_on) {
        request_respond(request, 204, NULL, BYTES_NONE);
        return;
    }
    buffer_clear(json);
    json_open(json, '{');
    json_key(json, BYTES("recoveryCodes"));
    json_open(json, '[');
    for (unsigned i = 0; i < RECOVERY_CODES; ++i) {
        json_element(json);
        buffer_printf(json, "\"%.5s-%.5s\"", change->recovery[i], change->recovery[i] + 5);
    }
    json_close(json, ']');
    json_close(json, '}');
    request_respond(request, 201, CONTENT_TYPE_JSON, buffer_view(json));
}

static enum error submit_change(struct call *call, struct change *change)
{
    unsigned char hashes[RECOVERY_CODES * RECOVERY_HASH_LEN];
    struct command command = {
        .kind = COMMAND_AGENT_TOTP,
        .agent_totp = {.agent = change->agent,
                       .at_ms = call->now_ms,
                       .by = change->agent,
                       .from = request_address_text(call->request),
                       .session = change->session},
    };
    if (change->is_on) {
        make_recovery_codes(call->loop, change);
        for (unsigned i = 0; i < RECOVERY_CODES; ++i)
            hash_recovery(change->agent, change->recovery[i], hashes + i * RECOVERY_HASH_LEN);
        command.agent_totp.totp_secret = bytes_view(change->secret, sizeof(change->secret));
        command.agent_totp.totp_step = change->step;
        command.agent_totp.recovery_hashes = bytes_view(hashes, sizeof(hashes));
    }
    return call_submit_keeping(call, &command, on_changed, change, sizeof(*change));
}

static void on_compared(struct api_loop *loop, struct request *request, const struct password_job *job)
{
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    struct change change;
    memcpy(&change, job->extra, sizeof(change));
    enum error error = login_settle(loop, request, &change.try, job->matches ? OK : ERR_PASSWORD_WRONG);
    if (request == NULL)
        return;
    if (error == OK)
        error = submit_change(&call, &change);
    sodium_memzero(&change, sizeof(change));
    if (error != OK)
        respond_error(request, error, NULL, 0);
}

/* Guarded like a log-in: whoever has found a browser that is logged in must not guess at the password. */
static enum error ask_for_password(struct call *call, const struct json_value *root, struct change *change)
{
    struct login_account account = login_own_account(call);
    struct bytes password;
    change->agent = call->agent;
    change->session = call->session;
    enum error error = field_text_needed(call, root, "password", 1, PASSWORD_LEN_MAX, &password);
    return error == OK ? login_compare(call, &account, password, on_compared, &change->try, change, sizeof(*change))
                       : error;
}

static enum error switch_on(struct call *call, const struct json_value *root)
{
    struct change change = {.is_on = true};
    struct bytes secret, code;
    enum error error = call->me.totp_secret.data != NULL
                           ? call_refuse(call, ERR_CONFLICT, "There is a second factor already; switch it off first.")
                           : OK;
    if (error == OK)
        error = field_text_needed(call, root, "secret", TOTP_SECRET_TEXT_LEN, TOTP_SECRET_TEXT_LEN, &secret);
    if (error == OK && !base32_decode(secret, change.secret, sizeof(change.secret)))
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"secret\" must be the one that was given.");
    if (error == OK)
        error = field_text_needed(call, root, "code", TOTP_DIGITS, TOTP_DIGITS, &code);
    if (error == OK && !totp_check(change.secret, code, call->now_ms, 0, &change.step))
        error = ERR_SECOND_FACTOR_INVALID;
    return error == OK ? ask_for_password(call, root, &change) : error;
}

enum error handle_second_factor_set(struct call *call)
{
    return call_with_body(call, switch_on);
}

/* Whoever has found an open browser and knows the password still lacks the code. */
static enum error switch_off(struct call *call, const struct json_value *root)
{
    struct change change = {.is_on = false};
    struct second_factor factor;
    struct bytes code;
    if (call->me.totp_secret.data == NULL)
        return call_refuse(call, ERR_CONFLICT, "There is no second factor.");
    enum error error = field_text(call, root, "code", 1, CODE_LEN_MAX, &code);
    if (error == OK)
        error = second_factor_check(call, &call->me, code, &factor);
    return error == OK ? ask_for_password(call, root, &change) : error;
}

enum error handle_second_factor_remove(struct call *call)
{
    return call_with_body(call, switch_off);
}

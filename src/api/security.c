/*
 * /security: the program looks at how it is set up, and at how the organisation is. What is found is data (an id and
 * whom it is about); the sentences, and what to do, are the inbox's, in the language of whoever reads them.
 */
#include <sys/stat.h>

#include "api/internal.h"
#include "base/version.h"

#define NAMES_MAX 10
#define DAY_MS INT64_C(86400000)
#define TOKEN_IDLE_MS (90 * DAY_MS) /* one that was not used for so long is not needed */
#define TOKEN_NEW_MS (30 * DAY_MS)  /* one that was never used may still be about to */
#define TOKEN_OLD_MS (365 * DAY_MS)

/* One check under construction: its object is open in `json`, in its list of names. */
struct check {
    struct call *call;
    struct buffer *json;
    uint64_t count;
    bool (*is_bad_token)(const struct token *token, int64_t now_ms);
};

/* ---- one check as JSON ---- */

static void check_begin(struct check *check, const char *id, const char *severity)
{
    check->count = 0;
    json_element(check->json);
    json_open(check->json, '{');
    json_member_string(check->json, "id", bytes_of_string(id));
    json_member_string(check->json, "severity", bytes_of_string(severity));
    json_key(check->json, BYTES("names"));
    json_open(check->json, '[');
}

/* It is found of this one too. */
static void check_name(struct check *check, struct bytes name)
{
    if (check->count++ >= NAMES_MAX)
        return;
    json_element(check->json);
    json_put_string(check->json, name);
}

static void check_end(struct check *check, bool ok)
{
    json_close(check->json, ']');
    json_member_integer(check->json, "count", (int64_t)check->count);
    json_member_bool(check->json, "ok", ok);
    json_close(check->json, '}');
}

static void check_plain(struct check *check, const char *id, const char *severity, bool ok)
{
    check_begin(check, id, severity);
    check_end(check, ok);
}

/* ---- the server ---- */

/* Whether others than its owner and the group may list it, or read a file in it whose name they know. */
static bool is_closed_to_others(const char *directory)
{
    struct stat status;
    return directory == NULL || stat(directory, &status) != 0 || (status.st_mode & S_IRWXO) == 0;
}

static void check_server(struct check *check)
{
    const struct api_config *config = &check->call->loop->api->config;
    bool has_tls = config->speaks_tls || config->is_behind_proxy;
    check_plain(check, "no_tls", config->is_local ? "low" : "high", has_tls);
    if (has_tls)
        check_plain(check, "page_without_tls", "high", request_is_secure(check->call->request));
    check_plain(check, "data_readable", "high", is_closed_to_others(config->data_directory));
    check_plain(check, "no_mail", "low", post_can_mail(config->post) && config->public_url != NULL);
    check_plain(check, "rate_limits_off", "medium", config->rate_limits_on);
    check_plain(check, "webhooks_private", "medium", !config->webhook_allow_private);
    check_plain(check, "demo_on", "low", !config->demo);
}

/* ---- the organisation ---- */

static void check_settings(struct check *check)
{
    const struct org *org = &check->call->org;
    check_plain(check, "open_origins", "medium", org->origins.len != 0);
    check_plain(check, "retention_off", "low", org->retain_visitors_days != 0 || org->retain_messages_days != 0);
    check_plain(check, "addresses_full", "medium",
                !bytes_equal(org->addresses, BYTES("full")) || org->retain_visitors_days != 0);
}

/* ---- who administers ---- */

/* Calls `visit` for each agent of the organisation who can log in. */
static enum error each_active(struct check *check,
                              void (*visit)(struct check *check, const struct agent *agent, enum level level))
{
    struct bytes key, value;
    struct id org = check->call->org.id;
    struct cursor *cursor = cursor_open(check->call->txn, TABLE_MEMBERS);
    enum error error = cursor_seek(cursor, id_view(&org), &key, &value);
    while (error == OK && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        struct member member;
        struct agent agent;
        error = member_decode(key, value, &member);
        if (error == OK && agent_get(check->call->txn, member.agent, &agent) == OK && !agent.disabled &&
            agent.password_hash.data != NULL)
            visit(check, &agent, role_level(member.role));
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static void find_without_factor(struct check *check, const struct agent *agent, enum level level)
{
    if (level >= LEVEL_ADMIN && agent->totp_secret.data == NULL)
        check_name(check, agent->email);
}

static void find_owner(struct check *check, const struct agent *agent, enum level level)
{
    if (level >= LEVEL_OWNER)
        check_name(check, agent->email);
}

static enum error check_agents(struct check *check)
{
    check_begin(check, "admins_without_second_factor", "high");
    enum error error = each_active(check, find_without_factor);
    check_end(check, check->count == 0);
    check_begin(check, "single_owner", "low");
    if (error == OK)
        error = each_active(check, find_owner);
    check_end(check, check->count > 1);
    return error;
}

/* ---- tokens ---- */

static bool is_over(const struct token *token, int64_t now_ms)
{
    return token->expires_at_ms != 0 && token->expires_at_ms <= now_ms;
}

static bool is_endless_admin(const struct token *token, int64_t now_ms)
{
    (void)now_ms;
    return token->expires_at_ms == 0 && scope_level(token->scope) >= LEVEL_ADMIN;
}

static bool is_unused(const struct token *token, int64_t now_ms)
{
    int64_t since_ms = token->used_at_ms != 0 ? token->used_at_ms : token->created_at_ms;
    return !is_over(token, now_ms) && now_ms - since_ms > (token->used_at_ms != 0 ? TOKEN_IDLE_MS : TOKEN_NEW_MS);
}

static bool is_old(const struct token *token, int64_t now_ms)
{
    return !is_over(token, now_ms) && now_ms - token->created_at_ms > TOKEN_OLD_MS;
}

static void find_token(void *context, const struct token *token)
{
    struct check *check = context;
    if (check->is_bad_token(token, check->call->now_ms))
        check_name(check, token->name);
}

static enum error check_tokens(struct check *check)
{
    static const struct {
        const char *id, *severity;
        bool (*is_bad)(const struct token *token, int64_t now_ms);
    } checks[] = {
        {"tokens_never_expiring", "medium", is_endless_admin},
        {"tokens_unused", "low", is_unused},
        {"tokens_old", "low", is_old},
    };
    enum error error = OK;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && error == OK; ++i) {
        check_begin(check, checks[i].id, checks[i].severity);
        check->is_bad_token = checks[i].is_bad;
        error = call_each_token(check->call, find_token, check);
        check_end(check, check->count == 0);
    }
    return error;
}

/* ---- webhooks ---- */

/* Given up, or told that the receiver is gone. One that somebody has switched off is no trouble. */
static bool is_failing(const struct webhook *webhook)
{
    return webhook->disabled_because.data != NULL || (webhook->enabled && (webhook->parked != 0 || webhook->lost != 0));
}

static enum error check_webhooks(struct check *check)
{
    struct bytes key;
    struct id org = check->call->org.id;
    struct cursor *cursor = cursor_open(check->call->txn, TABLE_WEBHOOK_BY_ORG);
    enum error error = cursor_seek(cursor, id_view(&org), &key, NULL);
    check_begin(check, "webhooks_failing", "medium");
    while (error == OK && key.len == 2 * ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        struct webhook webhook;
        size_t offset = ID_LEN;
        error = webhook_get(check->call->txn, key_get_id(key, &offset), &webhook);
        if (error == OK && is_failing(&webhook))
            check_name(check, webhook.description.len != 0 ? webhook.description : webhook.url);
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    check_end(check, check->count == 0);
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- all of it ---- */

enum error handle_security(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct check check = {.call = call, .json = json};
    json_open(json, '{');
    json_member_string(json, "version", BYTES(HELVINO_VERSION));
    json_member_time(json, "checkedAt", call->now_ms);
    json_key(json, BYTES("checks"));
    json_open(json, '[');
    check_server(&check);
    check_settings(&check);
    enum error error = check_agents(&check);
    if (error == OK)
        error = check_tokens(&check);
    if (error == OK)
        error = check_webhooks(&check);
    json_close(json, ']');
    json_close(json, '}');
    if (error == OK)
        call_respond(call, 200, json);
    return error;
}

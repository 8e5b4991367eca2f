/*
 * Who is asking: the organisation by its public key, by a token or by an agent who is logged in, the visitor by the key
 * that only it knows. A token names its organisation by itself, and so does an agent of only one; where x-org-key comes
 * along, both must agree.
 */
#include <sodium.h>

#include "api/credential.h"
#include "api/internal.h"
#include "base/text.h"

#define TOKEN_PREFIX "hvt_"
#define USE_NOTED_MS 3600000 /* a use of a token or a session is noted when the last one is an hour ago */

/* ---- shapes ---- */

static bool all_of(struct bytes text, const char *punctuation)
{
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.data[i];
        bool letter_or_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter_or_digit && (c == '\0' || strchr(punctuation, c) == NULL))
            return false;
    }
    return true;
}

bool org_key_is_valid(struct bytes key)
{
    return key.len >= 1 && key.len <= ORG_KEY_LEN_MAX && all_of(key, "_-");
}

bool visitor_key_is_valid(struct bytes key)
{
    return key.len >= 3 && key.len <= VISITOR_KEY_LEN_MAX && memcmp(key.data, "v_", 2) == 0 &&
           all_of(bytes_view(key.data + 2, key.len - 2), "_.-");
}

/* The host as browsers send it: a name or address in lower case, or an IPv6 address in brackets; returns its length. */
static size_t host_len(struct bytes text)
{
    bool brackets = text.len != 0 && text.data[0] == '[';
    size_t len = brackets ? 1 : 0;
    while (len < text.len &&
           strchr(brackets ? "0123456789abcdef:." : "0123456789abcdefghijklmnopqrstuvwxyz.-", text.data[len]) != NULL &&
           text.data[len] != '\0')
        ++len;
    if (!brackets)
        return len;
    return len > 2 && len < text.len && text.data[len] == ']' ? len + 1 : 0;
}

bool origin_is_valid(struct bytes origin)
{
    uint64_t port;
    size_t scheme = origin.len > 8 && memcmp(origin.data, "https://", 8) == 0  ? 8
                    : origin.len > 7 && memcmp(origin.data, "http://", 7) == 0 ? 7
                                                                               : 0;
    if (scheme == 0 || origin.len > ORIGIN_LEN_MAX)
        return false;
    struct bytes rest = bytes_view(origin.data + scheme, origin.len - scheme);
    size_t host = host_len(rest);
    if (host == 0 || host == rest.len)
        return host != 0;
    return rest.data[host] == ':' && rest.data[host + 1 < rest.len ? host + 1 : host] != '0' &&
           parse_uint(bytes_view(rest.data + host + 1, rest.len - host - 1), 1, 65535, &port);
}

/* ---- tokens ---- */

void token_make(struct id id, struct random_pool *pool, char text[TOKEN_TEXT_LEN + 1],
                unsigned char hash[SECRET_HASH_LEN])
{
    credential_make(TOKEN_PREFIX, id, pool, text, hash);
}

/* Noted now and then, so that a token which nobody uses any more can be told from the others. */
static void note_use_of_token(struct call *call, const struct token *token)
{
    if (call->now_ms - token->used_at_ms >= USE_NOTED_MS)
        loop_submit(call->loop, &(struct command){.kind = COMMAND_TOKEN_USE, .token_use = {token->id, call->now_ms}},
                    NULL);
}

static enum error token_is_good(struct txn *txn, struct id id, int64_t now_ms, struct token *out)
{
    enum error error = token_get(txn, id, out);
    if (error == OK && out->expires_at_ms != 0 && now_ms >= out->expires_at_ms)
        error = ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? ERR_TOKEN_INVALID : error;
}

/* "Bearer hvt_<id>_<secret>" */
static enum error identify_by_token(struct call *call, struct bytes authorization)
{
    struct id id;
    struct bytes secret;
    struct token token;
    static const size_t scheme_len = sizeof("Bearer ") - 1;
    if (authorization.len < scheme_len || strncasecmp(authorization.data, "Bearer ", scheme_len) != 0 ||
        !credential_parse(TOKEN_PREFIX, bytes_view(authorization.data + scheme_len, authorization.len - scheme_len),
                          &id, &secret))
        return ERR_TOKEN_INVALID;
    enum error error = token_is_good(call->txn, id, call->now_ms, &token);
    if (error == OK && !credential_matches(secret, token.secret_hash))
        error = ERR_TOKEN_INVALID;
    if (error == OK)
        error = org_get(call->txn, token.org, &call->org);
    if (error == ERR_NOT_FOUND || (error == OK && call->org.deleted))
        return ERR_TOKEN_INVALID;
    if (error != OK)
        return error;
    call->level = scope_level(token.scope);
    call->by_org = true;
    call->token = id;
    note_use_of_token(call, &token);
    return OK;
}

/* ---- the organisation's key, the visitor's key ---- */

static enum error org_key_header(struct call *call, struct bytes *out)
{
    struct bytes site;
    enum error error = single_header(call, BYTES("x-org-key"), out);
    if (error == OK)
        error = single_header(call, BYTES("x-site-id"), &site);
    if (error != OK || site.data == NULL)
        return error;
    if (out->data != NULL && !bytes_equal(*out, site))
        return call_refuse(call, ERR_INVALID_HEADER,
                           "The headers x-org-key and x-site-id name different organisations.");
    *out = site;
    return OK;
}

/* The slot's organisation, if it is still the one on disk: one look at its record says so, deletion and a new key
 * included. */
static bool recall_org(struct call *call, const struct org_cache_slot *slot, struct bytes key)
{
    struct bytes encoded;
    if (slot->encoded.len == 0 || !bytes_equal(slot->org.key, key) ||
        table_get(call->txn, TABLE_ORGS, bytes_view(slot->org.id.bytes, ID_LEN), &encoded) != OK ||
        !bytes_equal(encoded, buffer_view(&slot->encoded)))
        return false;
    call->org = slot->org;
    return true;
}

static void remember_org(struct call *call, struct org_cache_slot *slot)
{
    struct bytes encoded;
    struct id id = call->org.id;
    buffer_clear(&slot->encoded);
    if (table_get(call->txn, TABLE_ORGS, bytes_view(id.bytes, ID_LEN), &encoded) != OK)
        return;
    buffer_append(&slot->encoded, encoded.data, encoded.len);
    slot->org.id = id;
    if (record_decode(RECORD_ORGS, buffer_view(&slot->encoded), &slot->org) != OK)
        buffer_clear(&slot->encoded);
}

static enum error identify_by_key(struct call *call, struct bytes key)
{
    if (!org_key_is_valid(key))
        return call_refuse(call, ERR_INVALID_HEADER,
                           "The header x-org-key must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -.");
    unsigned char spread =
        (unsigned char)(key.len * 31 + (unsigned char)key.data[0] + (unsigned char)key.data[key.len - 1] * 7);
    struct org_cache_slot *slot = &call->loop->orgs[spread % ORG_CACHE_SLOTS];
    if (recall_org(call, slot, key))
        return OK;
    enum error error = org_get_by_key(call->txn, key, &call->org);
    if (error == OK)
        remember_org(call, slot);
    return error == ERR_NOT_FOUND ? ERR_ORG_UNKNOWN : error;
}

/* ---- an agent who is logged in ---- */

/* A request with a visitor's key speaks for the visitor, and one that another site caused speaks for nobody. */
static struct bytes session_cookie(const struct call *call)
{
    struct bytes site = request_header(call->request, BYTES("sec-fetch-site"), NULL);
    bool is_foreign =
        site.data != NULL && !bytes_equal(site, BYTES("same-origin")) && !bytes_equal(site, BYTES("none"));
    return is_foreign || call->visitor_key.data != NULL ? BYTES_NONE : session_cookie_of(call->request);
}

static bool is_change(const struct call *call)
{
    struct bytes method = request_method(call->request);
    return !bytes_equal(method, BYTES("GET")) && !bytes_equal(method, BYTES("HEAD"));
}

/* Browsers send the cookie by themselves; the header only a page of our own can send. */
static enum error is_meant(struct call *call, struct bytes secret)
{
    char expected[CSRF_TEXT_LEN + 1];
    struct bytes given;
    if (!is_change(call))
        return OK;
    enum error error = single_header(call, BYTES("x-csrf-token"), &given);
    session_csrf(secret, expected);
    if (error == OK && (given.len != CSRF_TEXT_LEN || sodium_memcmp(given.data, expected, CSRF_TEXT_LEN) != 0))
        error = ERR_CSRF_FORBIDDEN;
    return error;
}

/* The browser counts the cookie's days from when it was last set. */
static void note_use_of_session(struct call *call, const struct session *session, struct bytes cookie)
{
    if (call->now_ms - session->used_at_ms < USE_NOTED_MS)
        return;
    loop_submit(call->loop, &(struct command){.kind = COMMAND_SESSION_USE, .session_use = {session->id, call->now_ms}},
                NULL);
    if (!is_change(call)) /* which may be the one that ends it */
        session_cookie_set(call->request, cookie);
}

static enum error session_is_good(struct txn *txn, struct id id, int64_t now_ms, struct session *session,
                                  struct agent *agent)
{
    enum error error = session_get(txn, id, session);
    if (error == OK && now_ms - session->used_at_ms >= SESSION_KEPT_MS)
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = agent_get(txn, session->agent, agent);
    if (error == ERR_NOT_FOUND || (error == OK && agent->disabled))
        return ERR_SESSION_INVALID;
    return error;
}

static enum error identify_agent(struct call *call, struct bytes cookie)
{
    struct id id;
    struct bytes secret;
    struct session session;
    if (!credential_parse("", cookie, &id, &secret))
        return ERR_SESSION_INVALID;
    enum error error = session_is_good(call->txn, id, call->now_ms, &session, &call->me);
    if (error == OK && !credential_matches(secret, session.secret_hash))
        error = ERR_SESSION_INVALID;
    if (error == OK)
        error = is_meant(call, secret);
    if (error != OK)
        return error;
    call->agent = session.agent;
    call->session = id;
    note_use_of_session(call, &session, cookie);
    return OK;
}

/* The only organisation that the agent is a member of. One that is being deleted is none. */
static enum error identify_only_org(struct call *call)
{
    struct bytes key;
    unsigned count = 0;
    struct cursor *cursor = cursor_open(call->txn, TABLE_MEMBER_BY_AGENT);
    enum error error = cursor_seek(cursor, id_view(&call->agent), &key, NULL);
    while (error == OK && count < 2 && memcmp(key.data, call->agent.bytes, ID_LEN) == 0) {
        struct org org;
        size_t offset = ID_LEN;
        error = org_get(call->txn, key_get_id(key, &offset), &org);
        if (error == OK && !org.deleted && ++count == 1)
            call->org = org;
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    if (count > 1)
        return call_refuse(call, ERR_ORG_UNKNOWN,
                           "You are a member of several organisations; the header x-org-key must name one of them.");
    return count == 0 ? ERR_MEMBER_FORBIDDEN : OK;
}

static enum error identify_by_session(struct call *call, struct bytes cookie, struct bytes key)
{
    struct member member;
    enum error error = identify_agent(call, cookie);
    if (error == OK)
        error = key.data != NULL ? identify_by_key(call, key) : identify_only_org(call);
    if (error == OK)
        error = member_get(call->txn, call->org.id, call->agent, &member);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_MEMBER_FORBIDDEN : error;
    call->by_org = true;
    call->level = role_level(member.role);
    return OK;
}

/* ---- all together ---- */

static enum error identify_org(struct call *call)
{
    struct bytes key, authorization, cookie;
    enum error error = org_key_header(call, &key);
    if (error == OK)
        error = single_header(call, BYTES("authorization"), &authorization);
    if (error != OK)
        return error;
    if (authorization.data == NULL) {
        cookie = session_cookie(call);
        if (cookie.data != NULL)
            return identify_by_session(call, cookie, key);
        return key.data == NULL ? ERR_ORG_UNKNOWN : identify_by_key(call, key);
    }
    error = identify_by_token(call, authorization);
    if (error == OK && key.data != NULL && !bytes_equal(key, call->org.key))
        return call_refuse(call, ERR_TOKEN_INVALID,
                           "The access token is not one of the organisation that x-org-key names.");
    return error;
}

static enum error identify_visitor(struct call *call)
{
    enum error error = single_header(call, BYTES("x-visitor-id"), &call->visitor_key);
    if (error == OK && call->visitor_key.data != NULL && !visitor_key_is_valid(call->visitor_key))
        return call_refuse(call, ERR_INVALID_HEADER,
                           "The header x-visitor-id must be v_ and 1 to 78 characters of A-Z, a-z, 0-9, _, . and -.");
    return error;
}

static enum level least_level(enum who who)
{
    switch (who) {
    case WHO_READ:
        return LEVEL_READ;
    case WHO_WRITE:
        return LEVEL_WRITE;
    case WHO_ADMIN:
        return LEVEL_ADMIN;
    case WHO_OWNER:
        return LEVEL_OWNER;
    default:
        return LEVEL_NONE;
    }
}

/* Where a visitor is let in as well, the organisation's side reads with any right, and changes with the right to. */
static enum error has_right(const struct call *call, enum who who)
{
    enum level least = least_level(who);
    if (least != LEVEL_NONE && !call->by_org)
        return ERR_TOKEN_REQUIRED;
    if (least == LEVEL_NONE && call->by_org && is_change(call))
        least = LEVEL_WRITE;
    if (call->level < least)
        return ERR_RIGHT_FORBIDDEN;
    if (who == WHO_SELF && call->visitor_key.data == NULL)
        return ERR_VISITOR_REQUIRED;
    return who == WHO_VISITOR && !call->by_org && call->visitor_key.data == NULL ? ERR_CALLER_REQUIRED : OK;
}

/* Whoever brings nothing that proves anything is told so first, whatever organisation it names. */
static bool proves_nothing(const struct call *call)
{
    return request_header(call->request, BYTES("authorization"), NULL).data == NULL &&
           session_cookie(call).data == NULL;
}

enum error call_identify(struct call *call, enum who who)
{
    if (who == WHO_OPEN)
        return OK;
    if (who == WHO_AGENT) {
        struct bytes cookie = session_cookie(call);
        return cookie.data == NULL ? ERR_SESSION_REQUIRED : identify_agent(call, cookie);
    }
    enum error error = identify_visitor(call);
    if (error == OK && least_level(who) != LEVEL_NONE && proves_nothing(call))
        return ERR_TOKEN_REQUIRED;
    if (error == OK)
        error = identify_org(call);
    return error == OK ? has_right(call, who) : error;
}

enum error right_still_holds(struct txn *txn, const struct right *right, int64_t now_ms)
{
    struct token token;
    struct session session;
    struct agent agent;
    struct member member;
    if (!id_is_none(right->token))
        return token_is_good(txn, right->token, now_ms, &token);
    if (id_is_none(right->session))
        return OK;
    enum error error = session_is_good(txn, right->session, now_ms, &session, &agent);
    return error == OK ? member_get(txn, right->org, session.agent, &member) : error;
}

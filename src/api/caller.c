/*
 * Who is asking: the organisation by its public key or its token, the visitor by the key that only it knows. A token
 * names its organisation by itself; where x-org-key comes along, both must agree. What is compared with a stored secret
 * is a hash, in constant time.
 */
#include <sodium.h>

#include "api/internal.h"
#include "base/text.h"

#define TOKEN_PREFIX "hvt_"
#define SECRET_LEN 32
#define SECRET_TEXT_LEN 43

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

static void hash_secret(unsigned char hash[TOKEN_HASH_LEN], struct bytes secret_text)
{
    crypto_generichash(hash, TOKEN_HASH_LEN, (const unsigned char *)secret_text.data, secret_text.len, NULL, 0);
}

void token_make(struct id id, struct random_pool *pool, char text[TOKEN_TEXT_LEN + 1],
                unsigned char hash[TOKEN_HASH_LEN])
{
    unsigned char secret[SECRET_LEN];
    char *secret_text = text + sizeof(TOKEN_PREFIX) - 1 + ID_TEXT_LEN + 1;
    random_fill(pool, secret, sizeof(secret));
    memcpy(text, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1);
    id_format(id, text + sizeof(TOKEN_PREFIX) - 1);
    secret_text[-1] = '_';
    sodium_bin2base64(secret_text, SECRET_TEXT_LEN + 1, secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    hash_secret(hash, bytes_view(secret_text, SECRET_TEXT_LEN));
}

/* "Bearer hvt_<id>_<secret>" */
static bool split_token(struct bytes authorization, struct id *id, struct bytes *secret)
{
    static const char scheme[] = "Bearer " TOKEN_PREFIX;
    size_t prefix = sizeof(scheme) - 1;
    if (authorization.len != prefix + ID_TEXT_LEN + 1 + SECRET_TEXT_LEN ||
        strncasecmp(authorization.data, "Bearer ", 7) != 0 ||
        memcmp(authorization.data + 7, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1) != 0 ||
        authorization.data[prefix + ID_TEXT_LEN] != '_')
        return false;
    *secret = bytes_view(authorization.data + prefix + ID_TEXT_LEN + 1, SECRET_TEXT_LEN);
    return id_parse(bytes_view(authorization.data + prefix, ID_TEXT_LEN), id);
}

static enum error identify_by_token(struct call *call, struct bytes authorization)
{
    struct id id;
    struct bytes secret;
    struct token token;
    unsigned char hash[TOKEN_HASH_LEN];
    if (!split_token(authorization, &id, &secret))
        return ERR_TOKEN_INVALID;
    enum error error = token_get(call->txn, id, &token);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_TOKEN_INVALID : error;
    hash_secret(hash, secret);
    if (token.secret_hash.len != sizeof(hash) || sodium_memcmp(hash, token.secret_hash.data, sizeof(hash)) != 0)
        return ERR_TOKEN_INVALID;
    error = org_get(call->txn, token.org, &call->org);
    if (error == ERR_NOT_FOUND || (error == OK && call->org.deleted))
        return ERR_TOKEN_INVALID;
    call->by_token = error == OK;
    call->token = id;
    return error;
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

static enum error identify_org(struct call *call)
{
    struct bytes key, authorization;
    enum error error = org_key_header(call, &key);
    if (error == OK)
        error = single_header(call, BYTES("authorization"), &authorization);
    if (error != OK)
        return error;
    if (authorization.data == NULL)
        return key.data == NULL ? ERR_ORG_UNKNOWN : identify_by_key(call, key);
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

enum error call_identify(struct call *call, enum who who)
{
    if (who == WHO_OPEN)
        return OK;
    if (who == WHO_TOKEN && request_header(call->request, BYTES("authorization"), NULL).data == NULL)
        return ERR_TOKEN_REQUIRED;
    enum error error = identify_org(call);
    if (error == OK)
        error = identify_visitor(call);
    if (error != OK)
        return error;
    if (who == WHO_TOKEN && !call->by_token)
        return ERR_TOKEN_REQUIRED;
    if (who == WHO_SELF && call->visitor_key.data == NULL)
        return ERR_VISITOR_REQUIRED;
    if (who == WHO_VISITOR && !call->by_token && call->visitor_key.data == NULL)
        return ERR_CALLER_REQUIRED;
    return OK;
}

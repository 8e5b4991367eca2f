/* The envelope: names, signatures and headers of what goes to a webhook. It is signed anew for each try, so that a
 * receiver may refuse what is old. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/hooks.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

#define SECRET_PREFIX "whsec_"
#define SECRET_BYTES 32

void hook_secret_make(struct random_pool *pool, char out[HOOK_SECRET_LEN + 1])
{
    unsigned char secret[SECRET_BYTES];
    size_t prefix = sizeof(SECRET_PREFIX) - 1;
    random_fill(pool, secret, sizeof(secret));
    memcpy(out, SECRET_PREFIX, prefix);
    sodium_bin2base64(out + prefix, HOOK_SECRET_LEN + 1 - prefix, secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
}

void hook_sign(struct bytes secret, struct bytes timestamp, struct bytes body, char out[HOOK_SIGNATURE_LEN + 1])
{
    crypto_auth_hmacsha256_state state;
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.data, secret.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp.data, timestamp.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.data, body.len);
    crypto_auth_hmacsha256_final(&state, hash);
    sodium_bin2hex(out, HOOK_SIGNATURE_LEN + 1, hash, sizeof(hash));
    sodium_memzero(&state, sizeof(state));
}

/* ---- names ---- */

size_t hook_delivery_format(struct id webhook, uint64_t seq, uint64_t event, char out[HOOK_DELIVERY_LEN_MAX])
{
    id_format(webhook, out);
    return ID_TEXT_LEN + (size_t)snprintf(out + ID_TEXT_LEN, HOOK_DELIVERY_LEN_MAX - ID_TEXT_LEN, "-%llu-%llu",
                                          (unsigned long long)seq, (unsigned long long)event);
}

bool hook_delivery_parse(struct bytes text, struct id *webhook, uint64_t *seq, uint64_t *event)
{
    if (text.len < ID_TEXT_LEN + 4 || text.data[ID_TEXT_LEN] != '-' ||
        !id_parse(bytes_view(text.data, ID_TEXT_LEN), webhook))
        return false;
    struct bytes rest = bytes_view(text.data + ID_TEXT_LEN + 1, text.len - ID_TEXT_LEN - 1);
    const char *dash = memchr(rest.data, '-', rest.len);
    size_t len = dash == NULL ? rest.len : (size_t)(dash - rest.data);
    return dash != NULL && parse_uint(bytes_view(rest.data, len), 1, INT64_MAX, seq) &&
           parse_uint(bytes_view(dash + 1, rest.len - len - 1), 1, UINT32_MAX, event);
}

/* ---- sending ---- */

enum error hook_send(struct post *post, const struct hook_message *message, on_posted *done, void *context)
{
    char url[WEBHOOK_URL_LEN_MAX + 1], timestamp[24], signature[HOOK_SIGNATURE_LEN + 1];
    char headers[4][160];
    const struct webhook *webhook = message->webhook;
    int len = snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(clock_now_ms() / 1000));
    hook_sign(webhook->secret, bytes_view(timestamp, (size_t)len), message->body, signature);
    snprintf(url, sizeof(url), "%.*s", (int)webhook->url.len, webhook->url.data);
    snprintf(headers[0], sizeof(headers[0]), "X-Helvino-Timestamp: %s", timestamp);
    snprintf(headers[1], sizeof(headers[1]), "X-Helvino-Signature: sha256=%s", signature);
    snprintf(headers[2], sizeof(headers[2]), "X-Helvino-Delivery: %.*s", (int)message->delivery.len,
             message->delivery.data);
    snprintf(headers[3], sizeof(headers[3]), "X-Helvino-Event: %s", message->event);
    const char *const all[] = {headers[0], headers[1], headers[2], headers[3]};
    return post_send(
        post,
        &(struct post_request){
            .url = url, .headers = all, .header_count = 4, .body = message->body, .deadline_ms = WEBHOOK_DEADLINE_MS},
        done, context);
}

bool hook_has_arrived(const struct post_result *result)
{
    return result->failure == POST_NONE && result->status >= 200 && result->status < 300;
}

enum error hook_ping(struct post *post, const struct webhook *webhook, struct random_pool *random, on_posted *done,
                     void *context)
{
    struct buffer body = {0};
    char name[ID_TEXT_LEN];
    int64_t now_ms = clock_now_ms();
    id_format(id_make(now_ms, random), name);
    struct bytes delivery = bytes_view(name, sizeof(name));
    hook_ping_write(&body, webhook, delivery, now_ms);
    enum error error = hook_send(
        post,
        &(struct hook_message){.webhook = webhook, .delivery = delivery, .event = "ping", .body = buffer_view(&body)},
        done, context);
    buffer_dispose(&body);
    return error;
}

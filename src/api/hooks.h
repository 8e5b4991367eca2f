#pragma once
/* What a webhook is sent, and how it is signed; for the courier, for the API and for the shell. */
#include "core/hooks.h"
#include "post/post.h"
#include "store/records.h"

/* A fresh secret: "whsec_" and 43 characters of base64url. */
#define HOOK_SECRET_LEN 49
void hook_secret_make(struct random_pool *pool, char out[HOOK_SECRET_LEN + 1]);

/* The hex digits of HMAC-SHA-256 under the secret, as it is shown, of: the timestamp, a dot, the body. */
#define HOOK_SIGNATURE_LEN 64
void hook_sign(struct bytes secret, struct bytes timestamp, struct bytes body, char out[HOOK_SIGNATURE_LEN + 1]);

/* A delivery's name: its webhook's id, a dash, its seq, a dash, its event's number. */
#define HOOK_DELIVERY_LEN_MAX 64
size_t hook_delivery_format(struct id webhook, uint64_t seq, uint64_t event, char out[HOOK_DELIVERY_LEN_MAX]);
bool hook_delivery_parse(struct bytes text, struct id *webhook, uint64_t *seq, uint64_t *event);

/* Appends the JSON of a delivery, made of what the tables hold now. ERR_NOT_FOUND when there is nothing to tell any
 * more. No visitor's key is ever in it. */
enum error hook_body_write(struct buffer *out, struct txn *txn, struct id org, const struct delivery *delivery);
/* The same of a ping; `delivery` is its name. */
void hook_ping_write(struct buffer *out, const struct webhook *webhook, struct bytes delivery, int64_t at_ms);

/* Signs it with the time of now and gives it to the post. Errors and `done` as post_send. */
struct hook_message {
    const struct webhook *webhook;
    struct bytes delivery; /* its name */
    const char *event;
    struct bytes body;
};
enum error hook_send(struct post *post, const struct hook_message *message, on_posted *done, void *context);
/* Whether an answer means that the delivery has arrived. */
bool hook_has_arrived(const struct post_result *result);
/* Sends a signed ping now. */
enum error hook_ping(struct post *post, const struct webhook *webhook, struct random_pool *random, on_posted *done,
                     void *context);

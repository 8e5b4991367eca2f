/*
 * How much one may write: by visitor, by client address and by organisation, each a bucket of one minute. The visitor's
 * key is made by the client, so the address bounds whoever makes many; it is wide enough for an office behind one
 * address. The organisation's own token is bound by the organisation's limit alone.
 */
#include "api/internal.h"

struct bucket {
    enum limit_kind kind;
    uint32_t per_minute;
    struct bytes key;
};

static bool take(struct call *call, enum limited_action action, const struct bucket *bucket)
{
    struct limiter *limiter = call->loop->api->limiter;
    uint64_t wait_us;
    if (bucket->per_minute == 0)
        return true;
    uint64_t key =
        limiter_key(limiter, (uint64_t)action << 8 | bucket->kind, bytes_view(call->org.id.bytes, ID_LEN), bucket->key);
    if (limiter_take(limiter, key, 60000000 / bucket->per_minute, bucket->per_minute, &wait_us))
        return true;
    count(&call->loop->figures.limited[bucket->kind], 1);
    call->retry_after_s = (unsigned)(wait_us / 1000000) + 1;
    return false;
}

enum error rate_limit(struct call *call, enum limited_action action)
{
    const struct api_config *config = &call->loop->api->config;
    const struct api_rate_limits *limits = &config->rate_limits;
    bool messages = action == LIMITED_MESSAGES;
    struct in6_addr address = request_client_address(call->request);
    /* A client of IPv6 has a network of 64 bits to itself; one of IPv4 is the last 32 bits of a mapped address. */
    size_t address_len = IN6_IS_ADDR_V4MAPPED(&address) ? 16 : 8;
    struct bucket visitor = {LIMIT_VISITOR, messages ? limits->messages_visitor : limits->conversations_visitor,
                             call->visitor_key};
    struct bucket by_address = {LIMIT_ADDRESS, messages ? limits->messages_address : limits->conversations_address,
                                bytes_view(&address, address_len)};
    struct bucket org = {LIMIT_ORG, messages ? limits->messages_org : limits->conversations_org, BYTES_NONE};
    if (!config->rate_limits_on)
        return OK;
    if (!call->by_token &&
        ((call->visitor_key.data != NULL && !take(call, action, &visitor)) || !take(call, action, &by_address)))
        return ERR_RATE_LIMITED;
    return take(call, action, &org) ? OK : ERR_RATE_LIMITED;
}

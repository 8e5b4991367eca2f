/*
 * How much one may write: by visitor, by client address and by organisation, each a bucket of one minute. Conversations
 * and new visitors have the same numbers and buckets of their own; so have messages, exports, typing and the beginnings
 * of streams, which are no business of the organisation's limit: strangers could use it up for its own. The visitor's
 * key is made by the client, so the address bounds whoever makes many; it is wide enough for an office behind one
 * address. The organisation's own side is bound by the organisation's limit alone, in a bucket of its own: else
 * strangers from many addresses could use it up, and nobody could answer any more.
 */
#include "api/internal.h"

struct bucket {
    enum limit_kind kind;
    uint32_t per_minute; /* 0: no limit, or none for this caller */
    struct bytes key;
};

static uint64_t key_of(const struct call *call, enum limited_action action, const struct bucket *bucket)
{
    return limiter_key(call->loop->api->limiter, (uint64_t)action << 8 | bucket->kind,
                       bytes_view(call->org.id.bytes, ID_LEN), bucket->key);
}

static bool take(struct call *call, enum limited_action action, const struct bucket *bucket)
{
    uint64_t wait_us;
    if (bucket->per_minute == 0 || limiter_take(call->loop->api->limiter, key_of(call, action, bucket),
                                                60000000 / bucket->per_minute, bucket->per_minute, &wait_us))
        return true;
    count(&call->loop->figures.limited[bucket->kind], 1);
    call->retry_after_s = (unsigned)(wait_us / 1000000) + 1;
    return false;
}

static void give_back(struct call *call, enum limited_action action, const struct bucket *bucket)
{
    if (bucket->per_minute != 0)
        limiter_give_back(call->loop->api->limiter, key_of(call, action, bucket), 60000000 / bucket->per_minute);
}

/* All or nothing: being refused by one bucket costs nothing at the others. */
static enum error take_all(struct call *call, enum limited_action action, const struct bucket *buckets, unsigned number)
{
    for (unsigned taken = 0; taken < number; ++taken) {
        if (take(call, action, &buckets[taken]))
            continue;
        while (taken-- > 0)
            give_back(call, action, &buckets[taken]);
        return ERR_RATE_LIMITED;
    }
    return OK;
}

enum error rate_limit(struct call *call, enum limited_action action)
{
    const struct api_config *config = &call->loop->api->config;
    const struct api_rate_limits *limits = &config->rate_limits;
    bool messages = action != LIMITED_CONVERSATIONS && action != LIMITED_VISITORS;
    bool by_visitor = !call->by_org && call->visitor_key.data != NULL;
    uint32_t per_visitor = action == LIMITED_EXPORTS ? EXPORTS_PER_MINUTE
                           : messages                ? limits->messages_visitor
                                                     : limits->conversations_visitor;
    uint32_t per_address = messages ? limits->messages_address : limits->conversations_address;
    uint32_t per_org = action == LIMITED_STREAMS ? 0
                       : action == LIMITED_PINGS ? WEBHOOK_TESTS_PER_MINUTE
                       : messages                ? limits->messages_org
                                                 : limits->conversations_org;
    struct in6_addr address = request_client_address(call->request);
    /* A client of IPv6 has a network of 64 bits to itself; one of IPv4 is the last 32 bits of a mapped address. */
    size_t address_len = IN6_IS_ADDR_V4MAPPED(&address) ? 16 : 8;
    const struct bucket buckets[] = {
        {LIMIT_VISITOR, by_visitor ? per_visitor : 0, call->visitor_key},
        {LIMIT_ADDRESS, call->by_org ? 0 : per_address, bytes_view(&address, address_len)},
        {LIMIT_ORG, per_org, call->by_org ? BYTES("own") : BYTES_NONE},
    };
    return config->rate_limits_on ? take_all(call, action, buckets, sizeof(buckets) / sizeof(buckets[0])) : OK;
}

/*
 * X-Forwarded-For is written by whoever sends it; only what trusted proxies appended can be believed, and they append
 * on the right. So the list is walked from the right and ends at the first address that is not one of ours.
 */
#include "edge/proxies.h"

#include <stdlib.h>

#include "edge/address.h"

#define NETWORKS_MAX 64

struct network {
    struct in6_addr address;
    unsigned prefix_len; /* bits, of the mapped form */
};

struct trusted_proxies {
    size_t count;
    struct network networks[NETWORKS_MAX];
};

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        --text.len;
    return text;
}

static bool parse_number(struct bytes text, unsigned most, unsigned *out)
{
    unsigned value = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = value;
    return value <= most;
}

/* ---- the networks -------------------------------------------------------------------------------------------- */

/* Bits behind the prefix would make a network that looks smaller than it is, so they are a mistake. */
static bool host_bits_are_zero(const struct network *network)
{
    for (unsigned bit = network->prefix_len; bit < 128; ++bit)
        if ((network->address.s6_addr[bit / 8] & (0x80 >> bit % 8)) != 0)
            return false;
    return true;
}

static bool parse_network(struct bytes text, struct network *out, const char **why)
{
    const char *slash = memchr(text.data, '/', text.len);
    struct bytes address = slash != NULL ? bytes_view(text.data, (size_t)(slash - text.data)) : text;
    if (!address_parse(address, &out->address)) {
        *why = "a trusted proxy must be an IP address or a network such as 10.0.0.0/8";
        return false;
    }
    unsigned most = address_is_ipv4(&out->address) && memchr(address.data, ':', address.len) == NULL ? 32 : 128;
    unsigned prefix = most;
    if (slash != NULL && !parse_number(bytes_view(slash + 1, text.len - address.len - 1), most, &prefix)) {
        *why = "the length behind '/' of a trusted network must be 0 to 32 (IPv4) or 0 to 128 (IPv6)";
        return false;
    }
    out->prefix_len = 128 - most + prefix;
    if (!host_bits_are_zero(out)) {
        *why = "a trusted network has address bits behind its length, as in 10.0.0.1/8";
        return false;
    }
    return true;
}

struct trusted_proxies *trusted_proxies_parse(const char *text, const char **why)
{
    struct trusted_proxies *proxies = calloc(1, sizeof(*proxies));
    if (proxies == NULL)
        abort();
    for (const char *at = text, *end; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        end = at + strcspn(at, ",");
        struct bytes item = trim(bytes_view(at, (size_t)(end - at)));
        *why = "there is an empty item in the list of trusted proxies, or there are too many";
        if (item.len == 0 || proxies->count == NETWORKS_MAX ||
            !parse_network(item, &proxies->networks[proxies->count], why)) {
            free(proxies);
            return NULL;
        }
        ++proxies->count;
    }
    return proxies;
}

void trusted_proxies_free(struct trusted_proxies *proxies)
{
    free(proxies);
}

static bool network_contains(const struct network *network, const struct in6_addr *address)
{
    unsigned bytes = network->prefix_len / 8, bits = network->prefix_len % 8;
    if (memcmp(network->address.s6_addr, address->s6_addr, bytes) != 0)
        return false;
    return bits == 0 || ((network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) & (0xff00 >> bits)) == 0;
}

bool trusted_proxies_contain(const struct trusted_proxies *proxies, const struct in6_addr *address)
{
    for (size_t i = 0; i < proxies->count; ++i)
        if (network_contains(&proxies->networks[i], address))
            return true;
    return false;
}

/* ---- X-Forwarded-For ----------------------------------------------------------------------------------------- */

/* One item of the list: an address, with or without a port ("1.2.3.4:567", "[::1]", "[::1]:567"). */
static bool parse_hop(struct bytes text, struct in6_addr *out)
{
    struct bytes port = BYTES_NONE;
    if (text.len != 0 && text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.len);
        if (close == NULL)
            return false;
        port = bytes_view(close + 1, text.len - (size_t)(close + 1 - text.data));
        text = bytes_view(text.data + 1, (size_t)(close - text.data) - 1);
    } else {
        const char *colon = memchr(text.data, ':', text.len);
        if (colon != NULL && memrchr(text.data, ':', text.len) == colon) {
            port = bytes_view(colon, text.len - (size_t)(colon - text.data));
            text.len -= port.len;
        }
    }
    unsigned number;
    if (port.len != 0 &&
        (port.data[0] != ':' || !parse_number(bytes_view(port.data + 1, port.len - 1), 65535, &number)))
        return false;
    return address_parse(text, out);
}

/* Takes the last item of a list off it. */
static struct bytes pop_item(struct bytes *list)
{
    const char *comma = memrchr(list->data, ',', list->len);
    size_t from = comma != NULL ? (size_t)(comma + 1 - list->data) : 0;
    struct bytes item = trim(bytes_view(list->data + from, list->len - from));
    list->len = comma != NULL ? from - 1 : 0;
    if (comma == NULL)
        list->data = NULL;
    return item;
}

struct in6_addr trusted_proxies_client(const struct trusted_proxies *proxies, struct in6_addr peer,
                                       const struct bytes *values, size_t count)
{
    struct in6_addr client = peer;
    while (count-- > 0) {
        struct bytes list = values[count];
        while (list.data != NULL) {
            if (!parse_hop(pop_item(&list), &client))
                return peer;
            if (!trusted_proxies_contain(proxies, &client))
                return client;
        }
    }
    return client;
}

/* inet_pton and inet_ntop know the forms; here is only how much of an address is left. No name is ever resolved. */
#include "base/address_text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#define IPV4_PREFIX_BYTES 3 /* /24: a block of neighbours */
#define IPV6_PREFIX_BYTES 6 /* /48: what a provider gives to one place */

struct parsed {
    struct in6_addr address;
    bool is_ipv4, has_prefix;
};

static bool is_ipv4(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

static void cut(struct in6_addr *address)
{
    size_t kept = is_ipv4(address) ? 12 + IPV4_PREFIX_BYTES : IPV6_PREFIX_BYTES;
    memset(address->s6_addr + kept, 0, sizeof(*address) - kept);
}

size_t address_text(const struct in6_addr *address, bool truncated, char out[ADDRESS_LEN_MAX])
{
    struct in6_addr shown = *address;
    char text[INET6_ADDRSTRLEN + sizeof("/48")];
    bool ipv4 = is_ipv4(address);
    if (truncated)
        cut(&shown);
    inet_ntop(ipv4 ? AF_INET : AF_INET6, ipv4 ? &shown.s6_addr[12] : shown.s6_addr, text, INET6_ADDRSTRLEN);
    strcat(text, !truncated ? "" : ipv4 ? "/24" : "/48");
    size_t len = strlen(text);
    assert(len <= ADDRESS_LEN_MAX);
    memcpy(out, text, len);
    return len;
}

/* The part before a "/24" or "/48", which must be the one of its family. */
static bool parse(struct bytes text, struct parsed *out)
{
    char string[ADDRESS_LEN_MAX + 1];
    struct in_addr ipv4;
    if (text.len == 0 || text.len > ADDRESS_LEN_MAX || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(string, text.data, text.len);
    string[text.len] = '\0';
    char *slash = strchr(string, '/');
    out->has_prefix = slash != NULL;
    if (slash != NULL)
        *slash = '\0';
    out->is_ipv4 = inet_pton(AF_INET, string, &ipv4) == 1;
    if (out->is_ipv4) {
        out->address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(out->address.s6_addr + 12, &ipv4, sizeof(ipv4));
    } else if (inet_pton(AF_INET6, string, &out->address) != 1) {
        return false;
    }
    return slash == NULL || strcmp(slash + 1, out->is_ipv4 ? "24" : "48") == 0;
}

bool address_text_is_valid(struct bytes text)
{
    struct parsed parsed;
    return parse(text, &parsed);
}

struct bytes address_text_truncate(struct bytes text, char out[ADDRESS_LEN_MAX])
{
    struct parsed parsed = {.has_prefix = true};
    bool is_valid = parse(text, &parsed);
    assert(is_valid);
    return parsed.has_prefix ? text : bytes_view(out, address_text(&parsed.address, true, out));
}

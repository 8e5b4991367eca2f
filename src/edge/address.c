/* One shape for both families, so that limits, networks and the rules above compare sixteen bytes and never ask which.
 */
#include "edge/address.h"

#include <arpa/inet.h>

struct in6_addr address_of_ipv4(struct in_addr address)
{
    struct in6_addr out = {0};
    out.s6_addr[10] = out.s6_addr[11] = 0xff;
    memcpy(out.s6_addr + 12, &address, 4);
    return out;
}

struct in6_addr address_of_sockaddr(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET)
        return address_of_ipv4(((const struct sockaddr_in *)from)->sin_addr);
    if (from->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)from)->sin6_addr;
    return (struct in6_addr){0};
}

bool address_parse(struct bytes text, struct in6_addr *out)
{
    char string[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    if (text.len == 0 || text.len >= sizeof(string) || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(string, text.data, text.len);
    string[text.len] = '\0';
    if (inet_pton(AF_INET, string, &ipv4) == 1) {
        *out = address_of_ipv4(ipv4);
        return true;
    }
    return inet_pton(AF_INET6, string, out) == 1;
}

bool address_is_ipv4(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

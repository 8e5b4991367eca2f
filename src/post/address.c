/* Networks as bytes and a length, so that the list can be read beside the registries. Of IPv6 only 2000::/3 is given
 * out to hosts; so that is let pass, save for what is special in it, and nothing else. */
#include "post/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

struct network {
    unsigned char bytes[16];
    unsigned bits;
};

static const struct network refused_ipv4[] = {
    {{0}, 8},                 /* this network */
    {{10}, 8},                /* private */
    {{100, 64}, 10},          /* shared by a provider's customers; 100.100.100.200 is Alibaba's metadata */
    {{127}, 8},               /* loopback */
    {{168, 63, 129, 16}, 32}, /* Azure's host */
    {{169, 254}, 16},         /* link-local; 169.254.169.254 is everybody's metadata */
    {{172, 16}, 12},          /* private */
    {{192, 0, 0}, 24},        /* protocols; 192.0.0.192 is Oracle's metadata */
    {{192, 0, 2}, 24},        /* documentation */
    {{192, 31, 196}, 24},     /* AS112 */
    {{192, 52, 193}, 24},     /* AMT */
    {{192, 88, 99}, 24},      /* 6to4 relays */
    {{192, 168}, 16},         /* private */
    {{192, 175, 48}, 24},     /* AS112 */
    {{198, 18}, 15},          /* benchmarks */
    {{198, 51, 100}, 24},     /* documentation */
    {{203, 0, 113}, 24},      /* documentation */
    {{224}, 4},               /* multicast */
    {{240}, 4},               /* reserved, and broadcast */
};

static const struct network given_out_ipv6 = {{0x20}, 3};

static const struct network refused_ipv6[] = {
    {{0x20, 0x01, 0x00}, 23},                   /* protocols: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x20, 0x02}, 16},                         /* 6to4 */
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48}, /* AS112 */
    {{0x3f, 0xfe}, 16},                         /* the 6bone, which has been given back */
    {{0x3f, 0xff, 0x00}, 20},                   /* documentation */
};

static bool is_in(const unsigned char *address, const struct network *network)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);
    return memcmp(address, network->bytes, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ network->bytes[whole]) & mask) == 0);
}

static bool is_in_any(const unsigned char *address, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (is_in(address, &networks[i]))
            return true;
    return false;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        return !is_in_any((const unsigned char *)&ipv4.sin_addr, refused_ipv4,
                          sizeof(refused_ipv4) / sizeof(refused_ipv4[0]));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        return is_in(ipv6.sin6_addr.s6_addr, &given_out_ipv6) &&
               !is_in_any(ipv6.sin6_addr.s6_addr, refused_ipv6, sizeof(refused_ipv6) / sizeof(refused_ipv6[0]));
    }
    return false;
}

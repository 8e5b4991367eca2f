/* The text form of a listener. Addresses are numbers only: a static binary has no resolver, and none is wanted. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "edge/private.h"

static bool parse_scheme(const char **text, enum listener_kind *kind, const char **why)
{
    static const struct {
        const char *prefix;
        enum listener_kind kind;
    } schemes[] = {{"http://", LISTENER_HTTP}, {"https://", LISTENER_HTTPS}, {"redirect://", LISTENER_REDIRECT}};
    *kind = LISTENER_HTTP;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); ++i) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(*text, schemes[i].prefix, len) == 0) {
            *kind = schemes[i].kind;
            *text += len;
            return true;
        }
    }
    *why = "a listener begins with http://, https:// or redirect://";
    return strstr(*text, "://") == NULL;
}

static bool parse_port(const char *text, uint16_t *out, const char **why)
{
    unsigned value = 0;
    size_t len = strlen(text);
    *why = "the port of a listener must be a number from 0 to 65535, with nothing behind it";
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    for (size_t i = 0; i < len; ++i)
        value = value * 10 + (unsigned)(text[i] - '0');
    *out = (uint16_t)value;
    return value <= 65535;
}

static void set_ipv6(struct listener_config *out, struct in6_addr address)
{
    struct sockaddr_in6 *to = (struct sockaddr_in6 *)&out->address;
    *to = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = address};
    out->address_len = sizeof(*to);
}

static void set_ipv4(struct listener_config *out, struct in_addr address)
{
    struct sockaddr_in *to = (struct sockaddr_in *)&out->address;
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = address};
    out->address_len = sizeof(*to);
}

/* `host` is empty (every address), an IPv4 address, or an IPv6 address in brackets. */
static bool parse_host(struct bytes host, struct listener_config *out, const char **why)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    *why = "a listener's address must be an IPv4 address, an IPv6 address in [brackets], or nothing; names are not "
           "resolved";
    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (host.len == 0) {
        set_ipv6(out, in6addr_any);
        return true;
    }
    if (text[0] == '[' && text[host.len - 1] == ']') {
        text[host.len - 1] = '\0';
        if (inet_pton(AF_INET6, text + 1, &ipv6) != 1)
            return false;
        set_ipv6(out, ipv6);
        return true;
    }
    if (inet_pton(AF_INET, text, &ipv4) != 1)
        return false;
    set_ipv4(out, ipv4);
    return true;
}

bool listener_parse(const char *text, struct listener_config *out, const char **why)
{
    memset(out, 0, sizeof(*out));
    if (!parse_scheme(&text, &out->kind, why))
        return false;
    const char *colon = strrchr(text, ':');
    uint16_t port;
    if (!parse_port(colon != NULL ? colon + 1 : text, &port, why))
        return false;
    if (!parse_host(bytes_view(text, colon != NULL ? (size_t)(colon - text) : 0), out, why))
        return false;
    if (out->address.ss_family == AF_INET)
        ((struct sockaddr_in *)&out->address)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&out->address)->sin6_port = htons(port);
    return true;
}

const char *listener_format(const struct listener_config *config, char out[LISTENER_TEXT_LEN])
{
    static const char *const schemes[] = {"http", "https", "redirect"};
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&config->address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&config->address;
    bool is_ipv4 = config->address.ss_family == AF_INET;
    char address[INET6_ADDRSTRLEN];
    inet_ntop(config->address.ss_family, is_ipv4 ? (const void *)&ipv4->sin_addr : &ipv6->sin6_addr, address,
              sizeof(address));
    snprintf(out, LISTENER_TEXT_LEN, is_ipv4 ? "%s://%s:%u" : "%s://[%s]:%u", schemes[config->kind], address,
             ntohs(is_ipv4 ? ipv4->sin_port : ipv6->sin6_port));
    return out;
}

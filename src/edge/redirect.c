/* The plain listener beside a TLS one: 308 keeps method and body. */
#include <arpa/inet.h>
#include <stdio.h>

#include "edge/private.h"

#define HOST_LEN_MAX 253
#define PORT_LEN_MAX 6 /* with its colon */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* "[2001:db8::1]", the only form of host that holds colons of its own. */
static size_t ipv6_literal_len(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *close = memchr(host, ']', len);
    size_t inner = close != NULL ? (size_t)(close - host) - 1 : 0;
    if (inner == 0 || inner >= sizeof(text))
        return 0;
    memcpy(text, host + 1, inner);
    text[inner] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1 ? inner + 2 : 0;
}

static size_t hostname_len(const char *host, size_t len)
{
    size_t at = 0;
    while (at < len && (is_alnum(host[at]) || host[at] == '.' || host[at] == '-'))
        ++at;
    return at;
}

/* The host without its port; len 0 when it is not one. It ends up in a header of ours, so nothing odd may pass. */
static struct bytes host_of(h2o_iovec_t authority)
{
    if (authority.len == 0)
        return BYTES_NONE;
    const char *text = authority.base;
    size_t len = text[0] == '[' ? ipv6_literal_len(text, authority.len) : hostname_len(text, authority.len);
    if (len == 0 || len > HOST_LEN_MAX)
        return BYTES_NONE;
    if (len < authority.len && text[len] != ':')
        return BYTES_NONE;
    for (size_t i = len + 1; i < authority.len; ++i)
        if (text[i] < '0' || text[i] > '9')
            return BYTES_NONE;
    return bytes_view(text, len);
}

/* ":8443", or nothing where https:// alone leads to the first TLS listener. */
static size_t format_port(const struct edge *edge, char out[PORT_LEN_MAX + 1])
{
    size_t i = 0;
    while (edge->listeners[i].config.kind != LISTENER_HTTPS)
        ++i; /* edge_open has seen to it that there is one */
    uint16_t port = edge->listeners[i].port;
    out[0] = '\0';
    return port == 443 ? 0 : (size_t)snprintf(out, PORT_LEN_MAX + 1, ":%u", port);
}

void redirect_respond(struct request *request)
{
    static const struct bytes scheme = {"https://", 8};
    char port[PORT_LEN_MAX + 1];
    struct bytes host = host_of(request->h2o->input.authority), path = request->path, query = request->query;
    if (host.len == 0) {
        respond_edge_error(request, ERR_BAD_REQUEST);
        return;
    }
    size_t query_len = query.data != NULL ? query.len + 1 : 0;
    size_t port_len = format_port(request->loop->edge, port);
    char *location = request_alloc(request, scheme.len + host.len + port_len + path.len + query_len), *end = location;
    memcpy(end, scheme.data, scheme.len);
    memcpy(end += scheme.len, host.data, host.len);
    memcpy(end += host.len, port, port_len);
    memcpy(end += port_len, path.data, path.len);
    end += path.len;
    if (query_len != 0) {
        *end++ = '?';
        memcpy(end, query.data, query.len);
        end += query.len;
    }
    request_add_header(request, BYTES("location"), bytes_view(location, (size_t)(end - location)));
    request_respond(request, 308, NULL, BYTES_NONE);
}

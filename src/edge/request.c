/* What came: plain views into the library's request. */
#include <assert.h>

#include "edge/private.h"
#include "edge/proxies.h"

#define FORWARDED_HEADERS_MAX 16

static struct bytes view(h2o_iovec_t iovec)
{
    return bytes_view(iovec.base, iovec.len);
}

struct loop *request_loop(const struct request *request)
{
    return request->loop;
}

const struct route *request_route(const struct request *request)
{
    return request->route;
}

struct bytes request_method(const struct request *request)
{
    return view(request->h2o->input.method);
}

struct bytes request_path(const struct request *request)
{
    return request->path;
}

struct bytes request_path_param(const struct request *request, unsigned index)
{
    assert(index < request->param_count);
    return request->params[index];
}

struct bytes request_query(const struct request *request)
{
    return request->query;
}

struct bytes request_header(const struct request *request, struct bytes name, unsigned *count)
{
    const h2o_headers_t *headers = &request->h2o->headers;
    struct bytes value = BYTES_NONE;
    unsigned found = 0;
    for (size_t i = 0; i < headers->size; ++i) {
        const h2o_header_t *header = &headers->entries[i];
        if (header->name->len != name.len || memcmp(header->name->base, name.data, name.len) != 0)
            continue;
        if (found++ == 0)
            value = bytes_view(header->value.len != 0 ? header->value.base : "", header->value.len);
        if (count == NULL)
            break;
    }
    if (count != NULL)
        *count = found;
    return value;
}

struct bytes request_body(const struct request *request)
{
    return view(request->h2o->entity);
}

bool request_is_tls(const struct request *request)
{
    return request->connection->tls != NULL;
}

/* Of several the last is the proxy's own; the ones before it are anybody's. */
bool request_is_secure(const struct request *request)
{
    if (request_is_tls(request))
        return true;
    const h2o_headers_t *headers = &request->h2o->headers;
    ssize_t at = -1;
    struct bytes proto = BYTES_NONE;
    while (request->connection->is_trusted_proxy &&
           (at = h2o_find_header_by_str(headers, H2O_STRLIT("x-forwarded-proto"), at)) != -1)
        proto = view(headers->entries[at].value);
    return proto.data != NULL && h2o_lcstris(proto.data, proto.len, H2O_STRLIT("https"));
}

void *request_alloc(struct request *request, size_t size)
{
    return h2o_mem_alloc_pool(&request->h2o->pool, size);
}

struct in6_addr request_client_address(const struct request *request)
{
    const struct connection *connection = request->connection;
    if (!connection->is_trusted_proxy)
        return connection->address;
    struct bytes values[FORWARDED_HEADERS_MAX];
    size_t count = 0;
    ssize_t at = -1;
    while ((at = h2o_find_header(&request->h2o->headers, H2O_TOKEN_X_FORWARDED_FOR, at)) != -1) {
        if (count == FORWARDED_HEADERS_MAX) /* the last lines are the proxies', and those before anybody's */
            memmove(values, values + 1, --count * sizeof(values[0]));
        values[count++] = view(request->h2o->headers.entries[at].value);
    }
    return trusted_proxies_client(connection->listener->loop->edge->config.trusted_proxies, connection->address, values,
                                  count);
}

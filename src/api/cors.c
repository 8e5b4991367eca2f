/*
 * Which pages may talk to the server. An organisation that lists no origin lets any page in; one that lists some
 * refuses the others on every request that carries an Origin header, not only in what the browser is told. Identity is
 * a header that the page sends itself, so credentials are never allowed, but for the routes of the visitor's cookie:
 * they must name the page.
 */
#include "api/internal.h"

#define ALLOW_ORIGIN BYTES("access-control-allow-origin")
#define ALLOW_CREDENTIALS BYTES("access-control-allow-credentials")

/* The list is one origin a line. */
static bool lists_origin(struct bytes origins, struct bytes origin)
{
    while (origins.len != 0) {
        const char *end = memchr(origins.data, '\n', origins.len);
        size_t len = end == NULL ? origins.len : (size_t)(end - origins.data);
        if (bytes_equal(bytes_view(origins.data, len), origin))
            return true;
        size_t skip = end == NULL ? len : len + 1;
        origins = bytes_view(origins.data + skip, origins.len - skip);
    }
    return false;
}

bool cors_allows(const struct org *org, struct bytes origin)
{
    return org->origins.len == 0 || lists_origin(org->origins, origin);
}

static void expose(struct request *request)
{
    request_add_header(request, BYTES("access-control-expose-headers"), BYTES("Retry-After"));
}

void cors_any(struct request *request)
{
    if (request_header(request, BYTES("origin"), NULL).data == NULL)
        return;
    request_add_header(request, ALLOW_ORIGIN, BYTES("*"));
    expose(request);
}

static bool takes_credentials(const struct api_loop *loop, const struct request *request)
{
    return loop->api->config.visitor_cookie && request_is_for_cookie(request);
}

/* A browser names the page with every POST and DELETE; "null" is no page that anybody could admit. */
static enum error admit_with_credentials(struct call *call, struct bytes origin)
{
    request_add_header(call->request, BYTES("vary"), BYTES("Origin"));
    if (origin.data == NULL)
        return call_refuse(call, ERR_ORIGIN_FORBIDDEN,
                           "The header Origin must name the page that asks for the cookie.");
    if (!origin_is_valid(origin) || !cors_allows(&call->org, origin))
        return ERR_ORIGIN_FORBIDDEN;
    request_add_header(call->request, ALLOW_ORIGIN, origin);
    request_add_header(call->request, ALLOW_CREDENTIALS, BYTES("true"));
    expose(call->request);
    return OK;
}

enum error cors_admit(struct call *call)
{
    /* An agent's cookie comes with pages of our own alone (caller.c), which need no permission to read the answer. */
    if (!id_is_none(call->session))
        return OK;
    struct bytes origin = request_header(call->request, BYTES("origin"), NULL);
    if (takes_credentials(call->loop, call->request))
        return admit_with_credentials(call, origin);
    if (call->org.origins.len == 0) {
        cors_any(call->request);
        return OK;
    }
    request_add_header(call->request, BYTES("vary"), BYTES("Origin"));
    if (origin.data == NULL)
        return OK;
    if (!lists_origin(call->org.origins, origin))
        return ERR_ORIGIN_FORBIDDEN;
    request_add_header(call->request, ALLOW_ORIGIN, origin);
    expose(call->request);
    return OK;
}

/* A preflight can't name the organisation (it lists header names, not values), so it is let through when any
 * organisation would. */
static bool any_org_admits(struct txn *txn, struct bytes origin)
{
    struct bytes key, value;
    bool admitted = false;
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    while (error == OK && !admitted) {
        struct org org;
        admitted = record_decode(RECORD_ORGS, value, &org) == OK && !org.deleted && cors_allows(&org, origin);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return admitted;
}

void on_options(struct request *request, struct bytes route_allow)
{
    struct api_loop *loop = loop_data(request_loop(request));
    struct bytes origin = request_header(request, BYTES("origin"), NULL);
    struct txn *txn = origin.data == NULL ? NULL : reader_begin(loop->reader);
    bool admitted = txn != NULL && any_org_admits(txn, origin);
    if (txn != NULL)
        reader_end(loop->reader);
    request_add_header(request, BYTES("allow"), route_allow);
    if (admitted) {
        request_add_header(request, BYTES("vary"), BYTES("Origin"));
        request_add_header(request, ALLOW_ORIGIN, origin);
        request_add_header(request, BYTES("access-control-allow-methods"), route_allow);
        request_add_header(request, BYTES("access-control-allow-headers"),
                           BYTES("authorization, content-type, idempotency-key, last-event-id, x-org-key, x-site-id, "
                                 "x-page, x-visitor-id"));
        if (takes_credentials(loop, request))
            request_add_header(request, ALLOW_CREDENTIALS, BYTES("true"));
        request_add_header(request, BYTES("access-control-max-age"), BYTES("7200"));
    }
    request_respond(request, 204, NULL, BYTES_NONE);
}

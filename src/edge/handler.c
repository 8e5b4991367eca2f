/*
 * The one handler the library knows: it turns every request into a struct request and finds who answers it. The path is
 * taken as the client sent it; the library's normalised form is never looked at.
 */
#include "base/clock.h"
#include "edge/private.h"

/* ---- what came ----------------------------------------------------------------------------------------------- */

static struct request *request_create(h2o_req_t *req)
{
    struct request *request = h2o_mem_alloc_pool(&req->pool, sizeof(*request));
    *request = (struct request){
        .h2o = req,
        .loop = H2O_STRUCT_FROM_MEMBER(struct loop, context, req->conn->ctx),
        .connection = connection_of(req),
        .entered_at_ns = clock_monotonic_ns(),
        .is_head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD")),
    };
    return request;
}

static bool is_visible_ascii(h2o_iovec_t text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (text.base[i] < 0x21 || text.base[i] > 0x7e)
            return false;
    return true;
}

/* The library has refused by now what is neither a path nor a URL of this host, and has made a path of such a URL. */
static bool split_target(struct request *request)
{
    h2o_iovec_t raw = request->h2o->input.path;
    struct bytes target = bytes_view(raw.base, raw.len);
    if (raw.len == 0 || raw.base[0] != '/' || !is_visible_ascii(raw))
        return false;
    const char *mark = memchr(target.data, '?', target.len);
    request->path = mark != NULL ? bytes_view(target.data, (size_t)(mark - target.data)) : target;
    if (mark != NULL)
        request->query = bytes_view(mark + 1, target.len - request->path.len - 1);
    return true;
}

static bool decode_params(struct request *request, const struct router_match *match)
{
    request->param_count = match->param_count;
    for (unsigned i = 0; i < match->param_count; ++i) {
        struct bytes raw = match->params[i];
        if (memchr(raw.data, '%', raw.len) == NULL) { /* visible ASCII already */
            request->params[i] = raw;
            continue;
        }
        char *text = request_alloc(request, raw.len);
        size_t len;
        if (!path_decode(raw, text, &len))
            return false;
        request->params[i] = bytes_view(text, len);
    }
    return true;
}

/* ---- who answers --------------------------------------------------------------------------------------------- */

enum verb { VERB_OPTIONS = METHOD_COUNT, VERB_UNKNOWN };

static unsigned verb_of(const struct request *request)
{
    static const struct {
        h2o_iovec_t name;
        unsigned verb;
    } verbs[] = {{{H2O_STRLIT("GET")}, METHOD_GET},       {{H2O_STRLIT("POST")}, METHOD_POST},
                 {{H2O_STRLIT("HEAD")}, METHOD_GET},      {{H2O_STRLIT("OPTIONS")}, VERB_OPTIONS},
                 {{H2O_STRLIT("DELETE")}, METHOD_DELETE}, {{H2O_STRLIT("PATCH")}, METHOD_PATCH},
                 {{H2O_STRLIT("PUT")}, METHOD_PUT}};
    h2o_iovec_t method = request->h2o->input.method;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); ++i)
        if (h2o_memis(method.base, method.len, verbs[i].name.base, verbs[i].name.len))
            return verbs[i].verb;
    return VERB_UNKNOWN;
}

static void respond_options(struct request *request, struct bytes allow)
{
    const struct edge_config *config = &request->loop->edge->config;
    if (config->on_options != NULL) {
        config->on_options(request, allow);
        return;
    }
    request_add_header(request, BYTES("allow"), allow);
    request_respond(request, 204, NULL, BYTES_NONE);
}

static void call_route(struct request *request, const struct route *route)
{
    request->route = route;
    if (route->body_len_max == 0)
        request->h2o->entity = h2o_iovec_init(NULL, 0);
    if (request->h2o->entity.len > route->body_len_max)
        respond_body_too_large(request, route->body_len_max);
    else
        route->handle(request, route);
}

static void route_request(struct request *request)
{
    struct router_match match;
    if (!router_find(request->loop->edge->router, request->path, &match)) {
        respond_edge_error(request, ERR_NOT_FOUND);
        return;
    }
    if (!decode_params(request, &match)) {
        respond_edge_error(request, ERR_INVALID_PATH);
        return;
    }
    struct bytes allow = bytes_view(match.path->allow, match.path->allow_len);
    unsigned verb = verb_of(request);
    if (verb == VERB_OPTIONS) {
        respond_options(request, allow);
    } else if (verb == VERB_UNKNOWN || match.path->routes[verb] == NULL) {
        request_add_header(request, BYTES("allow"), allow);
        respond_edge_error(request, ERR_METHOD_NOT_ALLOWED);
    } else {
        call_route(request, match.path->routes[verb]);
    }
}

static bool is_options_of_server(const h2o_req_t *req)
{
    return h2o_memis(req->input.path.base, req->input.path.len, H2O_STRLIT("*")) &&
           h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("OPTIONS"));
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    struct request *request = request_create(req);
    if (connection_lacks_tls(request->connection)) {
        req->http1_is_persistent = 0;
        respond_edge_error(request, ERR_TLS_REQUIRED);
    } else if (is_options_of_server(req)) {
        request_add_header(request, BYTES("allow"), BYTES("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        request_respond(request, 204, NULL, BYTES_NONE);
    } else if (!split_target(request)) {
        respond_edge_error(request, ERR_INVALID_PATH);
    } else if (acme_is_challenge(request)) {
        acme_respond(request);
    } else if (request->connection->listener->listener->config.kind == LISTENER_REDIRECT) {
        redirect_respond(request);
    } else {
        route_request(request);
    }
    return 0;
}

uint32_t handler_body_len_max(h2o_req_t *req)
{
    struct request *request = request_create(req);
    struct router_match match;
    unsigned verb = verb_of(request);
    if (verb >= METHOD_COUNT || !split_target(request) ||
        !router_find(request->loop->edge->router, request->path, &match) || match.path->routes[verb] == NULL)
        return REQUEST_BODY_LEN_MAX;
    uint32_t body_len_max = match.path->routes[verb]->body_len_max;
    return body_len_max != 0 ? body_len_max : REQUEST_BODY_LEN_MAX; /* an ignored body only meets the outer wall */
}

/* No path is registered, so that everything falls to the host's fallback without a look at the path. */
void handler_register(struct edge *edge)
{
    h2o_hostconf_t *host = h2o_config_register_host(&edge->globalconf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_handler_t *handler = h2o_create_handler(&host->fallback_path, sizeof(*handler));
    handler->on_req = on_request;
}

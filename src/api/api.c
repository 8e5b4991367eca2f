/*
 * The frame around every handler: a snapshot, the caller, the page's origin, then the handler of the table; whatever it
 * refuses is answered here. One reader, one port and two buffers a loop; nothing is shared between loops but the log,
 * the limiter and the store.
 */
#include "api/api.h"

#include <arpa/inet.h>
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "api/hook_courier.h"
#include "api/internal.h"
#include "api/login_guard.h"
#include "api/password.h"
#include "live/callers.h"

const struct route_row route_rows[] = {
#define ROUTE(method, pattern, who, body_len_max, handler, help) \
    {#method, pattern, help, WHO_##who, handle_##handler, body_len_max, #handler},
#include "api/routes.def"
#undef ROUTE
};
const unsigned route_row_count = sizeof(route_rows) / sizeof(route_rows[0]);
_Static_assert(sizeof(route_rows) / sizeof(route_rows[0]) <= API_ROUTES_MAX, "raise API_ROUTES_MAX");

/* ---- answers ---- */

void call_respond(struct call *call, int status, const struct buffer *json)
{
    request_respond(call->request, status, CONTENT_TYPE_JSON, buffer_view(json));
}

enum error call_refuse(struct call *call, enum error error, const char *sentence)
{
    call->sentence = sentence;
    return error;
}

#define RETRY_AFTER_FULL_S 1
#define RETRY_AFTER_STOPPING_S 5

void respond_error(struct request *request, enum error error, const char *sentence, unsigned retry_after_s)
{
    if (retry_after_s == 0 && error_status(error) == 503)
        retry_after_s = error == ERR_STOPPING ? RETRY_AFTER_STOPPING_S : RETRY_AFTER_FULL_S;
    if (error == ERR_TOKEN_INVALID || error == ERR_TOKEN_REQUIRED)
        request_add_header(request, BYTES("www-authenticate"), BYTES("Bearer"));
    if (error == ERR_SESSION_INVALID)
        session_cookie_forget(request);
    request_respond_error(request, error, sentence, retry_after_s);
}

struct id call_actor(const struct call *call)
{
    return id_is_none(call->agent) ? call->token : call->agent;
}

struct bytes request_address_text(struct request *request)
{
    char *text = request_alloc(request, INET6_ADDRSTRLEN);
    struct in6_addr address = request_client_address(request);
    bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&address);
    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? &address.s6_addr[12] : address.s6_addr, text, INET6_ADDRSTRLEN);
    return bytes_of_string(text);
}

/* ---- a request ---- */

#define RETRY_AFTER_DISABLED_S 30

/* The organisation's switch is about what visitors send; they may still have what is kept about them erased. */
static enum error may_write(struct call *call)
{
    if (call->by_org || !call->org.write_disabled || !bytes_equal(request_method(call->request), BYTES("POST")))
        return OK;
    call->retry_after_s = RETRY_AFTER_DISABLED_S;
    return ERR_WRITES_DISABLED;
}

static enum error run(struct call *call, const struct route_row *row)
{
    call->txn = reader_begin(call->loop->reader);
    if (call->txn == NULL)
        return ERR_BUSY;
    enum error error = call_identify(call, row->who);
    if (error == OK && row->who != WHO_OPEN)
        error = cors_admit(call);
    else
        cors_any(call->request);
    if (error == OK)
        error = may_write(call);
    /* Writes move a visitor's lastSeenAt inside their own command. */
    if (error == OK && row->who != WHO_OPEN && row->method[0] == 'G')
        touch_visitor(call);
    if (error == OK)
        error = row->handle(call);
    reader_end(call->loop->reader);
    return error;
}

static void on_request(struct request *request, const struct route *route)
{
    struct api_loop *loop = loop_data(request_loop(request));
    struct call call = {.request = request, .loop = loop, .now_ms = clock_now_ms()};
    buffer_clear(&loop->json);
    enum error error = run(&call, &route_rows[route - loop->api->routes]);
    if (error != OK)
        respond_error(request, error, call.sentence, call.retry_after_s);
}

/* ---- the loops ---- */

static void *on_loop_start(struct loop *loop, void *app)
{
    struct api *api = app;
    struct api_loop *mine = &api->loops[loop_index(loop)];
    mine->loop = loop;
    pthread_barrier_wait(&api->started);
    return mine;
}

static void on_turn_end(struct loop *loop)
{
    struct api_loop *mine = loop_data(loop);
    log_port_flush(mine->port);
    streams_turn_end(mine);
}

static void on_second(struct loop *loop)
{
    struct api_loop *mine = loop_data(loop);
    if (loop_index(loop) == 0)
        maintain(mine->api, mine);
    streams_tick(mine);
}

/* ---- life ---- */

static void on_log_failure(void *app)
{
    struct api *api = app;
    if (api->config.on_failure != NULL)
        api->config.on_failure(api->config.app);
}

static void fill_routes(struct api *api)
{
    static const char *const methods[METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (unsigned i = 0; i < route_row_count; ++i) {
        unsigned method = 0;
        while (strcmp(methods[method], route_rows[i].method) != 0)
            ++method;
        api->routes[i] =
            (struct route){(enum method)method, route_rows[i].pattern, route_rows[i].body_len_max, on_request};
    }
}

struct api *api_open(const struct api_config *config)
{
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL || sodium_init() < 0)
        abort();
    api->config = *config;
    api->limiter = limiter_new();
    fill_routes(api);
    api->log = log_open(&(struct log_config){.store = config->store,
                                             .deliver = on_delivered,
                                             .publish = on_published,
                                             .on_failure = on_log_failure,
                                             .app = api});
    api->news = news_open(api->log);
    api->callers = live_callers_new();
    api->visits = live_visits_new();
    api->passwords = passwords_open();
    api->login_guard = login_guard_new();
    pthread_barrier_init(&api->started, NULL, config->loop_count);
    api->loops = calloc(config->loop_count, sizeof(*api->loops));
    if (api->loops == NULL)
        abort();
    for (unsigned i = 0; i < config->loop_count; ++i) {
        struct api_loop *loop = &api->loops[i];
        loop->api = api;
        loop->reader = reader_open(config->store);
        loop->port = log_port_open(api->log, loop);
        loop->streams = streams_open(loop);
    }
    api->courier = courier_open(api);
    return api;
}

void api_edge_config(struct api *api, struct edge_config *config)
{
    config->routes = api->routes;
    config->route_count = route_row_count;
    config->on_loop_start = on_loop_start;
    config->on_turn_end = on_turn_end;
    config->on_second = on_second;
    config->on_answered = on_answered;
    config->on_options = on_options;
    config->app = api;
}

void api_set_edge(struct api *api, struct edge *edge)
{
    api->edge = edge;
}

void api_drain(struct api *api)
{
    passwords_close(api->passwords);
    api->passwords = NULL;
    courier_drain(api->courier);
    for (unsigned i = 0; i < api->config.loop_count; ++i)
        log_port_flush(api->loops[i].port);
    log_close(api->log);
    api->log = NULL;
}

void api_close(struct api *api)
{
    assert(api->log == NULL);
    courier_close(api->courier);
    for (unsigned i = 0; i < api->config.loop_count; ++i) {
        struct api_loop *loop = &api->loops[i];
        streams_close(loop->streams);
        log_port_close(loop->port);
        reader_close(loop->reader);
        buffer_dispose(&loop->json);
        buffer_dispose(&loop->scratch);
        for (unsigned slot = 0; slot < ORG_CACHE_SLOTS; ++slot)
            buffer_dispose(&loop->orgs[slot].encoded);
    }
    free(api->loops);
    pthread_barrier_destroy(&api->started);
    live_callers_free(api->callers);
    live_visits_free(api->visits);
    news_close(api->news);
    limiter_free(api->limiter);
    login_guard_free(api->login_guard);
    free(api);
}

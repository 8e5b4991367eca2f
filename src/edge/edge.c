/* Opening, running and closing the whole. Everything that can fail, fails in edge_open, before the first client. */
#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/logline.h"
#include "edge/private.h"

#define DESCRIPTORS_SPARE \
    256 /* for the store, the log, what goes out, files being served, and whoever has to look into a full server */
#define DESCRIPTORS_PER_LOOP 8

/* ---- open ---------------------------------------------------------------------------------------------------- */

/* Each connection is a descriptor. Where the system gives fewer than asked for, the limit of connections follows. */
static void fit_descriptors(struct edge_config *config)
{
    struct rlimit limit;
    rlim_t rest = DESCRIPTORS_SPARE + (DESCRIPTORS_PER_LOOP + config->listener_count) * config->loop_count;
    rlim_t needed = config->connections_max + rest;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    struct rlimit wanted = {needed, limit.rlim_max > needed ? limit.rlim_max : needed};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return;
    wanted = (struct rlimit){limit.rlim_max < needed ? limit.rlim_max : needed, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &wanted);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return;
    config->connections_max = limit.rlim_cur > rest ? (unsigned)(limit.rlim_cur - rest) : 1;
    log_line(LOG_WARN, "fewer connections than configured: the limit of open files is too low",
             LOG_NUMBER("connections_max", config->connections_max), LOG_NUMBER("open_files", limit.rlim_cur));
}

static void configure_library(struct edge *edge)
{
    h2o_globalconf_t *conf = &edge->globalconf;
    h2o_config_init(conf);
    conf->server_name = h2o_iovec_init(NULL, 0);
    conf->max_request_entity_size = REQUEST_BODY_LEN_MAX;
    conf->http1.req_timeout = edge->config.request_deadline_ms;
    conf->handshake_timeout = edge->config.request_deadline_ms;
    conf->http1.upgrade_to_http2 = 0;
    conf->on_error_response = respond_library_error;
    handler_register(edge);
}

static bool has_listener(const struct edge_config *config, enum listener_kind kind)
{
    for (size_t i = 0; i < config->listener_count; ++i)
        if (config->listeners[i].kind == kind)
            return true;
    return false;
}

static bool check(const struct edge_config *config, const char **why)
{
    *why = "there must be at least one listener, and not more than 16";
    if (config->listener_count == 0 || config->listener_count > LISTENERS_MAX)
        return false;
    *why = "a redirect:// listener needs an https:// listener to send people to";
    if (has_listener(config, LISTENER_REDIRECT) && !has_listener(config, LISTENER_HTTPS))
        return false;
    return config->acme_dir == NULL || acme_check(config->acme_dir, why);
}

static bool load_tls(struct edge *edge, const char **why)
{
    const struct edge_config *config = &edge->config;
    *why = "an https:// listener needs a TLS certificate and its key";
    if (config->tls_cert_path == NULL || config->tls_key_path == NULL) {
        if (has_listener(config, LISTENER_HTTPS))
            return false;
        *why = "a TLS certificate and its key must be given together";
        return config->tls_cert_path == NULL && config->tls_key_path == NULL;
    }
    edge->tls = tls_load(config->tls_cert_path, config->tls_key_path, why);
    return edge->tls != NULL;
}

static bool open_listeners(struct edge *edge, const char **why)
{
    for (size_t i = 0; i < edge->config.listener_count; ++i)
        if (!listener_open(&edge->listeners[i], &edge->config.listeners[i], why))
            return false;
    return true;
}

static void close_listeners(struct edge *edge)
{
    for (size_t i = 0; i < LISTENERS_MAX; ++i)
        if (edge->listeners[i].fd != -1) {
            close(edge->listeners[i].fd);
            edge->listeners[i].fd = -1;
        }
}

static struct edge *create(const struct edge_config *config)
{
    struct edge *edge = calloc(1, sizeof(*edge));
    if (edge == NULL)
        abort();
    edge->config = *config;
    for (size_t i = 0; i < LISTENERS_MAX; ++i)
        edge->listeners[i].fd = -1;
    return edge;
}

static void create_loops(struct edge *edge)
{
    fit_descriptors(&edge->config);
    edge->limits = connection_limits_create(edge->config.connections_max, edge->config.connections_per_address_max);
    edge->router = router_create(edge->config.routes, edge->config.route_count);
    configure_library(edge);
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        edge->loops[i] = loop_create(edge, i);
}

struct edge *edge_open(const struct edge_config *config, const char **why)
{
    assert(config->loop_count > 0 && config->loop_count <= LOOPS_MAX);
    assert(config->connections_max > 0 && config->connections_per_address_max > 0);
    if (!check(config, why))
        return NULL;
    struct edge *edge = create(config);
    if (!load_tls(edge, why) || !open_listeners(edge, why)) {
        close_listeners(edge);
        SSL_CTX_free(edge->tls);
        free(edge);
        return NULL;
    }
    signals_block();
    create_loops(edge);
    return edge;
}

uint16_t edge_listener_port(const struct edge *edge, size_t index)
{
    assert(index < edge->config.listener_count);
    return edge->listeners[index].port;
}

/* ---- run ----------------------------------------------------------------------------------------------------- */

static void *run_thread(void *data)
{
    struct loop *loop = data;
    loop_open(loop);
    loop_run(loop);
    loop_close(loop);
    return NULL;
}

static void start_threads(struct edge *edge)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    for (unsigned i = 1; i < edge->config.loop_count; ++i)
        if (pthread_create(&edge->loops[i]->thread, &attributes, run_thread, edge->loops[i]) != 0) {
            log_line(LOG_ERROR, "no thread for an event loop", LOG_NUMBER("loop", i));
            abort();
        }
    pthread_attr_destroy(&attributes);
}

static void wake_loops(struct edge *edge)
{
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        loop_wake(edge->loops[i]);
}

void edge_run(struct edge *edge, void (*on_stop)(void *app))
{
    edge->on_stop = on_stop;
    signals_block();
    atomic_store(&edge->loops_running, edge->config.loop_count);
    pthread_barrier_init(&edge->barrier, NULL, edge->config.loop_count);
    start_threads(edge);
    loop_open(edge->loops[0]);
    close_listeners(edge); /* the loops have theirs */
    atomic_store(&edge->are_loops_open, true);
    if (atomic_load(&edge->is_stopping)) /* asked to before there was a loop to wake */
        wake_loops(edge);
    loop_run(edge->loops[0]);
}

void edge_stop(struct edge *edge)
{
    if (!atomic_exchange(&edge->is_stopping, true) && atomic_load(&edge->are_loops_open))
        wake_loops(edge);
}

bool edge_stopping(const struct edge *edge)
{
    return atomic_load_explicit(&edge->is_stopping, memory_order_acquire);
}

/* ---- close --------------------------------------------------------------------------------------------------- */

static void close_loops(struct edge *edge)
{
    loop_close(edge->loops[0]);
    for (unsigned i = 1; i < edge->config.loop_count; ++i)
        pthread_join(edge->loops[i]->thread, NULL);
    pthread_barrier_destroy(&edge->barrier);
}

void edge_close(struct edge *edge)
{
    if (edge == NULL)
        return;
    if (atomic_load(&edge->are_loops_open))
        close_loops(edge);
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        free(edge->loops[i]);
    close_listeners(edge);
    h2o_config_dispose(&edge->globalconf);
    router_free(edge->router);
    connection_limits_free(edge->limits);
    SSL_CTX_free(edge->tls);
    free(edge);
}

/* ---- gauges -------------------------------------------------------------------------------------------------- */

unsigned edge_connection_count(const struct edge *edge)
{
    return connection_limits_count(edge->limits);
}

unsigned edge_stream_count(const struct edge *edge)
{
    unsigned count = 0;
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        count += atomic_load_explicit(&edge->loops[i]->stream_count, memory_order_relaxed);
    return count;
}

uint64_t edge_connections_refused(const struct edge *edge)
{
    return atomic_load_explicit(&edge->refused_count, memory_order_relaxed);
}

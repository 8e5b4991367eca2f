/*
 * Listening sockets and accepting. All loops poll one shared socket by duplicates of its descriptor, so an idle loop
 * takes what a busy one leaves; a second server on the same port fails with a clear error, which SO_REUSEPORT would
 * hide. At the overall limit, or when the kernel has no descriptor left, a loop rests: it stops polling its listeners,
 * so nothing spins, and new clients wait in the kernel's queue.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/logline.h"
#include "edge/address.h"
#include "edge/private.h"

#define ACCEPT_BATCH 8 /* in one turn, so that a burst of clients does not starve those being served */
#define TCP_KEEPALIVE_IDLE_S 60
#define TCP_KEEPALIVE_INTERVAL_S 10
#define TCP_KEEPALIVE_PROBES 3

/* ---- opening ------------------------------------------------------------------------------------------------- */

/* Accepted sockets inherit all of these from the listener on Linux, which saves system calls for each connection. */
static void set_options(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS},
        {IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, TCP_KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, TCP_KEEPALIVE_PROBES},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); ++i)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

/* Every address in IPv6 includes IPv4; where the kernel has no IPv6, every address in IPv4 is what was meant. */
static void fall_back_to_ipv4(struct listener_config *config)
{
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&config->address;
    if (config->address.ss_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr))
        return;
    in_port_t port = ipv6->sin6_port;
    memset(&config->address, 0, sizeof(config->address));
    *(struct sockaddr_in *)&config->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    config->address_len = sizeof(struct sockaddr_in);
}

static int open_socket(struct listener_config *config)
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(config->address.ss_family, type, 0);
    if (fd == -1 && errno == EAFNOSUPPORT) {
        fall_back_to_ipv4(config);
        fd = socket(config->address.ss_family, type, 0);
    }
    return fd;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

static const char *advice_for(int error, uint16_t port)
{
    if (error == EADDRINUSE)
        return "; another program has this port: stop it, or name another port";
    if (error == EACCES && port < 1024)
        return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    if (error == EADDRNOTAVAIL)
        return "; this machine does not have the address";
    return "";
}

static bool fail(const struct listener *listener, const char **why)
{
    static __thread char sentence[256];
    char text[LISTENER_TEXT_LEN];
    int error = errno;
    snprintf(sentence, sizeof(sentence), "cannot listen on %s: %s%s", listener_format(&listener->config, text),
             strerror(error), advice_for(error, port_of(&listener->config.address)));
    *why = sentence;
    return false;
}

bool listener_open(struct listener *listener, const struct listener_config *config, const char **why)
{
    listener->config = *config;
    listener->fd = open_socket(&listener->config);
    if (listener->fd == -1)
        return fail(listener, why);
    set_options(listener->fd);
    int only_ipv6 = 0;
    if (listener->config.address.ss_family == AF_INET6)
        setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof(only_ipv6));
    if (bind(listener->fd, (struct sockaddr *)&listener->config.address, listener->config.address_len) != 0)
        return fail(listener, why);
    if (listen(listener->fd, LISTEN_BACKLOG) != 0)
        return fail(listener, why);
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    if (getsockname(listener->fd, (struct sockaddr *)&bound, &len) != 0)
        return fail(listener, why);
    listener->port = port_of(&bound);
    return true;
}

/* ---- resting ------------------------------------------------------------------------------------------------- */

static void on_connection(h2o_socket_t *socket, const char *err);

static void rest(struct loop *loop)
{
    for (size_t i = 0; i < loop->edge->config.listener_count; ++i)
        h2o_socket_read_stop(loop->listeners[i].socket);
    /* The turn's end looks again whether there is room, so a connection that closed meanwhile is not missed. */
    atomic_store(&loop->is_resting, true);
}

void listeners_wake(struct loop *loop)
{
    if (h2o_timeout_is_linked(&loop->rest_entry) || !connection_limits_has_room(loop->edge->limits))
        return;
    atomic_store(&loop->is_resting, false);
    for (size_t i = 0; i < loop->edge->config.listener_count; ++i)
        h2o_socket_read_start(loop->listeners[i].socket, on_connection);
}

static void on_rest_end(h2o_timeout_entry_t *entry)
{
    (void)entry; /* the turn's end wakes the listeners */
}

static void on_accept_error(struct loop *loop, int error)
{
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return; /* nothing there any more, or a client that left already */
    if (!loop->is_accept_failing)
        log_line(LOG_ERROR, "no new connections for now", LOG_TEXT("why", strerror(error)));
    loop->is_accept_failing = true;
    rest(loop);
    h2o_timeout_link(loop->evloop, &loop->context.hundred_ms_timeout, &loop->rest_entry);
}

/* ---- accepting ----------------------------------------------------------------------------------------------- */

static void run_start(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    connection_start((struct connection *)message);
}

static void take_connection(struct loop *loop, const struct loop_listener *listener, int fd, struct in6_addr address)
{
    struct connection *connection = connection_create(loop, listener, fd, address);
    if (connection == NULL) {
        close(fd);
        connection_limits_give_back(loop->edge->limits);
    } else if (connection->loop == loop) {
        connection_start(connection);
    } else {
        connection->message.run = run_start;
        loop_post(connection->loop, &connection->message);
    }
}

/* False when this turn's accepting is over. */
static bool accept_one(struct loop_listener *listener)
{
    struct loop *loop = listener->loop;
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    if (!connection_limits_take(loop->edge->limits)) {
        rest(loop);
        return false;
    }
    int fd =
        accept4(h2o_socket_get_fd(listener->socket), (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1) {
        int error = errno;
        connection_limits_give_back(loop->edge->limits);
        on_accept_error(loop, error);
        return error == ECONNABORTED || error == EINTR;
    }
    loop->is_accept_failing = false;
    take_connection(loop, listener, fd, address_of_sockaddr(&address));
    return true;
}

static void on_connection(h2o_socket_t *socket, const char *err)
{
    if (err != NULL)
        return;
    for (unsigned i = 0; i < ACCEPT_BATCH; ++i)
        if (!accept_one(socket->data))
            return;
}

/* ---- on a loop ----------------------------------------------------------------------------------------------- */

static void start(struct loop *loop, struct loop_listener *own, const struct listener *listener)
{
    own->loop = loop;
    own->listener = listener;
    own->accept.ctx = &loop->context;
    own->accept.hosts = loop->edge->globalconf.hosts;
    int fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
    assert(fd != -1);
    own->socket = h2o_evloop_socket_create(loop->evloop, fd, H2O_SOCKET_FLAG_DONT_READ);
    own->socket->data = own;
    h2o_socket_read_start(own->socket, on_connection);
}

void listeners_start(struct loop *loop)
{
    for (size_t i = 0; i < loop->edge->config.listener_count; ++i)
        start(loop, &loop->listeners[i], &loop->edge->listeners[i]);
    loop->rest_entry.cb = on_rest_end;
    if (loop->edge->tls != NULL)
        tls_use(loop, loop->edge->tls);
}

void listeners_close(struct loop *loop)
{
    if (h2o_timeout_is_linked(&loop->rest_entry))
        h2o_timeout_unlink(&loop->rest_entry);
    atomic_store(&loop->is_resting, false);
    for (size_t i = 0; i < loop->edge->config.listener_count; ++i) {
        struct loop_listener *listener = &loop->listeners[i];
        if (listener->socket != NULL)
            h2o_socket_close(listener->socket);
        listener->socket = NULL;
        SSL_CTX_free(listener->accept.ssl_ctx);
        listener->accept.ssl_ctx = NULL;
    }
}

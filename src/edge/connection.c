/*
 * The life of a connection from accept to close. The library owns the socket; what is ours hangs on the socket's
 * on_close, which runs on every way out, so the counts can't drift. To end a connection we only ever shut its
 * descriptor down: the library then sees the end of the stream and takes its own things apart in its own order.
 *
 * On a TLS port we look at the first byte before the library does. Who speaks HTTP in clear text there would only see
 * the connection close; the library's HTTP/1 takes them instead, and every request is answered that this is a TLS port.
 */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge/private.h"
#include "edge/proxies.h"

/* ---- made and counted ---------------------------------------------------------------------------------------- */

static void wake_resting_loops(struct edge *edge)
{
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        if (atomic_load(&edge->loops[i]->is_resting))
            loop_wake(edge->loops[i]);
}

static void release(struct connection *connection)
{
    struct edge *edge = connection->loop->edge;
    if (connection->counts_for_address)
        connection_limits_give_back_address(edge->limits, &connection->address);
    SSL_CTX_free(connection->tls);
    atomic_fetch_sub(&connection->loop->connection_count, 1);
    connection_limits_give_back(edge->limits);
    wake_resting_loops(edge);
    free(connection);
}

#define UNEVENNESS_MAX 8 /* connections that one loop may have more than another before a new one moves */

/* The loop that serves it is the one that accepted it, unless another has clearly fewer: what a burst or the kernel's
 * choice made uneven is made even here, once a connection. */
static struct loop *choose_loop(struct loop *acceptor)
{
    struct edge *edge = acceptor->edge;
    struct loop *best = acceptor;
    unsigned own = atomic_load(&acceptor->connection_count), least = own;
    for (unsigned i = 0; i < edge->config.loop_count; ++i) {
        unsigned count = atomic_load(&edge->loops[i]->connection_count);
        if (count < least) {
            least = count;
            best = edge->loops[i];
        }
    }
    unsigned slack = least / 8 < UNEVENNESS_MAX ? least / 8 : UNEVENNESS_MAX;
    return own > least + slack ? best : acceptor;
}

struct connection *connection_create(struct loop *loop, const struct loop_listener *listener, int fd,
                                     struct in6_addr address)
{
    struct edge *edge = loop->edge;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        abort();
    const struct trusted_proxies *proxies = edge->config.trusted_proxies;
    connection->is_trusted_proxy = proxies != NULL && trusted_proxies_contain(proxies, &address);
    if (!connection->is_trusted_proxy && !connection_limits_take_address(edge->limits, &address)) {
        atomic_fetch_add(&edge->refused_count, 1);
        free(connection);
        return NULL;
    }
    connection->counts_for_address = !connection->is_trusted_proxy;
    connection->address = address;
    connection->fd = fd;
    connection->loop = choose_loop(loop);
    connection->listener = &connection->loop->listeners[listener - loop->listeners];
    atomic_fetch_add(&connection->loop->connection_count, 1);
    return connection;
}

/* ---- served -------------------------------------------------------------------------------------------------- */

static void on_close(void *data)
{
    struct connection *connection = data;
    if (h2o_timeout_is_linked(&connection->first_byte_entry))
        h2o_timeout_unlink(&connection->first_byte_entry);
    h2o_linklist_unlink(&connection->link);
    release(connection);
}

static h2o_accept_ctx_t *accept_of(const struct connection *connection)
{
    return (h2o_accept_ctx_t *)&connection->listener->accept;
}

static void on_first_byte(h2o_socket_t *socket, const char *err)
{
    struct connection *connection = socket->on_close.data;
    h2o_accept_ctx_t *accept = accept_of(connection);
    if (err != NULL || connection->loop->is_stopping) { /* a stop has taken the certificate away */
        h2o_socket_close(socket);
        return;
    }
    if (socket->input->size == 0)
        return;
    h2o_timeout_unlink(&connection->first_byte_entry);
    h2o_socket_read_stop(socket);
    if (socket->input->bytes[0] >= 'A' && socket->input->bytes[0] <= 'Z') { /* of a method; no TLS begins like this */
        h2o_http1_accept(accept, socket, *h2o_get_timestamp(accept->ctx, NULL, NULL));
        return;
    }
    SSL_CTX_up_ref(accept->ssl_ctx);
    connection->tls = accept->ssl_ctx;
    h2o_accept(accept, socket);
}

static void on_first_byte_late(h2o_timeout_entry_t *entry)
{
    connection_cut_off(H2O_STRUCT_FROM_MEMBER(struct connection, first_byte_entry, entry));
}

static void wait_for_first_byte(struct connection *connection)
{
    struct loop *loop = connection->loop;
    connection->first_byte_entry.cb = on_first_byte_late;
    h2o_timeout_link(loop->evloop, &loop->context.handshake_timeout, &connection->first_byte_entry);
    h2o_socket_read_start(connection->socket, on_first_byte);
}

void connection_start(struct connection *connection)
{
    struct loop *loop = connection->loop;
    if (loop->is_stopping) {
        close(connection->fd);
        release(connection);
        return;
    }
    connection->socket = h2o_evloop_socket_create(loop->evloop, connection->fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    connection->socket->on_close.cb = on_close;
    connection->socket->on_close.data = connection;
    h2o_linklist_insert(&loop->connections, &connection->link);
    if (accept_of(connection)->ssl_ctx != NULL)
        wait_for_first_byte(connection);
    else
        h2o_accept(accept_of(connection), connection->socket);
}

bool connection_lacks_tls(const struct connection *connection)
{
    return connection->tls == NULL && connection->listener->listener->config.kind == LISTENER_HTTPS;
}

struct connection *connection_of(const h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

/* ---- ended --------------------------------------------------------------------------------------------------- */

/* Only the reading side is shut: a request that has just arrived is still read and answered, and TLS still says
 * goodbye. */
void connection_close_if_idle(struct connection *connection)
{
    h2o_socket_t *socket = connection->socket;
    if (connection->is_read_shut || connection->is_last_answered || !h2o_socket_is_reading(socket) ||
        socket->input->size != 0)
        return;
    connection_shut_read(connection);
}

void connection_shut_read(struct connection *connection)
{
    connection->is_read_shut = true;
    shutdown(connection->fd, SHUT_RD);
}

void connection_cut_off(struct connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
}

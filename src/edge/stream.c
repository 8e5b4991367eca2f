/*
 * Answers without an end; see request_stream in edge.h. Everything here runs on the request's loop.
 *
 * A stream lives in a shared chunk of its request's pool, because only the disposal of such a chunk runs on every way a
 * request can end: on_end is called there and nowhere else, so exactly once.
 *
 * The library does not look at a socket while its request is answered, and would notice that a client has gone only by
 * writing to it. So we read: the end of what the client says is the end of the stream. What it does say is thrown away,
 * since the connection closes after a stream, and the buffer with the request goes the same way: an idle stream keeps
 * no buffer at all.
 */
#include "edge/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

struct stream {
    h2o_generator_t generator;
    h2o_linklist_t link;      /* in the loop's streams, until its end is asked for */
    h2o_linklist_t sent_link; /* in the loop's sent_streams, from when a piece is with the kernel to the turn's end */
    h2o_req_t *req;
    struct loop *loop;
    struct connection *connection;
    const struct stream_events *events;
    void *owner;
    char *piece;         /* what is on its way */
    uint64_t sent_at_ms; /* when it, or the end, was handed over */
    size_t input_len;    /* what the client has said since its request */
    bool is_sending;     /* a piece or the end is on its way */
    bool is_ending;      /* in good order: once nothing is on its way */
    bool is_cut_off;     /* the connection has been shut down */
};

/* ---- the end ------------------------------------------------------------------------------------------------- */

static void unlink_if_linked(h2o_linklist_t *link)
{
    if (h2o_linklist_is_linked(link))
        h2o_linklist_unlink(link);
}

static void on_request_end(void *data)
{
    struct stream *stream = data;
    unlink_if_linked(&stream->link);
    unlink_if_linked(&stream->sent_link);
    atomic_fetch_sub_explicit(&stream->loop->stream_count, 1, memory_order_relaxed);
    h2o_socket_read_stop(stream->connection->socket);
    stream->connection->stream = NULL;
    stream->is_sending = true; /* nothing may be sent from on_end */
    free(stream->piece);
    stream->piece = NULL;
    stream->events->on_end(stream, stream->owner);
}

/* Tells the library that the answer is over; the stream may be gone when this returns. A client that still holds its
 * side open when the server stops has nothing to say that would be answered, and is not waited for. */
static void finish(struct stream *stream)
{
    stream->is_sending = true;
    stream->sent_at_ms = h2o_now(stream->loop->evloop);
    h2o_socket_read_stop(stream->connection->socket);
    if (stream->loop->is_stopping)
        connection_shut_read(stream->connection);
    h2o_send(stream->req, NULL, 0, stream->is_cut_off ? H2O_SEND_STATE_ERROR : H2O_SEND_STATE_FINAL);
}

void stream_end(struct stream *stream)
{
    unlink_if_linked(&stream->link);
    if (stream->is_ending || stream->is_cut_off)
        return;
    stream->is_ending = true;
    if (!stream->is_sending)
        finish(stream);
}

/* Whether it is idle or a write waits, the loop hears of it next and goes on from there. */
void stream_cut_off(struct stream *stream)
{
    stream->is_cut_off = true;
    connection_cut_off(stream->connection);
}

void streams_end(struct loop *loop)
{
    while (!h2o_linklist_is_empty(&loop->streams))
        stream_end(H2O_STRUCT_FROM_MEMBER(struct stream, link, loop->streams.next));
}

/* ---- pieces -------------------------------------------------------------------------------------------------- */

bool stream_is_busy(const struct stream *stream)
{
    return stream->is_sending || stream->is_ending || stream->is_cut_off;
}

uint64_t stream_busy_ms(const struct stream *stream)
{
    return stream->is_sending ? h2o_now(stream->loop->evloop) - stream->sent_at_ms : 0;
}

void stream_send(struct stream *stream, struct bytes piece)
{
    assert(!stream_is_busy(stream) && piece.len != 0);
    stream->piece = bytes_dup(piece);
    stream->is_sending = true;
    stream->sent_at_ms = h2o_now(stream->loop->evloop);
    h2o_iovec_t data = {stream->piece, piece.len};
    h2o_send(stream->req, &data, 1, H2O_SEND_STATE_IN_PROGRESS);
}

/* The library says so at once when the kernel has room, and would go on with this connection for as long as more is
 * sent: a client that reads as fast as we write would have the loop to itself. So the owner hears of it later. */
static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    (void)req;
    struct stream *stream = H2O_STRUCT_FROM_MEMBER(struct stream, generator, generator);
    free(stream->piece);
    stream->piece = NULL;
    h2o_linklist_insert(&stream->loop->sent_streams, &stream->sent_link);
}

static void go_on(struct stream *stream)
{
    stream->is_sending = false;
    if (stream->is_ending || stream->is_cut_off)
        finish(stream);
    else
        stream->events->on_sent(stream, stream->owner);
}

void streams_go_on(struct loop *loop)
{
    while (!h2o_linklist_is_empty(&loop->sent_streams)) {
        struct stream *stream = H2O_STRUCT_FROM_MEMBER(struct stream, sent_link, loop->sent_streams.next);
        h2o_linklist_unlink(&stream->sent_link);
        go_on(stream);
    }
}

/* ---- the client ---------------------------------------------------------------------------------------------- */

/* Also a buffer that is empty is memory. */
static void discard_input(h2o_socket_t *socket)
{
    h2o_buffer_dispose(&socket->input);
    h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
}

static bool says_too_much(struct stream *stream, h2o_socket_t *socket)
{
    stream->input_len += socket->input->size;
    discard_input(socket);
    if (stream->input_len <= STREAM_INPUT_BYTES_MAX)
        return false;
    atomic_fetch_add_explicit(&stream->loop->edge->refused_count, 1, memory_order_relaxed);
    return true;
}

/* A client that has closed its sending side counts as gone: no other sign of a closed browser tab ever comes. */
static void on_input(h2o_socket_t *socket, const char *err)
{
    struct stream *stream = ((struct connection *)socket->on_close.data)->stream;
    if (err == NULL && !says_too_much(stream, socket))
        return;
    h2o_socket_read_stop(socket);
    stream_cut_off(stream);
    if (!stream->is_sending)
        finish(stream);
}

/* ---- the begin ----------------------------------------------------------------------------------------------- */

static struct stream *create(struct request *request, const struct stream_events *events, void *owner)
{
    struct stream *stream = h2o_mem_alloc_shared(&request->h2o->pool, sizeof(*stream), on_request_end);
    *stream = (struct stream){.generator = {on_proceed, NULL},
                              .req = request->h2o,
                              .loop = request->loop,
                              .connection = request->connection,
                              .events = events,
                              .owner = owner};
    request->connection->stream = stream;
    h2o_linklist_insert(&request->loop->streams, &stream->link);
    atomic_fetch_add_explicit(&request->loop->stream_count, 1, memory_order_relaxed);
    return stream;
}

/* What a client does not read lies in the kernel, where nobody swaps it out. */
static void bound_send_buffer(const struct connection *connection)
{
    int bytes = STREAM_SEND_BUFFER_BYTES;
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static void send_headers_alone(h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_start_response(req, &generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
}

struct stream *request_stream(struct request *request, const struct stream_events *events, void *owner,
                              struct bytes first)
{
    respond_stream_headers(request);
    if (request->is_head) {
        send_headers_alone(request->h2o);
        return NULL;
    }
    struct stream *stream = create(request, events, owner);
    bound_send_buffer(request->connection);
    h2o_socket_t *socket = request->connection->socket;
    h2o_start_response(request->h2o, &stream->generator);
    stream_send(stream, first);
    discard_input(socket); /* the request's text with it: the headers have been put together */
    h2o_socket_read_start(socket, on_input);
    if (stream->loop->is_stopping)
        stream_end(stream);
    return stream;
}

/*
 * How a loop ends. At once: listeners close, streams and connections that wait for a request are ended. Then whatever
 * is under way is answered with Connection: close, which takes the loop on as before: messages run, tickets are
 * redeemed. At the deadline suspended requests are answered 503 and what is left is cut off. Should even that not help,
 * the process exits.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "edge/private.h"
#include "edge/stream.h"
#include "edge/ticket.h"

#define GIVE_UP_NS 5000000000 /* after the deadline */

static void close_idle_connections(struct loop *loop)
{
    for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
        connection_close_if_idle(H2O_STRUCT_FROM_MEMBER(struct connection, link, node));
}

static void cut_off_connections(struct loop *loop)
{
    for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
        connection_cut_off(H2O_STRUCT_FROM_MEMBER(struct connection, link, node));
}

static void give_up(const struct loop *loop)
{
    log_line(LOG_ERROR, "connections would not end; exiting", LOG_NUMBER("loop", loop->index),
             LOG_NUMBER("connections", atomic_load(&loop->connection_count)));
    _exit(1);
}

/* Every 100 ms until the loop is over: connections become idle as their answers leave. */
static void on_tick(h2o_timeout_entry_t *entry)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, stop_entry, entry);
    h2o_timeout_link(loop->evloop, &loop->context.hundred_ms_timeout, entry);
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns < loop->stop_at_ns) {
        close_idle_connections(loop);
        return;
    }
    tickets_answer_stopping(loop);
    cut_off_connections(loop);
    if (now_ns > loop->stop_at_ns + GIVE_UP_NS && atomic_load(&loop->connection_count) != 0)
        give_up(loop);
}

void stop_begin(struct loop *loop)
{
    struct edge *edge = loop->edge;
    loop->is_stopping = true;
    if (loop->index == 0 && edge->on_stop != NULL)
        edge->on_stop(edge->config.app);
    listeners_close(loop);
    streams_end(loop);
    /* The library's own shutdown call would start HTTP/2 timers; all that HTTP/1 looks at is this flag. */
    loop->context.shutdown_requested = 1;
    loop->stop_at_ns = clock_monotonic_ns() + (uint64_t)edge->config.stop_deadline_ms * 1000000;
    loop->stop_entry.cb = on_tick;
    h2o_timeout_link(loop->evloop, &loop->context.hundred_ms_timeout, &loop->stop_entry);
    close_idle_connections(loop);
}

/* Loop 0 reads the signals, so it stays until the others have ended. */
bool stop_is_over(const struct loop *loop)
{
    return loop->is_stopping && atomic_load(&loop->connection_count) == 0 &&
           (loop->index != 0 || atomic_load(&loop->edge->loops_running) == 1);
}

/*
 * One event loop on one thread: sockets, timers, and the messages of other threads. The library keeps free memory by
 * thread and its sockets point into it, so all of a loop is made, used and taken apart on its own thread. When a loop
 * has ended, its thread waits for edge_close: whoever posts late still finds a queue, and such a message still runs,
 * and finds that its ticket gives nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/logline.h"
#include "edge/private.h"
#include "edge/stream.h"

/* ---- messages ------------------------------------------------------------------------------------------------ */

_Static_assert(sizeof(h2o_multithread_message_t) == sizeof(((struct loop_message *)0)->link) &&
                   offsetof(struct loop_message, link) == 0 && offsetof(h2o_multithread_message_t, link) == 0 &&
                   _Alignof(h2o_multithread_message_t) == _Alignof(void *),
               "a loop_message begins with the library's message");

void loop_post(struct loop *loop, struct loop_message *message)
{
    memset(message->link, 0, sizeof(message->link));
    h2o_multithread_send_message(&loop->receiver, (h2o_multithread_message_t *)message);
}

void loop_wake(struct loop *loop)
{
    h2o_multithread_send_message(&loop->receiver, NULL);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct loop_message *message = (struct loop_message *)messages->next;
        h2o_linklist_unlink(messages->next);
        message->run(loop, message);
    }
}

/* ---- running ------------------------------------------------------------------------------------------------- */

static void on_second(h2o_timeout_entry_t *entry)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, second_entry, entry);
    h2o_timeout_link(loop->evloop, &loop->context.one_sec_timeout, entry);
    loop->edge->config.on_second(loop);
}

static void take_turn(struct loop *loop, int32_t wait_ms)
{
    if (h2o_evloop_run(loop->evloop, wait_ms) != 0 && errno != EINTR) {
        log_line(LOG_ERROR, "the event loop failed", LOG_TEXT("why", strerror(errno)));
        abort();
    }
    streams_go_on(loop);
    if (loop->edge->config.on_turn_end != NULL)
        loop->edge->config.on_turn_end(loop);
    if (atomic_load_explicit(&loop->is_resting, memory_order_relaxed))
        listeners_wake(loop);
    if (!loop->is_stopping && atomic_load_explicit(&loop->edge->is_stopping, memory_order_acquire))
        stop_begin(loop);
}

static void start_timers(struct loop *loop)
{
    loop->second_entry.cb = on_second;
    if (loop->edge->config.on_second != NULL)
        h2o_timeout_link(loop->evloop, &loop->context.one_sec_timeout, &loop->second_entry);
}

static void end_timers(struct loop *loop)
{
    if (h2o_timeout_is_linked(&loop->second_entry))
        h2o_timeout_unlink(&loop->second_entry);
    if (h2o_timeout_is_linked(&loop->stop_entry))
        h2o_timeout_unlink(&loop->stop_entry);
}

/* The library keeps free chunks by thread and never gives them back; a thread that ends must, or they are lost. */
static void free_thread_caches(void)
{
    h2o_mem_recycle_t *buffers = &h2o_socket_buffer_prototype.allocator;
    while (buffers->cnt != 0)
        free(h2o_mem_alloc_recycle(buffers, 0));
    for (int i = 0; i < 16; ++i) { /* what the pools' cache holds at most; an empty one gives fresh memory */
        h2o_mem_pool_t pool;
        h2o_mem_init_pool(&pool);
        h2o_mem_alloc_pool(&pool, 1);
        free(pool.chunks);
    }
}

/* What was sent between two turns may be with the kernel already, which the library tells in a turn; but it would begin
 * that by waiting for something else to happen. */
static int32_t wait_of(const struct loop *loop)
{
    return loop->evloop->_pending_as_server != NULL ? 0 : INT32_MAX;
}

void loop_run(struct loop *loop)
{
    struct edge *edge = loop->edge;
    if (edge->config.on_loop_start != NULL)
        loop->data = edge->config.on_loop_start(loop, edge->config.app);
    start_timers(loop);
    take_turn(loop, 0);
    while (!stop_is_over(loop))
        take_turn(loop, wait_of(loop));
    take_turn(loop, 0);
    end_timers(loop);
    if (edge->config.on_loop_end != NULL)
        edge->config.on_loop_end(loop);
    loop->data = NULL;
    if (atomic_fetch_sub(&edge->loops_running, 1) == 2)
        loop_wake(edge->loops[0]);
}

/* ---- the thread ---------------------------------------------------------------------------------------------- */

void loop_open(struct loop *loop)
{
    loop->evloop = h2o_evloop_create();
    h2o_context_init(&loop->context, loop->evloop, &loop->edge->globalconf);
    h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, on_messages);
    listeners_start(loop);
    if (loop->index == 0)
        signals_start(loop);
    pthread_barrier_wait(&loop->edge->barrier);
}

void loop_close(struct loop *loop)
{
    pthread_barrier_wait(&loop->edge->barrier);
    if (loop->index == 0)
        signals_end(loop);
    while (h2o_evloop_run(loop->evloop, 0) != 0 && errno == EINTR)
        ;
    assert(h2o_linklist_is_empty(&loop->connections) && h2o_linklist_is_empty(&loop->tickets) &&
           atomic_load(&loop->stream_count) == 0);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
    h2o_multithread_queue_t *queue = loop->context.queue;
    h2o_context_dispose(&loop->context);
    free(queue); /* which the library forgets */
    h2o_evloop_destroy(loop->evloop);
    free_thread_caches();
}

struct loop *loop_create(struct edge *edge, unsigned index)
{
    struct loop *loop = aligned_alloc(128, (sizeof(*loop) + 127) / 128 * 128);
    if (loop == NULL)
        abort();
    memset(loop, 0, sizeof(*loop));
    loop->edge = edge;
    loop->index = index;
    h2o_linklist_init_anchor(&loop->connections);
    h2o_linklist_init_anchor(&loop->tickets);
    h2o_linklist_init_anchor(&loop->streams);
    h2o_linklist_init_anchor(&loop->sent_streams);
    return loop;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

void *loop_data(const struct loop *loop)
{
    return loop->data;
}

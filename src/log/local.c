/*
 * The local engine: a queue and one thread. Ports push whole lists under one lock, once a turn of their loop; the
 * committer takes all that is there, so while one batch is being synced the next one grows, and no timer decides
 * anything. While the committer is busy pushing costs no system call.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/logline.h"
#include "log/apply.h"

struct list {
    struct log_entry *first, **end;
    uint64_t count, bytes;
};

struct log {
    struct log_config config;
    pthread_t committer;
    pthread_mutex_t mutex; /* over queue and closing */
    pthread_cond_t filled;
    struct list queue;
    bool closing;
    bool failed; /* the committer's own */
    struct log_figures figures;
};

struct log_port {
    struct log *log;
    void *context;
    struct list gathered;
    struct list back; /* the committer's own: this port's share of the batch that it is handing back */
    struct log_port *next_back;
};

/* ---- lists ---- */

static void list_init(struct list *list)
{
    *list = (struct list){.end = &list->first};
}

static void list_append(struct list *list, struct log_entry *entry)
{
    entry->next = NULL;
    *list->end = entry;
    list->end = &entry->next;
    ++list->count;
    list->bytes += entry->command_len;
}

static void list_move(struct list *to, struct list *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->count += from->count;
    to->bytes += from->bytes;
    list_init(from);
}

/* Takes at most one batch off the front. */
static void list_take_batch(struct list *from, struct list *batch)
{
    list_init(batch);
    while (from->first != NULL && batch->count < BATCH_COMMANDS_MAX && batch->bytes < BATCH_BYTES_MAX) {
        struct log_entry *entry = from->first;
        from->first = entry->next;
        --from->count;
        from->bytes -= entry->command_len;
        list_append(batch, entry);
    }
    if (from->first == NULL)
        list_init(from);
}

/* ---- the committer ---- */

static void count_batch(struct log_figures *figures, const struct list *batch)
{
    unsigned slot = 0;
    while ((UINT64_C(1) << slot) < batch->count)
        ++slot;
    atomic_fetch_add_explicit(&figures->batch_sizes[slot], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->commands, batch->count, memory_order_relaxed);
    for (const struct log_entry *entry = batch->first; entry != NULL; entry = entry->next) {
        if (entry->error == ERR_STORE_FULL)
            atomic_fetch_add_explicit(&figures->store_full, 1, memory_order_relaxed);
        else if (entry->error != OK)
            atomic_fetch_add_explicit(&figures->refused, 1, memory_order_relaxed);
    }
}

/* Sorts the batch by port and hands each port its list. */
static void deliver(struct log *log, struct list *batch)
{
    struct log_port *ports = NULL;
    atomic_fetch_sub_explicit(&log->figures.waiting, batch->count, memory_order_relaxed);
    atomic_fetch_sub_explicit(&log->figures.waiting_bytes, batch->bytes, memory_order_relaxed);
    for (struct log_entry *entry = batch->first, *next; entry != NULL; entry = next) {
        struct log_port *port = entry->port;
        next = entry->next;
        if (port->back.first == NULL) {
            list_init(&port->back);
            port->next_back = ports;
            ports = port;
        }
        list_append(&port->back, entry);
    }
    while (ports != NULL) {
        struct log_port *port = ports;
        struct log_entry *entries = port->back.first;
        ports = port->next_back;
        list_init(&port->back);
        log->config.deliver(port, entries);
    }
}

static void publish(struct log *log, const struct list *batch, const struct batch_span *span)
{
    if (log->config.publish != NULL && span->seq_after != span->seq_before)
        log->config.publish(log->config.app, batch->first, span->seq_before, span->seq_after);
}

static void apply_batch(struct log *log, struct list *batch)
{
    struct batch_span span = {0, 0};
    if (log->failed) {
        for (struct log_entry *entry = batch->first; entry != NULL; entry = entry->next)
            entry->error = ERR_OUTCOME_UNKNOWN;
    } else if (batch_apply(log->config.store, batch->first, &log->figures, &span) == BATCH_FAILED) {
        log->failed = true;
    }
    publish(log, batch, &span);
    count_batch(&log->figures, batch);
}

static void *committer_main(void *argument)
{
    struct log *log = argument;
    struct list taken, batch;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL); /* signals are loop 0's */
    list_init(&taken);
    for (;;) {
        if (taken.first == NULL) {
            pthread_mutex_lock(&log->mutex);
            while (log->queue.first == NULL && !log->closing)
                pthread_cond_wait(&log->filled, &log->mutex);
            list_move(&taken, &log->queue);
            pthread_mutex_unlock(&log->mutex);
            if (taken.first == NULL)
                return NULL;
        }
        list_take_batch(&taken, &batch);
        bool failed_before = log->failed;
        apply_batch(log, &batch);
        deliver(log, &batch);
        if (log->failed && !failed_before)
            log->config.on_failure(log->config.app);
    }
}

/* ---- opening and closing ---- */

static void read_last_seq(struct log *log)
{
    struct reader *reader = reader_open(log->config.store);
    struct txn *txn = reader_begin(reader);
    uint64_t seq = 0;
    if (txn != NULL) {
        meta_get_u64(txn, META_SEQ, &seq);
        reader_end(reader);
    }
    reader_close(reader);
    atomic_store(&log->figures.last_seq, seq);
}

struct log *log_open(const struct log_config *config)
{
    struct log *log = calloc(1, sizeof(*log));
    pthread_attr_t attributes;
    if (log == NULL)
        abort();
    log->config = *config;
    list_init(&log->queue);
    read_last_seq(log);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->filled, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    if (pthread_create(&log->committer, &attributes, committer_main, log) != 0)
        abort();
    pthread_attr_destroy(&attributes);
    return log;
}

void log_close(struct log *log)
{
    pthread_mutex_lock(&log->mutex);
    log->closing = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->mutex);
    pthread_join(log->committer, NULL);
    pthread_mutex_destroy(&log->mutex);
    pthread_cond_destroy(&log->filled);
    free(log);
}

/* ---- ports ---- */

struct log_port *log_port_open(struct log *log, void *context)
{
    struct log_port *port = calloc(1, sizeof(*port));
    if (port == NULL)
        abort();
    port->log = log;
    port->context = context;
    list_init(&port->gathered);
    list_init(&port->back);
    return port;
}

void log_port_close(struct log_port *port)
{
    assert(port->gathered.first == NULL);
    free(port);
}

void *log_port_context(const struct log_port *port)
{
    return port->context;
}

/* Counted when it is added and not when it is handed over, so that the limit holds for all ports together. */
enum error log_port_add(struct log_port *port, struct log_entry *entry)
{
    struct log_figures *figures = &port->log->figures;
    uint64_t waiting = atomic_fetch_add_explicit(&figures->waiting, 1, memory_order_relaxed);
    uint64_t bytes = atomic_fetch_add_explicit(&figures->waiting_bytes, entry->command_len, memory_order_relaxed);
    if (waiting >= QUEUE_COMMANDS_MAX || bytes >= QUEUE_BYTES_MAX) {
        atomic_fetch_sub_explicit(&figures->waiting, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&figures->waiting_bytes, entry->command_len, memory_order_relaxed);
        atomic_fetch_add_explicit(&figures->queue_full, 1, memory_order_relaxed);
        return ERR_QUEUE_FULL;
    }
    entry->port = port;
    list_append(&port->gathered, entry);
    return OK;
}

void log_port_flush(struct log_port *port)
{
    struct log *log = port->log;
    if (port->gathered.first == NULL)
        return;
    pthread_mutex_lock(&log->mutex);
    list_move(&log->queue, &port->gathered);
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->mutex);
}

const struct log_figures *log_figures(const struct log *log)
{
    return &log->figures;
}

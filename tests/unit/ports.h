#pragma once
/*
 * For tests of the log: a log over a store, and ports whose deliveries are kept until somebody takes them. deliver runs
 * on the committer's thread; a box is the one thing that both threads touch, under its lock.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "world.h"

struct box {
    struct log_port *port;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct log_entry *first, **end;
    unsigned waiting;    /* delivered and not yet taken */
    unsigned deliveries; /* how many lists came */
    pthread_t deliverer;
};

struct bench {
    struct world *world;
    struct log *log;
    _Atomic unsigned failures; /* calls of on_failure */
};

static inline void on_deliver(struct log_port *port, struct log_entry *entries)
{
    struct box *box = log_port_context(port);
    pthread_mutex_lock(&box->lock);
    *box->end = entries;
    ++box->deliveries;
    for (; entries != NULL; entries = entries->next) {
        ++box->waiting;
        box->end = &entries->next;
    }
    box->deliverer = pthread_self();
    pthread_cond_signal(&box->filled);
    pthread_mutex_unlock(&box->lock);
}

static inline void on_disk_failure(void *app)
{
    struct bench *bench = app;
    atomic_fetch_add(&bench->failures, 1);
}

static inline void bench_open(struct bench *bench)
{
    bench->log = log_open(&(struct log_config){
        .store = bench->world->store, .deliver = on_deliver, .on_failure = on_disk_failure, .app = bench});
}

static inline void box_open(struct bench *bench, struct box *box)
{
    memset(box, 0, sizeof(*box));
    pthread_mutex_init(&box->lock, NULL);
    pthread_cond_init(&box->filled, NULL);
    box->end = &box->first;
    box->port = log_port_open(bench->log, box);
}

static inline void box_close(struct box *box)
{
    assert_int_equal(box->waiting, 0);
    log_port_close(box->port);
    pthread_mutex_destroy(&box->lock);
    pthread_cond_destroy(&box->filled);
}

/* The next entry, waited for; the caller frees it. */
static inline struct log_entry *box_take(struct box *box)
{
    pthread_mutex_lock(&box->lock);
    while (box->waiting == 0)
        pthread_cond_wait(&box->filled, &box->lock);
    struct log_entry *entry = box->first;
    box->first = entry->next;
    if (--box->waiting == 0) {
        box->first = NULL;
        box->end = &box->first;
    }
    pthread_mutex_unlock(&box->lock);
    return entry;
}

/* Adds a command that carries `number` beside it. */
static inline enum error box_add(struct box *box, const struct command *command, uint64_t number)
{
    struct buffer scratch = {0};
    struct log_entry *entry = log_entry_new(command, &scratch, sizeof(number));
    memcpy(log_entry_extra(entry), &number, sizeof(number));
    buffer_dispose(&scratch);
    enum error error = log_port_add(box->port, entry);
    if (error != OK)
        log_entry_free(entry);
    return error;
}

static inline uint64_t number_of(const struct log_entry *entry)
{
    uint64_t number;
    memcpy(&number, log_entry_extra(entry), sizeof(number));
    return number;
}

/* Adds, hands over and waits for one command. */
static inline enum error box_execute(struct box *box, const struct command *command, struct outcome *outcome)
{
    enum error error = box_add(box, command, 0);
    memset(outcome, 0, sizeof(*outcome));
    if (error != OK)
        return error;
    log_port_flush(box->port);
    struct log_entry *entry = box_take(box);
    error = entry->error;
    *outcome = entry->outcome;
    log_entry_free(entry);
    return error;
}

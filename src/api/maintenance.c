/*
 * What has to happen now and then, driven once a second by loop 0: dead reader slots, and sweeping the indexes when enough of them is
 * stale. A sweep that has found work goes on at once while nobody else writes, so a backlog is gone soon after a rush and never
 * slows one.
 */
#include "api/internal.h"

#define READER_CHECK_SECONDS 10
#define BUSY_COMMANDS 8 /* commands waiting: then the next step is left to the next second */

static void sweep_step(struct api *api, struct api_loop *loop);

static bool worth_sweeping(struct api_loop *loop)
{
    struct txn *txn = reader_begin(loop->reader);
    bool worth = txn != NULL && rules_sweep_is_due(txn, clock_now_ms());
    if (txn != NULL)
        reader_end(loop->reader);
    return worth;
}

static void on_swept(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct sweeper *sweeper = &loop->api->sweeper;
    (void)request;
    sweeper->under_way = false;
    if (entry->error != OK)
        return;
    sweeper->next_seen = entry->outcome.next_seen;
    sweeper->next_activity = entry->outcome.next_activity;
    bool busy = atomic_load_explicit(&log_figures(loop->api->log)->waiting, memory_order_relaxed) > BUSY_COMMANDS;
    if (!busy && txn != NULL && rules_sweep_is_due(txn, clock_now_ms()) && !edge_stopping(loop->api->edge))
        sweep_step(loop->api, loop);
}

static void sweep_step(struct api *api, struct api_loop *loop)
{
    struct sweeper *sweeper = &api->sweeper;
    sweeper->under_way = loop_submit(loop,
                                     &(struct command){
                                         .kind = COMMAND_SWEEP,
                                         .sweep = {.at_ms = clock_now_ms(),
                                                   .limit = SWEEP_ENTRIES_MAX,
                                                   .from_seen = key_view(&sweeper->next_seen),
                                                   .from_activity = key_view(&sweeper->next_activity)},
                                     },
                                     on_swept);
}

void maintain(struct api *api, struct api_loop *loop)
{
    if (++api->seconds % READER_CHECK_SECONDS == 0)
        store_check_readers(api->config.store);
    if (!api->sweeper.under_way && worth_sweeping(loop))
        sweep_step(api, loop);
}

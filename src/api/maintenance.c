/*
 * What has to happen now and then, driven once a second by loop 0: dead reader slots, conversations whose time has come
 * (wake.c), sweeping the indexes when enough of them is stale, going on with the deletion of an organisation that was
 * interrupted, and retention (retention.c). A job that has found work goes on at once while nobody else writes, so a
 * backlog is gone soon after a rush and never slows one.
 */
#include "api/hook_courier.h"

#define HOUSEKEEPING_SECONDS 10
#define EXPIRY_SECONDS 600 /* between two looks for sessions and links whose time is over */
#define EXPIRY_LIMIT 1000  /* of each that one step removes */
#define BUSY_COMMANDS 8    /* commands waiting: then the next step is left to the next second */

/* A stop comes first: what was applied after it is delivered when the log is gone. */
bool maintenance_may_go_on(struct api_loop *loop)
{
    return !edge_stopping(loop->api->edge) &&
           atomic_load_explicit(&log_figures(loop->api->log)->waiting, memory_order_relaxed) <= BUSY_COMMANDS;
}

/* ---- sweeping ---- */

static void sweep_step(struct api_loop *loop);

static void on_swept(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct sweeper *sweeper = &loop->api->sweeper;
    (void)request;
    sweeper->under_way = false;
    if (entry->error != OK)
        return;
    sweeper->next_seen = entry->outcome.next_seen;
    sweeper->next_activity = entry->outcome.next_activity;
    sweeper->next_updated = entry->outcome.next_updated;
    if (txn != NULL && maintenance_may_go_on(loop) && rules_sweep_is_due(txn, clock_now_ms()))
        sweep_step(loop);
}

static void sweep_step(struct api_loop *loop)
{
    struct sweeper *sweeper = &loop->api->sweeper;
    sweeper->under_way = loop_submit(loop,
                                     &(struct command){
                                         .kind = COMMAND_SWEEP,
                                         .sweep = {.at_ms = clock_now_ms(),
                                                   .limit = SWEEP_ENTRIES_MAX,
                                                   .from_seen = key_view(&sweeper->next_seen),
                                                   .from_activity = key_view(&sweeper->next_activity),
                                                   .from_updated = key_view(&sweeper->next_updated)},
                                     },
                                     on_swept);
}

/* ---- deletions ---- */

/* An organisation whose deletion was begun and is not over; ID_NONE when there is none. */
static struct id find_doomed(struct txn *txn)
{
    struct bytes key, value;
    struct id doomed = ID_NONE;
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && id_is_none(doomed); error = cursor_next(cursor, &key, &value)) {
        struct org org;
        if (org_decode(key, value, &org) == OK && org.deleted)
            doomed = org.id;
    }
    cursor_close(cursor);
    return doomed;
}

static void purge_step(struct api_loop *loop, struct id doomed);

static void on_purged(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)request;
    loop->api->purge_under_way = false;
    if (txn == NULL || entry->error != OK || !entry->outcome.more || !maintenance_may_go_on(loop))
        return;
    struct id doomed = find_doomed(txn);
    if (!id_is_none(doomed))
        purge_step(loop, doomed);
}

static void purge_step(struct api_loop *loop, struct id doomed)
{
    loop->api->purge_under_way = loop_submit(
        loop, &(struct command){.kind = COMMAND_ORG_PURGE, .org_purge = {.org = doomed, .limit = PURGE_RECORDS_MAX}},
        on_purged);
}

/* ---- sessions and links ---- */

static void expire_step(struct api_loop *loop)
{
    loop_submit(loop,
                &(struct command){.kind = COMMAND_EXPIRE, .expire = {.at_ms = clock_now_ms(), .limit = EXPIRY_LIMIT}},
                NULL);
}

/* ---- once a second ---- */

void maintain(struct api *api, struct api_loop *loop)
{
    bool housekeeping = ++api->seconds % HOUSEKEEPING_SECONDS == 0;
    if (housekeeping)
        store_check_readers(api->config.store);
    news_look_for_others(loop);
    courier_tick(loop);
    struct txn *txn = reader_begin(loop->reader);
    if (txn == NULL)
        return;
    bool sweep = !api->sweeper.under_way && rules_sweep_is_due(txn, clock_now_ms());
    struct id doomed = housekeeping && !api->purge_under_way ? find_doomed(txn) : ID_NONE;
    if (maintenance_may_go_on(loop))
        work_maintain(loop, txn);
    indexing_tick(loop, txn);
    if (api->seconds % OPENINGS_SECONDS == 0 && !edge_stopping(api->edge))
        openings_tick(loop, txn);
    reader_end(loop->reader);
    if (sweep)
        sweep_step(loop);
    if (!id_is_none(doomed))
        purge_step(loop, doomed);
    if (api->seconds % EXPIRY_SECONDS == 0 && maintenance_may_go_on(loop))
        expire_step(loop);
    retention_tick(loop);
}

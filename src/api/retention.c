/*
 * The retention job of the server, on loop 0: one organisation after the other, one slice of looking a turn and one
 * step at a time with the committer, which is left alone while others write much. What a run is, rules/retention.h
 * says. The job remembers nothing that matters: after a start a run that was cut off is due again.
 */
#include "api/internal.h"

#define LOOK_FOR_RUNS_SECONDS 5 /* between two looks for an organisation whose run is due */
#define SLICES_PER_SECOND 16

static void go_on(struct api_loop *loop);

/* ---- figures: any loop reads them for /metrics ---- */

static void count_removed(struct retention_figures *figures, const struct retained *done)
{
    count(&figures->visitors, done->visitors);
    count(&figures->conversations, done->conversations);
    count(&figures->messages, done->messages);
    count(&figures->redacted, done->redacted);
    count(&figures->others, done->others);
}

/* ---- a run ---- */

static void on_ended(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct retention_job *job = &loop->api->retention;
    (void)txn, (void)request;
    job->is_waiting = job->is_running = false;
    atomic_store_explicit(&job->figures.is_running, false, memory_order_relaxed);
    if (entry->error == OK)
        atomic_store_explicit(&job->figures.ended_at_ms, clock_now_ms(), memory_order_relaxed);
}

static void on_begun(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct retention_job *job = &loop->api->retention;
    (void)txn, (void)request;
    job->is_waiting = false;
    job->is_running = entry->error == OK;
    atomic_store_explicit(&job->figures.is_running, job->is_running, memory_order_relaxed);
    if (job->is_running)
        go_on(loop);
}

static void note(struct api_loop *loop, struct id org, bool ended)
{
    struct command command = {.kind = COMMAND_RETENTION_NOTE,
                              .retention_note = {.org = org, .at_ms = clock_now_ms(), .ended = ended}};
    loop->api->retention.is_waiting = loop_submit(loop, &command, ended ? on_ended : on_begun);
}

static void on_retained(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct retention_job *job = &loop->api->retention;
    (void)txn, (void)request;
    job->is_waiting = false;
    job->has_step = entry->error == OK && entry->outcome.more;
    if (entry->error == OK)
        count_removed(&job->figures, &entry->outcome.retained);
    go_on(loop);
}

static void submit_step(struct api_loop *loop)
{
    struct retention_job *job = &loop->api->retention;
    struct command command = retention_command(job->walk.org, &job->step, clock_now_ms());
    job->is_waiting = loop_submit(loop, &command, on_retained);
}

/* ---- looking ---- */

static void look(struct api_loop *loop)
{
    struct retention_job *job = &loop->api->retention;
    struct txn *txn = job->slices == 0 ? NULL : reader_begin(loop->reader);
    if (txn == NULL)
        return;
    --job->slices;
    enum retention_state state = retention_look(txn, &job->walk, clock_now_ms(), &job->step);
    reader_end(loop->reader);
    if (state == RETENTION_OVER)
        note(loop, job->walk.org, true);
    else if (state == RETENTION_FOUND)
        submit_step(loop);
    else
        go_on(loop);
}

static void on_turn(struct loop *unused, struct loop_message *message)
{
    struct retention_job *job = (struct retention_job *)message;
    (void)unused;
    job->is_posted = false;
    if (job->is_running && !job->is_waiting && maintenance_may_go_on(job->loop))
        look(job->loop);
}

/* A step that is not done is given again; else others have their turn before the next look, which needs a snapshot of
 * its own. What can't go on now does so in the next second. */
static void go_on(struct api_loop *loop)
{
    struct retention_job *job = &loop->api->retention;
    if (!job->is_running || job->is_waiting || job->is_posted || !maintenance_may_go_on(loop))
        return;
    if (job->has_step) {
        submit_step(loop);
        return;
    }
    job->is_posted = true;
    job->loop = loop;
    job->turn.run = on_turn;
    loop_post(loop->loop, &job->turn);
}

/* ---- which organisation ---- */

/* The first one that is due behind the last one that was, or ID_NONE. */
static struct id find_due(struct txn *txn, struct id after)
{
    struct bytes key, value;
    struct id due = ID_NONE;
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && (id_is_none(due) || memcmp(due.bytes, after.bytes, ID_LEN) <= 0);
         error = cursor_next(cursor, &key, &value)) {
        struct org org;
        if (org_decode(key, value, &org) != OK || org.deleted)
            continue;
        bool is_wanted = id_is_none(due) || memcmp(org.id.bytes, after.bytes, ID_LEN) > 0;
        if (is_wanted && retention_is_due(txn, &org, clock_now_ms()))
            due = org.id;
    }
    cursor_close(cursor);
    return due;
}

static void begin_run(struct api_loop *loop)
{
    struct retention_job *job = &loop->api->retention;
    struct txn *txn = reader_begin(loop->reader);
    if (txn == NULL)
        return;
    struct id due = find_due(txn, job->walk.org);
    reader_end(loop->reader);
    if (id_is_none(due))
        return;
    job->walk = retention_begin(due);
    job->has_step = false;
    note(loop, due, false);
}

void retention_tick(struct api_loop *loop)
{
    struct retention_job *job = &loop->api->retention;
    job->slices = SLICES_PER_SECOND;
    if (job->is_running)
        go_on(loop);
    else if (!job->is_waiting && loop->api->seconds % LOOK_FOR_RUNS_SECONDS == 1 && maintenance_may_go_on(loop))
        begin_run(loop);
}

/*
 * The way of what is news: from the committer, or from a loop, to every loop on which somebody listens. A batch goes to
 * each of them as one message with one set of events, which the last one frees.
 *
 * Nobody misses a commit between looking at the tables and listening. Whoever begins to listen adds itself to its
 * loop's `listeners`, reads published_seq, and takes its first snapshot afterwards; the committer makes a batch
 * visible, writes published_seq, and looks at `listeners` afterwards. These four are sequentially consistent, so they
 * have one order: either the reading of published_seq comes after its writing, and the snapshot, which comes later
 * still, holds the batch; or the committer's look comes after the adding, and its message waits in the queue of the
 * listener's loop until the listener is in the hub, because adding and joining are done in one turn of that loop. What
 * is both in the snapshot and in the queue is told once, since the hub drops what the tables have shown already.
 */
#include <stdlib.h>

#include "api/hook_courier.h"

struct news {
    _Atomic uint64_t published_seq; /* up to here the committer has told of everything */
    _Atomic uint64_t event_count;
    /* loop 0 */
    uint64_t told_seq;    /* that others have written up to here has been told */
    uint64_t suspect_seq; /* the tables were here a second ago */
};

struct news *news_open(struct log *log)
{
    struct news *news = calloc(1, sizeof(*news));
    if (news == NULL)
        abort();
    news->published_seq = log_figures(log)->last_seq;
    return news;
}

void news_close(struct news *news)
{
    free(news);
}

uint64_t news_published(const struct news *news)
{
    return atomic_load_explicit(&news->event_count, memory_order_relaxed);
}

void news_listen(struct api_loop *loop)
{
    atomic_fetch_add(&loop->listeners, 1);
    (void)atomic_load(&loop->api->news->published_seq);
}

void news_listen_no_more(struct api_loop *loop)
{
    atomic_fetch_sub(&loop->listeners, 1);
}

/* ---- bulletins ---- */

struct bulletin;

struct post {
    struct loop_message message;
    struct bulletin *bulletin;
};

struct bulletin {
    _Atomic unsigned readers;
    unsigned event_count;
    struct event *events; /* behind the posts */
    struct post posts[];  /* one for each loop */
};

static struct bulletin *bulletin_new(const struct api *api, unsigned event_count)
{
    unsigned loops = api->config.loop_count;
    struct bulletin *bulletin =
        malloc(sizeof(*bulletin) + loops * sizeof(struct post) + event_count * sizeof(struct event));
    if (bulletin == NULL)
        abort();
    bulletin->readers = 1; /* whoever sends it */
    bulletin->event_count = 0;
    bulletin->events = (struct event *)&bulletin->posts[loops];
    return bulletin;
}

static void bulletin_add(struct bulletin *bulletin, const struct event *event)
{
    bulletin->events[bulletin->event_count++] = *event;
}

static void bulletin_release(struct bulletin *bulletin)
{
    if (atomic_fetch_sub_explicit(&bulletin->readers, 1, memory_order_acq_rel) == 1)
        free(bulletin);
}

/* A loop that has ended has no listeners any more. */
static void on_bulletin(struct loop *loop, struct loop_message *message)
{
    struct bulletin *bulletin = ((struct post *)message)->bulletin;
    struct api_loop *mine = loop_data(loop);
    if (mine != NULL) {
        streams_hear(mine, bulletin->events, bulletin->event_count);
        streams_pump(mine);
    }
    bulletin_release(bulletin);
}

static bool listens(struct api_loop *loop)
{
    return atomic_load(&loop->listeners) != 0;
}

/* To every loop but `except`, or to those alone on which somebody listens; then the bulletin is not the sender's any
 * more. */
static void bulletin_send(struct api *api, struct bulletin *bulletin, const struct api_loop *except, bool to_all)
{
    for (unsigned i = 0; i < api->config.loop_count; ++i) {
        struct api_loop *loop = &api->loops[i];
        if (loop == except || (!to_all && !listens(loop)))
            continue;
        bulletin->posts[i] = (struct post){.message.run = on_bulletin, .bulletin = bulletin};
        atomic_fetch_add_explicit(&bulletin->readers, 1, memory_order_relaxed);
        loop_post(loop->loop, &bulletin->posts[i].message);
    }
    bulletin_release(bulletin);
}

void news_tell(struct api_loop *from, const struct event *event, bool to_all)
{
    struct api *api = from->api;
    if (api->config.loop_count > 1) {
        struct bulletin *bulletin = bulletin_new(api, 1);
        bulletin_add(bulletin, event);
        bulletin_send(api, bulletin, from, to_all);
    }
    streams_hear(from, event, 1);
    streams_pump_later(from);
}

/* ---- from the committer ---- */

static bool anybody_listens(struct api *api)
{
    bool found = false;
    for (unsigned i = 0; i < api->config.loop_count && !found; ++i)
        found = listens(&api->loops[i]);
    return found;
}

static bool is_news(const struct log_entry *entry)
{
    return entry->error == OK && entry->outcome.event.kind != EVENT_NONE;
}

static void publish(struct api *api, const struct log_entry *entries, bool is_behind)
{
    unsigned event_count = is_behind;
    for (const struct log_entry *entry = entries; entry != NULL; entry = entry->next)
        event_count += is_news(entry);
    if (event_count == 0)
        return;
    struct bulletin *bulletin = bulletin_new(api, event_count);
    if (is_behind)
        bulletin_add(bulletin, &(struct event){.kind = EVENT_BEHIND});
    for (const struct log_entry *entry = entries; entry != NULL; entry = entry->next)
        if (is_news(entry))
            bulletin_add(bulletin, &entry->outcome.event);
    count(&api->news->event_count, event_count);
    bulletin_send(api, bulletin, NULL, false);
}

void on_published(void *app, const struct log_entry *entries, uint64_t seq_before, uint64_t seq_after)
{
    struct api *api = app;
    struct news *news = api->news;
    bool is_behind = atomic_load_explicit(&news->published_seq, memory_order_relaxed) != seq_before;
    atomic_store(&news->published_seq, seq_after);
    courier_hear(api, entries);
    if (anybody_listens(api))
        publish(api, entries, is_behind);
}

/* ---- other processes ---- */

static uint64_t read_seq(struct api_loop *loop)
{
    uint64_t seq = 0;
    struct txn *txn = reader_begin(loop->reader);
    if (txn == NULL)
        return 0;
    if (meta_get_u64(txn, META_SEQ, &seq) != OK)
        seq = 0;
    reader_end(loop->reader);
    return seq;
}

/* The tables are ahead of what was told also between a commit and its publication, so it takes a second look. */
void news_look_for_others(struct api_loop *loop)
{
    struct news *news = loop->api->news;
    if (!anybody_listens(loop->api)) {
        news->suspect_seq = 0;
        return;
    }
    uint64_t known = atomic_load_explicit(&news->published_seq, memory_order_acquire);
    known = known > news->told_seq ? known : news->told_seq;
    bool is_behind = news->suspect_seq > known;
    news->suspect_seq = read_seq(loop);
    if (!is_behind)
        return;
    news->told_seq = news->suspect_seq;
    news_tell(loop, &(struct event){.kind = EVENT_BEHIND}, false);
}

/* Subscribers, and what waits for them. Events go to at most two topics, the organisation's and the visitor's, so what
 * one costs does not grow with how many listen to others. */
#include <assert.h>
#include <stdlib.h>

#include "live/internal.h"

#define CAPACITY_MIN 4

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void count_one(_Atomic uint64_t *counter)
{
    /* One writer: no locked instruction is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- the hub ---- */

struct live *live_new(void (*on_news)(struct live_subscriber *subscriber), struct live_figures *figures)
{
    struct live *live = must(calloc(1, sizeof(*live)));
    live->on_news = on_news;
    live->figures = figures;
    return live;
}

static void drop_agent(void *context, struct live_node *node)
{
    live_table_remove(context, node);
    free(node);
}

static void drop_org(void *context, struct live_node *node)
{
    struct live *live = context;
    struct live_org *org = (struct live_org *)node;
    assert(LIST_EMPTY(&org->listeners) && LIST_EMPTY(&org->audience));
    live_table_each(&org->agents, drop_agent, &org->agents);
    live_table_dispose(&org->agents);
    live_table_remove(&live->orgs, node);
    free(org);
}

static void drop_visitor(void *context, struct live_node *node)
{
    struct live *live = context;
    struct live_visitor *visitor = (struct live_visitor *)node;
    assert(LIST_EMPTY(&visitor->listeners));
    live_table_remove(&live->visitors, node);
    free(visitor);
}

/* What other loops' streams have left here goes with it. */
void live_free(struct live *live)
{
    live_table_each(&live->orgs, drop_org, live);
    live_table_each(&live->visitors, drop_visitor, live);
    live_table_dispose(&live->orgs);
    live_table_dispose(&live->visitors);
    free(live);
}

/* ---- topics ---- */

struct live_org *live_org_need(struct live *live, struct id id)
{
    return (struct live_org *)live_table_need(&live->orgs, id, sizeof(struct live_org));
}

struct live_visitor *live_visitor_need(struct live *live, struct id id)
{
    return (struct live_visitor *)live_table_need(&live->visitors, id, sizeof(struct live_visitor));
}

void live_org_release(struct live *live, struct live_org *org)
{
    if (LIST_EMPTY(&org->listeners) && LIST_EMPTY(&org->audience) && org->streams == 0 && org->present_until_ms == 0 &&
        !org->is_closed)
        drop_org(live, &org->node);
}

void live_visitor_release(struct live *live, struct live_visitor *visitor)
{
    if (LIST_EMPTY(&visitor->listeners) && visitor->streams == 0)
        drop_visitor(live, &visitor->node);
}

/* ---- subscribers ---- */

void live_add(struct live *live, struct live_subscriber *subscriber, struct id org, struct id visitor,
              uint64_t sent_seq)
{
    *subscriber = (struct live_subscriber){.sent_seq = sent_seq, .is_behind = true};
    subscriber->org = live_org_need(live, org);
    if (id_is_none(visitor)) {
        LIST_INSERT_HEAD(&subscriber->org->listeners, subscriber, of_topic);
        return;
    }
    subscriber->visitor = live_visitor_need(live, visitor);
    LIST_INSERT_HEAD(&subscriber->visitor->listeners, subscriber, of_topic);
    LIST_INSERT_HEAD(&subscriber->org->audience, subscriber, of_audience);
}

static void drop_news(struct live_subscriber *subscriber)
{
    free(subscriber->news);
    subscriber->news = NULL;
    subscriber->news_count = subscriber->news_capacity = 0;
}

void live_remove(struct live *live, struct live_subscriber *subscriber)
{
    drop_news(subscriber);
    live_take_moments(subscriber);
    LIST_REMOVE(subscriber, of_topic);
    if (subscriber->visitor != NULL) {
        LIST_REMOVE(subscriber, of_audience);
        live_visitor_release(live, subscriber->visitor);
    }
    live_org_release(live, subscriber->org);
}

void live_is_of_agent(struct live_subscriber *subscriber, struct id agent)
{
    subscriber->agent = agent;
}

struct id live_org_of(const struct live_subscriber *subscriber)
{
    return subscriber->org->node.id;
}

struct id live_visitor_of(const struct live_subscriber *subscriber)
{
    return subscriber->visitor == NULL ? ID_NONE : subscriber->visitor->node.id;
}

/* ---- what waits: news ---- */

bool live_has_news(const struct live_subscriber *subscriber)
{
    return subscriber->is_over || subscriber->is_behind || subscriber->news_count != 0 || subscriber->moment_count != 0;
}

static unsigned grown(unsigned capacity, unsigned max)
{
    unsigned more = capacity == 0 ? CAPACITY_MIN : capacity * 2;
    return more < max ? more : max;
}

static void make_room(struct live_subscriber *subscriber, unsigned capacity)
{
    subscriber->news = must(realloc(subscriber->news, capacity * sizeof(*subscriber->news)));
    subscriber->news_capacity = (uint16_t)capacity;
}

static void fall_behind(struct live_subscriber *subscriber)
{
    drop_news(subscriber);
    subscriber->is_behind = true;
}

/* What the tables had when it caught up, it has heard of already. */
static void tell_news(struct live *live, struct live_subscriber *subscriber, const struct event *event)
{
    if (subscriber->is_behind || event->seq <= subscriber->covered_seq)
        return;
    if (subscriber->news_count == STREAM_NEWS_MAX) {
        fall_behind(subscriber);
        count_one(&live->figures->news_overflows);
        return;
    }
    if (subscriber->news_count == subscriber->news_capacity)
        make_room(subscriber, grown(subscriber->news_capacity, STREAM_NEWS_MAX));
    subscriber->news[subscriber->news_count++] =
        (struct live_news){event->seq, event->conversation, event->kind, event->works && subscriber->visitor == NULL};
    subscriber->covered_seq = event->seq;
    live->on_news(subscriber);
}

void live_take_news(struct live_subscriber *subscriber, unsigned count)
{
    assert(count <= subscriber->news_count);
    if (count != 0)
        subscriber->sent_seq = subscriber->news[count - 1].seq;
    subscriber->news_count = (uint16_t)(subscriber->news_count - count);
    if (subscriber->news_count != 0) {
        memmove(subscriber->news, subscriber->news + count, subscriber->news_count * sizeof(*subscriber->news));
        return;
    }
    drop_news(subscriber);
    if (!subscriber->is_behind)
        subscriber->sent_seq = subscriber->covered_seq;
}

void live_catch_up(struct live_subscriber *subscriber, const struct live_news *news, unsigned count, uint64_t seen_seq,
                   bool is_complete)
{
    assert(subscriber->is_behind && subscriber->news_count == 0 && count <= STREAM_NEWS_MAX);
    assert(count != 0 || is_complete);
    if (count != 0) {
        make_room(subscriber, count);
        memcpy(subscriber->news, news, count * sizeof(*news));
        subscriber->news_count = (uint16_t)count;
    }
    if (!is_complete)
        return;
    subscriber->is_behind = false;
    subscriber->covered_seq = seen_seq > subscriber->sent_seq ? seen_seq : subscriber->sent_seq;
    if (count == 0)
        subscriber->sent_seq = subscriber->covered_seq;
}

void live_reset(struct live_subscriber *subscriber, uint64_t seen_seq)
{
    assert(subscriber->news_count == 0);
    subscriber->is_behind = false;
    subscriber->sent_seq = subscriber->covered_seq = seen_seq;
}

/* ---- what waits: moments ---- */

static void forget_at(struct live_subscriber *subscriber, unsigned index)
{
    struct live_moment *moment = &subscriber->moments[index];
    --subscriber->moment_count;
    memmove(moment, moment + 1, (subscriber->moment_count - index) * sizeof(*moment));
}

void live_forget_moment(struct live_subscriber *subscriber, const struct live_moment *like)
{
    for (unsigned i = 0; i < subscriber->moment_count; ++i) {
        const struct live_moment *moment = &subscriber->moments[i];
        if (moment->kind == like->kind && moment->by_org == like->by_org && id_equal(moment->subject, like->subject) &&
            id_equal(moment->agent, like->agent)) {
            forget_at(subscriber, i);
            return;
        }
    }
}

void live_tell_moment(struct live *live, struct live_subscriber *subscriber, const struct live_moment *moment)
{
    live_forget_moment(subscriber, moment);
    if (subscriber->moment_count == STREAM_MOMENTS_MAX) {
        subscriber->has_lost_facts |= subscriber->moments[0].kind != EVENT_TYPING;
        forget_at(subscriber, 0);
        count_one(&live->figures->moments_dropped);
    }
    if (subscriber->moment_count == subscriber->moment_capacity) {
        unsigned capacity = grown(subscriber->moment_capacity, STREAM_MOMENTS_MAX);
        subscriber->moments = must(realloc(subscriber->moments, capacity * sizeof(*subscriber->moments)));
        subscriber->moment_capacity = (uint16_t)capacity;
    }
    subscriber->moments[subscriber->moment_count++] = *moment;
    live->on_news(subscriber);
}

void live_take_moments(struct live_subscriber *subscriber)
{
    free(subscriber->moments);
    subscriber->moments = NULL;
    subscriber->moment_count = subscriber->moment_capacity = 0;
    subscriber->has_lost_facts = false;
}

/* ---- events ---- */

static bool is_its_own(const struct live_subscriber *subscriber, const struct event *event)
{
    return !id_is_none(event->agent) && id_equal(subscriber->agent, event->agent);
}

/* Whoever has sent its message does not type it any more, whatever still waits. Which agent it is, visitors are not
 * told. */
static void tell(struct live *live, struct live_subscriber *subscriber, const struct event *event)
{
    struct live_moment typing = {EVENT_TYPING, event->by_org, event->on, event->conversation,
                                 subscriber->visitor == NULL ? event->agent : ID_NONE};
    if (event->kind == EVENT_TYPING) {
        if (!is_its_own(subscriber, event))
            live_tell_moment(live, subscriber, &typing);
        return;
    }
    if (event->kind == EVENT_MESSAGE)
        live_forget_moment(subscriber, &typing);
    tell_news(live, subscriber, event);
}

/* What the visitor may not know, and its own typing, which is nothing new to it. */
static bool is_for_org_alone(const struct event *event)
{
    return event->kind == EVENT_WORK || event->kind == EVENT_NOTE || (event->kind == EVENT_TYPING && !event->by_org);
}

static void hear_change(struct live *live, const struct event *event)
{
    struct live_org *org = live_org_find(live, event->org);
    if (org == NULL)
        return;
    for (struct live_subscriber *each = LIST_FIRST(&org->listeners); each != NULL; each = LIST_NEXT(each, of_topic))
        tell(live, each, event);
    if (LIST_EMPTY(&org->audience) || id_is_none(event->visitor) || is_for_org_alone(event))
        return;
    struct live_visitor *visitor = live_visitor_find(live, event->visitor);
    if (visitor == NULL)
        return;
    for (struct live_subscriber *each = LIST_FIRST(&visitor->listeners); each != NULL; each = LIST_NEXT(each, of_topic))
        tell(live, each, event);
}

/* The visitor's streams end, and the organisation's own listeners have nothing of it any more. */
static void hear_erased(struct live *live, const struct event *event)
{
    struct live_visitor *visitor = live_visitor_find(live, event->visitor);
    struct live_org *org = live_org_find(live, event->org);
    struct live_moment erased = {EVENT_ERASED, false, event->on, event->visitor, ID_NONE};
    for (struct live_subscriber *each = org == NULL ? NULL : LIST_FIRST(&org->listeners); each != NULL;
         each = LIST_NEXT(each, of_topic))
        live_tell_moment(live, each, &erased);
    if (visitor == NULL)
        return;
    for (struct live_subscriber *each = LIST_FIRST(&visitor->listeners); each != NULL;
         each = LIST_NEXT(each, of_topic)) {
        each->is_over = true;
        live->on_news(each);
    }
}

static void tell_behind(struct live *live, struct live_subscriber *subscriber)
{
    fall_behind(subscriber);
    live->on_news(subscriber);
}

static void org_is_behind(void *context, struct live_node *node)
{
    struct live_org *org = (struct live_org *)node;
    for (struct live_subscriber *each = LIST_FIRST(&org->listeners); each != NULL; each = LIST_NEXT(each, of_topic))
        tell_behind(context, each);
    for (struct live_subscriber *each = LIST_FIRST(&org->audience); each != NULL; each = LIST_NEXT(each, of_audience))
        tell_behind(context, each);
}

void live_hear(struct live *live, const struct event *event, uint64_t now_ms)
{
    switch (event->kind) {
    case EVENT_NONE:
        break;
    case EVENT_MESSAGE:
    case EVENT_CONVERSATION:
    case EVENT_WORK:
    case EVENT_NOTE:
    case EVENT_TYPING:
        hear_change(live, event);
        break;
    case EVENT_ERASED:
        hear_erased(live, event);
        break;
    case EVENT_PRESENCE:
        live_hear_presence(live, event);
        break;
    case EVENT_PRESENT:
        live_hear_present(live, event, now_ms);
        break;
    case EVENT_HOURS:
        live_hear_hours(live, event);
        break;
    case EVENT_BEHIND:
        live_table_each(&live->orgs, org_is_behind, live);
        break;
    }
}

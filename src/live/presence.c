/*
 * Who is there. Every hub hears of every stream that begins or ends, on whatever loop, and counts; so what it says is
 * the same everywhere, but for what is on its way. A loop tells of its own streams in order, so no count falls below
 * zero. That somebody has done something holds for AGENT_PRESENT_MS by each hub's own clock.
 */
#include <assert.h>

#include "live/internal.h"

#define QUIET_MS 1000

/* Tells the organisation's visitors when it has come or gone. */
static void settle(struct live *live, struct live_org *org)
{
    bool is_online = org->streams != 0 || org->present_until_ms != 0;
    if (is_online == org->is_online)
        return;
    org->is_online = is_online;
    for (struct live_subscriber *each = LIST_FIRST(&org->audience); each != NULL; each = LIST_NEXT(each, of_audience))
        live_tell_moment(live, each, &(struct live_moment){EVENT_PRESENCE, true, is_online, ID_NONE});
}

static unsigned changed(unsigned streams, bool on)
{
    assert(on || streams != 0);
    return on ? streams + 1 : streams - 1;
}

static void hear_org(struct live *live, const struct event *event)
{
    struct live_org *org = live_org_need(live, event->org);
    org->streams = changed(org->streams, event->on);
    settle(live, org);
    live_org_release(live, org);
}

static void hear_visitor(struct live *live, const struct event *event)
{
    struct live_visitor *visitor = live_visitor_need(live, event->visitor);
    bool was_online = visitor->streams != 0;
    visitor->streams = changed(visitor->streams, event->on);
    bool is_online = visitor->streams != 0;
    live_visitor_release(live, visitor);
    struct live_org *org = is_online == was_online ? NULL : live_org_find(live, event->org);
    if (org == NULL)
        return;
    for (struct live_subscriber *each = LIST_FIRST(&org->listeners); each != NULL; each = LIST_NEXT(each, of_topic))
        live_tell_moment(live, each, &(struct live_moment){EVENT_PRESENCE, false, is_online, event->visitor});
}

void live_hear_presence(struct live *live, const struct event *event)
{
    if (event->by_org)
        hear_org(live, event);
    else
        hear_visitor(live, event);
}

void live_hear_present(struct live *live, const struct event *event, uint64_t now_ms)
{
    struct live_org *org = live_org_need(live, event->org);
    org->present_until_ms = now_ms + AGENT_PRESENT_MS;
    settle(live, org);
}

/* ---- time ---- */

struct tick {
    struct live *live;
    uint64_t now_ms;
};

static void tick_org(void *context, struct live_node *node)
{
    const struct tick *tick = context;
    struct live_org *org = (struct live_org *)node;
    if (org->present_until_ms == 0 || tick->now_ms < org->present_until_ms)
        return;
    org->present_until_ms = 0;
    settle(tick->live, org);
    live_org_release(tick->live, org);
}

void live_tick(struct live *live, uint64_t now_ms)
{
    struct tick tick = {live, now_ms};
    live_table_each(&live->orgs, tick_org, &tick);
}

/* ---- questions ---- */

bool live_org_is_online(const struct live *live, struct id id)
{
    const struct live_org *org = live_org_find(live, id);
    return org != NULL && org->is_online;
}

bool live_org_seems_quiet(const struct live *live, struct id id, uint64_t now_ms)
{
    const struct live_org *org = live_org_find(live, id);
    return org == NULL || org->present_until_ms < now_ms + AGENT_PRESENT_MS - QUIET_MS;
}

bool live_visitor_is_online(const struct live *live, struct id id)
{
    const struct live_visitor *visitor = live_visitor_find(live, id);
    return visitor != NULL && visitor->streams != 0;
}

/*
 * Who is there. Every hub hears of every stream that begins or ends, on whatever loop, and counts; so what it says is
 * the same everywhere, but for what is on its way. A loop tells of its own streams in order, so no count falls below
 * zero. That somebody has done something holds for AGENT_PRESENT_MS by each hub's own clock.
 */
#include <assert.h>
#include <stdlib.h>

#include "live/internal.h"

#define QUIET_MS 1000

/* Tells the organisation's visitors when it has come or gone. */
static void settle(struct live *live, struct live_org *org)
{
    bool is_online = !org->is_closed && (org->streams != 0 || org->present_until_ms != 0);
    if (is_online == org->is_online)
        return;
    org->is_online = is_online;
    for (struct live_subscriber *each = LIST_FIRST(&org->audience); each != NULL; each = LIST_NEXT(each, of_audience))
        live_tell_moment(live, each, &(struct live_moment){EVENT_PRESENCE, true, is_online, ID_NONE, ID_NONE});
}

/* Tells the organisation's own listeners when one of its agents has come or gone. */
static void settle_agent(struct live *live, struct live_org *org, struct live_agent *agent)
{
    bool is_online = agent->streams != 0 || agent->present_until_ms != 0;
    struct live_moment presence = {EVENT_PRESENCE, true, is_online, agent->node.id, ID_NONE};
    if (is_online == agent->is_online)
        return;
    agent->is_online = is_online;
    for (struct live_subscriber *each = LIST_FIRST(&org->listeners); each != NULL; each = LIST_NEXT(each, of_topic))
        live_tell_moment(live, each, &presence);
    if (is_online)
        return;
    live_table_remove(&org->agents, &agent->node);
    free(agent);
}

static struct live_agent *need_agent(struct live_org *org, struct id id)
{
    return (struct live_agent *)live_table_need(&org->agents, id, sizeof(struct live_agent));
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
    if (!id_is_none(event->agent)) {
        struct live_agent *agent = need_agent(org, event->agent);
        agent->streams = changed(agent->streams, event->on);
        settle_agent(live, org, agent);
    }
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
        live_tell_moment(live, each, &(struct live_moment){EVENT_PRESENCE, false, is_online, event->visitor, ID_NONE});
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
    if (!id_is_none(event->agent)) {
        struct live_agent *agent = need_agent(org, event->agent);
        agent->present_until_ms = org->present_until_ms;
        settle_agent(live, org, agent);
    }
    settle(live, org);
}

/* The audience is told when that changes who is there; when it opens, whoever asks. */
void live_hear_hours(struct live *live, const struct event *event)
{
    struct live_org *org = live_org_need(live, event->org);
    org->is_closed = !event->on;
    org->opens_at_ms = event->on ? 0 : event->at_ms;
    settle(live, org);
    live_org_release(live, org);
}

/* ---- time ---- */

struct tick {
    struct live *live;
    struct live_org *org; /* of the agents being looked at */
    uint64_t now_ms;
};

static void tick_agent(void *context, struct live_node *node)
{
    const struct tick *tick = context;
    struct live_agent *agent = (struct live_agent *)node;
    if (agent->present_until_ms == 0 || tick->now_ms < agent->present_until_ms)
        return;
    agent->present_until_ms = 0;
    settle_agent(tick->live, tick->org, agent);
}

static void tick_org(void *context, struct live_node *node)
{
    struct tick *tick = context;
    struct live_org *org = (struct live_org *)node;
    tick->org = org;
    live_table_each(&org->agents, tick_agent, tick);
    if (org->present_until_ms == 0 || tick->now_ms < org->present_until_ms)
        return;
    org->present_until_ms = 0;
    settle(tick->live, org);
    live_org_release(tick->live, org);
}

void live_tick(struct live *live, uint64_t now_ms)
{
    struct tick tick = {.live = live, .now_ms = now_ms};
    live_table_each(&live->orgs, tick_org, &tick);
}

/* ---- questions ---- */

bool live_org_is_online(const struct live *live, struct id id)
{
    const struct live_org *org = live_org_find(live, id);
    return org != NULL && org->is_online;
}

bool live_org_is_closed(const struct live *live, struct id id, int64_t *opens_at_ms)
{
    const struct live_org *org = live_org_find(live, id);
    *opens_at_ms = org == NULL ? 0 : org->opens_at_ms;
    return org != NULL && org->is_closed;
}

static bool is_quiet(uint64_t present_until_ms, uint64_t now_ms)
{
    return present_until_ms < now_ms + AGENT_PRESENT_MS - QUIET_MS;
}

static const struct live_agent *find_agent(const struct live_org *org, struct id id)
{
    return org == NULL ? NULL : (const struct live_agent *)live_table_find(&org->agents, id);
}

bool live_org_seems_quiet(const struct live *live, struct id id, struct id agent_id, uint64_t now_ms)
{
    const struct live_org *org = live_org_find(live, id);
    if (org == NULL || is_quiet(org->present_until_ms, now_ms))
        return true;
    if (id_is_none(agent_id))
        return false;
    const struct live_agent *agent = find_agent(org, agent_id);
    return agent == NULL || is_quiet(agent->present_until_ms, now_ms);
}

bool live_agent_is_online(const struct live *live, struct id org, struct id agent)
{
    const struct live_agent *found = find_agent(live_org_find(live, org), agent);
    return found != NULL && found->is_online;
}

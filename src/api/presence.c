/* Who is there, as the loop's own hub has heard. */
#include "api/stream.h"

bool api_org_is_online(struct api_loop *loop, struct id org)
{
    return live_org_is_online(loop->streams->hub, org);
}

void api_render_opens_at(struct api_loop *loop, struct buffer *out, struct id org)
{
    int64_t opens_at_ms;
    live_org_is_closed(loop->streams->hub, org, &opens_at_ms);
    render_moment(out, BYTES("opensAt"), opens_at_ms);
}

const struct live_visit *api_visit(struct api_loop *loop, struct id visitor, struct live_visit *out)
{
    return live_visit_find(loop->api->visits, visitor, out) ? out : NULL;
}

bool api_agent_is_online(struct api_loop *loop, struct id org, struct id agent)
{
    return live_agent_is_online(loop->streams->hub, org, agent);
}

/* Not in a stop: the other loops may have ended. */
void presence_note(struct api_loop *loop, struct id org, struct id agent)
{
    if (!edge_stopping(loop->api->edge) && live_org_seems_quiet(loop->streams->hub, org, agent, streams_now_ms()))
        news_tell(loop, &(struct event){.kind = EVENT_PRESENT, .org = org, .agent = agent}, true);
}

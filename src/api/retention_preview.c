/* /retention/preview: what would go at once with other settings than there are, for whoever is about to change them. It
 * looks for a moment only, since it holds up its loop: where there is much, it says that there is at least so much. */
#include "api/internal.h"

#define PREVIEW_NS 60000000 /* then it answers with what it has */

/* A parameter that is not there leaves the setting as it is. */
static enum error read_days(struct call *call, const char *name, uint64_t *days)
{
    return query_uint(call, name, 0, RETAIN_DAYS_MAX, *days, days);
}

static enum error read_settings(struct call *call, struct org *out)
{
    uint64_t redacts = out->redact_messages;
    enum error error = read_days(call, "visitors", &out->retain_visitors_days);
    if (error == OK)
        error = read_days(call, "messages", &out->retain_messages_days);
    if (error == OK)
        error = read_days(call, "empty", &out->retain_empty_days);
    if (error == OK)
        error = read_days(call, "audit", &out->retain_audit_days);
    if (error == OK)
        error = read_days(call, "erasures", &out->retain_erasures_days);
    if (error == OK)
        error = query_uint(call, "redactMessages", 0, 1, redacts, &redacts);
    out->redact_messages = redacts != 0;
    return error;
}

/* False when there may be more. */
static bool look_for_a_moment(struct call *call, const struct org *org, struct retained *out)
{
    uint64_t until_ns = clock_monotonic_ns() + PREVIEW_NS;
    struct retention_walk walk = retention_begin(org->id);
    struct retention_step step;
    enum retention_state state;
    walk.is_trial = true;
    walk.as_if = org;
    while ((state = retention_look(call->txn, &walk, call->now_ms, &step)) != RETENTION_OVER) {
        if (state == RETENTION_FOUND)
            retention_count_as_if(call->txn, org, &step, call->now_ms, out);
        if (clock_monotonic_ns() > until_ns)
            return false;
    }
    return true;
}

enum error handle_retention_preview(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct org org = call->org;
    struct retained gone = {0};
    enum error error = read_settings(call, &org);
    if (error != OK)
        return error;
    bool is_complete = look_for_a_moment(call, &org, &gone);
    json_open(json, '{');
    json_member_integer(json, "visitors", (int64_t)gone.visitors);
    json_member_integer(json, "conversations", (int64_t)gone.conversations);
    json_member_integer(json, "messages", (int64_t)gone.messages);
    json_member_integer(json, "redacted", (int64_t)gone.redacted);
    json_member_integer(json, "others", (int64_t)gone.others);
    json_member_bool(json, "complete", is_complete);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

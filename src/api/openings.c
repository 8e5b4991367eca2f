/*
 * Business hours, as time goes by: every few seconds loop 0 looks which organisations are within theirs, and tells all
 * hubs of those for which that has changed. What has been told is what loop 0's own hub knows. A zone that the machine
 * does not know any more closes nobody.
 */
#include "api/stream.h"
#include "base/hours.h"
#include "base/zone.h"

/* Whether the organisation is closed, and until when (0: nobody knows). */
static bool is_closed(const struct org *org, int64_t now_ms, int64_t *opens_at_ms)
{
    struct hours hours;
    const char *why;
    char zone_why[ZONE_WHY_LEN];
    *opens_at_ms = 0;
    if (org->deleted || org->business_hours.len == 0 || !hours_parse(org->business_hours, &hours, &why))
        return false;
    struct zone *zone = zone_find(hours.zone, zone_why);
    if (zone == NULL)
        return false;
    int64_t local_ms = now_ms + zone_offset_ms(zone, now_ms), wait_ms = hours_until_open_ms(&hours, local_ms);
    if (wait_ms > 0)
        *opens_at_ms = zone_moment_ms(zone, local_ms + wait_ms);
    return wait_ms != 0;
}

static void look_at(struct api_loop *loop, const struct org *org, int64_t now_ms)
{
    int64_t opens_at_ms, told_ms;
    bool closed = is_closed(org, now_ms, &opens_at_ms);
    bool was_closed = live_org_is_closed(loop->streams->hub, org->id, &told_ms);
    if (closed != was_closed || opens_at_ms != told_ms)
        news_tell(loop, &(struct event){.kind = EVENT_HOURS, .org = org->id, .on = !closed, .at_ms = opens_at_ms},
                  true);
}

void openings_tick(struct api_loop *loop, struct txn *txn)
{
    struct bytes key, value;
    int64_t now_ms = clock_now_ms();
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK || (error == ERR_CORRUPT && key.data != NULL); error = cursor_next(cursor, &key, &value)) {
        struct org org;
        if (error == OK && org_decode(key, value, &org) == OK)
            look_at(loop, &org, now_ms);
    }
    cursor_close(cursor);
}

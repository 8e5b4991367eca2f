/*
 * A lane is ready, under way, or rests until its first delivery is due. Ready ones stand in a list in the order in
 * which they became so; resting ones are looked at only when the earliest of them is due.
 */
#include "api/hook_lanes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "live/table.h"

struct parcel {
    struct parcel *next;
    uint64_t seq;
    uint32_t event;
    int64_t due_ms;
};

enum lane_state { LANE_READY, LANE_UNDER_WAY, LANE_RESTING };

struct lane {
    struct live_node node; /* a conversation, or a visitor */
    struct parcel *first, **end;
    enum lane_state state;
    struct lane *next_ready;
};

struct hook_lanes {
    struct live_table table;
    struct lane *ready, **ready_end;
    int64_t next_due_ms; /* of the resting ones; INT64_MAX: none rests */
    unsigned under_way;
    size_t count;
};

struct hook_lanes *hook_lanes_new(void)
{
    struct hook_lanes *lanes = calloc(1, sizeof(*lanes));
    if (lanes == NULL)
        abort();
    lanes->ready_end = &lanes->ready;
    lanes->next_due_ms = INT64_MAX;
    return lanes;
}

/* ---- one lane ---- */

static void make_ready(struct hook_lanes *lanes, struct lane *lane)
{
    lane->state = LANE_READY;
    lane->next_ready = NULL;
    *lanes->ready_end = lane;
    lanes->ready_end = &lane->next_ready;
}

static void make_rest(struct hook_lanes *lanes, struct lane *lane)
{
    lane->state = LANE_RESTING;
    if (lane->first->due_ms < lanes->next_due_ms)
        lanes->next_due_ms = lane->first->due_ms;
}

/* What was never tried is due at once. */
static void settle(struct hook_lanes *lanes, struct lane *lane)
{
    if (lane->first->due_ms == 0)
        make_ready(lanes, lane);
    else
        make_rest(lanes, lane);
}

static void free_parcels(struct hook_lanes *lanes, struct parcel *parcel)
{
    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        free(parcel);
        --lanes->count;
        parcel = next;
    }
}

static void remove_lane(struct hook_lanes *lanes, struct lane *lane)
{
    live_table_remove(&lanes->table, &lane->node);
    free(lane);
}

static struct lane *need_lane(struct hook_lanes *lanes, struct id id)
{
    struct lane *lane = (struct lane *)live_table_need(&lanes->table, id, sizeof(*lane));
    if (lane->end == NULL)
        lane->end = &lane->first;
    return lane;
}

/* ---- adding ---- */

static bool is_under_way(const struct lane *lane, const struct hook_place *place)
{
    return lane->first != NULL && lane->state == LANE_UNDER_WAY && lane->first->seq == place->seq &&
           lane->first->event == place->event;
}

void hook_lanes_add(struct hook_lanes *lanes, const struct hook_place *place, int64_t due_ms)
{
    struct lane *lane = need_lane(lanes, place->lane);
    if (is_under_way(lane, place))
        return;
    struct parcel *parcel = malloc(sizeof(*parcel));
    if (parcel == NULL)
        abort();
    *parcel = (struct parcel){.seq = place->seq, .event = place->event, .due_ms = due_ms};
    bool is_first = lane->first == NULL;
    *lane->end = parcel;
    lane->end = &parcel->next;
    ++lanes->count;
    if (is_first)
        settle(lanes, lane);
}

/* ---- taking ---- */

struct waking {
    struct hook_lanes *lanes;
    int64_t now_ms;
};

static void wake(void *context, struct live_node *node)
{
    struct waking *waking = context;
    struct lane *lane = (struct lane *)node;
    if (lane->state != LANE_RESTING)
        return;
    if (lane->first->due_ms <= waking->now_ms)
        make_ready(waking->lanes, lane);
    else if (lane->first->due_ms < waking->lanes->next_due_ms)
        waking->lanes->next_due_ms = lane->first->due_ms;
}

static void wake_those_due(struct hook_lanes *lanes, int64_t now_ms)
{
    if (lanes->next_due_ms > now_ms)
        return;
    lanes->next_due_ms = INT64_MAX;
    live_table_each(&lanes->table, wake, &(struct waking){lanes, now_ms});
}

bool hook_lanes_take(struct hook_lanes *lanes, int64_t now_ms, struct hook_place *out)
{
    wake_those_due(lanes, now_ms);
    struct lane *lane = lanes->ready;
    if (lane == NULL)
        return false;
    lanes->ready = lane->next_ready;
    if (lanes->ready == NULL)
        lanes->ready_end = &lanes->ready;
    lane->state = LANE_UNDER_WAY;
    ++lanes->under_way;
    *out = (struct hook_place){lane->node.id, lane->first->seq, lane->first->event};
    return true;
}

/* ---- what became of it ---- */

static struct lane *lane_under_way(struct hook_lanes *lanes, const struct hook_place *place)
{
    struct lane *lane = (struct lane *)live_table_find(&lanes->table, place->lane);
    assert(lane != NULL && is_under_way(lane, place));
    --lanes->under_way;
    return lane;
}

void hook_lanes_gone(struct hook_lanes *lanes, const struct hook_place *place)
{
    struct lane *lane = lane_under_way(lanes, place);
    struct parcel *parcel = lane->first;
    lane->first = parcel->next;
    free(parcel);
    --lanes->count;
    if (lane->first == NULL)
        remove_lane(lanes, lane);
    else
        settle(lanes, lane);
}

void hook_lanes_rest(struct hook_lanes *lanes, const struct hook_place *place, int64_t due_ms)
{
    struct lane *lane = lane_under_way(lanes, place);
    lane->first->due_ms = due_ms;
    make_rest(lanes, lane);
}

/* ---- all of them ---- */

static void clear_lane(void *context, struct live_node *node)
{
    struct hook_lanes *lanes = context;
    struct lane *lane = (struct lane *)node;
    if (lane->state != LANE_UNDER_WAY) {
        free_parcels(lanes, lane->first);
        remove_lane(lanes, lane);
        return;
    }
    free_parcels(lanes, lane->first->next);
    lane->first->next = NULL;
    lane->end = &lane->first->next;
}

void hook_lanes_clear(struct hook_lanes *lanes)
{
    lanes->ready = NULL;
    lanes->ready_end = &lanes->ready;
    lanes->next_due_ms = INT64_MAX;
    live_table_each(&lanes->table, clear_lane, lanes);
}

static void free_lane(void *context, struct live_node *node)
{
    struct lane *lane = (struct lane *)node;
    free_parcels(context, lane->first);
    remove_lane(context, lane);
}

void hook_lanes_free(struct hook_lanes *lanes)
{
    live_table_each(&lanes->table, free_lane, lanes);
    live_table_dispose(&lanes->table);
    free(lanes);
}

unsigned hook_lanes_under_way(const struct hook_lanes *lanes)
{
    return lanes->under_way;
}

size_t hook_lanes_count(const struct hook_lanes *lanes)
{
    return lanes->count;
}

/* ---- when to try again ---- */

/* Doubled with each try, up to a longest. */
static int64_t doubled(int64_t first_ms, uint64_t times, int64_t longest_ms)
{
    int64_t ms = first_ms;
    for (; times > 0 && ms < longest_ms; --times)
        ms *= 2;
    return ms < longest_ms ? ms : longest_ms;
}

int64_t hook_next_try_ms(uint64_t tries, int64_t since_ms, int64_t now_ms, uint64_t random)
{
    int64_t pause_ms = doubled(WEBHOOK_RETRY_FIRST_MS, tries == 0 ? 0 : tries - 1, WEBHOOK_RETRY_LONGEST_MS);
    /* Three quarters to five quarters of it. */
    pause_ms += (int64_t)(random % (uint64_t)(pause_ms / 2 + 1)) - pause_ms / 4;
    return now_ms + pause_ms - since_ms > WEBHOOK_RETRY_FOR_MS ? 0 : now_ms + pause_ms;
}

int64_t hook_pause_ms(unsigned failures)
{
    return failures < WEBHOOK_FAILURES_IN_ROW
               ? 0
               : doubled(WEBHOOK_RETRY_FIRST_MS, failures - WEBHOOK_FAILURES_IN_ROW, WEBHOOK_PAUSE_LONGEST_MS);
}

#pragma once
/*
 * What waits for one webhook, in memory: a lane for each conversation (or visitor), in which one delivery is tried at a
 * time and the others keep their order behind it. Whether something is tried here is all that is known here: what it is
 * stands in the tables. One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"

struct hook_lanes;

/* A delivery by its place in the queue. */
struct hook_place {
    struct id lane;
    uint64_t seq;
    uint32_t event;
};

struct hook_lanes *hook_lanes_new(void);
void hook_lanes_free(struct hook_lanes *lanes);
/* Puts one behind the others of its lane, not to be tried before due_ms; 0: at once. The one that is being tried is not
 * added again.
 */
void hook_lanes_add(struct hook_lanes *lanes, const struct hook_place *place, int64_t due_ms);
/* The next one that may be tried; it is under way from then on. False when there is none now. */
bool hook_lanes_take(struct hook_lanes *lanes, int64_t now_ms, struct hook_place *out);
/* One that was under way has gone, and the next one of its lane follows; or it stays, and is due again at due_ms. */
void hook_lanes_gone(struct hook_lanes *lanes, const struct hook_place *place);
void hook_lanes_rest(struct hook_lanes *lanes, const struct hook_place *place, int64_t due_ms);
/* Forgets everything but what is under way, since the tables are to be read anew. */
void hook_lanes_clear(struct hook_lanes *lanes);
/* How many are under way; how many wait, those included. */
unsigned hook_lanes_under_way(const struct hook_lanes *lanes);
size_t hook_lanes_count(const struct hook_lanes *lanes);

/* When to try again after `tries` tries that failed, the last one at now_ms; 0: not any more, since it has been tried
 * from since_ms on for long enough. `random` makes webhooks that failed together come back apart. Pure. */
int64_t hook_next_try_ms(uint64_t tries, int64_t since_ms, int64_t now_ms, uint64_t random);
/* How long a webhook rests that has failed so often in a row; 0: not at all. Pure. */
int64_t hook_pause_ms(unsigned failures);

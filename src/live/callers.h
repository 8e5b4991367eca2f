#pragma once
/*
 * How many streams each caller has open, over all loops: exact, because a limit that is counted by messages between
 * loops could be overrun by whoever opens many at once. Any thread; a lock is taken when a stream begins and ends.
 */
#include <stdbool.h>

#include "core/id.h"

struct live_callers;

struct live_callers *live_callers_new(void);
/* Nobody may be left. */
void live_callers_free(struct live_callers *callers);
/* Counts one more of this caller (the id of a visitor or a token), unless it has `max` already: false. */
bool live_caller_enter(struct live_callers *callers, struct id caller, unsigned max);
void live_caller_leave(struct live_callers *callers, struct id caller);

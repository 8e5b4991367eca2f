#pragma once
/* Pouring segments together: see segments.h for what holds meanwhile. */
#include "search/segments.h"

/* Whether segments are being poured, or are enough to be. */
bool pour_is_due(const struct segments *segments);
/*
 * Pours on, up to `bytes` or a block more; begins with it under the number `seq` when there is nothing under way.
 * ERR_CORRUPT when a block can't be read.
 */
enum error pour_step(struct txn *txn, uint64_t seq, struct id org, uint64_t bytes);

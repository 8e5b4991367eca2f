#pragma once
/* The indexer: what one step of it does for an organisation. Each holds the committer for a bounded time. */
#include "search/state.h"

/* Whether a step is worth its commit: segments are to be poured together, or at least `waiting` messages wait. Cheap.
 */
enum error search_index_is_due(struct txn *txn, struct id org, uint64_t waiting, bool *out);
/*
 * Pours segments together if that is due, limit * SEARCH_POURED_BYTES of them; else puts the next messages, in order,
 * into a segment of their own under the number `seq`, looking at `limit` places at most. Does nothing while the index
 * is not ready. ERR_CORRUPT when the index can't be read.
 */
enum error search_index_step(struct txn *txn, uint64_t seq, struct id org, uint64_t limit);

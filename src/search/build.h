#pragma once
/* The index of a database that has none, or one of another version: see state.h. */
#include "search/state.h"

/*
 * The next step: passes `limit` entries of a table, or a few more. `seq` is the command's own. Does nothing when the
 * index is ready. A damaged record is passed over.
 */
enum error search_build_step(struct txn *txn, uint64_t seq, uint64_t limit);

#pragma once
/*
 * The messages that are in no segment yet: an organisation's activity names each of them, until it is swept; what the
 * sweep, or the walk over the messages of an older database, has found first is in message_by_seq. This is both in one
 * order. An entry of the activity may be another change than a message, and so may lead to none.
 */
#include "search/by_seq.h"

/* Where a place was found. */
enum place_source { FROM_ACTIVITY, FROM_BY_SEQ };

/* Nothing may be written to the two tables meanwhile. */
struct unindexed {
    struct cursor *activity;
    struct by_seq_walk by_seq;
    struct id org;
    bool down;
    struct by_seq next[2]; /* of each source; a seq of 0: there is none */
    enum error error;
};

/* Upwards from the first place behind `from`, or downwards from the last one before it. */
void unindexed_open(struct unindexed *walk, struct txn *txn, struct id org, uint64_t from, bool down);
void unindexed_close(struct unindexed *walk);
/* ERR_NOT_FOUND at the end; ERR_CORRUPT when a page, or an entry of message_by_seq, is damaged. A damaged entry of the
 * activity is passed over. */
enum error unindexed_next(struct unindexed *walk, struct by_seq *out, enum place_source *source);

/* How many places there are behind the seq; counted up to `limit`. */
enum error unindexed_count(struct txn *txn, struct id org, uint64_t behind, uint64_t limit, uint64_t *out);

#pragma once
/*
 * The messages that answer a question, newest first: those that are in no segment yet are read one by one, those in
 * segments are found by their postings, and each is compared with its text before it is a hit. Within a read
 * transaction; the work is bounded, and goes on from `next`.
 */
#include "search/match.h"
#include "search/state.h"

struct found {
    uint64_t next;        /* pass it as `before` to go on; 0: there is nothing older */
    bool is_limited;      /* it ended for the work that it had done, not for its hits */
    bool is_complete;     /* every message can be found; false while the index is behind, or is built */
    uint64_t indexed_seq; /* older messages than this are in the index, newer ones are not */
};

/* A hit; the match has its places. Its views live as long as the transaction. False ends the page. */
typedef bool find_on_hit(void *context, const struct message *message, const struct match *match);

/* Looks at messages with a seq below `before`. The question must have words. ERR_CORRUPT. */
enum error find_messages(struct txn *txn, struct id org, const struct question *question, uint64_t before,
                         find_on_hit *on_hit, void *context, struct found *out);

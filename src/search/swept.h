#pragma once
/*
 * The sweep takes out entries of the activity that are stale; those of messages that are in no segment yet are how the
 * indexer would have found them. So their places are put into message_by_seq, a step's together.
 */
#include "search/state.h"

struct swept {
    struct txn *txn;
    struct id org;        /* of `places`; ID_NONE: none was asked for yet */
    uint64_t known_seq;   /* places up to here are known to the index, or will be found by its walk */
    struct buffer places; /* of struct by_seq */
};

static inline struct swept swept_of(struct txn *txn)
{
    return (struct swept){.txn = txn};
}
/* An entry that goes; in the order of the index. */
enum error swept_note(struct swept *swept, struct id org, uint64_t seq, struct id conversation);
/* Puts what is left. In every case; gives `error` if that is one. */
enum error swept_end(struct swept *swept, enum error error);

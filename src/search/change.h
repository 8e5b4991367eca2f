#pragma once
/* Postings taken out at any place of a segment: when a message goes, or its text is redacted. */
#include "search/segments.h"

struct change {
    uint64_t seq;
    uint8_t len;
    char term[SEARCH_TERM_LEN_MAX];
};

struct change change_of(struct bytes term, uint64_t seq);
static inline struct bytes change_term(const struct change *change)
{
    return bytes_view(change->term, change->len);
}
/* By term, then by seq; for qsort. */
int change_compare(const void *a, const void *b);

/*
 * Takes the postings out of one segment: in order, and no two the same. What is not there is passed over. A block that
 * is damaged may hold what has to go, so it goes as a whole; then *damaged is set.
 */
enum error segment_change(struct txn *txn, const struct search_segment *segment, const struct change *changes,
                          size_t count, bool *damaged);
/* Takes out every posting of the seqs, which are in ascending order, by looking at all of the segment's. */
enum error segment_forget(struct txn *txn, const struct search_segment *segment, const uint64_t *seqs, size_t count,
                          bool *damaged);

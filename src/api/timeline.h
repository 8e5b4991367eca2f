#pragma once
/*
 * The messages of a conversation and, for whoever may see them, its notes, as one sequence: both are numbered from one.
 * Opened and closed within one transaction.
 */
#include "store/records.h"

/* The messages, or the notes, from one end on. */
struct timeline_source {
    enum table table;
    struct cursor *cursor; /* NULL: they are not to be seen */
    struct bytes key, value;
    uint64_t seq; /* of the entry; 0: at the end */
};

struct timeline {
    struct id conversation;
    bool is_backwards;
    struct timeline_source messages, notes;
};

/* From the first entry behind `bound` on; or with is_backwards from the last one before it. Close it whatever it
 * returns. */
enum error timeline_open(struct timeline *timeline, struct txn *txn, struct id conversation, uint64_t bound,
                         bool is_backwards, bool with_notes);
void timeline_close(struct timeline *timeline);
/* The one whose entry is next; NULL at the end of both. */
struct timeline_source *timeline_next(struct timeline *timeline);
/* On behind that entry. */
enum error timeline_step(const struct timeline *timeline, struct timeline_source *source);

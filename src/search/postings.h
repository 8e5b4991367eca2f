#pragma once
/*
 * An organisation's postings read from the newest to the oldest, as a question wants them: a word's by a walk from
 * block to block, those of all words with a beginning as one set of bits for a run of messages. Within a read
 * transaction.
 */
#include "search/question.h"
#include "search/segments.h"

/* The segments from the newest messages to the oldest; a target behind what is being poured into it. */
struct postings {
    struct txn *txn;
    struct segments segments;
    const struct search_segment **order;
    size_t count;
    uint64_t read; /* postings, so far */
};

enum error postings_open(struct postings *postings, struct txn *txn, struct id org);
void postings_close(struct postings *postings);

/* ---- one word ---- */

struct word_walk {
    struct bytes term;
    size_t at;        /* in the order of segments */
    struct seqs seqs; /* of the block that was read last */
    size_t left;      /* of them, those that are not behind the walk */
};
/* `term` must outlive it. */
void word_walk_open(struct word_walk *walk, struct bytes term);
/* The newest posting at or before `seq`, which only falls from call to call; 0: there is none. */
enum error word_walk_seek(struct word_walk *walk, struct postings *postings, uint64_t seq, uint64_t *out);

/* ---- a run of messages ---- */

/* A segment, or several while they are poured together: [from, to) in the order of segments. */
struct run {
    size_t from, to;
    uint64_t first_seq, last_seq;
};
/* The run that has the seq or, when there is none, the next older one; to be asked with falling seqs, from a run of
 * zero on. False at the end. */
bool run_seek(const struct postings *postings, uint64_t seq, struct run *run);
/* Whether its seqs are too far apart for a set. */
bool run_is_wide(const struct run *run);

/* The messages of a run that have, for each word of the question that is a beginning, a word that begins so. */
struct seq_set {
    uint64_t first_seq;
    uint64_t *bits;
    size_t words; /* of 64 bits */
};
enum error seq_set_make(struct seq_set *set, struct postings *postings, const struct run *run,
                        const struct question *question);
bool seq_set_has(const struct seq_set *set, uint64_t seq);
/* The greatest member at or before `seq`; 0: there is none. */
uint64_t seq_set_before(const struct seq_set *set, uint64_t seq);
void seq_set_dispose(struct seq_set *set);

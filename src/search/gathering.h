#pragma once
/*
 * The words of a handful of messages, gathered in memory and put in the order in which blocks want them. One step of
 * the indexer; memory is bounded by the texts that it is given.
 */
#include "search/segments.h"

struct gathered_term {
    size_t begin; /* in texts */
    uint32_t len, rank;
    uint64_t last_seq;
    uint32_t *slot;
};

struct gathered_posting {
    uint32_t term;
    uint64_t seq;
};

/* Zero-initialised it is empty and valid. */
struct gathering {
    struct buffer texts;    /* the terms, one behind the other */
    struct buffer terms;    /* of struct gathered_term */
    struct buffer postings; /* of struct gathered_posting, ascending by seq */
    struct buffer slots;    /* of uint32_t: a hash table of numbers of terms, from 1 */
};

/* Adds the words of a message, each once. Messages come in ascending order of their seqs. */
void gathering_add(struct gathering *gathering, uint64_t seq, struct bytes text);
/* Gives all postings to the writer, by term and seq. */
enum error gathering_write(struct gathering *gathering, struct posting_writer *writer);
/* How many terms there are, and the text of one: in the order in which they were met. */
size_t gathering_terms(const struct gathering *gathering);
struct bytes gathering_term(const struct gathering *gathering, size_t number);
/* Empties it and keeps the memory; costs what was in it. */
void gathering_clear(struct gathering *gathering);
void gathering_dispose(struct gathering *gathering);

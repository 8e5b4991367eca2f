#pragma once
/*
 * Segments: each holds the postings of a run of an organisation's messages, as blocks under its number. The newest
 * messages make a small one; when there are SEARCH_POURED of a level they are poured together into one of the next, a
 * bounded amount a step, and what has been poured is gone from where it was in the same step. So each posting is in
 * exactly one segment, the runs of segments that aren't being poured don't overlap, and a segment that is being poured
 * lies within the run of its target.
 */
#include "search/block.h"
#include "store/records.h"

/* An organisation's segments in the order of their keys: the oldest messages first. */
struct segments {
    struct buffer list; /* of struct search_segment */
};

static inline size_t segments_count(const struct segments *segments)
{
    return segments->list.len / sizeof(struct search_segment);
}
static inline const struct search_segment *segments_at(const struct segments *segments, size_t at)
{
    return (const struct search_segment *)segments->list.data + at;
}

/* Reads them; to be disposed of in every case. */
enum error segments_load(struct txn *txn, struct id org, struct segments *out);
void segments_dispose(struct segments *segments);

/* ---- blocks ---- */

/* "org, number, term, zero, seq" as search_blocks has it. */
void block_key(struct key *key, struct id org, uint64_t number, struct bytes term, uint64_t seq);
/* Takes it apart; the term is a view into the key. False when it is none. */
bool block_key_parse(struct bytes key, struct id *org, uint64_t *number, struct bytes *term, uint64_t *seq);

/* A block as it was found. */
struct found_block {
    struct bytes key, value;
    struct bytes first_term; /* of the key */
    uint64_t first_seq;
};
/* The last block of the segment that begins at or before (term, seq). ERR_NOT_FOUND; ERR_CORRUPT with the key set when
 * only that block is damaged. */
enum error block_at_or_before(struct txn *txn, const struct search_segment *segment, struct bytes term, uint64_t seq,
                              struct found_block *out);
/* The first block of the segment that begins behind (term, seq); an empty term is before every other. */
enum error block_behind(struct txn *txn, const struct search_segment *segment, struct bytes term, uint64_t seq,
                        struct found_block *out);

/* ---- writing blocks ---- */

/* Puts postings, in ascending order, into blocks of a segment. Zero-initialised but for the first two. */
struct posting_writer {
    struct txn *txn;
    struct search_segment segment;
    struct block_writer block;
    uint64_t bytes; /* written so far */
};
void posting_writer_open(struct posting_writer *writer, struct txn *txn, const struct search_segment *segment);
enum error posting_writer_add(struct posting_writer *writer, struct bytes term, const uint64_t *seqs, size_t count);
/* Writes the block under way, if there is one. */
enum error posting_writer_flush(struct posting_writer *writer);
void posting_writer_close(struct posting_writer *writer);

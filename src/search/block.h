#pragma once
/*
 * Blocks of postings: which messages have which words, in runs of (term, seq) in ascending order that are cut into
 * values of at most SEARCH_BLOCK_BYTES. A block's first term and seq are in its key, so that a place is found by one
 * look; a term whose list is long goes on at the beginning of the next block. Inside, each term is written as what
 * differs from the one before, and its seqs as differences. `base` is a number that is not above any seq of the
 * segment. Pure functions on memory; any thread.
 *
 *     block := entry…      entry := shared, rest (1 byte each: of the term before, the key's for the first),
 *                                   the rest of the term, bytes of the list (varint), list
 *     list := seq - base, difference… (varints, LEB128)
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

/* ---- reading ---- */

/* A block that is read entry by entry. */
struct block {
    struct bytes rest;
    char term[SEARCH_TERM_LEN_MAX];
    size_t term_len;
};

/* `first_term` is the key's. The bytes must outlive it. */
void block_open(struct block *block, struct bytes first_term, struct bytes value);
/* The next term, which lives until the next call, and its list. ERR_NOT_FOUND at the end, ERR_CORRUPT when it is no
 * block. */
enum error block_next(struct block *block, struct bytes *term, struct bytes *list);
/* The list of a term. ERR_NOT_FOUND when the block has none. */
enum error block_find(struct bytes first_term, struct bytes value, struct bytes term, struct bytes *list);

/* A list holds fewer seqs than a block has bytes. */
struct seqs {
    uint64_t of[SEARCH_BLOCK_BYTES];
    size_t count;
};
/* The seqs of a list, ascending; at least one. ERR_CORRUPT when it is no list. */
enum error list_decode(struct bytes list, uint64_t base, struct seqs *out);

/* ---- writing ---- */

/* A block that grows. Zero-initialised it is empty and valid, but for its base. */
struct block_writer {
    uint64_t base;
    struct buffer entries; /* those that are complete */
    struct buffer list;    /* of the term that is being written */
    char first[SEARCH_TERM_LEN_MAX], term[SEARCH_TERM_LEN_MAX];
    size_t first_len, term_len, shared;
    uint64_t first_seq, last_seq;
};

/*
 * Adds seqs of a term, ascending, behind all that is there: as many as there is room for. Gives how many that were;
 * fewer than `count` means that the block is full.
 */
size_t block_writer_add(struct block_writer *writer, struct bytes term, const uint64_t *seqs, size_t count);
bool block_writer_is_empty(const struct block_writer *writer);
/* What goes into the key, and the value; they live until the writer is used again. It must not be empty. */
struct bytes block_writer_finish(struct block_writer *writer, struct bytes *first_term, uint64_t *first_seq);
/* Empties it and keeps the memory. */
void block_writer_clear(struct block_writer *writer);
void block_writer_dispose(struct block_writer *writer);

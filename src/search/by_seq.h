#pragma once
/*
 * message_by_seq: which conversation an organisation's message of a seq is in. The indexer puts them there, in order;
 * the conversations of BY_SEQ_COUNT seqs that follow each other share a value, so a message costs some 18 bytes and an
 * entry at the end of a tree. A message that is gone has none.
 *
 *     value := entry…, ascending      entry := the seq's place among its neighbours (1 byte), conversation
 */
#include "store/records.h"

#define BY_SEQ_COUNT 64
#define BY_SEQ_ENTRY_LEN (1 + ID_LEN)

/* A message's place. */
struct by_seq {
    uint64_t seq;
    struct id conversation;
};

void by_seq_key(struct key *key, struct id org, uint64_t seq);
/* ERR_NOT_FOUND; ERR_CORRUPT. */
enum error by_seq_get(struct txn *txn, struct id org, uint64_t seq, struct id *conversation);
/* Inserts, or changes nothing when it is there. */
enum error by_seq_put(struct txn *txn, struct id org, const struct by_seq *place);
/* The same for several in ascending order. */
enum error by_seq_put_all(struct txn *txn, struct id org, const struct by_seq *places, size_t count);
/* OK too when there is none. A damaged value goes as a whole. */
enum error by_seq_del(struct txn *txn, struct id org, uint64_t seq);
/* Whether a key and a value of the table have the right lengths and order. */
bool by_seq_is_fit(struct bytes key, struct bytes value);

/* A walk over an organisation's places, up or down. Nothing may be written to the table meanwhile. */
struct by_seq_walk {
    struct cursor *cursor;
    struct id org;
    bool down;
    uint64_t bucket;
    struct bytes entries; /* of the bucket, those that are left */
    enum error error;     /* there is no further bucket */
};
/* Begins with the first place at or after `from`; downwards with the last one before it. */
void by_seq_walk_open(struct by_seq_walk *walk, struct txn *txn, struct id org, uint64_t from, bool down);
void by_seq_walk_close(struct by_seq_walk *walk);
/* ERR_NOT_FOUND at the end; ERR_CORRUPT. */
enum error by_seq_walk_next(struct by_seq_walk *walk, struct by_seq *out);

#pragma once
/*
 * For check: that every word of every indexed message has its posting, and that every posting leads to a message that
 * has the word. Both are many and lie in different orders, so each side is added up, a number for each pair of word and
 * message; only when the sums differ is every pair looked up on the other side, to be named. Memory does not grow with
 * the tables. Reads only.
 */
#include "search/gathering.h"
#include "search/state.h"

struct verification {
    struct txn *txn;
    struct search_state state;
    struct gathering gathering;
    struct id org; /* of indexed_seq: the one that was asked for last */
    uint64_t indexed_seq;
    struct search_segment segment; /* the one that was looked up last; number 0: none yet */
    uint64_t wanted, found;        /* sums */
    const char *stray;             /* what is wrong with a posting of the block that is looked at again */
};

/* Each verify_… below says what is wrong with an entry of an organisation that is not being deleted; NULL: nothing. The
 * sentences hold no word. */
void verify_begin(struct verification *verification, struct txn *txn);
void verify_end(struct verification *verification);
/* Whether there is an index to be compared with the messages at all. */
bool verify_is_possible(const struct verification *verification);
/* Adds a sound message to what is wanted. */
const char *verify_message(struct verification *verification, const struct message *message);
/* Adds a block to what there is. */
const char *verify_block(struct verification *verification, struct bytes key, struct bytes value);
const char *verify_segment(struct verification *verification, struct bytes key, struct bytes value);
const char *verify_by_seq(struct verification *verification, struct bytes key, struct bytes value);
const char *verify_visitor_email(struct verification *verification, struct bytes key, struct bytes value);
/* A visitor's own address: each of its words has an entry. */
const char *verify_visitor(struct verification *verification, const struct visitor *visitor);

/* When the two sums differ: whether a message lacks a posting, and whether a block has one too many. */
static inline bool verify_agrees(const struct verification *verification)
{
    return verification->wanted == verification->found;
}
const char *verify_message_again(struct verification *verification, const struct message *message);
const char *verify_block_again(struct verification *verification, struct bytes key, struct bytes value);

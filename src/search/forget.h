#pragma once
/*
 * Messages that go, or whose text is redacted, leave the index in the same transaction: they are gathered, and taken
 * out together at the end. What the command has read so far may be gone after each of these calls (txn_arena_reset); as
 * long as fewer than SEARCH_CHANGES_MAX words were gathered, it is not before forgetting_end.
 */
#include "search/segments.h"
#include "search/state.h"

/* Many messages of one organisation. */
struct forgetting {
    struct txn *txn;
    struct id org;
    struct search_state state;
    uint64_t indexed_seq;
    struct buffer changes; /* of struct change */
    struct buffer unknown; /* seqs of messages whose words can't be told */
};

enum error forgetting_begin(struct forgetting *forgetting, struct txn *txn, struct id org);
/* `content` is NULL when it can't be read: then all postings of its neighbours are looked at. */
enum error forgetting_message(struct forgetting *forgetting, uint64_t seq, struct bytes content);
/* The same of a message that stays, and whose text is redacted. */
enum error forgetting_words(struct forgetting *forgetting, uint64_t seq, struct bytes content);
/* Takes out what was gathered. In every case, whatever was answered before. */
enum error forgetting_end(struct forgetting *forgetting);

#pragma once
/*
 * How far the index as a whole is. A database that has none, or one that another way of telling words has made, gets it
 * in the background: what there is is cleared away, the visitors and then the messages that are there are walked once,
 * and from then on the organisations' newest messages follow. All of it is in META, so a restart goes on where it was.
 */
#include "store/records.h"

/* Counts the ways in which words are told from texts and postings are kept: an index of another one is built anew. */
#define SEARCH_VERSION 1

enum search_phase {
    SEARCH_NONE,     /* there is no index, nor anything of one */
    SEARCH_CLEARING, /* what is there is of another version, or damaged: it goes, and is not to be asked */
    SEARCH_VISITORS, /* the visitors are walked for their e-mail addresses */
    SEARCH_MESSAGES, /* the messages are walked for their place in message_by_seq */
    SEARCH_READY
};

struct search_state {
    enum search_phase phase;
    uint64_t until_seq; /* from SEARCH_VISITORS on: messages after it are not walked for, they come by their activity */
};

#define META_SEARCH "search"               /* version and phase */
#define META_SEARCH_UNTIL "search_until"   /* until_seq */
#define META_SEARCH_CURSOR "search_cursor" /* the last key that the walk has passed */

enum error search_state_get(struct txn *txn, struct search_state *out);
enum error search_state_put(struct txn *txn, const struct search_state *state);
/* In a database that has no visitor and no message yet the index is complete: nothing has to be walked for. Changes
 * nothing elsewhere. */
enum error search_begin(struct txn *txn);
/* Has the whole index cleared and built anew: it is damaged, or not to be trusted. */
enum error search_reset(struct txn *txn);
/* Whether the tables are of this version, and kept up to date by whoever changes what they lead to. */
static inline bool search_is_kept(const struct search_state *state)
{
    return state->phase >= SEARCH_VISITORS;
}

/* Up to which seq an organisation's messages are in segments; 0 when none is, or while the index is not kept. */
enum error search_indexed_seq(struct txn *txn, const struct search_state *state, struct id org, uint64_t *out);

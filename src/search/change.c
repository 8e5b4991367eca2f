/*
 * A block is read, and written anew without what has gone, as one block or several; an empty one is not. Its key may
 * change, since the key names the first posting: no term that has gone stays in one.
 */
#include "search/change.h"

static int compare(struct bytes a, uint64_t a_seq, struct bytes b, uint64_t b_seq)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    if (order == 0)
        order = a.len < b.len ? -1 : a.len > b.len;
    if (order == 0)
        order = a_seq < b_seq ? -1 : a_seq > b_seq;
    return order;
}

struct change change_of(struct bytes term, uint64_t seq)
{
    struct change change = {.seq = seq, .len = (uint8_t)term.len};
    memcpy(change.term, term.data, term.len);
    return change;
}

int change_compare(const void *a, const void *b)
{
    const struct change *one = a, *other = b;
    return compare(change_term(one), one->seq, change_term(other), other->seq);
}

/* ---- one block ----------------------------------------------------------------------------------------------------
 */

/* Postings on their way into blocks, but for those that go. */
struct rewrite {
    struct posting_writer writer;
    const struct change *changes, *end; /* those that are still to come */
};

static int compare_terms(struct bytes a, struct bytes b)
{
    return compare(a, 0, b, 0);
}

/* Leaves those that stay. */
static void take_out(struct rewrite *rewrite, struct bytes term, struct seqs *seqs)
{
    size_t kept = 0;
    for (size_t i = 0; i < seqs->count; ++i) {
        const struct change **next = &rewrite->changes;
        while (*next < rewrite->end && (*next)->seq < seqs->of[i] && bytes_equal(change_term(*next), term))
            ++*next; /* it is not there */
        bool goes = *next < rewrite->end && (*next)->seq == seqs->of[i] && bytes_equal(change_term(*next), term);
        *next += goes;
        if (!goes)
            seqs->of[kept++] = seqs->of[i];
    }
    seqs->count = kept;
}

/* Most lists of a block stay as they are. */
static enum error rewrite_list(struct rewrite *rewrite, struct bytes term, struct bytes list)
{
    struct seqs seqs;
    int order = -1;
    enum error error = list_decode(list, rewrite->writer.segment.first_seq, &seqs);
    if (error != OK)
        return error;
    while (rewrite->changes < rewrite->end && (order = compare_terms(change_term(rewrite->changes), term)) < 0)
        ++rewrite->changes; /* it is not there */
    if (rewrite->changes < rewrite->end && order == 0)
        take_out(rewrite, term, &seqs);
    return seqs.count != 0 ? posting_writer_add(&rewrite->writer, term, seqs.of, seqs.count) : OK;
}

static enum error rewrite_block(struct txn *txn, const struct search_segment *segment, const struct found_block *found,
                                const struct change *changes, const struct change *end)
{
    struct rewrite rewrite = {.changes = changes, .end = end};
    struct block block;
    struct bytes term, list;
    posting_writer_open(&rewrite.writer, txn, segment);
    enum error error = table_del(txn, TABLE_SEARCH_BLOCKS, found->key);
    block_open(&block, found->first_term, found->value);
    while (error == OK && (error = block_next(&block, &term, &list)) == OK)
        error = rewrite_list(&rewrite, term, list);
    if (error == ERR_NOT_FOUND)
        error = posting_writer_flush(&rewrite.writer);
    posting_writer_close(&rewrite.writer);
    return error;
}

/* ---- changes ------------------------------------------------------------------------------------------------------
 */

/* The last block that does not begin behind the change, or else the segment's first; ERR_NOT_FOUND when it has none. */
static enum error find_block(struct txn *txn, const struct search_segment *segment, const struct change *change,
                             struct found_block *out)
{
    enum error error = block_at_or_before(txn, segment, change_term(change), change->seq, out);
    return error == ERR_NOT_FOUND ? block_behind(txn, segment, change_term(change), change->seq, out) : error;
}

/* The first change that belongs to a later block than this one. */
static enum error find_end(struct txn *txn, const struct search_segment *segment, const struct found_block *found,
                           const struct change *changes, const struct change *end, const struct change **out)
{
    struct found_block next;
    *out = end;
    enum error error = block_behind(txn, segment, found->first_term, found->first_seq, &next);
    if (error == ERR_NOT_FOUND)
        return OK;
    if (next.key.data == NULL)
        return error;
    for (*out = changes; *out < end; ++*out)
        if (compare(change_term(*out), (*out)->seq, next.first_term, next.first_seq) >= 0)
            break;
    return OK;
}

/* A damaged block goes, and whoever asked tries again without it. */
static enum error drop_damaged(struct txn *txn, enum error error, const struct found_block *found, bool *damaged)
{
    if (error != ERR_CORRUPT || found->key.data == NULL)
        return error;
    *damaged = true;
    error = table_del(txn, TABLE_SEARCH_BLOCKS, found->key);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error segment_change(struct txn *txn, const struct search_segment *segment, const struct change *changes,
                          size_t count, bool *damaged)
{
    const struct change *end = changes + count, *next;
    enum error error = OK;
    while (error == OK && changes < end) {
        struct found_block found;
        txn_arena_reset(txn);
        error = find_block(txn, segment, changes, &found);
        if (error == ERR_NOT_FOUND)
            return OK;
        if (error != OK) {
            error = drop_damaged(txn, error, &found, damaged);
            continue;
        }
        error = find_end(txn, segment, &found, changes, end, &next);
        if (error == OK)
            error = rewrite_block(txn, segment, &found, changes, next);
        error = drop_damaged(txn, error, &found, damaged);
        changes = next;
    }
    return error;
}

/* ---- without knowing the terms ------------------------------------------------------------------------------------
 */

static bool is_among(const uint64_t *seqs, size_t count, uint64_t seq)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (seqs[middle] < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && seqs[low] == seq;
}

/* Appends to `changes` what has to be taken out of a block. */
static enum error find_seqs(const struct search_segment *segment, const struct found_block *found, const uint64_t *seqs,
                            size_t count, struct buffer *changes)
{
    struct block block;
    struct bytes term, list;
    struct seqs decoded;
    enum error error;
    block_open(&block, found->first_term, found->value);
    while ((error = block_next(&block, &term, &list)) == OK) {
        error = list_decode(list, segment->first_seq, &decoded);
        if (error != OK)
            return error;
        for (size_t i = 0; i < decoded.count; ++i)
            if (is_among(seqs, count, decoded.of[i])) {
                struct change change = change_of(term, decoded.of[i]);
                buffer_append(changes, &change, sizeof(change));
            }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error segment_forget(struct txn *txn, const struct search_segment *segment, const uint64_t *seqs, size_t count,
                          bool *damaged)
{
    struct buffer changes = {0};
    struct key at = {.len = 0}; /* of the block that was looked at last */
    struct found_block found;
    struct id org;
    uint64_t number, seq = 0;
    struct bytes term = BYTES_NONE;
    enum error error;
    do {
        txn_arena_reset(txn);
        error = block_behind(txn, segment, term, seq, &found);
        if (found.key.data == NULL || error == ERR_NOT_FOUND)
            break;
        key_clear(&at);
        key_put(&at, found.key);
        block_key_parse(key_view(&at), &org, &number, &term, &seq);
        buffer_clear(&changes);
        if (error == OK)
            error = find_seqs(segment, &found, seqs, count, &changes);
        if (error == OK && changes.len != 0)
            error = rewrite_block(txn, segment, &found, (struct change *)changes.data,
                                  (struct change *)(changes.data + changes.len));
        error = drop_damaged(txn, error, &found, damaged);
    } while (error == OK);
    buffer_dispose(&changes);
    return error == ERR_NOT_FOUND ? OK : error;
}

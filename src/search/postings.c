/* Blocks are found by their keys and read in place, from the memory map. */
#include "search/postings.h"

#include <stdlib.h>

/* ---- the order of segments ----------------------------------------------------------------------------------------
 */

static bool pours_into(const struct search_segment *segment, const struct search_segment *target)
{
    return segment->target != 0 && segment->target == target->number;
}

/* Backwards through their keys; only the oldest of those that are poured stands there behind its target. */
static void put_in_order(struct postings *postings)
{
    postings->count = segments_count(&postings->segments);
    for (size_t i = 0; i < postings->count; ++i) {
        const struct search_segment *segment = segments_at(&postings->segments, postings->count - 1 - i);
        bool swaps = i > 0 && pours_into(segment, postings->order[i - 1]);
        postings->order[i] = swaps ? postings->order[i - 1] : segment;
        if (swaps)
            postings->order[i - 1] = segment;
    }
}

enum error postings_open(struct postings *postings, struct txn *txn, struct id org)
{
    *postings = (struct postings){.txn = txn};
    enum error error = segments_load(txn, org, &postings->segments);
    postings->order = calloc(segments_count(&postings->segments) + 1, sizeof(*postings->order));
    if (postings->order == NULL)
        abort();
    if (error == OK)
        put_in_order(postings);
    return error;
}

void postings_close(struct postings *postings)
{
    free(postings->order);
    segments_dispose(&postings->segments);
}

/* ---- one word -----------------------------------------------------------------------------------------------------
 */

void word_walk_open(struct word_walk *walk, struct bytes term)
{
    walk->term = term;
    walk->at = walk->left = walk->seqs.count = 0;
}

/* The part of the word's list in a segment that has postings at or before `seq`. ERR_NOT_FOUND. */
static enum error read_list(struct word_walk *walk, struct postings *postings, const struct search_segment *segment,
                            uint64_t seq)
{
    struct found_block found;
    struct bytes list;
    enum error error = block_at_or_before(postings->txn, segment, walk->term, seq, &found);
    if (error == OK)
        error = block_find(found.first_term, found.value, walk->term, &list);
    if (error == OK)
        error = list_decode(list, segment->first_seq, &walk->seqs);
    if (error != OK)
        return error;
    postings->read += walk->seqs.count;
    return walk->seqs.of[0] <= seq ? OK : ERR_NOT_FOUND;
}

static enum error read_older(struct word_walk *walk, struct postings *postings, uint64_t seq)
{
    enum error error = ERR_NOT_FOUND;
    for (; error == ERR_NOT_FOUND && walk->at < postings->count; ++walk->at) {
        const struct search_segment *segment = postings->order[walk->at];
        if (segment->first_seq > seq)
            continue;
        error = read_list(walk, postings, segment, seq);
        if (error != ERR_NOT_FOUND)
            break;
    }
    walk->left = error == OK ? walk->seqs.count : 0;
    return error;
}

/* How many of the first `left` are at most `seq`: doubling steps back from the end, then halving. */
static size_t count_up_to(const struct seqs *seqs, size_t left, uint64_t seq)
{
    size_t step = 1, low, high = left;
    while (step <= high && seqs->of[high - step] > seq) {
        high -= step;
        step *= 2;
    }
    low = step <= high ? high - step : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (seqs->of[middle] <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum error word_walk_seek(struct word_walk *walk, struct postings *postings, uint64_t seq, uint64_t *out)
{
    *out = 0;
    walk->left = count_up_to(&walk->seqs, walk->left, seq);
    if (walk->left == 0) {
        enum error error = read_older(walk, postings, seq);
        if (error != OK)
            return error == ERR_NOT_FOUND ? OK : error;
        walk->left = count_up_to(&walk->seqs, walk->left, seq);
    }
    *out = walk->seqs.of[walk->left - 1];
    return OK;
}

/* ---- a run of messages --------------------------------------------------------------------------------------------
 */

static uint64_t group_of(const struct search_segment *segment)
{
    return segment->target != 0 ? segment->target : segment->number;
}

static void take_run(const struct postings *postings, struct run *run)
{
    const struct search_segment *first = postings->order[run->to];
    run->from = run->to++;
    run->first_seq = first->first_seq;
    run->last_seq = first->last_seq;
    for (; run->to < postings->count && group_of(postings->order[run->to]) == group_of(first); ++run->to) {
        const struct search_segment *segment = postings->order[run->to];
        if (segment->first_seq < run->first_seq)
            run->first_seq = segment->first_seq;
        if (segment->last_seq > run->last_seq)
            run->last_seq = segment->last_seq;
    }
}

bool run_seek(const struct postings *postings, uint64_t seq, struct run *run)
{
    while (run->to == 0 || run->first_seq > seq) {
        if (run->to == postings->count)
            return false;
        take_run(postings, run);
    }
    return true;
}

bool run_is_wide(const struct run *run)
{
    return run->last_seq - run->first_seq >= SEARCH_SPAN_MAX;
}

/* ---- sets ---------------------------------------------------------------------------------------------------------
 */

static void set_bits(struct seq_set *set, const struct seqs *seqs)
{
    for (size_t i = 0; i < seqs->count; ++i) {
        uint64_t bit = seqs->of[i] - set->first_seq;
        if (bit / 64 < set->words)
            set->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

static bool begins_with(struct bytes term, struct bytes beginning)
{
    return term.len >= beginning.len && memcmp(term.data, beginning.data, beginning.len) == 0;
}

/* Adds the lists of a block's terms that begin so; *is_behind when the last one is already behind all of those. */
static enum error add_block(struct seq_set *set, struct postings *postings, const struct search_segment *segment,
                            const struct found_block *found, struct bytes beginning, bool *is_behind)
{
    struct block block;
    struct bytes term, list;
    struct seqs seqs;
    enum error error;
    block_open(&block, found->first_term, found->value);
    *is_behind = false;
    while ((error = block_next(&block, &term, &list)) == OK && !*is_behind) {
        bool begins_so = begins_with(term, beginning);
        *is_behind =
            !begins_so && memcmp(term.data, beginning.data, term.len < beginning.len ? term.len : beginning.len) > 0;
        if (!begins_so)
            continue;
        error = list_decode(list, segment->first_seq, &seqs);
        if (error != OK)
            return error;
        set_bits(set, &seqs);
        postings->read += seqs.count;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* From the block in which the first such term would be. */
static enum error add_segment(struct seq_set *set, struct postings *postings, const struct search_segment *segment,
                              struct bytes beginning)
{
    struct found_block found;
    struct bytes value;
    bool is_behind = false;
    struct cursor *cursor = cursor_open(postings->txn, TABLE_SEARCH_BLOCKS);
    enum error error = block_at_or_before(postings->txn, segment, beginning, 0, &found);
    if (error == ERR_NOT_FOUND)
        error = block_behind(postings->txn, segment, beginning, 0, &found);
    if (error == OK)
        error = cursor_seek(cursor, found.key, &found.key, &value);
    while (error == OK && !is_behind) {
        struct id org;
        uint64_t number;
        if (!block_key_parse(found.key, &org, &number, &found.first_term, &found.first_seq))
            error = ERR_CORRUPT;
        else if (!id_equal(org, segment->org) || number != segment->number)
            break;
        found.value = value;
        if (error == OK)
            error = add_block(set, postings, segment, &found, beginning, &is_behind);
        if (error == OK && !is_behind)
            error = cursor_next(cursor, &found.key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error make_for_word(struct seq_set *set, struct postings *postings, const struct run *run,
                                const struct asked_word *word)
{
    enum error error = OK;
    set->first_seq = run->first_seq;
    set->words = (run->last_seq - run->first_seq) / 64 + 1;
    set->bits = calloc(set->words, sizeof(*set->bits));
    if (set->bits == NULL)
        abort();
    for (size_t i = run->from; i < run->to && error == OK; ++i)
        error = add_segment(set, postings, postings->order[i], asked_term(word));
    return error;
}

enum error seq_set_make(struct seq_set *set, struct postings *postings, const struct run *run,
                        const struct question *question)
{
    enum error error = OK;
    *set = (struct seq_set){.bits = NULL};
    for (unsigned i = 0; i < question->count && error == OK; ++i) {
        struct seq_set of_word;
        if (!question->words[i].is_prefix)
            continue;
        error = make_for_word(&of_word, postings, run, &question->words[i]);
        if (set->bits == NULL) {
            *set = of_word;
            continue;
        }
        for (size_t word = 0; word < set->words; ++word)
            set->bits[word] &= of_word.bits[word];
        seq_set_dispose(&of_word);
    }
    return error;
}

bool seq_set_has(const struct seq_set *set, uint64_t seq)
{
    uint64_t bit = seq - set->first_seq;
    return seq >= set->first_seq && bit / 64 < set->words && (set->bits[bit / 64] >> bit % 64 & 1) != 0;
}

uint64_t seq_set_before(const struct seq_set *set, uint64_t seq)
{
    if (seq < set->first_seq)
        return 0;
    uint64_t bit = seq - set->first_seq;
    if (bit / 64 >= set->words)
        bit = set->words * 64 - 1;
    size_t word = bit / 64;
    uint64_t bits = set->bits[word] & (UINT64_MAX >> (63 - bit % 64));
    while (bits == 0 && word > 0)
        bits = set->bits[--word];
    return bits == 0 ? 0 : set->first_seq + word * 64 + 63 - (unsigned)__builtin_clzll(bits);
}

void seq_set_dispose(struct seq_set *set)
{
    free(set->bits);
    set->bits = NULL;
}

/*
 * A message's words are told from its text again, and the postings found by them; many messages are gathered and taken
 * out in the order of the blocks. Where the text can't be read, or the index is of another version and so told words in
 * another way, every posting of the segments concerned is looked at. A damaged block goes as a whole, and the index is
 * then built anew.
 */
#include "search/forget.h"

#include <stdlib.h>

#include "search/by_seq.h"
#include "search/change.h"
#include "search/words.h"

enum error forgetting_begin(struct forgetting *forgetting, struct txn *txn, struct id org)
{
    *forgetting = (struct forgetting){.txn = txn, .org = org};
    enum error error = search_state_get(txn, &forgetting->state);
    return error == OK ? search_indexed_seq(txn, &forgetting->state, org, &forgetting->indexed_seq) : error;
}

/* ---- taking out ---------------------------------------------------------------------------------------------------
 */

static int compare_seqs(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static bool covers(const struct search_segment *segment, uint64_t seq)
{
    return segment->first_seq <= seq && seq <= segment->last_seq;
}

/* Those of the changes, in order, that lie in the segment's run; one that is there twice counts once. */
static enum error change_segment(struct txn *txn, const struct search_segment *segment, const struct change *changes,
                                 size_t count, bool *damaged)
{
    struct buffer own = {0};
    for (size_t i = 0; i < count; ++i)
        if (covers(segment, changes[i].seq) && (i == 0 || change_compare(&changes[i - 1], &changes[i]) != 0))
            buffer_append(&own, &changes[i], sizeof(changes[i]));
    enum error error =
        segment_change(txn, segment, (const struct change *)own.data, own.len / sizeof(*changes), damaged);
    buffer_dispose(&own);
    return error;
}

static enum error forget_unknown(struct txn *txn, const struct search_segment *segment, const struct buffer *unknown,
                                 bool *damaged)
{
    const uint64_t *seqs = (const uint64_t *)unknown->data;
    size_t count = unknown->len / sizeof(*seqs), covered = 0;
    for (size_t i = 0; i < count; ++i)
        covered += covers(segment, seqs[i]);
    return covered == 0 ? OK : segment_forget(txn, segment, seqs, count, damaged);
}

static enum error take_out_of(struct forgetting *forgetting, const struct search_segment *segment, bool *damaged)
{
    const struct change *changes = (const struct change *)forgetting->changes.data;
    size_t count = forgetting->changes.len / sizeof(*changes);
    enum error error = change_segment(forgetting->txn, segment, changes, count, damaged);
    return error == OK ? forget_unknown(forgetting->txn, segment, &forgetting->unknown, damaged) : error;
}

static void sort(struct forgetting *forgetting)
{
    size_t changes = forgetting->changes.len / sizeof(struct change);
    size_t unknown = forgetting->unknown.len / sizeof(uint64_t);
    if (changes != 0)
        qsort(forgetting->changes.data, changes, sizeof(struct change), change_compare);
    if (unknown != 0)
        qsort(forgetting->unknown.data, unknown, sizeof(uint64_t), compare_seqs);
}

static enum error take_out(struct forgetting *forgetting)
{
    struct segments segments = {.list = {0}};
    bool damaged = false;
    enum error error = OK;
    if (forgetting->changes.len + forgetting->unknown.len == 0)
        return OK;
    sort(forgetting);
    error = segments_load(forgetting->txn, forgetting->org, &segments);
    for (size_t i = 0; i < segments_count(&segments) && error == OK; ++i)
        error = take_out_of(forgetting, segments_at(&segments, i), &damaged);
    segments_dispose(&segments);
    buffer_clear(&forgetting->changes);
    buffer_clear(&forgetting->unknown);
    return error == OK && damaged ? search_reset(forgetting->txn) : error;
}

/* ---- many ---------------------------------------------------------------------------------------------------------
 */

static void gather(struct buffer *changes, struct bytes text, uint64_t seq)
{
    struct words words = words_of(text);
    struct word word;
    while (words_next(&words, &word)) {
        struct change change = change_of(word.term, seq);
        buffer_append(changes, &change, sizeof(change));
    }
}

enum error forgetting_words(struct forgetting *forgetting, uint64_t seq, struct bytes content)
{
    if (forgetting->state.phase == SEARCH_NONE)
        return OK;
    if (!search_is_kept(&forgetting->state) || content.data == NULL)
        buffer_append(&forgetting->unknown, &seq, sizeof(seq));
    else if (seq <= forgetting->indexed_seq)
        gather(&forgetting->changes, content, seq);
    return forgetting->changes.len >= SEARCH_CHANGES_MAX * sizeof(struct change) ? take_out(forgetting) : OK;
}

enum error forgetting_message(struct forgetting *forgetting, uint64_t seq, struct bytes content)
{
    enum error error = forgetting_words(forgetting, seq, content);
    return error == OK && forgetting->state.phase != SEARCH_NONE ? by_seq_del(forgetting->txn, forgetting->org, seq)
                                                                 : error;
}

enum error forgetting_end(struct forgetting *forgetting)
{
    enum error error = take_out(forgetting);
    buffer_dispose(&forgetting->changes);
    buffer_dispose(&forgetting->unknown);
    return error;
}

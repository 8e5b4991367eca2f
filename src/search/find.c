/*
 * The words that are whole lead: each walk falls to the newest message that all others may have, the rarest one by
 * itself the furthest. A beginning is looked at in the texts first, since most of them are found at once; only where
 * many fail it is looked up, for a run of messages at a time. Where there are beginnings alone, they lead.
 */
#include "search/find.h"

#include <stdlib.h>

#include "search/by_seq.h"
#include "search/postings.h"
#include "search/unindexed.h"

struct finder {
    struct txn *txn;
    struct id org;
    const struct question *question;
    find_on_hit *on_hit;
    void *context;
    struct found *found;
    struct match match;
    unsigned looked; /* at texts */
    bool is_full;
    struct postings postings;
    struct word_walk *walks; /* of the words that are whole */
    unsigned walk_count, prefix_count;
    struct run run; /* that has the newest message that may still be a hit */
    unsigned run_looked;
    struct seq_set set; /* of the run, once it was asked for */
};

/* ---- a message ----------------------------------------------------------------------------------------------------
 */

/* What is no message, or can't be read, is no hit. */
static enum error look_at(struct finder *finder, const struct by_seq *place)
{
    struct message message;
    enum error error = message_get(finder->txn, place->conversation, place->seq, &message);
    ++finder->looked;
    if (error == OK && id_equal(message.org, finder->org) &&
        match_text(&finder->match, finder->question, message.content))
        finder->is_full = !finder->on_hit(finder->context, &message, &finder->match);
    return error == ERR_NOT_FOUND || (error == ERR_CORRUPT && txn_is_usable(finder->txn)) ? OK : error;
}

/* ---- messages that are in no segment yet ----------------------------------------------------------------------------
 */

static enum error find_unindexed(struct finder *finder, uint64_t before, uint64_t indexed_seq)
{
    struct unindexed walk;
    struct by_seq place;
    enum place_source source;
    enum error error = OK;
    unindexed_open(&walk, finder->txn, finder->org, before, true);
    while (error == OK && !finder->is_full && finder->looked < SEARCH_LOOKED_MAX) {
        error = unindexed_next(&walk, &place, &source);
        if (error != OK || place.seq <= indexed_seq)
            break;
        error = look_at(finder, &place);
        finder->found->next = place.seq;
    }
    unindexed_close(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- candidates by the words that are whole
 * -------------------------------------------------------------------------- */

/* The newest message at or before `seq` that has all of them; 0: there is none. */
static enum error next_of_words(struct finder *finder, uint64_t seq, uint64_t *out)
{
    unsigned agreed = 0;
    *out = seq;
    for (unsigned i = 0; agreed < finder->walk_count && *out != 0; i = (i + 1) % finder->walk_count) {
        uint64_t reached;
        enum error error = word_walk_seek(&finder->walks[i], &finder->postings, *out, &reached);
        if (error != OK)
            return error;
        agreed = reached == *out ? agreed + 1 : 1;
        *out = reached;
        if (finder->postings.read > SEARCH_WORK_MAX && reached != 0) {
            finder->found->is_limited = true;
            return OK;
        }
    }
    return OK;
}

/* ---- runs -----------------------------------------------------------------------------------------------------------
 */

/* To the run of a candidate; false when there is none. */
static bool enter_run(struct finder *finder, uint64_t seq)
{
    size_t from = finder->run.from, to = finder->run.to;
    bool is_there = run_seek(&finder->postings, seq, &finder->run);
    if (finder->run.from != from || finder->run.to != to) {
        seq_set_dispose(&finder->set);
        finder->run_looked = 0;
    }
    return is_there;
}

static enum error need_set(struct finder *finder)
{
    return finder->set.bits != NULL ? OK
                                    : seq_set_make(&finder->set, &finder->postings, &finder->run, finder->question);
}

/* Whether a candidate of the whole words may have the beginnings too. */
static enum error may_be_hit(struct finder *finder, uint64_t seq, bool *out)
{
    *out = true;
    if (finder->prefix_count == 0 || !enter_run(finder, seq) || run_is_wide(&finder->run) ||
        finder->run_looked++ < SEARCH_PROBES)
        return OK;
    enum error error = need_set(finder);
    *out = error == OK && seq_set_has(&finder->set, seq);
    return error;
}

/* The next place of the run at or before `seq`, where its messages are too far apart for a set. */
static enum error next_of_run(struct finder *finder, uint64_t seq, uint64_t *out)
{
    struct by_seq_walk walk;
    struct by_seq place = {.seq = 0};
    by_seq_walk_open(&walk, finder->txn, finder->org, seq + 1, true);
    enum error error = by_seq_walk_next(&walk, &place);
    by_seq_walk_close(&walk);
    *out = error == OK && place.seq >= finder->run.first_seq ? place.seq : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The newest message at or before `seq` that has all beginnings, or may have them; 0: there is none. */
static enum error next_of_beginnings(struct finder *finder, uint64_t seq, uint64_t *out)
{
    enum error error = OK;
    *out = 0;
    while (error == OK && *out == 0 && seq != 0 && enter_run(finder, seq)) {
        if (finder->postings.read > SEARCH_WORK_MAX) {
            finder->found->is_limited = true;
            *out = seq;
            return OK;
        }
        if (run_is_wide(&finder->run)) {
            error = next_of_run(finder, seq, out);
        } else {
            error = need_set(finder);
            *out = error == OK ? seq_set_before(&finder->set, seq) : 0;
        }
        seq = finder->run.first_seq - 1;
    }
    return error;
}

/* ---- messages in segments
 * -------------------------------------------------------------------------------------------- */

static enum error next_candidate(struct finder *finder, uint64_t seq, uint64_t *out)
{
    return finder->walk_count != 0 ? next_of_words(finder, seq, out) : next_of_beginnings(finder, seq, out);
}

static enum error look_at_candidate(struct finder *finder, uint64_t seq)
{
    struct by_seq place = {.seq = seq};
    bool may_be = true;
    enum error error = finder->walk_count != 0 ? may_be_hit(finder, seq, &may_be) : OK;
    if (error != OK || !may_be)
        return error;
    error = by_seq_get(finder->txn, finder->org, seq, &place.conversation);
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    return look_at(finder, &place);
}

static enum error find_indexed(struct finder *finder, uint64_t seq)
{
    enum error error = OK;
    while (error == OK && seq != 0) {
        uint64_t candidate;
        error = next_candidate(finder, seq, &candidate);
        finder->found->next = error == OK && candidate != 0 ? candidate + 1 : 0;
        finder->found->is_limited |= finder->looked >= SEARCH_LOOKED_MAX;
        if (error != OK || candidate == 0 || finder->found->is_limited)
            break;
        error = look_at_candidate(finder, candidate);
        finder->found->next = candidate;
        if (finder->is_full)
            break;
        seq = candidate - 1;
    }
    return error;
}

static void open_walks(struct finder *finder)
{
    finder->walks = malloc(SEARCH_QUESTION_WORDS_MAX * sizeof(*finder->walks));
    if (finder->walks == NULL)
        abort();
    for (unsigned i = 0; i < finder->question->count; ++i) {
        const struct asked_word *word = &finder->question->words[i];
        if (word->is_prefix)
            ++finder->prefix_count;
        else
            word_walk_open(&finder->walks[finder->walk_count++], asked_term(word));
    }
}

static enum error find_in_segments(struct finder *finder, uint64_t seq)
{
    open_walks(finder);
    enum error error = postings_open(&finder->postings, finder->txn, finder->org);
    if (error == OK)
        error = find_indexed(finder, seq);
    seq_set_dispose(&finder->set);
    postings_close(&finder->postings);
    free(finder->walks);
    return error;
}

/* ---- all
 * -------------------------------------------------------------------------------------------------------------- */

/* Where the index ends, and whether what lies behind that end is little enough to be read each time. */
static enum error read_state(struct txn *txn, struct id org, struct found *out)
{
    struct search_state state;
    uint64_t waiting = 0;
    enum error error = search_state_get(txn, &state);
    if (error == OK)
        error = search_indexed_seq(txn, &state, org, &out->indexed_seq);
    if (error == OK)
        error = unindexed_count(txn, org, out->indexed_seq, SEARCH_LOOKED_MAX, &waiting);
    out->is_complete = error == OK && state.phase == SEARCH_READY && waiting < SEARCH_LOOKED_MAX;
    return error;
}

/* Messages that are neither in the index nor among the newest few are left out: the next page begins with the index. */
enum error find_messages(struct txn *txn, struct id org, const struct question *question, uint64_t before,
                         find_on_hit *on_hit, void *context, struct found *out)
{
    struct finder finder = {
        .txn = txn, .org = org, .question = question, .on_hit = on_hit, .context = context, .found = out};
    *out = (struct found){.next = 0};
    enum error error = read_state(txn, org, out);
    if (error == OK && before > out->indexed_seq + 1)
        error = find_unindexed(&finder, before, out->indexed_seq);
    if (error == OK && !finder.is_full) {
        uint64_t newest = before - 1 < out->indexed_seq ? before - 1 : out->indexed_seq;
        bool is_over = finder.looked >= SEARCH_LOOKED_MAX && newest != 0;
        out->next = is_over ? newest + 1 : 0;
        out->is_limited = is_over;
        if (!is_over && newest != 0)
            error = find_in_segments(&finder, newest);
    }
    match_dispose(&finder.match);
    return error;
}

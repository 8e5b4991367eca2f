/*
 * Behind the write path: a message costs its writer nothing here. What was written since the last step is read in
 * order, and its words go to the end of a tree, as one new segment. A message that can't be read is passed over; it is
 * in no answer either.
 */
#include "search/index.h"

#include "search/gathering.h"
#include "search/pour.h"
#include "search/unindexed.h"

enum error search_index_is_due(struct txn *txn, struct id org, uint64_t waiting, bool *out)
{
    struct search_state state;
    struct segments segments = {.list = {0}};
    uint64_t indexed_seq, count = 0;
    enum error error = search_state_get(txn, &state);
    *out = false;
    if (error != OK || state.phase != SEARCH_READY)
        return error;
    error = search_indexed_seq(txn, &state, org, &indexed_seq);
    if (error == OK)
        error = segments_load(txn, org, &segments);
    bool pours = error == OK && pour_is_due(&segments);
    segments_dispose(&segments);
    if (error == OK && !pours)
        error = unindexed_count(txn, org, indexed_seq, waiting, &count);
    *out = error == OK && (pours || count >= waiting);
    return error;
}

struct step {
    struct txn *txn;
    struct id org;
    struct buffer places; /* of struct by_seq: what is to be looked at; then the messages among them */
    struct gathering gathering;
    size_t text_bytes;
    uint64_t indexed_seq;
};

static struct by_seq *place_at(const struct step *step, size_t at)
{
    return (struct by_seq *)step->places.data + at;
}

static size_t place_count(const struct step *step)
{
    return step->places.len / sizeof(struct by_seq);
}

static enum error find_places(struct step *step, uint64_t limit)
{
    struct unindexed walk;
    struct by_seq place;
    enum place_source source;
    enum error error = OK;
    unindexed_open(&walk, step->txn, step->org, step->indexed_seq, false);
    while (error == OK && place_count(step) < limit) {
        error = unindexed_next(&walk, &place, &source);
        if (error == OK)
            buffer_append(&step->places, &place, sizeof(place));
    }
    unindexed_close(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Reads the places until the texts are enough; keeps those that are messages. */
static enum error read_messages(struct step *step)
{
    size_t count = place_count(step), kept = 0;
    enum error error = OK;
    for (size_t i = 0; i < count && error == OK && step->text_bytes < SEARCH_STEP_TEXT_BYTES; ++i) {
        struct message message;
        struct by_seq place = *place_at(step, i);
        txn_arena_reset(step->txn);
        error = message_get(step->txn, place.conversation, place.seq, &message);
        step->indexed_seq = place.seq;
        if (error == OK) {
            gathering_add(&step->gathering, place.seq, message.content);
            step->text_bytes += message.content.len;
            *place_at(step, kept++) = place;
        }
        if (error == ERR_NOT_FOUND || (error == ERR_CORRUPT && txn_is_usable(step->txn)))
            error = OK;
    }
    step->places.len = kept * sizeof(struct by_seq);
    return error;
}

static enum error write_segment(struct step *step, uint64_t number)
{
    struct posting_writer writer;
    struct search_segment segment = {.org = step->org,
                                     .first_seq = place_at(step, 0)->seq,
                                     .number = number,
                                     .last_seq = place_at(step, place_count(step) - 1)->seq};
    posting_writer_open(&writer, step->txn, &segment);
    enum error error = gathering_write(&step->gathering, &writer);
    if (error == OK)
        error = posting_writer_flush(&writer);
    posting_writer_close(&writer);
    if (error == OK)
        error = search_segment_put(step->txn, &segment);
    return error == OK ? by_seq_put_all(step->txn, step->org, place_at(step, 0), place_count(step)) : error;
}

static enum error index_next(struct step *step, uint64_t number, uint64_t limit)
{
    uint64_t before = step->indexed_seq;
    enum error error = find_places(step, limit);
    if (error == OK)
        error = read_messages(step);
    if (error == OK && place_count(step) != 0)
        error = write_segment(step, number);
    if (error != OK || step->indexed_seq == before)
        return error;
    return search_org_put(step->txn, &(struct search_org){.id = step->org, .indexed_seq = step->indexed_seq});
}

enum error search_index_step(struct txn *txn, uint64_t seq, struct id org, uint64_t limit)
{
    struct search_state state;
    struct segments segments = {.list = {0}};
    struct step step = {.txn = txn, .org = org};
    enum error error = search_state_get(txn, &state);
    if (error != OK || state.phase != SEARCH_READY)
        return error;
    error = segments_load(txn, org, &segments);
    bool pours = error == OK && pour_is_due(&segments);
    segments_dispose(&segments);
    if (error != OK || pours)
        return error == OK ? pour_step(txn, seq, org, limit * SEARCH_POURED_BYTES) : error;
    error = search_indexed_seq(txn, &state, org, &step.indexed_seq);
    if (error == OK)
        error = index_next(&step, seq, limit);
    buffer_dispose(&step.places);
    gathering_dispose(&step.gathering);
    return error;
}

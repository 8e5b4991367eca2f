/*
 * A merge of up to SEARCH_POURED streams of postings by term, and within a term from the older segment to the newer, so
 * that what is written comes in ascending order. A block that was read to its end is deleted; what is left of one when
 * the step is over is put back as a block of its own. So the position of the whole is nothing but what is still there.
 */
#include "search/pour.h"

/* ---- what is to be poured -----------------------------------------------------------------------------------------
 */

static bool may_follow(const struct search_segment *first, const struct search_segment *segment)
{
    return segment->target == 0 && segment->level == first->level && segment->level < SEARCH_LEVEL_MAX &&
           segment->last_seq - first->first_seq < SEARCH_SPAN_MAX;
}

/* The first SEARCH_POURED segments in a row of which each is of the same level; NULL when there are none. */
static const struct search_segment *find_run(const struct segments *segments)
{
    size_t count = segments_count(segments);
    for (size_t from = 0; from + SEARCH_POURED <= count; ++from) {
        const struct search_segment *first = segments_at(segments, from);
        size_t len = 0;
        while (len < SEARCH_POURED && may_follow(first, first + len))
            ++len;
        if (len == SEARCH_POURED)
            return first;
    }
    return NULL;
}

/* The segment that others are being poured into; NULL when there is none. */
static const struct search_segment *find_target(const struct segments *segments)
{
    uint64_t number = 0;
    for (size_t i = 0; i < segments_count(segments) && number == 0; ++i)
        number = segments_at(segments, i)->target;
    for (size_t i = 0; i < segments_count(segments) && number != 0; ++i)
        if (segments_at(segments, i)->number == number)
            return segments_at(segments, i);
    return NULL;
}

bool pour_is_due(const struct segments *segments)
{
    return find_target(segments) != NULL || find_run(segments) != NULL;
}

static enum error begin(struct txn *txn, uint64_t seq, const struct search_segment *run)
{
    struct search_segment target = {.org = run->org,
                                    .first_seq = run->first_seq,
                                    .number = seq,
                                    .last_seq = run[SEARCH_POURED - 1].last_seq,
                                    .level = run->level + 1};
    enum error error = search_segment_put(txn, &target);
    for (size_t i = 0; i < SEARCH_POURED && error == OK; ++i) {
        struct search_segment poured = run[i];
        poured.target = seq;
        error = search_segment_put(txn, &poured);
    }
    return error;
}

/* ---- streams ------------------------------------------------------------------------------------------------------
 */

/* The postings of one segment, list by list. */
struct stream {
    struct txn *txn;
    const struct search_segment *segment;
    struct found_block found;
    struct block block;
    struct bytes term, list; /* the current ones; NULL at the end */
    bool is_entered;         /* at least one list of the block is gone */
};

/* To the first list of the segment's first block. */
static enum error enter_block(struct stream *stream)
{
    stream->term = BYTES_NONE;
    stream->is_entered = false;
    enum error error = block_behind(stream->txn, stream->segment, BYTES_NONE, 0, &stream->found);
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    block_open(&stream->block, stream->found.first_term, stream->found.value);
    error = block_next(&stream->block, &stream->term, &stream->list);
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

static enum error advance(struct stream *stream)
{
    enum error error = block_next(&stream->block, &stream->term, &stream->list);
    stream->is_entered = true;
    if (error != ERR_NOT_FOUND)
        return error;
    error = table_del(stream->txn, TABLE_SEARCH_BLOCKS, stream->found.key);
    return error == OK ? enter_block(stream) : error;
}

static enum error add_list(struct posting_writer *writer, struct bytes term, struct bytes list, uint64_t base)
{
    struct seqs seqs;
    enum error error = list_decode(list, base, &seqs);
    return error == OK ? posting_writer_add(writer, term, seqs.of, seqs.count) : error;
}

/* What is left of a block that was entered becomes one of its own. */
static enum error put_back(struct stream *stream)
{
    struct posting_writer writer;
    if (stream->term.data == NULL || !stream->is_entered)
        return OK;
    posting_writer_open(&writer, stream->txn, stream->segment);
    enum error error = table_del(stream->txn, TABLE_SEARCH_BLOCKS, stream->found.key);
    while (error == OK) {
        error = add_list(&writer, stream->term, stream->list, stream->segment->first_seq);
        if (error == OK)
            error = block_next(&stream->block, &stream->term, &stream->list);
    }
    if (error == ERR_NOT_FOUND)
        error = posting_writer_flush(&writer);
    posting_writer_close(&writer);
    return error;
}

/* ---- pouring ------------------------------------------------------------------------------------------------------
 */

struct pour {
    struct stream streams[SEARCH_POURED];
    unsigned count;
    struct posting_writer writer;
};

static int compare_terms(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* The stream with the least term, of those that have it the oldest; NULL when all are at their end. */
static struct stream *choose(struct pour *pour)
{
    struct stream *least = NULL;
    for (unsigned i = 0; i < pour->count; ++i) {
        struct stream *stream = &pour->streams[i];
        if (stream->term.data != NULL && (least == NULL || compare_terms(stream->term, least->term) < 0))
            least = stream;
    }
    return least;
}

static enum error open_streams(struct pour *pour, struct txn *txn, const struct segments *segments, uint64_t target)
{
    enum error error = OK;
    for (size_t i = 0; i < segments_count(segments) && error == OK; ++i) {
        if (segments_at(segments, i)->target != target)
            continue;
        if (pour->count == SEARCH_POURED)
            return ERR_CORRUPT;
        struct stream *stream = &pour->streams[pour->count++];
        *stream = (struct stream){.txn = txn, .segment = segments_at(segments, i)};
        error = enter_block(stream);
    }
    return error;
}

/* *is_over: nothing is left. */
static enum error pour_lists(struct pour *pour, uint64_t bytes, bool *is_over)
{
    enum error error = OK;
    *is_over = false;
    while (error == OK && !*is_over && pour->writer.bytes < bytes) {
        struct stream *stream = choose(pour);
        *is_over = stream == NULL;
        if (*is_over)
            break;
        error = add_list(&pour->writer, stream->term, stream->list, stream->segment->first_seq);
        if (error == OK)
            error = advance(stream);
    }
    return error == OK ? posting_writer_flush(&pour->writer) : error;
}

static enum error remove_poured(const struct pour *pour)
{
    enum error error = OK;
    for (unsigned i = 0; i < pour->count && error == OK; ++i) {
        const struct search_segment *segment = pour->streams[i].segment;
        struct key key;
        search_segment_key(&key, segment->org, segment->first_seq, segment->number);
        error = table_del(pour->streams[i].txn, TABLE_SEARCH_SEGMENTS, key_view(&key));
    }
    return error;
}

static enum error pour_on(struct txn *txn, const struct segments *segments, const struct search_segment *target,
                          uint64_t bytes)
{
    struct pour pour = {.count = 0};
    bool is_over;
    posting_writer_open(&pour.writer, txn, target);
    enum error error = open_streams(&pour, txn, segments, target->number);
    if (error == OK)
        error = pour_lists(&pour, bytes, &is_over);
    for (unsigned i = 0; i < pour.count && error == OK; ++i)
        error = put_back(&pour.streams[i]);
    if (error == OK && is_over)
        error = remove_poured(&pour);
    posting_writer_close(&pour.writer);
    return error;
}

enum error pour_step(struct txn *txn, uint64_t seq, struct id org, uint64_t bytes)
{
    struct segments segments;
    enum error error = segments_load(txn, org, &segments);
    const struct search_segment *run = find_target(&segments) == NULL ? find_run(&segments) : NULL;
    if (error == OK && run != NULL) {
        error = begin(txn, seq, run);
        segments_dispose(&segments);
        if (error == OK)
            error = segments_load(txn, org, &segments);
    }
    const struct search_segment *target = error == OK ? find_target(&segments) : NULL;
    if (target != NULL)
        error = pour_on(txn, &segments, target, bytes);
    segments_dispose(&segments);
    return error;
}

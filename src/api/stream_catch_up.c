/*
 * What a stream has missed, found in the tables: the messages that came after its last number, the conversations that
 * are new since and those whose marks have moved; for the organisation also the notes, and what its side has made of a
 * conversation. Each conversation is a sequence of its own, so the next events are a
 * merge; only the first STREAM_NEWS_MAX of them are taken along, and when those have been sent the search goes on
 * behind them. So whoever has missed much costs as little memory as who has missed nothing.
 */
#include "api/stream.h"

/* A conversation with what is next of it; 0: nothing of this kind. */
struct candidate {
    struct id conversation;
    uint64_t message_seq, changed_seq, marked_seq;
    uint64_t note_seq, worked_seq; /* for the organisation alone */
};

struct search {
    struct txn *txn;
    struct cursor *messages, *notes;
    uint64_t after;
    bool is_of_org;
    struct buffer *found; /* candidates */
    uint64_t event_count;
};

static unsigned candidate_count(const struct search *search)
{
    return (unsigned)(search->found->len / sizeof(struct candidate));
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t next_of(const struct candidate *candidate)
{
    uint64_t of_visitor = sooner(candidate->message_seq, sooner(candidate->changed_seq, candidate->marked_seq));
    return sooner(of_visitor, sooner(candidate->note_seq, candidate->worked_seq));
}

/* ---- one conversation ---- */

/* The first entry of the conversation from `seq` on; *seq is 0 when there is none. A damaged one counts: it is known by
 * its key, and *value is BYTES_NONE. */
static enum error find_entry(struct cursor *cursor, struct id conversation, uint64_t *seq, struct bytes *key,
                             struct bytes *value)
{
    struct key from;
    size_t offset = ID_LEN;
    message_key(&from, conversation, *seq);
    enum error error = cursor_seek(cursor, key_view(&from), key, value);
    bool is_there =
        (error == OK || (error == ERR_CORRUPT && key->data != NULL)) && message_key_is_of(*key, conversation);
    *seq = is_there ? key_get_u64(*key, &offset) : 0;
    if (error != OK)
        *value = BYTES_NONE;
    return error == ERR_CORRUPT && key->data == NULL ? error : OK;
}

static enum error find_next(struct cursor *cursor, struct id conversation, uint64_t *seq)
{
    struct bytes key, value;
    return find_entry(cursor, conversation, seq, &key, &value);
}

/* From the first to the last; one whose number can't be read counts as the last. */
static uint64_t count_of(uint64_t first_ordinal, uint64_t last_ordinal)
{
    return first_ordinal == 0 || last_ordinal < first_ordinal ? 1 : last_ordinal - first_ordinal + 1;
}

static enum error count_messages(struct search *search, const struct conversation_activity *activity,
                                 struct candidate *candidate)
{
    struct bytes key, value;
    struct message first;
    candidate->message_seq = search->after + 1;
    enum error error = find_entry(search->messages, candidate->conversation, &candidate->message_seq, &key, &value);
    if (candidate->message_seq == 0)
        return error;
    bool is_sound = value.data != NULL && message_decode(key, value, &first) == OK;
    search->event_count += count_of(is_sound ? first.ordinal : 0, activity->last_message.ordinal);
    return error;
}

/* Each note is work: without any since then there is none. */
static enum error count_notes(struct search *search, struct candidate *candidate)
{
    struct bytes key, value;
    struct note first, last;
    candidate->note_seq = search->after + 1;
    enum error error = find_entry(search->notes, candidate->conversation, &candidate->note_seq, &key, &value);
    if (error != OK || candidate->note_seq == 0)
        return error;
    bool is_sound = value.data != NULL && note_decode(key, value, &first) == OK &&
                    note_get_last(search->txn, candidate->conversation, &last) == OK;
    search->event_count += is_sound ? count_of(first.ordinal, last.ordinal) : 1;
    return OK;
}

static uint64_t if_after(const struct search *search, uint64_t seq)
{
    return seq > search->after ? seq : 0;
}

static enum error look_at(struct search *search, const struct conversation *conversation,
                          const struct conversation_activity *activity)
{
    struct candidate candidate = {
        .conversation = conversation->id,
        .changed_seq = if_after(search, conversation->changed_seq),
        .marked_seq = if_after(search, conversation->marked_seq),
        .worked_seq = search->is_of_org ? if_after(search, conversation->worked_seq) : 0,
    };
    enum error error = OK;
    if (activity->has_message && activity->last_message.seq > search->after)
        error = count_messages(search, activity, &candidate);
    if (error == OK && candidate.worked_seq != 0)
        error = count_notes(search, &candidate);
    search->event_count += (candidate.changed_seq != 0) + (candidate.marked_seq != 0) + (candidate.worked_seq != 0);
    if (next_of(&candidate) != 0)
        buffer_append(search->found, &candidate, sizeof(candidate));
    return error;
}

/* Whether more was found than is given again. */
static enum error is_within_bounds(const struct search *search)
{
    return search->event_count > STREAM_CATCH_UP_MAX || candidate_count(search) > STREAM_CONVERSATIONS_MAX
               ? ERR_CONFLICT
               : OK;
}

/* ---- a visitor's ---- */

/* A chain that is too long to be walked may have news at its other end. */
static enum error search_visitor(struct search *search, struct id visitor_id)
{
    struct visitor visitor;
    enum error error = visitor_get(search->txn, visitor_id, &visitor);
    struct id at = error == OK ? visitor.last_conversation : ID_NONE;
    for (unsigned steps = 0; error == OK && !id_is_none(at); ++steps) {
        struct conversation conversation;
        struct conversation_activity activity;
        if (steps == VISITOR_CHAIN_MAX)
            return ERR_CONFLICT;
        error = conversation_get(search->txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(search->txn, &conversation, &activity);
        if (error == OK)
            error = look_at(search, &conversation, &activity);
        if (error == OK)
            error = is_within_bounds(search);
        at = conversation.previous_of_visitor;
    }
    return error;
}

/* ---- an organisation's ---- */

/* Whether this is the entry to find the conversation by: its last change is found by activity, by marks only when
 * nothing of that is new, and by work only when its marks are not new either. */
static bool is_the_one(const struct search *search, enum table table, uint64_t seq,
                       const struct conversation *conversation, const struct conversation_activity *activity)
{
    if (table == TABLE_CONVERSATION_BY_ACTIVITY)
        return activity->seq == seq;
    return activity->seq <= search->after &&
           (table == TABLE_CONVERSATION_BY_MARK || conversation->marked_seq <= search->after);
}

/* What an entry of something erased names is gone, and one that is damaged keeps nobody from the others. */
static enum error look_at_entry(struct search *search, enum table table, uint64_t seq, struct bytes value)
{
    struct conversation conversation;
    struct conversation_activity activity;
    size_t offset = 0;
    enum error error = conversation_get(search->txn, key_get_id(value, &offset), &conversation);
    if (error == OK)
        error = conversation_activity(search->txn, &conversation, &activity);
    if (error == ERR_NOT_FOUND || (error == ERR_CORRUPT && txn_is_usable(search->txn)))
        return OK;
    return error == OK && is_the_one(search, table, seq, &conversation, &activity)
               ? look_at(search, &conversation, &activity)
               : error;
}

static enum error search_index(struct search *search, enum table table, struct id org)
{
    struct bytes key, value;
    struct key from;
    unsigned entries = 0;
    activity_key(&from, org, search->after + 1);
    struct cursor *cursor = cursor_open(search->txn, table);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    for (; error == OK && memcmp(key.data, org.bytes, ID_LEN) == 0; ++entries) {
        size_t offset = ID_LEN;
        uint64_t seq = key_get_u64(key, &offset);
        error = entries == STREAM_CATCH_UP_MAX ? ERR_CONFLICT : look_at_entry(search, table, seq, value);
        if (error == OK)
            error = is_within_bounds(search);
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error search_org(struct search *search, struct id org)
{
    enum error error = search_index(search, TABLE_CONVERSATION_BY_ACTIVITY, org);
    if (error == OK)
        error = search_index(search, TABLE_CONVERSATION_BY_MARK, org);
    return error == OK ? search_index(search, TABLE_CONVERSATION_BY_WORK, org) : error;
}

/* ---- in order ---- */

/* A heap: no candidate comes before the one at half its place. */
static void sift_down(struct candidate *heap, unsigned size, unsigned at)
{
    for (unsigned child = 2 * at + 1; child < size; at = child, child = 2 * at + 1) {
        if (child + 1 < size && next_of(&heap[child + 1]) < next_of(&heap[child]))
            ++child;
        if (next_of(&heap[at]) <= next_of(&heap[child]))
            return;
        struct candidate candidate = heap[at];
        heap[at] = heap[child];
        heap[child] = candidate;
    }
}

/* Takes the next event off a candidate. What a message or a note has done on its conversation goes with it: both have
 * one number. */
static enum error take_next(struct search *search, struct candidate *candidate, struct live_news *out)
{
    uint64_t seq = next_of(candidate);
    bool works = candidate->worked_seq == seq;
    *out = (struct live_news){seq, candidate->conversation, EVENT_CONVERSATION, works};
    if (works)
        candidate->worked_seq = 0;
    if (candidate->message_seq == seq) {
        out->kind = EVENT_MESSAGE;
        candidate->message_seq = seq + 1;
        return find_next(search->messages, candidate->conversation, &candidate->message_seq);
    }
    if (candidate->note_seq == seq) {
        out->kind = EVENT_NOTE;
        candidate->note_seq = seq + 1;
        return find_next(search->notes, candidate->conversation, &candidate->note_seq);
    }
    if (works)
        out->kind = EVENT_WORK;
    if (candidate->changed_seq == seq)
        candidate->changed_seq = 0;
    if (candidate->marked_seq == seq)
        candidate->marked_seq = 0;
    return OK;
}

/* Merges the candidates into the first events of all. */
static enum error merge(struct search *search, struct live_news out[STREAM_NEWS_MAX], unsigned *number,
                        bool *is_complete)
{
    struct candidate *heap = (struct candidate *)search->found->data;
    unsigned size = candidate_count(search);
    enum error error = OK;
    for (unsigned at = size / 2; at-- > 0;)
        sift_down(heap, size, at);
    for (*number = 0; error == OK && size != 0 && *number < STREAM_NEWS_MAX; ++*number) {
        error = take_next(search, &heap[0], &out[*number]);
        if (next_of(&heap[0]) == 0)
            heap[0] = heap[--size];
        sift_down(heap, size, 0);
    }
    *is_complete = size == 0;
    return error;
}

/* ---- the search ---- */

static enum error run_search(struct api_stream *stream, struct search *search, uint64_t seen_seq)
{
    struct live_news news[STREAM_NEWS_MAX];
    struct id visitor = live_visitor_of(&stream->subscriber);
    unsigned number;
    bool is_complete;
    enum error error =
        id_is_none(visitor) ? search_org(search, live_org_of(&stream->subscriber)) : search_visitor(search, visitor);
    if (error == OK)
        error = merge(search, news, &number, &is_complete);
    if (error == OK)
        live_catch_up(&stream->subscriber, news, number, seen_seq, is_complete);
    return error;
}

enum error stream_catch_up(struct api_stream *stream, struct txn *txn, uint64_t seen_seq)
{
    struct search search = {
        .txn = txn,
        .after = stream->subscriber.sent_seq,
        .is_of_org = stream->subscriber.visitor == NULL,
        .found = &stream->loop->streams->found,
    };
    if (search.after > seen_seq) /* of another database */
        return ERR_CONFLICT;
    if (search.after == seen_seq) {
        live_catch_up(&stream->subscriber, NULL, 0, seen_seq, true);
        return OK;
    }
    buffer_clear(search.found);
    search.messages = cursor_open(txn, TABLE_MESSAGES);
    search.notes = cursor_open(txn, TABLE_NOTES);
    enum error error = run_search(stream, &search, seen_seq);
    cursor_close(search.messages);
    cursor_close(search.notes);
    if (error == ERR_CONFLICT)
        count(&stream->loop->figures.limited[LIMIT_CATCH_UP], 1);
    return error;
}

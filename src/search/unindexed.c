/* Two walks, merged. What both have is given once. */
#include "search/unindexed.h"

static bool is_passable(enum error error, struct bytes key)
{
    return error == ERR_CORRUPT && key.data != NULL;
}

/* Takes what the cursor has found, or what comes behind it. */
static void take_activity(struct unindexed *walk, enum error error, struct bytes key, struct bytes value)
{
    struct by_seq *next = &walk->next[FROM_ACTIVITY];
    while (is_passable(error, key) || (error == OK && value.len != ID_LEN))
        error = walk->down ? cursor_previous(walk->activity, &key, &value) : cursor_next(walk->activity, &key, &value);
    next->seq = 0;
    if (error == OK && key.len == ID_LEN + 8 && memcmp(key.data, walk->org.bytes, ID_LEN) == 0) {
        size_t offset = ID_LEN, value_offset = 0;
        *next = (struct by_seq){key_get_u64(key, &offset), key_get_id(value, &value_offset)};
    }
    if (error == ERR_CORRUPT)
        walk->error = error;
}

static void advance_activity(struct unindexed *walk)
{
    struct bytes key = BYTES_NONE, value = BYTES_NONE;
    enum error error =
        walk->down ? cursor_previous(walk->activity, &key, &value) : cursor_next(walk->activity, &key, &value);
    take_activity(walk, error, key, value);
}

static void advance_by_seq(struct unindexed *walk)
{
    enum error error = by_seq_walk_next(&walk->by_seq, &walk->next[FROM_BY_SEQ]);
    if (error != OK)
        walk->next[FROM_BY_SEQ].seq = 0;
    if (error != OK && error != ERR_NOT_FOUND)
        walk->error = error;
}

void unindexed_open(struct unindexed *walk, struct txn *txn, struct id org, uint64_t from, bool down)
{
    struct key key;
    struct bytes found = BYTES_NONE, value = BYTES_NONE;
    *walk = (struct unindexed){.activity = cursor_open(txn, TABLE_CONVERSATION_BY_ACTIVITY), .org = org, .down = down};
    activity_key(&key, org, down ? from : from + 1);
    enum error error = down ? cursor_seek_before(walk->activity, key_view(&key), &found, &value)
                            : cursor_seek(walk->activity, key_view(&key), &found, &value);
    take_activity(walk, error, found, value);
    by_seq_walk_open(&walk->by_seq, txn, org, down ? from : from + 1, down);
    advance_by_seq(walk);
}

void unindexed_close(struct unindexed *walk)
{
    cursor_close(walk->activity);
    by_seq_walk_close(&walk->by_seq);
}

/* Which of the two comes next. */
static enum place_source choose(const struct unindexed *walk)
{
    uint64_t activity = walk->next[FROM_ACTIVITY].seq, by_seq = walk->next[FROM_BY_SEQ].seq;
    if (activity == 0 || by_seq == 0)
        return by_seq != 0 ? FROM_BY_SEQ : FROM_ACTIVITY;
    return activity == by_seq || (by_seq < activity) != walk->down ? FROM_BY_SEQ : FROM_ACTIVITY;
}

enum error unindexed_next(struct unindexed *walk, struct by_seq *out, enum place_source *source)
{
    if (walk->error != OK)
        return walk->error;
    *source = choose(walk);
    *out = walk->next[*source];
    if (out->seq == 0)
        return ERR_NOT_FOUND;
    if (walk->next[FROM_ACTIVITY].seq == out->seq)
        advance_activity(walk);
    if (walk->next[FROM_BY_SEQ].seq == out->seq)
        advance_by_seq(walk);
    return OK;
}

enum error unindexed_count(struct txn *txn, struct id org, uint64_t behind, uint64_t limit, uint64_t *out)
{
    struct unindexed walk;
    struct by_seq place;
    enum place_source source;
    enum error error = OK;
    *out = 0;
    unindexed_open(&walk, txn, org, behind, false);
    while (*out < limit && error == OK) {
        error = unindexed_next(&walk, &place, &source);
        *out += error == OK;
    }
    unindexed_close(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

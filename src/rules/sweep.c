/*
 * Maintenance of the indexes that are only appended to: an entry that no longer agrees with its record is stale.
 * Readers skip it; this removes it, in key order, a bounded number a step. The position comes with the command and goes
 * back in its outcome, so that a step that finds nothing stale writes nothing.
 */
#include "rules/internal.h"
#include "search/swept.h"

typedef enum error staleness(struct txn *txn, struct bytes key, struct bytes value, bool *stale);

/* A deletion under way finds what is left by these very entries. */
static bool belongs_to_purge(struct txn *txn, struct bytes key)
{
    size_t offset = 0;
    return org_is_alive(txn, key_get_id(key, &offset)) != OK;
}

static enum error seen_is_stale(struct txn *txn, struct bytes key, struct bytes value, bool *stale)
{
    struct visitor visitor;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(key, &offset);
    (void)value;
    *stale = false;
    if (belongs_to_purge(txn, key))
        return OK;
    enum error error = visitor_get(txn, key_get_id(key, &offset), &visitor);
    *stale = error == ERR_NOT_FOUND || (error == OK && minute != minute_of(visitor.last_seen_at_ms));
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error activity_is_stale(struct txn *txn, struct bytes key, struct bytes value, bool *stale)
{
    struct conversation conversation;
    struct conversation_activity activity;
    size_t offset = ID_LEN, value_offset = 0;
    uint64_t seq = key_get_u64(key, &offset);
    *stale = false;
    if (belongs_to_purge(txn, key))
        return OK;
    enum error error = conversation_get(txn, key_get_id(value, &value_offset), &conversation);
    *stale = error == ERR_NOT_FOUND;
    if (error != OK)
        return *stale ? OK : error;
    error = conversation_activity(txn, &conversation, &activity);
    *stale = error == OK && seq != activity.seq;
    return error;
}

static enum error updated_is_stale(struct txn *txn, struct bytes key, struct bytes value, bool *stale)
{
    struct conversation conversation;
    struct conversation_activity activity;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(key, &offset);
    (void)value;
    *stale = false;
    if (belongs_to_purge(txn, key))
        return OK;
    enum error error = conversation_get(txn, key_get_id(key, &offset), &conversation);
    *stale = error == ERR_NOT_FOUND;
    if (error != OK)
        return *stale ? OK : error;
    error = conversation_activity(txn, &conversation, &activity);
    *stale = error == OK && minute != minute_of(activity.updated_at_ms);
    return error;
}

/* A damaged page gives no entry at all; everything else can be passed. */
static bool may_go_on(enum error error, struct bytes key)
{
    return error == OK || (error == ERR_CORRUPT && key.data != NULL);
}

/* An entry of the activity that goes: search finds its message by it, until the message is in the index. */
static enum error note_for_search(struct swept *swept, enum table table, struct bytes key, struct bytes value)
{
    size_t offset = 0, value_offset = 0;
    if (table != TABLE_CONVERSATION_BY_ACTIVITY)
        return OK;
    struct id org = key_get_id(key, &offset);
    return swept_note(swept, org, key_get_u64(key, &offset), key_get_id(value, &value_offset));
}

/* What is damaged, entry or record, is left where it is, for `check` to name; the walk goes on behind it. */
static enum error sweep_index(struct txn *txn, enum table table, struct bytes from, uint64_t limit, staleness *is_stale,
                              struct key *next)
{
    struct bytes key, value;
    struct swept swept = swept_of(txn);
    struct cursor *cursor = cursor_open(txn, table);
    key_clear(next);
    enum error error = cursor_seek(cursor, from, &key, &value);
    for (; may_go_on(error, key) && limit > 0; --limit) {
        bool stale = false;
        if (error == OK)
            error = is_stale(txn, key, value, &stale);
        if (stale)
            error = note_for_search(&swept, table, key, value);
        if (stale && error == OK)
            error = cursor_del(cursor);
        if (may_go_on(error, key))
            error = cursor_next(cursor, &key, &value);
    }
    if (may_go_on(error, key)) {
        key_put(next, key);
        error = OK;
    }
    cursor_close(cursor);
    return swept_end(&swept, error == ERR_NOT_FOUND ? OK : error);
}

/* ---- after a visitor was erased ---- */

/*
 * One number in META says how far the sweep has come since: for each index whether entries of erased records may be
 * left in it, and whether the walk under way has begun after that. When it comes to its end they are gone.
 */
#define MAY_BE_LEFT 1u
#define WALK_HAS_BEGUN 2u
#define BITS_PER_INDEX 2

enum swept_index { SWEPT_SEEN, SWEPT_ACTIVITY, SWEPT_UPDATED, SWEPT_COUNT };

enum error sweep_after_erasing(struct txn *txn)
{
    uint64_t state = 0;
    for (unsigned index = 0; index < SWEPT_COUNT; ++index)
        state |= (uint64_t)MAY_BE_LEFT << BITS_PER_INDEX * index;
    return meta_put_u64(txn, META_ERASED, state);
}

static void note_walk(uint64_t *state, enum swept_index index, struct bytes from, const struct key *next)
{
    unsigned shift = BITS_PER_INDEX * (unsigned)index;
    if (from.len == 0 && (*state >> shift & MAY_BE_LEFT) != 0)
        *state |= (uint64_t)WALK_HAS_BEGUN << shift;
    if (next->len == 0 && (*state >> shift & WALK_HAS_BEGUN) != 0)
        *state &= ~((uint64_t)(MAY_BE_LEFT | WALK_HAS_BEGUN) << shift);
}

static enum error note_walks(struct txn *txn, const struct sweep *command, const struct outcome *outcome)
{
    uint64_t before, state;
    enum error error = meta_get_u64(txn, META_ERASED, &before);
    if (error != OK || command->limit == 0)
        return error;
    state = before;
    note_walk(&state, SWEPT_SEEN, command->from_seen, &outcome->next_seen);
    note_walk(&state, SWEPT_ACTIVITY, command->from_activity, &outcome->next_activity);
    note_walk(&state, SWEPT_UPDATED, command->from_updated, &outcome->next_updated);
    return state == before ? OK : meta_put_u64(txn, META_ERASED, state);
}

static bool is_after_erasing(struct txn *txn)
{
    uint64_t state;
    return meta_get_u64(txn, META_ERASED, &state) == OK && state != 0;
}

/* ---- answers to Idempotency-Keys ---- */

/* A day's answers are looked for until the end of the next day. */
static bool day_has_expired(struct bytes key, int64_t at_ms)
{
    size_t offset = 0;
    return key_get_u32(key, &offset) + 1 < day_of(at_ms);
}

static enum error sweep_idempotency(struct txn *txn, int64_t at_ms, uint64_t limit)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_IDEMPOTENCY);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL);
    for (; may_go_on(error, key) && limit > 0 && day_has_expired(key, at_ms); --limit) {
        error = cursor_del(cursor);
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

enum error rule_sweep(struct txn *txn, uint64_t seq, const struct sweep *command, struct outcome *outcome)
{
    (void)seq;
    enum error error =
        sweep_index(txn, TABLE_VISITOR_BY_SEEN, command->from_seen, command->limit, seen_is_stale, &outcome->next_seen);
    if (error == OK)
        error = sweep_index(txn, TABLE_CONVERSATION_BY_ACTIVITY, command->from_activity, command->limit,
                            activity_is_stale, &outcome->next_activity);
    if (error == OK)
        error = sweep_index(txn, TABLE_CONVERSATION_BY_UPDATED, command->from_updated, command->limit, updated_is_stale,
                            &outcome->next_updated);
    if (error == OK)
        error = note_walks(txn, command, outcome);
    return error == OK ? sweep_idempotency(txn, command->at_ms, command->limit) : error;
}

/* One page of an index holds about a hundred entries: below a few of them a sweep isn't worth its commit. */
#define STALE_ENTRIES_MIN 1000
#define STALENESS_WORTH_SWEEPING 0.5 /* stale entries for each living one */

/* Each visitor and each conversation has exactly one entry that is not stale, so counting rows is enough. */
static double staleness_of(struct txn *txn, enum table index, enum table records)
{
    uint64_t entries = table_rows(txn, index), living = table_rows(txn, records);
    if (entries < living + STALE_ENTRIES_MIN)
        return 0;
    return (double)(entries - living) / (double)(living + 1);
}

static bool has_expired_answers(struct txn *txn, int64_t now_ms)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_IDEMPOTENCY);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL);
    bool expired = may_go_on(error, key) && day_has_expired(key, now_ms);
    cursor_close(cursor);
    return expired;
}

bool rules_sweep_is_due(struct txn *txn, int64_t now_ms)
{
    return staleness_of(txn, TABLE_VISITOR_BY_SEEN, TABLE_VISITORS) > STALENESS_WORTH_SWEEPING ||
           staleness_of(txn, TABLE_CONVERSATION_BY_ACTIVITY, TABLE_CONVERSATIONS) > STALENESS_WORTH_SWEEPING ||
           staleness_of(txn, TABLE_CONVERSATION_BY_UPDATED, TABLE_CONVERSATIONS) > STALENESS_WORTH_SWEEPING ||
           is_after_erasing(txn) || has_expired_answers(txn, now_ms);
}

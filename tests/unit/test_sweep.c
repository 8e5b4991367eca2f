/*
 * Sweeping: exactly what is stale and expired goes, in steps of any size; nobody who reads notices; and what is damaged
 * stops nothing.
 */
#include "world.h"

#include "store/internal.h"

/* ---- what readers see ------------------------------------------------------------------------------------------ */

/* The living entries of an index, newest first: what a list shows. */
static void dump_living(struct world *w, struct buffer *out)
{
    struct bytes key, value;
    struct txn *txn = look(w);
    struct cursor *cursor = cursor_open(txn, TABLE_CONVERSATION_BY_ACTIVITY);
    for (enum error error = cursor_seek_before(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_previous(cursor, &key, &value)) {
        struct conversation conversation;
        struct conversation_activity activity;
        size_t offset = 0, value_offset = 0;
        struct id org = key_get_id(key, &offset);
        uint64_t seq = key_get_u64(key, &offset);
        if (conversation_get(txn, key_get_id(value, &value_offset), &conversation) != OK)
            continue;
        assert_int_equal(conversation_activity(txn, &conversation, &activity), OK);
        assert_true(id_equal(conversation.org, org) && activity.seq >= seq);
        if (activity.seq == seq)
            buffer_append(out, key.data, key.len);
    }
    cursor_close(cursor);
    cursor = cursor_open(txn, TABLE_CONVERSATION_BY_UPDATED);
    for (enum error error = cursor_seek_before(cursor, BYTES_NONE, &key, NULL); error == OK;
         error = cursor_previous(cursor, &key, NULL)) {
        struct conversation conversation;
        struct conversation_activity activity;
        size_t offset = ID_LEN;
        uint32_t minute = key_get_u32(key, &offset);
        if (conversation_get(txn, key_get_id(key, &offset), &conversation) != OK)
            continue;
        assert_int_equal(conversation_activity(txn, &conversation, &activity), OK);
        if (minute == minute_of(activity.updated_at_ms))
            buffer_append(out, key.data, key.len);
    }
    cursor_close(cursor);
    cursor = cursor_open(txn, TABLE_VISITOR_BY_SEEN);
    for (enum error error = cursor_seek_before(cursor, BYTES_NONE, &key, NULL); error == OK;
         error = cursor_previous(cursor, &key, NULL)) {
        struct visitor visitor;
        size_t offset = ID_LEN;
        uint32_t minute = key_get_u32(key, &offset);
        if (visitor_get(txn, key_get_id(key, &offset), &visitor) == OK && minute == minute_of(visitor.last_seen_at_ms))
            buffer_append(out, key.data, key.len);
    }
    cursor_close(cursor);
    look_away(w);
}

/* Many stale entries: visitors seen in many minutes, conversations of many messages. */
static void make_stale(struct world *w, unsigned rounds)
{
    static const char *const keys[] = {"v_1", "v_2", "v_3", "v_4", "v_5"};
    struct id ids[10];
    for (unsigned i = 0; i < 10; ++i)
        ids[i] = converse(w, i % 2 ? w->org : w->other_org, keys[i / 2]);
    for (unsigned round = 0; round < rounds; ++round) {
        unsigned i = (round * 7 + round / 10) % 10;
        struct id org = i % 2 ? w->org : w->other_org;
        w->now_ms += MINUTE_MS / 3;
        struct command message = message_create(w, org, ids[i], keys[i / 2], "x");
        must(w, &message);
        if (round % 5 == 0) {
            struct command create = conversation_create(w, org, NULL);
            char hash[IDEMPOTENCY_HASH_LEN + 1];
            snprintf(hash, sizeof(hash), "%016u", round);
            create.conversation_create.idempotency = bytes_of_string(hash);
            must(w, &create);
        }
    }
}

/* In steps of `limit` until all walks have been at their end; the shorter ones begin again meanwhile. Gives the number
 * of steps. */
static unsigned sweep_all(struct world *w, uint64_t limit)
{
    struct key seen, activity, updated;
    bool seen_ended = false, activity_ended = false, updated_ended = false;
    unsigned steps = 0;
    key_clear(&seen);
    key_clear(&activity);
    key_clear(&updated);
    while (!seen_ended || !activity_ended || !updated_ended) {
        struct command step = sweep(w, limit, key_view(&seen), key_view(&activity), key_view(&updated));
        struct outcome outcome = must(w, &step);
        seen = outcome.next_seen;
        activity = outcome.next_activity;
        updated = outcome.next_updated;
        seen_ended |= seen.len == 0;
        activity_ended |= activity.len == 0;
        updated_ended |= updated.len == 0;
        assert_true(++steps < 100000);
    }
    return steps;
}

static void test_exactly_what_is_stale_goes_in_steps_of_any_size(void **state)
{
    struct world *w = *state;
    static const uint64_t limits[] = {1, 2, 3, 7, 50, 10000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); ++i) {
        struct buffer before = {0}, after = {0};
        make_stale(w, 60);
        struct check_report report = assert_sound(w);
        assert_true(report.stale_seen > 10 && report.stale_activity > 50 && report.stale_updated > 5);
        struct rows rows = count_rows(w);
        int64_t places = rows.of[TABLE_MESSAGE_BY_SEQ];
        dump_living(w, &before);
        unsigned steps = sweep_all(w, limits[i]);
        assert_true(limits[i] > 1000 ? steps == 1 : steps >= (unsigned)(50 / limits[i]));
        dump_living(w, &after);
        assert_dumps_equal(&before, &after);
        /* Search finds by their places what it would have found by its activity. */
        places = count_rows(w).of[TABLE_MESSAGE_BY_SEQ] - places;
        assert_true(places > 0 || report.stale_activity == 0);
        assert_rows_added(w, &rows,
                          ROWS([TABLE_MESSAGE_BY_SEQ] = places, [TABLE_VISITOR_BY_SEEN] = -(int64_t)report.stale_seen,
                               [TABLE_CONVERSATION_BY_ACTIVITY] = -(int64_t)report.stale_activity,
                               [TABLE_CONVERSATION_BY_UPDATED] = -(int64_t)report.stale_updated));
        report = assert_sound(w);
        assert_true(report.stale_seen == 0 && report.stale_activity == 0 && report.stale_updated == 0);
        buffer_dispose(&before);
        buffer_dispose(&after);
    }
}

static void test_a_step_looks_at_no_more_than_its_limit(void **state)
{
    struct world *w = *state;
    make_stale(w, 60);
    for (uint64_t limit = 1; limit < 30; limit += 4) {
        struct rows before = count_rows(w);
        struct command step = sweep(w, limit, BYTES_NONE, BYTES_NONE, BYTES_NONE);
        must(w, &step);
        struct rows after = count_rows(w);
        assert_true(before.of[TABLE_VISITOR_BY_SEEN] - after.of[TABLE_VISITOR_BY_SEEN] <= (int64_t)limit);
        assert_true(before.of[TABLE_CONVERSATION_BY_ACTIVITY] - after.of[TABLE_CONVERSATION_BY_ACTIVITY] <=
                    (int64_t)limit);
        assert_true(before.of[TABLE_CONVERSATION_BY_UPDATED] - after.of[TABLE_CONVERSATION_BY_UPDATED] <=
                    (int64_t)limit);
    }
    struct command nothing = sweep(w, 0, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    assert_refused(w, &nothing, OK);
}

static void test_a_step_that_finds_nothing_writes_nothing(void **state)
{
    struct world *w = *state;
    make_stale(w, 20);
    sweep_all(w, 10000);
    struct command step = sweep(w, 10000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    assert_refused(w, &step, OK);
    struct outcome outcome = must(w, &step);
    assert_int_equal(outcome.next_seen.len, 0);
    assert_int_equal(outcome.next_activity.len, 0);
    assert_int_equal(outcome.next_updated.len, 0);
}

static void test_a_position_behind_the_end_begins_again(void **state)
{
    struct world *w = *state;
    char beyond[40];
    make_stale(w, 20);
    memset(beyond, 0xff, sizeof(beyond));
    struct command step = sweep(w, 10000, bytes_view(beyond, sizeof(beyond)), bytes_view(beyond, sizeof(beyond)),
                                bytes_view(beyond, sizeof(beyond)));
    struct outcome outcome = must(w, &step);
    assert_int_equal(outcome.next_seen.len, 0);
    assert_int_equal(outcome.next_activity.len, 0);
    assert_int_equal(outcome.next_updated.len, 0);
    assert_true(assert_sound(w).stale_activity > 0);
    sweep_all(w, 10000);
    assert_true(assert_sound(w).stale_activity == 0);
}

/* Between two steps everything may change: the place where the sweep stands may be gone. */
static void test_writers_in_between_lose_nothing(void **state)
{
    struct world *w = *state;
    struct key seen, activity, updated;
    make_stale(w, 60);
    key_clear(&seen);
    key_clear(&activity);
    key_clear(&updated);
    for (unsigned round = 0; round < 200; ++round) {
        struct buffer before = {0}, after = {0};
        dump_living(w, &before);
        struct command step = sweep(w, 3, key_view(&seen), key_view(&activity), key_view(&updated));
        struct outcome outcome = must(w, &step);
        dump_living(w, &after);
        assert_dumps_equal(&before, &after);
        seen = outcome.next_seen;
        activity = outcome.next_activity;
        updated = outcome.next_updated;
        if (round % 2 == 0)
            make_stale(w, 1);
        buffer_dispose(&before);
        buffer_dispose(&after);
    }
    assert_sound(w);
}

/* ---- answers to Idempotency-Keys ------------------------------------------------------------------------------- */

static void test_expired_answers_go_by_the_day(void **state)
{
    struct world *w = *state;
    static const struct bytes hashes[] = {BYTES("hash of one day "), BYTES("hash of the next"),
                                          BYTES("hash of another ")};
    for (unsigned day = 0; day < 3; ++day) {
        struct command create = conversation_create(w, w->org, NULL);
        create.conversation_create.idempotency = hashes[day];
        create.conversation_create.at_ms = w->now_ms + day * DAY_MS;
        must(w, &create);
    }
    /* NOW_MS is the last millisecond of its day, so its answer holds through the next day. */
    static const struct {
        int64_t after, left;
    } cases[] = {{0, 3}, {DAY_MS, 3}, {DAY_MS + 1, 2}, {2 * DAY_MS, 2}, {2 * DAY_MS + 1, 1}, {3 * DAY_MS + 1, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        w->now_ms = NOW_MS + cases[i].after;
        sweep_all(w, 10000);
        assert_true(count_rows(w).of[TABLE_IDEMPOTENCY] == cases[i].left);
    }
}

/* ---- when it is worth it --------------------------------------------------------------------------------------- */

static bool is_due(struct world *w)
{
    bool due = rules_sweep_is_due(look(w), w->now_ms);
    look_away(w);
    return due;
}

static void test_a_sweep_is_due_when_much_is_stale(void **state)
{
    struct world *w = *state;
    assert_false(is_due(w));
    struct id id = converse(w, w->org, NULL);
    assert_false(is_due(w));
    for (unsigned i = 0; i < 1100; ++i)
        say(w, w->org, id, NULL);
    assert_true(is_due(w));
    sweep_all(w, 512);
    assert_false(is_due(w));
}

static void test_a_sweep_is_due_when_answers_have_expired(void **state)
{
    struct world *w = *state;
    struct command create = conversation_create(w, w->org, NULL);
    create.conversation_create.idempotency = BYTES("0123456789abcdef");
    must(w, &create);
    assert_false(is_due(w));
    w->now_ms += DAY_MS;
    assert_false(is_due(w));
    w->now_ms += 1;
    assert_true(is_due(w));
    sweep_all(w, 512);
    assert_false(is_due(w));
}

static void test_an_empty_store_has_nothing_to_sweep(void **state)
{
    struct world *w = *state;
    struct command step = sweep(w, 100, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    assert_refused(w, &step, OK);
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

/* Replaces every third record by rubbish; its index entries can't be judged any more and stay. */
static void spoil_records(struct world *w, enum table table)
{
    struct bytes key;
    unsigned number = 0, count = 0;
    static char keys[64][ID_LEN];
    struct txn *txn = begin_write(w->store);
    struct cursor *cursor = cursor_open(txn, table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL); error == OK && count < 64;
         error = cursor_next(cursor, &key, NULL))
        if (number++ % 3 == 0)
            memcpy(keys[count++], key.data, ID_LEN);
    cursor_close(cursor);
    while (count-- > 0)
        assert_int_equal(table_put(txn, table, bytes_view(keys[count], ID_LEN), BYTES("rubbish")), OK);
    commit_write(txn);
}

static void test_damaged_records_do_not_stop_a_sweep(void **state)
{
    struct world *w = *state;
    make_stale(w, 60);
    spoil_records(w, TABLE_VISITORS);
    spoil_records(w, TABLE_CONVERSATIONS);
    struct rows before = count_rows(w);
    sweep_all(w, 7);
    struct rows after = count_rows(w);
    assert_true(after.of[TABLE_VISITOR_BY_SEEN] < before.of[TABLE_VISITOR_BY_SEEN]);
    assert_true(after.of[TABLE_CONVERSATION_BY_ACTIVITY] < before.of[TABLE_CONVERSATION_BY_ACTIVITY]);
    /* And it comes to an end. */
    sweep_all(w, 1000);
    after = count_rows(w);
    sweep_all(w, 7);
    assert_rows_added(w, &after, ROWS(0));
}

/* Every third entry of an index, past the store, so that its checksum is wrong. */
static unsigned damage_index(struct world *w, enum table table)
{
    struct bytes key;
    unsigned number = 0, count = 0;
    static struct key keys[64];
    struct txn *txn = begin_write(w->store);
    struct cursor *cursor = cursor_open(txn, table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL); error == OK && count < 64;
         error = cursor_next(cursor, &key, NULL))
        if (number++ % 3 == 0) {
            key_clear(&keys[count]);
            key_put(&keys[count++], key);
        }
    cursor_close(cursor);
    for (unsigned i = 0; i < count; ++i) {
        MDB_val k = {keys[i].len, keys[i].bytes}, value = {20, "twenty damaged bytes"};
        assert_int_equal(mdb_put(txn->handle, txn->store->tables[table], &k, &value, 0), 0);
    }
    commit_write(txn);
    return count;
}

static void test_damaged_entries_stay_and_do_not_stop_a_sweep(void **state)
{
    struct world *w = *state;
    static const uint64_t limits[] = {1, 7, 1000};
    make_stale(w, 60);
    int64_t damaged_seen = damage_index(w, TABLE_VISITOR_BY_SEEN);
    int64_t damaged_activity = damage_index(w, TABLE_CONVERSATION_BY_ACTIVITY);
    int64_t damaged_updated = damage_index(w, TABLE_CONVERSATION_BY_UPDATED);
    for (size_t i = 0; i < 3; ++i) {
        sweep_all(w, limits[i]);
        struct rows rows = count_rows(w);
        /* Five visitors and as many conversations as there are, or fewer where the living entry is a damaged one. */
        assert_in_range(rows.of[TABLE_VISITOR_BY_SEEN], damaged_seen, damaged_seen + rows.of[TABLE_VISITORS]);
        assert_in_range(rows.of[TABLE_CONVERSATION_BY_ACTIVITY], damaged_activity,
                        damaged_activity + rows.of[TABLE_CONVERSATIONS]);
        assert_in_range(rows.of[TABLE_CONVERSATION_BY_UPDATED], damaged_updated,
                        damaged_updated + rows.of[TABLE_CONVERSATIONS]);
    }
    assert_true(damaged_seen > 5 && damaged_activity > 20 && damaged_updated > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_exactly_what_is_stale_goes_in_steps_of_any_size),
        WORLD_TEST(test_a_step_looks_at_no_more_than_its_limit),
        WORLD_TEST(test_a_step_that_finds_nothing_writes_nothing),
        WORLD_TEST(test_a_position_behind_the_end_begins_again),
        WORLD_TEST(test_writers_in_between_lose_nothing),
        WORLD_TEST(test_expired_answers_go_by_the_day),
        WORLD_TEST(test_a_sweep_is_due_when_much_is_stale),
        WORLD_TEST(test_a_sweep_is_due_when_answers_have_expired),
        WORLD_TEST(test_an_empty_store_has_nothing_to_sweep),
        WORLD_TEST(test_damaged_records_do_not_stop_a_sweep),
        WORLD_TEST(test_damaged_entries_stay_and_do_not_stop_a_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

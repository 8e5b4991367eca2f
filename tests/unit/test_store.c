/*
 * Keys, tables, walks and transactions, against a sorted array in memory. What a walk gives at the ends and in the
 * gaps, and that a snapshot stays as it was.
 */
#include "stores.h"

#include "base/random.h"

static struct random_pool pool;

struct fixture {
    struct directory directory;
    struct store *store;
    struct reader *reader;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    log_line_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    f->directory = directory_make();
    f->store = open_store(&f->directory);
    f->reader = reader_open(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    reader_close(f->reader);
    store_close(f->store);
    directory_remove(&f->directory);
    free(f);
    return 0;
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static void test_keys_read_back_as_they_were_put(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10000; ++round) {
        struct key key;
        size_t offset = 0;
        struct id id = id_make((int64_t)(random_u64(&pool) >> 24), &pool);
        uint32_t small = (uint32_t)random_u64(&pool);
        uint64_t large = random_u64(&pool) >> random_u64(&pool) % 64;
        key_clear(&key);
        key_put_id(&key, id);
        key_put_u32(&key, small);
        key_put_u64(&key, large);
        key_put(&key, BYTES("text"));
        key_put(&key, BYTES_NONE);
        assert_int_equal(key.len, ID_LEN + 4 + 8 + 4);
        assert_true(id_equal(key_get_id(key_view(&key), &offset), id));
        assert_true(key_get_u32(key_view(&key), &offset) == small);
        assert_true(key_get_u64(key_view(&key), &offset) == large);
        assert_int_equal(offset, ID_LEN + 4 + 8);
    }
}

static void test_keys_sort_as_their_numbers(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10000; ++round) {
        struct key a, b;
        uint64_t x = random_u64(&pool) >> random_u64(&pool) % 64, y = random_u64(&pool) >> random_u64(&pool) % 64;
        key_clear(&a);
        key_clear(&b);
        key_put_u64(&a, x);
        key_put_u64(&b, y);
        int order = memcmp(a.bytes, b.bytes, a.len);
        assert_int_equal((order > 0) - (order < 0), (x > y) - (x < y));
        key_clear(&a);
        key_clear(&b);
        key_put_u32(&a, (uint32_t)x);
        key_put_u32(&b, (uint32_t)y);
        order = memcmp(a.bytes, b.bytes, a.len);
        assert_int_equal((order > 0) - (order < 0), ((uint32_t)x > (uint32_t)y) - ((uint32_t)x < (uint32_t)y));
    }
}

/* ---- single entries -------------------------------------------------------------------------------------------- */

static void test_an_entry_is_there_from_put_to_del(void **state)
{
    struct fixture *f = *state;
    struct bytes value;
    struct txn *txn = begin_write(f->store);
    assert_int_equal(table_get(txn, TABLE_ORGS, BYTES("key"), &value), ERR_NOT_FOUND);
    assert_int_equal(table_del(txn, TABLE_ORGS, BYTES("key")), ERR_NOT_FOUND);
    assert_true(txn_changes(txn) == 0);
    assert_int_equal(table_put(txn, TABLE_ORGS, BYTES("key"), BYTES("value")), OK);
    assert_true(txn_changes(txn) != 0);
    assert_int_equal(table_get(txn, TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("value")));
    assert_int_equal(table_get(txn, TABLE_TOKENS, BYTES("key"), &value), ERR_NOT_FOUND);
    assert_int_equal(table_put(txn, TABLE_ORGS, BYTES("key"), BYTES("another, longer value")), OK);
    assert_int_equal(table_get(txn, TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("another, longer value")));
    assert_int_equal(table_rows(txn, TABLE_ORGS), 1);
    commit_write(txn);
    txn = begin_write(f->store);
    assert_int_equal(table_del(txn, TABLE_ORGS, BYTES("key")), OK);
    assert_int_equal(table_get(txn, TABLE_ORGS, BYTES("key"), NULL), ERR_NOT_FOUND);
    assert_int_equal(table_rows(txn, TABLE_ORGS), 0);
    commit_write(txn);
}

static void test_values_of_every_length_come_back(void **state)
{
    struct fixture *f = *state;
    static char text[40000];
    random_fill(&pool, text, 1024);
    for (size_t at = 1024; at < sizeof(text); ++at)
        text[at] = (char)(text[at - 1024] + 1);
    struct txn *txn = begin_write(f->store);
    for (size_t len = 0; len <= sizeof(text); len += len < 20 ? 1 : len / 3) {
        struct key key;
        key_clear(&key);
        key_put_u64(&key, len);
        assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&key), bytes_view(text, len)), OK);
    }
    commit_write(txn);
    txn = begin_read(f->reader);
    for (size_t len = 0; len <= sizeof(text); len += len < 20 ? 1 : len / 3) {
        struct key key;
        struct bytes value;
        key_clear(&key);
        key_put_u64(&key, len);
        assert_int_equal(table_get(txn, TABLE_MESSAGES, key_view(&key), &value), OK);
        assert_true(bytes_equal(value, bytes_view(text, len)));
    }
    reader_end(f->reader);
}

/* LMDB may move a page at the next put; what was read before must stay. */
static void test_what_a_write_transaction_read_outlives_its_puts(void **state)
{
    struct fixture *f = *state;
    enum { ENTRIES = 2000 };
    static struct bytes read[ENTRIES];
    struct txn *txn = begin_write(f->store);
    for (unsigned i = 0; i < ENTRIES; ++i) {
        char key[16], value[64];
        int key_len = snprintf(key, sizeof(key), "%08u", i * 7919 % ENTRIES);
        int value_len = snprintf(value, sizeof(value), "the value of %s", key);
        assert_int_equal(
            table_put(txn, TABLE_ORGS, bytes_view(key, (size_t)key_len), bytes_view(value, (size_t)value_len)), OK);
        assert_int_equal(table_get(txn, TABLE_ORGS, bytes_view(key, (size_t)key_len), &read[i]), OK);
    }
    for (unsigned i = 0; i < ENTRIES; ++i) {
        char value[64];
        int value_len = snprintf(value, sizeof(value), "the value of %08u", i * 7919 % ENTRIES);
        assert_true(bytes_equal(read[i], bytes_view(value, (size_t)value_len)));
    }
    write_abort(txn);
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

static void test_an_aborted_transaction_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct buffer before = dump_store(f->store);
    struct txn *txn = begin_write(f->store);
    for (int table = 0; table < TABLE_COUNT; ++table)
        assert_int_equal(table_put(txn, (enum table)table, BYTES("key"), BYTES("value")), OK);
    write_abort(txn);
    struct buffer after = dump_store(f->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
}

static void test_a_snapshot_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct bytes value;
    struct reader *late = reader_open(f->store);
    struct txn *txn = begin_write(f->store);
    table_put(txn, TABLE_ORGS, BYTES("key"), BYTES("old"));
    commit_write(txn);
    struct txn *snapshot = begin_read(f->reader);
    txn = begin_write(f->store);
    table_put(txn, TABLE_ORGS, BYTES("key"), BYTES("new"));
    table_put(txn, TABLE_ORGS, BYTES("more"), BYTES(""));
    assert_int_equal(table_get(snapshot, TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("old")));
    commit_write(txn);
    assert_int_equal(table_get(snapshot, TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("old")));
    assert_int_equal(table_get(snapshot, TABLE_ORGS, BYTES("more"), &value), ERR_NOT_FOUND);
    assert_int_equal(table_rows(snapshot, TABLE_ORGS), 1);
    assert_int_equal(table_get(begin_read(late), TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("new")));
    reader_end(late);
    reader_end(f->reader);
    snapshot = begin_read(f->reader);
    assert_int_equal(table_get(snapshot, TABLE_ORGS, BYTES("key"), &value), OK);
    assert_true(bytes_equal(value, BYTES("new")));
    reader_end(f->reader);
    reader_close(late);
}

static void test_the_note_lasts_as_long_as_the_transaction(void **state)
{
    struct fixture *f = *state;
    struct id id = id_make(1769903999999, &pool);
    struct txn *txn = begin_write(f->store);
    assert_true(id_is_none(txn_note(txn)->org));
    txn_note(txn)->org = id;
    txn_arena_reset(txn);
    assert_true(id_equal(txn_note(txn)->org, id));
    write_abort(txn);
    txn = begin_write(f->store);
    assert_true(id_is_none(txn_note(txn)->org));
    write_abort(txn);
}

static void test_numbers_in_meta_are_kept_across_openings(void **state)
{
    struct fixture *f = *state;
    uint64_t number = 42;
    struct txn *txn = begin_write(f->store);
    assert_int_equal(meta_get_u64(txn, META_SEQ, &number), OK);
    assert_true(number == 0);
    assert_int_equal(meta_put_u64(txn, META_SEQ, UINT64_MAX - 1), OK);
    commit_write(txn);
    reader_close(f->reader);
    store_close(f->store);
    f->store = open_mode(&f->directory, STORE_SERVE);
    f->reader = reader_open(f->store);
    txn = begin_read(f->reader);
    assert_int_equal(meta_get_u64(txn, META_SEQ, &number), OK);
    assert_true(number == UINT64_MAX - 1);
    assert_int_equal(meta_get_u64(txn, META_FORMAT, &number), OK);
    assert_true(number == STORE_FORMAT);
    assert_int_equal(meta_get_u64(txn, "nothing of that name", &number), OK);
    assert_true(number == 0);
    reader_end(f->reader);
    txn = begin_write(f->store);
    table_put(txn, TABLE_META, BYTES("odd"), BYTES("seven b"));
    assert_int_equal(meta_get_u64(txn, "odd", &number), ERR_CORRUPT);
    write_abort(txn);
}

/* ---- walks ----------------------------------------------------------------------------------------------------- */

static struct key number_key(uint64_t number)
{
    struct key key;
    key_clear(&key);
    key_put_u64(&key, number);
    return key;
}

static void fill_multiples_of_ten(struct fixture *f, uint64_t count)
{
    struct txn *txn = begin_write(f->store);
    for (uint64_t i = 1; i <= count; ++i) {
        struct key key = number_key(10 * i), value = number_key(10 * i + 7);
        assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&key), key_view(&value)), OK);
    }
    commit_write(txn);
}

static uint64_t number_in(struct bytes key, struct bytes value)
{
    size_t key_at = 0, value_at = 0;
    uint64_t number = key_get_u64(key, &key_at);
    assert_true(key_get_u64(value, &value_at) == number + 7);
    return number;
}

#define WALKED 500 /* 10, 20, … 5000: several pages */

static void assert_seeks(struct txn *txn)
{
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    struct bytes key, value;
    for (uint64_t at = 0; at <= 10 * WALKED + 11; ++at) {
        struct key from = number_key(at);
        uint64_t next = (at + 9) / 10 * 10, before = at == 0 ? 0 : (at - 1) / 10 * 10;
        next = next == 0 ? 10 : next;
        before = before > 10 * WALKED ? 10 * WALKED : before;
        enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
        assert_int_equal(error, next <= 10 * WALKED ? OK : ERR_NOT_FOUND);
        if (error == OK)
            assert_true(number_in(key, value) == next);
        error = cursor_seek_before(cursor, key_view(&from), &key, &value);
        assert_int_equal(error, before != 0 ? OK : ERR_NOT_FOUND);
        if (error == OK)
            assert_true(number_in(key, value) == before);
        error = table_get_before(txn, TABLE_MESSAGES, key_view(&from), &key, &value);
        assert_int_equal(error, before != 0 ? OK : ERR_NOT_FOUND);
        if (error == OK)
            assert_true(number_in(key, value) == before);
    }
    /* An empty key stands for either end. */
    assert_int_equal(cursor_seek(cursor, BYTES_NONE, &key, &value), OK);
    assert_true(number_in(key, value) == 10);
    assert_int_equal(cursor_seek(cursor, BYTES(""), &key, &value), OK);
    assert_true(number_in(key, value) == 10);
    assert_int_equal(cursor_seek_before(cursor, BYTES_NONE, &key, &value), OK);
    assert_true(number_in(key, value) == 10 * WALKED);
    assert_int_equal(table_get_before(txn, TABLE_MESSAGES, BYTES_NONE, &key, &value), OK);
    assert_true(number_in(key, value) == 10 * WALKED);
    cursor_close(cursor);
}

static void test_seeking_finds_the_neighbour_at_the_ends_and_in_the_gaps(void **state)
{
    struct fixture *f = *state;
    fill_multiples_of_ten(f, WALKED);
    assert_seeks(begin_read(f->reader));
    reader_end(f->reader);
    struct txn *txn = begin_write(f->store);
    assert_seeks(txn);
    write_abort(txn);
}

static void assert_walks(struct txn *txn)
{
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    struct bytes key, value;
    uint64_t expected = 0;
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_next(cursor, &key, &value)) {
        expected += 10;
        assert_true(number_in(key, value) == expected);
    }
    assert_true(expected == 10 * WALKED);
    expected = 10 * WALKED;
    for (enum error error = cursor_seek_before(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_previous(cursor, &key, &value)) {
        assert_true(number_in(key, value) == expected);
        expected -= 10;
    }
    assert_true(expected == 0);
    /* There and back, and without being told what is there. */
    struct key middle = number_key(2500);
    assert_int_equal(cursor_seek(cursor, key_view(&middle), NULL, NULL), OK);
    assert_int_equal(cursor_next(cursor, NULL, NULL), OK);
    assert_int_equal(cursor_next(cursor, &key, NULL), OK);
    assert_int_equal(cursor_previous(cursor, &key, &value), OK);
    assert_true(number_in(key, value) == 2510);
    cursor_close(cursor);
}

static void test_a_walk_sees_everything_once_in_either_direction(void **state)
{
    struct fixture *f = *state;
    fill_multiples_of_ten(f, WALKED);
    assert_walks(begin_read(f->reader));
    reader_end(f->reader);
    struct txn *txn = begin_write(f->store);
    assert_walks(txn);
    write_abort(txn);
}

static void test_an_empty_table_has_no_first_and_no_last(void **state)
{
    struct fixture *f = *state;
    struct txn *txn = begin_read(f->reader);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    struct bytes key, value;
    assert_int_equal(cursor_seek(cursor, BYTES_NONE, &key, &value), ERR_NOT_FOUND);
    assert_int_equal(cursor_seek(cursor, BYTES("a"), &key, &value), ERR_NOT_FOUND);
    assert_int_equal(cursor_seek_before(cursor, BYTES_NONE, &key, &value), ERR_NOT_FOUND);
    assert_int_equal(cursor_seek_before(cursor, BYTES("a"), &key, &value), ERR_NOT_FOUND);
    assert_int_equal(table_get_before(txn, TABLE_MESSAGES, BYTES("a"), &key, &value), ERR_NOT_FOUND);
    assert_int_equal(table_rows(txn, TABLE_MESSAGES), 0);
    cursor_close(cursor);
    reader_end(f->reader);
}

/* Deletes what `dies` says in one walk and looks at what is left. */
static void delete_while_walking(struct fixture *f, bool (*dies)(uint64_t number))
{
    struct bytes key, value;
    uint64_t seen = 0, left = 0;
    struct txn *txn = begin_write(f->store);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_next(cursor, &key, &value)) {
        seen += 10;
        assert_true(number_in(key, value) == seen);
        if (dies(seen))
            assert_int_equal(cursor_del(cursor), OK);
        else
            ++left;
    }
    cursor_close(cursor);
    assert_true(seen == 10 * WALKED);
    assert_true(table_rows(txn, TABLE_MESSAGES) == left);
    for (uint64_t number = 10; number <= 10 * WALKED; number += 10) {
        struct key at = number_key(number);
        assert_int_equal(table_get(txn, TABLE_MESSAGES, key_view(&at), &value), dies(number) ? ERR_NOT_FOUND : OK);
    }
    write_abort(txn);
}

static bool every_one(uint64_t number)
{
    return number != 0;
}

static bool every_second(uint64_t number)
{
    return number % 20 == 0;
}

static bool a_stretch_over_pages(uint64_t number)
{
    return number >= 300 && number < 4700;
}

static bool the_first_and_the_last(uint64_t number)
{
    return number == 10 || number == 10 * WALKED;
}

static void test_deleting_while_walking_skips_nothing(void **state)
{
    struct fixture *f = *state;
    fill_multiples_of_ten(f, WALKED);
    delete_while_walking(f, every_one);
    delete_while_walking(f, every_second);
    delete_while_walking(f, a_stretch_over_pages);
    delete_while_walking(f, the_first_and_the_last);
}

/* Random work on a few tables at once, in many transactions; the kept cursors see every order of calls. */
static void test_random_work_agrees_with_an_array(void **state)
{
    struct fixture *f = *state;
    enum { KEYS = 700, TABLES = 3 };
    static const enum table tables[TABLES] = {TABLE_VISITORS, TABLE_CONVERSATIONS, TABLE_MESSAGES};
    static uint64_t committed[TABLES][KEYS], current[TABLES][KEYS]; /* 0: not there */
    memset(committed, 0, sizeof(committed));
    for (unsigned round = 0; round < 150; ++round) {
        struct txn *txn = begin_write(f->store);
        memcpy(current, committed, sizeof(current));
        for (unsigned step = 0; step < 200; ++step) {
            unsigned t = (unsigned)(random_u64(&pool) % TABLES), at = (unsigned)(random_u64(&pool) % KEYS);
            struct key key = number_key(at), value = number_key(random_u64(&pool) | 1);
            struct bytes found_key, found;
            size_t offset = 0;
            switch (random_u64(&pool) % 6) {
            case 0:
            case 1:
                assert_int_equal(table_put(txn, tables[t], key_view(&key), key_view(&value)), OK);
                current[t][at] = key_get_u64(key_view(&value), &offset);
                break;
            case 2:
                assert_int_equal(table_del(txn, tables[t], key_view(&key)), current[t][at] ? OK : ERR_NOT_FOUND);
                current[t][at] = 0;
                break;
            case 3: {
                unsigned before = at;
                while (before > 0 && current[t][before - 1] == 0)
                    --before;
                enum error error = table_get_before(txn, tables[t], key_view(&key), &found_key, &found);
                assert_int_equal(error, before > 0 ? OK : ERR_NOT_FOUND);
                if (error == OK)
                    assert_true(key_get_u64(found_key, &offset) == before - 1);
                break;
            }
            default:
                assert_int_equal(table_get(txn, tables[t], key_view(&key), &found),
                                 current[t][at] ? OK : ERR_NOT_FOUND);
                if (current[t][at])
                    assert_true(key_get_u64(found, &offset) == current[t][at]);
            }
            if (random_u64(&pool) % 16 == 0)
                txn_arena_reset(txn);
        }
        if (random_u64(&pool) % 4 == 0) {
            write_abort(txn);
        } else {
            commit_write(txn);
            memcpy(committed, current, sizeof(current));
        }
        txn = begin_read(f->reader);
        for (unsigned t = 0; t < TABLES; ++t) {
            uint64_t rows = 0;
            for (unsigned at = 0; at < KEYS; ++at)
                rows += committed[t][at] != 0;
            assert_true(table_rows(txn, tables[t]) == rows);
        }
        reader_end(f->reader);
    }
}

static void test_figures_agree_with_the_tables(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;
    fill_multiples_of_ten(f, WALKED);
    begin_read(f->reader);
    reader_end(f->reader);
    assert_int_equal(store_stats(f->store, f->reader, &stats), OK);
    assert_int_equal(stats.tables[TABLE_MESSAGES].rows, WALKED);
    assert_int_equal(stats.tables[TABLE_ORGS].rows, 0);
    assert_int_equal(stats.tables[TABLE_META].rows, 1);
    assert_true(stats.tables[TABLE_MESSAGES].pages > 1);
    assert_true(stats.tables[TABLE_MESSAGES].depth == 2);
    assert_true(stats.used_bytes <= stats.map_bytes);
    assert_true(stats.used_bytes <= stats.file_bytes);
    assert_true(stats.free_bytes < stats.used_bytes);
    assert_true(stats.readers >= 1 && stats.readers <= stats.readers_max);
    uint64_t used, map;
    unsigned readers;
    store_usage(f->store, &used, &map, &readers);
    assert_true(used == stats.used_bytes && map == stats.map_bytes && readers == stats.readers);
}

static void test_tables_have_names_of_their_own(void **state)
{
    (void)state;
    for (int a = 0; a < TABLE_COUNT; ++a)
        for (int b = a + 1; b < TABLE_COUNT; ++b)
            assert_string_not_equal(table_name((enum table)a), table_name((enum table)b));
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_read_back_as_they_were_put),
        cmocka_unit_test(test_keys_sort_as_their_numbers),
        cmocka_unit_test(test_tables_have_names_of_their_own),
        STORE_TEST(test_an_entry_is_there_from_put_to_del),
        STORE_TEST(test_values_of_every_length_come_back),
        STORE_TEST(test_what_a_write_transaction_read_outlives_its_puts),
        STORE_TEST(test_an_aborted_transaction_leaves_nothing),
        STORE_TEST(test_a_snapshot_stays_as_it_was),
        STORE_TEST(test_the_note_lasts_as_long_as_the_transaction),
        STORE_TEST(test_numbers_in_meta_are_kept_across_openings),
        STORE_TEST(test_seeking_finds_the_neighbour_at_the_ends_and_in_the_gaps),
        STORE_TEST(test_a_walk_sees_everything_once_in_either_direction),
        STORE_TEST(test_an_empty_table_has_no_first_and_no_last),
        STORE_TEST(test_deleting_while_walking_skips_nothing),
        STORE_TEST(test_random_work_agrees_with_an_array),
        STORE_TEST(test_figures_agree_with_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

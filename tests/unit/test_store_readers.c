/*
 * Reader slots: one for each reader that has read, given back when it is closed, and a limit that refuses instead of
 * waiting. What LMDB has in its lock file is asked for directly.
 */
#include "stores.h"

#include <pthread.h>
#include <stdatomic.h>

#include "store/internal.h"

struct fixture {
    struct directory directory;
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    f->directory = directory_make();
    f->store = open_mode(&f->directory, STORE_SERVE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    directory_remove(&f->directory);
    free(f);
    return 0;
}

/* mdb_reader_list gives a heading and a line for each slot, or one line that says there are none. */
static int on_line(const char *line, void *count)
{
    *(unsigned *)count += strstr(line, "pid") == NULL && strchr(line, '(') == NULL;
    return 0;
}

static unsigned slots_in_use(struct store *store)
{
    unsigned count = 0;
    assert_true(mdb_reader_list(store->env, on_line, &count) >= 0);
    return count;
}

static unsigned slots_told(struct store *store)
{
    uint64_t used, map;
    unsigned readers;
    store_usage(store, &used, &map, &readers);
    return readers;
}

static void test_a_slot_is_taken_at_the_first_snapshot_and_kept(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = reader_open(f->store);
    assert_int_equal(slots_in_use(f->store), 0);
    for (unsigned i = 0; i < 100; ++i) {
        begin_read(reader);
        assert_int_equal(slots_in_use(f->store), 1);
        reader_end(reader);
        assert_int_equal(slots_in_use(f->store), 1);
    }
    reader_close(reader);
    assert_int_equal(slots_in_use(f->store), 0);
}

static void test_slots_are_free_again_after_closing(void **state)
{
    struct fixture *f = *state;
    enum { READERS = 64 };
    struct reader *readers[READERS];
    for (unsigned round = 0; round < 20; ++round) {
        for (unsigned i = 0; i < READERS; ++i) {
            readers[i] = reader_open(f->store);
            begin_read(readers[i]);
        }
        assert_int_equal(slots_in_use(f->store), READERS);
        assert_int_equal(slots_told(f->store), READERS);
        for (unsigned i = 0; i < READERS; ++i)
            reader_end(readers[i]);
        for (unsigned i = 0; i < READERS; ++i)
            reader_close(readers[(i * 7 + round) % READERS]);
        assert_int_equal(slots_in_use(f->store), 0);
        assert_int_equal(slots_told(f->store), 0);
    }
}

static void test_a_reader_beyond_the_last_slot_is_refused_and_may_try_again(void **state)
{
    struct fixture *f = *state;
    static struct reader *readers[STORE_READERS_MAX];
    for (unsigned i = 0; i < STORE_READERS_MAX; ++i) {
        readers[i] = reader_open(f->store);
        begin_read(readers[i]);
        reader_end(readers[i]);
    }
    struct reader *late = reader_open(f->store);
    assert_null(reader_begin(late));
    assert_null(reader_begin(late));
    /* The map can still change its size: whoever was refused is not waited for. */
    assert_true(store_grow(f->store, false));
    reader_close(readers[17]);
    begin_read(late);
    reader_end(late);
    readers[17] = late;
    for (unsigned i = 0; i < STORE_READERS_MAX; ++i)
        reader_close(readers[i]);
    assert_int_equal(slots_in_use(f->store), 0);
}

static void *read_in_a_thread(void *argument)
{
    struct fixture *f = argument;
    for (unsigned i = 0; i < 200; ++i) {
        struct reader *reader = reader_open(f->store);
        struct txn *txn = begin_read(reader);
        uint64_t format;
        assert_int_equal(meta_get_u64(txn, META_FORMAT, &format), OK);
        assert_true(format == STORE_FORMAT);
        struct cursor *cursor = cursor_open(txn, TABLE_META);
        assert_int_equal(cursor_seek(cursor, BYTES_NONE, NULL, NULL), OK);
        cursor_close(cursor);
        reader_end(reader);
        reader_close(reader);
    }
    return NULL;
}

static void test_threads_come_and_go_and_leave_no_slot(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < 5; ++round) {
        pthread_t threads[8];
        for (unsigned i = 0; i < 8; ++i)
            assert_int_equal(pthread_create(&threads[i], NULL, read_in_a_thread, f), 0);
        for (unsigned i = 0; i < 8; ++i)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(slots_in_use(f->store), 0);
    }
}

/* A reader made in one thread may be used by another, as long as it is one at a time: no slot belongs to a thread. */
static void *use_reader(void *argument)
{
    begin_read(argument);
    reader_end(argument);
    return NULL;
}

static void test_a_reader_may_change_its_thread(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = reader_open(f->store);
    for (unsigned i = 0; i < 10; ++i) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, use_reader, reader), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        use_reader(reader);
    }
    assert_int_equal(slots_in_use(f->store), 1);
    reader_close(reader);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_slot_is_taken_at_the_first_snapshot_and_kept),
        STORE_TEST(test_slots_are_free_again_after_closing),
        STORE_TEST(test_a_reader_beyond_the_last_slot_is_refused_and_may_try_again),
        STORE_TEST(test_threads_come_and_go_and_leave_no_slot),
        STORE_TEST(test_a_reader_may_change_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The map grows under readers that never stop, ends at its limit with room kept for erasing, and follows what other
 * processes make of it. The other process is this program again: `test_store_grow child WHAT DIRECTORY NUMBER`.
 */
#include "stores.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/random.h"

#define MIB (1 << 20)

static const char *program;

static int set_up(void **state)
{
    struct directory *directory = malloc(sizeof(*directory));
    log_line_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    *directory = directory_make();
    *state = directory;
    return 0;
}

static int tear_down(void **state)
{
    directory_remove(*state);
    free(*state);
    return 0;
}

static struct store *open_small(const struct directory *directory, uint64_t data_bytes_max)
{
    return open_config(&(struct store_config){
        .directory = directory->path, .mode = STORE_SERVE, .map_bytes = MIB, .data_bytes_max = data_bytes_max});
}

static uint64_t map_bytes(struct store *store)
{
    uint64_t used, map;
    unsigned readers;
    store_usage(store, &used, &map, &readers);
    return map;
}

/* ---- entries that prove themselves ----------------------------------------------------------------------------- */

static char filler[4000];

static struct key number_key(uint64_t number)
{
    struct key key;
    key_clear(&key);
    key_put_u64(&key, number);
    return key;
}

/* Puts entry `number` and counts it in meta, in the same transaction. */
static enum error put_entry(struct txn *txn, uint64_t number)
{
    struct key key = number_key(number);
    enum error error = table_put(txn, TABLE_MESSAGES, key_view(&key), bytes_view(filler, sizeof(filler)));
    return error == OK ? meta_put_u64(txn, "entries", number + 1) : error;
}

/* Adds entries from..to, `together` a transaction, growing the map when it is full. False when it can't grow any more.
 */
static bool add_entries(struct store *store, uint64_t from, uint64_t to, unsigned together)
{
    while (from < to) {
        enum error error = OK;
        struct txn *txn = begin_write(store);
        uint64_t number = from;
        for (; number < to && number < from + together && error == OK; ++number)
            error = put_entry(txn, number);
        /* A commit takes pages too, for the list of free ones. */
        if (error == OK)
            error = write_commit(txn);
        else
            write_abort(txn);
        if (error == OK) {
            from = number;
            continue;
        }
        assert_int_equal(error, ERR_STORE_FULL);
        if (!store_grow(store, false))
            return false;
    }
    return true;
}

/* The number of entries of a snapshot, after having looked at some of them. */
static uint64_t prove_snapshot(struct txn *txn, struct random_pool *pool)
{
    uint64_t entries;
    assert_int_equal(meta_get_u64(txn, "entries", &entries), OK);
    assert_true(table_rows(txn, TABLE_MESSAGES) == entries);
    for (unsigned i = 0; i < 10 && entries > 0; ++i) {
        struct key key = number_key(i == 0 ? entries - 1 : random_u64(pool) % entries);
        struct bytes value;
        assert_int_equal(table_get(txn, TABLE_MESSAGES, key_view(&key), &value), OK);
        assert_true(bytes_equal(value, bytes_view(filler, sizeof(filler))));
    }
    struct key beyond = number_key(entries);
    assert_int_equal(table_get(txn, TABLE_MESSAGES, key_view(&beyond), NULL), ERR_NOT_FOUND);
    return entries;
}

static uint64_t count_entries(struct store *store)
{
    struct random_pool pool = {.left = 0};
    struct reader *reader = reader_open(store);
    uint64_t entries = prove_snapshot(begin_read(reader), &pool);
    reader_end(reader);
    reader_close(reader);
    return entries;
}

/* ---- growing under readers ------------------------------------------------------------------------------------- */

#define READERS 4
#define GROWN_ENTRIES 8000 /* 32 MB: five times the map doubles */

struct reading {
    pthread_t thread;
    struct store *store;
    atomic_bool *stop;
    _Atomic uint64_t *last_entries;
    uint64_t snapshots;
};

static void *read_until_stopped(void *argument)
{
    struct reading *reading = argument;
    struct random_pool pool = {.left = 0};
    uint64_t before = 0;
    struct reader *reader = reader_open(reading->store);
    while (!atomic_load(reading->stop)) {
        uint64_t entries = prove_snapshot(begin_read(reader), &pool);
        /* Never backwards, and never behind what was committed before the snapshot began. */
        assert_true(entries >= before);
        before = entries;
        reader_end(reader);
        ++reading->snapshots;
        if (reading->snapshots % 50 == 0) {
            reader_close(reader);
            reader = reader_open(reading->store);
        }
    }
    reader_close(reader);
    return NULL;
}

static void test_the_map_grows_under_readers_that_never_stop(void **state)
{
    atomic_bool stop = false;
    struct reading readings[READERS];
    struct store *store = open_small(*state, 0);
    uint64_t small = map_bytes(store);
    assert_true(small == MIB);
    for (unsigned i = 0; i < READERS; ++i) {
        readings[i] = (struct reading){.store = store, .stop = &stop};
        assert_int_equal(pthread_create(&readings[i].thread, NULL, read_until_stopped, &readings[i]), 0);
    }
    assert_true(add_entries(store, 0, GROWN_ENTRIES, 100));
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; ++i) {
        assert_int_equal(pthread_join(readings[i].thread, NULL), 0);
        assert_true(readings[i].snapshots > 0);
    }
    assert_true(map_bytes(store) >= 32 * small);
    assert_true(count_entries(store) == GROWN_ENTRIES);
    store_close(store);
    store = open_small(*state, 0);
    assert_true(count_entries(store) == GROWN_ENTRIES);
    store_close(store);
}

static void test_growing_waits_for_a_snapshot_and_keeps_it_whole(void **state)
{
    struct store *store = open_small(*state, 0);
    struct random_pool pool = {.left = 0};
    assert_true(add_entries(store, 0, 50, 50));
    struct reader *reader = reader_open(store);
    struct txn *snapshot = begin_read(reader);
    assert_true(prove_snapshot(snapshot, &pool) == 50);
    /* Written, but the map stays: room for it is left. */
    assert_true(add_entries(store, 50, 60, 10));
    assert_true(prove_snapshot(snapshot, &pool) == 50);
    reader_end(reader);
    uint64_t before = map_bytes(store);
    assert_true(store_grow(store, false));
    assert_true(map_bytes(store) == 2 * before);
    assert_true(prove_snapshot(begin_read(reader), &pool) == 60);
    reader_end(reader);
    reader_close(reader);
    store_close(store);
}

/* ---- the limit ------------------------------------------------------------------------------------------------- */

static void test_the_map_ends_at_its_limit(void **state)
{
    struct store *store = open_small(*state, 5 * MIB);
    assert_false(add_entries(store, 0, 100000, 7));
    uint64_t entries = count_entries(store);
    assert_true(entries * sizeof(filler) > 2 * MIB && entries * sizeof(filler) < 5 * MIB);
    assert_true(map_bytes(store) <= 5 * MIB);
    assert_false(store_grow(store, false));
    /* What is refused leaves the store as it was, as often as one tries. */
    for (unsigned i = 0; i < 20; ++i)
        assert_false(add_entries(store, entries, entries + 1000, 1000));
    assert_true(count_entries(store) == entries);
    store_close(store);
    store = open_small(*state, 5 * MIB);
    assert_true(count_entries(store) == entries);
    store_close(store);
}

static void test_erasing_may_go_beyond_the_limit_and_make_room(void **state)
{
    struct store *store = open_small(*state, 5 * MIB);
    assert_false(add_entries(store, 0, 100000, 1));
    uint64_t entries = count_entries(store);
    bool erased = false;
    for (unsigned tries = 0; tries < 3 && !erased; ++tries) {
        enum error error = OK;
        struct txn *txn = begin_write(store);
        for (uint64_t number = entries; number-- > 10 && error == OK;) {
            struct key key = number_key(number);
            error = table_del(txn, TABLE_MESSAGES, key_view(&key));
        }
        if (error == OK)
            error = meta_put_u64(txn, "entries", 10);
        if (error == OK)
            error = write_commit(txn);
        else
            write_abort(txn);
        erased = error == OK;
        if (!erased) {
            assert_int_equal(error, ERR_STORE_FULL);
            assert_true(store_grow(store, true));
        }
    }
    assert_true(erased);
    assert_true(count_entries(store) == 10);
    store_ripen(store);
    assert_true(add_entries(store, 10, entries / 2, 1));
    store_close(store);
}

static void test_a_limit_below_what_is_there_still_opens(void **state)
{
    struct store *store = open_small(*state, 0);
    assert_true(add_entries(store, 0, 2000, 100));
    store_close(store);
    store = open_small(*state, 2 * MIB);
    assert_true(count_entries(store) == 2000);
    assert_false(add_entries(store, 2000, 4000, 100));
    assert_true(count_entries(store) >= 2000);
    store_close(store);
}

static void test_a_tiny_limit_is_raised_to_what_a_store_needs(void **state)
{
    struct store *store = open_small(*state, 1);
    assert_true(map_bytes(store) == STORE_MAP_BYTES_MIN);
    assert_true(add_entries(store, 0, 10, 1));
    store_close(store);
}

/* ---- other processes ------------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int to, from; /* pipes: one byte each way says "go on" */
};

static struct child child_start(const char *what, const struct directory *directory, uint64_t number)
{
    int to[2], from[2];
    char text[32];
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        execl(program, program, "child", what, directory->path, text, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    return (struct child){pid, to[1], from[0]};
}

static void child_wait(const struct child *child)
{
    char byte;
    if (read(child->from, &byte, 1) != 1)
        fail_msg("the other process has died");
}

static void child_go_on(const struct child *child)
{
    assert_int_equal(write(child->to, "x", 1), 1);
}

static void child_end(const struct child *child)
{
    int status;
    close(child->to);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    close(child->from);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the other process ended with status %x", (unsigned)status);
}

/* In the child. */
static void require(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "child: %s\n", what);
    _exit(1);
}

static void tell(void)
{
    require(write(STDOUT_FILENO, "x", 1) == 1, "cannot tell");
}

/* False when the parent has closed its end. */
static bool await(void)
{
    char byte;
    return read(STDIN_FILENO, &byte, 1) == 1;
}

static bool child_add(struct store *store, uint64_t from, uint64_t to)
{
    while (from < to) {
        struct txn *txn;
        enum error error = write_begin(store, &txn);
        require(error == OK, "cannot begin");
        uint64_t number = from;
        for (; number < to && number < from + 100 && error == OK; ++number)
            error = put_entry(txn, number);
        if (error == OK)
            error = write_commit(txn);
        else
            write_abort(txn);
        if (error == OK) {
            from = number;
            continue;
        }
        require(error == ERR_STORE_FULL, "cannot write");
        if (!store_grow(store, false))
            return false;
    }
    return true;
}

static int child_main(const char *what, const char *path, uint64_t number)
{
    char why[STORE_WHY_LEN] = "";
    bool reading = strcmp(what, "read") == 0;
    struct store_config config = {.directory = path,
                                  .mode = strcmp(what, "serve") == 0 ? STORE_SERVE
                                          : reading                  ? STORE_READ_ONLY
                                                                     : STORE_ADMIN,
                                  .map_bytes = MIB};
    log_line_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    alarm(300);
    struct store *store = store_open(&config, why);
    if (strcmp(what, "serve") == 0)
        return store == NULL && strstr(why, "another helvino server is using") != NULL ? 42 : 1;
    require(store != NULL, why);
    if (strcmp(what, "add") == 0) {
        /* From `number` on twice as many, and again at each word of the parent. */
        for (uint64_t from = number; from == number || await(); from *= 2) {
            require(child_add(store, from, 2 * from), "the map does not grow");
            tell();
        }
    } else if (reading) {
        /* A snapshot at each word of the parent. */
        struct random_pool pool = {.left = 0};
        struct reader *reader = reader_open(store);
        for (tell(); await(); tell()) {
            struct txn *txn = reader_begin(reader);
            require(txn != NULL, "cannot read");
            uint64_t entries;
            struct bytes value;
            require(meta_get_u64(txn, "entries", &entries) == OK && entries >= number, "too few entries");
            require(table_rows(txn, TABLE_MESSAGES) == entries, "rows and number differ");
            struct key key = number_key(random_u64(&pool) % entries), last = number_key(entries - 1);
            require(table_get(txn, TABLE_MESSAGES, key_view(&key), &value) == OK, "an entry is missing");
            require(table_get(txn, TABLE_MESSAGES, key_view(&last), &value) == OK, "the last entry is missing");
            reader_end(reader);
        }
        reader_close(reader);
    } else if (strcmp(what, "hold") == 0) {
        /* A snapshot that is never ended: the parent kills this process. */
        require(reader_begin(reader_open(store)) != NULL, "cannot read");
        tell();
        while (await())
            ;
        return 1;
    }
    store_close(store);
    return 0;
}

static void test_a_second_server_is_refused_and_the_first_goes_on(void **state)
{
    const struct directory *directory = *state;
    char why[STORE_WHY_LEN];
    struct store *store = open_small(directory, 0);
    struct child child = child_start("serve", directory, 0);
    int status;
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    close(child.to);
    close(child.from);
    assert_null(store_open(&(struct store_config){.directory = directory->path, .mode = STORE_SERVE}, why));
    assert_non_null(strstr(why, "another helvino server is using"));
    assert_true(add_entries(store, 0, 100, 10));
    store_close(store);
    store = open_small(directory, 0);
    assert_true(count_entries(store) == 100);
    store_close(store);
}

static void test_an_admin_beside_a_server_grows_the_map_and_the_server_follows(void **state)
{
    const struct directory *directory = *state;
    struct random_pool pool = {.left = 0};
    struct store *store = open_small(directory, 0);
    assert_true(add_entries(store, 0, 50, 50));
    struct reader *reader = reader_open(store);
    assert_true(prove_snapshot(begin_read(reader), &pool) == 50);
    reader_end(reader);
    struct child child = child_start("add", directory, 50);
    for (uint64_t entries = 100; entries <= 6400; entries *= 2) {
        child_wait(&child);
        /* Now by the reader first, now by the writer first. */
        if (entries % 400 == 0)
            assert_true(prove_snapshot(begin_read(reader), &pool) == entries), reader_end(reader);
        struct txn *txn = begin_write(store);
        assert_true(prove_snapshot(txn, &pool) == entries);
        assert_int_equal(meta_put_u64(txn, "seen", entries), OK);
        commit_write(txn);
        assert_true(prove_snapshot(begin_read(reader), &pool) == entries);
        reader_end(reader);
        if (entries < 6400)
            child_go_on(&child);
    }
    child_end(&child);
    assert_true(map_bytes(store) > 20 * MIB);
    reader_close(reader);
    store_close(store);
}

static void test_another_process_follows_the_map_that_grows_here(void **state)
{
    const struct directory *directory = *state;
    struct store *store = open_small(directory, 0);
    assert_true(add_entries(store, 0, 10, 10));
    struct child child = child_start("read", directory, 10);
    child_wait(&child);
    for (uint64_t entries = 10; entries < 5000; entries *= 3) {
        child_go_on(&child);
        child_wait(&child);
        assert_true(add_entries(store, entries, 3 * entries, 100));
    }
    child_go_on(&child);
    child_wait(&child);
    child_end(&child);
    store_close(store);
}

static void test_two_processes_write_in_turns_and_lose_nothing(void **state)
{
    const struct directory *directory = *state;
    struct store *store = open_small(directory, 0);
    assert_true(add_entries(store, 0, 4, 4));
    struct child child = child_start("add", directory, 4);
    child_wait(&child);
    uint64_t entries = 8;
    for (unsigned turn = 0; turn < 8; ++turn) {
        /* The child continues at 8, 16, …; here the gap in between is never left open. */
        assert_true(count_entries(store) == entries);
        struct txn *txn = begin_write(store);
        assert_int_equal(meta_put_u64(txn, "turn", turn), OK);
        commit_write(txn);
        child_go_on(&child);
        child_wait(&child);
        entries *= 2;
    }
    child_end(&child);
    assert_true(count_entries(store) == entries);
    store_close(store);
}

static void test_the_snapshot_of_a_killed_process_is_freed(void **state)
{
    const struct directory *directory = *state;
    struct store *store = open_small(directory, 0);
    assert_true(add_entries(store, 0, 100, 100));
    struct child child = child_start("hold", directory, 0);
    child_wait(&child);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    close(child.to);
    close(child.from);
    store_check_readers(store);
    /* The same page over and over: were the snapshot still held, the file would grow with each. */
    uint64_t used_before, used_after, map;
    unsigned readers;
    for (unsigned round = 0; round < 200; ++round) {
        if (round == 100)
            store_usage(store, &used_before, &map, &readers);
        struct txn *txn = begin_write(store);
        assert_int_equal(put_entry(txn, 99), OK);
        commit_write(txn);
    }
    store_usage(store, &used_after, &map, &readers);
    assert_true(used_after <= used_before);
    store_close(store);
}

int main(int argc, char **argv)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_the_map_grows_under_readers_that_never_stop),
        STORE_TEST(test_growing_waits_for_a_snapshot_and_keeps_it_whole),
        STORE_TEST(test_the_map_ends_at_its_limit),
        STORE_TEST(test_erasing_may_go_beyond_the_limit_and_make_room),
        STORE_TEST(test_a_limit_below_what_is_there_still_opens),
        STORE_TEST(test_a_tiny_limit_is_raised_to_what_a_store_needs),
        STORE_TEST(test_a_second_server_is_refused_and_the_first_goes_on),
        STORE_TEST(test_an_admin_beside_a_server_grows_the_map_and_the_server_follows),
        STORE_TEST(test_another_process_follows_the_map_that_grows_here),
        STORE_TEST(test_two_processes_write_in_turns_and_lose_nothing),
        STORE_TEST(test_the_snapshot_of_a_killed_process_is_freed),
    };
    memset(filler, 'f', sizeof(filler));
    if (argc == 5 && strcmp(argv[1], "child") == 0)
        return child_main(argv[2], argv[3], strtoull(argv[4], NULL, 10));
    program = "/proc/self/exe";
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A directory or a backup that was made before a table was added, within the same format: whoever reads finds the table
 * empty, whoever writes finds it made. A table that was always there is not taken for one of those.
 */
#include "world.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/wait.h>

static void world_close(struct world *w)
{
    reader_close(w->reader);
    store_close(w->store);
}

static void world_open(struct world *w, const struct store_config *config)
{
    w->store = open_config(config);
    w->reader = reader_open(w->store);
}

static void world_open_mode(struct world *w, enum store_mode mode)
{
    world_open(w, &(struct store_config){.directory = w->directory.path, .mode = mode});
}

/* As an earlier helvino left it. The map is large, so that there is room for taking it away. */
static void drop_table(const struct directory *directory, enum table table)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, TABLE_COUNT), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 1 << 28), 0);
    assert_int_equal(mdb_env_open(env, directory->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_name(table), 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void make_older(struct world *w)
{
    struct id id = converse(w, w->org, "v_one");
    say(w, w->org, id, NULL);
    converse(w, w->other_org, NULL);
    world_close(w);
    drop_table(&w->directory, TABLE_CONVERSATION_BY_MARK);
}

static void assert_reads_as_empty(struct world *w)
{
    struct key key;
    struct bytes k, v;
    struct store_stats stats;
    struct txn *txn = look(w);
    mark_key(&key, w->org, 1);
    assert_int_equal(table_rows(txn, TABLE_CONVERSATION_BY_MARK), 0);
    assert_int_equal(table_get(txn, TABLE_CONVERSATION_BY_MARK, key_view(&key), &v), ERR_NOT_FOUND);
    assert_int_equal(table_get_before(txn, TABLE_CONVERSATION_BY_MARK, BYTES_NONE, &k, &v), ERR_NOT_FOUND);
    struct cursor *cursor = cursor_open(txn, TABLE_CONVERSATION_BY_MARK);
    assert_int_equal(cursor_seek(cursor, BYTES_NONE, &k, &v), ERR_NOT_FOUND);
    assert_int_equal(cursor_seek(cursor, key_view(&key), &k, &v), ERR_NOT_FOUND);
    assert_int_equal(cursor_seek_before(cursor, BYTES_NONE, &k, &v), ERR_NOT_FOUND);
    assert_int_equal(cursor_next(cursor, &k, &v), ERR_NOT_FOUND);
    assert_int_equal(cursor_previous(cursor, &k, &v), ERR_NOT_FOUND);
    cursor_close(cursor);
    look_away(w);
    assert_int_equal(store_stats(w->store, w->reader, &stats), OK);
    assert_true(stats.tables[TABLE_CONVERSATION_BY_MARK].rows == 0 &&
                stats.tables[TABLE_CONVERSATION_BY_MARK].pages == 0);
    assert_true(stats.tables[TABLE_CONVERSATIONS].rows == 2 && stats.tables[TABLE_CONVERSATIONS].pages > 0);
    assert_int_equal(assert_sound(w).rows[TABLE_CONVERSATIONS], 2);
}

static void test_a_reader_finds_it_empty(void **state)
{
    struct world *w = *state;
    make_older(w);
    for (unsigned i = 0; i < 2; ++i) {
        world_open_mode(w, STORE_READ_ONLY);
        assert_reads_as_empty(w);
        if (i == 0)
            world_close(w);
    }
}

static void test_a_backup_without_it_is_read(void **state)
{
    struct world *w = *state;
    char path[256], why[STORE_WHY_LEN];
    make_older(w);
    world_open_mode(w, STORE_READ_ONLY);
    snprintf(path, sizeof(path), "%s/backup", w->directory.path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && store_backup(w->store, fd, why));
    close(fd);
    world_close(w);
    world_open(w, &(struct store_config){.directory = path, .mode = STORE_READ_ONLY});
    assert_reads_as_empty(w);
}

static void test_whoever_writes_has_it(void **state)
{
    struct world *w = *state;
    static const enum store_mode modes[] = {STORE_ADMIN, STORE_SERVE};
    for (unsigned i = 0; i < 2; ++i) {
        struct id id = converse(w, w->org, "v_one");
        uint64_t seq = say(w, w->org, id, NULL);
        world_close(w);
        drop_table(&w->directory, TABLE_CONVERSATION_BY_MARK);
        world_open_mode(w, modes[i]);
        assert_true(is_marked_at(w, w->org, read_by_org(w, w->org, id, seq), id));
        assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_MARK], 1);
        assert_sound(w);
        struct command erase = visitor_erase(w, w->org, "v_one"); /* so that no mark is there without the table */
        must(w, &erase);
    }
}

/* What was written before conversations had a status is in none of the tables of that, and is resolved. */
static void test_what_was_there_before_agents_worked_is_resolved_and_opens(void **state)
{
    static const enum table tables[] = {TABLE_CONVERSATION_OPEN, TABLE_CONVERSATION_BY_SNOOZE,
                                        TABLE_CONVERSATION_BY_WORK, TABLE_NOTES, TABLE_REPLIES};
    struct world *w = *state;
    struct outcome outcome;
    struct id id = world_id(w);
    struct command old = {
        .kind = COMMAND_CONVERSATION_IMPORT,
        .conversation_import = {.org = w->org, .conversation = id, .created_at_ms = NOW_MS, .updated_at_ms = NOW_MS}};
    must(w, &old);
    world_close(w);
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i)
        drop_table(&w->directory, tables[i]);
    world_open_mode(w, STORE_READ_ONLY);
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i) {
        assert_int_equal(table_rows(look(w), tables[i]), 0);
        look_away(w);
    }
    assert_int_equal(conversation_of(w, id).status, STATUS_RESOLVED);
    assert_sound(w);
    world_close(w);
    world_open_mode(w, STORE_SERVE);
    struct command word = message_create(w, w->org, id, NULL, "hello again"),
                   reply = reply_create(w, w->org, "hi", "Hi!");
    outcome = must(w, &word);
    assert_true(is_open_as(w, w->org, STATUS_OPEN, ID_NONE, id) && is_worked_at(w, w->org, outcome.seq, id));
    note(w, w->org, id, "has been here before");
    must(w, &reply);
    set_status(w, w->org, id, STATUS_SNOOZED, w->now_ms + DAY_MS);
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i)
        assert_int_equal(count_rows(w).of[tables[i]], 1);
    assert_sound(w);
}

static void test_the_other_tables_must_be_there(void **state)
{
    struct world *w = *state;
    char why[STORE_WHY_LEN];
    world_close(w);
    drop_table(&w->directory, TABLE_ALIASES);
    assert_null(store_open(&(struct store_config){.directory = w->directory.path, .mode = STORE_READ_ONLY}, why));
    assert_non_null(strstr(why, "cannot prepare the database"));
    world_open_mode(w, STORE_ADMIN);
}

/* Another process with a snapshot of now: no page that is freed from here on can be used again. Gives the descriptor
 * whose closing ends it. */
static int hold_snapshot(const struct directory *directory, pid_t *child)
{
    int ready[2], stop[2];
    char byte = 0;
    assert_true(pipe(ready) == 0 && pipe(stop) == 0);
    *child = fork();
    assert_true(*child >= 0);
    if (*child == 0) {
        close(stop[1]);
        struct store *store =
            open_config(&(struct store_config){.directory = directory->path, .mode = STORE_READ_ONLY});
        begin_read(reader_open(store));
        bool told = write(ready[1], &byte, 1) == 1, stopped = read(stop[0], &byte, 1) == 0;
        _exit(told && stopped ? 0 : 1);
    }
    close(ready[1]);
    close(stop[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return stop[1];
}

/* The limit of the data has been reached to the last page: a new helvino opens it all the same, and it can be emptied.
 */
static void test_a_full_store_gets_it_too(void **state)
{
    struct world *w = *state;
    uint64_t used, map_bytes;
    unsigned readers;
    int status;
    pid_t child;
    struct outcome outcome;
    enum error error = OK;
    enum { LIMIT = 1 << 20 };
    const struct store_config config = {
        .directory = w->directory.path, .mode = STORE_SERVE, .map_bytes = LIMIT, .data_bytes_max = LIMIT};
    struct id id = converse(w, w->org, "v_one");
    world_close(w);
    int stop = hold_snapshot(&w->directory, &child);
    world_open(w, &config);
    while (error == OK) {
        struct command message = message_create(w, w->org, id, "v_one", "hello");
        error = give(w, &message, &outcome);
    }
    assert_int_equal(error, ERR_STORE_FULL);
    world_close(w);
    drop_table(&w->directory, TABLE_CONVERSATION_BY_MARK);
    world_open(w, &config);
    store_usage(w->store, &used, &map_bytes, &readers);
    assert_true(map_bytes > LIMIT);
    close(stop);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_check_readers(w->store); /* as the server does: who has died holds its snapshot until then */
    struct command erase = visitor_erase(w, w->org, "v_one");
    assert_true(must(w, &erase).erased_messages > 0);
    converse(w, w->org, "v_two");
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_reader_finds_it_empty),
        WORLD_TEST(test_a_backup_without_it_is_read),
        WORLD_TEST(test_whoever_writes_has_it),
        WORLD_TEST(test_the_other_tables_must_be_there),
        WORLD_TEST(test_a_full_store_gets_it_too),
        WORLD_TEST(test_what_was_there_before_agents_worked_is_resolved_and_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A directory of format 1, opened by this helvino: everything in it is there, the new index is complete, a copy of what
 * it was is kept; and whatever stops it half-way, the next opening goes on.
 */
#include "world.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/migrate.c"

/* ---- directories of format 1 ----------------------------------------------------------------------------------- */

static void empty_table(struct txn *txn, enum table table)
{
    struct cursor *cursor = cursor_open(txn, table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, NULL, NULL); error == OK;
         error = cursor_next(cursor, NULL, NULL))
        assert_int_equal(cursor_del(cursor), OK);
    cursor_close(cursor);
}

/* As an older helvino left it: without what format 2 has added. */
static void make_old(struct world *w)
{
    struct txn *txn = begin_write(w->store);
    empty_table(txn, TABLE_CONVERSATION_BY_UPDATED);
    empty_table(txn, TABLE_ALIASES);
    assert_int_equal(meta_put_u64(txn, META_FORMAT, 1), OK);
    commit_write(txn);
}

static void world_close(struct world *w)
{
    reader_close(w->reader);
    store_close(w->store);
}

static void world_open(struct world *w)
{
    w->store = open_store(&w->directory);
    w->reader = reader_open(w->store);
}

static void fill_world(struct world *w)
{
    for (unsigned i = 0; i < 40; ++i) {
        struct id org = i % 3 == 0 ? w->other_org : w->org, id = converse(w, org, i % 4 == 0 ? NULL : "v_one");
        for (unsigned n = 0; n < i % 4; ++n) {
            w->now_ms += n % 2 == 0 ? MINUTE_MS : -MINUTE_MS / 2;
            say(w, org, id, NULL);
        }
    }
}

static enum error try_put_conversations(struct world *w, unsigned count)
{
    enum error error = OK;
    struct txn *txn = begin_write(w->store);
    for (unsigned i = 0; i < count && error == OK; ++i) {
        error = conversation_put(txn, &(struct conversation){.id = id_make(NOW_MS + i, &w->pool),
                                                             .org = w->org,
                                                             .created_at_ms = NOW_MS + i * 1000,
                                                             .changed_at_ms = NOW_MS + i * 1000,
                                                             .changed_seq = 2});
        txn_arena_reset(txn);
    }
    if (error == OK)
        return write_commit(txn);
    write_abort(txn);
    return error;
}

/* Straight into the tables: how many there are is what matters. The map is as small as it can be, so that it has to
 * grow for the index too. */
static void put_conversations(struct world *w, unsigned count)
{
    enum error error = try_put_conversations(w, count);
    while (error == ERR_STORE_FULL && store_grow(w->store, false))
        error = try_put_conversations(w, count);
    assert_int_equal(error, OK);
}

static void dump_but_new(struct world *w, struct buffer *out)
{
    struct txn *txn = look(w);
    for (int table = TABLE_ORGS; table < TABLE_COUNT; ++table)
        if (table != TABLE_CONVERSATION_BY_UPDATED && table != TABLE_ALIASES)
            dump_table(txn, (enum table)table, out);
    look_away(w);
}

static uint64_t format_of(struct world *w)
{
    uint64_t format;
    assert_int_equal(meta_get_u64(look(w), META_FORMAT, &format), OK);
    look_away(w);
    return format;
}

static void assert_up_to_date(struct world *w)
{
    struct rows rows = count_rows(w);
    assert_int_equal(format_of(w), STORE_FORMAT);
    assert_int_equal(rows.of[TABLE_CONVERSATION_BY_UPDATED], rows.of[TABLE_CONVERSATIONS]);
}

static const char *path_in(const struct directory *directory, const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory->path, name);
    return path;
}

static void assert_open_refused(struct world *w, enum store_mode mode, const char *sentence)
{
    char why_not[STORE_WHY_LEN];
    assert_null(store_open(&(struct store_config){.directory = w->directory.path, .mode = mode}, why_not));
    if (strstr(why_not, sentence) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", sentence, why_not);
}

/* ---- what is promised ------------------------------------------------------------------------------------------ */

/* As format 1 had it: no clientId, and nothing that leads to the message by one. */
static void take_client_id(struct world *w, struct id conversation, uint64_t seq)
{
    struct key block;
    struct message message;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(message_get(txn, conversation, seq, &message), OK);
    message.client_id = BYTES_NONE;
    assert_int_equal(message_put(txn, &message), OK);
    message_key(&block, conversation, MESSAGE_CLIENT_BIT);
    assert_int_equal(table_del(txn, TABLE_MESSAGES, key_view(&block)), OK);
    commit_write(txn);
}

static void test_a_message_without_a_client_id_gets_its_own(void **state)
{
    struct world *w = *state;
    struct outcome outcome;
    struct message message;
    char own[ID_TEXT_LEN];
    struct id conversation = converse(w, w->org, "v_a");
    struct command spoken = message_create(w, w->org, conversation, "v_a", "hello");
    uint64_t seq = must(w, &spoken).seq;
    take_client_id(w, conversation, seq);
    make_old(w);
    world_close(w);
    world_open(w);
    assert_sound(w);
    id_format(spoken.message_create.message, own);
    assert_int_equal(message_get(look(w), conversation, seq, &message), OK);
    assert_true(bytes_equal(message.client_id, bytes_view(own, ID_TEXT_LEN)));
    look_away(w);
    struct command row = {.kind = COMMAND_MESSAGE_IMPORT,
                          .message_import = {.org = w->org,
                                             .conversation = conversation,
                                             .message = spoken.message_create.message,
                                             .role = BYTES("user"),
                                             .content = BYTES("hello"),
                                             .at_ms = w->now_ms,
                                             .client_id = bytes_view(own, ID_TEXT_LEN)}};
    assert_int_equal(give(w, &row, &outcome), OK);
    assert_true(outcome.replayed);
}

static void test_everything_is_there_and_the_index_is_complete(void **state)
{
    struct world *w = *state;
    struct buffer before = {0}, after = {0};
    fill_world(w);
    dump_but_new(w, &before);
    make_old(w);
    world_close(w);
    world_open(w);
    assert_up_to_date(w);
    assert_int_equal(assert_sound(w).stale_updated, 0);
    dump_but_new(w, &after);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    converse(w, w->org, "v_one");
    assert_sound(w);
}

static void test_a_server_does_it_too(void **state)
{
    struct world *w = *state;
    fill_world(w);
    make_old(w);
    world_close(w);
    w->store = open_mode(&w->directory, STORE_SERVE);
    w->reader = reader_open(w->store);
    assert_up_to_date(w);
    assert_sound(w);
}

static void test_an_empty_one_is_only_given_its_number(void **state)
{
    struct world *w = *state;
    make_old(w);
    world_close(w);
    world_open(w);
    assert_up_to_date(w);
    assert_sound(w);
}

static void test_what_it_was_is_kept(void **state)
{
    struct world *w = *state;
    struct directory older = directory_make();
    char command[512];
    fill_world(w);
    make_old(w);
    struct rows rows = count_rows(w);
    world_close(w);
    world_open(w);
    struct world backup = {.store = NULL};
    int len = snprintf(backup.directory.path, sizeof(backup.directory.path), "%s",
                       path_in(&w->directory, "data.mdb.format-1"));
    assert_true(len < (int)sizeof(backup.directory.path));
    assert_open_refused(&backup, STORE_READ_ONLY,
                        "restoring it and starting the server on it once brings it up to date");
    snprintf(command, sizeof(command), "mv %s/data.mdb.format-1 %s/data.mdb", w->directory.path, older.path);
    assert_int_equal(system(command), 0);
    struct world old = {.directory = older};
    assert_open_refused(&old, STORE_READ_ONLY, "has format 1, of an older helvino");
    world_open(&old);
    assert_up_to_date(&old);
    assert_int_equal(count_rows(&old).of[TABLE_MESSAGES], rows.of[TABLE_MESSAGES]);
    assert_sound(&old);
    world_close(&old);
    directory_remove(&older);
    assert_int_not_equal(access(path_in(&w->directory, "data.mdb.format-1.partial"), F_OK), 0);
}

/* Also by commands, which show nothing below a warning. */
static void test_the_copy_is_told_and_that_it_may_be_deleted(void **state)
{
    struct world *w = *state;
    char said[2048];
    int ends[2], kept = dup(STDERR_FILENO);
    make_old(w);
    world_close(w);
    assert_int_equal(pipe(ends), 0);
    log_line_setup(LOG_WARN, LOG_FORMAT_TEXT);
    dup2(ends[1], STDERR_FILENO);
    world_open(w);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t len = read(ends[0], said, sizeof(said) - 1);
    said[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    assert_non_null(strstr(said, "may be deleted once all is well"));
    assert_non_null(strstr(said, path_in(&w->directory, "data.mdb.format-1")));
    assert_non_null(strstr(said, "has been brought up to date"));
}

static void test_who_only_reads_is_told_what_to_do(void **state)
{
    struct world *w = *state;
    make_old(w);
    world_close(w);
    assert_open_refused(w, STORE_READ_ONLY,
                        "has format 1, of an older helvino; starting the server on it once, or any command that "
                        "writes, brings it up to date");
    assert_int_not_equal(access(path_in(&w->directory, "data.mdb.format-1"), F_OK), 0);
    world_open(w);
}

static void test_without_a_copy_nothing_is_changed(void **state)
{
    struct world *w = *state;
    fill_world(w);
    make_old(w);
    world_close(w);
    assert_int_equal(mkdir(path_in(&w->directory, "data.mdb.format-1.partial"), 0700), 0);
    assert_open_refused(w, STORE_ADMIN, "the copy that is kept before it is brought up to date can't be written");
    assert_open_refused(w, STORE_READ_ONLY, "has format 1");
    assert_int_equal(rmdir(path_in(&w->directory, "data.mdb.format-1.partial")), 0);
    world_open(w);
    assert_up_to_date(w);
    assert_sound(w);
}

/* It would go on writing what the new index misses. */
static void test_an_older_server_that_runs_is_not_overtaken(void **state)
{
    struct world *w = *state;
    make_old(w);
    world_close(w);
    int lock = open(path_in(&w->directory, "helvino.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_open_refused(w, STORE_ADMIN, "is of an older helvino, and a server is using it");
    bool is_older = true;
    char why_not[STORE_WHY_LEN];
    assert_null(store_open(
        &(struct store_config){.directory = w->directory.path, .mode = STORE_ADMIN, .is_older = &is_older}, why_not));
    assert_false(is_older); /* that is not why: the sentence is */
    close(lock);
    world_open(w);
    assert_up_to_date(w);
    /* And servers may start again. */
    lock = open(path_in(&w->directory, "helvino.lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    close(lock);
}

/* ---- in the middle of it --------------------------------------------------------------------------------------- */

static void test_a_crash_after_any_step_is_made_good(void **state)
{
    struct world *w = *state;
    enum { CONVERSATIONS = 2 * STEP_CONVERSATIONS + 17 };
    put_conversations(w, CONVERSATIONS);
    for (unsigned steps = 0; steps <= 3; ++steps) {
        struct migration migration = {.done = false};
        make_old(w);
        for (unsigned i = 0; i < steps; ++i) {
            enum error error = step(w->store, &migration);
            while (error == ERR_STORE_FULL && store_grow(w->store, true))
                error = step(w->store, &migration);
            assert_int_equal(error, OK);
        }
        assert_int_equal(migration.done, steps == 3);
        assert_int_equal(format_of(w), steps == 3 ? STORE_FORMAT : 1);
        assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_UPDATED],
                         steps == 3 ? CONVERSATIONS : steps * STEP_CONVERSATIONS);
        world_close(w);
        world_open(w);
        assert_up_to_date(w);
    }
}

static void test_two_processes_at_once_do_it_once_or_twice(void **state)
{
    struct world *w = *state;
    put_conversations(w, 2 * STEP_CONVERSATIONS + 17);
    make_old(w);
    world_close(w);
    pid_t children[2];
    for (unsigned i = 0; i < 2; ++i) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char why_not[STORE_WHY_LEN];
            _exit(store_open(&(struct store_config){.directory = w->directory.path, .mode = STORE_ADMIN}, why_not) ==
                  NULL);
        }
    }
    for (unsigned i = 0; i < 2; ++i) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    world_open(w);
    assert_up_to_date(w);
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

static void test_damaged_records_are_left_to_check(void **state)
{
    struct world *w = *state;
    fill_world(w);
    struct id bad[] = {converse(w, w->org, NULL), converse(w, w->org, NULL), converse(w, w->org, NULL)};
    uint64_t seq = say(w, w->org, bad[1], NULL);
    struct key message;
    struct conversation early = conversation_of(w, bad[2]);
    struct txn *txn = begin_write(w->store);
    MDB_val k = {ID_LEN, bad[0].bytes}, value = {20, "twenty damaged bytes"};
    assert_int_equal(mdb_put(txn->handle, w->store->tables[TABLE_CONVERSATIONS], &k, &value, 0), 0);
    message_key(&message, bad[1], seq);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&message), BYTES("rubbish")), OK);
    early.changed_at_ms = -1;
    assert_int_equal(conversation_put(txn, &early), OK);
    commit_write(txn);
    make_old(w);
    int64_t conversations = count_rows(w).of[TABLE_CONVERSATIONS];
    world_close(w);
    world_open(w);
    assert_int_equal(format_of(w), STORE_FORMAT);
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_UPDATED], conversations - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_everything_is_there_and_the_index_is_complete),
        WORLD_TEST(test_a_message_without_a_client_id_gets_its_own),
        WORLD_TEST(test_a_server_does_it_too),
        WORLD_TEST(test_an_empty_one_is_only_given_its_number),
        WORLD_TEST(test_what_it_was_is_kept),
        WORLD_TEST(test_the_copy_is_told_and_that_it_may_be_deleted),
        WORLD_TEST(test_who_only_reads_is_told_what_to_do),
        WORLD_TEST(test_without_a_copy_nothing_is_changed),
        WORLD_TEST(test_an_older_server_that_runs_is_not_overtaken),
        WORLD_TEST(test_a_crash_after_any_step_is_made_good),
        WORLD_TEST(test_two_processes_at_once_do_it_once_or_twice),
        WORLD_TEST(test_damaged_records_are_left_to_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

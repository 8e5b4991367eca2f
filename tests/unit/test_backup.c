/*
 * Copies of a store: the same rows in a file that is read by itself, the reason when there is no room, and what a
 * restore makes of a backup that an older helvino made. What the commands say is tested with the program
 * (tests/sql/backup.test.mjs).
 */
#include "world.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/cli.h"

static void path_in(const struct world *w, const char *name, char out[256])
{
    snprintf(out, 256, "%s-%s", w->directory.path, name);
}

static void fill(struct world *w)
{
    for (unsigned i = 0; i < 300; ++i) {
        struct id id = converse(w, w->org, i % 3 == 0 ? NULL : "v_one");
        for (unsigned n = 0; n < i % 5; ++n)
            say(w, w->org, id, NULL);
        w->now_ms += MINUTE_MS;
    }
}

static void back_up(struct world *w, const char *path)
{
    char why[STORE_WHY_LEN] = "";
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    if (!store_backup(w->store, fd, why))
        fail_msg("the backup failed: %s", why);
    close(fd);
}

static struct buffer dump_file(const char *path)
{
    struct store *store = open_config(&(struct store_config){.directory = path, .mode = STORE_READ_ONLY});
    struct buffer dump = dump_store(store);
    store_close(store);
    return dump;
}

static void close_world(struct world *w)
{
    reader_close(w->reader);
    store_close(w->store);
}

static void open_world(struct world *w)
{
    w->store = open_store(&w->directory);
    w->reader = reader_open(w->store);
}

static void test_a_copy_has_the_same_rows_and_is_read_as_a_file(void **state)
{
    struct world *w = *state;
    char path[256];
    path_in(w, "copy", path);
    fill(w);
    back_up(w, path);
    struct buffer original = dump_store(w->store);
    converse(w, w->org, "v_later"); /* the copy stays what it was */
    close_world(w);
    struct buffer copy = dump_file(path);
    assert_dumps_equal(&original, &copy);
    buffer_dispose(&original);
    buffer_dispose(&copy);
    assert_int_equal(unlink(path), 0);
    open_world(w);
}

static void test_a_copy_of_a_store_that_has_grown_is_whole(void **state)
{
    struct world *w = *state;
    char path[256];
    path_in(w, "copy", path);
    fill(w);
    assert_true(store_grow(w->store, false));
    fill(w);
    back_up(w, path);
    struct buffer original = dump_store(w->store);
    close_world(w);
    struct buffer copy = dump_file(path);
    assert_dumps_equal(&original, &copy);
    buffer_dispose(&original);
    buffer_dispose(&copy);
    assert_int_equal(unlink(path), 0);
    open_world(w);
}

static void test_no_room_is_the_reason_and_the_store_goes_on(void **state)
{
    struct world *w = *state;
    char why[STORE_WHY_LEN] = "";
    fill(w);
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_false(store_backup(w->store, fd, why));
    close(fd);
    assert_string_equal(why, "No space left on device");
    converse(w, w->org, "v_later");
    assert_sound(w);
}

/* ---- restoring ------------------------------------------------------------------------------------------------- */

static int restore(const char *path, const char *directory)
{
    const struct options options = {.arguments = {path}, .argument_count = 1, .data = directory};
    return cli_restore(&options);
}

static void empty_table(struct txn *txn, enum table table)
{
    struct cursor *cursor = cursor_open(txn, table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, NULL, NULL); error == OK;
         error = cursor_next(cursor, NULL, NULL))
        assert_int_equal(cursor_del(cursor), OK);
    cursor_close(cursor);
}

/* As format 1 was: without conversation_by_updated. */
static void make_old(struct world *w)
{
    struct txn *txn = begin_write(w->store);
    empty_table(txn, TABLE_CONVERSATION_BY_UPDATED);
    assert_int_equal(meta_put_u64(txn, META_FORMAT, 1), OK);
    commit_write(txn);
}

static void assert_restored(const struct directory *directory, struct buffer *original)
{
    struct buffer copy = dump_file(directory->path);
    assert_dumps_equal(original, &copy);
    buffer_dispose(&copy);
}

static void assert_not_there(const char *directory, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a_backup_of_an_older_format_is_brought_up_to_date(void **state)
{
    struct world *w = *state;
    struct directory target;
    char path[256];
    path_in(w, "old", path);
    snprintf(target.path, sizeof(target.path), "%.100s-new", w->directory.path);
    fill(w);
    struct buffer original = dump_store(w->store);
    make_old(w);
    back_up(w, path);
    close_world(w);
    assert_int_equal(restore(path, target.path), EXIT_FINE);
    assert_restored(&target, &original);
    buffer_dispose(&original);
    assert_not_there(target.path, "data.mdb.format-1"); /* there is the backup */
    directory_remove(&target);
    assert_int_equal(unlink(path), 0);
    open_world(w); /* which brings this one up to date too */
    assert_sound(w);
}

/* It can only be found broken when it is in its place: then all of it goes away again. */
static void test_a_broken_backup_of_an_older_format_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct stat info;
    char path[256], target[256];
    path_in(w, "old", path);
    path_in(w, "new", target);
    fill(w);
    struct txn *txn = begin_write(w->store);
    empty_table(txn, TABLE_VISITOR_BY_KEY);
    commit_write(txn);
    make_old(w);
    back_up(w, path);
    close_world(w);
    assert_int_equal(restore(path, target), EXIT_FAILED);
    assert_int_not_equal(stat(target, &info), 0);
    assert_int_equal(unlink(path), 0);
    open_world(w);
}

/* A child that restores from a pipe, and what it says. */
struct restoring_child {
    pid_t pid;
    int said;
};

static struct restoring_child start_restoring(const char *path, const char *directory)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct restoring_child child = {.pid = fork(), .said = ends[0]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        _exit(restore(path, directory));
    }
    close(ends[1]);
    return child;
}

static int end_of(struct restoring_child *child, char *said, size_t len)
{
    int status;
    size_t got = 0;
    for (ssize_t more; (more = read(child->said, said + got, len - 1 - got)) > 0;)
        got += (size_t)more;
    said[got] = '\0';
    close(child->said);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void send_file(const char *path, int to)
{
    char bytes[65536];
    int from = open(path, O_RDONLY);
    assert_true(from >= 0);
    for (ssize_t len; (len = read(from, bytes, sizeof(bytes))) > 0;)
        for (ssize_t at = 0, wrote; at < len; at += wrote)
            assert_true((wrote = write(to, bytes + at, (size_t)(len - at))) > 0);
    close(from);
    close(to);
}

static void wait_for(const char *path)
{
    while (access(path, F_OK) != 0)
        usleep(1000);
}

/* Somebody starts a server on the directory in the middle of it. */
static void test_what_keeps_an_older_backup_out_is_told_and_what_is_not_ours_stays(void **state)
{
    struct world *w = *state;
    char path[256], pipe_path[256], target[256], lock_path[300], partial[300], said[4096];
    path_in(w, "old", path);
    path_in(w, "pipe", pipe_path);
    path_in(w, "new", target);
    snprintf(lock_path, sizeof(lock_path), "%s/helvino.lock", target);
    snprintf(partial, sizeof(partial), "%s/data.mdb.partial", target);
    fill(w);
    make_old(w);
    back_up(w, path);
    close_world(w);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    struct restoring_child child = start_restoring(pipe_path, target);
    int to = open(pipe_path, O_WRONLY);
    wait_for(partial);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0);
    send_file(path, to);
    assert_int_equal(end_of(&child, said, sizeof(said)), EXIT_FAILED);
    if (strstr(said, "is of an older helvino, and a server is using it") == NULL)
        fail_msg("no reason in: %s", said);
    close(lock);
    assert_int_equal(unlink(lock_path), 0); /* theirs is still there */
    assert_int_equal(rmdir(target), 0);     /* and nothing else */
    assert_int_equal(unlink(pipe_path), 0);
    assert_int_equal(unlink(path), 0);
    open_world(w);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_copy_has_the_same_rows_and_is_read_as_a_file),
        WORLD_TEST(test_a_copy_of_a_store_that_has_grown_is_whole),
        WORLD_TEST(test_no_room_is_the_reason_and_the_store_goes_on),
        WORLD_TEST(test_a_backup_of_an_older_format_is_brought_up_to_date),
        WORLD_TEST(test_a_broken_backup_of_an_older_format_leaves_nothing),
        WORLD_TEST(test_what_keeps_an_older_backup_out_is_told_and_what_is_not_ours_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

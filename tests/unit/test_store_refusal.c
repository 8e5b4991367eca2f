/*
 * What a store refuses to open, with a sentence and without having touched it, and what it must not refuse. Each
 * attempt that could go wrong inside LMDB runs in a child, so that a crash is a failure and not the end of the test.
 */
#include "stores.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/random.h"

static struct random_pool pool;

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

/* ---- helpers --------------------------------------------------------------------------------------------------- */

static const char *path_in(const struct directory *directory, const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory->path, name);
    return path;
}

static void write_file(const char *path, struct bytes content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static struct buffer read_file(const char *path)
{
    struct buffer content = {0};
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t got = 1; got > 0; content.len += got)
        got = fread(buffer_reserve(&content, 65536), 1, 65536, file);
    fclose(file);
    return content;
}

/* Opens in a child, walks everything, and says how it went. */
struct attempt {
    bool opened;
    char why[STORE_WHY_LEN];
};

static struct attempt attempt(const struct directory *directory, enum store_mode mode)
{
    int ends[2];
    struct attempt result = {false, ""};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(
            &(struct store_config){.directory = directory->path, .mode = mode, .map_bytes = 64 << 20}, result.why);
        result.opened = store != NULL;
        if (store != NULL) {
            struct buffer dump = dump_store(store);
            buffer_dispose(&dump);
            store_close(store);
        }
        _exit(write(ends[1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
    }
    int status;
    close(ends[1]);
    ssize_t got = read(ends[0], &result, sizeof(result));
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || got != (ssize_t)sizeof(result))
        fail_msg("opening ended with status %x", (unsigned)status);
    return result;
}

static void assert_refused(const struct directory *directory, enum store_mode mode, const char *part_of_sentence)
{
    struct attempt result = attempt(directory, mode);
    if (result.opened)
        fail_msg("opened; should have said \"%s\"", part_of_sentence);
    if (strstr(result.why, part_of_sentence) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", result.why, part_of_sentence);
}

static const enum store_mode all_modes[] = {STORE_SERVE, STORE_ADMIN, STORE_READ_ONLY};
#define EACH_MODE(mode) for (unsigned mode = 0; mode < 3; ++mode)

static void make_database(const struct directory *directory, unsigned entries)
{
    struct store *store = open_mode(directory, STORE_SERVE);
    for (unsigned i = 0; i < entries; ++i) {
        char key[16], value[200];
        int len = snprintf(key, sizeof(key), "%08u", i);
        struct txn *txn = i % 100 == 0 ? begin_write(store) : NULL;
        static struct txn *current;
        current = txn != NULL ? txn : current;
        memset(value, 'a' + (int)(i % 26), sizeof(value));
        assert_int_equal(table_put(current, TABLE_META, bytes_view(key, (size_t)len), bytes_view(value, sizeof(value))),
                         OK);
        if (i % 100 == 99)
            commit_write(current);
    }
    store_close(store);
}

/* ---- no directory, no database --------------------------------------------------------------------------------- */

static void test_a_server_makes_its_directory_and_the_others_ask_for_it(void **state)
{
    const struct directory *parent = *state;
    struct directory directory;
    struct stat info;
    snprintf(directory.path, sizeof(directory.path), "%.90s/new", parent->path);
    assert_refused(&directory, STORE_ADMIN, "cannot open the data directory");
    assert_refused(&directory, STORE_READ_ONLY, "cannot open the data directory");
    assert_int_equal(access(directory.path, F_OK), -1);
    assert_true(attempt(&directory, STORE_SERVE).opened);
    assert_int_equal(stat(directory.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat(path_in(&directory, "data.mdb"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    EACH_MODE(mode)
    assert_true(attempt(&directory, all_modes[mode]).opened);
}

static void test_a_directory_deep_in_nowhere_is_refused(void **state)
{
    const struct directory *parent = *state;
    struct directory directory;
    snprintf(directory.path, sizeof(directory.path), "%.80s/no/such/place", parent->path);
    EACH_MODE(mode)
    assert_refused(&directory, all_modes[mode], "No such file or directory");
}

static void test_an_empty_directory_has_no_database(void **state)
{
    const struct directory *directory = *state;
    assert_refused(directory, STORE_ADMIN, "there is no database");
    assert_refused(directory, STORE_READ_ONLY, "there is no database");
    assert_int_equal(access(path_in(directory, "data.mdb"), F_OK), -1);
    assert_true(attempt(directory, STORE_SERVE).opened);
}

static void test_a_file_in_place_of_the_directory_is_refused(void **state)
{
    const struct directory *parent = *state;
    struct directory directory;
    snprintf(directory.path, sizeof(directory.path), "%.90s/file", parent->path);
    write_file(directory.path, BYTES("text"));
    EACH_MODE(mode)
    assert_refused(&directory, all_modes[mode],
                   all_modes[mode] == STORE_READ_ONLY ? "is not a database of helvino" : "is not a directory");
}

static void test_a_directory_in_place_of_the_file_is_refused(void **state)
{
    const struct directory *directory = *state;
    assert_int_equal(mkdir(path_in(directory, "data.mdb"), 0700), 0);
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "is not a database of helvino");
}

static void test_a_start_that_was_cut_off_is_taken_up_again(void **state)
{
    const struct directory *directory = *state;
    write_file(path_in(directory, "data.mdb"), BYTES(""));
    assert_refused(directory, STORE_READ_ONLY, "is not a database of helvino");
    assert_true(attempt(directory, STORE_SERVE).opened);
    assert_true(attempt(directory, STORE_READ_ONLY).opened);
}

/* ---- files of another kind ------------------------------------------------------------------------------------- */

static void test_a_text_file_is_refused_and_left_as_it_is(void **state)
{
    const struct directory *directory = *state;
    struct buffer text = {0};
    for (unsigned line = 0; line < 3000; ++line) {
        buffer_printf(&text, "line %u of a text\n", line);
        if (line > 2 && line % 997 != 0)
            continue;
        write_file(path_in(directory, "data.mdb"), buffer_view(&text));
        EACH_MODE(mode)
        assert_refused(directory, all_modes[mode], "is not a database of helvino");
        struct buffer after = read_file(path_in(directory, "data.mdb"));
        assert_true(bytes_equal(buffer_view(&after), buffer_view(&text)));
        buffer_dispose(&after);
    }
    buffer_dispose(&text);
}

static void test_random_bytes_behind_a_sound_beginning_are_refused(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 100);
    struct buffer file = read_file(path_in(directory, "data.mdb"));
    for (size_t at = 64; at < file.len; at += 512)
        random_fill(&pool, file.data + at, file.len - at < 512 ? file.len - at : 512);
    write_file(path_in(directory, "data.mdb"), buffer_view(&file));
    EACH_MODE(mode)
    assert_false(attempt(directory, all_modes[mode]).opened);
    buffer_dispose(&file);
}

/* A page size of zero divides by zero in LMDB (CVE-2019-16228); others make it read elsewhere. */
static void test_page_sizes_that_cannot_be_are_refused(void **state)
{
    const struct directory *directory = *state;
    static const uint32_t sizes[] = {0, 1, 255, 511, 4095, 4097, 65537, 1 << 20, UINT32_MAX};
    make_database(directory, 100);
    struct buffer file = read_file(path_in(directory, "data.mdb"));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        memcpy(file.data + 40, &sizes[i], sizeof(sizes[i]));
        write_file(path_in(directory, "data.mdb"), buffer_view(&file));
        EACH_MODE(mode)
        assert_refused(directory, all_modes[mode], "is not a database of helvino");
    }
    buffer_dispose(&file);
}

static void test_a_foreign_environment_is_refused_and_left_as_it_is(void **state)
{
    const struct directory *directory = *state;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_val key = {3, "key"}, value = {5, "value"};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, directory->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "theirs", MDB_CREATE, &table), 0);
    assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    struct buffer before = read_file(path_in(directory, "data.mdb"));
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "was not made by helvino");
    struct buffer after = read_file(path_in(directory, "data.mdb"));
    assert_true(bytes_equal(buffer_view(&before), buffer_view(&after)));
    buffer_dispose(&before);
    buffer_dispose(&after);
}

/* ---- formats --------------------------------------------------------------------------------------------------- */

static void set_format(const struct directory *directory, uint64_t format)
{
    struct store *store = open_store(directory);
    struct txn *txn = begin_write(store);
    assert_int_equal(meta_put_u64(txn, META_FORMAT, format), OK);
    commit_write(txn);
    store_close(store);
}

static void test_a_newer_format_is_refused_and_left_as_it_is(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 100);
    set_format(directory, STORE_FORMAT + 1);
    struct buffer before = read_file(path_in(directory, "data.mdb"));
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "has format 3, made by a newer helvino; this one knows format 2");
    struct buffer after = read_file(path_in(directory, "data.mdb"));
    assert_true(bytes_equal(buffer_view(&before), buffer_view(&after)));
    buffer_dispose(&before);
    buffer_dispose(&after);
}

static void test_a_database_without_a_format_is_refused(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 100);
    set_format(directory, 0);
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "has no format number");
}

static void test_a_damaged_format_is_refused(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 100);
    struct store *store = open_store(directory);
    struct txn *txn = begin_write(store);
    assert_int_equal(table_put(txn, TABLE_META, BYTES(META_FORMAT), BYTES("two")), OK);
    commit_write(txn);
    store_close(store);
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "is damaged");
}

/* ---- length ---------------------------------------------------------------------------------------------------- */

static void test_a_truncated_file_is_refused_at_every_length(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 1000);
    struct buffer file = read_file(path_in(directory, "data.mdb"));
    assert_true(file.len > 40 * 4096);
    for (size_t len = 1; len < file.len; len = len < 8 ? len + 1 : len < 16384 ? len + 509 : len + 4096 * 7 - 3) {
        write_file(path_in(directory, "data.mdb"), bytes_view(file.data, len));
        EACH_MODE(mode)
        {
            struct attempt result = attempt(directory, all_modes[mode]);
            if (result.opened || result.why[0] == '\0')
                fail_msg("opened with %zu of %zu bytes", len, file.len);
        }
    }
    write_file(path_in(directory, "data.mdb"), bytes_view(file.data, file.len - 1));
    EACH_MODE(mode)
    assert_refused(directory, all_modes[mode], "is truncated");
    write_file(path_in(directory, "data.mdb"), buffer_view(&file));
    EACH_MODE(mode)
    assert_true(attempt(directory, all_modes[mode]).opened);
    buffer_dispose(&file);
}

/* LMDB does not write a page that was taken and freed in one transaction, so a sound file may end before its last page.
 */
static void test_a_file_whose_last_pages_are_free_is_opened(void **state)
{
    const struct directory *directory = *state;
    static char large[39000];
    make_database(directory, 1000);
    for (unsigned round = 0; round < 12; ++round) {
        struct store *store = open_mode(directory, STORE_SERVE);
        struct txn *txn = begin_write(store);
        for (unsigned i = round; i < 1000; i += 70) {
            char key[16];
            int len = snprintf(key, sizeof(key), "%08u", i);
            assert_int_equal(table_put(txn, TABLE_META, bytes_view(key, (size_t)len), bytes_view(large, 199)), OK);
        }
        commit_write(txn);
        txn = begin_write(store);
        assert_int_equal(table_put(txn, TABLE_ORGS, BYTES("large"), bytes_view(large, sizeof(large))), OK);
        assert_int_equal(table_del(txn, TABLE_ORGS, BYTES("large")), OK);
        commit_write(txn);
        store_close(store);
        EACH_MODE(mode)
        {
            struct attempt result = attempt(directory, all_modes[mode]);
            if (!result.opened)
                fail_msg("round %u: %s", round, result.why);
        }
    }
}

static void test_a_file_that_was_made_longer_is_opened(void **state)
{
    const struct directory *directory = *state;
    make_database(directory, 100);
    assert_int_equal(truncate(path_in(directory, "data.mdb"), 10 << 20), 0);
    EACH_MODE(mode)
    assert_true(attempt(directory, all_modes[mode]).opened);
}

/* ---- what lies beside ------------------------------------------------------------------------------------------ */

static void test_a_lock_file_of_rubbish_does_no_harm(void **state)
{
    const struct directory *directory = *state;
    static char rubbish[20000];
    make_database(directory, 100);
    random_fill(&pool, rubbish, 1024);
    EACH_MODE(mode)
    {
        write_file(path_in(directory, "lock.mdb"), bytes_view(rubbish, sizeof(rubbish)));
        assert_true(attempt(directory, all_modes[mode]).opened);
        assert_int_equal(unlink(path_in(directory, "lock.mdb")), 0);
        assert_true(attempt(directory, all_modes[mode]).opened);
    }
}

static void test_descriptors_are_not_inherited_and_none_is_left_open(void **state)
{
    const struct directory *directory = *state;
    unsigned open_before = 0, open_after = 0;
    char why[STORE_WHY_LEN];
    for (int fd = 0; fd < 200; ++fd)
        open_before += fcntl(fd, F_GETFD) >= 0;
    struct store *store = open_mode(directory, STORE_SERVE);
    for (int fd = 0; fd < 200; ++fd) {
        char link[64], target[256];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, target, sizeof(target) - 1);
        target[len < 0 ? 0 : len] = '\0';
        if (len > 0 && strncmp(target, directory->path, strlen(directory->path)) == 0)
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    store_close(store);
    write_file(path_in(directory, "data.mdb"), BYTES("text, which is refused"));
    for (unsigned i = 0; i < 6; ++i)
        assert_null(store_open(&(struct store_config){.directory = directory->path, .mode = all_modes[i % 3]}, why));
    for (int fd = 0; fd < 200; ++fd)
        open_after += fcntl(fd, F_GETFD) >= 0;
    assert_int_equal(open_before, open_after);
}

#define OPENERS 4
#define OPENINGS 400 /* each; one in a few hundred met another one that was just closing */

static void open_and_close(const struct directory *directory)
{
    for (unsigned i = 0; i < OPENINGS; ++i) {
        char why[STORE_WHY_LEN];
        struct store *store = store_open(
            &(struct store_config){.directory = directory->path, .mode = STORE_READ_ONLY, .map_bytes = 64 << 20}, why);
        if (store == NULL) {
            fprintf(stderr, "%s\n", why);
            _exit(1);
        }
        store_close(store);
    }
    _exit(0);
}

static void test_whoever_closes_last_is_in_nobodys_way(void **state)
{
    const struct directory *directory = *state;
    pid_t children[OPENERS];
    make_database(directory, 100);
    for (unsigned i = 0; i < OPENERS; ++i) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            open_and_close(directory);
    }
    for (unsigned i = 0; i < OPENERS; ++i) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_server_makes_its_directory_and_the_others_ask_for_it),
        STORE_TEST(test_a_directory_deep_in_nowhere_is_refused),
        STORE_TEST(test_an_empty_directory_has_no_database),
        STORE_TEST(test_a_file_in_place_of_the_directory_is_refused),
        STORE_TEST(test_a_directory_in_place_of_the_file_is_refused),
        STORE_TEST(test_a_start_that_was_cut_off_is_taken_up_again),
        STORE_TEST(test_a_text_file_is_refused_and_left_as_it_is),
        STORE_TEST(test_random_bytes_behind_a_sound_beginning_are_refused),
        STORE_TEST(test_page_sizes_that_cannot_be_are_refused),
        STORE_TEST(test_a_foreign_environment_is_refused_and_left_as_it_is),
        STORE_TEST(test_a_newer_format_is_refused_and_left_as_it_is),
        STORE_TEST(test_a_database_without_a_format_is_refused),
        STORE_TEST(test_a_damaged_format_is_refused),
        STORE_TEST(test_a_truncated_file_is_refused_at_every_length),
        STORE_TEST(test_a_file_whose_last_pages_are_free_is_opened),
        STORE_TEST(test_a_file_that_was_made_longer_is_opened),
        STORE_TEST(test_a_lock_file_of_rubbish_does_no_harm),
        STORE_TEST(test_descriptors_are_not_inherited_and_none_is_left_open),
        STORE_TEST(test_whoever_closes_last_is_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Damage: a flipped bit in a key, a value or its checksum is an error and never an answer. Entries are damaged through
 * LMDB itself, behind the store's back; then the whole file is, bit by bit, each time in a child, since LMDB may well
 * stop on a damaged page.
 */
#include "stores.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/random.h"
#include "store/records.h"

static struct random_pool pool;

static int set_up(void **state)
{
    struct directory *directory = malloc(sizeof(*directory));
    /* Damage is logged as an error, thousands of times here. */
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
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

/* ---- single entries -------------------------------------------------------------------------------------------- */

static struct key nth_key(unsigned n)
{
    struct key key;
    key_clear(&key);
    key_put(&key, BYTES("0123456789ab"));
    key_put_u32(&key, n);
    return key;
}

static const struct bytes sample = BYTES("a value of some length, with numbers 0123456789 and \0 bytes");

#define CHECKSUM_LEN 4
#define VALUE_BITS ((CHECKSUM_LEN + sample.len) * 8)
#define KEY_BITS (ID_LEN * 8)

static void put_samples(const struct directory *directory, unsigned count)
{
    struct store *store = open_store(directory);
    struct txn *txn = begin_write(store);
    for (unsigned n = 0; n < count; ++n) {
        struct key key = nth_key(n);
        assert_int_equal(table_put(txn, TABLE_VISITORS, key_view(&key), sample), OK);
    }
    commit_write(txn);
    store_close(store);
}

struct raw {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
};

static struct raw raw_open(const struct directory *directory, enum table table)
{
    struct raw raw;
    assert_int_equal(mdb_env_create(&raw.env), 0);
    assert_int_equal(mdb_env_set_maxdbs(raw.env, STORE_TABLES_MAX), 0);
    assert_int_equal(mdb_env_open(raw.env, directory->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(raw.env, NULL, 0, &raw.txn), 0);
    assert_int_equal(mdb_dbi_open(raw.txn, table_name(table), 0, &raw.table), 0);
    return raw;
}

static void raw_commit(struct raw *raw)
{
    assert_int_equal(mdb_txn_commit(raw->txn), 0);
    mdb_env_close(raw->env);
}

/* Takes the entry out, gives it to `change` as checksum and value, and puts back what that made of it. */
static void raw_change(struct raw *raw, struct key *key,
                       void (*change)(struct key *key, struct buffer *value, size_t n), size_t n)
{
    MDB_val k = {key->len, key->bytes}, data;
    struct buffer value = {0};
    assert_int_equal(mdb_get(raw->txn, raw->table, &k, &data), 0);
    buffer_append(&value, data.mv_data, data.mv_size);
    assert_int_equal(mdb_del(raw->txn, raw->table, &k, NULL), 0);
    change(key, &value, n);
    k = (MDB_val){key->len, key->bytes};
    data = (MDB_val){value.len, value.data};
    assert_int_equal(mdb_put(raw->txn, raw->table, &k, &data, MDB_NOOVERWRITE), 0);
    buffer_dispose(&value);
}

static void flip_value_bit(struct key *key, struct buffer *value, size_t n)
{
    (void)key;
    value->data[n / 8] = (char)(value->data[n / 8] ^ (1 << n % 8));
}

static void flip_key_bit(struct key *key, struct buffer *value, size_t n)
{
    (void)value;
    key->bytes[n / 8] = (unsigned char)(key->bytes[n / 8] ^ (1 << n % 8));
}

static void shorten_value(struct key *key, struct buffer *value, size_t n)
{
    (void)key;
    value->len = n;
}

static void lengthen_value(struct key *key, struct buffer *value, size_t n)
{
    char byte = (char)n;
    (void)key;
    buffer_append(value, &byte, 1);
}

/* Damages entry n in the n-th way and asks for each of them in all ways. */
static void assert_noticed(const struct directory *directory, unsigned count,
                           void (*change)(struct key *key, struct buffer *value, size_t n))
{
    struct key *keys = malloc(count * sizeof(*keys));
    put_samples(directory, count);
    struct raw raw = raw_open(directory, TABLE_VISITORS);
    for (unsigned n = 0; n < count; ++n) {
        keys[n] = nth_key(n);
        raw_change(&raw, &keys[n], change, n);
    }
    raw_commit(&raw);
    struct store *store = open_store(directory);
    struct reader *reader = reader_open(store);
    struct txn *reading = begin_read(reader), *writing = begin_write(store);
    struct bytes key, value;
    for (unsigned n = 0; n < count; ++n) {
        assert_int_equal(table_get(reading, TABLE_VISITORS, key_view(&keys[n]), &value), ERR_CORRUPT);
        assert_int_equal(table_get(reading, TABLE_VISITORS, key_view(&keys[n]), NULL), ERR_CORRUPT);
        assert_int_equal(table_get(writing, TABLE_VISITORS, key_view(&keys[n]), &value), ERR_CORRUPT);
    }
    /* A walk names each and goes on, there and back. */
    struct cursor *cursor = cursor_open(reading, TABLE_VISITORS);
    unsigned met = 0;
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error != ERR_NOT_FOUND;
         error = cursor_next(cursor, &key, &value), ++met) {
        assert_int_equal(error, ERR_CORRUPT);
        assert_int_equal(key.len, ID_LEN);
    }
    assert_int_equal(met, count);
    for (enum error error = cursor_seek_before(cursor, BYTES_NONE, NULL, NULL); error != ERR_NOT_FOUND;
         error = cursor_previous(cursor, NULL, NULL), --met)
        assert_int_equal(error, ERR_CORRUPT);
    assert_int_equal(met, 0);
    assert_int_equal(table_get_before(reading, TABLE_VISITORS, BYTES_NONE, &key, &value), ERR_CORRUPT);
    cursor_close(cursor);
    write_abort(writing);
    reader_end(reader);
    reader_close(reader);
    store_close(store);
    free(keys);
}

static void test_every_flipped_bit_of_a_value_and_its_checksum_is_noticed(void **state)
{
    assert_noticed(*state, (unsigned)VALUE_BITS, flip_value_bit);
}

static void test_every_flipped_bit_of_a_key_is_noticed(void **state)
{
    /* The keys' last four bytes are a number: without a flip in them no two keys meet. */
    assert_noticed(*state, KEY_BITS - 32, flip_key_bit);
}

static void test_every_shortened_value_is_noticed(void **state)
{
    assert_noticed(*state, (unsigned)(CHECKSUM_LEN + sample.len), shorten_value);
}

static void test_every_lengthened_value_is_noticed(void **state)
{
    assert_noticed(*state, 256, lengthen_value);
}

static void test_a_value_under_another_entrys_key_is_noticed(void **state)
{
    const struct directory *directory = *state;
    struct key first = nth_key(0), second = nth_key(1);
    struct bytes value;
    put_samples(directory, 2);
    struct raw raw = raw_open(directory, TABLE_VISITORS);
    MDB_val k = {first.len, first.bytes}, data;
    char copy[256];
    assert_int_equal(mdb_get(raw.txn, raw.table, &k, &data), 0);
    memcpy(copy, data.mv_data, data.mv_size);
    data.mv_data = copy;
    k = (MDB_val){second.len, second.bytes};
    assert_int_equal(mdb_put(raw.txn, raw.table, &k, &data, 0), 0);
    raw_commit(&raw);
    struct store *store = open_store(directory);
    struct reader *reader = reader_open(store);
    struct txn *txn = begin_read(reader);
    assert_int_equal(table_get(txn, TABLE_VISITORS, key_view(&first), &value), OK);
    assert_int_equal(table_get(txn, TABLE_VISITORS, key_view(&second), &value), ERR_CORRUPT);
    reader_end(reader);
    reader_close(reader);
    store_close(store);
}

static void test_sound_neighbours_are_still_read(void **state)
{
    const struct directory *directory = *state;
    enum { ENTRIES = 300 };
    put_samples(directory, ENTRIES);
    struct raw raw = raw_open(directory, TABLE_VISITORS);
    for (unsigned n = 0; n < ENTRIES; n += 3) {
        struct key key = nth_key(n);
        raw_change(&raw, &key, flip_value_bit, n);
    }
    raw_commit(&raw);
    struct store *store = open_store(directory);
    struct reader *reader = reader_open(store);
    struct txn *txn = begin_read(reader);
    for (unsigned n = 0; n < ENTRIES; ++n) {
        struct key key = nth_key(n);
        struct bytes value;
        assert_int_equal(table_get(txn, TABLE_VISITORS, key_view(&key), &value), n % 3 == 0 ? ERR_CORRUPT : OK);
        if (n % 3 != 0)
            assert_true(bytes_equal(value, sample));
    }
    reader_end(reader);
    reader_close(reader);
    store_close(store);
}

static void test_a_damaged_entry_can_be_replaced_and_deleted(void **state)
{
    const struct directory *directory = *state;
    struct key first = nth_key(0), second = nth_key(1);
    struct bytes value;
    put_samples(directory, 2);
    struct raw raw = raw_open(directory, TABLE_VISITORS);
    raw_change(&raw, &first, flip_value_bit, 77);
    raw_change(&raw, &second, flip_value_bit, 78);
    raw_commit(&raw);
    struct store *store = open_store(directory);
    struct txn *txn = begin_write(store);
    assert_int_equal(table_put(txn, TABLE_VISITORS, key_view(&first), BYTES("mended")), OK);
    assert_int_equal(table_get(txn, TABLE_VISITORS, key_view(&first), &value), OK);
    assert_true(bytes_equal(value, BYTES("mended")));
    struct cursor *cursor = cursor_open(txn, TABLE_VISITORS);
    assert_int_equal(cursor_seek(cursor, key_view(&second), NULL, NULL), ERR_CORRUPT);
    assert_int_equal(cursor_del(cursor), OK);
    cursor_close(cursor);
    assert_int_equal(table_rows(txn, TABLE_VISITORS), 1);
    commit_write(txn);
    store_close(store);
}

/* ---- records --------------------------------------------------------------------------------------------------- */

static void test_a_record_that_is_whole_but_no_record_is_an_error(void **state)
{
    const struct directory *directory = *state;
    struct id id = id_make(1769903999999, &pool);
    struct visitor visitor;
    struct conversation conversation;
    struct org org;
    struct token token;
    struct store *store = open_store(directory);
    struct txn *txn = begin_write(store);
    for (int table = 0; table < TABLE_COUNT; ++table)
        assert_int_equal(table_put(txn, (enum table)table, bytes_view(id.bytes, ID_LEN), BYTES("no record")), OK);
    assert_int_equal(visitor_get(txn, id, &visitor), ERR_CORRUPT);
    assert_int_equal(conversation_get(txn, id, &conversation), ERR_CORRUPT);
    assert_int_equal(org_get(txn, id, &org), ERR_CORRUPT);
    assert_int_equal(token_get(txn, id, &token), ERR_CORRUPT);
    /* An index whose value is no id. */
    assert_int_equal(table_put(txn, TABLE_ORG_BY_KEY, BYTES("acme"), BYTES("fifteen bytes..")), OK);
    assert_int_equal(org_get_by_key(txn, BYTES("acme"), &org), ERR_CORRUPT);
    write_abort(txn);
    store_close(store);
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

#define FILE_ENTRIES 200 /* of each table; all of them have room in the map that a store begins with */

/* One into each table; false when the map is full. */
static bool put_nth(struct store *store, unsigned n)
{
    struct txn *txn = begin_write(store);
    enum error error = OK;
    for (int table = TABLE_ORGS; table < TABLE_COUNT && error == OK; ++table) {
        struct key key = nth_key(n * 64 + (unsigned)table), value = nth_key(~n);
        error = table_put(txn, (enum table)table, key_view(&key), key_view(&value));
    }
    if (error == OK)
        commit_write(txn);
    else
        write_abort(txn);
    assert_true(error == OK || error == ERR_STORE_FULL);
    return error == OK;
}

static void put_entries(const struct directory *directory)
{
    struct store *store = open_store(directory);
    for (unsigned n = 0; n < FILE_ENTRIES; ++n)
        while (!put_nth(store, n))
            assert_true(store_grow(store, false));
    store_close(store);
}

#define FALSE_ANSWER 99 /* an exit status that no sanitizer has */

/* In the child: 0 when every answer is true. Errors are fine. */
static int look_at_everything(const struct directory *directory)
{
    char why[STORE_WHY_LEN];
    struct store *store =
        store_open(&(struct store_config){.directory = directory->path, .mode = STORE_READ_ONLY}, why);
    if (store == NULL)
        return 0;
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    for (int table = TABLE_ORGS; txn != NULL && table < TABLE_COUNT; ++table) {
        struct bytes key, value;
        struct cursor *cursor = cursor_open(txn, (enum table)table);
        enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
        for (unsigned walked = 0; (error == OK || error == ERR_CORRUPT) && walked < 2 * FILE_ENTRIES; ++walked) {
            if (error == OK) {
                size_t offset = 12;
                if (key.len != 16)
                    return FALSE_ANSWER;
                uint32_t number = key_get_u32(key, &offset);
                struct key true_key = nth_key(number), true_value = nth_key(~(number / 64));
                if (number % 64 != (unsigned)table || number / 64 >= FILE_ENTRIES ||
                    !bytes_equal(key, key_view(&true_key)) || !bytes_equal(value, key_view(&true_value)))
                    return FALSE_ANSWER;
            }
            error = cursor_next(cursor, &key, &value);
        }
        for (unsigned n = 0; n < FILE_ENTRIES; n += 7) {
            struct key asked = nth_key(n * 64 + (unsigned)table), true_value = nth_key(~n);
            if (table_get(txn, (enum table)table, key_view(&asked), &value) == OK &&
                !bytes_equal(value, key_view(&true_value)))
                return FALSE_ANSWER;
        }
    }
    return 0;
}

static void flip_in_file(const char *path, size_t bit)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte = (unsigned char)(byte ^ (1u << bit % 8));
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

/* The child's status as waitpid gives it. */
static int look_in_a_child(const struct directory *directory)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        for (int number = 1; number < 32; ++number) {
            /* cmocka's handlers would go on with the next test in the child. */
            struct sigaction plain = {.sa_handler = SIG_DFL};
            sigaction(number, &plain, NULL);
        }
        alarm(60);
        _exit(look_at_everything(directory));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_no_flipped_bit_of_the_file_is_ever_an_answer(void **state)
{
    const struct directory *directory = *state;
    char path[256];
    unsigned rounds = getenv("HELVINO_FLIPS") != NULL ? (unsigned)atoi(getenv("HELVINO_FLIPS")) : 400, stopped = 0;
    put_entries(directory);
    snprintf(path, sizeof(path), "%s/data.mdb", directory->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t bits = (size_t)ftell(file) * 8;
    fclose(file);
    for (unsigned round = 0; round < rounds; ++round) {
        size_t bit = random_u64(&pool) % bits;
        flip_in_file(path, bit);
        int status = look_in_a_child(directory);
        if (WIFEXITED(status) && WEXITSTATUS(status) == FALSE_ANSWER)
            fail_msg("bit %zu of the file, flipped, gave a false answer", bit);
        assert_false(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
        stopped += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        flip_in_file(path, bit);
    }
    print_message("%u of %u flipped bits stopped the process, none gave a false answer\n", stopped, rounds);
    assert_int_equal(look_in_a_child(directory), 0);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_flipped_bit_of_a_value_and_its_checksum_is_noticed),
        STORE_TEST(test_every_flipped_bit_of_a_key_is_noticed),
        STORE_TEST(test_every_shortened_value_is_noticed),
        STORE_TEST(test_every_lengthened_value_is_noticed),
        STORE_TEST(test_a_value_under_another_entrys_key_is_noticed),
        STORE_TEST(test_sound_neighbours_are_still_read),
        STORE_TEST(test_a_damaged_entry_can_be_replaced_and_deleted),
        STORE_TEST(test_a_record_that_is_whole_but_no_record_is_an_error),
        STORE_TEST(test_no_flipped_bit_of_the_file_is_ever_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

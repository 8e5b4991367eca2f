/*
 * What was deleted is not in a copy: its bytes are searched for canaries, that is, texts that stood in keys and values
 * of every length and have been deleted or replaced; and every byte of a page that belongs to no entry must be zero. A
 * copy is also a database that goes on: it has the same entries, takes changes, and has the number of its original.
 */
#include "stores.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/random.h"
#include "store/internal.h"

#define PAGE_BYTES 4096

/* ---- entries that can be found again --------------------------------------------------------------------------- */

/* One in a table; its key and its value both hold its canary. */
struct sample {
    enum table table;
    unsigned number, len; /* of the value; 0: it is gone */
};

/* "canary-k000042-" or "canary-v000042-". The hyphen tells one from a key that is cut before its last digit. */
#define CANARY_LEN 15

static void put_canary(char *out, char kind, unsigned number)
{
    char text[CANARY_LEN + 1];
    snprintf(text, sizeof(text), "canary-%c%06u-", kind, number);
    memcpy(out, text, CANARY_LEN);
}

/* Keys of 15 to 100 bytes that begin differently, so that branches have to tell them apart anywhere. */
static struct bytes key_of(const struct sample *sample, char out[STORE_KEY_LEN_MAX])
{
    unsigned before = sample->number * 7919 % 5, behind = sample->number * 104729 % 80;
    memset(out, 'a' + (int)(sample->number % 3), STORE_KEY_LEN_MAX);
    put_canary(out + before, 'k', sample->number);
    return bytes_view(out, before + CANARY_LEN + 1 + behind);
}

/* The canary stands at the value's beginning, in its middle and at its end. */
static struct bytes value_of(const struct sample *sample)
{
    static char value[70000];
    memset(value, '.', sample->len);
    put_canary(value, 'v', sample->number);
    put_canary(value + sample->len / 2, 'v', sample->number);
    put_canary(value + sample->len - CANARY_LEN, 'v', sample->number);
    return bytes_view(value, sample->len);
}

/* Lengths on either side of half a page, of a page, and of several; and of the checksum before them. */
static unsigned any_len(struct random_pool *pool)
{
    static const unsigned lens[] = {30,   31,   100,  101,  700,  1500, 2000, 2010, 2020, 2030,  2040,
                                    2100, 4000, 4076, 4077, 4080, 4090, 8000, 8172, 8176, 20001, 65000};
    uint64_t dice = random_u64(pool);
    return dice % 4 != 0 ? 30 + (unsigned)(dice >> 8) % 300 : lens[(dice >> 8) % (sizeof(lens) / sizeof(lens[0]))];
}

static void write_sample(struct txn *txn, const struct sample *sample)
{
    char key[STORE_KEY_LEN_MAX];
    assert_int_equal(table_put(txn, sample->table, key_of(sample, key), value_of(sample)), OK);
}

static void delete_sample(struct txn *txn, struct sample *sample)
{
    char key[STORE_KEY_LEN_MAX];
    assert_int_equal(table_del(txn, sample->table, key_of(sample, key)), OK);
    sample->len = 0;
}

#define SAMPLES 6000
#define ROUNDS 60

static struct sample samples[SAMPLES];
static unsigned sample_count;

static const enum table tables[] = {TABLE_VISITOR_BY_KEY, TABLE_MESSAGES, TABLE_VISITORS, TABLE_ALIASES};

static struct store *open_large(const struct directory *directory)
{
    return open_config(&(struct store_config){
        .directory = directory->path, .mode = STORE_SERVE, .create = true, .map_bytes = UINT64_C(1) << 30});
}

static void change(struct store *store, struct random_pool *pool)
{
    struct txn *txn = begin_write(store);
    for (unsigned i = 0; i < SAMPLES / ROUNDS; ++i) {
        samples[sample_count] = (struct sample){tables[random_u64(pool) % 4], sample_count, any_len(pool)};
        write_sample(txn, &samples[sample_count++]);
    }
    for (unsigned i = 0; i < SAMPLES / ROUNDS; ++i) {
        struct sample *sample = &samples[random_u64(pool) % sample_count];
        if (sample->len == 0)
            continue;
        if (random_u64(pool) % 4 != 0) {
            delete_sample(txn, sample);
        } else if (sample->len > 60) { /* another canary takes the place of the old one, shorter or longer */
            char key[STORE_KEY_LEN_MAX];
            assert_int_equal(table_put(txn, sample->table, key_of(sample, key), BYTES("something short")), OK);
            sample->len = any_len(pool);
            write_sample(txn, sample);
        }
    }
    commit_write(txn);
}

/* ---- bytes of a file ------------------------------------------------------------------------------------------- */

static struct bytes map_file(const char *path)
{
    struct stat file;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &file) == 0);
    void *data = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(data != MAP_FAILED);
    close(fd);
    return bytes_view(data, (size_t)file.st_size);
}

static void unmap_file(struct bytes file)
{
    munmap((void *)(uintptr_t)file.data, file.len);
}

/* How often each sample's canaries stand in the file. */
static void count_canaries(struct bytes file, unsigned keys[SAMPLES], unsigned values[SAMPLES])
{
    memset(keys, 0, SAMPLES * sizeof(*keys));
    memset(values, 0, SAMPLES * sizeof(*values));
    const char *at = file.data, *end = file.data + file.len;
    while ((at = memmem(at, (size_t)(end - at), "canary-", 7)) != NULL) {
        unsigned number = 0, digits = 0;
        for (; digits < 6 && at + 8 + digits < end && at[8 + digits] >= '0' && at[8 + digits] <= '9'; ++digits)
            number = number * 10 + (unsigned)(at[8 + digits] - '0');
        /* The one at a short value's end may cut the middle one. */
        if (digits == 6 && number < SAMPLES && at + 14 < end && at[14] == '-')
            ++(at[7] == 'k' ? keys : values)[number];
        at += 7;
    }
}

static uint16_t u16_at(const char *page, size_t offset)
{
    uint16_t number;
    memcpy(&number, page + offset, sizeof(number));
    return number;
}

static void assert_zero(const char *page, size_t from, size_t to, const char *what)
{
    for (size_t i = from; i < to; ++i)
        if (page[i] != 0)
            fail_msg("%s holds 0x%02x at %zu", what, (unsigned char)page[i], i);
}

/* Of a branch or leaf page of LMDB 0.9: a header of 16 bytes, the nodes' offsets, a gap, the nodes. */
static unsigned check_node_page(const char *file, const char *page)
{
    enum { FLAGS = 10, LOWER = 12, UPPER = 14, NODE_HEAD = 8, BIG = 1 };
    bool is_leaf = (u16_at(page, FLAGS) & 2) != 0;
    size_t lower = u16_at(page, LOWER), upper = u16_at(page, UPPER), used = 0;
    unsigned big_pages = 0;
    assert_zero(page, lower, upper, "a gap");
    for (size_t at = 16; at < lower; at += 2) {
        size_t node = u16_at(page, at), size = NODE_HEAD + u16_at(page, node + 6);
        uint32_t data = u16_at(page, node) | (uint32_t)u16_at(page, node + 2) << 16;
        bool is_big = is_leaf && (u16_at(page, node + 4) & BIG) != 0;
        size += is_big ? 8 : is_leaf ? data : 0;
        if (size % 2 != 0)
            assert_zero(page, node + size, node + size + 1, "the byte behind a node");
        used += size + size % 2;
        if (is_big) {
            uint64_t number;
            memcpy(&number, page + node + size - 8, 8);
            const char *big = file + number * PAGE_BYTES;
            uint32_t pages;
            memcpy(&pages, big + LOWER, 4);
            assert_zero(big, 16 + data, (size_t)pages * PAGE_BYTES, "the end of a long value");
            big_pages += pages;
        }
    }
    assert_int_equal(used, PAGE_BYTES - upper);
    return big_pages;
}

/* Whatever belongs to no entry is zero, on every page of the file. */
static void assert_clean(struct bytes file)
{
    enum { BRANCH = 1, LEAF = 2 };
    unsigned pages[4] = {0}, big = 0;
    for (size_t at = 2 * PAGE_BYTES; at < file.len;) {
        const char *page = file.data + at;
        uint32_t flags = u16_at(page, 10), length;
        memcpy(&length, page + 12, 4);
        if ((flags & (BRANCH | LEAF)) != 0)
            big += check_node_page(file.data, page);
        ++pages[flags & 3];
        at += (flags & (BRANCH | LEAF)) != 0 ? PAGE_BYTES : (size_t)length * PAGE_BYTES;
        pages[3] += (flags & (BRANCH | LEAF)) != 0 ? 0 : length;
    }
    assert_true(pages[BRANCH] > 3 && pages[LEAF] > 50 && big > 50 && pages[3] == big);
}

/* ---- copies ---------------------------------------------------------------------------------------------------- */

static void copy_to(struct store *store, const char *path)
{
    char why[STORE_WHY_LEN];
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    if (!store_backup(store, fd, why))
        fail_msg("%s", why);
    close(fd);
}

static void test_a_copy_holds_nothing_but_what_is_there(void **state)
{
    static unsigned keys[SAMPLES], values[SAMPLES];
    struct random_pool pool = {.left = 0};
    struct directory directory = directory_make();
    char copy[192], live[192];
    unsigned gone = 0, left_in_live = 0, keys_left_in_live = 0;
    (void)state;
    snprintf(copy, sizeof(copy), "%s/copy", directory.path);
    snprintf(live, sizeof(live), "%s/data.mdb", directory.path);
    struct store *store = open_large(&directory);
    sample_count = 0;
    for (unsigned round = 0; round < ROUNDS; ++round)
        change(store, &pool);
    copy_to(store, copy);
    struct buffer original = dump_store(store);
    struct bytes file = map_file(live);
    count_canaries(file, keys, values);
    for (unsigned i = 0; i < SAMPLES; ++i) {
        gone += samples[i].len == 0;
        left_in_live += samples[i].len == 0 && values[i] != 0;
        keys_left_in_live += samples[i].len == 0 && keys[i] != 0;
    }
    unmap_file(file);
    /* What the test is about: the live file does hold what is gone. */
    assert_true(gone > 1000 && left_in_live > 100 && keys_left_in_live > 100);
    file = map_file(copy);
    count_canaries(file, keys, values);
    assert_clean(file);
    unmap_file(file);
    for (unsigned i = 0; i < SAMPLES; ++i) {
        if (samples[i].len == 0 && (keys[i] != 0 || values[i] != 0))
            fail_msg("%u of %s is gone and stands in the copy (%u keys, %u values)", i, table_name(samples[i].table),
                     keys[i], values[i]);
        if (samples[i].len != 0)
            assert_true(keys[i] >= 1 && values[i] >= 1);
    }
    store_close(store);
    store = open_config(&(struct store_config){.directory = copy, .mode = STORE_READ_ONLY});
    struct buffer dump = dump_store(store);
    assert_dumps_equal(&original, &dump);
    store_close(store);
    buffer_dispose(&original);
    buffer_dispose(&dump);
    directory_remove(&directory);
}

static unsigned long long transaction_of(struct store *store)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(store->env, &info), 0);
    return info.me_last_txnid;
}

/* Whether the number is odd or even: the other meta page is used. The copy takes the place of its original beside the
 * same lock file. */
static void test_a_copy_takes_the_place_of_its_original(void **state)
{
    struct random_pool pool = {.left = 0};
    struct directory directory = directory_make();
    char copy[192], live[192];
    (void)state;
    snprintf(copy, sizeof(copy), "%s/copy", directory.path);
    snprintf(live, sizeof(live), "%s/data.mdb", directory.path);
    sample_count = 0;
    for (unsigned turn = 0; turn < 20; ++turn) {
        struct store *store = open_large(&directory);
        for (unsigned changes = 0; changes <= turn % 2; ++changes)
            change(store, &pool);
        unsigned long long number = transaction_of(store);
        struct buffer before = dump_store(store);
        copy_to(store, copy);
        store_close(store);
        assert_int_equal(rename(copy, live), 0);
        store = open_large(&directory);
        assert_true(transaction_of(store) == number);
        struct buffer after = dump_store(store);
        assert_dumps_equal(&before, &after);
        buffer_dispose(&before);
        buffer_dispose(&after);
        store_close(store);
    }
    directory_remove(&directory);
}

static void test_an_empty_store_can_be_copied(void **state)
{
    struct directory directory = directory_make();
    char copy[192];
    (void)state;
    snprintf(copy, sizeof(copy), "%s/copy", directory.path);
    struct store *store = open_store(&directory);
    copy_to(store, copy);
    struct buffer before = dump_store(store);
    store_close(store);
    store = open_config(&(struct store_config){.directory = copy, .mode = STORE_READ_ONLY});
    struct buffer after = dump_store(store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    store_close(store);
    directory_remove(&directory);
}

int main(void)
{
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_holds_nothing_but_what_is_there),
        cmocka_unit_test(test_a_copy_takes_the_place_of_its_original),
        cmocka_unit_test(test_an_empty_store_can_be_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#pragma once
/*
 * For tests that need a store: a directory of its own, a store in it, and everything that a store holds as one run of
 * bytes, so that "nothing was written" and "the same tables" are one comparison.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/logline.h"
#include "store/store.h"

struct directory {
    char path[128];
};

/* In memory where there is room: thousands of commits then cost no disk. */
static inline struct directory directory_make(void)
{
    struct directory directory;
    struct statvfs shared;
    const char *parent = getenv("TMPDIR");
    if (parent == NULL)
        parent = access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &shared) == 0 &&
                         (uint64_t)shared.f_bavail * shared.f_frsize > (uint64_t)512 << 20
                     ? "/dev/shm"
                     : "/tmp";
    snprintf(directory.path, sizeof(directory.path), "%s/helvino-unit-XXXXXX", parent);
    assert_non_null(mkdtemp(directory.path));
    return directory;
}

static inline void directory_remove(const struct directory *directory)
{
    char command[320];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory->path);
    assert_int_equal(system(command), 0);
}

static inline struct store *open_config(const struct store_config *config)
{
    char why[STORE_WHY_LEN];
    struct store *store = store_open(config, why);
    if (store == NULL)
        fail_msg("the store does not open: %s", why);
    return store;
}

static inline struct store *open_mode(const struct directory *directory, enum store_mode mode)
{
    return open_config(
        &(struct store_config){.directory = directory->path, .mode = mode, .create = true, .map_bytes = 64 << 20});
}

/* A server's store without its reserve on the disk: what most tests want. */
static inline struct store *open_store(const struct directory *directory)
{
    return open_mode(directory, STORE_ADMIN);
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

static inline struct txn *begin_write(struct store *store)
{
    struct txn *txn;
    assert_int_equal(write_begin(store, &txn), OK);
    return txn;
}

static inline void commit_write(struct txn *txn)
{
    assert_int_equal(write_commit(txn), OK);
}

static inline struct txn *begin_read(struct reader *reader)
{
    struct txn *txn = reader_begin(reader);
    assert_non_null(txn);
    return txn;
}

/* ---- dumps ----------------------------------------------------------------------------------------------------- */

static inline void dump_table(struct txn *txn, enum table table, struct buffer *out)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    buffer_printf(out, "== %s\n", table_name(table));
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        buffer_append(out, &key.len, sizeof(key.len));
        buffer_append(out, key.data, key.len);
        buffer_append(out, &value.len, sizeof(value.len));
        buffer_append(out, value.data, value.len);
    }
    assert_int_equal(error, ERR_NOT_FOUND);
    cursor_close(cursor);
}

/* Every entry of every table, in order. */
static inline void dump_all(struct txn *txn, struct buffer *out)
{
    for (int table = 0; table < TABLE_COUNT; ++table)
        dump_table(txn, (enum table)table, out);
}

static inline struct buffer dump_store(struct store *store)
{
    struct buffer out = {0};
    struct reader *reader = reader_open(store);
    dump_all(begin_read(reader), &out);
    reader_end(reader);
    reader_close(reader);
    return out;
}

static inline void assert_dumps_equal(struct buffer *a, struct buffer *b)
{
    if (!bytes_equal(buffer_view(a), buffer_view(b)))
        fail_msg("the tables differ (%zu and %zu bytes)", a->len, b->len);
}

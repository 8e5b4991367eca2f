#pragma once
/* What the files of this room share; nobody outside includes it. */
#include <pthread.h>
#include <stdatomic.h>

#include <lmdb.h>

#include "store/store.h"

/* One reader slot. `active` tells store_grow whether a snapshot is open; each has a cache line of its own. */
struct reader {
    _Alignas(64) atomic_bool active;
    struct store *store;
    struct reader *next;
    struct txn *txn;
};

struct txn {
    struct store *store;
    struct reader *reader; /* NULL for a write transaction */
    MDB_txn *handle;
    MDB_cursor *cursors[TABLE_COUNT]; /* kept between calls: LMDB looks first at the page where one stands */
    struct buffer scratch;
    struct arena_chunk *arena; /* copies of what a write transaction read */
    struct txn_note note;
    uint64_t changes;
};

struct store {
    char *directory; /* or the file, when is_file */
    char *data_file;
    bool is_file; /* nobody writes to it: there are no locks */
    enum store_mode mode;
    bool keeps_no_copy;
    MDB_env *env;
    MDB_dbi tables[TABLE_COUNT];
    uint32_t seeds[TABLE_COUNT]; /* of the checksums: an entry of one table must not pass for one of another */
    uint64_t data_bytes_max;
    int lock_fd;                 /* the server's flock, or -1 */
    int reserve_fd;              /* STORE_RESERVE_BYTES of real disk that erasing commands may have, or -1 */
    bool map_was_full;           /* the last full store was a full map, and not a full disk; the writer's */
    uint64_t room_looked_ns;     /* when free pages were last counted */
    bool room_inside;            /* they were enough to take the reserve's place */
    uint64_t ripened_ns;         /* when store_ripen last did anything */
    pthread_mutex_t write_mutex; /* held by a write transaction of this process, and while the map changes its size */
    struct txn writer;
    atomic_bool resizing;
    pthread_mutex_t readers_mutex;
    struct reader *readers;
};

/* A table that this directory or backup lacks, since an earlier helvino of the same format made it, reads as empty;
 * opening for writing makes it. Handle 0 is LMDB's own free list. */
static inline bool table_is_missing(const struct store *store, enum table table)
{
    return store->tables[table] == 0;
}

/* Takes a fresh handle after another process has grown the map; called without an open transaction in this thread. */
void store_adopt_size(struct store *store);
/* LMDB's codes as ours; logs what has no code of its own. `doing` names the call. */
enum error store_error(int code, const char *doing);
/* Writes the sentence of a refusal (a long path is cut) and returns false. */
__attribute__((format(printf, 2, 3), noinline)) bool store_refuse(char why[STORE_WHY_LEN], const char *format, ...);
/* Opens or makes a file of our own beside the data; -1 with errno when it is a link or no regular file. */
int store_open_file(const char *path);
/* soundness.c: what is checked before the pages are followed; false with a sentence. */
bool soundness_of_data_file(const struct store *store, bool create, char why[STORE_WHY_LEN]);
bool soundness_of_length(struct store *store, char why[STORE_WHY_LEN]);
void store_sync_directory(const char *path);
/* alone.c. Before the environment is opened: with `alone`, that no server uses the directory. */
bool alone_from_servers(struct store *store, char why[STORE_WHY_LEN]);
/* Afterwards: that the data is not being replaced, or with `alone` that nobody else uses it. Both hold until the store
 * is closed; false with a sentence. */
bool alone_or_shared(struct store *store, bool alone, char why[STORE_WHY_LEN]);
/* migrate.c. First, inside a write transaction that has changed nothing yet: keeps a copy of what is of an older
 * format, unless there is a backup. Then, with every table there, brings it up to date. False with a sentence. */
bool migrate_prepare(struct store *store, uint64_t format, char why[STORE_WHY_LEN]);
bool migrate(struct store *store, char why[STORE_WHY_LEN]);
/* How many numbers in the free list are at least first_page. */
uint64_t store_count_free(MDB_txn *txn, uint64_t first_page);

/* The reserve of store/reserve.c. */
void reserve_open(struct store *store);
uint64_t reserve_bytes(const struct store *store);
/* Bytes in pages that wait for reuse. */
uint64_t store_free_bytes(struct store *store);

void txn_init(struct txn *txn, struct store *store, struct reader *reader);
void txn_dispose(struct txn *txn);
void txn_close_cursors(struct txn *txn);
void *txn_arena_alloc(struct txn *txn, size_t size);
/* The kept cursor of a table. */
enum error txn_cursor(struct txn *txn, enum table table, MDB_cursor **out);
/* Checks the checksum of an entry and hands out its value (copied in a write transaction). */
enum error entry_open(struct txn *txn, enum table table, const MDB_val *key, const MDB_val *data, struct bytes *value);

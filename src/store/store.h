#pragma once
/*
 * The tables on disk: one LMDB environment, its read and write transactions, and the typed records in it. This is the
 * only room that includes lmdb.h; `store/records.h` has the records, this header the bytes.
 *
 * Threads: one `struct reader` a thread, any number of them. Write transactions exclude each other (other processes'
 * too). Lifetimes: what a read transaction gives is a view into the memory map and dies with reader_end; what a write
 * transaction gives is a copy in its arena and dies with the command (txn_arena_reset) or the transaction.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "core/id.h"

#define STORE_FORMAT \
    2 /* of the directory; a newer one is refused, an older one migrated when it is opened for writing */
#define MESSAGE_CLIENT_BIT (UINT64_C(1) << 63)

enum table {
#define TABLE(name, text) TABLE_##name,
#include "store/tables.def"
#undef TABLE
    TABLE_COUNT
};

/* The name of a table in the file. */
const char *table_name(enum table table);

/* ---- the environment ---- */

/* The names of all files that opening makes in a directory and leaves there, but for a copy of an older format. */
#define STORE_FILE_COUNT 4
extern const char *const store_files[STORE_FILE_COUNT];

struct store;
struct txn;
struct reader;

enum store_mode {
    STORE_SERVE,    /* creates the directory; takes the server's lock on it, which a second server is refused */
    STORE_ADMIN,    /* writes beside a running server; creates the directory if `create` */
    STORE_READ_ONLY /* writes nothing but LMDB's reader table */
};

struct store_config {
    const char *directory; /* with STORE_READ_ONLY also a file by itself that nobody writes to any more: a backup */
    enum store_mode mode;
    bool create;             /* with STORE_ADMIN: make what is not there */
    uint64_t map_bytes;      /* to begin with; 0: chosen by the disk's size. Address space only, the file is sparse */
    uint64_t data_bytes_max; /* the map never grows above it; 0: no limit but the disk's */
    bool keeps_no_copy;      /* when it is of an older format and brought up to date: there is a backup */
    bool is_alone;  /* with STORE_READ_ONLY, a directory: refused while anybody else uses it, and keeps everybody
                       out until it is closed, so that another file may take the place of its data */
    bool *is_older; /* set when that is the refusal's reason: an older format, and STORE_READ_ONLY. Or NULL */
};

#define STORE_WHY_LEN 512

/* Opens; on failure returns NULL with a sentence in why. One store a process, opened once. */
struct store *store_open(const struct store_config *config, char why[STORE_WHY_LEN]);
void store_close(struct store *store);

/* What to say on standard error, and the status to end with, when the map can't be read at some place: the disk failed,
 * or another program cut the file. store_open sets a sentence of its own. With `crashes_too`, damage that makes LMDB
 * itself stumble ends in the same way: for programs that only read. Process-wide; `sentence` must be static. */
void store_guard(const char *sentence, int status, bool crashes_too);
/* Called before the sentence, to remove what must not stay: it may only do what a signal handler may. NULL: nothing. */
void store_guard_cleans(void (*clean)(void));

/* What /metrics and `stat` show. */
struct store_stats {
    uint64_t map_bytes, used_bytes,
        free_bytes; /* used: up to the last page in use; free: pages in it that wait for reuse */
    uint64_t file_bytes;
    unsigned readers, readers_max;
    struct {
        uint64_t rows, pages;
        unsigned depth;
    } tables[TABLE_COUNT];
};
enum error store_stats(struct store *store, struct reader *reader, struct store_stats *out);
/* Bytes in use and of the map, and the reader slots in use (all processes): cheap. */
void store_usage(struct store *store, uint64_t *used_bytes, uint64_t *map_bytes, unsigned *readers);
/*
 * Writes a compact copy of the newest snapshot to fd, a file or a pipe; it is not synced. Any thread, for as long as it
 * takes: like every reader it keeps pages from being used again meanwhile, and nobody else may use this store in this
 * process. On failure false, with the reason alone in why ("No space left on device"), and a part may be written.
 */
bool store_backup(struct store *store, int fd, char why[STORE_WHY_LEN]);
/* Frees reader slots of processes that have died; once every few seconds. */
void store_check_readers(struct store *store);

/* ---- transactions ---- */

struct reader *reader_open(struct store *store);
void reader_close(struct reader *reader);
/* A consistent snapshot until reader_end. Short: never across a wait. NULL with a log line when LMDB refuses. */
struct txn *reader_begin(struct reader *reader);
void reader_end(struct reader *reader);

/* ERR_OUTCOME_UNKNOWN when the environment can't be written any more. */
enum error write_begin(struct store *store, struct txn **out);
/*
 * On disk when it returns OK. ERR_STORE_FULL: nothing was written and the store is as before. ERR_OUTCOME_UNKNOWN: the
 * disk failed; the process must stop without another write. The transaction is gone in every case.
 */
enum error write_commit(struct txn *txn);
void write_abort(struct txn *txn);
/* What the rules may note of an organisation until the transaction ends; all zero at its beginning. */
struct txn_note {
    struct id org;        /* found alive; ID_NONE: none noted */
    uint64_t hook_events; /* what its webhooks want */
};
struct txn_note *txn_note(struct txn *txn);
/* How much was put or deleted since write_begin. */
uint64_t txn_changes(const struct txn *txn);
/* After ERR_STORE_FULL: whether the map was full, which can grow, or the disk. */
bool store_map_was_full(const struct store *store);
/* After table_put or table_del failed: makes the map larger, with no transaction open in this thread. `erasing` may go
 * into the reserve. False when the limit is reached. */
bool store_grow(struct store *store, bool erasing);
/* The disk has said ENOSPC: gives the reserve free for erasing commands. False when it is already spent. */
bool store_reserve_spend(struct store *store);
/* Whether commands that don't erase may write: the reserve is there (it is made again when the disk has room), or as
 * much is free inside the file. */
bool store_reserve_ready(struct store *store);
/*
 * Pages that a transaction freed can be used again by the second one after it, so a store that has just been emptied is
 * still full for the next one. Commits nothing, twice, with the reserve if need be; once a second at most. OK: another
 * try may succeed. ERR_STORE_FULL: there is little to gain. ERR_OUTCOME_UNKNOWN: the disk failed.
 */
enum error store_ripen(struct store *store);

/* False after a damaged page has been met: nothing can be read or written any more, and the transaction must be ended.
 */
bool txn_is_usable(struct txn *txn);
/* Read transactions: begins again on a fresh snapshot. False when that fails; the transaction is ended then. */
bool txn_refresh(struct txn *txn);
/* An empty buffer for encoding; the same one at each call. */
struct buffer *txn_scratch(struct txn *txn);
/* Write transactions: ends the life of what was read so far. Between commands. */
void txn_arena_reset(struct txn *txn);

/* ---- tables ---- */

/* A key under construction: fixed-width parts one after another. */
struct key {
    size_t len;
    unsigned char bytes[STORE_KEY_LEN_MAX];
};

static inline struct bytes key_view(const struct key *key)
{
    return bytes_view(key->bytes, key->len);
}
void key_clear(struct key *key);
void key_put(struct key *key, struct bytes part);
void key_put_id(struct key *key, struct id id);
void key_put_u32(struct key *key, uint32_t number);
void key_put_u64(struct key *key, uint64_t number);
/* Reads parts back from a key or value; offset counts on. The bytes must be there (assert). */
struct id key_get_id(struct bytes key, size_t *offset);
uint32_t key_get_u32(struct bytes key, size_t *offset);
uint64_t key_get_u64(struct bytes key, size_t *offset);

/* ERR_NOT_FOUND; ERR_CORRUPT (logged) when the checksum disagrees. */
enum error table_get(struct txn *txn, enum table table, struct bytes key, struct bytes *value);
/* Inserts or replaces. ERR_STORE_FULL (store_grow helps) or ERR_OUTCOME_UNKNOWN; either way the transaction must be
 * aborted. */
enum error table_put(struct txn *txn, enum table table, struct bytes key, struct bytes value);
/* ERR_NOT_FOUND when there is none. */
enum error table_del(struct txn *txn, enum table table, struct bytes key);

/* The last entry before `before`, without the price of a cursor; ERR_NOT_FOUND when there is none. */
enum error table_get_before(struct txn *txn, enum table table, struct bytes before, struct bytes *key,
                            struct bytes *value);
/* How many entries a table has. */
uint64_t table_rows(struct txn *txn, enum table table);

/* A walk over a table in key order. Opened and closed within one transaction. In a write transaction a put or delete in
 * the same table by anything but cursor_del ends the validity of its position: seek again. */
struct cursor;
struct cursor *cursor_open(struct txn *txn, enum table table);
void cursor_close(struct cursor *cursor);
/* To the first entry at or after `key`; to the last entry before `key`. ERR_NOT_FOUND at the end. An empty key is the
 * table's beginning for seek, and its end for seek_before. key and value may be NULL. ERR_CORRUPT sets *key when only
 * the entry is damaged, and the walk can go on behind it; *key is BYTES_NONE when the place can't be read at all. */
enum error cursor_seek(struct cursor *cursor, struct bytes from, struct bytes *key, struct bytes *value);
enum error cursor_seek_before(struct cursor *cursor, struct bytes before, struct bytes *key, struct bytes *value);
enum error cursor_next(struct cursor *cursor, struct bytes *key, struct bytes *value);
enum error cursor_previous(struct cursor *cursor, struct bytes *key, struct bytes *value);
/* Deletes the entry that the last call found; cursor_next then gives the one after it. */
enum error cursor_del(struct cursor *cursor);

/* ---- meta ---- */

/* A number in META; 0 when absent. */
enum error meta_get_u64(struct txn *txn, const char *name, uint64_t *out);
enum error meta_put_u64(struct txn *txn, const char *name, uint64_t value);
#define META_SEQ "seq"       /* of the last applied command */
#define META_FORMAT "format" /* of the directory: STORE_FORMAT */
#define META_ERASED "erased" /* how far the sweep has come since a visitor was erased; see rules/sweep.c */

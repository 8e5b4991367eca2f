/*
 * Read and write transactions. A reader's is reset and renewed, never ended, so a question costs no system call. The
 * one write transaction lives in the store; what it reads is copied into its arena, because LMDB may move a page at the
 * next put.
 */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/logline.h"
#include "store/internal.h"

/* ---- memory of a transaction ---- */

#define ARENA_CHUNK_BYTES 65536

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

static struct arena_chunk *arena_chunk_new(size_t size, struct arena_chunk *next)
{
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        abort();
    *chunk = (struct arena_chunk){next, 0, size};
    return chunk;
}

void *txn_arena_alloc(struct txn *txn, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (txn->arena == NULL || txn->arena->size - txn->arena->used < size)
        txn->arena = arena_chunk_new(size > ARENA_CHUNK_BYTES ? size : ARENA_CHUNK_BYTES, txn->arena);
    void *memory = txn->arena->bytes + txn->arena->used;
    txn->arena->used += size;
    return memory;
}

/* Keeps one chunk, the oldest: the one of the usual size. */
void txn_arena_reset(struct txn *txn)
{
    while (txn->arena != NULL && txn->arena->next != NULL) {
        struct arena_chunk *next = txn->arena->next;
        free(txn->arena);
        txn->arena = next;
    }
    if (txn->arena != NULL)
        txn->arena->used = 0;
}

void txn_init(struct txn *txn, struct store *store, struct reader *reader)
{
    *txn = (struct txn){.store = store, .reader = reader};
}

void txn_close_cursors(struct txn *txn)
{
    for (int table = 0; table < TABLE_COUNT; ++table) {
        if (txn->cursors[table] != NULL)
            mdb_cursor_close(txn->cursors[table]);
        txn->cursors[table] = NULL;
    }
}

void txn_dispose(struct txn *txn)
{
    while (txn->arena != NULL) {
        struct arena_chunk *next = txn->arena->next;
        free(txn->arena);
        txn->arena = next;
    }
    buffer_dispose(&txn->scratch);
}

struct buffer *txn_scratch(struct txn *txn)
{
    buffer_clear(&txn->scratch);
    return &txn->scratch;
}

struct txn_note *txn_note(struct txn *txn)
{
    return &txn->note;
}

uint64_t txn_changes(const struct txn *txn)
{
    return txn->changes;
}

enum error txn_cursor(struct txn *txn, enum table table, MDB_cursor **out)
{
    if (txn->cursors[table] == NULL) {
        int code = mdb_cursor_open(txn->handle, txn->store->tables[table], &txn->cursors[table]);
        if (code != 0) {
            txn->cursors[table] = NULL;
            return store_error(code, "opening a cursor");
        }
    }
    *out = txn->cursors[table];
    return OK;
}

/* ---- reading ---- */

struct reader *reader_open(struct store *store)
{
    struct reader *reader = aligned_alloc(64, (sizeof(*reader) + 63) / 64 * 64);
    struct txn *txn = malloc(sizeof(*txn));
    if (reader == NULL || txn == NULL)
        abort();
    *reader = (struct reader){.store = store, .txn = txn};
    txn_init(txn, store, reader);
    pthread_mutex_lock(&store->readers_mutex);
    reader->next = store->readers;
    store->readers = reader;
    pthread_mutex_unlock(&store->readers_mutex);
    return reader;
}

void reader_close(struct reader *reader)
{
    struct store *store = reader->store;
    assert(!atomic_load(&reader->active));
    pthread_mutex_lock(&store->readers_mutex);
    struct reader **link = &store->readers;
    while (*link != reader)
        link = &(*link)->next;
    *link = reader->next;
    pthread_mutex_unlock(&store->readers_mutex);
    if (reader->txn->handle != NULL)
        mdb_txn_abort(reader->txn->handle);
    txn_dispose(reader->txn);
    free(reader->txn);
    free(reader);
}

static void announce(struct reader *reader)
{
    for (;;) {
        atomic_store(&reader->active, true);
        if (!atomic_load(&reader->store->resizing))
            return;
        atomic_store(&reader->active, false);
        while (atomic_load(&reader->store->resizing))
            sched_yield();
    }
}

static int renew(struct reader *reader)
{
    struct txn *txn = reader->txn;
    announce(reader);
    int code = txn->handle == NULL ? mdb_txn_begin(reader->store->env, NULL, MDB_RDONLY, &txn->handle)
                                   : mdb_txn_renew(txn->handle);
    if (code != 0)
        atomic_store(&reader->active, false);
    return code;
}

struct txn *reader_begin(struct reader *reader)
{
    assert(!atomic_load_explicit(&reader->active, memory_order_relaxed));
    int code = renew(reader);
    if (code == MDB_MAP_RESIZED) {
        store_adopt_size(reader->store);
        code = renew(reader);
    }
    if (code == 0)
        return reader->txn;
    store_error(code, "beginning to read");
    return NULL;
}

void reader_end(struct reader *reader)
{
    struct txn *txn = reader->txn;
    txn_close_cursors(txn);
    mdb_txn_reset(txn->handle);
    atomic_store_explicit(&reader->active, false, memory_order_release);
}

bool txn_is_usable(struct txn *txn)
{
    MDB_stat stat;
    return mdb_stat(txn->handle, txn->store->tables[TABLE_META], &stat) == 0;
}

bool txn_refresh(struct txn *txn)
{
    assert(txn->reader != NULL);
    reader_end(txn->reader);
    return reader_begin(txn->reader) != NULL;
}

/* ---- writing ---- */

enum error write_begin(struct store *store, struct txn **out)
{
    assert(store->mode != STORE_READ_ONLY);
    struct txn *txn = &store->writer;
    pthread_mutex_lock(&store->write_mutex);
    int code = mdb_txn_begin(store->env, NULL, 0, &txn->handle);
    while (code == MDB_MAP_RESIZED) {
        pthread_mutex_unlock(&store->write_mutex);
        store_adopt_size(store);
        pthread_mutex_lock(&store->write_mutex);
        code = mdb_txn_begin(store->env, NULL, 0, &txn->handle);
    }
    if (code != 0) {
        txn->handle = NULL;
        pthread_mutex_unlock(&store->write_mutex);
        enum error error = store_error(code, "beginning to write");
        return error == ERR_STORE_FULL ? error : ERR_OUTCOME_UNKNOWN;
    }
    txn->changes = 0;
    txn->note = (struct txn_note){0};
    txn_arena_reset(txn);
    *out = txn;
    return OK;
}

static void write_end(struct txn *txn)
{
    txn->handle = NULL;
    txn_arena_reset(txn);
    pthread_mutex_unlock(&txn->store->write_mutex);
}

/* A failed write of the meta page ends the environment, whatever the reason; a failed write of anything before it does
 * not. */
static bool environment_is_dead(struct store *store)
{
    MDB_txn *probe;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &probe);
    if (code == 0)
        mdb_txn_abort(probe);
    return code == MDB_PANIC;
}

enum error write_commit(struct txn *txn)
{
    txn_close_cursors(txn);
    int code = mdb_txn_commit(txn->handle);
    txn->store->map_was_full = code == MDB_MAP_FULL;
    if (code != 0 && environment_is_dead(txn->store))
        code = MDB_PANIC;
    write_end(txn);
    enum error error = store_error(code, "committing");
    return error == OK || error == ERR_STORE_FULL ? error : ERR_OUTCOME_UNKNOWN;
}

void write_abort(struct txn *txn)
{
    txn_close_cursors(txn);
    mdb_txn_abort(txn->handle);
    write_end(txn);
}

/*
 * The reserve of a full disk. Deleting needs pages too, since LMDB never writes over a live one, so a full disk could
 * never be cleaned. A file of real blocks lies beside the data; when the disk says ENOSPC to an erasing command, those
 * blocks are given back, and until they can be had again only erasing commands may write. Whether it is spent is the
 * file's size and nothing else, so a server and the shell's subcommands beside it agree. Where the data has a limit of
 * its own (data_bytes_max), erasing may go beyond it by as much. Runs on the thread that writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "store/internal.h"

#define LOOK_INTERVAL_NS 1000000000
#define RIPE_WORTH_BYTES 262144 /* of free pages; below, a full store is simply full */

static bool is_there(const struct store *store)
{
    struct stat file;
    return store->reserve_fd >= 0 && fstat(store->reserve_fd, &file) == 0 && file.st_size >= STORE_RESERVE_BYTES;
}

/* All or nothing: a part of it would only take room away. */
static bool make(struct store *store)
{
    if (store->reserve_fd < 0)
        return false;
    if (posix_fallocate(store->reserve_fd, 0, STORE_RESERVE_BYTES) == 0)
        return true;
    (void)!ftruncate(store->reserve_fd, 0);
    return false;
}

void reserve_open(struct store *store)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/reserve", store->directory);
    store->reserve_fd = store_open_file(path);
    if (store->mode == STORE_SERVE && !is_there(store) && !make(store))
        log_line(LOG_WARN, "the disk is too full for the reserve; only deletions will be taken", LOG_TEXT("file", path),
                 LOG_NUMBER("bytes", STORE_RESERVE_BYTES));
}

bool store_reserve_spend(struct store *store)
{
    if (!is_there(store) || ftruncate(store->reserve_fd, 0) != 0)
        return false;
    log_line(LOG_WARN, "the disk is full; the reserve is free for deletions", LOG_NUMBER("bytes", STORE_RESERVE_BYTES));
    return true;
}

/* Where the data has a limit the reserve is at most a quarter of it: a small limit would otherwise be all reserve. */
uint64_t reserve_bytes(const struct store *store)
{
    uint64_t quarter = store->data_bytes_max / 4;
    return store->data_bytes_max != 0 && quarter < STORE_RESERVE_BYTES ? quarter : STORE_RESERVE_BYTES;
}

/* Counting free pages is a walk, so it is done at most once a second. */
static bool has_room_inside(struct store *store)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (store->room_looked_ns == 0 || now_ns - store->room_looked_ns > LOOK_INTERVAL_NS) {
        store->room_looked_ns = now_ns;
        store->room_inside = store_free_bytes(store) >= reserve_bytes(store);
    }
    return store->room_inside;
}

static bool map_is_beyond_limit(struct store *store)
{
    MDB_envinfo info;
    if (store->data_bytes_max == 0)
        return false;
    pthread_mutex_lock(&store->write_mutex); /* nobody resizes the map now */
    bool beyond = mdb_env_info(store->env, &info) == 0 && info.me_mapsize > store->data_bytes_max;
    pthread_mutex_unlock(&store->write_mutex);
    return beyond;
}

bool store_reserve_ready(struct store *store)
{
    if (store->mode != STORE_SERVE || ((is_there(store) || make(store)) && !map_is_beyond_limit(store)))
        return true;
    return has_room_inside(store);
}

/* ---- freed pages ---- */

/* Writes what is there already, which is a commit all the same. */
static enum error commit_nothing(struct store *store)
{
    struct txn *txn;
    uint64_t seq;
    enum error error = write_begin(store, &txn);
    if (error != OK)
        return error;
    error = meta_get_u64(txn, META_SEQ, &seq);
    if (error == OK)
        error = meta_put_u64(txn, META_SEQ, seq);
    if (error == OK)
        return write_commit(txn);
    write_abort(txn);
    return error;
}

static enum error commit_nothing_with_reserve(struct store *store)
{
    enum error error = commit_nothing(store);
    if (error == ERR_STORE_FULL && (store->map_was_full ? store_grow(store, true) : store_reserve_spend(store)))
        error = commit_nothing(store);
    return error;
}

enum error store_ripen(struct store *store)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - store->ripened_ns < LOOK_INTERVAL_NS || store_free_bytes(store) < RIPE_WORTH_BYTES)
        return ERR_STORE_FULL;
    store->ripened_ns = now_ns;
    store->room_looked_ns = 0;
    enum error error = commit_nothing_with_reserve(store);
    return error == OK ? commit_nothing_with_reserve(store) : error;
}

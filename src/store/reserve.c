/*
 * The reserve of a full disk. Deleting needs pages too, since LMDB never writes over a live one, so a full disk could never be
 * cleaned. A file of real blocks lies beside the data; when the disk says ENOSPC to an erasing command, those blocks are given back,
 * and until they can be had again only erasing commands may write. Whether it is spent is the file's size and nothing else, so a server
 * and the shell's subcommands beside it agree. Where the data has a limit of its own (data_bytes_max), erasing may go beyond it by as much.
 * Runs on the thread that writes.
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
    store->reserve_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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

/* Counting free pages is a walk, so it is done at most once a second. */
static bool map_has_room(struct store *store)
{
    MDB_envinfo info;
    if (store->data_bytes_max == 0 || mdb_env_info(store->env, &info) != 0 || info.me_mapsize <= store->data_bytes_max)
        return true;
    uint64_t now_ns = clock_monotonic_ns();
    if (store->reserve_looked_ns == 0 || now_ns - store->reserve_looked_ns > LOOK_INTERVAL_NS) {
        store->reserve_looked_ns = now_ns;
        store->reserve_in_map = store_free_bytes(store) >= STORE_RESERVE_BYTES;
    }
    return store->reserve_in_map;
}

bool store_reserve_ready(struct store *store)
{
    bool on_disk = is_there(store) || (store->mode == STORE_SERVE && make(store));
    return (on_disk || store->mode != STORE_SERVE) && map_has_room(store);
}

/*
 * The reserve of a full disk. Deleting needs pages too, since LMDB never writes over a live one, so a full disk could never be
 * cleaned. A file of real blocks lies beside the data; when the disk says ENOSPC to an erasing command, those blocks are given back,
 * and until they can be had again only erasing commands may write. Runs on the thread that writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/logline.h"
#include "store/internal.h"

static bool reserve_fill(struct store *store)
{
    return posix_fallocate(store->reserve_fd, 0, STORE_RESERVE_BYTES) == 0;
}

void reserve_open(struct store *store)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/reserve", store->directory);
    store->reserve_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    store->reserve_spent = store->reserve_fd < 0 || !reserve_fill(store);
    if (store->reserve_spent)
        log_line(LOG_WARN, "the disk is too full for the reserve; only deletions will be taken", LOG_TEXT("file", path),
                 LOG_NUMBER("bytes", STORE_RESERVE_BYTES));
}

bool store_reserve_spend(struct store *store)
{
    if (store->reserve_fd < 0 || store->reserve_spent)
        return false;
    store->reserve_spent = ftruncate(store->reserve_fd, 0) == 0;
    if (store->reserve_spent)
        log_line(LOG_WARN, "the disk is full; the reserve is free for deletions", LOG_NUMBER("bytes", STORE_RESERVE_BYTES));
    return store->reserve_spent;
}

bool store_reserve_ready(struct store *store)
{
    if (store->mode != STORE_SERVE || !store->reserve_spent)
        return true;
    store->reserve_spent = store->reserve_fd < 0 || !reserve_fill(store);
    if (store->reserve_spent && store->reserve_fd >= 0)
        (void)!ftruncate(store->reserve_fd, 0);
    return !store->reserve_spent;
}

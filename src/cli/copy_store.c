/* Copying a database out of its store. LMDB does it in one call, so it runs on a thread of its own while this one looks
 * how far it has come. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/copy.h"
#include "cli/progress.h"

#define LOOK_INTERVAL_NS 200000000 /* between two looks */

struct copying {
    struct store *store;
    int fd;
    bool is_fine;
    char *why;
};

static void *copy_in_thread(void *context)
{
    struct copying *copying = context;
    copying->is_fine = store_backup(copying->store, copying->fd, copying->why);
    return NULL;
}

static bool has_ended(pthread_t thread)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_INTERVAL_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

/* LMDB tells nobody how far it is, but the file's size does. */
static void watch(pthread_t thread, int fd, uint64_t total_bytes)
{
    struct progress progress;
    struct stat file = {0};
    progress_begin(&progress, "copying MiB", total_bytes >> 20);
    while (!has_ended(thread))
        if (fstat(fd, &file) == 0)
            progress_update(&progress, (uint64_t)file.st_size >> 20);
    progress_end(&progress);
}

/* What the copy will have: the pages in use. */
static uint64_t bytes_in_use(struct admin *admin)
{
    struct store_stats stats;
    return store_stats(admin->store, admin->reader, &stats) == OK ? stats.used_bytes - stats.free_bytes : 0;
}

bool copy_store(struct admin *admin, int fd, char why[STORE_WHY_LEN])
{
    struct copying copying = {.store = admin->store, .fd = fd, .why = why};
    pthread_t thread;
    uint64_t total_bytes = bytes_in_use(admin);
    if (pthread_create(&thread, NULL, copy_in_thread, &copying) != 0)
        abort();
    watch(thread, fd, total_bytes);
    return copying.is_fine;
}

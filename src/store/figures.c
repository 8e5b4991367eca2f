/* What /metrics and `stat` show of the environment. */
#include <sys/stat.h>

#include "base/logline.h"
#include "store/internal.h"

/* One line a slot in use, which begins with its process in ten columns; a line of headings before them. */
static int count_reader(const char *line, void *count)
{
    bool is_slot = strlen(line) > 10 && line[9] >= '0' && line[9] <= '9';
    *(unsigned *)count += is_slot;
    return 0;
}

static unsigned readers_in_use(struct store *store)
{
    unsigned count = 0;
    mdb_reader_list(store->env, count_reader, &count);
    return count;
}

void store_usage(struct store *store, uint64_t *used_bytes, uint64_t *map_bytes, unsigned *readers)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(store->env, &info) != 0 || mdb_env_stat(store->env, &stat) != 0)
        memset(&info, 0, sizeof(info)), memset(&stat, 0, sizeof(stat));
    *used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    *map_bytes = info.me_mapsize;
    *readers = readers_in_use(store);
}

/* The free list is a tree of its own: transaction → list of page numbers, the count first. */
uint64_t store_count_free(MDB_txn *txn, uint64_t first_page)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    uint64_t pages = 0;
    if (mdb_cursor_open(txn, 0, &cursor) != 0)
        return 0;
    while (mdb_cursor_get(cursor, &key, &data, MDB_NEXT) == 0) {
        const size_t *numbers = data.mv_data;
        for (size_t i = 1; i <= numbers[0]; ++i)
            pages += numbers[i] >= first_page;
    }
    mdb_cursor_close(cursor);
    return pages;
}

/* On the thread that writes, with no transaction open in it. */
uint64_t store_free_bytes(struct store *store)
{
    MDB_txn *txn;
    MDB_stat stat;
    uint64_t bytes = 0;
    pthread_mutex_lock(&store->write_mutex); /* nobody resizes the map now */
    if (mdb_env_stat(store->env, &stat) == 0 && mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) == 0) {
        bytes = store_count_free(txn, 0) * stat.ms_psize;
        mdb_txn_abort(txn);
    }
    pthread_mutex_unlock(&store->write_mutex);
    return bytes;
}

enum error store_stats(struct store *store, struct reader *reader, struct store_stats *out)
{
    MDB_stat stat;
    struct stat file;
    int fd;
    memset(out, 0, sizeof(*out));
    store_usage(store, &out->used_bytes, &out->map_bytes, &out->readers);
    out->readers_max = STORE_READERS_MAX;
    if (mdb_env_get_fd(store->env, &fd) == 0 && fstat(fd, &file) == 0)
        out->file_bytes = (uint64_t)file.st_size;
    struct txn *txn = reader_begin(reader);
    if (txn == NULL)
        return ERR_INTERNAL;
    for (int table = 0; table < TABLE_COUNT; ++table) {
        if (table_is_missing(store, (enum table)table) || mdb_stat(txn->handle, store->tables[table], &stat) != 0)
            continue;
        out->tables[table].rows = stat.ms_entries;
        out->tables[table].pages = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
        out->tables[table].depth = stat.ms_depth;
        out->free_bytes = stat.ms_psize;
    }
    out->free_bytes *= store_count_free(txn->handle, 0);
    reader_end(reader);
    return OK;
}

void store_check_readers(struct store *store)
{
    int dead = 0;
    if (mdb_reader_check(store->env, &dead) == 0 && dead > 0)
        log_line(LOG_INFO, "freed the reader slots of processes that have died", LOG_NUMBER("slots", dead));
}

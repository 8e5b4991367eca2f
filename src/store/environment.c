/*
 * Opening, growing and closing the environment.
 *
 * The map may only be resized while no transaction of this process is open. Readers publish `active` before they look
 * at `resizing`, the resizer publishes `resizing` before it looks at `active`: one of the two always sees the other,
 * and nobody takes a lock to read.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/logline.h"
#include "store/internal.h"

#define PATH_LEN_MAX 4096
#define EXIT_UNREADABLE 70 /* EX_SOFTWARE of sysexits.h */
#define MAP_BYTES_LARGEST (UINT64_C(64) << 30)
#define MAP_BYTES_SMALLEST (UINT64_C(1) << 30)

static const char *const table_names[TABLE_COUNT] = {
#define TABLE(name, text) [TABLE_##name] = text,
#include "store/tables.def"
#undef TABLE
};

const char *const store_files[STORE_FILE_COUNT] = {"data.mdb", "lock.mdb", "helvino.lock", "reserve"};

const char *table_name(enum table table)
{
    assert(table < TABLE_COUNT);
    return table_names[table];
}

enum error store_error(int code, const char *doing)
{
    switch (code) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return ERR_STORE_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        log_line(LOG_ERROR, "the data file is damaged", LOG_TEXT("doing", doing),
                 LOG_TEXT("error", mdb_strerror(code)));
        return ERR_CORRUPT;
    case MDB_BAD_TXN: /* what follows a damaged page in the same transaction; that page has been logged */
        return ERR_CORRUPT;
    default:
        log_line(LOG_ERROR, "the store failed", LOG_TEXT("doing", doing), LOG_TEXT("error", mdb_strerror(code)));
        return ERR_OUTCOME_UNKNOWN;
    }
}

/* ---- before the file is mapped ---- */

/* Magic numbers of linux/magic.h and the kernel's sources: file systems over a network, where LMDB's locks and maps
 * don't hold. */
static const char *network_file_system(const char *directory)
{
    struct statfs info;
    if (statfs(directory, &info) != 0)
        return NULL;
    switch ((unsigned long)info.f_type) {
    case 0x6969:
        return "NFS";
    case 0xff534d42:
    case 0xfe534d42:
    case 0x517b:
        return "SMB";
    case 0x01021997:
        return "9P";
    case 0x00c36400:
        return "Ceph";
    case 0x6b414653:
    case 0x5346414f:
        return "AFS";
    default:
        return NULL;
    }
}

void store_sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static bool make_directory(const char *path, char why[STORE_WHY_LEN])
{
    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return true;
        return store_refuse(why, "cannot make the data directory %s: %s", path, strerror(errno));
    }
    char parent[PATH_LEN_MAX];
    snprintf(parent, sizeof(parent), "%s/..", path);
    store_sync_directory(parent);
    return true;
}

/* "DIR/data.mdb" beside its locks means DIR: to read that file without them would be to read pages that a server writes
 * over. */
static bool is_live(const char *path, size_t parent_len)
{
    char lock[PATH_LEN_MAX];
    snprintf(lock, sizeof(lock), "%.*s/lock.mdb", (int)parent_len, path);
    return strcmp(path + parent_len, "/data.mdb") == 0 && access(lock, F_OK) == 0;
}

/* Where the data is: in a directory, or in a file that nobody writes to any more, such as a backup. */
static void locate(struct store *store, const struct store_config *config)
{
    struct stat info;
    char path[PATH_LEN_MAX], resolved[PATH_LEN_MAX];
    struct bytes place = bytes_of_string(config->directory);
    store->is_file = config->mode == STORE_READ_ONLY && stat(config->directory, &info) == 0 && S_ISREG(info.st_mode);
    if (store->is_file && realpath(config->directory, resolved) != NULL) {
        size_t parent_len = (size_t)(strrchr(resolved, '/') - resolved);
        store->is_file = !is_live(resolved, parent_len);
        if (!store->is_file)
            place = bytes_view(resolved, parent_len);
    }
    store->directory = bytes_dup(place);
    snprintf(path, sizeof(path), "%s%s", store->directory, store->is_file ? "" : "/data.mdb");
    store->data_file = bytes_dup(bytes_of_string(path));
}

static bool check_directory(const struct store *store, bool create, char why[STORE_WHY_LEN])
{
    struct stat info;
    if (store->is_file)
        return true;
    if (create && !make_directory(store->directory, why))
        return false;
    if (stat(store->directory, &info) != 0)
        return store_refuse(why, "cannot open the data directory %s: %s", store->directory, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return store_refuse(why, "%s is not a directory", store->directory);
    if (info.st_mode & S_IWOTH)
        return store_refuse(why, "everybody may write to %s; make it private (chmod 700)", store->directory);
    const char *network = network_file_system(store->directory);
    return network == NULL || store_refuse(why, "%s is on a network file system (%s); the data must be on a local disk",
                                           store->directory, network);
}

static bool take_server_lock(struct store *store, char why[STORE_WHY_LEN])
{
    char path[PATH_LEN_MAX];
    snprintf(path, sizeof(path), "%s/helvino.lock", store->directory);
    store->lock_fd = store_open_file(path);
    if (store->lock_fd < 0)
        return store_refuse(why, "cannot open %s: %s", path, strerror(errno));
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    return store_refuse(
        why, "another helvino server is using %s; stop it first, or give this one another directory (--data)",
        store->directory);
}

/* ---- opening ---- */

/* Address space, not disk: large enough that growing is rare, below the disk's size so that the map is full before the
 * disk is. */
static uint64_t choose_map_bytes(const struct store_config *config)
{
    struct statvfs info;
    uint64_t bytes = config->map_bytes;
    if (bytes == 0) {
        bytes = MAP_BYTES_SMALLEST;
        if (statvfs(config->directory, &info) == 0)
            bytes = (uint64_t)info.f_blocks * info.f_frsize / 5 * 4;
        bytes = bytes > MAP_BYTES_LARGEST ? MAP_BYTES_LARGEST : bytes < MAP_BYTES_SMALLEST ? MAP_BYTES_SMALLEST : bytes;
    }
    if (config->data_bytes_max != 0 && bytes > config->data_bytes_max)
        bytes = config->data_bytes_max;
    return bytes < STORE_MAP_BYTES_MIN ? STORE_MAP_BYTES_MIN : bytes & ~UINT64_C(65535);
}

/* LMDB has met a page that can't be: it must not go on, and its own words belong into the log. */
static void on_assert(MDB_env *env, const char *sentence)
{
    (void)env;
    log_line(LOG_ERROR, "the data file is damaged", LOG_TEXT("error", sentence));
    abort();
}

/* Root may look at anybody's database, but the locks that it makes anew must be the server's. */
static void give_locks_to_owner(const struct store *store)
{
    char path[PATH_LEN_MAX];
    struct stat data;
    if (geteuid() != 0 || store->is_file || stat(store->data_file, &data) != 0 || data.st_uid == 0)
        return;
    snprintf(path, sizeof(path), "%s/lock.mdb", store->directory);
    (void)!lchown(path, data.st_uid, data.st_gid);
}

static bool open_environment(struct store *store, const struct store_config *config, char why[STORE_WHY_LEN])
{
    unsigned flags = MDB_NOTLS | (config->mode == STORE_READ_ONLY ? MDB_RDONLY : 0) |
                     (store->is_file ? MDB_NOSUBDIR | MDB_NOLOCK : 0);
    int code = mdb_env_create(&store->env);
    if (code == 0)
        code = mdb_env_set_assert(store->env, on_assert);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX);
    if (code == 0)
        code = mdb_env_set_maxreaders(store->env, STORE_READERS_MAX);
    if (code == 0 && config->mode == STORE_SERVE)
        code = mdb_env_set_mapsize(store->env, choose_map_bytes(config));
    if (code == 0)
        code = mdb_env_open(store->env, store->directory, flags, 0600);
    if (code == EACCES && config->mode == STORE_READ_ONLY && !store->is_file)
        return store_refuse(why,
                            "%s/lock.mdb can't be opened for writing, and even who only reads is noted there; run this "
                            "as the server's user, or read the file of a backup",
                            store->directory);
    if (code != 0)
        return store_refuse(why, "cannot open the database in %s: %s", store->directory, mdb_strerror(code));
    int fd;
    if (mdb_env_get_fd(store->env, &fd) == 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    give_locks_to_owner(store);
    return true;
}

/* Tables that came without a new format, since an earlier helvino of this one can do without them. */
static bool may_be_missing(int table)
{
    static const bool is_later[TABLE_COUNT] = {
        [TABLE_CONVERSATION_BY_MARK] = true,
        [TABLE_AGENTS] = true,
        [TABLE_AGENT_BY_EMAIL] = true,
        [TABLE_MEMBERS] = true,
        [TABLE_MEMBER_BY_AGENT] = true,
        [TABLE_SESSIONS] = true,
        [TABLE_SESSION_BY_AGENT] = true,
        [TABLE_LINKS] = true,
        [TABLE_AUDIT] = true,
        [TABLE_WEBHOOKS] = true,
        [TABLE_WEBHOOK_BY_ORG] = true,
        [TABLE_WEBHOOK_QUEUE] = true,
        [TABLE_WEBHOOK_PAST] = true,
        [TABLE_ERASURES] = true,
        [TABLE_RETENTION] = true,
        [TABLE_CONVERSATION_OPEN] = true,
        [TABLE_CONVERSATION_BY_SNOOZE] = true,
        [TABLE_CONVERSATION_BY_WORK] = true,
        [TABLE_NOTES] = true,
        [TABLE_REPLIES] = true,
        [TABLE_SEARCH_ORGS] = true,
        [TABLE_SEARCH_SEGMENTS] = true,
        [TABLE_SEARCH_BLOCKS] = true,
        [TABLE_MESSAGE_BY_SEQ] = true,
        [TABLE_VISITOR_BY_EMAIL] = true,
    };
    return is_later[table];
}

static int open_tables(struct store *store, MDB_txn *handle, unsigned flags)
{
    int code = 0;
    for (int table = 0; table < TABLE_COUNT && code == 0; ++table) {
        store->tables[table] = 0;
        code = mdb_dbi_open(handle, table_names[table], flags, &store->tables[table]);
        if (code == MDB_NOTFOUND && may_be_missing(table))
            code = 0;
    }
    return code;
}

static bool refuse_format(const struct store *store, uint64_t format, char why[STORE_WHY_LEN])
{
    if (format == 0)
        return store_refuse(why, "the database in %s has no format number; it was not made by helvino",
                            store->directory);
    if (format > STORE_FORMAT)
        return store_refuse(why,
                            "the database in %s has format %llu, made by a newer helvino; this one knows format %d",
                            store->directory, (unsigned long long)format, STORE_FORMAT);
    return store_refuse(why, "the database in %s has format %llu, of an older helvino; %s brings it up to date",
                        store->directory, (unsigned long long)format,
                        store->is_file ? "restoring it and starting the server on it once"
                                       : "starting the server on it once, or any command that writes,");
}

/* An environment without any table is new, and *format is 0; one with tables but without a format number is somebody
 * else's. */
static bool check_format(struct store *store, struct txn *txn, uint64_t *format, char why[STORE_WHY_LEN])
{
    MDB_dbi unnamed;
    MDB_stat tables;
    bool is_new = mdb_dbi_open(txn->handle, NULL, 0, &unnamed) == 0 && mdb_stat(txn->handle, unnamed, &tables) == 0 &&
                  tables.ms_entries == 0;
    *format = 0;
    if (is_new && store->mode != STORE_READ_ONLY)
        return true;
    if (mdb_dbi_open(txn->handle, table_names[TABLE_META], 0, &store->tables[TABLE_META]) != 0)
        return store_refuse(why, "the database in %s was not made by helvino", store->directory);
    if (meta_get_u64(txn, META_FORMAT, format) != OK)
        return store_refuse(why, "the database in %s is damaged", store->directory);
    bool is_known =
        *format == STORE_FORMAT || (*format > 0 && *format < STORE_FORMAT && store->mode != STORE_READ_ONLY);
    return is_known || refuse_format(store, *format, why);
}

/* Everything about the format in one transaction: what is refused has not been changed. */
static bool prepare_tables(struct store *store, uint64_t *format, char why[STORE_WHY_LEN])
{
    bool writing = store->mode != STORE_READ_ONLY;
    struct txn txn = {.store = store};
    int code = mdb_txn_begin(store->env, NULL, writing ? 0 : MDB_RDONLY, &txn.handle);
    while (code == MDB_MAP_RESIZED &&
           mdb_env_set_mapsize(store->env, 0) == 0) /* another process has grown it meanwhile */
        code = mdb_txn_begin(store->env, NULL, writing ? 0 : MDB_RDONLY, &txn.handle);
    if (code != 0)
        return store_refuse(why, "cannot read the database in %s: %s", store->directory, mdb_strerror(code));
    bool fine = check_format(store, &txn, format, why), is_new = *format == 0;
    if (fine && !is_new && *format != STORE_FORMAT)
        fine = migrate_prepare(store, *format, why);
    if (fine) {
        code = open_tables(store, txn.handle, writing ? MDB_CREATE : 0);
        if (code == 0 && is_new && meta_put_u64(&txn, META_FORMAT, STORE_FORMAT) != OK)
            code = ENOSPC;
    }
    txn_close_cursors(&txn);
    if (fine && code == 0)
        code = mdb_txn_commit(txn.handle);
    else
        mdb_txn_abort(txn.handle);
    txn_dispose(&txn);
    store->map_was_full = code == MDB_MAP_FULL;
    if (fine && code == 0 && is_new)
        store_sync_directory(store->directory);
    return fine && (code == 0 ||
                    store_refuse(why, "cannot prepare the database in %s: %s", store->directory, mdb_strerror(code)));
}

/* The tables, of this program's format when it returns true. */
static bool open_database(struct store *store, bool *is_older, char why[STORE_WHY_LEN])
{
    uint64_t format = 0;
    bool is_prepared = prepare_tables(store, &format, why);
    /* Where a table is added the limit of the data must not keep the store shut: only when it is open can it be
     * emptied. */
    while (!is_prepared && format == STORE_FORMAT && store->map_was_full && store_grow(store, true))
        is_prepared = prepare_tables(store, &format, why);
    if (is_older != NULL)
        *is_older = !is_prepared && store->mode == STORE_READ_ONLY && format > 0 && format < STORE_FORMAT;
    return is_prepared && (format == 0 || format == STORE_FORMAT || migrate(store, why));
}

struct store *store_open(const struct store_config *config, char why[STORE_WHY_LEN])
{
    why[0] = '\0';
    store_guard("helvino: a part of data.mdb can't be read; the disk has failed or the file was cut\n", EXIT_UNREADABLE,
                false);
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        abort();
    locate(store, config);
    store->mode = config->mode;
    store->keeps_no_copy = config->keeps_no_copy;
    store->data_bytes_max = config->data_bytes_max;
    store->lock_fd = store->reserve_fd = -1;
    pthread_mutex_init(&store->write_mutex, NULL);
    pthread_mutex_init(&store->readers_mutex, NULL);
    txn_init(&store->writer, store, NULL);
    for (int table = 0; table < TABLE_COUNT; ++table)
        store->seeds[table] = crc32c(0, table_names[table], strlen(table_names[table]));
    bool create = config->mode == STORE_SERVE || (config->mode == STORE_ADMIN && config->create);
    if (!check_directory(store, create, why) || (config->mode == STORE_SERVE && !take_server_lock(store, why)) ||
        (config->is_alone && !alone_from_servers(store, why)) || !soundness_of_data_file(store, create, why) ||
        !open_environment(store, config, why) || !alone_or_shared(store, config->is_alone, why) ||
        !soundness_of_length(store, why) || !open_database(store, config->is_older, why)) {
        store_close(store);
        return NULL;
    }
    store_check_readers(store);
    if (config->mode != STORE_READ_ONLY)
        reserve_open(store);
    return store;
}

void store_close(struct store *store)
{
    assert(store->readers == NULL);
    txn_dispose(&store->writer);
    if (store->env != NULL)
        mdb_env_close(store->env);
    if (store->reserve_fd >= 0)
        close(store->reserve_fd);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->write_mutex);
    pthread_mutex_destroy(&store->readers_mutex);
    free(store->directory);
    free(store->data_file);
    free(store);
}

/* ---- resizing ---- */

static void wait_for_readers(struct store *store)
{
    pthread_mutex_lock(&store->readers_mutex);
    for (struct reader *reader = store->readers; reader != NULL; reader = reader->next)
        while (atomic_load(&reader->active))
            sched_yield();
    pthread_mutex_unlock(&store->readers_mutex);
}

/* bytes 0: take the size that another process has written. */
static bool resize(struct store *store, uint64_t bytes)
{
    atomic_store(&store->resizing, true);
    wait_for_readers(store);
    int code = mdb_env_set_mapsize(store->env, bytes);
    atomic_store(&store->resizing, false);
    if (code == 0)
        return true;
    /* The old map is gone by now, and every reader would follow it. */
    store_error(code, "resizing the map");
    abort();
}

void store_adopt_size(struct store *store)
{
    pthread_mutex_lock(&store->write_mutex);
    resize(store, 0);
    pthread_mutex_unlock(&store->write_mutex);
}

bool store_map_was_full(const struct store *store)
{
    return store->map_was_full;
}

bool store_grow(struct store *store, bool erasing)
{
    MDB_envinfo info;
    bool grown = false;
    pthread_mutex_lock(&store->write_mutex);
    if (mdb_env_info(store->env, &info) == 0) {
        uint64_t limit =
            store->data_bytes_max == 0 ? UINT64_MAX : store->data_bytes_max + (erasing ? reserve_bytes(store) : 0);
        uint64_t bytes = (uint64_t)info.me_mapsize * 2;
        bytes = bytes > limit ? limit & ~UINT64_C(65535) : bytes;
        grown = bytes > info.me_mapsize && resize(store, bytes);
        if (grown)
            log_line(LOG_INFO, "the map has grown", LOG_NUMBER("bytes", bytes));
    }
    pthread_mutex_unlock(&store->write_mutex);
    return grown;
}

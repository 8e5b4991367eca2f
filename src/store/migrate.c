/*
 * Bringing a directory of an older format up to date when it is opened for writing. First the data file is copied as it
 * was (whoever has a backup says that this is not needed), then what the newer format asks for is added in transactions
 * of bounded size, and the last of them raises the format: after a crash in between it all begins again, and adding an
 * entry twice changes nothing. Two processes that do it at once do the same twice. An older server must not write
 * meanwhile, or what it adds would be missed; its lock tells.
 *
 * Format 2 has conversation_by_updated and aliases, and every message has a clientId: where none came, the text of its
 * id. Runs while the store is opened, before there is another thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "base/partial.h"
#include "store/internal.h"
#include "store/records.h"

#define PATH_LEN_MAX 4096
#define STEP_CONVERSATIONS 10000 /* in one transaction */

/* ---- before anything is changed ---- */

/* A server that starts is kept out until the end; one that runs is of an older helvino, or at this very work. */
static bool keep_servers_out(struct store *store, char why[STORE_WHY_LEN])
{
    char path[PATH_LEN_MAX];
    if (store->mode == STORE_SERVE)
        return true;
    snprintf(path, sizeof(path), "%s/helvino.lock", store->directory);
    store->lock_fd = store_open_file(path);
    if (store->lock_fd < 0)
        return store_refuse(why, "cannot open %s: %s", path, strerror(errno));
    return flock(store->lock_fd, LOCK_SH | LOCK_NB) == 0 ||
           store_refuse(why,
                        "the database in %s is of an older helvino, and a server is using it; stop that server and "
                        "start it anew with this helvino",
                        store->directory);
}

static void let_servers_in(struct store *store)
{
    if (store->mode == STORE_SERVE || store->lock_fd < 0)
        return;
    close(store->lock_fd);
    store->lock_fd = -1;
}

static int copy_to(struct store *store, const char *path)
{
    struct partial partial;
    if (!partial_create(&partial, path))
        return errno;
    int code = mdb_env_copyfd2(store->env, partial.fd, MDB_CP_COMPACT);
    if (code == 0)
        return partial_finish(&partial, true) ? 0 : errno;
    partial_abandon(&partial);
    return code;
}

/* A copy of an earlier try is replaced: this one has all that came since. */
static bool keep_copy(struct store *store, uint64_t format, char why[STORE_WHY_LEN])
{
    char path[PATH_LEN_MAX];
    snprintf(path, sizeof(path), "%s/data.mdb.format-%llu", store->directory, (unsigned long long)format);
    log_line(LOG_WARN,
             "the database is of an older helvino; it is brought up to date, and a copy of it as it was is kept, which "
             "may be deleted once all is well",
             LOG_NUMBER("format", format), LOG_TEXT("copy", path));
    int code = copy_to(store, path);
    return code == 0 ||
           store_refuse(why,
                        "the database in %s is of an older helvino, and the copy that is kept before it is "
                        "brought up to date can't be written: %s",
                        store->directory, mdb_strerror(code));
}

bool migrate_prepare(struct store *store, uint64_t format, char why[STORE_WHY_LEN])
{
    return keep_servers_out(store, why) && (store->keeps_no_copy || keep_copy(store, format, why));
}

/* ---- filling ---- */

struct migration {
    struct key next; /* the conversation to go on with; empty at the beginning */
    uint64_t conversations;
    bool done;
};

/* A message without a clientId gets the text of its id, and an entry by which that finds it. */
static enum error add_client_id(struct txn *txn, struct message *message)
{
    char own[ID_TEXT_LEN];
    struct bytes block;
    uint64_t seq;
    if (message->client_id.data != NULL)
        return OK;
    id_format(message->id, own);
    message->client_id = bytes_view(own, ID_TEXT_LEN);
    enum error error = client_id_find(txn, message->conversation, message->role, message->client_id, &block, &seq);
    if (error != ERR_NOT_FOUND)
        return error;
    error = message_put(txn, message);
    return error == OK ? client_id_note(txn, message->conversation, block, message->client_id, message->seq) : error;
}

/* What can't be read is left to `check`. Each message is looked for anew, since writing ends a cursor's position. */
static enum error add_client_ids(struct txn *txn, struct id conversation)
{
    struct key from;
    struct bytes key, value;
    uint64_t seq = 0;
    enum error error = OK;
    while (error == OK) {
        struct message message;
        struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
        message_key(&from, conversation, seq);
        error = cursor_seek(cursor, key_view(&from), &key, &value);
        if (error == OK && !message_key_is_of(key, conversation))
            error = ERR_NOT_FOUND;
        if (error == OK)
            error = message_decode(key, value, &message);
        cursor_close(cursor);
        if (error != OK)
            break;
        seq = message.seq + 1;
        error = add_client_id(txn, &message);
    }
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

/* What can't be read is left to `check`. */
static enum error update_conversation(struct txn *txn, struct bytes key, struct bytes value)
{
    struct conversation conversation;
    struct conversation_activity activity;
    struct key updated;
    size_t offset = 0;
    if (key.len != ID_LEN || record_decode(RECORD_CONVERSATIONS, value, &conversation) != OK)
        return OK;
    conversation.id = key_get_id(key, &offset);
    enum error error = conversation_activity(txn, &conversation, &activity);
    if (error != OK || activity.updated_at_ms < 0 || activity.updated_at_ms > TIME_MS_MAX)
        return error == ERR_CORRUPT ? OK : error;
    error = add_client_ids(txn, conversation.id);
    if (error != OK)
        return error;
    conversation_updated_key(&updated, conversation.org, activity.updated_at_ms, conversation.id);
    return table_put(txn, TABLE_CONVERSATION_BY_UPDATED, key_view(&updated), BYTES_NONE);
}

static bool has_entry(enum error error, struct bytes key)
{
    return (error == OK || (error == ERR_CORRUPT && key.data != NULL)) && key.len <= STORE_KEY_LEN_MAX;
}

/* ERR_NOT_FOUND when no conversation is left. A damaged one is passed; a damaged page ends it with ERR_CORRUPT. */
static enum error fill(struct txn *txn, struct migration *migration)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_CONVERSATIONS);
    enum error error = cursor_seek(cursor, key_view(&migration->next), &key, &value);
    for (unsigned left = STEP_CONVERSATIONS; has_entry(error, key) && left > 0; --left) {
        if (error == OK)
            error = update_conversation(txn, key, value);
        txn_arena_reset(txn);
        migration->conversations += error == OK;
        if (error == OK || error == ERR_CORRUPT)
            error = cursor_next(cursor, &key, &value);
    }
    if (has_entry(error, key)) {
        key_clear(&migration->next);
        key_put(&migration->next, key);
        error = OK;
    }
    cursor_close(cursor);
    return error;
}

static enum error advance(struct txn *txn, struct migration *migration)
{
    uint64_t format;
    enum error error = meta_get_u64(txn, META_FORMAT, &format);
    if (error != OK)
        return error;
    migration->done = format == STORE_FORMAT; /* another process has been faster */
    if (migration->done)
        return OK;
    error = fill(txn, migration);
    if (error != ERR_NOT_FOUND)
        return error;
    migration->done = true;
    return meta_put_u64(txn, META_FORMAT, STORE_FORMAT);
}

/* One transaction; *migration moves on only when it is on disk. */
static enum error step(struct store *store, struct migration *migration)
{
    struct migration after = *migration;
    struct txn *txn;
    enum error error = write_begin(store, &txn);
    if (error != OK)
        return error;
    error = advance(txn, &after);
    if (error != OK || txn_changes(txn) == 0)
        write_abort(txn);
    else
        error = write_commit(txn);
    if (error == OK)
        *migration = after;
    return error;
}

static bool refuse_failure(const struct store *store, enum error error, char why[STORE_WHY_LEN])
{
    const char *reason = error == ERR_STORE_FULL ? "there is no room for its new index; make room and try again"
                         : error == ERR_CORRUPT  ? "a part of it is damaged; restore a backup"
                                                 : "the disk has failed; the log says how";
    return store_refuse(why, "the database in %s can't be brought up to date: %s", store->directory, reason);
}

bool migrate(struct store *store, char why[STORE_WHY_LEN])
{
    struct migration migration = {.done = false};
    enum error error = OK;
    while (error == OK && !migration.done) {
        error = step(store, &migration);
        if (error == ERR_STORE_FULL && store_map_was_full(store) && store_grow(store, true))
            error = OK;
    }
    let_servers_in(store);
    if (error != OK)
        return refuse_failure(store, error, why);
    log_line(LOG_WARN, "the database has been brought up to date", LOG_NUMBER("format", STORE_FORMAT),
             LOG_NUMBER("conversations", migration.conversations));
    return true;
}

/*
 * Entries: a checksum over table, key and value before every value, keys from fixed-width parts, and walks. A flipped
 * bit in a key or a value is an error and never an answer: LMDB has no checksums of its own.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/logline.h"
#include "store/internal.h"

#define CHECKSUM_LEN 4

/* ---- keys ---- */

void key_clear(struct key *key)
{
    key->len = 0;
}

void key_put(struct key *key, struct bytes part)
{
    assert(part.len <= STORE_KEY_LEN_MAX - key->len);
    if (part.len != 0)
        memcpy(key->bytes + key->len, part.data, part.len);
    key->len += part.len;
}

void key_put_id(struct key *key, struct id id)
{
    key_put(key, bytes_view(id.bytes, ID_LEN));
}

void key_put_u32(struct key *key, uint32_t number)
{
    number = __builtin_bswap32(number);
    key_put(key, bytes_view(&number, sizeof(number)));
}

void key_put_u64(struct key *key, uint64_t number)
{
    number = __builtin_bswap64(number);
    key_put(key, bytes_view(&number, sizeof(number)));
}

static const char *take(struct bytes key, size_t *offset, size_t len)
{
    assert(*offset <= key.len && key.len - *offset >= len);
    const char *part = key.data + *offset;
    *offset += len;
    return part;
}

struct id key_get_id(struct bytes key, size_t *offset)
{
    struct id id;
    memcpy(id.bytes, take(key, offset, ID_LEN), ID_LEN);
    return id;
}

uint32_t key_get_u32(struct bytes key, size_t *offset)
{
    uint32_t number;
    memcpy(&number, take(key, offset, sizeof(number)), sizeof(number));
    return __builtin_bswap32(number);
}

uint64_t key_get_u64(struct bytes key, size_t *offset)
{
    uint64_t number;
    memcpy(&number, take(key, offset, sizeof(number)), sizeof(number));
    return __builtin_bswap64(number);
}

/* ---- entries ---- */

static uint32_t checksum(const struct txn *txn, enum table table, struct bytes key, struct bytes value)
{
    return crc32c(crc32c(txn->store->seeds[table], key.data, key.len), value.data, value.len);
}

static void log_damage(enum table table, const MDB_val *key)
{
    char text[2 * STORE_KEY_LEN_MAX + 1];
    size_t len = key->mv_size > STORE_KEY_LEN_MAX ? STORE_KEY_LEN_MAX : key->mv_size;
    /* The first 16 bytes: an id. What follows may be a visitor's key, which no log line shows. */
    len = len > ID_LEN ? ID_LEN : len;
    for (size_t i = 0; i < len; ++i)
        for (int half = 0; half < 2; ++half)
            text[2 * i + (size_t)half] =
                "0123456789abcdef"[((const unsigned char *)key->mv_data)[i] >> (half ? 0 : 4) & 15];
    text[2 * len] = '\0';
    log_line(LOG_ERROR, "a stored record is damaged", LOG_TEXT("table", table_name(table)), LOG_TEXT("key", text));
}

/* Lengths first: a flipped bit in one of them must not lead the checksum out of the map. */
static bool is_sound(const struct txn *txn, enum table table, const MDB_val *key, const MDB_val *data)
{
    uint32_t stored;
    if (key->mv_size > STORE_KEY_LEN_MAX || data->mv_size < CHECKSUM_LEN ||
        data->mv_size > CHECKSUM_LEN + STORE_VALUE_LEN_MAX)
        return false;
    memcpy(&stored, data->mv_data, CHECKSUM_LEN);
    struct bytes body = bytes_view((const char *)data->mv_data + CHECKSUM_LEN, data->mv_size - CHECKSUM_LEN);
    return stored == checksum(txn, table, bytes_view(key->mv_data, key->mv_size), body);
}

enum error entry_open(struct txn *txn, enum table table, const MDB_val *key, const MDB_val *data, struct bytes *value)
{
    struct bytes body = bytes_view((const char *)data->mv_data + CHECKSUM_LEN, data->mv_size - CHECKSUM_LEN);
    if (!is_sound(txn, table, key, data)) {
        log_damage(table, key);
        return ERR_CORRUPT;
    }
    if (value == NULL)
        return OK;
    *value = body;
    if (txn->reader == NULL) {
        value->data = txn_arena_alloc(txn, body.len + 1);
        memcpy((char *)(uintptr_t)value->data, body.data, body.len);
    }
    return OK;
}

static MDB_val as_val(struct bytes view)
{
    return (MDB_val){view.len, (void *)(uintptr_t)view.data};
}

enum error table_get(struct txn *txn, enum table table, struct bytes key, struct bytes *value)
{
    MDB_val k = as_val(key), data;
    if (table_is_missing(txn->store, table))
        return ERR_NOT_FOUND;
    int code = mdb_get(txn->handle, txn->store->tables[table], &k, &data);
    if (code != 0)
        return store_error(code, "reading");
    return entry_open(txn, table, &k, &data, value);
}

enum error table_put(struct txn *txn, enum table table, struct bytes key, struct bytes value)
{
    MDB_cursor *cursor;
    assert(!table_is_missing(txn->store, table));
    enum error error = txn_cursor(txn, table, &cursor);
    if (error != OK)
        return error;
    uint32_t sum = checksum(txn, table, key, value);
    MDB_val k = as_val(key), data = {CHECKSUM_LEN + value.len, NULL};
    ++txn->changes;
    int code = mdb_cursor_put(cursor, &k, &data, MDB_RESERVE);
    txn->store->map_was_full = code == MDB_MAP_FULL;
    if (code != 0)
        return store_error(code, "writing");
    memcpy(data.mv_data, &sum, CHECKSUM_LEN);
    if (value.len != 0)
        memcpy((char *)data.mv_data + CHECKSUM_LEN, value.data, value.len);
    return OK;
}

enum error table_del(struct txn *txn, enum table table, struct bytes key)
{
    MDB_val k = as_val(key);
    if (table_is_missing(txn->store, table))
        return ERR_NOT_FOUND;
    int code = mdb_del(txn->handle, txn->store->tables[table], &k, NULL);
    txn->store->map_was_full = code == MDB_MAP_FULL;
    txn->changes += code == 0;
    return store_error(code, "deleting");
}

uint64_t table_rows(struct txn *txn, enum table table)
{
    MDB_stat stat;
    bool counted = !table_is_missing(txn->store, table) && mdb_stat(txn->handle, txn->store->tables[table], &stat) == 0;
    return counted ? stat.ms_entries : 0;
}

/* An entry as it is handed out: key and value copied in a write transaction. Either may be NULL. */
static enum error entry_give(struct txn *txn, enum table table, const MDB_val *k, const MDB_val *data,
                             struct bytes *key, struct bytes *value)
{
    if (key != NULL) {
        *key = bytes_view(k->mv_data, k->mv_size);
        if (txn->reader == NULL) {
            key->data = txn_arena_alloc(txn, key->len + 1);
            memcpy((char *)(uintptr_t)key->data, k->mv_data, k->mv_size);
        }
    }
    return entry_open(txn, table, k, data, value);
}

/* A damaged branch page leads to a wrong leaf, and LMDB takes its first entry without comparing. */
static bool is_before(const MDB_val *k, struct bytes bound)
{
    size_t len = k->mv_size < bound.len ? k->mv_size : bound.len;
    int order = len == 0 ? 0 : memcmp(k->mv_data, bound.data, len);
    return order != 0 ? order < 0 : k->mv_size < bound.len;
}

static int find_before(MDB_cursor *cursor, struct bytes before, MDB_val *k, MDB_val *data)
{
    *k = as_val(before);
    int code = before.len == 0 ? MDB_NOTFOUND : mdb_cursor_get(cursor, k, data, MDB_SET_RANGE);
    if (code != 0 && code != MDB_NOTFOUND)
        return code;
    code = mdb_cursor_get(cursor, k, data, code == 0 ? MDB_PREV : MDB_LAST);
    return code == 0 && before.len != 0 && !is_before(k, before) ? MDB_CORRUPTED : code;
}

enum error table_get_before(struct txn *txn, enum table table, struct bytes before, struct bytes *key,
                            struct bytes *value)
{
    MDB_cursor *cursor;
    MDB_val k, data;
    if (table_is_missing(txn->store, table))
        return ERR_NOT_FOUND;
    enum error error = txn_cursor(txn, table, &cursor);
    if (error != OK)
        return error;
    int code = find_before(cursor, before, &k, &data);
    return code != 0 ? store_error(code, "reading") : entry_give(txn, table, &k, &data, key, value);
}

/* ---- walks ---- */

struct cursor {
    struct txn *txn;
    enum table table;
    MDB_cursor *handle; /* NULL: of a table that is missing, or after a damaged page has been met */
};

static int code_without_handle(const struct cursor *cursor)
{
    return table_is_missing(cursor->txn->store, cursor->table) ? MDB_NOTFOUND : MDB_BAD_TXN;
}

struct cursor *cursor_open(struct txn *txn, enum table table)
{
    struct cursor *cursor = malloc(sizeof(*cursor));
    if (cursor == NULL)
        abort();
    *cursor = (struct cursor){txn, table, NULL};
    /* It fails after a damaged page has been met in this transaction: every walk then finds ERR_CORRUPT. */
    if (table_is_missing(txn->store, table) ||
        mdb_cursor_open(txn->handle, txn->store->tables[table], &cursor->handle) != 0)
        cursor->handle = NULL;
    return cursor;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor->handle != NULL)
        mdb_cursor_close(cursor->handle);
    free(cursor);
}

/* A key that stays NULL tells a place that can't be read from an entry that is only damaged. */
static void forget(struct bytes *key)
{
    if (key != NULL)
        *key = BYTES_NONE;
}

static enum error cursor_get(struct cursor *cursor, MDB_val *k, MDB_cursor_op op, struct bytes *key,
                             struct bytes *value)
{
    MDB_val data;
    forget(key);
    int code = cursor->handle == NULL ? code_without_handle(cursor) : mdb_cursor_get(cursor->handle, k, &data, op);
    return code != 0 ? store_error(code, "walking") : entry_give(cursor->txn, cursor->table, k, &data, key, value);
}

enum error cursor_seek(struct cursor *cursor, struct bytes from, struct bytes *key, struct bytes *value)
{
    MDB_val k = as_val(from), data;
    forget(key);
    int code = cursor->handle == NULL
                   ? code_without_handle(cursor)
                   : mdb_cursor_get(cursor->handle, &k, &data, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && from.len != 0 && is_before(&k, from))
        code = MDB_CORRUPTED;
    return code != 0 ? store_error(code, "walking") : entry_give(cursor->txn, cursor->table, &k, &data, key, value);
}

enum error cursor_seek_before(struct cursor *cursor, struct bytes before, struct bytes *key, struct bytes *value)
{
    MDB_val k, data;
    forget(key);
    int code = cursor->handle == NULL ? code_without_handle(cursor) : find_before(cursor->handle, before, &k, &data);
    return code != 0 ? store_error(code, "walking") : entry_give(cursor->txn, cursor->table, &k, &data, key, value);
}

enum error cursor_next(struct cursor *cursor, struct bytes *key, struct bytes *value)
{
    MDB_val k;
    return cursor_get(cursor, &k, MDB_NEXT, key, value);
}

enum error cursor_previous(struct cursor *cursor, struct bytes *key, struct bytes *value)
{
    MDB_val k;
    return cursor_get(cursor, &k, MDB_PREV, key, value);
}

enum error cursor_del(struct cursor *cursor)
{
    ++cursor->txn->changes;
    int code = cursor->handle == NULL ? code_without_handle(cursor) : mdb_cursor_del(cursor->handle, 0);
    cursor->txn->store->map_was_full = code == MDB_MAP_FULL;
    return store_error(code, "deleting");
}

/* ---- meta ---- */

enum error meta_get_u64(struct txn *txn, const char *name, uint64_t *out)
{
    struct bytes value;
    size_t offset = 0;
    *out = 0;
    enum error error = table_get(txn, TABLE_META, bytes_of_string(name), &value);
    if (error == ERR_NOT_FOUND)
        return OK;
    if (error == OK && value.len != sizeof(uint64_t))
        error = ERR_CORRUPT;
    if (error == OK)
        *out = key_get_u64(value, &offset);
    return error;
}

enum error meta_put_u64(struct txn *txn, const char *name, uint64_t value)
{
    struct key number;
    key_clear(&number);
    key_put_u64(&number, value);
    return table_put(txn, TABLE_META, bytes_of_string(name), key_view(&number));
}

/* Buckets of places, each a value; whoever changes one writes it anew. */
#include "search/by_seq.h"

void by_seq_key(struct key *key, struct id org, uint64_t seq)
{
    key_clear(key);
    key_put_id(key, org);
    key_put_u64(key, seq / BY_SEQ_COUNT);
}

/* ---- a bucket --------------------------------------------------------------------------------------------------- */

static unsigned low_at(struct bytes entries, size_t at)
{
    return (unsigned char)entries.data[at];
}

/* Where the seq's entry is, or would have to be. */
static size_t find(struct bytes entries, uint64_t seq)
{
    size_t at = 0;
    while (at < entries.len && low_at(entries, at) < seq % BY_SEQ_COUNT)
        at += BY_SEQ_ENTRY_LEN;
    return at;
}

static bool is_at(struct bytes entries, size_t at, uint64_t seq)
{
    return at < entries.len && low_at(entries, at) == seq % BY_SEQ_COUNT;
}

static struct id conversation_at(struct bytes entries, size_t at)
{
    ++at;
    return key_get_id(entries, &at);
}

bool by_seq_is_fit(struct bytes key, struct bytes value)
{
    bool fits = key.len == ID_LEN + sizeof(uint64_t) && value.len != 0 && value.len % BY_SEQ_ENTRY_LEN == 0;
    for (size_t at = 0; fits && at < value.len; at += BY_SEQ_ENTRY_LEN)
        fits =
            low_at(value, at) < BY_SEQ_COUNT && (at == 0 || low_at(value, at) > low_at(value, at - BY_SEQ_ENTRY_LEN));
    return fits;
}

static enum error read_bucket(struct txn *txn, struct id org, uint64_t seq, struct key *key, struct bytes *entries)
{
    by_seq_key(key, org, seq);
    *entries = BYTES_NONE;
    enum error error = table_get(txn, TABLE_MESSAGE_BY_SEQ, key_view(key), entries);
    return error == OK && !by_seq_is_fit(key_view(key), *entries) ? ERR_CORRUPT : error;
}

/* ---- one place -------------------------------------------------------------------------------------------------- */

enum error by_seq_get(struct txn *txn, struct id org, uint64_t seq, struct id *conversation)
{
    struct key key;
    struct bytes entries;
    enum error error = read_bucket(txn, org, seq, &key, &entries);
    if (error != OK)
        return error;
    size_t at = find(entries, seq);
    if (!is_at(entries, at, seq))
        return ERR_NOT_FOUND;
    *conversation = conversation_at(entries, at);
    return OK;
}

enum error by_seq_del(struct txn *txn, struct id org, uint64_t seq)
{
    struct key key;
    struct bytes entries;
    enum error error = read_bucket(txn, org, seq, &key, &entries);
    if (error == ERR_CORRUPT)
        return table_del(txn, TABLE_MESSAGE_BY_SEQ, key_view(&key));
    size_t at = error == OK ? find(entries, seq) : 0;
    if (error != OK || !is_at(entries, at, seq))
        return error == ERR_NOT_FOUND ? OK : error;
    if (entries.len == BY_SEQ_ENTRY_LEN)
        return table_del(txn, TABLE_MESSAGE_BY_SEQ, key_view(&key));
    struct buffer *left = txn_scratch(txn);
    buffer_append(left, entries.data, at);
    buffer_append(left, entries.data + at + BY_SEQ_ENTRY_LEN, entries.len - at - BY_SEQ_ENTRY_LEN);
    return table_put(txn, TABLE_MESSAGE_BY_SEQ, key_view(&key), buffer_view(left));
}

/* ---- several at once -------------------------------------------------------------------------------------------- */

static void append(struct buffer *out, const struct by_seq *place)
{
    unsigned char low = (unsigned char)(place->seq % BY_SEQ_COUNT);
    buffer_append(out, &low, 1);
    buffer_append(out, place->conversation.bytes, ID_LEN);
}

/* Merges what a bucket has with places that go there; one that is there already stays. */
static void merge(struct buffer *out, struct bytes entries, const struct by_seq *places, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
        size_t to = find(entries, places[i].seq);
        buffer_append(out, entries.data + at, to - at);
        at = to;
        if (!is_at(entries, at, places[i].seq))
            append(out, &places[i]);
    }
    buffer_append(out, entries.data + at, entries.len - at);
}

enum error by_seq_put_all(struct txn *txn, struct id org, const struct by_seq *places, size_t count)
{
    enum error error = OK;
    for (size_t i = 0, end; i < count && error == OK; i = end) {
        struct key key;
        struct bytes entries;
        for (end = i + 1; end < count && places[end].seq / BY_SEQ_COUNT == places[i].seq / BY_SEQ_COUNT;)
            ++end;
        error = read_bucket(txn, org, places[i].seq, &key, &entries);
        if (error != OK && error != ERR_NOT_FOUND)
            break;
        struct buffer *bucket = txn_scratch(txn);
        merge(bucket, entries, places + i, end - i);
        error =
            bucket->len == entries.len ? OK : table_put(txn, TABLE_MESSAGE_BY_SEQ, key_view(&key), buffer_view(bucket));
    }
    return error;
}

enum error by_seq_put(struct txn *txn, struct id org, const struct by_seq *place)
{
    return by_seq_put_all(txn, org, place, 1);
}

/* ---- walks ------------------------------------------------------------------------------------------------------ */

/* The bucket that the cursor has found, if it is the organisation's. */
static enum error enter(struct by_seq_walk *walk, enum error error, struct bytes key, struct bytes value)
{
    size_t offset = ID_LEN;
    if (error != OK)
        return error;
    if (key.len < ID_LEN || memcmp(key.data, walk->org.bytes, ID_LEN) != 0)
        return ERR_NOT_FOUND;
    if (!by_seq_is_fit(key, value))
        return ERR_CORRUPT;
    walk->bucket = key_get_u64(key, &offset);
    walk->entries = value;
    return OK;
}

void by_seq_walk_open(struct by_seq_walk *walk, struct txn *txn, struct id org, uint64_t from, bool down)
{
    struct key key;
    struct bytes found, value;
    *walk = (struct by_seq_walk){.cursor = cursor_open(txn, TABLE_MESSAGE_BY_SEQ), .org = org, .down = down};
    by_seq_key(&key, org, down ? from + BY_SEQ_COUNT : from);
    enum error error = down ? cursor_seek_before(walk->cursor, key_view(&key), &found, &value)
                            : cursor_seek(walk->cursor, key_view(&key), &found, &value);
    walk->error = enter(walk, error, found, value);
    if (walk->error != OK || walk->bucket != from / BY_SEQ_COUNT)
        return;
    size_t at = find(walk->entries, from);
    walk->entries =
        down ? bytes_view(walk->entries.data, at) : bytes_view(walk->entries.data + at, walk->entries.len - at);
}

void by_seq_walk_close(struct by_seq_walk *walk)
{
    cursor_close(walk->cursor);
}

static struct by_seq take(struct by_seq_walk *walk)
{
    size_t at = walk->down ? walk->entries.len - BY_SEQ_ENTRY_LEN : 0;
    struct by_seq place = {walk->bucket * BY_SEQ_COUNT + low_at(walk->entries, at), conversation_at(walk->entries, at)};
    walk->entries =
        bytes_view(walk->entries.data + (walk->down ? 0 : BY_SEQ_ENTRY_LEN), walk->entries.len - BY_SEQ_ENTRY_LEN);
    return place;
}

enum error by_seq_walk_next(struct by_seq_walk *walk, struct by_seq *out)
{
    while (walk->entries.len == 0 && walk->error == OK) {
        struct bytes key, value;
        enum error error =
            walk->down ? cursor_previous(walk->cursor, &key, &value) : cursor_next(walk->cursor, &key, &value);
        walk->error = enter(walk, error, key, value);
    }
    if (walk->error == OK)
        *out = take(walk);
    return walk->error;
}

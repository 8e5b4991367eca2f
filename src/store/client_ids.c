/*
 * Which clientIds a conversation has seen. A hash index would touch a page of its own at a random place for each
 * message; this list lies in `messages` right behind the conversation's last message, newest block first, so that
 * noting a clientId touches the page that the message itself goes to. Finding one walks the blocks: a few nanoseconds
 * an id, and conversations are short.
 *
 * A block's key is (conversation, MESSAGE_CLIENT_BIT | BLOCK_LAST - number), its value up to BLOCK_ENTRIES pairs of 64
 * bits: the hash of a clientId and the seq of its message. Two clientIds of one hash are told apart by their messages.
 */
#include <assert.h>
#include <sodium.h>

#include "store/records.h"

#define BLOCK_LAST (MESSAGE_CLIENT_BIT - 1)

uint64_t client_id_hash(struct bytes client_id)
{
    static const unsigned char
        key[crypto_shorthash_KEYBYTES]; /* fixed: the same command gives the same tables everywhere */
    uint64_t hash;
    _Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4 gives 64 bits");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)client_id.data, client_id.len, key);
    return hash;
}

/* Whether `seq` really is the message of this clientId. */
static enum error is_message_of(struct txn *txn, struct id conversation, uint64_t seq, struct bytes client_id, bool *is)
{
    struct message message;
    enum error error = message_get(txn, conversation, seq, &message);
    *is = error == OK && bytes_equal(message.client_id, client_id);
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

static enum error find_in_block(struct txn *txn, struct id conversation, struct bytes entries, struct bytes client_id,
                                uint64_t *seq)
{
    uint64_t wanted = client_id_hash(client_id);
    if (entries.len % CLIENT_ID_ENTRY_LEN != 0)
        return ERR_CORRUPT;
    for (size_t offset = 0; offset < entries.len;) {
        bool found = false;
        uint64_t hash = key_get_u64(entries, &offset);
        *seq = key_get_u64(entries, &offset);
        enum error error = hash == wanted ? is_message_of(txn, conversation, *seq, client_id, &found) : OK;
        if (error != OK || found)
            return error;
    }
    return ERR_NOT_FOUND;
}

static bool is_block_of(struct bytes key, struct id conversation)
{
    return key.len == ID_LEN + sizeof(uint64_t) && memcmp(key.data, conversation.bytes, ID_LEN) == 0;
}

enum error client_id_find(struct txn *txn, struct id conversation, struct bytes client_id,
                          struct client_id_block *newest, uint64_t *seq)
{
    struct bytes key, entries;
    message_key(&newest->key, conversation, MESSAGE_CLIENT_BIT);
    newest->entries = BYTES_NONE;
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    enum error error = cursor_seek(cursor, key_view(&newest->key), &key, &entries);
    while (error == OK && is_block_of(key, conversation)) {
        if (newest->entries.data == NULL) {
            key_clear(&newest->key);
            key_put(&newest->key, key);
            newest->entries = entries;
        }
        error = find_in_block(txn, conversation, entries, client_id, seq);
        if (error != ERR_NOT_FOUND)
            break;
        error = cursor_next(cursor, &key, &entries);
    }
    cursor_close(cursor);
    return error == OK && !is_block_of(key, conversation) ? ERR_NOT_FOUND : error;
}

/* The key of the block that takes the next entry: the newest one, or, when that is full or there is none, the one
 * before it. */
static void next_block(const struct client_id_block *newest, struct key *key)
{
    size_t offset = 0;
    struct id conversation = key_get_id(key_view(&newest->key), &offset);
    uint64_t number = key_get_u64(key_view(&newest->key), &offset);
    if (newest->entries.len == 0)
        number = MESSAGE_CLIENT_BIT | BLOCK_LAST;
    else if (newest->entries.len >= CLIENT_ID_ENTRY_LEN * CLIENT_ID_BLOCK_ENTRIES)
        --number;
    message_key(key, conversation, number);
}

enum error client_id_note(struct txn *txn, const struct client_id_block *newest, struct bytes client_id, uint64_t seq)
{
    struct key key, entry;
    struct buffer *entries = txn_scratch(txn);
    next_block(newest, &key);
    if (bytes_equal(key_view(&key), key_view(&newest->key)))
        buffer_append(entries, newest->entries.data, newest->entries.len);
    key_clear(&entry);
    key_put_u64(&entry, client_id_hash(client_id));
    key_put_u64(&entry, seq);
    buffer_append(entries, entry.bytes, entry.len);
    return table_put(txn, TABLE_MESSAGES, key_view(&key), buffer_view(entries));
}

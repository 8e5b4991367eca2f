/*
 * Which clientIds a conversation has seen. A hash index alone would touch a page of its own at a random place for each
 * message, so the newest ones lie in one block right behind the conversation's last message, on the page that the
 * message itself goes to. When the block is full its entries move to the hash index behind it, which costs a little
 * once in CLIENT_ID_BLOCK_ENTRIES messages and keeps finding one a matter of two looks however long the conversation
 * grows.
 *
 * - conversation, MESSAGE_CLIENT_BIT: up to CLIENT_ID_BLOCK_ENTRIES pairs of 64 bits, hash and seq;
 * - conversation, MESSAGE_CLIENT_BIT | HASHED_BIT | slot: seq. The slot is 62 bits of the hash, or the next free one.
 *
 * Two clientIds of one hash are told apart by their messages. A clientId counts within a role: a visitor's must not
 * take an agent's answer for the repetition of its own message. A message that came without one is noted by the text
 * of its id, so that every message is found; only those of an older helvino may have none and no entry here.
 */
#include <sodium.h>

#include "store/records.h"

#define HASHED_BIT (UINT64_C(1) << 62)

uint64_t client_id_hash(struct bytes client_id)
{
    static const unsigned char
        key[crypto_shorthash_KEYBYTES]; /* fixed: the same command gives the same tables everywhere */
    uint64_t hash;
    _Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4 gives 64 bits");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)client_id.data, client_id.len, key);
    return hash;
}

static void block_key(struct key *key, struct id conversation)
{
    message_key(key, conversation, MESSAGE_CLIENT_BIT);
}

static uint64_t first_slot(uint64_t hash)
{
    return MESSAGE_CLIENT_BIT | HASHED_BIT | hash >> 2;
}

/* Slots count on within their 62 bits. */
static uint64_t next_slot(uint64_t slot)
{
    return MESSAGE_CLIENT_BIT | HASHED_BIT | (slot + 1);
}

static enum error get_slot(struct txn *txn, struct id conversation, uint64_t slot, uint64_t *seq)
{
    struct key key;
    struct bytes value;
    size_t offset = 0;
    message_key(&key, conversation, slot);
    enum error error = table_get(txn, TABLE_MESSAGES, key_view(&key), &value);
    if (error == OK && value.len != sizeof(uint64_t))
        error = ERR_CORRUPT;
    if (error == OK)
        *seq = key_get_u64(value, &offset);
    return error;
}

/* OK when `seq` really is the message of this clientId, ERR_NOT_FOUND when it is another's. */
static enum error confirm(struct txn *txn, struct id conversation, uint64_t seq, struct bytes role,
                          struct bytes client_id)
{
    struct message message;
    enum error error = message_get(txn, conversation, seq, &message);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    return bytes_equal(message.client_id, client_id) && bytes_equal(message.role, role) ? OK : ERR_NOT_FOUND;
}

/* ---- finding ---- */

static enum error find_in_block(struct txn *txn, struct id conversation, struct bytes block, struct bytes role,
                                struct bytes client_id, uint64_t *seq)
{
    uint64_t wanted = client_id_hash(client_id);
    enum error error = ERR_NOT_FOUND;
    for (size_t offset = 0; offset < block.len && error == ERR_NOT_FOUND;) {
        uint64_t hash = key_get_u64(block, &offset);
        *seq = key_get_u64(block, &offset);
        if (hash == wanted)
            error = confirm(txn, conversation, *seq, role, client_id);
    }
    return error;
}

static enum error find_in_slots(struct txn *txn, struct id conversation, struct bytes role, struct bytes client_id,
                                uint64_t *seq)
{
    for (uint64_t slot = first_slot(client_id_hash(client_id));; slot = next_slot(slot)) {
        enum error error = get_slot(txn, conversation, slot, seq);
        if (error == OK)
            error = confirm(txn, conversation, *seq, role, client_id);
        else
            return error;
        if (error != ERR_NOT_FOUND)
            return error;
    }
}

enum error client_id_find(struct txn *txn, struct id conversation, struct bytes role, struct bytes client_id,
                          struct bytes *block, uint64_t *seq)
{
    struct key key;
    block_key(&key, conversation);
    *block = BYTES_NONE;
    enum error error = table_get(txn, TABLE_MESSAGES, key_view(&key), block);
    if (error == ERR_NOT_FOUND)
        return ERR_NOT_FOUND; /* without a block there are no slots either */
    if (error == OK && block->len % CLIENT_ID_ENTRY_LEN != 0)
        error = ERR_CORRUPT;
    if (error == OK)
        error = find_in_block(txn, conversation, *block, role, client_id, seq);
    return error == ERR_NOT_FOUND ? find_in_slots(txn, conversation, role, client_id, seq) : error;
}

/* ---- noting ---- */

static enum error put_slot(struct txn *txn, struct id conversation, uint64_t slot, uint64_t seq)
{
    struct key key, value;
    message_key(&key, conversation, slot);
    key_clear(&value);
    key_put_u64(&value, seq);
    return table_put(txn, TABLE_MESSAGES, key_view(&key), key_view(&value));
}

static enum error move_to_slot(struct txn *txn, struct id conversation, uint64_t hash, uint64_t seq)
{
    uint64_t slot = first_slot(hash), other;
    enum error error = get_slot(txn, conversation, slot, &other);
    while (error == OK) {
        slot = next_slot(slot);
        error = get_slot(txn, conversation, slot, &other);
    }
    return error == ERR_NOT_FOUND ? put_slot(txn, conversation, slot, seq) : error;
}

static enum error empty_block(struct txn *txn, struct id conversation, struct bytes block)
{
    enum error error = OK;
    for (size_t offset = 0; offset < block.len && error == OK;) {
        uint64_t hash = key_get_u64(block, &offset), seq = key_get_u64(block, &offset);
        error = move_to_slot(txn, conversation, hash, seq);
    }
    return error;
}

enum error client_id_note(struct txn *txn, struct id conversation, struct bytes block, struct bytes client_id,
                          uint64_t seq)
{
    struct key key, entry;
    if (block.len >= CLIENT_ID_ENTRY_LEN * CLIENT_ID_BLOCK_ENTRIES) {
        enum error error = empty_block(txn, conversation, block);
        if (error != OK)
            return error;
        block = BYTES_NONE;
    }
    struct buffer *entries = txn_scratch(txn);
    key_clear(&entry);
    key_put_u64(&entry, client_id_hash(client_id));
    key_put_u64(&entry, seq);
    buffer_append(entries, block.data, block.len);
    buffer_append(entries, entry.bytes, entry.len);
    block_key(&key, conversation);
    return table_put(txn, TABLE_MESSAGES, key_view(&key), buffer_view(entries));
}

/* ---- forgetting ---- */

/* Out of the block: *found tells whether it was there. Messages go from the oldest on, so when the block is empty there
 * is no slot any more either. */
static enum error forget_in_block(struct txn *txn, struct id conversation, uint64_t hash, uint64_t seq, bool *found)
{
    struct key key, entry;
    struct bytes block;
    block_key(&key, conversation);
    key_clear(&entry);
    key_put_u64(&entry, hash);
    key_put_u64(&entry, seq);
    *found = false;
    enum error error = table_get(txn, TABLE_MESSAGES, key_view(&key), &block);
    if (error != OK || block.len % CLIENT_ID_ENTRY_LEN != 0)
        return error == OK ? ERR_CORRUPT : error;
    struct buffer *left = txn_scratch(txn);
    for (size_t offset = 0; offset < block.len; offset += CLIENT_ID_ENTRY_LEN) {
        if (memcmp(block.data + offset, entry.bytes, CLIENT_ID_ENTRY_LEN) == 0)
            *found = true;
        else
            buffer_append(left, block.data + offset, CLIENT_ID_ENTRY_LEN);
    }
    if (!*found)
        return OK;
    return left->len != 0 ? table_put(txn, TABLE_MESSAGES, key_view(&key), buffer_view(left))
                          : table_del(txn, TABLE_MESSAGES, key_view(&key));
}

/* The slot that an entry would have if all were free; OK, or ERR_CORRUPT when its message can't be asked. */
static enum error home_of(struct txn *txn, struct id conversation, uint64_t seq, uint64_t *home)
{
    struct message message;
    enum error error = message_get(txn, conversation, seq, &message);
    if (error != OK || message.client_id.data == NULL)
        return error == OK || error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    *home = first_slot(client_id_hash(message.client_id));
    return OK;
}

/* How far it is from one slot on to another. */
static uint64_t distance(uint64_t from, uint64_t to)
{
    return (to - from) & (HASHED_BIT - 1);
}

/* An empty slot ends the search for whatever lies behind it, so each entry behind that would be found no more moves
 * into it, and leaves the hole where it was. */
static enum error close_hole(struct txn *txn, struct id conversation, uint64_t hole)
{
    struct key key;
    uint64_t seq, home;
    enum error error;
    for (uint64_t slot = next_slot(hole); (error = get_slot(txn, conversation, slot, &seq)) == OK;
         slot = next_slot(slot)) {
        error = home_of(txn, conversation, seq, &home);
        if (error == OK && distance(home, slot) >= distance(hole, slot)) {
            error = put_slot(txn, conversation, hole, seq);
            hole = slot;
        }
        if (error != OK)
            return error;
    }
    if (error != ERR_NOT_FOUND)
        return error;
    message_key(&key, conversation, hole);
    return table_del(txn, TABLE_MESSAGES, key_view(&key));
}

static enum error forget_in_slots(struct txn *txn, struct id conversation, uint64_t hash, uint64_t seq)
{
    uint64_t other;
    for (uint64_t slot = first_slot(hash);; slot = next_slot(slot)) {
        enum error error = get_slot(txn, conversation, slot, &other);
        if (error == OK && other == seq)
            return close_hole(txn, conversation, slot);
        if (error != OK)
            return error == ERR_NOT_FOUND ? OK : error;
    }
}

enum error client_id_forget(struct txn *txn, struct id conversation, struct bytes client_id, uint64_t seq)
{
    uint64_t hash = client_id_hash(client_id);
    bool found = false;
    enum error error = forget_in_block(txn, conversation, hash, seq, &found);
    if (error != OK || found)
        return error == ERR_NOT_FOUND ? OK : error;
    return forget_in_slots(txn, conversation, hash, seq);
}

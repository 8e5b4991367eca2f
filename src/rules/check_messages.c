/* Checks of messages and of their clientIds. */
#include "rules/check_private.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/redacted.h"

/* At the first entry of a conversation: reads it. */
static void enter_conversation(struct check *check, const struct entry *entry, struct id id)
{
    enum error error = conversation_get(check->txn, id, &check->conversation);
    check->previous_ordinal = error == OK ? check->conversation.removed_messages : 0;
    check->conversation_is_partial = false;
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its conversation does not exist");
    if (error == OK)
        check->conversation_is_partial = check_org_state(check, check->conversation.org) != ORG_ALIVE;
    else
        check->conversation = (struct conversation){.id = id, .org = ID_NONE};
}

static void check_client_id(struct check *check, const struct entry *entry, const struct message *message)
{
    struct bytes block;
    uint64_t seq;
    if (message->client_id.data == NULL)
        return;
    enum error error =
        client_id_find(check->txn, message->conversation, message->role, message->client_id, &block, &seq);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "no entry leads to it by its clientId");
    else if (error == OK && seq != message->seq)
        check_broken(check, entry, "its clientId leads to another message, %" PRIu64, seq);
}

static void check_message(struct check *check, const struct entry *entry)
{
    struct message message;
    if (!check_decode(check, entry, RECORD_MESSAGES, ID_LEN + 8, &message))
        return;
    message.conversation = check->conversation.id;
    message.seq = u64_at(entry->key, ID_LEN);
    if (message.seq > check->last_seq)
        check_broken(check, entry, "its sequence number is beyond the last one, %" PRIu64, check->last_seq);
    if (!id_is_none(check->conversation.org) && !id_equal(message.org, check->conversation.org))
        check_broken(check, entry, "it is of another organisation than its conversation");
    if (!bytes_equal(message.role, BYTES("user")) && !bytes_equal(message.role, BYTES("assistant")))
        check_broken(check, entry, "its role is neither user nor assistant");
    if (message.content.len == 0 || message.content.len > MESSAGE_CONTENT_LEN_MAX || !utf8_valid(message.content))
        check_broken(check, entry, "its content is no text of 1 to %d bytes", MESSAGE_CONTENT_LEN_MAX);
    if (!check_is_time(message.at_ms) || id_is_none(message.id))
        check_broken(check, entry, "its id is missing or its time out of range");
    if (message.ordinal != check->previous_ordinal + 1 &&
        !(check->conversation_is_partial && check->previous_ordinal == check->conversation.removed_messages))
        check_broken(check, entry, "it is number %" PRIu64 " of its conversation and follows number %" PRIu64,
                     message.ordinal, check->previous_ordinal);
    if (message.seq <= check->conversation.redacted_seq && !bytes_equal(message.content, BYTES(REDACTED_TEXT)))
        check_broken(check, entry, "its text should have been redacted");
    check->previous_ordinal = message.ordinal;
    if (check->conversation_is_partial)
        return;
    check_client_id(check, entry, &message);
    if (id_equal(message.org, check->conversation.org))
        check_say(check, entry, verify_message(&check->search, &message));
}

static void check_client_id_entry(struct check *check, const struct entry *entry, uint64_t hash, uint64_t seq)
{
    struct message message;
    enum error error = message_get(check->txn, check->conversation.id, seq, &message);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its message %" PRIu64 " does not exist", seq);
    if (error != OK)
        return;
    if (message.client_id.data == NULL)
        check_broken(check, entry, "its message %" PRIu64 " has no clientId", seq);
    else if (client_id_hash(message.client_id) != hash)
        check_broken(check, entry, "its message %" PRIu64 " has another clientId", seq);
}

/* An entry of the hash index; whether its slot is the right one is seen from
 * its message. */
static void check_client_id_slot(struct check *check, const struct entry *entry)
{
    struct message message;
    if (!check_has_lengths(check, entry, 0, 8) || check->conversation_is_partial)
        return;
    uint64_t seq = u64_at(entry->value, 0);
    enum error error = message_get(check->txn, check->conversation.id, seq, &message);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its message %" PRIu64 " does not exist", seq);
    else if (error == OK && message.client_id.data == NULL)
        check_broken(check, entry, "its message %" PRIu64 " has no clientId", seq);
}

static void check_client_ids(struct check *check, const struct entry *entry)
{
    size_t len = entry->value.len;
    if (u64_at(entry->key, ID_LEN) != MESSAGE_CLIENT_BIT) {
        check_client_id_slot(check, entry);
        return;
    }
    if (len == 0 || len % CLIENT_ID_ENTRY_LEN != 0 || len > CLIENT_ID_ENTRY_LEN * CLIENT_ID_BLOCK_ENTRIES) {
        check_broken(check, entry, "its length is not that of 1 to %d clientIds", CLIENT_ID_BLOCK_ENTRIES);
        return;
    }
    if (check->conversation_is_partial)
        return;
    for (size_t offset = 0; offset < len; offset += CLIENT_ID_ENTRY_LEN)
        check_client_id_entry(check, entry, u64_at(entry->value, offset), u64_at(entry->value, offset + 8));
}

void check_message_entry(struct check *check, const struct entry *entry)
{
    if (!check_has_lengths(check, entry, ID_LEN + 8, ANY_LEN))
        return;
    struct id conversation = id_at(entry->key, 0);
    if (!id_equal(conversation, check->conversation.id))
        enter_conversation(check, entry, conversation);
    if (u64_at(entry->key, ID_LEN) & MESSAGE_CLIENT_BIT)
        check_client_ids(check, entry);
    else
        check_message(check, entry);
}

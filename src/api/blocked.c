/*
 * What a blocked visitor is told. Unless the organisation wants it to know, it is answered as if all was well, and what
 * it has written is nowhere: nothing is kept, nobody hears. Whoever is told of a block comes back under another key at
 * once.
 */
#include "api/internal.h"

static bool is_told(const struct org *org)
{
    return bytes_equal(org->blocked_answer, BYTES("refuse"));
}

/* Of those commands that a blocked visitor may have given. */
static struct id org_of(const struct command *command)
{
    switch (command->kind) {
    case COMMAND_CONVERSATION_CREATE:
        return command->conversation_create.org;
    case COMMAND_MESSAGE_CREATE:
        return command->message_create.org;
    case COMMAND_CONVERSATION_READ:
        return command->conversation_read.org;
    case COMMAND_VISITOR_SEE:
        return command->visitor_see.org;
    default:
        return ID_NONE;
    }
}

bool is_to_be_silenced(struct txn *txn, const struct log_entry *entry, struct command *out)
{
    struct org org;
    struct bytes encoded = bytes_view(entry->bytes + entry->extra_len, entry->command_len);
    return entry->error == ERR_BLOCKED && txn != NULL && command_decode(encoded, out) == OK &&
           org_get(txn, org_of(out), &org) == OK && !is_told(&org);
}

/* For what is no command. */
enum error call_is_blocked(struct call *call, bool *is_silent)
{
    struct visitor visitor;
    struct id id;
    *is_silent = false;
    if (call->by_org || call->visitor_key.data == NULL)
        return OK;
    enum error error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &id);
    if (error == OK)
        error = visitor_get(call->txn, id, &visitor);
    if (error != OK || visitor.blocked_at_ms == 0)
        return error == ERR_NOT_FOUND ? OK : error;
    *is_silent = !is_told(&call->org);
    return *is_silent ? OK : ERR_BLOCKED;
}

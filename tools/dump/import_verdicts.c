/*
 * The rules answer a row with one word, so that they stay quick; a person who reads the rejects wants to know what is
 * missing, or what contradicts it. That is looked up here, once it is asked for.
 */
#include <assert.h>

#include "import_private.h"

#define NOWHERE "does not exist (neither here nor in the file)"

static bool org_is_there(struct txn *txn, struct id id)
{
    struct org org;
    return org_get(txn, id, &org) == OK && !org.deleted;
}

/* ---- what a row refers to does not exist ----------------------------------------------------------------------- */

static void explain_missing(struct import_reason *reason, const char *what, struct id id)
{
    import_refuse(reason, "its %s " NOWHERE, what);
    import_refuse_id(reason, id);
}

static void explain_not_found(struct txn *txn, const struct command *command, struct import_reason *reason)
{
    switch (command->kind) {
    case COMMAND_ERASURE_IMPORT:
        explain_missing(reason, "organization", command->erasure_import.org);
        break;
    case COMMAND_VISITOR_IMPORT:
        explain_missing(reason, "organization", command->visitor_import.org);
        break;
    case COMMAND_CONVERSATION_IMPORT:
        if (org_is_there(txn, command->conversation_import.org))
            explain_missing(reason, "visitor", command->conversation_import.visitor);
        else
            explain_missing(reason, "organization", command->conversation_import.org);
        break;
    case COMMAND_MESSAGE_IMPORT:
        if (org_is_there(txn, command->message_import.org))
            explain_missing(reason, "conversation", command->message_import.conversation);
        else
            explain_missing(reason, "organization", command->message_import.org);
        break;
    case COMMAND_NOTE_IMPORT:
        if (org_is_there(txn, command->note_import.org))
            explain_missing(reason, "conversation", command->note_import.conversation);
        else
            explain_missing(reason, "organization", command->note_import.org);
        break;
    default:
        assert(command->kind == COMMAND_ALIAS_IMPORT);
        if (org_is_there(txn, command->alias_import.org))
            explain_missing(reason, "conversation or visitor", command->alias_import.target);
        else
            explain_missing(reason, "organization", command->alias_import.org);
    }
}

/* ---- something there contradicts it ---------------------------------------------------------------------------- */

static void explain_org(struct txn *txn, const struct org_import *command, struct import_reason *reason)
{
    struct org org;
    if (org_get(txn, command->org, &org) == OK) {
        import_refuse(reason, org.deleted ? "an organization of this id is being deleted here"
                                          : "an organization of this id has another key here");
        import_refuse_text(reason, org.key);
    } else if (org_get_by_key(txn, command->key, &org) == OK) {
        import_refuse(reason, "another organization has its key here, which another row of the file stands for");
        import_refuse_id(reason, org.id);
    }
}

static bool alias_is_another(struct txn *txn, struct id org, struct bytes text, struct id target,
                             struct import_reason *reason)
{
    struct alias alias;
    if (text.data == NULL || alias_get(txn, org, text, &alias) != OK || id_equal(alias.target, target))
        return false;
    import_refuse(reason, "its id stands for something else here already");
    import_refuse_id(reason, alias.target);
    return true;
}

static void explain_visitor(struct txn *txn, const struct visitor_import *command, struct import_reason *reason)
{
    struct visitor visitor;
    if (alias_is_another(txn, command->org, command->alias, command->visitor, reason) ||
        visitor_get(txn, command->visitor, &visitor) != OK)
        return;
    import_refuse(reason, id_equal(visitor.org, command->org) ? "a visitor of this id has another visitorKey here"
                                                              : "a visitor of this id is another organization's here");
    import_refuse_text(reason, visitor.visitor_key);
}

static void explain_conversation(struct txn *txn, const struct conversation_import *command,
                                 struct import_reason *reason)
{
    struct conversation conversation;
    if (alias_is_another(txn, command->org, command->alias, command->conversation, reason) ||
        conversation_get(txn, command->conversation, &conversation) != OK)
        return;
    if (!id_equal(conversation.org, command->org)) {
        import_refuse(reason, "a conversation of this id is another organization's here");
        import_refuse_id(reason, conversation.org);
    } else if (id_is_none(conversation.visitor)) {
        import_refuse(reason, "a conversation of this id is nobody's here");
    } else {
        import_refuse(reason, "a conversation of this id is another visitor's here");
        import_refuse_id(reason, conversation.visitor);
    }
}

static void explain_message(struct txn *txn, const struct message_import *command, struct import_reason *reason)
{
    struct bytes block;
    struct message message;
    uint64_t seq;
    if (client_id_find(txn, command->conversation, command->role, command->client_id, &block, &seq) != OK ||
        message_get(txn, command->conversation, seq, &message) != OK)
        return;
    import_refuse(reason, "another message of this clientId is in its conversation already");
    import_refuse_id(reason, message.id);
}

static void explain_conflict(struct txn *txn, const struct command *command, struct import_reason *reason)
{
    import_refuse(reason, "it contradicts what is there already");
    switch (command->kind) {
    case COMMAND_ORG_IMPORT:
        explain_org(txn, &command->org_import, reason);
        break;
    case COMMAND_ERASURE_IMPORT: /* the row has been looked at before */
        break;
    case COMMAND_VISITOR_IMPORT:
        explain_visitor(txn, &command->visitor_import, reason);
        break;
    case COMMAND_CONVERSATION_IMPORT:
        explain_conversation(txn, &command->conversation_import, reason);
        break;
    case COMMAND_MESSAGE_IMPORT:
        explain_message(txn, &command->message_import, reason);
        break;
    case COMMAND_NOTE_IMPORT:
        break;
    default:
        assert(command->kind == COMMAND_ALIAS_IMPORT);
        alias_is_another(txn, command->alias_import.org, command->alias_import.alias, command->alias_import.target,
                         reason);
    }
}

void import_explain(struct txn *txn, const struct command *command, enum error verdict, struct import_reason *reason)
{
    if (verdict == ERR_NOT_FOUND && command->kind != COMMAND_ORG_IMPORT)
        explain_not_found(txn, command, reason);
    else if (verdict == ERR_CONFLICT)
        explain_conflict(txn, command, reason);
    else
        import_refuse(reason, "%s", error_sentence(verdict));
}

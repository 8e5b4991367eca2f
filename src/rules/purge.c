/*
 * Removing what a deleted organisation left, a bounded number of records a step. Conversations are found by the
 * activity index and visitors by visitor_by_key, since each has exactly one living entry there; the record that proves
 * that there is more to do, the organisation itself, goes last, so that a crash in between only means going on.
 */
#include "rules/internal.h"

struct purge {
    struct txn *txn;
    struct id org;
    uint64_t left; /* records that this step may still remove */
};

static enum error purge_prefix(struct purge *purge, enum table table, struct bytes prefix)
{
    return remove_under(purge->txn, table, prefix, &purge->left, NULL, NULL);
}

static enum error delete_record(struct txn *txn, enum table table, struct id id)
{
    return remove_if_there(txn, table, bytes_view(id.bytes, ID_LEN));
}

/* Not every entry begins with the organisation; what a damaged record does not name is a wish to wake nobody. */
static enum error purge_work(struct purge *purge, struct id id)
{
    struct conversation conversation;
    enum error error = conversation_get(purge->txn, id, &conversation);
    if (error != OK)
        return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
    return work_forget(purge->txn, &conversation);
}

static enum error purge_conversation(struct purge *purge, struct id conversation)
{
    enum error error = purge_prefix(purge, TABLE_MESSAGES, bytes_view(conversation.bytes, ID_LEN));
    if (error == OK)
        error = purge_prefix(purge, TABLE_NOTES, bytes_view(conversation.bytes, ID_LEN));
    if (error == OK)
        error = purge_work(purge, conversation);
    return error == OK ? delete_record(purge->txn, TABLE_CONVERSATIONS, conversation) : error;
}

static enum error purge_visitor(struct purge *purge, struct id visitor)
{
    return delete_record(purge->txn, TABLE_VISITORS, visitor);
}

static enum error purge_webhook(struct purge *purge, struct id webhook)
{
    struct bytes prefix = bytes_view(webhook.bytes, ID_LEN);
    enum error error = purge_prefix(purge, TABLE_WEBHOOK_QUEUE, prefix);
    if (error == OK)
        error = purge_prefix(purge, TABLE_WEBHOOK_PAST, prefix);
    return error == OK ? delete_record(purge->txn, TABLE_WEBHOOKS, webhook) : error;
}

/* Walks the organisation's entries of an index whose values are ids: first what an entry names goes, then the entry. */
static enum error purge_index(struct purge *purge, enum table table, enum error (*remove)(struct purge *, struct id))
{
    struct bytes prefix = bytes_view(purge->org.bytes, ID_LEN), key, value;
    struct cursor *cursor = cursor_open(purge->txn, table);
    enum error found = cursor_seek(cursor, prefix, &key, &value), error = damaged_too(found, key);
    while (error == OK && key.len >= ID_LEN && memcmp(key.data, prefix.data, ID_LEN) == 0) {
        size_t offset = 0;
        if (purge->left == 0)
            error = ERR_CONFLICT;
        else if (found == OK)
            error = remove(purge, key_get_id(value, &offset));
        if (error == OK)
            error = cursor_del(cursor); /* in the same step as what it named, even if that was the last record of it */
        purge->left -= error == OK && purge->left > 0;
        if (error == OK) {
            found = cursor_next(cursor, &key, &value);
            error = damaged_too(found, key);
        }
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error is_token_of_org(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct purge *purge = context;
    struct token token;
    (void)key;
    *goes = value.data != NULL && record_decode(RECORD_TOKENS, value, &token) == OK && id_equal(token.org, purge->org);
    return OK;
}

static enum error purge_tokens(struct purge *purge)
{
    return remove_under(purge->txn, TABLE_TOKENS, BYTES_NONE, NULL, is_token_of_org, purge);
}

static enum error forget_membership(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct purge *purge = context;
    struct key other;
    size_t offset = ID_LEN;
    (void)value, (void)goes;
    pair_key(&other, key_get_id(key, &offset), purge->org);
    return remove_if_there(purge->txn, TABLE_MEMBER_BY_AGENT, key_view(&other));
}

/* The agents themselves stay: they may be members elsewhere. */
static enum error purge_members(struct purge *purge)
{
    return remove_under(purge->txn, TABLE_MEMBERS, bytes_view(purge->org.bytes, ID_LEN), &purge->left,
                        forget_membership, purge);
}

/* The entries that begin with the organisation and name nothing else that has to go. */
static enum error purge_prefixes(struct purge *purge)
{
    static const enum table tables[] = {
        TABLE_VISITOR_BY_SEEN,
        TABLE_CONVERSATION_BY_UPDATED,
        TABLE_CONVERSATION_BY_MARK,
        TABLE_CONVERSATION_OPEN,
        TABLE_CONVERSATION_BY_WORK,
        TABLE_REPLIES,
        TABLE_ALIASES,
        TABLE_AUDIT,
        TABLE_ERASURES,
        TABLE_RETENTION,
        TABLE_SEARCH_BLOCKS,
        TABLE_SEARCH_SEGMENTS,
        TABLE_SEARCH_ORGS,
        TABLE_MESSAGE_BY_SEQ,
        TABLE_VISITOR_BY_EMAIL,
    };
    enum error error = OK;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && error == OK; ++i)
        error = purge_prefix(purge, tables[i], bytes_view(purge->org.bytes, ID_LEN));
    return error;
}

enum error rule_org_purge(struct txn *txn, uint64_t seq, const struct org_purge *command, struct outcome *outcome)
{
    struct org org;
    struct purge purge = {txn, command->org, command->limit};
    (void)seq;
    enum error error = org_get(txn, command->org, &org);
    if (error != OK || !org.deleted)
        return error == OK ? ERR_CONFLICT : error;
    error = purge_index(&purge, TABLE_CONVERSATION_BY_ACTIVITY, purge_conversation);
    if (error == OK)
        error = purge_index(&purge, TABLE_VISITOR_BY_KEY, purge_visitor);
    if (error == OK)
        error = purge_index(&purge, TABLE_WEBHOOK_BY_ORG, purge_webhook);
    if (error == OK)
        error = purge_prefixes(&purge);
    if (error == OK)
        error = purge_members(&purge);
    if (error == OK)
        error = purge_tokens(&purge);
    if (error == OK)
        return delete_record(txn, TABLE_ORGS, command->org);
    outcome->more = error == ERR_CONFLICT;
    return outcome->more ? OK : error;
}

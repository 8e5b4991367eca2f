/*
 * Each table is walked once in key order; what an entry leads to is looked up,
 * and what should lead to it, so that both directions of every index are
 * covered. Beyond single entries three sums must agree: rows walked and rows
 * counted by the tree, a visitor's chain and its count, and all chains together
 * and the conversations that name a visitor.
 *
 * An organisation that is being deleted has lost some of its records already:
 * there only what purging keeps is asked for.
 */
#include "rules/check.h"

#include <inttypes.h>

#include "base/clock.h"
#include "rules/check_private.h"

#define ROWS_BETWEEN_CALLS 1024 /* of on_rows */

/* ---- the rest
 * ----------------------------------------------------------------------------------------------------
 */

static void check_idempotency(struct check *check, const struct entry *entry)
{
    struct idempotency first;
    size_t offset = 0;
    if (!check_decode(check, entry, RECORD_IDEMPOTENCY, 4 + IDEMPOTENCY_HASH_LEN, &first))
        return;
    /* Its conversation may have gone with its organisation. */
    if (!check_is_time(first.created_at_ms) || day_of(first.created_at_ms) != key_get_u32(entry->key, &offset))
        check_broken(check, entry, "it is kept under another day than its own");
    if (id_is_none(first.conversation))
        check_broken(check, entry, "it names no conversation");
}

static void check_meta(struct check *check, const struct entry *entry)
{
    bool is_number = bytes_equal(entry->key, BYTES("format")) || bytes_equal(entry->key, BYTES(META_SEQ)) ||
                     bytes_equal(entry->key, BYTES(META_ERASED)) || bytes_equal(entry->key, BYTES(META_SEARCH)) ||
                     bytes_equal(entry->key, BYTES(META_SEARCH_UNTIL));
    if (is_number)
        check_has_lengths(check, entry, 0, 8);
}

/* ---- walking
 * -----------------------------------------------------------------------------------------------------
 */

static check_entry *const checks[TABLE_COUNT] = {
    [TABLE_META] = check_meta,
    [TABLE_ORGS] = check_org,
    [TABLE_ORG_BY_KEY] = check_org_by_key,
    [TABLE_TOKENS] = check_token,
    [TABLE_AGENTS] = check_agent,
    [TABLE_AGENT_BY_EMAIL] = check_agent_by_email,
    [TABLE_MEMBERS] = check_member,
    [TABLE_MEMBER_BY_AGENT] = check_member_by_agent,
    [TABLE_SESSIONS] = check_session,
    [TABLE_SESSION_BY_AGENT] = check_session_by_agent,
    [TABLE_LINKS] = check_link,
    [TABLE_AUDIT] = check_audit,
    [TABLE_VISITORS] = check_visitor,
    [TABLE_VISITOR_BY_KEY] = check_visitor_by_key,
    [TABLE_VISITOR_BY_SEEN] = check_visitor_by_seen,
    [TABLE_CONVERSATIONS] = check_conversation,
    [TABLE_CONVERSATION_BY_ACTIVITY] = check_activity,
    [TABLE_CONVERSATION_BY_UPDATED] = check_updated,
    [TABLE_CONVERSATION_BY_MARK] = check_mark,
    [TABLE_CONVERSATION_OPEN] = check_open,
    [TABLE_CONVERSATION_BY_SNOOZE] = check_snooze,
    [TABLE_CONVERSATION_BY_WORK] = check_worked,
    [TABLE_NOTES] = check_note,
    [TABLE_REPLIES] = check_reply,
    [TABLE_MESSAGES] = check_message_entry,
    [TABLE_IDEMPOTENCY] = check_idempotency,
    [TABLE_ALIASES] = check_alias,
    [TABLE_WEBHOOKS] = check_webhook,
    [TABLE_WEBHOOK_BY_ORG] = check_webhook_by_org,
    [TABLE_WEBHOOK_QUEUE] = check_delivery,
    [TABLE_WEBHOOK_PAST] = check_delivery,
    [TABLE_ERASURES] = check_erasure,
    [TABLE_RETENTION] = check_retention,

    [TABLE_SEARCH_ORGS] = check_search_org,
    [TABLE_SEARCH_SEGMENTS] = check_search_segment,
    [TABLE_SEARCH_BLOCKS] = check_search_block,
    [TABLE_MESSAGE_BY_SEQ] = check_message_by_seq,
    [TABLE_VISITOR_BY_EMAIL] = check_visitor_by_email,
};

static bool is_before(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order < 0 || (order == 0 && a.len < b.len);
}

static enum error next_entry(struct cursor *cursor, struct entry *entry)
{
    entry->key = entry->value = BYTES_NONE;
    return cursor_next(cursor, &entry->key, &entry->value);
}

/* A damaged value leaves its key known, and the walk goes on behind it; a
 * damaged page doesn't. */
static bool has_entry(enum error error, const struct entry *entry)
{
    return error == OK || (error == ERR_CORRUPT && entry->key.data != NULL);
}

static void walk_table(struct check *check, enum table table)
{
    struct entry entry = {.table = table};
    struct bytes previous = BYTES_NONE;
    uint64_t *rows = &check->report->rows[table];
    struct cursor *cursor = cursor_open(check->txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    while (has_entry(error, &entry)) {
        if (++*rows % ROWS_BETWEEN_CALLS == 0 && check->on_rows != NULL)
            check->on_rows(check->context, check->rows + *rows);
        if (previous.data != NULL && !is_before(previous, entry.key))
            check_broken(check, &entry, "the keys are not in order");
        if (error == ERR_CORRUPT)
            check_broken(check, &entry, "the checksum disagrees");
        else
            checks[table](check, &entry);
        previous = entry.key;
        error = next_entry(cursor, &entry);
    }
    cursor_close(cursor);
    if (error != ERR_NOT_FOUND)
        check_broken(check, &(struct entry){.table = table, .key = previous},
                     "the table can't be read behind this entry");
    else if (*rows != table_rows(check->txn, table))
        check_broken(check, &(struct entry){.table = table, .key = previous},
                     "the table says that it has %" PRIu64 " entries, and there are %" PRIu64,
                     table_rows(check->txn, table), *rows);
}

/* Only when the sums disagree: this costs a walk along the chain for every
 * conversation. */
static void name_unreached_conversations(struct check *check)
{
    struct entry entry = {.table = TABLE_CONVERSATIONS};
    struct cursor *cursor = cursor_open(check->txn, TABLE_CONVERSATIONS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    for (; has_entry(error, &entry); error = next_entry(cursor, &entry)) {
        struct conversation conversation, link;
        struct visitor visitor;
        if (error != OK || entry.key.len != ID_LEN ||
            conversation_get(check->txn, id_at(entry.key, 0), &conversation) != OK ||
            id_is_none(conversation.visitor) || check_org_state(check, conversation.org) != ORG_ALIVE ||
            visitor_get(check->txn, conversation.visitor, &visitor) != OK)
            continue;
        struct id id = visitor.last_conversation;
        for (uint64_t left = visitor.conversation_count; left > 0 && !id_is_none(id) && !id_equal(id, conversation.id);
             --left)
            id = conversation_get(check->txn, id, &link) == OK ? link.previous_of_visitor : ID_NONE;
        if (!id_equal(id, conversation.id))
            check_broken(check, &entry, "the chain of its visitor %s does not reach it", text_of(visitor.id).text);
    }
    cursor_close(cursor);
}

static void name_unfindable(struct check *check, const struct entry *entry)
{
    struct message message;
    struct conversation conversation;
    if (entry->key.len != ID_LEN + 8 || !message_key_is_of(entry->key, id_at(entry->key, 0)) ||
        message_decode(entry->key, entry->value, &message) != OK ||
        conversation_get(check->txn, message.conversation, &conversation) != OK ||
        check_org_state(check, conversation.org) != ORG_ALIVE)
        return;
    check_say(check, entry, verify_message_again(&check->search, &message));
}

static void name_strays(struct check *check, const struct entry *entry)
{
    if (entry->key.len >= ID_LEN && check_org_state(check, id_at(entry->key, 0)) == ORG_ALIVE)
        check_say(check, entry, verify_block_again(&check->search, entry->key, entry->value));
}

/* Only when the sums disagree: this looks up every word of every message, and
 * the message of every posting. */
static void name_what_search_misses(struct check *check, enum table table, check_entry *name)
{
    struct entry entry = {.table = table};
    struct cursor *cursor = cursor_open(check->txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &entry.key, &entry.value);
    for (; has_entry(error, &entry); error = next_entry(cursor, &entry))
        if (error == OK)
            name(check, &entry);
    cursor_close(cursor);
}

static void check_numbers(struct check *check)
{
    uint64_t format;
    struct entry entry = {.table = TABLE_META, .key = BYTES("format")};
    if (meta_get_u64(check->txn, "format", &format) == OK && format != STORE_FORMAT)
        check_broken(check, &entry, "the format is %" PRIu64 " and should be %d", format, STORE_FORMAT);
    if (meta_get_u64(check->txn, META_SEQ, &check->last_seq) != OK)
        check->last_seq = UINT64_MAX;
}

void check_store(struct txn *txn, void (*on_broken)(void *context, const char *sentence), void *context,
                 struct check_report *report)
{
    check_store_watched(txn, on_broken, NULL, context, report);
}

void check_store_watched(struct txn *txn, void (*on_broken)(void *context, const char *sentence),
                         void (*on_rows)(void *context, uint64_t rows), void *context, struct check_report *report)
{
    struct check check = {.txn = txn, .report = report, .on_broken = on_broken, .on_rows = on_rows, .context = context};
    *report = (struct check_report){0};
    check_numbers(&check);
    verify_begin(&check.search, txn);
    bool is_readable = true;
    for (int table = 0; table < TABLE_COUNT && is_readable; ++table) {
        walk_table(&check, (enum table)table);
        check.rows += report->rows[table];
        /* A damaged page ends the snapshot; the other tables may be sound. */
        is_readable = txn_is_usable(txn) || txn_refresh(txn);
    }
    if (is_readable && check.named != check.chained)
        name_unreached_conversations(&check);
    if (is_readable && !verify_agrees(&check.search)) {
        name_what_search_misses(&check, TABLE_MESSAGES, name_unfindable);
        name_what_search_misses(&check, TABLE_SEARCH_BLOCKS, name_strays);
    }
    verify_end(&check.search);
}

/* Canned replies: a few hundred texts of an organisation, so what asks about all of them walks over all of them. */
#include "base/text.h"
#include "rules/internal.h"

bool reply_shortcut_is_valid(struct bytes shortcut)
{
    if (shortcut.len == 0 || shortcut.len > REPLY_SHORTCUT_LEN_MAX)
        return false;
    for (size_t i = 0; i < shortcut.len; ++i)
        if ((unsigned char)shortcut.data[i] <= ' ' || shortcut.data[i] == 0x7f)
            return false;
    return utf8_valid(shortcut);
}

static bool text_is_valid(struct bytes text)
{
    return text.len != 0 && text.len <= REPLY_TEXT_LEN_MAX;
}

/* ERR_CONFLICT when a reply other than `id` has the shortcut; *count is how many there are. */
static enum error shortcut_is_free(struct txn *txn, struct id org, struct id id, struct bytes shortcut, unsigned *count)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_REPLIES);
    enum error error = cursor_seek(cursor, id_view(&org), &key, &value);
    for (*count = 0; error == OK && memcmp(key.data, org.bytes, ID_LEN) == 0; ++*count) {
        struct reply reply;
        error = reply_decode(key, value, &reply);
        if (error == OK && bytes_equal(reply.shortcut, shortcut) && !id_equal(reply.id, id))
            error = ERR_CONFLICT;
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error rule_reply_create(struct txn *txn, uint64_t seq, const struct reply_create *command, struct outcome *outcome)
{
    unsigned count;
    (void)seq;
    if (!reply_shortcut_is_valid(command->shortcut) || !text_is_valid(command->text))
        return ERR_CONFLICT;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = shortcut_is_free(txn, command->org, command->reply, command->shortcut, &count);
    if (error == OK && count >= REPLIES_PER_ORG_MAX)
        error = ERR_LIMIT_REACHED;
    if (error != OK)
        return error;
    outcome->id = command->reply;
    return reply_put(txn, &(struct reply){
                              .org = command->org,
                              .id = command->reply,
                              .shortcut = command->shortcut,
                              .text = command->text,
                              .created_at_ms = command->at_ms,
                              .updated_at_ms = command->at_ms,
                          });
}

static enum error change(struct txn *txn, const struct reply_update *command, struct reply *reply)
{
    unsigned count;
    if (command->text.data != NULL)
        reply->text = command->text;
    if (command->shortcut.data == NULL)
        return OK;
    reply->shortcut = command->shortcut;
    return shortcut_is_free(txn, command->org, command->reply, command->shortcut, &count);
}

enum error rule_reply_update(struct txn *txn, uint64_t seq, const struct reply_update *command, struct outcome *outcome)
{
    struct reply reply;
    (void)seq;
    if ((command->shortcut.data != NULL && !reply_shortcut_is_valid(command->shortcut)) ||
        (command->text.data != NULL && !text_is_valid(command->text)))
        return ERR_CONFLICT;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = reply_get(txn, command->org, command->reply, &reply);
    if (error == OK)
        error = change(txn, command, &reply);
    if (error != OK)
        return error;
    outcome->id = reply.id;
    reply.updated_at_ms = command->at_ms;
    return reply_put(txn, &reply);
}

enum error rule_reply_delete(struct txn *txn, uint64_t seq, const struct reply_delete *command, struct outcome *outcome)
{
    struct key key;
    (void)seq;
    pair_key(&key, command->org, command->reply);
    outcome->id = command->reply;
    return table_del(txn, TABLE_REPLIES, key_view(&key));
}

/* Visitors: the upsert by (org, visitorKey) that every write of a visitor carries, and coming to stay or to read. */
#include "base/text.h"
#include "rules/internal.h"
#include "search/visitors.h"

enum error visitor_sight(struct txn *txn, struct id org, struct bytes visitor_key, bool create, struct id fresh,
                         int64_t at_ms, struct bytes user_agent, struct sighting *out)
{
    struct id id;
    out->present = out->is_new = false;
    if (visitor_key.data == NULL)
        return OK;
    enum error error = visitor_id_by_key(txn, org, visitor_key, &id);
    if (error == ERR_NOT_FOUND && !create)
        return OK;
    out->is_new = error == ERR_NOT_FOUND;
    if (out->is_new)
        out->visitor = (struct visitor){
            .id = fresh,
            .org = org,
            .visitor_key = visitor_key,
            .first_seen_at_ms = at_ms,
            .last_seen_at_ms = at_ms,
            .created_at_ms = at_ms,
        };
    else if (error == OK)
        error = visitor_get(txn, id, &out->visitor);
    if (error != OK && !out->is_new)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    out->present = true;
    out->seen_before_ms = out->visitor.last_seen_at_ms;
    out->email_before = out->visitor.email;
    if (at_ms > out->visitor.last_seen_at_ms)
        out->visitor.last_seen_at_ms = at_ms;
    out->visitor.updated_at_ms = at_ms;
    if (user_agent.data != NULL)
        out->visitor.user_agent = user_agent;
    return OK;
}

void visitor_note_address(struct sighting *sighting, struct bytes address)
{
    if (sighting->present && address.data != NULL)
        sighting->visitor.address = address;
}

static enum error put_seen(struct txn *txn, const struct visitor *visitor)
{
    struct key key;
    visitor_seen_key(&key, visitor->org, visitor->last_seen_at_ms, visitor->id);
    return table_put(txn, TABLE_VISITOR_BY_SEEN, key_view(&key), BYTES_NONE);
}

static enum error put_by_key(struct txn *txn, const struct visitor *visitor)
{
    struct key key;
    visitor_key_key(&key, visitor->org, visitor->visitor_key);
    return table_put(txn, TABLE_VISITOR_BY_KEY, key_view(&key), bytes_view(visitor->id.bytes, ID_LEN));
}

enum error visitor_write(struct txn *txn, const struct sighting *sighting)
{
    const struct visitor *visitor = &sighting->visitor;
    if (!sighting->present)
        return OK;
    enum error error = visitor_put(txn, visitor);
    if (error == OK && sighting->is_new)
        error = put_by_key(txn, visitor);
    if (error == OK && (sighting->is_new || minute_of(visitor->last_seen_at_ms) != minute_of(sighting->seen_before_ms)))
        error = put_seen(txn, visitor);
    if (error == OK && !bytes_equal(sighting->email_before, visitor->email))
        error = search_visitor_email(txn, visitor->org, visitor->id, sighting->email_before, visitor->email);
    return error;
}

enum error rule_visitor_touch(struct txn *txn, uint64_t seq, const struct visitor_touch *command,
                              struct outcome *outcome)
{
    struct sighting sighting;
    (void)seq, (void)outcome;
    enum error error =
        visitor_sight(txn, command->org, command->visitor_key, false, ID_NONE, command->at_ms, BYTES_NONE, &sighting);
    return error != OK ? error : visitor_write(txn, &sighting);
}

bool email_is_valid(struct bytes email)
{
    unsigned ats = 0;
    if (email.len == 0 || email.len > EMAIL_LEN_MAX || email.data[0] == '@' || email.data[email.len - 1] == '@')
        return false;
    for (size_t i = 0; i < email.len; ++i) {
        unsigned char c = (unsigned char)email.data[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        ats += c == '@';
    }
    return ats == 1 && utf8_valid(email);
}

enum error rule_visitor_see(struct txn *txn, uint64_t seq, const struct visitor_see *command, struct outcome *outcome)
{
    struct sighting sighting;
    if (command->visitor_key.data == NULL || (command->email.len != 0 && !email_is_valid(command->email)))
        return ERR_CONFLICT;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = visitor_sight(txn, command->org, command->visitor_key, true, command->visitor, command->at_ms,
                              command->user_agent, &sighting);
    if (error == OK && !command->by_org && sighting.visitor.blocked_at_ms != 0)
        error = ERR_BLOCKED;
    if (error != OK)
        return error;
    if (command->email.data != NULL)
        sighting.visitor.email = command->email.len == 0 ? BYTES_NONE : command->email;
    visitor_note_address(&sighting, command->address);
    outcome->id = sighting.visitor.id;
    outcome->replayed = !sighting.is_new;
    error = visitor_write(txn, &sighting);
    return error == OK ? hook_note_visitor(txn, seq, &sighting, outcome) : error;
}

enum error rule_visitor_block(struct txn *txn, uint64_t seq, const struct visitor_block *command,
                              struct outcome *outcome)
{
    struct visitor visitor;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = visitor_get(txn, command->visitor, &visitor);
    if (error == OK && !id_equal(visitor.org, command->org))
        error = ERR_NOT_FOUND;
    if (error != OK)
        return error;
    outcome->id = visitor.id;
    outcome->replayed = command->blocked == (visitor.blocked_at_ms != 0);
    if (outcome->replayed)
        return OK;
    visitor.blocked_at_ms = command->blocked ? command->at_ms : 0;
    error = visitor_put(txn, &visitor);
    return error != OK ? error
                       : audit_note(txn, seq,
                                    ACT(command, .org = command->org,
                                        .action = command->blocked ? "visitor.blocked" : "visitor.unblocked",
                                        .subject = visitor.id));
}

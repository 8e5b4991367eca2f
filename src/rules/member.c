/* Who is a member of which organisation, and as what. An organisation that has had an owner keeps one. */
#include "rules/internal.h"

#include "core/rights.h"

enum error count_under(struct txn *txn, enum table table, struct id prefix, unsigned *out)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, table);
    enum error error = cursor_seek(cursor, id_view(&prefix), &key, NULL);
    for (*out = 0; error == OK && memcmp(key.data, prefix.bytes, ID_LEN) == 0; ++*out)
        error = cursor_next(cursor, &key, NULL);
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Room for one more member of the organisation, and one more organisation of the agent. */
enum error membership_has_room(struct txn *txn, struct id org, struct id agent)
{
    unsigned members = 0, orgs = 0;
    enum error error = count_under(txn, TABLE_MEMBERS, org, &members);
    if (error == OK)
        error = count_under(txn, TABLE_MEMBER_BY_AGENT, agent, &orgs);
    return error == OK && (members >= MEMBERS_PER_ORG_MAX || orgs >= ORGS_PER_AGENT_MAX) ? ERR_LIMIT_REACHED : error;
}

enum error member_add(struct txn *txn, struct id org, struct id agent, struct bytes role, int64_t at_ms)
{
    struct key key;
    pair_key(&key, agent, org);
    enum error error = table_put(txn, TABLE_MEMBER_BY_AGENT, key_view(&key), BYTES_NONE);
    return error == OK ? member_put(txn, &(struct member){org, agent, role, at_ms, {BYTES_NONE, 0}}) : error;
}

/* Whoever has no password yet, or is disabled, can't do what only an owner can. */
static bool can_own(struct txn *txn, const struct member *member)
{
    struct agent agent;
    return role_level(member->role) == LEVEL_OWNER && agent_get(txn, member->agent, &agent) == OK && !agent.disabled &&
           agent.password_hash.data != NULL;
}

/* Whether somebody else owns the organisation, too. */
static enum error has_other_owner(struct txn *txn, struct id org, struct id agent, bool *out)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_MEMBERS);
    enum error error = cursor_seek(cursor, id_view(&org), &key, &value);
    for (*out = false; error == OK && !*out && memcmp(key.data, org.bytes, ID_LEN) == 0;) {
        struct member member;
        error = member_decode(key, value, &member);
        if (error == OK && !id_equal(member.agent, agent))
            *out = can_own(txn, &member);
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ERR_LAST_OWNER when the member is the only owner. */
static enum error may_lose_ownership(struct txn *txn, const struct member *member)
{
    bool is_fine;
    if (!can_own(txn, member))
        return OK;
    enum error error = has_other_owner(txn, member->org, member->agent, &is_fine);
    return error == OK && !is_fine ? ERR_LAST_OWNER : error;
}

/* The member as it is, or `*is_new`. ERR_NOT_FOUND when there is no such agent. */
static enum error find_member(struct txn *txn, const struct member_set *command, struct member *out, bool *is_new)
{
    struct agent agent;
    enum error error = agent_get(txn, command->agent, &agent);
    *is_new = false;
    if (error != OK)
        return error;
    error = member_get(txn, command->org, command->agent, out);
    *is_new = error == ERR_NOT_FOUND;
    return *is_new ? OK : error;
}

static enum error may_be_set(struct txn *txn, const struct member_set *command, const struct member *member,
                             bool is_new)
{
    if (is_new &&
        !id_is_none(command->by)) /* whoever was removed this moment, perhaps by whom it would be let in again */
        return ERR_NOT_FOUND;
    if (is_new)
        return membership_has_room(txn, command->org, command->agent);
    return role_level(command->role) == LEVEL_OWNER ? OK : may_lose_ownership(txn, member);
}

enum error rule_member_set(struct txn *txn, uint64_t seq, const struct member_set *command, struct outcome *outcome)
{
    struct member member;
    bool is_new;
    enum error error = role_level(command->role) == LEVEL_NONE ? ERR_CONFLICT : org_is_alive(txn, command->org);
    if (error == OK)
        error = find_member(txn, command, &member, &is_new);
    if (error == OK)
        error = may_be_set(txn, command, &member, is_new);
    if (error != OK)
        return error;
    outcome->id = command->agent;
    error =
        member_add(txn, command->org, command->agent, command->role, is_new ? command->at_ms : member.created_at_ms);
    return error != OK
               ? error
               : audit_note_in_org(txn, seq,
                                   ACT(command, .org = command->org, .action = is_new ? "member.added" : "member.role",
                                       .subject = command->agent, .detail = command->role));
}

enum error rule_member_remove(struct txn *txn, uint64_t seq, const struct member_remove *command,
                              struct outcome *outcome)
{
    struct member member;
    struct key key;
    enum error error = member_get(txn, command->org, command->agent, &member);
    if (error == OK)
        error = may_lose_ownership(txn, &member);
    if (error != OK)
        return error;
    outcome->id = command->agent;
    pair_key(&key, command->org, command->agent);
    error = table_del(txn, TABLE_MEMBERS, key_view(&key));
    pair_key(&key, command->agent, command->org);
    if (error == OK)
        error = remove_if_there(txn, TABLE_MEMBER_BY_AGENT, key_view(&key));
    return error != OK ? error
                       : audit_note_in_org(
                             txn, seq,
                             ACT(command, .org = command->org, .action = "member.removed", .subject = command->agent));
}

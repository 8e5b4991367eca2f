/* Checks of agents, their memberships, sessions and links, and of the audit
 * log. */
#include "rules/check_private.h"

#include "core/rights.h"
#include "rules/rules.h"

/* From an entry to its other direction, whose value is empty or an id. */
static void must_be_there(struct check *check, const struct entry *entry, enum table table, const struct key *key,
                          struct bytes expected)
{
    struct bytes value;
    enum error error = table_get(check->txn, table, key_view(key), &value);
    if (error == ERR_NOT_FOUND || (error == OK && !bytes_equal(value, expected)))
        check_broken(check, entry, "%s does not lead to it", table_name(table));
}

static void must_have_agent(struct check *check, const struct entry *entry, struct id id)
{
    struct agent agent;
    if (agent_get(check->txn, id, &agent) == ERR_NOT_FOUND)
        check_broken(check, entry, "its agent %s does not exist", text_of(id).text);
}

void check_agent(struct check *check, const struct entry *entry)
{
    struct agent agent;
    struct key key;
    if (!check_decode(check, entry, RECORD_AGENTS, ID_LEN, &agent))
        return;
    if (!email_is_valid(agent.email)) {
        check_broken(check, entry, "its e-mail address is none");
        return;
    }
    agent_email_key(&key, agent.email);
    must_be_there(check, entry, TABLE_AGENT_BY_EMAIL, &key, entry->key);
}

void check_agent_by_email(struct check *check, const struct entry *entry)
{
    struct agent agent;
    struct key key;
    if (!check_has_lengths(check, entry, AGENT_EMAIL_HASH_LEN, ID_LEN))
        return;
    enum error error = agent_get(check->txn, id_at(entry->value, 0), &agent);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its agent does not exist");
    if (error != OK)
        return;
    if (!email_is_valid(agent.email)) /* which its own table says */
        return;
    agent_email_key(&key, agent.email);
    if (!bytes_equal(key_view(&key), entry->key))
        check_broken(check, entry, "its agent has another address");
}

void check_member(struct check *check, const struct entry *entry)
{
    struct member member;
    struct key key;
    if (!check_decode(check, entry, RECORD_MEMBERS, 2 * ID_LEN, &member) ||
        !check_org_is_complete(check, entry, id_at(entry->key, 0)))
        return;
    if (role_level(member.role) == LEVEL_NONE)
        check_broken(check, entry, "its role is none");
    must_have_agent(check, entry, id_at(entry->key, ID_LEN));
    pair_key(&key, id_at(entry->key, ID_LEN), id_at(entry->key, 0));
    must_be_there(check, entry, TABLE_MEMBER_BY_AGENT, &key, BYTES_NONE);
}

void check_member_by_agent(struct check *check, const struct entry *entry)
{
    struct member member;
    if (!check_has_lengths(check, entry, 2 * ID_LEN, 0))
        return;
    if (member_get(check->txn, id_at(entry->key, ID_LEN), id_at(entry->key, 0), &member) == ERR_NOT_FOUND)
        check_broken(check, entry, "the agent is no member there");
}

void check_session(struct check *check, const struct entry *entry)
{
    struct session session;
    struct key key;
    if (!check_decode(check, entry, RECORD_SESSIONS, ID_LEN, &session))
        return;
    must_have_agent(check, entry, session.agent);
    if (session.secret_hash.len != 32)
        check_broken(check, entry, "the hash of its secret has %zu bytes", session.secret_hash.len);
    pair_key(&key, session.agent, id_at(entry->key, 0));
    must_be_there(check, entry, TABLE_SESSION_BY_AGENT, &key, BYTES_NONE);
}

void check_session_by_agent(struct check *check, const struct entry *entry)
{
    struct session session;
    if (!check_has_lengths(check, entry, 2 * ID_LEN, 0))
        return;
    enum error error = session_get(check->txn, id_at(entry->key, ID_LEN), &session);
    if (error == ERR_NOT_FOUND || (error == OK && !id_equal(session.agent, id_at(entry->key, 0))))
        check_broken(check, entry, "the agent has no such session");
}

void check_link(struct check *check, const struct entry *entry)
{
    struct link link;
    if (!check_decode(check, entry, RECORD_LINKS, ID_LEN, &link))
        return;
    if (!id_is_none(link.agent))
        must_have_agent(check, entry, link.agent);
    if (link.secret_hash.len != 32)
        check_broken(check, entry, "the hash of its secret has %zu bytes", link.secret_hash.len);
}

void check_audit(struct check *check, const struct entry *entry)
{
    struct audit audit;
    if (!check_decode(check, entry, RECORD_AUDIT, ID_LEN + 8, &audit))
        return;
    if (!id_is_none(id_at(entry->key, 0)))
        check_org_is_complete(check, entry, id_at(entry->key, 0));
    if (audit.action.len == 0 || !check_is_time(audit.at_ms))
        check_broken(check, entry, "it does not say what was done, or when");
    if (u64_at(entry->key, ID_LEN) > check->last_seq)
        check_broken(check, entry, "its number is beyond the last one");
}

/*
 * The audit log: one entry an act, in the transaction of the act itself, so neither is there without the other. The
 * actor's name is kept as it was then: whoever is gone by the time somebody reads it is still named.
 */
#include "rules/internal.h"

#define DAY_MS INT64_C(86400000)

/* An agent by its address, a token by its name; nothing for the shell, and for what is not there any more. */
static enum error name_actor(struct txn *txn, struct id by, struct bytes *out)
{
    struct agent agent;
    struct token token;
    *out = BYTES_NONE;
    if (id_is_none(by))
        return OK;
    enum error error = agent_get(txn, by, &agent);
    if (error == OK)
        *out = agent.email;
    if (error != ERR_NOT_FOUND)
        return error;
    error = token_get(txn, by, &token);
    if (error == OK)
        *out = token.name;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error audit_note(struct txn *txn, uint64_t seq, const struct act *act)
{
    struct audit entry = {
        .org = act->org,
        .seq = seq,
        .at_ms = act->at_ms,
        .action = bytes_of_string(act->action),
        .actor = act->by,
        .address = act->from,
        .subject = act->subject,
        .subject_name = act->subject_name,
        .detail = act->detail,
    };
    enum error error = name_actor(txn, act->by, &entry.actor_name);
    return error == OK ? audit_put(txn, &entry) : error;
}

/* ---- what is too old ---- */

bool audit_is_due(struct bytes value, int64_t before_ms)
{
    struct audit audit;
    return record_decode(RECORD_AUDIT, value, &audit) == OK && audit.at_ms < before_ms;
}

enum error audit_expire(struct txn *txn, int64_t at_ms, uint64_t limit)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_AUDIT);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && limit > 0 && memcmp(key.data, ID_NONE.bytes, ID_LEN) == 0 &&
           audit_is_due(value, at_ms - AUDIT_KEPT_DAYS * DAY_MS);
         --limit) {
        error = cursor_del(cursor);
        if (error == OK)
            error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    /* What is damaged is for `check` to tell, and stays. */
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

/* ---- what is about an agent ---- */

enum error audit_note_in_org(struct txn *txn, uint64_t seq, const struct act *act)
{
    struct agent agent;
    struct act it = *act;
    enum error error = agent_get(txn, act->subject, &agent);
    if (error == OK)
        it.subject_name = agent.email;
    return error == OK || error == ERR_NOT_FOUND ? audit_note(txn, seq, &it) : error;
}

typedef enum error org_visit(void *context, struct id org);

static enum error each_org_of_agent(struct txn *txn, struct id agent, org_visit *visit, void *context)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_MEMBER_BY_AGENT);
    enum error error = cursor_seek(cursor, bytes_view(agent.bytes, ID_LEN), &key, NULL);
    while (error == OK && memcmp(key.data, agent.bytes, ID_LEN) == 0) {
        size_t offset = ID_LEN;
        error = visit(context, key_get_id(key, &offset));
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

struct agent_act {
    struct txn *txn;
    uint64_t seq;
    struct act act;
    bool was_told;
};

static enum error note_in_org(void *context, struct id org)
{
    struct agent_act *it = context;
    it->act.org = org;
    it->was_told = true;
    return audit_note(it->txn, it->seq, &it->act);
}

enum error audit_note_of_agent(struct txn *txn, uint64_t seq, const struct act *act)
{
    struct agent_act it = {.txn = txn, .seq = seq, .act = *act};
    struct agent agent;
    /* Read anew: what ended with the act may have ended the life of what was read before. */
    enum error error = agent_get(txn, act->subject, &agent);
    if (error == OK)
        it.act.subject_name = agent.email;
    if (error == OK)
        error = each_org_of_agent(txn, act->subject, note_in_org, &it);
    return error == OK && !it.was_told ? note_in_org(&it, ID_NONE) : error;
}

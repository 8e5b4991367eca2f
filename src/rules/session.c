/*
 * Agents who are logged in, and what of theirs ends: by their own wish, with a right, or with time. Password and second
 * factor are asked for again here, in order: a password that was changed while it was being compared lets nobody in,
 * and of two requests that carry the same code one comes in.
 */
#include "rules/internal.h"

#include <sodium.h>

/* ---- what an agent has: sessions and links ---- */

struct belongings {
    struct txn *txn;
    struct id agent, kept; /* kept: a session */
};

enum error session_is_of(struct txn *txn, struct id session, struct id agent)
{
    struct session it;
    enum error error = session_get(txn, session, &it);
    return error == OK && !id_equal(it.agent, agent) ? ERR_NOT_FOUND : error;
}

enum error end_session(struct txn *txn, struct id agent, struct id session)
{
    struct key key;
    pair_key(&key, agent, session);
    enum error error = remove_if_there(txn, TABLE_SESSION_BY_AGENT, key_view(&key));
    return error == OK ? remove_if_there(txn, TABLE_SESSIONS, id_view(&session)) : error;
}

static enum error session_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct belongings *of = context;
    size_t offset = ID_LEN;
    struct id session = key_get_id(key, &offset);
    (void)value;
    *goes = !id_equal(session, of->kept);
    return *goes ? remove_if_there(of->txn, TABLE_SESSIONS, id_view(&session)) : OK;
}

/* All but `kept`. */
enum error end_sessions(struct txn *txn, struct id agent, struct id kept)
{
    struct belongings of = {txn, agent, kept};
    return remove_under(txn, TABLE_SESSION_BY_AGENT, id_view(&agent), NULL, session_goes, &of);
}

static enum error link_goes(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct belongings *of = context;
    struct link link;
    (void)key;
    *goes = value.data == NULL || record_decode(RECORD_LINKS, value, &link) != OK || id_equal(link.agent, of->agent);
    return OK;
}

/* There are never many: each is gone when it is used, or after its time. */
enum error end_links(struct txn *txn, struct id agent)
{
    struct belongings of = {.txn = txn, .agent = agent};
    return remove_under(txn, TABLE_LINKS, BYTES_NONE, NULL, link_goes, &of);
}

/* ---- sessions ---- */

/* Takes the recovery code out of those that are left; ERR_CONFLICT when it is none of them. */
static enum error use_recovery_code(struct agent *agent, struct bytes hash, struct buffer *left)
{
    struct bytes all = agent->recovery_hashes;
    bool found = false;
    for (size_t at = 0; at + RECOVERY_HASH_LEN <= all.len; at += RECOVERY_HASH_LEN) {
        bool is_it = !found && sodium_memcmp(all.data + at, hash.data, RECOVERY_HASH_LEN) == 0;
        found |= is_it;
        if (!is_it)
            buffer_append(left, all.data + at, RECOVERY_HASH_LEN);
    }
    agent->recovery_hashes = buffer_view(left);
    return found ? OK : ERR_CONFLICT;
}

/* Each code is good once: what two requests carry at the same time lets one of them in. */
static enum error use_second_factor(const struct session_create *command, struct agent *agent, struct buffer *left)
{
    if (agent->totp_secret.data == NULL)
        return OK;
    if (command->recovery_hash.len == RECOVERY_HASH_LEN)
        return use_recovery_code(agent, command->recovery_hash, left);
    if (command->totp_step <= agent->totp_step)
        return ERR_CONFLICT;
    agent->totp_step = command->totp_step;
    return OK;
}

/* The oldest session beyond the limit; ids sort by time. */
static enum error make_room_for_session(struct txn *txn, struct id agent)
{
    unsigned count;
    enum error error = count_under(txn, TABLE_SESSION_BY_AGENT, agent, &count);
    uint64_t left = count >= SESSIONS_PER_AGENT_MAX ? count - SESSIONS_PER_AGENT_MAX + 1 : 0;
    struct belongings of = {txn, agent, ID_NONE};
    if (error != OK || left == 0)
        return error;
    error = remove_under(txn, TABLE_SESSION_BY_AGENT, id_view(&agent), &left, session_goes, &of);
    return error == ERR_CONFLICT ? OK : error;
}

static enum error session_add(struct txn *txn, const struct session *session)
{
    struct key key;
    pair_key(&key, session->agent, session->id);
    enum error error = table_put(txn, TABLE_SESSION_BY_AGENT, key_view(&key), BYTES_NONE);
    return error == OK ? session_put(txn, session) : error;
}

static bool may_log_in(const struct session_create *command, const struct agent *agent)
{
    return !agent->disabled &&
           (command->password_hash.data == NULL || bytes_equal(command->password_hash, agent->password_hash));
}

enum error rule_session_create(struct txn *txn, uint64_t seq, const struct session_create *command,
                               struct outcome *outcome)
{
    struct agent agent;
    struct buffer left = {0};
    enum error error = agent_get(txn, command->agent, &agent);
    if (error == OK && !may_log_in(command, &agent))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = use_second_factor(command, &agent, &left);
    if (error == OK) {
        outcome->id = command->session;
        agent.logged_in_at_ms = command->at_ms;
        error = agent_put(txn, &agent);
    }
    buffer_dispose(&left);
    if (error == OK)
        error = make_room_for_session(txn, command->agent);
    if (error == OK)
        error = session_add(txn, &(struct session){.id = command->session,
                                                   .agent = command->agent,
                                                   .secret_hash = command->secret_hash,
                                                   .created_at_ms = command->at_ms,
                                                   .used_at_ms = command->at_ms,
                                                   .user_agent = command->user_agent,
                                                   .address = command->address});
    return error != OK ? error
                       : audit_note_of_agent(txn, seq,
                                             &(struct act){.at_ms = command->at_ms,
                                                           .by = command->agent,
                                                           .from = command->address,
                                                           .action = "session.created",
                                                           .subject = command->agent});
}

enum error rule_session_use(struct txn *txn, uint64_t seq, const struct session_use *command, struct outcome *outcome)
{
    struct session session;
    (void)seq, (void)outcome;
    enum error error = session_get(txn, command->session, &session);
    if (error != OK || command->at_ms <= session.used_at_ms)
        return error == ERR_NOT_FOUND ? OK : error;
    session.used_at_ms = command->at_ms;
    return session_put(txn, &session);
}

enum error rule_session_end(struct txn *txn, uint64_t seq, const struct session_end *command, struct outcome *outcome)
{
    enum error error = OK;
    outcome->id = command->agent;
    if (!id_is_none(command->session)) {
        error = session_is_of(txn, command->session, command->agent);
        if (error == OK)
            error = end_session(txn, command->agent, command->session);
    } else {
        error = end_sessions(txn, command->agent, command->kept);
    }
    return error != OK
               ? error
               : audit_note_of_agent(txn, seq, ACT(command, .action = "session.ended", .subject = command->agent));
}

/* ---- what has expired ---- */

struct expiry {
    struct txn *txn;
    int64_t at_ms;
};

static enum error session_is_over(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct expiry *expiry = context;
    struct session session;
    size_t offset = 0;
    *goes = value.data == NULL || record_decode(RECORD_SESSIONS, value, &session) != OK;
    if (*goes || expiry->at_ms < session.used_at_ms + SESSION_KEPT_MS)
        return OK;
    *goes = true;
    struct key index;
    pair_key(&index, session.agent, key_get_id(key, &offset));
    return remove_if_there(expiry->txn, TABLE_SESSION_BY_AGENT, key_view(&index));
}

static enum error link_is_over(void *context, struct bytes key, struct bytes value, bool *goes)
{
    const struct expiry *expiry = context;
    struct link link;
    (void)key;
    *goes =
        value.data == NULL || record_decode(RECORD_LINKS, value, &link) != OK || expiry->at_ms >= link.expires_at_ms;
    return OK;
}

/* ERR_CONFLICT of remove_under only says that there is more. */
static enum error remove_some(struct txn *txn, enum table table, uint64_t limit, entry_look *look, void *context)
{
    enum error error = remove_under(txn, table, BYTES_NONE, &limit, look, context);
    return error == ERR_CONFLICT ? OK : error;
}

enum error rule_expire(struct txn *txn, uint64_t seq, const struct expire *command, struct outcome *outcome)
{
    struct expiry expiry = {txn, command->at_ms};
    (void)seq, (void)outcome;
    enum error error = remove_some(txn, TABLE_SESSIONS, command->limit, session_is_over, &expiry);
    if (error == OK)
        error = remove_some(txn, TABLE_LINKS, command->limit, link_is_over, &expiry);
    return error == OK ? audit_expire(txn, command->at_ms, command->limit) : error;
}

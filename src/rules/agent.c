/*
 * Agents, and the links that are good once. An agent belongs to no organisation: it is a member of some (member.c), so
 * whoever works for two shops logs in once. What ends a right ends the sessions and links that carry it in the same
 * step.
 */
#include "rules/internal.h"

#include "core/rights.h"

/* ---- links ---- */

static enum error link_add(struct txn *txn, const struct link *link)
{
    enum error error = end_links(txn, link->agent);
    return error == OK ? link_put(txn, link) : error;
}

/* ERR_NOT_FOUND unless the link is there, for this agent, and its time is not over. */
enum error link_is_good(struct txn *txn, struct id id, struct id agent, int64_t at_ms)
{
    struct link link;
    enum error error = link_get(txn, id, &link);
    if (error == OK && (!id_equal(link.agent, agent) || at_ms >= link.expires_at_ms))
        return ERR_NOT_FOUND;
    return error;
}

/* Whoever holds a link is that agent, in all of its organisations: so it is given by one of them only to whom it alone
 * has invited, and who has no password yet. */
static enum error org_may_give_link(struct txn *txn, struct id org, const struct agent *agent)
{
    struct member member;
    unsigned orgs;
    enum error error = member_get(txn, org, agent->id, &member);
    if (error != OK)
        return error;
    error = count_under(txn, TABLE_MEMBER_BY_AGENT, agent->id, &orgs);
    return error == OK && (orgs != 1 || agent->password_hash.data != NULL) ? ERR_RIGHT_FORBIDDEN : error;
}

enum error rule_link_create(struct txn *txn, uint64_t seq, const struct link_create *command, struct outcome *outcome)
{
    struct agent agent = {.email = BYTES_NONE};
    bool has_agent = !id_is_none(command->agent);
    enum error error = has_agent ? agent_get(txn, command->agent, &agent) : OK;
    if (error == OK && has_agent && agent.disabled)
        error = ERR_NOT_FOUND;
    if (error == OK && !id_is_none(command->org))
        error = org_may_give_link(txn, command->org, &agent);
    if (error != OK)
        return error;
    outcome->id = command->link;
    const struct link link = {.id = command->link,
                              .kind = command->kind,
                              .agent = command->agent,
                              .secret_hash = command->secret_hash,
                              .expires_at_ms = command->expires_at_ms};
    error = command->adds ? link_put(txn, &link) : link_add(txn, &link);
    return error != OK || !has_agent
               ? error
               : audit_note_of_agent(
                     txn, seq, ACT(command, .action = "agent.link", .subject = agent.id, .detail = command->kind));
}

/* ---- agents ---- */

static enum error agent_add(struct txn *txn, const struct agent *agent)
{
    struct key key;
    agent_email_key(&key, agent->email);
    enum error error = table_put(txn, TABLE_AGENT_BY_EMAIL, key_view(&key), id_view(&agent->id));
    return error == OK ? agent_put(txn, agent) : error;
}

/* ERR_CONFLICT when somebody else has it, or it is none. */
static enum error email_is_free(struct txn *txn, struct bytes email, struct id agent)
{
    struct id other;
    if (!email_is_valid(email))
        return ERR_CONFLICT;
    enum error error = agent_id_by_email(txn, email, &other);
    if (error == OK)
        return id_equal(other, agent) ? OK : ERR_CONFLICT;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The agent of this address, or a new one in memory; *is_new says which. */
static enum error find_or_make(struct txn *txn, const struct agent_create *command, struct agent *out, bool *is_new)
{
    struct id id;
    enum error error = agent_id_by_email(txn, command->email, &id);
    *is_new = error == ERR_NOT_FOUND;
    if (error == OK)
        return agent_get(txn, id, out);
    *out = (struct agent){.id = command->agent,
                          .email = command->email,
                          .name = command->name,
                          .password_hash = command->password_hash,
                          .created_at_ms = command->at_ms,
                          .updated_at_ms = command->at_ms};
    return *is_new ? OK : error;
}

/* Everything that can refuse the creation of an agent that is there, or will be, as a member. */
static enum error may_join(struct txn *txn, const struct agent_create *command, const struct agent *agent)
{
    struct member member;
    if (command->role.data == NULL)
        return OK;
    if (role_level(command->role) == LEVEL_NONE)
        return ERR_CONFLICT;
    enum error error = org_is_alive(txn, command->org);
    if (error != OK)
        return error;
    error = member_get(txn, command->org, agent->id, &member);
    if (error != ERR_NOT_FOUND)
        return error == OK ? ERR_CONFLICT : error;
    return membership_has_room(txn, command->org, agent->id);
}

/* An organisation invites whom it likes, but not who has an account in somebody else's hands: who has made that one may
 * know its password, and who invites gets a link to choose it. What is a member of nothing is nobody's. */
static enum error org_may_invite(struct txn *txn, const struct agent *agent)
{
    unsigned orgs;
    enum error error = count_under(txn, TABLE_MEMBER_BY_AGENT, agent->id, &orgs);
    return error == OK && (orgs != 0 || agent->disabled) ? ERR_EMAIL_TAKEN : error;
}

/* As if it had never been, but for its id and what that has done. */
static enum error begin_anew(struct txn *txn, const struct agent_create *command, struct agent *agent)
{
    agent->name = command->name;
    agent->password_hash = agent->totp_secret = agent->recovery_hashes = BYTES_NONE;
    agent->totp_step = 0;
    agent->updated_at_ms = command->at_ms;
    enum error error = agent_put(txn, agent);
    if (error == OK)
        error = end_sessions(txn, agent->id, ID_NONE);
    return error == OK ? end_links(txn, agent->id) : error;
}

static enum error write_agent(struct txn *txn, const struct agent_create *command, struct agent *agent, bool is_new)
{
    enum error error = is_new ? agent_add(txn, agent) : id_is_none(command->by) ? OK : begin_anew(txn, command, agent);
    if (error == OK && command->role.data != NULL)
        error = member_add(txn, command->org, agent->id, command->role, command->at_ms);
    if (error == OK && !id_is_none(command->link) && agent->password_hash.data == NULL)
        error = link_add(txn, &(struct link){.id = command->link,
                                             .kind = BYTES("invitation"),
                                             .agent = agent->id,
                                             .secret_hash = command->link_hash,
                                             .expires_at_ms = command->link_expires_at_ms});
    return error;
}

enum error rule_agent_create(struct txn *txn, uint64_t seq, const struct agent_create *command, struct outcome *outcome)
{
    struct agent agent;
    bool is_new;
    enum error error = email_is_valid(command->email) ? find_or_make(txn, command, &agent, &is_new) : ERR_CONFLICT;
    if (error == OK && !is_new && command->role.data == NULL)
        error = ERR_CONFLICT;
    if (error == OK)
        error = may_join(txn, command, &agent);
    if (error == OK && !is_new && !id_is_none(command->by))
        error = org_may_invite(txn, &agent);
    if (error != OK)
        return error;
    outcome->id = agent.id;
    error = write_agent(txn, command, &agent, is_new);
    outcome->replayed = !is_new && agent.password_hash.data != NULL;
    return error != OK
               ? error
               : audit_note_in_org(txn, seq,
                                   ACT(command, .org = command->role.data == NULL ? ID_NONE : command->org,
                                       .action = "agent.created", .subject = agent.id, .detail = command->role));
}

static enum error change_email(struct txn *txn, struct agent *agent, struct bytes email)
{
    struct key key;
    agent_email_key(&key, agent->email);
    enum error error = remove_if_there(txn, TABLE_AGENT_BY_EMAIL, key_view(&key));
    agent->email = email;
    agent_email_key(&key, email);
    return error == OK ? table_put(txn, TABLE_AGENT_BY_EMAIL, key_view(&key), id_view(&agent->id)) : error;
}

enum error rule_agent_update(struct txn *txn, uint64_t seq, const struct agent_update *command, struct outcome *outcome)
{
    struct agent agent;
    enum error error = agent_get(txn, command->agent, &agent);
    if (error == OK && command->email.data != NULL)
        error = email_is_free(txn, command->email, agent.id);
    if (error != OK)
        return error;
    outcome->id = agent.id;
    if (command->name.data != NULL)
        agent.name = command->name;
    if (command->email.data != NULL)
        error = change_email(txn, &agent, command->email);
    agent.updated_at_ms = command->at_ms;
    if (error == OK)
        error = agent_put(txn, &agent);
    return error != OK ? error
                       : audit_note_of_agent(txn, seq, ACT(command, .action = "agent.updated", .subject = agent.id));
}

enum error rule_agent_disable(struct txn *txn, uint64_t seq, const struct agent_disable *command,
                              struct outcome *outcome)
{
    struct agent agent;
    enum error error = agent_get(txn, command->agent, &agent);
    outcome->id = command->agent;
    if (error != OK || agent.disabled == command->disabled)
        return error;
    agent.disabled = command->disabled;
    agent.updated_at_ms = command->at_ms;
    error = agent_put(txn, &agent);
    if (error == OK && command->disabled)
        error = end_sessions(txn, agent.id, ID_NONE);
    if (error == OK && command->disabled)
        error = end_links(txn, agent.id);
    return error != OK
               ? error
               : audit_note_of_agent(txn, seq,
                                     ACT(command, .action = command->disabled ? "agent.disabled" : "agent.enabled",
                                         .subject = agent.id));
}

/* What a session began counts only while it lasts: it may have been ended because somebody else had it. */
static enum error session_lasts(struct txn *txn, struct id session, struct id agent)
{
    enum error error = id_is_none(session) ? OK : session_is_of(txn, session, agent);
    return error == ERR_NOT_FOUND ? ERR_SESSION_INVALID : error;
}

enum error rule_agent_password(struct txn *txn, uint64_t seq, const struct agent_password *command,
                               struct outcome *outcome)
{
    struct agent agent;
    enum error error =
        id_is_none(command->link) ? OK : link_is_good(txn, command->link, command->agent, command->at_ms);
    if (error == OK)
        error = session_lasts(txn, command->session, command->agent);
    if (error == OK)
        error = agent_get(txn, command->agent, &agent);
    if (error != OK || agent.disabled)
        return error == OK ? ERR_NOT_FOUND : error;
    outcome->id = agent.id;
    agent.password_hash = command->password_hash;
    if (command->name.data != NULL)
        agent.name = command->name;
    agent.updated_at_ms = command->at_ms;
    error = agent_put(txn, &agent);
    if (error == OK)
        error = end_links(txn, agent.id);
    if (error == OK)
        error = end_sessions(txn, agent.id, command->session);
    return error != OK ? error
                       : audit_note_of_agent(txn, seq, ACT(command, .action = "agent.password", .subject = agent.id));
}

enum error rule_agent_totp(struct txn *txn, uint64_t seq, const struct agent_totp *command, struct outcome *outcome)
{
    struct agent agent;
    bool is_on = command->totp_secret.data != NULL;
    enum error error = agent_get(txn, command->agent, &agent);
    if (error == OK)
        error = session_lasts(txn, command->session, command->agent);
    if (error == OK && is_on && agent.totp_secret.data != NULL)
        error = ERR_CONFLICT;
    outcome->id = agent.id;
    if (error != OK || is_on == (agent.totp_secret.data != NULL))
        return error;
    agent.totp_secret = command->totp_secret;
    agent.totp_step = command->totp_step;
    agent.recovery_hashes = command->recovery_hashes;
    agent.updated_at_ms = command->at_ms;
    error = agent_put(txn, &agent);
    return error != OK ? error
                       : audit_note_of_agent(txn, seq,
                                             ACT(command,
                                                 .action = is_on ? "agent.second_factor.on" : "agent.second_factor.off",
                                                 .subject = agent.id));
}

/* ---- the first owner ---- */

/* The organisation of this key, which nobody may be a member of yet, or a new one. */
static enum error take_org(struct txn *txn, const struct set_up *command, struct id *out)
{
    struct org org;
    unsigned members;
    enum error error = org_get_by_key(txn, command->org_key, &org);
    *out = error == OK ? org.id : command->org;
    if (error == ERR_NOT_FOUND)
        return org_add(txn, &(struct org){.id = command->org,
                                          .key = command->org_key,
                                          .name = command->org_name,
                                          .created_at_ms = command->at_ms,
                                          .updated_at_ms = command->at_ms});
    if (error == OK)
        error = count_under(txn, TABLE_MEMBERS, org.id, &members);
    return error == OK && members != 0 ? ERR_CONFLICT : error;
}

enum error rule_set_up(struct txn *txn, uint64_t seq, const struct set_up *command, struct outcome *outcome)
{
    struct id org;
    struct agent agent = {.id = command->agent,
                          .email = command->email,
                          .name = command->name,
                          .password_hash = command->password_hash,
                          .created_at_ms = command->at_ms,
                          .updated_at_ms = command->at_ms};
    enum error error = link_is_good(txn, command->link, ID_NONE, command->at_ms);
    if (error == OK && (table_rows(txn, TABLE_AGENTS) != 0 || !email_is_valid(command->email)))
        error = ERR_CONFLICT;
    if (error == OK)
        error = take_org(txn, command, &org);
    if (error == OK)
        error = agent_add(txn, &agent);
    if (error == OK)
        error = member_add(txn, org, agent.id, BYTES("owner"), command->at_ms);
    if (error == OK)
        error = end_links(txn, ID_NONE);
    if (error != OK)
        return error;
    outcome->id = agent.id;
    return audit_note(txn, seq,
                      &(struct act){.org = org,
                                    .at_ms = command->at_ms,
                                    .by = agent.id,
                                    .from = command->from,
                                    .action = "server.set_up",
                                    .subject = agent.id,
                                    .subject_name = agent.email});
}

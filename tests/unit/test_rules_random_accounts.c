/*
 * Six thousand random commands about agents, members, sessions, links and tokens: a small model in memory says what
 * each must answer and what must be in the tables at the end; a second store that got the same commands in batches must
 * hold the same bytes; and at every stop along the way all invariants hold.
 */
#include "dice.h"
#include "world.h"

#define COMMANDS 6000
#define ORGS_MAX 40
#define AGENTS 12
#define SESSIONS_MAX COMMANDS
#define LINKS_MAX COMMANDS
#define TOKENS_MAX COMMANDS
#define CODES 3 /* recovery codes of one agent */

/* ---- the model ------------------------------------------------------------------------------------------------- */

enum role { NO_MEMBER, AGENT, ADMIN, OWNER };
static const char *const roles[] = {NULL, "agent", "admin", "owner"};

struct model_org {
    struct id id;
    bool exists, deleted;
    unsigned acts; /* entries of its audit log */
};

struct model_agent {
    struct id id;
    bool exists, disabled, has_factor;
    unsigned password; /* "hash-<n>"; 0: none */
    unsigned name;
    uint64_t step;
    bool codes[CODES];
    int64_t updated_at_ms, logged_in_at_ms;
};

struct model_session {
    struct id id;
    unsigned agent;
    bool exists;
    int64_t used_at_ms;
};

struct model_link {
    struct id id;
    int agent; /* -1: of setup */
    bool exists;
    int64_t expires_at_ms;
};

struct model_token {
    struct id id;
    unsigned org;
    bool exists;
    int64_t used_at_ms;
};

static struct {
    struct model_org orgs[ORGS_MAX];
    struct model_agent agents[AGENTS];
    enum role members[ORGS_MAX][AGENTS];
    struct model_session sessions[SESSIONS_MAX];
    struct model_link links[LINKS_MAX];
    struct model_token tokens[TOKENS_MAX];
    unsigned org_count, session_count, link_count, token_count;
    unsigned acts; /* about the server as a whole */
    int64_t now_ms;
} model;

static struct bytes text(const char *format, unsigned number)
{
    static char texts[8][32];
    static unsigned next;
    char *here = texts[next++ % 8];
    return bytes_view(here, (size_t)snprintf(here, sizeof(texts[0]), format, number));
}

static struct bytes recovery_hash(unsigned code)
{
    static const char hashes[] = "code-0..........code-1..........code-2..........";
    return bytes_view(hashes + code * RECOVERY_HASH_LEN, RECOVERY_HASH_LEN);
}

static bool is_alive(unsigned org)
{
    return model.orgs[org].exists && !model.orgs[org].deleted;
}

static unsigned orgs_of(unsigned agent)
{
    unsigned count = 0;
    for (unsigned i = 0; i < model.org_count; ++i)
        count += model.members[i][agent] != NO_MEMBER;
    return count;
}

static bool can_own(unsigned org, unsigned agent)
{
    const struct model_agent *it = &model.agents[agent];
    return model.members[org][agent] == OWNER && !it->disabled && it->password != 0;
}

static bool is_last_owner(unsigned org, unsigned agent)
{
    bool is_last = can_own(org, agent);
    for (unsigned other = 0; other < AGENTS && is_last; ++other)
        is_last = other == agent || !can_own(org, other);
    return is_last;
}

/* In each of its organisations, or in none. */
static void model_notes_of(unsigned agent)
{
    for (unsigned i = 0; i < model.org_count; ++i)
        model.orgs[i].acts += model.members[i][agent] != NO_MEMBER;
    model.acts += orgs_of(agent) == 0;
}

/* All but `kept`, or none is kept. */
static void model_ends_sessions(unsigned agent, int kept)
{
    for (unsigned i = 0; i < model.session_count; ++i)
        if (model.sessions[i].agent == agent && (int)i != kept)
            model.sessions[i].exists = false;
}

static void model_ends_links(int agent)
{
    for (unsigned i = 0; i < model.link_count; ++i)
        if (model.links[i].agent == agent)
            model.links[i].exists = false;
}

static void model_adds_link(struct id id, int agent, int64_t expires_at_ms, bool beside)
{
    if (!beside)
        model_ends_links(agent);
    model.links[model.link_count++] = (struct model_link){id, agent, true, expires_at_ms};
}

/* ---- whom and what ---------------------------------------------------------------------------------------------- */

static unsigned any_org(void)
{
    return below(15) == 0 ? below(model.org_count)
                          : model.org_count - 1 - below(model.org_count < 3 ? model.org_count : 3);
}

/* One that is there most of the time; its number is that of its address. */
static unsigned any_agent(void)
{
    unsigned agent = below(AGENTS);
    for (unsigned tries = 0; tries < 4 && !model.agents[agent].exists; ++tries)
        agent = below(AGENTS);
    return agent;
}

static struct id id_of(unsigned agent)
{
    return model.agents[agent].exists ? model.agents[agent].id : next_id();
}

/* A session of the agent that is there most of the time, or -1. */
static int any_session(unsigned agent)
{
    int found = -1;
    for (unsigned i = model.session_count; i-- > 0;)
        if (model.sessions[i].agent == agent && (model.sessions[i].exists || below(8) == 0) &&
            (found < 0 || below(3) == 0))
            found = (int)i;
    return found;
}

static int any_link(int agent)
{
    int found = -1;
    for (unsigned i = model.link_count; i-- > 0 && found < 0;)
        if ((model.links[i].agent == agent || below(20) == 0) && (model.links[i].exists || below(4) == 0))
            found = (int)i;
    return found;
}

/* ---- organisations and tokens ------------------------------------------------------------------------------------ */

static enum error random_org(struct command *command)
{
    if (model.org_count < 2 || (below(3) == 0 && model.org_count < ORGS_MAX)) {
        struct model_org *org = &model.orgs[model.org_count];
        *org = (struct model_org){next_id(), true, false, 1};
        *command = (struct command){.kind = COMMAND_ORG_CREATE,
                                    .org_create = {.org = org->id,
                                                   .key = text("org-%u", model.org_count++),
                                                   .name = BYTES("name"),
                                                   .at_ms = model.now_ms}};
        return OK;
    }
    unsigned at = below(model.org_count);
    struct model_org *org = &model.orgs[at];
    if (below(2) == 0) {
        *command = (struct command){.kind = COMMAND_ORG_DELETE, .org_delete = {.org = org->id, .at_ms = model.now_ms}};
        if (!is_alive(at))
            return ERR_NOT_FOUND;
        org->deleted = true;
        ++model.acts;
        return OK;
    }
    *command = (struct command){.kind = COMMAND_ORG_PURGE, .org_purge = {.org = org->id, .limit = UINT64_MAX}};
    if (!org->exists || !org->deleted)
        return org->exists ? ERR_CONFLICT : ERR_NOT_FOUND;
    *org = (struct model_org){.id = org->id};
    memset(model.members[at], 0, sizeof(model.members[at]));
    for (unsigned i = 0; i < model.token_count; ++i)
        model.tokens[i].exists &= model.tokens[i].org != at;
    return OK;
}

static enum error random_token(struct command *command)
{
    unsigned org = any_org(), which = model.token_count == 0 ? 0 : below(model.token_count);
    struct model_token *token = &model.tokens[which];
    if (model.token_count == 0 || below(2) == 0) {
        struct id id = next_id();
        *command = (struct command){.kind = COMMAND_TOKEN_CREATE,
                                    .token_create = {.token = id,
                                                     .org = model.orgs[org].id,
                                                     .name = BYTES("t"),
                                                     .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                                     .at_ms = model.now_ms,
                                                     .scope = BYTES("read")}};
        if (!is_alive(org))
            return ERR_NOT_FOUND;
        model.tokens[model.token_count++] = (struct model_token){id, org, true, 0};
        ++model.orgs[org].acts;
        return OK;
    }
    if (below(2) == 0) {
        *command =
            (struct command){.kind = COMMAND_TOKEN_USE, .token_use = {.token = token->id, .at_ms = model.now_ms}};
        if (token->exists && model.now_ms > token->used_at_ms)
            token->used_at_ms = model.now_ms;
        return OK;
    }
    org = below(4) == 0 ? org : token->org;
    *command = (struct command){.kind = COMMAND_TOKEN_REVOKE,
                                .token_revoke = {.org = model.orgs[org].id, .token = token->id, .at_ms = model.now_ms}};
    if (!token->exists || token->org != org)
        return ERR_NOT_FOUND;
    token->exists = false;
    ++model.orgs[org].acts;
    return OK;
}

/* ---- agents and members ------------------------------------------------------------------------------------------ */

static enum error may_be_made(unsigned agent, unsigned org, enum role role, bool by_shell)
{
    const struct model_agent *it = &model.agents[agent];
    if (role == NO_MEMBER)
        return it->exists ? ERR_CONFLICT : OK;
    if (!is_alive(org))
        return ERR_NOT_FOUND;
    if (it->exists && model.members[org][agent] != NO_MEMBER)
        return ERR_CONFLICT;
    return it->exists && !by_shell && (it->disabled || orgs_of(agent) != 0) ? ERR_EMAIL_TAKEN : OK;
}

static enum error random_agent_create(struct command *command)
{
    unsigned agent = below(AGENTS), org = any_org(), name = below(50);
    enum role role = (enum role)below(4);
    bool by_shell = below(2) == 0, has_link = below(3) != 0, has_password = below(2) == 0;
    struct model_agent *it = &model.agents[agent];
    struct id fresh = next_id(), link = next_id();
    *command =
        (struct command){.kind = COMMAND_AGENT_CREATE,
                         .agent_create = {.agent = fresh,
                                          .email = text(below(2) == 0 ? "a%u@example.com" : "A%u@Example.COM", agent),
                                          .name = text("name-%u", name),
                                          .password_hash = has_password ? text("hash-%u", 1) : BYTES_NONE,
                                          .org = model.orgs[org].id,
                                          .role = role == NO_MEMBER ? BYTES_NONE : bytes_of_string(roles[role]),
                                          .link = has_link ? link : ID_NONE,
                                          .link_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                          .link_expires_at_ms = model.now_ms + INVITATION_KEPT_MS,
                                          .at_ms = model.now_ms,
                                          .by = by_shell ? ID_NONE : next_id()}};
    enum error error = may_be_made(agent, org, role, by_shell);
    if (error != OK)
        return error;
    if (!it->exists) {
        *it = (struct model_agent){
            .id = fresh, .exists = true, .password = has_password, .name = name, .updated_at_ms = model.now_ms};
    } else if (!by_shell) {
        *it = (struct model_agent){.id = it->id,
                                   .exists = true,
                                   .name = name,
                                   .updated_at_ms = model.now_ms,
                                   .logged_in_at_ms = it->logged_in_at_ms};
        model_ends_sessions(agent, -1);
        model_ends_links((int)agent);
    }
    if (role != NO_MEMBER)
        model.members[org][agent] = role;
    if (has_link && it->password == 0)
        model_adds_link(link, (int)agent, model.now_ms + INVITATION_KEPT_MS, false);
    ++*(role == NO_MEMBER ? &model.acts : &model.orgs[org].acts);
    return OK;
}

static enum error random_agent_update(struct command *command)
{
    unsigned agent = any_agent(), name = below(50);
    struct model_agent *it = &model.agents[agent];
    *command =
        (struct command){.kind = COMMAND_AGENT_UPDATE,
                         .agent_update = {.agent = id_of(agent), .name = text("name-%u", name), .at_ms = model.now_ms}};
    if (!it->exists)
        return ERR_NOT_FOUND;
    it->name = name;
    it->updated_at_ms = model.now_ms;
    model_notes_of(agent);
    return OK;
}

static enum error random_agent_disable(struct command *command)
{
    unsigned agent = any_agent();
    bool disabled = below(3) == 0;
    struct model_agent *it = &model.agents[agent];
    *command = (struct command){.kind = COMMAND_AGENT_DISABLE,
                                .agent_disable = {.agent = id_of(agent), .disabled = disabled, .at_ms = model.now_ms}};
    if (!it->exists)
        return ERR_NOT_FOUND;
    if (it->disabled == disabled)
        return OK;
    it->disabled = disabled;
    it->updated_at_ms = model.now_ms;
    if (disabled) {
        model_ends_sessions(agent, -1);
        model_ends_links((int)agent);
    }
    model_notes_of(agent);
    return OK;
}

static enum error random_member_set(struct command *command)
{
    unsigned agent = any_agent(), org = any_org();
    enum role role = (enum role)(1 + below(3)), before = model.members[org][agent];
    bool by_shell = below(2) == 0;
    *command = (struct command){.kind = COMMAND_MEMBER_SET,
                                .member_set = {.org = model.orgs[org].id,
                                               .agent = id_of(agent),
                                               .role = bytes_of_string(roles[role]),
                                               .at_ms = model.now_ms,
                                               .by = by_shell ? ID_NONE : next_id()}};
    if (!is_alive(org) || !model.agents[agent].exists || (before == NO_MEMBER && !by_shell))
        return ERR_NOT_FOUND;
    if (role != OWNER && is_last_owner(org, agent))
        return ERR_LAST_OWNER;
    model.members[org][agent] = role;
    ++model.orgs[org].acts;
    return OK;
}

static enum error random_member_remove(struct command *command)
{
    unsigned agent = any_agent(), org = any_org();
    *command =
        (struct command){.kind = COMMAND_MEMBER_REMOVE,
                         .member_remove = {.org = model.orgs[org].id, .agent = id_of(agent), .at_ms = model.now_ms}};
    if (model.members[org][agent] == NO_MEMBER)
        return ERR_NOT_FOUND;
    if (is_last_owner(org, agent))
        return ERR_LAST_OWNER;
    model.members[org][agent] = NO_MEMBER;
    ++model.orgs[org].acts;
    return OK;
}

/* ---- passwords, links, second factors ---------------------------------------------------------------------------- */

static bool link_lasts(int link, int agent)
{
    return model.links[link].exists && model.links[link].agent == agent &&
           model.now_ms < model.links[link].expires_at_ms;
}

static enum error random_agent_password(struct command *command)
{
    unsigned agent = any_agent(), password = 1 + below(5);
    int link = below(2) == 0 ? any_link((int)agent) : -1,
        session = link < 0 && below(2) == 0 ? any_session(below(6) == 0 ? any_agent() : agent) : -1;
    struct model_agent *it = &model.agents[agent];
    *command = (struct command){.kind = COMMAND_AGENT_PASSWORD,
                                .agent_password = {.agent = id_of(agent),
                                                   .password_hash = text("hash-%u", password),
                                                   .session = session < 0 ? ID_NONE : model.sessions[session].id,
                                                   .link = link < 0 ? ID_NONE : model.links[link].id,
                                                   .at_ms = model.now_ms}};
    if (link >= 0 && (!it->exists || !link_lasts(link, (int)agent)))
        return ERR_NOT_FOUND;
    if (session >= 0 && !(model.sessions[session].exists && it->exists && model.sessions[session].agent == agent))
        return ERR_SESSION_INVALID;
    if (!it->exists || it->disabled)
        return ERR_NOT_FOUND;
    it->password = password;
    it->updated_at_ms = model.now_ms;
    model_ends_links((int)agent);
    model_ends_sessions(agent, session);
    model_notes_of(agent);
    return OK;
}

static enum error random_link_create(struct command *command)
{
    bool is_setup = below(6) == 0, by_shell = is_setup || below(2) == 0, adds = below(3) == 0;
    unsigned agent = any_agent(), org = any_org();
    const struct model_agent *it = &model.agents[agent];
    struct id id = next_id();
    int64_t expires_at_ms = model.now_ms + 1 + below(3) * RESET_KEPT_MS;
    *command = (struct command){.kind = COMMAND_LINK_CREATE,
                                .link_create = {.link = id,
                                                .kind = is_setup ? BYTES("setup") : BYTES("reset"),
                                                .agent = is_setup ? ID_NONE : id_of(agent),
                                                .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                                .expires_at_ms = expires_at_ms,
                                                .at_ms = model.now_ms,
                                                .org = by_shell ? ID_NONE : model.orgs[org].id,
                                                .adds = adds}};
    if (!is_setup && (!it->exists || it->disabled || (!by_shell && model.members[org][agent] == NO_MEMBER)))
        return ERR_NOT_FOUND;
    if (!by_shell && (it->password != 0 || orgs_of(agent) != 1))
        return ERR_RIGHT_FORBIDDEN;
    model_adds_link(id, is_setup ? -1 : (int)agent, expires_at_ms, adds);
    if (!is_setup)
        model_notes_of(agent);
    return OK;
}

static enum error random_agent_totp(struct command *command)
{
    unsigned agent = any_agent();
    bool is_on = below(2) == 0;
    int session = below(2) == 0 ? any_session(agent) : -1;
    struct model_agent *it = &model.agents[agent];
    *command = (struct command){
        .kind = COMMAND_AGENT_TOTP,
        .agent_totp = {.agent = id_of(agent),
                       .totp_secret = is_on ? BYTES("12345678901234567890") : BYTES_NONE,
                       .totp_step = is_on ? 10 : 0,
                       .recovery_hashes =
                           is_on ? bytes_view(recovery_hash(0).data, CODES * RECOVERY_HASH_LEN) : BYTES_NONE,
                       .at_ms = model.now_ms,
                       .session = session < 0 ? ID_NONE : model.sessions[session].id}};
    if (!it->exists)
        return ERR_NOT_FOUND;
    if (session >= 0 && !model.sessions[session].exists)
        return ERR_SESSION_INVALID;
    if (is_on == it->has_factor)
        return is_on ? ERR_CONFLICT : OK;
    it->has_factor = is_on;
    it->step = is_on ? 10 : 0;
    for (unsigned i = 0; i < CODES; ++i)
        it->codes[i] = is_on;
    it->updated_at_ms = model.now_ms;
    model_notes_of(agent);
    return OK;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* The agent's smallest id goes when there is one too many. */
static void model_makes_room(unsigned agent)
{
    unsigned count = 0;
    int first = -1;
    for (unsigned i = 0; i < model.session_count; ++i)
        if (model.sessions[i].exists && model.sessions[i].agent == agent) {
            ++count;
            if (first < 0 || memcmp(&model.sessions[i].id, &model.sessions[first].id, ID_LEN) < 0)
                first = (int)i;
        }
    if (count >= SESSIONS_PER_AGENT_MAX)
        model.sessions[first].exists = false;
}

static enum error random_session_create(struct command *command)
{
    unsigned agent = any_agent(), code = below(CODES);
    struct model_agent *it = &model.agents[agent];
    bool by_code = below(5) == 0, knows_password = below(6) != 0;
    uint64_t step = below(5) == 0 ? it->step : it->step + 1 + below(3);
    struct id id = next_id();
    *command = (struct command){.kind = COMMAND_SESSION_CREATE,
                                .session_create = {.session = id,
                                                   .agent = id_of(agent),
                                                   .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                                   .totp_step = step,
                                                   .recovery_hash = by_code ? recovery_hash(code) : BYTES_NONE,
                                                   .at_ms = model.now_ms,
                                                   .password_hash = knows_password && it->password != 0
                                                                        ? text("hash-%u", it->password)
                                                                    : knows_password ? BYTES_NONE
                                                                                     : BYTES("hash-of-before")}};
    if (!it->exists || it->disabled || !knows_password)
        return ERR_NOT_FOUND;
    if (it->has_factor && (by_code ? !it->codes[code] : step <= it->step))
        return ERR_CONFLICT;
    if (it->has_factor && by_code)
        it->codes[code] = false;
    else if (it->has_factor)
        it->step = step;
    it->logged_in_at_ms = model.now_ms;
    model_makes_room(agent);
    model.sessions[model.session_count++] = (struct model_session){id, agent, true, model.now_ms};
    model_notes_of(agent);
    return OK;
}

static enum error random_session_use(struct command *command)
{
    int at = any_session(any_agent());
    *command =
        (struct command){.kind = COMMAND_SESSION_USE,
                         .session_use = {.session = at < 0 ? next_id() : model.sessions[at].id, .at_ms = model.now_ms}};
    if (at >= 0 && model.sessions[at].exists && model.now_ms > model.sessions[at].used_at_ms)
        model.sessions[at].used_at_ms = model.now_ms;
    return OK;
}

static enum error random_session_end(struct command *command)
{
    unsigned agent = any_agent();
    int at = any_session(below(8) == 0 ? any_agent() : agent);
    bool is_one = at >= 0 && below(4) != 0;
    struct id id = at < 0 ? ID_NONE : model.sessions[at].id;
    *command = (struct command){.kind = COMMAND_SESSION_END,
                                .session_end = {.agent = id_of(agent),
                                                .session = is_one ? id : ID_NONE,
                                                .kept = is_one ? ID_NONE : id,
                                                .at_ms = model.now_ms}};
    if (!model.agents[agent].exists)
        return ERR_NOT_FOUND;
    if (is_one && (!model.sessions[at].exists || model.sessions[at].agent != agent))
        return ERR_NOT_FOUND;
    if (is_one)
        model.sessions[at].exists = false;
    else
        model_ends_sessions(agent, at);
    model_notes_of(agent);
    return OK;
}

static enum error random_expire(struct command *command)
{
    *command = (struct command){.kind = COMMAND_EXPIRE, .expire = {.at_ms = model.now_ms, .limit = UINT64_MAX}};
    for (unsigned i = 0; i < model.session_count; ++i)
        model.sessions[i].exists &= model.now_ms < model.sessions[i].used_at_ms + SESSION_KEPT_MS;
    for (unsigned i = 0; i < model.link_count; ++i)
        model.links[i].exists &= model.now_ms < model.links[i].expires_at_ms;
    return OK;
}

static enum error random_command(struct command *command)
{
    static enum error (*const acts[])(struct command *) = {
        random_agent_create,   random_agent_create,   random_agent_create,   random_agent_update,
        random_agent_disable,  random_agent_disable,  random_member_set,     random_member_set,
        random_member_remove,  random_member_remove,  random_member_remove,  random_agent_password,
        random_agent_password, random_link_create,    random_link_create,    random_agent_totp,
        random_session_create, random_session_create, random_session_create, random_session_create,
        random_session_use,    random_session_end,    random_token};
    model.now_ms += below(20) == 0 ? (int64_t)below(2 * 86400000) : (int64_t)below(1000);
    if (model.org_count < 2 || below(60) == 0)
        return random_org(command);
    return below(60) == 0 ? random_expire(command) : acts[below(sizeof(acts) / sizeof(acts[0]))](command);
}

/* ---- the end ------------------------------------------------------------------------------------------------------
 */

static void check_agent(struct txn *txn, unsigned at, unsigned *members)
{
    const struct model_agent *expected = &model.agents[at];
    struct agent agent;
    struct id id;
    enum error error = agent_id_by_email(txn, text("a%u@example.com", at), &id);
    assert_int_equal(error, expected->exists ? OK : ERR_NOT_FOUND);
    if (!expected->exists)
        return;
    assert_true(id_equal(id, expected->id));
    assert_int_equal(agent_get(txn, id, &agent), OK);
    assert_true(bytes_equal(agent.name, text("name-%u", expected->name)) && agent.disabled == expected->disabled);
    assert_true(
        bytes_equal(agent.password_hash, expected->password == 0 ? BYTES_NONE : text("hash-%u", expected->password)));
    assert_true((agent.totp_secret.data != NULL) == expected->has_factor && agent.totp_step == expected->step);
    unsigned codes = 0;
    for (unsigned i = 0; i < CODES; ++i)
        codes += expected->codes[i];
    assert_int_equal(agent.recovery_hashes.len, codes * RECOVERY_HASH_LEN);
    assert_true(agent.updated_at_ms == expected->updated_at_ms && agent.logged_in_at_ms == expected->logged_in_at_ms);
    for (unsigned org = 0; org < model.org_count; ++org) {
        struct member member;
        enum role role = model.members[org][at];
        error = member_get(txn, model.orgs[org].id, id, &member);
        assert_int_equal(error, role == NO_MEMBER ? ERR_NOT_FOUND : OK);
        if (role != NO_MEMBER)
            assert_true(bytes_equal(member.role, bytes_of_string(roles[role])));
        *members += role != NO_MEMBER;
    }
}

static void check_everything(struct txn *txn)
{
    unsigned members = 0, sessions = 0, links = 0, tokens = 0, acts = model.acts;
    for (unsigned i = 0; i < AGENTS; ++i)
        check_agent(txn, i, &members);
    for (unsigned i = 0; i < model.session_count; ++i) {
        struct session session;
        const struct model_session *expected = &model.sessions[i];
        assert_int_equal(session_get(txn, expected->id, &session), expected->exists ? OK : ERR_NOT_FOUND);
        if (expected->exists)
            assert_true(id_equal(session.agent, model.agents[expected->agent].id) &&
                        session.used_at_ms == expected->used_at_ms);
        sessions += expected->exists;
    }
    for (unsigned i = 0; i < model.link_count; ++i) {
        struct link link;
        assert_int_equal(link_get(txn, model.links[i].id, &link), model.links[i].exists ? OK : ERR_NOT_FOUND);
        links += model.links[i].exists;
    }
    for (unsigned i = 0; i < model.token_count; ++i) {
        struct token token;
        const struct model_token *expected = &model.tokens[i];
        assert_int_equal(token_get(txn, expected->id, &token), expected->exists ? OK : ERR_NOT_FOUND);
        if (expected->exists)
            assert_true(token.used_at_ms == expected->used_at_ms);
        tokens += expected->exists;
    }
    for (unsigned i = 0; i < model.org_count; ++i)
        acts += model.orgs[i].acts;
    assert_true(table_rows(txn, TABLE_MEMBERS) == members && table_rows(txn, TABLE_MEMBER_BY_AGENT) == members);
    assert_true(table_rows(txn, TABLE_SESSIONS) == sessions && table_rows(txn, TABLE_SESSION_BY_AGENT) == sessions);
    assert_true(table_rows(txn, TABLE_LINKS) == links && table_rows(txn, TABLE_TOKENS) == tokens);
    assert_int_equal(table_rows(txn, TABLE_AUDIT), acts);
}

static void check_store_of(struct store *store)
{
    struct check_report report;
    struct reader *reader = reader_open(store);
    struct txn *txn = begin_read(reader);
    check_store(txn, print_broken, NULL, &report);
    assert_int_equal(report.broken, 0);
    check_everything(txn);
    reader_end(reader);
    reader_close(reader);
}

static struct log_entry *later[COMMANDS]; /* for the second store */

static void give_all_later(struct store *store)
{
    for (unsigned done = 0; done < COMMANDS;) {
        unsigned end = done + 1 + below(64);
        end = end > COMMANDS ? COMMANDS : end;
        for (unsigned i = done; i < end; ++i)
            later[i]->next = i + 1 < end ? later[i + 1] : NULL;
        assert_int_equal(log_execute_all(store, later[done]), OK);
        for (; done < end; ++done)
            log_entry_free(later[done]);
    }
}

static void test_thousands_of_commands_do_what_a_model_says_and_the_same_twice(void **state)
{
    (void)state;
    struct directory directories[2] = {directory_make(), directory_make()};
    struct store *stores[2] = {open_store(&directories[0]), open_store(&directories[1])};
    struct buffer scratch = {0};
    unsigned refused = 0;
    model.now_ms = NOW_MS;
    for (unsigned i = 0; i < COMMANDS; ++i) {
        struct command command;
        struct outcome outcome;
        enum error expected = random_command(&command);
        later[i] = log_entry_new(&command, &scratch, 0);
        enum error error = log_execute(stores[0], &command, &outcome);
        if (error != expected)
            fail_msg("command %u, of kind %d: %s in place of %s", i, (int)command.kind, error_code(error),
                     error_code(expected));
        refused += error != OK;
        if (below(150) == 0)
            check_store_of(stores[0]);
    }
    check_store_of(stores[0]);
    give_all_later(stores[1]);
    struct buffer dumps[2] = {dump_store(stores[0]), dump_store(stores[1])};
    assert_dumps_equal(&dumps[0], &dumps[1]);
    assert_true(refused > COMMANDS / 10 && refused < COMMANDS / 4 * 3 && model.session_count > 100);
    for (unsigned i = 0; i < 2; ++i) {
        buffer_dispose(&dumps[i]);
        store_close(stores[i]);
        directory_remove(&directories[i]);
    }
    buffer_dispose(&scratch);
}

int main(void)
{
    dice_begin();
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands_of_commands_do_what_a_model_says_and_the_same_twice),
    };
    return dice_end(cmocka_run_group_tests(tests, NULL, NULL));
}

/*
 * The audit log: every act that succeeds has its entry, with who, what, when and from where as they were then; what was
 * refused has none; and what is about an agent stands in the log of each organisation that it is a member of.
 */
#include "world.h"

struct expected {
    struct id org;
    const char *action;
    struct id actor;
    const char *actor_name, *address; /* NULL: none */
    struct id subject;
    const char *subject_name, *detail;
};

static void assert_text(struct bytes text, const char *expected, const char *what, const char *action)
{
    bool is_fine = expected == NULL ? text.data == NULL : bytes_equal(text, bytes_of_string(expected));
    if (!is_fine)
        fail_msg("%s of %s is \"%.*s\" and should be \"%s\"", what, action, (int)text.len, text.data,
                 expected == NULL ? "(none)" : expected);
}

/* The newest entry of the organisation, which the last command must have written. */
static void assert_noted(struct world *w, uint64_t seq, const struct expected *expected)
{
    struct key key;
    struct audit entry;
    struct bytes found, value;
    struct txn *txn = look(w);
    audit_key(&key, expected->org, UINT64_MAX);
    assert_int_equal(table_get_before(txn, TABLE_AUDIT, key_view(&key), &found, &value), OK);
    assert_int_equal(audit_decode(found, value, &entry), OK);
    assert_true(id_equal(entry.org, expected->org) && entry.seq == seq && entry.at_ms == w->now_ms);
    assert_text(entry.action, expected->action, "the action", expected->action);
    assert_text(entry.actor_name, expected->actor_name, "the actor", expected->action);
    assert_text(entry.address, expected->address, "the address", expected->action);
    assert_text(entry.subject_name, expected->subject_name, "the subject", expected->action);
    assert_text(entry.detail, expected->detail, "the detail", expected->action);
    assert_true(id_equal(entry.actor, expected->actor) && id_equal(entry.subject, expected->subject));
    look_away(w);
}

/* The command succeeds and writes that one entry. */
static void assert_act(struct world *w, const struct command *command, const struct expected *expected)
{
    int64_t before = count_rows(w).of[TABLE_AUDIT];
    uint64_t seq = must(w, command).seq;
    assert_int_equal(count_rows(w).of[TABLE_AUDIT], before + 1);
    assert_noted(w, seq, expected);
}

#define BY_SHELL ID_NONE, NULL, NULL

static void test_what_the_shell_does_is_noted_without_a_name(void **state)
{
    struct world *w = *state;
    struct command create = org_create(w, "new"), token = token_create(w, w->org),
                   agent = agent_create(w, "a@example.com", w->org, "admin"),
                   alone = agent_create(w, "b@example.com", w->org, NULL);
    assert_act(w, &create,
               &(struct expected){create.org_create.org, "org.created", BY_SHELL, create.org_create.org, "new", NULL});
    assert_act(w, &token,
               &(struct expected){w->org, "token.created", BY_SHELL, token.token_create.token, "a token", NULL});
    assert_act(
        w, &agent,
        &(struct expected){w->org, "agent.created", BY_SHELL, agent.agent_create.agent, "a@example.com", "admin"});
    assert_act(w, &alone,
               &(struct expected){ID_NONE, "agent.created", BY_SHELL, alone.agent_create.agent, "b@example.com", NULL});
    assert_sound(w);
}

static void test_who_and_from_where_is_noted_of_agents_and_of_tokens(void **state)
{
    struct world *w = *state;
    struct id boss = join(w, "boss@example.com", w->org, "owner"), id = join(w, "a@example.com", w->org, "agent");
    struct command token = token_create(w, w->org);
    struct id program = must(w, &token).id;
    struct command set = member_set(w, w->org, id, "admin"), remove = member_remove(w, w->org, id),
                   revoke = {.kind = COMMAND_TOKEN_REVOKE,
                             .token_revoke = {.org = w->org, .token = program, .at_ms = w->now_ms}};
    set.member_set.by = boss, set.member_set.from = BYTES("192.0.2.9");
    assert_act(
        w, &set,
        &(struct expected){w->org, "member.role", boss, "boss@example.com", "192.0.2.9", id, "a@example.com", "admin"});
    remove.member_remove.by = program, remove.member_remove.from = BYTES("2001:db8::7");
    assert_act(
        w, &remove,
        &(struct expected){w->org, "member.removed", program, "a token", "2001:db8::7", id, "a@example.com", NULL});
    /* By itself: it is named although it is gone. */
    revoke.token_revoke.by = program, revoke.token_revoke.from = BYTES("192.0.2.9");
    assert_act(w, &revoke,
               &(struct expected){w->org, "token.revoked", program, NULL, "192.0.2.9", program, "a token", NULL});
    struct command update = {
        .kind = COMMAND_ORG_UPDATE,
        .org_update = {
            .org = w->org, .name = BYTES("New"), .widget_color = BYTES("#123456"), .at_ms = w->now_ms, .by = boss}};
    assert_act(
        w, &update,
        &(struct expected){w->org, "org.updated", boss, "boss@example.com", NULL, w->org, "acme", "name widget.color"});
    assert_sound(w);
}

static void test_an_agent_that_is_known_already_is_named_as_it_is(void **state)
{
    struct world *w = *state;
    struct command first = agent_invite(w, "Jane.Known@example.com", w->other_org, "agent"),
                   second = agent_invite(w, "jane.known@EXAMPLE.com", w->org, "agent");
    struct id id = must(w, &first).id, boss = join(w, "boss@example.com", w->org, "owner");
    assert_act(w, &second,
               &(struct expected){w->org, "agent.created", BY_SHELL, id, "Jane.Known@example.com", "agent"});
    struct id orgs[] = {w->org, w->other_org};
    for (size_t i = 0; i < 2; ++i) {
        struct command leaves = member_remove(w, orgs[i], id);
        must(w, &leaves);
    }
    struct command third = agent_invite(w, "JANE.known@example.com", w->org, "admin");
    third.agent_create.by = boss;
    assert_act(w, &third,
               &(struct expected){w->org, "agent.created", boss, "boss@example.com", NULL, id, "Jane.Known@example.com",
                                  "admin"});
}

static void test_what_is_about_an_agent_stands_in_each_of_its_organisations(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent");
    struct command second = member_set(w, w->other_org, id, "owner"), log_in = session_create(w, id);
    must(w, &second);
    struct rows before = count_rows(w);
    uint64_t seq = must(w, &log_in).seq;
    assert_rows_added(w, &before, ROWS([TABLE_SESSIONS] = 1, [TABLE_SESSION_BY_AGENT] = 1, [TABLE_AUDIT] = 2));
    struct id orgs[] = {w->org, w->other_org};
    for (size_t i = 0; i < 2; ++i)
        assert_noted(w, seq,
                     &(struct expected){orgs[i], "session.created", id, "a@example.com", "192.0.2.1", id,
                                        "a@example.com", NULL});
    struct id alone = join(w, "alone@example.com", w->org, NULL);
    struct command disable = agent_disable(w, alone, true), enable = agent_disable(w, alone, false);
    assert_act(w, &disable, &(struct expected){ID_NONE, "agent.disabled", BY_SHELL, alone, "alone@example.com", NULL});
    assert_act(w, &enable, &(struct expected){ID_NONE, "agent.enabled", BY_SHELL, alone, "alone@example.com", NULL});
}

static void test_every_act_of_an_agent_about_itself_is_noted(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent"), session = begin_session(w, id);
    struct command commands[] = {
        agent_password(w, id, "another"),
        {.kind = COMMAND_AGENT_UPDATE, .agent_update = {.agent = id, .name = BYTES("N"), .at_ms = w->now_ms}},
        {.kind = COMMAND_AGENT_TOTP,
         .agent_totp = {.agent = id, .totp_secret = BYTES("12345678901234567890"), .at_ms = w->now_ms}},
        {.kind = COMMAND_AGENT_TOTP, .agent_totp = {.agent = id, .at_ms = w->now_ms}},
        {.kind = COMMAND_SESSION_END, .session_end = {.agent = id, .session = session, .at_ms = w->now_ms}},
        link_create(w, id, "reset"),
        {.kind = COMMAND_AGENT_UPDATE,
         .agent_update = {.agent = id, .email = BYTES("new@example.com"), .at_ms = w->now_ms}},
    };
    static const char *const actions[] = {
        "agent.password", "agent.updated", "agent.second_factor.on", "agent.second_factor.off",
        "session.ended",  "agent.link",    "agent.updated"};
    commands[0].agent_password.session = session;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        assert_act(w, &commands[i],
                   &(struct expected){w->org, actions[i], BY_SHELL, id, i == 6 ? "new@example.com" : "a@example.com",
                                      i == 5 ? "reset" : NULL});
    /* The older entries still say what the address was then. */
    struct bytes key, value;
    unsigned old = 0;
    struct cursor *cursor = cursor_open(look(w), TABLE_AUDIT);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_next(cursor, &key, &value)) {
        struct audit entry;
        assert_int_equal(audit_decode(key, value, &entry), OK);
        old += bytes_equal(entry.subject_name, BYTES("a@example.com"));
    }
    cursor_close(cursor);
    look_away(w);
    assert_int_equal(old, 8);
}

static void test_the_first_owner_and_the_end_of_an_organisation_are_noted(void **state)
{
    struct world *w = *state;
    struct command link = link_create(w, ID_NONE, "setup");
    int64_t before = count_rows(w).of[TABLE_AUDIT];
    must(w, &link); /* printed at every start of a server that nobody can log in to: no act */
    assert_int_equal(count_rows(w).of[TABLE_AUDIT], before);
    struct id owner = world_id(w);
    struct command set_up = {.kind = COMMAND_SET_UP,
                             .set_up = {.link = link.link_create.link,
                                        .agent = owner,
                                        .email = BYTES("owner@example.com"),
                                        .name = BYTES("O"),
                                        .password_hash = BYTES("h"),
                                        .org_key = BYTES("acme"),
                                        .org_name = BYTES("Acme"),
                                        .at_ms = w->now_ms,
                                        .from = BYTES("192.0.2.7")}};
    assert_act(w, &set_up,
               &(struct expected){w->org, "server.set_up", owner, "owner@example.com", "192.0.2.7", owner,
                                  "owner@example.com", NULL});
    struct command delete = org_delete(w, w->org);
    assert_act(w, &delete, &(struct expected){ID_NONE, "org.deleted", BY_SHELL, ID_NONE, "acme", NULL});
    assert_sound(w);
}

static void test_what_was_refused_is_not_noted(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "owner");
    struct command refused[] = {org_create(w, "acme"),          agent_create(w, "a@example.com", w->org, "agent"),
                                member_remove(w, w->org, id),   member_set(w, w->org, id, "agent"),
                                session_create(w, w->org),      agent_password(w, w->org, "x"),
                                link_create(w, w->org, "reset")};
    struct rows before = count_rows(w);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        struct outcome outcome;
        assert_true(give(w, &refused[i], &outcome) != OK);
    }
    assert_rows_added(w, &before, ROWS(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_what_the_shell_does_is_noted_without_a_name),
        WORLD_TEST(test_who_and_from_where_is_noted_of_agents_and_of_tokens),
        WORLD_TEST(test_an_agent_that_is_known_already_is_named_as_it_is),
        WORLD_TEST(test_what_is_about_an_agent_stands_in_each_of_its_organisations),
        WORLD_TEST(test_every_act_of_an_agent_about_itself_is_noted),
        WORLD_TEST(test_the_first_owner_and_the_end_of_an_organisation_are_noted),
        WORLD_TEST(test_what_was_refused_is_not_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

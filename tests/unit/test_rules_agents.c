/*
 * Agents, their memberships and the links that are good once: what each command does, row by row, what each refuses
 * with not a byte changed, and what ends with what. Sessions are in test_rules_sessions.c, the audit log in
 * test_rules_audit.c.
 */
#include "world.h"

/* ---- looking --------------------------------------------------------------------------------------------------- */

static enum error find_agent(struct world *w, const char *email, struct id *out)
{
    enum error error = agent_id_by_email(look(w), bytes_of_string(email), out);
    look_away(w);
    return error;
}

/* The text of the role, "" for whoever is no member. */
static const char *role_of(struct world *w, struct id org, struct id agent)
{
    static char role[16];
    struct member member;
    enum error error = member_get(look(w), org, agent, &member);
    snprintf(role, sizeof(role), "%.*s", error == OK ? (int)member.role.len : 0, error == OK ? member.role.data : "");
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    return role;
}

static bool has_link(struct world *w, struct id id)
{
    struct link link;
    enum error error = link_get(look(w), id, &link);
    look_away(w);
    return error == OK;
}

static bool has_session(struct world *w, struct id id)
{
    struct session session;
    enum error error = session_get(look(w), id, &session);
    look_away(w);
    return error == OK;
}

/* ---- making agents --------------------------------------------------------------------------------------------- */

static void test_an_agent_is_made_with_its_membership_and_a_link(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command command = agent_invite(w, "Jane@Example.com", w->org, "admin");
    struct outcome outcome = must(w, &command);
    struct id id;
    assert_true(id_equal(outcome.id, command.agent_create.agent) && !outcome.replayed);
    assert_rows_added(w, &before,
                      ROWS([TABLE_AGENTS] = 1, [TABLE_AGENT_BY_EMAIL] = 1, [TABLE_MEMBERS] = 1,
                           [TABLE_MEMBER_BY_AGENT] = 1, [TABLE_LINKS] = 1, [TABLE_AUDIT] = 1));
    struct agent agent = agent_of(w, outcome.id);
    assert_true(bytes_equal(agent.email, BYTES("Jane@Example.com")) && bytes_equal(agent.name, BYTES("Somebody")));
    assert_true(agent.created_at_ms == NOW_MS && agent.updated_at_ms == NOW_MS && agent.logged_in_at_ms == 0);
    assert_true(agent.password_hash.data == NULL && agent.totp_secret.data == NULL && !agent.disabled);
    assert_string_equal(role_of(w, w->org, outcome.id), "admin");
    assert_string_equal(role_of(w, w->other_org, outcome.id), "");
    struct link link;
    assert_int_equal(link_get(look(w), command.agent_create.link, &link), OK);
    assert_true(id_equal(link.agent, outcome.id) && bytes_equal(link.kind, BYTES("invitation")));
    assert_true(link.expires_at_ms == NOW_MS + INVITATION_KEPT_MS && link.secret_hash.len == 32);
    look_away(w);
    assert_int_equal(find_agent(w, "jane@EXAMPLE.com", &id), OK);
    assert_true(id_equal(id, outcome.id));
    assert_sound(w);
}

static void test_an_agent_may_be_a_member_of_nothing(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct id id = join(w, "a@example.com", w->org, NULL);
    assert_rows_added(w, &before, ROWS([TABLE_AGENTS] = 1, [TABLE_AGENT_BY_EMAIL] = 1, [TABLE_AUDIT] = 1));
    assert_string_equal(role_of(w, w->org, id), "");
    struct command again = agent_create(w, "A@example.com", w->org, NULL);
    assert_refused(w, &again, ERR_CONFLICT);
    assert_sound(w);
}

static void test_what_is_no_address_no_role_or_no_organisation_makes_no_agent(void **state)
{
    struct world *w = *state;
    static const char *const emails[] = {"", "a", "a@", "@b", "a@b@c", "a b@c", "a@b\n"};
    for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); ++i) {
        struct command command = agent_create(w, emails[i], w->org, "agent");
        assert_refused(w, &command, ERR_CONFLICT);
    }
    static const char *const roles[] = {"", "Owner", "boss", "agent "};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); ++i) {
        struct command command = agent_create(w, "a@example.com", w->org, roles[i]);
        assert_refused(w, &command, ERR_CONFLICT);
    }
    struct command delete = org_delete(w, w->other_org);
    must(w, &delete);
    struct id nowhere[] = {w->other_org, world_id(w), ID_NONE};
    for (size_t i = 0; i < 3; ++i) {
        struct command command = agent_create(w, "a@example.com", nowhere[i], "agent");
        assert_refused(w, &command, ERR_NOT_FOUND);
    }
}

static void test_whoever_works_for_two_is_one_agent(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "owner");
    struct rows before = count_rows(w);
    struct command second = agent_invite(w, "A@EXAMPLE.COM", w->other_org, "agent");
    struct outcome outcome = must(w, &second);
    assert_true(outcome.replayed && id_equal(outcome.id, id));
    assert_rows_added(w, &before, ROWS([TABLE_MEMBERS] = 1, [TABLE_MEMBER_BY_AGENT] = 1, [TABLE_AUDIT] = 1));
    assert_string_equal(role_of(w, w->org, id), "owner");
    assert_string_equal(role_of(w, w->other_org, id), "agent");
    assert_true(bytes_equal(agent_of(w, id).email, BYTES("a@example.com")));
    struct command third = agent_create(w, "a@example.com", w->other_org, "admin");
    assert_refused(w, &third, ERR_CONFLICT);
    assert_sound(w);
}

static void test_whoever_has_no_password_yet_gets_the_newest_link_alone(void **state)
{
    struct world *w = *state;
    struct command first = agent_invite(w, "a@example.com", w->org, "agent"),
                   second = agent_invite(w, "a@example.com", w->other_org, "agent");
    struct id id = must(w, &first).id;
    struct outcome outcome = must(w, &second);
    assert_true(!outcome.replayed && id_equal(outcome.id, id));
    assert_false(has_link(w, first.agent_create.link));
    assert_true(has_link(w, second.agent_create.link));
    assert_sound(w);
}

/* ---- what one organisation may do to an agent of another -------------------------------------------------------- */

/* By an admin of acme who has no part in the other one. */
static struct command invite_to_acme(struct world *w, const char *email)
{
    struct command command = agent_invite(w, email, w->org, "agent");
    command.agent_create.by = join(w, "admin@example.com", w->org, "admin");
    command.agent_create.name = BYTES("As acme knows it");
    return command;
}

/* Whoever invites gets a link, and whoever has invited before may have used one: neither may meet the other's rights.
 */
static void test_an_organisation_does_not_invite_who_has_an_account_elsewhere(void **state)
{
    struct world *w = *state;
    struct command waiting = agent_invite(w, "waiting@example.com", w->other_org, "owner");
    struct id invited = must(w, &waiting).id, owner = join(w, "owner@example.com", w->other_org, "owner");
    struct command takes = invite_to_acme(w, "waiting@example.com");
    assert_refused(w, &takes, ERR_EMAIL_TAKEN);
    takes.agent_create.email = BYTES("OWNER@example.com");
    assert_refused(w, &takes, ERR_EMAIL_TAKEN);
    assert_true(has_link(w, waiting.agent_create.link));
    /* The operator knows who is who. */
    struct command operator= agent_create(w, "owner@example.com", w->org, "agent");
    must(w, &operator);
    takes.agent_create.org = w->org;
    assert_refused(w, &takes, ERR_CONFLICT);
    assert_string_equal(role_of(w, w->org, owner), "agent");
    assert_string_equal(role_of(w, w->org, invited), "");
    assert_sound(w);
}

static void test_whoever_is_a_member_of_nothing_begins_anew_when_it_is_invited(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "Back@example.com", w->other_org, "agent"), session = begin_session(w, id);
    struct command on = {.kind = COMMAND_AGENT_TOTP,
                         .agent_totp = {.agent = id,
                                        .totp_secret = BYTES("12345678901234567890"),
                                        .totp_step = 9,
                                        .recovery_hashes = BYTES("0123456789abcdef"),
                                        .at_ms = w->now_ms}};
    struct command reset = link_create(w, id, "reset"), leaves = member_remove(w, w->other_org, id);
    must(w, &on), must(w, &reset), must(w, &leaves);
    struct command invite = invite_to_acme(w, "back@example.com");
    struct outcome outcome = must(w, &invite);
    assert_true(id_equal(outcome.id, id) && !outcome.replayed);
    struct agent agent = agent_of(w, id);
    assert_true(agent.password_hash.data == NULL && agent.totp_secret.data == NULL && agent.totp_step == 0);
    assert_true(agent.recovery_hashes.data == NULL && bytes_equal(agent.name, BYTES("As acme knows it")));
    assert_true(bytes_equal(agent.email, BYTES("Back@example.com")));
    assert_false(has_session(w, session) || has_link(w, reset.link_create.link));
    assert_true(has_link(w, invite.agent_create.link));
    assert_string_equal(role_of(w, w->org, id), "agent");
    assert_sound(w);
}

static void test_whom_the_operator_has_disabled_nobody_invites(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "bad@example.com", w->other_org, NULL);
    struct command disable = agent_disable(w, id, true), invite = invite_to_acme(w, "bad@example.com");
    must(w, &disable);
    assert_refused(w, &invite, ERR_EMAIL_TAKEN);
}

static void test_an_organisation_gives_a_link_only_to_whom_it_alone_has_invited(void **state)
{
    struct world *w = *state;
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent");
    struct id id = must(w, &invite).id, stranger = join(w, "b@example.com", w->other_org, "agent");
    struct command link = link_create(w, id, "invitation");
    link.link_create.org = w->org;
    must(w, &link);
    assert_false(has_link(w, invite.agent_create.link));
    link.link_create.agent = stranger;
    assert_refused(w, &link, ERR_NOT_FOUND);
    link.link_create.agent = id;
    struct command second = member_set(w, w->other_org, id, "admin"), leaves = member_remove(w, w->other_org, id),
                   chosen = agent_password(w, id, "chosen");
    must(w, &second);
    link.link_create.link = world_id(w);
    assert_refused(w, &link, ERR_RIGHT_FORBIDDEN);
    must(w, &leaves);
    must(w, &link);
    must(w, &chosen); /* in the moment between the question and the command */
    assert_refused(w, &link, ERR_RIGHT_FORBIDDEN);
    assert_sound(w);
}

/* An admin who is being removed has its own requests under way. */
static void test_only_the_shell_makes_a_member_of_whoever_is_none(void **state)
{
    struct world *w = *state;
    struct id owner = join(w, "o@example.com", w->org, "owner"), admin = join(w, "a@example.com", w->org, "admin");
    struct command remove = member_remove(w, w->org, admin), stays = member_set(w, w->org, admin, "admin");
    stays.member_set.by = admin;
    must(w, &stays);
    remove.member_remove.by = owner;
    must(w, &remove);
    assert_refused(w, &stays, ERR_NOT_FOUND);
    stays.member_set.by = ID_NONE;
    must(w, &stays);
    assert_sound(w);
}

/* ---- limits ---------------------------------------------------------------------------------------------------- */

static void test_an_organisation_has_room_for_a_thousand_and_an_agent_for_a_hundred(void **state)
{
    struct world *w = *state;
    struct id first = ID_NONE;
    for (unsigned i = 0; i < MEMBERS_PER_ORG_MAX; ++i) {
        char email[32];
        snprintf(email, sizeof(email), "a%u@example.com", i);
        struct id id = join(w, email, w->org, i == 0 ? "owner" : "agent");
        first = i == 0 ? id : first;
    }
    struct command more = agent_create(w, "more@example.com", w->org, "agent");
    assert_refused(w, &more, ERR_LIMIT_REACHED);
    struct id outside = join(w, "more@example.com", w->org, NULL);
    struct command set = member_set(w, w->org, outside, "agent");
    assert_refused(w, &set, ERR_LIMIT_REACHED);
    for (unsigned i = 1; i < ORGS_PER_AGENT_MAX; ++i) {
        char key[16];
        snprintf(key, sizeof(key), "org-%u", i);
        struct command create = org_create(w, key);
        struct command joins = member_set(w, must(w, &create).id, first, "agent");
        must(w, &joins);
    }
    set = member_set(w, w->other_org, first, "agent");
    assert_refused(w, &set, ERR_LIMIT_REACHED);
    /* What is there already can still be changed. */
    set = member_set(w, w->org, first, "owner");
    must(w, &set);
    assert_sound(w);
}

/* ---- changing them --------------------------------------------------------------------------------------------- */

static void test_name_and_address_change_and_the_old_address_is_free(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "old@example.com", w->org, "agent"), other, found;
    other = join(w, "other@example.com", w->org, "agent");
    struct rows before = count_rows(w);
    w->now_ms += 5;
    struct command update = {.kind = COMMAND_AGENT_UPDATE,
                             .agent_update = {.agent = id, .name = BYTES("Jane"), .at_ms = w->now_ms}};
    must(w, &update);
    assert_true(bytes_equal(agent_of(w, id).name, BYTES("Jane")) &&
                bytes_equal(agent_of(w, id).email, BYTES("old@example.com")));
    update.agent_update.name = BYTES_NONE;
    update.agent_update.email = BYTES("Old@example.com"); /* its own, written in another way */
    must(w, &update);
    assert_true(bytes_equal(agent_of(w, id).email, BYTES("Old@example.com")));
    update.agent_update.email = BYTES("new@example.com");
    must(w, &update);
    struct agent agent = agent_of(w, id);
    assert_true(bytes_equal(agent.email, BYTES("new@example.com")) && bytes_equal(agent.name, BYTES("Jane")));
    assert_true(agent.updated_at_ms == w->now_ms && agent.created_at_ms == NOW_MS);
    assert_true(bytes_equal(agent.password_hash, BYTES("a hash")));
    assert_rows_added(w, &before, ROWS([TABLE_AUDIT] = 3));
    assert_int_equal(find_agent(w, "old@example.com", &found), ERR_NOT_FOUND);
    assert_int_equal(find_agent(w, "new@example.com", &found), OK);
    assert_true(id_equal(found, id));
    static const char *const taken[] = {"other@example.com", "OTHER@example.com", "no address"};
    for (size_t i = 0; i < 3; ++i) {
        update.agent_update.email = bytes_of_string(taken[i]);
        assert_refused(w, &update, ERR_CONFLICT);
    }
    update.agent_update.agent = world_id(w);
    assert_refused(w, &update, ERR_NOT_FOUND);
    assert_true(bytes_equal(agent_of(w, other).email, BYTES("other@example.com")));
    assert_sound(w);
}

static void test_disabling_ends_sessions_and_links_and_enabling_brings_none_back(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent"), other = join(w, "b@example.com", w->org, "agent");
    struct id sessions[] = {begin_session(w, id), begin_session(w, id), begin_session(w, other)};
    struct command link = link_create(w, id, "reset"), others = link_create(w, other, "reset");
    must(w, &link), must(w, &others);
    struct rows before = count_rows(w);
    struct command disable = agent_disable(w, id, true), enable = agent_disable(w, id, false);
    must(w, &disable);
    assert_rows_added(
        w, &before, ROWS([TABLE_SESSIONS] = -2, [TABLE_SESSION_BY_AGENT] = -2, [TABLE_LINKS] = -1, [TABLE_AUDIT] = 1));
    assert_true(agent_of(w, id).disabled && has_session(w, sessions[2]) && has_link(w, others.link_create.link));
    assert_string_equal(role_of(w, w->org, id), "agent");
    struct buffer dumped = dump_store(w->store);
    must(w, &disable); /* again: nothing more to do, nothing more to note */
    struct buffer again = dump_store(w->store);
    assert_dumps_equal(&dumped, &again);
    buffer_dispose(&dumped);
    buffer_dispose(&again);
    struct command refused[] = {session_create(w, id), agent_password(w, id, "another hash"),
                                link_create(w, id, "reset")};
    for (size_t i = 0; i < 3; ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    must(w, &enable);
    assert_false(agent_of(w, id).disabled);
    assert_false(has_session(w, sessions[0]) || has_session(w, sessions[1]) || has_link(w, link.link_create.link));
    must(w, &refused[0]);
    struct command nobody = agent_disable(w, world_id(w), true);
    assert_refused(w, &nobody, ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- passwords ------------------------------------------------------------------------------------------------- */

static void test_a_new_password_ends_every_link_and_every_other_session(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent"), other = join(w, "b@example.com", w->org, "agent");
    struct id kept = begin_session(w, id), gone = begin_session(w, id), others = begin_session(w, other);
    struct command link = link_create(w, id, "reset"), command = agent_password(w, id, "another hash");
    must(w, &link);
    command.agent_password.session = kept;
    must(w, &command);
    assert_true(bytes_equal(agent_of(w, id).password_hash, BYTES("another hash")));
    assert_true(bytes_equal(agent_of(w, id).name, BYTES("Somebody")));
    assert_true(has_session(w, kept) && !has_session(w, gone) && has_session(w, others));
    assert_false(has_link(w, link.link_create.link));
    assert_sound(w);
}

static void test_a_link_is_good_once_for_its_agent_until_its_time_is_over(void **state)
{
    struct world *w = *state;
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent");
    struct id id = must(w, &invite).id, other = join(w, "b@example.com", w->org, "agent");
    struct command choose = agent_password(w, id, "chosen");
    choose.agent_password.link = invite.agent_create.link;
    choose.agent_password.name = BYTES("Jane");
    choose.agent_password.at_ms = NOW_MS + INVITATION_KEPT_MS;
    assert_refused(w, &choose, ERR_NOT_FOUND);
    choose.agent_password.at_ms = NOW_MS + INVITATION_KEPT_MS - 1;
    choose.agent_password.agent = other;
    assert_refused(w, &choose, ERR_NOT_FOUND);
    choose.agent_password.agent = id;
    choose.agent_password.link = world_id(w);
    assert_refused(w, &choose, ERR_NOT_FOUND);
    choose.agent_password.link = invite.agent_create.link;
    must(w, &choose);
    assert_true(bytes_equal(agent_of(w, id).password_hash, BYTES("chosen")));
    assert_true(bytes_equal(agent_of(w, id).name, BYTES("Jane")));
    choose.agent_password.password_hash = BYTES("chosen again");
    assert_refused(w, &choose, ERR_NOT_FOUND);
    assert_sound(w);
}

static void test_a_new_link_takes_the_place_of_the_one_before(void **state)
{
    struct world *w = *state;
    struct id one = join(w, "a@example.com", w->org, "agent"), two = join(w, "b@example.com", w->org, "agent");
    struct command first = link_create(w, one, "reset"), second = link_create(w, one, "reset"),
                   others = link_create(w, two, "reset"), setup = link_create(w, ID_NONE, "setup");
    must(w, &first), must(w, &others), must(w, &setup), must(w, &second);
    assert_false(has_link(w, first.link_create.link));
    assert_true(has_link(w, second.link_create.link) && has_link(w, others.link_create.link) &&
                has_link(w, setup.link_create.link));
    struct command nobody = link_create(w, world_id(w), "reset");
    assert_refused(w, &nobody, ERR_NOT_FOUND);
    assert_sound(w);
}

/* By mail, which anybody may ask for: neither an invitation nor a link of the shell must die of that. */
static void test_a_link_that_adds_leaves_the_others_good_until_one_is_used(void **state)
{
    struct world *w = *state;
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent");
    struct id id = must(w, &invite).id;
    struct command first = link_create(w, id, "reset"), second = link_create(w, id, "reset"),
                   nobodys = link_create(w, ID_NONE, "reset"), setup = link_create(w, ID_NONE, "setup");
    first.link_create.adds = second.link_create.adds = nobodys.link_create.adds = true;
    must(w, &setup), must(w, &first), must(w, &second), must(w, &nobodys);
    struct id good[] = {invite.agent_create.link, first.link_create.link, second.link_create.link,
                        setup.link_create.link, nobodys.link_create.link};
    for (size_t i = 0; i < 5; ++i)
        assert_true(has_link(w, good[i]));
    struct command choose = agent_password(w, id, "chosen");
    choose.agent_password.link = first.link_create.link;
    must(w, &choose);
    for (size_t i = 0; i < 5; ++i)
        assert_int_equal(has_link(w, good[i]), i >= 3);
    assert_sound(w);
}

/* ---- the second factor ----------------------------------------------------------------------------------------- */

static void test_a_second_factor_is_switched_on_and_off(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent");
    struct command on = {.kind = COMMAND_AGENT_TOTP,
                         .agent_totp = {.agent = id,
                                        .totp_secret = BYTES("12345678901234567890"),
                                        .totp_step = 77,
                                        .recovery_hashes = BYTES("0123456789abcdef"),
                                        .at_ms = w->now_ms}};
    struct command off = {.kind = COMMAND_AGENT_TOTP, .agent_totp = {.agent = id, .at_ms = w->now_ms}};
    must(w, &on);
    struct agent agent = agent_of(w, id);
    assert_true(bytes_equal(agent.totp_secret, BYTES("12345678901234567890")) && agent.totp_step == 77);
    assert_true(bytes_equal(agent.recovery_hashes, BYTES("0123456789abcdef")));
    must(w, &off);
    agent = agent_of(w, id);
    assert_true(agent.totp_secret.data == NULL && agent.recovery_hashes.data == NULL && agent.totp_step == 0);
    off.agent_totp.agent = world_id(w);
    assert_refused(w, &off, ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- members --------------------------------------------------------------------------------------------------- */

static void test_a_role_changes_and_when_it_was_joined_does_not(void **state)
{
    struct world *w = *state;
    struct id owner = join(w, "o@example.com", w->org, "owner"), id = join(w, "a@example.com", w->org, "agent");
    static const char *const roles[] = {"admin", "owner", "agent", "agent"};
    struct rows before = count_rows(w);
    for (size_t i = 0; i < 4; ++i) {
        struct member member;
        w->now_ms += 10;
        struct command set = member_set(w, w->org, id, roles[i]);
        assert_true(id_equal(must(w, &set).id, id));
        assert_string_equal(role_of(w, w->org, id), roles[i]);
        assert_int_equal(member_get(look(w), w->org, id, &member), OK);
        assert_true(member.created_at_ms == NOW_MS);
        look_away(w);
    }
    assert_rows_added(w, &before, ROWS([TABLE_AUDIT] = 4));
    assert_string_equal(role_of(w, w->org, owner), "owner");
    static const char *const none[] = {"", "root", "OWNER"};
    for (size_t i = 0; i < 3; ++i) {
        struct command set = member_set(w, w->org, id, none[i]);
        assert_refused(w, &set, ERR_CONFLICT);
    }
    struct command refused[] = {member_set(w, world_id(w), id, "agent"), member_set(w, w->org, world_id(w), "agent")};
    for (size_t i = 0; i < 2; ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    assert_sound(w);
}

static void test_a_member_that_is_removed_stays_an_agent_elsewhere(void **state)
{
    struct world *w = *state;
    struct id id = join(w, "a@example.com", w->org, "agent");
    struct command elsewhere = member_set(w, w->other_org, id, "owner"), remove = member_remove(w, w->org, id);
    must(w, &elsewhere);
    struct id session = begin_session(w, id);
    struct rows before = count_rows(w);
    must(w, &remove);
    assert_rows_added(w, &before, ROWS([TABLE_MEMBERS] = -1, [TABLE_MEMBER_BY_AGENT] = -1, [TABLE_AUDIT] = 1));
    assert_string_equal(role_of(w, w->org, id), "");
    assert_string_equal(role_of(w, w->other_org, id), "owner");
    assert_true(has_session(w, session));
    assert_refused(w, &remove, ERR_NOT_FOUND);
    assert_sound(w);
}

static void test_an_organisation_that_has_an_owner_keeps_one(void **state)
{
    struct world *w = *state;
    struct id one = join(w, "o@example.com", w->org, "owner");
    join(w, "elsewhere@example.com", w->other_org, "owner");
    join(w, "admin@example.com", w->org, "admin");
    struct command demote = member_set(w, w->org, one, "admin"), remove = member_remove(w, w->org, one);
    assert_refused(w, &demote, ERR_LAST_OWNER);
    assert_refused(w, &remove, ERR_LAST_OWNER);
    struct command stays = member_set(w, w->org, one, "owner");
    must(w, &stays);
    /* One that can't log in can't own. */
    struct id two = join(w, "two@example.com", w->org, "owner");
    struct command disable = agent_disable(w, two, true), enable = agent_disable(w, two, false);
    must(w, &disable);
    assert_refused(w, &demote, ERR_LAST_OWNER);
    assert_refused(w, &remove, ERR_LAST_OWNER);
    must(w, &enable);
    must(w, &demote);
    struct command other = member_remove(w, w->org, two);
    assert_refused(w, &other, ERR_LAST_OWNER);
    assert_sound(w);
}

static void test_whoever_has_only_been_invited_owns_nothing_yet(void **state)
{
    struct world *w = *state;
    struct command typo = agent_invite(w, "typo@example.com", w->org, "owner");
    struct id owner = join(w, "o@example.com", w->org, "owner"), invited = must(w, &typo).id;
    struct command leaves = member_remove(w, w->org, owner), goes = member_remove(w, w->org, invited);
    assert_refused(w, &leaves, ERR_LAST_OWNER);
    must(w, &goes);
    typo = agent_invite(w, "right@example.com", w->org, "owner");
    struct command accepts = agent_password(w, must(w, &typo).id, "chosen");
    must(w, &accepts);
    must(w, &leaves);
    assert_sound(w);
}

/* ---- the first owner ------------------------------------------------------------------------------------------- */

static struct command set_up_with(struct world *w, struct id link, const char *key)
{
    return (struct command){.kind = COMMAND_SET_UP,
                            .set_up = {.link = link,
                                       .agent = world_id(w),
                                       .email = BYTES("owner@example.com"),
                                       .name = BYTES("The Owner"),
                                       .password_hash = BYTES("a hash"),
                                       .org = world_id(w),
                                       .org_key = bytes_of_string(key),
                                       .org_name = BYTES("A Shop"),
                                       .at_ms = w->now_ms,
                                       .from = BYTES("192.0.2.7")}};
}

static void test_the_first_owner_is_made_with_its_organisation_and_only_once(void **state)
{
    struct world *w = *state;
    struct command old = link_create(w, ID_NONE, "setup"), link = link_create(w, ID_NONE, "setup");
    must(w, &old), must(w, &link);
    struct command late = set_up_with(w, old.link_create.link, "shop");
    assert_refused(w, &late, ERR_NOT_FOUND);
    struct command command = set_up_with(w, link.link_create.link, "shop");
    command.set_up.at_ms = NOW_MS + RESET_KEPT_MS;
    assert_refused(w, &command, ERR_NOT_FOUND);
    command.set_up.at_ms = NOW_MS;
    command.set_up.email = BYTES("no address");
    assert_refused(w, &command, ERR_CONFLICT);
    command.set_up.email = BYTES("owner@example.com");
    struct rows before = count_rows(w);
    struct id owner = must(w, &command).id;
    assert_rows_added(
        w, &before,
        ROWS([TABLE_AGENTS] = 1, [TABLE_AGENT_BY_EMAIL] = 1, [TABLE_MEMBERS] = 1, [TABLE_MEMBER_BY_AGENT] = 1,
             [TABLE_ORGS] = 1, [TABLE_ORG_BY_KEY] = 1, [TABLE_LINKS] = -1, [TABLE_AUDIT] = 1));
    assert_string_equal(role_of(w, command.set_up.org, owner), "owner");
    assert_refused(w, &command, ERR_NOT_FOUND);
    must(w, &link);
    command = set_up_with(w, link.link_create.link, "another");
    assert_refused(w, &command, ERR_CONFLICT);
    assert_sound(w);
}

/* A database from before there were accounts: its organisation is there, with all its conversations. */
static void test_setting_up_takes_over_an_organisation_that_nobody_is_a_member_of(void **state)
{
    struct world *w = *state;
    struct command link = link_create(w, ID_NONE, "setup"), command = set_up_with(w, link.link_create.link, "acme");
    must(w, &link);
    struct rows before = count_rows(w);
    struct id owner = must(w, &command).id;
    assert_rows_added(w, &before,
                      ROWS([TABLE_AGENTS] = 1, [TABLE_AGENT_BY_EMAIL] = 1, [TABLE_MEMBERS] = 1,
                           [TABLE_MEMBER_BY_AGENT] = 1, [TABLE_LINKS] = -1, [TABLE_AUDIT] = 1));
    assert_string_equal(role_of(w, w->org, owner), "owner");
    assert_sound(w);
}

static void test_the_link_of_an_agent_sets_nothing_up_and_that_of_setup_resets_nobody(void **state)
{
    struct world *w = *state;
    struct command setup = link_create(w, ID_NONE, "setup");
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent");
    struct id id = must(w, &invite).id;
    must(w, &setup);
    struct command command = set_up_with(w, invite.agent_create.link, "shop");
    assert_refused(w, &command, ERR_NOT_FOUND);
    struct command choose = agent_password(w, id, "chosen");
    choose.agent_password.link = setup.link_create.link;
    assert_refused(w, &choose, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_an_agent_is_made_with_its_membership_and_a_link),
        WORLD_TEST(test_an_agent_may_be_a_member_of_nothing),
        WORLD_TEST(test_what_is_no_address_no_role_or_no_organisation_makes_no_agent),
        WORLD_TEST(test_whoever_works_for_two_is_one_agent),
        WORLD_TEST(test_whoever_has_no_password_yet_gets_the_newest_link_alone),
        WORLD_TEST(test_an_organisation_does_not_invite_who_has_an_account_elsewhere),
        WORLD_TEST(test_whoever_is_a_member_of_nothing_begins_anew_when_it_is_invited),
        WORLD_TEST(test_whom_the_operator_has_disabled_nobody_invites),
        WORLD_TEST(test_an_organisation_gives_a_link_only_to_whom_it_alone_has_invited),
        WORLD_TEST(test_only_the_shell_makes_a_member_of_whoever_is_none),
        WORLD_TEST(test_an_organisation_has_room_for_a_thousand_and_an_agent_for_a_hundred),
        WORLD_TEST(test_name_and_address_change_and_the_old_address_is_free),
        WORLD_TEST(test_disabling_ends_sessions_and_links_and_enabling_brings_none_back),
        WORLD_TEST(test_a_new_password_ends_every_link_and_every_other_session),
        WORLD_TEST(test_a_link_is_good_once_for_its_agent_until_its_time_is_over),
        WORLD_TEST(test_a_new_link_takes_the_place_of_the_one_before),
        WORLD_TEST(test_a_link_that_adds_leaves_the_others_good_until_one_is_used),
        WORLD_TEST(test_a_second_factor_is_switched_on_and_off),
        WORLD_TEST(test_a_role_changes_and_when_it_was_joined_does_not),
        WORLD_TEST(test_a_member_that_is_removed_stays_an_agent_elsewhere),
        WORLD_TEST(test_an_organisation_that_has_an_owner_keeps_one),
        WORLD_TEST(test_whoever_has_only_been_invited_owns_nothing_yet),
        WORLD_TEST(test_the_first_owner_is_made_with_its_organisation_and_only_once),
        WORLD_TEST(test_setting_up_takes_over_an_organisation_that_nobody_is_a_member_of),
        WORLD_TEST(test_the_link_of_an_agent_sets_nothing_up_and_that_of_setup_resets_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

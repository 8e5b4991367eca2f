/*
 * Sessions: who gets one, with which second factor, how long it lasts, and that what was true when a password was
 * compared has to be true still when it counts.
 */
#include "world.h"

static bool get_session(struct world *w, struct id id, struct session *out)
{
    enum error error = session_get(look(w), id, out);
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    return error == OK;
}

static bool has_session(struct world *w, struct id id)
{
    struct session session;
    return get_session(w, id, &session);
}

static struct command session_end(struct world *w, struct id agent, struct id session, struct id kept)
{
    return (struct command){
        .kind = COMMAND_SESSION_END,
        .session_end = {.agent = agent, .session = session, .kept = kept, .at_ms = w->now_ms, .by = agent}};
}

static struct command session_use(struct id session, int64_t at_ms)
{
    return (struct command){.kind = COMMAND_SESSION_USE, .session_use = {.session = session, .at_ms = at_ms}};
}

static struct command expire(int64_t at_ms, uint64_t limit)
{
    return (struct command){.kind = COMMAND_EXPIRE, .expire = {.at_ms = at_ms, .limit = limit}};
}

/* ---- beginning ------------------------------------------------------------------------------------------------- */

static void test_a_log_in_makes_a_session_and_is_noted(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent");
    struct rows before = count_rows(w);
    w->now_ms += 1000;
    struct command command = session_create(w, agent);
    struct session session;
    assert_true(id_equal(must(w, &command).id, command.session_create.session));
    assert_rows_added(w, &before, ROWS([TABLE_SESSIONS] = 1, [TABLE_SESSION_BY_AGENT] = 1, [TABLE_AUDIT] = 1));
    assert_true(get_session(w, command.session_create.session, &session));
    assert_true(id_equal(session.agent, agent) && bytes_equal(session.address, BYTES("192.0.2.1")));
    assert_true(bytes_equal(session.user_agent, BYTES("a browser")) && session.secret_hash.len == 32);
    assert_true(session.created_at_ms == w->now_ms && session.used_at_ms == w->now_ms);
    assert_true(agent_of(w, agent).logged_in_at_ms == w->now_ms);
    struct command nobody = session_create(w, world_id(w));
    assert_refused(w, &nobody, ERR_NOT_FOUND);
    assert_sound(w);
}

static void test_one_session_more_than_twenty_ends_the_oldest(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), other = join(w, "b@example.com", w->org, "agent");
    struct id sessions[SESSIONS_PER_AGENT_MAX + 5], others = begin_session(w, other);
    for (unsigned i = 0; i < SESSIONS_PER_AGENT_MAX + 5; ++i) {
        ++w->now_ms;
        sessions[i] = begin_session(w, agent);
    }
    for (unsigned i = 0; i < SESSIONS_PER_AGENT_MAX + 5; ++i)
        assert_int_equal(has_session(w, sessions[i]), i >= 5);
    assert_true(has_session(w, others));
    assert_int_equal(count_rows(w).of[TABLE_SESSION_BY_AGENT], SESSIONS_PER_AGENT_MAX + 1);
    assert_sound(w);
}

/* Hashing takes its time, and meanwhile the password may have been changed: because somebody else knew it. */
static void test_the_password_that_was_compared_has_to_be_the_agents_still(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent");
    struct command late = session_create(w, agent), change = agent_password(w, agent, "another hash");
    late.session_create.password_hash = BYTES("a hash");
    must(w, &change);
    assert_refused(w, &late, ERR_NOT_FOUND);
    late.session_create.password_hash = BYTES("another hash");
    must(w, &late);
    assert_sound(w);
}

/* ---- the second factor ----------------------------------------------------------------------------------------- */

#define SECRET BYTES("12345678901234567890")

static struct id join_with_factor(struct world *w, uint64_t step, struct bytes recovery_hashes)
{
    struct id agent = join(w, "a@example.com", w->org, "agent");
    struct command on = {.kind = COMMAND_AGENT_TOTP,
                         .agent_totp = {.agent = agent,
                                        .totp_secret = SECRET,
                                        .totp_step = step,
                                        .recovery_hashes = recovery_hashes,
                                        .at_ms = w->now_ms}};
    must(w, &on);
    return agent;
}

static void test_a_code_is_good_once_and_no_older_one_after_it(void **state)
{
    struct world *w = *state;
    struct id agent = join_with_factor(w, 100, BYTES_NONE);
    static const uint64_t refused[] = {0, 1, 99, 100};
    struct command command = session_create(w, agent);
    for (size_t i = 0; i < 4; ++i) {
        command.session_create.totp_step = refused[i];
        assert_refused(w, &command, ERR_CONFLICT);
    }
    command.session_create.totp_step = 102;
    must(w, &command);
    assert_true(agent_of(w, agent).totp_step == 102);
    /* The same code from a second request, and the one of the step before it. */
    struct command second = session_create(w, agent);
    for (uint64_t step = 101; step <= 102; ++step) {
        second.session_create.totp_step = step;
        assert_refused(w, &second, ERR_CONFLICT);
    }
    second.session_create.totp_step = 103;
    must(w, &second);
    assert_sound(w);
}

static void test_each_recovery_code_is_good_once(void **state)
{
    struct world *w = *state;
    static const char hashes[] = "one..............two.............three...........";
    struct bytes all = bytes_view(hashes, 3 * RECOVERY_HASH_LEN);
    struct id agent = join_with_factor(w, 100, all);
    static const unsigned order[] = {1, 0, 2};
    for (unsigned i = 0; i < 3; ++i) {
        struct bytes hash = bytes_view(hashes + order[i] * RECOVERY_HASH_LEN, RECOVERY_HASH_LEN);
        struct command command = session_create(w, agent);
        command.session_create.recovery_hash = hash;
        must(w, &command);
        struct agent after = agent_of(w, agent);
        assert_int_equal(after.recovery_hashes.len, (2 - i) * RECOVERY_HASH_LEN);
        assert_true(after.totp_step == 100 && bytes_equal(after.totp_secret, SECRET));
        struct command again = session_create(w, agent);
        again.session_create.recovery_hash = hash;
        assert_refused(w, &again, ERR_CONFLICT);
    }
    assert_sound(w);
}

static void test_whoever_has_no_second_factor_needs_none(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent");
    struct command command = session_create(w, agent);
    command.session_create.totp_step = 5;
    must(w, &command);
    assert_true(agent_of(w, agent).totp_step == 0);
    /* Switched on between the password and this: then it is asked for after all. */
    struct command on = {.kind = COMMAND_AGENT_TOTP,
                         .agent_totp = {.agent = agent, .totp_secret = SECRET, .totp_step = 7, .at_ms = w->now_ms}};
    must(w, &on);
    command = session_create(w, agent);
    assert_refused(w, &command, ERR_CONFLICT);
}

/* ---- what a session that has ended meanwhile may not do any more ------------------------------------------------- */

static void test_a_password_is_changed_by_a_session_only_while_it_lasts(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), other = join(w, "b@example.com", w->org, "agent");
    struct id thief = begin_session(w, agent), others = begin_session(w, other);
    struct command late = agent_password(w, agent, "the thief's"), reset = agent_password(w, agent, "the owner's");
    late.agent_password.session = thief;
    must(w, &reset);
    assert_refused(w, &late, ERR_SESSION_INVALID);
    late.agent_password.session = others;
    assert_refused(w, &late, ERR_SESSION_INVALID);
    assert_true(bytes_equal(agent_of(w, agent).password_hash, BYTES("the owner's")));
}

static void test_a_second_factor_is_changed_by_a_session_only_while_it_lasts(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), session = begin_session(w, agent);
    struct command on = {.kind = COMMAND_AGENT_TOTP,
                         .agent_totp = {.agent = agent,
                                        .totp_secret = SECRET,
                                        .totp_step = 7,
                                        .at_ms = w->now_ms,
                                        .by = agent,
                                        .session = session}};
    struct command off = {.kind = COMMAND_AGENT_TOTP,
                          .agent_totp = {.agent = agent, .at_ms = w->now_ms, .by = agent, .session = session}};
    must(w, &on);
    /* Two that were begun at the same time: the second one would put another secret in the first one's place. */
    on.agent_totp.totp_secret = BYTES("09876543210987654321");
    assert_refused(w, &on, ERR_CONFLICT);
    struct command end = session_end(w, agent, session, ID_NONE);
    must(w, &end);
    assert_refused(w, &off, ERR_SESSION_INVALID);
    assert_true(bytes_equal(agent_of(w, agent).totp_secret, SECRET));
    off.agent_totp.session = ID_NONE; /* the shell */
    must(w, &off);
    struct buffer before = dump_store(w->store);
    must(w, &off); /* there is none any more: nothing to note */
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    assert_sound(w);
}

/* ---- use and end ----------------------------------------------------------------------------------------------- */

static void test_a_use_moves_on_only_and_is_nothing_for_what_is_gone(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), id = begin_session(w, agent);
    struct session session;
    static const int64_t steps[] = {5, 3, 5, 9};
    static const int64_t kept[] = {5, 5, 5, 9};
    struct rows before = count_rows(w);
    for (size_t i = 0; i < 4; ++i) {
        struct command use = session_use(id, NOW_MS + steps[i]);
        must(w, &use);
        assert_true(get_session(w, id, &session) && session.used_at_ms == NOW_MS + kept[i]);
        assert_true(session.created_at_ms == NOW_MS);
    }
    struct command gone = session_use(world_id(w), NOW_MS);
    must(w, &gone);
    assert_rows_added(w, &before, ROWS(0));
    assert_sound(w);
}

static void test_one_session_ends_or_all_but_one(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), other = join(w, "b@example.com", w->org, "agent");
    struct id sessions[4], others = begin_session(w, other);
    for (unsigned i = 0; i < 4; ++i)
        sessions[i] = begin_session(w, agent);
    struct command foreign = session_end(w, agent, others, ID_NONE), nothing = session_end(w, agent, agent, ID_NONE);
    assert_refused(w, &foreign, ERR_NOT_FOUND);
    assert_refused(w, &nothing, ERR_NOT_FOUND);
    struct command one = session_end(w, agent, sessions[0], ID_NONE);
    must(w, &one);
    assert_refused(w, &one, ERR_NOT_FOUND);
    struct command rest = session_end(w, agent, ID_NONE, sessions[2]);
    must(w, &rest);
    for (unsigned i = 0; i < 4; ++i)
        assert_int_equal(has_session(w, sessions[i]), i == 2);
    struct command all = session_end(w, agent, ID_NONE, ID_NONE);
    must(w, &all);
    assert_false(has_session(w, sessions[2]));
    assert_true(has_session(w, others));
    assert_sound(w);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static void test_a_session_goes_fourteen_days_after_its_last_use(void **state)
{
    struct world *w = *state;
    struct id agent = join(w, "a@example.com", w->org, "agent"), used = begin_session(w, agent),
              idle = begin_session(w, agent);
    struct command use = session_use(used, NOW_MS + DAY_MS);
    must(w, &use);
    struct command step = expire(NOW_MS + SESSION_KEPT_MS - 1, 100);
    must(w, &step);
    assert_true(has_session(w, used) && has_session(w, idle));
    step = expire(NOW_MS + SESSION_KEPT_MS, 100);
    must(w, &step);
    assert_true(has_session(w, used) && !has_session(w, idle));
    step = expire(NOW_MS + DAY_MS + SESSION_KEPT_MS, 100);
    must(w, &step);
    assert_false(has_session(w, used));
    assert_int_equal(count_rows(w).of[TABLE_SESSION_BY_AGENT], 0);
    assert_sound(w);
}

static void test_a_link_goes_when_its_time_is_over(void **state)
{
    struct world *w = *state;
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent"), setup = link_create(w, ID_NONE, "setup");
    must(w, &invite), must(w, &setup);
    struct command step = expire(NOW_MS + RESET_KEPT_MS - 1, 100);
    must(w, &step);
    assert_int_equal(count_rows(w).of[TABLE_LINKS], 2);
    step = expire(NOW_MS + RESET_KEPT_MS, 100);
    must(w, &step);
    assert_int_equal(count_rows(w).of[TABLE_LINKS], 1);
    step = expire(NOW_MS + INVITATION_KEPT_MS, 100);
    must(w, &step);
    assert_int_equal(count_rows(w).of[TABLE_LINKS], 0);
    assert_sound(w);
}

static void test_a_step_of_expiry_is_bounded_and_goes_on(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 30; ++i) {
        char email[32];
        snprintf(email, sizeof(email), "a%u@example.com", i);
        struct id agent = join(w, email, w->org, "agent");
        begin_session(w, agent);
        struct command link = link_create(w, agent, "reset");
        must(w, &link);
    }
    struct command step = expire(NOW_MS + SESSION_KEPT_MS, 7);
    for (int64_t left = 30; left > 0;) {
        must(w, &step);
        left = left > 7 ? left - 7 : 0;
        struct rows rows = count_rows(w);
        assert_int_equal(rows.of[TABLE_SESSIONS], left);
        assert_int_equal(rows.of[TABLE_SESSION_BY_AGENT], left);
        assert_int_equal(rows.of[TABLE_LINKS], left);
        assert_sound(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_log_in_makes_a_session_and_is_noted),
        WORLD_TEST(test_one_session_more_than_twenty_ends_the_oldest),
        WORLD_TEST(test_the_password_that_was_compared_has_to_be_the_agents_still),
        WORLD_TEST(test_a_code_is_good_once_and_no_older_one_after_it),
        WORLD_TEST(test_each_recovery_code_is_good_once),
        WORLD_TEST(test_whoever_has_no_second_factor_needs_none),
        WORLD_TEST(test_a_password_is_changed_by_a_session_only_while_it_lasts),
        WORLD_TEST(test_a_second_factor_is_changed_by_a_session_only_while_it_lasts),
        WORLD_TEST(test_a_use_moves_on_only_and_is_nothing_for_what_is_gone),
        WORLD_TEST(test_one_session_ends_or_all_but_one),
        WORLD_TEST(test_a_session_goes_fourteen_days_after_its_last_use),
        WORLD_TEST(test_a_link_goes_when_its_time_is_over),
        WORLD_TEST(test_a_step_of_expiry_is_bounded_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

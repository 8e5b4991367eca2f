/*
 * Doing it again: the same clientId or Idempotency-Key gives the first answer, whatever else the command says, for as
 * long and as far as promised and no further; and it still counts as having been seen. What is done to an account is
 * done once.
 */
#include "world.h"

/* ---- clientIds ------------------------------------------------------------------------------------------------- */

static struct command message_with(struct world *w, struct id conversation, const char *visitor_key,
                                   const char *client_id, const char *content)
{
    struct command command = message_create(w, w->org, conversation, visitor_key, content);
    command.message_create.client_id = bytes_of_string(client_id);
    return command;
}

static void test_the_same_clientid_gives_the_same_message(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command first = message_with(w, id, "v_one", "c-1", "hello");
    struct outcome outcome = must(w, &first);
    assert_false(outcome.replayed);
    struct rows rows = count_rows(w);
    for (unsigned i = 0; i < 5; ++i) {
        struct command again = message_with(w, id, "v_one", "c-1", i % 2 ? "hello" : "something else");
        struct outcome replay = must(w, &again);
        assert_true(replay.replayed && replay.seq == outcome.seq && id_equal(replay.id, id));
        assert_rows_added(w, &rows, ROWS(0));
    }
    struct message message;
    assert_int_equal(message_get(look(w), id, outcome.seq, &message), OK);
    assert_true(bytes_equal(message.content, BYTES("hello")) && bytes_equal(message.client_id, BYTES("c-1")));
    assert_true(id_equal(message.id, first.message_create.message));
    look_away(w);
    assert_sound(w);
}

static void test_a_replay_counts_as_seen(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command command = message_with(w, id, "v_one", "c-1", "hello");
    must(w, &command);
    w->now_ms += DAY_MS;
    command = message_with(w, id, "v_one", "c-1", "hello");
    assert_true(must(w, &command).replayed);
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(visitor.last_seen_at_ms == w->now_ms && is_seen_in(w, w->org, w->now_ms, visitor.id));
    assert_sound(w);
}

static void test_a_clientid_belongs_to_its_conversation(void **state)
{
    struct world *w = *state;
    struct id ids[] = {converse(w, w->org, "v_one"), converse(w, w->org, "v_one"), converse(w, w->org, NULL)};
    uint64_t seqs[3];
    for (unsigned i = 0; i < 3; ++i) {
        struct command command = message_with(w, ids[i], "v_one", "c-1", "hello");
        struct outcome outcome = must(w, &command);
        assert_false(outcome.replayed);
        seqs[i] = outcome.seq;
    }
    for (unsigned i = 0; i < 3; ++i) {
        struct command command = message_with(w, ids[i], "v_one", "c-1", "hello");
        struct outcome outcome = must(w, &command);
        assert_true(outcome.replayed && outcome.seq == seqs[i]);
    }
    assert_sound(w);
}

/* A visitor's clientId must not hide an answer that carries the same one. */
static void test_a_clientid_counts_within_its_role(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command question = message_with(w, id, "v_one", "c-1", "a question");
    struct command answer = message_with(w, id, NULL, "c-1", "an answer");
    answer.message_create.by_org = true;
    answer.message_create.role = BYTES("assistant");
    struct outcome asked = must(w, &question), answered = must(w, &answer);
    assert_true(!asked.replayed && !answered.replayed && answered.seq > asked.seq);
    for (unsigned n = 0; n < 2 * CLIENT_ID_BLOCK_ENTRIES; ++n) {
        char client_id[16];
        struct outcome again = must(w, &question);
        assert_true(again.replayed && again.seq == asked.seq);
        again = must(w, &answer);
        assert_true(again.replayed && again.seq == answered.seq);
        snprintf(client_id, sizeof(client_id), "more-%u", n);
        say(w, w->org, id, client_id);
    }
    assert_sound(w);
}

static void test_a_replay_is_refused_to_whoever_may_not_write(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    converse(w, w->org, "v_two");
    struct command command = message_with(w, id, "v_one", "c-1", "hello");
    must(w, &command);
    static const char *const others[] = {"v_two", "v_three", NULL};
    for (unsigned i = 0; i < 3; ++i) {
        struct command theirs = message_with(w, id, others[i], "c-1", "hello");
        assert_refused(w, &theirs, ERR_NOT_FOUND);
    }
}

static void test_hundreds_of_clientids_are_all_remembered(void **state)
{
    struct world *w = *state;
    enum { MESSAGES = 300 };
    struct id id = converse(w, w->org, NULL);
    uint64_t seqs[MESSAGES];
    for (unsigned n = 0; n < MESSAGES; ++n) {
        char client_id[CLIENT_ID_LEN_MAX + 1];
        /* Long ones and short ones, and messages without any in between. */
        snprintf(client_id, sizeof(client_id),
                 n % 2 ? "%u" : "%u-and-sixty-four-characters-of-visible-ascii-!#$%%&()*+,-./:;<=>", n);
        if (n % 7 == 0)
            say(w, w->org, id, NULL);
        seqs[n] = say(w, w->org, id, client_id);
        struct message last;
        assert_int_equal(message_get_last(look(w), id, &last), OK);
        assert_true(last.seq == seqs[n] && last.ordinal == n + 1 + n / 7 + 1);
        look_away(w);
    }
    struct rows rows = count_rows(w);
    for (unsigned n = 0; n < MESSAGES; ++n) {
        char client_id[CLIENT_ID_LEN_MAX + 1];
        snprintf(client_id, sizeof(client_id),
                 n % 2 ? "%u" : "%u-and-sixty-four-characters-of-visible-ascii-!#$%%&()*+,-./:;<=>", n);
        assert_true(say(w, w->org, id, client_id) == seqs[n]);
    }
    assert_rows_added(w, &rows, ROWS(0));
    assert_sound(w);
}

/* As if another clientId had the same hash: its entry, made by hand, leads to a message with another one. */
static void test_clientids_of_one_hash_are_told_apart(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    uint64_t foreign = say(w, w->org, id, "foreign"), without = say(w, w->org, id, NULL);
    struct bytes key, value;
    struct buffer entries = {0};
    struct key block, entry;
    struct txn *txn = begin_write(w->store);
    message_key(&block, id, MESSAGE_CLIENT_BIT);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    assert_int_equal(cursor_seek(cursor, key_view(&block), &key, &value), OK);
    cursor_close(cursor);
    buffer_append(&entries, value.data, value.len);
    for (unsigned i = 0; i < 4; ++i) {
        key_clear(&entry);
        key_put_u64(&entry, client_id_hash(BYTES("mine")));
        key_put_u64(&entry, i % 2 ? foreign : without);
        buffer_append(&entries, entry.bytes, entry.len);
    }
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key, buffer_view(&entries)), OK);
    commit_write(txn);
    buffer_dispose(&entries);
    struct rows rows = count_rows(w);
    uint64_t mine = say(w, w->org, id, "mine");
    assert_true(mine > without);
    assert_rows_added(w, &rows, ROWS([TABLE_MESSAGES] = 1, [TABLE_CONVERSATION_BY_ACTIVITY] = 1));
    assert_true(say(w, w->org, id, "mine") == mine);
    assert_true(say(w, w->org, id, "foreign") == foreign);
}

static void test_a_clientid_that_leads_nowhere_is_an_error_and_no_message(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    struct key block, entry;
    uint64_t seq = say(w, w->org, id, "c-1");
    struct bytes key;
    struct txn *txn = begin_write(w->store);
    message_key(&block, id, MESSAGE_CLIENT_BIT);
    struct cursor *cursor = cursor_open(txn, TABLE_MESSAGES);
    assert_int_equal(cursor_seek(cursor, key_view(&block), &key, NULL), OK);
    cursor_close(cursor);
    key_clear(&entry);
    key_put_u64(&entry, client_id_hash(BYTES("c-1")));
    key_put_u64(&entry, seq + 1000);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key, key_view(&entry)), OK);
    commit_write(txn);
    struct command command = message_with(w, id, NULL, "c-1", "hello");
    assert_refused(w, &command, ERR_CORRUPT);
    txn = begin_write(w->store);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key, BYTES("not sixteen")), OK);
    commit_write(txn);
    assert_refused(w, &command, ERR_CORRUPT);
}

/* Where a clientId goes when it is no longer among the newest: see client_ids.c. */
static struct key slot_of(struct id conversation, const char *client_id, unsigned further)
{
    struct key key;
    uint64_t slot = (client_id_hash(bytes_of_string(client_id)) >> 2) + further;
    message_key(&key, conversation, UINT64_C(3) << 62 | slot);
    return key;
}

static void put_slot(struct world *w, struct key slot, struct bytes value)
{
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&slot), value), OK);
    commit_write(txn);
}

static void test_older_clientids_of_one_hash_are_told_apart_too(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    uint64_t foreign = say(w, w->org, id, "foreign");
    struct key value;
    key_clear(&value);
    key_put_u64(&value, foreign);
    /* As if three others were there already. */
    for (unsigned i = 0; i < 3; ++i)
        put_slot(w, slot_of(id, "mine", i), key_view(&value));
    uint64_t mine = say(w, w->org, id, "mine");
    assert_true(mine > foreign && say(w, w->org, id, "mine") == mine);
    for (unsigned n = 0; n < 3 * CLIENT_ID_BLOCK_ENTRIES; ++n) {
        char client_id[16];
        snprintf(client_id, sizeof(client_id), "c-%u", n);
        say(w, w->org, id, client_id);
        assert_true(say(w, w->org, id, "mine") == mine);
        assert_true(say(w, w->org, id, "foreign") == foreign);
    }
    struct key expected = slot_of(id, "mine", 3);
    struct bytes found;
    key_clear(&value);
    key_put_u64(&value, mine);
    assert_int_equal(table_get(look(w), TABLE_MESSAGES, key_view(&expected), &found), OK);
    assert_true(bytes_equal(found, key_view(&value)));
    look_away(w);
}

/* The message itself is written before its clientId is noted, and noting may meet damage. */
static void test_damage_met_half_way_leaves_no_half_message(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    for (unsigned n = 0; n < CLIENT_ID_BLOCK_ENTRIES; ++n) {
        char client_id[16];
        snprintf(client_id, sizeof(client_id), "c-%u", n);
        say(w, w->org, id, client_id);
    }
    put_slot(w, slot_of(id, "c-17", 0), BYTES("no number"));
    struct command command = message_with(w, id, NULL, "one more", "hello");
    assert_refused(w, &command, ERR_CORRUPT);
    struct command without = message_create(w, w->org, id, NULL, "hello"); /* noted as any other */
    assert_refused(w, &without, ERR_CORRUPT);
    say(w, w->org, converse(w, w->org, NULL), NULL);
}

/* ---- Idempotency-Keys ------------------------------------------------------------------------------------------ */

static const struct bytes some_hash = BYTES("0123456789abcdef"), other_hash = BYTES("0123456789abcdeF");

static struct command conversation_with(struct world *w, const char *visitor_key, struct bytes hash)
{
    struct command command = conversation_create(w, w->org, visitor_key);
    command.conversation_create.idempotency = hash;
    return command;
}

static void test_the_same_key_gives_the_first_conversation(void **state)
{
    struct world *w = *state;
    struct rows rows = count_rows(w);
    struct command command = conversation_with(w, "v_one", some_hash);
    struct outcome first = must(w, &command);
    assert_rows_added(
        w, &rows,
        ROWS([TABLE_VISITORS] = 1, [TABLE_VISITOR_BY_KEY] = 1, [TABLE_VISITOR_BY_SEEN] = 1, [TABLE_CONVERSATIONS] = 1,
             [TABLE_CONVERSATION_OPEN] = 1, [TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1,
             [TABLE_IDEMPOTENCY] = 1));
    rows = count_rows(w);
    w->now_ms += 10;
    command = conversation_with(w, "v_one", some_hash);
    struct outcome again = must(w, &command);
    assert_true(again.replayed && id_equal(again.id, first.id) && again.at_ms == first.at_ms && first.at_ms == NOW_MS);
    assert_rows_added(w, &rows, ROWS([TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(visitor.conversation_count == 1 && visitor.last_seen_at_ms == w->now_ms);
    command = conversation_with(w, "v_one", other_hash);
    again = must(w, &command);
    assert_true(!again.replayed && !id_equal(again.id, first.id));
    assert_sound(w);
}

static void test_a_replay_without_a_visitor_writes_nothing(void **state)
{
    struct world *w = *state;
    struct command command = conversation_with(w, NULL, some_hash);
    struct id first = must(w, &command).id;
    command = conversation_with(w, NULL, some_hash);
    struct buffer before = dump_store(w->store);
    struct outcome again = must(w, &command);
    assert_true(again.replayed && id_equal(again.id, first));
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
}

/* From the last millisecond of one day and from the first of another: what counts is 24 hours. */
static void test_a_key_holds_for_24_hours_over_the_edge_of_the_day(void **state)
{
    struct world *w = *state;
    static const int64_t begins[] = {NOW_MS, NOW_MS + 1, NOW_MS + DAY_MS / 2};
    static const int64_t holds_after[] = {0, 1, MINUTE_MS, DAY_MS / 2, DAY_MS - 1};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); ++i) {
        char hash[17];
        snprintf(hash, sizeof(hash), "hash number %04zu", i);
        w->now_ms = begins[i];
        struct command command = conversation_with(w, NULL, bytes_of_string(hash));
        struct outcome first = must(w, &command);
        for (size_t j = 0; j < sizeof(holds_after) / sizeof(holds_after[0]); ++j) {
            w->now_ms = begins[i] + holds_after[j];
            command = conversation_with(w, NULL, bytes_of_string(hash));
            struct outcome again = must(w, &command);
            assert_true(again.replayed && id_equal(again.id, first.id) && again.at_ms == begins[i]);
        }
        w->now_ms = begins[i] + DAY_MS;
        command = conversation_with(w, NULL, bytes_of_string(hash));
        struct outcome fresh = must(w, &command);
        assert_true(!fresh.replayed && !id_equal(fresh.id, first.id));
        /* And from there on the new one holds. */
        w->now_ms = begins[i] + 2 * DAY_MS - 1;
        command = conversation_with(w, NULL, bytes_of_string(hash));
        struct outcome again = must(w, &command);
        assert_true(again.replayed && id_equal(again.id, fresh.id));
        assert_sound(w);
    }
}

static void test_sweeping_forgets_only_what_no_longer_holds(void **state)
{
    struct world *w = *state;
    struct command first = conversation_with(w, NULL, some_hash);
    must(w, &first);
    for (int64_t after = 0; after < 3 * DAY_MS; after += DAY_MS / 8 + 1) {
        w->now_ms = NOW_MS + after;
        struct command step = sweep(w, 100, BYTES_NONE, BYTES_NONE, BYTES_NONE);
        must(w, &step);
        struct idempotency found;
        enum error error = idempotency_get(look(w), some_hash, w->now_ms, &found);
        look_away(w);
        assert_int_equal(error, after < DAY_MS ? OK : ERR_NOT_FOUND);
    }
    assert_int_equal(count_rows(w).of[TABLE_IDEMPOTENCY], 0);
}

/* The answer would name a conversation that nobody finds. */
static void test_a_key_gives_no_conversation_that_is_gone(void **state)
{
    struct world *w = *state;
    struct command command = conversation_with(w, "v_one", some_hash);
    struct id first = must(w, &command).id;
    struct command erase = visitor_erase(w, w->org, "v_one");
    must(w, &erase);
    w->now_ms += 2; /* the day after: its entry is another */
    command = conversation_with(w, "v_one", some_hash);
    struct outcome fresh = must(w, &command);
    assert_true(!fresh.replayed && fresh.at_ms == w->now_ms && !id_equal(fresh.id, first));
    command = conversation_with(w, "v_one", some_hash);
    struct outcome again = must(w, &command);
    assert_true(again.replayed && id_equal(again.id, fresh.id) && again.at_ms == fresh.at_ms);
    assert_sound(w);
}

static void test_a_key_of_a_refused_command_is_not_taken(void **state)
{
    struct world *w = *state;
    struct command command = conversation_with(w, "v_one", some_hash);
    command.conversation_create.org = world_id(w);
    assert_refused(w, &command, ERR_NOT_FOUND);
    command.conversation_create.org = w->org;
    assert_false(must(w, &command).replayed);
}

/* ---- accounts -------------------------------------------------------------------------------------------------- */

/* A client that got no answer asks again: what has been done is done once, and what is good once is used up. */
static void test_what_is_done_to_an_account_is_done_once(void **state)
{
    struct world *w = *state;
    struct command invite = agent_invite(w, "a@example.com", w->org, "agent");
    struct id owner = join(w, "o@example.com", w->org, "owner"), id = must(w, &invite).id;
    struct command log_in = session_create(w, owner);
    must(w, &log_in);
    struct command accept = agent_password(w, id, "chosen"), token = token_create(w, w->org);
    accept.agent_password.link = invite.agent_create.link;
    must(w, &token);
    struct {
        struct command command;
        enum error again;
    } cases[] = {
        {agent_create(w, "b@example.com", w->org, "agent"), ERR_CONFLICT},
        {accept, ERR_NOT_FOUND},
        {agent_disable(w, id, true), OK},
        {member_remove(w, w->org, id), ERR_NOT_FOUND},
        {{.kind = COMMAND_SESSION_USE, .session_use = {.session = log_in.session_create.session, .at_ms = NOW_MS + 5}},
         OK},
        {{.kind = COMMAND_SESSION_END, .session_end = {.agent = owner, .session = log_in.session_create.session}},
         ERR_NOT_FOUND},
        {{.kind = COMMAND_TOKEN_USE, .token_use = {.token = token.token_create.token, .at_ms = NOW_MS + 5}}, OK},
        {{.kind = COMMAND_TOKEN_REVOKE, .token_revoke = {.org = w->org, .token = token.token_create.token}},
         ERR_NOT_FOUND},
        {{.kind = COMMAND_EXPIRE, .expire = {.at_ms = NOW_MS + SESSION_KEPT_MS, .limit = 10}}, OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        must(w, &cases[i].command);
        assert_refused(w, &cases[i].command, cases[i].again);
    }
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_the_same_clientid_gives_the_same_message),
        WORLD_TEST(test_a_replay_counts_as_seen),
        WORLD_TEST(test_a_clientid_belongs_to_its_conversation),
        WORLD_TEST(test_a_clientid_counts_within_its_role),
        WORLD_TEST(test_a_replay_is_refused_to_whoever_may_not_write),
        WORLD_TEST(test_hundreds_of_clientids_are_all_remembered),
        WORLD_TEST(test_clientids_of_one_hash_are_told_apart),
        WORLD_TEST(test_a_clientid_that_leads_nowhere_is_an_error_and_no_message),
        WORLD_TEST(test_older_clientids_of_one_hash_are_told_apart_too),
        WORLD_TEST(test_damage_met_half_way_leaves_no_half_message),
        WORLD_TEST(test_the_same_key_gives_the_first_conversation),
        WORLD_TEST(test_a_replay_without_a_visitor_writes_nothing),
        WORLD_TEST(test_a_key_holds_for_24_hours_over_the_edge_of_the_day),
        WORLD_TEST(test_sweeping_forgets_only_what_no_longer_holds),
        WORLD_TEST(test_a_key_gives_no_conversation_that_is_gone),
        WORLD_TEST(test_a_key_of_a_refused_command_is_not_taken),
        WORLD_TEST(test_what_is_done_to_an_account_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

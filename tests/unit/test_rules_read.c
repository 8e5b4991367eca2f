/*
 * Coming to stay and reading: what visitor_see and conversation_read leave in the tables, row by row; and the events by
 * which listeners hear of all that happens in a conversation.
 */
#include "world.h"

/* ---- coming to stay -------------------------------------------------------------------------------------------- */

static void test_a_new_visitor_is_made(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command see = visitor_see(w, w->org, "v_one", NULL);
    struct outcome outcome = must(w, &see);
    assert_false(outcome.replayed);
    assert_true(id_equal(outcome.id, see.visitor_see.visitor));
    assert_int_equal(outcome.event.kind, EVENT_NONE);
    assert_rows_added(w, &before, ROWS([TABLE_VISITORS] = 1, [TABLE_VISITOR_BY_KEY] = 1, [TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(id_equal(visitor.id, outcome.id) && bytes_equal(visitor.user_agent, BYTES("an agent")));
    assert_true(visitor.first_seen_at_ms == NOW_MS && visitor.last_seen_at_ms == NOW_MS);
    assert_true(visitor.created_at_ms == NOW_MS && visitor.updated_at_ms == NOW_MS);
    assert_true(visitor.conversation_count == 0 && id_is_none(visitor.last_conversation));
    assert_null(visitor.email.data);
    assert_sound(w);
}

static void test_a_known_visitor_is_seen_again(void **state)
{
    struct world *w = *state;
    struct id first = converse(w, w->org, "v_one"), id = visitor_of(w, w->org, "v_one").id;
    struct rows before = count_rows(w);
    w->now_ms += 1; /* the next minute */
    struct command see = visitor_see(w, w->org, "v_one", NULL);
    struct outcome outcome = must(w, &see);
    assert_true(outcome.replayed && id_equal(outcome.id, id));
    assert_rows_added(w, &before, ROWS([TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(visitor.first_seen_at_ms == NOW_MS && visitor.last_seen_at_ms == w->now_ms);
    assert_true(visitor.conversation_count == 1 && id_equal(visitor.last_conversation, first));
    assert_sound(w);
}

static void assert_email(struct world *w, const char *given, const char *kept)
{
    struct command see = visitor_see(w, w->org, "v_one", given);
    must(w, &see);
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    if (kept == NULL)
        assert_null(visitor.email.data);
    else
        assert_true(bytes_equal(visitor.email, bytes_of_string(kept)));
    assert_sound(w);
}

static void test_an_address_stays_until_it_is_replaced_or_forgotten(void **state)
{
    struct world *w = *state;
    assert_email(w, NULL, NULL);
    assert_email(w, "jane@example.org", "jane@example.org");
    assert_email(w, NULL, "jane@example.org");
    converse(w, w->org, "v_one");
    assert_email(w, NULL, "jane@example.org");
    assert_email(w, "j@example.net", "j@example.net");
    assert_email(w, "", NULL);
    assert_email(w, NULL, NULL);
}

static void test_an_address_that_is_none_is_refused(void **state)
{
    struct world *w = *state;
    char longest[EMAIL_LEN_MAX + 1], too_long[EMAIL_LEN_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    memset(too_long, 'x', sizeof(too_long));
    longest[EMAIL_LEN_MAX] = too_long[EMAIL_LEN_MAX + 1] = '\0';
    longest[10] = too_long[10] = '@';
    const char *refused[] = {
        "jane",       "@example.org", "jane@", "@", "a@b@c", "jane @example.org", "jane@example.org\n",
        "jane\x7f@x", "\xff@x",       too_long};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        struct command see = visitor_see(w, w->org, "v_one", refused[i]);
        assert_refused(w, &see, ERR_CONFLICT);
    }
    assert_email(w, longest, longest);
    assert_email(w, "a@b", "a@b");
    assert_email(w, "j\xc3\xa4ne@ex\xc3\xa4mple.org", "j\xc3\xa4ne@ex\xc3\xa4mple.org");
}

static void test_seeing_asks_for_a_key_and_an_organisation(void **state)
{
    struct world *w = *state;
    struct command see = visitor_see(w, world_id(w), "v_one", NULL);
    assert_refused(w, &see, ERR_NOT_FOUND);
    see = visitor_see(w, w->org, "v_one", NULL);
    see.visitor_see.visitor_key = BYTES_NONE;
    assert_refused(w, &see, ERR_CONFLICT);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    see = visitor_see(w, w->org, "v_one", NULL);
    assert_refused(w, &see, ERR_NOT_FOUND);
}

/* ---- read marks ------------------------------------------------------------------------------------------------ */

static void assert_marks(struct world *w, struct id id, uint64_t visitor, uint64_t agent, uint64_t marked)
{
    struct conversation conversation = conversation_of(w, id);
    assert_true(conversation.visitor_read_seq == visitor && conversation.agent_read_seq == agent);
    assert_true(conversation.marked_seq == marked);
    if (marked != 0)
        assert_true(is_marked_at(w, w->org, marked, id));
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_MARK], marked != 0);
    assert_sound(w);
}

static void test_a_mark_moves_on_and_its_entry_with_it(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    uint64_t seqs[3];
    for (unsigned i = 0; i < 3; ++i)
        seqs[i] = say(w, w->org, id, NULL);
    struct conversation before = conversation_of(w, id);
    struct command read = conversation_read(w, w->org, id, "v_one", seqs[0]);
    struct outcome outcome = must(w, &read);
    assert_true(id_equal(outcome.id, id) && outcome.seq == seqs[2] + 1);
    assert_marks(w, id, seqs[0], 0, outcome.seq);
    uint64_t by_org = read_by_org(w, w->org, id, seqs[1]);
    assert_marks(w, id, seqs[0], seqs[1], by_org);
    read = conversation_read(w, w->org, id, "v_one", seqs[2]);
    outcome = must(w, &read);
    assert_marks(w, id, seqs[2], seqs[1], outcome.seq);
    struct conversation after = conversation_of(w, id);
    assert_true(after.changed_seq == before.changed_seq && after.changed_at_ms == before.changed_at_ms);
    assert_true(is_active_at(w, w->org, seqs[2], id));
}

static void test_reading_changes_neither_activity_nor_updatedat(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, id, NULL);
    struct rows before = count_rows(w);
    struct conversation_activity activity;
    struct conversation conversation = conversation_of(w, id);
    w->now_ms += DAY_MS;
    read_by_org(w, w->org, id, seq);
    assert_rows_added(w, &before, ROWS([TABLE_CONVERSATION_BY_MARK] = 1));
    assert_int_equal(conversation_activity(look(w), &conversation, &activity), OK);
    assert_true(activity.seq == seq && activity.updated_at_ms == NOW_MS);
    look_away(w);
}

static void test_a_mark_stops_at_the_last_message(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), empty = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, id, NULL);
    converse(w, w->org, NULL); /* so that there are larger numbers */
    uint64_t marked = read_by_org(w, w->org, id, UINT64_MAX);
    assert_marks(w, id, 0, seq, marked);
    struct command nothing = conversation_read(w, w->org, empty, NULL, UINT64_MAX);
    assert_refused(w, &nothing, OK);
    nothing = conversation_read(w, w->org, id, NULL, 0);
    nothing.conversation_read.by_org = true;
    assert_refused(w, &nothing, OK);
    assert_marks(w, id, 0, seq, marked);
}

static void test_a_mark_never_moves_back(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    uint64_t first = say(w, w->org, id, NULL), second = say(w, w->org, id, NULL);
    uint64_t marked = read_by_org(w, w->org, id, second);
    static const uint64_t less[] = {0, 1};
    for (unsigned i = 0; i < 4; ++i) {
        struct command read = conversation_read(w, w->org, id, NULL, i < 2 ? less[i] : i == 2 ? first : second);
        read.conversation_read.by_org = true;
        assert_refused(w, &read, OK);
        struct outcome outcome = must(w, &read);
        assert_true(outcome.event.kind == EVENT_NONE && id_equal(outcome.id, id));
    }
    assert_marks(w, id, 0, second, marked);
}

/* As every request of it: also when it has read that far already. */
static void test_a_visitor_who_reads_is_seen(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    uint64_t seq = say(w, w->org, id, NULL);
    for (unsigned i = 0; i < 2; ++i) {
        struct rows before = count_rows(w);
        w->now_ms += MINUTE_MS;
        struct command read = conversation_read(w, w->org, id, "v_one", seq);
        struct outcome outcome = must(w, &read);
        assert_int_equal(outcome.event.kind, i == 0 ? EVENT_CONVERSATION : EVENT_NONE);
        assert_rows_added(w, &before, ROWS([TABLE_VISITOR_BY_SEEN] = 1, [TABLE_CONVERSATION_BY_MARK] = i == 0 ? 1 : 0));
        struct visitor visitor = visitor_of(w, w->org, "v_one");
        assert_true(visitor.last_seen_at_ms == w->now_ms && is_seen_in(w, w->org, w->now_ms, visitor.id));
        assert_sound(w);
    }
}

static void test_who_may_write_may_read(void **state)
{
    struct world *w = *state;
    struct id hers = converse(w, w->org, "v_one"), nobodys = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, hers, NULL), last = say(w, w->org, nobodys, NULL);
    converse(w, w->org, "v_two");
    converse(w, w->other_org, "v_one");
    struct command refused[] = {
        conversation_read(w, w->org, hers, "v_two", seq),      conversation_read(w, w->org, hers, "v_three", seq),
        conversation_read(w, w->org, hers, NULL, seq),         conversation_read(w, w->other_org, hers, "v_one", seq),
        conversation_read(w, w->org, world_id(w), "v_one", 1), conversation_read(w, world_id(w), hers, "v_one", seq),
        conversation_read(w, w->other_org, hers, NULL, seq),
    };
    refused[6].conversation_read.by_org = true;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    struct rows before = count_rows(w);
    struct command read = conversation_read(w, w->org, nobodys, "v_three", last); /* who is not known stays so */
    must(w, &read);
    assert_rows_added(w, &before, ROWS([TABLE_CONVERSATION_BY_MARK] = 1));
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    read = conversation_read(w, w->org, hers, "v_one", seq);
    assert_refused(w, &read, ERR_NOT_FOUND);
}

static void test_a_mark_whose_entry_is_missing_gets_it_back(void **state)
{
    struct world *w = *state;
    struct key key;
    struct id id = converse(w, w->org, NULL);
    uint64_t first = say(w, w->org, id, NULL), second = say(w, w->org, id, NULL);
    mark_key(&key, w->org, read_by_org(w, w->org, id, first));
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_del(txn, TABLE_CONVERSATION_BY_MARK, key_view(&key)), OK);
    commit_write(txn);
    uint64_t marked = read_by_org(w, w->org, id, second);
    assert_marks(w, id, 0, second, marked);
}

static void test_an_import_leaves_the_marks_as_they_are(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, id, NULL), marked = read_by_org(w, w->org, id, seq);
    struct command row = {
        .kind = COMMAND_CONVERSATION_IMPORT,
        .conversation_import = {
            .org = w->org, .conversation = id, .created_at_ms = NOW_MS, .updated_at_ms = NOW_MS + DAY_MS}};
    assert_true(must(w, &row).widened);
    assert_marks(w, id, 0, seq, marked);
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

static void assert_event(const struct outcome *outcome, enum event_kind kind, bool by_org, struct id org,
                         struct id visitor, struct id conversation)
{
    const struct event *event = &outcome->event;
    assert_int_equal(event->kind, kind);
    assert_true(event->by_org == by_org && !event->on && event->seq == outcome->seq);
    assert_true(id_equal(event->org, org) && id_equal(event->visitor, visitor));
    assert_true(id_equal(event->conversation, conversation));
}

static void test_what_happens_in_a_conversation_is_news(void **state)
{
    struct world *w = *state;
    struct command create = conversation_create(w, w->org, "v_one");
    struct outcome outcome = must(w, &create);
    struct id id = outcome.id, visitor = visitor_of(w, w->org, "v_one").id;
    assert_event(&outcome, EVENT_CONVERSATION, false, w->org, visitor, id);
    struct command message = message_create(w, w->org, id, "v_one", "hello");
    outcome = must(w, &message);
    assert_event(&outcome, EVENT_MESSAGE, false, w->org, visitor, id);
    message = message_create(w, w->org, id, NULL, "hello");
    message.message_create.by_org = true;
    outcome = must(w, &message);
    assert_event(&outcome, EVENT_MESSAGE, true, w->org, visitor, id);
    struct command read = conversation_read(w, w->org, id, "v_one", outcome.seq);
    outcome = must(w, &read);
    assert_event(&outcome, EVENT_CONVERSATION, false, w->org, visitor, id);
    read.conversation_read.by_org = true;
    outcome = must(w, &read);
    assert_event(&outcome, EVENT_CONVERSATION, true, w->org, visitor, id);
    struct command erase = visitor_erase(w, w->org, "v_one");
    outcome = must(w, &erase);
    assert_event(&outcome, EVENT_ERASED, false, w->org, visitor, ID_NONE);
}

static void test_nobodys_conversation_names_no_visitor(void **state)
{
    struct world *w = *state;
    struct command create = conversation_create(w, w->org, NULL);
    struct outcome outcome = must(w, &create);
    assert_event(&outcome, EVENT_CONVERSATION, false, w->org, ID_NONE, outcome.id);
    struct command message = message_create(w, w->org, outcome.id, "v_one", "hello");
    outcome = must(w, &message);
    assert_event(&outcome, EVENT_MESSAGE, false, w->org, ID_NONE, outcome.id);
}

static void test_doing_it_again_is_no_news(void **state)
{
    struct world *w = *state;
    struct command create = conversation_create(w, w->org, "v_one");
    create.conversation_create.idempotency = BYTES("0123456789abcdef");
    struct id id = must(w, &create).id;
    struct command message = message_create(w, w->org, id, "v_one", "hello"), touch = visitor_touch(w, w->org, "v_one");
    message.message_create.client_id = BYTES("c-1");
    must(w, &message);
    const struct command *quiet[] = {&create, &message, &touch};
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); ++i) {
        struct outcome outcome;
        memset(&outcome, 0x5a, sizeof(outcome));
        struct txn *txn = begin_write(w->store);
        assert_int_equal(rules_apply(txn, 1000, quiet[i], &outcome), OK);
        write_abort(txn);
        assert_int_equal(outcome.event.kind, EVENT_NONE);
        assert_true(outcome.erased_conversations == 0 && outcome.erased_messages == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_new_visitor_is_made),
        WORLD_TEST(test_a_known_visitor_is_seen_again),
        WORLD_TEST(test_an_address_stays_until_it_is_replaced_or_forgotten),
        WORLD_TEST(test_an_address_that_is_none_is_refused),
        WORLD_TEST(test_seeing_asks_for_a_key_and_an_organisation),
        WORLD_TEST(test_a_mark_moves_on_and_its_entry_with_it),
        WORLD_TEST(test_reading_changes_neither_activity_nor_updatedat),
        WORLD_TEST(test_a_mark_stops_at_the_last_message),
        WORLD_TEST(test_a_mark_never_moves_back),
        WORLD_TEST(test_a_visitor_who_reads_is_seen),
        WORLD_TEST(test_who_may_write_may_read),
        WORLD_TEST(test_a_mark_whose_entry_is_missing_gets_it_back),
        WORLD_TEST(test_an_import_leaves_the_marks_as_they_are),
        WORLD_TEST(test_what_happens_in_a_conversation_is_news),
        WORLD_TEST(test_nobodys_conversation_names_no_visitor),
        WORLD_TEST(test_doing_it_again_is_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

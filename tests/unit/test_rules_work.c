/*
 * What agents make of conversations: every change is in the record and in the indexes that follow it, and in nothing
 * else; a visitor's word opens what was put aside and writes no more than before where nothing was; who has left keeps
 * nothing.
 */
#include "world.h"

static struct id nobody;

/* ---- status ---------------------------------------------------------------------------------------------------- */

static void test_a_new_conversation_is_open_and_nobodys(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct conversation conversation = conversation_of(w, id);
    assert_true(conversation.status == STATUS_OPEN && id_is_none(conversation.assignee));
    assert_true(conversation.worked_seq == 0 && conversation.resolved_at_ms == 0);
    assert_true(is_open_as(w, w->org, STATUS_OPEN, nobody, id));
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_WORK], 0);
    assert_sound(w);
}

static void test_every_status_has_its_place_in_the_indexes(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    int64_t until_ms = w->now_ms + DAY_MS;
    for (enum status from = 0; from < STATUSES; ++from) {
        for (enum status to = 0; to < STATUSES; ++to) {
            set_status(w, w->org, id, from, from == STATUS_SNOOZED ? until_ms : 0);
            w->now_ms += 1;
            struct outcome outcome = set_status(w, w->org, id, to, to == STATUS_SNOOZED ? until_ms : 0);
            struct conversation conversation = conversation_of(w, id);
            struct rows rows = count_rows(w);
            assert_int_equal(outcome.replayed, from == to);
            assert_int_equal(outcome.event.kind, from == to ? EVENT_NONE : EVENT_WORK);
            assert_true(conversation.status == to);
            assert_true(conversation.snoozed_until_ms == (to == STATUS_SNOOZED ? until_ms : 0));
            assert_true((conversation.resolved_at_ms != 0) == (to == STATUS_RESOLVED));
            assert_int_equal(rows.of[TABLE_CONVERSATION_OPEN], to != STATUS_RESOLVED);
            assert_int_equal(rows.of[TABLE_CONVERSATION_BY_SNOOZE], to == STATUS_SNOOZED);
            assert_true(to == STATUS_RESOLVED || is_open_as(w, w->org, to, nobody, id));
            assert_true(to != STATUS_SNOOZED || is_snoozed_until(w, w->org, until_ms, id));
            if (from != to)
                assert_true(conversation.worked_seq == outcome.seq && is_worked_at(w, w->org, outcome.seq, id));
            assert_int_equal(rows.of[TABLE_CONVERSATION_BY_WORK], 1);
            assert_sound(w);
        }
    }
}

static void test_a_change_that_changes_nothing_writes_nothing(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    set_status(w, w->org, id, STATUS_SNOOZED, w->now_ms + DAY_MS);
    struct buffer before = dump_store(w->store);
    struct outcome outcome = set_status(w, w->org, id, STATUS_SNOOZED, w->now_ms + DAY_MS);
    assert_true(outcome.replayed && outcome.event.kind == EVENT_NONE);
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    /* Another end is another snooze. */
    assert_false(set_status(w, w->org, id, STATUS_SNOOZED, w->now_ms + DAY_MS + 1).replayed);
    assert_true(is_snoozed_until(w, w->org, w->now_ms + DAY_MS + 1, id));
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_SNOOZE], 1);
}

static void test_the_order_by_activity_stays_as_it_is(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct rows rows = count_rows(w);
    struct conversation before = conversation_of(w, id);
    w->now_ms += 10 * MINUTE_MS;
    set_status(w, w->org, id, STATUS_RESOLVED, 0);
    assert_rows_added(w, &rows, ROWS([TABLE_CONVERSATION_OPEN] = -1, [TABLE_CONVERSATION_BY_WORK] = 1));
    struct conversation after = conversation_of(w, id);
    assert_true(after.changed_seq == before.changed_seq && after.changed_at_ms == before.changed_at_ms);
    assert_true(after.resolved_at_ms == w->now_ms);
    assert_true(visitor_of(w, w->org, "v_one").last_seen_at_ms < w->now_ms); /* it was not there */
}

static void test_a_snooze_needs_an_end_that_is_to_come(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    int64_t ends[] = {0, w->now_ms - 1, w->now_ms};
    for (unsigned i = 0; i < 3; ++i) {
        struct command command = conversation_update(w, w->org, id);
        command.conversation_update.set_status = true;
        command.conversation_update.status = STATUS_SNOOZED;
        command.conversation_update.snoozed_until_ms = ends[i];
        assert_refused(w, &command, ERR_CONFLICT);
    }
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.set_status = true;
    command.conversation_update.status = STATUSES;
    assert_refused(w, &command, ERR_CONFLICT);
}

static void test_what_is_of_another_organisation_is_not_there(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command update = conversation_update(w, w->other_org, id), note = note_create(w, w->other_org, id, "x");
    update.conversation_update.set_status = true;
    assert_refused(w, &update, ERR_NOT_FOUND);
    assert_refused(w, &note, ERR_NOT_FOUND);
    update.conversation_update.org = w->org;
    update.conversation_update.conversation = world_id(w);
    assert_refused(w, &update, ERR_NOT_FOUND);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    update.conversation_update.conversation = id;
    assert_refused(w, &update, ERR_NOT_FOUND);
}

/* ---- what a visitor's word does --------------------------------------------------------------------------------- */

static struct outcome visitor_says(struct world *w, struct id conversation)
{
    struct command command = message_create(w, w->org, conversation, "v_one", "hello again");
    return must(w, &command);
}

static void test_a_visitors_word_opens_what_was_put_aside(void **state)
{
    struct world *w = *state;
    static const enum status aside[] = {STATUS_RESOLVED, STATUS_SNOOZED};
    struct id id = converse(w, w->org, "v_one"), agent = hire(w, w->org, "anna");
    assign(w, w->org, id, agent);
    for (unsigned i = 0; i < 2; ++i) {
        set_status(w, w->org, id, aside[i], aside[i] == STATUS_SNOOZED ? w->now_ms + DAY_MS : 0);
        struct outcome outcome = visitor_says(w, id);
        assert_true(outcome.event.kind == EVENT_MESSAGE && outcome.event.works);
        struct conversation conversation = conversation_of(w, id);
        assert_true(conversation.status == STATUS_OPEN && id_equal(conversation.assignee, agent));
        assert_true(conversation.snoozed_until_ms == 0 && conversation.resolved_at_ms == 0);
        assert_true(conversation.worked_seq == outcome.seq && is_worked_at(w, w->org, outcome.seq, id));
        assert_true(is_open_as(w, w->org, STATUS_OPEN, agent, id));
        assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_SNOOZE], 0);
        assert_sound(w);
    }
}

/* The record lies on a random page, and a message may touch one of those. */
static void test_a_word_to_an_open_one_does_not_touch_the_record(void **state)
{
    struct world *w = *state;
    static const enum status at_hand[] = {STATUS_OPEN, STATUS_PENDING};
    for (unsigned i = 0; i < 2; ++i) {
        struct id id = converse(w, w->org, "v_one");
        set_status(w, w->org, id, at_hand[i], 0);
        struct conversation before = conversation_of(w, id);
        struct rows rows = count_rows(w);
        w->now_ms += 1;
        struct outcome outcome = visitor_says(w, id);
        assert_false(outcome.event.works);
        struct conversation after = conversation_of(w, id);
        assert_true(after.status == at_hand[i] && after.worked_seq == before.worked_seq);
        assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_WORK], rows.of[TABLE_CONVERSATION_BY_WORK]);
        assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_OPEN], rows.of[TABLE_CONVERSATION_OPEN]);
    }
}

static void test_an_answer_leaves_it_as_it_is(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), agent = hire(w, w->org, "anna");
    set_status(w, w->org, id, STATUS_RESOLVED, 0);
    struct command answer = message_create(w, w->org, id, NULL, "one more thing");
    answer.message_create.by_org = true;
    answer.message_create.role = BYTES("assistant");
    answer.message_create.agent = agent;
    struct outcome outcome = must(w, &answer);
    assert_true(!outcome.event.works && id_equal(outcome.event.agent, agent));
    assert_true(conversation_of(w, id).status == STATUS_RESOLVED);
    struct message message;
    assert_int_equal(message_get(look(w), id, outcome.seq, &message), OK);
    assert_true(id_equal(message.agent, agent));
    look_away(w);
    /* A bridge that brings the visitor's words is the visitor. */
    say(w, w->org, id, NULL);
    assert_true(conversation_of(w, id).status == STATUS_OPEN);
}

static void test_the_same_word_again_opens_nothing(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command command = message_create(w, w->org, id, "v_one", "hello");
    command.message_create.client_id = BYTES("m-1");
    must(w, &command);
    set_status(w, w->org, id, STATUS_RESOLVED, 0);
    assert_true(must(w, &command).replayed);
    assert_true(conversation_of(w, id).status == STATUS_RESOLVED);
}

/* ---- who takes care of it --------------------------------------------------------------------------------------- */

static void test_only_agents_of_the_organisation_are_assigned(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), anna = hire(w, w->org, "anna"), bob = hire(w, w->other_org, "bob");
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.set_assignee = true;
    struct id strangers[] = {bob, world_id(w), id};
    for (unsigned i = 0; i < 3; ++i) {
        command.conversation_update.assignee = strangers[i];
        assert_refused(w, &command, ERR_ASSIGNEE_UNKNOWN);
    }
    assign(w, w->org, id, anna);
    assert_true(is_open_as(w, w->org, STATUS_OPEN, anna, id) && !is_open_as(w, w->org, STATUS_OPEN, nobody, id));
    must(w, &(struct command){.kind = COMMAND_AGENT_DISABLE,
                              .agent_disable = {.agent = anna, .disabled = true, .at_ms = w->now_ms}});
    assign(w, w->org, id, nobody);
    assert_true(is_open_as(w, w->org, STATUS_OPEN, nobody, id));
    command.conversation_update.assignee = anna;
    assert_refused(w, &command, ERR_ASSIGNEE_UNKNOWN);
    assert_sound(w);
}

static void test_of_two_who_take_it_at_once_one_has_it(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), agents[] = {hire(w, w->org, "anna"), hire(w, w->org, "bob")};
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.set_assignee = command.conversation_update.if_assignee = true;
    command.conversation_update.assignee = agents[0];
    must(w, &command);
    command.conversation_update.assignee = agents[1];
    assert_refused(w, &command, ERR_TAKEN);
    command.conversation_update.expected_assignee = agents[0];
    must(w, &command);
    assert_true(id_equal(conversation_of(w, id).assignee, agents[1]));
}

/* As maintenance does it. */
static unsigned release_all(struct world *w, unsigned looks)
{
    struct work_due due[3];
    struct key at = {.len = 0};
    unsigned released = 0;
    do {
        unsigned count = rules_find_unattended(look(w), &at, looks, due, 3);
        look_away(w);
        for (unsigned i = 0; i < count; ++i) {
            struct command command = {
                .kind = COMMAND_CONVERSATION_RELEASE,
                .conversation_release = {due[i].org, due[i].conversation, due[i].agent, w->now_ms}};
            released += !must(w, &command).replayed;
        }
    } while (at.len != 0);
    return released;
}

static void test_who_leaves_keeps_nothing_that_is_not_resolved(void **state)
{
    struct world *w = *state;
    struct id anna = hire(w, w->org, "anna"), bob = hire(w, w->org, "bob"), ids[12];
    for (unsigned i = 0; i < 12; ++i) {
        ids[i] = converse(w, w->org, "v_one");
        assign(w, w->org, ids[i], i % 3 == 0 ? bob : anna);
        set_status(w, w->org, ids[i], i % 4, i % 4 == STATUS_SNOOZED ? w->now_ms + DAY_MS : 0);
    }
    assert_int_equal(release_all(w, 1), 0);
    dismiss(w, w->org, anna);
    assert_int_equal(release_all(w, 2), 6); /* two of hers are resolved */
    for (unsigned i = 0; i < 12; ++i) {
        struct id expected = i % 3 == 0 ? bob : i % 4 == STATUS_RESOLVED ? anna : nobody;
        assert_true(id_equal(conversation_of(w, ids[i]).assignee, expected));
    }
    assert_int_equal(release_all(w, 100), 0);
    assert_sound(w);
    /* And a resolved one, once it is opened, whoever opens it. */
    visitor_says(w, ids[4]);
    assert_true(is_open_as(w, w->org, STATUS_OPEN, nobody, ids[4]));
    set_status(w, w->org, ids[8], STATUS_PENDING, 0);
    assert_true(is_open_as(w, w->org, STATUS_PENDING, nobody, ids[8]));
    assert_sound(w);
}

static void test_who_has_come_back_in_between_keeps_it(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), anna = hire(w, w->org, "anna");
    assign(w, w->org, id, anna);
    struct command release = {.kind = COMMAND_CONVERSATION_RELEASE,
                              .conversation_release = {w->org, id, anna, w->now_ms}};
    struct outcome outcome = must(w, &release);
    assert_true(outcome.replayed && outcome.event.kind == EVENT_NONE);
    assert_true(id_equal(conversation_of(w, id).assignee, anna));
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static struct command wake(const struct work_due *due, int64_t now_ms)
{
    return (struct command){
        .kind = COMMAND_CONVERSATION_WAKE,
        .conversation_wake = {due->org, due->conversation, .until_ms = due->until_ms, .at_ms = now_ms}};
}

static void test_a_snooze_ends_when_its_time_has_come(void **state)
{
    struct world *w = *state;
    struct work_due due[8];
    struct id ids[3];
    for (unsigned i = 0; i < 3; ++i) {
        ids[i] = converse(w, i == 1 ? w->other_org : w->org, "v_one");
        set_status(w, i == 1 ? w->other_org : w->org, ids[i], STATUS_SNOOZED, w->now_ms + 1000 * (3 - i));
    }
    assert_int_equal(rules_find_snoozed(look(w), w->now_ms + 999, due, 8), 0);
    look_away(w);
    assert_int_equal(rules_find_snoozed(look(w), w->now_ms + 2000, due, 8), 2); /* the soonest first */
    look_away(w);
    assert_true(id_equal(due[0].conversation, ids[2]) && id_equal(due[1].conversation, ids[1]));
    assert_true(id_equal(due[1].org, w->other_org) && due[1].until_ms == w->now_ms + 2000);
    struct command early = wake(&due[1], w->now_ms + 1999), in_time = wake(&due[1], w->now_ms + 2000);
    assert_true(must(w, &early).replayed);
    struct outcome outcome = must(w, &in_time);
    assert_true(outcome.event.kind == EVENT_WORK && !outcome.event.by_org);
    assert_true(conversation_of(w, ids[1]).status == STATUS_OPEN && is_worked_at(w, w->other_org, outcome.seq, ids[1]));
    assert_false(is_snoozed_until(w, w->other_org, due[1].until_ms, ids[1]));
    struct command again = wake(&due[1], w->now_ms + 2001);
    assert_int_equal(must(w, &again).event.kind, EVENT_NONE);
    assert_int_equal(rules_find_snoozed(look(w), w->now_ms + DAY_MS, due, 1), 1);
    look_away(w);
    assert_sound(w);
}

/* What damage has left would be found first, for ever. */
static void test_a_snooze_of_what_is_not_there_is_forgotten(void **state)
{
    struct world *w = *state;
    struct work_due due[2];
    struct id id = converse(w, w->org, "v_one"), missing = world_id(w);
    struct key key;
    struct txn *txn = begin_write(w->store);
    snooze_key(&key, 5, missing);
    assert_int_equal(table_put(txn, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key), id_view(&w->org)), OK);
    snooze_key(&key, 6, id); /* it is open */
    assert_int_equal(table_put(txn, TABLE_CONVERSATION_BY_SNOOZE, key_view(&key), id_view(&w->org)), OK);
    commit_write(txn);
    assert_int_equal(rules_find_snoozed(look(w), w->now_ms, due, 2), 2);
    look_away(w);
    for (unsigned i = 0; i < 2; ++i) {
        struct command command = wake(&due[i], w->now_ms);
        must(w, &command);
    }
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATION_BY_SNOOZE], 0);
    assert_true(conversation_of(w, id).status == STATUS_OPEN);
    assert_sound(w);
}

/* ---- priority and tags ------------------------------------------------------------------------------------------ */

static struct outcome set_tags(struct world *w, struct id id, bool replaces, const char *more, const char *less)
{
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.set_tags = replaces;
    command.conversation_update.add_tags = bytes_of_string(more);
    command.conversation_update.remove_tags = bytes_of_string(less);
    return must(w, &command);
}

static void assert_tags(struct world *w, struct id id, const char *expected)
{
    struct conversation conversation;
    assert_int_equal(conversation_get(look(w), id, &conversation), OK);
    assert_true(bytes_equal(conversation.tags, bytes_of_string(expected)));
    assert_true((conversation.tags.data == NULL) == (expected[0] == '\0'));
    look_away(w);
}

static void test_tags_are_added_removed_and_replaced(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    set_tags(w, id, false, "vip\nbilling", "");
    assert_tags(w, id, "billing\nvip");
    assert_true(set_tags(w, id, false, "vip", "refund").replayed);
    set_tags(w, id, false, "bug", "billing");
    assert_tags(w, id, "bug\nvip");
    set_tags(w, id, true, "only", "");
    assert_tags(w, id, "only");
    set_tags(w, id, true, "", "");
    assert_tags(w, id, "");
    assert_sound(w);
}

static void test_tags_beyond_the_limit_are_refused(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct buffer many = {0};
    for (unsigned i = 0; i < TAGS_MAX; ++i)
        buffer_printf(&many, "%s%c", i == 0 ? "" : "\n", 'a' + (int)i);
    buffer_append(&many, "", 1);
    set_tags(w, id, false, many.data, "");
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.add_tags = BYTES("one more");
    assert_refused(w, &command, ERR_LIMIT_REACHED);
    command.conversation_update.add_tags = BYTES(" no tag");
    assert_refused(w, &command, ERR_CONFLICT);
    buffer_dispose(&many);
}

static void test_a_priority_is_one_of_four_or_none(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command command = conversation_update(w, w->org, id);
    command.conversation_update.set_priority = true;
    command.conversation_update.priority = BYTES("urgent");
    must(w, &command);
    struct conversation conversation;
    assert_int_equal(conversation_get(look(w), id, &conversation), OK);
    assert_true(bytes_equal(conversation.priority, BYTES("urgent")));
    look_away(w);
    command.conversation_update.priority = BYTES("later");
    assert_refused(w, &command, ERR_CONFLICT);
    command.conversation_update.priority = BYTES_NONE;
    assert_false(must(w, &command).replayed);
    assert_true(must(w, &command).replayed);
}

/* ---- notes ------------------------------------------------------------------------------------------------------ */

static void test_a_note_is_beside_the_messages(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), anna = hire(w, w->org, "anna");
    uint64_t before = say(w, w->org, id, NULL);
    struct rows rows = count_rows(w);
    struct command command = note_create(w, w->org, id, "she is angry");
    command.note_create.agent = anna;
    struct outcome outcome = must(w, &command);
    assert_true(outcome.event.kind == EVENT_NOTE && outcome.event.by_org && outcome.seq > before);
    assert_rows_added(w, &rows, ROWS([TABLE_NOTES] = 1, [TABLE_CONVERSATION_BY_WORK] = 1));
    struct note note;
    assert_int_equal(note_get(look(w), id, outcome.seq, &note), OK);
    assert_true(id_equal(note.agent, anna) && id_equal(note.id, command.note_create.note) && note.ordinal == 1);
    assert_true(bytes_equal(note.content, BYTES("she is angry")) && note.at_ms == w->now_ms);
    look_away(w);
    struct conversation conversation = conversation_of(w, id);
    assert_true(conversation.worked_seq == outcome.seq && conversation.status == STATUS_OPEN);
    struct message last;
    assert_int_equal(message_get_last(look(w), id, &last), OK);
    assert_true(last.seq == before && last.ordinal == 1);
    look_away(w);
    assert_sound(w);
}

static void test_the_same_clientid_gives_the_same_note(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command command = note_create(w, w->org, id, "first");
    command.note_create.client_id = BYTES("n-1");
    struct outcome first = must(w, &command);
    note(w, w->org, id, "another");
    command.note_create.note = world_id(w);
    command.note_create.content = BYTES("second");
    struct outcome again = must(w, &command);
    assert_true(again.replayed && again.seq == first.seq && again.event.kind == EVENT_NONE);
    assert_int_equal(count_rows(w).of[TABLE_NOTES], 2);
    /* Another conversation's is another one. */
    command.note_create.conversation = converse(w, w->org, "v_one");
    assert_false(must(w, &command).replayed);
}

static void test_mentions_are_agents_of_the_organisation_each_once(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct id ids[] = {hire(w, w->org, "anna"), hire(w, w->other_org, "bob"), hire(w, w->org, "cem"), world_id(w)};
    struct buffer mentions = {0};
    for (unsigned i = 0; i < 8; ++i)
        buffer_append(&mentions, ids[i % 4].bytes, ID_LEN);
    struct command command = note_create(w, w->org, id, "look");
    command.note_create.mentions = buffer_view(&mentions);
    uint64_t seq = must(w, &command).seq;
    struct note note;
    assert_int_equal(note_get(look(w), id, seq, &note), OK);
    assert_int_equal(note.mentions.len, 2 * ID_LEN);
    assert_memory_equal(note.mentions.data, ids[0].bytes, ID_LEN);
    assert_memory_equal(note.mentions.data + ID_LEN, ids[2].bytes, ID_LEN);
    look_away(w);
    buffer_dispose(&mentions);
    assert_sound(w);
}

static void test_notes_have_a_limit(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    for (unsigned i = 0; i < NOTES_PER_CONVERSATION_MAX; ++i)
        note(w, w->org, id, "one of many");
    struct command command = note_create(w, w->org, id, "one too many");
    assert_refused(w, &command, ERR_LIMIT_REACHED);
    command.note_create.content = BYTES("");
    assert_refused(w, &command, ERR_CONFLICT);
    assert_sound(w);
}

/* ---- canned replies --------------------------------------------------------------------------------------------- */

static void test_replies_have_shortcuts_of_their_own(void **state)
{
    struct world *w = *state;
    struct command hi = reply_create(w, w->org, "hi", "Hello {{visitor.email}}"),
                   same = reply_create(w, w->org, "hi", "Hi"), theirs = reply_create(w, w->other_org, "hi", "Hi"),
                   bye = reply_create(w, w->org, "bye", "Bye");
    struct id id = must(w, &hi).id;
    assert_refused(w, &same, ERR_CONFLICT);
    must(w, &theirs);
    must(w, &bye);
    struct command update = {
        .kind = COMMAND_REPLY_UPDATE,
        .reply_update = {.org = w->org, .reply = id, .at_ms = w->now_ms + 1, .shortcut = BYTES("bye")}};
    assert_refused(w, &update, ERR_CONFLICT);
    update.reply_update.shortcut = BYTES("hi"); /* its own */
    update.reply_update.text = BYTES("Hello!");
    must(w, &update);
    struct reply reply;
    assert_int_equal(reply_get(look(w), w->org, id, &reply), OK);
    assert_true(bytes_equal(reply.text, BYTES("Hello!")) && bytes_equal(reply.shortcut, BYTES("hi")));
    assert_true(reply.created_at_ms == w->now_ms && reply.updated_at_ms == w->now_ms + 1);
    look_away(w);
    update.reply_update.org = w->other_org;
    assert_refused(w, &update, ERR_NOT_FOUND);
    struct command delete = {.kind = COMMAND_REPLY_DELETE, .reply_delete = {.org = w->other_org, .reply = id}};
    assert_refused(w, &delete, ERR_NOT_FOUND);
    delete.reply_delete.org = w->org;
    must(w, &delete);
    assert_refused(w, &delete, ERR_NOT_FOUND);
    must(w, &same);
    assert_sound(w);
}

static void test_replies_have_limits(void **state)
{
    struct world *w = *state;
    char shortcut[16], too_long[REPLY_SHORTCUT_LEN_MAX + 2];
    memset(too_long, 'x', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    for (unsigned i = 0; i < REPLIES_PER_ORG_MAX; ++i) {
        snprintf(shortcut, sizeof(shortcut), "r%u", i);
        struct command command = reply_create(w, w->org, shortcut, "text");
        must(w, &command);
    }
    struct command more = reply_create(w, w->org, "more", "text"), empty = reply_create(w, w->org, "", "text"),
                   blank = reply_create(w, w->org, "a b", "text"), silent = reply_create(w, w->org, "x", ""),
                   longer = reply_create(w, w->org, too_long, "text");
    assert_refused(w, &more, ERR_LIMIT_REACHED);
    struct command *wrong[] = {&empty, &blank, &silent, &longer};
    for (unsigned i = 0; i < 4; ++i)
        assert_refused(w, wrong[i], ERR_CONFLICT);
}

/* ---- blocked visitors ------------------------------------------------------------------------------------------- */

static void test_nothing_of_what_a_blocked_visitor_writes_is_kept(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), orphan = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, id, NULL);
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    struct command block = visitor_block(w, w->org, visitor.id, true);
    assert_false(must(w, &block).replayed);
    assert_true(must(w, &block).replayed);
    struct command commands[] = {
        conversation_create(w, w->org, "v_one"),
        message_create(w, w->org, id, "v_one", "spam"),
        message_create(w, w->org, orphan, "v_one", "spam"),
        message_create(w, w->org, world_id(w), "v_one", "spam"), /* what it was told it had begun */
        conversation_read(w, w->org, id, "v_one", seq),
        visitor_see(w, w->org, "v_one", "spam@example.com"),
    };
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        assert_refused(w, &commands[i], ERR_BLOCKED);
    assert_true(visitor_of(w, w->org, "v_one").blocked_at_ms == w->now_ms);
    /* The organisation's side still may, and others are heard. */
    commands[1].message_create.by_org = true;
    commands[0].conversation_create.by_org = true;
    must(w, &commands[1]);
    must(w, &commands[0]);
    converse(w, w->org, "v_two");
    block.visitor_block.blocked = false;
    must(w, &block);
    must(w, &commands[3 - 1]);
    assert_true(visitor_of(w, w->org, "v_one").blocked_at_ms == 0);
    assert_sound(w);
}

static void test_a_block_is_in_the_audit_log(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    struct id anna = hire(w, w->org, "anna"), visitor = visitor_of(w, w->org, "v_one").id;
    struct command block = visitor_block(w, w->org, visitor, true);
    block.visitor_block.by = anna;
    block.visitor_block.from = BYTES("192.0.2.7");
    uint64_t seq = must(w, &block).seq;
    struct key key;
    struct bytes value;
    struct audit entry;
    audit_key(&key, w->org, seq);
    assert_int_equal(table_get(look(w), TABLE_AUDIT, key_view(&key), &value), OK);
    assert_int_equal(audit_decode(key_view(&key), value, &entry), OK);
    assert_true(bytes_equal(entry.action, BYTES("visitor.blocked")) && id_equal(entry.subject, visitor));
    assert_true(id_equal(entry.actor, anna) && bytes_equal(entry.address, BYTES("192.0.2.7")));
    look_away(w);
    struct rows rows = count_rows(w);
    must(w, &block); /* it is already */
    assert_rows_added(w, &rows, ROWS(0));
    block.visitor_block.org = w->other_org;
    assert_refused(w, &block, ERR_NOT_FOUND);
}

/* ---- being removed ---------------------------------------------------------------------------------------------- */

static void test_erasing_a_visitor_takes_notes_and_places_along(void **state)
{
    struct world *w = *state;
    struct id kept = converse(w, w->org, "v_two"), anna = hire(w, w->org, "anna");
    note(w, w->org, kept, "stays");
    struct rows rows = count_rows(w);
    for (unsigned i = 0; i < STATUSES; ++i) {
        struct id id = converse(w, w->org, "v_one");
        assign(w, w->org, id, anna);
        set_status(w, w->org, id, i, i == STATUS_SNOOZED ? w->now_ms + DAY_MS : 0);
        note(w, w->org, id, "a canary in a note");
    }
    struct command erase = visitor_erase(w, w->org, "v_one");
    assert_true(must(w, &erase).erased_conversations == STATUSES);
    struct rows after = count_rows(w);
    static const enum table tables[] = {TABLE_NOTES, TABLE_CONVERSATION_OPEN, TABLE_CONVERSATION_BY_SNOOZE,
                                        TABLE_CONVERSATION_BY_WORK, TABLE_CONVERSATIONS};
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i)
        assert_int_equal(after.of[tables[i]], rows.of[tables[i]]);
    struct buffer dump = dump_store(w->store);
    assert_null(memmem(dump.data, dump.len, "canary", 6));
    buffer_dispose(&dump);
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_new_conversation_is_open_and_nobodys),
        WORLD_TEST(test_every_status_has_its_place_in_the_indexes),
        WORLD_TEST(test_a_change_that_changes_nothing_writes_nothing),
        WORLD_TEST(test_the_order_by_activity_stays_as_it_is),
        WORLD_TEST(test_a_snooze_needs_an_end_that_is_to_come),
        WORLD_TEST(test_what_is_of_another_organisation_is_not_there),
        WORLD_TEST(test_a_visitors_word_opens_what_was_put_aside),
        WORLD_TEST(test_a_word_to_an_open_one_does_not_touch_the_record),
        WORLD_TEST(test_an_answer_leaves_it_as_it_is),
        WORLD_TEST(test_the_same_word_again_opens_nothing),
        WORLD_TEST(test_only_agents_of_the_organisation_are_assigned),
        WORLD_TEST(test_of_two_who_take_it_at_once_one_has_it),
        WORLD_TEST(test_who_leaves_keeps_nothing_that_is_not_resolved),
        WORLD_TEST(test_who_has_come_back_in_between_keeps_it),
        WORLD_TEST(test_a_snooze_ends_when_its_time_has_come),
        WORLD_TEST(test_a_snooze_of_what_is_not_there_is_forgotten),
        WORLD_TEST(test_tags_are_added_removed_and_replaced),
        WORLD_TEST(test_tags_beyond_the_limit_are_refused),
        WORLD_TEST(test_a_priority_is_one_of_four_or_none),
        WORLD_TEST(test_a_note_is_beside_the_messages),
        WORLD_TEST(test_the_same_clientid_gives_the_same_note),
        WORLD_TEST(test_mentions_are_agents_of_the_organisation_each_once),
        WORLD_TEST(test_notes_have_a_limit),
        WORLD_TEST(test_replies_have_shortcuts_of_their_own),
        WORLD_TEST(test_replies_have_limits),
        WORLD_TEST(test_nothing_of_what_a_blocked_visitor_writes_is_kept),
        WORLD_TEST(test_a_block_is_in_the_audit_log),
        WORLD_TEST(test_erasing_a_visitor_takes_notes_and_places_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

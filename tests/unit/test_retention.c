/*
 * Retention: what is older than the organisation keeps it goes, and nothing else; in steps that are bounded whatever
 * there is to remove, each of which leaves everything sound; and a run that was cut off, or overtaken by what people do
 * meanwhile, is made good by the next one. Time comes in the command, so a year passes here in seconds.
 */
#include "core/redacted.h"
#include "searching.h"

#include "rules/retention.h"
#include "store/internal.h"

/* ---- settings and runs ------------------------------------------------------------------------------------------- */

struct keeps {
    unsigned visitors, messages, empty, audit, erasures;
    bool redacts;
    const char *addresses;
};

static void set(struct world *w, const struct keeps *keeps)
{
    struct command command = {.kind = COMMAND_ORG_UPDATE,
                              .org_update = {.org = w->org,
                                             .at_ms = w->now_ms,
                                             .retain_visitors = keeps->visitors + 1,
                                             .retain_messages = keeps->messages + 1,
                                             .retain_empty = keeps->empty + 1,
                                             .retain_audit = keeps->audit + 1,
                                             .retain_erasures = keeps->erasures + 1,
                                             .set_redact_messages = true,
                                             .redact_messages = keeps->redacts}};
    if (keeps->addresses != NULL)
        command.org_update.addresses = bytes_of_string(keeps->addresses);
    must(w, &command);
}
#define SET(w, ...) set((w), &(struct keeps){__VA_ARGS__})

static void note_run(struct world *w, bool ended)
{
    struct command command = {.kind = COMMAND_RETENTION_NOTE,
                              .retention_note = {.org = w->org, .at_ms = w->now_ms, .ended = ended}};
    must(w, &command);
}

/* What one transaction has put and deleted, and how many subjects and steps there were in all. */
struct work {
    unsigned steps, looks;
    uint64_t most_changes;
};

static enum retention_state look_once(struct world *w, struct retention_walk *walk, struct retention_step *step)
{
    enum retention_state state = retention_look(look(w), walk, w->now_ms, step);
    look_away(w);
    return state;
}

static bool apply_once(struct world *w, const struct retention_step *step, struct work *work)
{
    struct command command = retention_command(w->org, step, w->now_ms);
    w->store->writer.changes = 0;
    bool more = must(w, &command).more;
    ++work->steps;
    if (w->store->writer.changes > work->most_changes)
        work->most_changes = w->store->writer.changes;
    return more;
}

/* At most so many steps; 0: to its end. */
static struct work run_some(struct world *w, unsigned steps_max)
{
    struct retention_walk walk = retention_begin(w->org);
    struct retention_step step;
    struct work work = {0};
    enum retention_state state;
    note_run(w, false);
    while ((state = look_once(w, &walk, &step)) != RETENTION_OVER) {
        assert_true(++work.looks < 100000);
        while (state == RETENTION_FOUND && apply_once(w, &step, &work))
            if (work.steps == steps_max)
                return work;
        if (steps_max != 0 && work.steps >= steps_max)
            return work;
    }
    note_run(w, true);
    return work;
}

static struct work run(struct world *w)
{
    return run_some(w, 0);
}

static struct retention runs_of(struct world *w)
{
    struct retention retention;
    assert_int_equal(retention_get(look(w), w->org, &retention), OK);
    look_away(w);
    return retention;
}

static void sweep_all(struct world *w)
{
    struct command step = sweep(w, 1000000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    must(w, &step);
}

/* One written by its visitor, under a clientId. */
static uint64_t write_message(struct world *w, struct id conversation, const char *key, const char *text,
                              const char *client_id)
{
    struct command command = message_create(w, w->org, conversation, key, text);
    if (client_id != NULL)
        command.message_create.client_id = bytes_of_string(client_id);
    return must(w, &command).seq;
}

static bool is_there(struct world *w, struct id conversation)
{
    struct conversation out;
    enum error error = conversation_get(look(w), conversation, &out);
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    return error == OK;
}

static bool is_known(struct world *w, const char *key)
{
    struct id id;
    enum error error = visitor_id_by_key(look(w), w->org, bytes_of_string(key), &id);
    look_away(w);
    return error == OK;
}

static uint64_t count_messages(struct world *w, struct id conversation)
{
    struct conversation record = conversation_of(w, conversation);
    struct conversation_activity activity;
    assert_int_equal(conversation_activity(look(w), &record, &activity), OK);
    look_away(w);
    return activity.message_count;
}

/* ---- visitors ---------------------------------------------------------------------------------------------------- */

static void test_whoever_was_not_seen_for_so_long_goes_with_everything(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct id old = converse(w, w->org, "v_old"), elsewhere = converse(w, w->other_org, "v_old");
    write_message(w, old, "v_old", "hello", "c-1");
    say(w, w->org, old, NULL);
    read_by_org(w, w->org, old, UINT64_MAX);
    converse(w, w->org, "v_old");
    w->now_ms += 90 * DAY_MS;
    struct id recent = converse(w, w->org, "v_recent");
    write_message(w, recent, "v_recent", "hello", NULL);
    SET(w, .visitors = 90);
    run(w);
    assert_true(is_known(w, "v_old")); /* to the millisecond */
    w->now_ms += 1;
    run(w);
    assert_true(!is_known(w, "v_old") && !is_there(w, old) && is_there(w, elsewhere) && is_there(w, recent));
    struct retention runs = runs_of(w);
    assert_true(runs.visitors == 1 && runs.conversations == 2 && runs.messages == 2 && runs.run_visitors == 1);
    sweep_all(w);
    w->now_ms += 91 * DAY_MS;
    run(w);
    sweep_all(w);
    assert_true(runs_of(w).run_visitors == 1 && runs_of(w).visitors == 2);
    struct command delete = visitor_erase(w, w->other_org, "v_old");
    must(w, &delete);
    assert_rows_added(w, &before, ROWS([TABLE_RETENTION] = 1, [TABLE_ERASURES] = 1, [TABLE_AUDIT] = 2));
    assert_sound(w);
}

/* One who reads is there, whether it writes or not. */
static void test_whoever_was_seen_stays(void **state)
{
    struct world *w = *state;
    SET(w, .visitors = 30);
    converse(w, w->org, "v_reader");
    converse(w, w->org, "v_gone");
    for (unsigned day = 0; day < 120; ++day) {
        w->now_ms += DAY_MS;
        struct command touch = visitor_touch(w, w->org, "v_reader");
        must(w, &touch);
        run(w);
        assert_true(is_known(w, "v_reader") && is_known(w, "v_gone") == (day < 30));
    }
    assert_sound(w);
}

#define CHANGES_MAX (2 * RETENTION_ENTRIES_MAX) /* entries of one step, with those that are put back */

static void test_no_step_is_long_however_much_there_is(void **state)
{
    struct world *w = *state;
    enum { MESSAGES = 3000, CONVERSATIONS = 700, VISITORS = 300 };
    char text[32];
    struct id large = converse(w, w->org, "v_large");
    for (unsigned n = 0; n < MESSAGES; ++n) {
        snprintf(text, sizeof(text), "number %u", n);
        write_message(w, large, "v_large", text, n % 3 ? text + 7 : NULL);
        w->now_ms += 500;
    }
    for (unsigned n = 0; n < CONVERSATIONS; ++n)
        converse(w, w->org, "v_many");
    for (unsigned n = 0; n < VISITORS; ++n) {
        snprintf(text, sizeof(text), "v_small-%u", n);
        write_message(w, converse(w, w->org, text), text, "hello", NULL);
    }
    w->now_ms += 400 * DAY_MS;
    SET(w, .visitors = 365);
    struct work work = run(w);
    assert_true(work.steps > MESSAGES / RETENTION_ENTRIES_MAX && work.most_changes <= CHANGES_MAX);
    struct retention runs = runs_of(w);
    assert_int_equal(runs.visitors, VISITORS + 2);
    assert_int_equal(runs.conversations, VISITORS + CONVERSATIONS + 1);
    assert_int_equal(runs.messages, VISITORS + MESSAGES);
    sweep_all(w);
    struct rows rows = count_rows(w);
    for (int table = TABLE_VISITORS; table <= TABLE_MESSAGES; ++table)
        assert_int_equal(rows.of[table], 0);
}

static void test_every_step_leaves_everything_sound(void **state)
{
    struct world *w = *state;
    struct retention_walk walk = retention_begin(w->org);
    struct retention_step step;
    struct work work = {0};
    char key[32];
    for (unsigned n = 0; n < 20; ++n) {
        snprintf(key, sizeof(key), "v_%u", n);
        for (unsigned c = 0; c < n % 4; ++c) {
            struct id id = converse(w, w->org, key);
            for (unsigned m = 0; m < n * c * 6; ++m)
                write_message(w, id, key, "hello", NULL);
            read_by_org(w, w->org, id, UINT64_MAX);
        }
    }
    w->now_ms += 100 * DAY_MS;
    SET(w, .visitors = 90);
    while (look_once(w, &walk, &step) != RETENTION_OVER) {
        bool more = step.count != 0;
        while (more) {
            more = apply_once(w, &step, &work);
            assert_sound(w);
        }
    }
    assert_true(work.steps > 20);
    assert_int_equal(count_rows(w).of[TABLE_MESSAGES], 0);
}

static void test_whoever_comes_back_in_the_middle_keeps_what_is_left(void **state)
{
    struct world *w = *state;
    struct id first = converse(w, w->org, "v_one"), second = converse(w, w->org, "v_one");
    for (unsigned n = 0; n < 100; ++n) {
        write_message(w, first, "v_one", "hello", NULL);
        write_message(w, second, "v_one", "hello", NULL);
    }
    struct command read = conversation_read(w, w->org, second, "v_one", UINT64_MAX);
    must(w, &read);
    w->now_ms += 31 * DAY_MS;
    SET(w, .visitors = 30);
    run_some(w, 1);
    uint64_t left = count_messages(w, second);
    assert_true(left > 0 && left < 100 && count_messages(w, first) == 100);
    assert_sound(w);
    write_message(w, second, "v_one", "I am back", NULL);
    run(w);
    assert_true(is_known(w, "v_one") && count_messages(w, second) == left + 1 && count_messages(w, first) == 100);
    assert_true(visitor_of(w, w->org, "v_one").conversation_count == 2);
    assert_sound(w);
    w->now_ms += 31 * DAY_MS;
    run(w);
    assert_false(is_known(w, "v_one"));
    assert_sound(w);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void test_old_messages_go_and_their_conversation_stays_as_it_was(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), other = converse(w, w->org, "v_two");
    for (unsigned n = 0; n < 10; ++n) {
        char client_id[8];
        snprintf(client_id, sizeof(client_id), "c-%u", n);
        write_message(w, id, "v_one", "hello", client_id);
        w->now_ms += DAY_MS;
    }
    uint64_t last = say(w, w->org, other, NULL);
    read_by_org(w, w->org, id, UINT64_MAX);
    struct conversation before = conversation_of(w, id);
    SET(w, .messages = 4);
    run(w);
    assert_int_equal(count_messages(w, id), 4);
    assert_true(conversation_of(w, id).agent_read_seq == before.agent_read_seq);
    assert_true(runs_of(w).messages == 6 && count_messages(w, other) == 1);
    assert_sound(w);
    /* Those that are left are known again, those that are gone are not. */
    struct rows rows = count_rows(w);
    write_message(w, id, "v_one", "hello", "c-8");
    assert_rows_added(w, &rows, ROWS([TABLE_VISITOR_BY_SEEN] = 1));
    write_message(w, id, "v_one", "again", "c-1");
    assert_int_equal(count_messages(w, id), 5);
    assert_sound(w);
    w->now_ms += 5 * DAY_MS;
    run(w);
    assert_true(count_messages(w, id) == 0 && count_messages(w, other) == 0 && is_there(w, id));
    /* It keeps its place in the order of activity, and in time. */
    assert_true(is_active_at(w, w->org, last, other));
    assert_true(conversation_of(w, id).agent_read_seq == 0 && conversation_of(w, id).marked_seq == 0);
    assert_sound(w);
    write_message(w, id, "v_one", "anew", NULL);
    assert_int_equal(count_messages(w, id), 1);
    struct message message;
    assert_int_equal(message_get_last(look(w), id, &message), OK);
    assert_int_equal(message.ordinal, 12);
    look_away(w);
    sweep_all(w);
    assert_sound(w);
}

static void test_old_notes_go_with_the_messages_of_their_time(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    for (unsigned n = 0; n < 10; ++n) {
        write_message(w, id, "v_one", "hello", NULL);
        note(w, w->org, id, n >= 8 ? "young-note" : "canary-note");
        w->now_ms += DAY_MS;
    }
    for (unsigned redacts = 0; redacts < 2; ++redacts) {
        SET(w, .messages = 2, .redacts = redacts == 1);
        run(w);
        struct buffer dump = dump_store(w->store);
        assert_null(memmem(dump.data, dump.len, "canary-note", 11));
        assert_true((memmem(dump.data, dump.len, "young-note", 10) != NULL) == (redacts == 0));
        buffer_dispose(&dump);
        assert_true(count_rows(w).of[TABLE_NOTES] == (redacts == 0 ? 2 : 0) &&
                    runs_of(w).others == (redacts == 0 ? 8 : 10));
        assert_sound(w);
        w->now_ms += 3 * DAY_MS;
    }
    note(w, w->org, id, "another one");
    assert_sound(w);
}

static void test_what_has_gone_is_not_found_any_more(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    build_all(w, 100);
    for (unsigned n = 0; n < 60; ++n) {
        write_message(w, id, "v_one", n % 2 ? "an odd word" : "an even word", NULL);
        w->now_ms += DAY_MS;
        struct command step = search_index(w->org, 10);
        must(w, &step);
    }
    assert_hits(w, w->org, "word", 60);
    SET(w, .messages = 40);
    run(w);
    assert_hits(w, w->org, "word", 40);
    SET(w, .messages = 20, .redacts = true);
    run(w);
    assert_hits(w, w->org, "odd", 10);
    assert_hits(w, w->org, "redacted", 0);
    assert_sound(w);
    w->now_ms += 100 * DAY_MS;
    SET(w, .visitors = 90);
    run(w);
    assert_hits(w, w->org, "word", 0);
    assert_int_equal(count_rows(w).of[TABLE_SEARCH_BLOCKS], 0);
    assert_sound(w);
}

static void test_nothing_is_kept_of_a_redacted_text_but_that_it_was(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    static char large[5000];
    memset(large, 'x', sizeof(large) - 1);
    memcpy(large, "canary-large", 12);
    uint64_t first = write_message(w, id, "v_one", "canary-small", "c-1");
    write_message(w, id, "v_one", large, NULL);
    w->now_ms += 10 * DAY_MS;
    write_message(w, id, "v_one", "a younger text", NULL);
    SET(w, .messages = 5, .redacts = true);
    run(w);
    struct buffer dump = dump_store(w->store);
    assert_null(memmem(dump.data, dump.len, "canary-", 7));
    assert_non_null(memmem(dump.data, dump.len, "a younger text", 14));
    buffer_dispose(&dump);
    assert_true(count_messages(w, id) == 3 && runs_of(w).redacted == 2 && runs_of(w).messages == 0);
    struct message message;
    assert_int_equal(message_get(look(w), id, first, &message), OK);
    assert_true(bytes_equal(message.content, BYTES(REDACTED_TEXT)) && bytes_equal(message.client_id, BYTES("c-1")));
    look_away(w);
    assert_sound(w);
    dump = dump_store(w->store);
    struct retention_walk walk = retention_begin(w->org);
    struct retention_step step;
    assert_int_equal(look_once(w, &walk, &step), RETENTION_OVER); /* it is not looked at again and again */
    buffer_dispose(&dump);
    /* Whoever decides later that texts are to go altogether gets that. */
    SET(w, .messages = 5);
    run(w);
    assert_int_equal(count_messages(w, id), 1);
    assert_sound(w);
}

/* The hundreds of clientIds of a long conversation move from the newest ones' block to slots, and all of them can go.
 */
static void test_clientids_go_one_by_one(void **state)
{
    struct world *w = *state;
    enum { MESSAGES = 150 };
    uint64_t seqs[MESSAGES];
    char client_id[16];
    struct id id = converse(w, w->org, "v_one");
    for (unsigned n = 0; n < MESSAGES; ++n) {
        snprintf(client_id, sizeof(client_id), "c-%u", n);
        seqs[n] = write_message(w, id, "v_one", "hello", client_id);
        w->now_ms += DAY_MS;
    }
    SET(w, .messages = 1);
    int64_t end_ms = w->now_ms;
    for (unsigned gone = 10; gone < MESSAGES; gone += 10) {
        w->now_ms = end_ms - (int64_t)(MESSAGES - 1 - gone) * DAY_MS + 1;
        run(w);
        assert_sound(w);
        for (unsigned n = gone + 1; n < MESSAGES; n += 7) {
            snprintf(client_id, sizeof(client_id), "c-%u", n);
            assert_true(write_message(w, id, "v_one", "hello", client_id) == seqs[n]);
        }
    }
    w->now_ms = end_ms + 2 * DAY_MS;
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_MESSAGES], 0);
}

/* What lies behind a slot that is emptied, because that one was taken, moves into it. */
static void test_a_clientid_behind_one_that_goes_is_still_found(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    struct key home, behind, value;
    struct bytes block;
    uint64_t first = say(w, w->org, id, "first"), second = say(w, w->org, id, "second"), found;
    uint64_t slot = client_id_hash(BYTES("second")) >> 2 | UINT64_C(3) << 62;
    struct txn *txn = begin_write(w->store);
    message_key(&home, id, slot);
    message_key(&behind, id, slot + 1);
    key_clear(&value);
    key_put_u64(&value, first);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&home), key_view(&value)), OK);
    key_clear(&value);
    key_put_u64(&value, second);
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&behind), key_view(&value)), OK);
    message_key(&value, id, MESSAGE_CLIENT_BIT); /* the block knows of neither */
    assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&value), BYTES("0123456789abcdef")), OK);
    assert_int_equal(client_id_find(txn, id, BYTES("user"), BYTES("second"), &block, &found), OK);
    assert_int_equal(client_id_forget(txn, id, BYTES("second"), first), OK);
    assert_int_equal(client_id_find(txn, id, BYTES("user"), BYTES("second"), &block, &found), OK);
    assert_true(found == second);
    assert_int_equal(table_get(txn, TABLE_MESSAGES, key_view(&behind), NULL), ERR_NOT_FOUND);
    write_abort(txn);
}

/* ---- empty conversations ----------------------------------------------------------------------------------------- */

static void test_empty_conversations_leave_the_chain_whole(void **state)
{
    struct world *w = *state;
    struct id ids[40], nobodys[2] = {converse(w, w->org, NULL), converse(w, w->org, NULL)};
    say(w, w->org, nobodys[1], NULL);
    for (unsigned n = 0; n < 40; ++n) {
        ids[n] = converse(w, w->org, n % 2 ? "v_one" : "v_two");
        if (n % 5 == 3)
            write_message(w, ids[n], n % 2 ? "v_one" : "v_two", "hello", NULL);
        w->now_ms += DAY_MS / 2;
    }
    SET(w, .empty = 7);
    run(w);
    unsigned left = 0;
    for (unsigned n = 0; n < 40; ++n) {
        bool stays = n % 5 == 3 || n >= 26;
        assert_int_equal(is_there(w, ids[n]), stays);
        left += stays;
    }
    assert_true(!is_there(w, nobodys[0]) && is_there(w, nobodys[1]));
    assert_true(visitor_of(w, w->org, "v_one").conversation_count + visitor_of(w, w->org, "v_two").conversation_count ==
                left);
    assert_int_equal(runs_of(w).conversations, 40 - left + 1);
    assert_sound(w);
    w->now_ms += 8 * DAY_MS;
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATIONS], 8 + 1);
    assert_sound(w);
    converse(w, w->org, "v_one"); /* whoever has lost all its conversations is still there */
    assert_sound(w);
}

/* What a robot leaves in a night, in one chain and longer than any look. */
static void test_a_long_chain_of_empty_conversations_goes(void **state)
{
    struct world *w = *state;
    enum { CONVERSATIONS = 1500 };
    struct id kept = ID_NONE;
    for (unsigned n = 0; n < CONVERSATIONS; ++n) {
        struct id id = converse(w, w->org, "v_robot");
        if (n == 700)
            write_message(w, kept = id, "v_robot", "buy", NULL);
    }
    w->now_ms += 8 * DAY_MS;
    SET(w, .empty = 7);
    struct work work = run(w);
    assert_true(work.most_changes <= CHANGES_MAX);
    assert_true(count_rows(w).of[TABLE_CONVERSATIONS] == 1 && is_there(w, kept));
    assert_int_equal(visitor_of(w, w->org, "v_robot").conversation_count, 1);
    assert_sound(w);
}

/* ---- aliases, addresses, the audit log, erasures ------------------------------------------------------------------
 */

static void put_alias(struct world *w, const char *text, struct id target)
{
    struct command command = {.kind = COMMAND_ALIAS_IMPORT,
                              .alias_import = {.org = w->org, .alias = bytes_of_string(text), .target = target}};
    must(w, &command);
}

static void test_what_leads_to_what_is_gone_goes_too(void **state)
{
    struct world *w = *state;
    struct id old = converse(w, w->org, "v_old");
    put_alias(w, "old-visitor", visitor_of(w, w->org, "v_old").id);
    put_alias(w, "old-conversation", old);
    w->now_ms += 31 * DAY_MS;
    put_alias(w, "young", converse(w, w->org, "v_young"));
    SET(w, .visitors = 30);
    run_some(w, 1);
    assert_int_equal(assert_sound(w).stale_aliases, 2);
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_ALIASES], 1);
    assert_int_equal(assert_sound(w).stale_aliases, 0);
}

static void see_from(struct world *w, const char *key, const char *address)
{
    struct command command = visitor_see(w, w->org, key, NULL);
    command.visitor_see.address = bytes_of_string(address);
    must(w, &command);
}

static void assert_address(struct world *w, const char *key, const char *address)
{
    struct id id;
    struct visitor visitor;
    struct txn *txn = look(w);
    assert_int_equal(visitor_id_by_key(txn, w->org, bytes_of_string(key), &id), OK);
    assert_int_equal(visitor_get(txn, id, &visitor), OK);
    assert_true(bytes_equal(visitor.address, address == NULL ? BYTES_NONE : bytes_of_string(address)));
    look_away(w);
}

static void test_addresses_of_which_less_is_to_be_kept_are_cut_and_forgotten(void **state)
{
    struct world *w = *state;
    SET(w, .addresses = "full");
    see_from(w, "v_four", "203.0.113.7");
    see_from(w, "v_six", "2001:db8:1:2::7");
    converse(w, w->org, "v_none");
    run(w);
    assert_address(w, "v_four", "203.0.113.7");
    SET(w, .addresses = "truncated");
    run(w);
    assert_address(w, "v_four", "203.0.113.0/24");
    assert_address(w, "v_six", "2001:db8:1::/48");
    assert_address(w, "v_none", NULL);
    assert_int_equal(runs_of(w).run_others, 2);
    assert_sound(w);
    SET(w, .addresses = "full");
    see_from(w, "v_six", "2001:db8:1:2::8");
    run(w);
    assert_address(w, "v_four", "203.0.113.0/24"); /* what is gone does not come back */
    assert_address(w, "v_six", "2001:db8:1:2::8");
    SET(w, .addresses = "none");
    run(w);
    assert_address(w, "v_four", NULL);
    assert_address(w, "v_six", NULL);
    struct org org;
    assert_int_equal(org_get(look(w), w->org, &org), OK);
    assert_true(org.addresses.data == NULL && org.addresses_less_at_ms == 0);
    look_away(w);
    assert_sound(w);
}

static void test_the_audit_log_is_kept_for_a_year_unless_somebody_says_otherwise(void **state)
{
    struct world *w = *state;
    int64_t begun = count_rows(w).of[TABLE_AUDIT];
    w->now_ms += 364 * DAY_MS;
    SET(w, .visitors = 0);
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_AUDIT], begun + 1);
    w->now_ms += 2 * DAY_MS;
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_AUDIT], begun); /* that of the other organisation, and the new one */
    SET(w, .audit = 1);
    w->now_ms += 2 * DAY_MS;
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_AUDIT], begun - 1);
    assert_sound(w);
}

/* What is about no organisation that is there, such as that one was deleted. */
static void test_the_audit_log_of_the_server_is_kept_for_a_year(void **state)
{
    struct world *w = *state;
    struct command expire = {.kind = COMMAND_EXPIRE, .expire = {.limit = 10}};
    for (unsigned n = 0; n < 25; ++n) {
        struct command create = org_create(w, "short-lived");
        struct command delete = org_delete(w, must(w, &create).id);
        must(w, &delete);
        w->now_ms += DAY_MS;
    }
    int64_t begun = count_rows(w).of[TABLE_AUDIT], begun_ms = w->now_ms;
    static const struct {
        unsigned days, left;
    } steps[] = {{339, 0}, {340, 1}, {341, 2}, {360, 12}, {360, 21}, {360, 21}, {364, 25}, {9000, 25}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); ++i) {
        expire.expire.at_ms = begun_ms + (int64_t)steps[i].days * DAY_MS + 1;
        must(w, &expire);
        assert_int_equal(count_rows(w).of[TABLE_AUDIT], begun - steps[i].left);
    }
    assert_sound(w);
}

static void test_erasures_are_kept_until_somebody_asks(void **state)
{
    struct world *w = *state;
    char key[16];
    for (unsigned n = 0; n < 100; ++n) {
        snprintf(key, sizeof(key), "v_%u", n);
        converse(w, w->org, key);
        struct command command = visitor_erase(w, w->org, key);
        must(w, &command);
        w->now_ms += DAY_MS;
    }
    SET(w, .visitors = 1);
    w->now_ms += 5000 * DAY_MS;
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_ERASURES], 100);
    SET(w, .erasures = 5050);
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_ERASURES], 50);
    assert_sound(w);
}

/* ---- between the look and the command ---------------------------------------------------------------------------- */

static void test_a_command_looks_again(void **state)
{
    struct world *w = *state;
    struct id old = converse(w, w->org, "v_one"), newer = converse(w, w->org, "v_one");
    struct retention_step visitor = {.kind = RETENTION_VISITORS, .count = 1, .len = ID_LEN};
    struct retention_step messages = {.kind = RETENTION_MESSAGES, .count = 1, .len = ID_LEN};
    struct retention_step empty = {.kind = RETENTION_EMPTY, .count = 1, .len = 2 * ID_LEN};
    memcpy(visitor.subjects, visitor_of(w, w->org, "v_one").id.bytes, ID_LEN);
    memcpy(messages.subjects, old.bytes, ID_LEN);
    memcpy(empty.subjects, newer.bytes, ID_LEN);
    memcpy(empty.subjects + ID_LEN, old.bytes, ID_LEN);
    struct command commands[] = {retention_command(w->org, &visitor, w->now_ms),
                                 retention_command(w->org, &messages, w->now_ms),
                                 retention_command(w->org, &empty, w->now_ms)};
    for (unsigned i = 0; i < 3; ++i)
        assert_refused(w, &commands[i], OK); /* nothing is to go */
    SET(w, .visitors = 1, .messages = 1, .empty = 1);
    for (unsigned i = 0; i < 3; ++i)
        assert_refused(w, &commands[i], OK); /* nothing is old enough */
    int64_t later = w->now_ms + 2 * DAY_MS;
    for (unsigned i = 0; i < 3; ++i)
        commands[i].retain.at_ms = later;
    w->now_ms = later;
    write_message(w, old, "v_one", "hello", NULL);
    for (unsigned i = 0; i < 3; ++i)
        assert_refused(w, &commands[i], OK); /* seen again, and no longer empty */
    w->now_ms = later + 2 * DAY_MS;
    converse(w, w->org, "v_one");
    memcpy(empty.subjects, ID_NONE.bytes, ID_LEN);
    memcpy(empty.subjects + ID_LEN, newer.bytes, ID_LEN);
    struct command misplaced = retention_command(w->org, &empty, w->now_ms);
    assert_refused(w, &misplaced, OK); /* there is a newer one by now */
    commands[0].retain.kind = 99;
    assert_refused(w, &commands[0], ERR_CONFLICT);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    assert_refused(w, &commands[1], ERR_NOT_FOUND);
    struct retention_walk walk = retention_begin(w->org);
    assert_int_equal(look_once(w, &walk, &visitor), RETENTION_OVER);
}

static void test_nothing_of_another_organisation_goes(void **state)
{
    struct world *w = *state;
    struct id theirs = converse(w, w->other_org, "v_theirs");
    struct retention_step steps[] = {{.kind = RETENTION_VISITORS, .count = 1, .len = ID_LEN},
                                     {.kind = RETENTION_EMPTY, .count = 1, .len = 2 * ID_LEN},
                                     {.kind = RETENTION_ADDRESSES, .count = 1, .len = ID_LEN}};
    memcpy(steps[0].subjects, visitor_of(w, w->other_org, "v_theirs").id.bytes, ID_LEN);
    memcpy(steps[1].subjects + ID_LEN, theirs.bytes, ID_LEN);
    memcpy(steps[2].subjects, steps[0].subjects, ID_LEN);
    SET(w, .visitors = 1, .empty = 1, .addresses = "full");
    w->now_ms += 10 * DAY_MS;
    SET(w, .visitors = 1, .empty = 1, .addresses = "none");
    for (unsigned i = 0; i < 3; ++i) {
        struct command command = retention_command(w->org, &steps[i], w->now_ms);
        assert_refused(w, &command, OK);
    }
    run(w);
    assert_true(is_there(w, theirs));
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static bool is_due(struct world *w, struct id id)
{
    struct org org;
    struct txn *txn = look(w);
    assert_int_equal(org_get(txn, id, &org), OK);
    bool due = retention_is_due(txn, &org, w->now_ms);
    look_away(w);
    return due;
}

static void test_a_run_is_due_once_a_day_and_after_a_change(void **state)
{
    struct world *w = *state;
    assert_true(!is_due(w, w->org) && !is_due(w, w->other_org));
    w->now_ms += 2 * DAY_MS;
    assert_false(is_due(w, w->org));
    SET(w, .visitors = 90);
    assert_true(is_due(w, w->org) && !is_due(w, w->other_org));
    w->now_ms += 1;
    run(w);
    assert_false(is_due(w, w->org));
    w->now_ms += DAY_MS - 1;
    assert_false(is_due(w, w->org));
    w->now_ms += 1;
    assert_true(is_due(w, w->org));
    run(w);
    w->now_ms += 1;
    SET(w, .visitors = 30);
    assert_true(is_due(w, w->org));
    w->now_ms += 1;
    note_run(w, false);
    assert_true(is_due(w, w->org)); /* it is not over */
    note_run(w, true);
    assert_false(is_due(w, w->org));
    SET(w, .visitors = 0);
    assert_false(is_due(w, w->org));
    w->now_ms += 400 * DAY_MS;
    assert_true(is_due(w, w->org) && is_due(w, w->other_org)); /* of the audit log */
}

static void reopen(struct world *w)
{
    reader_close(w->reader);
    store_close(w->store);
    w->store = open_store(&w->directory);
    w->reader = reader_open(w->store);
}

static void test_a_run_that_was_cut_off_is_made_good(void **state)
{
    struct world *w = *state;
    char key[16];
    for (unsigned n = 0; n < 150; ++n) {
        snprintf(key, sizeof(key), "v_%u", n);
        struct id id = converse(w, w->org, key);
        for (unsigned m = 0; m < 5; ++m)
            write_message(w, id, key, "hello", NULL);
    }
    w->now_ms += 100 * DAY_MS;
    SET(w, .visitors = 90);
    for (unsigned cuts = 0; cuts < 5; ++cuts) {
        w->now_ms += 1000;
        run_some(w, 3);
        reopen(w);
        assert_sound(w);
        assert_true(is_due(w, w->org) && runs_of(w).ended_at_ms < runs_of(w).began_at_ms);
    }
    assert_true(count_rows(w).of[TABLE_VISITORS] > 0);
    run(w);
    assert_int_equal(count_rows(w).of[TABLE_VISITORS], 0);
    struct retention runs = runs_of(w);
    assert_true(runs.run_visitors == 150 && runs.run_messages == 750 && runs.ended_at_ms >= runs.began_at_ms);
    w->now_ms += DAY_MS;
    run(w);
    assert_true(runs_of(w).run_visitors == 0 && runs_of(w).visitors == 150);
}

/* ---- counting before --------------------------------------------------------------------------------------------- */

static struct retained count_run(struct world *w)
{
    struct retained counts = {0};
    struct retention_walk walk = retention_begin(w->org);
    walk.is_trial = true;
    struct retention_step step;
    enum retention_state state;
    while ((state = look_once(w, &walk, &step)) != RETENTION_OVER) {
        if (state == RETENTION_FOUND)
            assert_int_equal(retention_count(look(w), w->org, &step, w->now_ms, &counts), OK);
        if (state == RETENTION_FOUND)
            look_away(w);
    }
    return counts;
}

static void test_what_would_go_is_what_goes(void **state)
{
    struct world *w = *state;
    static const struct keeps settings[] = {{.visitors = 30}, {.messages = 50}, {.messages = 20, .redacts = true},
                                            {.empty = 30},    {.audit = 10},    {.erasures = 15}};
    char key[16];
    for (unsigned n = 0; n < 120; ++n) {
        snprintf(key, sizeof(key), "v_%u", n % 40);
        struct id id = converse(w, w->org, key);
        for (unsigned m = 0; m < n % 4; ++m)
            write_message(w, id, key, "hello", NULL);
        note(w, w->org, id, "to be remembered");
        if (n % 20 == 19) {
            struct command command = visitor_erase(w, w->org, key);
            must(w, &command);
        }
        w->now_ms += DAY_MS;
    }
    for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); ++i) {
        set(w, &settings[i]);
        w->now_ms += 1;
        struct buffer before = dump_store(w->store);
        struct retained counts = count_run(w);
        struct buffer after = dump_store(w->store);
        assert_dumps_equal(&before, &after);
        assert_true(counts.visitors + counts.conversations + counts.messages + counts.redacted + counts.others > 0);
        run(w);
        struct retention runs = runs_of(w);
        assert_int_equal(runs.run_visitors, counts.visitors);
        assert_int_equal(runs.run_conversations, counts.conversations);
        assert_int_equal(runs.run_messages, counts.messages);
        assert_int_equal(runs.run_redacted, counts.redacted);
        assert_int_equal(runs.run_others, counts.others);
        buffer_dispose(&before);
        buffer_dispose(&after);
        assert_sound(w);
    }
}

/* ---- a year ------------------------------------------------------------------------------------------------------ */

static void assert_nothing_is_too_old(struct world *w, const struct keeps *keeps)
{
    struct txn *txn = look(w);
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_VISITORS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        struct visitor visitor;
        assert_int_equal(record_decode(RECORD_VISITORS, value, &visitor), OK);
        assert_true(visitor.last_seen_at_ms >= w->now_ms - keeps->visitors * DAY_MS);
    }
    cursor_close(cursor);
    cursor = cursor_open(txn, TABLE_MESSAGES);
    error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        struct message message;
        if ((key.data[ID_LEN] & 0x80) != 0)
            continue;
        assert_int_equal(message_decode(key, value, &message), OK);
        assert_true(message.at_ms >= w->now_ms - keeps->messages * DAY_MS ||
                    (keeps->redacts && bytes_equal(message.content, BYTES(REDACTED_TEXT))));
    }
    cursor_close(cursor);
    look_away(w);
}

/* Every day somebody comes, writes, is answered, comes back or never; every night the job runs. */
static void live_a_year(struct world *w, const struct keeps *keeps)
{
    uint64_t dice = 88172645463325252u;
    struct id last = ID_NONE;
    char key[16];
    set(w, keeps);
    for (unsigned day = 0; day < 365; ++day) {
        for (unsigned visit = 0; visit < 4; ++visit) {
            dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
            snprintf(key, sizeof(key), "v_%u", (unsigned)(dice >> 20) % (10 + day));
            w->now_ms += DAY_MS / 5 + (int64_t)(dice % 60000);
            struct id id = converse(w, w->org, key);
            for (unsigned n = 0; n < dice % 4; ++n)
                write_message(w, id, key, "hello", NULL);
            if (dice % 3 == 0 && !id_is_none(last) && is_there(w, last))
                say(w, w->org, last, NULL), read_by_org(w, w->org, last, UINT64_MAX);
            last = id;
        }
        run(w);
        assert_nothing_is_too_old(w, keeps);
        if (day % 30 == 29) {
            sweep_all(w);
            assert_sound(w);
        }
    }
    assert_true(count_rows(w).of[TABLE_VISITORS] > 20 && runs_of(w).visitors > 50);
}

static void test_a_year_with_removing(void **state)
{
    live_a_year(*state, &(struct keeps){.visitors = 90, .messages = 40, .empty = 7, .audit = 30});
}

static void test_a_year_with_redacting(void **state)
{
    live_a_year(*state, &(struct keeps){.visitors = 60, .messages = 20, .redacts = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_whoever_was_not_seen_for_so_long_goes_with_everything),
        WORLD_TEST(test_whoever_was_seen_stays),
        WORLD_TEST(test_no_step_is_long_however_much_there_is),
        WORLD_TEST(test_every_step_leaves_everything_sound),
        WORLD_TEST(test_whoever_comes_back_in_the_middle_keeps_what_is_left),
        WORLD_TEST(test_old_messages_go_and_their_conversation_stays_as_it_was),
        WORLD_TEST(test_old_notes_go_with_the_messages_of_their_time),
        WORLD_TEST(test_what_has_gone_is_not_found_any_more),
        WORLD_TEST(test_nothing_is_kept_of_a_redacted_text_but_that_it_was),
        WORLD_TEST(test_clientids_go_one_by_one),
        WORLD_TEST(test_a_clientid_behind_one_that_goes_is_still_found),
        WORLD_TEST(test_empty_conversations_leave_the_chain_whole),
        WORLD_TEST(test_a_long_chain_of_empty_conversations_goes),
        WORLD_TEST(test_what_leads_to_what_is_gone_goes_too),
        WORLD_TEST(test_addresses_of_which_less_is_to_be_kept_are_cut_and_forgotten),
        WORLD_TEST(test_the_audit_log_is_kept_for_a_year_unless_somebody_says_otherwise),
        WORLD_TEST(test_the_audit_log_of_the_server_is_kept_for_a_year),
        WORLD_TEST(test_erasures_are_kept_until_somebody_asks),
        WORLD_TEST(test_a_command_looks_again),
        WORLD_TEST(test_nothing_of_another_organisation_goes),
        WORLD_TEST(test_a_run_is_due_once_a_day_and_after_a_change),
        WORLD_TEST(test_a_run_that_was_cut_off_is_made_good),
        WORLD_TEST(test_what_would_go_is_what_goes),
        WORLD_TEST(test_a_year_with_removing),
        WORLD_TEST(test_a_year_with_redacting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Erasing a visitor leaves nothing of it: every table is searched for what it was, byte by byte, and the few entries
 * that may stay for the sweep are named. Nobody else's bytes change, damage does not keep anything, and a full disk
 * does not either.
 */
#include "world.h"

#include "base/clock.h"
#include "store/internal.h"

/* ---- a visitor, and what it leaves behind ---------------------------------------------------------------------- */

/* Texts and ids by which anything of the visitor would be found. */
struct traces {
    struct buffer bytes; /* one after the other */
    unsigned count;
    struct {
        size_t offset, len;
    } at[4096];
};

static void trace(struct traces *traces, struct bytes bytes)
{
    assert_true(traces->count < sizeof(traces->at) / sizeof(traces->at[0]));
    traces->at[traces->count].offset = traces->bytes.len;
    traces->at[traces->count++].len = bytes.len;
    buffer_append(&traces->bytes, bytes.data, bytes.len);
}

static void trace_id(struct traces *traces, struct id id)
{
    trace(traces, bytes_view(id.bytes, ID_LEN));
}

static bool shows(const struct traces *traces, struct bytes bytes)
{
    for (unsigned i = 0; i < traces->count && bytes.len != 0; ++i)
        if (memmem(bytes.data, bytes.len, traces->bytes.data + traces->at[i].offset, traces->at[i].len) != NULL)
            return true;
    return false;
}

/* How many rows of each table show a trace; the others' bytes go to `others`, when it is given. */
static struct rows rows_of_traces(struct world *w, const struct traces *traces, struct buffer *others)
{
    struct rows rows = {.of = {0}};
    struct txn *txn = look(w);
    for (int table = TABLE_META + 1; table < TABLE_COUNT; ++table) {
        struct bytes key, value;
        struct cursor *cursor = cursor_open(txn, (enum table)table);
        enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
        for (; error == OK; error = cursor_next(cursor, &key, &value)) {
            if (shows(traces, key) || shows(traces, value)) {
                ++rows.of[table];
            } else if (others != NULL && table != TABLE_ERASURES && table != TABLE_AUDIT) {
                buffer_append(others, key.data, key.len);
                buffer_append(others, value.data, value.len);
            }
        }
        assert_int_equal(error, ERR_NOT_FOUND);
        cursor_close(cursor);
    }
    look_away(w);
    return rows;
}

static void assert_traces(struct world *w, const struct traces *traces, struct rows expected)
{
    struct rows rows = rows_of_traces(w, traces, NULL);
    for (int table = TABLE_META + 1; table < TABLE_COUNT; ++table)
        if (rows.of[table] != expected.of[table])
            fail_msg("%s shows %lld traces, not %lld", table_name((enum table)table), (long long)rows.of[table],
                     (long long)expected.of[table]);
}

static void put_alias(struct world *w, struct id org, const char *text, struct id target)
{
    struct command command = {.kind = COMMAND_ALIAS_IMPORT,
                              .alias_import = {.org = org, .alias = bytes_of_string(text), .target = target}};
    must(w, &command);
}

/* One message in a minute of its own, by the visitor or as an answer. */
static void talk(struct world *w, struct id org, struct id conversation, const char *key, unsigned number,
                 struct traces *traces)
{
    char content[64], client_id[32];
    int len = snprintf(content, sizeof(content), "canary-%s-%u", key, number);
    snprintf(client_id, sizeof(client_id), "client-%s-%u", key, number);
    w->now_ms += MINUTE_MS;
    struct command message = message_create(w, org, conversation, number % 3 ? key : NULL, content);
    message.message_create.by_org = number % 3 == 0;
    if (number % 2)
        message.message_create.client_id = bytes_of_string(client_id);
    must(w, &message);
    if (traces == NULL)
        return;
    trace(traces, bytes_view(content, (size_t)len));
    trace_id(traces, message.message_create.message);
    if (number % 2)
        trace(traces, bytes_of_string(client_id));
}

/* One of each status, and a note on it. */
static void work(struct world *w, struct id org, struct id conversation, const char *key, unsigned number,
                 struct traces *traces)
{
    char content[64];
    int len = snprintf(content, sizeof(content), "canary-note-%s-%u", key, number);
    note(w, org, conversation, content);
    set_status(w, org, conversation, number % STATUSES, number % STATUSES == STATUS_SNOOZED ? w->now_ms + DAY_MS : 0);
    if (traces != NULL)
        trace(traces, bytes_view(content, (size_t)len));
}

/* Conversations of 0, 1, 2, … messages, all of them read; the largest one has clientIds in slots. */
static void live(struct world *w, struct id org, const char *key, unsigned conversations, struct traces *traces)
{
    char email[64], alias[64];
    snprintf(email, sizeof(email), "canary-%s@example.org", key);
    struct command see = visitor_see(w, org, key, email);
    see.visitor_see.user_agent = bytes_of_string("an agent of nobody else");
    struct id visitor = must(w, &see).id;
    for (unsigned i = 0; i < conversations; ++i) {
        w->now_ms += MINUTE_MS;
        struct id id = converse(w, org, key);
        unsigned messages = i == 3 ? 2 * CLIENT_ID_BLOCK_ENTRIES + 5 : i;
        for (unsigned n = 0; n < messages; ++n)
            talk(w, org, id, key, i * 100 + n, traces);
        read_by_org(w, org, id, UINT64_MAX);
        struct command read = conversation_read(w, org, id, key, UINT64_MAX);
        must(w, &read);
        work(w, org, id, key, i, traces);
        snprintf(alias, sizeof(alias), "old-%s-%u", key, i);
        put_alias(w, org, alias, id);
        if (traces != NULL)
            trace_id(traces, id), trace(traces, bytes_of_string(alias));
    }
    snprintf(alias, sizeof(alias), "old-%s", key);
    put_alias(w, org, alias, visitor);
    if (traces == NULL)
        return;
    trace_id(traces, visitor);
    trace(traces, bytes_of_string(key));
    trace(traces, bytes_of_string(email));
    trace(traces, bytes_of_string(alias));
}

static struct traces *traces_of(struct world *w, const char *key, unsigned conversations)
{
    struct traces *traces = calloc(1, sizeof(*traces));
    assert_non_null(traces);
    live(w, w->org, key, conversations, traces);
    return traces;
}

static void free_traces(struct traces *traces)
{
    buffer_dispose(&traces->bytes);
    free(traces);
}

/* What an erasure leaves: that it was done, for imports and for the audit log. */
#define NOTED [TABLE_ERASURES] = 1, [TABLE_AUDIT] = 1

static struct outcome erase(struct world *w, const char *key)
{
    struct command command = visitor_erase(w, w->org, key);
    return must(w, &command);
}

/* ---- nothing is left ------------------------------------------------------------------------------------------- */

static void test_nothing_is_left_and_nobody_elses_bytes_change(void **state)
{
    struct world *w = *state;
    struct buffer before = {0}, after = {0};
    live(w, w->org, "v_other", 5, NULL);
    live(w, w->other_org, "w_same", 3, NULL);
    struct traces *traces = traces_of(w, "v_same", 6);
    live(w, w->org, "v_later", 3, NULL);
    converse(w, w->org, NULL);
    struct rows rows = rows_of_traces(w, traces, &before);
    struct id visitor = visitor_of(w, w->org, "v_same").id;
    const unsigned messages = 0 + 1 + 2 + (2 * CLIENT_ID_BLOCK_ENTRIES + 5) + 4 + 5;
    assert_true(rows.of[TABLE_CONVERSATIONS] == 6 && rows.of[TABLE_CONVERSATION_BY_MARK] == 5);
    assert_true(rows.of[TABLE_MESSAGES] > messages && rows.of[TABLE_CONVERSATION_BY_ACTIVITY] == messages + 6);
    assert_true(rows.of[TABLE_NOTES] == 6 && rows.of[TABLE_CONVERSATION_BY_WORK] == 6);
    assert_true(rows.of[TABLE_CONVERSATION_OPEN] == 4 && rows.of[TABLE_CONVERSATION_BY_SNOOZE] == 1);
    assert_true(rows.of[TABLE_ALIASES] == 7 && rows.of[TABLE_VISITOR_BY_SEEN] > 50);
    struct outcome outcome = erase(w, "v_same");
    assert_true(id_equal(outcome.id, visitor) && outcome.erased_conversations == 6);
    assert_int_equal(outcome.erased_messages, messages);
    assert_int_equal(outcome.event.kind, EVENT_ERASED);
    assert_traces(w, traces, ROWS(0));
    rows_of_traces(w, traces, &after);
    assert_dumps_equal(&before, &after);
    assert_sound(w);
    buffer_dispose(&before);
    buffer_dispose(&after);
    free_traces(traces);
}

static void test_it_is_unknown_from_then_on_and_may_come_back(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one"), before = visitor_of(w, w->org, "v_one").id;
    erase(w, "v_one");
    struct command refused[] = {
        visitor_erase(w, w->org, "v_one"),
        message_create(w, w->org, id, "v_one", "hello"),
        conversation_read(w, w->org, id, "v_one", 1),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    struct command touch = visitor_touch(w, w->org, "v_one");
    assert_refused(w, &touch, OK);
    converse(w, w->org, "v_one");
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_false(id_equal(visitor.id, before));
    assert_true(visitor.conversation_count == 1);
    assert_sound(w);
}

static void test_whoever_is_not_there_can_not_be_erased(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    struct command command = visitor_erase(w, w->org, "v_two");
    assert_refused(w, &command, ERR_NOT_FOUND);
    command = visitor_erase(w, w->other_org, "v_one");
    assert_refused(w, &command, ERR_NOT_FOUND);
    command = visitor_erase(w, world_id(w), "v_one");
    assert_refused(w, &command, ERR_NOT_FOUND);
    command = visitor_erase(w, w->org, "v_one");
    command.visitor_erase.visitor_key = BYTES_NONE;
    assert_refused(w, &command, ERR_NOT_FOUND);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    command = visitor_erase(w, w->org, "v_one");
    assert_refused(w, &command, ERR_NOT_FOUND);
}

static void test_a_visitor_without_conversations_goes_too(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command see = visitor_see(w, w->org, "v_one", "jane@example.org");
    must(w, &see);
    struct outcome outcome = erase(w, "v_one");
    assert_true(outcome.erased_conversations == 0 && outcome.erased_messages == 0);
    assert_rows_added(w, &before, ROWS(NOTED));
    assert_sound(w);
}

/* What somebody wrote into nobody's conversation is not known to be its own. */
static void test_nobodys_conversation_stays(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    struct command message = message_create(w, w->org, id, "v_one", "hello");
    must(w, &message);
    struct rows before = count_rows(w);
    erase(w, "v_one");
    assert_rows_added(w, &before,
                      ROWS([TABLE_VISITORS] = -1, [TABLE_VISITOR_BY_KEY] = -1, [TABLE_VISITOR_BY_SEEN] = -1, NOTED));
    assert_sound(w);
}

/* Two rows of an import that became one visitor: the id that is no longer one leads to it as an alias. */
static void test_the_aliases_of_a_merged_visitor_go(void **state)
{
    struct world *w = *state;
    char text[ID_TEXT_LEN];
    struct id merged = world_id(w);
    live(w, w->org, "v_other", 2, NULL);
    struct rows before = count_rows(w);
    converse(w, w->org, "v_one");
    struct command row = {.kind = COMMAND_VISITOR_IMPORT,
                          .visitor_import = {.org = w->org,
                                             .visitor = merged,
                                             .visitor_key = BYTES("v_one"),
                                             .first_seen_at_ms = w->now_ms - 10 * MINUTE_MS,
                                             .last_seen_at_ms = w->now_ms,
                                             .created_at_ms = w->now_ms,
                                             .updated_at_ms = w->now_ms,
                                             .alias = BYTES("old-visitor")}};
    must(w, &row);
    struct traces *traces = calloc(1, sizeof(*traces));
    id_format(merged, text);
    trace(traces, bytes_view(text, ID_TEXT_LEN));
    trace(traces, BYTES("old-visitor"));
    assert_traces(w, traces, ROWS([TABLE_ALIASES] = 2));
    erase(w, "v_one");
    assert_traces(w, traces, ROWS(0));
    assert_rows_added(w, &before, ROWS(NOTED));
    free_traces(traces);
}

static void test_a_thousand_conversations_go_at_once(void **state)
{
    struct world *w = *state;
    enum { CONVERSATIONS = 1000 };
    struct traces *traces = calloc(1, sizeof(*traces));
    struct id *ids = calloc(CONVERSATIONS, sizeof(*ids));
    live(w, w->org, "v_other", 4, NULL);
    struct rows before = count_rows(w);
    for (unsigned i = 0; i < CONVERSATIONS; ++i) {
        char alias[16];
        w->now_ms += MINUTE_MS / 4;
        ids[i] = converse(w, w->org, "v_one");
        if (i % 10 == 0)
            say(w, w->org, ids[i], NULL), read_by_org(w, w->org, ids[i], UINT64_MAX);
        snprintf(alias, sizeof(alias), "old-%u", i);
        if (i % 3 == 0)
            put_alias(w, w->org, alias, ids[i]);
        trace_id(traces, ids[i]);
    }
    trace(traces, BYTES("v_one"));
    trace_id(traces, visitor_of(w, w->org, "v_one").id);
    struct outcome outcome = erase(w, "v_one");
    assert_true(outcome.erased_conversations == CONVERSATIONS && outcome.erased_messages == CONVERSATIONS / 10);
    assert_traces(w, traces, ROWS(0));
    assert_rows_added(w, &before, ROWS(NOTED));
    assert_sound(w);
    free(ids);
    free_traces(traces);
}

/* ---- what can't be named, and goes with the sweep -------------------------------------------------------------- */

static bool sweep_is_due(struct world *w)
{
    bool due = rules_sweep_is_due(look(w), w->now_ms);
    look_away(w);
    return due;
}

/* Minutes in which it only read, and those of an import that was overtaken: opaque ids that lead nowhere. */
static void leave_stale(struct world *w, struct traces *traces)
{
    struct id id = converse(w, w->org, "v_one"), visitor = visitor_of(w, w->org, "v_one").id;
    for (unsigned i = 0; i < 5; ++i) {
        w->now_ms += MINUTE_MS;
        struct command touch = visitor_touch(w, w->org, "v_one");
        must(w, &touch);
        struct command row = {.kind = COMMAND_CONVERSATION_IMPORT,
                              .conversation_import = {.org = w->org,
                                                      .conversation = id,
                                                      .visitor = visitor,
                                                      .created_at_ms = NOW_MS,
                                                      .updated_at_ms = w->now_ms + DAY_MS}};
        must(w, &row);
    }
    trace_id(traces, id);
    trace_id(traces, visitor);
    trace(traces, BYTES("v_one"));
}

static void test_what_can_not_be_named_is_stale_and_a_sweep_is_due(void **state)
{
    struct world *w = *state;
    struct traces *traces = calloc(1, sizeof(*traces));
    live(w, w->org, "v_other", 3, NULL);
    leave_stale(w, traces);
    assert_false(sweep_is_due(w));
    erase(w, "v_one");
    /* Of six minutes the first and the last are known by the record; of six changes the first, by its time, and the
     * last. */
    struct rows left =
        ROWS([TABLE_VISITOR_BY_SEEN] = 4, [TABLE_CONVERSATION_BY_UPDATED] = 4, [TABLE_CONVERSATION_BY_ACTIVITY] = 5);
    assert_traces(w, traces, left);
    struct check_report report = assert_sound(w);
    assert_true(report.stale_seen >= 4 && report.stale_updated >= 4 && report.stale_activity >= 5);
    assert_true(sweep_is_due(w));
    struct command step = sweep(w, 100000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    must(w, &step);
    assert_traces(w, traces, ROWS(0));
    assert_false(sweep_is_due(w));
    assert_refused(w, &step, OK);
    free_traces(traces);
}

/* A walk that was under way may have passed the entries before they were stale. */
static void test_only_a_sweep_from_the_beginning_counts(void **state)
{
    struct world *w = *state;
    struct key seen, activity, updated;
    struct traces *traces = calloc(1, sizeof(*traces));
    leave_stale(w, traces);
    live(w, w->org, "v_other", 4, NULL);
    struct command step = sweep(w, 3, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    struct outcome outcome = must(w, &step);
    live(w, w->org, "v_more", 4, NULL);
    erase(w, "v_one");
    unsigned steps = 0;
    for (; sweep_is_due(w); ++steps) {
        seen = outcome.next_seen, activity = outcome.next_activity, updated = outcome.next_updated;
        step = sweep(w, 3, key_view(&seen), key_view(&activity), key_view(&updated));
        outcome = must(w, &step);
        assert_true(steps < 1000);
    }
    assert_true(steps > 10);
    assert_traces(w, traces, ROWS(0));
    free_traces(traces);
}

static void test_an_erasure_in_between_asks_for_another_sweep(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {"v_one", "v_two", "v_three", "v_four"};
    for (unsigned i = 0; i < 4; ++i)
        converse(w, w->org, keys[i]);
    erase(w, "v_one");
    struct command step = sweep(w, 2, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    struct outcome outcome = must(w, &step);
    assert_true(outcome.next_seen.len != 0 && outcome.next_activity.len != 0 && outcome.next_updated.len != 0);
    erase(w, "v_two");
    step = sweep(w, 100000, key_view(&outcome.next_seen), key_view(&outcome.next_activity),
                 key_view(&outcome.next_updated));
    must(w, &step);
    assert_true(sweep_is_due(w));
    step = sweep(w, 100000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    must(w, &step);
    assert_false(sweep_is_due(w));
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

/* Past the store, so that the checksum is wrong too. */
static void put_damaged(struct txn *txn, enum table table, struct bytes key)
{
    MDB_val k = {key.len, (void *)(uintptr_t)key.data}, value = {20, "twenty damaged bytes"};
    assert_int_equal(mdb_put(txn->handle, txn->store->tables[table], &k, &value, 0), 0);
}

static void put_rubbish(struct txn *txn, enum table table, struct bytes key)
{
    assert_int_equal(table_put(txn, table, key, BYTES("rubbish")), OK);
}

/* Every `each`-th value of a table. */
static void spoil(struct world *w, enum table table, unsigned each,
                  void (*put)(struct txn *txn, enum table table, struct bytes key))
{
    struct bytes key;
    unsigned number = 0;
    static struct key keys[4096];
    struct txn *txn = begin_write(w->store);
    struct cursor *cursor = cursor_open(txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL);
    for (; error == OK; error = cursor_next(cursor, &key, NULL)) {
        assert_true(number < 4096);
        key_clear(&keys[number]);
        key_put(&keys[number++], key);
    }
    cursor_close(cursor);
    for (unsigned i = 0; i < number; i += each)
        put(txn, table, key_view(&keys[i]));
    commit_write(txn);
}

/* Whatever of the visitor's is damaged: only what a damaged record alone could have named waits for the sweep. */
static void test_what_is_damaged_goes_like_the_rest(void **state)
{
    struct world *w = *state;
    static const struct {
        enum table table;
        unsigned each;
        void (*put)(struct txn *txn, enum table table, struct bytes key);
    } cases[] = {
        {TABLE_CONVERSATIONS, 3, put_rubbish},
        {TABLE_CONVERSATIONS, 3, put_damaged},
        {TABLE_CONVERSATIONS, 2, put_damaged},
        {TABLE_MESSAGES, 3, put_rubbish},
        {TABLE_MESSAGES, 1, put_damaged},
        {TABLE_VISITORS, 1, put_rubbish},
        {TABLE_VISITORS, 1, put_damaged},
        {TABLE_VISITOR_BY_KEY, 1, put_rubbish},
        {TABLE_VISITOR_BY_KEY, 1, put_damaged},
        {TABLE_VISITOR_BY_SEEN, 2, put_damaged},
        {TABLE_CONVERSATION_BY_ACTIVITY, 1, put_damaged},
        {TABLE_CONVERSATION_BY_UPDATED, 2, put_damaged},
        {TABLE_CONVERSATION_BY_MARK, 1, put_damaged},
        {TABLE_CONVERSATION_BY_WORK, 1, put_damaged},
        {TABLE_CONVERSATION_BY_SNOOZE, 1, put_damaged},
        {TABLE_CONVERSATION_OPEN, 1, put_damaged},
        {TABLE_NOTES, 1, put_damaged},
    };
    struct rows before = count_rows(w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        live(w, w->org, "v_one", 6, NULL);
        spoil(w, cases[i].table, cases[i].each, cases[i].put);
        struct outcome outcome = erase(w, "v_one");
        struct command step = sweep(w, 100000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
        must(w, &step);
        assert_int_equal(outcome.erased_conversations, 6);
        assert_rows_added(w, &before, ROWS([TABLE_ERASURES] = 1, [TABLE_AUDIT] = (int64_t)i + 1));
        assert_sound(w);
    }
}

/* The record is gone, and the key still leads to where it was. */
static void test_a_missing_record_keeps_nothing(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    live(w, w->org, "v_one", 4, NULL);
    struct id visitor = visitor_of(w, w->org, "v_one").id;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_del(txn, TABLE_VISITORS, bytes_view(visitor.bytes, ID_LEN)), OK);
    commit_write(txn);
    assert_int_equal(erase(w, "v_one").erased_conversations, 4);
    struct command step = sweep(w, 100000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
    must(w, &step); /* only the record knew when it was first seen */
    assert_rows_added(w, &before, ROWS(NOTED));
}

static void change_visitor(struct world *w, const char *key, struct id newest, uint64_t count)
{
    struct visitor visitor = visitor_of(w, w->org, key);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(visitor_get(txn, visitor.id, &visitor), OK);
    visitor.last_conversation = newest;
    visitor.conversation_count = count;
    assert_int_equal(visitor_put(txn, &visitor), OK);
    commit_write(txn);
}

/* A chain that leads astray takes nothing along that is somebody else's, and hides nothing of its own. */
static void test_a_broken_chain_neither_hides_nor_takes_others_along(void **state)
{
    struct world *w = *state;
    live(w, w->org, "v_other", 4, NULL);
    live(w, w->other_org, "v_one", 4, NULL);
    struct id nobodys = converse(w, w->org, NULL), missing = world_id(w);
    struct rows before = count_rows(w);
    struct id others = visitor_of(w, w->org, "v_other").last_conversation;
    struct id elsewhere = visitor_of(w, w->other_org, "v_one").last_conversation;
    const struct id leads[] = {others, elsewhere, nobodys, missing, ID_NONE};
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); ++i) {
        live(w, w->org, "v_one", 5, NULL);
        change_visitor(w, "v_one", leads[i], i);
        assert_int_equal(erase(w, "v_one").erased_conversations, 5);
        assert_rows_added(w, &before, ROWS([TABLE_ERASURES] = 1, [TABLE_AUDIT] = (int64_t)i + 1));
        assert_sound(w);
    }
}

static void test_a_key_that_leads_to_somebody_else_erases_nobody(void **state)
{
    struct world *w = *state;
    struct key key;
    converse(w, w->org, "v_one");
    converse(w, w->org, "v_two");
    struct id other = visitor_of(w, w->org, "v_two").id;
    struct txn *txn = begin_write(w->store);
    visitor_key_key(&key, w->org, BYTES("v_one"));
    assert_int_equal(table_put(txn, TABLE_VISITOR_BY_KEY, key_view(&key), bytes_view(other.bytes, ID_LEN)), OK);
    commit_write(txn);
    struct command command = visitor_erase(w, w->org, "v_one");
    assert_refused(w, &command, ERR_CORRUPT);
}

/* ---- a full store ---------------------------------------------------------------------------------------------- */

/* The limit of the data is reached by the visitor's own messages; what erasing needs comes out of the reserve. */
static void test_a_full_store_can_be_emptied_by_erasing(void **state)
{
    struct world *w = *state;
    static char text[3000];
    struct outcome outcome = {.seq = 0};
    memset(text, 'x', sizeof(text) - 1);
    reader_close(w->reader);
    store_close(w->store);
    w->store = open_config(&(struct store_config){
        .directory = w->directory.path, .mode = STORE_SERVE, .map_bytes = 1 << 20, .data_bytes_max = 4 << 20});
    w->reader = reader_open(w->store);
    enum error error = OK;
    unsigned written = 0, by_other = 0;
    struct id id = converse(w, w->org, "v_one"), other = converse(w, w->org, "v_two");
    while (error == OK) {
        struct command message = message_create(w, w->org, id, "v_one", text);
        error = give(w, &message, &outcome);
        written += error == OK;
        assert_true(written < 10000);
    }
    assert_int_equal(error, ERR_STORE_FULL);
    /* What one has no room for may still fit at another place, but not for long. */
    struct command message = message_create(w, w->org, other, "v_two", text);
    /* Pages of the last commits ripen meanwhile, and may have room for a few more. */
    for (; (error = give(w, &message, &outcome)) == OK; message = message_create(w, w->org, other, "v_two", text))
        assert_true(++by_other < 100);
    assert_int_equal(error, ERR_STORE_FULL);
    outcome = erase(w, "v_one");
    assert_true(written > 500 && outcome.erased_messages == written);
    assert_int_equal(count_rows(w).of[TABLE_MESSAGES], by_other == 0 ? 0 : by_other + 1); /* and its clientIds */
    /* Whether there is room again is looked at once a second. */
    uint64_t until_ns = clock_monotonic_ns() + UINT64_C(60000000000);
    do
        error = give(w, &message, &outcome);
    while (error == ERR_STORE_FULL && clock_monotonic_ns() < until_ns);
    assert_int_equal(error, OK);
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_nothing_is_left_and_nobody_elses_bytes_change),
        WORLD_TEST(test_it_is_unknown_from_then_on_and_may_come_back),
        WORLD_TEST(test_whoever_is_not_there_can_not_be_erased),
        WORLD_TEST(test_a_visitor_without_conversations_goes_too),
        WORLD_TEST(test_nobodys_conversation_stays),
        WORLD_TEST(test_the_aliases_of_a_merged_visitor_go),
        WORLD_TEST(test_a_thousand_conversations_go_at_once),
        WORLD_TEST(test_what_can_not_be_named_is_stale_and_a_sweep_is_due),
        WORLD_TEST(test_only_a_sweep_from_the_beginning_counts),
        WORLD_TEST(test_an_erasure_in_between_asks_for_another_sweep),
        WORLD_TEST(test_what_is_damaged_goes_like_the_rest),
        WORLD_TEST(test_a_missing_record_keeps_nothing),
        WORLD_TEST(test_a_broken_chain_neither_hides_nor_takes_others_along),
        WORLD_TEST(test_a_key_that_leads_to_somebody_else_erases_nobody),
        WORLD_TEST(test_a_full_store_can_be_emptied_by_erasing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

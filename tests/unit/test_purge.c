/*
 * Deleting an organisation: in steps of any size, with anything in between, until no record of it is in any table, and
 * nothing of anybody else has changed.
 */
#include "world.h"

#include "store/internal.h"

/* Two webhooks for whom something waits, is parked and has succeeded. */
static void fill_webhooks(struct world *w, struct id org)
{
    for (unsigned i = 0; i < 2; ++i) {
        struct command hook = webhook_create(w, org, "message.created conversation.created");
        struct id webhook = must(w, &hook).id, conversation = converse(w, org, NULL);
        for (unsigned n = 0; n < 4; ++n) {
            struct command result = webhook_result(w, webhook, say(w, org, conversation, NULL), HOOK_MESSAGE_CREATED,
                                                   n % 2 == 0 ? HOOK_PARK : HOOK_DELIVERED, 500);
            must(w, &result);
        }
        say(w, org, conversation, NULL);
    }
}

/* Conversations of three visitors and of nobody, with messages, clientIds, replays, tokens, members and what they did.
 */
static void fill_org(struct world *w, struct id org, unsigned conversations)
{
    static const char *const keys[] = {"v_one", "v_two", "v_three", NULL};
    for (unsigned i = 0; i < conversations; ++i) {
        const char *key = keys[i % 4];
        struct command create = conversation_create(w, org, key);
        static unsigned answers;
        char hash[IDEMPOTENCY_HASH_LEN + 1];
        memcpy(hash, org.bytes + 8, 8);
        snprintf(hash + 8, sizeof(hash) - 8, "%08x", ++answers);
        if (i % 3 == 0)
            create.conversation_create.idempotency = bytes_view(hash, IDEMPOTENCY_HASH_LEN);
        struct id id = must(w, &create).id;
        for (unsigned n = 0; n < i % 6; ++n) {
            char client_id[16];
            snprintf(client_id, sizeof(client_id), "c-%u", n);
            say(w, org, id, n % 2 ? client_id : NULL);
        }
        if (i % 2 == 1)
            read_by_org(w, org, id, UINT64_MAX);
        if (i % 5 == 1)
            note(w, org, id, "a note");
        if (i % 3 == 2)
            set_status(w, org, id, i % STATUSES, i % STATUSES == STATUS_SNOOZED ? w->now_ms + DAY_MS : 0);
        w->now_ms += i % 5 == 0 ? MINUTE_MS : 1;
    }
    static unsigned replies;
    char shortcut[16];
    snprintf(shortcut, sizeof(shortcut), "r%u", ++replies);
    struct command reply = reply_create(w, org, shortcut, "Hello");
    must(w, &reply);
    for (unsigned i = 0; i < 3; ++i) {
        struct command token = token_create(w, org);
        must(w, &token);
        char email[32];
        snprintf(email, sizeof(email), "agent-%u@example.com", i); /* the same people in every organisation */
        struct command joins = agent_create(w, email, org, i == 0 ? "owner" : "agent");
        struct outcome outcome;
        enum error error = give(w, &joins, &outcome);
        assert_true(error == OK || error == ERR_CONFLICT);
        converse(w, org, "v_erased");
        struct command erase = visitor_erase(w, org, "v_erased");
        must(w, &erase);
    }
    fill_webhooks(w, org);
    struct command note = {.kind = COMMAND_RETENTION_NOTE, .retention_note = {.org = org, .at_ms = w->now_ms}};
    must(w, &note);
}

/* What belongs to an organisation, looked for everywhere: as a part of a key, or as a part of a value. */
static void dump_without(struct world *w, struct id org, struct buffer *others, uint64_t *own)
{
    struct txn *txn = look(w);
    *own = 0;
    for (int table = TABLE_ORGS; table < TABLE_COUNT; ++table) {
        struct bytes key, value;
        struct cursor *cursor = cursor_open(txn, (enum table)table);
        for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
             error = cursor_next(cursor, &key, &value)) {
            if (memmem(key.data, key.len, org.bytes, ID_LEN) != NULL ||
                (value.len != 0 && memmem(value.data, value.len, org.bytes, ID_LEN) != NULL)) {
                ++*own;
                continue;
            }
            buffer_append(others, key.data, key.len);
            buffer_append(others, value.data, value.len);
        }
        cursor_close(cursor);
    }
    look_away(w);
}

/* Until there is no more; gives the number of steps. */
static unsigned purge_all(struct world *w, struct id org, uint64_t limit)
{
    unsigned steps = 1;
    struct command purge = org_purge(org, limit);
    for (; must(w, &purge).more; ++steps)
        assert_true(steps < 100000);
    return steps;
}

static void test_nothing_is_left_and_nobody_else_is_touched(void **state)
{
    struct world *w = *state;
    static const uint64_t limits[] = {1, 2, 3, 7, 64, 1000, UINT64_MAX};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); ++i) {
        char key[16];
        struct buffer before = {0}, after = {0};
        uint64_t own;
        snprintf(key, sizeof(key), "gone-%zu", i);
        struct command create = org_create(w, key);
        struct id org = must(w, &create).id;
        fill_org(w, w->org, 5);
        fill_org(w, org, 30);
        fill_org(w, w->other_org, 5);
        struct rows rows = count_rows(w);
        dump_without(w, org, &before, &own);
        assert_true(own > 100);
        struct command delete = org_delete(w, org);
        must(w, &delete);
        unsigned steps = purge_all(w, org, limits[i]);
        assert_true(limits[i] > 1000 ? steps == 1 : steps >= 100 / limits[i]);
        dump_without(w, org, &after, &own);
        assert_int_equal(own, 0);
        /* Answers to Idempotency-Keys and a conversation's clientIds name no organisation, so they are counted. */
        struct rows left = count_rows(w);
        assert_true(left.of[TABLE_ORGS] == rows.of[TABLE_ORGS] - 1);
        assert_true(left.of[TABLE_CONVERSATIONS] == rows.of[TABLE_CONVERSATIONS] - 32);
        assert_true(left.of[TABLE_WEBHOOKS] == rows.of[TABLE_WEBHOOKS] - 2);
        assert_true(left.of[TABLE_WEBHOOK_BY_ORG] == rows.of[TABLE_WEBHOOK_BY_ORG] - 2);
        /* The second webhook's messages are told to the first one too. */
        assert_true(left.of[TABLE_WEBHOOK_QUEUE] == rows.of[TABLE_WEBHOOK_QUEUE] - 10);
        assert_true(left.of[TABLE_WEBHOOK_PAST] == rows.of[TABLE_WEBHOOK_PAST] - 8);
        assert_true(left.of[TABLE_VISITORS] == rows.of[TABLE_VISITORS] - 3);
        assert_true(left.of[TABLE_TOKENS] == rows.of[TABLE_TOKENS] - 3);
        assert_true(left.of[TABLE_MEMBERS] == rows.of[TABLE_MEMBERS] - 3);
        assert_true(left.of[TABLE_MEMBER_BY_AGENT] == rows.of[TABLE_MEMBER_BY_AGENT] - 3);
        assert_true(left.of[TABLE_AGENTS] == rows.of[TABLE_AGENTS] && left.of[TABLE_AUDIT] < rows.of[TABLE_AUDIT]);
        assert_true(left.of[TABLE_CONVERSATION_BY_MARK] == rows.of[TABLE_CONVERSATION_BY_MARK] - 15);
        assert_sound(w);
        struct command purge = org_purge(org, 10);
        assert_refused(w, &purge, ERR_NOT_FOUND);
        buffer_dispose(&before);
        buffer_dispose(&after);
    }
}

static void test_the_others_bytes_stay_the_same(void **state)
{
    struct world *w = *state;
    fill_org(w, w->other_org, 20);
    struct buffer before = dump_store(w->store);
    struct txn *txn = begin_write(w->store);
    uint64_t seq;
    assert_int_equal(meta_get_u64(txn, META_SEQ, &seq), OK);
    write_abort(txn);
    struct command create = org_create(w, "gone");
    struct id org = must(w, &create).id;
    fill_org(w, org, 20);
    struct command delete = org_delete(w, org);
    must(w, &delete);
    purge_all(w, org, 13);
    /* What is still of it are its answers to Idempotency-Keys, until they expire, and that it was deleted, in the audit
     * log of the server; they and the counter aside, it never was. */
    txn = begin_write(w->store);
    assert_int_equal(meta_put_u64(txn, META_SEQ, seq), OK);
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_IDEMPOTENCY);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL); error == OK;
         error = cursor_next(cursor, &key, NULL))
        if (memcmp(key.data + 4, org.bytes + 8, 8) == 0)
            assert_int_equal(cursor_del(cursor), OK);
    cursor_close(cursor);
    cursor = cursor_open(txn, TABLE_AUDIT);
    assert_int_equal(cursor_seek(cursor, BYTES_NONE, &key, NULL), OK);
    assert_memory_equal(key.data, ID_NONE.bytes, ID_LEN);
    assert_int_equal(cursor_del(cursor), OK);
    cursor_close(cursor);
    commit_write(txn);
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
}

static int64_t total_rows(struct world *w)
{
    int64_t total = 0;
    struct rows rows = count_rows(w);
    for (int table = TABLE_ORGS; table < TABLE_COUNT; ++table)
        total += rows.of[table];
    return total;
}

/* A step removes as many records as it may, and those beside them that go with one of them: index entries and the
 * record's own row. */
static void test_a_step_is_bounded(void **state)
{
    struct world *w = *state;
    static const int64_t limits[] = {1, 2, 3, 4, 5, 10, 33};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); ++i) {
        char key[16];
        snprintf(key, sizeof(key), "gone-%zu", i);
        struct command create = org_create(w, key);
        struct id org = must(w, &create).id;
        fill_org(w, org, 40);
        struct command delete = org_delete(w, org), purge = org_purge(org, (uint64_t)limits[i]);
        must(w, &delete);
        for (bool more = true; more;) {
            int64_t before = total_rows(w);
            more = must(w, &purge).more;
            int64_t removed = before - total_rows(w);
            /* The last step takes the tokens and the organisation too. */
            if (removed > 5 * limits[i] + 1 + (more ? 0 : 4))
                fail_msg("a step of %lld removed %lld rows", (long long)limits[i], (long long)removed);
        }
    }
}

static void test_every_state_in_between_is_sound(void **state)
{
    struct world *w = *state;
    fill_org(w, w->other_org, 4);
    fill_org(w, w->org, 24);
    struct command delete = org_delete(w, w->org), purge = org_purge(w->org, 1);
    must(w, &delete);
    assert_int_equal(assert_sound(w).orgs_deleted, 1);
    while (must(w, &purge).more)
        assert_int_equal(assert_sound(w).orgs_deleted, 1);
    assert_int_equal(assert_sound(w).orgs_deleted, 0);
}

/* A server sweeps while the shell purges. */
static void test_a_sweep_in_between_hides_nothing_from_the_purge(void **state)
{
    struct world *w = *state;
    for (uint64_t limit = 1; limit <= 12; ++limit) {
        char key[16];
        struct buffer others = {0};
        uint64_t own;
        snprintf(key, sizeof(key), "gone-%u", (unsigned)limit);
        struct command create = org_create(w, key);
        struct id org = must(w, &create).id;
        struct rows before = count_rows(w);
        fill_org(w, org, 24);
        struct command delete = org_delete(w, org), purge = org_purge(org, limit);
        must(w, &delete);
        for (bool more = true; more;) {
            struct command step = sweep(w, 10000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
            must(w, &step);
            more = must(w, &purge).more;
        }
        dump_without(w, org, &others, &own);
        struct rows after = count_rows(w);
        assert_int_equal(own, 0);
        assert_true(after.of[TABLE_CONVERSATIONS] == before.of[TABLE_CONVERSATIONS]);
        assert_true(after.of[TABLE_MESSAGES] == before.of[TABLE_MESSAGES]);
        assert_true(after.of[TABLE_VISITORS] == before.of[TABLE_VISITORS]);
        assert_true(after.of[TABLE_CONVERSATION_BY_MARK] == before.of[TABLE_CONVERSATION_BY_MARK]);
        assert_sound(w);
        buffer_dispose(&others);
    }
}

static void test_touches_in_between_leave_nothing_behind(void **state)
{
    struct world *w = *state;
    fill_org(w, w->org, 24);
    struct command delete = org_delete(w, w->org), purge = org_purge(w->org, 2);
    must(w, &delete);
    while (must(w, &purge).more) {
        struct outcome outcome;
        w->now_ms += MINUTE_MS;
        struct command touches[] = {visitor_touch(w, w->org, "v_one"), visitor_touch(w, w->org, "v_three")};
        assert_int_equal(give(w, &touches[0], &outcome), OK);
        assert_int_equal(give(w, &touches[1], &outcome), OK);
    }
    struct buffer others = {0};
    uint64_t own;
    dump_without(w, w->org, &others, &own);
    assert_int_equal(own, 0);
    buffer_dispose(&others);
    assert_sound(w);
}

static void test_purging_goes_on_after_a_new_start(void **state)
{
    struct world *w = *state;
    fill_org(w, w->org, 24);
    struct command delete = org_delete(w, w->org), purge = org_purge(w->org, 5);
    must(w, &delete);
    while (must(w, &purge).more) {
        reader_close(w->reader);
        store_close(w->store);
        w->store = open_store(&w->directory);
        w->reader = reader_open(w->store);
    }
    struct buffer others = {0};
    uint64_t own;
    dump_without(w, w->org, &others, &own);
    assert_int_equal(own, 0);
    buffer_dispose(&others);
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

/* Past the store, so that the checksum is wrong too. */
static enum error put_damaged(struct txn *txn, enum table table, struct bytes key)
{
    MDB_val k = {key.len, (void *)(uintptr_t)key.data}, value = {20, "twenty damaged bytes"};
    return mdb_put(txn->handle, txn->store->tables[table], &k, &value, 0) == 0 ? OK : ERR_INTERNAL;
}

static enum error put_rubbish(struct txn *txn, enum table table, struct bytes key)
{
    return table_put(txn, table, key, BYTES("rubbish"));
}

/* Does that to every `each`-th value of a table. */
static void spoil(struct world *w, enum table table, unsigned each,
                  enum error (*put)(struct txn *txn, enum table table, struct bytes key))
{
    struct bytes key;
    unsigned number = 0;
    struct buffer keys = {0};
    struct txn *txn = begin_write(w->store);
    struct cursor *cursor = cursor_open(txn, table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL); error == OK;
         error = cursor_next(cursor, &key, NULL))
        if (number++ % each == 0) {
            buffer_append(&keys, &key.len, sizeof(key.len));
            buffer_append(&keys, key.data, key.len);
        }
    cursor_close(cursor);
    for (size_t at = 0; at < keys.len;) {
        size_t len;
        memcpy(&len, keys.data + at, sizeof(len));
        assert_int_equal(put(txn, table, bytes_view(keys.data + at + sizeof(len), len)), OK);
        at += sizeof(len) + len;
    }
    commit_write(txn);
    buffer_dispose(&keys);
}

static void test_damaged_records_do_not_stop_a_purge(void **state)
{
    struct world *w = *state;
    static const enum table tables[] = {TABLE_CONVERSATIONS, TABLE_MESSAGES, TABLE_VISITORS, TABLE_VISITOR_BY_SEEN};
    for (size_t i = 0; i < 8; ++i) {
        char key[16];
        struct buffer others = {0};
        uint64_t own;
        snprintf(key, sizeof(key), "gone-%zu", i);
        struct command create = org_create(w, key);
        struct id org = must(w, &create).id;
        fill_org(w, org, 20);
        spoil(w, tables[i % 4], 3, i < 4 ? put_rubbish : put_damaged);
        struct command delete = org_delete(w, org);
        must(w, &delete);
        purge_all(w, org, 11);
        dump_without(w, org, &others, &own);
        assert_int_equal(own, 0);
        buffer_dispose(&others);
    }
    assert_int_equal(count_rows(w).of[TABLE_MESSAGES], 0);
    assert_int_equal(count_rows(w).of[TABLE_CONVERSATIONS], 0);
    assert_int_equal(count_rows(w).of[TABLE_VISITORS], 0);
}

/* What only a damaged entry led to can't be found any more; but the purge comes to its end and the index is empty. */
static void test_damaged_indexes_do_not_stop_a_purge(void **state)
{
    struct world *w = *state;
    static const enum table tables[] = {TABLE_CONVERSATION_BY_ACTIVITY, TABLE_VISITOR_BY_KEY, TABLE_VISITOR_BY_SEEN,
                                        TABLE_CONVERSATION_BY_MARK};
    for (size_t i = 0; i < 4; ++i) {
        char key[16];
        snprintf(key, sizeof(key), "gone-%zu", i);
        struct command create = org_create(w, key);
        struct id org = must(w, &create).id;
        fill_org(w, org, 20);
        spoil(w, tables[i], 2, put_damaged);
        struct command delete = org_delete(w, org);
        must(w, &delete);
        purge_all(w, org, 11);
        for (size_t j = 0; j < 4; ++j)
            assert_int_equal(count_rows(w).of[tables[j]], 0);
    }
}

/* They may work for somebody else, and log in as before. */
static void test_the_agents_of_a_deleted_organisation_stay(void **state)
{
    struct world *w = *state;
    struct id both = join(w, "both@example.com", w->org, "owner"), one = join(w, "one@example.com", w->org, "agent");
    struct command second = member_set(w, w->other_org, both, "agent"), delete = org_delete(w, w->org);
    must(w, &second);
    begin_session(w, both), begin_session(w, one);
    must(w, &delete);
    purge_all(w, w->org, 3);
    struct member member;
    assert_int_equal(member_get(look(w), w->other_org, both, &member), OK);
    look_away(w);
    assert_int_equal(count_rows(w).of[TABLE_SESSIONS], 2);
    assert_int_equal(count_rows(w).of[TABLE_MEMBERS], 1);
    assert_true(bytes_equal(agent_of(w, one).email, BYTES("one@example.com")));
    assert_sound(w);
}

static void test_damaged_members_do_not_stop_a_purge(void **state)
{
    struct world *w = *state;
    fill_org(w, w->org, 1);
    spoil(w, TABLE_MEMBERS, 2, put_damaged);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    purge_all(w, w->org, 2);
    assert_int_equal(count_rows(w).of[TABLE_MEMBERS], 0);
    assert_int_equal(count_rows(w).of[TABLE_MEMBER_BY_AGENT], 0);
}

static void test_damaged_tokens_do_not_stop_a_purge(void **state)
{
    struct world *w = *state;
    fill_org(w, w->other_org, 1);
    fill_org(w, w->org, 1);
    spoil(w, TABLE_TOKENS, 2, put_damaged);
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    purge_all(w, w->org, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_nothing_is_left_and_nobody_else_is_touched),
        WORLD_TEST(test_the_others_bytes_stay_the_same),
        WORLD_TEST(test_a_step_is_bounded),
        WORLD_TEST(test_every_state_in_between_is_sound),
        WORLD_TEST(test_a_sweep_in_between_hides_nothing_from_the_purge),
        WORLD_TEST(test_touches_in_between_leave_nothing_behind),
        WORLD_TEST(test_purging_goes_on_after_a_new_start),
        WORLD_TEST(test_damaged_records_do_not_stop_a_purge),
        WORLD_TEST(test_damaged_indexes_do_not_stop_a_purge),
        WORLD_TEST(test_the_agents_of_a_deleted_organisation_stay),
        WORLD_TEST(test_damaged_members_do_not_stop_a_purge),
        WORLD_TEST(test_damaged_tokens_do_not_stop_a_purge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What an erasure leaves: that it was done, under a hash, with its counts; nobody comes back by an import who was there
 * before; and a conversation that has lost its visitor is the organisation's alone.
 */
#include "world.h"

static struct erasure erasure_of(struct world *w, const char *org_key, const char *visitor_key, enum error expected)
{
    static char hash[ERASURE_HASH_LEN];
    struct erasure erasure = {.visitors = 0};
    struct org org;
    erasure_hash(bytes_of_string(org_key), bytes_of_string(visitor_key), hash);
    struct txn *txn = look(w);
    assert_int_equal(org_get_by_key(txn, bytes_of_string(org_key), &org), OK);
    assert_int_equal(erasure_get(txn, org.id, bytes_view(hash, ERASURE_HASH_LEN), &erasure), expected);
    look_away(w);
    return erasure;
}

static struct id write_something(struct world *w, const char *key, unsigned messages)
{
    struct id id = converse(w, w->org, key);
    for (unsigned n = 0; n < messages; ++n) {
        struct command command = message_create(w, w->org, id, key, "canary-text");
        must(w, &command);
    }
    return id;
}

/* The visitor as another database has it. */
static struct command visitor_import(struct world *w, struct id org, const char *key, int64_t created_at_ms)
{
    return (struct command){.kind = COMMAND_VISITOR_IMPORT,
                            .visitor_import = {.org = org,
                                               .visitor = world_id(w),
                                               .visitor_key = bytes_of_string(key),
                                               .first_seen_at_ms = created_at_ms,
                                               .last_seen_at_ms = created_at_ms,
                                               .created_at_ms = created_at_ms,
                                               .updated_at_ms = created_at_ms}};
}

static struct command erasure_import(struct world *w, const struct erasure *erasure)
{
    return (struct command){.kind = COMMAND_ERASURE_IMPORT,
                            .erasure_import = {.org = w->org,
                                               .visitor_hash = erasure->visitor_hash,
                                               .erased_at_ms = erasure->erased_at_ms,
                                               .visitors = erasure->visitors,
                                               .conversations = erasure->conversations,
                                               .messages = erasure->messages,
                                               .anonymized = erasure->anonymized,
                                               .receipt = erasure->receipt}};
}

/* ---- what is noted -------------------------------------------------------------------------------------------------
 */

static void test_an_erasure_is_noted_with_its_counts_and_without_its_visitor(void **state)
{
    struct world *w = *state;
    write_something(w, "v_one", 3);
    write_something(w, "v_one", 2);
    struct id visitor = visitor_of(w, w->org, "v_one").id;
    struct command command = visitor_erase(w, w->org, "v_one");
    command.visitor_erase.receipt = world_id(w);
    struct outcome outcome = must(w, &command);
    assert_true(outcome.at_ms == w->now_ms && outcome.anonymized_conversations == 0);
    struct erasure erasure = erasure_of(w, "acme", "v_one", OK);
    assert_true(erasure.visitors == 1 && erasure.conversations == 2 && erasure.messages == 5);
    assert_true(erasure.anonymized == 0 && erasure.erased_at_ms == w->now_ms);
    assert_true(id_equal(erasure.receipt, command.visitor_erase.receipt));
    erasure_of(w, "other", "v_one", ERR_NOT_FOUND);
    erasure_of(w, "acme", "v_two", ERR_NOT_FOUND);
    struct buffer dump = dump_store(w->store);
    assert_null(memmem(dump.data, dump.len, "v_one", 5));
    assert_null(memmem(dump.data, dump.len, visitor.bytes, ID_LEN));
    assert_null(memmem(dump.data, dump.len, "canary-", 7));
    buffer_dispose(&dump);
    assert_sound(w);
}

static void test_the_hash_depends_on_organisation_and_key(void **state)
{
    char hashes[3][ERASURE_HASH_LEN];
    (void)state;
    erasure_hash(BYTES("acme"), BYTES("v_one"), hashes[0]);
    erasure_hash(BYTES("acme"), BYTES("v_two"), hashes[1]);
    erasure_hash(BYTES("other"), BYTES("v_one"), hashes[2]);
    for (unsigned i = 0; i < 3; ++i) {
        assert_true(erasure_hash_is_valid(bytes_view(hashes[i], ERASURE_HASH_LEN)));
        assert_memory_not_equal(hashes[i], hashes[(i + 1) % 3], ERASURE_HASH_LEN);
    }
    /* It is in databases and in exports: it must never change. */
    assert_memory_equal(hashes[0], "53a96d99a27c8fd1e9a31603f94d19d4b256ab95d9015700492f2088b4a886b1",
                        ERASURE_HASH_LEN);
    assert_false(erasure_hash_is_valid(BYTES("ABC")));
    hashes[0][5] = 'A';
    assert_false(erasure_hash_is_valid(bytes_view(hashes[0], ERASURE_HASH_LEN)));
}

static void test_counts_of_one_key_add_up_and_a_known_erasure_is_not_counted_again(void **state)
{
    struct world *w = *state;
    struct command first = visitor_erase(w, w->org, "v_one");
    write_something(w, "v_one", 3);
    must(w, &first);
    w->now_ms += DAY_MS;
    write_something(w, "v_one", 4);
    struct command second = visitor_erase(w, w->org, "v_one");
    second.visitor_erase.anonymizes = true;
    must(w, &second);
    struct erasure both = erasure_of(w, "acme", "v_one", OK);
    assert_true(both.visitors == 2 && both.conversations == 1 && both.messages == 3 && both.anonymized == 1);
    write_something(w, "v_one", 2);
    must(w, &first); /* as a restore does it again */
    struct erasure after = erasure_of(w, "acme", "v_one", OK);
    assert_true(after.visitors == 2 && after.messages == 3 && after.erased_at_ms == both.erased_at_ms);
    assert_sound(w);
}

static void test_only_who_was_meant_is_erased(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    struct id before = visitor_of(w, w->org, "v_one").id;
    struct command command = visitor_erase(w, w->org, "v_one");
    command.visitor_erase.visitor = before;
    must(w, &command);
    converse(w, w->org, "v_one"); /* another visitor, under the same key */
    assert_refused(w, &command, ERR_NOT_FOUND);
}

static int64_t acts(struct world *w)
{
    return count_rows(w).of[TABLE_AUDIT];
}

static void test_it_is_an_act_of_whoever_did_it_but_not_of_the_visitor_itself(void **state)
{
    struct world *w = *state;
    struct audit audit;
    struct bytes key, value;
    int64_t before = acts(w);
    converse(w, w->org, "v_one");
    converse(w, w->org, "v_two");
    struct command command = visitor_erase(w, w->org, "v_one");
    command.visitor_erase.by_visitor = true;
    must(w, &command);
    assert_int_equal(acts(w), before);
    command = visitor_erase(w, w->org, "v_two");
    command.visitor_erase.receipt = world_id(w);
    must(w, &command);
    assert_int_equal(acts(w), before + 1);
    struct key end;
    audit_key(&end, w->org, UINT64_MAX);
    assert_int_equal(table_get_before(look(w), TABLE_AUDIT, key_view(&end), &key, &value), OK);
    assert_int_equal(audit_decode(key, value, &audit), OK);
    assert_true(bytes_equal(audit.action, BYTES("visitor.erased")));
    assert_true(id_equal(audit.subject, command.visitor_erase.receipt) && audit.subject_name.data == NULL);
    assert_true(bytes_equal(audit.detail, BYTES("conversations: 1, messages: 0, anonymized: 0")));
    look_away(w);
}

/* ---- imports -------------------------------------------------------------------------------------------------------
 */

static void test_whoever_was_erased_does_not_come_back_by_an_import(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    int64_t created_at_ms = w->now_ms;
    w->now_ms += DAY_MS;
    struct command erase = visitor_erase(w, w->org, "v_one");
    must(w, &erase);
    struct command older = visitor_import(w, w->org, "v_one", created_at_ms);
    assert_refused(w, &older, ERR_ERASED);
    older = visitor_import(w, w->org, "v_one", w->now_ms - 1);
    assert_refused(w, &older, ERR_ERASED);
    struct command elsewhere = visitor_import(w, w->other_org, "v_one", created_at_ms);
    must(w, &elsewhere);
    struct command another = visitor_import(w, w->org, "v_two", created_at_ms);
    must(w, &another);
    struct command later = visitor_import(w, w->org, "v_one", w->now_ms);
    must(w, &later);
    /* Nor does an older row bring anything of it to the visitor that has the key now. */
    assert_refused(w, &older, ERR_ERASED);
    assert_sound(w);
}

static void test_erasures_of_another_database_count_here(void **state)
{
    struct world *w = *state;
    char hash[ERASURE_HASH_LEN];
    erasure_hash(BYTES("acme"), BYTES("v_one"), hash);
    struct erasure row = {.visitor_hash = bytes_view(hash, ERASURE_HASH_LEN),
                          .erased_at_ms = w->now_ms,
                          .visitors = 1,
                          .messages = 7,
                          .receipt = world_id(w)};
    struct command command = erasure_import(w, &row);
    assert_true(!must(w, &command).replayed);
    assert_true(must(w, &command).replayed);
    struct command older = visitor_import(w, w->org, "v_one", w->now_ms - 1);
    assert_refused(w, &older, ERR_ERASED);
    row.erased_at_ms -= DAY_MS;
    row.conversations = 3;
    command = erasure_import(w, &row);
    assert_true(must(w, &command).widened);
    struct erasure erasure = erasure_of(w, "acme", "v_one", OK);
    assert_true(erasure.erased_at_ms == w->now_ms && erasure.conversations == 3 && erasure.messages == 7);
    row.erased_at_ms = w->now_ms + DAY_MS;
    row.receipt = world_id(w);
    command = erasure_import(w, &row);
    assert_true(must(w, &command).widened);
    erasure = erasure_of(w, "acme", "v_one", OK);
    assert_true(erasure.erased_at_ms == row.erased_at_ms && id_equal(erasure.receipt, row.receipt));
    assert_sound(w);
}

static void test_what_is_no_erasure_is_refused(void **state)
{
    struct world *w = *state;
    char hash[ERASURE_HASH_LEN];
    erasure_hash(BYTES("acme"), BYTES("v_one"), hash);
    struct erasure row = {.visitor_hash = bytes_view(hash, ERASURE_HASH_LEN), .erased_at_ms = w->now_ms};
    struct command command = erasure_import(w, &row);
    command.erasure_import.visitor_hash.len -= 1;
    assert_refused(w, &command, ERR_CONFLICT);
    command = erasure_import(w, &row);
    command.erasure_import.erased_at_ms = -1;
    assert_refused(w, &command, ERR_CONFLICT);
    command = erasure_import(w, &row);
    command.erasure_import.org = world_id(w);
    assert_refused(w, &command, ERR_NOT_FOUND);
}

/* ---- conversations without their visitor ----------------------------------------------------------------------------
 */

static struct outcome anonymize(struct world *w, const char *key)
{
    struct command command = visitor_erase(w, w->org, key);
    command.visitor_erase.anonymizes = true;
    return must(w, &command);
}

static void test_an_anonymized_conversation_keeps_its_text_and_nothing_of_its_visitor(void **state)
{
    struct world *w = *state;
    struct command see = visitor_see(w, w->org, "v_one", "canary@example.org");
    see.visitor_see.address = BYTES("203.0.113.7");
    must(w, &see);
    struct id ids[] = {write_something(w, "v_one", 3), write_something(w, "v_one", 0)};
    w->now_ms += DAY_MS;
    say(w, w->org, ids[0], NULL);
    struct id visitor = visitor_of(w, w->org, "v_one").id;
    struct rows rows = count_rows(w);
    struct outcome outcome = anonymize(w, "v_one");
    assert_true(outcome.anonymized_conversations == 2 && outcome.erased_conversations == 0);
    assert_true(outcome.erased_messages == 0 && outcome.event.kind == EVENT_ERASED);
    assert_rows_added(w, &rows,
                      ROWS([TABLE_VISITORS] = -1, [TABLE_VISITOR_BY_KEY] = -1, [TABLE_VISITOR_BY_SEEN] = -1,
                           [TABLE_VISITOR_BY_EMAIL] = -3, [TABLE_ERASURES] = 1, [TABLE_AUDIT] = 1));
    struct buffer dump = dump_store(w->store);
    assert_null(memmem(dump.data, dump.len, "v_one", 5));
    assert_null(memmem(dump.data, dump.len, "canary@", 7));
    assert_null(memmem(dump.data, dump.len, "203.0.113.7", 11));
    assert_null(memmem(dump.data, dump.len, visitor.bytes, ID_LEN));
    assert_non_null(memmem(dump.data, dump.len, "canary-text", 11));
    buffer_dispose(&dump);
    for (unsigned i = 0; i < 2; ++i) {
        struct conversation conversation = conversation_of(w, ids[i]);
        assert_true(conversation.anonymized && id_is_none(conversation.visitor) &&
                    id_is_none(conversation.previous_of_visitor));
    }
    assert_sound(w);
}

static void test_it_is_the_organisations_alone(void **state)
{
    struct world *w = *state;
    struct id id = write_something(w, "v_one", 1);
    anonymize(w, "v_one");
    struct command refused[] = {message_create(w, w->org, id, "v_one", "is somebody there?"),
                                message_create(w, w->org, id, "v_two", "hello"),
                                message_create(w, w->org, id, NULL, "hello"), conversation_read(w, w->org, id, NULL, 1),
                                conversation_read(w, w->org, id, "v_one", 1)};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    say(w, w->org, id, NULL);
    read_by_org(w, w->org, id, UINT64_MAX);
    assert_sound(w);
}

/* The visitor that repeats its request is another one by now. */
static void test_an_idempotency_key_does_not_lead_to_it(void **state)
{
    struct world *w = *state;
    struct command command = conversation_create(w, w->org, "v_one");
    command.conversation_create.idempotency = BYTES("0123456789abcdef");
    struct outcome first = must(w, &command);
    anonymize(w, "v_one");
    command.conversation_create.conversation = world_id(w);
    command.conversation_create.visitor = world_id(w);
    struct outcome again = must(w, &command);
    assert_true(!again.replayed && !id_equal(again.id, first.id));
    assert_sound(w);
}

static void test_an_import_knows_that_it_is_nobodys_but_the_organisations(void **state)
{
    struct world *w = *state;
    struct command row = {.kind = COMMAND_CONVERSATION_IMPORT,
                          .conversation_import = {.org = w->org,
                                                  .conversation = world_id(w),
                                                  .created_at_ms = w->now_ms,
                                                  .updated_at_ms = w->now_ms,
                                                  .anonymized = true}};
    struct id id = row.conversation_import.conversation;
    must(w, &row);
    assert_true(must(w, &row).replayed);
    struct command message = message_create(w, w->org, id, "v_one", "hello");
    assert_refused(w, &message, ERR_NOT_FOUND);
    converse(w, w->org, "v_two");
    row.conversation_import.conversation = world_id(w);
    row.conversation_import.visitor = visitor_of(w, w->org, "v_two").id;
    assert_refused(w, &row, ERR_CONFLICT);
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_an_erasure_is_noted_with_its_counts_and_without_its_visitor),
        cmocka_unit_test(test_the_hash_depends_on_organisation_and_key),
        WORLD_TEST(test_counts_of_one_key_add_up_and_a_known_erasure_is_not_counted_again),
        WORLD_TEST(test_only_who_was_meant_is_erased),
        WORLD_TEST(test_it_is_an_act_of_whoever_did_it_but_not_of_the_visitor_itself),
        WORLD_TEST(test_whoever_was_erased_does_not_come_back_by_an_import),
        WORLD_TEST(test_erasures_of_another_database_count_here),
        WORLD_TEST(test_what_is_no_erasure_is_refused),
        WORLD_TEST(test_an_anonymized_conversation_keeps_its_text_and_nothing_of_its_visitor),
        WORLD_TEST(test_it_is_the_organisations_alone),
        WORLD_TEST(test_an_idempotency_key_does_not_lead_to_it),
        WORLD_TEST(test_an_import_knows_that_it_is_nobodys_but_the_organisations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

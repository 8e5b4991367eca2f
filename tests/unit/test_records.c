/*
 * Records in their tables: every member comes back, what a newer version appended is written back, and the questions
 * that several rooms ask (the last message, the activity of a conversation, a clientId, an Idempotency-Key) are
 * answered at their edges too.
 */
#include "stores.h"

#include "shapes.h"
#include "store/records.h"

#define NOW_MS INT64_C(1769903999999)
#define DAY_MS INT64_C(86400000)

static struct random_pool pool;

struct fixture {
    struct directory directory;
    struct store *store;
    struct txn *txn;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    f->directory = directory_make();
    f->store = open_mode(&f->directory, STORE_SERVE);
    f->txn = begin_write(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    write_abort(f->txn);
    store_close(f->store);
    directory_remove(&f->directory);
    free(f);
    return 0;
}

static struct id fresh(void)
{
    return id_make(NOW_MS, &pool);
}

/* ---- put and get ----------------------------------------------------------------------------------------------- */

#define ASSERT_SAME(name, TABLE, a, b)                                                       \
    do {                                                                                     \
        const char *difference = first_difference(&record_shapes[RECORD_##TABLE], (a), (b)); \
        if (difference != NULL)                                                              \
            fail_msg(#name ".%s differs", difference);                                       \
    } while (0)

#define TEST_BY_ID(name, TABLE)                                                     \
    static void test_every_member_of_a_##name##_comes_back(void **state)            \
    {                                                                               \
        struct fixture *f = *state;                                                 \
        for (unsigned round = 0; round < 300; ++round) {                            \
            struct name record, again;                                              \
            random_struct(&record_shapes[RECORD_##TABLE], &record, &pool);          \
            record.id = fresh();                                                    \
            memset(&again, 0xa5, sizeof(again));                                    \
            assert_int_equal(name##_get(f->txn, record.id, &again), ERR_NOT_FOUND); \
            assert_int_equal(name##_put(f->txn, &record), OK);                      \
            assert_int_equal(name##_get(f->txn, record.id, &again), OK);            \
            assert_true(id_equal(again.id, record.id));                             \
            ASSERT_SAME(name, TABLE, &record, &again);                              \
            free_struct(&record_shapes[RECORD_##TABLE], &record);                   \
        }                                                                           \
    }

TEST_BY_ID(org, ORGS)
TEST_BY_ID(token, TOKENS)
TEST_BY_ID(visitor, VISITORS)
TEST_BY_ID(conversation, CONVERSATIONS)

static void test_every_member_of_a_message_comes_back(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < 300; ++round) {
        struct message message, again;
        random_struct(&record_shapes[RECORD_MESSAGES], &message, &pool);
        message.conversation = fresh();
        message.seq = random_u64(&pool) >> 1;
        memset(&again, 0xa5, sizeof(again));
        assert_int_equal(message_get(f->txn, message.conversation, message.seq, &again), ERR_NOT_FOUND);
        assert_int_equal(message_put(f->txn, &message), OK);
        assert_int_equal(message_get(f->txn, message.conversation, message.seq, &again), OK);
        assert_true(id_equal(again.conversation, message.conversation) && again.seq == message.seq);
        ASSERT_SAME(message, MESSAGES, &message, &again);
        free_struct(&record_shapes[RECORD_MESSAGES], &message);
    }
}

static void test_fields_of_a_newer_version_survive_a_rewrite(void **state)
{
    struct fixture *f = *state;
    struct id id = fresh();
    struct visitor visitor, again;
    struct buffer newer = {0};
    struct bytes stored;
    random_struct(&record_shapes[RECORD_VISITORS], &visitor, &pool);
    put_struct(&newer, &record_shapes[RECORD_VISITORS], 1, &visitor, stored_fields(&record_shapes[RECORD_VISITORS]), 2);
    put_text(&newer, BYTES("a field of tomorrow"));
    put_array(&newer, 1);
    put_uint(&newer, 70000);
    assert_int_equal(table_put(f->txn, TABLE_VISITORS, bytes_view(id.bytes, ID_LEN), buffer_view(&newer)), OK);
    assert_int_equal(visitor_get(f->txn, id, &again), OK);
    ASSERT_SAME(visitor, VISITORS, &visitor, &again);
    assert_int_equal(visitor_put(f->txn, &again), OK);
    assert_int_equal(table_get(f->txn, TABLE_VISITORS, bytes_view(id.bytes, ID_LEN), &stored), OK);
    assert_true(bytes_equal(stored, buffer_view(&newer)));
    again.conversation_count = 4711;
    assert_int_equal(visitor_put(f->txn, &again), OK);
    assert_int_equal(table_get(f->txn, TABLE_VISITORS, bytes_view(id.bytes, ID_LEN), &stored), OK);
    assert_memory_equal(stored.data + stored.len - 25, newer.data + newer.len - 25, 25);
    buffer_dispose(&newer);
    free_struct(&record_shapes[RECORD_VISITORS], &visitor);
}

/* ---- other names ----------------------------------------------------------------------------------------------- */

static void test_an_organisation_is_found_by_its_key(void **state)
{
    struct fixture *f = *state;
    struct org org = {.id = fresh(), .key = BYTES("acme"), .name = BYTES("Acme")}, found;
    assert_int_equal(org_put(f->txn, &org), OK);
    assert_int_equal(org_get_by_key(f->txn, BYTES("acme"), &found), ERR_NOT_FOUND);
    assert_int_equal(table_put(f->txn, TABLE_ORG_BY_KEY, org.key, bytes_view(org.id.bytes, ID_LEN)), OK);
    assert_int_equal(org_get_by_key(f->txn, BYTES("acme"), &found), OK);
    assert_true(id_equal(found.id, org.id));
    assert_true(bytes_equal(found.name, BYTES("Acme")));
    assert_int_equal(org_get_by_key(f->txn, BYTES("acm"), &found), ERR_NOT_FOUND);
    assert_int_equal(org_get_by_key(f->txn, BYTES("acme2"), &found), ERR_NOT_FOUND);
    assert_int_equal(org_get_by_key(f->txn, BYTES("Acme"), &found), ERR_NOT_FOUND);
}

static void test_a_visitors_key_belongs_to_one_organisation(void **state)
{
    struct fixture *f = *state;
    struct id here = fresh(), there = fresh(), visitor = fresh(), found;
    struct key key;
    visitor_key_key(&key, here, BYTES("v_one"));
    assert_int_equal(key.len, ID_LEN + 5);
    assert_int_equal(table_put(f->txn, TABLE_VISITOR_BY_KEY, key_view(&key), bytes_view(visitor.bytes, ID_LEN)), OK);
    assert_int_equal(visitor_id_by_key(f->txn, here, BYTES("v_one"), &found), OK);
    assert_true(id_equal(found, visitor));
    assert_int_equal(visitor_id_by_key(f->txn, there, BYTES("v_one"), &found), ERR_NOT_FOUND);
    assert_int_equal(visitor_id_by_key(f->txn, here, BYTES("v_on"), &found), ERR_NOT_FOUND);
    assert_int_equal(visitor_id_by_key(f->txn, here, BYTES("v_one2"), &found), ERR_NOT_FOUND);
}

static void test_the_longest_keys_fit(void **state)
{
    struct fixture *f = *state;
    char longest[VISITOR_KEY_LEN_MAX];
    struct id org = fresh(), visitor = fresh(), found;
    struct key key;
    memset(longest, 'x', sizeof(longest));
    visitor_key_key(&key, org, bytes_view(longest, sizeof(longest)));
    assert_int_equal(table_put(f->txn, TABLE_VISITOR_BY_KEY, key_view(&key), bytes_view(visitor.bytes, ID_LEN)), OK);
    assert_int_equal(visitor_id_by_key(f->txn, org, bytes_view(longest, sizeof(longest)), &found), OK);
    assert_int_equal(visitor_id_by_key(f->txn, org, bytes_view(longest, sizeof(longest) - 1), &found), ERR_NOT_FOUND);
}

static void test_an_alias_is_its_organisations_alone(void **state)
{
    struct fixture *f = *state;
    char longest[ALIAS_LEN_MAX];
    struct id ours = fresh(), theirs = fresh();
    struct alias alias = {.org = ours, .target = fresh()}, found;
    memset(longest, '~', sizeof(longest));
    const struct bytes texts[] = {BYTES("1"), BYTES("1770313654000-ab12cd34e"), BYTES("17"),
                                  bytes_view(longest, sizeof(longest))};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        alias.text = texts[i];
        alias.target = fresh();
        assert_true(alias_text_is_fit(alias.text));
        assert_int_equal(alias_get(f->txn, ours, texts[i], &found), ERR_NOT_FOUND);
        assert_int_equal(alias_put(f->txn, &alias), OK);
        assert_int_equal(alias_get(f->txn, ours, texts[i], &found), OK);
        assert_true(id_equal(found.org, ours) && id_equal(found.target, alias.target));
        assert_true(bytes_equal(found.text, texts[i]));
        assert_int_equal(alias_get(f->txn, theirs, texts[i], &found), ERR_NOT_FOUND);
    }
    const struct bytes unfit[] = {
        BYTES_NONE,    BYTES(""),
        BYTES(" "),    BYTES("a b"),
        BYTES("a\n"),  BYTES("\xc3\xa9"),
        BYTES("\x7f"), BYTES("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0")};
    for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); ++i)
        assert_false(alias_text_is_fit(unfit[i]));
}

static void test_index_keys_sort_by_time_and_by_number(void **state)
{
    (void)state;
    struct id org = fresh(), a = fresh(), b = fresh();
    for (unsigned round = 0; round < 10000; ++round) {
        struct key first, second;
        int64_t x = (int64_t)(random_u64(&pool) % 2000000000000), y = (int64_t)(random_u64(&pool) % 2000000000000);
        visitor_seen_key(&first, org, x, a);
        visitor_seen_key(&second, org, y, b);
        assert_int_equal(first.len, 2 * ID_LEN + 4);
        int order = memcmp(first.bytes, second.bytes, ID_LEN + 4);
        assert_int_equal((order > 0) - (order < 0), (x / 60000 > y / 60000) - (x / 60000 < y / 60000));
        conversation_updated_key(&first, org, x, a);
        conversation_updated_key(&second, org, y, b);
        assert_int_equal(first.len, 2 * ID_LEN + 4);
        order = memcmp(first.bytes, second.bytes, ID_LEN + 4);
        assert_int_equal((order > 0) - (order < 0), (x / 60000 > y / 60000) - (x / 60000 < y / 60000));
        activity_key(&first, org, (uint64_t)x);
        activity_key(&second, org, (uint64_t)y);
        assert_int_equal(first.len, ID_LEN + 8);
        order = memcmp(first.bytes, second.bytes, ID_LEN + 8);
        assert_int_equal((order > 0) - (order < 0), (x > y) - (x < y));
    }
}

static void test_minutes_and_days_begin_on_time(void **state)
{
    (void)state;
    assert_int_equal(minute_of(0), 0);
    assert_int_equal(minute_of(59999), 0);
    assert_int_equal(minute_of(60000), 1);
    assert_int_equal(minute_of(NOW_MS), 29498399);
    assert_int_equal(minute_of(NOW_MS + 1), 29498400);
    assert_true(minute_of(INT64_C(253402300799999)) == 4223371679u);
    assert_int_equal(day_of(0), 0);
    assert_int_equal(day_of(DAY_MS - 1), 0);
    assert_int_equal(day_of(DAY_MS), 1);
    assert_int_equal(day_of(NOW_MS), 20484);
    assert_int_equal(day_of(NOW_MS + 1), 20485);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static void put_message(struct fixture *f, struct id conversation, uint64_t seq, uint64_t ordinal,
                        struct bytes client_id)
{
    struct message message = {.conversation = conversation,
                              .seq = seq,
                              .id = fresh(),
                              .org = conversation,
                              .role = BYTES("user"),
                              .content = BYTES("hello"),
                              .at_ms = NOW_MS + (int64_t)(seq % 1000),
                              .client_id = client_id,
                              .ordinal = ordinal};
    assert_int_equal(message_put(f->txn, &message), OK);
}

/* Behind the messages, wherever a conversation's clientIds are. */
static void put_client_ids(struct fixture *f, struct id conversation)
{
    struct key key;
    message_key(&key, conversation, MESSAGE_CLIENT_BIT);
    assert_int_equal(table_put(f->txn, TABLE_MESSAGES, key_view(&key), BYTES("sixteen bytes...")), OK);
    message_key(&key, conversation, UINT64_MAX);
    assert_int_equal(table_put(f->txn, TABLE_MESSAGES, key_view(&key), BYTES("sixteen bytes...")), OK);
}

static struct id neighbour(struct id id, int step)
{
    unsigned char *last = &id.bytes[ID_LEN - 1];
    assert_true((step > 0 && *last < 255) || (step < 0 && *last > 0));
    *last = (unsigned char)(*last + step);
    return id;
}

static struct id with_neighbours(void)
{
    struct id id = fresh();
    id.bytes[ID_LEN - 1] = 100;
    return id;
}

static void test_the_last_message_is_of_this_conversation_and_no_clientid(void **state)
{
    struct fixture *f = *state;
    struct id conversation = with_neighbours();
    struct message last;
    assert_int_equal(message_get_last(f->txn, conversation, &last), ERR_NOT_FOUND);
    put_message(f, neighbour(conversation, -1), 5, 1, BYTES_NONE);
    put_message(f, neighbour(conversation, 1), 6, 1, BYTES_NONE);
    assert_int_equal(message_get_last(f->txn, conversation, &last), ERR_NOT_FOUND);
    /* The neighbour's clientIds stand behind its messages. */
    put_client_ids(f, neighbour(conversation, -1));
    assert_int_equal(message_get_last(f->txn, conversation, &last), ERR_NOT_FOUND);
    put_message(f, conversation, 7, 1, BYTES_NONE);
    put_message(f, conversation, 300, 2, BYTES_NONE);
    put_message(f, conversation, 70000, 3, BYTES_NONE);
    put_client_ids(f, conversation);
    assert_int_equal(message_get_last(f->txn, conversation, &last), OK);
    assert_true(last.seq == 70000 && last.ordinal == 3 && id_equal(last.conversation, conversation));
    put_message(f, conversation, (UINT64_C(1) << 63) - 1, 4, BYTES_NONE);
    assert_int_equal(message_get_last(f->txn, conversation, &last), OK);
    assert_true(last.seq == (UINT64_C(1) << 63) - 1);
}

static void test_keys_of_messages_and_of_clientids_are_told_apart(void **state)
{
    (void)state;
    struct id conversation = with_neighbours();
    struct key key;
    static const uint64_t seqs[] = {0, 1, 127, 128, 255, 256, UINT32_MAX, (UINT64_C(1) << 63) - 1};
    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); ++i) {
        message_key(&key, conversation, seqs[i]);
        assert_true(message_key_is_of(key_view(&key), conversation));
        assert_false(message_key_is_of(key_view(&key), neighbour(conversation, 1)));
        message_key(&key, conversation, MESSAGE_CLIENT_BIT | seqs[i]);
        assert_false(message_key_is_of(key_view(&key), conversation));
    }
}

static void test_the_activity_is_the_last_messages(void **state)
{
    struct fixture *f = *state;
    struct conversation conversation = {
        .id = with_neighbours(), .created_at_ms = NOW_MS, .changed_at_ms = NOW_MS + 10, .changed_seq = 10};
    struct conversation_activity activity;
    assert_int_equal(conversation_activity(f->txn, &conversation, &activity), OK);
    assert_false(activity.has_message);
    assert_true(activity.seq == 10 && activity.message_count == 0 && activity.updated_at_ms == NOW_MS + 10);
    put_message(f, conversation.id, 12, 1, BYTES_NONE);
    put_message(f, conversation.id, 15, 2, BYTES_NONE);
    assert_int_equal(conversation_activity(f->txn, &conversation, &activity), OK);
    assert_true(activity.has_message && activity.last_message.seq == 15);
    assert_true(activity.seq == 15 && activity.message_count == 2 && activity.updated_at_ms == NOW_MS + 15);
    /* The conversation itself changed later than its messages did. */
    conversation.changed_seq = 20;
    conversation.changed_at_ms = NOW_MS + 20;
    assert_int_equal(conversation_activity(f->txn, &conversation, &activity), OK);
    assert_true(activity.seq == 20 && activity.message_count == 2 && activity.updated_at_ms == NOW_MS + 20);
}

/* ---- idempotency ----------------------------------------------------------------------------------------------- */

static const struct bytes some_hash = BYTES("0123456789abcdef");

static void keep(struct fixture *f, int64_t at_ms, struct id conversation)
{
    struct idempotency record = {
        .day = day_of(at_ms), .hash = some_hash, .conversation = conversation, .created_at_ms = at_ms};
    assert_int_equal(idempotency_put(f->txn, &record), OK);
}

static void test_an_answer_is_kept_for_24_hours_over_the_edge_of_the_day(void **state)
{
    struct fixture *f = *state;
    static const int64_t first_times[] = {0,
                                          1,
                                          DAY_MS - 1,
                                          DAY_MS,
                                          NOW_MS,     /* the last millisecond of a day */
                                          NOW_MS + 1, /* the first */
                                          NOW_MS + DAY_MS / 2};
    for (size_t i = 0; i < sizeof(first_times) / sizeof(first_times[0]); ++i) {
        int64_t first = first_times[i];
        struct id conversation = fresh();
        struct idempotency found;
        struct txn *txn = f->txn;
        keep(f, first, conversation);
        static const int64_t kept_for[] = {0, 1, 1000, DAY_MS / 2, DAY_MS - 1};
        for (size_t j = 0; j < sizeof(kept_for) / sizeof(kept_for[0]); ++j) {
            assert_int_equal(idempotency_get(txn, some_hash, first + kept_for[j], &found), OK);
            assert_true(id_equal(found.conversation, conversation) && found.created_at_ms == first);
            assert_true(found.day == day_of(first) && bytes_equal(found.hash, some_hash));
            assert_int_equal(idempotency_get(txn, BYTES("0123456789abcdeg"), first + kept_for[j], &found),
                             ERR_NOT_FOUND);
        }
        /* A clock that steps back, over midnight too, finds what it will have answered. */
        assert_int_equal(idempotency_get(txn, some_hash, first > 0 ? first - 1 : 0, &found), OK);
        assert_int_equal(idempotency_get(txn, some_hash, first + DAY_MS, &found), ERR_NOT_FOUND);
        assert_int_equal(idempotency_get(txn, some_hash, first + DAY_MS + 1, &found), ERR_NOT_FOUND);
        assert_int_equal(idempotency_get(txn, some_hash, first + 2 * DAY_MS, &found), ERR_NOT_FOUND);
        assert_int_equal(idempotency_get(txn, some_hash, first + 30 * DAY_MS, &found), ERR_NOT_FOUND);
        write_abort(f->txn);
        f->txn = begin_write(f->store);
    }
}

/* A key that has expired is used again, and the new answer holds from then on although the old one may still lie there.
 */
static void test_the_newer_of_two_answers_holds(void **state)
{
    struct fixture *f = *state;
    struct id old = fresh(), new = fresh();
    struct idempotency found;
    int64_t morning = NOW_MS + 1 + DAY_MS / 4;
    keep(f, morning, old);
    assert_int_equal(idempotency_get(f->txn, some_hash, morning + DAY_MS, &found), ERR_NOT_FOUND);
    keep(f, morning + DAY_MS, new);
    assert_int_equal(idempotency_get(f->txn, some_hash, morning + DAY_MS, &found), OK);
    assert_true(id_equal(found.conversation, new));
    assert_int_equal(idempotency_get(f->txn, some_hash, morning + 2 * DAY_MS - 1, &found), OK);
    assert_true(id_equal(found.conversation, new));
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_member_of_a_org_comes_back),
        STORE_TEST(test_every_member_of_a_token_comes_back),
        STORE_TEST(test_every_member_of_a_visitor_comes_back),
        STORE_TEST(test_every_member_of_a_conversation_comes_back),
        STORE_TEST(test_every_member_of_a_message_comes_back),
        STORE_TEST(test_fields_of_a_newer_version_survive_a_rewrite),
        STORE_TEST(test_an_organisation_is_found_by_its_key),
        STORE_TEST(test_a_visitors_key_belongs_to_one_organisation),
        STORE_TEST(test_the_longest_keys_fit),
        STORE_TEST(test_an_alias_is_its_organisations_alone),
        STORE_TEST(test_index_keys_sort_by_time_and_by_number),
        STORE_TEST(test_minutes_and_days_begin_on_time),
        STORE_TEST(test_the_last_message_is_of_this_conversation_and_no_clientid),
        STORE_TEST(test_keys_of_messages_and_of_clientids_are_told_apart),
        STORE_TEST(test_the_activity_is_the_last_messages),
        STORE_TEST(test_an_answer_is_kept_for_24_hours_over_the_edge_of_the_day),
        STORE_TEST(test_the_newer_of_two_answers_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

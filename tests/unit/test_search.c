/*
 * Finding messages: whatever was written is found, newest first, whether it is in the index yet or not, by each of its
 * words and by all of them together; nothing else is; and one organisation never sees another's.
 */
#include "searching.h"

static struct id conversation; /* of the test, in w->org */

static int set_up(void **state)
{
    world_set_up(state);
    conversation = converse(*state, ((struct world *)*state)->org, "v_one");
    return 0;
}

#define SEARCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

/* ---- words
 * ------------------------------------------------------------------------------------------------------------- */

/* Each is asked before anything is indexed, and when all is. */
static void assert_found(struct world *w, const char *text, size_t count)
{
    assert_hits(w, w->org, text, count);
}

static void write_all(struct world *w, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        write_text(w, w->org, conversation, texts[i]);
}

static void test_words_are_found_before_and_after_indexing(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {"The blue shirt, please", "the Blue one", "a shirt", "Größe 42?",
                                        "BLUE SHIRTS"};
    write_all(w, texts, 5);
    for (unsigned round = 0; round < 3; ++round) {
        assert_found(w, "blue ", 3);
        assert_found(w, "shirt ", 2);
        assert_found(w, "shirt", 3); /* a beginning */
        assert_found(w, "blue shirt ", 1);
        assert_found(w, "shirt blue", 1);
        assert_found(w, "grosse ", 1);
        assert_found(w, "42 ", 1);
        assert_found(w, "green ", 0);
        assert_found(w, "blue green", 0);
        if (round == 0)
            forget_index(w), build_all(w, 3);
        else
            index_all(w, w->org, 2);
    }
    assert_sound(w);
}

static void test_the_last_word_may_be_a_beginning(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {"refund", "refunds are slow", "I want a refund now", "re", "ref und"};
    write_all(w, texts, 5);
    build_all(w, 100);
    index_all(w, w->org, 2);
    assert_found(w, "r", 5);
    assert_found(w, "ref", 4);
    assert_found(w, "refund", 3);
    assert_found(w, "refund ", 2);
    assert_found(w, "refunds", 1);
    assert_found(w, "slow ref", 1);
    assert_found(w, "ref slow", 0); /* only the last one */
    assert_found(w, "und ref ", 1);
}

static void test_what_stands_together_is_found_together(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {
        "my e-mail is anna@example.org", "mail e", "example org anna", "the order of the day", "the day of the order",
        "order, of: the! day?"};
    write_all(w, texts, 6);
    build_all(w, 100);
    index_all(w, w->org, 4);
    assert_found(w, "e-mail", 1);
    assert_found(w, "anna@example.org", 1);
    assert_found(w, "anna@ex", 1);
    assert_found(w, "anna example", 2);
    assert_found(w, "\"of the day\"", 2);
    assert_found(w, "\"of the\" ", 3);
    assert_found(w, "\"order of the d", 2);
    assert_found(w, "\"of the\" \"the order\"", 2);
    assert_found(w, "“of the day” order", 2);
    assert_found(w, "\"day order\"", 0);
}

static void test_scripts_that_are_read_in_pairs_are_found_at_any_place(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {"東京都に行きます", "京都に行きます", "日", "今日は", "日本"};
    write_all(w, texts, 5);
    build_all(w, 100);
    index_all(w, w->org, 3);
    assert_found(w, "東京", 1);
    assert_found(w, "京都", 2);
    assert_found(w, "京都に ", 2);
    assert_found(w, "東京都に行", 1);
    assert_found(w, "東都", 0);
    assert_found(w, "日 ", 3);
    assert_found(w, "都 行", 2);
}

/* ---- order, pages
 * ------------------------------------------------------------------------------------------------------ */

static void test_hits_come_newest_first_over_pages_of_any_size(void **state)
{
    struct world *w = *state;
    uint64_t seqs[150];
    build_all(w, 100);
    for (unsigned i = 0; i < 150; ++i) {
        char text[64];
        snprintf(text, sizeof(text), "number %u %s %s", i, i % 3 ? "" : "third", i % 7 ? "" : "seventh");
        seqs[i] = write_text(w, w->org, conversation, text);
        if (i % 10 == 9 && i < 120) {
            struct command step = search_index(w->org, 7);
            must(w, &step);
        }
    }
    static const size_t limits[] = {1, 2, 7, 20, 1000};
    for (size_t i = 0; i < 5; ++i) {
        struct hits *hits = find_pages(w, w->org, "third ", limits[i]);
        assert_int_equal(hits->count, 50);
        for (unsigned j = 0; j < 50; ++j)
            assert_true(hits->seqs[j] == seqs[147 - 3 * j]);
        assert_int_equal(find_pages(w, w->org, "third seventh ", limits[i])->count, 8);
        assert_int_equal(find_pages(w, w->org, "num", limits[i])->count, 150);
    }
}

/* Enough to be poured together several times, also while a pour is under way. */
static void test_segments_that_are_poured_together_lose_nothing(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned i = 0; i < 700; ++i) {
        char text[64];
        snprintf(text, sizeof(text), "common w%u x%u y%u", i % 10, i % 100, i);
        write_text(w, w->org, conversation, text);
        struct command step = search_index(w->org, 3);
        must(w, &step);
        if (i % 100 == 99)
            assert_int_equal(find_all(w, w->org, "common ")->count, i + 1);
    }
    index_all(w, w->org, 3);
    assert_sound(w);
    struct segments segments;
    assert_int_equal(segments_load(look(w), w->org, &segments), OK);
    uint64_t highest = 0;
    for (size_t i = 0; i < segments_count(&segments); ++i)
        highest = segments_at(&segments, i)->level > highest ? segments_at(&segments, i)->level : highest;
    assert_in_range(segments_count(&segments), 3, 30);
    assert_in_range(highest, 2, SEARCH_LEVEL_MAX);
    segments_dispose(&segments);
    look_away(w);
    assert_found(w, "common ", 700);
    assert_found(w, "w3 ", 70);
    assert_found(w, "w3 x13 ", 7);
    assert_found(w, "w3 x14 ", 0);
    assert_found(w, "y699", 1);
    assert_found(w, "y69", 11);
    assert_found(w, "common y5", 111);
}

/* Lists that go over many blocks, and a beginning that is only found by looking it up. */
static void test_frequent_words_that_rarely_meet(void **state)
{
    struct world *w = *state;
    enum { MESSAGES = 12000 };
    build_all(w, 100);
    for (unsigned i = 0; i < MESSAGES; ++i) {
        char text[64];
        snprintf(text, sizeof(text), "%s%s", i % 2 ? "odd" : "even", i % 3000 == 1 ? " even evening" : "");
        write_text(w, w->org, conversation, text);
    }
    index_all(w, w->org, 2000);
    assert_found(w, "odd even ", 4);
    assert_found(w, "odd eveni", 4);
    assert_found(w, "eveni odd ", 0);
    assert_found(w, "evening", 4);
    assert_int_equal(find_pages(w, w->org, "odd eve", 1)->count, 4);
    assert_sound(w);
}

/* ---- what is not to be found
 * ------------------------------------------------------------------------------------------- */

static void test_another_organisation_finds_its_own(void **state)
{
    struct world *w = *state;
    struct id other = converse(w, w->other_org, NULL);
    write_text(w, w->org, conversation, "a secret of acme");
    write_text(w, w->other_org, other, "a secret of other");
    for (unsigned round = 0; round < 2; ++round) {
        assert_hits(w, w->org, "secret ", 1);
        assert_hits(w, w->org, "acme", 1);
        assert_hits(w, w->other_org, "acme", 0);
        assert_hits(w, w->other_org, "secret other ", 1);
        build_all(w, 100);
        index_all(w, w->org, 10);
        index_all(w, w->other_org, 10);
    }
    assert_sound(w);
}

static void test_a_deleted_organisation_is_not_indexed_and_leaves_nothing(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned i = 0; i < 50; ++i)
        write_text(w, w->org, conversation, "some words to be purged");
    struct command step = search_index(w->org, 20), deletion = org_delete(w, w->org);
    must(w, &step);
    struct command see = visitor_see(w, w->org, "v_one", "purged@example.org");
    must(w, &see);
    must(w, &deletion);
    assert_refused(w, &step, ERR_NOT_FOUND);
    struct command purge = org_purge(w->org, 7);
    while (must(w, &purge).more)
        assert_sound(w);
    struct rows rows = count_rows(w);
    assert_true(rows.of[TABLE_SEARCH_BLOCKS] == 0 && rows.of[TABLE_SEARCH_SEGMENTS] == 0);
    assert_true(rows.of[TABLE_SEARCH_ORGS] == 0 && rows.of[TABLE_MESSAGE_BY_SEQ] == 0);
    assert_true(rows.of[TABLE_VISITOR_BY_EMAIL] == 0);
    assert_sound(w);
}

/* ---- work is bounded
 * --------------------------------------------------------------------------------------------------- */

static void test_messages_that_wait_are_found_up_to_a_limit(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    write_text(w, w->org, conversation, "an old needle");
    index_all(w, w->org, 10);
    for (unsigned i = 0; i < SEARCH_LOOKED_MAX + 500; ++i)
        write_text(w, w->org, conversation, i == 3 ? "a lost needle" : i > 2400 ? "a needle" : "hay");
    struct hits *hits = find_all(w, w->org, "needle ");
    assert_false(hits->is_complete);
    assert_true(hits->limited == 1 && hits->pages == 2);
    assert_int_equal(hits->count, SEARCH_LOOKED_MAX + 500 - 2401 + 1);
    index_all(w, w->org, 500);
    hits = find_all(w, w->org, "needle ");
    assert_true(hits->is_complete && hits->limited == 0);
    assert_int_equal(hits->count, SEARCH_LOOKED_MAX + 500 - 2401 + 2);
}

/* Both words in each message, never side by side: every text has to be read, and is, a page at a time. */
static void test_a_question_of_much_work_goes_on_page_by_page(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    enum { MESSAGES = 2 * SEARCH_LOOKED_MAX + 100 };
    for (unsigned i = 0; i < MESSAGES; ++i)
        write_text(w, w->org, conversation, i == 5 ? "to be" : "to not be");
    index_all(w, w->org, 5000);
    struct hits *hits = find_all(w, w->org, "\"to be\"");
    assert_true(hits->count == 1 && hits->limited == 2 && hits->pages == 3 && hits->is_complete);
}

static void test_a_question_has_a_limit_of_words(void **state)
{
    struct question question;
    struct buffer text = {0};
    (void)state;
    for (unsigned i = 0; i < SEARCH_QUESTION_WORDS_MAX; ++i)
        buffer_printf(&text, "w%u ", i);
    assert_true(question_read(buffer_view(&text), &question));
    assert_int_equal(question.count, SEARCH_QUESTION_WORDS_MAX);
    buffer_append_string(&text, "more");
    assert_false(question_read(buffer_view(&text), &question));
    buffer_dispose(&text);
    static const char *const empty[] = {"", " ", "\"", "\"\"", "...", "+", "\" \" ' ?"};
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); ++i)
        assert_true(question_read(bytes_of_string(empty[i]), &question) && question.count == 0);
}

/* ---- steps
 * -------------------------------------------------------------------------------------------------------------- */

static void test_a_step_without_anything_to_do_writes_nothing(void **state)
{
    struct world *w = *state;
    forget_index(w);
    struct command index = search_index(w->org, 100), build = search_build(100);
    assert_refused(w, &index, OK); /* there is no index yet */
    build_all(w, 100);
    assert_refused(w, &build, OK);
    write_text(w, w->org, conversation, "hello");
    index_all(w, w->org, 100);
    assert_refused(w, &index, OK);
    struct command unknown = search_index(world_id(w), 100);
    assert_refused(w, &unknown, ERR_NOT_FOUND);
}

static void test_a_step_is_due_when_enough_wait(void **state)
{
    struct world *w = *state;
    forget_index(w);
    write_text(w, w->org, conversation, "hello");
    assert_false(index_is_due(w, w->org, 1));
    build_all(w, 100);
    index_all(w, w->org, 100);
    for (unsigned i = 0; i < 9; ++i)
        write_text(w, w->org, conversation, "hello");
    assert_true(index_is_due(w, w->org, 9));
    assert_false(index_is_due(w, w->org, 10));
    assert_false(index_is_due(w, w->other_org, 1));
}

/* A message is swept out of the activity before it is indexed. */
static void test_what_is_swept_first_is_found_too(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned i = 0; i < 300; ++i) {
        char text[64];
        snprintf(text, sizeof(text), "message %u", i);
        write_text(w, w->org, conversation, text);
        if (i % 100 == 50) {
            struct command step = sweep(w, 1000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
            must(w, &step);
            assert_sound(w);
        }
        if (i == 170) {
            struct command step = search_index(w->org, 60);
            must(w, &step);
        }
    }
    assert_true(count_rows(w).of[TABLE_CONVERSATION_BY_ACTIVITY] < 60);
    assert_found(w, "message ", 300);
    assert_found(w, "message 7", 11);
    index_all(w, w->org, 50);
    assert_found(w, "message ", 300);
    assert_sound(w);
}

/* ---- a database that has none yet
 * ----------------------------------------------------------------------------------------- */

static void test_an_older_database_is_indexed_while_it_is_written_to(void **state)
{
    struct world *w = *state;
    struct command see = visitor_see(w, w->org, "v_one", "anna@example.org");
    must(w, &see);
    forget_index(w);
    for (unsigned i = 0; i < 200; ++i)
        write_text(w, i % 4 ? w->org : w->other_org, i % 4 ? conversation : converse(w, w->other_org, NULL),
                   "from before");
    for (unsigned limit = 0; limit < 1000; limit += 300) { /* all of it is stale, and swept */
        struct command step = sweep(w, 1000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
        must(w, &step);
    }
    assert_int_equal(count_rows(w).of[TABLE_MESSAGE_BY_SEQ], 0);
    for (unsigned i = 0; state_of(w).phase != SEARCH_READY; ++i) {
        struct command step = search_build(7), swept = sweep(w, 100, BYTES_NONE, BYTES_NONE, BYTES_NONE);
        must(w, &step);
        write_text(w, w->org, conversation, "written meanwhile");
        if (i % 5 == 0)
            must(w, &swept);
        assert_false(find_all(w, w->org, "meanwhile ")->is_complete && state_of(w).phase != SEARCH_READY);
        assert_int_equal(find_all(w, w->org, "meanwhile ")->count, i + 1);
        assert_sound(w);
    }
    index_all(w, w->org, 30);
    index_all(w, w->other_org, 30);
    assert_hits(w, w->org, "before ", 150);
    assert_hits(w, w->other_org, "before ", 50);
    assert_sound(w);
}

static void test_a_new_database_has_a_complete_index_from_the_beginning(void **state)
{
    struct world *w = *state;
    assert_int_equal(state_of(w).phase, SEARCH_READY);
    write_text(w, w->org, conversation, "hello");
    assert_true(find_all(w, w->org, "hello")->is_complete);
    assert_found(w, "hello", 1);
    /* One that has messages does not become so by another organisation. */
    forget_index(w);
    struct command create = org_create(w, "third");
    must(w, &create);
    assert_int_equal(state_of(w).phase, SEARCH_NONE);
    assert_false(find_all(w, w->org, "hello")->is_complete);
}

static void test_an_index_that_is_built_anew_is_as_it_was(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned i = 0; i < 120; ++i)
        write_text(w, w->org, conversation, i % 2 ? "one text" : "another text");
    index_all(w, w->org, 20);
    struct command rebuild = search_rebuild(w);
    must(w, &rebuild);
    assert_int_equal(state_of(w).phase, SEARCH_CLEARING);
    assert_false(find_all(w, w->org, "text ")->is_complete);
    build_all(w, 11);
    index_all(w, w->org, 20);
    assert_hits(w, w->org, "text ", 120);
    assert_hits(w, w->org, "another", 60);
    assert_sound(w);
}

/* As if another helvino had made it, which tells words in another way. */
static void test_an_index_of_another_version_is_not_asked_and_built_anew(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned i = 0; i < 40; ++i)
        write_text(w, w->org, conversation, "a text");
    index_all(w, w->org, 20);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(meta_put_u64(txn, META_SEARCH, (SEARCH_VERSION + 1) * 8 + SEARCH_READY), OK);
    commit_write(txn);
    assert_int_equal(state_of(w).phase, SEARCH_CLEARING);
    struct hits *hits = find_all(w, w->org, "text ");
    assert_true(hits->count == 40 && !hits->is_complete); /* by what is left of their activity */
    struct command step = search_index(w->org, 100);
    assert_refused(w, &step, OK);
    build_all(w, 10);
    index_all(w, w->org, 20);
    assert_hits(w, w->org, "text ", 40);
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEARCH_TEST(test_words_are_found_before_and_after_indexing),
        SEARCH_TEST(test_the_last_word_may_be_a_beginning),
        SEARCH_TEST(test_what_stands_together_is_found_together),
        SEARCH_TEST(test_scripts_that_are_read_in_pairs_are_found_at_any_place),
        SEARCH_TEST(test_hits_come_newest_first_over_pages_of_any_size),
        SEARCH_TEST(test_segments_that_are_poured_together_lose_nothing),
        SEARCH_TEST(test_frequent_words_that_rarely_meet),
        SEARCH_TEST(test_another_organisation_finds_its_own),
        SEARCH_TEST(test_a_deleted_organisation_is_not_indexed_and_leaves_nothing),
        SEARCH_TEST(test_messages_that_wait_are_found_up_to_a_limit),
        SEARCH_TEST(test_a_question_of_much_work_goes_on_page_by_page),
        SEARCH_TEST(test_a_question_has_a_limit_of_words),
        SEARCH_TEST(test_a_step_without_anything_to_do_writes_nothing),
        SEARCH_TEST(test_a_step_is_due_when_enough_wait),
        SEARCH_TEST(test_what_is_swept_first_is_found_too),
        SEARCH_TEST(test_an_older_database_is_indexed_while_it_is_written_to),
        SEARCH_TEST(test_a_new_database_has_a_complete_index_from_the_beginning),
        SEARCH_TEST(test_an_index_that_is_built_anew_is_as_it_was),
        SEARCH_TEST(test_an_index_of_another_version_is_not_asked_and_built_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

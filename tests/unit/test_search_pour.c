/*
 * While segments are being poured together, a step at a time, the index is as good as before and after: every word is
 * found, and messages go and change, at whatever place the pour has come to.
 */
#include "search/forget.h"
#include "search/pour.h"
#include "searching.h"

#define SEGMENT_MESSAGES 60

static struct id theirs, others;

static int set_up(void **state)
{
    world_set_up(state);
    struct world *w = *state;
    theirs = converse(w, w->org, "v_one");
    others = converse(w, w->org, "v_two");
    build_all(w, 100);
    return 0;
}

#define POUR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

/* Words of every frequency: one in all, ten, a hundred, and some that come once. */
static void describe(char text[200], unsigned number)
{
    snprintf(text, 200, "all ten%u hundred%u mine%u m%u n%u o%u p%u q%u", number % 10, number % 100, number, number * 7,
             number * 13, number * 17, number * 19, number * 23);
}

/* Segments enough to be poured, of which nothing is yet; gives the seqs of the messages. */
static void fill(struct world *w, uint64_t seqs[SEARCH_POURED * SEGMENT_MESSAGES])
{
    char text[200];
    for (unsigned i = 0; i < SEARCH_POURED * SEGMENT_MESSAGES; ++i) {
        describe(text, i);
        seqs[i] = write_by(w, w->org, i % 2 ? others : theirs, i % 2 ? "v_two" : "v_one", text);
        if (i % SEGMENT_MESSAGES == SEGMENT_MESSAGES - 1) {
            struct command step = search_index(w->org, SEGMENT_MESSAGES);
            must(w, &step);
        }
    }
}

/* Every segment of the organisation, and whether some are being poured. */
static size_t count_segments(struct world *w, bool *pours)
{
    struct segments segments;
    assert_int_equal(segments_load(look(w), w->org, &segments), OK);
    size_t count = segments_count(&segments);
    *pours = false;
    for (size_t i = 0; i < count; ++i)
        *pours |= segments_at(&segments, i)->target != 0;
    segments_dispose(&segments);
    look_away(w);
    return count;
}

/* One small step; false when the pour is over. */
static bool pour(struct world *w)
{
    bool pours;
    struct command step = search_index(w->org, 1);
    must(w, &step);
    count_segments(w, &pours);
    return pours;
}

static void test_every_word_is_found_at_every_step(void **state)
{
    struct world *w = *state;
    static uint64_t seqs[SEARCH_POURED * SEGMENT_MESSAGES];
    unsigned steps = 0;
    bool pours;
    fill(w, seqs);
    assert_int_equal(count_segments(w, &pours), SEARCH_POURED);
    size_t expected = find_all(w, w->org, "hundred4")->count;
    for (bool goes_on = true; goes_on; ++steps) {
        goes_on = pour(w);
        assert_hits(w, w->org, "all ", 480);
        assert_hits(w, w->org, "ten3 ", 48);
        assert_hits(w, w->org, "ten3 hundred13 ", 5);
        assert_hits(w, w->org, "hundred4", expected);
        assert_hits(w, w->org, "mine479 ", 1);
        assert_hits(w, w->org, "all mine47", 11);
        assert_sound(w);
    }
    assert_true(steps > 5);
    assert_int_equal(count_segments(w, &pours), 1);
    assert_false(pours);
}

/* A list that fills blocks in each segment, so that a step ends within one word of one segment. */
static void test_a_word_of_many_blocks_is_found_at_every_step(void **state)
{
    struct world *w = *state;
    enum { EACH = SEARCH_BLOCK_BYTES + 500 };
    bool pours = true;
    for (unsigned i = 0; i < SEARCH_POURED * EACH; ++i) {
        write_text(w, w->org, others, i % 500 == 0 ? "word again" : "word");
        if (i % EACH == EACH - 1) {
            struct command step = search_index(w->org, EACH);
            must(w, &step);
        }
    }
    for (unsigned steps = 0; pours; ++steps) {
        pours = pour(w);
        struct hits *hits = find_pages(w, w->org, "word again ", 20);
        assert_int_equal(hits->count, (SEARCH_POURED * EACH + 499) / 500);
        assert_true(steps < 30);
    }
    assert_sound(w);
}

static void erase(struct world *w, const char *key)
{
    struct command command = visitor_erase(w, w->org, key);
    must(w, &command);
}

/* Again from the beginning for each number of steps before it. */
static void test_a_visitor_can_be_erased_at_every_step(void **state)
{
    struct world *w = *state;
    static uint64_t seqs[SEARCH_POURED * SEGMENT_MESSAGES];
    for (unsigned steps = 0; steps < 100; steps += 3) {
        bool goes_on = true;
        fill(w, seqs);
        for (unsigned i = 0; i < steps && goes_on; ++i)
            goes_on = pour(w);
        erase(w, "v_one");
        assert_hits(w, w->org, "all ", 240);
        assert_hits(w, w->org, "ten4 ", 0);
        assert_hits(w, w->org, "ten3 hundred13 ", 5);
        assert_sound(w);
        for (unsigned i = 0; i < 3; ++i)
            pour(w);
        assert_hits(w, w->org, "mine", 240);
        assert_sound(w);
        erase(w, "v_two");
        assert_int_equal(count_rows(w).of[TABLE_SEARCH_BLOCKS], 0);
        theirs = converse(w, w->org, "v_one");
        others = converse(w, w->org, "v_two");
        index_all(w, w->org, 1000);
        if (!goes_on)
            break;
    }
}

static void test_a_message_can_be_redacted_at_every_step(void **state)
{
    struct world *w = *state;
    static uint64_t seqs[SEARCH_POURED * SEGMENT_MESSAGES];
    unsigned redacted = 0;
    fill(w, seqs);
    for (bool goes_on = true; goes_on; ++redacted) {
        unsigned at = redacted * 37 % (SEARCH_POURED * SEGMENT_MESSAGES);
        goes_on = pour(w);
        redact(w, at % 2 ? others : theirs, seqs[at]);
        assert_hits(w, w->org, "mine", 479 - redacted);
        assert_hits(w, w->org, "redacted", 0);
        assert_sound(w);
    }
    assert_true(redacted > 5);
    index_all(w, w->org, 1);
    assert_hits(w, w->org, "mine", 480 - redacted);
    assert_sound(w);
}

/* What is farther apart than a set of bits would hold is not poured together. */
static void test_segments_that_are_far_apart_stay_apart(void **state)
{
    struct world *w = *state;
    bool pours;
    for (unsigned i = 0; i < 3 * SEARCH_POURED; ++i) {
        struct txn *txn = begin_write(w->store);
        uint64_t seq;
        assert_int_equal(meta_get_u64(txn, META_SEQ, &seq), OK);
        assert_int_equal(meta_put_u64(txn, META_SEQ, seq + SEARCH_SPAN_MAX / 4), OK);
        commit_write(txn);
        write_text(w, w->org, others, "far away");
        write_text(w, w->org, others, "far away too");
        index_all(w, w->org, 10);
    }
    assert_int_equal(count_segments(w, &pours), 3 * SEARCH_POURED);
    assert_hits(w, w->org, "far away", 6 * SEARCH_POURED);
    assert_hits(w, w->org, "far to", 3 * SEARCH_POURED);
    assert_sound(w);
}

/* One segment by itself may be that wide: there a beginning is looked for in the texts. */
static void test_a_wide_segment_is_searched_without_a_set(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 100; ++i) {
        struct txn *txn = begin_write(w->store);
        uint64_t seq;
        assert_int_equal(meta_get_u64(txn, META_SEQ, &seq), OK);
        assert_int_equal(meta_put_u64(txn, META_SEQ, seq + SEARCH_SPAN_MAX / 50), OK);
        commit_write(txn);
        write_text(w, w->org, others, i % 9 ? "far away" : "far apart");
    }
    index_all(w, w->org, 200);
    assert_hits(w, w->org, "fa", 100);
    assert_hits(w, w->org, "far ap", 12);
    assert_hits(w, w->org, "ap", 12);
    assert_int_equal(find_pages(w, w->org, "ap", 1)->count, 12);
    assert_hits(w, w->org, "x", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        POUR_TEST(test_every_word_is_found_at_every_step),
        POUR_TEST(test_a_word_of_many_blocks_is_found_at_every_step),
        POUR_TEST(test_a_visitor_can_be_erased_at_every_step),
        POUR_TEST(test_a_message_can_be_redacted_at_every_step),
        POUR_TEST(test_segments_that_are_far_apart_stay_apart),
        POUR_TEST(test_a_wide_segment_is_searched_without_a_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What may be tried when: order within a lane whatever happens, nothing that holds back another lane, and pauses that
 * grow and end. A random run is compared with a model that knows only those rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/hook_lanes.h"
#include "base/limits.h"
#include "base/random.h"

#define LANES 7
#define DELIVERIES 600

static struct id lane_id(unsigned number)
{
    struct id id = ID_NONE;
    id.bytes[15] = (unsigned char)(number + 1);
    return id;
}

static struct hook_place place(unsigned lane, uint64_t seq)
{
    return (struct hook_place){lane_id(lane), seq, 3};
}

static void add(struct hook_lanes *lanes, unsigned lane, uint64_t seq, int64_t due_ms)
{
    struct hook_place new = place(lane, seq);
    hook_lanes_add(lanes, &new, due_ms);
}

static void assert_takes(struct hook_lanes *lanes, int64_t now_ms, unsigned lane, uint64_t seq)
{
    struct hook_place taken;
    assert_true(hook_lanes_take(lanes, now_ms, &taken));
    assert_true(id_equal(taken.lane, lane_id(lane)));
    assert_int_equal(taken.seq, seq);
}

static void assert_takes_none(struct hook_lanes *lanes, int64_t now_ms)
{
    struct hook_place taken;
    assert_false(hook_lanes_take(lanes, now_ms, &taken));
}

static void test_one_of_a_lane_is_tried_at_a_time(void **state)
{
    (void)state;
    struct hook_lanes *lanes = hook_lanes_new();
    add(lanes, 1, 10, 0);
    add(lanes, 1, 11, 0);
    add(lanes, 2, 12, 0);
    assert_takes(lanes, 0, 1, 10);
    assert_takes(lanes, 0, 2, 12);
    assert_takes_none(lanes, 0);
    assert_int_equal(hook_lanes_under_way(lanes), 2);
    struct hook_place first = place(1, 10);
    hook_lanes_gone(lanes, &first);
    assert_takes(lanes, 0, 1, 11);
    assert_int_equal(hook_lanes_count(lanes), 2);
    hook_lanes_free(lanes);
}

static void test_a_failure_holds_back_its_lane_and_no_other(void **state)
{
    (void)state;
    struct hook_lanes *lanes = hook_lanes_new();
    struct hook_place failing = place(1, 10), other = place(2, 12);
    add(lanes, 1, 10, 0);
    add(lanes, 1, 11, 0);
    add(lanes, 2, 12, 0);
    add(lanes, 2, 13, 0);
    assert_takes(lanes, 100, 1, 10);
    hook_lanes_rest(lanes, &failing, 1100);
    assert_takes(lanes, 100, 2, 12);
    hook_lanes_gone(lanes, &other);
    assert_takes(lanes, 1099, 2, 13);
    assert_takes_none(lanes, 1099);
    assert_takes(lanes, 1100, 1, 10);
    hook_lanes_gone(lanes, &failing);
    assert_takes(lanes, 1100, 1, 11);
    hook_lanes_free(lanes);
}

/* After a change of the webhook the queue is read anew, also what is under way. */
static void test_reading_anew_doubles_nothing(void **state)
{
    (void)state;
    struct hook_lanes *lanes = hook_lanes_new();
    struct hook_place first = place(1, 10);
    for (uint64_t seq = 10; seq < 14; ++seq)
        add(lanes, 1, seq, 0);
    add(lanes, 2, 20, 5000);
    assert_takes(lanes, 0, 1, 10);
    hook_lanes_clear(lanes);
    assert_int_equal(hook_lanes_count(lanes), 1);
    for (uint64_t seq = 10; seq < 14; ++seq)
        add(lanes, 1, seq, 0);
    add(lanes, 2, 20, 0);
    assert_int_equal(hook_lanes_count(lanes), 5);
    assert_takes(lanes, 0, 2, 20);
    assert_takes_none(lanes, 0);
    hook_lanes_gone(lanes, &first);
    assert_takes(lanes, 0, 1, 11);
    hook_lanes_free(lanes);
}

/* ---- a random run ---------------------------------------------------------------------------------------------- */

struct model {
    unsigned lane;
    bool gone, under_way;
    int64_t due_ms;
};

/* The first of a lane that is not gone, if it is due and not under way. */
static bool may_be_tried(const struct model *all, unsigned count, unsigned at, int64_t now_ms)
{
    for (unsigned i = 0; i < at; ++i)
        if (all[i].lane == all[at].lane && !all[i].gone)
            return false;
    return at < count && !all[at].gone && !all[at].under_way && all[at].due_ms <= now_ms;
}

static unsigned count_triable(const struct model *all, unsigned count, int64_t now_ms)
{
    unsigned triable = 0;
    for (unsigned i = 0; i < count; ++i)
        triable += may_be_tried(all, count, i, now_ms);
    return triable;
}

static void test_a_random_run_keeps_every_rule(void **state)
{
    (void)state;
    static struct model all[DELIVERIES];
    struct random_pool pool = {0};
    struct hook_lanes *lanes = hook_lanes_new();
    unsigned count = 0, gone = 0;
    memset(all, 0, sizeof(all));
    for (int64_t now_ms = 1; gone < DELIVERIES; now_ms += (int64_t)(random_u64(&pool) % 5)) {
        unsigned what = (unsigned)(random_u64(&pool) % 3);
        if (what == 0 && count < DELIVERIES) {
            all[count].lane = (unsigned)(random_u64(&pool) % LANES);
            add(lanes, all[count].lane, count, 0);
            ++count;
        } else if (what == 1) {
            struct hook_place taken;
            unsigned triable = count_triable(all, count, now_ms);
            bool found = hook_lanes_take(lanes, now_ms, &taken);
            assert_int_equal(found, triable != 0);
            if (found) {
                assert_true(may_be_tried(all, count, (unsigned)taken.seq, now_ms));
                all[taken.seq].under_way = true;
            }
        } else {
            for (unsigned i = 0; i < count; ++i) {
                struct hook_place ended = place(all[i].lane, i);
                if (!all[i].under_way || random_u64(&pool) % 2 == 0)
                    continue;
                all[i].under_way = false;
                if (random_u64(&pool) % 3 == 0) {
                    all[i].due_ms = now_ms + (int64_t)(random_u64(&pool) % 40);
                    hook_lanes_rest(lanes, &ended, all[i].due_ms);
                } else {
                    all[i].gone = true;
                    ++gone;
                    hook_lanes_gone(lanes, &ended);
                }
            }
        }
        assert_int_equal(hook_lanes_count(lanes), count - gone);
    }
    assert_int_equal(hook_lanes_under_way(lanes), 0);
    hook_lanes_free(lanes);
}

/* ---- pauses ---------------------------------------------------------------------------------------------------- */

static void test_pauses_double_with_some_chance_and_end_after_a_day(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    for (unsigned run = 0; run < 200; ++run) {
        int64_t since_ms = INT64_C(1769903999999), now_ms = since_ms, pause_ms = WEBHOOK_RETRY_FIRST_MS;
        unsigned tries = 0;
        for (;;) {
            int64_t next_ms = hook_next_try_ms(++tries, since_ms, now_ms, random_u64(&pool));
            if (next_ms == 0)
                break;
            assert_true(next_ms - now_ms >= pause_ms - pause_ms / 4 && next_ms - now_ms <= pause_ms + pause_ms / 4 + 1);
            pause_ms = pause_ms * 2 > WEBHOOK_RETRY_LONGEST_MS ? WEBHOOK_RETRY_LONGEST_MS : pause_ms * 2;
            now_ms = next_ms;
        }
        assert_true(now_ms - since_ms <= WEBHOOK_RETRY_FOR_MS);
        assert_true(now_ms - since_ms > WEBHOOK_RETRY_FOR_MS - 2 * WEBHOOK_RETRY_LONGEST_MS);
        assert_in_range(tries, 28, 45);
    }
}

static void test_what_is_too_old_gets_one_try(void **state)
{
    (void)state;
    assert_true(hook_next_try_ms(1, 0, WEBHOOK_RETRY_FOR_MS, 0) == 0);
    assert_true(hook_next_try_ms(1, 0, WEBHOOK_RETRY_FOR_MS - 2 * WEBHOOK_RETRY_FIRST_MS, 0) != 0);
    assert_true(hook_next_try_ms(UINT64_MAX, 0, 0, UINT64_MAX) <= 2 * WEBHOOK_RETRY_LONGEST_MS);
}

static void test_a_row_of_failures_makes_a_webhook_rest(void **state)
{
    (void)state;
    int64_t before_ms = 0;
    for (unsigned failures = 0; failures < WEBHOOK_FAILURES_IN_ROW; ++failures)
        assert_int_equal(hook_pause_ms(failures), 0);
    for (unsigned failures = WEBHOOK_FAILURES_IN_ROW; failures < 100; ++failures) {
        int64_t pause_ms = hook_pause_ms(failures);
        assert_true(pause_ms >= before_ms && pause_ms > 0 && pause_ms <= WEBHOOK_PAUSE_LONGEST_MS);
        before_ms = pause_ms;
    }
    assert_int_equal(before_ms, WEBHOOK_PAUSE_LONGEST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_a_lane_is_tried_at_a_time),
        cmocka_unit_test(test_a_failure_holds_back_its_lane_and_no_other),
        cmocka_unit_test(test_reading_anew_doubles_nothing),
        cmocka_unit_test(test_a_random_run_keeps_every_rule),
        cmocka_unit_test(test_pauses_double_with_some_chance_and_end_after_a_day),
        cmocka_unit_test(test_what_is_too_old_gets_one_try),
        cmocka_unit_test(test_a_row_of_failures_makes_a_webhook_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

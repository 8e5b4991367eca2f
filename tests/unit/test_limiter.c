/*
 * Token buckets, under a clock that stands still until the test moves it: bursts, refilling, the wait that is told,
 * eviction, and threads that take from one bucket at once. The .c is included to give it that clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/random.h"

static _Atomic uint64_t clock_us = 1000000000;

static uint64_t standing_clock_ns(void)
{
    return atomic_load(&clock_us) * 1000;
}

#define clock_monotonic_ns standing_clock_ns
#include "../../src/api/limiter.c"

static int set_up(void **state)
{
    *state = limiter_new();
    return 0;
}

static int tear_down(void **state)
{
    limiter_free(*state);
    return 0;
}

static bool take(struct limiter *limiter, uint64_t key, uint64_t interval_us, uint64_t burst)
{
    uint64_t wait_us;
    return limiter_take(limiter, key, interval_us, burst, &wait_us);
}

static unsigned take_all(struct limiter *limiter, uint64_t key, uint64_t interval_us, uint64_t burst)
{
    unsigned taken = 0;
    while (taken < 100000 && take(limiter, key, interval_us, burst))
        ++taken;
    return taken;
}

static uint64_t wait_of(struct limiter *limiter, uint64_t key, uint64_t interval_us, uint64_t burst)
{
    uint64_t wait_us = 0;
    assert_false(limiter_take(limiter, key, interval_us, burst, &wait_us));
    return wait_us;
}

/* Keys of one line of buckets. */
static uint64_t key_in_line(unsigned line, unsigned number)
{
    return (uint64_t)line << 32 | (uint64_t)number << 1 | 1;
}

/* ---- one bucket ------------------------------------------------------------------------------------------------ */

static void test_a_full_bucket_holds_its_burst(void **state)
{
    static const uint64_t bursts[] = {1, 2, 30, 120, 6000, 60000};
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); ++i)
        assert_int_equal(take_all(*state, key_in_line((unsigned)i, 1), 60000000 / bursts[i], bursts[i]), bursts[i]);
}

static void test_it_fills_at_one_each_interval(void **state)
{
    uint64_t key = key_in_line(1, 1);
    assert_int_equal(take_all(*state, key, 1000, 10), 10);
    for (unsigned i = 0; i < 50; ++i) {
        clock_us += 999;
        assert_false(take(*state, key, 1000, 10));
        clock_us += 1;
        assert_int_equal(take_all(*state, key, 1000, 10), 1);
    }
    clock_us += 3500;
    assert_int_equal(take_all(*state, key, 1000, 10), 3);
    clock_us += 500;
    assert_int_equal(take_all(*state, key, 1000, 10), 1);
}

static void test_it_never_holds_more_than_its_burst(void **state)
{
    uint64_t key = key_in_line(1, 1);
    assert_int_equal(take_all(*state, key, 1000, 10), 10);
    static const uint64_t rests[] = {10000, 10001, 20000, 1000000, UINT64_C(3600000000) * 24 * 365};
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); ++i) {
        clock_us += rests[i];
        assert_int_equal(take_all(*state, key, 1000, 10), 10);
    }
}

static void test_the_wait_is_as_long_as_told(void **state)
{
    struct random_pool pool = {.left = 0};
    for (unsigned i = 0; i < 2000; ++i) {
        uint64_t key = key_in_line(i, 7), interval_us = 1 + random_u64(&pool) % 5000000,
                 burst = 1 + random_u64(&pool) % 50;
        take_all(*state, key, interval_us, burst);
        clock_us += random_u64(&pool) % interval_us;
        uint64_t wait_us = wait_of(*state, key, interval_us, burst);
        assert_true(wait_us > 0 && wait_us <= interval_us);
        clock_us += wait_us - 1;
        assert_int_equal(wait_of(*state, key, interval_us, burst), 1);
        clock_us += 1;
        assert_true(take(*state, key, interval_us, burst));
        assert_false(take(*state, key, interval_us, burst));
    }
}

/* Asking in vain costs nothing: whoever keeps knocking is let in as early as whoever waits. */
static void test_a_refusal_takes_nothing(void **state)
{
    uint64_t key = key_in_line(1, 1);
    take_all(*state, key, 1000, 5);
    for (unsigned i = 0; i < 1000; ++i)
        assert_int_equal(wait_of(*state, key, 1000, 5), 1000);
    clock_us += 1000;
    assert_true(take(*state, key, 1000, 5));
}

static void test_an_interval_of_nothing_never_limits(void **state)
{
    assert_int_equal(take_all(*state, key_in_line(1, 1), 0, 1), 100000);
    assert_int_equal(take_all(*state, key_in_line(1, 1), 0, UINT32_MAX), 100000);
}

static void test_a_burst_of_nothing_is_always_refused(void **state)
{
    for (unsigned i = 0; i < 10; ++i) {
        assert_int_equal(wait_of(*state, key_in_line(1, 1), 1000, 0), 1000);
        clock_us += 5000;
    }
}

/* ---- many ------------------------------------------------------------------------------------------------------ */

static void test_keys_do_not_share_their_tokens(void **state)
{
    struct limiter *limiter = *state;
    /* Far fewer than there are lines; still some share one, never more than it holds. */
    for (unsigned round = 0; round < 2; ++round)
        for (unsigned visitor = 0; visitor < 200; ++visitor) {
            char name[32];
            int len = snprintf(name, sizeof(name), "v_%u", visitor);
            uint64_t key = limiter_key(limiter, 1, BYTES("0123456789abcdef"), bytes_view(name, (size_t)len));
            assert_int_equal(take_all(limiter, key, 1000000, 4), round == 0 ? 4 : 0);
        }
}

static void test_keys_are_made_of_all_parts(void **state)
{
    struct limiter *limiter = *state, *other = limiter_new();
    uint64_t keys[] = {
        limiter_key(limiter, 1, BYTES("0123456789abcdef"), BYTES("v_one")),
        limiter_key(limiter, 2, BYTES("0123456789abcdef"), BYTES("v_one")),
        limiter_key(limiter, 1, BYTES("0123456789abcdeF"), BYTES("v_one")),
        limiter_key(limiter, 1, BYTES("0123456789abcdef"), BYTES("v_two")),
        limiter_key(limiter, 1, BYTES("0123456789abcdef"), BYTES_NONE),
        limiter_key(limiter, 256, BYTES("0123456789abcdef"), BYTES("v_one")),
        /* Not to be guessed from outside: another limiter has others. */
        limiter_key(other, 1, BYTES("0123456789abcdef"), BYTES("v_one")),
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); ++i) {
        assert_true(keys[i] != 0);
        for (size_t j = 0; j < i; ++j)
            assert_true(keys[i] != keys[j]);
    }
    assert_true(limiter_key(limiter, 1, BYTES("0123456789abcdef"), BYTES("v_one")) == keys[0]);
    limiter_free(other);
}

static void test_the_longest_keys_are_told_apart_at_their_end(void **state)
{
    char name[80];
    uint64_t before = 0;
    memset(name, 'x', sizeof(name));
    for (unsigned i = 0; i < 26; ++i) {
        name[sizeof(name) - 1] = (char)('a' + i);
        uint64_t key = limiter_key(*state, 1, BYTES("0123456789abcdef"), bytes_view(name, sizeof(name)));
        assert_true(key != before);
        before = key;
    }
}

static void test_whoever_is_limited_stays_so_when_others_crowd_in(void **state)
{
    uint64_t limited[] = {key_in_line(5, 1), key_in_line(5, 2)};
    for (unsigned i = 0; i < 2; ++i)
        assert_int_equal(take_all(*state, limited[i], 1000000, 60), 60);
    for (unsigned other = 10; other < 10000; ++other) {
        assert_true(take(*state, key_in_line(5, other), 1000000, 60));
        if (other % 100 == 0)
            for (unsigned i = 0; i < 2; ++i)
                assert_false(take(*state, limited[i], 1000000, 60));
    }
    clock_us += 1000000;
    for (unsigned i = 0; i < 2; ++i)
        assert_int_equal(take_all(*state, limited[i], 1000000, 60), 1);
}

static void test_a_bucket_that_is_full_again_makes_room_first(void **state)
{
    uint64_t old = key_in_line(5, 1), young[] = {key_in_line(5, 2), key_in_line(5, 3)};
    take_all(*state, old, 1000, 60);
    clock_us += 60000;
    for (unsigned i = 0; i < 2; ++i)
        assert_int_equal(take_all(*state, young[i], 1000, 60), 60);
    assert_int_equal(take_all(*state, key_in_line(5, 4), 1000, 60), 60);
    for (unsigned i = 0; i < 2; ++i)
        assert_false(take(*state, young[i], 1000, 60));
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

#define THREADS 8

struct taking {
    pthread_t thread;
    struct limiter *limiter;
    unsigned number, taken[4];
};

static void *take_in_a_thread(void *argument)
{
    struct taking *taking = argument;
    for (unsigned i = 0; i < 40000; ++i)
        for (unsigned k = 0; k < 3; ++k)
            taking->taken[k] += take(taking->limiter, key_in_line(9, k), 1000000, 5000);
    /* And one of its own, in the same line as another's. */
    for (unsigned i = 0; i < 1000; ++i)
        taking->taken[3] += take(taking->limiter, key_in_line(100 + taking->number / 2, taking->number), 1000000, 77);
    return NULL;
}

static void test_threads_together_take_what_there_is_and_no_more(void **state)
{
    struct taking takings[THREADS];
    unsigned taken[3] = {0};
    for (unsigned i = 0; i < THREADS; ++i) {
        takings[i] = (struct taking){.limiter = *state, .number = i};
        assert_int_equal(pthread_create(&takings[i].thread, NULL, take_in_a_thread, &takings[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; ++i) {
        assert_int_equal(pthread_join(takings[i].thread, NULL), 0);
        for (unsigned k = 0; k < 3; ++k)
            taken[k] += takings[i].taken[k];
        assert_int_equal(takings[i].taken[3], 77);
    }
    for (unsigned k = 0; k < 3; ++k)
        assert_int_equal(taken[k], 5000);
}

int main(void)
{
#define LIMITER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LIMITER_TEST(test_a_full_bucket_holds_its_burst),
        LIMITER_TEST(test_it_fills_at_one_each_interval),
        LIMITER_TEST(test_it_never_holds_more_than_its_burst),
        LIMITER_TEST(test_the_wait_is_as_long_as_told),
        LIMITER_TEST(test_a_refusal_takes_nothing),
        LIMITER_TEST(test_an_interval_of_nothing_never_limits),
        LIMITER_TEST(test_a_burst_of_nothing_is_always_refused),
        LIMITER_TEST(test_keys_do_not_share_their_tokens),
        LIMITER_TEST(test_keys_are_made_of_all_parts),
        LIMITER_TEST(test_the_longest_keys_are_told_apart_at_their_end),
        LIMITER_TEST(test_whoever_is_limited_stays_so_when_others_crowd_in),
        LIMITER_TEST(test_a_bucket_that_is_full_again_makes_room_first),
        LIMITER_TEST(test_threads_together_take_what_there_is_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The pool of random bytes: nothing is given out twice, nothing given out stays behind, every size fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

static void test_a_hundred_thousand_numbers_are_all_different(void **state)
{
    (void)state;
    enum { NUMBERS = 100000 };
    static uint64_t numbers[NUMBERS];
    struct random_pool pools[2] = {{.left = 0}, {.left = 0}};
    for (unsigned i = 0; i < NUMBERS; ++i)
        numbers[i] = random_u64(&pools[i % 2]);
    qsort(numbers, NUMBERS, sizeof(numbers[0]), compare);
    for (unsigned i = 1; i < NUMBERS; ++i)
        assert_true(numbers[i] != numbers[i - 1]);
}

static void test_what_was_given_out_is_wiped(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    for (unsigned i = 0; i < 1000; ++i) {
        unsigned char out[100];
        random_fill(&pool, out, 1 + i % sizeof(out));
        size_t used = sizeof(pool.bytes) - pool.left;
        for (size_t at = 0; at < used; ++at)
            assert_int_equal(pool.bytes[at], 0);
    }
}

static void test_every_length_up_to_the_pool_is_filled_and_no_more(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    for (size_t len = 0; len <= sizeof(pool.bytes); ++len) {
        unsigned char *out = malloc(len + 1);
        unsigned zeros = 0;
        memset(out, 0, len + 1);
        random_fill(&pool, out, len);
        for (size_t i = 0; i < len; ++i)
            zeros += out[i] == 0;
        assert_int_equal(out[len], 0);
        assert_true(zeros <= 8 + len / 16); /* four in 1,024 are expected */
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hundred_thousand_numbers_are_all_different),
        cmocka_unit_test(test_what_was_given_out_is_wiped),
        cmocka_unit_test(test_every_length_up_to_the_pool_is_filled_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

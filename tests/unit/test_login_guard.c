/*
 * How often somebody may try to log in: what is free, how the wait grows, whom it hits and whom not, and that neither
 * many tries at once nor a clock that two threads read in another order gets around it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium.h>

#include "api/login_guard.h"
#include "base/limits.h"

#define NOW_MS UINT64_C(1000000000)

static struct login_guard *guard;

static int set_up(void **state)
{
    (void)state;
    guard = login_guard_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    login_guard_free(guard);
    return 0;
}

static uint64_t account(const char *email)
{
    return login_guard_account(guard, bytes_of_string(email), false);
}

static uint64_t address(const char *text)
{
    return login_guard_address(guard, bytes_of_string(text));
}

static uint64_t factor(unsigned char number)
{
    return login_guard_factor(guard, (struct id){{number}});
}

/* A try that fails; how long it would have had to wait. */
static uint64_t miss(uint64_t key, uint64_t now_ms)
{
    struct login_try try;
    return login_guard_try(guard, key, key, now_ms, &try);
}

/* Fails as soon as it may, so often. Gives the time after the last wait. */
static uint64_t miss_patiently(uint64_t key, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; ++i) {
        uint64_t wait_ms = miss(key, now_ms);
        if (wait_ms != 0) {
            now_ms += wait_ms;
            assert_int_equal(miss(key, now_ms), 0);
        }
    }
    return now_ms;
}

/* How long the next try has to wait, which is not made. */
static uint64_t wait_of(uint64_t key, uint64_t now_ms)
{
    struct login_try try;
    uint64_t wait_ms = login_guard_try(guard, key, key, now_ms, &try);
    if (wait_ms == 0)
        login_guard_take_back(guard, &try, now_ms);
    return wait_ms;
}

/* ---- growth ---------------------------------------------------------------------------------------------------- */

static void test_a_few_failures_are_free_then_the_wait_doubles_up_to_a_limit(void **state)
{
    (void)state;
    const struct {
        uint64_t key;
        unsigned is_free;
        uint64_t most_ms;
    } cases[] = {{account("a@example.com"), LOGIN_FAILURES_ACCOUNT, LOGIN_WAIT_ACCOUNT_MAX_MS},
                 {address("192.0.2.1"), LOGIN_FAILURES_ADDRESS, LOGIN_WAIT_ADDRESS_MAX_MS},
                 {factor(1), LOGIN_FAILURES_ACCOUNT, LOGIN_WAIT_FACTOR_MAX_MS},
                 {login_guard_mail(guard, BYTES("a@example.com")), LOGIN_MAILS, LOGIN_WAIT_MAIL_MAX_MS}};
    for (size_t i = 0; i < 4; ++i) {
        uint64_t now_ms = NOW_MS, expected_ms = 1000;
        for (unsigned n = 0; n < cases[i].is_free; ++n)
            assert_int_equal(miss(cases[i].key, now_ms), 0);
        for (unsigned n = 0; n < 40; ++n) {
            assert_int_equal(miss(cases[i].key, now_ms), expected_ms);
            assert_int_equal(miss(cases[i].key, now_ms + expected_ms - 1), 1);
            now_ms += expected_ms;
            assert_int_equal(miss(cases[i].key, now_ms), 0);
            expected_ms = expected_ms * 2 < cases[i].most_ms ? expected_ms * 2 : cases[i].most_ms;
        }
        assert_int_equal(expected_ms, cases[i].most_ms);
    }
}

static void test_a_try_that_has_to_wait_makes_nothing_longer(void **state)
{
    (void)state;
    uint64_t key = account("a@example.com"), now_ms = miss_patiently(key, LOGIN_FAILURES_ACCOUNT + 3, NOW_MS);
    uint64_t wait_ms = miss(key, now_ms);
    assert_int_equal(wait_ms, 8000);
    for (uint64_t at_ms = 0; at_ms < wait_ms; at_ms += 10)
        assert_int_equal(miss(key, now_ms + at_ms), wait_ms - at_ms);
}

static void test_failures_are_forgotten_after_a_while_without_one(void **state)
{
    (void)state;
    uint64_t key = account("a@example.com"), now_ms = miss_patiently(key, 12, NOW_MS);
    assert_true(miss(key, now_ms) > 0);
    now_ms += LOGIN_FORGOTTEN_MS;
    for (unsigned n = 0; n < LOGIN_FAILURES_ACCOUNT; ++n)
        assert_int_equal(miss(key, now_ms), 0);
    assert_int_equal(miss(key, now_ms), 1000);
}

/* ---- whom it hits ---------------------------------------------------------------------------------------------- */

static void test_another_account_and_another_address_are_not_hit(void **state)
{
    (void)state;
    struct login_try try;
    uint64_t now_ms = miss_patiently(account("a@example.com"), 20, NOW_MS);
    assert_int_equal(login_guard_try(guard, account("b@example.com"), address("192.0.2.1"), now_ms, &try), 0);
    assert_true(login_guard_try(guard, account("a@example.com"), address("192.0.2.2"), now_ms, &try) > 0);
    now_ms = miss_patiently(address("192.0.2.9"), 40, now_ms);
    assert_true(login_guard_try(guard, account("c@example.com"), address("192.0.2.9"), now_ms, &try) > 0);
    assert_int_equal(login_guard_try(guard, account("c@example.com"), address("192.0.2.1"), now_ms, &try), 0);
    assert_int_equal(miss(factor(1), now_ms), 0);
    now_ms = miss_patiently(login_guard_mail(guard, BYTES("D@example.com")), 20, now_ms);
    assert_true(miss(login_guard_mail(guard, BYTES("d@example.com")), now_ms) > 0);
    assert_int_equal(miss(account("d@example.com"), now_ms), 0);
}

/* What is refused because of one key is no failure of the other. */
static void test_a_try_that_is_refused_counts_for_neither_key(void **state)
{
    (void)state;
    struct login_try try;
    uint64_t now_ms = miss_patiently(account("a@example.com"), 20, NOW_MS);
    for (unsigned n = 0; n < 5 * LOGIN_FAILURES_ADDRESS; ++n)
        assert_true(login_guard_try(guard, account("a@example.com"), address("192.0.2.1"), now_ms, &try) > 0);
    assert_int_equal(login_guard_try(guard, account("b@example.com"), address("192.0.2.1"), now_ms, &try), 0);
}

static void test_an_account_is_the_same_however_its_address_is_written(void **state)
{
    (void)state;
    assert_true(account("Jane@Example.com") == account("jane@EXAMPLE.COM"));
    assert_true(account("jane@example.com") != account("jane@example.org"));
    assert_true(account("x") != address("x"));
    assert_true(login_guard_account(guard, BYTES("A@b"), true) == login_guard_account(guard, BYTES("a@B"), true));
    assert_true(login_guard_account(guard, BYTES("a@b"), true) != account("a@b"));
    struct login_guard *other = login_guard_new();
    assert_true(account("a@example.com") !=
                login_guard_account(other, BYTES("a@example.com"), false)); /* a secret of its own */
    login_guard_free(other);
}

/* ---- many at once ---------------------------------------------------------------------------------------------- */

static void test_many_tries_at_once_are_as_many_failures(void **state)
{
    (void)state;
    unsigned let_in = 0;
    for (unsigned n = 0; n < 100; ++n)
        let_in += miss(account("a@example.com"), NOW_MS) == 0;
    assert_int_equal(let_in, LOGIN_FAILURES_ACCOUNT);
}

/* Each thread reads the clock before it comes to the lock: the later one may have the earlier time. */
static void test_a_time_that_is_older_than_the_last_failure_forgets_nothing(void **state)
{
    (void)state;
    uint64_t key = account("a@example.com"), now_ms = miss_patiently(key, 9, NOW_MS);
    for (uint64_t back_ms = 1; back_ms < 5; ++back_ms)
        assert_true(miss(key, now_ms - back_ms) >= 8000);
    assert_true(wait_of(key, now_ms) >= 8000);
    struct login_try try;
    assert_int_equal(login_guard_try(guard, account("b@example.com"), account("b@example.com"), NOW_MS, &try), 0);
    for (unsigned n = 1; n < LOGIN_FAILURES_ACCOUNT; ++n)
        assert_int_equal(miss(account("b@example.com"), NOW_MS - n), 0);
    assert_true(miss(account("b@example.com"), NOW_MS - 1) > 0);
}

/* ---- successes ------------------------------------------------------------------------------------------------- */

static void test_what_is_taken_back_never_was(void **state)
{
    (void)state;
    struct login_try try;
    for (unsigned n = 0; n < 1000; ++n) {
        assert_int_equal(login_guard_try(guard, account("a@example.com"), address("192.0.2.1"), NOW_MS + n, &try), 0);
        login_guard_take_back(guard, &try, NOW_MS + n);
    }
    assert_int_equal(miss(account("a@example.com"), NOW_MS), 0);
}

/* An office behind one address, where now and then somebody mistypes: those who log in well in between must not keep
 * the old failures alive, or make the others wait anew. */
static void test_successes_keep_no_old_failure_alive(void **state)
{
    (void)state;
    struct login_try try;
    uint64_t office = address("192.0.2.1"), now_ms = miss_patiently(office, LOGIN_FAILURES_ADDRESS + 3, NOW_MS);
    assert_int_equal(wait_of(office, now_ms), 8000);
    now_ms += 8000;
    assert_int_equal(login_guard_try(guard, account("a@example.com"), office, now_ms, &try), 0);
    login_guard_take_back(guard, &try, now_ms + 500);
    assert_int_equal(wait_of(office, now_ms + 500), 0);
    for (unsigned minutes = 1; minutes < LOGIN_FORGOTTEN_MS / 60000; ++minutes) {
        assert_int_equal(login_guard_try(guard, account("a@example.com"), office, now_ms + minutes * 60000, &try), 0);
        login_guard_take_back(guard, &try, now_ms + minutes * 60000 + 500);
    }
    now_ms += LOGIN_FORGOTTEN_MS;
    for (unsigned n = 0; n < LOGIN_FAILURES_ADDRESS; ++n)
        assert_int_equal(miss(office, now_ms), 0);
}

static void test_forgiving_clears_one_key_and_no_other(void **state)
{
    (void)state;
    uint64_t now_ms = miss_patiently(account("a@example.com"), 12, NOW_MS);
    now_ms = miss_patiently(account("b@example.com"), 12, now_ms);
    login_guard_forgive(guard, account("a@example.com"), now_ms);
    for (unsigned n = 0; n < LOGIN_FAILURES_ACCOUNT; ++n)
        assert_int_equal(miss(account("a@example.com"), now_ms), 0);
    assert_true(miss(account("b@example.com"), now_ms) > 0);
    login_guard_forgive(guard, account("nobody@example.com"), now_ms);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* Whoever fails at thousands of accounts pushes out what was oldest; what has failed the most since stays. */
static void test_what_is_known_is_bounded_and_the_newest_stays(void **state)
{
    (void)state;
    uint64_t now_ms = NOW_MS;
    char email[32];
    for (unsigned n = 0; n < 100000; ++n) {
        snprintf(email, sizeof(email), "a%u@example.com", n);
        assert_int_equal(miss(account(email), ++now_ms), 0);
    }
    now_ms = miss_patiently(account("target@example.com"), 9, now_ms);
    for (unsigned n = 0; n < 500; ++n) {
        snprintf(email, sizeof(email), "b%u@example.com", n);
        miss(account(email), now_ms);
    }
    assert_true(wait_of(account("target@example.com"), now_ms) > 0);
}

/* Addresses are plenty where there is IPv6, and to ask for mail costs nothing: whoever has a password must not make its
 * failures at the second factor forgotten by them, nor those at the account. */
static void test_one_kind_pushes_out_no_other(void **state)
{
    (void)state;
    char text[32];
    uint64_t now_ms = miss_patiently(factor(1), LOGIN_FAILURES_ACCOUNT + 5, NOW_MS);
    now_ms = miss_patiently(account("target@example.com"), LOGIN_FAILURES_ACCOUNT + 5, now_ms);
    uint64_t factor_ms = wait_of(factor(1), now_ms), account_ms = wait_of(account("target@example.com"), now_ms);
    for (unsigned n = 0; n < 100000; ++n) {
        struct login_try try;
        int len = snprintf(text, sizeof(text), "a%u@example.com", n);
        uint64_t mail = login_guard_mail(guard, bytes_view(text, (size_t)len));
        assert_int_equal(login_guard_try(guard, mail, address(text), now_ms, &try), 0);
    }
    assert_int_equal(wait_of(account("target@example.com"), now_ms), account_ms);
    for (unsigned n = 0; n < 100000; ++n) {
        snprintf(text, sizeof(text), "b%u@example.com", n);
        assert_int_equal(miss(account(text), now_ms), 0);
    }
    assert_int_equal(wait_of(factor(1), now_ms), factor_ms);
}

int main(void)
{
#define GUARD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        GUARD_TEST(test_a_few_failures_are_free_then_the_wait_doubles_up_to_a_limit),
        GUARD_TEST(test_a_try_that_has_to_wait_makes_nothing_longer),
        GUARD_TEST(test_failures_are_forgotten_after_a_while_without_one),
        GUARD_TEST(test_another_account_and_another_address_are_not_hit),
        GUARD_TEST(test_a_try_that_is_refused_counts_for_neither_key),
        GUARD_TEST(test_an_account_is_the_same_however_its_address_is_written),
        GUARD_TEST(test_many_tries_at_once_are_as_many_failures),
        GUARD_TEST(test_a_time_that_is_older_than_the_last_failure_forgets_nothing),
        GUARD_TEST(test_what_is_taken_back_never_was),
        GUARD_TEST(test_successes_keep_no_old_failure_alive),
        GUARD_TEST(test_forgiving_clears_one_key_and_no_other),
        GUARD_TEST(test_what_is_known_is_bounded_and_the_newest_stays),
        GUARD_TEST(test_one_kind_pushes_out_no_other),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

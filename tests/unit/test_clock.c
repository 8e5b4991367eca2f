/* Times as text: known dates, every day of ten thousand years in order, and the C library's own opinion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"

#define DAY_MS INT64_C(86400000)

static void assert_formats(int64_t time_ms, const char *text)
{
    char out[TIME_TEXT_LEN + 1] = "";
    assert_int_equal(strlen(text), TIME_TEXT_LEN);
    time_format(time_ms, out);
    out[TIME_TEXT_LEN] = '\0';
    assert_string_equal(out, text);
}

static void test_known_dates(void **state)
{
    (void)state;
    assert_formats(0, "1970-01-01T00:00:00.000Z");
    assert_formats(1, "1970-01-01T00:00:00.001Z");
    assert_formats(999, "1970-01-01T00:00:00.999Z");
    assert_formats(1000, "1970-01-01T00:00:01.000Z");
    assert_formats(59999, "1970-01-01T00:00:59.999Z");
    assert_formats(60000, "1970-01-01T00:01:00.000Z");
    assert_formats(3599999, "1970-01-01T00:59:59.999Z");
    assert_formats(3600000, "1970-01-01T01:00:00.000Z");
    assert_formats(DAY_MS - 1, "1970-01-01T23:59:59.999Z");
    assert_formats(DAY_MS, "1970-01-02T00:00:00.000Z");
    assert_formats(1234567890123, "2009-02-13T23:31:30.123Z");
    assert_formats(1769903999999, "2026-01-31T23:59:59.999Z");
    assert_formats(1769904000000, "2026-02-01T00:00:00.000Z");
    assert_formats(2147483648000, "2038-01-19T03:14:08.000Z");
}

static void test_leap_years(void **state)
{
    (void)state;
    assert_formats(951782400000, "2000-02-29T00:00:00.000Z");
    assert_formats(951868800000, "2000-03-01T00:00:00.000Z");
    assert_formats(1709164800000, "2024-02-29T00:00:00.000Z");
    assert_formats(1709251199999, "2024-02-29T23:59:59.999Z");
    assert_formats(1677628799999, "2023-02-28T23:59:59.999Z");
    assert_formats(1677628800000, "2023-03-01T00:00:00.000Z");
    assert_formats(1735603200000, "2024-12-31T00:00:00.000Z");
    assert_formats(1735689600000, "2025-01-01T00:00:00.000Z");
    /* 2100 is none. */
    assert_formats(4107542399999, "2100-02-28T23:59:59.999Z");
    assert_formats(4107542400000, "2100-03-01T00:00:00.000Z");
    /* 2400 is one. */
    assert_formats(13574563200000, "2400-02-29T00:00:00.000Z");
}

static void test_times_before_1970(void **state)
{
    (void)state;
    assert_formats(-1, "1969-12-31T23:59:59.999Z");
    assert_formats(-1000, "1969-12-31T23:59:59.000Z");
    assert_formats(-DAY_MS, "1969-12-31T00:00:00.000Z");
    assert_formats(-DAY_MS - 1, "1969-12-30T23:59:59.999Z");
    assert_formats(-2203891200001, "1900-02-28T23:59:59.999Z");
    assert_formats(-2203891200000, "1900-03-01T00:00:00.000Z");
    assert_formats(-62135596800000, "0001-01-01T00:00:00.000Z");
}

static void test_the_bounds(void **state)
{
    (void)state;
    assert_formats(TIME_MS_MIN, "0000-01-01T00:00:00.000Z");
    assert_formats(TIME_MS_MIN + 59 * DAY_MS, "0000-02-29T00:00:00.000Z");
    assert_formats(TIME_MS_MIN + 60 * DAY_MS, "0000-03-01T00:00:00.000Z");
    assert_formats(TIME_MS_MAX, "9999-12-31T23:59:59.999Z");
    assert_formats(TIME_MS_MAX - DAY_MS, "9999-12-30T23:59:59.999Z");
}

static bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static void test_every_day_of_ten_thousand_years_follows_the_one_before(void **state)
{
    (void)state;
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t time_ms = TIME_MS_MIN;
    for (int year = 0; year <= 9999; ++year)
        for (int month = 1; month <= 12; ++month) {
            int days = month_days[month - 1] + (month == 2 && is_leap_year(year));
            for (int day = 1; day <= days; ++day, time_ms += DAY_MS) {
                char out[TIME_TEXT_LEN], expected[64];
                time_format(time_ms + DAY_MS / 2, out);
                snprintf(expected, sizeof(expected), "%04d-%02d-%02dT12:00:00.000Z", year, month, day);
                assert_memory_equal(out, expected, TIME_TEXT_LEN);
            }
        }
    assert_int_equal(time_ms, TIME_MS_MAX + 1);
}

static void test_random_times_are_as_the_c_library_has_them(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    for (unsigned i = 0; i < 200000; ++i) {
        int64_t time_ms = TIME_MS_MIN + (int64_t)(random_u64(&pool) % (uint64_t)(TIME_MS_MAX - TIME_MS_MIN + 1));
        int64_t ms = (time_ms % 1000 + 1000) % 1000;
        time_t seconds = (time_t)((time_ms - ms) / 1000);
        struct tm tm;
        char out[TIME_TEXT_LEN], expected[128];
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
        time_format(time_ms, out);
        assert_memory_equal(out, expected, TIME_TEXT_LEN);
    }
}

static void test_the_wall_clock_is_utc_milliseconds(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = clock_now_ms();
    int64_t after = (int64_t)time(NULL) * 1000 + 1999; /* time() may be a tick behind, and knows no part of a second */
    assert_true(now >= before - 1000 && now <= after);
}

static void test_the_monotonic_clock_never_steps_back(void **state)
{
    (void)state;
    uint64_t before = clock_monotonic_ns();
    for (unsigned i = 0; i < 100000; ++i) {
        uint64_t now = clock_monotonic_ns();
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_dates),
        cmocka_unit_test(test_leap_years),
        cmocka_unit_test(test_times_before_1970),
        cmocka_unit_test(test_the_bounds),
        cmocka_unit_test(test_every_day_of_ten_thousand_years_follows_the_one_before),
        cmocka_unit_test(test_random_times_are_as_the_c_library_has_them),
        cmocka_unit_test(test_the_wall_clock_is_utc_milliseconds),
        cmocka_unit_test(test_the_monotonic_clock_never_steps_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

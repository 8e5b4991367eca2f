/* Times as text, to and fro: known dates, every day of ten thousand years in order, and the C library's own opinion. */
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

static void assert_parses(const char *text, int64_t expected)
{
    int64_t time_ms = -1;
    if (!time_parse(bytes_of_string(text), &time_ms) || time_ms != expected)
        fail_msg("\"%s\" was read as %lld", text, (long long)time_ms);
}

static void test_reads_times_as_databases_write_them(void **state)
{
    (void)state;
    const int64_t at = 1769903999000; /* 2026-01-31T23:59:59Z */
    assert_parses("2026-01-31 23:59:59", at);
    assert_parses("2026-01-31T23:59:59Z", at);
    assert_parses("2026-01-31T23:59:59.999Z", at + 999);
    assert_parses("2026-01-31 23:59:59.9", at + 900);
    assert_parses("2026-01-31 23:59:59.99", at + 990);
    assert_parses("2026-01-31 23:59:59.123999", at + 123);
    assert_parses("2026-01-31 23:59:59.000000001", at);
    assert_parses("2026-01-31 23:59:59+00", at);
    assert_parses("2026-02-01 02:59:59.5+03", at + 500);
    assert_parses("2026-02-01 03:29:59+03:30", at);
    assert_parses("2026-02-01 03:29:59+0330", at);
    assert_parses("2026-01-31 18:59:29-05:00:30", at);
    assert_parses("1970-01-01 00:00:00", 0);
    assert_parses("1969-12-31 23:59:59.999", -1);
    assert_parses("2024-02-29 00:00:00", 1709164800000);
    assert_parses("0000-01-01 00:00:00", TIME_MS_MIN);
    assert_parses("9999-12-31 23:59:59.999", TIME_MS_MAX);
}

static void test_refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026-01-31",
        "2026-01-31 23:59",
        "2026-01-31  23:59:59",
        "2026-01-31 23:59:59 ",
        "2026-01-31 23:59:59.",
        "2026-01-31 23:59:59.1234567890",
        "2026-01-31 23:59:59z",
        "2026-01-31 23:59:59ZZ",
        "2026-01-31 23:59:59+3",
        "2026-01-31 23:59:59+03:",
        "2026-01-31 23:59:59+03:60",
        "2026-01-31 23:59:59+24",
        "2026-01-31 23:59:59 UTC",
        "2026-01-31 24:00:00",
        "2026-01-31 23:60:00",
        "2026-01-31 23:59:60",
        "2026-00-31 23:59:59",
        "2026-13-31 23:59:59",
        "2026-01-00 23:59:59",
        "2026-01-32 23:59:59",
        "2026-02-29 23:59:59",
        "1900-02-29 23:59:59",
        "2026-04-31 23:59:59",
        "10000-01-01 00:00:00",
        "0044-03-15 12:00:00 BC",
        "infinity",
        "1769903999000",
        "+026-01-31 23:59:59",
        "0000-01-01 00:00:00+01", /* before the year 0 */
        "9999-12-31 23:59:59-01", /* after 9999 */
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        int64_t time_ms = 42;
        if (time_parse(bytes_of_string(texts[i]), &time_ms) || time_ms != 42)
            fail_msg("\"%s\" was read as a time", texts[i]);
    }
}

static void test_every_prefix_of_a_time_is_refused_without_a_look_behind_it(void **state)
{
    (void)state;
    static const char text[] = "2026-02-01 03:29:59.5+03:30";
    int64_t time_ms;
    for (size_t len = 0; len < 19; ++len) {
        char *copy = bytes_dup(bytes_view(text, len));
        assert_false(time_parse(bytes_view(copy, len), &time_ms));
        free(copy);
    }
}

static void test_reads_what_it_writes(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    for (unsigned i = 0; i < 200000; ++i) {
        int64_t time_ms = TIME_MS_MIN + (int64_t)(random_u64(&pool) % (uint64_t)(TIME_MS_MAX - TIME_MS_MIN + 1)), again;
        char out[TIME_TEXT_LEN];
        time_format(time_ms, out);
        assert_true(time_parse(bytes_view(out, TIME_TEXT_LEN), &again));
        assert_int_equal(again, time_ms);
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
        cmocka_unit_test(test_reads_times_as_databases_write_them),
        cmocka_unit_test(test_refuses_what_is_no_time),
        cmocka_unit_test(test_every_prefix_of_a_time_is_refused_without_a_look_behind_it),
        cmocka_unit_test(test_reads_what_it_writes),
        cmocka_unit_test(test_the_wall_clock_is_utc_milliseconds),
        cmocka_unit_test(test_the_monotonic_clock_never_steps_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Business hours: what is read, what is refused, and what is open when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hours.h"

/* 2026-11-30 was a Monday. */
#define MONDAY_MS INT64_C(1795996800000)
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct hours parse(const char *text)
{
    struct hours hours;
    const char *why;
    if (!hours_parse(bytes_of_string(text), &hours, &why))
        fail_msg("refused: %s", text);
    return hours;
}

static void test_a_week_as_people_write_it(void **state)
{
    (void)state;
    struct hours hours = parse("Europe/Istanbul mon-fri 09:00-12:00 13:00-18:00, sat 10:00-14:00");
    assert_string_equal(hours.zone, "Europe/Istanbul");
    assert_int_equal(hours.span_count, 11);
    static const struct {
        int64_t at;
        bool is_open;
    } cases[] = {
        {8 * HOUR + 59 * MINUTE, false},
        {9 * HOUR, true},
        {12 * HOUR - 1, true},
        {12 * HOUR, false},
        {13 * HOUR, true},
        {18 * HOUR, false},
        {4 * DAY + 17 * HOUR, true},
        {5 * DAY + 9 * HOUR, false},
        {5 * DAY + 10 * HOUR, true},
        {6 * DAY + 12 * HOUR, false},
        {7 * DAY + 9 * HOUR, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        if (hours_is_open(&hours, MONDAY_MS + cases[i].at) != cases[i].is_open)
            fail_msg("case %zu", i);
}

static void test_other_ways_to_write(void **state)
{
    (void)state;
    assert_int_equal(parse("UTC Mon-Sun 0:00-24:00").span_count, 7);
    assert_int_equal(parse("  +03:00   mon 9:00-17:30  ,  tue 9:00-17:30 ").span_count, 2);
    struct hours weekend = parse("UTC sat-mon 10:00-12:00");
    assert_true(hours_is_open(&weekend, MONDAY_MS + 10 * HOUR));
    assert_true(hours_is_open(&weekend, MONDAY_MS + 6 * DAY + 10 * HOUR));
    assert_false(hours_is_open(&weekend, MONDAY_MS + DAY + 10 * HOUR));
}

static void test_a_night_belongs_to_two_days(void **state)
{
    (void)state;
    struct hours hours = parse("UTC sun 22:00-02:00");
    assert_true(hours_is_open(&hours, MONDAY_MS + 6 * DAY + 23 * HOUR));
    assert_true(hours_is_open(&hours, MONDAY_MS + HOUR));
    assert_false(hours_is_open(&hours, MONDAY_MS + 2 * HOUR));
    assert_int_equal(parse("UTC fri 22:00-24:00").span_count, 1);
}

static void test_when_it_opens_next(void **state)
{
    (void)state;
    struct hours hours = parse("UTC mon-fri 09:00-18:00");
    assert_int_equal(hours_until_open_ms(&hours, MONDAY_MS + 10 * HOUR), 0);
    assert_int_equal(hours_until_open_ms(&hours, MONDAY_MS + 8 * HOUR + 30 * MINUTE + 15000), 29 * MINUTE + 45000);
    assert_int_equal(hours_until_open_ms(&hours, MONDAY_MS + 4 * DAY + 18 * HOUR), 2 * DAY + 15 * HOUR);
    assert_int_equal(hours_until_open_ms(&hours, MONDAY_MS + 18 * HOUR), 15 * HOUR);
    hours.span_count = 0;
    assert_int_equal(hours_until_open_ms(&hours, MONDAY_MS), -1);
}

static void test_what_is_none_is_refused_with_an_example(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "UTC",
        "mon-fri 09:00-18:00 UTC",
        "UTC mon",
        "UTC mon-fri",
        "UTC mon 9-18",
        "UTC mon 09:00",
        "UTC mon 09:00-",
        "UTC mon 25:00-26:00",
        "UTC mon 09:60-10:00",
        "UTC mon 24:00-10:00",
        "UTC mon 09:00-09:00",
        "UTC mon-foo 09:00-10:00",
        "UTC monday 09:00-10:00",
        "UTC mon 09:00-10:00 x",
        "UTC mon 009:00-10:00",
        "UTC mon 09:0-10:00",
        "A234567890123456789012345678901234567890123456789012345678901234567890 mon 09:00-10:00",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        struct hours hours;
        const char *why = NULL;
        if (hours_parse(bytes_of_string(refused[i]), &hours, &why))
            fail_msg("taken: %s", refused[i]);
        assert_non_null(strstr(why, "mon-fri 09:00-18:00"));
    }
}

static void test_more_than_a_week_can_hold_is_refused(void **state)
{
    (void)state;
    char text[HOURS_TEXT_LEN_MAX + 100] = "UTC mon-sun";
    struct hours hours;
    const char *why;
    for (int i = 0; i < 10; ++i)
        strcat(text, " 09:00-10:00");
    assert_false(hours_parse(bytes_of_string(text), &hours, &why));
    memset(text, ' ', sizeof(text));
    assert_false(hours_parse(bytes_view(text, HOURS_TEXT_LEN_MAX + 1), &hours, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_as_people_write_it),
        cmocka_unit_test(test_other_ways_to_write),
        cmocka_unit_test(test_a_night_belongs_to_two_days),
        cmocka_unit_test(test_when_it_opens_next),
        cmocka_unit_test(test_what_is_none_is_refused_with_an_example),
        cmocka_unit_test(test_more_than_a_week_can_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

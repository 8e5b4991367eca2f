/*
 * --since, --until and --tz: every form of a moment, and days on which clocks change. Expected moments are UTC times
 * that were worked out from the rules of each zone (the tz database's own text), not by this code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/zone.h"
#include "dump/period.h"

#define NOW_MS INT64_C(1769904000000) /* 2026-02-01 00:00 UTC */

static void use_zone(const char *name)
{
    char why[PERIOD_WHY_LEN] = "";
    if (!period_set_zone(name, why))
        fail_msg("%s: %s", name, why);
}

static void assert_parses(const char *text, bool to_end, const char *expected)
{
    char why[PERIOD_WHY_LEN], found[TIME_TEXT_LEN + 1] = "";
    int64_t time_ms;
    if (!period_parse(text, NOW_MS, to_end, &time_ms, why))
        fail_msg("%s: %s", text, why);
    time_format(time_ms, found);
    assert_string_equal(found, expected);
}

static void assert_refused(const char *text)
{
    char why[PERIOD_WHY_LEN] = "";
    int64_t time_ms = 42;
    if (period_parse(text, NOW_MS, false, &time_ms, why))
        fail_msg("\"%s\" was taken", text);
    assert_int_equal(time_ms, 42);
    assert_true(strlen(why) > 20);
}

/* ---- forms ------------------------------------------------------------------------------------------------------ */

static void test_forms_of_a_moment(void **state)
{
    (void)state;
    use_zone("UTC");
    assert_parses("2026-01-31", false, "2026-01-31T00:00:00.000Z");
    assert_parses("2026-01-31", true, "2026-02-01T00:00:00.000Z");
    assert_parses("2026-01-31 14:30", false, "2026-01-31T14:30:00.000Z");
    assert_parses("2026-01-31 14:30", true, "2026-01-31T14:30:00.000Z"); /* only a day has an end of its own */
    assert_parses("2026-01-31 14:30:59", false, "2026-01-31T14:30:59.000Z");
    assert_parses("2026-01-31 14:30:59.999", false, "2026-01-31T14:30:59.999Z");
    assert_parses("2026-01-31 14:30:59.9", false, "2026-01-31T14:30:59.900Z");
    assert_parses("2026-01-31T14:30", false, "2026-01-31T14:30:00.000Z");
    assert_parses("2026-01-31T14:30Z", false, "2026-01-31T14:30:00.000Z");
    assert_parses("2026-01-31T14:30:59.999Z", false, "2026-01-31T14:30:59.999Z");
    assert_parses("2026-01-31T14:30+03:00", false, "2026-01-31T11:30:00.000Z");
    assert_parses("2026-01-31 14:30:00-0530", false, "2026-01-31T20:00:00.000Z");
    assert_parses("2024-02-29", true, "2024-03-01T00:00:00.000Z");
}

static void test_an_offset_beats_the_zone(void **state)
{
    (void)state;
    use_zone("Europe/Istanbul");
    assert_parses("2026-01-31 14:30", false, "2026-01-31T11:30:00.000Z");
    assert_parses("2026-01-31 14:30Z", false, "2026-01-31T14:30:00.000Z");
    assert_parses("2026-01-31 14:30+05:45", false, "2026-01-31T08:45:00.000Z");
    assert_parses("2026-01-31", false, "2026-01-30T21:00:00.000Z");
    assert_parses("2026-01-31", true, "2026-01-31T21:00:00.000Z");
}

static void test_so_long_ago(void **state)
{
    (void)state;
    use_zone("Europe/Istanbul"); /* which does not matter */
    assert_parses("30d", false, "2026-01-02T00:00:00.000Z");
    assert_parses("12h", false, "2026-01-31T12:00:00.000Z");
    assert_parses("4w", true, "2026-01-04T00:00:00.000Z");
    assert_parses("0d", false, "2026-02-01T00:00:00.000Z");
}

static void test_what_is_no_moment(void **state)
{
    static const char *const texts[] = {
        "",
        "yesterday",
        "2026",
        "2026-01",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-01-32",
        "26-01-31",
        "2026-1-31",
        "2026-01-31 ",
        "2026-01-31 14",
        "2026-01-31 24:00",
        "2026-01-31 14:60",
        "2026-01-31 14:30:60",
        "2026-01-31 14:30 ",
        "2026-01-31_14:30",
        "2026-01-31Z",
        "2026-01-31 14:30+",
        "2026-01-31 14:30+3",
        "2026-01-31 14:30+25:00",
        "2026-01-31 14:30ZZ",
        "2026-01-31 14:3",
        "30",
        "d",
        "-30d",
        "30m",
        "30 d",
        "1000001d",
        "3000000d",
        "2026-01-31 14:30:59.1234567890",
        "9999999999999999999999999999999999999999999999d",
    };
    (void)state;
    use_zone("UTC");
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); ++i)
        assert_refused(texts[i]);
}

static void test_times_of_another_age_are_refused(void **state)
{
    (void)state;
    use_zone("UTC");
    assert_parses("0000-01-01", false, "0000-01-01T00:00:00.000Z");
    assert_parses("9999-12-31", false, "9999-12-31T00:00:00.000Z");
    assert_refused("0000-01-01 00:00+01:00");
    assert_refused("10000-01-01");
    use_zone("Europe/Istanbul");
    assert_refused("0000-01-01");
}

static void test_until_the_last_day_of_all_is_until_the_end(void **state)
{
    (void)state;
    use_zone("UTC");
    assert_parses("9999-12-31", true, "9999-12-31T23:59:59.999Z");
    assert_parses("9999-12-30", true, "9999-12-31T00:00:00.000Z");
    use_zone("-03:00");
    assert_parses("9999-12-31", true, "9999-12-31T23:59:59.999Z");
    use_zone("+03:00");
    assert_parses("9999-12-31", true, "9999-12-31T21:00:00.000Z");
}

/* ---- zones ------------------------------------------------------------------------------------------------------ */

static void test_offsets_as_zones(void **state)
{
    static const struct {
        const char *name;
        int minutes;
    } zones[] = {{"UTC", 0},     {"Z", 0},         {"+00:00", 0},   {"+03:00", 180}, {"+3", 180},    {"-3", -180},
                 {"+0530", 330}, {"-09:30", -570}, {"+14:00", 840}, {"+14:59", 899}, {"+5:45", 345}, {"-12", -720}};
    (void)state;
    for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); ++i) {
        use_zone(zones[i].name);
        assert_int_equal(period_offset_minutes(NOW_MS), zones[i].minutes);
    }
    use_zone("+03:00");
    assert_parses("2026-01-31", false, "2026-01-30T21:00:00.000Z");
}

static void test_what_is_no_zone(void **state)
{
    static const char *const names[] = {
        "",
        "Nowhere/Town",
        "Europe",
        "Europe/",
        "/etc/localtime",
        "../zoneinfo/Europe/Berlin",
        "europe",
        "tzdata.zi",
        "zone.tab",
        "+15:00",
        "+3:0",
        "+3:60",
        "+",
        "+123",
        "+12:345",
        "Europe/Berlin/x",
        "Europe//Berlin",
        "Europe/Berlin\n",
        "+ 3",
        "+03:00Z",
        ":UTC",
        "Europe/../Europe/Berlin",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    (void)state;
    use_zone("+03:00");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        char why[PERIOD_WHY_LEN] = "";
        if (period_set_zone(names[i], why))
            fail_msg("\"%s\" was taken", names[i]);
        assert_non_null(strstr(why, "time zone"));
    }
    assert_int_equal(period_offset_minutes(NOW_MS), 180); /* the last good one stays */
}

static void test_a_machine_without_zones_says_what_to_do(void **state)
{
    char why[PERIOD_WHY_LEN] = "";
    (void)state;
    setenv("TZDIR", "/nonexistent/zoneinfo", 1);
    assert_false(period_set_zone("Europe/Paris", why));
    unsetenv("TZDIR");
    assert_non_null(strstr(why, "tzdata"));
    assert_non_null(strstr(why, "+03:00"));
    use_zone("Europe/Paris"); /* the failure is not remembered */
}

/* ---- where clocks change ---------------------------------------------------------------------------------------- */

static void test_berlin(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    assert_parses("2026-01-31", false, "2026-01-30T23:00:00.000Z");
    assert_parses("2026-07-31", false, "2026-07-30T22:00:00.000Z");
    /* On 2026-03-29 clocks jump from 02:00 to 03:00: the day has 23 hours. */
    assert_parses("2026-03-29", false, "2026-03-28T23:00:00.000Z");
    assert_parses("2026-03-29", true, "2026-03-29T22:00:00.000Z");
    assert_parses("2026-03-29 01:59", false, "2026-03-29T00:59:00.000Z");
    assert_parses("2026-03-29 02:30", false, "2026-03-29T01:30:00.000Z"); /* does not exist: 03:30 */
    assert_parses("2026-03-29 03:00", false, "2026-03-29T01:00:00.000Z");
    /* On 2026-10-25 they go back from 03:00 to 02:00: 25 hours, and 02:30 comes twice. */
    assert_parses("2026-10-25", false, "2026-10-24T22:00:00.000Z");
    assert_parses("2026-10-25", true, "2026-10-25T23:00:00.000Z");
    assert_parses("2026-10-25 02:30", false, "2026-10-25T00:30:00.000Z");
    assert_parses("2026-10-25 03:00", false, "2026-10-25T02:00:00.000Z");
}

static void test_new_york(void **state)
{
    (void)state;
    use_zone("America/New_York");
    assert_parses("2026-03-08", false, "2026-03-08T05:00:00.000Z");
    assert_parses("2026-03-08", true, "2026-03-09T04:00:00.000Z");
    assert_parses("2026-03-08 02:30", false, "2026-03-08T07:30:00.000Z"); /* does not exist: 03:30 */
    assert_parses("2026-11-01", false, "2026-11-01T04:00:00.000Z");
    assert_parses("2026-11-01", true, "2026-11-02T05:00:00.000Z");
    assert_parses("2026-11-01 01:30", false, "2026-11-01T05:30:00.000Z"); /* the first of two */
    assert_parses("2040-07-01", false, "2040-07-01T04:00:00.000Z");       /* behind the table, by the rule */
}

static void test_odd_zones(void **state)
{
    (void)state;
    use_zone("Asia/Kathmandu");
    assert_int_equal(period_offset_minutes(NOW_MS), 345);
    assert_parses("2026-01-31", false, "2026-01-30T18:15:00.000Z");
    /* 2011-12-30 did not take place in Samoa, which moved across the date line. */
    use_zone("Pacific/Apia");
    assert_parses("2011-12-29", false, "2011-12-29T10:00:00.000Z");
    assert_parses("2011-12-29", true, "2011-12-30T10:00:00.000Z");
    assert_parses("2011-12-30", false, "2011-12-30T10:00:00.000Z");
    assert_parses("2011-12-30", true, "2011-12-30T10:00:00.000Z");
    assert_parses("2011-12-31", false, "2011-12-30T10:00:00.000Z");
    assert_parses("2011-12-31", true, "2011-12-31T10:00:00.000Z");
    /* Half an hour of summer time. */
    use_zone("Australia/Lord_Howe");
    assert_parses("2026-01-31", false, "2026-01-30T13:00:00.000Z");
    assert_parses("2026-07-31", false, "2026-07-30T13:30:00.000Z");
    /* Midnight itself is skipped in Beirut on 2026-03-29: the day begins at 01:00. */
    use_zone("Asia/Beirut");
    assert_parses("2026-03-29", false, "2026-03-28T22:00:00.000Z");
    assert_parses("2026-03-28", true, "2026-03-28T22:00:00.000Z");
}

/* Offsets are kept by the day; whatever was asked before, the answer is the C library's. */
static void test_kept_offsets_are_the_librarys(void **state)
{
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"};
    char why[ZONE_WHY_LEN];
    (void)state;
    for (size_t round = 0; round < 2; ++round) {
        for (size_t i = 0; i < 4; ++i) {
            struct zone *zone = zone_find(names[i], why);
            assert_non_null(zone);
            /* Every 5 hours and 7 minutes of forty years, so that all places of the table are taken several times. */
            for (int64_t time_ms = 0; time_ms < INT64_C(40) * 366 * 86400000; time_ms += 18420000) {
                time_t seconds = time_ms / 1000;
                struct tm local;
                int64_t offset_ms = zone_offset_ms(zone, time_ms);
                char path[64];
                if (time_ms == 0) {
                    snprintf(path, sizeof(path), ":/usr/share/zoneinfo/%s", names[i]);
                    setenv("TZ", path, 1);
                    tzset();
                }
                localtime_r(&seconds, &local);
                if (offset_ms != local.tm_gmtoff * 1000)
                    fail_msg("%s at %lld", names[i], (long long)seconds);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_a_moment),
        cmocka_unit_test(test_an_offset_beats_the_zone),
        cmocka_unit_test(test_so_long_ago),
        cmocka_unit_test(test_what_is_no_moment),
        cmocka_unit_test(test_times_of_another_age_are_refused),
        cmocka_unit_test(test_until_the_last_day_of_all_is_until_the_end),
        cmocka_unit_test(test_offsets_as_zones),
        cmocka_unit_test(test_what_is_no_zone),
        cmocka_unit_test(test_a_machine_without_zones_says_what_to_do),
        cmocka_unit_test(test_berlin),
        cmocka_unit_test(test_new_york),
        cmocka_unit_test(test_odd_zones),
        cmocka_unit_test(test_kept_offsets_are_the_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Headers of reports: what is read of a good one, what is said of a bad one, and that every report of the program is a
 * good one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "dump/report_file.h"
#include "dump/reports.h"

static void assert_refused(const char *text, const char *because)
{
    struct report report;
    char why[REPORT_WHY_LEN] = "";
    if (report_parse(text, &report, why))
        fail_msg("taken: %s", text);
    if (strstr(why, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, because);
}

static void test_a_whole_header(void **state)
{
    static const char text[] = "-- Things\n"
                               "-- How many things there are.\n"
                               "--\n"
                               "-- A thing is\n"
                               "-- something. Else none.\n"
                               "-- parameters: :org :visitor (required) :tz\n"
                               "--\n"
                               "-- section: The first\n"
                               "-- chart: bar\n"
                               "SELECT 1,\n"
                               "    -- an indented comment; it belongs to the SQL\n"
                               "    2;\n"
                               "\n"
                               "-- section: The second\n"
                               "SELECT 3;\n";
    struct report report;
    char why[REPORT_WHY_LEN] = "";
    (void)state;
    assert_true(report_parse(text, &report, why));
    assert_string_equal(report.title, "Things");
    assert_string_equal(report.definition, "How many things there are.\nA thing is something. Else none.");
    assert_int_equal(report_summary_len(&report), strlen("How many things there are."));
    const bool takes[] = {true, true, false, false, true}, requires[] = {false, true, false, false, false};
    assert_memory_equal(report.takes, takes, sizeof(takes));
    assert_memory_equal(report.requires, requires, sizeof(requires));
    assert_int_equal(report.section_count, 2);
    assert_string_equal(report.sections[0].title, "The first");
    assert_string_equal(report.sections[0].chart, "bar");
    assert_ptr_equal(report.sections[0].sql, strstr(text, "SELECT 1"));
    assert_string_equal(report.sections[1].title, "The second");
    assert_null(report.sections[1].chart);
    assert_ptr_equal(report.sections[1].sql, strstr(text, "SELECT 3"));
    report_dispose(&report);
}

static void test_one_statement_needs_no_section(void **state)
{
    struct report report;
    char why[REPORT_WHY_LEN] = "";
    (void)state;
    assert_true(report_parse("-- T\n-- D\n-- parameters:\n-- chart: cohort\nSELECT 1;", &report, why));
    assert_int_equal(report.section_count, 1);
    assert_null(report.sections[0].title);
    assert_string_equal(report.sections[0].chart, "cohort");
    assert_int_equal(report_summary_len(&report), 1); /* no full stop: all of it */
    report_dispose(&report);
}

static void test_mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    assert_refused("", "begins with");
    assert_refused("SELECT 1;\n", "line 0");
    assert_refused("-- T\nSELECT 1;\n", "parameters");
    assert_refused("-- T\n-- parameters:\nSELECT 1;\n", "definition");
    assert_refused("-- T\n-- D\n-- parameters: :zone\nSELECT 1;\n", "\":zone\" is no parameter");
    assert_refused("-- T\n-- D\n-- parameters: (required)\nSELECT 1;\n", "line 3");
    assert_refused("-- T\n-- D\n-- parameters: :org :\nSELECT 1;\n", "\":\"");
    assert_refused("-- T\n-- D\n-- parameters:\n", "no statement");
    assert_refused("-- T\n-- D\n-- parameters:\nSELECT 1\n", "semicolon");
    assert_refused("-- T\n-- D\n-- parameters:\n-- chart: pie\nSELECT 1;\n", "line 4");
    assert_refused("-- T\n-- D\n-- parameters:\n-- a word\nSELECT 1;\n", "section");
    assert_refused("-- T\n-- D\n-- parameters:\nSELECT 1;\nSELECT 2;\n", "no title");
    assert_refused("-- T\n-- D\n-- parameters:\nSELECT 1\n-- section: S\n;\n", "line 4");
    assert_refused("-- T\n-- D\n-- parameters:\n"
                   "-- section: 1\nSELECT 1;\n-- section: 2\nSELECT 1;\n-- section: 3\nSELECT 1;\n"
                   "-- section: 4\nSELECT 1;\n-- section: 5\nSELECT 1;\n-- section: 6\nSELECT 1;\n"
                   "-- section: 7\nSELECT 1;\n-- section: 8\nSELECT 1;\n-- section: 9\nSELECT 1;\n",
                   "more than 8");
}

/* ---- the program's own ------------------------------------------------------------------------------------------ */

static void assert_good(const struct report_file *file)
{
    struct report report;
    char why[REPORT_WHY_LEN] = "", parameter[16];
    if (!report_parse(file->sql, &report, why))
        fail_msg("%s: %s", file->name, why);
    assert_true(utf8_valid(bytes_of_string(file->sql)));
    if (report_summary_len(&report) > 78)
        fail_msg("%s: the first sentence has no place in the list", file->name);
    for (int i = 0; i < REPORT_PARAMETER_COUNT; ++i) {
        snprintf(parameter, sizeof(parameter), ":%s", report_parameter_name((enum report_parameter)i));
        bool is_used = strstr(report.sections[0].sql, parameter) != NULL;
        bool names_days = i == REPORT_TZ && report.takes[REPORT_SINCE]; /* of --since and --until */
        if (is_used != report.takes[i] && !names_days)
            fail_msg("%s: %s is %s", file->name, parameter, is_used ? "used and not named" : "named and not used");
    }
    report_dispose(&report);
}

static void test_every_report_is_in_order(void **state)
{
    size_t count = 0;
    (void)state;
    for (const struct report_file *file = report_files; file->name != NULL; ++file, ++count) {
        assert_good(file);
        assert_true(count == 0 || strcmp(file[-1].name, file->name) < 0);
    }
    assert_true(count >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_header),
        cmocka_unit_test(test_one_statement_needs_no_section),
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_every_report_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

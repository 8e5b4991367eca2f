/* Charts: what is drawn is what the figures say, and nothing is drawn outside. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dump/chart.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static char *drawn(void (*put)(struct buffer *, const struct chart *), const struct chart *chart)
{
    struct buffer out = {0};
    put(&out, chart);
    buffer_append(&out, "", 1);
    return out.data;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        ++count;
    return count;
}

static void test_the_axis_has_round_numbers_and_few_lines(void **state)
{
    (void)state;
    static const struct {
        double max, step;
    } cases[] = {{5, 1}, {7, 2}, {12, 2.5}, {100, 20}, {640, 200}, {10030, 2500}, {1e6, 200000}, {0.5, 0.1}};
    for (size_t i = 0; i < COUNT(cases); ++i)
        assert_true(fabs(chart_step(cases[i].max, false) - cases[i].step) < cases[i].step / 1e6);
    for (double max = 0.001; max < 1e12; max *= 1.37)
        assert_true(max / chart_step(max, false) <= 5.0001 && max / chart_step(max, false) >= 1.9);
}

static void test_an_axis_of_counts_has_no_fractions(void **state)
{
    (void)state;
    for (double max = 1; max < 1000; ++max) {
        double step = chart_step(max, true);
        assert_true(step >= 1 && step == floor(step));
    }
}

static void test_a_line_breaks_where_a_value_is_missing(void **state)
{
    (void)state;
    struct bytes labels[] = {BYTES("2026-01-01"), BYTES("2026-01-02"), BYTES("2026-01-03"), BYTES("2026-01-04")};
    struct bytes name = BYTES("Visitors");
    double values[] = {10, 20, NAN, 5};
    struct chart chart = {BYTES("A day"), 4, 1, labels, &name, values, NULL, 0};
    char *svg = drawn(chart_put_lines, &chart);
    assert_int_equal(count_of(svg, "<polyline"), 2);
    assert_non_null(strstr(svg, "points=\"0.0,100.0 333.3,0.0\""));
    assert_int_equal(count_of(svg, "<circle"), 3);
    assert_non_null(strstr(svg, "<title>2026-01-02: 20</title>"));
    assert_non_null(
        strstr(svg, "aria-label=\"Line chart: A day. 4 values, 2026-01-01 to 2026-01-04; Visitors from 5 to 20\""));
    assert_null(strstr(svg, "nan"));
    free(svg);
}

static void test_bars_stand_for_dates_and_lie_for_words(void **state)
{
    (void)state;
    struct bytes days[] = {BYTES("2026-01-01"), BYTES("2026-01-02")}, words[] = {BYTES("opened"), BYTES("answered")};
    struct bytes name = BYTES("Conversations");
    double values[] = {40, 10};
    struct chart chart = {BYTES("Steps"), 2, 1, days, &name, values, NULL, 0};
    char *svg = drawn(chart_put_bars, &chart);
    assert_non_null(strstr(svg, "height=\"200.0\""));
    assert_non_null(strstr(svg, "height=\"50.0\""));
    assert_non_null(strstr(svg, ">1 Jan</text>"));
    free(svg);
    chart.labels = words;
    svg = drawn(chart_put_bars, &chart);
    assert_non_null(strstr(svg, "width=\"100.00%\""));
    assert_non_null(strstr(svg, "width=\"25.00%\""));
    assert_non_null(strstr(svg, ">answered</text>"));
    free(svg);
}

static void test_several_series_have_a_legend(void **state)
{
    (void)state;
    struct bytes labels[] = {BYTES("one"), BYTES("two")}, names[] = {BYTES("New"), BYTES("Back")};
    double values[] = {4, 1, NAN, 2};
    struct chart chart = {BYTES("Visitors"), 2, 2, labels, names, values, NULL, 0};
    void (*const puts[])(struct buffer *, const struct chart *) = {chart_put_bars, chart_put_lines};
    for (size_t i = 0; i < COUNT(puts); ++i) {
        char *svg = drawn(puts[i], &chart);
        assert_non_null(strstr(svg, "<p class=\"legend\"><span><i class=\"b0\"></i>New</span>"));
        assert_non_null(strstr(svg, "<title>two: 2 Back</title>"));
        assert_null(strstr(svg, "nan"));
        free(svg);
    }
}

/* Odd figures must not come out as "inf" or "nan", which would end the drawing. */
static void test_figures_without_a_scale_are_drawn_all_the_same(void **state)
{
    (void)state;
    static const double odd[][3] = {{0, 0, 0},     {NAN, NAN, NAN}, {-5, -1, 0},
                                    {1e300, 1, 2}, {1e-300, 0, 0},  {0.001, 2, 3}};
    struct bytes days[] = {BYTES("2026-01"), BYTES("2026-13"), BYTES("2026-00")}, name = BYTES("n");
    struct bytes words[] = {BYTES("a"), BYTES(""), BYTES("\xff<")};
    for (size_t i = 0; i < COUNT(odd); ++i)
        for (int kind = 0; kind < 3; ++kind) {
            struct chart chart = {BYTES(""), 3, 1, kind == 0 ? words : days, &name, odd[i], NULL, 0};
            char *svg = drawn(kind == 1 ? chart_put_lines : chart_put_bars, &chart);
            assert_null(strstr(svg, "nan"));
            assert_null(strstr(svg, "inf"));
            assert_null(strstr(svg, "y=\"-"));
            assert_null(strstr(svg, "height=\"-"));
            assert_null(strstr(svg, "width=\"-"));
            assert_int_equal(count_of(svg, "<svg"), count_of(svg, "</svg>"));
            assert_true(count_of(svg, "class=\"grid\"") <= 6);
            free(svg);
        }
}

static void test_a_chart_of_nothing_is_nothing(void **state)
{
    (void)state;
    struct chart chart = {BYTES("x"), 0, 0, NULL, NULL, NULL, NULL, 0};
    char *svg = drawn(chart_put_bars, &chart);
    assert_string_equal(svg, "");
    free(svg);
    svg = drawn(chart_put_lines, &chart);
    assert_string_equal(svg, "");
    free(svg);
}

static void test_a_share_of_less_than_all_is_a_bar_of_its_length(void **state)
{
    (void)state;
    struct bytes labels[] = {BYTES("never answered"), BYTES("never read on")}, names[] = {BYTES("Conversations")};
    struct bytes notes[] = {BYTES("42.8 %"), BYTES("10 %")};
    double values[] = {428, 100};
    struct chart chart = {BYTES("t"), 2, 1, labels, names, values, notes, 1000};
    struct buffer out = {0};
    chart_put_bars(&out, &chart);
    buffer_append(&out, "", 1);
    assert_non_null(strstr(out.data, "class=\"tint\" x=\"0\" y=\"0\" width=\"42.80%\""));
    buffer_clear(&out);
    chart.notes = NULL;
    chart.whole = 100;
    values[0] = 8;
    values[1] = 4;
    chart_put_lines(&out, &chart);
    buffer_append(&out, "", 1);
    assert_non_null(strstr(out.data, ">100</text>"));
    buffer_dispose(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_axis_has_round_numbers_and_few_lines),
        cmocka_unit_test(test_an_axis_of_counts_has_no_fractions),
        cmocka_unit_test(test_a_line_breaks_where_a_value_is_missing),
        cmocka_unit_test(test_bars_stand_for_dates_and_lie_for_words),
        cmocka_unit_test(test_several_series_have_a_legend),
        cmocka_unit_test(test_figures_without_a_scale_are_drawn_all_the_same),
        cmocka_unit_test(test_a_chart_of_nothing_is_nothing),
        cmocka_unit_test(test_a_share_of_less_than_all_is_a_bar_of_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

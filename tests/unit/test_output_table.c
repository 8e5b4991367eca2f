/* Tables on a terminal: they fit, a row is a line, and no text commands the terminal. */
#include "outputs.h"

#include "base/text.h"
#include "dump/output_private.h"

#define WIDTH 60
#define COLUMNS 4
#define FUZZ_ROUNDS 200

static const char *const names[] = {"one", "two", "three", "four"};

static void assert_text(struct bytes answer, const char *expected)
{
    assert_string_equal(answer.data, expected);
    free((char *)answer.data);
}

/* ---- widths -------------------------------------------------------------------------------------------------- */

static void test_characters_are_as_wide_as_terminals_draw_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"abc", 3},
        {"\u00e9", 1},             /* é in one */
        {"e\u0301", 1},            /* é in two */
        {"\u65e5\u672c", 4},       /* Chinese characters */
        {"\ud55c", 2},             /* a Hangul syllable */
        {"\u1112\u1161\u11ab", 2}, /* the same in three parts */
        {"\uff71", 1},             /* katakana of half width */
        {"\uff21", 2},             /* a latin letter of full width */
        {"\U0001f44d", 2},         /* an emoji */
        {"\U0001f469\u200d\U0001f4bb", 4},
        {"\u05d0\u05d1", 2}, /* Hebrew */
        {"\u0e01\u0e33", 2}, /* Thai */
        {"\U00020000", 2},   /* beyond the first plane */
        {"\u2500", 1},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct buffer out = {0};
        assert_int_equal(put_shown(&out, bytes_of_string(cases[i].text), SIZE_MAX), cases[i].width);
        buffer_dispose(&out);
    }
}

static void assert_shown(const char *text, size_t width_max, const char *expected)
{
    struct buffer out = {0};
    put_shown(&out, bytes_of_string(text), width_max);
    buffer_append(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_dispose(&out);
}

static void test_text_is_cut_with_an_ellipsis_only_when_it_must(void **state)
{
    (void)state;
    assert_shown("abcdef", 6, "abcdef");
    assert_shown("abcdef", 5, "abcd\u2026");
    assert_shown("\u65e5\u672c\u8a9e", 6, "\u65e5\u672c\u8a9e");
    assert_shown("\u65e5\u672c\u8a9e", 5, "\u65e5\u672c\u2026");
    assert_shown("\u65e5\u672c\u8a9e", 4, "\u65e5\u2026");
    assert_shown("e\u0301e\u0301e\u0301", 2, "e\u0301\u2026");
}

static void test_what_commands_a_terminal_is_shown_as_its_code(void **state)
{
    (void)state;
    assert_shown("a\x1b[31mb", SIZE_MAX, "a\\x1b[31mb");
    assert_shown("two\nlines", SIZE_MAX, "two\u2424lines");
    assert_shown("two\r\nlines", SIZE_MAX, "two\u2424lines");
    assert_shown("back\rover", SIZE_MAX, "back\\x0dover");
    assert_shown("\x07\x08\x7f\t", SIZE_MAX, "\\x07\\x08\\x7f\\x09");
    assert_shown("\xc2\x9b"
                 "31m",
                 SIZE_MAX, "\\u009b31m");
    assert_shown("\u202eevil\u2066", SIZE_MAX, "\\u202eevil\\u2066");
    assert_shown("\u2028", SIZE_MAX, "\\u2028");
    assert_shown("\xff\xc3", SIZE_MAX, "\\xff\\xc3");
}

static void test_a_tower_of_accents_is_cut_too(void **state)
{
    (void)state;
    struct buffer text = {0}, out = {0};
    buffer_append_string(&text, "e");
    for (int i = 0; i < 1000; ++i)
        buffer_append_string(&text, "\u0301");
    put_shown(&out, buffer_view(&text), 20);
    assert_true(out.len < 100);
    buffer_dispose(&text);
    buffer_dispose(&out);
}

/* ---- layout -------------------------------------------------------------------------------------------------- */

static void test_numbers_stand_to_the_right_and_nothing_trails(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of("a"), cell_of_integer(1),       cell_of("longer"), cell_of_integer(-200),
                           cell_null,    cell_of_real(2.5, "2.5"), cell_of(""),       cell_null};
    assert_text(
        answer_with((struct output_config){.format = OUTPUT_TABLE}, NULL, 2, (const char *[]){"name", "n"}, cells, 4),
        "name       n\n"
        "\u2500\u2500\u2500\u2500\u2500\u2500  \u2500\u2500\u2500\u2500\n"
        "a          1\n"
        "longer  -200\n"
        "\u2013        2.5\n"
        "           \u2013\n");
}

static void test_only_a_terminal_gets_bold_type_and_the_number_of_rows(void **state)
{
    (void)state;
    struct cell cell = cell_of("x");
    struct output_config config = {.format = OUTPUT_TABLE, .is_terminal = true, .width = 80};
    assert_text(answer_with(config, NULL, 1, (const char *[]){"a"}, &cell, 1),
                "\033[1ma\033[0m\n\033[2m\u2500\033[0m\nx\n\033[2m(1 row)\033[0m\n");
    assert_text(answer_with(config, NULL, 1, (const char *[]){"a"}, &cell, 0),
                "\033[1ma\033[0m\n\033[2m\u2500\033[0m\n\033[2m(0 rows)\033[0m\n");
}

static struct bytes table_of_times(unsigned width, bool is_terminal)
{
    struct cell cells[] = {cell_of("2026-01-31 23:59:59.999"), cell_of("cm5dkmihtjjqgksexlyevtkmo"),
                           cell_of_integer(1234567890),
                           cell_of("a long text that will have to be cut because there is no room for it")};
    struct output_config config = {.format = OUTPUT_TABLE, .width = width, .is_terminal = is_terminal};
    return answer_with(config, NULL, COLUMNS, names, cells, 1);
}

static void assert_table_has(unsigned width, const char *line)
{
    struct bytes answer = table_of_times(width, true);
    assert_non_null(strstr(answer.data, line));
    free((char *)answer.data);
}

static void test_times_give_their_seconds_and_then_their_hours(void **state)
{
    (void)state;
    assert_table_has(140,
                     "2026-01-31 23:59:59.999  cm5dkmihtjjqgksexlyevtkmo  1234567890  a long text that will have to "
                     "be cut because there is no room for it\n");
    assert_table_has(80,
                     "2026-01-31 23:59  cm5dkmihtjjqgksexlyevtk\u2026  1234567890  a long text that will h\u2026\n");
    assert_table_has(54, "2026-01-31 23:59  cm5dkmiht\u2026  1234567890  a long text\u2026\n");
    assert_table_has(50, "2026-01-31  cm5dkmihtjj\u2026  1234567890  a long text\u2026\n");
}

static void test_a_row_that_does_not_fit_a_terminal_is_a_block(void **state)
{
    (void)state;
    struct bytes answer = table_of_times(40, true), plain = table_of_times(40, false);
    const char *expected = "\033[1mone\033[0m    2026-01-31 23:59:59.999\n"
                           "\033[1mtwo\033[0m    cm5dkmihtjjqgksexlyevtkmo\n"
                           "\033[1mthree\033[0m  1234567890\n"
                           "\033[1mfour\033[0m   a long text that will have to be\n"
                           "       cut because there is no room for\n"
                           "       it\n"
                           "\033[2m(1 row)\033[0m\n";
    assert_non_null(strstr(answer.data, "\u2500\u2500 1 \u2500"));
    assert_string_equal(strchr(answer.data, '\n') + 1, expected);
    assert_null(strstr(plain.data, "\u2500 1 \u2500"));
    free((char *)answer.data);
    free((char *)plain.data);
}

static void test_a_block_fits_terminals_of_any_width(void **state)
{
    (void)state;
    for (unsigned width = 1; width < 40; ++width)
        free((char *)table_of_times(width, true).data);
}

static void test_a_number_is_never_cut(void **state)
{
    (void)state;
    struct cell cells[COLUMNS];
    for (size_t i = 0; i < COLUMNS; ++i)
        cells[i] = cell_of_integer(INT64_MIN + (int64_t)i);
    struct output_config config = {.format = OUTPUT_TABLE, .width = 20};
    struct bytes answer = answer_with(config, NULL, COLUMNS, names, cells, 1);
    assert_non_null(strstr(answer.data, "-9223372036854775808  -9223372036854775807"));
    free((char *)answer.data);
}

static void test_rows_after_the_sample_keep_to_the_columns(void **state)
{
    (void)state;
    struct answering answer;
    struct cell narrow = cell_of("abcd"), wide = cell_of("a text that is wider than all before");
    answer_begin(&answer, (struct output_config){.format = OUTPUT_TABLE, .width = 80});
    output_begin(answer.output, NULL, 1, names);
    for (int i = 0; i < 2000; ++i)
        assert_true(output_row(answer.output, &narrow));
    output_row(answer.output, &wide);
    output_end(answer.output);
    struct bytes text = answer_take(&answer);
    assert_non_null(strstr(text.data, "abcd\na t\u2026\n"));
    free((char *)text.data);
}

static void test_into_a_pipe_nothing_is_cut(void **state)
{
    (void)state;
    struct answering answer;
    struct cell narrow = cell_of("abcd"), wide = cell_of("a text that is wider than all before");
    answer_begin(&answer, (struct output_config){.format = OUTPUT_TABLE});
    output_begin(answer.output, NULL, 1, names);
    for (int i = 0; i < 2000; ++i)
        output_row(answer.output, &narrow);
    output_row(answer.output, &wide);
    output_end(answer.output);
    struct bytes text = answer_take(&answer);
    assert_non_null(strstr(text.data, "\na text that is wider than all before\n"));
    free((char *)text.data);
}

static size_t line_width(struct bytes line)
{
    size_t width = 0;
    for (size_t len; line.len != 0; line = bytes_view(line.data + len, line.len - len))
        width += character_width(character_at(line, &len));
    return width;
}

static void test_rows_of_any_bytes_fit_and_command_nothing(void **state)
{
    (void)state;
    unsigned seed = 3;
    for (int round = 0; round < FUZZ_ROUNDS; ++round) {
        char texts[COLUMNS][FUZZ_LEN_MAX + 8];
        struct cell cells[COLUMNS];
        for (size_t i = 0; i < COLUMNS; ++i)
            cells[i] = cell_of_bytes(fuzz_text(&seed, texts[i]));
        struct output_config config = {.format = OUTPUT_TABLE, .width = WIDTH};
        struct bytes answer = answer_with(config, NULL, COLUMNS, names, cells, 1), rest = answer;
        unsigned lines = 0;
        assert_true(utf8_valid(answer));
        for (size_t i = 0; i < answer.len; ++i)
            assert_true((unsigned char)answer.data[i] >= 0x20 || answer.data[i] == '\n');
        for (const char *end; (end = memchr(rest.data, '\n', rest.len)) != NULL; ++lines) {
            size_t len = (size_t)(end - rest.data);
            assert_true(line_width(bytes_view(rest.data, len)) <= WIDTH);
            rest = bytes_view(end + 1, rest.len - len - 1);
        }
        assert_int_equal(lines, 3);
        assert_int_equal(rest.len, 0);
        free((char *)answer.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_are_as_wide_as_terminals_draw_them),
        cmocka_unit_test(test_text_is_cut_with_an_ellipsis_only_when_it_must),
        cmocka_unit_test(test_what_commands_a_terminal_is_shown_as_its_code),
        cmocka_unit_test(test_a_tower_of_accents_is_cut_too),
        cmocka_unit_test(test_numbers_stand_to_the_right_and_nothing_trails),
        cmocka_unit_test(test_only_a_terminal_gets_bold_type_and_the_number_of_rows),
        cmocka_unit_test(test_times_give_their_seconds_and_then_their_hours),
        cmocka_unit_test(test_a_row_that_does_not_fit_a_terminal_is_a_block),
        cmocka_unit_test(test_a_block_fits_terminals_of_any_width),
        cmocka_unit_test(test_a_number_is_never_cut),
        cmocka_unit_test(test_rows_after_the_sample_keep_to_the_columns),
        cmocka_unit_test(test_into_a_pipe_nothing_is_cut),
        cmocka_unit_test(test_rows_of_any_bytes_fit_and_command_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

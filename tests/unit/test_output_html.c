/* Markdown and pages: whatever a visitor typed stays text, and a page needs nothing beside itself. */
#include "outputs.h"

#include "base/text.h"
#include "dump/output_page.h"

#define FUZZ_ROUNDS 300

static const char *const two[] = {"visitorKey", "conversations"};

static void assert_text(struct bytes answer, const char *expected)
{
    assert_string_equal(answer.data, expected);
    free((char *)answer.data);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        ++count;
    return count;
}

/* ---- markdown ------------------------------------------------------------------------------------------------ */

static void test_markdown_is_a_table_with_numbers_to_the_right(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of("v_1"), cell_of_integer(1200), cell_null, cell_null};
    assert_text(answer_with((struct output_config){.format = OUTPUT_MARKDOWN}, NULL, 2, two, cells, 2),
                "| visitorKey | conversations |\n| --- | ---: |\n| v_1 | 1200 |\n| \u2013 | \u2013 |\n");
}

static void test_markdown_escapes_every_sign(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"a|b", "a\\|b"},
        {"two\r\nlines", "two<br>lines"},
        {"![x](http://evil/p.png)", "\\!\\[x\\](http://evil/p.png)"},
        {"<script>", "\\<script\\>"},
        {"*bold* _slanted_ `code`", "\\*bold\\* \\_slanted\\_ \\`code\\`"},
        {"snake_case_name", "snake_case_name"},
        {"&lt;", "\\&lt;"},
        {"back\\slash|", "back\\\\slash\\|"},
        {"@everyone #1", "\\@everyone \\#1"},
        {"\xff", "\ufffd"},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        char expected[256];
        struct cell cell = cell_of(cases[i].text);
        snprintf(expected, sizeof(expected), "| visitorKey |\n| --- |\n| %s |\n", cases[i].shown);
        assert_text(answer_with((struct output_config){.format = OUTPUT_MARKDOWN}, NULL, 1, two, &cell, 1), expected);
    }
}

static void test_markdown_of_any_bytes_keeps_rows_and_columns(void **state)
{
    (void)state;
    unsigned seed = 4;
    for (int round = 0; round < FUZZ_ROUNDS; ++round) {
        char texts[2][FUZZ_LEN_MAX + 8];
        struct cell cells[] = {cell_of_bytes(fuzz_text(&seed, texts[0])), cell_of_bytes(fuzz_text(&seed, texts[1]))};
        struct bytes answer = answer_with((struct output_config){.format = OUTPUT_MARKDOWN}, NULL, 2, two, cells, 1);
        size_t pipes = 0;
        assert_true(utf8_valid(answer));
        assert_int_equal(count_of(answer.data, "\n"), 3);
        const char *row = strstr(answer.data, "---: |\n");
        row = row != NULL ? row : strstr(answer.data, "--- |\n");
        for (const char *at = strchr(row, '\n'); *at != '\0'; ++at) {
            pipes += *at == '|';
            at += *at == '\\';
        }
        assert_int_equal(pipes, 3);
        free((char *)answer.data);
    }
}

/* ---- pages --------------------------------------------------------------------------------------------------- */

static const struct output_preamble preamble = {
    .name = "visitors",
    .title = "Visitors <b>",
    .definition = "First & last.\nSecond <i>paragraph</i>.",
    .period = "January 2026",
    .time_zone = "Europe/Istanbul",
    .made_at = "2026-02-01 09:00:00",
    .organisation = "<script>alert(1)</script>",
    .flags = " --org 'a & b' --since 30d",
    .seq = 77,
};

static struct bytes page(const char *chart, size_t column_count, const char *const *names, const struct cell *cells,
                         size_t row_count)
{
    struct answering answer;
    struct output_head head = {.title = "A \"set\"", .chart = chart};
    answer_begin(&answer, (struct output_config){.format = OUTPUT_HTML});
    output_preamble(answer.output, &preamble);
    output_begin(answer.output, &head, column_count, names);
    for (size_t row = 0; row < row_count; ++row)
        output_row(answer.output, cells + row * column_count);
    output_end(answer.output);
    return answer_take(&answer);
}

/* The tags of a page, and that there is nothing else between "<" and ">". */
static void assert_only_our_tags(const char *html)
{
    static const char *const known[] = {"!DOCTYPE", "html",     "head",    "meta",   "title", "style",   "body",
                                        "main",     "header",   "h1",      "h2",     "p",     "dl",      "dt",
                                        "dd",       "div",      "span",    "table",  "thead", "tbody",   "tr",
                                        "th",       "td",       "code",    "i",      "svg",   "g",       "line",
                                        "text",     "polyline", "polygon", "circle", "rect",  "section", "footer"};
    for (const char *at = html; (at = strchr(at, '<')) != NULL;) {
        at += 1 + (at[1] == '/');
        size_t len = strcspn(at, " >"), i = 0;
        while (i < COUNT(known) && (strlen(known[i]) != len || strncmp(at, known[i], len) != 0))
            ++i;
        if (i == COUNT(known))
            fail_msg("a tag that is not ours: <%.40s", at);
    }
}

static void test_a_page_needs_nothing_beside_itself(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of("2026-01-01"), cell_of_integer(5), cell_of("2026-01-02"), cell_of_integer(7)};
    const char *const charts[] = {NULL, "bar", "line", "cohort"};
    for (size_t i = 0; i < COUNT(charts); ++i) {
        struct bytes answer = page(charts[i], 2, two, cells, 2);
        assert_non_null(strstr(answer.data, "content=\"default-src 'none'; style-src 'unsafe-inline'\""));
        assert_null(strstr(answer.data, "<script"));
        assert_null(strstr(answer.data, "http:"));
        assert_null(strstr(answer.data, "https:"));
        assert_null(strstr(answer.data, "url("));
        assert_null(strstr(answer.data, "@import"));
        assert_null(strstr(answer.data, " src="));
        assert_null(strstr(answer.data, " href="));
        assert_only_our_tags(answer.data);
        free((char *)answer.data);
    }
}

static void test_a_page_says_what_it_shows(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of("v_1"), cell_of_integer(1234567)};
    struct bytes answer = page("bar", 2, two, cells, 1);
    assert_non_null(strstr(answer.data, "<h1>Visitors &lt;b&gt;</h1>"));
    assert_non_null(strstr(answer.data, "<p>First &amp; last.</p>\n<p>Second &lt;i&gt;paragraph&lt;/i&gt;.</p>"));
    assert_non_null(strstr(answer.data, "<dd>&lt;script&gt;alert(1)&lt;/script&gt;</dd>"));
    assert_non_null(strstr(answer.data, "<h2>A &quot;set&quot;</h2>"));
    assert_non_null(strstr(answer.data, "January 2026"));
    assert_non_null(strstr(answer.data, "Europe/Istanbul"));
    assert_non_null(strstr(answer.data, "2026-02-01 09:00:00"));
    assert_non_null(strstr(answer.data, "sequence number 77"));
    assert_non_null(strstr(answer.data, ">Visitor key</th>"));
    assert_non_null(strstr(answer.data, "<td class=\"n\">1,234,567</td>"));
    free((char *)answer.data);
}

static void test_a_page_shows_so_many_rows_and_says_how_to_have_all(void **state)
{
    (void)state;
    const size_t rows = HTML_ROWS_MAX + 234;
    struct cell *cells = calloc(rows, 2 * sizeof(*cells));
    assert_non_null(cells);
    for (size_t i = 0; i < rows; ++i) {
        cells[2 * i] = cell_of("v");
        cells[2 * i + 1] = cell_of_integer((int64_t)i);
    }
    struct bytes answer = page(NULL, 2, two, cells, rows);
    assert_int_equal(count_of(answer.data, "<tr><td"), HTML_ROWS_MAX);
    assert_non_null(strstr(answer.data,
                           "The first 1,000 of 1,234 rows are shown; <code>helvino dump report visitors "
                           "--org &#39;a &amp; b&#39; --since 30d --format csv</code> writes all of them."));
    free((char *)answer.data);
    answer = page(NULL, 2, two, cells, HTML_ROWS_MAX);
    assert_null(strstr(answer.data, "rows are shown"));
    free((char *)answer.data);
    free(cells);
}

static void test_a_set_without_rows_says_so(void **state)
{
    (void)state;
    const char *const charts[] = {NULL, "bar", "line", "cohort"};
    for (size_t i = 0; i < COUNT(charts); ++i) {
        struct bytes answer = page(charts[i], 2, two, NULL, 0);
        assert_non_null(strstr(answer.data, "Nothing in this period."));
        free((char *)answer.data);
    }
}

static void test_one_row_of_figures_is_shown_large(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of_integer(48210), cell_null};
    struct bytes answer = page(NULL, 2, (const char *[]){"conversations", "p90"}, cells, 1);
    assert_non_null(strstr(answer.data, "<dt>Conversations</dt><dd>48,210</dd>"));
    assert_non_null(strstr(answer.data, "<dt>P90</dt>"));
    assert_null(strstr(answer.data, "<table"));
    free((char *)answer.data);
}

/* Signs back from their names, as far as pages use them. */
static void unescape(struct bytes html, struct buffer *out)
{
    static const struct {
        const char *name, *sign;
    } signs[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&#13;", "\r"}};
    buffer_clear(out);
    for (size_t at = 0; at < html.len;) {
        size_t i = 0;
        while (i < COUNT(signs) && strncmp(html.data + at, signs[i].name, strlen(signs[i].name)) != 0)
            ++i;
        buffer_append(out, i < COUNT(signs) ? signs[i].sign : html.data + at, 1);
        at += i < COUNT(signs) ? strlen(signs[i].name) : 1;
    }
}

/* What a page can show of the bytes: control characters and what is no character as U+FFFD. */
static void presentable(struct bytes text, struct buffer *out)
{
    size_t len;
    buffer_clear(out);
    for (; text.len != 0; text = bytes_view(text.data + len, text.len - len)) {
        uint32_t character = character_at(text, &len);
        bool is_control = (character < 0x20 && strchr("\t\n\r", (int)character) == NULL) || character == 0x7f;
        if (is_control || character == 0 || character == UINT32_MAX)
            buffer_append_string(out, "\ufffd");
        else
            buffer_append(out, text.data, len);
    }
}

static void test_a_page_of_any_bytes_has_our_tags_alone_and_reads_back(void **state)
{
    (void)state;
    const char *const charts[] = {NULL, "bar", "line", "cohort"};
    unsigned seed = 5;
    for (int round = 0; round < FUZZ_ROUNDS; ++round) {
        char texts[3][FUZZ_LEN_MAX + 8];
        struct buffer expected = {0}, found = {0};
        struct cell cells[] = {
            cell_of_bytes(fuzz_text(&seed, texts[0])),
            cell_of_integer(round),
            cell_of_bytes(fuzz_text(&seed, texts[1])),
            cell_of_bytes(fuzz_text(&seed, texts[2])),
            cell_of_integer(1),
            cell_of("end"),
        };
        const char *names[] = {"<img src=x onerror=alert(1)>", "n\"'>", "text"};
        struct bytes answer = page(charts[round % 3], 3, names, cells, 2);
        assert_true(utf8_valid(answer));
        assert_only_our_tags(answer.data);
        const char *cell = strstr(answer.data, "<tr><td"), *end;
        cell = strchr(cell + 4, '>') + 1;
        end = strstr(cell, "</td>");
        unescape(bytes_view(cell, (size_t)(end - cell)), &found);
        presentable(cells[0].text, &expected);
        assert_true(bytes_equal(buffer_view(&found), buffer_view(&expected)));
        free((char *)page("cohort", 3, names, cells, 2).data);
        buffer_dispose(&expected);
        buffer_dispose(&found);
        free((char *)answer.data);
    }
}

static void test_a_cohort_is_a_table_tinted_by_its_shares(void **state)
{
    (void)state;
    struct cell cells[] = {
        cell_of("2026-01-05"), cell_of_integer(1200), cell_of_real(40, "40.0"), cell_of_real(20, "20.0"),
        cell_of("2026-01-12"), cell_of_integer(900),  cell_of_real(35, "35.0"), cell_null};
    struct bytes answer = page("cohort", 4, (const char *[]){"cohort", "visitors", "week_1", "week_2"}, cells, 2);
    assert_non_null(strstr(answer.data, "<tr><th scope=\"row\">2026-01-05</th><td class=\"n\">1,200</td>"
                                        "<td class=\"h high\" style=\"--a:0.94\">40.0</td>"
                                        "<td class=\"h\" style=\"--a:0.47\">20.0</td></tr>"));
    assert_non_null(strstr(answer.data, "35.0</td><td></td></tr>"));
    assert_non_null(strstr(answer.data, ">Week 1</th>"));
    assert_int_equal(count_of(answer.data, "<table"), 1);
    free((char *)answer.data);
}

static void test_a_cohort_in_a_list_becomes_a_triangle(void **state)
{
    (void)state;
    struct cell cells[] = {
        cell_of("2026-01-05"), cell_of_integer(0), cell_of_real(100, "100.0"),
        cell_of("2026-01-05"), cell_of_integer(2), cell_of_real(30, "30.0"),
        cell_of("2026-01-12"), cell_of_integer(0), cell_of_real(100, "100.0"),
    };
    struct bytes answer = page("cohort", 3, (const char *[]){"cohort", "weeksAfter", "percent"}, cells, 3);
    assert_non_null(strstr(answer.data, "100.0</td><td></td><td class=\"h high\" style=\"--a:0.94\">30.0</td></tr>"));
    assert_int_equal(count_of(answer.data, "<th scope=\"row\">"), 2);
    free((char *)answer.data);
}

static void test_times_are_short_and_long_text_is_clamped_with_all_of_it_as_title(void **state)
{
    (void)state;
    static const char *const columns[] = {"visitor_key", "first_seen", "user_agent"};
    static const char agent[] = "a <b> agent that says more of itself than anybody wants to read in a row of a table";
    struct cell cells[] = {cell_of("v_1e3c9b11-3dbc-4128-8e6f-82ab6e2063cc"),
                           cell_of("2026-01-31 23:59:59.999"),
                           cell_of(agent),
                           cell_null,
                           cell_null,
                           cell_null};
    struct bytes answer = page(NULL, 3, columns, cells, 2);
    assert_non_null(
        strstr(answer.data, "data-label=\"First seen\" title=\"2026-01-31 23:59:59.999\">2026-01-31 23:59<"));
    assert_non_null(strstr(answer.data, "title=\"v_1e3c9b11-3dbc-4128-8e6f-82ab6e2063cc\"><div>v_1e3c9b11-"));
    assert_non_null(strstr(answer.data, " title=\"a &lt;b&gt; agent that says"));
    assert_non_null(
        strstr(answer.data, "><div>a &lt;b&gt; agent that says more of itself than anybody wants to read in"));
    free((char *)answer.data);
    answer = page(NULL, 3, columns, cells, 1);
    assert_non_null(strstr(answer.data, "<dd class=\"text\" title=\"2026-01-31 23:59:59.999\">2026-01-31 23:59</dd>"));
    free((char *)answer.data);
}

static void test_a_first_column_that_repeats_itself_becomes_headings(void **state)
{
    (void)state;
    struct cell cells[] = {
        cell_of("visitors"), cell_of("known"),     cell_of_integer(3000), cell_of("visitors"),
        cell_of("visitors"), cell_of("new"),       cell_of_integer(20),   cell_of("visitors"),
        cell_of("answers"),  cell_of("the first"), cell_of_integer(4),    cell_of("minutes"),
        cell_of("answers"),  cell_of("the last"),  cell_of_integer(9),    cell_of("minutes"),
    };
    struct bytes answer = page(NULL, 4, (const char *[]){"about", "figure", "value", "unit"}, cells, 4);
    assert_non_null(strstr(answer.data, "colspan=\"3\">visitors</th></tr>\n<tr><td class=\"brief\">known</td>"
                                        "<td class=\"n\">3,000</td><td class=\"unit\"></td></tr>"));
    assert_non_null(strstr(answer.data, "colspan=\"3\">answers</th>"));
    assert_non_null(strstr(answer.data, "<td class=\"n\">4</td><td class=\"unit\">minutes</td>"));
    assert_int_equal(count_of(answer.data, ">visitors<"), 1);
    assert_null(strstr(answer.data, "About"));
    free((char *)answer.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markdown_is_a_table_with_numbers_to_the_right),
        cmocka_unit_test(test_markdown_escapes_every_sign),
        cmocka_unit_test(test_markdown_of_any_bytes_keeps_rows_and_columns),
        cmocka_unit_test(test_a_page_needs_nothing_beside_itself),
        cmocka_unit_test(test_a_page_says_what_it_shows),
        cmocka_unit_test(test_a_page_shows_so_many_rows_and_says_how_to_have_all),
        cmocka_unit_test(test_a_set_without_rows_says_so),
        cmocka_unit_test(test_one_row_of_figures_is_shown_large),
        cmocka_unit_test(test_a_page_of_any_bytes_has_our_tags_alone_and_reads_back),
        cmocka_unit_test(test_times_are_short_and_long_text_is_clamped_with_all_of_it_as_title),
        cmocka_unit_test(test_a_first_column_that_repeats_itself_becomes_headings),
        cmocka_unit_test(test_a_cohort_is_a_table_tinted_by_its_shares),
        cmocka_unit_test(test_a_cohort_in_a_list_becomes_a_triangle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* CSV, JSON and ndjson: what a program reads. Whatever bytes a cell has, a reader gets them back. */
#include "outputs.h"

#include <math.h>

#include "base/json.h"
#include "base/text.h"

#define FUZZ_ROUNDS 400
#define FUZZ_ROWS 5
#define FUZZ_COLUMNS 3

static const char *const three[] = {"a", "b", "c"};

static void assert_text(struct bytes answer, const char *expected)
{
    assert_string_equal(answer.data, expected);
    assert_int_equal(answer.len, strlen(expected));
    free((char *)answer.data);
}

/* ---- csv ----------------------------------------------------------------------------------------------------- */

static void test_csv_quotes_what_a_reader_would_misread(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"two\rlines", "\"two\rlines\""},
        {" before", "\" before\""},
        {"behind ", "\"behind \""},
        {"in between", "in between"},
        {"\\.", "\"\\.\""},
        {"a text that is longer than sixteen bytes", "a text that is longer than sixteen bytes"},
        {"a comma in the sixteenth or later, place", "\"a comma in the sixteenth or later, place\""},
        {"the very last byte is a quote\"", "\"the very last byte is a quote\"\"\""},
        {"=1+1", "=1+1"},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct buffer out = {0};
        csv_put_text(&out, bytes_of_string(cases[i].text), false);
        buffer_append(&out, "", 1);
        assert_string_equal(out.data, cases[i].field);
        buffer_dispose(&out);
    }
}

static void test_csv_safe_lets_no_text_begin_a_formula(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "\"'\t'=1\""},
        {"\r=1", "\"'\r'=1\""},
        {"\n=1", "\"'\n'=1\""},
        /* where semicolons or tabs separate, what follows one begins a cell */
        {"x;=1", "\"x;'=1\""},
        {"x\t@a", "\"x\t'@a\""},
        {"x\r\n-1\"", "\"x\r\n'-1\"\"\""},
        {"x;\uff1d1", "\"x;'\uff1d1\""},
        {"a; b", "\"a; b\""},
        {"\uff1d1", "'\uff1d1"},
        {"\uff0b1", "'\uff0b1"},
        {"\uff0d1", "'\uff0d1"},
        {"\uff20x", "'\uff20x"},
        {"\uff21", "\uff21"},
        {"'=1", "'=1"},
        {"a=1", "a=1"},
        {"1-1", "1-1"},
        {"", "\"\""},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct buffer out = {0};
        csv_put_text(&out, bytes_of_string(cases[i].text), true);
        buffer_append(&out, "", 1);
        assert_string_equal(out.data, cases[i].field);
        buffer_dispose(&out);
    }
}

static void test_csv_safe_never_changes_a_number(void **state)
{
    (void)state;
    struct cell cells[] = {cell_of_integer(-42), cell_of_real(-0.5, "-0.5"), cell_of("-42")};
    struct output_config config = {.format = OUTPUT_CSV, .csv_safe = true};
    assert_text(answer_with(config, NULL, 3, three, cells, 1), "a,b,c\r\n-42,-0.5,'-42\r\n");
}

static void test_csv_tells_null_from_empty_text_and_writes_blobs_as_hex(void **state)
{
    (void)state;
    struct cell cells[] = {cell_null, cell_of(""), cell_of_blob(BYTES("\x00\xff\x1a"))};
    struct output_config config = {.format = OUTPUT_CSV};
    assert_text(answer_with(config, NULL, 3, three, cells, 1), "a,b,c\r\n,\"\",00ff1a\r\n");
}

static void test_csv_separates_sets_by_an_empty_line(void **state)
{
    (void)state;
    struct answering answer;
    struct cell one = cell_of_integer(1);
    answer_begin(&answer, (struct output_config){.format = OUTPUT_CSV});
    for (int set = 0; set < 2; ++set) {
        output_begin(answer.output, NULL, 1, (const char *[]){"n"});
        output_row(answer.output, &one);
        output_end(answer.output);
    }
    assert_text(answer_take(&answer), "n\r\n1\r\n\r\nn\r\n1\r\n");
}

/* Reads one field by RFC 4180; returns what follows it and its separator. */
static const char *read_field(const char *at, const char *end, struct buffer *field)
{
    buffer_clear(field);
    if (at < end && *at == '"') {
        for (++at; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); ++at) {
            buffer_append(field, at, 1);
            at += *at == '"';
        }
        assert_true(at < end);
        return at + 1;
    }
    for (; at < end && *at != ',' && *at != '\r' && *at != '\n'; ++at) {
        assert_int_not_equal(*at, '"');
        buffer_append(field, at, 1);
    }
    return at;
}

static const char *read_separator(const char *at, const char *end, bool is_last)
{
    if (is_last) {
        assert_true(end - at >= 2);
        assert_memory_equal(at, "\r\n", 2);
        return at + 2;
    }
    assert_true(at < end);
    assert_int_equal(*at, ',');
    return at + 1;
}

/* The texts of one round and cells of them. */
struct fuzz {
    char texts[FUZZ_ROWS * FUZZ_COLUMNS][FUZZ_LEN_MAX + 8];
    struct cell cells[FUZZ_ROWS * FUZZ_COLUMNS];
};

static void fuzz_fill(struct fuzz *fuzz, unsigned *seed)
{
    for (size_t i = 0; i < COUNT(fuzz->cells); ++i)
        fuzz->cells[i] = cell_of_bytes(fuzz_text(seed, fuzz->texts[i]));
}

static void test_csv_of_any_bytes_reads_back_as_they_were(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < FUZZ_ROUNDS; ++round) {
        struct fuzz fuzz;
        struct buffer field = {0};
        fuzz_fill(&fuzz, &seed);
        struct bytes answer =
            answer_with((struct output_config){.format = OUTPUT_CSV}, NULL, FUZZ_COLUMNS, three, fuzz.cells, FUZZ_ROWS);
        const char *at = answer.data + strlen("a,b,c\r\n"), *end = answer.data + answer.len;
        for (size_t i = 0; i < COUNT(fuzz.cells); ++i) {
            at = read_field(at, end, &field);
            assert_true(bytes_equal(buffer_view(&field), fuzz.cells[i].text));
            at = read_separator(at, end, i % FUZZ_COLUMNS == FUZZ_COLUMNS - 1);
        }
        assert_ptr_equal(at, end);
        buffer_dispose(&field);
        free((char *)answer.data);
    }
}

/* ---- json ---------------------------------------------------------------------------------------------------- */

static void test_json_keeps_every_kind_of_value(void **state)
{
    (void)state;
    struct cell cells[] = {
        cell_of_integer(INT64_MIN),
        cell_of_integer(9007199254740993),
        cell_of_real(2.5, "2.5"),
        cell_of_real(INFINITY, "Inf"),
        cell_null,
        cell_of("a \"quote\"\n"),
        cell_of(""),
        cell_of_blob(BYTES("\x01\xfe")),
    };
    const char *names[] = {"least", "large", "real", "endless", "null", "text", "empty", "blob"};
    assert_text(
        answer_with((struct output_config){.format = OUTPUT_NDJSON}, NULL, 8, names, cells, 1),
        "{\"least\":-9223372036854775808,\"large\":9007199254740993,\"real\":2.5,\"endless\":null,\"null\":null,"
        "\"text\":\"a \\\"quote\\\"\\n\",\"empty\":\"\",\"blob\":\"01fe\"}\n");
}

static void test_json_is_an_array_a_set_with_a_row_a_line(void **state)
{
    (void)state;
    struct answering answer;
    struct cell one = cell_of_integer(1);
    answer_begin(&answer, (struct output_config){.format = OUTPUT_JSON});
    output_begin(answer.output, NULL, 1, (const char *[]){"n"});
    output_row(answer.output, &one);
    output_row(answer.output, &one);
    output_end(answer.output);
    output_begin(answer.output, NULL, 1, (const char *[]){"n"});
    output_end(answer.output);
    assert_text(answer_take(&answer), "[\n{\"n\":1},\n{\"n\":1}\n]\n[]\n");
}

static void test_json_names_of_one_kind_are_told_apart(void **state)
{
    (void)state;
    struct cell cells[5];
    const char *names[] = {"id", "id", "id_2", "id", "\xff"};
    for (int i = 0; i < 5; ++i)
        cells[i] = cell_of_integer(i);
    assert_text(answer_with((struct output_config){.format = OUTPUT_NDJSON}, NULL, 5, names, cells, 1),
                "{\"id\":0,\"id_3\":1,\"id_2\":2,\"id_4\":3,\"\ufffd\":4}\n");
}

static void test_an_answer_that_broke_off_is_no_valid_json(void **state)
{
    (void)state;
    struct answering answer;
    struct cell one = cell_of_integer(1);
    answer_begin(&answer, (struct output_config){.format = OUTPUT_JSON});
    output_begin(answer.output, NULL, 1, (const char *[]){"n"});
    output_row(answer.output, &one);
    assert_text(answer_take(&answer), "[\n{\"n\":1}");
}

/* Each byte that is part of no character becomes U+FFFD. */
static void mend(struct bytes text, struct buffer *out)
{
    buffer_clear(out);
    while (text.len != 0) {
        size_t len = 1;
        while (len <= 4 && len <= text.len && !utf8_valid(bytes_view(text.data, len)))
            ++len;
        bool is_character = len <= 4 && len <= text.len;
        if (is_character)
            buffer_append(out, text.data, len);
        else
            buffer_append_string(out, "\ufffd");
        len = is_character ? len : 1;
        text = bytes_view(text.data + len, text.len - len);
    }
}

static void test_json_of_any_bytes_is_valid_and_reads_back(void **state)
{
    (void)state;
    unsigned seed = 2;
    for (int round = 0; round < FUZZ_ROUNDS; ++round) {
        struct fuzz fuzz;
        struct buffer expected = {0};
        fuzz_fill(&fuzz, &seed);
        struct bytes answer =
            answer_with((struct output_config){.format = OUTPUT_NDJSON}, NULL, FUZZ_COLUMNS, three, fuzz.cells, 1);
        const char *sentence = NULL;
        struct json_document *document = json_parse_object(bytes_view(answer.data, answer.len - 1), &sentence);
        if (document == NULL)
            fail_msg("%s: %s", sentence, answer.data);
        for (size_t i = 0; i < FUZZ_COLUMNS; ++i) {
            struct bytes text;
            mend(fuzz.cells[i].text, &expected);
            assert_true(json_string(json_member(json_root(document), three[i]), &text));
            assert_true(bytes_equal(text, buffer_view(&expected)));
        }
        json_free(document);
        buffer_dispose(&expected);
        free((char *)answer.data);
    }
}

static void test_json_escapes_nul_and_reads_no_byte_behind_a_text(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; ++len) {
        char *exact = malloc(len + 1), expected[512];
        assert_non_null(exact);
        memset(exact, 'x', len + 1);
        exact[len] = '\0';
        struct cell cell = cell_of_bytes(bytes_view(exact, len + 1));
        snprintf(expected, sizeof(expected), "{\"a\":\"%.*s\\u0000\"}\n", (int)len, exact);
        assert_text(answer_with((struct output_config){.format = OUTPUT_NDJSON}, NULL, 1, three, &cell, 1), expected);
        free(exact);
    }
}

/* ---- reports ------------------------------------------------------------------------------------------------- */

static const struct output_preamble preamble = {
    .name = "engagement",
    .title = "Engagement",
    .definition = "Messages of a visitor.\nOnly of visitors who wrote.",
    .period = "January 2026",
    .time_zone = "Europe/Istanbul",
    .made_at = "2026-02-01 09:00:00",
    .organisation = "Acme \"& Sons\"",
    .seq = 77,
};

static struct bytes report(enum output_format format, size_t sets)
{
    struct answering answer;
    struct cell one = cell_of_integer(1);
    answer_begin(&answer, (struct output_config){.format = format});
    output_preamble(answer.output, &preamble);
    for (size_t set = 0; set < sets; ++set) {
        struct output_head head = {.title = set == 0 ? "The first" : NULL};
        output_begin(answer.output, &head, 1, (const char *[]){"n"});
        output_row(answer.output, &one);
        output_end(answer.output);
    }
    return answer_take(&answer);
}

static void test_a_report_in_json_is_one_object(void **state)
{
    (void)state;
    for (size_t sets = 0; sets < 4; ++sets) {
        const char *sentence = NULL;
        struct bytes answer = report(OUTPUT_JSON, sets), text;
        struct json_document *document = json_parse_object(answer, &sentence);
        if (document == NULL)
            fail_msg("%s: %s", sentence, answer.data);
        assert_true(json_string(json_member(json_root(document), "organisation"), &text));
        assert_true(bytes_equal(text, BYTES("Acme \"& Sons\"")));
        assert_non_null(json_member(json_root(document), "sets"));
        json_free(document);
        free((char *)answer.data);
    }
    assert_text(report(OUTPUT_JSON, 2),
                "{\"report\":\"engagement\",\"title\":\"Engagement\",\"definition\":\"Messages of a visitor.\\nOnly of "
                "visitors who wrote.\",\"organisation\":\"Acme \\\"& Sons\\\"\",\"period\":\"January 2026\","
                "\"timeZone\":\"Europe/Istanbul\",\"madeAt\":\"2026-02-01 09:00:00\",\"sequence\":77,\"sets\":[\n"
                "{\"title\":\"The first\",\"rows\":[\n{\"n\":1}\n]},\n{\"title\":null,\"rows\":[\n{\"n\":1}\n]}\n]}\n");
}

static void test_a_report_in_csv_has_rows_alone(void **state)
{
    (void)state;
    int kept = dup(STDERR_FILENO), ends[2];
    char said[1024];
    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    struct bytes answer = report(OUTPUT_CSV, 1);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t len = read(ends[0], said, sizeof(said) - 1);
    close(ends[0]);
    said[len > 0 ? len : 0] = '\0';
    assert_text(answer, "n\r\n1\r\n");
    assert_non_null(strstr(said, "Engagement\nMessages of a visitor.\nOnly of visitors who wrote.\n"));
    assert_non_null(strstr(said, "January 2026"));
    assert_non_null(strstr(said, "Europe/Istanbul"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_quotes_what_a_reader_would_misread),
        cmocka_unit_test(test_csv_safe_lets_no_text_begin_a_formula),
        cmocka_unit_test(test_csv_safe_never_changes_a_number),
        cmocka_unit_test(test_csv_tells_null_from_empty_text_and_writes_blobs_as_hex),
        cmocka_unit_test(test_csv_separates_sets_by_an_empty_line),
        cmocka_unit_test(test_csv_of_any_bytes_reads_back_as_they_were),
        cmocka_unit_test(test_json_keeps_every_kind_of_value),
        cmocka_unit_test(test_json_is_an_array_a_set_with_a_row_a_line),
        cmocka_unit_test(test_json_names_of_one_kind_are_told_apart),
        cmocka_unit_test(test_an_answer_that_broke_off_is_no_valid_json),
        cmocka_unit_test(test_json_of_any_bytes_is_valid_and_reads_back),
        cmocka_unit_test(test_json_escapes_nul_and_reads_no_byte_behind_a_text),
        cmocka_unit_test(test_a_report_in_json_is_one_object),
        cmocka_unit_test(test_a_report_in_csv_has_rows_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

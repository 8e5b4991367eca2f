/* CSV as databases write it, as people break it, and as chance has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "dump/import_private.h"

/* ---- short ways ------------------------------------------------------------------------------------------------ */

static struct csv_record record;
static struct buffer scratch;

/* Reads from an allocation of exactly that size, so that a sanitizer sees a look behind it. */
static char *read_exactly(struct bytes text)
{
    char *copy = malloc(text.len);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    csv_read(bytes_view(copy, text.len), &record);
    return copy;
}

static struct bytes value_of(size_t field)
{
    buffer_clear(&scratch);
    buffer_reserve(&scratch, record.text.len);
    return csv_value(&record.fields[field], &scratch);
}

static void assert_value(size_t field, const char *expected)
{
    struct bytes value = value_of(field);
    if (expected == NULL) {
        assert_null(value.data);
    } else {
        assert_non_null(value.data);
        assert_int_equal(value.len, strlen(expected));
        assert_memory_equal(value.data, expected, value.len);
    }
}

/* The text is one record of these values; NULL is the end. */
#define NONE "\x01" /* stands for a NULL field here */
static void assert_reads_all(const char *text, const char *const *values)
{
    char *copy = read_exactly(bytes_of_string(text));
    size_t count = 0;
    for (; values[count] != NULL; ++count)
        assert_value(count, strcmp(values[count], NONE) == 0 ? NULL : values[count]);
    assert_int_equal(record.field_count, count);
    assert_int_equal(record.len, strlen(text));
    assert_false(record.is_open);
    assert_false(record.has_stray_quote);
    free(copy);
}
#define assert_reads(text, ...) assert_reads_all((text), (const char *const[]){__VA_ARGS__, NULL})

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void test_an_empty_field_is_null_and_an_empty_text_is_not(void **state)
{
    (void)state;
    assert_reads("a,b\n", "a", "b");
    assert_reads("a,,b\n", "a", NONE, "b");
    assert_reads(",\n", NONE, NONE);
    assert_reads("\"\",,\"\"\n", "", NONE, "");
    assert_reads("\n", NONE);
}

static void test_quotes_hold_commas_quotes_and_line_ends(void **state)
{
    (void)state;
    assert_reads("\"a,b\",c\n", "a,b", "c");
    assert_reads("\"a\"\"b\"\n", "a\"b");
    assert_reads("\"\"\"\"\n", "\"");
    assert_reads("\"\"\"a\"\"\",\"\"\"\"\"\"\n", "\"a\"", "\"\"");
    assert_reads("\"a\nb\r\nc\",d\n", "a\nb\r\nc", "d");
    assert_int_equal(record.lines, 3);
    assert_reads(" a , b \n", " a ", " b ");
    assert_reads("\\N,\\.\n", "\\N", "\\.");
}

static void test_lines_end_with_or_without_a_carriage_return(void **state)
{
    (void)state;
    assert_reads("a,b\r\n", "a", "b");
    assert_reads("a,\"b\"\r\n", "a", "b");
    assert_reads("a,\r\n", "a", NONE);
    assert_reads("a,b", "a", "b");
    assert_reads("a,b\r", "a", "b");
    assert_int_equal(record.lines, 0);
    assert_reads("a\rb,c\n", "a\rb", "c");
    assert_reads("\"a\r\"\n", "a\r");
}

static void test_a_record_ends_where_its_line_ends(void **state)
{
    (void)state;
    char *copy = read_exactly(BYTES("a,\"b\nc\"\r\nd,e\n"));
    assert_int_equal(record.len, 9);
    assert_int_equal(record.lines, 2);
    assert_true(bytes_equal(record.text, BYTES("a,\"b\nc\"")));
    free(copy);
}

static void assert_stray(const char *text, size_t len)
{
    char *copy = read_exactly(bytes_of_string(text));
    assert_true(record.has_stray_quote);
    assert_false(record.is_open);
    assert_int_equal(record.len, len);
    free(copy);
}

static void test_a_quote_at_a_wrong_place_spoils_its_row_alone(void **state)
{
    (void)state;
    assert_stray("5\"10,b\nnext\n", 7);
    assert_stray("a,b\"\nnext\n", 5);
    assert_stray("\"a\"b,c\nnext\n", 7);
    assert_stray("\"a\" ,c\nnext\n", 7);
    assert_stray("\"a\"\"\"\"b\"c\"\nnext\n", 11);
}

static void test_an_open_quote_takes_everything_behind_it(void **state)
{
    (void)state;
    char *copy = read_exactly(BYTES("a,\"b\nc,d\ne,f\n"));
    assert_true(record.is_open);
    assert_int_equal(record.len, 13);
    assert_int_equal(record.text.len, 13);
    free(copy);
    copy = read_exactly(BYTES("\""));
    assert_true(record.is_open);
    assert_int_equal(record.len, 1);
    free(copy);
    copy = read_exactly(BYTES("\"a\"\""));
    assert_true(record.is_open);
    free(copy);
}

static void test_fields_beyond_the_limit_are_counted(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (unsigned i = 0; i < IMPORT_COLUMNS_MAX + 6; ++i)
        buffer_printf(&text, "%s%u", i == 0 ? "" : ",", i);
    char *copy = read_exactly(buffer_view(&text));
    assert_int_equal(record.field_count, IMPORT_COLUMNS_MAX + 6);
    assert_value(IMPORT_COLUMNS_MAX - 1, "63");
    free(copy);
    buffer_dispose(&text);
}

/* ---- chance ---------------------------------------------------------------------------------------------------- */

static const char alphabet[] = {'"', '"', ',', '\n', '\r', 'a', '\0', '\xff'};

static struct bytes random_text(struct random_pool *pool, char *out, size_t len_max)
{
    size_t len = random_u64(pool) % (len_max + 1);
    for (size_t i = 0; i < len; ++i)
        out[i] = alphabet[random_u64(pool) % sizeof(alphabet)];
    return bytes_view(out, len);
}

static void put_field(struct buffer *out, struct bytes value, bool is_quoted)
{
    if (!is_quoted)
        return;
    buffer_append(out, "\"", 1);
    for (size_t i = 0; i < value.len; ++i)
        buffer_append(out, value.data[i] == '"' ? "\"\"" : value.data + i, value.data[i] == '"' ? 2 : 1);
    buffer_append(out, "\"", 1);
}

static void test_whatever_is_written_with_quotes_is_read_again(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    struct buffer text = {0};
    for (unsigned round = 0; round < 20000; ++round) {
        char memory[4][12];
        struct bytes values[4];
        bool is_null[4];
        size_t count = 1 + random_u64(&pool) % 4;
        buffer_clear(&text);
        for (size_t i = 0; i < count; ++i) {
            values[i] = random_text(&pool, memory[i], sizeof(memory[i]));
            is_null[i] = random_u64(&pool) % 4 == 0;
            buffer_append_string(&text, i == 0 ? "" : ",");
            put_field(&text, values[i], !is_null[i]);
        }
        buffer_append_string(&text, round % 2 != 0 ? "\n" : "\r\n");
        size_t len = text.len;
        buffer_append_string(&text, "next\"\n");
        char *copy = read_exactly(buffer_view(&text));
        assert_int_equal(record.field_count, count);
        assert_int_equal(record.len, len);
        assert_false(record.is_open || record.has_stray_quote);
        for (size_t i = 0; i < count; ++i) {
            struct bytes value = value_of(i);
            assert_true(is_null[i] ? value.data == NULL : value.data != NULL && bytes_equal(value, values[i]));
        }
        free(copy);
    }
    buffer_dispose(&text);
}

static void assert_lies_within(struct bytes inner, struct bytes outer)
{
    assert_true(inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

static void test_random_bytes_are_read_to_their_end(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    for (unsigned round = 0; round < 50000; ++round) {
        char memory[64];
        struct bytes text = random_text(&pool, memory, sizeof(memory));
        char *copy = malloc(text.len + 1);
        assert_non_null(copy);
        memcpy(copy, text.data, text.len);
        uint64_t lines = 0, expected = 0;
        for (size_t at = 0; at < text.len; at += record.len) {
            struct bytes rest = bytes_view(copy + at, text.len - at);
            csv_read(rest, &record);
            assert_in_range(record.len, 1, rest.len);
            lines += record.lines;
            for (size_t i = 0; i < record.field_count && i < IMPORT_COLUMNS_MAX; ++i) {
                assert_lies_within(record.fields[i].text, rest);
                value_of(i);
            }
        }
        for (size_t i = 0; i < text.len; ++i)
            expected += text.data[i] == '\n';
        assert_int_equal(lines, expected);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_field_is_null_and_an_empty_text_is_not),
        cmocka_unit_test(test_quotes_hold_commas_quotes_and_line_ends),
        cmocka_unit_test(test_lines_end_with_or_without_a_carriage_return),
        cmocka_unit_test(test_a_record_ends_where_its_line_ends),
        cmocka_unit_test(test_a_quote_at_a_wrong_place_spoils_its_row_alone),
        cmocka_unit_test(test_an_open_quote_takes_everything_behind_it),
        cmocka_unit_test(test_fields_beyond_the_limit_are_counted),
        cmocka_unit_test(test_whatever_is_written_with_quotes_is_read_again),
        cmocka_unit_test(test_random_bytes_are_read_to_their_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_dispose(&scratch);
    return failed;
}

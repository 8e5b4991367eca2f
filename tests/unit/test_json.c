/* The JSON room: what it reads, what it refuses and with which words, and that what it writes reads back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"

/* A text in memory that ends exactly where it ends, so that a sanitizer sees a read behind it. */
static struct json_document *parse(struct bytes text, const char **sentence)
{
    char *exact = malloc(text.len != 0 ? text.len : 1);
    if (text.len != 0)
        memcpy(exact, text.data, text.len);
    struct json_document *document = json_parse_object(bytes_view(exact, text.len), sentence);
    free(exact);
    return document;
}

static struct json_document *parse_well(const char *text)
{
    const char *sentence = NULL;
    struct json_document *document = parse(bytes_of_string(text), &sentence);
    if (document == NULL)
        fail_msg("%s: %s", text, sentence);
    return document;
}

static void assert_refused(struct bytes text, const char *part_of_sentence)
{
    const char *sentence = NULL;
    struct json_document *document = parse(text, &sentence);
    if (document != NULL)
        fail_msg("taken: %.*s", (int)text.len, text.data);
    assert_non_null(sentence);
    if (strstr(sentence, part_of_sentence) == NULL)
        fail_msg("%.*s: \"%s\" lacks \"%s\"", (int)text.len, text.data, sentence, part_of_sentence);
}

static void test_members_of_each_type_are_read(void **state)
{
    (void)state;
    struct json_document *document = parse_well(
        " {\"s\":\"a\\u00e9\\n\",\"empty\":\"\",\"t\":true,\"f\":false,\"n\":null,\"i\":-7,\"o\":{\"s\":1}} ");
    const struct json_value *root = json_root(document);
    struct bytes text;
    bool flag = false;
    int64_t number = 0;
    assert_true(json_string(json_member(root, "s"), &text));
    assert_true(bytes_equal(text, BYTES("a\xc3\xa9\n")));
    assert_true(json_string(json_member(root, "empty"), &text));
    assert_int_equal(text.len, 0);
    assert_true(json_bool(json_member(root, "t"), &flag));
    assert_true(flag);
    assert_true(json_bool(json_member(root, "f"), &flag));
    assert_false(flag);
    assert_true(json_integer(json_member(root, "i"), &number));
    assert_int_equal(number, -7);
    assert_true(json_integer(json_member(json_member(root, "o"), "s"), &number));
    assert_int_equal(number, 1);
    assert_null(json_member(root, "n"));
    assert_null(json_member(root, "absent"));
    assert_null(json_member(json_member(root, "s"), "s"));
    json_free(document);
}

static void test_a_wrong_type_is_not_read(void **state)
{
    (void)state;
    struct json_document *document = parse_well("{\"s\":\"1\",\"b\":true,\"i\":1,\"r\":1.0,\"a\":[],\"o\":{}}");
    const struct json_value *root = json_root(document);
    struct bytes text = BYTES("untouched");
    bool flag = true;
    int64_t number = 42;
    const char *names[] = {"s", "b", "i", "r", "a", "o", "absent"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        const struct json_value *value = json_member(root, names[i]);
        assert_int_equal(json_string(value, &text), i == 0);
        assert_int_equal(json_bool(value, &flag), i == 1);
        assert_int_equal(json_integer(value, &number), i == 2);
    }
    json_free(document);
}

static void test_integers_at_the_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"18446744073709551615", false, 0},
        {"18446744073709551616", false, 0},
        {"-9223372036854775809", false, 0},
        {"1e2", false, 0},
        {"1.0", false, 0},
        {"1e308", false, 0},
        {"5e-324", false, 0},
        {"1e-999", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
        char text[64];
        snprintf(text, sizeof(text), "{\"n\":%s}", cases[i].text);
        struct json_document *document = parse_well(text);
        int64_t number = 0;
        assert_int_equal(json_integer(json_member(json_root(document), "n"), &number), cases[i].is_integer);
        assert_int_equal(number, cases[i].number);
        json_free(document);
    }
}

static void test_malformed_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {"01",  "+1",  "1.",    ".1",  "1e",  "1e+",      "-",         "--1", "0x10",
                                          "1_0", "1,0", "1e999", "NaN", "nan", "Infinity", "-Infinity", "1 2", "0b1"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); ++i) {
        char text[64];
        snprintf(text, sizeof(text), "{\"n\":%s}", numbers[i]);
        assert_refused(bytes_of_string(text), "not valid JSON");
    }
}

static void test_texts_that_are_not_an_object_are_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_NONE, "empty");
    assert_refused(BYTES(" \t\r\n"), "holds nothing");
    assert_refused(BYTES("[]"), "must be a JSON object");
    assert_refused(BYTES("\"text\""), "must be a JSON object");
    assert_refused(BYTES("1"), "must be a JSON object");
    assert_refused(BYTES("true"), "must be a JSON object");
    assert_refused(BYTES("null"), "must be a JSON object");
    assert_refused(BYTES("{} {}"), "follows its end");
    assert_refused(BYTES("{}x"), "follows its end");
    assert_refused(BYTES("{}\0"), "follows its end");
    assert_refused(BYTES("\xef\xbb\xbf{}"), "not valid JSON");
    assert_refused(BYTES("{\0}"), "not valid JSON");
}

static void test_what_only_looks_like_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"a\":1,}",
                                        "{,}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "{\"a\":'b'}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\":[1,]}",
                                        "{\"a\":[,]}",
                                        "{\"a\":[1}",
                                        "{\"a\":1]",
                                        "{//c\n}",
                                        "{/*c*/}",
                                        "{\"a\":True}",
                                        "{\"a\":truex}",
                                        "{\"a\":tru}",
                                        "{\"a\":undefined}",
                                        "}",
                                        "]",
                                        "{\"a\":1}}",
                                        "{\"a\"::1}",
                                        "{\"a\":1,,\"b\":2}",
                                        "\x7b\x0b\x7d",
                                        "{1:1}",
                                        "{null:1}",
                                        "{\"a\":nul}",
                                        "{\"a\":\xc2\xa0 1}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); ++i)
        assert_refused(bytes_of_string(texts[i]), "not valid JSON");
}

static void test_bad_strings_are_refused(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "\\x41", "\\u12", "\\u12g4", "\\", "\\'", "\\U0041", "\\0", "a\nb", "a\tb", "\x01", "\x1f",
        /* half a surrogate pair, alone and in the wrong order */
        "\\ud800", "\\udc00", "\\ud83d\\u0041", "\\ud83dx", "\\udc00\\ud800", "\\ud83d\\ud83d",
        /* not UTF-8: overlong, surrogates, too high, cut off, a stray continuation */
        "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xff", "\xfe", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); ++i) {
        char text[64];
        snprintf(text, sizeof(text), "{\"a\":\"%s\"}", strings[i]);
        assert_refused(bytes_of_string(text), "not valid JSON");
        snprintf(text, sizeof(text), "{\"%s\":1}", strings[i]);
        assert_refused(bytes_of_string(text), "not valid JSON");
    }
    assert_refused(BYTES("{\"a\":\"\xff\"}"), "not UTF-8");
    assert_refused(BYTES("{\"a\":\"\xc3\"}"), "not UTF-8");
    assert_refused(BYTES("{\"a\":\"\\ud800\"}"), "surrogate");
}

static void test_the_character_nul_is_refused(void **state)
{
    (void)state;
    static const char words[] = "a string must not contain the character NUL";
    assert_refused(BYTES("{\"a\":\"\\u0000\"}"), words);
    assert_refused(BYTES("{\"a\":\"b\\u0000c\"}"), words);
    assert_refused(BYTES("{\"a\":[{\"b\":[\"\\u0000\"]}]}"), words);
    assert_refused(BYTES("{\"\\u0000\":1}"), words);
    assert_refused(BYTES("{\"a\":{\"a\\u0000\":1,\"a\":2}}"), words);
    assert_refused(BYTES("{\"a\":\"\0\"}"), "not valid JSON");
    json_free(parse_well("{\"a\":\"\\\\u0000\"}"));
}

static void test_duplicate_names_are_refused_at_every_level(void **state)
{
    (void)state;
    static const char words[] = "names the same member twice";
    assert_refused(BYTES("{\"a\":1,\"a\":1}"), words);
    assert_refused(BYTES("{\"a\":1,\"\\u0061\":1}"), words);
    assert_refused(BYTES("{\"a\":1,\"b\":{\"c\":1,\"d\":2,\"c\":3}}"), words);
    assert_refused(BYTES("{\"a\":[1,[{\"x\":1,\"x\":1}]]}"), words);
    assert_refused(BYTES("{\"\":1,\"\":1}"), words);
    json_free(parse_well("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"\":0,\"A\":1,\"ab\":2}"));
}

static void put_many_members(struct buffer *out, unsigned count, int last)
{
    json_open(out, '{');
    for (unsigned i = 0; i < count; ++i) {
        json_element(out);
        buffer_printf(out, "\"name%u\":%u", i, i);
    }
    if (last >= 0)
        buffer_printf(out, ",\"name%d\":0", last);
    json_close(out, '}');
}

static void test_duplicates_among_many_names_are_refused(void **state)
{
    (void)state;
    static const unsigned counts[] = {15, 16, 17, 1000, 20000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); ++i) {
        struct buffer text = {0};
        put_many_members(&text, counts[i], -1);
        const char *sentence;
        struct json_document *document = parse(buffer_view(&text), &sentence);
        assert_non_null(document);
        json_free(document);
        int repeated[] = {0, (int)counts[i] / 2, (int)counts[i] - 1};
        for (size_t j = 0; j < 3; ++j) {
            buffer_clear(&text);
            put_many_members(&text, counts[i], repeated[j]);
            const char *why = NULL;
            assert_null(parse(buffer_view(&text), &why));
            assert_non_null(strstr(why, "names the same member twice"));
        }
        buffer_dispose(&text);
    }
}

/* {"a":{"a":...}} or {"a":[[...]]}, depth brackets in all. */
static void put_nested(struct buffer *out, unsigned depth, bool arrays, bool closed)
{
    for (unsigned i = 0; i < depth; ++i)
        buffer_append_string(out, i == 0 || !arrays ? "{\"a\":" : "[");
    if (!closed)
        return;
    buffer_append_string(out, "1");
    for (unsigned i = depth; i-- > 0;)
        buffer_append_string(out, i == 0 || !arrays ? "}" : "]");
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    for (int arrays = 0; arrays < 2; ++arrays) {
        struct buffer text = {0};
        const char *sentence;
        put_nested(&text, JSON_DEPTH_MAX, arrays, true);
        struct json_document *document = parse(buffer_view(&text), &sentence);
        assert_non_null(document);
        json_free(document);
        static const unsigned depths[] = {JSON_DEPTH_MAX + 1, 1000, 100000};
        for (size_t i = 0; i < 3; ++i) {
            for (int closed = 0; closed < 2; ++closed) {
                buffer_clear(&text);
                put_nested(&text, depths[i], arrays, closed);
                sentence = NULL;
                assert_null(parse(buffer_view(&text), &sentence));
                assert_non_null(strstr(sentence, "too deeply"));
            }
        }
        buffer_dispose(&text);
    }
}

static void test_brackets_inside_strings_and_side_by_side_are_not_depth(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_append_string(&text, "{\"a\":\"\\\"");
    for (int i = 0; i < 100; ++i)
        buffer_append_string(&text, "[{ \\\\ [ \\\" {");
    buffer_append_string(&text, "\",\"b\":[[]");
    for (int i = 0; i < 100; ++i)
        buffer_append_string(&text, ",[[]],{}");
    buffer_append_string(&text, "]}");
    const char *sentence = "";
    struct json_document *document = parse(buffer_view(&text), &sentence);
    if (document == NULL)
        fail_msg("%s", sentence);
    json_free(document);
    buffer_dispose(&text);
}

static const char sample[] =
    "{\"role\":\"user\",\"content\":\"Gr\xc3\xbc\xc3\x9f \\u00e9 \\ud83d\\ude00 \xf0\x9f\x98\x80 \\\"\\\\\\n\","
    "\"list\":[1,-2.5e+3,true,false,null,{\"deep\":[]}],\"clientId\":\"c-1\"}";

static void test_a_truncated_text_is_refused_at_every_byte(void **state)
{
    (void)state;
    json_free(parse_well(sample));
    for (size_t len = 0; len < sizeof(sample) - 1; ++len) {
        const char *sentence = NULL;
        assert_null(parse(bytes_view(sample, len), &sentence));
        assert_non_null(sentence);
    }
}

static void test_every_changed_byte_is_read_or_refused_without_harm(void **state)
{
    (void)state;
    char text[sizeof(sample)];
    for (size_t at = 0; at < sizeof(sample) - 1; ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            memcpy(text, sample, sizeof(sample));
            text[at] = (char)byte;
            const char *sentence = NULL;
            struct json_document *document = parse(bytes_view(text, sizeof(sample) - 1), &sentence);
            assert_true((document == NULL) == (sentence != NULL));
            if (document != NULL)
                json_free(document);
        }
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static void assert_written(struct buffer *out, const char *expected)
{
    assert_int_equal(out->len, strlen(expected));
    assert_memory_equal(out->data, expected, out->len);
    buffer_clear(out);
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    struct buffer out = {0};
    for (int byte = 0; byte < 0x20; ++byte) {
        char character = (char)byte, expected[16];
        static const char shorts[] = "\bb\tt\nn\ff\rr";
        const char *letter = byte != 0 ? strchr(shorts, byte) : NULL;
        if (letter != NULL)
            snprintf(expected, sizeof(expected), "\"\\%c\"", letter[1]);
        else
            snprintf(expected, sizeof(expected), "\"\\u%04x\"", (unsigned)byte);
        json_put_string(&out, bytes_view(&character, 1));
        assert_written(&out, expected);
    }
    json_put_string(&out, BYTES("\"\\/<>&'"));
    assert_written(&out, "\"\\\"\\\\/<>&'\"");
    json_put_string(&out, BYTES("\x7f\xe2\x80\xa8\xe2\x80\xa9"));
    assert_written(&out, "\"\x7f\xe2\x80\xa8\xe2\x80\xa9\"");
    buffer_dispose(&out);
}

static void test_a_string_of_any_length_with_an_escape_anywhere_comes_back(void **state)
{
    (void)state;
    static const char special[] = {'"', '\\', '\n', 0x01, 0x1f};
    struct buffer out = {0};
    for (size_t len = 0; len < 70; ++len) {
        for (size_t at = 0; at <= len; ++at) {
            char text[70];
            memset(text, at % 2 ? 'x' : '\x7f', sizeof(text));
            if (at < len)
                text[at] = special[at % sizeof(special)];
            if (at + 3 < len)
                text[at + 3] = special[len % sizeof(special)];
            buffer_clear(&out);
            json_open(&out, '{');
            json_member_string(&out, "a", bytes_view(text, len));
            json_close(&out, '}');
            const char *sentence;
            struct json_document *document = parse(buffer_view(&out), &sentence);
            assert_non_null(document);
            struct bytes back;
            assert_true(json_string(json_member(json_root(document), "a"), &back));
            assert_true(bytes_equal(back, bytes_view(text, len)));
            json_free(document);
        }
    }
    buffer_dispose(&out);
}

static void test_every_character_comes_back(void **state)
{
    (void)state;
    struct buffer text = {0}, out = {0};
    for (unsigned code = 1; code <= 0x10ffff; ++code) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        char c[4];
        size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = 0; i < len; ++i)
            c[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
        c[0] = (char)(leads[len] | code >> 6 * (len - 1));
        buffer_append(&text, c, len);
    }
    json_open(&out, '{');
    json_member_string(&out, "all", buffer_view(&text));
    json_close(&out, '}');
    const char *sentence = "";
    struct json_document *document = parse(buffer_view(&out), &sentence);
    if (document == NULL)
        fail_msg("%s", sentence);
    struct bytes back;
    assert_true(json_string(json_member(json_root(document), "all"), &back));
    assert_true(bytes_equal(back, buffer_view(&text)));
    json_free(document);
    buffer_dispose(&text);
    buffer_dispose(&out);
}

static void test_a_text_of_nothing_but_escapes_fits(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 0x01, sizeof(text));
    struct buffer out = {0};
    json_put_string(&out, bytes_view(text, sizeof(text)));
    assert_int_equal(out.len, 6 * sizeof(text) + 2);
    for (size_t i = 0; i < sizeof(text); ++i)
        assert_memory_equal(out.data + 1 + 6 * i, "\\u0001", 6);
    buffer_dispose(&out);
}

static void test_numbers_and_times_are_written(void **state)
{
    (void)state;
    struct buffer out = {0};
    static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); ++i) {
        char expected[32];
        snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
        json_put_integer(&out, numbers[i]);
        assert_written(&out, expected);
    }
    json_put_time(&out, 0);
    assert_written(&out, "\"1970-01-01T00:00:00.000Z\"");
    json_put_time(&out, 1769903999999);
    assert_written(&out, "\"2026-01-31T23:59:59.999Z\"");
    buffer_dispose(&out);
}

static void test_commas_stand_where_they_are_due(void **state)
{
    (void)state;
    struct buffer out = {0};
    json_open(&out, '{');
    json_member_string(&out, "text", BYTES("ends in a bracket {"));
    json_member_string(&out, "none", BYTES_NONE);
    json_member_integer(&out, "number", -5);
    json_member_time(&out, "time", 1);
    json_member_bool(&out, "yes", true);
    json_member_bool(&out, "no", false);
    json_member_null(&out, "null");
    json_key(&out, BYTES("list"));
    json_open(&out, '[');
    for (int i = 0; i < 3; ++i) {
        json_element(&out);
        json_put_integer(&out, i);
    }
    json_element(&out);
    json_open(&out, '{');
    json_close(&out, '}');
    json_element(&out);
    json_open(&out, '[');
    json_close(&out, ']');
    json_close(&out, ']');
    json_key(&out, BYTES("object"));
    json_open(&out, '{');
    json_member_null(&out, "inner");
    json_close(&out, '}');
    json_member_null(&out, "last");
    json_close(&out, '}');
    assert_written(&out, "{\"text\":\"ends in a bracket {\",\"none\":\"\",\"number\":-5,"
                         "\"time\":\"1970-01-01T00:00:00.001Z\",\"yes\":true,\"no\":false,\"null\":null,"
                         "\"list\":[0,1,2,{},[]],\"object\":{\"inner\":null},\"last\":null}");
    buffer_dispose(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_of_each_type_are_read),
        cmocka_unit_test(test_a_wrong_type_is_not_read),
        cmocka_unit_test(test_integers_at_the_edges),
        cmocka_unit_test(test_malformed_numbers_are_refused),
        cmocka_unit_test(test_texts_that_are_not_an_object_are_refused),
        cmocka_unit_test(test_what_only_looks_like_json_is_refused),
        cmocka_unit_test(test_bad_strings_are_refused),
        cmocka_unit_test(test_the_character_nul_is_refused),
        cmocka_unit_test(test_duplicate_names_are_refused_at_every_level),
        cmocka_unit_test(test_duplicates_among_many_names_are_refused),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_brackets_inside_strings_and_side_by_side_are_not_depth),
        cmocka_unit_test(test_a_truncated_text_is_refused_at_every_byte),
        cmocka_unit_test(test_every_changed_byte_is_read_or_refused_without_harm),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_a_string_of_any_length_with_an_escape_anywhere_comes_back),
        cmocka_unit_test(test_every_character_comes_back),
        cmocka_unit_test(test_a_text_of_nothing_but_escapes_fits),
        cmocka_unit_test(test_numbers_and_times_are_written),
        cmocka_unit_test(test_commas_stand_where_they_are_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

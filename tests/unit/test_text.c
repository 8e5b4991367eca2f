/* Small readings of text: UTF-8 against a decoder written the slow way, numbers and sizes at their edges, percent
 * escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

/* ---- UTF-8 --------------------------------------------------------------------------------------------------- */

/* By the definition: decode, then ask whether the code point may exist and whether it needed so many bytes. */
static bool is_utf8_by_definition(const unsigned char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        unsigned lead = data[at];
        size_t need = lead < 0x80             ? 1
                      : (lead & 0xe0) == 0xc0 ? 2
                      : (lead & 0xf0) == 0xe0 ? 3
                      : (lead & 0xf8) == 0xf0 ? 4
                                              : 0;
        if (need == 0 || len - at < need)
            return false;
        uint32_t code = need == 1 ? lead : lead & (0x7f >> need);
        for (size_t i = 1; i < need; ++i) {
            if ((data[at + i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (data[at + i] & 0x3f);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        at += need;
    }
    return true;
}

static void test_short_sequences_are_judged_as_defined(void **state)
{
    (void)state;
    assert_true(utf8_valid(BYTES_NONE));
    for (uint32_t value = 0; value < 1u << 24; ++value) {
        unsigned char data[] = {(unsigned char)(value >> 16), (unsigned char)(value >> 8), (unsigned char)value};
        if (utf8_valid(bytes_view(data, 3)) != is_utf8_by_definition(data, 3))
            fail_msg("%02x %02x %02x", data[0], data[1], data[2]);
    }
    for (uint32_t value = 0; value < 1u << 16; ++value) {
        unsigned char data[] = {(unsigned char)(value >> 8), (unsigned char)value};
        assert_int_equal(utf8_valid(bytes_view(data, 2)), is_utf8_by_definition(data, 2));
        assert_int_equal(utf8_valid(bytes_view(data + 1, 1)), is_utf8_by_definition(data + 1, 1));
    }
    /* Four bytes: every lead and second byte, the others at the edges of what may follow. */
    static const unsigned char edges[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
    for (unsigned lead = 0xf0; lead <= 0xff; ++lead)
        for (unsigned second = 0; second < 256; ++second)
            for (size_t i = 0; i < sizeof(edges); ++i)
                for (size_t j = 0; j < sizeof(edges); ++j) {
                    unsigned char data[] = {(unsigned char)lead, (unsigned char)second, edges[i], edges[j]};
                    assert_int_equal(utf8_valid(bytes_view(data, 4)), is_utf8_by_definition(data, 4));
                }
}

static void test_a_bad_byte_is_found_at_every_place(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40; ++len) {
        for (size_t at = 0; at < len; ++at) {
            char *text = malloc(len);
            memset(text, 'a', len);
            assert_true(utf8_valid(bytes_view(text, len)));
            text[at] = (char)0xff;
            assert_false(utf8_valid(bytes_view(text, len)));
            text[at] = (char)0xc3; /* a lead with no continuation */
            assert_false(utf8_valid(bytes_view(text, len)));
            if (at + 1 < len) {
                text[at + 1] = (char)0xa9;
                assert_true(utf8_valid(bytes_view(text, len)));
            }
            free(text);
        }
    }
}

static void test_a_cut_never_splits_a_character(void **state)
{
    (void)state;
    struct bytes text = BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t max = 0; max < sizeof(expected) / sizeof(*expected); ++max) {
        struct bytes cut = utf8_cut(text, max);
        assert_int_equal(cut.len, expected[max]);
        assert_ptr_equal(cut.data, text.data);
        assert_true(utf8_valid(cut));
    }
    assert_int_equal(utf8_cut(BYTES_NONE, 10).len, 0);
}

/* ---- numbers ------------------------------------------------------------------------------------------------- */

static void assert_number(const char *text, uint64_t min, uint64_t max, bool good, uint64_t expected)
{
    uint64_t number = 77;
    if (parse_uint(bytes_of_string(text), min, max, &number) != good)
        fail_msg("\"%s\" was %s", text, good ? "refused" : "taken");
    assert_true(number == (good ? expected : 77));
}

static void test_numbers_within_bounds_are_read(void **state)
{
    (void)state;
    assert_number("0", 0, 0, true, 0);
    assert_number("1", 1, 100, true, 1);
    assert_number("100", 1, 100, true, 100);
    assert_number("007", 0, 10, true, 7);
    assert_number("18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX);
    assert_number("0", 1, 100, false, 0);
    assert_number("101", 1, 100, false, 0);
    assert_number("18446744073709551616", 0, UINT64_MAX, false, 0);
    assert_number("99999999999999999999999", 0, UINT64_MAX, false, 0);
    assert_number("184467440737095516150", 0, UINT64_MAX, false, 0);
}

static void test_what_is_not_all_digits_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    " ",   "-1", "+1", " 1", "1 ", "1.0",
                                        "1e3", "0x1", "a",  "1a", "/",  ":",  "\xd9\xa1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); ++i)
        assert_number(texts[i], 0, UINT64_MAX, false, 0);
    uint64_t number = 77;
    assert_false(parse_uint(BYTES("1\0"), 0, 100, &number));
    assert_true(parse_uint(bytes_view("123", 2), 0, 100, &number));
    assert_int_equal(number, 12);
}

static void test_sizes_are_read_in_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {{"0", 0},
                {"1", 1},
                {"4096", 4096},
                {"1K", 1024},
                {"512M", 512ull << 20},
                {"64G", 64ull << 30},
                {"64g", 64ull << 30},
                {"2t", 2ull << 40},
                {"16777215T", 16777215ull << 40}};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); ++i) {
        uint64_t size = 77;
        assert_true(parse_size(bytes_of_string(good[i].text), &size));
        assert_true(size == good[i].size);
    }
    static const char *const bad[] = {"",     "K",  "M",         "-1", "1KB", "1KiB", "1 K",
                                      "1.5G", "K1", "16777216T", "1P", "1GG", "G1G"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        uint64_t size = 77;
        assert_false(parse_size(bytes_of_string(bad[i]), &size));
        assert_true(size == 77);
    }
}

/* ---- percent escapes ----------------------------------------------------------------------------------------- */

static void assert_decoded(struct bytes text, size_t capacity, bool good, struct bytes expected)
{
    char out[32];
    size_t len = 77;
    assert_int_equal(percent_decode(text, out, capacity, &len), good);
    if (!good) {
        assert_int_equal(len, 77);
        return;
    }
    assert_true(bytes_equal(bytes_view(out, len), expected));
}

static void test_percent_escapes_are_decoded(void **state)
{
    (void)state;
    assert_decoded(BYTES_NONE, 0, true, BYTES_NONE);
    assert_decoded(BYTES("plain-~._+"), 32, true, BYTES("plain-~._+"));
    assert_decoded(BYTES("%41%7a%C3%a9%2f"), 32, true, BYTES("Az\xc3\xa9/"));
    assert_decoded(BYTES("%00%ff%25"), 32, true, BYTES("\0\xff%"));
    assert_decoded(BYTES("%2541"), 32, true, BYTES("%41"));
    assert_decoded(BYTES("%41%42"), 2, true, BYTES("AB"));
    assert_decoded(BYTES("%41%42"), 1, false, BYTES_NONE);
    assert_decoded(BYTES("a"), 0, false, BYTES_NONE);
    static const char *const bad[] = {"%", "%4", "a%", "a%4", "%4g", "%g4", "%%41", "% 41", "%-1", "%u0041", "%4\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        assert_decoded(bytes_of_string(bad[i]), 32, false, BYTES_NONE);
}

static void test_decoding_in_place_works(void **state)
{
    (void)state;
    char text[] = "%41bc%20%7E";
    size_t len;
    assert_true(percent_decode(bytes_of_string(text), text, sizeof(text), &len));
    assert_true(bytes_equal(bytes_view(text, len), BYTES("Abc ~")));
}

static void test_one_line_has_no_control_character_of_any_kind(void **state)
{
    (void)state;
    static const char *const fine[] = {"",
                                       "a name",
                                       "Ay\xc5\x9f & Co",
                                       "\xc2\xa0",
                                       "\xc2\xbf",
                                       "\xe2\x80\xa7",
                                       "\xe2\x80\xaa",
                                       "\xf0\x9f\x91\x9f",
                                       "\xe2\x82\xa8",
                                       "~"};
    static const char *const others[] = {"a\nb",     "\t",          "a\x1f",    "\x7f",         "\x1b[31m",
                                         "\xc2\x80", "a\xc2\x9b[m", "\xc2\x9f", "\xe2\x80\xa8", "a\xe2\x80\xa9"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); ++i)
        assert_true(text_is_one_line(bytes_of_string(fine[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); ++i)
        assert_false(text_is_one_line(bytes_of_string(others[i])));
    assert_false(text_is_one_line(BYTES("a\0b")));
    assert_true(text_is_one_line(BYTES_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_sequences_are_judged_as_defined),
        cmocka_unit_test(test_a_bad_byte_is_found_at_every_place),
        cmocka_unit_test(test_a_cut_never_splits_a_character),
        cmocka_unit_test(test_one_line_has_no_control_character_of_any_kind),
        cmocka_unit_test(test_numbers_within_bounds_are_read),
        cmocka_unit_test(test_what_is_not_all_digits_is_no_number),
        cmocka_unit_test(test_sizes_are_read_in_powers_of_1024),
        cmocka_unit_test(test_percent_escapes_are_decoded),
        cmocka_unit_test(test_decoding_in_place_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

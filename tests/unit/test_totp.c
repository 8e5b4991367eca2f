/*
 * Codes of an authenticator app: the vectors of RFC 4226 and RFC 6238, which every app agrees with; base32 by the
 * vectors of RFC 4648; for how long a code is good, and that it is good once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/totp.h"

static const unsigned char secret[] = "12345678901234567890"; /* of both RFCs */

static struct bytes code_of(uint64_t step)
{
    static char texts[4][TOTP_DIGITS + 1];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof(texts[0]), "%06u", totp_code(secret, step) % 1000000);
    return bytes_of_string(text);
}

/* RFC 4226, appendix D. */
static void test_hotp_is_as_the_rfc_says(void **state)
{
    (void)state;
    static const uint32_t codes[] = {755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489};
    for (uint64_t count = 0; count < 10; ++count)
        assert_int_equal(totp_code(secret, count), codes[count]);
}

/* RFC 6238, appendix B, of SHA-1; of its eight digits apps show the last six. */
static void test_totp_is_as_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        int64_t time_s;
        const char *code;
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); ++i) {
        uint64_t step = 0;
        assert_true(totp_check(secret, bytes_of_string(vectors[i].code), vectors[i].time_s * 1000, 0, &step));
        assert_true(step == (uint64_t)vectors[i].time_s / 30);
    }
}

static void test_a_code_is_good_from_half_a_minute_before_to_a_minute_after(void **state)
{
    (void)state;
    const uint64_t step = 59000000;
    const int64_t begins_ms = (int64_t)step * TOTP_STEP_MS;
    static const struct {
        int64_t offset_ms;
        bool is_good;
    } cases[] = {
        {-TOTP_STEP_MS - 1, false}, {-TOTP_STEP_MS, true},     {-1, true}, {0, true}, {2 * TOTP_STEP_MS - 1, true},
        {2 * TOTP_STEP_MS, false},  {10 * TOTP_STEP_MS, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        uint64_t found = 0;
        assert_int_equal(totp_check(secret, code_of(step), begins_ms + cases[i].offset_ms, 0, &found),
                         cases[i].is_good);
        assert_true(found == (cases[i].is_good ? step : 0));
    }
}

static void test_a_code_is_good_once_and_none_before_it(void **state)
{
    (void)state;
    const uint64_t step = 59000000;
    const int64_t now_ms = (int64_t)step * TOTP_STEP_MS;
    uint64_t found = 0;
    for (uint64_t last = step - 2; last <= step + 2; ++last)
        for (uint64_t of = step - 1; of <= step + 1; ++of)
            assert_int_equal(totp_check(secret, code_of(of), now_ms, last, &found), of > last);
}

static void test_what_is_no_six_digits_is_no_code(void **state)
{
    (void)state;
    const uint64_t step = 59000000;
    uint64_t found = 0;
    char text[16];
    struct bytes code = code_of(step);
    static const char *const formats[] = {"%.5s", "%.6s0", "0%.6s", " %.6s", "%.6s ", "+%.5s", "-%.5s", "%.3s %.3s"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i) {
        snprintf(text, sizeof(text), formats[i], code.data, code.data + 3);
        assert_false(totp_check(secret, bytes_of_string(text), (int64_t)step * TOTP_STEP_MS, 0, &found));
    }
    assert_false(totp_check(secret, BYTES(""), (int64_t)step * TOTP_STEP_MS, 0, &found));
    assert_false(totp_check(secret, BYTES_NONE, (int64_t)step * TOTP_STEP_MS, 0, &found));
    assert_false(totp_check(secret, BYTES("\xd9\xa1\xd9\xa2\xd9\xa3"), (int64_t)step * TOTP_STEP_MS, 0, &found));
    assert_true(found == 0);
}

static void test_another_secret_has_other_codes(void **state)
{
    (void)state;
    unsigned same = 0;
    for (unsigned bit = 0; bit < 160; ++bit) {
        unsigned char other[TOTP_SECRET_LEN];
        memcpy(other, secret, sizeof(other));
        other[bit / 8] ^= (unsigned char)(1 << bit % 8);
        same += totp_code(other, 1) == totp_code(secret, 1);
    }
    assert_true(same <= 1);
}

/* ---- base32 ---------------------------------------------------------------------------------------------------- */

/* RFC 4648, section 10: what has no padding, which is what apps take. */
static void test_base32_is_as_the_rfc_says(void **state)
{
    (void)state;
    char text[32];
    unsigned char back[20];
    base32_encode((const unsigned char *)"fooba", 5, text);
    assert_memory_equal(text, "MZXW6YTB", 8);
    base32_encode(secret, 20, text);
    assert_memory_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 32);
    assert_true(base32_decode(BYTES("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), back, 20));
    assert_memory_equal(back, secret, 20);
    assert_true(base32_decode(BYTES("mzxw6ytb"), back, 5));
    assert_memory_equal(back, "fooba", 5);
}

static void test_every_byte_comes_back(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; ++first) {
        unsigned char data[10], back[10];
        char text[16];
        for (unsigned i = 0; i < 10; ++i)
            data[i] = (unsigned char)(first + i * 37);
        base32_encode(data, sizeof(data), text);
        assert_true(base32_decode(bytes_view(text, sizeof(text)), back, sizeof(back)));
        assert_memory_equal(data, back, sizeof(data));
    }
}

static void test_what_is_no_base32_of_that_length_is_refused(void **state)
{
    (void)state;
    unsigned char out[5];
    static const char *const texts[] = {"",         "MZXW6YT",  "MZXW6YTBB", "MZXW6YT=", "MZXW6YT0",      "MZXW6YT1",
                                        "MZXW6YT8", "MZXW6YT9", "MZXW6YT ",  "MZXW-YTB", "MZXW6Y\xc3\xa9"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        assert_false(base32_decode(bytes_of_string(texts[i]), out, sizeof(out)));
    assert_false(base32_decode(BYTES("MZXW6YT\0"), out, sizeof(out)));
    assert_false(base32_decode(BYTES_NONE, out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hotp_is_as_the_rfc_says),
        cmocka_unit_test(test_totp_is_as_the_rfc_says),
        cmocka_unit_test(test_a_code_is_good_from_half_a_minute_before_to_a_minute_after),
        cmocka_unit_test(test_a_code_is_good_once_and_none_before_it),
        cmocka_unit_test(test_what_is_no_six_digits_is_no_code),
        cmocka_unit_test(test_another_secret_has_other_codes),
        cmocka_unit_test(test_base32_is_as_the_rfc_says),
        cmocka_unit_test(test_every_byte_comes_back),
        cmocka_unit_test(test_what_is_no_base32_of_that_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which form of a file is sent, and when none has to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/encoding.h"

static enum encoding chosen(const char *accept_encoding)
{
    return encoding_choose(bytes_of_string(accept_encoding));
}

static void test_brotli_is_preferred_among_equals(void **state)
{
    (void)state;
    assert_int_equal(chosen("gzip, deflate, br, zstd"), ENCODING_BROTLI);
    assert_int_equal(chosen("br,gzip"), ENCODING_BROTLI);
    assert_int_equal(chosen("gzip, deflate"), ENCODING_GZIP);
    assert_int_equal(chosen("GZIP"), ENCODING_GZIP);
    assert_int_equal(chosen("x-gzip"), ENCODING_GZIP);
    assert_int_equal(chosen("*"), ENCODING_BROTLI);
    assert_int_equal(chosen("identity, br"), ENCODING_BROTLI);
}

static void test_weights_decide(void **state)
{
    (void)state;
    assert_int_equal(chosen("gzip;q=1.0, br;q=0.9"), ENCODING_GZIP);
    assert_int_equal(chosen("gzip;q=0.5 , br; Q=0.501"), ENCODING_BROTLI);
    assert_int_equal(chosen("identity, gzip;q=0.5"), ENCODING_PLAIN);
    assert_int_equal(chosen("*;q=0.1, gzip;q=0.2"), ENCODING_GZIP);
    assert_int_equal(chosen("gzip;q=0.001"), ENCODING_GZIP);
}

static void test_weight_zero_refuses(void **state)
{
    (void)state;
    assert_int_equal(chosen("br;q=0, gzip"), ENCODING_GZIP);
    assert_int_equal(chosen("br;q=0.000, gzip;q=0"), ENCODING_PLAIN);
    assert_int_equal(chosen("*;q=0, gzip"), ENCODING_GZIP);
    assert_int_equal(chosen("*, br;q=0"), ENCODING_GZIP);
    assert_int_equal(chosen("*;q=0"), ENCODING_PLAIN);
}

static void test_anything_else_gets_plain_bytes(void **state)
{
    (void)state;
    assert_int_equal(encoding_choose(BYTES_NONE), ENCODING_PLAIN);
    const char *others[] = {
        "",          "identity",   "zstd",       "brotli",        "gzi",   ",,;",       "gzip;q=2",
        "gzip;q=-1", "gzip;q=0.x", "gzip;q=1.5", "gzip;q=0.1234", "br;q=", "gzip;q=.5", "br;q=00001"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i)
        assert_int_equal(chosen(others[i]), ENCODING_PLAIN);
}

static bool listed(const char *if_none_match)
{
    return etag_is_listed(bytes_of_string(if_none_match), BYTES("\"abc\""));
}

static void test_a_tag_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(listed("\"abc\""));
    assert_true(listed("W/\"abc\""));
    assert_true(listed("\"x\" ,\t\"abc\""));
    assert_true(listed("*"));
    assert_false(listed(""));
    assert_false(listed("abc"));
    assert_false(listed("\"abcd\", \"ab\", W/"));
    assert_false(etag_is_listed(BYTES_NONE, BYTES("\"abc\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brotli_is_preferred_among_equals),
        cmocka_unit_test(test_weights_decide),
        cmocka_unit_test(test_weight_zero_refuses),
        cmocka_unit_test(test_anything_else_gets_plain_bytes),
        cmocka_unit_test(test_a_tag_is_found_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a password has to be: long, in characters and not in bytes, and not what everybody would try first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/password.h"

static void assert_complaint(const char *password, const char *email, const char *says)
{
    const char *complaint = password_complaint(bytes_of_string(password), bytes_of_string(email));
    if ((complaint == NULL) != (says == NULL) || (says != NULL && strstr(complaint, says) == NULL))
        fail_msg("\"%s\": %s", password, complaint == NULL ? "no complaint" : complaint);
}

static void test_ten_characters_are_enough_of_whatever_kind(void **state)
{
    (void)state;
    static const char *const fine[] = {"abcdefghij",
                                       "aaaaaaaaab",
                                       "0123456789",
                                       "four words on a line",
                                       "\xc3\xa9t\xc3\xa9 \xc3\xa0 l'\xc3\xa9t",
                                       "\xf0\x9f\x91\x9f\xf0\x9f\x91\x9f 345678 0",
                                       "          x"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); ++i)
        assert_complaint(fine[i], "a@example.com", NULL);
}

static void test_nine_characters_are_too_few_however_many_bytes_they_have(void **state)
{
    (void)state;
    static const char *const few[] = {"", "a", "abcdefghi", "\xc3\xa9t\xc3\xa9 \xc3\xa0 l'",
                                      "\xf0\x9f\x91\x9f\xf0\x9f\x91\xa0\xf0\x9f\x91\xa1"};
    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); ++i)
        assert_complaint(few[i], "a@example.com", "at least 10 characters");
}

static void test_what_everybody_would_try_is_refused(void **state)
{
    (void)state;
    assert_complaint("aaaaaaaaaa", "a@example.com", "too easy");
    assert_complaint("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
                     "a@example.com", "too easy");
    assert_complaint("someone@example.com", "someone@example.com", "too easy");
    assert_complaint("someone@example.com", "somebody@example.com", NULL);
}

static void test_what_is_too_long_to_be_kept_is_refused(void **state)
{
    (void)state;
    char text[PASSWORD_LEN_MAX + 2];
    for (size_t i = 0; i < sizeof(text); ++i)
        text[i] = (char)('a' + i % 26);
    assert_null(password_complaint(bytes_view(text, PASSWORD_LEN_MAX), BYTES("a@b")));
    assert_non_null(
        strstr(password_complaint(bytes_view(text, PASSWORD_LEN_MAX + 1), BYTES("a@b")), "at most 256 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_characters_are_enough_of_whatever_kind),
        cmocka_unit_test(test_nine_characters_are_too_few_however_many_bytes_they_have),
        cmocka_unit_test(test_what_everybody_would_try_is_refused),
        cmocka_unit_test(test_what_is_too_long_to_be_kept_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What proves who is asking: made of fresh randomness, taken apart only when it is of its form to the letter, and
 * matched by a hash that gives nothing of it away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "api/credential.h"

#define PREFIX "hvl_"
#define TEXT_LEN (sizeof(PREFIX) - 1 + CREDENTIAL_TEXT_LEN)

static struct random_pool pool;

static struct id make(const char *prefix, char *text, unsigned char hash[SECRET_HASH_LEN])
{
    struct id id = id_make(1769903999999, &pool);
    credential_make(prefix, id, &pool, text, hash);
    return id;
}

static void test_what_is_made_is_taken_apart_and_matches(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"", "hvt_", PREFIX};
    for (size_t i = 0; i < 3; ++i) {
        char text[TEXT_LEN + 1];
        unsigned char hash[SECRET_HASH_LEN];
        struct id id = make(prefixes[i], text, hash), parsed;
        struct bytes secret;
        assert_int_equal(strlen(text), strlen(prefixes[i]) + CREDENTIAL_TEXT_LEN);
        assert_true(credential_parse(prefixes[i], bytes_of_string(text), &parsed, &secret));
        assert_true(id_equal(id, parsed) && secret.len == SECRET_TEXT_LEN);
        assert_true(credential_matches(secret, bytes_view(hash, sizeof(hash))));
        for (size_t j = 0; j < 3; ++j)
            if (j != i)
                assert_false(credential_parse(prefixes[j], bytes_of_string(text), &parsed, &secret));
    }
}

static void test_no_two_secrets_are_alike(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    static char texts[COUNT][TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    unsigned seen[SECRET_TEXT_LEN][128] = {{0}};
    for (unsigned i = 0; i < COUNT; ++i) {
        make(PREFIX, texts[i], hash);
        const char *secret = texts[i] + TEXT_LEN - SECRET_TEXT_LEN;
        for (unsigned j = 0; j < i; ++j)
            assert_memory_not_equal(secret, texts[j] + TEXT_LEN - SECRET_TEXT_LEN, 16);
        for (unsigned at = 0; at < SECRET_TEXT_LEN; ++at)
            ++seen[at][(unsigned char)secret[at]];
    }
    /* No place of it is fixed: 64 letters in each but the last, which has 16. */
    for (unsigned at = 0; at < SECRET_TEXT_LEN; ++at)
        for (unsigned c = 0; c < 128; ++c)
            assert_true(seen[at][c] < COUNT / 5);
}

static void test_every_letter_of_it_counts(void **state)
{
    (void)state;
    char text[TEXT_LEN + 1], wrong[TEXT_LEN + 2];
    unsigned char hash[SECRET_HASH_LEN];
    struct id id = make(PREFIX, text, hash), parsed;
    struct bytes secret;
    for (size_t at = 0; at < TEXT_LEN; ++at) {
        memcpy(wrong, text, sizeof(text));
        wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
        bool is_one = credential_parse(PREFIX, bytes_of_string(wrong), &parsed, &secret);
        assert_true(!is_one || !id_equal(id, parsed) || !credential_matches(secret, bytes_view(hash, sizeof(hash))));
    }
    for (size_t len = 0; len < TEXT_LEN; ++len)
        assert_false(credential_parse(PREFIX, bytes_view(text, len), &parsed, &secret));
    memcpy(wrong, text, TEXT_LEN);
    memcpy(wrong + TEXT_LEN, "x", 2);
    assert_false(credential_parse(PREFIX, bytes_of_string(wrong), &parsed, &secret));
    assert_false(credential_parse(PREFIX, BYTES_NONE, &parsed, &secret));
}

static void test_a_secret_matches_no_hash_of_another_length(void **state)
{
    (void)state;
    char text[TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN + 1] = {0};
    make(PREFIX, text, hash);
    struct bytes secret = bytes_view(text + TEXT_LEN - SECRET_TEXT_LEN, SECRET_TEXT_LEN);
    for (size_t len = 0; len <= sizeof(hash); ++len)
        assert_int_equal(credential_matches(secret, bytes_view(hash, len)), len == SECRET_HASH_LEN);
    assert_false(credential_matches(secret, BYTES_NONE));
    assert_null(memmem(hash, sizeof(hash), secret.data, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_made_is_taken_apart_and_matches),
        cmocka_unit_test(test_no_two_secrets_are_alike),
        cmocka_unit_test(test_every_letter_of_it_counts),
        cmocka_unit_test(test_a_secret_matches_no_hash_of_another_length),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

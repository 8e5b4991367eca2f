/* Who may do more may do all that is less: one order for the scopes of tokens and the roles of agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rights.h"

static void test_scopes_and_roles_have_one_order(void **state)
{
    (void)state;
    assert_true(LEVEL_NONE < LEVEL_READ && LEVEL_READ < LEVEL_WRITE && LEVEL_WRITE < LEVEL_ADMIN &&
                LEVEL_ADMIN < LEVEL_OWNER);
    assert_int_equal(scope_level(BYTES("read")), LEVEL_READ);
    assert_int_equal(scope_level(BYTES("write")), LEVEL_WRITE);
    assert_int_equal(scope_level(BYTES("admin")), LEVEL_ADMIN);
    assert_int_equal(role_level(BYTES("agent")), LEVEL_WRITE);
    assert_int_equal(role_level(BYTES("admin")), LEVEL_ADMIN);
    assert_int_equal(role_level(BYTES("owner")), LEVEL_OWNER);
}

static void test_a_token_from_before_there_were_scopes_writes(void **state)
{
    (void)state;
    assert_int_equal(scope_level(BYTES_NONE), LEVEL_WRITE);
    assert_true(bytes_equal(scope_word(BYTES_NONE), BYTES("write")));
    assert_true(bytes_equal(scope_word(BYTES("read")), BYTES("read")));
}

static void test_no_other_word_gives_any_right(void **state)
{
    (void)state;
    static const char *const words[] = {"",       "Read",  "ADMIN", "admin ", " admin", "admi",
                                        "admins", "reads", "root",  "writer", "none",   "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        assert_int_equal(scope_level(bytes_of_string(words[i])), LEVEL_NONE);
        assert_int_equal(role_level(bytes_of_string(words[i])), LEVEL_NONE);
    }
    assert_int_equal(scope_level(BYTES("owner")), LEVEL_NONE); /* no program owns an organisation */
    assert_int_equal(scope_level(BYTES("agent")), LEVEL_NONE);
    assert_int_equal(role_level(BYTES("read")), LEVEL_NONE);
    assert_int_equal(role_level(BYTES("write")), LEVEL_NONE);
    assert_int_equal(role_level(BYTES_NONE), LEVEL_NONE);
    assert_int_equal(role_level(BYTES("admin\0")), LEVEL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes_and_roles_have_one_order),
        cmocka_unit_test(test_a_token_from_before_there_were_scopes_writes),
        cmocka_unit_test(test_no_other_word_gives_any_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

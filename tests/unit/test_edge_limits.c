/* The counts of connections: exact at their limits, and back to nothing when all have gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge/address.h"
#include "edge/connection_limits.h"

static struct in6_addr address(const char *text)
{
    struct in6_addr out;
    assert_true(address_parse(bytes_of_string(text), &out));
    return out;
}

static void test_the_whole_is_limited(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_create(3, 3);
    for (int i = 0; i < 3; ++i)
        assert_true(connection_limits_take(limits));
    assert_false(connection_limits_has_room(limits));
    assert_false(connection_limits_take(limits));
    assert_int_equal(connection_limits_count(limits), 3);
    connection_limits_give_back(limits);
    assert_true(connection_limits_has_room(limits));
    assert_true(connection_limits_take(limits));
    connection_limits_free(limits);
}

static void test_each_address_is_limited(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_create(100, 2);
    struct in6_addr one = address("192.0.2.1"), other = address("192.0.2.2");
    assert_true(connection_limits_take_address(limits, &one));
    assert_true(connection_limits_take_address(limits, &one));
    assert_false(connection_limits_take_address(limits, &one));
    assert_true(connection_limits_take_address(limits, &other));
    connection_limits_give_back_address(limits, &one);
    assert_true(connection_limits_take_address(limits, &one));
    assert_false(connection_limits_take_address(limits, &one));
    connection_limits_free(limits);
}

static void test_an_ipv6_client_is_its_network(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_create(100, 1);
    struct in6_addr one = address("2001:db8:1:2::1"), same = address("2001:db8:1:2:ffff::9"),
                    other = address("2001:db8:1:3::1");
    assert_true(connection_limits_take_address(limits, &one));
    assert_false(connection_limits_take_address(limits, &same));
    assert_true(connection_limits_take_address(limits, &other));
    connection_limits_give_back_address(limits, &same);
    assert_true(connection_limits_take_address(limits, &one));
    connection_limits_free(limits);
}

/* Takes and gives back at random beside a plain model, in a table that is as full as it ever gets. */
static void test_the_table_agrees_with_a_model(void **state)
{
    (void)state;
    enum { WHOLE = 32, ADDRESSES = 48, PER_ADDRESS = 3 };
    struct connection_limits *limits = connection_limits_create(WHOLE, PER_ADDRESS);
    unsigned model[ADDRESSES] = {0}, total = 0;
    unsigned random = 12345;
    for (int step = 0; step < 200000; ++step) {
        random = random * 1664525 + 1013904223;
        unsigned which = (random >> 16) % ADDRESSES;
        struct in6_addr one = address_of_ipv4((struct in_addr){0x0a000000u + which});
        if ((random >> 8 & 1) != 0 && total < WHOLE) {
            bool taken = connection_limits_take_address(limits, &one);
            assert_int_equal(taken, model[which] < PER_ADDRESS);
            model[which] += taken;
            total += taken;
        } else if (model[which] != 0) {
            connection_limits_give_back_address(limits, &one);
            --model[which];
            --total;
        }
    }
    connection_limits_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_is_limited),
        cmocka_unit_test(test_each_address_is_limited),
        cmocka_unit_test(test_an_ipv6_client_is_its_network),
        cmocka_unit_test(test_the_table_agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

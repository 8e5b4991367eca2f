/* Network addresses as text: whole, or cut to the network that they are in. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address_text.h"

static const struct {
    const char *whole, *cut;
} known[] = {
    {"203.0.113.7", "203.0.113.0/24"},
    {"0.0.0.0", "0.0.0.0/24"},
    {"255.255.255.255", "255.255.255.0/24"},
    {"2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"},
    {"2001:db8::1", "2001:db8::/48"},
    {"::1", "::/48"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::/48"},
};

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (inet_pton(AF_INET, text, address.s6_addr + 12) != 1)
        assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
    return address;
}

static void test_an_address_is_written_whole_or_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        char text[ADDRESS_LEN_MAX];
        struct in6_addr address = address_of(known[i].whole);
        assert_true(
            bytes_equal(bytes_view(text, address_text(&address, false, text)), bytes_of_string(known[i].whole)));
        assert_true(bytes_equal(bytes_view(text, address_text(&address, true, text)), bytes_of_string(known[i].cut)));
    }
}

static void test_a_text_is_cut_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        char room[ADDRESS_LEN_MAX];
        struct bytes whole = bytes_of_string(known[i].whole), cut = bytes_of_string(known[i].cut);
        assert_true(address_text_is_valid(whole) && address_text_is_valid(cut));
        assert_true(bytes_equal(address_text_truncate(whole, room), cut));
        assert_true(bytes_equal(address_text_truncate(cut, room), cut));
    }
}

static void test_what_is_no_address_is_none(void **state)
{
    static const char *const bad[] = {"",           "x",        "1.2.3",       "1.2.3.4.5",    "1.2.3.256",
                                      "1.2.3.4/48", "::1/24",   "1.2.3.4/",    "/24",          "1.2.3.4/24/24",
                                      " 1.2.3.4",   "1.2.3.4 ", "example.org", "2001:db8:::1", "[::1]"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
        assert_false(address_text_is_valid(bytes_of_string(bad[i])));
    assert_false(address_text_is_valid(BYTES("1.2.3.4\0")));
    assert_false(address_text_is_valid(BYTES_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_written_whole_or_cut),
        cmocka_unit_test(test_a_text_is_cut_once),
        cmocka_unit_test(test_what_is_no_address_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

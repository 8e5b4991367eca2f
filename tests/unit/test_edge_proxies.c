/* Who the client is behind proxies: only what a trusted one wrote is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "edge/address.h"
#include "edge/proxies.h"

static struct trusted_proxies *parse_well(const char *text)
{
    const char *why = NULL;
    struct trusted_proxies *proxies = trusted_proxies_parse(text, &why);
    if (proxies == NULL)
        fail_msg("%s: %s", text, why);
    return proxies;
}

static struct in6_addr address(const char *text)
{
    struct in6_addr out;
    assert_true(address_parse(bytes_of_string(text), &out));
    return out;
}

static void assert_contains(const char *networks, const char *one, bool expected)
{
    struct trusted_proxies *proxies = parse_well(networks);
    struct in6_addr wanted = address(one);
    if (trusted_proxies_contain(proxies, &wanted) != expected)
        fail_msg("%s and %s", networks, one);
    trusted_proxies_free(proxies);
}

static void test_networks_hold_what_they_say(void **state)
{
    (void)state;
    assert_contains("127.0.0.1", "127.0.0.1", true);
    assert_contains("127.0.0.1", "127.0.0.2", false);
    assert_contains("127.0.0.1, 10.0.0.0/8, fd00::/8", "10.255.1.2", true);
    assert_contains("127.0.0.1, 10.0.0.0/8, fd00::/8", "11.0.0.0", false);
    assert_contains("127.0.0.1, 10.0.0.0/8, fd00::/8", "fdff::1", true);
    assert_contains("10.0.0.128/25", "10.0.0.127", false);
    assert_contains("10.0.0.128/25", "10.0.0.129", true);
    assert_contains("0.0.0.0/0", "1.2.3.4", true);
    assert_contains("0.0.0.0/0", "2001:db8::1", false);
    assert_contains("::/0", "1.2.3.4", true);
    assert_contains("::ffff:10.0.0.0/104", "10.1.1.1", true);
    assert_contains("", "127.0.0.1", false);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.0/33", "10.0.0.0/",     "10.0.0.0/8x", "fd00::/129",
                                        "10.0.0.1/8",  "proxy.example", "1.2.3.4,,",   " , ",
                                        "1.2.3.4/-1",  "[::1]",         "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        const char *why = NULL;
        if (trusted_proxies_parse(texts[i], &why) != NULL)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(why);
    }
}

/* X-Forwarded-For in up to two headers, from a peer 10.0.0.1, with 10.0.0.0/8 and ::1 trusted. */
static void assert_client(const char *first, const char *second, const char *expected)
{
    struct trusted_proxies *proxies = parse_well("10.0.0.0/8, ::1");
    struct bytes values[2] = {bytes_of_string(first), bytes_of_string(second != NULL ? second : "")};
    struct in6_addr wanted = address(expected);
    struct in6_addr client = trusted_proxies_client(proxies, address("10.0.0.1"), values, second != NULL ? 2 : 1);
    char name[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, &client, name, sizeof(name));
    if (memcmp(&client, &wanted, sizeof(client)) != 0)
        fail_msg("%s | %s: %s, not %s", first, second != NULL ? second : "", name, expected);
    trusted_proxies_free(proxies);
}

static void test_the_right_most_stranger_is_the_client(void **state)
{
    (void)state;
    assert_client("1.2.3.4", NULL, "1.2.3.4");
    assert_client("6.6.6.6, 1.2.3.4", NULL, "1.2.3.4");
    assert_client("6.6.6.6,1.2.3.4 ,\t10.0.0.7", NULL, "1.2.3.4");
    assert_client("6.6.6.6", "1.2.3.4, 10.0.0.7", "1.2.3.4");
    assert_client("6.6.6.6, 1.2.3.4", "10.0.0.9, 10.0.0.7", "1.2.3.4");
    assert_client("2001:db8::5, ::1", NULL, "2001:db8::5");
    assert_client("[2001:db8::5]:4711", NULL, "2001:db8::5");
    assert_client("[2001:db8::5]", NULL, "2001:db8::5");
    assert_client("1.2.3.4:4711", NULL, "1.2.3.4");
    assert_client("::ffff:1.2.3.4", NULL, "1.2.3.4");
    assert_client("garbage, 1.2.3.4", NULL, "1.2.3.4");
}

static void test_among_trusted_ones_the_first_is_the_client(void **state)
{
    (void)state;
    assert_client("10.0.0.5, 10.0.0.6", NULL, "10.0.0.5");
}

static void test_garbage_leaves_the_peer(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        ",",
                                        "unknown",
                                        "1.2.3.4,",
                                        "1.2.3.4, 10.0.0.7, _hidden",
                                        "1.2.3",
                                        "[::1",
                                        "]",
                                        "[1.2.3.4]x",
                                        "1.2.3.4:x",
                                        "1.2.3.4:999999",
                                        "1.2.3.4 5.6.7.8",
                                        "::g"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        assert_client(texts[i], NULL, "10.0.0.1");
    assert_client("1.2.3.4", "", "10.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_hold_what_they_say),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_the_right_most_stranger_is_the_client),
        cmocka_unit_test(test_among_trusted_ones_the_first_is_the_client),
        cmocka_unit_test(test_garbage_leaves_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

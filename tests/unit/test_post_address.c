/*
 * Where requests may go. Every network of the list is tried at its first and last address and just outside of both, and
 * the whole of IPv4 is walked by its first two bytes: what is let pass is counted, so that a network that somebody
 * forgets, or one too many, shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/un.h>

#include "../../src/post/address.c"

static bool is_public(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return address_is_public((const struct sockaddr *)&ipv4);
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return address_is_public((const struct sockaddr *)&ipv6);
}

static void assert_all(const char *const *texts, bool expected)
{
    for (; *texts != NULL; ++texts)
        if (is_public(*texts) != expected)
            fail_msg("%s is %s", *texts, expected ? "refused" : "let pass");
}

static void test_special_addresses_of_ipv4_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",  "100.64.0.0",
        "100.100.100.200", "100.127.255.255", "127.0.0.0",       "127.0.0.1",       "127.255.255.255",
        "168.63.129.16",   "169.254.0.0",     "169.254.169.254", "169.254.255.255", "172.16.0.0",
        "172.31.255.255",  "192.0.0.0",       "192.0.0.192",     "192.0.0.255",     "192.0.2.0",
        "192.0.2.255",     "192.31.196.1",    "192.52.193.1",    "192.88.99.0",     "192.88.99.255",
        "192.168.0.0",     "192.168.255.255", "192.175.48.1",    "198.18.0.0",      "198.19.255.255",
        "198.51.100.0",    "198.51.100.255",  "203.0.113.0",     "203.0.113.255",   "224.0.0.0",
        "239.255.255.255", "240.0.0.0",       "255.255.255.254", "255.255.255.255", NULL};
    assert_all(refused, false);
}

static void test_addresses_beside_them_are_let_pass(void **state)
{
    (void)state;
    static const char *const passed[] = {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",
                                         "100.63.255.255",  "100.128.0.0",     "126.255.255.255",
                                         "128.0.0.0",       "168.63.129.15",   "168.63.129.17",
                                         "169.253.255.255", "169.255.0.0",     "172.15.255.255",
                                         "172.32.0.0",      "191.255.255.255", "192.0.1.0",
                                         "192.0.1.255",     "192.0.3.0",       "192.31.195.255",
                                         "192.31.197.0",    "192.88.98.255",   "192.88.100.0",
                                         "192.167.255.255", "192.169.0.0",     "198.17.255.255",
                                         "198.20.0.0",      "198.51.99.255",   "198.51.101.0",
                                         "203.0.112.255",   "203.0.114.0",     "223.255.255.255",
                                         "8.8.8.8",         "93.184.216.34",   NULL};
    assert_all(passed, true);
}

/* By the first two bytes, with the last two 77.77, which is in no small network but those of /16 and wider. */
static void test_as_much_of_ipv4_is_let_pass_as_the_registry_leaves(void **state)
{
    (void)state;
    unsigned passed = 0;
    for (unsigned high = 0; high < 65536; ++high) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(high << 16 | 77 << 8 | 77)};
        passed += address_is_public((const struct sockaddr *)&address);
    }
    /* 0/8, 10/8, 127/8, 224/4, 240/4; 100.64/10; 169.254/16; 172.16/12; 192.168/16; 198.18/15 */
    assert_int_equal(passed, 65536 - 3 * 256 - 32 * 256 - 64 - 1 - 16 - 1 - 2);
}

static void test_special_addresses_of_ipv6_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"::",
                                          "::1",
                                          "::7f00:1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1",
                                          "::ffff:8.8.8.8",
                                          "::ffff:0:8.8.8.8",
                                          "64:ff9b::8.8.8.8",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b:1::1",
                                          "100::1",
                                          "2001::1",
                                          "2001:0:7f00:1::",
                                          "2001:2::1",
                                          "2001:10::1",
                                          "2001:20::1",
                                          "2001:1ff:ffff::1",
                                          "2001:db8::1",
                                          "2001:db8:ffff:ffff::",
                                          "2002:7f00:1::1",
                                          "2002:808:808::1",
                                          "2620:4f:8000::1",
                                          "3ffe::1",
                                          "3fff::1",
                                          "3fff:fff::1",
                                          "4000::1",
                                          "5f00::1",
                                          "fc00::1",
                                          "fd00:ec2::254",
                                          "fdff:ffff::1",
                                          "fe80::1",
                                          "febf::1",
                                          "fec0::1",
                                          "ff00::1",
                                          "ff02::1",
                                          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                          "1fff:ffff::1",
                                          NULL};
    assert_all(refused, false);
}

static void test_what_is_given_out_of_ipv6_is_let_pass(void **state)
{
    (void)state;
    static const char *const passed[] = {"2000::1",
                                         "2001:200::1",
                                         "2001:4860:4860::8888",
                                         "2001:db7:ffff::1",
                                         "2001:db9::1",
                                         "2003::1",
                                         "2606:4700:4700::1111",
                                         "2620:4f:7fff::1",
                                         "2620:4f:8001::",
                                         "2a00:1450::200e",
                                         "3ffd:ffff::1",
                                         "3fff:1000::1",
                                         NULL};
    assert_all(passed, true);
}

static void test_no_other_family_is_let_pass(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    assert_false(address_is_public((const struct sockaddr *)&local));
    assert_false(address_is_public(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_addresses_of_ipv4_are_refused),
        cmocka_unit_test(test_addresses_beside_them_are_let_pass),
        cmocka_unit_test(test_as_much_of_ipv4_is_let_pass_as_the_registry_leaves),
        cmocka_unit_test(test_special_addresses_of_ipv6_are_refused),
        cmocka_unit_test(test_what_is_given_out_of_ipv6_is_let_pass),
        cmocka_unit_test(test_no_other_family_is_let_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

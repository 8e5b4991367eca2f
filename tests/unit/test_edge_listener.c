/* The text form of listeners: what is taken, what it means, and that every mistake is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "edge/edge.h"

static struct listener_config parse_well(const char *text)
{
    struct listener_config config;
    const char *why = NULL;
    if (!listener_parse(text, &config, &why))
        fail_msg("%s: %s", text, why);
    return config;
}

static void assert_listener(const char *text, enum listener_kind kind, const char *address, unsigned port)
{
    struct listener_config config = parse_well(text);
    char name[INET6_ADDRSTRLEN];
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&config.address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&config.address;
    bool is_ipv4 = config.address.ss_family == AF_INET;
    inet_ntop(config.address.ss_family, is_ipv4 ? (const void *)&ipv4->sin_addr : &ipv6->sin6_addr, name, sizeof(name));
    assert_int_equal(config.kind, kind);
    assert_string_equal(name, address);
    assert_int_equal(ntohs(is_ipv4 ? ipv4->sin_port : ipv6->sin6_port), port);
    assert_int_equal(config.address_len, is_ipv4 ? sizeof(*ipv4) : sizeof(*ipv6));
}

static void test_every_form_is_understood(void **state)
{
    (void)state;
    assert_listener("http://127.0.0.1:4000", LISTENER_HTTP, "127.0.0.1", 4000);
    assert_listener("https://[::]:443", LISTENER_HTTPS, "::", 443);
    assert_listener("https://[2001:db8::1]:443", LISTENER_HTTPS, "2001:db8::1", 443);
    assert_listener("redirect://:80", LISTENER_REDIRECT, "::", 80);
    assert_listener("127.0.0.1:4000", LISTENER_HTTP, "127.0.0.1", 4000);
    assert_listener("4000", LISTENER_HTTP, "::", 4000);
    assert_listener("0", LISTENER_HTTP, "::", 0);
    assert_listener("[::1]:65535", LISTENER_HTTP, "::1", 65535);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "port"},
        {"http://", "port"},
        {"http://1.2.3.4", "port"},
        {"1.2.3.4:", "port"},
        {"1.2.3.4:65536", "port"},
        {"1.2.3.4:123456", "port"},
        {"1.2.3.4:-1", "port"},
        {"1.2.3.4:80/", "port"},
        {"1.2.3.4: 80", "port"},
        {"4000x", "port"},
        {"localhost:80", "names are not resolved"},
        {"1.2.3:80", "address"},
        {"::1:80", "address"},
        {"[::1:80", "address"},
        {"[]:80", "address"},
        {"[1.2.3.4]:80", "address"},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", "address"},
        {"ftp://1.2.3.4:80", "begins with"},
        {"HTTP://1.2.3.4:80", "begins with"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct listener_config config;
        const char *why = NULL;
        if (listener_parse(cases[i].text, &config, &why))
            fail_msg("taken: %s", cases[i].text);
        if (strstr(why, cases[i].part) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, why, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_is_understood),
        cmocka_unit_test(test_mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

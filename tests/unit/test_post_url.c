/* What a webhook's URL may be: whatever hides another host than the one that people read is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "post/post.h"

static void assert_refused(const char *url, bool allow_private, const char *word)
{
    const char *refusal = post_url_refusal(bytes_of_string(url), allow_private);
    if (refusal == NULL)
        fail_msg("%s is taken", url);
    if (strstr(refusal, word) == NULL)
        fail_msg("%s is refused with: %s", url, refusal);
}

static void assert_taken(const char *url, bool allow_private)
{
    const char *refusal = post_url_refusal(bytes_of_string(url), allow_private);
    if (refusal != NULL)
        fail_msg("%s is refused: %s", url, refusal);
}

static void test_public_https_urls_are_taken(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://example.com",
                                       "https://example.com/",
                                       "https://example.com/hook?key=a%20b&x=1",
                                       "https://EXAMPLE.com:443/a/b/../c",
                                       "https://hooks.example.com:8443/x",
                                       "https://xn--bcher-kva.example/",
                                       "https://a_b.example.com/",
                                       "https://93.184.216.34/",
                                       "https://[2606:4700:4700::1111]:8443/",
                                       "https://example.com./",
                                       "HTTPS://example.com/",
                                       "https://notlocalhost/",
                                       "https://localhost.example.com/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); ++i)
        assert_taken(urls[i], false);
}

static void test_anything_but_https_is_refused(void **state)
{
    (void)state;
    assert_refused("http://example.com/", false, "https://");
    assert_refused("ftp://example.com/", false, "https://");
    assert_refused("file:///etc/passwd", true, "");
    assert_refused("gopher://example.com/", true, "https://");
    assert_refused("smtp://example.com/", true, "https://");
    assert_refused("example.com/", false, "");
    assert_refused("//example.com/", false, "");
    assert_refused("https:/", false, "");
    assert_refused("https://", false, "");
    assert_refused("", false, "visible ASCII");
    assert_refused("javascript:alert(1)", false, "");
}

static void test_users_and_fragments_are_refused(void **state)
{
    (void)state;
    assert_refused("https://user@example.com/", false, "user");
    assert_refused("https://user:secret@example.com/", true, "user");
    assert_refused("https://example.com@evil.example/", false, "user");
    assert_refused("https://example.com/#x", false, "#");
    assert_refused("https://evil.example#@example.com/", false, "#");
}

static void test_what_a_parser_could_put_right_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://example.com\\@evil.example/",
                                       "https://example.com /",
                                       " https://example.com/",
                                       "https://example.com/\r\nX: y",
                                       "https://exam\tple.com/",
                                       "https://ex\xc3\xa4mple.com/",
                                       "https://example.com/\x7f",
                                       "https://exa<mple.com/",
                                       "https://{a,b}.example.com/",
                                       "https://example.com/|x"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); ++i)
        assert_refused(urls[i], true, "");
    const char with_nul[] = "https://example.com/\0.evil.example";
    assert_non_null(post_url_refusal(bytes_view(with_nul, sizeof(with_nul) - 1), false));
}

static void test_addresses_in_every_spelling_are_seen(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://127.0.0.1/",
                                       "https://127.1/",
                                       "https://2130706433/",
                                       "https://0x7f000001/",
                                       "https://0177.0.0.1/",
                                       "https://0x7f.1/",
                                       "https://10.0.0.1:8443/",
                                       "https://192.168.0.1/",
                                       "https://169.254.169.254/latest/meta-data/",
                                       "https://0/",
                                       "https://[::1]/",
                                       "https://[::]/",
                                       "https://[::ffff:127.0.0.1]/",
                                       "https://[::ffff:7f00:1]/",
                                       "https://[64:ff9b::7f00:1]/",
                                       "https://[fd00:ec2::254]/",
                                       "https://[fe80::1]/",
                                       "https://localhost/",
                                       "https://LOCALHOST:8443/",
                                       "https://localhost./",
                                       "https://a.localhost/",
                                       "https://%31%32%37.0.0.1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); ++i)
        assert_refused(urls[i], false, "");
    assert_refused("https://[fe80::1%25eth0]/", true, "host");
    assert_taken("https://127.0.0.1/", true);
    assert_taken("http://localhost:9000/", true);
    assert_taken("http://[::1]:80/", true);
}

static void test_ports_of_other_services_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"https://example.com:22/", "https://example.com:25/",
                                          "https://example.com:80/", "https://example.com:1023/",
                                          "https://example.com:0/",  "https://example.com:65536/",
                                          "https://example.com:-1/", "https://example.com:99999999999/"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); ++i)
        assert_refused(refused[i], false, "port");
    assert_taken("https://example.com:1024/", false);
    assert_taken("https://example.com:65535/", false);
    assert_taken("https://example.com:22/", true);
}

static void test_the_length_has_a_limit(void **state)
{
    (void)state;
    char url[WEBHOOK_URL_LEN_MAX + 2];
    int len = snprintf(url, sizeof(url), "https://example.com/");
    memset(url + len, 'a', sizeof(url) - (size_t)len);
    assert_null(post_url_refusal(bytes_view(url, WEBHOOK_URL_LEN_MAX), false));
    assert_non_null(post_url_refusal(bytes_view(url, WEBHOOK_URL_LEN_MAX + 1), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_https_urls_are_taken),
        cmocka_unit_test(test_anything_but_https_is_refused),
        cmocka_unit_test(test_users_and_fragments_are_refused),
        cmocka_unit_test(test_what_a_parser_could_put_right_is_refused),
        cmocka_unit_test(test_addresses_in_every_spelling_are_seen),
        cmocka_unit_test(test_ports_of_other_services_are_refused),
        cmocka_unit_test(test_the_length_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

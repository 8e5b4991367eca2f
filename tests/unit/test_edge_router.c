/* Which path is which, and what a parameter may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge/router.h"

static void handle(struct request *request, const struct route *route)
{
    (void)request, (void)route;
}

static const struct route routes[] = {
    {METHOD_GET, "/", 0, handle},
    {METHOD_GET, "/health", 0, handle},
    {METHOD_GET, "/conversations/:id", 0, handle},
    {METHOD_GET, "/conversations", 0, handle},
    {METHOD_POST, "/conversations", 100, handle},
    {METHOD_DELETE, "/conversations/:conversation", 0, handle},
    {METHOD_GET, "/conversations/search", 0, handle},
    {METHOD_POST, "/conversations/:id/messages", 100, handle},
    {METHOD_PATCH, "/orgs/:org/agents/:agent", 100, handle},
    {METHOD_PUT, "/orgs/:org/agents/:agent", 100, handle},
};

static struct router *router;

static int set_up(void **state)
{
    (void)state;
    router = router_create(routes, sizeof(routes) / sizeof(routes[0]));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    router_free(router);
    return 0;
}

static struct router_match find_well(const char *path)
{
    struct router_match match;
    if (!router_find(router, bytes_of_string(path), &match))
        fail_msg("not found: %s", path);
    return match;
}

static void assert_route(const char *path, enum method method, const char *pattern)
{
    struct router_match match = find_well(path);
    assert_non_null(match.path->routes[method]);
    assert_string_equal(match.path->routes[method]->pattern, pattern);
}

static void test_paths_find_their_route(void **state)
{
    (void)state;
    assert_route("/", METHOD_GET, "/");
    assert_route("/health", METHOD_GET, "/health");
    assert_route("/conversations", METHOD_POST, "/conversations");
    assert_route("/conversations/c1", METHOD_GET, "/conversations/:id");
    assert_route("/conversations/c1", METHOD_DELETE, "/conversations/:conversation");
    assert_route("/conversations/c1/messages", METHOD_POST, "/conversations/:id/messages");
}

static void test_a_literal_goes_before_a_parameter(void **state)
{
    (void)state;
    assert_route("/conversations/search", METHOD_GET, "/conversations/search");
    assert_route("/conversations/searches", METHOD_GET, "/conversations/:id");
}

static void test_parameters_come_in_order(void **state)
{
    (void)state;
    struct router_match match = find_well("/orgs/one/agents/t%77o");
    assert_int_equal(match.param_count, 2);
    assert_true(bytes_equal(match.params[0], BYTES("one")));
    assert_true(bytes_equal(match.params[1], BYTES("t%77o")));
}

static void test_another_spelling_is_another_path(void **state)
{
    (void)state;
    static const char *const paths[] = {"/healt",
                                        "/healthy",
                                        "/health/",
                                        "//health",
                                        "/HEALTH",
                                        "/%68ealth",
                                        "/./health",
                                        "/x/../health",
                                        "/conversations/",
                                        "/conversations//messages",
                                        "/conversations/c1/",
                                        "/orgs/a/agents/",
                                        "//",
                                        "/a/b/c/d/e/f/g/h",
                                        "/a/b/c/d/e/f/g/h/i",
                                        "/conversations/c1/messages/x"};
    struct router_match match;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i)
        if (router_find(router, bytes_of_string(paths[i]), &match))
            fail_msg("found: %s", paths[i]);
}

static void test_allow_lists_the_methods_of_the_path(void **state)
{
    (void)state;
    assert_string_equal(find_well("/conversations").path->allow, "GET, HEAD, POST, OPTIONS");
    assert_string_equal(find_well("/conversations/c1").path->allow, "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(find_well("/orgs/a/agents/b").path->allow, "PUT, PATCH, OPTIONS");
    assert_null(find_well("/health").path->routes[METHOD_POST]);
    assert_int_equal(find_well("/health").path->allow_len, strlen(find_well("/health").path->allow));
}

/* Decodes into memory of exactly the promised size, so that a sanitizer sees a byte too many. */
static bool decode(struct bytes raw, char **out, size_t *len)
{
    char *exact = malloc(raw.len != 0 ? raw.len : 1);
    *out = exact;
    return path_decode(raw, exact, len);
}

static void test_escapes_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *text;
    } cases[] = {{"plain", "plain"},
                 {"a%20b", "a b"},
                 {"%2F%2f", "//"},
                 {"100%25", "100%"},
                 {"%C3%A9", "\xc3\xa9"},
                 {"%e2%82%ac", "\xe2\x82\xac"},
                 {"%f0%9f%98%80", "\xf0\x9f\x98\x80"},
                 {"%2e%2e", ".."},
                 {"a+b", "a+b"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char *out;
        size_t len;
        if (!decode(bytes_of_string(cases[i].raw), &out, &len))
            fail_msg("refused: %s", cases[i].raw);
        assert_true(bytes_equal(bytes_view(out, len), bytes_of_string(cases[i].text)));
        free(out);
    }
}

static void test_what_is_not_clean_text_is_refused(void **state)
{
    (void)state;
    static const char *const raws[] = {
        "%",         "%2",           "a%",           "%zz",          "%2g",    "%%20",           "%00",
        "a%00b",     "%0a",          "%1f",          "%7f",          "%C2%80", "%C2%9f",         "%ff",
        "%80",       "%C3",          "%C3%",         "%C3x",         "%C0%AF", "%C1%BF",         "%E0%80%AF",
        "%ED%A0%80", "%F0%80%80%AF", "%F4%90%80%80", "%F5%80%80%80", "%E2%82", "%F8%88%80%80%80"};
    for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); ++i) {
        char *out;
        size_t len;
        if (decode(bytes_of_string(raws[i]), &out, &len))
            fail_msg("taken: %s", raws[i]);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_find_their_route),
        cmocka_unit_test(test_a_literal_goes_before_a_parameter),
        cmocka_unit_test(test_parameters_come_in_order),
        cmocka_unit_test(test_another_spelling_is_another_path),
        cmocka_unit_test(test_allow_lists_the_methods_of_the_path),
        cmocka_unit_test(test_escapes_are_decoded),
        cmocka_unit_test(test_what_is_not_clean_text_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

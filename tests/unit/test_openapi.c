/* The API's own description: sound JSON in which every route of routes.def is, nothing else is, and every reference
 * leads somewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <yyjson.h>

#include "api/internal.h"
#include "base/version.h"

static const struct {
    const char *method, *pattern, *handler, *help;
    enum who who;
    unsigned body_len_max;
} routes[] = {
#define ROUTE(method, pattern, who, body_len_max, handler, help) \
    {#method, pattern, #handler, help, WHO_##who, body_len_max},
#include "api/routes.def"
#undef ROUTE
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

struct description {
    struct buffer text;
    yyjson_doc *document;
    yyjson_val *root;
};

static int set_up(void **state)
{
    struct description *d = calloc(1, sizeof(*d));
    yyjson_read_err error;
    api_openapi(&d->text);
    d->document = yyjson_read_opts(d->text.data, d->text.len, 0, NULL, &error);
    if (d->document == NULL)
        fail_msg("%s at %zu: %.60s", error.msg, error.pos, d->text.data + error.pos);
    d->root = yyjson_doc_get_root(d->document);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct description *d = *state;
    yyjson_doc_free(d->document);
    buffer_dispose(&d->text);
    free(d);
    return 0;
}

/* "/conversations/:id" as "/conversations/{id}" */
static void path_of(const char *pattern, char out[128])
{
    size_t len = 0;
    for (const char *at = pattern; *at != '\0';) {
        size_t part = strcspn(at + 1, "/") + 1;
        len += (size_t)(at[1] == ':' ? snprintf(out + len, 128 - len, "/{%.*s}", (int)part - 2, at + 2)
                                     : snprintf(out + len, 128 - len, "%.*s", (int)part, at));
        at += part;
    }
}

static yyjson_val *operation_of(struct description *d, size_t route)
{
    char path[128], method[16];
    path_of(routes[route].pattern, path);
    snprintf(method, sizeof(method), "%s", routes[route].method);
    for (char *at = method; *at != '\0'; ++at)
        *at = (char)(*at | 0x20);
    yyjson_val *item = yyjson_obj_get(yyjson_obj_get(d->root, "paths"), path);
    if (item == NULL)
        fail_msg("%s is not described", path);
    yyjson_val *operation = yyjson_obj_get(item, method);
    if (operation == NULL)
        fail_msg("%s %s is not described", method, path);
    return operation;
}

static yyjson_val *follow(struct description *d, const char *reference)
{
    yyjson_val *at = d->root;
    assert_int_equal(reference[0], '#');
    for (const char *part = reference + 1; *part == '/' && at != NULL;) {
        size_t len = strcspn(part + 1, "/");
        at = yyjson_obj_getn(at, part + 1, len);
        part += len + 1;
    }
    return at;
}

/* ---------------------------------------------------------------------------------------------------------------- */

static void test_it_is_one_object_of_openapi_3_1(void **state)
{
    struct description *d = *state;
    const char *sentence = NULL;
    struct json_document *strictly = json_parse_object(buffer_view(&d->text), &sentence);
    if (strictly == NULL)
        fail_msg("%s", sentence);
    json_free(strictly);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(d->root, "openapi")), "3.1.0");
    yyjson_val *info = yyjson_obj_get(d->root, "info");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(info, "version")), HELVINO_VERSION);
    assert_non_null(yyjson_get_str(yyjson_obj_get(info, "title")));
}

static void test_every_route_is_described(void **state)
{
    struct description *d = *state;
    for (size_t i = 0; i < ROUTES; ++i) {
        yyjson_val *operation = operation_of(d, i);
        assert_string_equal(yyjson_get_str(yyjson_obj_get(operation, "operationId")), routes[i].handler);
        assert_string_equal(yyjson_get_str(yyjson_obj_get(operation, "summary")), routes[i].help);
    }
}

static void test_nothing_but_routes_is_described(void **state)
{
    struct description *d = *state;
    size_t operations = 0, at, max;
    yyjson_val *path, *item;
    yyjson_obj_foreach(yyjson_obj_get(d->root, "paths"), at, max, path, item)
    {
        operations += yyjson_obj_size(item);
    }
    assert_int_equal(operations, ROUTES);
}

static unsigned assert_references_lead_somewhere(struct description *d, yyjson_val *value)
{
    unsigned count = 0;
    size_t at, max;
    yyjson_val *name, *member;
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, at, max, name, member)
        {
            if (strcmp(yyjson_get_str(name), "$ref") == 0) {
                ++count;
                if (follow(d, yyjson_get_str(member)) == NULL)
                    fail_msg("%s leads nowhere", yyjson_get_str(member));
            }
            count += assert_references_lead_somewhere(d, member);
        }
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, at, max, member)
        {
            count += assert_references_lead_somewhere(d, member);
        }
    }
    return count;
}

static void test_every_reference_leads_somewhere(void **state)
{
    struct description *d = *state;
    assert_true(assert_references_lead_somewhere(d, d->root) > 20);
}

static void test_every_component_is_used(void **state)
{
    struct description *d = *state;
    static const char *const kinds[] = {"schemas", "parameters"};
    for (unsigned i = 0; i < 2; ++i) {
        size_t at, max;
        yyjson_val *name, *component;
        yyjson_obj_foreach(yyjson_obj_get(yyjson_obj_get(d->root, "components"), kinds[i]), at, max, name, component)
        {
            char reference[128];
            int len = snprintf(reference, sizeof(reference), "\"#/components/%s/%s\"", kinds[i], yyjson_get_str(name));
            if (memmem(d->text.data, d->text.len, reference, (size_t)len) == NULL)
                fail_msg("%s is never used", reference);
        }
    }
}

static void test_every_part_of_a_path_is_a_parameter(void **state)
{
    struct description *d = *state;
    for (size_t i = 0; i < ROUTES; ++i) {
        size_t at, max;
        const char *colon = strchr(routes[i].pattern, ':');
        yyjson_val *parameter;
        yyjson_arr_foreach(yyjson_obj_get(operation_of(d, i), "parameters"), at, max, parameter)
        {
            yyjson_val *resolved = follow(d, yyjson_get_str(yyjson_obj_get(parameter, "$ref")));
            if (strcmp(yyjson_get_str(yyjson_obj_get(resolved, "in")), "path") != 0)
                continue;
            assert_true(yyjson_get_bool(yyjson_obj_get(resolved, "required")));
            assert_non_null(colon); /* in the order of the path */
            assert_memory_equal(yyjson_get_str(yyjson_obj_get(resolved, "name")), colon + 1, strcspn(colon + 1, "/"));
            colon = strchr(colon + 1, ':');
        }
        assert_null(colon);
    }
}

static void test_who_may_call_is_told(void **state)
{
    struct description *d = *state;
    for (size_t i = 0; i < ROUTES; ++i) {
        yyjson_val *security = yyjson_obj_get(operation_of(d, i), "security");
        size_t choices = yyjson_arr_size(security);
        static const size_t expected[] = {
            [WHO_OPEN] = 0, [WHO_ORG] = 3,   [WHO_CALLER] = 3, [WHO_VISITOR] = 3, [WHO_SELF] = 3,
            [WHO_READ] = 2, [WHO_WRITE] = 2, [WHO_ADMIN] = 2,  [WHO_OWNER] = 1,   [WHO_AGENT] = 1};
        assert_int_equal(choices, expected[routes[i].who]);
        if (choices > 0)
            assert_non_null(yyjson_obj_get(yyjson_arr_get(security, choices - 1), "session"));
        if (choices > 1)
            assert_non_null(yyjson_obj_get(yyjson_arr_get(security, choices - 2), "token"));
    }
}

static void test_bodies_are_described_where_they_are_taken(void **state)
{
    struct description *d = *state;
    for (size_t i = 0; i < ROUTES; ++i)
        assert_int_equal(yyjson_obj_get(operation_of(d, i), "requestBody") != NULL, routes[i].body_len_max != 0);
}

static void test_every_answer_is_described_and_refusals_too(void **state)
{
    struct description *d = *state;
    for (size_t i = 0; i < ROUTES; ++i) {
        size_t at, max, contents = 0;
        yyjson_val *status, *response, *responses = yyjson_obj_get(operation_of(d, i), "responses");
        assert_true(yyjson_obj_size(responses) >= 2);
        assert_non_null(yyjson_obj_get(responses, "default"));
        yyjson_obj_foreach(responses, at, max, status, response)
        {
            bool has_content = yyjson_obj_get(response, "content") != NULL;
            assert_non_null(yyjson_obj_get(response, "description"));
            assert_int_equal(has_content, strcmp(yyjson_get_str(status), "204") != 0);
            contents += has_content;
        }
        assert_true(contents >= 1);
        bool has_success = false;
        yyjson_obj_foreach(responses, at, max, status, response) has_success |= yyjson_get_str(status)[0] == '2';
        assert_true(has_success);
    }
}

static yyjson_val *responses_of(struct description *d, const char *handler)
{
    for (size_t i = 0; i < ROUTES; ++i)
        if (strcmp(routes[i].handler, handler) == 0)
            return yyjson_obj_get(operation_of(d, i), "responses");
    fail_msg("there is no %s", handler);
    return NULL;
}

static void test_what_is_made_new_is_answered_with_201(void **state)
{
    static const char *const makers[] = {"conversation_create", "message_create", "self_see"};
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); ++i) {
        assert_non_null(yyjson_obj_get(responses_of(*state, makers[i]), "201"));
        assert_non_null(yyjson_obj_get(responses_of(*state, makers[i]), "200"));
    }
}

static void test_answers_that_are_no_json_say_what_they_are(void **state)
{
    static const char *const types[][2] = {{"stream", "text/event-stream"},    {"embed", "text/javascript"},
                                           {"widget_file", "text/javascript"}, {"demo", "text/html"},
                                           {"metrics", "text/plain"},          {"self_export", "application/json"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); ++i) {
        yyjson_val *content = yyjson_obj_get(yyjson_obj_get(responses_of(*state, types[i][0]), "200"), "content");
        assert_int_equal(yyjson_obj_size(content), 1);
        assert_non_null(yyjson_obj_get(content, types[i][1]));
    }
}

/* The preprocessor writes the JSON: where <stdbool.h> got in, true would have become 1. */
static void assert_flags_are_flags(yyjson_val *value)
{
    size_t at, max;
    yyjson_val *name, *member;
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, at, max, name, member)
        {
            const char *key = yyjson_get_str(name);
            if (strcmp(key, "required") == 0 || strcmp(key, "const") == 0)
                assert_false(yyjson_is_num(member));
            assert_flags_are_flags(member);
        }
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, at, max, member)
        {
            assert_flags_are_flags(member);
        }
    }
}

static void test_flags_are_true_or_false(void **state)
{
    struct description *d = *state;
    assert_flags_are_flags(d->root);
}

/* Every schema that is an object says what its members are. */
static void test_no_schema_says_nothing(void **state)
{
    struct description *d = *state;
    size_t at, max;
    yyjson_val *name, *schema;
    yyjson_obj_foreach(yyjson_obj_get(yyjson_obj_get(d->root, "components"), "schemas"), at, max, name, schema)
    {
        if (yyjson_obj_get(schema, "properties") == NULL && yyjson_obj_get(schema, "description") == NULL)
            fail_msg("%s says nothing", yyjson_get_str(name));
    }
}

static void test_the_table_of_the_readme_has_a_line_for_every_route(void **state)
{
    (void)state;
    struct buffer table = {0};
    unsigned lines = 0;
    api_routes_markdown(&table);
    for (size_t at = 0; at < table.len; ++at)
        lines += table.data[at] == '\n';
    assert_int_equal(lines, 2 + ROUTES);
    for (size_t i = 0; i < ROUTES; ++i) {
        char begin[160];
        int len = snprintf(begin, sizeof(begin), "| `%s %s` | ", routes[i].method, routes[i].pattern);
        assert_non_null(memmem(table.data, table.len, begin, (size_t)len));
        assert_non_null(memmem(table.data, table.len, routes[i].help, strlen(routes[i].help)));
        assert_null(strchr(routes[i].help, '|'));
    }
    buffer_dispose(&table);
}

static void test_no_two_routes_are_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTES; ++i)
        for (size_t j = 0; j < i; ++j) {
            assert_true(strcmp(routes[i].method, routes[j].method) != 0 ||
                        strcmp(routes[i].pattern, routes[j].pattern) != 0);
            assert_string_not_equal(routes[i].handler, routes[j].handler);
        }
    assert_int_equal(route_row_count, ROUTES);
}

int main(void)
{
#define DESCRIPTION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        DESCRIPTION_TEST(test_it_is_one_object_of_openapi_3_1),
        DESCRIPTION_TEST(test_every_route_is_described),
        DESCRIPTION_TEST(test_nothing_but_routes_is_described),
        DESCRIPTION_TEST(test_every_reference_leads_somewhere),
        DESCRIPTION_TEST(test_every_component_is_used),
        DESCRIPTION_TEST(test_every_part_of_a_path_is_a_parameter),
        DESCRIPTION_TEST(test_who_may_call_is_told),
        DESCRIPTION_TEST(test_bodies_are_described_where_they_are_taken),
        DESCRIPTION_TEST(test_every_answer_is_described_and_refusals_too),
        DESCRIPTION_TEST(test_what_is_made_new_is_answered_with_201),
        DESCRIPTION_TEST(test_answers_that_are_no_json_say_what_they_are),
        DESCRIPTION_TEST(test_flags_are_true_or_false),
        DESCRIPTION_TEST(test_no_schema_says_nothing),
        cmocka_unit_test(test_the_table_of_the_readme_has_a_line_for_every_route),
        cmocka_unit_test(test_no_two_routes_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

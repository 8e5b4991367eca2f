/* What is in a body: each field is read or refused with a sentence that names it, and one that is null is one that is
 * not there. */
#include "requests.h"

#include "../../src/api/body.c"
#include "../../src/api/fields.c"
#include "../../src/api/query.c"

static struct request request;
static struct call call;
static struct json_document *document;

/* The body's object; it lives until the next one. */
static const struct json_value *object(const char *text)
{
    const char *sentence;
    json_free(document);
    request_clear(&request);
    call = (struct call){.request = &request};
    document = json_parse_object(bytes_of_string(text), &sentence);
    assert_non_null(document);
    return json_root(document);
}

static int tear_down(void **state)
{
    (void)state;
    json_free(document);
    document = NULL;
    request_clear(&request);
    return 0;
}

/* Refused, with a sentence that names the field and says this. */
static void assert_refused(enum error error, const char *says)
{
    assert_int_equal(error, ERR_INVALID_FIELD);
    assert_non_null(call.sentence);
    if (strstr(call.sentence, "\"it\"") == NULL || strstr(call.sentence, says) == NULL)
        fail_msg("%s", call.sentence);
}

static const char *const not_texts[] = {"{\"it\":1}", "{\"it\":true}", "{\"it\":[\"a\"]}", "{\"it\":{}}"};

static void test_a_text_is_of_one_line_and_of_a_length(void **state)
{
    (void)state;
    struct bytes text;
    assert_int_equal(field_text(&call, object("{\"it\":\"A name\"}"), "it", 1, 6, &text), OK);
    assert_true(bytes_equal(text, BYTES("A name")));
    static const char *const others[] = {"{\"it\":\"\"}",        "{\"it\":\"seven c\"}",
                                         "{\"it\":\"a\\nb\"}",   "{\"it\":\"\\u009b\"}",
                                         "{\"it\":\"\\u2028\"}", "{\"it\":\"\\u00e9\\u00e9\\u00e9\\u00e9\"}"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i)
        assert_refused(field_text(&call, object(others[i]), "it", 1, 6, &text), "one line with 1 to 6 bytes");
    for (size_t i = 0; i < 4; ++i)
        assert_refused(field_text(&call, object(not_texts[i]), "it", 1, 100, &text), "one line");
    assert_int_equal(field_text(&call, object("{\"it\":\"\"}"), "it", 0, 6, &text), OK);
    assert_true(text.data != NULL && text.len == 0);
}

static void test_what_is_null_is_not_there(void **state)
{
    (void)state;
    static const char *const nothing[] = {"{}", "{\"it\":null}", "{\"It\":\"a\"}"};
    for (size_t i = 0; i < 3; ++i) {
        struct bytes text = BYTES("before");
        bool given = true, flag = true;
        uint64_t number = 5;
        int64_t time_ms = 5;
        assert_int_equal(field_text(&call, object(nothing[i]), "it", 1, 6, &text), OK);
        assert_null(text.data);
        assert_int_equal(field_flag(&call, object(nothing[i]), "it", &given, &flag), OK);
        assert_false(given);
        given = true;
        assert_int_equal(field_number(&call, object(nothing[i]), "it", 9, &given, &number), OK);
        assert_true(!given && number == 5);
        assert_int_equal(field_time(&call, object(nothing[i]), "it", &time_ms), OK);
        assert_true(time_ms == 0);
        assert_refused(field_text_needed(&call, object(nothing[i]), "it", 1, 6, &text), "one line with 1 to 6 bytes");
        assert_refused(field_email(&call, object(nothing[i]), "it", &text), "one line");
    }
}

static void test_an_address_of_mail(void **state)
{
    (void)state;
    struct bytes email;
    assert_int_equal(field_email(&call, object("{\"it\":\"Jane@example.com\"}"), "it", &email), OK);
    assert_true(bytes_equal(email, BYTES("Jane@example.com")));
    static const char *const others[] = {"{\"it\":\"jane\"}", "{\"it\":\"@example.com\"}", "{\"it\":\"a b@c\"}",
                                         "{\"it\":\"a@b@c\"}"};
    for (size_t i = 0; i < 4; ++i)
        assert_refused(field_email(&call, object(others[i]), "it", &email), "must be an e-mail address");
    char longest[300];
    snprintf(longest, sizeof(longest), "{\"it\":\"%0*d@b\"}", EMAIL_LEN_MAX - 2, 7);
    assert_int_equal(field_email(&call, object(longest), "it", &email), OK);
    snprintf(longest, sizeof(longest), "{\"it\":\"%0*d@b\"}", EMAIL_LEN_MAX - 1, 7);
    assert_refused(field_email(&call, object(longest), "it", &email), "1 to 254 bytes");
}

static void test_a_flag_is_true_or_false(void **state)
{
    (void)state;
    bool given = false, flag = false;
    assert_int_equal(field_flag(&call, object("{\"it\":true}"), "it", &given, &flag), OK);
    assert_true(given && flag);
    assert_int_equal(field_flag(&call, object("{\"it\":false}"), "it", &given, &flag), OK);
    assert_true(given && !flag);
    static const char *const others[] = {"{\"it\":1}", "{\"it\":0}", "{\"it\":\"true\"}", "{\"it\":[]}"};
    for (size_t i = 0; i < 4; ++i)
        assert_refused(field_flag(&call, object(others[i]), "it", &given, &flag), "true or false");
}

static void test_a_number_is_whole_and_within_its_bounds(void **state)
{
    (void)state;
    bool given = false;
    uint64_t number = 0;
    assert_int_equal(field_number(&call, object("{\"it\":0}"), "it", 9, &given, &number), OK);
    assert_true(given && number == 0);
    assert_int_equal(field_number(&call, object("{\"it\":9}"), "it", 9, &given, &number), OK);
    assert_true(number == 9);
    static const char *const others[] = {"{\"it\":10}",    "{\"it\":-1}",   "{\"it\":1.5}",
                                         "{\"it\":\"3\"}", "{\"it\":true}", "{\"it\":1e30}"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i)
        assert_refused(field_number(&call, object(others[i]), "it", 9, &given, &number), "from 0 to 9");
}

static void test_a_time_is_as_the_api_writes_it(void **state)
{
    (void)state;
    int64_t time_ms = 0;
    assert_int_equal(field_time(&call, object("{\"it\":\"2026-01-31T23:59:59.999Z\"}"), "it", &time_ms), OK);
    assert_true(time_ms == INT64_C(1769903999999));
    static const char *const others[] = {"{\"it\":\"\"}", "{\"it\":\"tomorrow\"}", "{\"it\":\"2026-02-30T00:00:00Z\"}",
                                         "{\"it\":1769903999999}"};
    for (size_t i = 0; i < 4; ++i)
        assert_refused(field_time(&call, object(others[i]), "it", &time_ms), "a time such as");
}

static void test_a_body_that_is_needed_is_an_object(void **state)
{
    (void)state;
    struct json_document *body = NULL;
    request_clear(&request);
    call = (struct call){.request = &request};
    assert_int_equal(body_needed(&call, &body), ERR_INVALID_JSON);
    assert_non_null(strstr(call.sentence, "must be a JSON object"));
    request.body = BYTES("{\"a\":1}");
    assert_int_equal(body_needed(&call, &body), OK);
    json_free(body);
    request_set_text(&request, "content-type", "text/plain");
    assert_int_equal(body_needed(&call, &body), ERR_MEDIA_TYPE);
}

int main(void)
{
#define FIELD_TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        FIELD_TEST(test_a_text_is_of_one_line_and_of_a_length),
        FIELD_TEST(test_what_is_null_is_not_there),
        FIELD_TEST(test_an_address_of_mail),
        FIELD_TEST(test_a_flag_is_true_or_false),
        FIELD_TEST(test_a_number_is_whole_and_within_its_bounds),
        FIELD_TEST(test_a_time_is_as_the_api_writes_it),
        FIELD_TEST(test_a_body_that_is_needed_is_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a request says beyond who asks: its query, its path, its body's type and text, and the page's origin, each with
 * the sentence that it gets. */
#include "requests.h"

#include "../../src/api/body.c"
#include "../../src/api/caller.c"
#include "../../src/api/cookie.c"
#include "../../src/api/cors.c"
#include "../../src/api/query.c"
#include "../../src/api/session.c"

#include "stores.h"

static struct request request;
static struct api the_api;
static struct api_loop the_loop = {.api = &the_api};
static struct call call;

/* In the place of submit.c. */
bool loop_submit(struct api_loop *loop, const struct command *command, on_applied *applied)
{
    (void)loop, (void)command, (void)applied;
    return true;
}

/* In the place of edge, for a preflight. */
struct loop *request_loop(const struct request *unused)
{
    (void)unused;
    return NULL;
}

void *loop_data(const struct loop *unused)
{
    (void)unused;
    return &the_loop;
}

static int answered_status;

void request_respond(struct request *unused, int status, const char *content_type, struct bytes body)
{
    (void)unused, (void)content_type, (void)body;
    answered_status = status;
}

void call_respond(struct call *unused, int status, const struct buffer *json)
{
    (void)unused, (void)json;
    answered_status = status;
}

static void begin(void)
{
    request_clear(&request);
    call = (struct call){.request = &request, .loop = &the_loop};
}

/* ---- the query ------------------------------------------------------------------------------------------------- */

static enum error read_text(const char *query, const char *name, struct bytes *out)
{
    begin();
    /* In memory that ends where the text ends. */
    size_t len = strlen(query);
    char *exact = request_alloc(&request, len);
    memcpy(exact, query, len);
    request.query = bytes_view(exact, len);
    return query_text(&call, name, out);
}

static void assert_text(const char *query, const char *expected)
{
    struct bytes text;
    if (read_text(query, "name", &text) != OK)
        fail_msg("refused: %s (%s)", query, call.sentence);
    if (expected == NULL ? text.data != NULL : !bytes_equal(text, bytes_of_string(expected)) || text.data == NULL)
        fail_msg("%s gave \"%.*s\"", query, (int)text.len, text.data);
}

static void test_a_parameter_is_found_among_others(void **state)
{
    (void)state;
    assert_text("", NULL);
    assert_text("name=value", "value");
    assert_text("name=", "");
    assert_text("name", "");
    assert_text("a=1&name=value&b=2", "value");
    assert_text("&&name=value&&", "value");
    assert_text("names=no&nam=no&Name=no&xname=no", NULL);
    assert_text("a=name=value", NULL);
    assert_text("name=a=b", "a=b");
    assert_text("name=value?x", "value?x");
    assert_text("=value", NULL);
    assert_text("&", NULL);
    assert_text("=", NULL);
}

static void test_escapes_are_decoded(void **state)
{
    (void)state;
    assert_text("name=%41%62%63", "Abc");
    assert_text("name=a%26b%3Dc", "a&b=c");
    assert_text("name=%e2%82%ac", "\xe2\x82\xac");
    assert_text("name=a+b", "a+b");
    assert_text("other=%zz&name=fine", "fine");
    static const char *const invalid[] = {"name=%",   "name=%4",     "name=%4g",       "name=%zz",
                                          "name=%ff", "name=%c0%80", "name=%ed%a0%80", "name=\xff"};
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i) {
        struct bytes text;
        assert_int_equal(read_text(invalid[i], "name", &text), ERR_INVALID_QUERY);
        assert_non_null(strstr(call.sentence, "\"name\""));
    }
}

static void test_a_parameter_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    static const char *const twice[] = {"name=1&name=2", "name=1&name=1", "name&name", "name=1&a=b&name="};
    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); ++i) {
        struct bytes text;
        assert_int_equal(read_text(twice[i], "name", &text), ERR_INVALID_QUERY);
        assert_string_equal(call.sentence, "The parameter \"name\" is there twice.");
    }
}

static enum error read_uint(const char *query, uint64_t *out)
{
    begin();
    request.query = bytes_of_string(query);
    return query_uint(&call, "limit", 1, 100, 50, out);
}

static void test_numbers_are_within_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        uint64_t number;
    } valid[] = {{"", 50},         {"limit=1", 1},       {"limit=100", 100},
                 {"limit=007", 7}, {"limit=%31%30", 10}, {"limits=9", 50}};
    static const char *const invalid[] = {"limit=",
                                          "limit",
                                          "limit=0",
                                          "limit=101",
                                          "limit=-1",
                                          "limit=+1",
                                          "limit=1.0",
                                          "limit=1e1",
                                          "limit=0x1",
                                          "limit=1%20",
                                          "limit=%201",
                                          "limit=ten",
                                          "limit=18446744073709551616",
                                          "limit=18446744073709551617",
                                          "limit=1%00"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); ++i) {
        uint64_t number = 0;
        assert_int_equal(read_uint(valid[i].query, &number), OK);
        assert_true(number == valid[i].number);
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i) {
        uint64_t number = 0;
        if (read_uint(invalid[i], &number) != ERR_INVALID_QUERY)
            fail_msg("taken: %s", invalid[i]);
        assert_string_equal(call.sentence, "The parameter \"limit\" must be a whole number from 1 to 100.");
    }
}

static void test_the_largest_bounds_are_told_in_full(void **state)
{
    (void)state;
    uint64_t number;
    begin();
    request.query = BYTES("before=x");
    assert_int_equal(query_uint(&call, "before", UINT64_MAX - 1, UINT64_MAX, 1, &number), ERR_INVALID_QUERY);
    assert_string_equal(call.sentence, "The parameter \"before\" must be a whole number from 18446744073709551614 to "
                                       "18446744073709551615.");
}

static void test_a_path_that_is_no_id_leads_nowhere(void **state)
{
    (void)state;
    struct id id;
    struct directory directory = directory_make();
    struct store *store = open_store(&directory);
    struct reader *reader = reader_open(store);
    struct txn *txn = begin_read(reader);
    static const struct {
        const char *text;
        enum error error;
    } cases[] = {{"cjld2cjxh0000qzrmn831i7rn", OK},
                 {"", ERR_NOT_FOUND},
                 {"CJLD2CJXH0000QZRMN831I7RN", ERR_NOT_FOUND},
                 {"c000000000000000000000000", ERR_NOT_FOUND},
                 {"1", ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        begin();
        call.txn = txn;
        request.param = bytes_of_string(cases[i].text);
        assert_int_equal(path_id(&call, &id), cases[i].error);
    }
    reader_end(reader);
    reader_close(reader);
    store_close(store);
    directory_remove(&directory);
}

/* An id of another shape is its organisation's alone, and only what can be one is looked for. */
static void test_an_alias_leads_where_its_organisation_says(void **state)
{
    (void)state;
    struct id id, target, ours = {{1}}, theirs = {{2}};
    struct directory directory = directory_make();
    struct store *store = open_store(&directory);
    struct reader *reader = reader_open(store);
    struct txn *txn = begin_write(store);
    static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_true(id_parse(BYTES("cjld2cjxh0000qzrmn831i7rn"), &target));
    static const char *const texts[] = {"1770313654000-ab12cd34e", "1", "C-UPPER", "a%2Fb/~!", longest};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        assert_int_equal(
            alias_put(txn, &(struct alias){.org = ours, .text = bytes_of_string(texts[i]), .target = target}), OK);
    commit_write(txn);
    txn = begin_read(reader);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        for (unsigned other = 0; other < 2; ++other) {
            begin();
            call.txn = txn;
            call.org.id = other ? theirs : ours;
            request.param = bytes_of_string(texts[i]);
            assert_int_equal(path_id(&call, &id), other ? ERR_NOT_FOUND : OK);
            assert_true(other || id_equal(id, target));
        }
    static const char *const nothing[] = {"",
                                          "1770313654000-ab12cd34",
                                          "c-upper",
                                          "a b",
                                          "\xc3\xa9",
                                          "1\x7f",
                                          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); ++i) {
        begin();
        call.txn = txn;
        call.org.id = ours;
        request.param = bytes_of_string(nothing[i]);
        assert_int_equal(path_id(&call, &id), ERR_NOT_FOUND);
    }
    reader_end(reader);
    reader_close(reader);
    store_close(store);
    directory_remove(&directory);
}

static void test_a_header_that_may_occur_once_may_not_occur_twice(void **state)
{
    (void)state;
    struct bytes value;
    begin();
    assert_int_equal(single_header(&call, BYTES("x-test"), &value), OK);
    assert_null(value.data);
    request_set_text(&request, "x-test", "1");
    assert_int_equal(single_header(&call, BYTES("x-test"), &value), OK);
    assert_true(bytes_equal(value, BYTES("1")));
    request_set_text(&request, "x-test", "1");
    assert_int_equal(single_header(&call, BYTES("x-test"), &value), ERR_INVALID_HEADER);
    assert_string_equal(call.sentence, "The header x-test is there twice.");
}

/* ---- the body -------------------------------------------------------------------------------------------------- */

static enum error read_body(const char *content_type, const char *body)
{
    struct json_document *document;
    begin();
    if (content_type != NULL)
        request_set_text(&request, "content-type", content_type);
    request.body = bytes_of_string(body);
    enum error error = body_object(&call, &document);
    assert_int_equal(document != NULL, error == OK && body[0] != '\0');
    if (document != NULL)
        json_free(document);
    return error;
}

static void test_types_that_are_json(void **state)
{
    (void)state;
    static const char *const valid[] = {"application/json",
                                        "application/json; charset=utf-8",
                                        "application/json;charset=UTF-8",
                                        "Application/JSON ; Charset=\"utf-8\"",
                                        "application/json; version=2",
                                        "application/json; version=2; charset=utf-8",
                                        "application/json;",
                                        " application/json\t"};
    static const char *const invalid[] = {"text/plain",
                                          "text/json",
                                          "application/jsonx",
                                          "application/json2",
                                          "application",
                                          "application/json charset=utf-8",
                                          "application/json; charset=iso-8859-1",
                                          "application/json; charset=utf-16",
                                          "application/json; charset=",
                                          "application/json, text/plain",
                                          "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x",
                                          "*/*",
                                          ";",
                                          ""};
    assert_int_equal(read_body(NULL, "{}"), OK);
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); ++i)
        if (read_body(valid[i], "{}") != OK)
            fail_msg("refused: %s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i)
        if (read_body(invalid[i], "{}") != ERR_MEDIA_TYPE)
            fail_msg("taken: %s", invalid[i]);
}

static void test_no_body_is_fine_whatever_its_type(void **state)
{
    (void)state;
    assert_int_equal(read_body(NULL, ""), OK);
    assert_int_equal(read_body("application/json", ""), OK);
    assert_int_equal(read_body("text/plain", ""), OK);
}

static void test_a_body_that_is_no_object_gets_a_sentence(void **state)
{
    (void)state;
    static const char *const invalid[] = {" ", "[]",  "1",        "\"text\"", "null",
                                          "{", "{}}", "{\"a\":}", "\xff{}",   "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i) {
        if (read_body("application/json", invalid[i]) != ERR_INVALID_JSON)
            fail_msg("taken: %s", invalid[i]);
        assert_true(call.sentence != NULL && strlen(call.sentence) > 10);
    }
}

static void test_two_types_are_refused(void **state)
{
    (void)state;
    struct json_document *document;
    begin();
    request_set_text(&request, "content-type", "application/json");
    request_set_text(&request, "content-type", "application/json");
    request.body = BYTES("{}");
    assert_int_equal(body_object(&call, &document), ERR_INVALID_HEADER);
}

/* ---- the page's origin ----------------------------------------------------------------------------------------- */

static enum error admit(const char *origins, const char *origin)
{
    begin();
    if (origins != NULL)
        call.org.origins = bytes_of_string(origins);
    if (origin != NULL)
        request_set_text(&request, "origin", origin);
    return cors_admit(&call);
}

static void test_an_organisation_without_a_list_lets_any_page_in(void **state)
{
    (void)state;
    assert_int_equal(admit(NULL, "https://any.example"), OK);
    assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), BYTES("*")));
    assert_int_equal(admit("", "null"), OK);
    assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), BYTES("*")));
    assert_int_equal(admit(NULL, NULL), OK);
    assert_int_equal(request.added_count, 0);
}

static void test_an_organisation_with_a_list_lets_those_in_and_nobody_else(void **state)
{
    (void)state;
    static const char list[] = "https://a.example\nhttps://b.example:8443\nhttp://localhost:3000";
    static const char *const listed[] = {"https://a.example", "https://b.example:8443", "http://localhost:3000"};
    /* A prefix, a suffix, another scheme, another port, a sub-domain, two at once, none. */
    static const char *const others[] = {"https://a.exampl",
                                         "https://a.example.evil.example",
                                         "ttps://a.example",
                                         "http://a.example",
                                         "https://a.example:443",
                                         "https://b.example",
                                         "https://x.a.example",
                                         "https://a.example\nhttps://b.example:8443",
                                         "https://a.example https://b.example:8443",
                                         "https://A.example",
                                         "null",
                                         ""};
    for (size_t i = 0; i < 3; ++i) {
        assert_int_equal(admit(list, listed[i]), OK);
        assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), bytes_of_string(listed[i])));
        assert_true(bytes_equal(request_answer(&request, "vary"), BYTES("Origin")));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i) {
        assert_int_equal(admit(list, others[i]), ERR_ORIGIN_FORBIDDEN);
        assert_null(request_answer(&request, "access-control-allow-origin").data);
        assert_true(bytes_equal(request_answer(&request, "vary"), BYTES("Origin")));
    }
    /* What is no browser sends none. */
    assert_int_equal(admit(list, NULL), OK);
    assert_null(request_answer(&request, "access-control-allow-origin").data);
    assert_true(bytes_equal(request_answer(&request, "vary"), BYTES("Origin")));
}

static void test_credentials_are_never_allowed(void **state)
{
    (void)state;
    admit("https://a.example", "https://a.example");
    assert_null(request_answer(&request, "access-control-allow-credentials").data);
    admit(NULL, "https://a.example");
    assert_null(request_answer(&request, "access-control-allow-credentials").data);
}

static bool preflight(const char *origin)
{
    begin();
    if (origin != NULL)
        request_set_text(&request, "origin", origin);
    on_options(&request, BYTES("GET, HEAD, POST, OPTIONS"));
    assert_int_equal(answered_status, 204);
    assert_true(bytes_equal(request_answer(&request, "allow"), BYTES("GET, HEAD, POST, OPTIONS")));
    bool let_in = request_answer(&request, "access-control-allow-origin").data != NULL;
    assert_int_equal(let_in, request_answer(&request, "access-control-allow-methods").data != NULL);
    assert_int_equal(let_in, request_answer(&request, "access-control-allow-headers").data != NULL);
    if (let_in) {
        assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), bytes_of_string(origin)));
        assert_true(bytes_equal(request_answer(&request, "vary"), BYTES("Origin")));
    }
    return let_in;
}

static void put_org(struct store *store, const char *origins, bool deleted)
{
    static struct random_pool pool;
    struct txn *txn = begin_write(store);
    struct org org = {.id = id_make(1769903999999, &pool),
                      .key = BYTES("key"),
                      .origins = bytes_of_string(origins),
                      .deleted = deleted};
    assert_int_equal(org_put(txn, &org), OK);
    commit_write(txn);
}

static void test_a_preflight_is_let_through_when_any_organisation_would(void **state)
{
    (void)state;
    struct directory directory = directory_make();
    struct store *store = open_store(&directory);
    the_loop.reader = reader_open(store);
    assert_false(preflight("https://a.example"));
    put_org(store, "https://a.example", false);
    put_org(store, "https://c.example", true);
    assert_true(preflight("https://a.example"));
    assert_false(preflight("https://b.example"));
    assert_false(preflight("https://c.example"));
    assert_false(preflight(NULL));
    put_org(store, "https://x.example\nhttps://b.example", false);
    assert_true(preflight("https://b.example"));
    assert_false(preflight("https://c.example"));
    put_org(store, "", false);
    assert_true(preflight("https://c.example"));
    reader_close(the_loop.reader);
    store_close(store);
    directory_remove(&directory);
}

/* ---- the visitor's cookie -------------------------------------------------------------------------------------- */

#define COOKIE_PATH "/visitors/me/cookie"

static enum error admit_to_cookie(const char *path, const char *origins, const char *origin)
{
    begin();
    request.path = bytes_of_string(path);
    call.org.origins = bytes_of_string(origins);
    if (origin != NULL)
        request_set_text(&request, "origin", origin);
    return cors_admit(&call);
}

static bool gives_credentials(void)
{
    struct bytes flag = request_answer(&request, "access-control-allow-credentials");
    assert_true(flag.data == NULL || bytes_equal(flag, BYTES("true")));
    return flag.data != NULL;
}

static void test_credentials_are_for_the_cookie_alone_and_name_the_page(void **state)
{
    (void)state;
    the_api.config.visitor_cookie = true;
    assert_int_equal(admit_to_cookie(COOKIE_PATH, "", "https://a.example"), OK);
    assert_true(gives_credentials());
    assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), BYTES("https://a.example")));
    assert_true(bytes_equal(request_answer(&request, "vary"), BYTES("Origin")));
    assert_int_equal(admit_to_cookie(COOKIE_PATH, "https://a.example", "https://a.example"), OK);
    assert_true(gives_credentials());
    static const char *const others[] = {"/visitors/me", "/visitors/me/cookie/", "/visitors/me/cookies", "/", ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i) {
        assert_int_equal(admit_to_cookie(others[i], "", "https://a.example"), OK);
        assert_false(gives_credentials());
    }
    the_api.config.visitor_cookie = false;
    assert_int_equal(admit_to_cookie(COOKIE_PATH, "", "https://a.example"), OK);
    assert_false(gives_credentials());
    assert_true(bytes_equal(request_answer(&request, "access-control-allow-origin"), BYTES("*")));
}

static void test_the_cookie_is_for_pages_that_are_named_and_admitted(void **state)
{
    (void)state;
    static const char *const refused[][2] = {{"", NULL},
                                             {"", "null"},
                                             {"", "file://"},
                                             {"", "*"},
                                             {"https://a.example", NULL},
                                             {"https://a.example", "https://b.example"},
                                             {"https://a.example", "https://a.example:8443"}};
    the_api.config.visitor_cookie = true;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        assert_int_equal(admit_to_cookie(COOKIE_PATH, refused[i][0], refused[i][1]), ERR_ORIGIN_FORBIDDEN);
        assert_false(gives_credentials());
        assert_null(request_answer(&request, "access-control-allow-origin").data);
    }
    the_api.config.visitor_cookie = false;
}

static struct bytes find(const char *cookies, const char *name)
{
    begin();
    if (cookies != NULL)
        request_set_text(&request, "cookie", cookies);
    struct bytes key = request_cookie(&request, bytes_of_string(name));
    return key.data != NULL && visitor_key_is_valid(key) ? key : BYTES_NONE;
}

static void test_a_cookie_is_found_among_others(void **state)
{
    (void)state;
    static const char *const holding[] = {"n=v_one",          "n=v_one;",        "a=1; n=v_one",   "a=1;n=v_one; b=2",
                                          "; ;; n=v_one;",    "nn=v_x; n=v_one", "N=v_x; n=v_one", "xn=v_x; n=v_one",
                                          "n=v_one; n=v_one", "n; n=v_one",      "=v_x; n=v_one",  "a=n=v_x; n=v_one"};
    static const char *const lacking[] = {
        "",        "n", "n=", "n=one",       "N=v_one",          "m=n=v_one",   "n =v_one", "n= v_one", "n=\"v_one\"",
        "n=v_a,b", ";", " ",  "n=v_one=v_x", "n=v_one; n=v_two", "a=1,n=v_one", "n=v_one ;"};
    for (size_t i = 0; i < sizeof(holding) / sizeof(holding[0]); ++i)
        if (!bytes_equal(find(holding[i], "n"), BYTES("v_one")))
            fail_msg("not found: %s", holding[i]);
    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); ++i)
        if (find(lacking[i], "n").data != NULL)
            fail_msg("found: %s", lacking[i]);
    assert_null(find(NULL, "n").data);
}

/* The longest names and keys, so that nothing is cut; over TLS under a name that no neighbour of the domain can set. */
static void test_a_cookie_is_set_for_the_whole_server_and_kept_from_scripts(void **state)
{
    (void)state;
    char org[ORG_KEY_LEN_MAX], key[VISITOR_KEY_LEN_MAX], expected[400];
    memset(org, 'o', sizeof(org));
    memset(key, 'v', sizeof(key));
    begin();
    set_cookie(&request, bytes_view(org, sizeof(org)), bytes_view(key, sizeof(key)), COOKIE_MAX_AGE_S);
    snprintf(expected, sizeof(expected),
             "helvino_visitor_id_%.64s=%.80s; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax", org, key);
    assert_true(bytes_equal(request_answer(&request, "set-cookie"), bytes_of_string(expected)));
    begin();
    request.is_secure = true;
    set_cookie(&request, bytes_view(org, sizeof(org)), bytes_view(key, sizeof(key)), COOKIE_MAX_AGE_S);
    snprintf(expected, sizeof(expected),
             "__Host-helvino_visitor_id_%.64s=%.80s; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax; Secure", org,
             key);
    assert_true(bytes_equal(request_answer(&request, "set-cookie"), bytes_of_string(expected)));
}

static int forget(void **state)
{
    (void)state;
    request_clear(&request);
    return 0;
}

int main(void)
{
#define REQUEST_TEST(name) cmocka_unit_test_teardown(name, forget)
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(test_a_parameter_is_found_among_others),
        REQUEST_TEST(test_escapes_are_decoded),
        REQUEST_TEST(test_a_parameter_that_is_there_twice_is_refused),
        REQUEST_TEST(test_numbers_are_within_their_bounds),
        REQUEST_TEST(test_the_largest_bounds_are_told_in_full),
        REQUEST_TEST(test_a_path_that_is_no_id_leads_nowhere),
        REQUEST_TEST(test_an_alias_leads_where_its_organisation_says),
        REQUEST_TEST(test_a_header_that_may_occur_once_may_not_occur_twice),
        REQUEST_TEST(test_types_that_are_json),
        REQUEST_TEST(test_no_body_is_fine_whatever_its_type),
        REQUEST_TEST(test_a_body_that_is_no_object_gets_a_sentence),
        REQUEST_TEST(test_two_types_are_refused),
        REQUEST_TEST(test_an_organisation_without_a_list_lets_any_page_in),
        REQUEST_TEST(test_an_organisation_with_a_list_lets_those_in_and_nobody_else),
        REQUEST_TEST(test_credentials_are_never_allowed),
        REQUEST_TEST(test_a_preflight_is_let_through_when_any_organisation_would),
        REQUEST_TEST(test_credentials_are_for_the_cookie_alone_and_name_the_page),
        REQUEST_TEST(test_the_cookie_is_for_pages_that_are_named_and_admitted),
        REQUEST_TEST(test_a_cookie_is_found_among_others),
        REQUEST_TEST(test_a_cookie_is_set_for_the_whole_server_and_kept_from_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Who is asking: the shapes of keys, origins and tokens, and what each combination of headers makes of a caller.
 * Requests are made by hand, the store is a real one.
 */
#include "requests.h"

#include "../../src/api/caller.c"
#include "../../src/api/query.c"
#include "../../src/api/session.c"

#include "world.h"

/* In the place of submit.c: the commands that nobody waits for. */
static struct command submitted;
static unsigned submitted_count;

bool loop_submit(struct api_loop *loop, const struct command *command, on_applied *applied)
{
    (void)loop, (void)applied;
    submitted = *command;
    ++submitted_count;
    return true;
}

struct fixture {
    struct world *world;
    struct api_loop loop;
    struct request request;
    struct call call;
    char token[TOKEN_TEXT_LEN + 1], other_token[TOKEN_TEXT_LEN + 1];
    struct id token_id;
};

static void make_token(struct fixture *f, struct id org, struct id id, char text[TOKEN_TEXT_LEN + 1])
{
    unsigned char hash[SECRET_HASH_LEN];
    token_make(id, &f->world->pool, text, hash);
    struct command command = token_create(f->world, org);
    command.token_create.token = id;
    command.token_create.secret_hash = bytes_view(hash, sizeof(hash));
    must(f->world, &command);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    void *world;
    assert_true(sodium_init() >= 0);
    world_set_up(&world);
    f->world = world;
    f->token_id = world_id(f->world);
    make_token(f, f->world->org, f->token_id, f->token);
    make_token(f, f->world->other_org, world_id(f->world), f->other_token);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    void *world = f->world;
    request_clear(&f->request);
    for (unsigned slot = 0; slot < ORG_CACHE_SLOTS; ++slot)
        buffer_dispose(&f->loop.orgs[slot].encoded);
    world_tear_down(&world);
    free(f);
    return 0;
}

/* Identifies a caller by up to four headers; names NULL are left out. */
static enum error identify(struct fixture *f, enum who who, const char *const headers[][2], unsigned count)
{
    request_clear(&f->request);
    for (unsigned i = 0; i < count; ++i)
        if (headers[i][1] != NULL)
            request_set_text(&f->request, headers[i][0], headers[i][1]);
    f->call = (struct call){.request = &f->request, .loop = &f->loop, .txn = look(f->world), .now_ms = NOW_MS};
    enum error error = call_identify(&f->call, who);
    look_away(f->world);
    return error;
}

#define IDENTIFY(f, who, ...)                                   \
    identify((f), (who), (const char *const[][2]){__VA_ARGS__}, \
             sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static const char *bearer(const char *token)
{
    static char text[4][128];
    static unsigned next;
    char *here = text[next++ % 4];
    snprintf(here, sizeof(text[0]), "Bearer %s", token);
    return here;
}

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

static struct bytes repeated(char c, size_t len)
{
    static char text[400];
    memset(text, c, sizeof(text));
    return bytes_view(text, len);
}

static void test_what_an_organisations_key_looks_like(void **state)
{
    (void)state;
    static const char *const valid[] = {"a", "A", "0", "_", "-", "acme", "Acme-2_x", "---", "0123456789"};
    static const char *const invalid[] = {"",    " ",   "a b", "a.b", "a/b",  "a\n", "\xc3\xa9",
                                          "a:b", "a,b", "a@b", "a+b", "a%20", "\x7f"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); ++i)
        assert_true(org_key_is_valid(bytes_of_string(valid[i])));
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i)
        assert_false(org_key_is_valid(bytes_of_string(invalid[i])));
    assert_true(org_key_is_valid(repeated('k', 64)));
    assert_false(org_key_is_valid(repeated('k', 65)));
    assert_false(org_key_is_valid(BYTES("a\0b")));
    assert_false(org_key_is_valid(BYTES_NONE));
    for (int c = 0; c < 256; ++c) {
        char one = (char)c;
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        assert_int_equal(org_key_is_valid(bytes_view(&one, 1)), fine);
    }
}

static void test_what_a_visitors_key_looks_like(void **state)
{
    (void)state;
    static const char *const valid[] = {"v_a", "v_A", "v_0", "v__", "v_-", "v_.", "v_a.b-c_D9", "v_v_v_"};
    static const char *const invalid[] = {"",     "v",    "v_",    "V_a",   "w_a",        "va",    "_v_a",
                                          " v_a", "v_a ", "v_a b", "v_a/b", "v_\xc3\xa9", "v_a\n", "v_a,v_b"};
    char longest[82] = "v_";
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); ++i)
        assert_true(visitor_key_is_valid(bytes_of_string(valid[i])));
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i)
        assert_false(visitor_key_is_valid(bytes_of_string(invalid[i])));
    memset(longest + 2, 'x', sizeof(longest) - 2);
    assert_true(visitor_key_is_valid(bytes_view(longest, 80)));
    assert_false(visitor_key_is_valid(bytes_view(longest, 81)));
    assert_false(visitor_key_is_valid(BYTES("v_a\0b")));
    assert_false(visitor_key_is_valid(BYTES_NONE));
    for (int c = 0; c < 256; ++c) {
        char three[] = {'v', '_', (char)c};
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-' || c == '.';
        assert_int_equal(visitor_key_is_valid(bytes_view(three, 3)), fine);
    }
}

static void test_what_an_origin_looks_like(void **state)
{
    (void)state;
    static const char *const valid[] = {"http://a",
                                        "https://a",
                                        "https://example.com",
                                        "https://www.example.com:8443",
                                        "http://localhost:3000",
                                        "http://127.0.0.1:80",
                                        "http://[::1]:4000",
                                        "https://[2001:db8::1]",
                                        "https://xn--bcher-kva.example"};
    /* A list of origins is one a line, so that above all nothing that ends a line may pass. */
    static const char *const invalid[] = {"",
                                          "*",
                                          "null",
                                          "example.com",
                                          "//example.com",
                                          "http://",
                                          "https://",
                                          "ftp://example.com",
                                          "HTTPS://example.com",
                                          "https:/example.com",
                                          "https://example.com/",
                                          "https://example.com/path",
                                          "https://example.com?x",
                                          "https://example.com#x",
                                          "https://user@example.com",
                                          "https://exam ple.com",
                                          "https://example.com\nhttps://evil.example",
                                          "https://example.com\r",
                                          " https://example.com",
                                          "https://example.com ",
                                          "https://*.example.com",
                                          "https://b\303\274cher.example",
                                          "chrome-extension://abcdefgh"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); ++i)
        if (!origin_is_valid(bytes_of_string(valid[i])))
            fail_msg("refused: %s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i)
        if (origin_is_valid(bytes_of_string(invalid[i])))
            fail_msg("taken: %s", invalid[i]);
    assert_false(origin_is_valid(BYTES_NONE));
    assert_false(origin_is_valid(BYTES("https://a\0b")));
    char longest[ORIGIN_LEN_MAX + 2] = "https://";
    memset(longest + 8, 'x', sizeof(longest) - 8);
    assert_true(origin_is_valid(bytes_view(longest, ORIGIN_LEN_MAX)));
    assert_false(origin_is_valid(bytes_view(longest, ORIGIN_LEN_MAX + 1)));
}

/* A browser's Origin has a host in small letters and a port that is a number other than the scheme's own; what can
 * never be equal to one must not be taken, since it would look as if it allowed something. */
static void test_an_origin_that_no_browser_sends_is_refused(void **state)
{
    (void)state;
    static const char *const never[] = {"https://Example.com",
                                        "https://example.com:",
                                        "https://example.com:https",
                                        "https://example.com:0x1",
                                        "https://example.com:99999",
                                        "https://:443",
                                        "https://a:b:c",
                                        "https://[::1",
                                        "https://::1",
                                        "https://]["};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); ++i)
        if (origin_is_valid(bytes_of_string(never[i])))
            fail_msg("taken: %s", never[i]);
}

static void test_a_token_has_its_id_and_a_secret_of_its_own(void **state)
{
    struct fixture *f = *state;
    char before[TOKEN_TEXT_LEN + 1] = "";
    for (unsigned i = 0; i < 200; ++i) {
        char text[TOKEN_TEXT_LEN + 1];
        unsigned char hash[SECRET_HASH_LEN], expected[SECRET_HASH_LEN];
        struct id id = world_id(f->world), parsed;
        token_make(id, &f->world->pool, text, hash);
        assert_int_equal(strlen(text), TOKEN_TEXT_LEN);
        assert_memory_equal(text, "hvt_", 4);
        assert_true(id_parse(bytes_view(text + 4, ID_TEXT_LEN), &parsed) && id_equal(parsed, id));
        assert_int_equal(text[4 + ID_TEXT_LEN], '_');
        for (const char *at = text + 30; *at != '\0'; ++at)
            assert_true((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                        *at == '-' || *at == '_');
        /* BLAKE2b-256 of the secret's text, as stored hashes have to stay readable for ever. */
        crypto_generichash(expected, sizeof(expected), (const unsigned char *)text + 30, 43, NULL, 0);
        assert_memory_equal(hash, expected, sizeof(hash));
        assert_string_not_equal(text + 30, before + (before[0] ? 30 : 0));
        memcpy(before, text, sizeof(before));
    }
}

/* ---- the organisation ------------------------------------------------------------------------------------------ */

static void test_an_organisation_is_named_by_its_key(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; ++i) {
        /* Asked again it comes from the loop's memory. */
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), OK);
        assert_true(id_equal(f->call.org.id, f->world->org) && !f->call.by_org);
        assert_true(bytes_equal(f->call.org.key, BYTES("acme")) && bytes_equal(f->call.org.name, BYTES("A name")));
        assert_null(f->call.visitor_key.data);
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-site-id", "other"}), OK);
        assert_true(id_equal(f->call.org.id, f->world->other_org));
    }
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}, {"x-site-id", "acme"}), OK);
}

static void test_an_organisation_that_is_not_named_is_unknown(void **state)
{
    struct fixture *f = *state;
    static const enum who all[] = {WHO_ORG, WHO_CALLER, WHO_VISITOR};
    for (size_t i = 0; i < 3; ++i) {
        assert_int_equal(IDENTIFY(f, all[i], {"x-visitor-id", "v_one"}), ERR_ORG_UNKNOWN);
        assert_int_equal(IDENTIFY(f, all[i], {"x-org-key", "nobody"}, {"x-visitor-id", "v_one"}), ERR_ORG_UNKNOWN);
        assert_int_equal(IDENTIFY(f, all[i], {"x-org-key", "ACME"}, {"x-visitor-id", "v_one"}), ERR_ORG_UNKNOWN);
    }
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", ""}), ERR_INVALID_HEADER);
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "a b"}), ERR_INVALID_HEADER);
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-site-id", "a/b"}), ERR_INVALID_HEADER);
}

static void test_headers_that_contradict_each_other_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}, {"x-site-id", "other"}), ERR_INVALID_HEADER);
    assert_non_null(strstr(f->call.sentence, "x-site-id"));
    static const char *const twice[] = {"x-org-key", "x-site-id", "x-visitor-id", "authorization"};
    for (size_t i = 0; i < 4; ++i) {
        const char *value = i < 2 ? "acme" : i == 2 ? "v_one" : bearer(f->token);
        assert_int_equal(
            IDENTIFY(f, WHO_ORG, {"x-org-key", i == 0 ? NULL : "acme"}, {twice[i], value}, {twice[i], value}),
            ERR_INVALID_HEADER);
        assert_non_null(strstr(f->call.sentence, twice[i]));
    }
}

static void test_a_remembered_organisation_is_as_fresh_as_the_store(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->world;
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), OK);
    struct command update = {.kind = COMMAND_ORG_UPDATE,
                             .org_update = {.org = w->org, .at_ms = NOW_MS + 1, .name = BYTES("A new name")}};
    must(w, &update);
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), OK);
    assert_true(bytes_equal(f->call.org.name, BYTES("A new name")));
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), OK);
    assert_true(bytes_equal(f->call.org.name, BYTES("A new name")));
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), ERR_ORG_UNKNOWN);
    struct command create = org_create(w, "acme");
    must(w, &create);
    assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}), OK);
    assert_true(id_equal(f->call.org.id, create.org_create.org));
}

static void test_many_organisations_are_told_apart_in_memory(void **state)
{
    struct fixture *f = *state;
    struct id ids[40];
    for (unsigned i = 0; i < 40; ++i) {
        char key[16];
        snprintf(key, sizeof(key), "org-%02u", i);
        struct command create = org_create(f->world, key);
        ids[i] = must(f->world, &create).id;
    }
    for (unsigned i = 0; i < 400; ++i) {
        char key[16];
        unsigned which = i * 7 % 40;
        snprintf(key, sizeof(key), "org-%02u", which);
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", key}), OK);
        assert_true(id_equal(f->call.org.id, ids[which]));
    }
}

/* ---- the token ------------------------------------------------------------------------------------------------- */

static void test_a_token_names_its_organisation(void **state)
{
    struct fixture *f = *state;
    static const enum who all[] = {WHO_ORG, WHO_CALLER, WHO_VISITOR, WHO_READ};
    for (size_t i = 0; i < 4; ++i) {
        assert_int_equal(IDENTIFY(f, all[i], {"authorization", bearer(f->token)}), OK);
        assert_true(f->call.by_org && id_equal(f->call.org.id, f->world->org));
        assert_int_equal(IDENTIFY(f, all[i], {"authorization", bearer(f->token)}, {"x-org-key", "acme"}), OK);
        assert_true(f->call.by_org);
        assert_int_equal(IDENTIFY(f, all[i], {"authorization", bearer(f->token)}, {"x-org-key", "other"}),
                         ERR_TOKEN_INVALID);
        assert_int_equal(IDENTIFY(f, all[i], {"authorization", bearer(f->other_token)}, {"x-org-key", "acme"}),
                         ERR_TOKEN_INVALID);
    }
}

static void test_a_token_that_is_not_quite_right_is_no_token(void **state)
{
    struct fixture *f = *state;
    for (size_t at = 0; at < TOKEN_TEXT_LEN; ++at) {
        char wrong[TOKEN_TEXT_LEN + 1];
        memcpy(wrong, f->token, sizeof(wrong));
        wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"authorization", bearer(wrong)}, {"x-org-key", "acme"}),
                         ERR_TOKEN_INVALID);
        assert_false(f->call.by_org);
    }
    char longer[TOKEN_TEXT_LEN + 2], shorter[TOKEN_TEXT_LEN], mixed[TOKEN_TEXT_LEN + 1];
    snprintf(longer, sizeof(longer), "%sx", f->token);
    memcpy(shorter, f->token, sizeof(shorter) - 1);
    shorter[sizeof(shorter) - 1] = '\0';
    /* One token's id with another's secret. */
    memcpy(mixed, f->token, 30);
    memcpy(mixed + 30, f->other_token + 30, 44);
    const char *const wrong[] = {bearer(longer),       bearer(shorter), bearer(mixed), bearer(""), "Bearer", "",
                                 "Basic dXNlcjpwYXNz", f->token,        "Bearer  "};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i)
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"authorization", wrong[i]}, {"x-org-key", "acme"}), ERR_TOKEN_INVALID);
    char scheme[128];
    snprintf(scheme, sizeof(scheme), "bEARER %s", f->token);
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", scheme}), OK);
}

static void test_a_revoked_token_is_no_token(void **state)
{
    struct fixture *f = *state;
    struct command revoke = {.kind = COMMAND_TOKEN_REVOKE,
                             .token_revoke = {.org = f->world->org, .token = f->token_id}};
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->token)}), OK);
    must(f->world, &revoke);
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->token)}), ERR_TOKEN_INVALID);
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->other_token)}), OK);
}

static void test_the_token_of_a_deleted_organisation_is_no_token(void **state)
{
    struct fixture *f = *state;
    struct command delete = org_delete(f->world, f->world->org), purge = org_purge(f->world->org, 1000);
    must(f->world, &delete);
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->token)}), ERR_TOKEN_INVALID);
    must(f->world, &purge);
    assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->token)}), ERR_TOKEN_INVALID);
}

/* ---- rights ---------------------------------------------------------------------------------------------------- */

static void test_rights_as_a_table(void **state)
{
    struct fixture *f = *state;
    static const struct {
        bool org, visitor, token;
        enum error by_who[WHO_READ + 1]; /* OPEN, ORG, CALLER, VISITOR, SELF, READ */
    } cases[] = {
        {false,
         false,
         false,
         {OK, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_TOKEN_REQUIRED}},
        {false,
         true,
         false,
         {OK, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_ORG_UNKNOWN, ERR_TOKEN_REQUIRED}},
        {true, false, false, {OK, OK, OK, ERR_CALLER_REQUIRED, ERR_VISITOR_REQUIRED, ERR_TOKEN_REQUIRED}},
        {true, true, false, {OK, OK, OK, OK, OK, ERR_TOKEN_REQUIRED}},
        {false, false, true, {OK, OK, OK, OK, ERR_VISITOR_REQUIRED, OK}},
        {false, true, true, {OK, OK, OK, OK, OK, OK}},
        {true, true, true, {OK, OK, OK, OK, OK, OK}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        for (int who = WHO_OPEN; who <= WHO_READ; ++who) {
            enum error error = IDENTIFY(f, (enum who)who, {"x-org-key", cases[i].org ? "acme" : NULL},
                                        {"x-visitor-id", cases[i].visitor ? "v_one" : NULL},
                                        {"authorization", cases[i].token ? bearer(f->token) : NULL});
            if (error != cases[i].by_who[who])
                fail_msg("case %zu, who %d: %s", i, who, error_code(error));
            if (error == OK && who != WHO_OPEN) {
                assert_int_equal(f->call.by_org, cases[i].token);
                assert_int_equal(f->call.visitor_key.data != NULL, cases[i].visitor);
            }
        }
}

/* ---- the organisation's side ----------------------------------------------------------------------------------- */

/* An agent of that role in acme (NULL: of no organisation), logged in; `cookie` and `csrf` are what its browser has. */
struct browser {
    struct id agent, session;
    char cookie[128], csrf[CSRF_TEXT_LEN + 1];
};

static struct browser log_in(struct fixture *f, const char *email, const char *role)
{
    struct world *w = f->world;
    struct browser browser = {world_id(w), world_id(w), "", ""};
    char credential[CREDENTIAL_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    must(w, &(struct command){.kind = COMMAND_AGENT_CREATE,
                              .agent_create = {.agent = browser.agent,
                                               .email = bytes_of_string(email),
                                               .name = BYTES("Somebody"),
                                               .org = w->org,
                                               .role = role == NULL ? BYTES_NONE : bytes_of_string(role),
                                               .at_ms = NOW_MS}});
    credential_make("", browser.session, &w->pool, credential, hash);
    must(w, &(struct command){.kind = COMMAND_SESSION_CREATE,
                              .session_create = {.session = browser.session,
                                                 .agent = browser.agent,
                                                 .secret_hash = bytes_view(hash, sizeof(hash)),
                                                 .at_ms = NOW_MS}});
    snprintf(browser.cookie, sizeof(browser.cookie), "a=b; helvino_session=%s", credential);
    session_csrf(bytes_view(credential + ID_TEXT_LEN + 1, SECRET_TEXT_LEN), browser.csrf);
    return browser;
}

/* A request of the method with these headers, at that time. */
static enum error identify_at(struct fixture *f, enum who who, const char *method, int64_t now_ms,
                              const char *const headers[][2], unsigned count)
{
    request_clear(&f->request);
    f->request.method = bytes_of_string(method);
    for (unsigned i = 0; i < count; ++i)
        if (headers[i][1] != NULL)
            request_set_text(&f->request, headers[i][0], headers[i][1]);
    f->call = (struct call){.request = &f->request, .loop = &f->loop, .txn = look(f->world), .now_ms = now_ms};
    enum error error = call_identify(&f->call, who);
    look_away(f->world);
    return error;
}

#define IDENTIFY_AT(f, who, method, now_ms, ...)                                       \
    identify_at((f), (who), (method), (now_ms), (const char *const[][2]){__VA_ARGS__}, \
                sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void assert_right(enum error error, bool is_let_in, enum who who, const char *method)
{
    if (error != (is_let_in ? OK : ERR_RIGHT_FORBIDDEN))
        fail_msg("who %d, %s: %s", who, method, error_code(error));
}

static const enum who of_org[] = {WHO_ORG, WHO_CALLER, WHO_VISITOR, WHO_READ, WHO_WRITE, WHO_ADMIN, WHO_OWNER};
#define WHO_COUNT (sizeof(of_org) / sizeof(of_org[0]))

static void test_a_token_may_do_what_its_scope_says(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *scope;
        bool get[WHO_COUNT], post[WHO_COUNT];
    } cases[] = {
        {"read", {1, 1, 1, 1, 0, 0, 0}, {0, 0, 0, 1, 0, 0, 0}},
        {"write", {1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 0, 0}},
        {NULL, {1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 0, 0}},
        {"admin", {1, 1, 1, 1, 1, 1, 0}, {1, 1, 1, 1, 1, 1, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char text[TOKEN_TEXT_LEN + 1];
        unsigned char hash[SECRET_HASH_LEN];
        struct command command = token_create(f->world, f->world->org);
        token_make(command.token_create.token, &f->world->pool, text, hash);
        command.token_create.secret_hash = bytes_view(hash, sizeof(hash));
        command.token_create.scope = cases[i].scope == NULL ? BYTES_NONE : bytes_of_string(cases[i].scope);
        must(f->world, &command);
        for (size_t who = 0; who < WHO_COUNT; ++who) {
            assert_right(IDENTIFY_AT(f, of_org[who], "GET", NOW_MS, {"authorization", bearer(text)}), cases[i].get[who],
                         of_org[who], "GET");
            assert_right(IDENTIFY_AT(f, of_org[who], "POST", NOW_MS, {"authorization", bearer(text)}),
                         cases[i].post[who], of_org[who], "POST");
        }
        assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS, {"authorization", bearer(text)}),
                         ERR_SESSION_REQUIRED);
    }
}

static void test_a_token_ends_when_it_was_said_to(void **state)
{
    struct fixture *f = *state;
    char text[TOKEN_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    struct command command = token_create(f->world, f->world->org);
    token_make(command.token_create.token, &f->world->pool, text, hash);
    command.token_create.secret_hash = bytes_view(hash, sizeof(hash));
    command.token_create.expires_at_ms = NOW_MS + 1000;
    must(f->world, &command);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS + 999, {"authorization", bearer(text)}), OK);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS + 1000, {"authorization", bearer(text)}),
                     ERR_TOKEN_INVALID);
}

static void test_an_agent_may_do_what_its_role_says(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *role;
        bool may[WHO_COUNT];
    } cases[] = {{"agent", {1, 1, 1, 1, 1, 0, 0}}, {"admin", {1, 1, 1, 1, 1, 1, 0}}, {"owner", {1, 1, 1, 1, 1, 1, 1}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char email[32];
        snprintf(email, sizeof(email), "%s@example.com", cases[i].role);
        struct browser browser = log_in(f, email, cases[i].role);
        for (size_t who = 0; who < WHO_COUNT; ++who) {
            assert_right(IDENTIFY_AT(f, of_org[who], "GET", NOW_MS, {"cookie", browser.cookie}), cases[i].may[who],
                         of_org[who], "GET");
            assert_right(IDENTIFY_AT(f, of_org[who], "DELETE", NOW_MS, {"cookie", browser.cookie},
                                     {"x-csrf-token", browser.csrf}),
                         cases[i].may[who], of_org[who], "DELETE");
            if (cases[i].may[who])
                assert_true(f->call.by_org && id_equal(f->call.agent, browser.agent) &&
                            id_equal(f->call.org.id, f->world->org) && id_is_none(f->call.token));
        }
        assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS, {"cookie", browser.cookie}), OK);
        assert_true(bytes_equal(f->call.me.email, bytes_of_string(email)));
    }
}

static void test_what_changes_something_with_the_cookie_has_to_prove_that_it_is_meant(void **state)
{
    struct fixture *f = *state;
    struct browser browser = log_in(f, "owner@example.com", "owner"), other = log_in(f, "o@example.com", "owner");
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < 4; ++i) {
        assert_int_equal(IDENTIFY_AT(f, WHO_WRITE, methods[i], NOW_MS, {"cookie", browser.cookie}), ERR_CSRF_FORBIDDEN);
        assert_int_equal(
            IDENTIFY_AT(f, WHO_AGENT, methods[i], NOW_MS, {"cookie", browser.cookie}, {"x-csrf-token", other.csrf}),
            ERR_CSRF_FORBIDDEN);
        assert_int_equal(
            IDENTIFY_AT(f, WHO_AGENT, methods[i], NOW_MS, {"cookie", browser.cookie}, {"x-csrf-token", browser.csrf}),
            OK);
    }
}

static void test_what_another_site_caused_speaks_for_nobody(void **state)
{
    struct fixture *f = *state;
    struct browser browser = log_in(f, "owner@example.com", "owner");
    static const struct {
        const char *site;
        enum error error;
    } cases[] = {{NULL, OK},
                 {"same-origin", OK},
                 {"none", OK},
                 {"same-site", ERR_SESSION_REQUIRED},
                 {"cross-site", ERR_SESSION_REQUIRED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        assert_int_equal(
            IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS, {"cookie", browser.cookie}, {"sec-fetch-site", cases[i].site}),
            cases[i].error);
}

static void test_the_cookie_of_an_agent_counts_for_nothing_where_a_visitor_speaks(void **state)
{
    struct fixture *f = *state;
    struct browser browser = log_in(f, "owner@example.com", "owner");
    assert_int_equal(IDENTIFY_AT(f, WHO_CALLER, "POST", NOW_MS, {"x-org-key", "acme"}, {"x-visitor-id", "v_one"},
                                 {"cookie", browser.cookie}),
                     OK);
    assert_true(!f->call.by_org && id_is_none(f->call.agent));
}

static void test_over_tls_only_the_cookie_that_no_neighbour_can_set_counts(void **state)
{
    struct fixture *f = *state;
    struct browser browser = log_in(f, "owner@example.com", "owner");
    char secure[160];
    snprintf(secure, sizeof(secure), "__Host-%s", strstr(browser.cookie, "helvino_session"));
    request_clear(&f->request);
    f->request.is_secure = true;
    request_set_text(&f->request, "cookie", browser.cookie);
    assert_null(session_cookie_of(&f->request).data);
    request_clear(&f->request);
    f->request.is_secure = true;
    request_set_text(&f->request, "cookie", secure);
    assert_non_null(session_cookie_of(&f->request).data);
    session_cookie_set(&f->request, BYTES("x"));
    assert_true(
        bytes_equal(request_answer(&f->request, "set-cookie"),
                    BYTES("__Host-helvino_session=x; Max-Age=1209600; Path=/; HttpOnly; SameSite=Strict; Secure")));
    request_clear(&f->request);
    session_cookie_forget(&f->request);
    assert_true(bytes_equal(request_answer(&f->request, "set-cookie"),
                            BYTES("helvino_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict")));
}

static void test_a_session_ends_by_time_by_wish_and_with_its_agent(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->world;
    struct browser browser = log_in(f, "owner@example.com", "owner");
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS + SESSION_KEPT_MS, {"cookie", browser.cookie}),
                     ERR_SESSION_INVALID);
    browser.cookie[strlen(browser.cookie) - 1] ^= 1;
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS, {"cookie", browser.cookie}), ERR_SESSION_INVALID);
    browser.cookie[strlen(browser.cookie) - 1] ^= 1;
    must(w, &(struct command){.kind = COMMAND_AGENT_DISABLE,
                              .agent_disable = {.agent = browser.agent, .disabled = true, .at_ms = NOW_MS}});
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS, {"cookie", browser.cookie}), ERR_SESSION_INVALID);
    browser = log_in(f, "second@example.com", "agent");
    must(w, &(struct command){.kind = COMMAND_SESSION_END,
                              .session_end = {.agent = browser.agent, .session = browser.session, .at_ms = NOW_MS}});
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}), ERR_SESSION_INVALID);
    assert_sound(w);
}

static void test_a_use_is_noted_once_an_hour(void **state)
{
    struct fixture *f = *state;
    struct browser browser = log_in(f, "owner@example.com", "owner");
    submitted_count = 0;
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS + USE_NOTED_MS - 1, {"cookie", browser.cookie}), OK);
    assert_int_equal(submitted_count, 0);
    assert_null(request_answer(&f->request, "set-cookie").data);
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "DELETE", NOW_MS + USE_NOTED_MS, {"cookie", browser.cookie},
                                 {"x-csrf-token", browser.csrf}),
                     OK);
    assert_null(request_answer(&f->request, "set-cookie").data);
    submitted_count = 0;
    assert_int_equal(IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS + USE_NOTED_MS, {"cookie", browser.cookie}), OK);
    /* The browser's fourteen days begin again too. */
    char expected[256];
    snprintf(expected, sizeof(expected), "%s; Max-Age=1209600; Path=/; HttpOnly; SameSite=Strict",
             strstr(browser.cookie, "helvino_session"));
    assert_true(bytes_equal(request_answer(&f->request, "set-cookie"), bytes_of_string(expected)));
    assert_int_equal(submitted_count, 1);
    assert_int_equal(submitted.kind, COMMAND_SESSION_USE);
    must(f->world, &submitted);
    assert_int_equal(
        IDENTIFY_AT(f, WHO_AGENT, "GET", NOW_MS + USE_NOTED_MS + SESSION_KEPT_MS - 1, {"cookie", browser.cookie}), OK);
    submitted_count = 0;
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"authorization", bearer(f->token)}), OK);
    assert_int_equal(submitted.kind, COMMAND_TOKEN_USE);
    must(f->world, &submitted);
    submitted_count = 0;
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS + 1, {"authorization", bearer(f->token)}), OK);
    assert_int_equal(submitted_count, 0);
    assert_sound(f->world);
}

static void test_which_organisation_an_agent_acts_in(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->world;
    struct browser browser = log_in(f, "admin@example.com", "admin"), nobody = log_in(f, "nobody@example.com", NULL);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", nobody.cookie}), ERR_MEMBER_FORBIDDEN);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}, {"x-org-key", "other"}),
                     ERR_MEMBER_FORBIDDEN);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}, {"x-org-key", "none"}),
                     ERR_ORG_UNKNOWN);
    must(w, &(struct command){
                .kind = COMMAND_MEMBER_SET,
                .member_set = {.org = w->other_org, .agent = browser.agent, .role = BYTES("agent"), .at_ms = NOW_MS}});
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}), ERR_ORG_UNKNOWN);
    assert_non_null(strstr(f->call.sentence, "x-org-key"));
    assert_int_equal(IDENTIFY_AT(f, WHO_ADMIN, "GET", NOW_MS, {"cookie", browser.cookie}, {"x-org-key", "acme"}), OK);
    assert_int_equal(IDENTIFY_AT(f, WHO_ADMIN, "GET", NOW_MS, {"cookie", browser.cookie}, {"x-org-key", "other"}),
                     ERR_RIGHT_FORBIDDEN);
    must(w, &(struct command){.kind = COMMAND_MEMBER_REMOVE,
                              .member_remove = {.org = w->org, .agent = browser.agent, .at_ms = NOW_MS}});
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}), OK);
    assert_true(id_equal(f->call.org.id, w->other_org));
}

/* Its members go step by step; until they are gone it must not be in the way of those of another one. */
static void test_an_organisation_that_is_being_deleted_is_none_to_act_in(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->world;
    struct browser browser = log_in(f, "agent@example.com", "agent");
    struct command joins = member_set(w, w->other_org, browser.agent, "admin"), delete = org_delete(w, w->org),
                   deletes_other = org_delete(w, w->other_org);
    must(w, &joins);
    must(w, &delete);
    assert_int_equal(IDENTIFY_AT(f, WHO_ADMIN, "GET", NOW_MS, {"cookie", browser.cookie}), OK);
    assert_true(id_equal(f->call.org.id, w->other_org));
    must(w, &deletes_other);
    assert_int_equal(IDENTIFY_AT(f, WHO_READ, "GET", NOW_MS, {"cookie", browser.cookie}), ERR_MEMBER_FORBIDDEN);
}

/* The first one may be a page's, the second one a proxy's: nobody can tell whose visitor it would be. */
static void test_two_visitors_keys_are_refused_even_when_they_agree(void **state)
{
    struct fixture *f = *state;
    for (int who = WHO_ORG; who <= WHO_SELF; ++who) {
        assert_int_equal(
            IDENTIFY(f, (enum who)who, {"x-org-key", "acme"}, {"x-visitor-id", "v_one"}, {"x-visitor-id", "v_one"}),
            ERR_INVALID_HEADER);
        assert_non_null(strstr(f->call.sentence, "x-visitor-id"));
    }
}

static void test_a_visitors_key_of_another_shape_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const invalid[] = {"", "v_", "one", "v_a b", "V_one"};
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); ++i) {
        assert_int_equal(IDENTIFY(f, WHO_ORG, {"x-org-key", "acme"}, {"x-visitor-id", invalid[i]}), ERR_INVALID_HEADER);
        assert_int_equal(IDENTIFY(f, WHO_READ, {"authorization", bearer(f->token)}, {"x-visitor-id", invalid[i]}),
                         ERR_INVALID_HEADER);
        assert_non_null(strstr(f->call.sentence, "x-visitor-id"));
    }
}

int main(void)
{
#define CALLER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_organisations_key_looks_like),
        cmocka_unit_test(test_what_a_visitors_key_looks_like),
        cmocka_unit_test(test_what_an_origin_looks_like),
        cmocka_unit_test(test_an_origin_that_no_browser_sends_is_refused),
        CALLER_TEST(test_a_token_has_its_id_and_a_secret_of_its_own),
        CALLER_TEST(test_an_organisation_is_named_by_its_key),
        CALLER_TEST(test_an_organisation_that_is_not_named_is_unknown),
        CALLER_TEST(test_headers_that_contradict_each_other_are_refused),
        CALLER_TEST(test_a_remembered_organisation_is_as_fresh_as_the_store),
        CALLER_TEST(test_many_organisations_are_told_apart_in_memory),
        CALLER_TEST(test_a_token_names_its_organisation),
        CALLER_TEST(test_a_token_that_is_not_quite_right_is_no_token),
        CALLER_TEST(test_a_revoked_token_is_no_token),
        CALLER_TEST(test_the_token_of_a_deleted_organisation_is_no_token),
        CALLER_TEST(test_rights_as_a_table),
        CALLER_TEST(test_a_token_may_do_what_its_scope_says),
        CALLER_TEST(test_a_token_ends_when_it_was_said_to),
        CALLER_TEST(test_an_agent_may_do_what_its_role_says),
        CALLER_TEST(test_what_changes_something_with_the_cookie_has_to_prove_that_it_is_meant),
        CALLER_TEST(test_what_another_site_caused_speaks_for_nobody),
        CALLER_TEST(test_the_cookie_of_an_agent_counts_for_nothing_where_a_visitor_speaks),
        CALLER_TEST(test_over_tls_only_the_cookie_that_no_neighbour_can_set_counts),
        CALLER_TEST(test_a_session_ends_by_time_by_wish_and_with_its_agent),
        CALLER_TEST(test_a_use_is_noted_once_an_hour),
        CALLER_TEST(test_which_organisation_an_agent_acts_in),
        CALLER_TEST(test_an_organisation_that_is_being_deleted_is_none_to_act_in),
        CALLER_TEST(test_two_visitors_keys_are_refused_even_when_they_agree),
        CALLER_TEST(test_a_visitors_key_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

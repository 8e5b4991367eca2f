/* Who is limited by what: the visitor, its address, its organisation, and the organisation's own token. The clock
 * stands still. */
#include "requests.h"

static uint64_t clock_us = 1000000000;

static uint64_t standing_clock_ns(void)
{
    return clock_us * 1000;
}

#define clock_monotonic_ns standing_clock_ns
#include "../../src/api/limiter.c"
/* Both have a static function of this name. */
#define take take_from
#include "../../src/api/limits.c"
#undef take

static struct api api;
static struct api_loop loop;
static struct request request;

static int set_up(void **state)
{
    (void)state;
    memset(&api, 0, sizeof(api));
    memset(&loop, 0, sizeof(loop));
    api.limiter = limiter_new();
    api.config.rate_limits_on = true;
    api.config.rate_limits = (struct api_rate_limits){.conversations_visitor = 3,
                                                      .conversations_address = 10,
                                                      .conversations_org = 25,
                                                      .messages_visitor = 5,
                                                      .messages_address = 20,
                                                      .messages_org = 50};
    loop.api = &api;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    request_clear(&request);
    limiter_free(api.limiter);
    return 0;
}

static struct id org_number(unsigned number)
{
    struct id id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    id.bytes[ID_LEN - 1] = 1;
    return id;
}

/* visitor NULL: none was sent; address NULL: 192.0.2.1. */
static struct call caller(unsigned org, const char *visitor, const char *address)
{
    struct call call = {.request = &request, .loop = &loop};
    call.org.id = org_number(org);
    if (visitor != NULL)
        call.visitor_key = bytes_of_string(visitor);
    assert_int_equal(inet_pton(AF_INET6, address != NULL ? address : "::ffff:192.0.2.1", &request.address), 1);
    return call;
}

static unsigned allowed(struct call call, enum limited_action action)
{
    unsigned times = 0;
    while (times < 10000 && rate_limit(&call, action) == OK)
        ++times;
    return times;
}

static void test_a_visitor_has_its_own_limit(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_CONVERSATIONS), 3);
    assert_int_equal(allowed(caller(1, "v_two", NULL), LIMITED_CONVERSATIONS), 3);
    assert_int_equal(atomic_load(&loop.figures.limited[LIMIT_VISITOR]), 2);
    assert_int_equal(atomic_load(&loop.figures.limited[LIMIT_ADDRESS]), 0);
}

static void test_conversations_and_messages_are_counted_apart(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_CONVERSATIONS), 3);
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_MESSAGES), 5);
}

static void test_organisations_are_counted_apart(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_CONVERSATIONS), 3);
    assert_int_equal(allowed(caller(2, "v_one", NULL), LIMITED_CONVERSATIONS), 3);
}

static void test_an_address_bounds_whoever_makes_many_visitors(void **state)
{
    (void)state;
    unsigned times = 0;
    for (unsigned i = 0; i < 50; ++i) {
        char name[16];
        snprintf(name, sizeof(name), "v_%u", i);
        struct call call = caller(1, name, NULL);
        times += rate_limit(&call, LIMITED_CONVERSATIONS) == OK;
    }
    assert_int_equal(times, 10);
    assert_int_equal(atomic_load(&loop.figures.limited[LIMIT_ADDRESS]), 40);
}

static void test_who_has_no_key_is_bound_by_its_address(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, NULL, NULL), LIMITED_CONVERSATIONS), 10);
    assert_int_equal(allowed(caller(1, NULL, "::ffff:192.0.2.2"), LIMITED_CONVERSATIONS), 10);
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_CONVERSATIONS), 0);
}

static void test_a_network_of_ipv6_counts_as_one_address(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, NULL, "2001:db8:1:2::1"), LIMITED_CONVERSATIONS), 10);
    assert_int_equal(allowed(caller(1, NULL, "2001:db8:1:2:ffff::9"), LIMITED_CONVERSATIONS), 0);
    assert_int_equal(allowed(caller(1, NULL, "2001:db8:1:3::1"), LIMITED_CONVERSATIONS), 10);
}

static void test_an_organisation_bounds_all_addresses(void **state)
{
    (void)state;
    unsigned times = 0;
    for (unsigned i = 0; i < 60; ++i) {
        char address[40];
        snprintf(address, sizeof(address), "::ffff:198.51.100.%u", i);
        struct call call = caller(1, NULL, address);
        times += rate_limit(&call, LIMITED_CONVERSATIONS) == OK;
    }
    assert_int_equal(times, 25);
    assert_int_equal(atomic_load(&loop.figures.limited[LIMIT_ORG]), 35);
}

static void test_the_token_is_bound_by_the_organisation_alone(void **state)
{
    (void)state;
    struct call call = caller(1, "v_one", NULL);
    call.by_org = true;
    assert_int_equal(allowed(call, LIMITED_MESSAGES), 50);
    assert_int_equal(atomic_load(&loop.figures.limited[LIMIT_ORG]), 1);
    /* And takes nothing from the visitor that it names, in another organisation's view. */
    assert_int_equal(allowed(caller(2, "v_one", NULL), LIMITED_MESSAGES), 5);
}

static void test_a_refusal_says_how_long_to_wait(void **state)
{
    (void)state;
    struct call call = caller(1, "v_one", NULL);
    assert_int_equal(allowed(call, LIMITED_CONVERSATIONS), 3);
    assert_int_equal(rate_limit(&call, LIMITED_CONVERSATIONS), ERR_RATE_LIMITED);
    assert_in_range(call.retry_after_s, 20, 21); /* three a minute */
    clock_us += (uint64_t)call.retry_after_s * 1000000;
    call.retry_after_s = 0;
    assert_int_equal(rate_limit(&call, LIMITED_CONVERSATIONS), OK);
    assert_int_equal(call.retry_after_s, 0);
    assert_int_equal(rate_limit(&call, LIMITED_CONVERSATIONS), ERR_RATE_LIMITED);
    assert_true(call.retry_after_s >= 1);
}

static void test_a_minute_of_rest_gives_everything_back(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_MESSAGES), 5);
    clock_us += 60000000;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_MESSAGES), 5);
}

static void test_a_limit_of_zero_is_none(void **state)
{
    (void)state;
    api.config.rate_limits.messages_visitor = 0;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_MESSAGES), 20);
    api.config.rate_limits = (struct api_rate_limits){0};
    assert_int_equal(allowed(caller(1, "v_two", NULL), LIMITED_MESSAGES), 10000);
}

static void test_switched_off_nothing_is_limited(void **state)
{
    (void)state;
    api.config.rate_limits_on = false;
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_MESSAGES), 10000);
    assert_int_equal(allowed(caller(1, "v_one", NULL), LIMITED_CONVERSATIONS), 10000);
}

/* One that is refused by a wider limit has not spent its own. */
static void test_a_refusal_by_one_limit_costs_nothing_at_the_others(void **state)
{
    (void)state;
    assert_int_equal(allowed(caller(1, NULL, NULL), LIMITED_CONVERSATIONS), 10);
    for (unsigned i = 0; i < 10; ++i) {
        struct call call = caller(1, "v_one", NULL);
        assert_int_equal(rate_limit(&call, LIMITED_CONVERSATIONS), ERR_RATE_LIMITED);
    }
    /* From another address the visitor still has all of its own. */
    assert_int_equal(allowed(caller(1, "v_one", "::ffff:192.0.2.2"), LIMITED_CONVERSATIONS), 3);
}

int main(void)
{
#define RATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RATE_TEST(test_a_visitor_has_its_own_limit),
        RATE_TEST(test_conversations_and_messages_are_counted_apart),
        RATE_TEST(test_organisations_are_counted_apart),
        RATE_TEST(test_an_address_bounds_whoever_makes_many_visitors),
        RATE_TEST(test_who_has_no_key_is_bound_by_its_address),
        RATE_TEST(test_a_network_of_ipv6_counts_as_one_address),
        RATE_TEST(test_an_organisation_bounds_all_addresses),
        RATE_TEST(test_the_token_is_bound_by_the_organisation_alone),
        RATE_TEST(test_a_refusal_says_how_long_to_wait),
        RATE_TEST(test_a_minute_of_rest_gives_everything_back),
        RATE_TEST(test_a_limit_of_zero_is_none),
        RATE_TEST(test_switched_off_nothing_is_limited),
        RATE_TEST(test_a_refusal_by_one_limit_costs_nothing_at_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

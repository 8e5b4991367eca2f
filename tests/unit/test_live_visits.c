/* Who is on a site since when: one visit over many pages and streams, the last who came first, and nothing that stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "live/visits.h"

#define THREADS 4
#define ROUNDS 20000
#define VISITORS 9

static struct live_visits *visits;

static struct id id_of(unsigned number)
{
    struct id id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    id.bytes[ID_LEN - 1] = 1;
    return id;
}

static int set_up(void **state)
{
    (void)state;
    visits = live_visits_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    live_visits_free(visits);
    return 0;
}

static void enter(unsigned org, unsigned visitor, const char *page, int64_t now_ms)
{
    live_visit_enter(visits, id_of(org), id_of(visitor), page == NULL ? BYTES_NONE : bytes_of_string(page), now_ms);
}

static void leave(unsigned visitor, int64_t now_ms)
{
    live_visit_leave(visits, id_of(visitor), now_ms);
}

/* "since page", or "-" when it is not there. */
static void assert_visit(unsigned visitor, const char *expected)
{
    struct live_visit visit;
    char text[PAGE_URL_LEN_MAX + 32] = "-";
    if (live_visit_find(visits, id_of(visitor), &visit))
        snprintf(text, sizeof(text), "%lld %.*s", (long long)visit.since_ms, (int)visit.page_len, visit.page);
    assert_string_equal(text, expected);
}

static void assert_there(unsigned org, unsigned max, unsigned expected_count, const char *expected)
{
    struct id ids[VISITORS];
    uint64_t count;
    char text[VISITORS * 4 + 1] = "";
    unsigned found = live_visits_of_org(visits, id_of(org), ids, max, &count);
    for (unsigned i = 0; i < found; ++i) {
        unsigned number;
        memcpy(&number, ids[i].bytes, sizeof(number));
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i == 0 ? "" : " ", number);
    }
    assert_string_equal(text, expected);
    assert_int_equal(count, expected_count);
}

static void test_from_page_to_page_is_one_visit(void **state)
{
    (void)state;
    assert_visit(1, "-");
    enter(9, 1, "https://a.example/", 1000);
    assert_visit(1, "1000 https://a.example/");
    leave(1, 5000);
    assert_visit(1, "-");
    enter(9, 1, "https://a.example/cart", 6000);
    assert_visit(1, "1000 https://a.example/cart");
    leave(1, 7000);
    enter(9, 1, NULL, 7000 + VISIT_REST_MS);
    assert_visit(1, "67000 ");
    leave(1, 70000);
}

static void test_as_long_as_one_of_its_streams_is_open_it_is_there(void **state)
{
    (void)state;
    enter(9, 1, "https://a.example/", 1000);
    enter(9, 1, "https://a.example/b", 2000);
    assert_visit(1, "1000 https://a.example/b");
    enter(9, 1, NULL, 2500); /* another tab that tells nothing takes nothing away */
    leave(1, 3000);
    leave(1, 3000);
    assert_visit(1, "1000 https://a.example/b");
    assert_there(9, VISITORS, 1, "1");
    leave(1, 4000);
    assert_there(9, VISITORS, 0, "");
}

static void test_who_came_last_is_first_and_no_other_organisation_is_seen(void **state)
{
    (void)state;
    for (unsigned visitor = 1; visitor <= 4; ++visitor)
        enter(visitor == 3 ? 8 : 9, visitor, NULL, visitor);
    assert_there(9, VISITORS, 3, "4 2 1");
    assert_there(9, 2, 3, "4 2");
    assert_there(8, VISITORS, 1, "3");
    assert_there(7, VISITORS, 0, "");
    leave(2, 10);
    assert_there(9, VISITORS, 2, "4 1");
    enter(9, 2, NULL, 11);
    assert_there(9, VISITORS, 3, "2 4 1");
    for (unsigned visitor = 1; visitor <= 4; ++visitor)
        leave(visitor, 20);
}

static void test_a_page_that_is_too_long_is_none(void **state)
{
    (void)state;
    char page[PAGE_URL_LEN_MAX + 2];
    memset(page, 'a', sizeof(page));
    page[PAGE_URL_LEN_MAX + 1] = '\0';
    enter(9, 1, page, 1);
    assert_visit(1, "1 ");
    leave(1, 2);
}

static void *come_and_go(void *argument)
{
    unsigned mine[VISITORS] = {0}, seed = (unsigned)(uintptr_t)argument;
    for (unsigned i = 0; i < ROUNDS; ++i) {
        unsigned visitor = (unsigned)rand_r(&seed) % VISITORS;
        if (mine[visitor] != 0 && rand_r(&seed) % 2 == 0) {
            --mine[visitor];
            leave(visitor, i * 100);
        } else {
            ++mine[visitor];
            enter(visitor % 2, visitor, "https://a.example/", i * 100);
        }
    }
    for (unsigned visitor = 0; visitor < VISITORS; ++visitor)
        for (; mine[visitor] != 0; --mine[visitor])
            leave(visitor, ROUNDS * 100);
    return NULL;
}

static void test_loops_come_and_go_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; ++i)
        pthread_join(threads[i], NULL);
    assert_there(0, VISITORS, 0, "");
    assert_there(1, VISITORS, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_page_to_page_is_one_visit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_as_long_as_one_of_its_streams_is_open_it_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_came_last_is_first_and_no_other_organisation_is_seen, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_page_that_is_too_long_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_loops_come_and_go_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

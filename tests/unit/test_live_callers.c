/* The limit of streams for each caller, over all threads; and the table under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "live/callers.h"
#include "live/table.h"

#define THREADS 4
#define ROUNDS 20000
#define CALLERS 7
#define MOST 3

static struct live_callers *callers;
static atomic_int open_streams[CALLERS];

static struct id id_of(unsigned number)
{
    struct id id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    id.bytes[ID_LEN - 1] = 1;
    return id;
}

static void *come_and_go(void *argument)
{
    unsigned mine[CALLERS] = {0}, seed = (unsigned)(uintptr_t)argument;
    bool too_many = false;
    for (unsigned i = 0; i < ROUNDS; ++i) {
        unsigned caller = (unsigned)rand_r(&seed) % CALLERS;
        if (mine[caller] != 0 && rand_r(&seed) % 2 == 0) {
            --mine[caller];
            atomic_fetch_sub(&open_streams[caller], 1);
            live_caller_leave(callers, id_of(caller));
        } else if (live_caller_enter(callers, id_of(caller), MOST)) {
            ++mine[caller];
            too_many |= atomic_fetch_add(&open_streams[caller], 1) >= MOST;
        }
    }
    for (unsigned caller = 0; caller < CALLERS; ++caller)
        for (; mine[caller] != 0; --mine[caller]) {
            atomic_fetch_sub(&open_streams[caller], 1);
            live_caller_leave(callers, id_of(caller));
        }
    return too_many ? argument : NULL;
}

static void test_no_caller_ever_has_more_than_its_share(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    callers = live_callers_new();
    for (uintptr_t i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; ++i) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    /* Nobody is left, so everybody has all of its share. */
    for (unsigned i = 0; i < MOST; ++i)
        assert_true(live_caller_enter(callers, id_of(1), MOST));
    assert_false(live_caller_enter(callers, id_of(1), MOST));
    assert_true(live_caller_enter(callers, id_of(2), MOST));
    for (unsigned i = 0; i < MOST; ++i)
        live_caller_leave(callers, id_of(1));
    live_caller_leave(callers, id_of(2));
    live_callers_free(callers);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define NODES 3000

static void remove_odd(void *context, struct live_node *node)
{
    unsigned number;
    memcpy(&number, node->id.bytes, sizeof(number));
    if (number % 2 == 1)
        live_table_remove(context, node);
}

static void test_a_table_grows_and_shrinks_and_finds_each(void **state)
{
    (void)state;
    static struct live_node nodes[NODES];
    struct live_table table = {0};
    assert_null(live_table_find(&table, id_of(0)));
    for (unsigned i = 0; i < NODES; ++i) {
        nodes[i].id = id_of(i);
        live_table_add(&table, &nodes[i]);
    }
    assert_true(table.slot_count >= NODES);
    live_table_each(&table, remove_odd, &table);
    for (unsigned i = 0; i < NODES; ++i)
        assert_ptr_equal(live_table_find(&table, id_of(i)), i % 2 == 0 ? &nodes[i] : NULL);
    for (unsigned i = 0; i < NODES; i += 2)
        live_table_remove(&table, &nodes[i]);
    assert_int_equal(table.count, 0);
    assert_true(table.slot_count <= 16);
    live_table_dispose(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_caller_ever_has_more_than_its_share),
        cmocka_unit_test(test_a_table_grows_and_shrinks_and_finds_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

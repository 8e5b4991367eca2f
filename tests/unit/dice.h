#pragma once
/*
 * Dice for tests of random commands: a generator that can be repeated. HELVINO_SEED repeats a run; a test that fails
 * prints with what it began.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/id.h"

static uint64_t random_state, begun_with;

static inline void dice_begin(void)
{
    struct random_pool pool = {.left = 0};
    const char *seed = getenv("HELVINO_SEED");
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : random_u64(&pool) | 1;
    begun_with = random_state;
}

static inline int dice_end(int failed)
{
    if (failed != 0)
        print_message("again with HELVINO_SEED=%llu\n", (unsigned long long)begun_with);
    return failed;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled") */
static inline uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717u;
}

static inline unsigned below(unsigned limit)
{
    return (unsigned)(next_random() >> 33) % limit;
}

static inline struct id next_id(void)
{
    struct id id;
    char text[ID_TEXT_LEN + 1] = "c";
    for (int i = 1; i < ID_TEXT_LEN; ++i)
        text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[below(36)];
    assert_true(id_parse(bytes_view(text, ID_TEXT_LEN), &id));
    return id;
}

/*
 * A bucket is the time at which it would be full again ("theoretical arrival time"); three of them and a lock share a
 * cache line. When a line is full the bucket that is nearest to full makes room, so whoever is being limited stays
 * limited.
 */
#include "api/limiter.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"

#define LINES 32768 /* a power of two; 2 MiB of address space, touched as it is used */
#define WAYS 3

struct line {
    _Alignas(64) atomic_flag lock;
    struct {
        uint64_t key, full_at_us;
    } buckets[WAYS];
};

struct limiter {
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    struct line *lines;
};

struct limiter *limiter_new(void)
{
    struct limiter *limiter = malloc(sizeof(*limiter));
    if (limiter == NULL)
        abort();
    /* Zero pages that cost nothing until they are used. */
    limiter->lines =
        mmap(NULL, LINES * sizeof(struct line), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (limiter->lines == MAP_FAILED)
        abort();
    randombytes_buf(limiter->hash_key, sizeof(limiter->hash_key));
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    munmap(limiter->lines, LINES * sizeof(struct line));
    free(limiter);
}

uint64_t limiter_key(const struct limiter *limiter, uint64_t kind, struct bytes a, struct bytes b)
{
    unsigned char hash[crypto_shorthash_BYTES], text[8 + 32 + 96];
    size_t len = sizeof(kind);
    memcpy(text, &kind, sizeof(kind));
    for (const struct bytes *part = &a; part != NULL; part = part == &a ? &b : NULL) {
        size_t take = part->len < sizeof(text) - len ? part->len : sizeof(text) - len;
        if (take != 0)
            memcpy(text + len, part->data, take);
        len += take;
    }
    uint64_t key;
    crypto_shorthash(hash, text, len, limiter->hash_key);
    memcpy(&key, hash, sizeof(key));
    return key | 1; /* 0 is an empty bucket */
}

static unsigned find_bucket(const struct line *line, uint64_t key)
{
    unsigned fullest = 0;
    for (unsigned i = 0; i < WAYS; ++i) {
        if (line->buckets[i].key == key)
            return i;
        if (line->buckets[i].full_at_us < line->buckets[fullest].full_at_us)
            fullest = i;
    }
    return fullest;
}

static struct line *lock_line(struct limiter *limiter, uint64_t key)
{
    struct line *line = &limiter->lines[(key >> 32) & (LINES - 1)];
    while (atomic_flag_test_and_set_explicit(&line->lock, memory_order_acquire))
        ;
    return line;
}

void limiter_give_back(struct limiter *limiter, uint64_t key, uint64_t interval_us)
{
    struct line *line = lock_line(limiter, key);
    unsigned i = find_bucket(line, key);
    if (line->buckets[i].key == key)
        line->buckets[i].full_at_us -= interval_us;
    atomic_flag_clear_explicit(&line->lock, memory_order_release);
}

bool limiter_take(struct limiter *limiter, uint64_t key, uint64_t interval_us, uint64_t burst, uint64_t *wait_us)
{
    uint64_t now_us = clock_monotonic_ns() / 1000;
    struct line *line = lock_line(limiter, key);
    unsigned i = find_bucket(line, key);
    uint64_t full_at_us =
        line->buckets[i].key == key && line->buckets[i].full_at_us > now_us ? line->buckets[i].full_at_us : now_us;
    uint64_t empty_by = interval_us * burst;
    bool taken = full_at_us + interval_us <= now_us + empty_by;
    if (taken) {
        line->buckets[i].key = key;
        line->buckets[i].full_at_us = full_at_us + interval_us;
    } else {
        *wait_us = full_at_us + interval_us - now_us - empty_by;
    }
    atomic_flag_clear_explicit(&line->lock, memory_order_release);
    return taken;
}

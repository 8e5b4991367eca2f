#pragma once
/*
 * Token buckets for any number of keys in fixed memory: the generic cell rate algorithm (ITU-T I.371), one time a key.
 * A bucket that has refilled is the same as none, so nothing has to be kept for keys that have been quiet. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct limiter;
struct limiter *limiter_new(void);
void limiter_free(struct limiter *limiter);

/* A keyed hash of the parts; keys can't be made to collide from outside. */
uint64_t limiter_key(const struct limiter *limiter, uint64_t kind, struct bytes a, struct bytes b);

/*
 * Takes one token of the bucket `key`, which holds `burst` and fills at one each interval_us. True when there was one;
 * otherwise *wait_us says when there will be.
 */
bool limiter_take(struct limiter *limiter, uint64_t key, uint64_t interval_us, uint64_t burst, uint64_t *wait_us);
/* Puts a token back that limiter_take has just taken. */
void limiter_give_back(struct limiter *limiter, uint64_t key, uint64_t interval_us);

#pragma once
/* Random bytes from the kernel, taken a kilobyte at a time so that an id costs no system call. One pool a thread. */
#include <stddef.h>
#include <stdint.h>

struct random_pool {
    unsigned char bytes[1024];
    size_t left; /* unused bytes, at the end; zero-initialised is valid */
};

/* Fit for secrets: the kernel's generator, and what was given out is wiped from the pool. len at most 1024. */
void random_fill(struct random_pool *pool, void *out, size_t len);
uint64_t random_u64(struct random_pool *pool);

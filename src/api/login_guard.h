#pragma once
/*
 * How often somebody may try to log in: each failure makes the next try of the same account, and from the same address,
 * wait longer. Fixed memory, a slot for each key; what is not known any more is as if it had never failed. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct login_guard;
struct login_guard *login_guard_new(void);
void login_guard_free(struct login_guard *guard);

/* A key of one kind: keyed hash, so that nobody can make two fall together. */
uint64_t login_guard_account(const struct login_guard *guard, struct bytes email);
uint64_t login_guard_address(const struct login_guard *guard, struct bytes address);

/* How many milliseconds the next try has to wait; 0: it may be made now. */
uint64_t login_guard_wait_ms(struct login_guard *guard, uint64_t account, uint64_t address, uint64_t now_ms);
/* A try has begun: counts as a failure until login_guard_succeeded says otherwise, so that many at once are no way
 * around it. */
void login_guard_try(struct login_guard *guard, uint64_t account, uint64_t address, uint64_t now_ms);
/* Forgets the account's failures, and takes the try off the address. */
void login_guard_succeeded(struct login_guard *guard, uint64_t account, uint64_t address, uint64_t now_ms);

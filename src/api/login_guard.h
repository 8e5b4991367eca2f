#pragma once
/*
 * How often somebody may try to log in: each failure makes the next try of the same account, and from the same address,
 * wait longer. Fixed memory, a slot for each key; what is not known any more is as if it had never failed. Times are of
 * a clock that never steps. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "core/id.h"

struct login_guard;
struct login_guard *login_guard_new(void);
void login_guard_free(struct login_guard *guard);

/* Keys: keyed hashes, so that nobody can make two fall together. An account has another one where its agent is logged
 * in already (`at_home`): whoever fails at it from everywhere else can't keep its owner out. The second factor has one
 * of its own: only who has the password can fail at it. */
uint64_t login_guard_account(const struct login_guard *guard, struct bytes email, bool at_home);
uint64_t login_guard_address(const struct login_guard *guard, struct bytes address);
uint64_t login_guard_factor(const struct login_guard *guard, struct id agent);
/* Of mail to an account that strangers may ask for: each try is a failure. */
uint64_t login_guard_mail(const struct login_guard *guard, struct bytes email);

/* A try of one key or two, which counts as a failure until it is taken back. */
struct login_try {
    struct login_try_of {
        uint64_t key, number;
        uint64_t failed_ms; /* when the key had failed before it */
    } of[2];                /* of the key; of the other one, key 0 when there is none */
};

/* How many milliseconds the next try has to wait. 0: it may be made now, and counts as a failure of both keys (the same
 * one twice: of one) until it is taken back; so many tries at once are no way around it. */
uint64_t login_guard_try(struct login_guard *guard, uint64_t key, uint64_t other_key, uint64_t now_ms,
                         struct login_try *out);
/* That try was no failure: all is as if it had never been. */
void login_guard_take_back(struct login_guard *guard, const struct login_try *try, uint64_t now_ms);
/* Forgets all failures of the key. */
void login_guard_forgive(struct login_guard *guard, uint64_t key, uint64_t now_ms);

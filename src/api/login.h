#pragma once
/* What logging in shares with choosing a password and with the second factor. */
#include "api/internal.h"

/* How a second factor was shown: by a code of a step, or by a recovery code; neither when there is none to show. */
struct second_factor {
    uint64_t step;
    bool has_recovery_hash;
    unsigned char recovery_hash[RECOVERY_HASH_LEN];
};

#define CODE_LEN_MAX 16 /* of a second factor: a recovery code has eleven characters */

/* ---- login.c ---- */

/* A try that counts as a failure until it is taken back. */
struct login_try {
    uint64_t account, address;
};
/* Counts a try for the account of this address, and from the client's address. ERR_RATE_LIMITED, with Retry-After, when
 * it has to wait. */
enum error login_admit(struct call *call, struct bytes email, struct login_try *out);
void login_take_back(struct api_loop *loop, const struct login_try *try);
/* ERR_ORIGIN_FORBIDDEN when a page of another site has made the browser ask. */
enum error refuse_other_sites(struct call *call);

/* ---- second_factor.c ---- */

/* ERR_SECOND_FACTOR_REQUIRED when the agent has one and no code is given; ERR_SECOND_FACTOR_INVALID when it is not
 * right; ERR_RATE_LIMITED, with Retry-After, after too many that were not. */
enum error second_factor_check(struct call *call, const struct agent *agent, struct bytes code,
                               struct second_factor *out);

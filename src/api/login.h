#pragma once
/* What logging in shares with choosing a password and with the second factor. */
#include "api/internal.h"
#include "api/login_guard.h"
#include "api/password.h"

/* How a second factor was shown: by a code of a step, or by a recovery code; neither when there is none to show. */
struct second_factor {
    uint64_t step;
    bool has_recovery_hash;
    unsigned char recovery_hash[RECOVERY_HASH_LEN];
};

#define CODE_LEN_MAX 16 /* of a second factor: a recovery code has eleven characters */

/* ---- login_try.c ---- */

/* The time of login_guard.h. */
static inline uint64_t login_clock_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* ERR_RATE_LIMITED, with Retry-After and this sentence, unless the wait is 0. */
enum error login_may_go_on(struct call *call, uint64_t wait_ms, const char *sentence);

/* Counts a mail to the account of this address, which a stranger may have asked for. ERR_RATE_LIMITED when it has to
 * wait. */
enum error login_admit_mail(struct call *call, struct bytes email);

/* An account that a password is given for. */
struct login_account {
    struct bytes email, password_hash; /* hash NULL: there is none that could be right */
    bool at_home;                      /* its agent is logged in from the client's address */
};
/*
 * password_compare for it: counted as a failure of the account, and of the client's address, until login_settle says
 * what came of it. ERR_RATE_LIMITED, with Retry-After, when it has to wait; what is refused is not counted. `try` is a
 * part of `extra`.
 */
enum error login_compare(struct call *call, const struct login_account *account, struct bytes password,
                         on_password *done, struct login_try *try, const void *extra, size_t extra_len);
/* Of the agent who asks. */
static inline struct login_account login_own_account(const struct call *call)
{
    return (struct login_account){call->me.email, call->me.password_hash, true};
}
/* What came of the try, which is returned: what is no failure is taken back, what is one is logged. The request may be
 * gone (NULL), and the loop have ended. */
enum error login_settle(struct api_loop *loop, struct request *request, const struct login_try *try, enum error error);

/* ---- sessions.c ---- */

/* Whether the agent is logged in from that address. */
enum error session_is_from(struct txn *txn, struct id agent, struct bytes address, bool *out);

/* ---- login.c ---- */

/* ERR_ORIGIN_FORBIDDEN when a page of another site has made the browser ask. */
enum error refuse_other_sites(struct call *call);

/* ---- second_factor.c ---- */

/* ERR_SECOND_FACTOR_REQUIRED when the agent has one and no code is given; ERR_SECOND_FACTOR_INVALID when it is not
 * right; ERR_RATE_LIMITED, with Retry-After, after too many that were not. */
enum error second_factor_check(struct call *call, const struct agent *agent, struct bytes code,
                               struct second_factor *out);

/*
 * Four kinds of keys with the same arithmetic: a number of failures is free, then the wait doubles up to a limit, and
 * a while without a failure forgets them. Each kind has slots of its own, since some are cheaper to fill than others.
 * The account's limit is low, because somebody else's failures must not lock its owner out for long; the address's is
 * high, since whoever guesses at many accounts comes from few of them; the second factor's is higher still, since
 * whoever fails there has the password; and so is that of mail that strangers have sent to somebody.
 */
#include "api/login_guard.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/limits.h"

#define SLOTS 8192 /* of each kind; a power of two, lines of WAYS */
#define WAYS 8

enum kind { ACCOUNT, ADDRESS, FACTOR, MAIL, KINDS };
#define KIND_MASK UINT64_C(3) /* the lowest bits of a key */
static const struct {
    unsigned free_failures;
    uint64_t wait_max_ms;
} rules[] = {
    [ACCOUNT] = {LOGIN_FAILURES_ACCOUNT, LOGIN_WAIT_ACCOUNT_MAX_MS},
    [ADDRESS] = {LOGIN_FAILURES_ADDRESS, LOGIN_WAIT_ADDRESS_MAX_MS},
    [FACTOR] = {LOGIN_FAILURES_ACCOUNT, LOGIN_WAIT_FACTOR_MAX_MS},
    [MAIL] = {LOGIN_MAILS, LOGIN_WAIT_MAIL_MAX_MS},
};

struct slot {
    uint64_t key;               /* 0: empty */
    uint64_t failed_ms, number; /* of the last try */
    unsigned failures;
};

struct login_guard {
    pthread_mutex_t mutex;
    unsigned char secret[crypto_shorthash_KEYBYTES];
    uint64_t tries; /* so far, which numbers them */
    struct slot slots[KINDS][SLOTS];
};

struct login_guard *login_guard_new(void)
{
    struct login_guard *guard = calloc(1, sizeof(*guard));
    if (guard == NULL)
        abort();
    pthread_mutex_init(&guard->mutex, NULL);
    randombytes_buf(guard->secret, sizeof(guard->secret));
    return guard;
}

void login_guard_free(struct login_guard *guard)
{
    pthread_mutex_destroy(&guard->mutex);
    free(guard);
}

/* ---- keys ---- */

static uint64_t key_of(const struct login_guard *guard, enum kind kind, const void *data, size_t len)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, data, len, guard->secret);
    return (hash & ~KIND_MASK) | kind | UINT64_C(1) << 63; /* never 0 */
}

static uint64_t key_of_email(const struct login_guard *guard, enum kind kind, char place, struct bytes email)
{
    char place_and_email[1 + EMAIL_LEN_MAX], *lower = place_and_email + 1;
    size_t len = email.len < EMAIL_LEN_MAX ? email.len : EMAIL_LEN_MAX;
    place_and_email[0] = place;
    for (size_t i = 0; i < len; ++i)
        lower[i] = email.data[i] >= 'A' && email.data[i] <= 'Z' ? (char)(email.data[i] + 'a' - 'A') : email.data[i];
    return key_of(guard, kind, place_and_email, 1 + len);
}

uint64_t login_guard_account(const struct login_guard *guard, struct bytes email, bool at_home)
{
    return key_of_email(guard, ACCOUNT, at_home ? 'h' : 'e', email);
}

uint64_t login_guard_mail(const struct login_guard *guard, struct bytes email)
{
    return key_of_email(guard, MAIL, 'm', email);
}

uint64_t login_guard_address(const struct login_guard *guard, struct bytes address)
{
    return key_of(guard, ADDRESS, address.data, address.len);
}

uint64_t login_guard_factor(const struct login_guard *guard, struct id agent)
{
    return key_of(guard, FACTOR, agent.bytes, ID_LEN);
}

/* ---- slots ---- */

/* Who came to the lock later may have read the clock earlier: the last failure can lie in the future. */
static bool is_forgotten(const struct slot *slot, uint64_t now_ms)
{
    return slot->key == 0 || slot->failed_ms + LOGIN_FORGOTTEN_MS <= now_ms;
}

/* The key's slot; without `make` NULL when there is none. A new one takes the place of the oldest of its line. */
static struct slot *slot_of(struct login_guard *guard, uint64_t key, bool make, uint64_t now_ms)
{
    struct slot *slots = guard->slots[key & KIND_MASK];
    struct slot *line = &slots[key / (KIND_MASK + 1) % (SLOTS / WAYS) * WAYS], *oldest = line;
    for (struct slot *slot = line; slot < line + WAYS; ++slot) {
        if (slot->key == key && !is_forgotten(slot, now_ms))
            return slot;
        if (is_forgotten(slot, now_ms) || (!is_forgotten(oldest, now_ms) && slot->failed_ms < oldest->failed_ms))
            oldest = slot;
    }
    if (!make)
        return NULL;
    *oldest = (struct slot){.key = key, .failed_ms = now_ms};
    return oldest;
}

static uint64_t wait_of(struct login_guard *guard, uint64_t key, uint64_t now_ms)
{
    const struct slot *slot = slot_of(guard, key, false, now_ms);
    enum kind kind = (enum kind)(key & KIND_MASK);
    if (slot == NULL || slot->failures < rules[kind].free_failures)
        return 0;
    unsigned doublings = slot->failures - rules[kind].free_failures;
    uint64_t wait_ms = doublings >= 20 ? rules[kind].wait_max_ms : UINT64_C(1000) << doublings;
    if (wait_ms > rules[kind].wait_max_ms)
        wait_ms = rules[kind].wait_max_ms;
    return slot->failed_ms + wait_ms > now_ms ? slot->failed_ms + wait_ms - now_ms : 0;
}

/* ---- tries ---- */

static void fail(struct login_guard *guard, uint64_t key, uint64_t now_ms, struct login_try_of *out)
{
    struct slot *slot = slot_of(guard, key, true, now_ms);
    *out = (struct login_try_of){key, ++guard->tries, slot->failed_ms};
    if (now_ms > slot->failed_ms)
        slot->failed_ms = now_ms;
    slot->number = out->number;
    ++slot->failures;
}

uint64_t login_guard_try(struct login_guard *guard, uint64_t key, uint64_t other_key, uint64_t now_ms,
                         struct login_try *out)
{
    *out = (struct login_try){.of = {{0, 0, 0}}};
    pthread_mutex_lock(&guard->mutex);
    uint64_t wait_ms = wait_of(guard, key, now_ms), other_ms = wait_of(guard, other_key, now_ms);
    if (other_ms > wait_ms)
        wait_ms = other_ms;
    if (wait_ms == 0)
        fail(guard, key, now_ms, &out->of[0]);
    if (wait_ms == 0 && other_key != key)
        fail(guard, other_key, now_ms, &out->of[1]);
    pthread_mutex_unlock(&guard->mutex);
    return wait_ms;
}

/* The time of the failure before comes back unless there was another try since, whose time it is now. */
static void take_back(struct login_guard *guard, const struct login_try_of *it, uint64_t now_ms)
{
    struct slot *slot = it->key == 0 ? NULL : slot_of(guard, it->key, false, now_ms);
    if (slot == NULL || slot->failures == 0)
        return;
    if (slot->number == it->number)
        slot->failed_ms = it->failed_ms;
    if (--slot->failures == 0)
        slot->key = 0;
}

void login_guard_take_back(struct login_guard *guard, const struct login_try *try, uint64_t now_ms)
{
    pthread_mutex_lock(&guard->mutex);
    take_back(guard, &try->of[0], now_ms);
    take_back(guard, &try->of[1], now_ms);
    pthread_mutex_unlock(&guard->mutex);
}

void login_guard_forgive(struct login_guard *guard, uint64_t key, uint64_t now_ms)
{
    pthread_mutex_lock(&guard->mutex);
    struct slot *slot = slot_of(guard, key, false, now_ms);
    if (slot != NULL)
        slot->key = 0;
    pthread_mutex_unlock(&guard->mutex);
}

/* Twelve digits a half, since 36^12 is just below 2^63: no 128-bit division is needed anywhere. */
#include "core/id.h"

#include <assert.h>

#include <sodium.h>

#define DIGITS_PER_HALF 12
#define RANDOM_HIGH_LIMIT 1679616u  /* 36^4: the random digits in the first half */
#define TIME_LIMIT_MS 2821109907456 /* 36^8 */

static void put_u64(unsigned char *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(out, &value, sizeof(value));
}

static uint64_t get_u64(const unsigned char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return __builtin_bswap64(value);
}

/* Uniform below limit: what lies above the last whole multiple is drawn again. */
static uint64_t random_below(struct random_pool *pool, uint64_t limit)
{
    uint64_t value, whole = UINT64_MAX - UINT64_MAX % limit;
    do
        value = random_u64(pool);
    while (value >= whole);
    return value % limit;
}

struct id id_make(int64_t time_ms, struct random_pool *pool)
{
    assert(time_ms >= 0 && time_ms < TIME_LIMIT_MS);
    struct id id;
    put_u64(id.bytes, (uint64_t)time_ms * RANDOM_HIGH_LIMIT + random_below(pool, RANDOM_HIGH_LIMIT));
    put_u64(id.bytes + 8, random_below(pool, ID_HALF_LIMIT));
    return id;
}

/* All pairs of digits, so that twelve digits are six looks. */
#define PAIRS 1296             /* 36^2 */
#define SIX_DIGITS 2176782336u /* 36^6 */
static char pairs[PAIRS][2];

__attribute__((constructor)) static void pairs_fill(void)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (unsigned i = 0; i < PAIRS; ++i) {
        pairs[i][0] = digits[i / 36];
        pairs[i][1] = digits[i % 36];
    }
}

static void format_six(uint32_t value, char *out)
{
    memcpy(out, pairs[value / (PAIRS * PAIRS)], 2);
    memcpy(out + 2, pairs[value / PAIRS % PAIRS], 2);
    memcpy(out + 4, pairs[value % PAIRS], 2);
}

static void format_half(uint64_t value, char *out)
{
    format_six((uint32_t)(value / SIX_DIGITS), out);
    format_six((uint32_t)(value % SIX_DIGITS), out + 6);
}

void id_format(struct id id, char out[ID_TEXT_LEN])
{
    assert(id_is_valid(id));
    out[0] = 'c';
    format_half(get_u64(id.bytes), out + 1);
    format_half(get_u64(id.bytes + 8), out + 1 + DIGITS_PER_HALF);
}

static bool parse_half(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (int i = 0; i < DIGITS_PER_HALF; ++i) {
        char c = text[i];
        if (c >= '0' && c <= '9')
            value = value * 36 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'z')
            value = value * 36 + (uint64_t)(c - 'a') + 10;
        else
            return false;
    }
    *out = value;
    return true;
}

bool id_parse(struct bytes text, struct id *out)
{
    uint64_t high, low;
    if (text.len != ID_TEXT_LEN || text.data[0] != 'c' || !parse_half(text.data + 1, &high) ||
        !parse_half(text.data + 1 + DIGITS_PER_HALF, &low))
        return false;
    put_u64(out->bytes, high);
    put_u64(out->bytes + 8, low);
    return !id_is_none(*out);
}

/* ---- texts of another shape ---- */

#define TIME_DIGITS 13
#define TIME_PLAUSIBLE_MS \
    946684800000 /* 2000-01-01: thirteen digits below it are more likely to count something else */

/* The time that the text begins with; 0 when it does not. */
static uint64_t leading_time_ms(struct bytes text)
{
    uint64_t ms = 0;
    if (text.len < TIME_DIGITS)
        return 0;
    for (int i = 0; i < TIME_DIGITS; ++i) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        ms = ms * 10 + (uint64_t)(text.data[i] - '0');
    }
    return ms >= TIME_PLAUSIBLE_MS && ms < TIME_LIMIT_MS ? ms : 0;
}

/* What it gives is in databases and in other people's links: it must never change. */
struct id id_derive(struct id org, struct bytes text)
{
    struct id id;
    unsigned char hash[2 * sizeof(uint64_t)];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, org.bytes, ID_LEN);
    crypto_generichash_update(&state, (const unsigned char *)text.data, text.len);
    crypto_generichash_final(&state, hash, sizeof(hash));
    uint64_t high = get_u64(hash), low = get_u64(hash + 8), time_ms = leading_time_ms(text);
    put_u64(id.bytes, time_ms != 0 ? time_ms * RANDOM_HIGH_LIMIT + high % RANDOM_HIGH_LIMIT : high % ID_HALF_LIMIT);
    put_u64(id.bytes + 8, low % ID_HALF_LIMIT);
    if (id_is_none(id))
        id.bytes[ID_LEN - 1] = 1;
    return id;
}

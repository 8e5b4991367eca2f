#pragma once
/*
 * Ids: 16 bytes inside, 25 characters outside. Outside it is `c` and 24 base-36 digits, the shape of Prisma's cuid
 * (https://github.com/paralleldrive/cuid): 8 digits of UTC milliseconds and 16 random ones, 82 bits. Inside it is two
 * big-endian 64-bit numbers of twelve digits each, so bytes and text sort alike, by time, and every cuid of an older
 * database fits. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/random.h"

#define ID_LEN 16
#define ID_TEXT_LEN 25

struct id {
    unsigned char bytes[ID_LEN];
};

/* All zero: no id. It is a valid text too ("c" and 24 zeros), but never made and refused by id_parse. */
#define ID_NONE ((struct id){{0}})

static inline bool id_is_none(struct id id)
{
    static const struct id none;
    return memcmp(&id, &none, sizeof(id)) == 0;
}

static inline bool id_equal(struct id a, struct id b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static inline struct bytes id_view(const struct id *id)
{
    return bytes_view(id->bytes, ID_LEN);
}

#define ID_HALF_LIMIT 4738381338321616896u /* 36^12 */

/* Whether 16 bytes from elsewhere are an id at all: each half has twelve digits. ID_NONE is. */
static inline bool id_is_valid(struct id id)
{
    uint64_t halves[2];
    memcpy(halves, id.bytes, sizeof(halves));
    return __builtin_bswap64(halves[0]) < ID_HALF_LIMIT && __builtin_bswap64(halves[1]) < ID_HALF_LIMIT;
}

/* A fresh id. time_ms must be between 1970 and 2059 (eight base-36 digits). */
struct id id_make(int64_t time_ms, struct random_pool *pool);
/* Writes ID_TEXT_LEN characters, without a NUL. The id must be valid (assert). */
void id_format(struct id id, char out[ID_TEXT_LEN]);
/* False when the text is not of the shape above. */
bool id_parse(struct bytes text, struct id *out);
/*
 * The id that stands for a text of another shape, such as "1770313654000-ab12cd34e": always the same for the same
 * organisation and text, and of 82 hashed bits at least. A text that begins with 13 digits, a time in milliseconds from
 * 2000 on, gives an id of that time, so that such ids sort by time too. Never ID_NONE.
 */
struct id id_derive(struct id org, struct bytes text);

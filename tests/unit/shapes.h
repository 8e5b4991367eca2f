#pragma once
/*
 * For tests that work along a shape (core/codec.h): random structs, their comparison, and a second msgpack writer,
 * straight from the specification (https://github.com/msgpack/msgpack/blob/master/spec.md), that shares no line with
 * the codec.
 */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "core/codec.h"

/* ---- msgpack, written by hand --------------------------------------------------------------------------------- */

static inline void put_byte(struct buffer *out, unsigned byte)
{
    char c = (char)byte;
    buffer_append(out, &c, 1);
}

static inline void put_number(struct buffer *out, uint64_t number, unsigned len)
{
    for (unsigned i = len; i-- > 0;)
        put_byte(out, (unsigned)(number >> 8 * i) & 255);
}

/* Numbers take the shortest form. */
static inline void put_uint(struct buffer *out, uint64_t number)
{
    unsigned power = number <= UINT8_MAX ? 0 : number <= UINT16_MAX ? 1 : number <= UINT32_MAX ? 2 : 3;
    if (number <= 0x7f) {
        put_byte(out, (unsigned)number);
        return;
    }
    put_byte(out, 0xcc + power);
    put_number(out, number, 1u << power);
}

static inline void put_int(struct buffer *out, int64_t number)
{
    unsigned power = number >= INT8_MIN ? 0 : number >= INT16_MIN ? 1 : number >= INT32_MIN ? 2 : 3;
    if (number >= 0) {
        put_uint(out, (uint64_t)number);
    } else if (number >= -32) {
        put_byte(out, (unsigned)number & 255);
    } else {
        put_byte(out, 0xd0 + power);
        put_number(out, (uint64_t)number, 1u << power);
    }
}

static inline void put_nil(struct buffer *out)
{
    put_byte(out, 0xc0);
}

static inline void put_bool(struct buffer *out, bool flag)
{
    put_byte(out, flag ? 0xc3 : 0xc2);
}

static inline void put_text(struct buffer *out, struct bytes text)
{
    unsigned power = text.len <= UINT8_MAX ? 0 : text.len <= UINT16_MAX ? 1 : 2;
    if (text.len < 32) {
        put_byte(out, 0xa0 | (unsigned)text.len);
    } else {
        put_byte(out, 0xd9 + power);
        put_number(out, text.len, 1u << power);
    }
    buffer_append(out, text.data, text.len);
}

static inline void put_bytes(struct buffer *out, struct bytes bytes)
{
    unsigned power = bytes.len <= UINT8_MAX ? 0 : bytes.len <= UINT16_MAX ? 1 : 2;
    put_byte(out, 0xc4 + power);
    put_number(out, bytes.len, 1u << power);
    buffer_append(out, bytes.data, bytes.len);
}

static inline void put_array(struct buffer *out, uint32_t count)
{
    if (count < 16) {
        put_byte(out, 0x90 | count);
    } else {
        put_byte(out, count <= UINT16_MAX ? 0xdc : 0xdd);
        put_number(out, count, count <= UINT16_MAX ? 2 : 4);
    }
}

/* ---- structs along a shape ------------------------------------------------------------------------------------ */

static inline void *member_of(const struct field *field, const void *value)
{
    return (char *)(uintptr_t)value + field->offset;
}

static inline unsigned stored_fields(const struct shape *shape)
{
    unsigned stored = 0;
    for (unsigned i = 0; i < shape->field_count; ++i)
        stored += !shape->fields[i].is_key;
    return stored;
}

static inline void put_field(struct buffer *out, const struct field *field, const void *value)
{
    const void *member = member_of(field, value);
    const struct bytes *view = member;
    switch (field->type) {
    case FIELD_ID:
        if (id_is_none(*(const struct id *)member))
            put_nil(out);
        else
            put_bytes(out, bytes_view(member, ID_LEN));
        return;
    case FIELD_TEXT:
    case FIELD_BYTES:
        if (view->data == NULL)
            put_nil(out);
        else
            (field->type == FIELD_TEXT ? put_text : put_bytes)(out, *view);
        return;
    case FIELD_TIME:
        put_int(out, *(const int64_t *)member);
        return;
    case FIELD_UINT:
        put_uint(out, *(const uint64_t *)member);
        return;
    case FIELD_BOOL:
        put_bool(out, *(const bool *)member);
        return;
    }
}

/* What codec_encode should write for a struct without a rest: the first `stored` of its stored fields. */
static inline void put_struct(struct buffer *out, const struct shape *shape, uint64_t tag, const void *value,
                              unsigned stored, unsigned extra)
{
    put_array(out, 1 + stored + extra);
    put_uint(out, tag);
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (!shape->fields[i].is_key && stored > 0) {
            put_field(out, &shape->fields[i], value);
            --stored;
        }
}

static inline uint64_t random_below(struct random_pool *pool, uint64_t limit)
{
    return random_u64(pool) % limit;
}

/* Lengths and numbers around the places where msgpack changes its form come as often as all others together. */
static inline uint64_t random_number(struct random_pool *pool)
{
    static const uint64_t edges[] = {
        0,         1,          31,         32,           127,       128,        255,        256,
        32767,     32768,      65535,      65536,        INT32_MAX, UINT32_MAX, 1ULL << 32, INT64_MAX - 1,
        INT64_MAX, 1ULL << 63, UINT64_MAX, 1769903999999};
    if (random_below(pool, 2) == 0)
        return edges[random_below(pool, sizeof(edges) / sizeof(edges[0]))];
    return random_u64(pool) >> random_below(pool, 64);
}

static inline int64_t random_time(struct random_pool *pool)
{
    static const int64_t edges[] = {
        0, -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, INT32_MIN - INT64_C(1), INT64_MIN};
    if (random_below(pool, 2) == 0)
        return edges[random_below(pool, sizeof(edges) / sizeof(edges[0]))];
    return (int64_t)random_number(pool);
}

/* Fresh memory of exactly that length (the caller frees data); NULL, empty and long ones among them. */
static inline struct bytes random_view(struct random_pool *pool)
{
    static const size_t edges[] = {0, 1, 15, 16, 17, 31, 32, 255, 256, 65535, 65536};
    size_t len = random_below(pool, 64);
    if (random_below(pool, 5) == 0)
        return BYTES_NONE;
    if (random_below(pool, 4) == 0)
        len = edges[random_below(pool, random_below(pool, 16) == 0 ? sizeof(edges) / sizeof(edges[0]) : 9)];
    char *data = malloc(len + 1);
    for (size_t i = 0; i < len; ++i)
        data[i] = (char)('a' + (i * 7 + len) % 26);
    return bytes_view(data, len);
}

/* Fills every member, the key's too, and no rest. */
static inline void random_struct(const struct shape *shape, void *value, struct random_pool *pool)
{
    memset(value, 0, shape->size);
    for (unsigned i = 0; i < shape->field_count; ++i) {
        void *member = member_of(&shape->fields[i], value);
        switch (shape->fields[i].type) {
        case FIELD_ID:
            if (random_below(pool, 4) != 0)
                *(struct id *)member = id_make((int64_t)random_below(pool, 2000000000000), pool);
            break;
        case FIELD_TEXT:
        case FIELD_BYTES:
            *(struct bytes *)member = random_view(pool);
            break;
        case FIELD_TIME:
            *(int64_t *)member = random_time(pool);
            break;
        case FIELD_UINT:
            *(uint64_t *)member = random_number(pool);
            break;
        case FIELD_BOOL:
            *(bool *)member = random_below(pool, 2) == 0;
            break;
        }
    }
}

static inline void free_struct(const struct shape *shape, void *value)
{
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (shape->fields[i].type == FIELD_TEXT || shape->fields[i].type == FIELD_BYTES)
            free((void *)(uintptr_t)((struct bytes *)member_of(&shape->fields[i], value))->data);
}

/* NULL and empty views are told apart. */
static inline bool members_are_equal(const struct field *field, const void *a, const void *b)
{
    const void *first = member_of(field, a), *second = member_of(field, b);
    const struct bytes *x = first, *y = second;
    switch (field->type) {
    case FIELD_ID:
        return id_equal(*(const struct id *)first, *(const struct id *)second);
    case FIELD_TEXT:
    case FIELD_BYTES:
        return (x->data == NULL) == (y->data == NULL) && bytes_equal(*x, *y);
    case FIELD_TIME:
        return *(const int64_t *)first == *(const int64_t *)second;
    case FIELD_UINT:
        return *(const uint64_t *)first == *(const uint64_t *)second;
    case FIELD_BOOL:
        return *(const bool *)first == *(const bool *)second;
    }
    return false;
}

/* The name of the first stored member that differs, or NULL. */
static inline const char *first_difference(const struct shape *shape, const void *a, const void *b)
{
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (!shape->fields[i].is_key && !members_are_equal(&shape->fields[i], a, b))
            return shape->fields[i].name;
    return NULL;
}

/* ---- decoding in memory that ends where the text ends ---------------------------------------------------------- */

struct exact {
    char *data;
    size_t len;
};

static inline struct exact exact_copy(struct bytes bytes)
{
    struct exact exact = {malloc(bytes.len != 0 ? bytes.len : 1), bytes.len};
    if (bytes.len != 0)
        memcpy(exact.data, bytes.data, bytes.len);
    return exact;
}

static inline struct bytes exact_view(struct exact exact)
{
    return bytes_view(exact.data, exact.len);
}

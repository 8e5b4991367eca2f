/*
 * Encoding goes through msgpack-c's templates straight into the caller's buffer. Decoding walks the bytes along the
 * shape, since the shape says what must come: msgpack-c would build a tree of objects first, which costs five times as
 * much, and a page of messages is mostly decoding; nor does it stop at a length that promises more than there is.
 * Strings are not copied: they point into the input.
 */
#include "core/codec.h"

#include <assert.h>
#include <stdlib.h>

#include <msgpack.h>

/* ---- encoding ---- */

/*
 * msgpack-c's packing template, instantiated for a plain pointer: room is made once for the whole value, so a field is
 * a store and not a call through the packer's function pointer.
 */
#define msgpack_pack_inline_func(name) static inline __attribute__((unused)) void write##name
#define msgpack_pack_inline_func_cint(name) static inline __attribute__((unused)) void write##name
#define msgpack_pack_inline_func_fixint(name) static inline __attribute__((unused)) void write_fix##name
#define msgpack_pack_user char **
#define msgpack_pack_append_buffer(to, from, len) \
    do {                                          \
        memcpy(*(to), (from), (len));             \
        *(to) += (len);                           \
        return;                                   \
    } while (0)
#define msgpack_pack_ext write_ext /* the template calls one of its own by its full name */
#include <msgpack/pack_template.h>
#undef msgpack_pack_ext

/* The header of an array, of a string or of a number is at most nine bytes. */
#define HEADER_LEN_MAX 9

static void write_text(char **to, const struct bytes *text)
{
    if (text->data == NULL) {
        write_nil(to);
        return;
    }
    write_str(to, text->len);
    if (text->len != 0)
        write_str_body(to, text->data, text->len);
}

static void write_bytes(char **to, const char *data, size_t len)
{
    if (data == NULL) {
        write_nil(to);
        return;
    }
    write_bin(to, len);
    if (len != 0)
        write_bin_body(to, data, len);
}

static void write_field(char **to, enum field_type type, const void *member)
{
    const struct bytes *view = member;
    switch (type) {
    case FIELD_ID:
        write_bytes(to, id_is_none(*(const struct id *)member) ? NULL : member, ID_LEN);
        return;
    case FIELD_TEXT:
        write_text(to, view);
        return;
    case FIELD_BYTES:
        write_bytes(to, view->data, view->len);
        return;
    case FIELD_TIME:
        write_int64(to, *(const int64_t *)member);
        return;
    case FIELD_UINT:
        write_uint64(to, *(const uint64_t *)member);
        return;
    case FIELD_BOOL:
        if (*(const bool *)member)
            write_true(to);
        else
            write_false(to);
        return;
    }
    assert(!"every field type is written above");
}

static size_t field_len_max(enum field_type type, const void *member)
{
    bool is_view = type == FIELD_TEXT || type == FIELD_BYTES;
    return HEADER_LEN_MAX + (is_view ? ((const struct bytes *)member)->len : type == FIELD_ID ? ID_LEN : 0);
}

static const struct codec_rest *shape_rest(const struct shape *shape, const void *value)
{
    static const struct codec_rest none;
    return shape->rest_offset == 0 ? &none : (const void *)((const char *)value + shape->rest_offset);
}

static unsigned stored_field_count(const struct shape *shape)
{
    unsigned keys = 0;
    while (keys < shape->field_count && shape->fields[keys].is_key)
        ++keys;
    return shape->field_count - keys;
}

void codec_encode(const struct shape *shape, uint64_t tag, const void *value, struct buffer *out)
{
    const struct codec_rest *rest = shape_rest(shape, value);
    unsigned stored = stored_field_count(shape), first = shape->field_count - stored;
    size_t len_max = 2 * HEADER_LEN_MAX + rest->encoded.len;
    for (unsigned i = first; i < shape->field_count; ++i)
        len_max += field_len_max(shape->fields[i].type, (const char *)value + shape->fields[i].offset);
    char *begin = buffer_reserve(out, len_max), *to = begin;
    write_array(&to, 1 + stored + rest->count);
    write_uint64(&to, tag);
    for (unsigned i = first; i < shape->field_count; ++i)
        write_field(&to, shape->fields[i].type, (const char *)value + shape->fields[i].offset);
    if (rest->count != 0)
        memcpy(to, rest->encoded.data, rest->encoded.len);
    out->len += (size_t)(to - begin) + rest->encoded.len;
}

/* ---- decoding ---- */

/* What is left of the input. The first byte that is not as it should be sets `bad`, and everything read after it is
 * zero. */
struct input {
    const unsigned char *at, *end;
    bool bad;
};

/* Small, and in the one loop that a page of messages spends its time in. */
#define INLINE static inline __attribute__((always_inline))

/* The next len bytes, or NULL. */
INLINE const unsigned char *take(struct input *in, size_t len)
{
    const unsigned char *at = in->at;
    if (in->bad || (size_t)(in->end - at) < len) {
        in->bad = true;
        return NULL;
    }
    in->at += len;
    return at;
}

/* A big-endian number of 1, 2, 4 or 8 bytes. */
INLINE uint64_t take_number(struct input *in, unsigned len)
{
    const unsigned char *at = take(in, len);
    uint64_t value = 0;
    if (at == NULL)
        return 0;
    memcpy((char *)&value + sizeof(value) - len, at, len);
    return __builtin_bswap64(value);
}

INLINE unsigned take_byte(struct input *in)
{
    const unsigned char *at = take(in, 1);
    return at == NULL ? 0 : *at;
}

INLINE uint64_t take_uint(struct input *in)
{
    unsigned format = take_byte(in);
    if (format <= 0x7f)
        return format;
    if (format >= 0xcc && format <= 0xcf)
        return take_number(in, 1u << (format - 0xcc));
    in->bad = true;
    return 0;
}

INLINE int64_t take_int(struct input *in)
{
    unsigned format = in->at == in->end ? 0 : *in->at;
    if (format >= 0xe0) {
        take_byte(in);
        return (int8_t)format;
    }
    if (format >= 0xd0 && format <= 0xd3) {
        unsigned len = 1u << (format - 0xd0), unused_bits = 64 - 8 * len;
        take_byte(in);
        return (int64_t)(take_number(in, len) << unused_bits) >> unused_bits;
    }
    uint64_t value = take_uint(in);
    in->bad |= value > INT64_MAX;
    return in->bad ? 0 : (int64_t)value;
}

/* A string or binary of either width; nil is the NULL view. `wide` is the format with a length of one byte. */
INLINE struct bytes take_view(struct input *in, unsigned wide, bool short_form)
{
    unsigned format = take_byte(in);
    size_t len;
    if (format == 0xc0)
        return BYTES_NONE;
    if (short_form && (format & 0xe0) == 0xa0)
        len = format & 0x1f;
    else if (format >= wide && format <= wide + 2)
        len = take_number(in, 1u << (format - wide));
    else
        in->bad = true, len = 0;
    const unsigned char *at = take(in, len);
    return at == NULL ? BYTES_NONE : bytes_view(at, len);
}

INLINE struct bytes take_text(struct input *in)
{
    return take_view(in, 0xd9, true);
}

INLINE struct bytes take_bytes(struct input *in)
{
    return take_view(in, 0xc4, false);
}

INLINE struct id take_id(struct input *in)
{
    struct id id = ID_NONE;
    struct bytes bytes = take_bytes(in);
    if (bytes.data == NULL)
        return id;
    in->bad |= bytes.len != ID_LEN;
    if (!in->bad)
        memcpy(id.bytes, bytes.data, ID_LEN);
    in->bad |= !id_is_valid(id);
    return id;
}

INLINE bool take_bool(struct input *in)
{
    unsigned format = take_byte(in);
    in->bad |= (format & 0xfe) != 0xc2;
    return format == 0xc3;
}

INLINE void take_field(struct input *in, enum field_type type, void *member)
{
    switch (type) {
    case FIELD_ID:
        *(struct id *)member = take_id(in);
        return;
    case FIELD_TEXT:
        *(struct bytes *)member = take_text(in);
        return;
    case FIELD_BYTES:
        *(struct bytes *)member = take_bytes(in);
        return;
    case FIELD_TIME:
        *(int64_t *)member = take_int(in);
        return;
    case FIELD_UINT:
        *(uint64_t *)member = take_uint(in);
        return;
    case FIELD_BOOL:
        *(bool *)member = take_bool(in);
        return;
    }
    assert(!"every field type is taken above");
}

static void zero_field(enum field_type type, void *member)
{
    static const size_t sizes[] = {
        [FIELD_ID] = sizeof(struct id), [FIELD_TEXT] = sizeof(struct bytes), [FIELD_BYTES] = sizeof(struct bytes),
        [FIELD_TIME] = sizeof(int64_t), [FIELD_UINT] = sizeof(uint64_t),     [FIELD_BOOL] = sizeof(bool),
    };
    memset(member, 0, sizes[type]);
}

/* The number of elements of the array that begins here; it is never empty. */
INLINE uint32_t take_array(struct input *in)
{
    unsigned format = take_byte(in);
    uint32_t count = 0;
    if ((format & 0xf0) == 0x90)
        count = format & 0x0f;
    else if (format == 0xdc || format == 0xdd)
        count = (uint32_t)take_number(in, format == 0xdc ? 2 : 4);
    in->bad |= count == 0;
    return count;
}

/* Steps over the rest of one object whose format byte is `format`; returns how many objects it holds. */
static uint64_t skip_one(struct input *in, unsigned format)
{
    if (format <= 0x7f || format >= 0xe0 || format == 0xc0 || format == 0xc2 || format == 0xc3)
        return 0;
    if (format <= 0x9f)
        return format <= 0x8f ? 2 * (format & 15) : format & 15;
    if (format <= 0xbf)
        take(in, format & 31);
    else if (format >= 0xc4 && format <= 0xc6)
        take(in, take_number(in, 1u << (format - 0xc4)));
    else if (format >= 0xc7 && format <= 0xc9)
        take(in, 1 + take_number(in, 1u << (format - 0xc7)));
    else if (format == 0xca || format == 0xcb)
        take(in, format == 0xca ? 4 : 8);
    else if (format >= 0xcc && format <= 0xd3)
        take(in, (size_t)1 << (format & 3));
    else if (format >= 0xd4 && format <= 0xd8)
        take(in, 1 + ((size_t)1 << (format - 0xd4)));
    else if (format >= 0xd9 && format <= 0xdb)
        take(in, take_number(in, 1u << (format - 0xd9)));
    else if (format >= 0xdc)
        return take_number(in, format & 1 ? 4 : 2) * (format >= 0xde ? 2 : 1);
    else
        in->bad = true;
    return 0;
}

/* Steps over `count` whole objects. Each is at least a byte, so a count that promises more than there is, is refused
 * before it is followed. */
INLINE void skip_objects(struct input *in, uint64_t count)
{
    for (; count > 0 && !in->bad; --count) {
        count += skip_one(in, take_byte(in));
        in->bad |= count - 1 > (size_t)(in->end - in->at);
    }
}

/* The fields of a newer writer, which must be `count` whole objects up to the end. */
static void take_rest(struct input *in, uint64_t count, struct codec_rest *rest)
{
    const unsigned char *begin = in->at;
    *rest = (struct codec_rest){.count = (uint32_t)count};
    skip_objects(in, count);
    in->bad |= in->at != in->end;
    rest->encoded = bytes_view(begin, (size_t)(in->at - begin));
}

enum error codec_decode(const struct shape *shape, struct bytes encoded, uint64_t *tag, void *value)
{
    struct input in = {(const unsigned char *)encoded.data, (const unsigned char *)encoded.data + encoded.len, false};
    unsigned stored = stored_field_count(shape), first = shape->field_count - stored;
    uint32_t count = take_array(&in);
    *tag = take_uint(&in);
    for (unsigned i = 0; i < stored && !in.bad; ++i) {
        const struct field *field = &shape->fields[first + i];
        void *member = (char *)value + field->offset;
        if (i + 1 < count)
            take_field(&in, field->type, member);
        else
            zero_field(field->type, member);
    }
    struct codec_rest rest = {0};
    struct input tail = in; /* a copy, so that `in` itself can stay in registers */
    if (count > stored + 1 && !tail.bad)
        take_rest(&tail, count - stored - 1, &rest);
    if (shape->rest_offset != 0)
        *(struct codec_rest *)((char *)value + shape->rest_offset) = rest;
    return tail.bad || tail.at != tail.end ? ERR_CORRUPT : OK;
}

enum error codec_decode_some(const struct shape *shape, struct bytes encoded, uint64_t wanted, void *value)
{
    struct input in = {(const unsigned char *)encoded.data, (const unsigned char *)encoded.data + encoded.len, false};
    unsigned first = shape->field_count - stored_field_count(shape);
    uint32_t count = take_array(&in);
    take_uint(&in);
    for (unsigned i = first; i < shape->field_count && wanted >> i != 0 && !in.bad; ++i) {
        const struct field *field = &shape->fields[i];
        void *member = (char *)value + field->offset;
        bool is_stored = i - first + 1 < count, is_wanted = (wanted >> i & 1) != 0;
        if (is_stored && is_wanted)
            take_field(&in, field->type, member);
        else if (is_stored)
            skip_objects(&in, 1);
        else if (is_wanted)
            zero_field(field->type, member);
    }
    return in.bad ? ERR_CORRUPT : OK;
}

enum error codec_tag(struct bytes encoded, uint64_t *tag)
{
    struct input in = {(const unsigned char *)encoded.data, (const unsigned char *)encoded.data + encoded.len, false};
    take_array(&in);
    *tag = take_uint(&in);
    return in.bad ? ERR_CORRUPT : OK;
}

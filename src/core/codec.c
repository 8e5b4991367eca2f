/*
 * Encoding goes through msgpack-c's templates straight into the caller's buffer. Decoding goes through its unpacker into a zone that
 * is kept between calls, so that neither allocates once it has run for a while. Strings are not copied: they point into the input.
 */
#include "core/codec.h"

#include <assert.h>
#include <stdlib.h>

#include <msgpack.h>

struct codec {
    msgpack_zone zone;
};

#define ZONE_CHUNK_BYTES 16384

struct codec *codec_new(void)
{
    struct codec *codec = malloc(sizeof(*codec));
    if (codec == NULL || !msgpack_zone_init(&codec->zone, ZONE_CHUNK_BYTES))
        abort();
    return codec;
}

void codec_free(struct codec *codec)
{
    msgpack_zone_destroy(&codec->zone);
    free(codec);
}

void codec_reset(struct codec *codec)
{
    msgpack_zone_clear(&codec->zone);
}

/* ---- encoding ---- */

/*
 * msgpack-c's packing template, instantiated for a plain pointer: room is made once for the whole value, so a field is a store and not a
 * call through the packer's function pointer.
 */
#define msgpack_pack_inline_func(name) static inline __attribute__((unused)) void write##name
#define msgpack_pack_inline_func_cint(name) static inline __attribute__((unused)) void write##name
#define msgpack_pack_inline_func_fixint(name) static inline __attribute__((unused)) void write_fix##name
#define msgpack_pack_user char **
#define msgpack_pack_append_buffer(to, from, len)                                                                      \
    do {                                                                                                               \
        memcpy(*(to), (from), (len));                                                                                  \
        *(to) += (len);                                                                                                \
        return;                                                                                                        \
    } while (0)
#include <msgpack/pack_template.h>

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

static bool unpack_id(const msgpack_object *object, struct id *out)
{
    if (object->type == MSGPACK_OBJECT_NIL) {
        *out = ID_NONE;
        return true;
    }
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != ID_LEN)
        return false;
    memcpy(out->bytes, object->via.bin.ptr, ID_LEN);
    return true;
}

static bool unpack_bytes(const msgpack_object *object, msgpack_object_type wanted, struct bytes *out)
{
    if (object->type == MSGPACK_OBJECT_NIL) {
        *out = BYTES_NONE;
        return true;
    }
    if (object->type != wanted)
        return false;
    *out = wanted == MSGPACK_OBJECT_STR ? bytes_view(object->via.str.ptr, object->via.str.size)
                                        : bytes_view(object->via.bin.ptr, object->via.bin.size);
    return true;
}

static bool unpack_time(const msgpack_object *object, int64_t *out)
{
    *out = object->via.i64;
    return object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
           (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX);
}

static bool unpack_field(const msgpack_object *object, enum field_type type, void *member)
{
    switch (type) {
    case FIELD_ID:
        return unpack_id(object, member);
    case FIELD_TEXT:
        return unpack_bytes(object, MSGPACK_OBJECT_STR, member);
    case FIELD_BYTES:
        return unpack_bytes(object, MSGPACK_OBJECT_BIN, member);
    case FIELD_TIME:
        return unpack_time(object, member);
    case FIELD_UINT:
        *(uint64_t *)member = object->via.u64;
        return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    case FIELD_BOOL:
        *(bool *)member = object->via.boolean;
        return object->type == MSGPACK_OBJECT_BOOLEAN;
    }
    assert(!"every field type is unpacked above");
    return false;
}

static void zero_field(enum field_type type, void *member)
{
    static const size_t sizes[] = {
        [FIELD_ID] = sizeof(struct id), [FIELD_TEXT] = sizeof(struct bytes), [FIELD_BYTES] = sizeof(struct bytes),
        [FIELD_TIME] = sizeof(int64_t), [FIELD_UINT] = sizeof(uint64_t),     [FIELD_BOOL] = sizeof(bool),
    };
    memset(member, 0, sizes[type]);
}

static int on_packed(void *data, const char *bytes, size_t len)
{
    buffer_append(data, bytes, len);
    return 0;
}

/* Packs the appended fields of a newer writer again, into the zone: rare, so no care for speed. */
static void keep_rest(struct codec *codec, const msgpack_object *extra, uint32_t count, struct codec_rest *out)
{
    struct buffer packed = {0};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packed, on_packed);
    for (uint32_t i = 0; i < count; ++i)
        msgpack_pack_object(&packer, extra[i]);
    char *kept = msgpack_zone_malloc(&codec->zone, packed.len);
    if (kept == NULL)
        abort();
    memcpy(kept, packed.data, packed.len);
    *out = (struct codec_rest){bytes_view(kept, packed.len), count};
    buffer_dispose(&packed);
}

static enum error unpack_array(struct codec *codec, struct bytes encoded, uint64_t *tag, msgpack_object_array *array)
{
    msgpack_object object;
    size_t offset = 0;
    if (msgpack_unpack(encoded.data, encoded.len, &offset, &codec->zone, &object) != MSGPACK_UNPACK_SUCCESS ||
        offset != encoded.len || object.type != MSGPACK_OBJECT_ARRAY || object.via.array.size == 0 ||
        object.via.array.ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return ERR_CORRUPT;
    *tag = object.via.array.ptr[0].via.u64;
    *array = object.via.array;
    return OK;
}

enum error codec_decode(struct codec *codec, const struct shape *shape, struct bytes encoded, uint64_t *tag, void *value)
{
    msgpack_object_array array;
    enum error error = unpack_array(codec, encoded, tag, &array);
    if (error != OK)
        return error;
    unsigned stored = stored_field_count(shape), first = shape->field_count - stored;
    for (unsigned i = 0; i < stored; ++i) {
        const struct field *field = &shape->fields[first + i];
        void *member = (char *)value + field->offset;
        if (i + 1 >= array.size)
            zero_field(field->type, member);
        else if (!unpack_field(&array.ptr[i + 1], field->type, member))
            return ERR_CORRUPT;
    }
    if (shape->rest_offset != 0) {
        struct codec_rest *rest = (void *)((char *)value + shape->rest_offset);
        *rest = (struct codec_rest){0};
        if (array.size > stored + 1)
            keep_rest(codec, array.ptr + stored + 1, array.size - stored - 1, rest);
    }
    return OK;
}

/* By hand, since the unpacker knows only whole objects: an array's first byte says how long its header is. */
enum error codec_tag(struct bytes encoded, uint64_t *tag)
{
    const unsigned char *at = (const unsigned char *)encoded.data;
    size_t header = encoded.len == 0 ? 0 : (at[0] & 0xf0) == 0x90 ? 1 : at[0] == 0xdc ? 3 : 0;
    if (header == 0 || encoded.len <= header || at[header] > 127)
        return ERR_CORRUPT;
    *tag = at[header];
    return OK;
}

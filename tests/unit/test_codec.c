/*
 * The codec along every shape of records.def and one that has all types: what it writes is msgpack as the specification
 * has it, what it reads is exactly that or an error. Input stands in memory of its exact length, so that a sanitizer
 * sees a read behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/records.h"
#include "shapes.h"

#define STRUCT_SIZE_MAX 1024
#define STORED_MAX 32

static struct random_pool pool;

/* ---- a shape with everything ----------------------------------------------------------------------------------- */

struct everything {
    struct id key_id;
    uint64_t key_number;
    struct id id;
    struct bytes text, bytes;
    int64_t time;
    uint64_t number;
    bool flag;
    struct bytes last;
    struct codec_rest rest;
};

#define EVERYTHING(type, member, is_key)                                   \
    {                                                                      \
#member, FIELD_##type, is_key, offsetof(struct everything, member) \
    }
static const struct field everything_fields[] = {
    EVERYTHING(ID, key_id, true),    EVERYTHING(UINT, key_number, true), EVERYTHING(ID, id, false),
    EVERYTHING(TEXT, text, false),   EVERYTHING(BYTES, bytes, false),    EVERYTHING(TIME, time, false),
    EVERYTHING(UINT, number, false), EVERYTHING(BOOL, flag, false),      EVERYTHING(TEXT, last, false),
};
static const struct shape everything = {"everything", everything_fields,
                                        sizeof(everything_fields) / sizeof(everything_fields[0]),
                                        sizeof(struct everything), offsetof(struct everything, rest)};
static const struct shape everything_without_rest = {"everything without rest", everything_fields,
                                                     sizeof(everything_fields) / sizeof(everything_fields[0]),
                                                     sizeof(struct everything), 0};

#define SHAPE_COUNT (RECORD_COUNT + 2)

static const struct shape *shape_at(unsigned index)
{
    const struct shape *shape = index < RECORD_COUNT    ? &record_shapes[index]
                                : index == RECORD_COUNT ? &everything
                                                        : &everything_without_rest;
    assert_true(shape->size <= STRUCT_SIZE_MAX && stored_fields(shape) <= STORED_MAX);
    return shape;
}

/* ---- helpers --------------------------------------------------------------------------------------------------- */

struct any {
    _Alignas(16) char bytes[STRUCT_SIZE_MAX];
};

static const struct codec_rest *rest_of(const struct shape *shape, const struct any *value)
{
    return (const void *)(value->bytes + shape->rest_offset);
}

static enum error decode(const struct shape *shape, struct bytes encoded, uint64_t *tag, struct any *value)
{
    /* Bytes that no sound value has: a member that is forgotten shows. */
    memset(value, 0xa5, sizeof(*value));
    return codec_decode(shape, encoded, tag, value);
}

static void assert_corrupt(const struct shape *shape, struct bytes encoded, const char *what, size_t where)
{
    struct exact exact = exact_copy(encoded);
    struct any value;
    uint64_t tag;
    enum error error = decode(shape, exact_view(exact), &tag, &value);
    if (error != ERR_CORRUPT)
        fail_msg("%s: %s at %zu gave %s", shape->name, what, where, error_code(error));
    free(exact.data);
}

static struct bytes exact_encoding(const struct shape *shape, uint64_t tag, const struct any *value, struct exact *out)
{
    struct buffer buffer = {0};
    codec_encode(shape, tag, value, &buffer);
    *out = exact_copy(buffer_view(&buffer));
    buffer_dispose(&buffer);
    return exact_view(*out);
}

/* ---- round trip ------------------------------------------------------------------------------------------------ */

static void test_what_is_written_is_msgpack_by_the_book(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned round = 0; round < 2000; ++round) {
            const struct shape *shape = shape_at(index);
            struct any value;
            struct buffer ours = {0}, expected = {0};
            uint64_t tag = random_number(&pool);
            random_struct(shape, &value, &pool);
            put_struct(&expected, shape, tag, &value, stored_fields(shape), 0);
            codec_encode(shape, tag, &value, &ours);
            if (!bytes_equal(buffer_view(&ours), buffer_view(&expected)))
                fail_msg("%s is written differently", shape->name);
            free_struct(shape, &value);
            buffer_dispose(&ours);
            buffer_dispose(&expected);
        }
}

static void test_every_record_comes_back_as_it_was(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned round = 0; round < 2000; ++round) {
            const struct shape *shape = shape_at(index);
            struct any value, again;
            struct exact exact;
            uint64_t tag = random_number(&pool), tag_again;
            random_struct(shape, &value, &pool);
            assert_int_equal(decode(shape, exact_encoding(shape, tag, &value, &exact), &tag_again, &again), OK);
            assert_true(tag == tag_again);
            const char *difference = first_difference(shape, &value, &again);
            if (difference != NULL)
                fail_msg("%s.%s differs", shape->name, difference);
            if (shape->rest_offset != 0) {
                assert_int_equal(rest_of(shape, &again)->count, 0);
                assert_int_equal(rest_of(shape, &again)->encoded.len, 0);
            }
            free(exact.data);
            free_struct(shape, &value);
        }
}

static void test_key_members_are_left_alone(void **state)
{
    (void)state;
    struct any value, again;
    struct exact exact;
    uint64_t tag;
    random_struct(&everything, &value, &pool);
    assert_int_equal(decode(&everything, exact_encoding(&everything, 1, &value, &exact), &tag, &again), OK);
    struct everything untouched;
    memset(&untouched, 0xa5, sizeof(untouched));
    const struct everything *read = (const void *)&again;
    assert_true(id_equal(read->key_id, untouched.key_id));
    assert_true(read->key_number == untouched.key_number);
    free(exact.data);
    free_struct(&everything, &value);
}

static void test_null_and_empty_texts_are_told_apart(void **state)
{
    (void)state;
    struct any value, again;
    struct exact exact;
    uint64_t tag;
    memset(&value, 0, sizeof(value));
    struct everything *one = (void *)&value, *read = (void *)&again;
    one->text = BYTES("");
    one->bytes = BYTES("");
    one->last = BYTES_NONE;
    assert_int_equal(decode(&everything, exact_encoding(&everything, 1, &value, &exact), &tag, &again), OK);
    assert_non_null(read->text.data);
    assert_int_equal(read->text.len, 0);
    assert_non_null(read->bytes.data);
    assert_int_equal(read->bytes.len, 0);
    assert_null(read->last.data);
    assert_true(id_is_none(read->id));
    free(exact.data);
}

static void test_views_point_into_what_was_decoded(void **state)
{
    (void)state;
    struct any value, again;
    struct exact exact;
    uint64_t tag;
    memset(&value, 0, sizeof(value));
    struct everything *one = (void *)&value, *read = (void *)&again;
    one->text = BYTES("a text");
    one->bytes = BYTES("some bytes");
    assert_int_equal(decode(&everything, exact_encoding(&everything, 1, &value, &exact), &tag, &again), OK);
    assert_true(read->text.data >= exact.data && read->text.data + read->text.len <= exact.data + exact.len);
    assert_true(read->bytes.data >= exact.data && read->bytes.data + read->bytes.len <= exact.data + exact.len);
    free(exact.data);
}

static void test_encoding_appends(void **state)
{
    (void)state;
    struct any value;
    struct buffer out = {0}, alone = {0};
    memset(&value, 0, sizeof(value));
    buffer_append_string(&out, "before");
    codec_encode(&everything, 1, &value, &out);
    codec_encode(&everything, 1, &value, &alone);
    assert_int_equal(out.len, 6 + alone.len);
    assert_memory_equal(out.data, "before", 6);
    assert_memory_equal(out.data + 6, alone.data, alone.len);
    buffer_dispose(&out);
    buffer_dispose(&alone);
}

/* ---- shorter and longer arrays --------------------------------------------------------------------------------- */

static void test_a_shorter_array_gives_zeros(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned stored = 0; stored < stored_fields(shape_at(index)); ++stored) {
            const struct shape *shape = shape_at(index);
            struct any value, again, expected;
            struct buffer out = {0};
            uint64_t tag;
            random_struct(shape, &value, &pool);
            put_struct(&out, shape, 3, &value, stored, 0);
            struct exact exact = exact_copy(buffer_view(&out));
            assert_int_equal(decode(shape, exact_view(exact), &tag, &again), OK);
            expected = value;
            for (unsigned i = 0, seen = 0; i < shape->field_count; ++i) {
                static const size_t sizes[] = {
                    [FIELD_ID] = sizeof(struct id),       [FIELD_TEXT] = sizeof(struct bytes),
                    [FIELD_BYTES] = sizeof(struct bytes), [FIELD_TIME] = sizeof(int64_t),
                    [FIELD_UINT] = sizeof(uint64_t),      [FIELD_BOOL] = sizeof(bool)};
                if (!shape->fields[i].is_key && seen++ >= stored)
                    memset(member_of(&shape->fields[i], &expected), 0, sizes[shape->fields[i].type]);
            }
            const char *difference = first_difference(shape, &expected, &again);
            if (difference != NULL)
                fail_msg("%s.%s with %u fields", shape->name, difference, stored);
            free(exact.data);
            buffer_dispose(&out);
            free_struct(shape, &value);
        }
}

/* Any object of the specification, in its shortest form. */
static void put_random_object(struct buffer *out, unsigned depth)
{
    static const char filler[70000];
    uint64_t len = random_number(&pool) % (random_below(&pool, 50) == 0 ? sizeof(filler) : 300);
    unsigned count = (unsigned)random_below(&pool, random_below(&pool, 10) == 0 ? 40 : 4);
    switch (random_below(&pool, depth < 4 ? 12 : 9)) {
    case 0:
        put_nil(out);
        return;
    case 1:
        put_bool(out, random_below(&pool, 2));
        return;
    case 2:
        put_uint(out, random_number(&pool));
        return;
    case 3:
        put_int(out, random_time(&pool));
        return;
    case 4:
        put_text(out, bytes_view(filler, len));
        return;
    case 5:
        put_bytes(out, bytes_view(filler, len));
        return;
    case 6: /* float 32 and 64; nothing that is not a number, which may change its bits on the way */
        put_byte(out, 0xca);
        put_number(out, 0x40490fdb, 4);
        return;
    case 7:
        put_byte(out, 0xcb);
        put_number(out, 0x400921fb54442d18, 8);
        return;
    case 8: /* an extension of sixteen bytes */
        put_byte(out, 0xd8);
        put_byte(out, 0x2a);
        buffer_append(out, filler, 16);
        return;
    case 9:
        put_byte(out, 0x80 | (count & 15));
        for (unsigned i = 0; i < 2 * (count & 15); ++i)
            put_random_object(out, depth + 1);
        return;
    default:
        put_array(out, count);
        for (unsigned i = 0; i < count; ++i)
            put_random_object(out, depth + 1);
    }
}

static void test_fields_of_a_newer_writer_are_kept_byte_for_byte(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned round = 0; round < 1000; ++round) {
            const struct shape *shape = shape_at(index);
            struct any value, again;
            struct buffer out = {0};
            struct exact once;
            unsigned extra = 1 + (unsigned)random_below(&pool, round % 50 == 0 ? 300 : 20);
            uint64_t tag;
            random_struct(shape, &value, &pool);
            put_struct(&out, shape, 9, &value, stored_fields(shape), extra);
            for (unsigned i = 0; i < extra; ++i)
                put_random_object(&out, 0);
            struct exact exact = exact_copy(buffer_view(&out));
            assert_int_equal(decode(shape, exact_view(exact), &tag, &again), OK);
            const char *difference = first_difference(shape, &value, &again);
            if (difference != NULL)
                fail_msg("%s.%s differs", shape->name, difference);
            if (shape->rest_offset != 0) {
                assert_int_equal(rest_of(shape, &again)->count, extra);
                assert_true(bytes_equal(exact_encoding(shape, tag, &again, &once), exact_view(exact)));
                free(once.data);
            }
            free(exact.data);
            buffer_dispose(&out);
            free_struct(shape, &value);
        }
}

static void test_a_long_form_that_another_writer_chose_is_read(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct any again;
    uint64_t tag;
    put_byte(&out, 0xdd); /* array 32 */
    put_number(&out, 8, 4);
    put_byte(&out, 0xcf); /* tag: uint 64 */
    put_number(&out, 1, 8);
    put_byte(&out, 0xc6); /* id: bin 32 */
    put_number(&out, 16, 4);
    buffer_append(&out, "0123456789abcdef", 16);
    put_byte(&out, 0xdb); /* text: str 32 */
    put_number(&out, 4, 4);
    buffer_append(&out, "text", 4);
    put_byte(&out, 0xc5); /* bytes: bin 16 */
    put_number(&out, 5, 2);
    buffer_append(&out, "bytes", 5);
    put_byte(&out, 0xd3); /* time: int 64 of a small number */
    put_number(&out, (uint64_t)-5, 8);
    put_byte(&out, 0xce); /* number: uint 32 of a small number */
    put_number(&out, 7, 4);
    put_byte(&out, 0xc3);
    put_byte(&out, 0xda); /* last: str 16, empty */
    put_number(&out, 0, 2);
    struct exact exact = exact_copy(buffer_view(&out));
    assert_int_equal(decode(&everything, exact_view(exact), &tag, &again), OK);
    const struct everything *read = (const void *)&again;
    assert_int_equal(tag, 1);
    assert_memory_equal(read->id.bytes, "0123456789abcdef", ID_LEN);
    assert_true(bytes_equal(read->text, BYTES("text")));
    assert_true(bytes_equal(read->bytes, BYTES("bytes")));
    assert_int_equal(read->time, -5);
    assert_int_equal(read->number, 7);
    assert_true(read->flag);
    assert_non_null(read->last.data);
    assert_int_equal(read->last.len, 0);
    free(exact.data);
    buffer_dispose(&out);
}

/* ---- damaged input --------------------------------------------------------------------------------------------- */

static void test_every_truncation_is_noticed(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned round = 0; round < 20; ++round) {
            const struct shape *shape = shape_at(index);
            struct any value;
            struct buffer out = {0};
            unsigned extra = round % 2 == 0 ? 0 : 3;
            random_struct(shape, &value, &pool);
            put_struct(&out, shape, 1, &value, stored_fields(shape), extra);
            for (unsigned i = 0; i < extra; ++i)
                put_random_object(&out, 0);
            for (size_t len = 0; len<out.len; len += out.len> 4096 && len > 600 && len < out.len - 600 ? 97 : 1)
                assert_corrupt(shape, bytes_view(out.data, len), "truncated", len);
            buffer_dispose(&out);
            free_struct(shape, &value);
        }
}

static void test_trailing_bytes_are_noticed(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned byte = 0; byte < 256; ++byte) {
            const struct shape *shape = shape_at(index);
            struct any value;
            struct buffer out = {0};
            random_struct(shape, &value, &pool);
            codec_encode(shape, 1, &value, &out);
            put_byte(&out, byte);
            assert_corrupt(shape, buffer_view(&out), "one byte too many", out.len - 1);
            buffer_dispose(&out);
            free_struct(shape, &value);
        }
}

/* Whole objects, one of each format of the specification. */
static const struct bytes one_of_each[] = {
    BYTES("\x00"),
    BYTES("\x7f"),
    BYTES("\x80"),
    BYTES("\x81\x01\x02"),
    BYTES("\x90"),
    BYTES("\x91\xc0"),
    BYTES("\xa0"),
    BYTES("\xa1x"),
    BYTES("\xb0"
          "0123456789abcdef"),
    BYTES("\xc0"),
    BYTES("\xc1"),
    BYTES("\xc2"),
    BYTES("\xc3"),
    BYTES("\xc4\x00"),
    BYTES("\xc4\x01x"),
    BYTES("\xc4\x0f"
          "0123456789abcde"),
    BYTES("\xc4\x10"
          "0123456789abcdef"),
    BYTES("\xc4\x11"
          "0123456789abcdefg"),
    BYTES("\xc5\x00\x01x"),
    BYTES("\xc6\x00\x00\x00\x01x"),
    BYTES("\xc7\x01\x05x"),
    BYTES("\xc8\x00\x01\x05x"),
    BYTES("\xc9\x00\x00\x00\x01\x05x"),
    BYTES("\xca\x40\x49\x0f\xdb"),
    BYTES("\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18"),
    BYTES("\xcc\xff"),
    BYTES("\xcd\xff\xff"),
    BYTES("\xce\xff\xff\xff\xff"),
    BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
    BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
    BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    BYTES("\xd0\x80"),
    BYTES("\xd1\x80\x00"),
    BYTES("\xd2\x80\x00\x00\x00"),
    BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    BYTES("\xd4\x05x"),
    BYTES("\xd5\x05xy"),
    BYTES("\xd6\x05wxyz"),
    BYTES("\xd7\x05"
          "01234567"),
    BYTES("\xd8\x05"
          "0123456789abcdef"),
    BYTES("\xd9\x01x"),
    BYTES("\xda\x00\x01x"),
    BYTES("\xdb\x00\x00\x00\x01x"),
    BYTES("\xdc\x00\x00"),
    BYTES("\xdd\x00\x00\x00\x00"),
    BYTES("\xde\x00\x00"),
    BYTES("\xdf\x00\x00\x00\x00"),
    BYTES("\xe0"),
    BYTES("\xff"),
};

static bool fits(enum field_type type, struct bytes object)
{
    unsigned format = (unsigned char)object.data[0];
    bool is_bin = format >= 0xc4 && format <= 0xc6;
    bool is_text = (format >= 0xa0 && format <= 0xbf) || (format >= 0xd9 && format <= 0xdb);
    bool is_uint = format <= 0x7f || (format >= 0xcc && format <= 0xcf);
    bool is_negative = format >= 0xe0 || (format >= 0xd0 && format <= 0xd3);
    switch (type) {
    case FIELD_ID:
        return format == 0xc0 || (format == 0xc4 && object.data[1] == ID_LEN);
    case FIELD_TEXT:
        return format == 0xc0 || is_text;
    case FIELD_BYTES:
        return format == 0xc0 || is_bin;
    case FIELD_TIME:
        return is_negative || (is_uint && !(format == 0xcf && ((unsigned char)object.data[1] & 0x80)));
    case FIELD_UINT:
        return is_uint;
    case FIELD_BOOL:
        return format == 0xc2 || format == 0xc3;
    }
    return false;
}

static void put_with(struct buffer *out, const struct shape *shape, const struct any *value, unsigned at,
                     struct bytes object)
{
    put_array(out, 1 + stored_fields(shape));
    put_uint(out, 1);
    for (unsigned i = 0; i < shape->field_count; ++i)
        if (i == at)
            buffer_append(out, object.data, object.len);
        else if (!shape->fields[i].is_key)
            put_field(out, &shape->fields[i], value);
}

static void test_a_wrong_type_at_any_place_is_noticed(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (unsigned at = 0; at < shape_at(index)->field_count; ++at)
            for (size_t i = 0; i < sizeof(one_of_each) / sizeof(one_of_each[0]); ++i) {
                const struct shape *shape = shape_at(index);
                struct any value, again;
                struct buffer out = {0};
                uint64_t tag;
                if (shape->fields[at].is_key)
                    continue;
                random_struct(shape, &value, &pool);
                put_with(&out, shape, &value, at, one_of_each[i]);
                struct exact exact = exact_copy(buffer_view(&out));
                enum error error = decode(shape, exact_view(exact), &tag, &again);
                if (error != (fits(shape->fields[at].type, one_of_each[i]) ? OK : ERR_CORRUPT))
                    fail_msg("%s.%s with format %02x: %s", shape->name, shape->fields[at].name,
                             (unsigned char)one_of_each[i].data[0], error_code(error));
                free(exact.data);
                buffer_dispose(&out);
                free_struct(shape, &value);
            }
}

static void test_what_is_no_array_with_a_number_first_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(one_of_each) / sizeof(one_of_each[0]); ++i) {
        struct buffer out = {0};
        unsigned format = (unsigned char)one_of_each[i].data[0];
        assert_corrupt(&everything, one_of_each[i], "no array of fields, but format", format);
        if (!fits(FIELD_UINT, one_of_each[i])) {
            put_byte(&out, 0x91);
            buffer_append(&out, one_of_each[i].data, one_of_each[i].len);
            assert_corrupt(&everything, buffer_view(&out), "no tag, but format", format);
        }
        buffer_dispose(&out);
    }
    assert_corrupt(&everything, BYTES_NONE, "nothing", 0);
}

static void test_lengths_that_promise_more_than_there_is_are_noticed(void **state)
{
    (void)state;
    static const struct bytes liars[] = {
        BYTES("\xdb\xff\xff\xff\xff"), BYTES("\xda\xff\xff"),         BYTES("\xd9\xff"),
        BYTES("\xc6\xff\xff\xff\xff"), BYTES("\xc5\xff\xff"),         BYTES("\xc4\xff"),
        BYTES("\xdd\x00\xff\xff\xff"), BYTES("\xdf\x00\xff\xff\xff"), BYTES("\xc9\xff\xff\xff\xff\x05"),
        BYTES("\xdd\xff\xff\xff\xff"), BYTES("\xdf\xff\xff\xff\xff"), BYTES("\xdf\x7f\xff\xff\xff"),
    };
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (size_t i = 0; i < sizeof(liars) / sizeof(liars[0]); ++i) {
            const struct shape *shape = shape_at(index);
            struct any value;
            random_struct(shape, &value, &pool);
            for (unsigned at = 0; at <= shape->field_count; ++at) {
                struct buffer out = {0};
                if (at < shape->field_count && shape->fields[at].is_key)
                    continue;
                if (at < shape->field_count) {
                    put_with(&out, shape, &value, at, liars[i]);
                } else {
                    put_struct(&out, shape, 1, &value, stored_fields(shape), 1);
                    buffer_append(&out, liars[i].data, liars[i].len);
                }
                assert_corrupt(shape, buffer_view(&out), "a length that lies", at);
                buffer_dispose(&out);
            }
            free_struct(shape, &value);
        }
    assert_corrupt(&everything, BYTES("\xdd\xff\xff\xff\xff\x01"), "an array that lies", 0);
    assert_corrupt(&everything, BYTES("\xdd\x00\x00\x00\x00"), "an empty array", 0);
    assert_corrupt(&everything, BYTES("\xdc\x00\x00"), "an empty array", 0);
    assert_corrupt(&everything, BYTES("\x90"), "an empty array", 0);
}

static void test_deep_nesting_in_an_unknown_field_ends_well(void **state)
{
    (void)state;
    for (size_t depth = 1; depth <= 100000; depth = depth < 40 ? depth + 1 : depth * 10) {
        struct any value;
        struct buffer out = {0};
        uint64_t tag;
        random_struct(&everything, &value, &pool);
        put_struct(&out, &everything, 1, &value, stored_fields(&everything), 1);
        for (size_t i = 0; i < depth; ++i)
            put_byte(&out, 0x91);
        put_nil(&out);
        struct exact exact = exact_copy(buffer_view(&out));
        struct any again;
        enum error error = decode(&everything, exact_view(exact), &tag, &again);
        assert_true(error == OK || (error == ERR_CORRUPT && depth > 16));
        free(exact.data);
        buffer_dispose(&out);
        free_struct(&everything, &value);
    }
}

/* What decodes must encode to something that decodes to the same. */
static void assert_sound_if_taken(const struct shape *shape, struct bytes garbage)
{
    struct exact exact = exact_copy(garbage), once, twice;
    struct any value, again;
    uint64_t tag, tag_again;
    enum error error = decode(shape, exact_view(exact), &tag, &value);
    if (error == OK) {
        assert_int_equal(decode(shape, exact_encoding(shape, tag, &value, &once), &tag_again, &again), OK);
        assert_true(tag == tag_again);
        assert_null(first_difference(shape, &value, &again));
        assert_true(bytes_equal(exact_encoding(shape, tag, &again, &twice), exact_view(once)));
        free(once.data);
        free(twice.data);
    } else {
        assert_int_equal(error, ERR_CORRUPT);
    }
    free(exact.data);
}

static void test_random_garbage_is_an_error_or_a_sound_value(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; ++round) {
        char garbage[96];
        size_t len = random_below(&pool, sizeof(garbage) + 1);
        random_fill(&pool, garbage, len);
        if (len > 0 && round % 2 == 0)
            garbage[0] = (char)(0x90 | (garbage[0] & 15));
        assert_sound_if_taken(shape_at(round % SHAPE_COUNT), bytes_view(garbage, len));
    }
}

static void test_mutated_records_are_an_error_or_a_sound_value(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; ++round) {
        const struct shape *shape = shape_at(round % SHAPE_COUNT);
        struct any value;
        struct buffer out = {0};
        random_struct(shape, &value, &pool);
        unsigned extra = (unsigned)random_below(&pool, 3);
        put_struct(&out, shape, 1, &value, stored_fields(shape), extra);
        for (unsigned i = 0; i < extra; ++i)
            put_random_object(&out, 2);
        for (uint64_t times = 1 + random_below(&pool, 4); times > 0; --times) {
            size_t at = random_below(&pool, out.len < 200 ? out.len : 200);
            switch (random_below(&pool, 4)) {
            case 0:
                out.data[at] = (char)(out.data[at] ^ (1 << random_below(&pool, 8)));
                break;
            case 1:
                out.data[at] = one_of_each[random_below(&pool, sizeof(one_of_each) / sizeof(one_of_each[0]))].data[0];
                break;
            case 2:
                memmove(out.data + at, out.data + at + 1, out.len - at - 1);
                out.len -= out.len > 1;
                break;
            default:
                buffer_reserve(&out, 1);
                memmove(out.data + at + 1, out.data + at, out.len - at);
                out.data[at] = (char)random_below(&pool, 256);
                ++out.len;
            }
        }
        assert_sound_if_taken(shape, buffer_view(&out));
        buffer_dispose(&out);
        free_struct(shape, &value);
    }
}

/* ---- the tag alone --------------------------------------------------------------------------------------------- */

static void test_the_tag_can_be_read_alone(void **state)
{
    (void)state;
    for (unsigned index = 0; index < SHAPE_COUNT; ++index)
        for (uint64_t number = 0; number <= 127; ++number) {
            struct any value;
            struct exact exact;
            uint64_t tag;
            random_struct(shape_at(index), &value, &pool);
            assert_int_equal(codec_tag(exact_encoding(shape_at(index), number, &value, &exact), &tag), OK);
            assert_true(tag == number);
            free(exact.data);
            free_struct(shape_at(index), &value);
        }
}

static void test_a_tag_that_is_not_there_is_noticed(void **state)
{
    (void)state;
    static const struct bytes cases[] = {BYTES_NONE,    BYTES("\x91"),     BYTES("\x90"),         BYTES("\x9f"),
                                         BYTES("\xdc"), BYTES("\xdc\x00"), BYTES("\xdc\x00\x14"), BYTES("\x91\xc0"),
                                         BYTES("\x01"), BYTES("\xc0"),     BYTES("\x92\xa1x"),    BYTES("\x91\xff")};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct exact exact = exact_copy(cases[i]);
        uint64_t tag;
        assert_int_equal(codec_tag(exact_view(exact), &tag), ERR_CORRUPT);
        free(exact.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_msgpack_by_the_book),
        cmocka_unit_test(test_every_record_comes_back_as_it_was),
        cmocka_unit_test(test_key_members_are_left_alone),
        cmocka_unit_test(test_null_and_empty_texts_are_told_apart),
        cmocka_unit_test(test_views_point_into_what_was_decoded),
        cmocka_unit_test(test_encoding_appends),
        cmocka_unit_test(test_a_shorter_array_gives_zeros),
        cmocka_unit_test(test_fields_of_a_newer_writer_are_kept_byte_for_byte),
        cmocka_unit_test(test_a_long_form_that_another_writer_chose_is_read),
        cmocka_unit_test(test_every_truncation_is_noticed),
        cmocka_unit_test(test_trailing_bytes_are_noticed),
        cmocka_unit_test(test_a_wrong_type_at_any_place_is_noticed),
        cmocka_unit_test(test_what_is_no_array_with_a_number_first_is_noticed),
        cmocka_unit_test(test_lengths_that_promise_more_than_there_is_are_noticed),
        cmocka_unit_test(test_deep_nesting_in_an_unknown_field_ends_well),
        cmocka_unit_test(test_random_garbage_is_an_error_or_a_sound_value),
        cmocka_unit_test(test_mutated_records_are_an_error_or_a_sound_value),
        cmocka_unit_test(test_the_tag_can_be_read_alone),
        cmocka_unit_test(test_a_tag_that_is_not_there_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

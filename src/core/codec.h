#pragma once
/*
 * The one codec for records and commands: msgpack arrays `[tag, fields…]`
 * (https://github.com/msgpack/msgpack/blob/master/spec.md), driven by the shapes that records.def and commands.def
 * give. The tag is a record's version or a command's number. A reader accepts shorter arrays (the missing fields are
 * zero) and longer ones (the rest is kept and written back). This is the only folder that includes msgpack.h. Pure
 * functions; any thread.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "core/id.h"

enum field_type { FIELD_ID, FIELD_TEXT, FIELD_BYTES, FIELD_TIME, FIELD_UINT, FIELD_BOOL };

/* The C type of each field type, for the X-macros. */
#define FIELD_C_ID struct id
#define FIELD_C_TEXT struct bytes
#define FIELD_C_BYTES struct bytes
#define FIELD_C_TIME int64_t
#define FIELD_C_UINT uint64_t
#define FIELD_C_BOOL bool

struct field {
    const char *name;
    enum field_type type;
    bool is_key;   /* part of the table's key: not in the array */
    size_t offset; /* of the member in the struct */
};

struct shape {
    const char *name;
    const struct field *fields;
    unsigned field_count;
    size_t size;        /* of the struct */
    size_t rest_offset; /* of its struct codec_rest, or 0 when it keeps none */
};

/* Fields that a later version appended: a view into what was decoded. */
struct codec_rest {
    struct bytes encoded;
    uint32_t count;
};

/* Appends the encoding of *value, a struct of that shape, to out. */
void codec_encode(const struct shape *shape, uint64_t tag, const void *value, struct buffer *out);
/*
 * Fills the stored members of *value; key members are left alone. Texts, bytes and the rest are views into `encoded`.
 * ERR_CORRUPT when `encoded` is not one such array from its first to its last byte; *value is then undefined.
 */
enum error codec_decode(const struct shape *shape, struct bytes encoded, uint64_t *tag, void *value);
/*
 * The same for the members whose bits are set in `wanted` (bit i: shape->fields[i]; key members' bits mean nothing):
 * what lies between is stepped over, what comes after the last one is not looked at. The other members are left alone.
 */
enum error codec_decode_some(const struct shape *shape, struct bytes encoded, uint64_t wanted, void *value);
/* The tag alone, without looking at the fields. */
enum error codec_tag(struct bytes encoded, uint64_t *tag);

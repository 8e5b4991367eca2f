#pragma once
/*
 * The records of records.def as structs: `struct visitor { struct id id; struct id org; struct bytes visitor_key; … }`.
 * Plain data; texts are views, and whoever fills the struct says how long they live.
 */
#include "core/codec.h"

#define RECORD(name, table, sql_name, use) struct name {
#define COMPUTED(record, type, member, json_name, show)
#define KEY(record, type, member, json_name, show) FIELD_C_##type member;
#define FIELD(record, type, member, json_name, show) FIELD_C_##type member;
#define END(name)           \
    struct codec_rest rest; \
    }                       \
    ;
#include "core/records.def"
#undef RECORD
#undef KEY
#undef COMPUTED
#undef FIELD
#undef END

enum record_kind {
#define RECORD(name, table, sql_name, use) RECORD_##table,
#define COMPUTED(record, type, member, json_name, show)
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef COMPUTED
#undef FIELD
#undef END
    RECORD_COUNT
};

/* The shape of each record: its name, key members and stored members, in order. */
extern const struct shape record_shapes[RECORD_COUNT];

/* The shapes of records.def: two lists of fields a record, the key's and the stored ones. */
#include "core/records.h"

#define RECORD(name, table, sql_name, use) static const struct field name##_fields[] = {
#define COMPUTED(record, type, member, json_name, show)
#define KEY(record, type, member, json_name, show) {json_name, FIELD_##type, true, offsetof(struct record, member)},
#define FIELD(record, type, member, json_name, show) {json_name, FIELD_##type, false, offsetof(struct record, member)},
#define END(name) \
    }             \
    ;
#include "core/records.def"
#undef RECORD
#undef KEY
#undef COMPUTED
#undef FIELD
#undef END

const struct shape record_shapes[RECORD_COUNT] = {
#define RECORD(name, table, sql_name, use)                                                                       \
    [RECORD_##table] = {#name, name##_fields, sizeof(name##_fields) / sizeof(struct field), sizeof(struct name), \
                        offsetof(struct name, rest)},
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
};

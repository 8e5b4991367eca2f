#pragma once
/* What the files of a scan share. Private to them. */
#include "scan.h"

union any_record {
#define RECORD(name, table, sql_name, use) struct name name;
#define KEY(record, type, member, json_name, show)
#define FIELD(record, type, member, json_name, show)
#define COMPUTED(record, type, member, json_name, show)
#define END(name)
#include "core/records.def"
#undef RECORD
#undef KEY
#undef FIELD
#undef COMPUTED
#undef END
};

/* One organisation's entries of an index of minutes. */
struct stream {
    struct id org;
    struct cursor *cursor;
    enum error error; /* ERR_NOT_FOUND: at its end */
    bool descending, has_entry;
    uint32_t minute;
    struct id id;
};

/* An entry of a run, and the record that it leads to. */
struct candidate {
    uint32_t minute;
    struct id id;
    int64_t time_ms;
    struct bytes value;
};

/* A record of SORTED, where it lies in the map; and its place in the order of time. */
struct sorted_record {
    const char *key, *value;
};
struct sorted_place {
    uint64_t time;
    uint32_t record, value_len;
};

struct scan {
    struct snapshot *snapshot;
    struct txn *txn;
    const struct schema *schema;
    const struct shape *shape;
    struct scan_request request;
    uint64_t fields; /* to decode, by their index in the shape */
    int org_field;   /* -1: the organisations themselves */

    bool is_fresh;          /* started, and not stepped yet */
    struct cursor *cursor;  /* of ALL, CONVERSATION and ORG */
    struct bytes before;    /* of ALL: the key of the entry before; keys out of order are damage */
    uint64_t entries;       /* of ALL: seen so far; fewer than the table has are damage */
    struct cursor *index;   /* of ORG */
    size_t next_org;        /* of KEY */
    struct id next;         /* of VISITOR */
    uint64_t steps_left;    /* of VISITOR: a chain that runs in a circle is damage */
    struct stream *streams; /* of TIME */
    size_t stream_count;
    struct candidate *run;
    size_t run_len, run_at, run_room, run_wanted;

    struct sorted_record *records; /* of SORTED */
    struct sorted_place *places;
    size_t place_count, place_at;

    union any_record row;
    bool has_activity;
    struct conversation_activity activity;
};

/* Decodes the row of an entry. OK, ERR_CORRUPT, or ERR_NOT_FOUND for a row that does not count. */
enum error scan_take_row(struct scan *scan, struct bytes key, struct bytes value);

/* ---- by time along the index of minutes (scan_time.c) ---- */

enum error scan_time_next(struct scan *scan);
void scan_time_close(struct scan *scan);

/* ---- by time over everything (scan_sorted.c) ---- */

enum error scan_sorted_next(struct scan *scan);
void scan_sorted_close(struct scan *scan);

#pragma once
/*
 * Rows of one table by the best way that LMDB has to them: this is what the virtual tables and the exports stand on.
 * A scan decodes only the columns asked for. Rows of deleted organisations are passed over. Main thread, within one
 * snapshot.
 */
#include "schema.h"
#include "snapshot.h"

/* A way to the rows of a table. Which tables know it is said behind it; the order of the rows is part of the contract.
 */
enum scan_path {
    SCAN_ALL,  /* every table: in key order (id; messages and notes: conversation, seq), between two ids */
    SCAN_ID,   /* tables whose key is an id: the one row */
    SCAN_KEY,  /* visitors by visitorKey, organizations by key: the row of one organisation, or of each */
    SCAN_TIME, /* visitors by lastSeenAt, conversations by updatedAt: in exact order of time, of one organisation or all
                */
    SCAN_SORTED,       /* visitors by lastSeenAt: all of them, in exact order, without the index */
    SCAN_VISITOR,      /* conversations of a visitor: along the chain, the newest first */
    SCAN_CONVERSATION, /* messages, or notes, of a conversation: in order of seq */
    SCAN_ORG,          /* messages of one organisation, conversation by conversation, in no order */
};

struct scan_request {
    enum scan_path path;
    uint32_t columns;         /* bit i: column i of the schema will be asked for */
    bool descending;          /* ALL and TIME */
    struct id id;             /* ID; the visitor of VISITOR; the conversation of CONVERSATION */
    struct id id_min, id_max; /* ALL, both included, of the table's first id; all zero and ID_MAX: everything */
    bool has_org;
    struct id org;                    /* KEY, TIME: of one organisation, if has_org; ORG */
    struct bytes key;                 /* KEY; must live as long as the scan is not started again */
    int64_t time_min_ms, time_max_ms; /* TIME, both included */
};

/* More visitors than that are not sorted in memory: the caller takes another path. */
#define SCAN_SORTED_ROWS_MAX 1250000

#define ID_MAX ((struct id){{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}})

/* A request for every row of a table. */
struct scan_request scan_everything(uint32_t columns);

/* The time of the first and the last entry of the index that SCAN_TIME goes along, to the minute, for estimates; false
 * when it is empty or has too many organisations for a quick look (SCAN_SPAN_ORGS_MAX). */
#define SCAN_SPAN_ORGS_MAX 64
bool scan_time_span(struct snapshot *snapshot, const struct schema *schema, int64_t *first_ms, int64_t *last_ms);

struct scan;
struct scan *scan_open(struct snapshot *snapshot, const struct schema *schema);
void scan_close(struct scan *scan);

/* Begins again with this request. */
void scan_start(struct scan *scan, const struct scan_request *request);
/* To the next row. ERR_NOT_FOUND behind the last one; ERR_CORRUPT when a record is damaged (it has been logged). */
enum error scan_next(struct scan *scan);

/* ---- the columns of the row ---- */

enum value_type { VALUE_NULL, VALUE_ID, VALUE_TEXT, VALUE_TIME, VALUE_UINT, VALUE_BOOL };

struct value {
    enum value_type type;
    union {
        struct id id;
        struct bytes text; /* a view into the map, UTF-8 */
        int64_t time_ms;
        uint64_t number;
        bool flag;
    };
};

/* One of the columns that the request named. ERR_CORRUPT when a computed one can't be read. */
enum error scan_value(struct scan *scan, unsigned column, struct value *out);

/* For a walk over messages beside one over conversations: what a look-up would tell about the conversation of this row,
 * the ordinal of its last message and that one's time. An ordinal of 0: it has none. */
void scan_tell_last_message(struct scan *conversations, uint64_t ordinal, int64_t at_ms);

/* "2026-01-31 23:59:59.999": 23 characters, without a NUL. The form of SQL, here and in PostgreSQL. */
#define SQL_TIME_LEN 23
void sql_time_format(int64_t time_ms, char out[SQL_TIME_LEN]);

/*
 * Rows in order of time along an index of minutes, in which stale entries are allowed: takes a run of whole minutes (a
 * few entries at first, so that a LIMIT is answered at once; thousands later), looks their records up in order of id,
 * since neighbours then share pages, drops what is stale, and hands the run out in exact order of time. Several
 * organisations are merged minute by minute.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scan_private.h"

#define RUN_ENTRIES_FIRST 64
#define RUN_ENTRIES_MAX 8192

/* ---- streams ------------------------------------------------------------------------------------------- */

static enum table index_of(const struct scan *scan)
{
    return scan->schema->kind == RECORD_VISITORS ? TABLE_VISITOR_BY_SEEN : TABLE_CONVERSATION_BY_UPDATED;
}

/* Notes what the cursor found, if it is still the organisation's. */
static void stream_take(struct stream *stream, enum error error, struct bytes key)
{
    size_t offset = ID_LEN;
    stream->error = error;
    if (error != OK)
        return;
    if (key.len != 2 * ID_LEN + 4 || memcmp(key.data, stream->org.bytes, ID_LEN) != 0) {
        stream->error = ERR_NOT_FOUND;
        return;
    }
    uint32_t minute = key_get_u32(key, &offset);
    struct id id = key_get_id(key, &offset);
    int order =
        minute != stream->minute ? (minute < stream->minute ? -1 : 1) : memcmp(id.bytes, stream->id.bytes, ID_LEN);
    if (stream->has_entry && (stream->descending ? order >= 0 : order <= 0)) {
        stream->error = ERR_CORRUPT; /* keys out of order: LMDB's own structure is damaged */
        return;
    }
    stream->minute = minute;
    stream->id = id;
    stream->has_entry = true;
}

static uint32_t bound_minute(int64_t time_ms)
{
    return time_ms < 0 ? 0 : minute_of(time_ms > TIME_MS_MAX ? TIME_MS_MAX : time_ms);
}

static void stream_begin(const struct scan *scan, struct stream *stream)
{
    struct key bound;
    struct bytes key;
    bool descending = scan->request.descending;
    uint32_t minute =
        descending ? bound_minute(scan->request.time_max_ms) + 1 : bound_minute(scan->request.time_min_ms);
    key_clear(&bound);
    key_put_id(&bound, stream->org);
    key_put_u32(&bound, minute);
    enum error error = (descending ? cursor_seek_before : cursor_seek)(stream->cursor, key_view(&bound), &key, NULL);
    stream_take(stream, error, key);
}

static void stream_step(const struct scan *scan, struct stream *stream)
{
    struct bytes key;
    enum error error = (scan->request.descending ? cursor_previous : cursor_next)(stream->cursor, &key, NULL);
    stream_take(stream, error, key);
}

static bool is_beyond(const struct scan *scan, uint32_t minute)
{
    return scan->request.descending ? minute < bound_minute(scan->request.time_min_ms)
                                    : minute > bound_minute(scan->request.time_max_ms);
}

void scan_time_close(struct scan *scan)
{
    for (size_t i = 0; i < scan->stream_count; ++i)
        cursor_close(scan->streams[i].cursor);
    free(scan->streams);
    free(scan->run);
    scan->streams = NULL;
    scan->run = NULL;
    scan->stream_count = scan->run_len = scan->run_at = scan->run_room = 0;
}

static void streams_open(struct scan *scan)
{
    const struct snapshot *snapshot = scan->snapshot;
    size_t count = scan->request.has_org ? snapshot_has_org(snapshot, scan->request.org) : snapshot->org_count;
    scan_time_close(scan);
    scan->streams = calloc(count + 1, sizeof(*scan->streams));
    if (scan->streams == NULL)
        abort();
    for (size_t i = 0; i < count; ++i) {
        struct stream *stream = &scan->streams[i];
        stream->org = scan->request.has_org ? scan->request.org : snapshot->orgs[i].id;
        stream->cursor = cursor_open(scan->txn, index_of(scan));
        stream->descending = scan->request.descending;
        stream_begin(scan, stream);
    }
    scan->stream_count = count;
}

/* The next minute in the order of the scan that any stream has; ERR_NOT_FOUND when all are at their end. */
static enum error next_minute(const struct scan *scan, uint32_t *out)
{
    bool found = false;
    for (size_t i = 0; i < scan->stream_count; ++i) {
        const struct stream *stream = &scan->streams[i];
        if (stream->error != OK && stream->error != ERR_NOT_FOUND)
            return stream->error;
        if (stream->error != OK || is_beyond(scan, stream->minute))
            continue;
        if (!found || (scan->request.descending ? stream->minute > *out : stream->minute < *out))
            *out = stream->minute;
        found = true;
    }
    return found ? OK : ERR_NOT_FOUND;
}

/* ---- runs ---------------------------------------------------------------------------------------------- */

static void run_add(struct scan *scan, const struct stream *stream)
{
    if (scan->run_len == scan->run_room) {
        scan->run_room = scan->run_room == 0 ? RUN_ENTRIES_FIRST : 2 * scan->run_room;
        scan->run = realloc(scan->run, scan->run_room * sizeof(*scan->run));
        if (scan->run == NULL)
            abort();
    }
    scan->run[scan->run_len++] = (struct candidate){.minute = stream->minute, .id = stream->id};
}

/* Whole minutes, until there are enough entries. */
static enum error run_gather(struct scan *scan)
{
    uint32_t minute = 0;
    enum error error = OK;
    scan->run_len = scan->run_at = 0;
    while (scan->run_len < scan->run_wanted && (error = next_minute(scan, &minute)) == OK)
        for (size_t i = 0; i < scan->stream_count; ++i)
            for (struct stream *stream = &scan->streams[i]; stream->error == OK && stream->minute == minute;
                 stream_step(scan, stream))
                run_add(scan, stream);
    scan->run_wanted = scan->run_wanted < RUN_ENTRIES_MAX ? 4 * scan->run_wanted : RUN_ENTRIES_MAX;
    if (error == ERR_NOT_FOUND && scan->run_len != 0)
        error = OK;
    return error;
}

static int compare_id(const void *a, const void *b)
{
    return memcmp(((const struct candidate *)a)->id.bytes, ((const struct candidate *)b)->id.bytes, ID_LEN);
}

static int compare_time(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    return left->time_ms != right->time_ms ? (left->time_ms < right->time_ms ? -1 : 1) : compare_id(a, b);
}

static int compare_time_descending(const void *a, const void *b)
{
    return compare_time(b, a);
}

/* The time by which the row of a candidate is sorted. */
static enum error candidate_time(struct scan *scan, struct candidate *candidate)
{
    union any_record record;
    struct conversation_activity activity;
    struct bytes key = bytes_view(candidate->id.bytes, ID_LEN);
    enum error error = table_get(scan->txn, scan->schema->table, key, &candidate->value);
    if (error != OK)
        return error;
    if (scan->schema->kind == RECORD_VISITORS) {
        error = codec_decode_some(scan->shape, candidate->value, scan->fields, &record);
        candidate->time_ms = record.visitor.last_seen_at_ms;
        return error;
    }
    record.conversation.id = candidate->id;
    error = record_decode(RECORD_CONVERSATIONS, candidate->value, &record.conversation);
    if (error == OK)
        error = conversation_activity(scan->txn, &record.conversation, &activity);
    candidate->time_ms = error == OK ? activity.updated_at_ms : 0;
    return error;
}

/* Looks the records up and keeps what is not stale and within the bounds. */
static enum error run_resolve(struct scan *scan)
{
    size_t kept = 0;
    qsort(scan->run, scan->run_len, sizeof(*scan->run), compare_id);
    for (size_t i = 0; i < scan->run_len; ++i) {
        struct candidate candidate = scan->run[i];
        enum error error = candidate_time(scan, &candidate);
        if (error == ERR_NOT_FOUND)
            continue;
        if (error != OK)
            return error;
        if (minute_of(candidate.time_ms) == candidate.minute && candidate.time_ms >= scan->request.time_min_ms &&
            candidate.time_ms <= scan->request.time_max_ms)
            scan->run[kept++] = candidate;
    }
    scan->run_len = kept;
    qsort(scan->run, kept, sizeof(*scan->run), scan->request.descending ? compare_time_descending : compare_time);
    return OK;
}

enum error scan_time_next(struct scan *scan)
{
    if (scan->is_fresh) {
        streams_open(scan);
        scan->run_wanted = RUN_ENTRIES_FIRST;
        scan->is_fresh = false;
    }
    for (;;) {
        enum error error = OK;
        while (scan->run_at == scan->run_len && error == OK) {
            error = run_gather(scan);
            if (error == OK)
                error = run_resolve(scan);
        }
        if (error != OK)
            return error;
        const struct candidate *candidate = &scan->run[scan->run_at++];
        error = scan_take_row(scan, bytes_view(candidate->id.bytes, ID_LEN), candidate->value);
        if (error != ERR_NOT_FOUND)
            return error;
    }
}

/* ---- estimates -------------------------------------------------------------------------------------------------- */

/* Widens the span by one organisation's first or last entry. */
static void widen_span(struct scan *scan, struct id org, bool descending, int64_t *first_ms, int64_t *last_ms)
{
    struct stream stream = {.org = org, .cursor = cursor_open(scan->txn, index_of(scan)), .descending = descending};
    scan->request.descending = descending;
    stream_begin(scan, &stream);
    int64_t time_ms = (int64_t)stream.minute * 60000;
    if (stream.error == OK && time_ms < *first_ms)
        *first_ms = time_ms;
    if (stream.error == OK && time_ms > *last_ms)
        *last_ms = time_ms;
    cursor_close(stream.cursor);
}

bool scan_time_span(struct snapshot *snapshot, const struct schema *schema, int64_t *first_ms, int64_t *last_ms)
{
    struct scan *scan = scan_open(snapshot, schema);
    scan->request.time_min_ms = 0;
    scan->request.time_max_ms = TIME_MS_MAX;
    *first_ms = INT64_MAX;
    *last_ms = INT64_MIN;
    for (size_t i = 0; i < snapshot->org_count && snapshot->org_count <= SCAN_SPAN_ORGS_MAX; ++i) {
        widen_span(scan, snapshot->orgs[i].id, false, first_ms, last_ms);
        widen_span(scan, snapshot->orgs[i].id, true, first_ms, last_ms);
    }
    scan_close(scan);
    return *first_ms <= *last_ms;
}

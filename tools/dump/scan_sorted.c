/*
 * All visitors in order of lastSeenAt, without the index: one walk in key order that notes where each record lies and
 * its time, a radix sort of these notes, and the records in that order. For questions about everybody this is several
 * times faster than a look-up for each entry of the index. Bounded by SCAN_SORTED_ROWS_MAX, 48 bytes a row.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scan_private.h"

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)
#define AHEAD 12 /* rows whose record is fetched into the cache while earlier ones are given out */

static void *allocate(size_t count, size_t size)
{
    void *memory = malloc((count + 1) * size);
    if (memory == NULL)
        abort();
    return memory;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static enum error gather(struct scan *scan)
{
    struct visitor visitor;
    struct bytes key, value;
    struct cursor *cursor = cursor_open(scan->txn, TABLE_VISITORS);
    size_t room = table_rows(scan->txn, TABLE_VISITORS);
    scan->records = allocate(room, sizeof(*scan->records));
    scan->places = allocate(room, sizeof(*scan->places));
    scan->place_count = 0;
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && scan->place_count < room; error = cursor_next(cursor, &key, &value)) {
        error = codec_decode_some(scan->shape, value, scan->fields, &visitor);
        if (error != OK)
            break;
        uint32_t record = (uint32_t)scan->place_count++;
        scan->records[record] = (struct sorted_record){key.data, value.data};
        scan->places[record] = (struct sorted_place){(uint64_t)visitor.last_seen_at_ms, record, (uint32_t)value.len};
    }
    cursor_close(cursor);
    if (error == ERR_NOT_FOUND && scan->place_count == room)
        return OK;
    return error == OK || error == ERR_NOT_FOUND ? ERR_CORRUPT : error; /* not as many as the table says it has */
}

/* ---- sorting ----------------------------------------------------------------------------------------------------- */

/* One stable pass by the digit at `shift`. False when all have the same digit, and nothing was moved. */
static bool sort_by_digit(const struct sorted_place *from, struct sorted_place *to, size_t count, unsigned shift)
{
    size_t counts[DIGITS] = {0}, begin = 0;
    for (size_t i = 0; i < count; ++i)
        ++counts[from[i].time >> shift & (DIGITS - 1)];
    if (counts[from[0].time >> shift & (DIGITS - 1)] == count)
        return false;
    for (size_t digit = 0; digit < DIGITS; ++digit) {
        size_t here = counts[digit];
        counts[digit] = begin;
        begin += here;
    }
    for (size_t i = 0; i < count; ++i)
        to[counts[from[i].time >> shift & (DIGITS - 1)]++] = from[i];
    return true;
}

/* Rows of one time stay in the order of their ids, in which they were gathered. */
static void sort(struct scan *scan)
{
    struct sorted_place *spare = allocate(scan->place_count, sizeof(*spare));
    for (unsigned shift = 0; scan->place_count != 0 && shift < 64; shift += DIGIT_BITS) {
        if (!sort_by_digit(scan->places, spare, scan->place_count, shift))
            continue;
        struct sorted_place *sorted = spare;
        spare = scan->places;
        scan->places = sorted;
    }
    free(spare);
}

/* ---- giving out -------------------------------------------------------------------------------------------------- */

static const struct sorted_place *place_at(const struct scan *scan, size_t at)
{
    return &scan->places[scan->request.descending ? scan->place_count - 1 - at : at];
}

static void fetch_ahead(const struct scan *scan)
{
    if (scan->place_at + 2 * AHEAD >= scan->place_count)
        return;
    __builtin_prefetch(&scan->records[place_at(scan, scan->place_at + 2 * AHEAD)->record]);
    const char *value = scan->records[place_at(scan, scan->place_at + AHEAD)->record].value;
    __builtin_prefetch(value);
    __builtin_prefetch(value + 64);
    __builtin_prefetch(value + 128);
}

enum error scan_sorted_next(struct scan *scan)
{
    if (scan->is_fresh) {
        scan->is_fresh = false;
        scan_sorted_close(scan);
        enum error error = gather(scan);
        if (error != OK)
            return error;
        sort(scan);
    }
    while (scan->place_at < scan->place_count) {
        fetch_ahead(scan);
        const struct sorted_place *place = place_at(scan, scan->place_at++);
        const struct sorted_record *record = &scan->records[place->record];
        enum error error =
            scan_take_row(scan, bytes_view(record->key, ID_LEN), bytes_view(record->value, place->value_len));
        if (error != ERR_NOT_FOUND)
            return error;
    }
    return ERR_NOT_FOUND;
}

void scan_sorted_close(struct scan *scan)
{
    free(scan->records);
    free(scan->places);
    scan->records = NULL;
    scan->places = NULL;
    scan->place_count = scan->place_at = 0;
}

/*
 * Time zones for SQL. Each function is called once a row, ten million times in a large report, so it costs no
 * allocation: the zone of the last call is kept, and zone.h keeps its offsets.
 */
#include "functions.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"

#define DAY_MS 86400000
#define DAY_LEN 10   /* "2026-01-31" */
#define MONTH_LEN 7  /* "2026-01" */
#define LOCAL_LEN 23 /* "2026-01-31 23:59:59.999" */

const struct function_spec function_specs[] = {
    {"local_time", "time, zone", "the time in that zone: '2026-01-31 23:59:59.999'"},
    {"local_day", "time, zone", "its day there: '2026-01-31'"},
    {"local_week", "time, zone", "the Monday of its week there: '2026-01-26'"},
    {"local_month", "time, zone", "its month there: '2026-01'"},
    {"seconds_between", "from, to", "to minus from, with decimals"},
    {"days_between", "from, to", "from one day to another, as local_day and local_week give them"},
    {NULL, NULL, NULL},
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* A time as the tables have it, or as SQLite's own functions give it; a day alone is its beginning. */
static bool read_time(sqlite3_value *value, int64_t *out)
{
    char whole[DAY_LEN + 9];
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return false;
    const char *text = (const char *)sqlite3_value_text(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    if (len != DAY_LEN)
        return time_parse(bytes_view(text, len), out);
    memcpy(whole, text, DAY_LEN);
    memcpy(whole + DAY_LEN, " 00:00:00", 9);
    return time_parse(bytes_view(whole, sizeof(whole)), out);
}

/* The zone of an argument; NULL once the error has been given. */
static struct zone *read_zone(sqlite3_context *context, sqlite3_value *value)
{
    static char last_name[64];
    static struct zone *last;
    char why[ZONE_WHY_LEN];
    const char *name = (const char *)sqlite3_value_text(value);
    if (name == NULL)
        name = "";
    if (last != NULL && strcmp(name, last_name) == 0)
        return last;
    struct zone *zone = zone_find(name, why);
    if (zone == NULL) {
        sqlite3_result_error(context, why, -1);
        return NULL;
    }
    snprintf(last_name, sizeof(last_name), "%s", name);
    last = zone;
    return zone;
}

/* The time of the first argument on clocks of the zone of the second. False: the result has been given. */
static bool read_local(sqlite3_context *context, sqlite3_value **values, int64_t *out)
{
    int64_t time_ms;
    if (sqlite3_value_type(values[1]) == SQLITE_NULL)
        return false;
    struct zone *zone = read_zone(context, values[1]);
    if (zone == NULL || !read_time(values[0], &time_ms))
        return false;
    *out = time_ms + zone_offset_ms(zone, time_ms);
    return *out >= TIME_MS_MIN && *out <= TIME_MS_MAX;
}

/* ---- the functions ---------------------------------------------------------------------------------------------- */

static void give(sqlite3_context *context, int64_t local_ms, int len)
{
    char text[TIME_TEXT_LEN];
    time_format(local_ms, text);
    text[DAY_LEN] = ' ';
    sqlite3_result_text(context, text, len, SQLITE_TRANSIENT);
}

static void local_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t local_ms;
    (void)count;
    if (read_local(context, values, &local_ms))
        give(context, local_ms, LOCAL_LEN);
}

static void local_day(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t local_ms;
    (void)count;
    if (read_local(context, values, &local_ms))
        give(context, local_ms, DAY_LEN);
}

/* 1970-01-01 was a Thursday, three days after the Monday of its week. */
static void local_week(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t local_ms;
    (void)count;
    if (!read_local(context, values, &local_ms))
        return;
    int64_t week_ms = INT64_C(7) * DAY_MS, into_ms = (local_ms + INT64_C(3) * DAY_MS) % week_ms;
    local_ms -= into_ms < 0 ? into_ms + week_ms : into_ms;
    if (local_ms >= TIME_MS_MIN)
        give(context, local_ms, DAY_LEN);
}

static void local_month(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t local_ms;
    (void)count;
    if (read_local(context, values, &local_ms))
        give(context, local_ms, MONTH_LEN);
}

static void seconds_between(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t from_ms, to_ms;
    (void)count;
    if (read_time(values[0], &from_ms) && read_time(values[1], &to_ms))
        sqlite3_result_double(context, (double)(to_ms - from_ms) / 1000);
}

static void days_between(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t from_ms, to_ms;
    (void)count;
    if (sqlite3_value_bytes(values[0]) == DAY_LEN && sqlite3_value_bytes(values[1]) == DAY_LEN &&
        read_time(values[0], &from_ms) && read_time(values[1], &to_ms))
        sqlite3_result_int64(context, (to_ms - from_ms) / DAY_MS);
}

/* ---- registering ------------------------------------------------------------------------------------------------ */

void functions_register(sqlite3 *connection)
{
    static void (*const calls[])(sqlite3_context *, int, sqlite3_value **) = {
        local_time, local_day, local_week, local_month, seconds_between, days_between};
    for (size_t i = 0; function_specs[i].name != NULL; ++i)
        if (sqlite3_create_function_v2(connection, function_specs[i].name, 2,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, calls[i], NULL,
                                       NULL, NULL) != SQLITE_OK)
            abort();
}

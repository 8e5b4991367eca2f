/* Moments as people write them. A time without an offset is one of the zone that was set; what it means where clocks
 * change is told in zone.h. */
#include "period.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define TEXT_LEN_MAX 40
#define COUNT_MAX 1000000 /* of days, hours or weeks */

_Static_assert(ZONE_WHY_LEN <= PERIOD_WHY_LEN, "a sentence about a zone has room");

static struct zone *set_zone;

bool period_set_zone(const char *name, char why[PERIOD_WHY_LEN])
{
    struct zone *zone = zone_find(name, why);
    if (zone != NULL)
        set_zone = zone;
    return zone != NULL;
}

static struct zone *zone_in_use(void)
{
    char why[ZONE_WHY_LEN];
    if (set_zone == NULL)
        set_zone = zone_find("UTC", why);
    return set_zone;
}

int period_offset_minutes(int64_t time_ms)
{
    return (int)(zone_offset_ms(zone_in_use(), time_ms) / 60000);
}

/* "30d", "12h", "4w". */
static bool parse_ago(const char *text, int64_t now_ms, int64_t *out)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'h', HOUR_MS}, {'d', DAY_MS}, {'w', 7 * DAY_MS}};
    uint64_t count;
    size_t len = strlen(text);
    if (len < 2 || !parse_uint(bytes_view(text, len - 1), 0, COUNT_MAX, &count))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); ++i) {
        if (text[len - 1] == units[i].letter) {
            *out = now_ms - (int64_t)count * units[i].ms;
            return true;
        }
    }
    return false;
}

/* Fills in what may be left out of "2026-01-31 14:30:59.999+03:00", so that time_parse can read it. */
static bool parse_moment(const char *text, bool *is_day, bool *has_offset, int64_t *out)
{
    char whole[TEXT_LEN_MAX + 16];
    size_t len = strlen(text), time_len = len > 11 ? strcspn(text + 11, "Z+-") : 0;
    *is_day = len == 10;
    *has_offset = !*is_day && len > 11 + time_len;
    if (len > TEXT_LEN_MAX)
        return false;
    if (*is_day)
        snprintf(whole, sizeof(whole), "%s 00:00:00", text);
    else
        snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(11 + time_len), text, time_len == 5 ? ":00" : "",
                 *has_offset ? text + 11 + time_len : "");
    return (*is_day || time_len >= 5) && time_parse(bytes_of_string(whole), out);
}

bool period_parse(const char *text, int64_t now_ms, bool to_end, int64_t *out, char why[PERIOD_WHY_LEN])
{
    int64_t time_ms;
    bool is_day = false, has_offset = true;
    if (!parse_ago(text, now_ms, &time_ms) && !parse_moment(text, &is_day, &has_offset, &time_ms)) {
        snprintf(why, PERIOD_WHY_LEN,
                 "\"%.40s\" is no time; 2026-01-31, \"2026-01-31 14:30\", 2026-01-31T14:30:00Z or 30d (thirty days "
                 "ago) would be one",
                 text);
        return false;
    }
    if (is_day && to_end)
        time_ms += DAY_MS;
    if (!has_offset)
        time_ms = zone_moment_ms(zone_in_use(), time_ms);
    if (is_day && to_end && time_ms > TIME_MS_MAX && time_ms <= TIME_MS_MAX + DAY_MS)
        time_ms = TIME_MS_MAX; /* the last day of all has no next one */
    if (time_ms < TIME_MS_MIN || time_ms > TIME_MS_MAX) {
        snprintf(why, PERIOD_WHY_LEN, "\"%.40s\" lies outside of the years 0 to 9999", text);
        return false;
    }
    *out = time_ms;
    return true;
}

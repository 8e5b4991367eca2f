#pragma once
/*
 * --since, --until and --tz: moments as people write them, in a time zone as people name it. The zone of the process is
 * set once (period_set_zone), before anything asks. Main thread.
 */
#include <stdbool.h>
#include <stdint.h>

#define PERIOD_WHY_LEN 256

/* "UTC", "+03:00" or a name of the system's tz database such as "Europe/Istanbul". False with a sentence. */
bool period_set_zone(const char *name, char why[PERIOD_WHY_LEN]);
/* Minutes to add to UTC at that moment in the zone that was set. */
int period_offset_minutes(int64_t time_ms);
/*
 * "2026-01-31", "2026-01-31 14:30", "2026-01-31 14:30:59.999" (in the zone), the same with "T", and with "Z" or an
 * offset behind it; "30d", "12h", "4w": that long before now_ms. A day alone is its beginning, or with `to_end` the
 * beginning of the next one, so that --until 2026-01-31 has the whole day. False with a sentence.
 */
bool period_parse(const char *text, int64_t now_ms, bool to_end, int64_t *out, char why[PERIOD_WHY_LEN]);

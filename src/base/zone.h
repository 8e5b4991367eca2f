#pragma once
/*
 * Time zones by name: how far local time is from UTC at a moment, and back. What was found stays for the life of the
 * process. One thread of the program, the same all the time (a server's loop 0): the C library knows one zone at a
 * time, which is switched here (the variable TZ).
 */
#include <stdbool.h>
#include <stdint.h>

#define ZONE_WHY_LEN 256

struct zone;

/* "UTC", an offset such as "+03:00", or a name of the system's tz database such as "Europe/Istanbul". NULL with a
 * sentence. */
struct zone *zone_find(const char *name, char why[ZONE_WHY_LEN]);
/* Whether zone_find would find it. Any thread. */
bool zone_is_known(const char *name, char why[ZONE_WHY_LEN]);
/* Milliseconds to add to UTC at that moment. Cheap for moments of the same few thousand days. */
int64_t zone_offset_ms(struct zone *zone, int64_t time_ms);
/*
 * The moment at which clocks of the zone show local_ms (milliseconds since 1970 as those clocks count). Of two such
 * moments the first; when clocks skip it, as long after the jump as it lies within the gap.
 */
int64_t zone_moment_ms(struct zone *zone, int64_t local_ms);

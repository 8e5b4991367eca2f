#pragma once
/*
 * Hours of a week, as people write them: "Europe/Istanbul mon-fri 09:00-18:00, sat 10:00-14:00". A time zone first
 * (base/zone.h), then days with times; days are mon tue wed thu fri sat sun, a time may go over midnight ("fri
 * 22:00-02:00"), 24:00 is a day's end. Pure functions; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"

#define HOURS_SPANS_MAX 64 /* in one week */
#define HOURS_ZONE_LEN_MAX 64

struct hours {
    char zone[HOURS_ZONE_LEN_MAX + 1];
    unsigned span_count;
    struct {
        uint16_t from, to; /* minutes since Monday 00:00, `to` not included; to > from, and at most a week's end */
    } spans[HOURS_SPANS_MAX];
};

/* False with a sentence (static) in *why. Whether the zone exists is not asked. */
bool hours_parse(struct bytes text, struct hours *out, const char **why);
/* Whether it is within the hours when clocks of the zone show local_ms (milliseconds since 1970 as they count). */
bool hours_is_open(const struct hours *hours, int64_t local_ms);
/* How many milliseconds later it is first within the hours; 0: it is now. -1: never. */
int64_t hours_until_open_ms(const struct hours *hours, int64_t local_ms);

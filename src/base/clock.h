#pragma once
/* Time as the program knows it: UTC milliseconds since 1970 inside, ISO 8601 with milliseconds and Z outside. Any
 * thread. */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* "2026-01-31T23:59:59.999Z" */
#define TIME_TEXT_LEN 24
/* Milliseconds of the year 0 and of the end of the year 9999: what TIME_TEXT_LEN can hold. */
#define TIME_MS_MIN (-62167219200000)
#define TIME_MS_MAX 253402300799999

/* The wall clock, UTC milliseconds. */
int64_t clock_now_ms(void);
/* A clock that never steps; nanoseconds since some start. */
uint64_t clock_monotonic_ns(void);
/* Writes exactly TIME_TEXT_LEN characters, without a NUL. time_ms must lie within the bounds above. */
void time_format(int64_t time_ms, char out[TIME_TEXT_LEN]);
/*
 * Reads "2026-01-31 23:59:59" as PostgreSQL and SQL write it: with "T" in place of the space or not, with one to nine
 * digits of a fraction (cut to milliseconds), with "Z" or an offset such as +00, +0330, +03:30 or +03:30:00 behind it.
 * Without one it is UTC. False when it is of another form, names no moment, or lies outside the bounds above; *out is
 * left as it was.
 */
bool time_parse(struct bytes text, int64_t *out);

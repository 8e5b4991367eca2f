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

/* Civil dates by Howard Hinnant's days-from-civil algorithm (http://howardhinnant.github.io/date_algorithms.html): gmtime
 * would do, but costs a lock and ten times as much, and each message in an answer carries a time. */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

#define DAY_MS 86400000

int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void put_digits(char *out, unsigned value, int count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void time_format(int64_t time_ms, char out[TIME_TEXT_LEN])
{
    assert(time_ms >= TIME_MS_MIN && time_ms <= TIME_MS_MAX);
    int64_t days = time_ms / DAY_MS, rest = time_ms % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        --days;
    }
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    unsigned year = (unsigned)(year_of_era + (unsigned)(era * 400)) + (month <= 2);
    unsigned ms = (unsigned)rest;
    memcpy(out, "0000-00-00T00:00:00.000Z", TIME_TEXT_LEN);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, ms / 3600000, 2);
    put_digits(out + 14, ms / 60000 % 60, 2);
    put_digits(out + 17, ms / 1000 % 60, 2);
    put_digits(out + 20, ms % 1000, 3);
}

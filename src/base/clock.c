/* Civil dates by Howard Hinnant's days-from-civil algorithm (http://howardhinnant.github.io/date_algorithms.html):
 * gmtime would do, but costs a lock and ten times as much, and each message in an answer carries a time. */
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

static inline void put_two(char *out, unsigned value)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    memcpy(out, pairs + 2 * (size_t)value, 2);
}

static void put_date(int64_t days, char *out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    unsigned year = (unsigned)(year_of_era + (unsigned)(era * 400)) + (month <= 2);
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    out[4] = '-';
    put_two(out + 5, month);
    out[7] = '-';
    put_two(out + 8, day_of_year - (153 * month_from_march + 2) / 5 + 1);
}

static void put_time_of_day(unsigned ms, char *out)
{
    unsigned seconds = ms / 1000, minutes = seconds / 60;
    out[0] = 'T';
    put_two(out + 1, minutes / 60);
    out[3] = ':';
    put_two(out + 4, minutes % 60);
    out[6] = ':';
    put_two(out + 7, seconds % 60);
    out[9] = '.';
    out[10] = (char)('0' + ms % 1000 / 100);
    put_two(out + 11, ms % 100);
    out[13] = 'Z';
}

void time_format(int64_t time_ms, char out[TIME_TEXT_LEN])
{
    assert(time_ms >= TIME_MS_MIN && time_ms <= TIME_MS_MAX);
    int64_t days = time_ms / DAY_MS, rest = time_ms % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        --days;
    }
    put_date(days, out);
    put_time_of_day((unsigned)rest, out + 10);
}

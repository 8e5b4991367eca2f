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

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Takes `count` digits off the front. */
static bool take_digits(struct bytes *rest, unsigned count, int64_t *out)
{
    int64_t number = 0;
    if (rest->len < count)
        return false;
    for (unsigned i = 0; i < count; ++i) {
        unsigned digit = (unsigned)(unsigned char)rest->data[i] - '0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *rest = bytes_view(rest->data + count, rest->len - count);
    *out = number;
    return true;
}

static bool take_char(struct bytes *rest, char character)
{
    if (rest->len == 0 || rest->data[0] != character)
        return false;
    *rest = bytes_view(rest->data + 1, rest->len - 1);
    return true;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool take_date(struct bytes *rest, int64_t *ms)
{
    int64_t year, month, day;
    if (!take_digits(rest, 4, &year) || !take_char(rest, '-') || !take_digits(rest, 2, &month) ||
        !take_char(rest, '-') || !take_digits(rest, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month))
        return false;
    *ms = days_of_date(year, month, day) * DAY_MS;
    return true;
}

static bool take_time_of_day(struct bytes *rest, int64_t *ms)
{
    int64_t hour, minute, second;
    if (!take_digits(rest, 2, &hour) || !take_char(rest, ':') || !take_digits(rest, 2, &minute) ||
        !take_char(rest, ':') || !take_digits(rest, 2, &second) || hour > 23 || minute > 59 || second > 59)
        return false;
    *ms += ((hour * 60 + minute) * 60 + second) * 1000;
    return true;
}

static bool take_fraction(struct bytes *rest, int64_t *ms)
{
    int64_t digit, unit = 100;
    unsigned count = 0;
    if (!take_char(rest, '.'))
        return true;
    for (; count < 9 && take_digits(rest, 1, &digit); ++count, unit /= 10)
        *ms += digit * unit;
    return count != 0;
}

/* A part of an offset, with a colon before it or not; 0 when nothing is left. */
static bool take_offset_part(struct bytes *rest, int64_t *out)
{
    *out = 0;
    if (rest->len == 0)
        return true;
    take_char(rest, ':');
    return take_digits(rest, 2, out) && *out <= 59;
}

static bool take_offset(struct bytes *rest, int64_t *ms)
{
    int64_t hours, minutes, seconds;
    if (rest->len == 0 || take_char(rest, 'Z'))
        return true;
    bool is_west = take_char(rest, '-');
    if ((!is_west && !take_char(rest, '+')) || !take_digits(rest, 2, &hours) || hours > 23 ||
        !take_offset_part(rest, &minutes) || !take_offset_part(rest, &seconds))
        return false;
    int64_t offset_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    *ms += is_west ? offset_ms : -offset_ms;
    return true;
}

bool time_parse(struct bytes text, int64_t *out)
{
    int64_t ms;
    if (!take_date(&text, &ms) || (!take_char(&text, ' ') && !take_char(&text, 'T')) || !take_time_of_day(&text, &ms) ||
        !take_fraction(&text, &ms) || !take_offset(&text, &ms) || text.len != 0 || ms < TIME_MS_MIN || ms > TIME_MS_MAX)
        return false;
    *out = ms;
    return true;
}

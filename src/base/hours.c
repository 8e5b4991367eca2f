#include "base/hours.h"

#define DAY_MINUTES 1440
#define WEEK_MINUTES (7 * DAY_MINUTES)
#define MINUTE_MS 60000
#define DAYS_LEN 3 /* of a day's name */

/* ---- reading ---- */

struct text {
    const char *at, *end;
};

static void skip_blanks(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == ','))
        ++text->at;
}

static bool take(struct text *text, char c)
{
    bool is_there = text->at < text->end && *text->at == c;
    text->at += is_there;
    return is_there;
}

static bool take_zone(struct text *text, char out[HOURS_ZONE_LEN_MAX + 1])
{
    size_t len = 0;
    skip_blanks(text);
    while (text->at < text->end && *text->at != ' ' && *text->at != ',') {
        if (len == HOURS_ZONE_LEN_MAX)
            return false;
        out[len++] = *text->at++;
    }
    out[len] = '\0';
    return len != 0;
}

/* 0 is Monday; letters count in either case. */
static bool take_day(struct text *text, unsigned *out)
{
    static const char names[] = "montuewedthufrisatsun";
    if (text->end - text->at < DAYS_LEN)
        return false;
    for (unsigned day = 0; day < 7; ++day) {
        bool is_it = true;
        for (unsigned i = 0; i < DAYS_LEN; ++i)
            is_it &= (text->at[i] | 0x20) == names[day * DAYS_LEN + i];
        if (is_it) {
            text->at += DAYS_LEN;
            *out = day;
            return true;
        }
    }
    return false;
}

static bool take_number(struct text *text, unsigned digits_min, unsigned *out)
{
    unsigned digits = 0;
    for (*out = 0; digits < 2 && text->at < text->end && *text->at >= '0' && *text->at <= '9'; ++digits, ++text->at)
        *out = *out * 10 + (unsigned)(*text->at - '0');
    return digits >= digits_min;
}

/* "9:00", "09:00", "24:00"; minutes of the day. */
static bool take_time(struct text *text, unsigned *out)
{
    unsigned hour, minute;
    if (!take_number(text, 1, &hour) || !take(text, ':') || !take_number(text, 2, &minute) || minute > 59)
        return false;
    *out = hour * 60 + minute;
    return *out <= DAY_MINUTES;
}

static bool add_span(struct hours *hours, unsigned from, unsigned to)
{
    if (to == from)
        return true;
    if (hours->span_count == HOURS_SPANS_MAX)
        return false;
    hours->spans[hours->span_count].from = (uint16_t)from;
    hours->spans[hours->span_count++].to = (uint16_t)to;
    return true;
}

/* The times of one day; what goes over midnight belongs to the next one, and Sunday's to Monday. */
static bool add_day(struct hours *hours, unsigned day, unsigned from, unsigned to)
{
    unsigned base = day * DAY_MINUTES;
    if (to > from)
        return add_span(hours, base + from, base + to);
    unsigned next = (day + 1) % 7 * DAY_MINUTES;
    return add_span(hours, base + from, base + DAY_MINUTES) && add_span(hours, next, next + to);
}

static bool add_days(struct hours *hours, unsigned first, unsigned last, unsigned from, unsigned to)
{
    for (unsigned day = first;; day = (day + 1) % 7) {
        if (!add_day(hours, day, from, to))
            return false;
        if (day == last)
            return true;
    }
}

/* "mon-fri 09:00-12:00 13:00-18:00" */
static bool take_days(struct text *text, struct hours *hours)
{
    unsigned first, last, from, to, times = 0;
    if (!take_day(text, &first))
        return false;
    last = first;
    if (take(text, '-') && !take_day(text, &last))
        return false;
    for (;; ++times) {
        struct text before = *text;
        skip_blanks(text);
        if (!take_time(text, &from)) {
            *text = before;
            return times != 0;
        }
        if (!take(text, '-') || !take_time(text, &to) || from == DAY_MINUTES || from == to ||
            !add_days(hours, first, last, from, to))
            return false;
    }
}

bool hours_parse(struct bytes text, struct hours *out, const char **why)
{
    struct text rest = {text.data, text.data + text.len};
    *why = "Business hours are a time zone, then days with times, such as: Europe/Istanbul mon-fri 09:00-18:00, sat "
           "10:00-14:00.";
    out->span_count = 0;
    if (text.len > HOURS_TEXT_LEN_MAX || !take_zone(&rest, out->zone))
        return false;
    do {
        skip_blanks(&rest);
        if (!take_days(&rest, out))
            return false;
        skip_blanks(&rest);
    } while (rest.at < rest.end);
    return true;
}

/* ---- asking ---- */

/* 1970 began on a Thursday. */
static unsigned minute_of_week(int64_t local_ms)
{
    int64_t minute = (local_ms / MINUTE_MS - (local_ms % MINUTE_MS < 0)) % WEEK_MINUTES;
    return (unsigned)((minute + 3 * DAY_MINUTES + WEEK_MINUTES) % WEEK_MINUTES);
}

bool hours_is_open(const struct hours *hours, int64_t local_ms)
{
    unsigned minute = minute_of_week(local_ms);
    for (unsigned i = 0; i < hours->span_count; ++i)
        if (minute >= hours->spans[i].from && minute < hours->spans[i].to)
            return true;
    return false;
}

int64_t hours_until_open_ms(const struct hours *hours, int64_t local_ms)
{
    unsigned now = minute_of_week(local_ms), least = WEEK_MINUTES + 1;
    if (hours_is_open(hours, local_ms))
        return 0;
    for (unsigned i = 0; i < hours->span_count; ++i) {
        unsigned wait = (hours->spans[i].from + WEEK_MINUTES - now) % WEEK_MINUTES;
        least = wait < least ? wait : least;
    }
    int64_t into_minute = (local_ms % MINUTE_MS + MINUTE_MS) % MINUTE_MS;
    return least > WEEK_MINUTES ? -1 : (int64_t)least * MINUTE_MS - into_minute;
}

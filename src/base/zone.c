/*
 * The tz database is read by the C library, which is linked into the program while the database is the machine's: it
 * changes several times a year. Asking it costs a lock and a search, so what it says is kept by the day; only days on
 * which clocks change are asked for again.
 */
#include "base/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DAY_MS 86400000
#define DAYS_KEPT 2048 /* a power of two; by the day's number modulo it */
#define NAME_LEN_MAX 64
#define OFFSET_MINUTES_MAX 899 /* 14:59; the farthest zone is at +14:00 */
#define PLACE "/usr/share/zoneinfo"

#define NO_DAY INT32_MIN
#define CHANGES INT32_MIN /* an offset that does not hold for the whole day */

struct zone {
    struct zone *next;
    char name[NAME_LEN_MAX + 1];
    char *variable; /* the value of TZ; NULL when the offset never changes */
    int64_t fixed_ms;
    struct {
        int32_t day, offset_ms;
    } days[];
};

static struct zone *zones, *current; /* all of them, the last found first; the one that TZ names */

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static struct zone *add_zone(const char *name, const char *path, int64_t fixed_ms)
{
    size_t days = path != NULL ? DAYS_KEPT : 0;
    struct zone *zone = calloc(1, sizeof(*zone) + days * sizeof(zone->days[0]));
    if (zone == NULL)
        abort();
    strncpy(zone->name, name, NAME_LEN_MAX);
    zone->fixed_ms = fixed_ms;
    for (size_t i = 0; i < days; ++i)
        zone->days[i].day = NO_DAY;
    if (path != NULL && asprintf(&zone->variable, ":%s", path) < 0)
        abort();
    zone->next = zones;
    zones = zone;
    return zone;
}

/* One or two digits of hours; then nothing, or two of minutes, with a colon before them (which one digit needs). */
static bool is_offset(const char *text)
{
    if (text[0] != '+' && text[0] != '-')
        return false;
    size_t hours = strspn(++text, "0123456789");
    if (text[hours] == '\0')
        return hours == 1 || hours == 2 || hours == 4;
    return (hours == 1 || hours == 2) && text[hours] == ':' && strspn(text + hours + 1, "0123456789") == 2 &&
           text[hours + 3] == '\0';
}

/* "+03:00", "+0300", "-3". */
static bool read_offset(const char *text, int64_t *ms)
{
    unsigned hours, minutes = 0;
    if (!is_offset(text))
        return false;
    sscanf(text + 1, strchr(text, ':') != NULL ? "%2u:%2u" : "%2u%2u", &hours, &minutes);
    if (minutes > 59 || hours * 60 + minutes > OFFSET_MINUTES_MAX)
        return false;
    *ms = (int64_t)(hours * 60 + minutes) * 60000 * (text[0] == '-' ? -1 : 1);
    return true;
}

/* Letters, digits, "_+-/", and no way out of the directory. */
static bool is_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t len = strlen(name);
    return len != 0 && len <= NAME_LEN_MAX && strspn(name, allowed) == len && name[0] != '/' && name[len - 1] != '/' &&
           strstr(name, "//") == NULL;
}

/* The directory has lists and texts too. */
static bool is_zone_file(const char *path)
{
    struct stat about;
    char magic[4] = "";
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return false;
    bool is_zone = fread(magic, 1, sizeof(magic), file) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
    fclose(file);
    return is_zone;
}

#define PATH_LEN_MAX 4096

/* The file of a zone in the database; false with a sentence when there is none. */
static bool locate(const char *name, char path[PATH_LEN_MAX], char why[ZONE_WHY_LEN])
{
    struct stat about;
    const char *place = getenv("TZDIR");
    if (place == NULL || place[0] != '/')
        place = PLACE;
    snprintf(path, PATH_LEN_MAX, "%s/%s", place, name);
    if (is_name(name) && is_zone_file(path))
        return true;
    if (stat(place, &about) != 0)
        snprintf(why, ZONE_WHY_LEN,
                 "this machine knows no time zones by name: install its package tzdata, or give an offset such as "
                 "+03:00");
    else
        snprintf(why, ZONE_WHY_LEN,
                 "there is no time zone \"%.40s\"; a name such as Europe/Istanbul, an offset such as +03:00, or UTC "
                 "would be one",
                 name);
    return false;
}

/* UTC, and offsets. */
static bool is_fixed(const char *name, int64_t *ms)
{
    *ms = 0;
    return strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 ||
           (strlen(name) <= NAME_LEN_MAX && read_offset(name, ms));
}

bool zone_is_known(const char *name, char why[ZONE_WHY_LEN])
{
    int64_t fixed_ms;
    char path[PATH_LEN_MAX];
    return is_fixed(name, &fixed_ms) || locate(name, path, why);
}

struct zone *zone_find(const char *name, char why[ZONE_WHY_LEN])
{
    int64_t fixed_ms;
    char path[PATH_LEN_MAX];
    for (struct zone *zone = zones; zone != NULL; zone = zone->next)
        if (strcmp(zone->name, name) == 0)
            return zone;
    if (is_fixed(name, &fixed_ms))
        return add_zone(name, NULL, fixed_ms);
    return locate(name, path, why) ? add_zone(name, path, 0) : NULL;
}

/* ---- offsets ---------------------------------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The variable stays in one place: setenv would move what other threads are looking at. */
static void switch_to(const struct zone *zone)
{
    static char variable[sizeof("TZ=:") + PATH_LEN_MAX];
    snprintf(variable, sizeof(variable), "TZ=%s", zone->variable);
    if (getenv("TZ") != variable + 3 && putenv(variable) != 0)
        abort();
    tzset();
}

static int32_t ask_offset_ms(struct zone *zone, int64_t time_ms)
{
    time_t seconds = floor_divide(time_ms, 1000);
    struct tm local;
    if (current != zone) {
        switch_to(zone);
        current = zone;
    }
    return localtime_r(&seconds, &local) != NULL ? (int32_t)(local.tm_gmtoff * 1000) : 0;
}

int64_t zone_offset_ms(struct zone *zone, int64_t time_ms)
{
    if (zone->variable == NULL)
        return zone->fixed_ms;
    int32_t day = (int32_t)floor_divide(time_ms, DAY_MS);
    size_t place = (uint32_t)day % DAYS_KEPT;
    if (zone->days[place].day != day) {
        int32_t first = ask_offset_ms(zone, (int64_t)day * DAY_MS);
        int32_t last = ask_offset_ms(zone, (int64_t)day * DAY_MS + DAY_MS - 1);
        zone->days[place].offset_ms = first == last ? first : CHANGES;
        zone->days[place].day = day;
    }
    int32_t offset_ms = zone->days[place].offset_ms;
    return offset_ms != CHANGES ? offset_ms : ask_offset_ms(zone, time_ms);
}

/* No offset is larger than a day, and no two changes are as near as that: so the offsets a good day before and behind
 * are those on both sides of a change that could matter. */
int64_t zone_moment_ms(struct zone *zone, int64_t local_ms)
{
    int64_t around_ms = DAY_MS + 2 * 3600000;
    int64_t before = local_ms - zone_offset_ms(zone, local_ms - around_ms);
    int64_t behind = local_ms - zone_offset_ms(zone, local_ms + around_ms);
    bool is_before = before + zone_offset_ms(zone, before) == local_ms;
    bool is_behind = behind + zone_offset_ms(zone, behind) == local_ms;
    if (is_before && is_behind)
        return before < behind ? before : behind;
    return is_behind ? behind : before;
}

/*
 * Lines are put together in a buffer of the calling thread and leave by one write(2), so no lock is held while the
 * kernel works and lines of two threads never mix. Only the count for the flood limit is shared.
 */
#include "base/logline.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits.h"

#define EVENTS_COUNTED 64

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static enum log_level least_level = LOG_INFO;
static bool writes_json = true;

void log_line_setup(enum log_level least, enum log_format format)
{
    least_level = least;
    writes_json = format == LOG_FORMAT_JSON || (format == LOG_FORMAT_AUTO && !isatty(STDERR_FILENO));
}

/* ---- the flood limit ----------------------------------------------------------------------------------------- */

/* What one event has written in its current second. Two events that share a slot displace each other: then a few lines
 * too many pass, but never does a quiet event lose one. */
struct event_count {
    uint64_t event; /* the hash of its text */
    uint64_t second;
    unsigned written, dropped;
};

static pthread_mutex_t counts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct event_count counts[EVENTS_COUNTED];

/* FNV-1a */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text != '\0'; ++text)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

/* False when the line must be dropped; *dropped is what the event lost since its last line. */
static bool pass_flood_limit(const char *event, unsigned *dropped)
{
    uint64_t hash = hash_of(event), second = clock_monotonic_ns() / 1000000000;
    pthread_mutex_lock(&counts_lock);
    struct event_count *count = &counts[hash % EVENTS_COUNTED];
    if (count->event != hash)
        *count = (struct event_count){.event = hash, .second = second};
    if (count->second != second) {
        count->second = second;
        count->written = 0;
    }
    bool passes = count->written < LOG_LINES_PER_SECOND_MAX;
    *dropped = passes ? count->dropped : 0;
    if (passes) {
        ++count->written;
        count->dropped = 0;
    } else {
        ++count->dropped;
    }
    pthread_mutex_unlock(&counts_lock);
    return passes;
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

/* The length of the UTF-8 sequence at `at`, or 0 when there is none. */
static size_t utf8_len(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < len; ++i)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

/* JSON's escapes, also good for a terminal: no control character of a value reaches either. */
static void append_quoted(struct buffer *line, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    buffer_append(line, "\"", 1);
    while (*at != '\0') {
        size_t len = utf8_len(at);
        if (len == 0) {
            buffer_append_string(line, "\\ufffd");
            len = 1;
        } else if (*at == '"' || *at == '\\') {
            buffer_append(line, (char[]){'\\', (char)*at}, 2);
        } else if (*at < 0x20 || *at == 0x7f) {
            buffer_printf(line, "\\u%04x", *at);
        } else if (*at == 0xc2 && at[1] < 0xa0) { /* the C1 control characters, which some terminals obey */
            buffer_printf(line, "\\u%04x", at[1]);
        } else {
            buffer_append(line, at, len);
        }
        at += len;
    }
    buffer_append(line, "\"", 1);
}

/* For people: bare when it is one plain word. */
static void append_word(struct buffer *line, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+,[]()%*";
    size_t len = strspn(text, plain);
    if (len != 0 && text[len] == '\0')
        buffer_append(line, text, len);
    else
        append_quoted(line, text);
}

static void append_value(struct buffer *line, const struct log_value *value)
{
    if (value->is_number)
        buffer_printf(line, "%" PRId64, value->number);
    else if (value->text == NULL)
        buffer_append_string(line, "null");
    else if (writes_json)
        append_quoted(line, value->text);
    else
        append_word(line, value->text);
}

static void append_json(struct buffer *line, enum log_level level, const char *event, const struct log_value *values,
                        unsigned count)
{
    buffer_printf(line, "\",\"level\":\"%s\",\"event\":", level_names[level]);
    append_quoted(line, event);
    for (unsigned i = 0; i < count; ++i) {
        buffer_append(line, ",", 1);
        append_quoted(line, values[i].name);
        buffer_append(line, ":", 1);
        append_value(line, &values[i]);
    }
}

static void append_text(struct buffer *line, enum log_level level, const char *event, const struct log_value *values,
                        unsigned count)
{
    buffer_printf(line, " %-5s %s", level_names[level], event);
    for (unsigned i = 0; i < count; ++i) {
        buffer_printf(line, " %s=", values[i].name);
        append_value(line, &values[i]);
    }
}

static void append_line(struct buffer *line, enum log_level level, const char *event, const struct log_value *values,
                        unsigned count, unsigned dropped)
{
    char now[TIME_TEXT_LEN];
    time_format(clock_now_ms(), now);
    buffer_append_string(line, writes_json ? "{\"time\":\"" : "");
    buffer_append(line, now, sizeof(now));
    (writes_json ? append_json : append_text)(line, level, event, values, count);
    if (dropped != 0)
        buffer_printf(line, writes_json ? ",\"dropped\":%u" : " dropped=%u", dropped);
    buffer_append_string(line, writes_json ? "}\n" : "\n");
}

static void write_out(const struct buffer *line)
{
    ssize_t written;
    do
        written = write(STDERR_FILENO, line->data, line->len);
    while (written == -1 && errno == EINTR);
}

bool log_line_enabled(enum log_level level)
{
    return level >= least_level;
}

void log_line_write(enum log_level level, const char *event, const struct log_value *values, unsigned count)
{
    unsigned dropped;
    if (!log_line_enabled(level) || !pass_flood_limit(event, &dropped))
        return;
    int saved_errno = errno;
    struct buffer line = {0};
    append_line(&line, level, event, values, count, dropped);
    write_out(&line);
    buffer_dispose(&line);
    errno = saved_errno;
}

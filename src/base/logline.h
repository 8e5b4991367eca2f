#pragma once
/*
 * The program's own log on standard error: one JSON object a line, or text for people when it is a terminal. Lines are
 * structured: an event in a few words and named values. Never put visitor keys, tokens or message text into a value.
 * Any thread; a line is one write(2), so lines never mix. A flood of one event is cut to LOG_LINES_PER_SECOND_MAX a
 * second.
 */
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

/* A named value: text (NULL prints as null) or a number. */
struct log_value {
    const char *name;
    const char *text;
    int64_t number;
    int is_number;
};

#define LOG_TEXT(name, text) ((struct log_value){(name), (text), 0, 0})
#define LOG_NUMBER(name, number) ((struct log_value){(name), 0, (int64_t)(number), 1})

/* Process-wide; before the first thread starts. */
void log_line_setup(enum log_level least, enum log_format format);
/* Whether lines of the level are written: ask before values are made for one that mostly is not. */
bool log_line_enabled(enum log_level level);
void log_line_write(enum log_level level, const char *event, const struct log_value *values, unsigned count);

/* log_line(LOG_INFO, "listening", LOG_TEXT("address", a), LOG_NUMBER("port", p)); at least one value */
#define log_line(level, event, ...)                                           \
    log_line_write((level), (event), (const struct log_value[]){__VA_ARGS__}, \
                   sizeof((const struct log_value[]){__VA_ARGS__}) / sizeof(struct log_value))

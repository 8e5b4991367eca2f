#pragma once
/*
 * What the files output*.c share: the state behind `struct output`, the functions a format has, and small writers of
 * numbers and text. Nobody else includes this. Main thread.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "output.h"

/* What a format does; only `row` must be there. */
struct output_writer {
    size_t state_size; /* of output->state, which begins as zeros */
    void (*preamble)(struct output *output, const struct output_preamble *preamble);
    void (*begin)(struct output *output, const struct output_head *head);
    void (*row)(struct output *output, const struct cell *cells);
    void (*end)(struct output *output);
    void (*close)(struct output *output); /* not called when a set was left open: its answer must not look whole */
    void (*dispose)(struct output *output);
};

struct output {
    const struct output_writer *writer;
    struct output_config config;
    struct sink *sink;
    struct buffer *out; /* the sink's */
    void *state;
    char **names; /* of the columns of the set */
    size_t column_count;
    size_t set_count;   /* sets begun */
    uint64_t row_count; /* rows of the set */
    bool is_open;       /* between begin and end */
    bool is_report;     /* a preamble came first */
};

extern const struct output_writer output_csv, output_json, output_ndjson, output_table, output_markdown, output_html;

/* ---- rows that wait (output_kept.c) -------------------------------------------------------------------------- */

#define KEPT_BYTES_MAX (8u << 20)

/* The first rows of a set, copied. Zero-initialised but for column_count is empty. */
struct kept {
    size_t column_count, row_count;
    struct buffer cells, text;
};

/* False, and the row is not kept, when there are row_max already or too many bytes. */
bool kept_add(struct kept *kept, const struct cell *cells, size_t row_max);
/* Valid until the next kept_add. */
struct cell kept_cell(const struct kept *kept, size_t row, size_t column);
/* Are there numbers in the column, and nothing beside them but NULL? */
bool kept_is_number(const struct kept *kept, size_t column);
/* What a column's cells look like, as far as they were kept; NULL looks like anything. */
enum kept_kind {
    KEPT_TEXT,
    KEPT_NUMBER,
    KEPT_TIME, /* "2026-01-31 23:59:59.999", or with a T */
    KEPT_KEY   /* long words of letters and digits that nobody reads to the end: ids and keys */
};
enum kept_kind kept_kind(const struct kept *kept, size_t column);
void kept_dispose(struct kept *kept);

/* How much of a time there is to the day and to the minute. */
#define TIME_DAY_LEN 10
#define TIME_MINUTE_LEN 16
bool is_time_text(struct bytes text);

/* ---- text on a terminal (output_width.c) --------------------------------------------------------------------- */

/* The columns a terminal gives to a character: 0, 1 or 2. */
unsigned character_width(uint32_t character);
/*
 * Appends text as one line that can't command a terminal, cut with an ellipsis to width_max columns: ends of lines are
 * shown as U+2424; control characters, what turns the direction of text and what is not UTF-8 by their codes. Returns
 * the width.
 */
size_t put_shown(struct buffer *out, struct bytes text, size_t width_max);

/* ---- small writers ------------------------------------------------------------------------------------------- */

#define INTEGER_TEXT_MAX 20

/* Decimal digits; returns where the next byte goes. */
char *put_digits(char *to, int64_t number);
/* "1,234,567"; decimals stay as they are. */
void put_grouped(struct buffer *out, struct bytes number);
/* Two hexadecimal digits for each byte; returns where the next byte goes. */
char *put_hex(char *to, struct bytes blob);
/* The text of a cell that is not NULL, as SQL prints it; digits and hexadecimal text are put into scratch. */
struct bytes cell_text(const struct cell *cell, struct buffer *scratch);
/* The character at the start, and its bytes in *len: UINT32_MAX and 1 for a byte that is not UTF-8. text is not empty.
 */
uint32_t character_at(struct bytes text, size_t *len);
/* The text, or if it is not UTF-8 a copy in scratch with U+FFFD for what is not. */
struct bytes utf8_mend(struct bytes text, struct buffer *scratch);
/* Words of a paragraph in lines of at most width columns, each behind a newline but for the first. */
void put_wrapped(struct buffer *out, struct bytes text, size_t width);
/* A preamble as plain text, with bold and dim type if `styled`. */
void put_preamble(struct buffer *out, const struct output_preamble *preamble, size_t width, bool styled);

static inline bool is_number(const struct cell *cell)
{
    return cell->type == CELL_INTEGER || cell->type == CELL_REAL;
}

/* What stands for NULL where people read. */
#define NULL_SHOWN "\u2013"

/* ---- pages (output_markup.c, output_style.c) ----------------------------------------------------------------- */

/* Any bytes as text of HTML or SVG, or as the value of an attribute in quotes. */
void markup_put_text(struct buffer *out, struct bytes text);
/* A column's name for people, escaped: "uniqueVisitors" is "Unique visitors". */
void markup_put_name(struct buffer *out, struct bytes name);
/* The same without escapes. */
void put_name_for_people(struct buffer *out, struct bytes name);

extern const char page_style[];

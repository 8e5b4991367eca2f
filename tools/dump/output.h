#pragma once
/*
 * How an answer is written: one struct of functions a format, behind one way to hand over result sets row by row.
 * Rows are never kept, save for a few hundred that decide the widths of a table (and the charts of html, whose sets are
 * bounded). Main thread.
 */
#include "sink.h"

enum output_format {
    OUTPUT_AUTO, /* the words of --format, in order */
    OUTPUT_TABLE,
    OUTPUT_CSV,
    OUTPUT_JSON,
    OUTPUT_NDJSON,
    OUTPUT_MARKDOWN,
    OUTPUT_HTML
};

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };

/* A value of a result. Text is UTF-8 as far as SQL could tell; a REAL carries its decimal form in text too. */
struct cell {
    enum cell_type type;
    int64_t integer;
    double real;
    struct bytes text;
};

/* What stands above a result set; members may be NULL. A plain question has none of it. */
struct output_head {
    const char *title;
    const char *chart; /* "bar", "line", "cohort" or NULL; see chart.h */
};

/* What stands above the whole answer of a report. */
struct output_preamble {
    const char *name, *title, *definition;                   /* definition: paragraphs separated by newlines */
    const char *period, *time_zone, *made_at, *organisation; /* for people, ready to print; organisation may be NULL */
    const char *flags; /* " --org shop --since 30d": those of the command that asked; may be NULL */
    uint64_t seq;
};

struct output_config {
    enum output_format format; /* never OUTPUT_AUTO */
    bool csv_safe;             /* text cells that a spreadsheet would take for a formula get a ' in front */
    bool is_terminal;          /* of the sink: a table may use what a terminal can show */
    unsigned width;            /* columns of the terminal; 0: tables are as wide as they need */
};

struct output;

/* The sink stays the caller's. */
struct output *output_open(struct sink *sink, const struct output_config *config);
/* A report's preamble. For csv and ndjson it goes to standard error, since their readers expect rows alone. */
void output_preamble(struct output *output, const struct output_preamble *preamble);
/* A result set: its head (NULL: none) and the names of its columns, which are copied. Then its rows. */
void output_begin(struct output *output, const struct output_head *head, size_t column_count, const char *const *names);
/* False once the sink has failed. */
bool output_row(struct output *output, const struct cell *cells);
bool output_end(struct output *output);
/* Whatever closes the whole answer; frees it. False once the sink has failed. */
bool output_close(struct output *output);

/* Shared with the exports: one field of CSV by RFC 4180 (a NULL is empty, an empty text is ""), without the comma. */
void csv_put_text(struct buffer *out, struct bytes text, bool csv_safe);

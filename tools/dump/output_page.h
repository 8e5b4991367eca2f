#pragma once
/*
 * What a page keeps of its set, shared by the page (output_html.c), its tables (output_rows.c) and its charts
 * (output_figure.c).
 * Main thread.
 */
#include <inttypes.h>

#include "output_private.h"

/* A page is for reading; who wants more rows wants csv. */
#define HTML_ROWS_MAX 1000

enum html_chart { HTML_CHART_NONE, HTML_CHART_BAR, HTML_CHART_LINE, HTML_CHART_COHORT };

struct html {
    bool is_begun;
    char *report_name, *flags; /* of the command that asked */
    uint64_t seq;
    char *set_title;
    enum html_chart chart;
    struct kept kept;
    struct buffer scratch;
};

/* A value as text of the page; thousands are marked if is_grouped. */
void html_put_cell(struct output *output, const struct cell *cell, bool is_grouped);
/* What is left to write of a time's tag, and the time to the minute; the tag's title has all of it. */
void html_put_time(struct output *output, const struct cell *cell);
/* A place for a table of so many rows, which scrolls where there is no room for it; `class` begins with a space. */
void html_open_rows(struct output *output, size_t row_count, const char *class);
/* The set's rows, and how to have those that are left out. */
void html_put_table(struct output *output);
/* The set's chart. True when it shows every figure itself, so that a table would only say it again. */
bool html_put_chart(struct output *output);

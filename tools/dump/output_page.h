#pragma once
/* What a page keeps of its set, shared by the page (output_html.c) and its charts (output_figure.c). Main thread. */
#include <inttypes.h>

#include "output_private.h"

/* A page is for reading; who wants more rows wants csv. */
#define HTML_ROWS_MAX 1000

enum html_chart { HTML_CHART_NONE, HTML_CHART_BAR, HTML_CHART_LINE, HTML_CHART_COHORT };

struct html {
    bool is_begun;
    char *report_name;
    uint64_t seq;
    char *set_title;
    enum html_chart chart;
    struct kept kept;
    struct buffer scratch;
};

/* A value as text of the page; thousands are marked if is_grouped. */
void html_put_cell(struct output *output, const struct cell *cell, bool is_grouped);
/* A place for a table of so many rows, which scrolls where there is no room for it. */
void html_open_rows(struct output *output, size_t row_count);
/* The set's chart. True when it shows every figure itself, so that a table would only say it again. */
bool html_put_chart(struct output *output);

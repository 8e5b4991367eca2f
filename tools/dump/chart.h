#pragma once
/*
 * Charts as inline SVG, for pages that must be read without a script, on a telephone, in the dark and on paper. Places
 * across are percentages, so a chart is as wide as its page and its letters stay as large as they are; colours and type
 * come from the page's style sheet (output_style.c). Main thread.
 */
#include "base/bytes.h"

/* What is drawn of one set; texts may hold any bytes and are escaped here. */
struct chart {
    struct bytes title;
    size_t label_count, series_count;
    const struct bytes *labels;
    const struct bytes *names; /* of the series, for people */
    const double *values;      /* label by label, each series' value; NAN where there is none */
    const struct bytes *notes; /* a second figure for each label such as "93.6 %", or NULL */
    double
        whole; /* what a bar as long as the picture and the top of an axis stand for at least; notes are shares of it */
};

/* Upright bars for dates and numbers, else lying ones with the label on them. */
void chart_put_bars(struct buffer *out, const struct chart *chart);
void chart_put_lines(struct buffer *out, const struct chart *chart);

/* The distance of the lines of an axis from 0 to max: 1, 2 or 5 times a power of ten, at most four of them below max.
 */
double chart_step(double max, bool only_whole);

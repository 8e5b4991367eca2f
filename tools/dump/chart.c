/*
 * A chart is a few lines of SVG whose places across are percentages and whose heights are pixels. A polyline can't have
 * percentages; it stands in an inner SVG that is stretched, with a pen that is not. Every mark carries its figures as a
 * title, which browsers show and readers for the blind say.
 */
#include "chart.h"

#include <stdio.h>

#include "output_private.h"

#define PLOT_TOP 20
#define PLOT_HEIGHT 200
#define PLOT_BOTTOM (PLOT_TOP + PLOT_HEIGHT)
#define AXIS_HEIGHT 26
/* The width of the inner SVG in its own units. */
#define LINE_SPAN 1000

#define SCALE_LINES_MAX 5
#define TICK_LETTER 7
#define TICK_GAP 8
#define SERIES_COLOURS 6
#define MARKED_POINTS_MAX 120
#define UPRIGHT_BARS_MAX 400
#define LYING_BARS_MAX 30
#define LABELS_WIDE 10
#define VALUES_ON_BARS_MAX 20
#define VALUES_ON_BARS_NARROW 7
#define NUMBER_LABEL_MAX 8
#define MONTHS_WITH_YEAR 10

/* A lying bar with one figure has its label on it; with more, below its label. */
#define LYING_ROW 30
#define LYING_NOTE 76 /* what a note takes at the right */
#define LYING_LABEL 20
#define LYING_SERIES 18
#define LYING_GAP 10
#define LYING_LABEL_WIDE 64
#define LYING_LABEL_NARROW 32
#define LYING_LABEL_NARROW_NOTED 23
/* Of the width, so that a figure stands behind the longest bar. */
#define LYING_SPAN 80.0

/* ---- numbers and labels -------------------------------------------------------------------------------------- */

double chart_step(double max, bool only_whole)
{
    const double factors[] = {1, 2, 2.5, 5, 10};
    double power = pow(10, floor(log10(max / SCALE_LINES_MAX)));
    for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); ++i) {
        double step = power * factors[i];
        if (max / step <= SCALE_LINES_MAX + 1e-9 && (!only_whole || step == floor(step)))
            return step;
    }
    return 1; /* less than a whole */
}

static double value_at(const struct chart *chart, size_t label, size_t series)
{
    return chart->values[label * chart->series_count + series];
}

static double largest(const struct chart *chart)
{
    double max = chart->whole;
    for (size_t i = 0; i < chart->label_count * chart->series_count; ++i)
        if (chart->values[i] > max)
            max = chart->values[i];
    return max;
}

static bool are_whole(const struct chart *chart)
{
    for (size_t i = 0; i < chart->label_count * chart->series_count; ++i)
        if (!isnan(chart->values[i]) && chart->values[i] != floor(chart->values[i]))
            return false;
    return true;
}

static void put_number(struct buffer *out, double number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), number == floor(number) ? "%.0f" : "%.2f", number);
    if (fabs(number) >= 1e15)
        len = snprintf(text, sizeof(text), "%.3g", number);
    put_grouped(out, bytes_view(text, (size_t)len));
}

static bool digits_at(struct bytes text, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; ++i)
        if (i >= text.len || text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

/* "2026-01" or "2026-01-31". */
static bool is_date(struct bytes text)
{
    return (text.len == 7 || (text.len == 10 && text.data[7] == '-' && digits_at(text, 8, 2))) &&
           digits_at(text, 0, 4) && text.data[4] == '-' && digits_at(text, 5, 2);
}

static bool is_short_number(struct bytes text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; ++i)
        digits += text.data[i] >= '0' && text.data[i] <= '9';
    return digits != 0 && text.len <= NUMBER_LABEL_MAX && digits * 2 >= text.len;
}

static unsigned number_at(struct bytes text, size_t at)
{
    return (unsigned)(text.data[at] - '0') * 10 + (unsigned)(text.data[at + 1] - '0');
}

static unsigned months_of(struct bytes date)
{
    return (number_at(date, 0) * 100 + number_at(date, 2)) * 12 + number_at(date, 5);
}

/* Do days of several years stand side by side, or nearly so? */
static bool spans_years(const struct chart *chart)
{
    struct bytes first = chart->labels[0], last = chart->labels[chart->label_count - 1];
    return is_date(first) && is_date(last) && months_of(last) - months_of(first) >= MONTHS_WITH_YEAR &&
           months_of(last) > months_of(first);
}

/* Dates as "31 Jan" or "Jan 2026"; the rest as it is. */
static void put_axis_label(struct buffer *out, struct bytes text, bool with_year)
{
    static const char months[13][4] = {"?",   "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (!is_date(text)) {
        markup_put_text(out, text);
        return;
    }
    unsigned month = number_at(text, 5);
    const char *name = months[month <= 12 ? month : 0];
    if (text.len == 7 || with_year)
        buffer_printf(out, "%s %.4s", name, text.data);
    else
        buffer_printf(out, "%u %s", number_at(text, 8), name);
}

/* ---- what stands around a drawing ---------------------------------------------------------------------------- */

static void put_range(struct buffer *out, const struct chart *chart, size_t series)
{
    double min = INFINITY, max = -INFINITY;
    for (size_t i = 0; i < chart->label_count; ++i) {
        double value = value_at(chart, i, series);
        min = value < min ? value : min;
        max = value > max ? value : max;
    }
    if (min > max)
        return;
    buffer_append_string(out, "; ");
    markup_put_text(out, chart->names[series]);
    buffer_append_string(out, " from ");
    put_number(out, min);
    buffer_append_string(out, " to ");
    put_number(out, max);
}

/* Opens the picture, with what it shows in a sentence for those who can't see it. */
static void open_picture(struct buffer *out, const struct chart *chart, const char *kind, unsigned height,
                         size_t margin)
{
    buffer_printf(out,
                  "<svg class=\"chart\" style=\"--left:%zupx\" height=\"%u\" role=\"img\" aria-label=\"%s: ", margin,
                  height, kind);
    markup_put_text(out, chart->title);
    buffer_printf(out, ". %zu values, ", chart->label_count);
    markup_put_text(out, chart->labels[0]);
    buffer_append_string(out, " to ");
    markup_put_text(out, chart->labels[chart->label_count - 1]);
    for (size_t i = 0; i < chart->series_count; ++i)
        put_range(out, chart, i);
    buffer_append_string(out, "\">\n");
}

static void put_legend(struct buffer *out, const struct chart *chart)
{
    if (chart->series_count < 2)
        return;
    buffer_append_string(out, "<p class=\"legend\">");
    for (size_t i = 0; i < chart->series_count; ++i) {
        buffer_printf(out, "<span><i class=\"b%zu\"></i>", i % SERIES_COLOURS);
        markup_put_text(out, chart->names[i]);
        buffer_append_string(out, "</span> ");
    }
    buffer_append_string(out, "</p>\n");
}

/* "2026-01-31: 1,234", with the series' name when there are several. */
static void put_point_title(struct buffer *out, const struct chart *chart, size_t label, size_t series)
{
    buffer_append_string(out, "<title>");
    markup_put_text(out, chart->labels[label]);
    buffer_append_string(out, ": ");
    put_number(out, value_at(chart, label, series));
    if (chart->series_count > 1) {
        buffer_append_string(out, " ");
        markup_put_text(out, chart->names[series]);
    }
    buffer_append_string(out, "</title>");
}

/* What the axis upwards says: a number at each step, the last one at the top of the plot. */
struct scale {
    double step, top;
};

static struct scale scale_of(const struct chart *chart)
{
    double max = largest(chart), step = chart_step(max > 0 ? max : 1, are_whole(chart));
    return (struct scale){step, max > 0 ? ceil(max / step - 1e-9) * step : step};
}

/* A picture with room for the scale's numbers at its left. */
static void open_plot(struct buffer *out, const struct chart *chart, const char *kind, struct scale scale)
{
    struct buffer top = {0}, step = {0};
    put_number(&top, scale.top);
    put_number(&step, scale.step);
    size_t letters = top.len > step.len ? top.len : step.len;
    buffer_dispose(&top);
    buffer_dispose(&step);
    put_legend(out, chart);
    open_picture(out, chart, kind, PLOT_BOTTOM + AXIS_HEIGHT, letters * TICK_LETTER + TICK_GAP);
    for (unsigned i = 0; i * scale.step <= scale.top + scale.step / 2; ++i) {
        double y = PLOT_BOTTOM - i * scale.step / scale.top * PLOT_HEIGHT;
        buffer_printf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                      i == 0 ? "axis" : "grid", y, y);
        buffer_printf(out, "<text x=\"0\" dx=\"-%d\" y=\"%.1f\" text-anchor=\"end\">", TICK_GAP, y + 4);
        put_number(out, i * scale.step);
        buffer_append_string(out, "</text>\n");
    }
}

static const char *anchor_at(double percent)
{
    return percent > 96 ? "end" : "middle";
}

/* Ten labels at most, and on a narrow page every second of them. */
static void put_axis_labels(struct buffer *out, const struct chart *chart, double first, double distance)
{
    size_t stride = (chart->label_count + LABELS_WIDE - 1) / LABELS_WIDE;
    bool is_crowded = chart->label_count / stride > LABELS_WIDE / 2, with_year = spans_years(chart);
    for (size_t i = 0; i < chart->label_count; i += stride) {
        double at = first + distance * (double)i;
        bool only_wide = is_crowded && i / stride % 2 != 0;
        buffer_printf(out, "<text class=\"label%s\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">",
                      only_wide ? " wide" : "", at, PLOT_BOTTOM + 17, anchor_at(at));
        put_axis_label(out, chart->labels[i], with_year);
        buffer_append_string(out, "</text>\n");
    }
}

/* ---- lines --------------------------------------------------------------------------------------------------- */

static double x_of_point(const struct chart *chart, size_t label)
{
    return chart->label_count > 1 ? (double)label / (double)(chart->label_count - 1) : 0.5;
}

static double height_of(double value, double top)
{
    return value > 0 ? value / top * PLOT_HEIGHT : 0;
}

/* The points from `from` up to where a value is missing; returns the label behind them. */
static size_t put_run(struct buffer *out, const struct chart *chart, size_t series, double top, size_t from)
{
    size_t label = from;
    for (; label < chart->label_count && !isnan(value_at(chart, label, series)); ++label)
        buffer_printf(out, "%s%.1f,%.1f", label != from ? " " : "", x_of_point(chart, label) * LINE_SPAN,
                      PLOT_HEIGHT - height_of(value_at(chart, label, series), top));
    return label;
}

static void put_area(struct buffer *out, const struct chart *chart, double top, size_t from)
{
    buffer_append_string(out, "<polygon class=\"area\" points=\"");
    size_t end = put_run(out, chart, 0, top, from);
    buffer_printf(out, " %.1f,%d %.1f,%d\"/>\n", x_of_point(chart, end - 1) * LINE_SPAN, PLOT_HEIGHT,
                  x_of_point(chart, from) * LINE_SPAN, PLOT_HEIGHT);
}

static void put_line(struct buffer *out, const struct chart *chart, size_t series, double top)
{
    for (size_t label = 0; label < chart->label_count;) {
        if (isnan(value_at(chart, label, series))) {
            ++label;
            continue;
        }
        if (chart->series_count == 1)
            put_area(out, chart, top, label);
        buffer_printf(out, "<polyline class=\"l%zu%s\" points=\"", series % SERIES_COLOURS,
                      chart->label_count > MARKED_POINTS_MAX ? " dense" : "");
        label = put_run(out, chart, series, top, label);
        buffer_append_string(out, "\"/>\n");
    }
}

/* A dot where there are few points; a place for the pointer in every case. */
static void put_points(struct buffer *out, const struct chart *chart, size_t series, double top)
{
    bool is_dotted = chart->label_count <= MARKED_POINTS_MAX / 3;
    for (size_t label = 0; label < chart->label_count; ++label) {
        double value = value_at(chart, label, series);
        if (isnan(value))
            continue;
        buffer_printf(out, "<circle class=\"%s%zu\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"%s\">", is_dotted ? "d" : "p",
                      series % SERIES_COLOURS, x_of_point(chart, label) * 100, PLOT_BOTTOM - height_of(value, top),
                      is_dotted ? "3" : "4");
        put_point_title(out, chart, label, series);
        buffer_append_string(out, "</circle>\n");
    }
}

void chart_put_lines(struct buffer *out, const struct chart *chart)
{
    if (chart->label_count == 0 || chart->series_count == 0)
        return;
    struct scale scale = scale_of(chart);
    double top = scale.top;
    open_plot(out, chart, "Line chart", scale);
    buffer_printf(out,
                  "<svg x=\"0\" y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                  "preserveAspectRatio=\"none\" overflow=\"visible\">\n",
                  PLOT_TOP, PLOT_HEIGHT, LINE_SPAN, PLOT_HEIGHT);
    for (size_t i = chart->series_count; i-- > 0;)
        put_line(out, chart, i, top);
    buffer_append_string(out, "</svg>\n");
    for (size_t i = chart->series_count; i-- > 0;)
        if (chart->label_count <= MARKED_POINTS_MAX)
            put_points(out, chart, i, top);
    put_axis_labels(out, chart, chart->label_count > 1 ? 0 : 50, 100.0 / fmax(1, (double)chart->label_count - 1));
    buffer_append_string(out, "</svg>\n");
}

/* ---- upright bars -------------------------------------------------------------------------------------------- */

static void put_upright_bar(struct buffer *out, const struct chart *chart, size_t label, size_t series, double top)
{
    double value = value_at(chart, label, series);
    if (isnan(value))
        return;
    double slot = 100.0 / (double)chart->label_count, width = slot * 0.76 / (double)chart->series_count;
    double x = slot * ((double)label + 0.12) + width * (double)series, height = height_of(value, top);
    /* A figure above nothing is still to be seen. */
    if (value > 0 && height < 1)
        height = 1;
    buffer_printf(out, "<rect class=\"b%zu\" x=\"%.3f%%\" y=\"%.1f\" width=\"%.3f%%\" height=\"%.1f\">",
                  series % SERIES_COLOURS, x, PLOT_BOTTOM - height, width, height);
    put_point_title(out, chart, label, series);
    buffer_append_string(out, "</rect>\n");
    if (chart->series_count > 1 || chart->label_count > VALUES_ON_BARS_MAX)
        return;
    buffer_printf(out, "<text class=\"value%s\" x=\"%.2f%%\" y=\"%.1f\" text-anchor=\"middle\">",
                  chart->label_count > VALUES_ON_BARS_NARROW ? " wide" : "", x + width / 2, PLOT_BOTTOM - height - 5);
    put_number(out, value);
    buffer_append_string(out, "</text>\n");
}

/* Without the notes, and then they need no room for the whole that the notes are shares of. */
static void put_upright_bars(struct buffer *out, const struct chart *all)
{
    struct chart copy = *all, *chart = &copy;
    copy.whole = all->notes != NULL ? 0 : all->whole;
    struct scale scale = scale_of(chart);
    double slot = 100.0 / (double)chart->label_count;
    open_plot(out, chart, "Bar chart", scale);
    for (size_t label = 0; label < chart->label_count; ++label)
        for (size_t series = 0; series < chart->series_count; ++series)
            put_upright_bar(out, chart, label, series, scale.top);
    put_axis_labels(out, chart, slot / 2, slot);
    buffer_append_string(out, "</svg>\n");
}

/* ---- lying bars ---------------------------------------------------------------------------------------------- */

static void put_label_text(struct buffer *out, struct bytes text, unsigned x, unsigned y, size_t width,
                           const char *class)
{
    struct buffer shown = {0};
    put_shown(&shown, text, width);
    buffer_printf(out, "<text class=\"on%s\" x=\"%u\" y=\"%u\">", class, x, y);
    markup_put_text(out, buffer_view(&shown));
    buffer_append_string(out, "</text>");
    buffer_dispose(&shown);
}

/* SVG can't cut text to what there is room for; so a long label is there twice, and the page shows one of them. */
static void put_label(struct buffer *out, struct bytes text, unsigned x, unsigned y, size_t narrow)
{
    bool is_long = text.len > narrow;
    put_label_text(out, text, x, y, LYING_LABEL_WIDE, is_long ? " wide" : "");
    if (is_long)
        put_label_text(out, text, x, y, narrow, " narrow");
}

/* The label on the bar, the figure at the right edge. */
static void put_lying_row(struct buffer *out, const struct chart *chart, size_t label, double max)
{
    double value = value_at(chart, label, 0);
    unsigned y = (unsigned)label * LYING_ROW;
    buffer_append_string(out, "<g>");
    if (!isnan(value))
        put_point_title(out, chart, label, 0);
    buffer_printf(out, "<rect class=\"track\" x=\"0\" y=\"%u\" width=\"100%%\" height=\"%d\" rx=\"3\"/>", y,
                  LYING_ROW - 4);
    buffer_printf(out, "<rect class=\"tint\" x=\"0\" y=\"%u\" width=\"%.2f%%\" height=\"%d\" rx=\"3\"/>", y,
                  value > 0 ? value / max * 100 : 0, LYING_ROW - 4);
    put_label(out, chart->labels[label], 8, y + 18,
              chart->notes != NULL ? LYING_LABEL_NARROW_NOTED : LYING_LABEL_NARROW);
    buffer_printf(out, "<text class=\"on figure\" x=\"100%%\" dx=\"-%d\" y=\"%u\" text-anchor=\"end\">",
                  chart->notes != NULL ? LYING_NOTE : 8, y + 18);
    if (isnan(value))
        buffer_append_string(out, NULL_SHOWN);
    else
        put_number(out, value);
    if (chart->notes != NULL) {
        buffer_printf(out, "</text><text class=\"on note\" x=\"100%%\" dx=\"-8\" y=\"%u\" text-anchor=\"end\">",
                      y + 18);
        markup_put_text(out, chart->notes[label]);
    }
    buffer_append_string(out, "</text></g>\n");
}

static void put_lying_group(struct buffer *out, const struct chart *chart, size_t label, double max)
{
    unsigned height = LYING_LABEL + (unsigned)chart->series_count * LYING_SERIES + LYING_GAP;
    unsigned y = (unsigned)label * height;
    put_label(out, chart->labels[label], 0, y + 14, LYING_LABEL_NARROW);
    for (size_t series = 0; series < chart->series_count; ++series) {
        double value = value_at(chart, label, series), width = value > 0 ? value / max * LYING_SPAN : 0;
        unsigned top = y + LYING_LABEL + (unsigned)series * LYING_SERIES;
        if (isnan(value))
            continue;
        buffer_printf(out, "<rect class=\"b%zu\" x=\"0\" y=\"%u\" width=\"%.2f%%\" height=\"%d\" rx=\"2\">",
                      series % SERIES_COLOURS, top, width, LYING_SERIES - 4);
        put_point_title(out, chart, label, series);
        buffer_printf(out, "</rect><text class=\"value\" x=\"%.2f%%\" dx=\"6\" y=\"%u\">", width, top + 11);
        put_number(out, value);
        buffer_append_string(out, "</text>\n");
    }
}

static void put_lying_bars(struct buffer *out, const struct chart *all)
{
    struct chart chart = *all;
    if (chart.label_count > LYING_BARS_MAX)
        chart.label_count = LYING_BARS_MAX;
    bool is_single = chart.series_count == 1;
    size_t group = LYING_LABEL + chart.series_count * LYING_SERIES + LYING_GAP;
    double max = largest(&chart) > 0 ? largest(&chart) : 1;
    put_legend(out, &chart);
    open_picture(out, &chart, "Bar chart", (unsigned)(chart.label_count * (is_single ? LYING_ROW : group)), 0);
    for (size_t label = 0; label < chart.label_count; ++label)
        (is_single ? put_lying_row : put_lying_group)(out, &chart, label, max);
    buffer_append_string(out, "</svg>\n");
    if (all->label_count > chart.label_count)
        buffer_printf(out, "<p class=\"soft\">The chart shows the first %zu of %zu.</p>\n", chart.label_count,
                      all->label_count);
}

void chart_put_bars(struct buffer *out, const struct chart *chart)
{
    bool are_dates = true, are_numbers = true;
    if (chart->label_count == 0 || chart->series_count == 0)
        return;
    for (size_t i = 0; i < chart->label_count; ++i) {
        are_dates &= is_date(chart->labels[i]);
        are_numbers &= is_short_number(chart->labels[i]);
    }
    if ((are_dates || are_numbers) && chart->label_count <= UPRIGHT_BARS_MAX)
        put_upright_bars(out, chart);
    else
        put_lying_bars(out, chart);
}

/*
 * From the rows of a set to a chart. The first column has the labels and the columns of numbers are series; a share
 * beside counts is of another scale and is written with the figure instead of being drawn. A cohort's triangle comes
 * as it is (a column for each step) or as one row for each pair of cohort and step.
 */
#include <assert.h>
#include <stdio.h>

#include "chart.h"
#include "output_page.h"

#define SERIES_MAX 6
#define STEPS_MAX 60
/* The palest and the strongest tint of a cohort's cells, and from where on letters turn. */
#define HEAT_MIN 0.06
#define HEAT_MAX 0.94
#define HEAT_HIGH 0.7

/* ---- columns ------------------------------------------------------------------------------------------------- */

static bool is_share(const char *name)
{
    static const char *const words[] = {"percent", "share", "rate", "%"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); ++i)
        if (strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

static double number_of(const struct cell *cell)
{
    return cell->type == CELL_INTEGER ? (double)cell->integer : cell->type == CELL_REAL ? cell->real : NAN;
}

/* The columns to draw: those of the first numeric one's kind. */
static size_t find_series(struct output *output, size_t columns[SERIES_MAX])
{
    struct html *html = output->state;
    size_t count = 0;
    for (size_t i = 1; i < output->column_count && count < SERIES_MAX; ++i) {
        bool is_kin = count == 0 || is_share(output->names[i]) == is_share(output->names[columns[0]]);
        if (is_kin && kept_is_number(&html->kept, i))
            columns[count++] = i;
    }
    return count;
}

/* A share beside counts, to be written with them; 0 when there is none. */
static size_t find_note(struct output *output, size_t first_series)
{
    struct html *html = output->state;
    for (size_t i = 1; i < output->column_count; ++i)
        if (is_share(output->names[i]) && !is_share(output->names[first_series]) && kept_is_number(&html->kept, i))
            return i;
    return 0;
}

/* What 100 % is: of shares themselves, or of the counts that have a share beside them. */
static double find_whole(struct output *output, size_t series, size_t note)
{
    struct html *html = output->state;
    double whole = 0, best = 0;
    if (is_share(output->names[series]))
        return 100;
    for (size_t row = 0; note != 0 && row < html->kept.row_count; ++row) {
        struct cell count = kept_cell(&html->kept, row, series), share = kept_cell(&html->kept, row, note);
        /* The largest share, since it was rounded least. */
        if (number_of(&share) > best) {
            best = number_of(&share);
            whole = number_of(&count) * 100 / best;
        }
    }
    return whole;
}

/* ---- bars and lines ------------------------------------------------------------------------------------------ */

/* What a chart points to. */
struct drawing {
    struct buffer text;
    size_t *label_ends, *note_ends;
    struct bytes *labels, *notes, names[SERIES_MAX];
    struct buffer name_texts[SERIES_MAX];
    double *values;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count != 0 ? count : 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* Labels and notes into one text, whose pieces are pointed to once it no longer grows. */
static void collect_text(struct output *output, struct drawing *drawing, size_t note)
{
    struct html *html = output->state;
    for (size_t row = 0; row < html->kept.row_count; ++row) {
        struct cell label = kept_cell(&html->kept, row, 0), share = kept_cell(&html->kept, row, note);
        struct bytes text = label.type != CELL_NULL ? cell_text(&label, &html->scratch) : BYTES(NULL_SHOWN);
        buffer_append(&drawing->text, text.data, text.len);
        drawing->label_ends[row] = drawing->text.len;
        if (note != 0 && share.type != CELL_NULL) {
            text = cell_text(&share, &html->scratch);
            buffer_append(&drawing->text, text.data, text.len);
            buffer_append_string(&drawing->text, "\u00a0%");
        }
        drawing->note_ends[row] = drawing->text.len;
    }
    for (size_t row = 0, from = 0; row < html->kept.row_count; from = drawing->note_ends[row++]) {
        size_t label_end = drawing->label_ends[row];
        drawing->labels[row] = bytes_view(drawing->text.data + from, label_end - from);
        drawing->notes[row] = bytes_view(drawing->text.data + label_end, drawing->note_ends[row] - label_end);
    }
}

static void collect_values(struct output *output, struct drawing *drawing, const size_t *columns, size_t count)
{
    struct html *html = output->state;
    for (size_t i = 0; i < count; ++i) {
        put_name_for_people(&drawing->name_texts[i], bytes_of_string(output->names[columns[i]]));
        drawing->names[i] = buffer_view(&drawing->name_texts[i]);
    }
    for (size_t row = 0; row < html->kept.row_count; ++row)
        for (size_t i = 0; i < count; ++i) {
            struct cell cell = kept_cell(&html->kept, row, columns[i]);
            drawing->values[row * count + i] = number_of(&cell);
        }
}

static void put_chart(struct output *output, const size_t *columns, size_t count)
{
    struct html *html = output->state;
    size_t rows = html->kept.row_count, note = count == 1 ? find_note(output, columns[0]) : 0;
    struct drawing drawing = {
        .label_ends = allocate(rows, sizeof(size_t)),
        .note_ends = allocate(rows, sizeof(size_t)),
        .labels = allocate(rows, sizeof(struct bytes)),
        .notes = allocate(rows, sizeof(struct bytes)),
        .values = allocate(rows * count, sizeof(double)),
    };
    collect_text(output, &drawing, note);
    collect_values(output, &drawing, columns, count);
    struct chart chart = {
        .title = bytes_of_string(html->set_title != NULL ? html->set_title : ""),
        .label_count = rows,
        .series_count = count,
        .labels = drawing.labels,
        .names = drawing.names,
        .values = drawing.values,
        .whole = find_whole(output, columns[0], note),
        .notes = note != 0 ? drawing.notes : NULL,
    };
    (html->chart == HTML_CHART_LINE ? chart_put_lines : chart_put_bars)(output->out, &chart);
    for (size_t i = 0; i < count; ++i)
        buffer_dispose(&drawing.name_texts[i]);
    buffer_dispose(&drawing.text);
    free(drawing.label_ends);
    free(drawing.note_ends);
    free(drawing.labels);
    free(drawing.notes);
    free(drawing.values);
}

/* ---- cohorts ------------------------------------------------------------------------------------------------- */

static bool ends_in_digit(const char *name)
{
    size_t len = strlen(name);
    return len != 0 && name[len - 1] >= '0' && name[len - 1] <= '9';
}

/* Is there a row for each pair of cohort and step? Then a cohort's rows follow one another. */
static bool is_listed(const struct kept *kept)
{
    if (kept->column_count < 3 || !kept_is_number(kept, 1))
        return false;
    for (size_t row = 1; row < kept->row_count; ++row)
        if (bytes_equal(kept_cell(kept, row - 1, 0).text, kept_cell(kept, row, 0).text))
            return true;
    return false;
}

static void put_heat(struct output *output, const struct cell *cell, double max)
{
    double value = number_of(cell);
    if (isnan(value)) {
        buffer_append_string(output->out, "<td></td>");
        return;
    }
    double heat = max > 0 ? fmin(HEAT_MAX, fmax(HEAT_MIN, value / max * HEAT_MAX)) : HEAT_MIN;
    buffer_printf(output->out, "<td class=\"h%s\" style=\"--a:%.2f\">", heat > HEAT_HIGH ? " high" : "", heat);
    html_put_cell(output, cell, true);
    buffer_append_string(output->out, "</td>");
}

static void open_triangle(struct output *output)
{
    html_open_rows(output, 0, "");
    buffer_append_string(output->out, "<table class=\"cohort\">\n<thead><tr>");
}

static void put_triangle_head(struct output *output, size_t column, const char *class)
{
    buffer_printf(output->out, "<th scope=\"col\"%s>", class);
    markup_put_name(output->out, bytes_of_string(output->names[column]));
    buffer_append_string(output->out, "</th>");
}

static void put_cohort_name(struct output *output, const struct cell *cell)
{
    buffer_append_string(output->out, "<tr><th scope=\"row\">");
    html_put_cell(output, cell, false);
    buffer_append_string(output->out, "</th>");
}

static double largest_in(const struct kept *kept, size_t column, bool *is_constant)
{
    double max = 0, min = INFINITY;
    for (size_t row = 0; row < kept->row_count; ++row) {
        struct cell cell = kept_cell(kept, row, column);
        max = fmax(max, number_of(&cell));
        min = fmin(min, number_of(&cell));
    }
    *is_constant = min >= max;
    return max;
}

/* A first step in which everybody is by definition would leave the rest pale, and is left out. */
static double largest_of_wide(const struct kept *kept, const bool *are_steps)
{
    double max = 0, first = 0;
    bool is_first = true;
    for (size_t column = 0; column < kept->column_count; ++column) {
        bool is_constant;
        if (!are_steps[column])
            continue;
        double largest = largest_in(kept, column, &is_constant);
        if (is_first && is_constant)
            first = largest;
        else
            max = fmax(max, largest);
        is_first = false;
    }
    return max > 0 ? max : first;
}

/* Steps are the columns whose names end in a number; if there are none, all numbers are. */
static void find_steps(struct output *output, bool *are_steps)
{
    struct html *html = output->state;
    bool are_numbered = false;
    for (size_t i = 1; i < output->column_count; ++i)
        are_numbered |= ends_in_digit(output->names[i]);
    for (size_t i = 1; i < output->column_count; ++i)
        are_steps[i] = are_numbered ? ends_in_digit(output->names[i]) : kept_is_number(&html->kept, i);
}

static void put_wide_triangle(struct output *output)
{
    struct html *html = output->state;
    bool *are_steps = allocate(output->column_count, sizeof(*are_steps));
    find_steps(output, are_steps);
    double max = largest_of_wide(&html->kept, are_steps);
    open_triangle(output);
    for (size_t i = 0; i < output->column_count; ++i)
        put_triangle_head(output, i, are_steps[i] ? " class=\"h\"" : i != 0 ? " class=\"n\"" : "");
    buffer_append_string(output->out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < html->kept.row_count; ++row) {
        struct cell cell = kept_cell(&html->kept, row, 0);
        put_cohort_name(output, &cell);
        for (size_t i = 1; i < output->column_count; ++i) {
            cell = kept_cell(&html->kept, row, i);
            if (are_steps[i]) {
                put_heat(output, &cell, max);
                continue;
            }
            buffer_append_string(output->out, "<td class=\"n\">");
            html_put_cell(output, &cell, true);
            buffer_append_string(output->out, "</td>");
        }
        buffer_append_string(output->out, "</tr>\n");
    }
    buffer_append_string(output->out, "</tbody>\n</table>\n</div>\n");
    free(are_steps);
}

/* What a list of pairs is about: the last share, or else the last number. */
static size_t find_heat_column(struct output *output)
{
    struct html *html = output->state;
    size_t found = 0;
    for (size_t i = 2; i < output->column_count; ++i)
        if (kept_is_number(&html->kept, i) &&
            (found == 0 || is_share(output->names[i]) || !is_share(output->names[found])))
            found = i;
    return found;
}

/* The steps that there are, from first to last. */
static void find_step_range(const struct kept *kept, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = INT64_MIN;
    for (size_t row = 0; row < kept->row_count; ++row) {
        double step;
        struct cell cell = kept_cell(kept, row, 1);
        step = number_of(&cell);
        if (isnan(step) || fabs(step) > 1e6)
            continue;
        *first = (int64_t)step < *first ? (int64_t)step : *first;
        *last = (int64_t)step > *last ? (int64_t)step : *last;
    }
    if (*last - *first >= STEPS_MAX)
        *last = *first + STEPS_MAX - 1;
}

static double largest_of_listed(const struct kept *kept, size_t column, int64_t first)
{
    double max = 0;
    for (size_t row = 0; row < kept->row_count; ++row) {
        struct cell step = kept_cell(kept, row, 1), cell = kept_cell(kept, row, column);
        if (number_of(&step) > (double)first)
            max = fmax(max, number_of(&cell));
    }
    return max;
}

/* One cohort's line from its rows, which begin at `row`; returns the row behind them. */
static size_t put_listed_cohort(struct output *output, size_t row, size_t column, const int64_t range[2], double max)
{
    struct html *html = output->state;
    struct cell name = kept_cell(&html->kept, row, 0);
    int64_t step = range[0];
    put_cohort_name(output, &name);
    for (; row < html->kept.row_count; ++row) {
        struct cell now = kept_cell(&html->kept, row, 0), at = kept_cell(&html->kept, row, 1);
        struct cell cell = kept_cell(&html->kept, row, column);
        if (!bytes_equal(now.text, name.text) || now.integer != name.integer)
            break;
        for (; step <= range[1] && (double)step < number_of(&at); ++step)
            buffer_append_string(output->out, "<td></td>");
        if (step <= range[1] && (double)step == number_of(&at)) {
            put_heat(output, &cell, max);
            ++step;
        }
    }
    buffer_append_string(output->out, "</tr>\n");
    return row;
}

static void put_listed_triangle(struct output *output)
{
    struct html *html = output->state;
    int64_t range[2];
    size_t column = find_heat_column(output);
    find_step_range(&html->kept, &range[0], &range[1]);
    double max = largest_of_listed(&html->kept, column, range[0]);
    buffer_append_string(output->out, "<p class=\"soft\">");
    markup_put_name(output->out, bytes_of_string(output->names[column]));
    buffer_append_string(output->out, " by ");
    markup_put_name(output->out, bytes_of_string(output->names[0]));
    buffer_append_string(output->out, " (down) and ");
    markup_put_name(output->out, bytes_of_string(output->names[1]));
    buffer_append_string(output->out, " (across).</p>\n");
    open_triangle(output);
    put_triangle_head(output, 0, "");
    for (int64_t step = range[0]; step <= range[1]; ++step)
        buffer_printf(output->out, "<th scope=\"col\" class=\"h\">%" PRId64 "</th>", step);
    buffer_append_string(output->out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < html->kept.row_count;)
        row = put_listed_cohort(output, row, column, range, max);
    buffer_append_string(output->out, "</tbody>\n</table>\n</div>\n");
}

/* ---- which --------------------------------------------------------------------------------------------------- */

bool html_put_chart(struct output *output)
{
    struct html *html = output->state;
    size_t columns[SERIES_MAX], count;
    switch (html->chart) {
    case HTML_CHART_NONE:
        return false;
    case HTML_CHART_COHORT:
        if (!is_listed(&html->kept)) {
            put_wide_triangle(output);
            return html->kept.row_count == output->row_count;
        }
        if (find_heat_column(output) != 0)
            put_listed_triangle(output);
        return false;
    case HTML_CHART_BAR:
    case HTML_CHART_LINE:
        count = find_series(output, columns);
        if (count != 0)
            put_chart(output, columns, count);
        return false;
    }
    return false;
}

/*
 * The tables of a page. A desk shows a row as a line, whatever its text holds: keys and long text are clamped by the
 * style sheet, and the cell's title has all of it. On a telephone a wide row becomes a block with a line for each
 * column. A first column that only repeats itself, as that of an overview, becomes headings instead.
 */
#include <assert.h>
#include <stdio.h>

#include "output_page.h"

/* Longer tables are looked at through a window. */
#define WHOLE_ROWS_MAX 30
/* Text up to the first is not wrapped where there is room; from the second on it is clamped. */
#define BRIEF_LEN_MAX 40
#define LONG_LEN_MIN 60
/* What a telephone can show side by side, in characters. */
#define TELEPHONE_WIDTH 44
/* Each heading must stand for so many rows, on average. */
#define GROUP_ROWS_MIN 2

enum look { LOOK_TEXT, LOOK_BRIEF, LOOK_LONG, LOOK_KEY, LOOK_TIME, LOOK_NUMBER, LOOK_UNIT };

struct rows {
    enum look *looks;
    bool are_records; /* too wide for a telephone */
    bool are_grouped; /* the first column is headings */
};

/* ---- cells --------------------------------------------------------------------------------------------------- */

void html_put_cell(struct output *output, const struct cell *cell, bool is_grouped)
{
    struct html *html = output->state;
    if (cell->type == CELL_NULL)
        buffer_append_string(output->out, "<span class=\"none\">" NULL_SHOWN "</span>");
    else if (is_number(cell) && is_grouped)
        put_grouped(output->out, cell_text(cell, &html->scratch));
    else
        markup_put_text(output->out, cell_text(cell, &html->scratch));
}

static void put_title(struct output *output, struct bytes text)
{
    buffer_append_string(output->out, " title=\"");
    markup_put_text(output->out, text);
    buffer_append_string(output->out, "\"");
}

void html_put_time(struct output *output, const struct cell *cell)
{
    if (cell->type != CELL_TEXT || cell->text.len <= TIME_MINUTE_LEN) {
        buffer_append_string(output->out, ">");
        html_put_cell(output, cell, false);
        return;
    }
    put_title(output, cell->text);
    buffer_append_string(output->out, ">");
    markup_put_text(output->out, bytes_view(cell->text.data, TIME_MINUTE_LEN));
}

/* In a box of its own, which the style sheet clamps. */
static void put_clamped(struct output *output, const struct cell *cell)
{
    struct html *html = output->state;
    if (cell->type != CELL_NULL)
        put_title(output, cell_text(cell, &html->scratch));
    buffer_append_string(output->out, "><div>");
    html_put_cell(output, cell, false);
    buffer_append_string(output->out, "</div>");
}

static void put_cell(struct output *output, const struct rows *rows, size_t row, size_t column)
{
    static const char *const classes[] = {[LOOK_TEXT] = "",
                                          [LOOK_BRIEF] = " class=\"brief\"",
                                          [LOOK_LONG] = " class=\"long\"",
                                          [LOOK_KEY] = " class=\"key\"",
                                          [LOOK_TIME] = " class=\"brief\"",
                                          [LOOK_NUMBER] = " class=\"n\"",
                                          [LOOK_UNIT] = " class=\"unit\""};
    struct html *html = output->state;
    struct cell cell = kept_cell(&html->kept, row, column);
    enum look look = rows->looks[column];
    buffer_printf(output->out, "<td%s", classes[look]);
    if (rows->are_records) {
        buffer_append_string(output->out, " data-label=\"");
        markup_put_name(output->out, bytes_of_string(output->names[column]));
        buffer_append_string(output->out, "\"");
    }
    if (look == LOOK_TIME)
        html_put_time(output, &cell);
    else if (look == LOOK_LONG || look == LOOK_KEY)
        put_clamped(output, &cell);
    else {
        /* Under a chart the first column's numbers are no figures: a row for each number of messages. */
        bool is_label = column == 0 && html->chart != HTML_CHART_NONE;
        /* A unit that its heading says already. */
        bool is_said =
            look == LOOK_UNIT && rows->are_grouped && bytes_equal(cell.text, kept_cell(&html->kept, row, 0).text);
        buffer_append_string(output->out, ">");
        if (!is_said)
            html_put_cell(output, &cell, !is_label);
    }
    buffer_append_string(output->out, "</td>");
}

/* ---- what the table looks like ------------------------------------------------------------------------------- */

static size_t longest_in(const struct kept *kept, size_t column)
{
    size_t longest = 0;
    for (size_t row = 0; row < kept->row_count; ++row) {
        size_t len = kept_cell(kept, row, column).text.len;
        longest = len > longest ? len : longest;
    }
    return longest;
}

static enum look look_of(struct output *output, size_t column, size_t longest)
{
    struct html *html = output->state;
    bool is_label = column == 0 && html->chart != HTML_CHART_NONE;
    switch (kept_kind(&html->kept, column)) {
    case KEPT_NUMBER:
        return is_label ? LOOK_BRIEF : LOOK_NUMBER;
    case KEPT_TIME:
        return LOOK_TIME;
    case KEPT_KEY:
        return LOOK_KEY;
    case KEPT_TEXT:
        break;
    }
    if (strcmp(output->names[column], "unit") == 0)
        return LOOK_UNIT;
    return longest <= BRIEF_LEN_MAX ? LOOK_BRIEF : longest < LONG_LEN_MIN ? LOOK_TEXT : LOOK_LONG;
}

/* Does the first column only repeat what the rows are about? */
static bool repeats_itself(const struct output *output, const struct html *html)
{
    size_t runs = 0;
    if (html->chart != HTML_CHART_NONE || output->column_count < 3)
        return false;
    for (size_t row = 0; row < html->kept.row_count; ++row) {
        struct cell cell = kept_cell(&html->kept, row, 0);
        if (cell.type != CELL_TEXT)
            return false;
        runs += row == 0 || !bytes_equal(cell.text, kept_cell(&html->kept, row - 1, 0).text);
    }
    return runs > 1 && runs * GROUP_ROWS_MIN <= html->kept.row_count;
}

static void look_at_rows(struct output *output, struct rows *rows)
{
    struct html *html = output->state;
    size_t width = 0;
    bool has_wide = false;
    for (size_t i = 0; i < output->column_count; ++i) {
        size_t longest = longest_in(&html->kept, i);
        enum look look = rows->looks[i] = look_of(output, i, longest);
        has_wide |= look == LOOK_LONG || look == LOOK_KEY;
        width += look == LOOK_TIME ? TIME_MINUTE_LEN : longest < BRIEF_LEN_MAX ? longest : BRIEF_LEN_MAX;
    }
    rows->are_records = has_wide && width > TELEPHONE_WIDTH;
    rows->are_grouped = !rows->are_records && rows->looks[0] == LOOK_BRIEF && repeats_itself(output, html);
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

void html_open_rows(struct output *output, size_t row_count, const char *class)
{
    buffer_printf(output->out, "<div class=\"rows%s%s\" tabindex=\"0\">\n", row_count > WHOLE_ROWS_MAX ? " many" : "",
                  class);
}

static void put_table_head(struct output *output, const struct rows *rows)
{
    struct buffer *out = output->out;
    struct html *html = output->state;
    html_open_rows(output, html->kept.row_count, rows->are_records ? " broad" : rows->are_grouped ? " groups" : "");
    buffer_append_string(out, rows->are_records ? "<table class=\"records\">\n<thead><tr>" : "<table>\n<thead><tr>");
    for (size_t i = rows->are_grouped; i < output->column_count; ++i) {
        buffer_append_string(out,
                             rows->looks[i] == LOOK_NUMBER ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        markup_put_name(out, bytes_of_string(output->names[i]));
        buffer_append_string(out, "</th>");
    }
    buffer_append_string(out, "</tr></thead>\n<tbody>\n");
}

static void put_heading(struct output *output, size_t row)
{
    struct html *html = output->state;
    struct cell cell = kept_cell(&html->kept, row, 0);
    if (row != 0 && bytes_equal(cell.text, kept_cell(&html->kept, row - 1, 0).text))
        return;
    buffer_printf(output->out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">", output->column_count - 1);
    html_put_cell(output, &cell, false);
    buffer_append_string(output->out, "</th></tr>\n");
}

static void put_table_rows(struct output *output, const struct rows *rows)
{
    struct html *html = output->state;
    for (size_t row = 0; row < html->kept.row_count; ++row) {
        if (rows->are_grouped)
            put_heading(output, row);
        buffer_append_string(output->out, "<tr>");
        for (size_t i = rows->are_grouped; i < output->column_count; ++i)
            put_cell(output, rows, row, i);
        buffer_append_string(output->out, "</tr>\n");
    }
}

/* How many rows are left out, and how to have them: the question as it was asked, as csv. */
static void put_rest(struct output *output)
{
    struct html *html = output->state;
    char digits[INTEGER_TEXT_MAX];
    if (html->kept.row_count == output->row_count)
        return;
    buffer_append_string(output->out, "<p class=\"soft\">The first ");
    char *end = put_digits(digits, (int64_t)html->kept.row_count);
    put_grouped(output->out, bytes_view(digits, (size_t)(end - digits)));
    buffer_append_string(output->out, " of ");
    end = put_digits(digits, (int64_t)output->row_count);
    put_grouped(output->out, bytes_view(digits, (size_t)(end - digits)));
    buffer_append_string(output->out, " rows are shown; <code>helvino dump ");
    if (html->report_name != NULL) {
        buffer_append_string(output->out, "report ");
        markup_put_text(output->out, bytes_of_string(html->report_name));
        markup_put_text(output->out, bytes_of_string(html->flags));
    } else {
        buffer_append_string(output->out, "sql");
    }
    buffer_append_string(output->out, " --format csv</code> writes all of them.</p>\n");
}

void html_put_table(struct output *output)
{
    struct rows rows = {.looks = calloc(output->column_count, sizeof(*rows.looks))};
    if (rows.looks == NULL)
        abort();
    look_at_rows(output, &rows);
    put_table_head(output, &rows);
    put_table_rows(output, &rows);
    buffer_append_string(output->out, "</tbody>\n</table>\n</div>\n");
    put_rest(output);
    free(rows.looks);
}

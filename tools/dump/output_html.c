/*
 * A report as one page to be mailed: no script, nothing fetched, and a policy that says so. A set is kept until it
 * ends, as far as it is shown at all, because its chart stands above its table and both need every row.
 */
#include <assert.h>
#include <stdio.h>

#include "output_page.h"

/* Longer tables are looked at through a window. */
#define WHOLE_ROWS_MAX 30
#define TILES_MAX 12
#define TILE_TEXT_MAX 40

/* ---- the page ------------------------------------------------------------------------------------------------ */

static void open_page(struct output *output, const char *title)
{
    struct html *html = output->state;
    struct buffer *out = output->out;
    html->is_begun = true;
    buffer_append_string(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                              "<meta http-equiv=\"Content-Security-Policy\" "
                              "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                              "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                              "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    markup_put_text(out, bytes_of_string(title));
    buffer_append_string(out, "</title>\n<style>\n");
    buffer_append_string(out, page_style);
    buffer_append_string(out, "</style>\n</head>\n<body>\n<main>\n");
}

static void put_fact(struct buffer *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(out, "<div><dt>%s</dt><dd>", name);
    markup_put_text(out, bytes_of_string(value));
    buffer_append_string(out, "</dd></div>\n");
}

static void preamble_html(struct output *output, const struct output_preamble *preamble)
{
    struct html *html = output->state;
    struct buffer *out = output->out;
    const char *title = preamble->title != NULL ? preamble->title : preamble->name;
    html->report_name = bytes_dup(bytes_of_string(preamble->name));
    html->seq = preamble->seq;
    open_page(output, title);
    buffer_append_string(out, "<header>\n<h1>");
    markup_put_text(out, bytes_of_string(title));
    buffer_append_string(out, "</h1>\n");
    for (const char *from = preamble->definition; from != NULL && *from != '\0';) {
        size_t len = strcspn(from, "\n");
        buffer_append_string(out, "<p>");
        markup_put_text(out, bytes_view(from, len));
        buffer_append_string(out, "</p>\n");
        from += len + (from[len] == '\n' ? 1 : 0);
    }
    buffer_append_string(out, "<dl class=\"facts\">\n");
    put_fact(out, "Organisation", preamble->organisation);
    put_fact(out, "Period", preamble->period);
    put_fact(out, "Time zone", preamble->time_zone);
    put_fact(out, "Made at", preamble->made_at);
    buffer_append_string(out, "</dl>\n</header>\n");
}

static void close_html(struct output *output)
{
    struct html *html = output->state;
    if (!html->is_begun)
        open_page(output, "Helvino");
    if (html->report_name != NULL)
        buffer_printf(output->out,
                      "<footer>Made by Helvino from the data as of sequence number %" PRIu64 ".</footer>\n", html->seq);
    buffer_append_string(output->out, "</main>\n</body>\n</html>\n");
}

/* ---- figures alone ------------------------------------------------------------------------------------------- */

/* One row of a few short values, which reads better as tiles than as a table. */
static bool are_tiles(struct output *output)
{
    struct html *html = output->state;
    if (output->row_count != 1 || html->kept.row_count != 1 || output->column_count > TILES_MAX)
        return false;
    for (size_t i = 0; i < output->column_count; ++i)
        if (kept_cell(&html->kept, 0, i).text.len > TILE_TEXT_MAX)
            return false;
    return true;
}

static void put_tiles(struct output *output)
{
    struct html *html = output->state;
    struct buffer *out = output->out;
    buffer_append_string(out, "<dl class=\"tiles\">\n");
    for (size_t i = 0; i < output->column_count; ++i) {
        struct cell cell = kept_cell(&html->kept, 0, i);
        buffer_append_string(out, "<div><dt>");
        markup_put_name(out, bytes_of_string(output->names[i]));
        buffer_append_string(out, cell.type == CELL_TEXT ? "</dt><dd class=\"text\">" : "</dt><dd>");
        html_put_cell(output, &cell, true);
        buffer_append_string(out, "</dd></div>\n");
    }
    buffer_append_string(out, "</dl>\n");
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

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

enum { BRIEF_LEN_MAX = 40, LONG_LEN_MIN = 60 };

/* How a column's cells break: times never, long text within a width that can be read. */
static const char *text_class(const struct kept *kept, size_t column)
{
    size_t longest = 0;
    for (size_t row = 0; row < kept->row_count; ++row) {
        size_t len = kept_cell(kept, row, column).text.len;
        longest = len > longest ? len : longest;
    }
    return longest <= BRIEF_LEN_MAX ? "brief" : longest >= LONG_LEN_MIN ? "long" : "";
}

void html_open_rows(struct output *output, size_t row_count)
{
    buffer_printf(output->out, "<div class=\"rows%s\" tabindex=\"0\">\n", row_count > WHOLE_ROWS_MAX ? " many" : "");
}

static void put_table_head(struct output *output, const bool *are_numbers)
{
    struct buffer *out = output->out;
    struct html *html = output->state;
    html_open_rows(output, html->kept.row_count);
    buffer_append_string(out, "<table>\n<thead><tr>");
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_append_string(out, are_numbers[i] ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        markup_put_name(out, bytes_of_string(output->names[i]));
        buffer_append_string(out, "</th>");
    }
    buffer_append_string(out, "</tr></thead>\n<tbody>\n");
}

static void put_table_rows(struct output *output, const bool *are_numbers, const char *const *classes)
{
    struct html *html = output->state;
    for (size_t row = 0; row < html->kept.row_count; ++row) {
        buffer_append_string(output->out, "<tr>");
        for (size_t i = 0; i < output->column_count; ++i) {
            struct cell cell = kept_cell(&html->kept, row, i);
            const char *class = are_numbers[i] ? "n" : classes[i];
            buffer_printf(output->out, class[0] != '\0' ? "<td class=\"%s\">" : "<td>", class);
            html_put_cell(output, &cell, i != 0 || html->chart == HTML_CHART_NONE);
            buffer_append_string(output->out, "</td>");
        }
        buffer_append_string(output->out, "</tr>\n");
    }
}

/* How many rows are left out, and how to have them. */
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
    } else {
        buffer_append_string(output->out, "sql");
    }
    buffer_append_string(output->out, " --format csv</code> writes all of them.</p>\n");
}

static void put_table(struct output *output)
{
    struct html *html = output->state;
    size_t count = output->column_count;
    bool *are_numbers = calloc(count, sizeof(*are_numbers));
    const char **classes = calloc(count, sizeof(*classes));
    if (are_numbers == NULL || classes == NULL)
        abort();
    for (size_t i = 0; i < count; ++i) {
        /* Under a chart the first column's numbers are no figures: a row for each number of messages. */
        bool is_label = i == 0 && html->chart != HTML_CHART_NONE;
        are_numbers[i] = !is_label && kept_is_number(&html->kept, i);
        classes[i] = text_class(&html->kept, i);
    }
    put_table_head(output, are_numbers);
    put_table_rows(output, are_numbers, classes);
    buffer_append_string(output->out, "</tbody>\n</table>\n</div>\n");
    put_rest(output);
    free(are_numbers);
    free(classes);
}

/* ---- sets ---------------------------------------------------------------------------------------------------- */

static enum html_chart chart_of(const char *word)
{
    static const char *const words[] = {
        [HTML_CHART_BAR] = "bar", [HTML_CHART_LINE] = "line", [HTML_CHART_COHORT] = "cohort"};
    for (enum html_chart chart = HTML_CHART_BAR; word != NULL && chart <= HTML_CHART_COHORT; ++chart)
        if (strcmp(word, words[chart]) == 0)
            return chart;
    return HTML_CHART_NONE;
}

static void begin_html(struct output *output, const struct output_head *head)
{
    struct html *html = output->state;
    if (!html->is_begun)
        open_page(output, "Helvino");
    kept_dispose(&html->kept);
    html->kept = (struct kept){.column_count = output->column_count};
    html->chart = chart_of(head->chart);
    free(html->set_title);
    html->set_title = head->title != NULL ? bytes_dup(bytes_of_string(head->title)) : NULL;
}

static void row_html(struct output *output, const struct cell *cells)
{
    struct html *html = output->state;
    if (html->kept.row_count + 1 == output->row_count)
        kept_add(&html->kept, cells, HTML_ROWS_MAX);
}

static void end_html(struct output *output)
{
    struct html *html = output->state;
    buffer_append_string(output->out, "<section>\n");
    if (html->set_title != NULL) {
        buffer_append_string(output->out, "<h2>");
        markup_put_text(output->out, bytes_of_string(html->set_title));
        buffer_append_string(output->out, "</h2>\n");
    }
    if (output->row_count == 0) {
        buffer_append_string(output->out, "<p class=\"soft\">Nothing in this period.</p>\n");
    } else if (html->chart == HTML_CHART_NONE && are_tiles(output)) {
        put_tiles(output);
    } else {
        bool is_whole = html_put_chart(output);
        if (!is_whole)
            put_table(output);
    }
    buffer_append_string(output->out, "</section>\n");
}

static void dispose_html(struct output *output)
{
    struct html *html = output->state;
    kept_dispose(&html->kept);
    buffer_dispose(&html->scratch);
    free(html->report_name);
    free(html->set_title);
}

const struct output_writer output_html = {
    .state_size = sizeof(struct html),
    .preamble = preamble_html,
    .begin = begin_html,
    .row = row_html,
    .end = end_html,
    .close = close_html,
    .dispose = dispose_html,
};

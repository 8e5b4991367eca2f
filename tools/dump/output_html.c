/*
 * A report as one page to be mailed: no script, nothing fetched, and a policy that says so. A set is kept until it
 * ends, as far as it is shown at all, because its chart stands above its table and both need every row.
 */
#include <assert.h>
#include <stdio.h>

#include "output_page.h"

#define TILES_MAX 12
#define TILE_TEXT_MAX 200
/* A longer text gets two places. */
#define TILE_BRIEF_MAX 20

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
    html->flags = bytes_dup(bytes_of_string(preamble->flags != NULL ? preamble->flags : ""));
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

/* One row of a few values, which reads better as tiles than as a table. */
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
        enum kept_kind kind = kept_kind(&html->kept, i);
        bool is_broad = cell.type == CELL_TEXT && kind != KEPT_TIME && cell.text.len > TILE_BRIEF_MAX;
        buffer_append_string(out, is_broad ? "<div class=\"broad\"><dt>" : "<div><dt>");
        markup_put_name(out, bytes_of_string(output->names[i]));
        buffer_append_string(out, "</dt><dd");
        if (cell.type == CELL_TEXT)
            buffer_append_string(out, " class=\"text\"");
        if (kind == KEPT_TIME)
            html_put_time(output, &cell);
        else {
            buffer_append_string(out, ">");
            html_put_cell(output, &cell, true);
        }
        buffer_append_string(out, "</dd></div>\n");
    }
    buffer_append_string(out, "</dl>\n");
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
            html_put_table(output);
    }
    buffer_append_string(output->out, "</section>\n");
}

static void dispose_html(struct output *output)
{
    struct html *html = output->state;
    kept_dispose(&html->kept);
    buffer_dispose(&html->scratch);
    free(html->report_name);
    free(html->flags);
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

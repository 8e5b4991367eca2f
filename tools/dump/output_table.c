/*
 * For people at a terminal. The first rows decide how wide the columns are; the rest streams. A row is one line
 * whatever its text holds, text is cut to fit and a number never is; times lose their seconds, then their hours,
 * before anything gets too narrow to be told from its neighbours. Where not even that fits, each row is a block with a
 * line for each column. Into a pipe goes the table without bold and dim type, and nothing is cut.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "output_private.h"

#define SAMPLE_ROWS_MAX 300
#define GAP 2
#define COLUMN_WIDTH_MIN 4
/* What is left of keys and of text can still be told apart. */
#define KEY_WIDTH_MIN 9
#define TEXT_WIDTH_MIN 12
#define NAME_WIDTH_MIN 8
/* Where lines are longer than the terminal anyway. */
#define COLUMN_WIDTH_HOPELESS 24
/* A text in a block goes on for so many lines. */
#define BLOCK_LINES_MAX 3
#define BLOCK_RULE_MAX 40
#define PROSE_WIDTH_MAX 100
/* Counting the rows of an overview's small sets would only be noise. */
#define COUNTED_ROWS_MIN 10

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct column {
    size_t width;   /* now */
    size_t least;   /* what can't be taken from it */
    size_t natural; /* of its widest cell or name */
    enum kept_kind kind;
};

struct table {
    struct kept sample;
    struct column *columns; /* NULL while the sample grows */
    struct buffer shown, scratch;
    size_t spaces; /* due before the next text of the line */
    size_t time_len_max;
    bool are_blocks;
};

/* ---- layout -------------------------------------------------------------------------------------------------- */

/* The text of a cell as the table shows it, in table->shown; returns its width. */
static size_t show_cell(struct table *table, const struct cell *cell, size_t width_max)
{
    buffer_clear(&table->shown);
    if (cell->type == CELL_NULL) {
        buffer_append_string(&table->shown, NULL_SHOWN);
        return 1;
    }
    struct bytes text = cell_text(cell, &table->scratch);
    if (cell->type == CELL_TEXT && text.len > table->time_len_max && is_time_text(text))
        text.len = table->time_len_max;
    return put_shown(&table->shown, text, is_number(cell) ? SIZE_MAX : width_max);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a column can't give. */
static size_t least_width(const struct column *column, size_t head, size_t widest)
{
    size_t name = smaller(head, NAME_WIDTH_MIN);
    switch (column->kind) {
    case KEPT_NUMBER:
    case KEPT_TIME:
        return larger(widest, name);
    case KEPT_KEY:
        return larger(smaller(widest, KEY_WIDTH_MIN), name);
    case KEPT_TEXT:
        break;
    }
    return larger(smaller(widest, TEXT_WIDTH_MIN), name);
}

static void measure(struct output *output, struct column *column, size_t at)
{
    struct table *table = output->state;
    buffer_clear(&table->shown);
    size_t head = put_shown(&table->shown, bytes_of_string(output->names[at]), SIZE_MAX), widest = 1;
    column->kind = kept_kind(&table->sample, at);
    for (size_t row = 0; row < table->sample.row_count; ++row) {
        struct cell cell = kept_cell(&table->sample, row, at);
        widest = larger(widest, show_cell(table, &cell, SIZE_MAX));
    }
    if (column->kind == KEPT_TIME)
        widest = smaller(widest, table->time_len_max);
    column->natural = column->width = larger(head, widest);
    column->least = least_width(column, head, widest);
}

/* What a column gets when no more than `cap` is to go to each. */
static size_t capped(const struct column *column, size_t cap)
{
    return larger(column->least, smaller(column->natural, cap));
}

static size_t line_width(const struct column *columns, size_t count, size_t cap)
{
    size_t width = (count - 1) * GAP;
    for (size_t i = 0; i < count; ++i)
        width += capped(&columns[i], cap);
    return width;
}

/* The largest cap with which a line fits; there is one, 0 at least. */
static size_t largest_cap(const struct column *columns, size_t count, size_t width)
{
    size_t low = 0, high = width;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (line_width(columns, count, middle) <= width)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The widest columns give first: all are cut at one width. */
static void fit(struct column *columns, size_t count, size_t width)
{
    size_t cap = COLUMN_WIDTH_HOPELESS, left = 0;
    if (line_width(columns, count, SIZE_MAX) <= width)
        return;
    if (line_width(columns, count, 0) <= width) {
        cap = largest_cap(columns, count, width);
        left = width - line_width(columns, count, cap);
    }
    for (size_t i = 0; i < count; ++i) {
        /* What is left over is less than a column for each of those that were cut. */
        size_t more = left != 0 && capped(&columns[i], cap + 1) > capped(&columns[i], cap);
        columns[i].width = capped(&columns[i], cap + more);
        left -= more;
    }
}

static void measure_all(struct output *output)
{
    struct table *table = output->state;
    for (size_t i = 0; i < output->column_count; ++i)
        measure(output, &table->columns[i], i);
}

/* Times are whole as long as nothing else is cut for them, and are shortened as little as may be. */
static void lay_out(struct output *output)
{
    struct table *table = output->state;
    size_t count = output->column_count, width = output->config.width;
    table->time_len_max = SIZE_MAX;
    table->are_blocks = false;
    measure_all(output);
    if (width == 0 || line_width(table->columns, count, SIZE_MAX) <= width)
        return;
    table->time_len_max = TIME_MINUTE_LEN;
    measure_all(output);
    if (line_width(table->columns, count, 0) > width) {
        table->time_len_max = TIME_DAY_LEN;
        measure_all(output);
    }
    table->are_blocks = output->config.is_terminal && count > 1 && line_width(table->columns, count, 0) > width;
    fit(table->columns, count, width);
}

/* ---- lines --------------------------------------------------------------------------------------------------- */

static void put_styled(struct output *output, const char *style, struct bytes text)
{
    bool styled = output->config.is_terminal && style != NULL;
    if (styled)
        buffer_append_string(output->out, style);
    buffer_append(output->out, text.data, text.len);
    if (styled)
        buffer_append_string(output->out, PLAIN);
}

static void put_spaces(struct buffer *out, size_t count)
{
    if (count == 0)
        return;
    memset(buffer_reserve(out, count), ' ', count);
    out->len += count;
}

/* What table->shown holds, in its column; spaces are written only when something follows them. */
static void put_field(struct output *output, size_t at, size_t width, const char *style)
{
    struct table *table = output->state;
    const struct column *column = &table->columns[at];
    size_t padding = column->width > width ? column->width - width : 0;
    table->spaces += (at != 0 ? GAP : 0) + (column->kind == KEPT_NUMBER ? padding : 0);
    if (table->shown.len != 0) {
        put_spaces(output->out, table->spaces);
        put_styled(output, style, buffer_view(&table->shown));
        table->spaces = 0;
    }
    table->spaces += column->kind == KEPT_NUMBER ? 0 : padding;
}

static void end_line(struct output *output)
{
    struct table *table = output->state;
    table->spaces = 0;
    buffer_append_string(output->out, "\n");
}

static void put_row(struct output *output, const struct cell *cells)
{
    struct table *table = output->state;
    size_t count = output->column_count;
    for (size_t i = 0; i < count; ++i) {
        /* Nothing stands to the right of the last column, so without a terminal's edge it needs no limit. */
        bool may_run_on = output->config.width == 0;
        size_t width = show_cell(table, &cells[i], may_run_on ? SIZE_MAX : table->columns[i].width);
        put_field(output, i, width, cells[i].type == CELL_NULL ? DIM : NULL);
    }
    end_line(output);
}

static void put_names(struct output *output)
{
    struct table *table = output->state;
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_clear(&table->shown);
        size_t width = put_shown(&table->shown, bytes_of_string(output->names[i]), table->columns[i].width);
        put_field(output, i, width, BOLD);
    }
    end_line(output);
}

static void put_rule(struct output *output)
{
    struct table *table = output->state;
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_clear(&table->shown);
        for (size_t column = 0; column < table->columns[i].width; ++column)
            buffer_append_string(&table->shown, "\u2500");
        put_field(output, i, table->columns[i].width, DIM);
    }
    end_line(output);
}

/* ---- blocks -------------------------------------------------------------------------------------------------- */

/* How many bytes of shown text go into a line: up to a space, if there is one. */
static size_t line_len(struct bytes text, size_t width_max)
{
    size_t width = 0, at = 0, space = 0;
    for (size_t len; at < text.len; at += len) {
        width += character_width(character_at(bytes_view(text.data + at, text.len - at), &len));
        if (width > width_max)
            return space != 0 ? space : at;
        if (text.data[at] == ' ')
            space = at;
    }
    return at;
}

/* The text of table->shown in a few lines below each other. */
static void put_block_text(struct output *output, size_t indent, const char *style)
{
    struct table *table = output->state;
    struct bytes rest = buffer_view(&table->shown);
    size_t width = output->config.width > indent + COLUMN_WIDTH_MIN ? output->config.width - indent : COLUMN_WIDTH_MIN;
    struct buffer line = {0};
    for (int number = 1; number == 1 || rest.len != 0; ++number) {
        size_t len = number < BLOCK_LINES_MAX ? line_len(rest, width) : rest.len;
        buffer_clear(&line);
        if (len != 0)
            put_shown(&line, bytes_view(rest.data, len), width);
        if (number > 1)
            put_spaces(output->out, indent);
        put_styled(output, style, buffer_view(&line));
        buffer_append_string(output->out, "\n");
        len += len < rest.len && rest.data[len] == ' ';
        rest = bytes_view(rest.data + len, rest.len - len);
    }
    buffer_dispose(&line);
}

static void put_block_rule(struct output *output, uint64_t number)
{
    struct table *table = output->state;
    size_t width = smaller(output->config.width, BLOCK_RULE_MAX);
    buffer_clear(&table->shown);
    buffer_printf(&table->shown, "\u2500\u2500 %" PRIu64 " ", number);
    for (size_t at = table->shown.len - 4; at < width; ++at)
        buffer_append_string(&table->shown, "\u2500");
    put_styled(output, DIM, buffer_view(&table->shown));
    buffer_append_string(output->out, "\n");
}

static void put_block(struct output *output, const struct cell *cells, uint64_t number)
{
    struct table *table = output->state;
    size_t indent = 0, name_width_max = larger(output->config.width / 2, 1);
    put_block_rule(output, number);
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_clear(&table->shown);
        indent = larger(indent, put_shown(&table->shown, bytes_of_string(output->names[i]), name_width_max));
    }
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_clear(&table->shown);
        size_t width = put_shown(&table->shown, bytes_of_string(output->names[i]), name_width_max);
        put_styled(output, BOLD, buffer_view(&table->shown));
        put_spaces(output->out, indent - width + GAP);
        show_cell(table, &cells[i], output->config.width * BLOCK_LINES_MAX);
        put_block_text(output, indent + GAP, cells[i].type == CELL_NULL ? DIM : NULL);
    }
}

static void put_row_or_block(struct output *output, const struct cell *cells, uint64_t number)
{
    struct table *table = output->state;
    if (table->are_blocks)
        put_block(output, cells, number);
    else
        put_row(output, cells);
}

/* The sample is complete: lays the columns out and writes everything so far. */
static void settle(struct output *output)
{
    struct table *table = output->state;
    size_t count = output->column_count;
    struct cell *cells = calloc(count, sizeof(*cells));
    table->columns = calloc(count, sizeof(*table->columns));
    if (cells == NULL || table->columns == NULL)
        abort();
    lay_out(output);
    if (table->are_blocks)
        table->time_len_max = SIZE_MAX;
    else {
        put_names(output);
        put_rule(output);
    }
    for (size_t row = 0; row < table->sample.row_count; ++row) {
        for (size_t i = 0; i < count; ++i)
            cells[i] = kept_cell(&table->sample, row, i);
        put_row_or_block(output, cells, row + 1);
    }
    free(cells);
    kept_dispose(&table->sample);
}

/* ---- the format ---------------------------------------------------------------------------------------------- */

static void preamble(struct output *output, const struct output_preamble *preamble)
{
    size_t width = output->config.width != 0 ? output->config.width : PROSE_WIDTH_MAX;
    put_preamble(output->out, preamble, smaller(width, PROSE_WIDTH_MAX), output->config.is_terminal);
}

static void begin(struct output *output, const struct output_head *head)
{
    struct table *table = output->state;
    table->sample = (struct kept){.column_count = output->column_count};
    if (output->set_count > 1)
        buffer_append_string(output->out, "\n");
    if (head->title != NULL) {
        buffer_clear(&table->shown);
        put_shown(&table->shown, bytes_of_string(head->title), SIZE_MAX);
        put_styled(output, BOLD, buffer_view(&table->shown));
        buffer_append_string(output->out, "\n");
    }
}

static void row(struct output *output, const struct cell *cells)
{
    struct table *table = output->state;
    if (table->columns == NULL && kept_add(&table->sample, cells, SAMPLE_ROWS_MAX))
        return;
    if (table->columns == NULL)
        settle(output);
    put_row_or_block(output, cells, output->row_count);
}

static void put_row_count(struct output *output)
{
    char digits[INTEGER_TEXT_MAX];
    struct table *table = output->state;
    char *end = put_digits(digits, (int64_t)output->row_count);
    buffer_clear(&table->shown);
    buffer_append_string(&table->shown, "(");
    put_grouped(&table->shown, bytes_view(digits, (size_t)(end - digits)));
    buffer_append_string(&table->shown, output->row_count == 1 ? " row)" : " rows)");
    put_styled(output, DIM, buffer_view(&table->shown));
    buffer_append_string(output->out, "\n");
}

static void end(struct output *output)
{
    struct table *table = output->state;
    if (table->columns == NULL)
        settle(output);
    if (output->config.is_terminal &&
        (!output->is_report || output->row_count == 0 || output->row_count >= COUNTED_ROWS_MIN))
        put_row_count(output);
    free(table->columns);
    table->columns = NULL;
}

static void dispose(struct output *output)
{
    struct table *table = output->state;
    free(table->columns);
    kept_dispose(&table->sample);
    buffer_dispose(&table->shown);
    buffer_dispose(&table->scratch);
}

const struct output_writer output_table = {
    .state_size = sizeof(struct table),
    .preamble = preamble,
    .begin = begin,
    .row = row,
    .end = end,
    .dispose = dispose,
};

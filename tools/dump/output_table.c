/*
 * For people at a terminal. The first rows decide how wide the columns are; the rest streams. A row is one line
 * whatever its text holds, text is cut to fit and a number never is. Into a pipe goes the same without bold and dim
 * type, and nothing is cut.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "output_private.h"

#define SAMPLE_ROWS_MAX 300
#define GAP 2
#define COLUMN_WIDTH_MIN 4
/* Columns of equally wide cells up to this, such as times, are cut only when the others would get less than the second.
 */
#define EVEN_WIDTH_MAX 24
#define COLUMN_WIDTH_SPARING 8
/* Where lines are longer than the terminal anyway. */
#define COLUMN_WIDTH_HOPELESS 24
#define PROSE_WIDTH_MAX 100
/* Counting the rows of an overview's small sets would only be noise. */
#define COUNTED_ROWS_MIN 10

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct column {
    size_t width;   /* now */
    size_t least;   /* what can't be taken from it */
    size_t even;    /* of all cells, when they are equally wide; else 0 */
    size_t natural; /* of its widest cell or name */
    bool is_number;
};

struct table {
    struct kept sample;
    struct column *columns; /* NULL while the sample grows */
    struct buffer shown, scratch;
    size_t spaces; /* due before the next text of the line */
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
    return put_shown(&table->shown, cell_text(cell, &table->scratch), is_number(cell) ? SIZE_MAX : width_max);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void measure(struct output *output, struct column *column, size_t at)
{
    struct table *table = output->state;
    buffer_clear(&table->shown);
    size_t head = put_shown(&table->shown, bytes_of_string(output->names[at]), SIZE_MAX), widest = 1;
    size_t narrowest = SIZE_MAX;
    for (size_t row = 0; row < table->sample.row_count; ++row) {
        struct cell cell = kept_cell(&table->sample, row, at);
        size_t width = show_cell(table, &cell, SIZE_MAX);
        widest = larger(widest, width);
        narrowest = cell.type != CELL_NULL ? smaller(narrowest, width) : narrowest;
    }
    column->even = widest == narrowest ? widest : 0;
    column->is_number = kept_is_number(&table->sample, at);
    column->natural = column->width = larger(head, widest);
    column->least = smaller(column->natural, larger(COLUMN_WIDTH_MIN, column->is_number ? widest : 0));
}

/* What a column gets when no more than `cap` is to go to each. */
static size_t capped(const struct column *column, size_t cap, bool spares_even)
{
    bool is_spared = spares_even && column->even != 0 && column->even <= EVEN_WIDTH_MAX;
    return larger(is_spared ? larger(column->least, column->even) : column->least, smaller(column->natural, cap));
}

static size_t line_width(const struct column *columns, size_t count, size_t cap, bool spares_even)
{
    size_t width = (count - 1) * GAP;
    for (size_t i = 0; i < count; ++i)
        width += capped(&columns[i], cap, spares_even);
    return width;
}

/* The largest cap with which a line fits; there is one, COLUMN_WIDTH_MIN at least. */
static size_t largest_cap(const struct column *columns, size_t count, size_t width, bool spares_even)
{
    size_t low = COLUMN_WIDTH_MIN, high = width;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (line_width(columns, count, middle, spares_even) <= width)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The widest columns give first: all are cut at one width. Times, whose last digits would go first, are spared if the
 * others can give enough. */
static void fit(struct column *columns, size_t count, size_t width)
{
    bool spares_even = line_width(columns, count, COLUMN_WIDTH_SPARING, true) <= width;
    size_t cap = COLUMN_WIDTH_HOPELESS, left = 0;
    if (line_width(columns, count, SIZE_MAX, true) <= width)
        return;
    if (line_width(columns, count, COLUMN_WIDTH_MIN, spares_even) <= width) {
        cap = largest_cap(columns, count, width, spares_even);
        left = width - line_width(columns, count, cap, spares_even);
    }
    for (size_t i = 0; i < count; ++i) {
        /* What is left over is less than a column for each of those that were cut. */
        size_t more = left != 0 && capped(&columns[i], cap + 1, spares_even) > capped(&columns[i], cap, spares_even);
        columns[i].width = capped(&columns[i], cap + more, spares_even);
        left -= more;
    }
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
    table->spaces += (at != 0 ? GAP : 0) + (column->is_number ? padding : 0);
    if (table->shown.len != 0) {
        put_spaces(output->out, table->spaces);
        put_styled(output, style, buffer_view(&table->shown));
        table->spaces = 0;
    }
    table->spaces += column->is_number ? 0 : padding;
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

/* The sample is complete: lays the columns out and writes everything so far. */
static void settle(struct output *output)
{
    struct table *table = output->state;
    size_t count = output->column_count;
    struct cell *cells = calloc(count, sizeof(*cells));
    table->columns = calloc(count, sizeof(*table->columns));
    if (cells == NULL || table->columns == NULL)
        abort();
    for (size_t i = 0; i < count; ++i)
        measure(output, &table->columns[i], i);
    if (output->config.width != 0)
        fit(table->columns, count, output->config.width);
    put_names(output);
    put_rule(output);
    for (size_t row = 0; row < table->sample.row_count; ++row) {
        for (size_t i = 0; i < count; ++i)
            cells[i] = kept_cell(&table->sample, row, i);
        put_row(output, cells);
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
    put_row(output, cells);
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

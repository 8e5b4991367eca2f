/* All cells are kept until the end, because the widest one decides where its column's neighbours stand. */
#include "cli/grid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define GAP 2

static size_t row_count(const struct grid *grid)
{
    return grid->cell_count / grid->column_count;
}

void grid_add(struct grid *grid, struct bytes text)
{
    assert(grid->column_count > 0 && grid->column_count <= GRID_COLUMNS_MAX);
    grid->cells = realloc(grid->cells, (grid->cell_count + 1) * sizeof(*grid->cells));
    if (grid->cells == NULL)
        abort();
    grid->cells[grid->cell_count++] = bytes_dup(text);
}

void grid_add_number(struct grid *grid, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    grid->is_number[grid->cell_count % grid->column_count] = true;
    grid_add(grid, bytes_of_string(text));
}

/* Columns on a terminal: characters, which for nearly all names is right. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; ++text)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padding(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

static void print_row(const struct grid *grid, size_t row, const size_t widths[], FILE *out)
{
    for (size_t column = 0; column < grid->column_count; ++column) {
        const char *text = grid->cells[row * grid->column_count + column];
        size_t padding = widths[column] - text_width(text);
        bool is_last = column + 1 == grid->column_count;
        if (grid->is_number[column])
            print_padding(out, padding);
        fputs(text, out);
        if (!grid->is_number[column] && !is_last)
            print_padding(out, padding);
        if (!is_last)
            print_padding(out, GAP);
    }
    fputc('\n', out);
}

void grid_print(const struct grid *grid, FILE *out)
{
    size_t widths[GRID_COLUMNS_MAX] = {0};
    assert(grid->cell_count % grid->column_count == 0);
    for (size_t i = 0; i < grid->cell_count; ++i) {
        size_t width = text_width(grid->cells[i]), column = i % grid->column_count;
        if (widths[column] < width)
            widths[column] = width;
    }
    for (size_t row = 0; row < row_count(grid); ++row)
        print_row(grid, row, widths, out);
}

void grid_dispose(struct grid *grid)
{
    for (size_t i = 0; i < grid->cell_count; ++i)
        free(grid->cells[i]);
    free(grid->cells);
    *grid = (struct grid){0};
}

void format_size(uint64_t bytes, char out[SIZE_TEXT_LEN])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    double value = (double)bytes;
    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1024;
        ++unit;
    }
    snprintf(out, SIZE_TEXT_LEN, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

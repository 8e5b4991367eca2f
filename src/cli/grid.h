#pragma once
/* Tables for people: columns as wide as their widest cell, numbers to the right, two spaces between. Main thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

#define GRID_COLUMNS_MAX 8

/* Cells row by row, first the heads; zero-initialised but for column_count is an empty grid. */
struct grid {
    size_t column_count, cell_count;
    bool is_number[GRID_COLUMNS_MAX];
    char **cells;
};

/* The next cell, left to right and row after row. The text is copied. */
void grid_add(struct grid *grid, struct bytes text);
/* The same with a number, which puts its column to the right. */
void grid_add_number(struct grid *grid, uint64_t number);
/* The last row must be complete. */
void grid_print(const struct grid *grid, FILE *out);
void grid_dispose(struct grid *grid);

/* "1.5 MiB", for people. */
#define SIZE_TEXT_LEN 16
void format_size(uint64_t bytes, char out[SIZE_TEXT_LEN]);

/* Rows are kept as numbers and as offsets into one text, so that growing moves nothing that anybody points to. */
#include <assert.h>

#include "output_private.h"

#define TIME_LEN_MAX 29
/* A shorter word is a name; a longer one is something else. */
#define KEY_LEN_MIN 20
#define KEY_LEN_MAX 64

struct kept_cell {
    enum cell_type type;
    int64_t integer;
    double real;
    size_t offset, len;
};

bool kept_add(struct kept *kept, const struct cell *cells, size_t row_max)
{
    if (kept->row_count >= row_max || kept->text.len + kept->cells.len >= KEPT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < kept->column_count; ++i) {
        struct kept_cell cell = {cells[i].type, cells[i].integer, cells[i].real, kept->text.len, 0};
        if (cell.type >= CELL_REAL) {
            cell.len = cells[i].text.len;
            buffer_append(&kept->text, cells[i].text.data, cell.len);
        }
        buffer_append(&kept->cells, &cell, sizeof(cell));
    }
    ++kept->row_count;
    return true;
}

struct cell kept_cell(const struct kept *kept, size_t row, size_t column)
{
    const struct kept_cell *cells = (const void *)kept->cells.data;
    const struct kept_cell *cell = &cells[row * kept->column_count + column];
    assert(row < kept->row_count && column < kept->column_count);
    struct bytes text = cell->len != 0 ? bytes_view(kept->text.data + cell->offset, cell->len) : BYTES("");
    return (struct cell){cell->type, cell->integer, cell->real, text};
}

bool kept_is_number(const struct kept *kept, size_t column)
{
    bool found = false;
    for (size_t row = 0; row < kept->row_count; ++row) {
        struct cell cell = kept_cell(kept, row, column);
        if (cell.type != CELL_NULL && !is_number(&cell))
            return false;
        found |= cell.type != CELL_NULL;
    }
    return found;
}

bool is_time_text(struct bytes text)
{
    static const char form[] = "0000-00-00 00:00:00";
    if (text.len < sizeof(form) - 1 || text.len > TIME_LEN_MAX)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; ++i) {
        char letter = text.data[i];
        bool is_fine = form[i] == '0'   ? letter >= '0' && letter <= '9'
                       : form[i] == ' ' ? letter == ' ' || letter == 'T'
                                        : letter == form[i];
        if (!is_fine)
            return false;
    }
    return true;
}

static bool is_key_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_:.", text.data[i]) == NULL ||
            text.data[i] == '\0')
            return false;
    return text.len <= KEY_LEN_MAX;
}

enum kept_kind kept_kind(const struct kept *kept, size_t column)
{
    size_t longest = 0;
    bool are_times = true, are_keys = true;
    if (kept_is_number(kept, column))
        return KEPT_NUMBER;
    for (size_t row = 0; row < kept->row_count; ++row) {
        struct cell cell = kept_cell(kept, row, column);
        if (cell.type == CELL_NULL)
            continue;
        are_times &= cell.type == CELL_TEXT && is_time_text(cell.text);
        are_keys &= cell.type == CELL_TEXT && is_key_text(cell.text);
        longest = cell.text.len > longest ? cell.text.len : longest;
    }
    return longest == 0 ? KEPT_TEXT : are_times ? KEPT_TIME : are_keys && longest >= KEY_LEN_MIN ? KEPT_KEY : KEPT_TEXT;
}

void kept_dispose(struct kept *kept)
{
    buffer_dispose(&kept->cells);
    buffer_dispose(&kept->text);
    kept->row_count = 0;
}

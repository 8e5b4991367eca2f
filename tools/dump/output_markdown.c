/*
 * Tables as GitHub reads them. Text stays text: whatever Markdown or HTML would take for a sign is written with a
 * backslash, so nothing that a visitor typed becomes a link, a picture or a second row. The first rows are kept until
 * it is known which columns hold numbers.
 */
#include <stdio.h>

#include "output_private.h"

#define SAMPLE_ROWS_MAX 300

struct markdown {
    struct kept sample;
    bool is_settled; /* the head is written and rows stream */
    struct buffer mended, scratch;
};

/* ---- text ---------------------------------------------------------------------------------------------------- */

/* What can begin or end something inside a line; "_" and others have a meaning at the edge of a word only. */
static bool is_sign(struct bytes text, size_t at)
{
    unsigned char before = at != 0 ? (unsigned char)text.data[at - 1] : ' ';
    unsigned char after = at + 1 < text.len ? (unsigned char)text.data[at + 1] : ' ';
    switch (text.data[at]) {
    case '_':
        return before <= ' ' || after <= ' ' || (before < 0x80 && strchr("_*([{\"'~.,;:!?|/-", before) != NULL) ||
               (after < 0x80 && strchr("_*)]}\"'~.,;:!?|/-", after) != NULL);
    case '#':
    case '@':
        return at == 0 || strchr(" (\n", before) != NULL;
    default:
        return strchr("\\`*[]<>|~&$!", text.data[at]) != NULL && text.data[at] != '\0';
    }
}

/* One line of Markdown that reads as the text. */
static void put_text(struct output *output, struct bytes text)
{
    struct markdown *markdown = output->state;
    struct buffer *out = output->out;
    text = utf8_mend(text, &markdown->mended);
    for (size_t at = 0; at < text.len; ++at) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte == '\n')
            buffer_append_string(out, "<br>");
        else if (byte < 0x20 || byte == 0x7f)
            buffer_append_string(out, byte == '\r' ? "" : " ");
        else if (is_sign(text, at))
            buffer_append(out, (char[]){'\\', (char)byte}, 2);
        else
            buffer_append(out, text.data + at, 1);
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

static void put_row(struct output *output, const struct cell *cells)
{
    struct markdown *markdown = output->state;
    buffer_append_string(output->out, "|");
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_append_string(output->out, " ");
        if (cells[i].type == CELL_NULL)
            buffer_append_string(output->out, NULL_SHOWN);
        else if (cells[i].type == CELL_TEXT)
            put_text(output, cells[i].text);
        else {
            struct bytes text = cell_text(&cells[i], &markdown->scratch);
            buffer_append(output->out, text.data, text.len);
        }
        buffer_append_string(output->out, " |");
    }
    buffer_append_string(output->out, "\n");
}

static void put_head(struct output *output)
{
    struct markdown *markdown = output->state;
    buffer_append_string(output->out, "|");
    for (size_t i = 0; i < output->column_count; ++i) {
        buffer_append_string(output->out, " ");
        put_text(output, bytes_of_string(output->names[i]));
        buffer_append_string(output->out, " |");
    }
    buffer_append_string(output->out, "\n|");
    for (size_t i = 0; i < output->column_count; ++i)
        buffer_append_string(output->out, kept_is_number(&markdown->sample, i) ? " ---: |" : " --- |");
    buffer_append_string(output->out, "\n");
}

static void settle(struct output *output)
{
    struct markdown *markdown = output->state;
    struct cell *cells = calloc(output->column_count, sizeof(*cells));
    if (cells == NULL)
        abort();
    put_head(output);
    for (size_t row = 0; row < markdown->sample.row_count; ++row) {
        for (size_t i = 0; i < output->column_count; ++i)
            cells[i] = kept_cell(&markdown->sample, row, i);
        put_row(output, cells);
    }
    free(cells);
    kept_dispose(&markdown->sample);
    markdown->is_settled = true;
}

/* ---- the format ---------------------------------------------------------------------------------------------- */

static void put_fact(struct output *output, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(output->out, "- %s: ", name);
    put_text(output, bytes_of_string(value));
    buffer_append_string(output->out, "\n");
}

static void preamble(struct output *output, const struct output_preamble *preamble)
{
    buffer_append_string(output->out, "# ");
    put_text(output, bytes_of_string(preamble->title != NULL ? preamble->title : preamble->name));
    buffer_append_string(output->out, "\n\n");
    for (const char *from = preamble->definition; from != NULL && *from != '\0';) {
        size_t len = strcspn(from, "\n");
        put_text(output, bytes_view(from, len));
        buffer_append_string(output->out, "\n\n");
        from += len + (from[len] == '\n' ? 1 : 0);
    }
    put_fact(output, "Organisation", preamble->organisation);
    put_fact(output, "Period", preamble->period);
    put_fact(output, "Time zone", preamble->time_zone);
    put_fact(output, "Made at", preamble->made_at);
    buffer_append_string(output->out, "\n");
}

static void begin(struct output *output, const struct output_head *head)
{
    struct markdown *markdown = output->state;
    markdown->sample = (struct kept){.column_count = output->column_count};
    markdown->is_settled = false;
    if (output->set_count > 1)
        buffer_append_string(output->out, "\n");
    if (head->title != NULL) {
        buffer_append_string(output->out, "## ");
        put_text(output, bytes_of_string(head->title));
        buffer_append_string(output->out, "\n\n");
    }
}

static void row(struct output *output, const struct cell *cells)
{
    struct markdown *markdown = output->state;
    if (!markdown->is_settled && kept_add(&markdown->sample, cells, SAMPLE_ROWS_MAX))
        return;
    if (!markdown->is_settled)
        settle(output);
    put_row(output, cells);
}

static void end(struct output *output)
{
    struct markdown *markdown = output->state;
    if (!markdown->is_settled)
        settle(output);
}

static void dispose(struct output *output)
{
    struct markdown *markdown = output->state;
    kept_dispose(&markdown->sample);
    buffer_dispose(&markdown->mended);
    buffer_dispose(&markdown->scratch);
}

const struct output_writer output_markdown = {
    .state_size = sizeof(struct markdown),
    .preamble = preamble,
    .begin = begin,
    .row = row,
    .end = end,
    .dispose = dispose,
};

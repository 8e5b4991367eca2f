/*
 * The way of a row to its format, and what all formats share. A format that needs to see rows before it can write any
 * keeps a bounded number of them; else a row is in the sink's buffer when output_row returns.
 */
#include "output_private.h"

#include <assert.h>
#include <stdio.h>

#define PREAMBLE_WIDTH 80

static const struct output_writer *const writers[] = {
    [OUTPUT_TABLE] = &output_table,   [OUTPUT_CSV] = &output_csv,           [OUTPUT_JSON] = &output_json,
    [OUTPUT_NDJSON] = &output_ndjson, [OUTPUT_MARKDOWN] = &output_markdown, [OUTPUT_HTML] = &output_html,
};

struct output *output_open(struct sink *sink, const struct output_config *config)
{
    assert(config->format > OUTPUT_AUTO && config->format <= OUTPUT_HTML);
    struct output *output = calloc(1, sizeof(*output));
    const struct output_writer *writer = writers[config->format];
    void *state = calloc(1, writer->state_size != 0 ? writer->state_size : 1);
    if (output == NULL || state == NULL)
        abort();
    *output = (struct output){.writer = writer, .config = *config, .sink = sink, .out = &sink->buffer, .state = state};
    return output;
}

/* Beside the answer, for formats whose readers expect rows alone. */
static void print_preamble(const struct output_preamble *preamble)
{
    struct buffer text = {0};
    put_preamble(&text, preamble, PREAMBLE_WIDTH, false);
    fwrite(text.data, 1, text.len, stderr);
    buffer_dispose(&text);
}

void output_preamble(struct output *output, const struct output_preamble *preamble)
{
    assert(output->set_count == 0 && !output->is_report);
    output->is_report = true;
    if (output->writer->preamble != NULL)
        output->writer->preamble(output, preamble);
    else
        print_preamble(preamble);
}

static void forget_names(struct output *output)
{
    for (size_t i = 0; i < output->column_count; ++i)
        free(output->names[i]);
    free(output->names);
    output->names = NULL;
    output->column_count = 0;
}

void output_begin(struct output *output, const struct output_head *head, size_t column_count, const char *const *names)
{
    static const struct output_head no_head;
    assert(!output->is_open && column_count != 0);
    forget_names(output);
    output->names = calloc(column_count, sizeof(*output->names));
    if (output->names == NULL)
        abort();
    for (size_t i = 0; i < column_count; ++i)
        output->names[i] = bytes_dup(bytes_of_string(names[i]));
    output->column_count = column_count;
    output->row_count = 0;
    output->is_open = true;
    ++output->set_count;
    if (output->writer->begin != NULL)
        output->writer->begin(output, head != NULL ? head : &no_head);
}

bool output_row(struct output *output, const struct cell *cells)
{
    assert(output->is_open);
    ++output->row_count;
    output->writer->row(output, cells);
    return sink_flush_if_full(output->sink);
}

bool output_end(struct output *output)
{
    assert(output->is_open);
    if (output->writer->end != NULL)
        output->writer->end(output);
    output->is_open = false;
    return sink_flush_if_full(output->sink);
}

bool output_close(struct output *output)
{
    bool done;
    if (!output->is_open && output->writer->close != NULL)
        output->writer->close(output);
    if (output->writer->dispose != NULL)
        output->writer->dispose(output);
    done = sink_flush(output->sink);
    forget_names(output);
    free(output->state);
    free(output);
    return done;
}

#pragma once
/* For tests of what answers look like: a format's bytes for rows that a test gives, and cells in one word. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dump/output.h"

static const struct cell cell_null;

static inline struct cell cell_of_bytes(struct bytes text)
{
    return (struct cell){.type = CELL_TEXT, .text = text};
}

static inline struct cell cell_of(const char *text)
{
    return cell_of_bytes(bytes_of_string(text));
}

static inline struct cell cell_of_integer(int64_t number)
{
    return (struct cell){.type = CELL_INTEGER, .integer = number};
}

static inline struct cell cell_of_real(double number, const char *text)
{
    return (struct cell){.type = CELL_REAL, .real = number, .text = bytes_of_string(text)};
}

static inline struct cell cell_of_blob(struct bytes blob)
{
    return (struct cell){.type = CELL_BLOB, .text = blob};
}

/* An answer on its way into memory. */
struct answering {
    int fd;
    struct sink sink;
    struct output *output;
};

static inline void answer_begin(struct answering *answer, struct output_config config)
{
    answer->fd = memfd_create("answer", MFD_CLOEXEC);
    assert_true(answer->fd >= 0);
    sink_open(&answer->sink, answer->fd);
    answer->output = output_open(&answer->sink, &config);
}

/* Closes it and returns its bytes with a NUL behind them; the caller frees. */
static inline struct bytes answer_take(struct answering *answer)
{
    assert_true(output_close(answer->output));
    size_t len = answer->sink.bytes;
    assert_true(sink_finish(&answer->sink, NULL));
    char *data = calloc(len + 1, 1);
    assert_non_null(data);
    assert_int_equal(pread(answer->fd, data, len, 0), len);
    close(answer->fd);
    return bytes_view(data, len);
}

/* One set of rows, cells row by row, as the format writes it. */
static inline struct bytes answer_with(struct output_config config, const char *chart, size_t column_count,
                                       const char *const *names, const struct cell *cells, size_t row_count)
{
    struct answering answer;
    struct output_head head = {.chart = chart};
    answer_begin(&answer, config);
    output_begin(answer.output, &head, column_count, names);
    for (size_t row = 0; row < row_count; ++row)
        assert_true(output_row(answer.output, cells + row * column_count));
    assert_true(output_end(answer.output));
    return answer_take(&answer);
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Cells of any bytes, made of what formats find hard; texts are drawn from one run of random bytes. */
#define FUZZ_LEN_MAX 40

static inline struct bytes fuzz_text(unsigned *seed, char out[FUZZ_LEN_MAX + 8])
{
    static const char *const hard[] = {"\"", ",",      "\r",     "\n",           "\r\n",         "'",    "<",
                                       "&",  "|",      "\\",     "\x1b[31m",     "]]>",          "-->",  "</td>",
                                       "=",  "\u00e9", "\u65e5", "\U0001f469",   "\u202e",       "\xff", "\xc3",
                                       " ",  "\xe6",   "\u2028", "\xf0\x9f\x91", "\xed\xa0\x80", "a",    "plain text"};
    size_t len = 0, limit = (size_t)rand_r(seed) % FUZZ_LEN_MAX;
    while (len < limit) {
        if (rand_r(seed) % 4 == 0) {
            out[len++] = (char)(1 + rand_r(seed) % 255);
            continue;
        }
        const char *piece = hard[(size_t)rand_r(seed) % COUNT(hard)];
        size_t piece_len = strlen(piece);
        if (len + piece_len > FUZZ_LEN_MAX)
            break;
        memcpy(out + len, piece, piece_len);
        len += piece_len;
    }
    return bytes_view(out, len);
}

#pragma once
/*
 * A progress line on standard error for long work, on a terminal only: done of total, rate, time left. It appears after
 * the first second and is gone without a trace at the end. Main thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "rows", "pages", … */
    uint64_t total;   /* 0: unknown, then there is no time left to tell */
    uint64_t begun_ns, shown_ns;
    bool is_shown, is_terminal;
};

void progress_begin(struct progress *progress, const char *what, uint64_t total);
/* Cheap; call it as often as once for some hundred items. */
void progress_update(struct progress *progress, uint64_t done);
/* Removes the line: before anything else is printed, and at the end. */
void progress_end(struct progress *progress);

/* 3200000 as "3,200,000". */
#define COUNT_TEXT_LEN 32
void format_count(uint64_t count, char out[COUNT_TEXT_LEN]);

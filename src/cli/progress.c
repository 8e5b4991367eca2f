/* One line that is drawn over itself. What it says depends on nothing but how much is done and how long it took, so the
 * text is made apart from the terminal. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SHOW_AFTER_NS 1000000000 /* what is done within a second needs no line */
#define REDRAW_NS 200000000
#define LEFT_SECONDS_MAX 359999 /* 99:59:59; what lasts longer, or doesn't move, is not foretold */
#define LINE_LEN 160
#define ERASE_LINE "\r\033[K"

/* ---- the text -------------------------------------------------------------------------------------------------- */

void format_count(uint64_t count, char out[COUNT_TEXT_LEN])
{
    char digits[COUNT_TEXT_LEN];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    for (int i = 0; i < len; ++i) {
        *out++ = digits[i];
        if ((len - i) % 3 == 1 && i + 1 < len)
            *out++ = ',';
    }
    *out = '\0';
}

/* "0:06", "1:02:30". */
static void format_duration(uint64_t seconds, char out[32])
{
    unsigned minutes = (unsigned)(seconds / 60 % 60), rest = (unsigned)(seconds % 60);
    if (seconds < 3600)
        snprintf(out, 32, "%u:%02u", minutes, rest);
    else
        snprintf(out, 32, "%" PRIu64 ":%02u:%02u", seconds / 3600, minutes, rest);
}

/* "rows  3,200,000 of 10,000,000   32 %   1,050,000/s   0:06 left" */
static void format_line(const struct progress *progress, uint64_t done, uint64_t elapsed_ns, char out[LINE_LEN])
{
    char done_text[COUNT_TEXT_LEN], total_text[COUNT_TEXT_LEN], rate_text[COUNT_TEXT_LEN], left_text[32];
    double rate = elapsed_ns == 0 ? 0 : (double)done * 1e9 / (double)elapsed_ns;
    format_count(done, done_text);
    format_count(rate < 1e15 ? (uint64_t)rate : UINT64_MAX, rate_text);
    if (progress->total == 0 || done > progress->total) {
        snprintf(out, LINE_LEN, "%s  %s   %s/s", progress->what, done_text, rate_text);
        return;
    }
    unsigned percent = (unsigned)((double)done * 100 / (double)progress->total);
    format_count(progress->total, total_text);
    int len = snprintf(out, LINE_LEN, "%s  %s of %s   %u %%   %s/s", progress->what, done_text, total_text, percent,
                       rate_text);
    double left_seconds = rate > 0 ? (double)(progress->total - done) / rate : LEFT_SECONDS_MAX;
    if (left_seconds >= LEFT_SECONDS_MAX)
        return;
    format_duration((uint64_t)(left_seconds + 0.5), left_text);
    snprintf(out + len, LINE_LEN - (size_t)len, "   %s left", left_text);
}

/* ---- the terminal ---------------------------------------------------------------------------------------------- */

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
    *progress = (struct progress){
        .what = what,
        .total = total,
        .begun_ns = clock_monotonic_ns(),
        .is_terminal = isatty(STDERR_FILENO),
    };
}

void progress_update(struct progress *progress, uint64_t done)
{
    char line[LINE_LEN];
    if (!progress->is_terminal)
        return;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t wait_ns = progress->is_shown ? REDRAW_NS : SHOW_AFTER_NS;
    if (now_ns - (progress->is_shown ? progress->shown_ns : progress->begun_ns) < wait_ns)
        return;
    progress->is_shown = true;
    progress->shown_ns = now_ns;
    format_line(progress, done, now_ns - progress->begun_ns, line);
    fprintf(stderr, ERASE_LINE "%s", line);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs(ERASE_LINE, stderr);
    fflush(stderr);
    progress->is_shown = false;
}

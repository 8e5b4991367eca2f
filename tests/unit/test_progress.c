/* The progress line: what it says, that a terminal gets it after a second and not before, and that nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.c"

#define SECOND_NS UINT64_C(1000000000)

/* ---- the text -------------------------------------------------------------------------------------------------- */

static void assert_line(uint64_t total, uint64_t done, uint64_t elapsed_ns, const char *expected)
{
    char line[LINE_LEN];
    const struct progress progress = {.what = "rows", .total = total};
    format_line(&progress, done, elapsed_ns, line);
    assert_string_equal(line, expected);
}

static void test_the_line_has_what_is_done_the_rate_and_the_time_left(void **state)
{
    (void)state;
    assert_line(10000000, 3200000, 32 * SECOND_NS / 10,
                "rows  3,200,000 of 10,000,000   32 %   1,000,000/s   0:07 left");
    assert_line(1000, 1, SECOND_NS, "rows  1 of 1,000   0 %   1/s   16:39 left");
    assert_line(1000000, 10, SECOND_NS, "rows  10 of 1,000,000   0 %   10/s   27:46:39 left");
    assert_line(999, 999, SECOND_NS, "rows  999 of 999   100 %   999/s   0:00 left");
}

static void test_what_is_not_known_is_not_told(void **state)
{
    (void)state;
    assert_line(0, 12345, SECOND_NS, "rows  12,345   12,345/s");
    assert_line(1000, 0, SECOND_NS, "rows  0 of 1,000   0 %   0/s");
    assert_line(1000, 1001, SECOND_NS, "rows  1,001   1,001/s"); /* more than was expected */
    assert_line(1000, 5, 0, "rows  5 of 1,000   0 %   0/s");
}

static void test_the_largest_numbers_fit(void **state)
{
    char line[LINE_LEN];
    const struct progress progress = {.what = "verifying rows", .total = UINT64_MAX};
    (void)state;
    format_line(&progress, 1, UINT64_MAX, line);
    assert_non_null(strstr(line, "18,446,744,073,709,551,615"));
    format_line(&progress, UINT64_MAX, 1, line);
    assert_non_null(strstr(line, "100 %"));
}

/* ---- the terminal ---------------------------------------------------------------------------------------------- */

/* Standard error for a moment: a terminal of our own, or a pipe. */
struct screen {
    int reader, kept_stderr;
};

static struct screen screen_open(int reader, int writer)
{
    struct screen screen = {reader, dup(STDERR_FILENO)};
    fflush(stderr);
    dup2(writer, STDERR_FILENO);
    close(writer);
    return screen;
}

static struct screen screen_open_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        skip(); /* a bare container may have no terminals to give */
    assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    return screen_open(master, slave);
}

/* Standard error is as it was; what has been written until then, to its end: a terminal hands it over when it likes. */
static void screen_close(struct screen *screen, char *out, size_t len)
{
    size_t got = 0;
    ssize_t more;
    fflush(stderr);
    dup2(screen->kept_stderr, STDERR_FILENO); /* the last writer is gone */
    close(screen->kept_stderr);
    while (got < len - 1 && (more = read(screen->reader, out + got, len - 1 - got)) > 0)
        got += (size_t)more;
    out[got] = '\0';
    close(screen->reader);
}

static void test_a_terminal_gets_the_line_after_a_second_and_is_clean_at_the_end(void **state)
{
    char text[512];
    struct progress progress;
    (void)state;
    struct screen screen = screen_open_terminal();
    progress_begin(&progress, "rows", 100);
    progress_update(&progress, 1);
    bool was_shown_at_once = progress.is_shown;
    progress.begun_ns -= 2 * SECOND_NS;
    progress_update(&progress, 50);
    progress_update(&progress, 51); /* too soon after the last */
    progress_end(&progress);
    screen_close(&screen, text, sizeof(text));
    assert_false(was_shown_at_once);
    assert_non_null(strstr(text, ERASE_LINE "rows  50 of 100   50 %"));
    assert_null(strstr(text, "51"));
    size_t len = strlen(text), erase_len = strlen(ERASE_LINE);
    assert_true(len > erase_len && strcmp(text + len - erase_len, ERASE_LINE) == 0);
}

static void test_a_pipe_gets_nothing(void **state)
{
    char text[512];
    int ends[2];
    struct progress progress;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct screen screen = screen_open(ends[0], ends[1]);
    progress_begin(&progress, "rows", 100);
    progress.begun_ns -= 2 * SECOND_NS;
    progress_update(&progress, 50);
    progress_end(&progress);
    screen_close(&screen, text, sizeof(text));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_line_has_what_is_done_the_rate_and_the_time_left),
        cmocka_unit_test(test_what_is_not_known_is_not_told),
        cmocka_unit_test(test_the_largest_numbers_fit),
        cmocka_unit_test(test_a_terminal_gets_the_line_after_a_second_and_is_clean_at_the_end),
        cmocka_unit_test(test_a_pipe_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

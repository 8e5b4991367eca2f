/* Log lines: well-formed whatever is in them, whole whoever writes, and few when one event floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/logline.h"

static int real_stderr = -1, captured = -1;
static char text[1 << 20];

/* From here to captured_text, standard error is a file. */
static void capture(enum log_level least, enum log_format format)
{
    char path[] = "/tmp/helvino-log-XXXXXX";
    captured = mkstemp(path);
    assert_true(captured != -1);
    unlink(path);
    real_stderr = dup(STDERR_FILENO);
    dup2(captured, STDERR_FILENO);
    log_line_setup(least, format);
}

static char *captured_text(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t len = pread(captured, text, sizeof(text) - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    close(captured);
    return text;
}

static unsigned count_lines(const char *lines)
{
    unsigned count = 0;
    for (; (lines = strchr(lines, '\n')) != NULL; ++lines)
        ++count;
    return count;
}

static void assert_ends(const char *line, const char *end)
{
    size_t len = strlen(line), end_len = strlen(end);
    if (len < end_len || strcmp(line + len - end_len, end) != 0)
        fail_msg("%s does not end with %s", line, end);
}

static void test_json_holds_every_value(void **state)
{
    (void)state;
    capture(LOG_INFO, LOG_FORMAT_JSON);
    log_line(LOG_INFO, "listening", LOG_TEXT("address", "::1"), LOG_NUMBER("port", -80), LOG_TEXT("nothing", NULL));
    char *line = captured_text();
    assert_int_equal(strncmp(line, "{\"time\":\"20", 11), 0);
    assert_int_equal(line[9 + TIME_TEXT_LEN], '"');
    assert_ends(line,
                "Z\",\"level\":\"info\",\"event\":\"listening\",\"address\":\"::1\",\"port\":-80,\"nothing\":null}\n");
    assert_int_equal(count_lines(line), 1);
}

static void test_json_escapes_what_would_break_it(void **state)
{
    (void)state;
    capture(LOG_INFO, LOG_FORMAT_JSON);
    log_line(LOG_WARN, "odd value",
             LOG_TEXT("value", "a\"b\\c\nd\t\x01\x7f \xc3\xa9 \xc2\x9b \xff \xed\xa0\x80 \xe2\x82"));
    assert_ends(captured_text(), "\"value\":\"a\\\"b\\\\c\\u000ad\\u0009\\u0001\\u007f \xc3\xa9 \\u009b \\ufffd "
                                 "\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\"}\n");
}

static void test_text_is_for_people_and_safe_for_their_terminal(void **state)
{
    (void)state;
    capture(LOG_INFO, LOG_FORMAT_TEXT);
    log_line(LOG_ERROR, "no luck", LOG_TEXT("plain", "127.0.0.1:80"), LOG_TEXT("quoted", "two words"),
             LOG_TEXT("empty", ""), LOG_TEXT("evil", "\x1b[2J"), LOG_NUMBER("number", 7));
    assert_ends(captured_text(),
                "Z error no luck plain=127.0.0.1:80 quoted=\"two words\" empty=\"\" evil=\"\\u001b[2J\" number=7\n");
}

static void test_lower_levels_are_silent(void **state)
{
    (void)state;
    capture(LOG_WARN, LOG_FORMAT_JSON);
    log_line(LOG_INFO, "quiet", LOG_NUMBER("n", 1));
    log_line(LOG_WARN, "heard", LOG_NUMBER("n", 1));
    char *lines = captured_text();
    assert_int_equal(count_lines(lines), 1);
    assert_non_null(strstr(lines, "heard"));
}

/* The limit is a second's: a run that happens to cross into the next one may write twice as much. */
static void test_a_flood_is_cut_and_told(void **state)
{
    (void)state;
    capture(LOG_INFO, LOG_FORMAT_JSON);
    for (int i = 0; i < 1000; ++i)
        log_line(LOG_INFO, "flood", LOG_NUMBER("n", i));
    log_line(LOG_INFO, "other", LOG_NUMBER("n", 1));
    uint64_t second = clock_monotonic_ns() / 1000000000;
    while (clock_monotonic_ns() / 1000000000 == second)
        usleep(1000);
    log_line(LOG_INFO, "flood", LOG_NUMBER("n", 1000));
    char *lines = captured_text();
    unsigned count = count_lines(lines);
    assert_in_range(count, LOG_LINES_PER_SECOND_MAX + 2, 2 * LOG_LINES_PER_SECOND_MAX + 2);
    assert_non_null(strstr(lines, "\"event\":\"other\""));
    assert_non_null(strstr(lines, "\"dropped\":"));
}

static void *write_lines(void *event)
{
    for (int i = 0; i < 90; ++i)
        log_line(LOG_INFO, event,
                 LOG_TEXT("filler", "0123456789012345678901234567890123456789012345678901234567890123456789"));
    return NULL;
}

static void test_lines_of_threads_never_mix(void **state)
{
    (void)state;
    char *events[4] = {"thread one", "thread two", "thread three", "thread four"};
    pthread_t threads[4];
    capture(LOG_INFO, LOG_FORMAT_JSON);
    for (int i = 0; i < 4; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, events[i]), 0);
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
    char *line = captured_text(), *end;
    unsigned count = 0;
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1, ++count) {
        *end = '\0';
        assert_int_equal(strncmp(line, "{\"time\":\"", 9), 0);
        assert_ends(line, "6789\"}");
    }
    assert_int_equal(count, 360);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_holds_every_value),
        cmocka_unit_test(test_json_escapes_what_would_break_it),
        cmocka_unit_test(test_text_is_for_people_and_safe_for_their_terminal),
        cmocka_unit_test(test_lower_levels_are_silent),
        cmocka_unit_test(test_a_flood_is_cut_and_told),
        cmocka_unit_test(test_lines_of_threads_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

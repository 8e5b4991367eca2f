/* Where output goes: what a file is before and after it is whole, and what is said when a write fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "dump/sink.h"

struct place {
    char directory[64], path[96], partial[112];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    strcpy(place->directory, "/tmp/helvino-sink-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof(place->path), "%s/out.csv", place->directory);
    snprintf(place->partial, sizeof(place->partial), "%s.partial", place->path);
    signal(SIGPIPE, SIG_IGN);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    unlink(place->partial);
    int status = rmdir(place->directory); /* fails if a test left anything else */
    free(place);
    return status;
}

static void put(struct sink *sink, const char *text)
{
    buffer_append_string(&sink->buffer, text);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_file_is(const char *path, const char *expected)
{
    char text[256];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void assert_no_file(const char *path)
{
    struct stat there;
    assert_int_equal(lstat(path, &there), -1);
    assert_int_equal(errno, ENOENT);
}

/* What sink_explain writes to standard error. */
static int explain(const struct sink *sink, char *said, size_t size)
{
    int kept = dup(STDERR_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    int status = sink_explain(sink, "out.csv");
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t len = read(ends[0], said, size - 1);
    said[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    return status;
}

static void test_a_file_has_its_name_only_when_it_is_whole(void **state)
{
    struct place *place = *state;
    struct sink sink;
    struct stat there;
    write_file(place->path, "older");
    assert_true(sink_create(&sink, place->path, false));
    put(&sink, "newer");
    assert_true(sink_flush(&sink));
    assert_file_is(place->path, "older");
    assert_true(sink_finish(&sink, NULL));
    assert_file_is(place->path, "newer");
    assert_no_file(place->partial);
    assert_int_equal(stat(place->path, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0600);
}

static void test_an_abandoned_file_leaves_the_older_one(void **state)
{
    struct place *place = *state;
    struct sink sink;
    write_file(place->path, "older");
    assert_true(sink_create(&sink, place->path, true));
    put(&sink, "half");
    assert_true(sink_flush(&sink));
    sink_abandon(&sink);
    assert_file_is(place->path, "older");
    assert_no_file(place->partial);
}

static void test_a_link_in_the_way_is_neither_followed_nor_removed(void **state)
{
    struct place *place = *state;
    struct sink sink;
    struct stat there;
    char victim[96];
    snprintf(victim, sizeof(victim), "%s/victim", place->directory);
    write_file(victim, "mine");
    assert_int_equal(symlink(victim, place->partial), 0);
    assert_false(sink_create(&sink, place->path, false));
    assert_int_equal(errno, EEXIST);
    assert_file_is(victim, "mine");
    assert_int_equal(lstat(place->partial, &there), 0);
    assert_true(S_ISLNK(there.st_mode));
    unlink(victim);
}

static void test_what_an_interrupted_run_left_is_replaced(void **state)
{
    struct place *place = *state;
    struct sink sink;
    write_file(place->partial, "a long rest of an older run");
    assert_true(sink_create(&sink, place->path, false));
    put(&sink, "text");
    assert_true(sink_finish(&sink, NULL));
    assert_file_is(place->path, "text");
}

static void test_of_two_runs_to_one_path_the_second_is_refused(void **state)
{
    struct place *place = *state;
    struct sink first, second;
    char said[256];
    assert_true(sink_create(&first, place->path, false));
    assert_false(sink_create(&second, place->path, false));
    assert_int_equal(errno, EBUSY);
    assert_int_equal(explain(&second, said, sizeof(said)), EXIT_FAILED);
    assert_non_null(strstr(said, "another command"));
    put(&first, "first");
    assert_true(sink_finish(&first, NULL));
    assert_file_is(place->path, "first");
    assert_no_file(place->partial);
}

/* Somebody has removed the unfinished file and put another one there: that one is not ours to name or to remove. */
static void test_a_file_that_was_taken_away_is_told(void **state)
{
    struct place *place = *state;
    struct sink sink;
    char said[256];
    assert_true(sink_create(&sink, place->path, false));
    put(&sink, "ours");
    assert_int_equal(unlink(place->partial), 0);
    write_file(place->partial, "theirs");
    assert_false(sink_finish(&sink, NULL));
    assert_no_file(place->path);
    assert_file_is(place->partial, "theirs");
    assert_int_equal(explain(&sink, said, sizeof(said)), EXIT_FAILED);
    assert_non_null(strstr(said, "another command"));
}

static void test_a_device_is_written_to_and_not_replaced(void **state)
{
    (void)state;
    struct sink sink;
    struct stat there;
    assert_true(sink_create(&sink, "/dev/null", false));
    put(&sink, "text");
    assert_true(sink_finish(&sink, NULL));
    assert_int_equal(stat("/dev/null", &there), 0);
    assert_true(S_ISCHR(there.st_mode));
    assert_no_file("/dev/null.partial");
}

static void test_what_cannot_be_created_says_why(void **state)
{
    struct place *place = *state;
    struct sink sink;
    assert_false(sink_create(&sink, place->directory, false));
    assert_int_equal(errno, EISDIR);
    char path[128];
    snprintf(path, sizeof(path), "%s/missing/out.csv", place->directory);
    assert_false(sink_create(&sink, path, true));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(sink.error, ENOENT);
}

static void test_the_digest_is_of_the_bytes_of_the_file(void **state)
{
    struct place *place = *state;
    struct sink sink;
    char digest[DIGEST_TEXT_LEN + 1];
    assert_true(sink_create(&sink, place->path, true));
    put(&sink, "a");
    assert_true(sink_flush(&sink));
    put(&sink, "bc");
    assert_true(sink_finish(&sink, digest));
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sink.bytes, 3);
}

static void test_a_reader_who_left_is_no_reason_for_a_word(void **state)
{
    (void)state;
    struct sink sink;
    int ends[2];
    char said[256];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    sink_open(&sink, ends[1]);
    put(&sink, "text");
    assert_false(sink_flush(&sink));
    assert_true(sink.reader_is_gone);
    put(&sink, "more");
    assert_false(sink_flush_if_full(&sink));
    assert_false(sink_finish(&sink, NULL));
    assert_int_equal(explain(&sink, said, sizeof(said)), EXIT_FINE);
    assert_string_equal(said, "");
    assert_int_equal(fcntl(ends[1], F_GETFD) >= 0, 1); /* it stays open */
    close(ends[1]);
}

static void test_a_full_disk_is_told_once_and_fails(void **state)
{
    (void)state;
    struct sink sink;
    char said[256];
    assert_true(sink_create(&sink, "/dev/full", false));
    put(&sink, "text");
    assert_false(sink_flush(&sink));
    assert_int_equal(sink.error, ENOSPC);
    assert_false(sink.reader_is_gone);
    assert_false(sink_finish(&sink, NULL));
    assert_int_equal(explain(&sink, said, sizeof(said)), EXIT_FAILED);
    assert_string_equal(said, "helvino: out.csv was not written: No space left on device\n");
}

static void *count_bytes(void *argument)
{
    int fd = *(int *)argument;
    size_t total = 0;
    char bytes[8192];
    for (ssize_t len; (len = read(fd, bytes, sizeof(bytes))) > 0;)
        total += (size_t)len;
    return (void *)total;
}

static void test_a_non_blocking_descriptor_gets_every_byte(void **state)
{
    (void)state;
    struct sink sink;
    int ends[2];
    pthread_t reader;
    void *total;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    sink_open(&sink, ends[1]);
    memset(buffer_reserve(&sink.buffer, 8 * SINK_BUFFER_BYTES), 'x', 8 * SINK_BUFFER_BYTES);
    sink.buffer.len = 8 * SINK_BUFFER_BYTES;
    assert_int_equal(pthread_create(&reader, NULL, count_bytes, &ends[0]), 0);
    assert_true(sink_finish(&sink, NULL));
    close(ends[1]);
    pthread_join(reader, &total);
    close(ends[0]);
    assert_int_equal((size_t)total, 8 * SINK_BUFFER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_has_its_name_only_when_it_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_abandoned_file_leaves_the_older_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_in_the_way_is_neither_followed_nor_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_an_interrupted_run_left_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_two_runs_to_one_path_the_second_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_was_taken_away_is_told, set_up, tear_down),
        cmocka_unit_test(test_a_device_is_written_to_and_not_replaced),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_created_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_digest_is_of_the_bytes_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reader_who_left_is_no_reason_for_a_word, set_up, tear_down),
        cmocka_unit_test(test_a_full_disk_is_told_once_and_fails),
        cmocka_unit_test_setup_teardown(test_a_non_blocking_descriptor_gets_every_byte, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

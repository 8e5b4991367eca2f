/* Views and the growable buffer, under random work against a plain copy of what it should hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/random.h"

static void test_views_are_equal_by_content(void **state)
{
    (void)state;
    char copy[] = "abc";
    assert_true(bytes_equal(BYTES("abc"), bytes_view(copy, 3)));
    assert_false(bytes_equal(BYTES("abc"), BYTES("abd")));
    assert_false(bytes_equal(BYTES("abc"), BYTES("ab")));
    assert_true(bytes_equal(BYTES("a\0b"), BYTES("a\0b")));
    assert_false(bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
    assert_true(bytes_equal(BYTES_NONE, BYTES("")));
    assert_true(bytes_equal(BYTES_NONE, BYTES_NONE));
    assert_int_equal(bytes_of_string("three").len, 5);
}

static void test_a_copy_ends_with_nul_and_is_its_own(void **state)
{
    (void)state;
    char text[] = "text\0more";
    char *copy = bytes_dup(bytes_view(text, sizeof(text) - 1));
    text[0] = 'X';
    assert_memory_equal(copy, "text\0more", sizeof("text\0more"));
    free(copy);
    copy = bytes_dup(BYTES_NONE);
    assert_string_equal(copy, "");
    free(copy);
}

static void test_a_buffer_holds_what_was_appended(void **state)
{
    (void)state;
    struct random_pool pool = {.left = 0};
    enum { LEN_MAX = 1 << 20 };
    char *expected = malloc(LEN_MAX);
    struct buffer buffer = {0};
    for (unsigned round = 0; round < 20; ++round) {
        size_t len = 0;
        while (len < LEN_MAX - 2000) {
            char piece[1024];
            size_t piece_len = random_u64(&pool) % (random_u64(&pool) % 8 == 0 ? sizeof(piece) : 32);
            random_fill(&pool, piece, piece_len);
            if (random_u64(&pool) % 2 == 0) {
                buffer_append(&buffer, piece, piece_len);
            } else {
                memcpy(buffer_reserve(&buffer, piece_len + 1), piece, piece_len);
                buffer.len += piece_len;
            }
            memcpy(expected + len, piece, piece_len);
            len += piece_len;
            assert_true(buffer.len <= buffer.capacity);
        }
        assert_int_equal(buffer.len, len);
        assert_memory_equal(buffer.data, expected, len);
        size_t capacity = buffer.capacity;
        buffer_clear(&buffer);
        assert_int_equal(buffer_view(&buffer).len, 0);
        assert_int_equal(buffer.capacity, capacity);
    }
    buffer_dispose(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    free(expected);
}

static void test_appending_nothing_needs_no_memory(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_append(&buffer, NULL, 0);
    buffer_append_string(&buffer, "");
    buffer_printf(&buffer, "%s", "");
    assert_null(buffer.data);
    assert_int_equal(buffer.len, 0);
    buffer_dispose(&buffer);
}

static void test_printing_grows_as_it_must(void **state)
{
    (void)state;
    for (int width = 0; width < 2000; width += 7) {
        struct buffer buffer = {0};
        buffer_append_string(&buffer, "<");
        buffer_printf(&buffer, "%*d|%s", width, 42, "end");
        buffer_append_string(&buffer, ">");
        size_t number_len = width < 2 ? 2 : (size_t)width;
        assert_int_equal(buffer.len, 1 + number_len + 4 + 1);
        assert_memory_equal(buffer.data + 1 + number_len - 2, "42|end>", 7);
        buffer_dispose(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_are_equal_by_content),
        cmocka_unit_test(test_a_copy_ends_with_nul_and_is_its_own),
        cmocka_unit_test(test_a_buffer_holds_what_was_appended),
        cmocka_unit_test(test_appending_nothing_needs_no_memory),
        cmocka_unit_test(test_printing_grows_as_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tags as one text: what a tag may be, and that a set stays a set, in order, whatever is added and taken away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "core/tags.h"
#include "core/work.h"

static void assert_change(struct bytes tags, struct bytes more, struct bytes less, const char *expected)
{
    struct buffer out = {0};
    assert_true(tags_change(tags, more, less, &out));
    if (!bytes_equal(buffer_view(&out), bytes_of_string(expected)))
        fail_msg("\"%.*s\" in place of \"%s\"", (int)out.len, out.data, expected);
    assert_true(tags_are_valid(out.len == 0 ? BYTES_NONE : buffer_view(&out)));
    buffer_dispose(&out);
}

static void test_what_is_a_tag(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "a", "Billing", "two words", "größe", "日本", "#1!", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); ++i)
        assert_true(tag_is_valid(bytes_of_string(fine[i])));
    static const char *const none[] = {"",     " a",   "a ",   "a\nb",
                                       "a\tb", "\x7f", "\xff", "01234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); ++i)
        assert_false(tag_is_valid(bytes_of_string(none[i])));
}

static void test_a_set_is_sorted_and_has_each_once(void **state)
{
    (void)state;
    assert_change(BYTES_NONE, BYTES("b\na\nb\nA"), BYTES_NONE, "A\na\nb");
    assert_change(BYTES("A\na\nb"), BYTES("aa\na"), BYTES_NONE, "A\na\naa\nb");
    assert_change(BYTES("A\na\naa\nb"), BYTES_NONE, BYTES("a\nnothing\nA"), "aa\nb");
    assert_change(BYTES("aa\nb"), BYTES("c"), BYTES("c\nb"), "aa");
    assert_change(BYTES("aa"), BYTES_NONE, BYTES("aa"), "");
    assert_change(BYTES_NONE, BYTES_NONE, BYTES_NONE, "");
    assert_true(tags_have(BYTES("a\nb c"), BYTES("b c")) && !tags_have(BYTES("a\nb c"), BYTES("b")));
    assert_false(tags_have(BYTES_NONE, BYTES("a")));
}

static void test_there_are_no_more_than_fit(void **state)
{
    (void)state;
    struct buffer many = {0}, out = {0};
    for (unsigned i = 0; i < TAGS_MAX; ++i)
        buffer_printf(&many, "%stag %02u", i == 0 ? "" : "\n", i);
    assert_true(tags_are_valid(buffer_view(&many)));
    assert_true(tags_change(buffer_view(&many), BYTES("tag 07"), BYTES_NONE, &out)); /* it has that one */
    buffer_clear(&out);
    assert_false(tags_change(buffer_view(&many), BYTES("another"), BYTES_NONE, &out));
    buffer_clear(&out);
    assert_true(tags_change(buffer_view(&many), BYTES("another"), BYTES("tag 03"), &out));
    buffer_append_string(&many, "\nzz");
    assert_false(tags_are_valid(buffer_view(&many)));
    buffer_dispose(&many);
    buffer_dispose(&out);
}

static void test_a_text_that_is_no_set(void **state)
{
    (void)state;
    static const char *const none[] = {"", "\n", "a\n", "\na", "b\na", "a\na", "a\n\nb", " a"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); ++i)
        assert_false(tags_are_valid(bytes_of_string(none[i])));
    assert_true(tags_are_valid(BYTES_NONE));
}

static void test_words_of_status_and_priority(void **state)
{
    (void)state;
    uint64_t status;
    for (uint64_t each = 0; each < STATUSES; ++each)
        assert_true(status_parse(bytes_of_string(status_word(each)), &status) && status == each);
    assert_null(status_word(STATUSES));
    assert_true(status_parse(BYTES("resolved"), &status) && status == 0); /* what was there before there was a status */
    assert_false(status_parse(BYTES("Open"), &status) || status_parse(BYTES(""), &status));
    assert_true(priority_is_valid(BYTES_NONE) && priority_is_valid(BYTES("urgent")));
    assert_false(priority_is_valid(BYTES("")) || priority_is_valid(BYTES("none")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_a_tag),
        cmocka_unit_test(test_a_set_is_sorted_and_has_each_once),
        cmocka_unit_test(test_there_are_no_more_than_fit),
        cmocka_unit_test(test_a_text_that_is_no_set),
        cmocka_unit_test(test_words_of_status_and_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Commands: every one comes back as it was, numbers are what stored logs hold for ever, and what is no command is an
 * error. The .c is included to walk the table of shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/core/commands.c"

#include "shapes.h"

static struct random_pool pool;

static void random_command(enum command_kind kind, struct command *out)
{
    struct command fresh;
    memset(&fresh, 0, sizeof(fresh));
    fresh.kind = kind;
    random_struct(&descriptions[kind].shape, &fresh.conversation_create, &pool);
    *out = fresh;
}

static bool is_known(uint64_t kind)
{
    return kind < COMMAND_NUMBER_LIMIT && descriptions[kind].shape.name != NULL;
}

#define EACH_COMMAND(kind)                                       \
    for (uint64_t kind = 0; kind < COMMAND_NUMBER_LIMIT; ++kind) \
        if (is_known(kind))

static void test_every_command_comes_back_as_it_was(void **state)
{
    (void)state;
    EACH_COMMAND(kind)
    for (unsigned round = 0; round < 2000; ++round) {
        const struct shape *shape = &descriptions[kind].shape;
        struct command command, again;
        struct buffer out = {0}, expected = {0};
        random_command((enum command_kind)kind, &command);
        command_encode(&command, &out);
        put_struct(&expected, shape, kind, payload(&command), stored_fields(shape), 0);
        assert_true(bytes_equal(buffer_view(&out), buffer_view(&expected)));
        struct exact exact = exact_copy(buffer_view(&out));
        memset(&again, 0xa5, sizeof(again));
        assert_int_equal(command_decode(exact_view(exact), &again), OK);
        assert_int_equal(again.kind, kind);
        const char *difference = first_difference(shape, payload(&command), payload(&again));
        if (difference != NULL)
            fail_msg("%s.%s differs", shape->name, difference);
        free(exact.data);
        buffer_dispose(&out);
        buffer_dispose(&expected);
        free_struct(shape, &command.conversation_create);
    }
}

/* Logs hold these numbers: a change here would read every old one wrongly. */
static void test_the_numbers_of_commands_stay_for_ever(void **state)
{
    (void)state;
    static const struct {
        unsigned number;
        const char *name;
        bool erasing;
    } known[] = {
        {1, "conversation_create", false},
        {2, "message_create", false},
        {3, "visitor_touch", false},
        {4, "org_create", false},
        {5, "org_update", false},
        {6, "org_delete", true},
        {7, "org_purge", true},
        {8, "token_create", false},
        {9, "token_revoke", true},
        {10, "sweep", true},
        {11, "org_import", false},
        {12, "visitor_import", false},
        {13, "conversation_import", false},
        {14, "message_import", false},
        {15, "alias_import", false},
        {16, "visitor_see", false},
        {17, "visitor_erase", true},
        {18, "conversation_read", false},
        {60, "retain", true},
        {61, "retention_note", true},
        {62, "erasure_import", false},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        assert_string_equal(descriptions[known[i].number].shape.name, known[i].name);
        assert_int_equal(command_is_erasing((enum command_kind)known[i].number), known[i].erasing);
    }
    assert_null(descriptions[0].shape.name);
}

static void test_the_tag_is_the_number(void **state)
{
    (void)state;
    EACH_COMMAND(kind)
    {
        struct command command;
        struct buffer out = {0};
        uint64_t tag = 0;
        random_command((enum command_kind)kind, &command);
        command_encode(&command, &out);
        assert_int_equal(codec_tag(buffer_view(&out), &tag), OK);
        assert_true(tag == kind);
        buffer_dispose(&out);
        free_struct(&descriptions[kind].shape, &command.conversation_create);
    }
}

static void test_unknown_numbers_are_corrupt(void **state)
{
    (void)state;
    static const uint64_t large[] = {63,        64, 65, 127, 128, 255, 256, 65536 + 1, UINT32_MAX, (1ULL << 32) + 1,
                                     UINT64_MAX};
    for (unsigned i = 0; i < 64 + sizeof(large) / sizeof(large[0]); ++i) {
        uint64_t kind = i < 64 ? i : large[i - 64];
        struct buffer out = {0};
        struct command command;
        if (is_known(kind))
            continue;
        put_array(&out, 2);
        put_uint(&out, kind);
        put_nil(&out);
        struct exact exact = exact_copy(buffer_view(&out));
        assert_int_equal(command_decode(exact_view(exact), &command), ERR_CORRUPT);
        free(exact.data);
        buffer_dispose(&out);
    }
}

static void test_every_truncation_is_noticed(void **state)
{
    (void)state;
    EACH_COMMAND(kind)
    for (unsigned round = 0; round < 10; ++round) {
        struct command command, again;
        struct buffer out = {0};
        random_command((enum command_kind)kind, &command);
        command_encode(&command, &out);
        for (size_t len = 0; len<out.len; len += len> 600 && len + 600 < out.len ? 97 : 1) {
            struct exact exact = exact_copy(bytes_view(out.data, len));
            assert_int_equal(command_decode(exact_view(exact), &again), ERR_CORRUPT);
            free(exact.data);
        }
        buffer_append(&out, "\xc0", 1);
        assert_int_equal(command_decode(buffer_view(&out), &again), ERR_CORRUPT);
        buffer_dispose(&out);
        free_struct(&descriptions[kind].shape, &command.conversation_create);
    }
}

static void test_a_command_of_an_older_writer_has_zeros_at_its_end(void **state)
{
    (void)state;
    EACH_COMMAND(kind)
    for (unsigned stored = 0; stored < descriptions[kind].shape.field_count; ++stored) {
        const struct shape *shape = &descriptions[kind].shape;
        struct command command, again;
        struct buffer out = {0};
        random_command((enum command_kind)kind, &command);
        put_struct(&out, shape, kind, payload(&command), stored, 0);
        memset(&again, 0xa5, sizeof(again));
        assert_int_equal(command_decode(buffer_view(&out), &again), OK);
        struct command zeros;
        memset(&zeros, 0, sizeof(zeros));
        for (unsigned i = 0; i < shape->field_count; ++i)
            assert_true(members_are_equal(&shape->fields[i], i < stored ? payload(&command) : payload(&zeros),
                                          payload(&again)));
        buffer_dispose(&out);
        free_struct(shape, &command.conversation_create);
    }
}

static void test_random_garbage_is_an_error_or_a_sound_command(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; ++round) {
        char garbage[64];
        struct command command, again;
        size_t len = random_below(&pool, sizeof(garbage) + 1);
        random_fill(&pool, garbage, len);
        if (len > 1 && round % 4 != 0) {
            garbage[0] = (char)(0x91 + random_below(&pool, 14));
            garbage[1] = (char)random_below(&pool, 12);
        }
        struct exact exact = exact_copy(bytes_view(garbage, len));
        if (command_decode(exact_view(exact), &command) == OK) {
            struct buffer out = {0};
            command_encode(&command, &out);
            assert_int_equal(command_decode(buffer_view(&out), &again), OK);
            assert_int_equal(again.kind, command.kind);
            assert_null(first_difference(&descriptions[command.kind].shape, payload(&command), payload(&again)));
            buffer_dispose(&out);
        }
        free(exact.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_comes_back_as_it_was),
        cmocka_unit_test(test_the_numbers_of_commands_stay_for_ever),
        cmocka_unit_test(test_the_tag_is_the_number),
        cmocka_unit_test(test_unknown_numbers_are_corrupt),
        cmocka_unit_test(test_every_truncation_is_noticed),
        cmocka_unit_test(test_a_command_of_an_older_writer_has_zeros_at_its_end),
        cmocka_unit_test(test_random_garbage_is_an_error_or_a_sound_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

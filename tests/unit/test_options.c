/* The command line: every kind of value, the order flag, variable, default, and a sentence for each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/help.h"
#include "cli/options.h"

#define WORDS(...) ((char *[]){__VA_ARGS__}), (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *))

static void clear_environment(void)
{
    for (unsigned i = 0; i < OPTION_COUNT; ++i) {
        char variable[OPTION_VARIABLE_LEN];
        option_variable((enum option)i, variable);
        unsetenv(variable);
    }
}

static int set_up(void **state)
{
    (void)state;
    clear_environment();
    return 0;
}

static struct options read_well(enum subcommand subcommand, char *const *words, int count)
{
    struct options options;
    char why[OPTION_WHY_LEN] = "";
    if (!options_read(subcommand, count, words, &options, why))
        fail_msg("refused: %s", why);
    return options;
}

static void assert_refused(enum subcommand subcommand, const char *sentence, char *const *words, int count)
{
    struct options options;
    char why[OPTION_WHY_LEN] = "";
    assert_false(options_read(subcommand, count, words, &options, why));
    assert_string_equal(why, sentence);
}

/* ---- defaults, flags, variables ------------------------------------------------------------------------------ */

static void test_nothing_said_gives_the_defaults(void **state)
{
    (void)state;
    struct options options = read_well(SUBCOMMAND_SERVE, NULL, 0);
    assert_string_equal(options.data, "helvino-data");
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.items[0], "http://:4000");
    assert_int_equal(options.loops, 0);
    assert_int_equal(options.rate_conversations_visitor, 30);
    assert_int_equal(options.rate_messages_org, 60000);
    assert_int_equal(options.connections_max, 10000);
    assert_int_equal(options.stop_deadline, 8);
    assert_int_equal(options.map_size, 0);
    assert_int_equal(options.log_level, 1);
    assert_int_equal(options.log_format, 0);
    assert_true(options.rate_limit);
    assert_false(options.hsts);
    assert_false(options.visitor_cookie);
    assert_false(options.demo);
    assert_null(options.tls_cert);
    for (unsigned i = 0; i < OPTION_COUNT; ++i)
        assert_false(options.given[i]);
    options_dispose(&options);
}

static void test_every_default_is_a_value_that_its_flag_takes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; ++i) {
        char *arguments[] = {"a", "b"};
        struct options options = read_well((enum subcommand)i, arguments, (int)subcommand_specs[i].least);
        options_dispose(&options);
    }
}

static void test_a_flag_is_read_in_both_spellings(void **state)
{
    (void)state;
    struct options options =
        read_well(SUBCOMMAND_SERVE,
                  WORDS("--data", "/srv/x", "--loops=3", "--listen", "4000", "--listen=https://[::]:443", "--demo",
                        "--map-size", "64G", "--max-size=512M", "--hsts", "on", "--rate-limit=off", "--log-level",
                        "error", "--rate-messages-org", "5/min", "--rate-messages-visitor=7", "--visitor-cookie=on"));
    assert_string_equal(options.data, "/srv/x");
    assert_int_equal(options.loops, 3);
    assert_int_equal(options.listen.count, 2);
    assert_string_equal(options.listen.items[0], "4000");
    assert_string_equal(options.listen.items[1], "https://[::]:443");
    assert_true(options.demo);
    assert_true(options.map_size == UINT64_C(64) << 30);
    assert_true(options.max_size == UINT64_C(512) << 20);
    assert_true(options.hsts);
    assert_false(options.rate_limit);
    assert_int_equal(options.log_level, 3);
    assert_int_equal(options.rate_messages_org, 5);
    assert_int_equal(options.rate_messages_visitor, 7);
    assert_true(options.visitor_cookie);
    assert_true(options.given[OPTION_loops]);
    assert_false(options.given[OPTION_tls_cert]);
    options_dispose(&options);
}

static void test_the_last_of_a_repeated_flag_counts(void **state)
{
    (void)state;
    struct options options = read_well(SUBCOMMAND_SERVE, WORDS("--loops", "1", "--loops", "2"));
    assert_int_equal(options.loops, 2);
    options_dispose(&options);
}

static void test_a_flag_beats_its_variable_and_that_the_default(void **state)
{
    (void)state;
    setenv("HELVINO_LOOPS", "5", 1);
    setenv("HELVINO_CONNECTIONS_MAX", "77", 1);
    setenv("HELVINO_LISTEN", "http://127.0.0.1:1, http://[::1]:2,,3", 1);
    setenv("HELVINO_DEMO", "on", 1);
    setenv("HELVINO_DATA", "", 1);
    struct options options = read_well(SUBCOMMAND_SERVE, WORDS("--loops", "9"));
    assert_int_equal(options.loops, 9);
    assert_int_equal(options.connections_max, 77);
    assert_true(options.given[OPTION_connections_max]);
    assert_int_equal(options.listen.count, 3);
    assert_string_equal(options.listen.items[0], "http://127.0.0.1:1");
    assert_string_equal(options.listen.items[1], "http://[::1]:2");
    assert_string_equal(options.listen.items[2], "3");
    assert_true(options.demo);
    assert_string_equal(options.data, "helvino-data");
    options_dispose(&options);
    options = read_well(SUBCOMMAND_SERVE, WORDS("--listen", "4", "--demo=off"));
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.items[0], "4");
    assert_false(options.demo);
    options_dispose(&options);
}

static void test_variables_of_other_commands_are_not_looked_at(void **state)
{
    (void)state;
    setenv("HELVINO_LOOPS", "nonsense", 1);
    struct options options = read_well(SUBCOMMAND_ORG_LIST, NULL, 0);
    options_dispose(&options);
}

static void test_variables_are_named_after_their_flag(void **state)
{
    (void)state;
    char variable[OPTION_VARIABLE_LEN];
    option_variable(OPTION_rate_conversations_address, variable);
    assert_string_equal(variable, "HELVINO_RATE_CONVERSATIONS_ADDRESS");
    option_variable(OPTION_data, variable);
    assert_string_equal(variable, "HELVINO_DATA");
}

static void test_arguments_stand_anywhere(void **state)
{
    (void)state;
    struct options options = read_well(SUBCOMMAND_TOKEN_REVOKE, WORDS("acme", "--data", "/d", "--", "--token"));
    assert_int_equal(options.argument_count, 2);
    assert_string_equal(options.arguments[0], "acme");
    assert_string_equal(options.arguments[1], "--token");
    assert_string_equal(options.data, "/d");
    options_dispose(&options);
}

static void test_choices_count_from_zero_and_have_their_words(void **state)
{
    (void)state;
    struct options options =
        read_well(SUBCOMMAND_ORG_UPDATE, WORDS("a", "--widget-position", "right", "--widget-language=tr",
                                               "--count-visits", "yes", "--widget-title", ""));
    char word[16];
    option_choice_word(OPTION_widget_position, options.widget_position, word, sizeof(word));
    assert_string_equal(word, "right");
    option_choice_word(OPTION_widget_language, options.widget_language, word, sizeof(word));
    assert_string_equal(word, "tr");
    assert_true(options.given[OPTION_count_visits] && options.count_visits);
    assert_true(options.given[OPTION_widget_title]);
    assert_string_equal(options.widget_title, "");
    assert_false(options.given[OPTION_widget_subtitle]);
    options_dispose(&options);
}

static void test_an_empty_choice_is_none_of_the_words(void **state)
{
    (void)state;
    struct options options =
        read_well(SUBCOMMAND_ORG_UPDATE, WORDS("a", "--widget-position", "", "--widget-language="));
    char word[16];
    assert_true(options.given[OPTION_widget_position] && options.given[OPTION_widget_language]);
    option_choice_word(OPTION_widget_position, options.widget_position, word, sizeof(word));
    assert_string_equal(word, "");
    options_dispose(&options);
    assert_refused(SUBCOMMAND_STAT, "--format takes one of table|json, not \"\"", WORDS("--format", ""));
}

/* ---- mistakes ------------------------------------------------------------------------------------------------ */

static void test_mistakes_in_flags_are_told_in_a_sentence(void **state)
{
    (void)state;
    assert_refused(SUBCOMMAND_SERVE, "there is no flag --lisen; did you mean --listen?", WORDS("--lisen", "4000"));
    assert_refused(SUBCOMMAND_SERVE, "there is no flag --lsiten; did you mean --listen?", WORDS("--lsiten=4000"));
    assert_refused(SUBCOMMAND_SERVE, "there is no flag --connections; did you mean --connections-max?",
                   WORDS("--connections"));
    assert_refused(SUBCOMMAND_SERVE, "there is no flag --frobnicate; see \"helvino help serve\"",
                   WORDS("--frobnicate"));
    assert_refused(SUBCOMMAND_ORG_LIST, "\"helvino org list\" does not take --listen; see \"helvino help org list\"",
                   WORDS("--listen", "1"));
    assert_refused(SUBCOMMAND_SERVE, "--loops needs an argument: --loops N", WORDS("--demo", "--loops"));
    assert_refused(SUBCOMMAND_SERVE, "there is no flag -x: flags begin with two dashes", WORDS("-x"));
}

static void test_values_out_of_bounds_are_told_in_a_sentence(void **state)
{
    (void)state;
    assert_refused(SUBCOMMAND_SERVE, "--loops takes a number from 0 to 64, not \"65\"", WORDS("--loops", "65"));
    assert_refused(SUBCOMMAND_SERVE, "--loops takes a number from 0 to 64, not \"-1\"", WORDS("--loops=-1"));
    assert_refused(SUBCOMMAND_SERVE, "--loops takes a number from 0 to 64, not \"\"", WORDS("--loops", ""));
    assert_refused(SUBCOMMAND_SERVE, "--rate-messages-org takes a number from 1 to 1000000000, not \"5/sec\"",
                   WORDS("--rate-messages-org", "5/sec"));
    assert_refused(SUBCOMMAND_SERVE, "--map-size takes 0 or a size from 1M to 64T, such as 512M or 64G, not \"1K\"",
                   WORDS("--map-size", "1K"));
    assert_refused(SUBCOMMAND_SERVE, "--log-level takes one of debug|info|warn|error, not \"inf\"",
                   WORDS("--log-level", "inf"));
    assert_refused(SUBCOMMAND_SERVE, "--log-level takes one of debug|info|warn|error, not \"debug|info\"",
                   WORDS("--log-level", "debug|info"));
    assert_refused(SUBCOMMAND_SERVE, "--hsts takes on or off, not \"maybe\"", WORDS("--hsts", "maybe"));
    assert_refused(SUBCOMMAND_SERVE, "--demo takes on or off, not \"5\"", WORDS("--demo=5"));
    assert_refused(SUBCOMMAND_SERVE, "--data takes a path, not \"\"", WORDS("--data", ""));
    assert_refused(SUBCOMMAND_ORG_UPDATE, "--widget-position takes one of left|right, or nothing, not \"top\"",
                   WORDS("a", "--widget-position", "top"));
    assert_refused(SUBCOMMAND_ORG_CREATE,
                   "--name takes text of 1 to 200 bytes in UTF-8 without control characters, not \"a\nb\"",
                   WORDS("a", "--name", "a\nb"));
    assert_refused(SUBCOMMAND_ORG_UPDATE,
                   "--widget-title takes text of up to 500 bytes in UTF-8 without control characters, not \"\xff\"",
                   WORDS("a", "--widget-title", "\xff"));
    assert_refused(SUBCOMMAND_ORG_CREATE,
                   "--name takes text of 1 to 200 bytes in UTF-8 without control characters, not \"\"",
                   WORDS("a", "--name", ""));
}

static void test_a_mistake_in_a_variable_names_the_variable(void **state)
{
    (void)state;
    setenv("HELVINO_CONNECTIONS_MAX", "many", 1);
    assert_refused(SUBCOMMAND_SERVE, "HELVINO_CONNECTIONS_MAX takes a number from 1 to 1000000, not \"many\"", NULL, 0);
}

static void test_too_many_items_are_refused(void **state)
{
    (void)state;
    char list[256] = "";
    for (unsigned i = 0; i <= LISTENERS_MAX; ++i)
        strcat(list, "1,");
    setenv("HELVINO_LISTEN", list, 1);
    assert_refused(SUBCOMMAND_SERVE, "HELVINO_LISTEN takes URL, up to 16 of them, not \"1\"", NULL, 0);
}

static void test_missing_and_surplus_arguments_are_told(void **state)
{
    (void)state;
    assert_refused(SUBCOMMAND_ORG_CREATE, "an argument is missing; usage: helvino org create KEY", NULL, 0);
    assert_refused(SUBCOMMAND_TOKEN_REVOKE, "an argument is missing; usage: helvino org token revoke KEY TOKEN_ID",
                   WORDS("a"));
    assert_refused(SUBCOMMAND_ORG_CREATE, "\"b\" is one argument too many; usage: helvino org create KEY",
                   WORDS("a", "b"));
    assert_refused(SUBCOMMAND_STAT, "\"x\" is one argument too many; usage: helvino stat", WORDS("x"));
}

/* ---- subcommands --------------------------------------------------------------------------------------------- */

static void assert_found(enum subcommand expected, int expected_used, char *const *words, int count)
{
    enum subcommand found;
    int used;
    char why[OPTION_WHY_LEN] = "";
    if (!subcommand_find(count, words, &found, &used, why))
        fail_msg("not found: %s", why);
    assert_int_equal(found, expected);
    assert_int_equal(used, expected_used);
}

static void assert_unknown(const char *sentence, char *const *words, int count)
{
    enum subcommand found;
    int used;
    char why[OPTION_WHY_LEN] = "";
    assert_false(subcommand_find(count, words, &found, &used, why));
    assert_string_equal(why, sentence);
}

static void test_subcommands_are_found_by_their_words(void **state)
{
    (void)state;
    assert_found(SUBCOMMAND_SERVE, 1, WORDS("serve"));
    assert_found(SUBCOMMAND_SERVE, 1, WORDS("serve", "--demo"));
    assert_found(SUBCOMMAND_ORG_CREATE, 2, WORDS("org", "create", "acme"));
    assert_found(SUBCOMMAND_TOKEN_LIST, 3, WORDS("org", "token", "list", "acme"));
    assert_found(SUBCOMMAND_HELP, 1, WORDS("help", "org", "create"));
}

static void test_unknown_subcommands_get_the_nearest_one(void **state)
{
    (void)state;
    assert_unknown("there is no command \"serv\"; did you mean \"serve\"?", WORDS("serv"));
    assert_unknown("there is no command \"chekc\"; did you mean \"check\"?", WORDS("chekc", "--data", "x"));
    assert_unknown("there is no command \"org crate\"; did you mean \"org create\"?", WORDS("org", "crate"));
    assert_unknown("\"org\" is no whole command; \"helvino help org\" lists what can follow", WORDS("org"));
    assert_unknown("\"org token\" is no whole command; \"helvino help org token\" lists what can follow",
                   WORDS("org", "token", "--data", "x"));
    assert_unknown("there is no command \"org frobnicate\"; \"helvino help org\" lists what there is",
                   WORDS("org", "frobnicate"));
    assert_unknown("there is no command \"frobnicate\"; \"helvino help\" lists what there is", WORDS("frobnicate"));
    assert_unknown("the command must come first; \"helvino help\" lists them all", WORDS("--data", "x", "serve"));
}

static void test_words_of_any_length_are_survived(void **state)
{
    (void)state;
    static char word[5000];
    memset(word, 'x', sizeof(word) - 1);
    enum subcommand found;
    int used;
    char why[OPTION_WHY_LEN], flag[5010];
    assert_false(subcommand_find(3, (char *[]){word, word, word}, &found, &used, why));
    struct options options;
    snprintf(flag, sizeof(flag), "--%s", word);
    assert_false(options_read(SUBCOMMAND_SERVE, 1, (char *[]){flag}, &options, why));
    snprintf(flag, sizeof(flag), "--loops=%s", word);
    assert_false(options_read(SUBCOMMAND_SERVE, 1, (char *[]){flag}, &options, why));
    assert_false(options_read(SUBCOMMAND_STAT, 1, (char *[]){word}, &options, why));
    assert_false(help_print(stdout, 3, (const char *[]){word, word, word}, false));
}

/* ---- help ---------------------------------------------------------------------------------------------------- */

static char *help_text(const char *topic, bool markdown)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_true(help_print(out, topic != NULL, &topic, markdown));
    fclose(out);
    return text;
}

static void test_help_knows_every_flag_with_its_variable(void **state)
{
    (void)state;
    char *plain = help_text("flags", false), *markdown = help_text(NULL, true);
    for (unsigned i = 0; i < OPTION_COUNT; ++i) {
        char flag[64], variable[OPTION_VARIABLE_LEN];
        snprintf(flag, sizeof(flag), "  --%s ", option_specs[i].flag);
        option_variable((enum option)i, variable);
        assert_non_null(strstr(plain, flag));
        assert_non_null(strstr(plain, variable));
        assert_non_null(strstr(markdown, variable));
        assert_true(strlen(option_specs[i].help) > 10 || option_specs[i].kind == OPTION_KIND_SWITCH);
    }
    free(plain);
    free(markdown);
}

static void test_help_fits_a_terminal(void **state)
{
    (void)state;
    static const char *const pages[] = {NULL,   "flags", "commands", "environment", "listen", "files",
                                        "exit", "api",   "serve",    "org",         "version"};
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); ++i) {
        char *text = help_text(pages[i], false), *rest = text, *line;
        while ((line = strsep(&rest, "\n")) != NULL) {
            if (strlen(line) > 80)
                fail_msg("%s: %s", pages[i] != NULL ? pages[i] : "overview", line);
            assert_true(line[0] == '\0' || line[strlen(line) - 1] != ' ');
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_said_gives_the_defaults, set_up),
        cmocka_unit_test_setup(test_every_default_is_a_value_that_its_flag_takes, set_up),
        cmocka_unit_test_setup(test_a_flag_is_read_in_both_spellings, set_up),
        cmocka_unit_test_setup(test_the_last_of_a_repeated_flag_counts, set_up),
        cmocka_unit_test_setup(test_a_flag_beats_its_variable_and_that_the_default, set_up),
        cmocka_unit_test_setup(test_variables_of_other_commands_are_not_looked_at, set_up),
        cmocka_unit_test_setup(test_variables_are_named_after_their_flag, set_up),
        cmocka_unit_test_setup(test_arguments_stand_anywhere, set_up),
        cmocka_unit_test_setup(test_choices_count_from_zero_and_have_their_words, set_up),
        cmocka_unit_test_setup(test_an_empty_choice_is_none_of_the_words, set_up),
        cmocka_unit_test_setup(test_mistakes_in_flags_are_told_in_a_sentence, set_up),
        cmocka_unit_test_setup(test_values_out_of_bounds_are_told_in_a_sentence, set_up),
        cmocka_unit_test_setup(test_a_mistake_in_a_variable_names_the_variable, set_up),
        cmocka_unit_test_setup(test_too_many_items_are_refused, set_up),
        cmocka_unit_test_setup(test_missing_and_surplus_arguments_are_told, set_up),
        cmocka_unit_test(test_subcommands_are_found_by_their_words),
        cmocka_unit_test(test_unknown_subcommands_get_the_nearest_one),
        cmocka_unit_test_setup(test_words_of_any_length_are_survived, set_up),
        cmocka_unit_test(test_help_knows_every_flag_with_its_variable),
        cmocka_unit_test(test_help_fits_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

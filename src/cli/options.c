/*
 * One parser for all flags, driven by the tables. A mistake is told in a sentence that says what would be right; for an
 * unknown word the nearest known one is offered.
 */
#include "cli/options.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define IN(name) (UINT64_C(1) << SUBCOMMAND_##name)
#define IN_STORE (~(IN(VERSION) | IN(HELP) | IN(MAIL_TEST)))

const struct option_spec option_specs[OPTION_COUNT] = {
#define GROUP(title)
#define OPTION(member, kind, flag, argument, default_, min, max, subcommands, help) \
    [OPTION_##member] = {OPTION_KIND_##kind, flag,    argument,                     \
                         default_,           min,     max,                          \
                         subcommands,        "" help, offsetof(struct options, member)},
#include "cli/options.def"
#undef OPTION
#undef GROUP
};

const struct subcommand_spec subcommand_specs[SUBCOMMAND_COUNT] = {
#define SUBCOMMAND(name, handler, words, arguments, least, most, summary, details) \
    [SUBCOMMAND_##name] = {words, arguments, least, most, summary, details},
#include "cli/subcommands.def"
#undef SUBCOMMAND
};

_Static_assert(SUBCOMMAND_COUNT <= 64, "a flag's subcommands are bits of 64");
_Static_assert(LISTENERS_MAX <= OPTION_LIST_MAX && ORG_ORIGINS_MAX <= OPTION_LIST_MAX,
               "a list holds what its limit says");

void option_variable(enum option option, char out[OPTION_VARIABLE_LEN])
{
    static const char prefix[] = "HELVINO_";
    const char *flag = option_specs[option].flag;
    size_t len = strlen(flag);
    assert(sizeof(prefix) + len <= OPTION_VARIABLE_LEN);
    memcpy(out, prefix, sizeof(prefix));
    for (size_t i = 0; i <= len; ++i) {
        char letter = flag[i];
        out[sizeof(prefix) - 1 + i] = letter == '-'                    ? '_'
                                      : letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A')
                                                                       : letter;
    }
}

/* ---- the nearest word ---------------------------------------------------------------------------------------- */

#define WORD_LEN_MAX 40

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one word of the other.
 */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_LEN_MAX || b_len > WORD_LEN_MAX)
        return WORD_LEN_MAX;
    unsigned rows[3][WORD_LEN_MAX + 1];
    for (size_t j = 0; j <= b_len; ++j)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; ++i) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; ++j) {
            bool same = a[i - 1] == b[j - 1];
            row[j] = least_of(above[j - 1] + !same, 1 + least_of(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

void option_suggest(struct suggestion *best, const char *typed, const char *known)
{
    unsigned distance = edit_distance(typed, known);
    /* What begins like the word was probably cut short. */
    if (strlen(typed) >= 3 && strncmp(typed, known, strlen(typed)) == 0)
        distance = least_of(distance, 1);
    unsigned bound = strlen(known) < 4 ? 1 : strlen(known) < 8 ? 2 : 3;
    if (distance <= bound && (best->word == NULL || distance < best->distance))
        *best = (struct suggestion){known, distance};
}

/* ---- finding the subcommand ---------------------------------------------------------------------------------- */

static unsigned count_words(const char *text)
{
    unsigned count = 1;
    for (; *text != '\0'; ++text)
        count += *text == ' ';
    return count;
}

/* The first words of the command line as one text, cut where it would be too long to be a subcommand. */
static void join_words(unsigned count, char *const *words, char out[WORD_LEN_MAX + 2])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < count && len <= WORD_LEN_MAX; ++i)
        len += (size_t)snprintf(out + len, WORD_LEN_MAX + 2 - len, "%s%s", i == 0 ? "" : " ", words[i]);
}

/* "report" for "dump report": the group was forgotten. */
static bool is_last_word(const char *known, const char *word)
{
    const char *last = strrchr(known, ' ');
    return last != NULL && strcmp(last + 1, word) == 0;
}

static bool begins_with_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && text[len] == ' ';
}

static void explain_unknown_subcommand(unsigned count, char *const *words, char why[OPTION_WHY_LEN])
{
    struct suggestion best = {0};
    bool is_group = false, is_in_group = false;
    char typed[WORD_LEN_MAX + 2], all[WORD_LEN_MAX + 2];
    join_words(count, words, all);
    for (size_t i = 0; i < SUBCOMMAND_COUNT; ++i) {
        const char *known = subcommand_specs[i].words;
        is_group |= begins_with_word(known, all);
        is_in_group |= begins_with_word(known, words[0]);
        join_words(least_of(count, count_words(known)), words, typed);
        if (is_last_word(known, words[0]) && best.word == NULL)
            best = (struct suggestion){known, 0};
        option_suggest(&best, typed, known);
    }
    if (is_group)
        snprintf(why, OPTION_WHY_LEN, "\"%s\" is no whole command; \"helvino help %s\" lists what can follow", all,
                 all);
    else if (best.word != NULL)
        snprintf(why, OPTION_WHY_LEN, "there is no command \"%s\"; did you mean \"%s\"?", all, best.word);
    else
        snprintf(why, OPTION_WHY_LEN, "there is no command \"%s\"; \"helvino help%s%s\" lists what there is", all,
                 is_in_group ? " " : "", is_in_group ? words[0] : "");
}

bool subcommand_find(int count, char *const *words, enum subcommand *out, int *used, char why[OPTION_WHY_LEN])
{
    /* Flags end the words of a subcommand. */
    unsigned before_flags = 0;
    while (before_flags < (unsigned)count && words[before_flags][0] != '-')
        ++before_flags;
    if (before_flags == 0) {
        snprintf(why, OPTION_WHY_LEN, "the command must come first; \"helvino help\" lists them all");
        return false;
    }
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; ++i) {
        unsigned len = count_words(subcommand_specs[i].words);
        char typed[WORD_LEN_MAX + 2];
        if (len > before_flags)
            continue;
        join_words(len, words, typed);
        if (strcmp(typed, subcommand_specs[i].words) == 0) {
            *out = (enum subcommand)i;
            *used = (int)len;
            return true;
        }
    }
    explain_unknown_subcommand(before_flags, words, why);
    return false;
}

/* ---- values -------------------------------------------------------------------------------------------------- */

/* Where a value was given, as the user knows it: "--loops" or "HELVINO_LOOPS". */
struct source {
    enum option option;
    char name[OPTION_VARIABLE_LEN];
};

static void *member_of(struct options *options, enum option option)
{
    return (char *)options + option_specs[option].offset;
}

static bool word_is(const char *text, const char *word, size_t len)
{
    return strlen(text) == len && strncmp(text, word, len) == 0;
}

static bool read_choice(const struct option_spec *spec, const char *text, unsigned *out)
{
    const char *word = spec->argument;
    if (text[0] == '\0' && spec->max == 1) {
        *out = OPTION_CHOICE_EMPTY;
        return true;
    }
    for (unsigned index = 0;; ++index) {
        size_t len = strcspn(word, "|");
        if (word_is(text, word, len)) {
            *out = index;
            return true;
        }
        if (word[len] == '\0')
            return false;
        word += len + 1;
    }
}

void option_choice_word(enum option option, unsigned index, char *out, size_t len)
{
    const char *word = index == OPTION_CHOICE_EMPTY ? "" : option_specs[option].argument;
    while (index != OPTION_CHOICE_EMPTY && index-- > 0) {
        word = strchr(word, '|');
        assert(word != NULL);
        ++word;
    }
    snprintf(out, len, "%.*s", (int)strcspn(word, "|"), word);
}

static bool read_on_off(const char *text, bool *out)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(*words); ++i) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool read_number(const struct option_spec *spec, struct bytes text, uint64_t *out)
{
    static const char suffix[] = "/min";
    size_t suffix_len = sizeof(suffix) - 1;
    if (spec->kind == OPTION_KIND_RATE && text.len > suffix_len &&
        memcmp(text.data + text.len - suffix_len, suffix, suffix_len) == 0)
        text.len -= suffix_len;
    return parse_uint(text, spec->min, spec->max, out);
}

static bool read_size(const struct option_spec *spec, struct bytes text, uint64_t *out)
{
    uint64_t size;
    if (!parse_size(text, &size) || (size != 0 && (size < spec->min || size > spec->max)))
        return false;
    *out = size;
    return true;
}

static bool read_text(const struct option_spec *spec, const char *text, const char **out)
{
    struct bytes view = bytes_of_string(text);
    if (view.len < spec->min || view.len > spec->max || !utf8_valid(view) || !text_is_one_line(view))
        return false;
    *out = text;
    return true;
}

static bool read_item(const struct option_spec *spec, const char *text, struct option_list *list)
{
    if (text[0] == '\0' || list->count == spec->max)
        return false;
    list->items[list->count++] = text;
    return true;
}

/* Reads a value into its member; false when it is not what the flag takes. */
static bool read_value(struct options *options, enum option option, const char *text)
{
    const struct option_spec *spec = &option_specs[option];
    void *member = member_of(options, option);
    switch (spec->kind) {
    case OPTION_KIND_PATH:
        *(const char **)member = text;
        return text[0] != '\0';
    case OPTION_KIND_TEXT:
        return read_text(spec, text, member);
    case OPTION_KIND_LIST:
        return read_item(spec, text, member);
    case OPTION_KIND_NUMBER:
    case OPTION_KIND_RATE:
        return read_number(spec, bytes_of_string(text), member);
    case OPTION_KIND_SIZE:
        return read_size(spec, bytes_of_string(text), member);
    case OPTION_KIND_CHOICE:
        return read_choice(spec, text, member);
    case OPTION_KIND_ON_OFF:
    case OPTION_KIND_SWITCH:
        return read_on_off(text, member);
    }
    __builtin_unreachable();
}

/* "a number from 0 to 64": what a flag takes, for people. */
static void describe_value(const struct option_spec *spec, char *out, size_t len)
{
    switch (spec->kind) {
    case OPTION_KIND_PATH:
        snprintf(out, len, "a path");
        break;
    case OPTION_KIND_TEXT:
        snprintf(out, len, "text of %s%llu bytes in UTF-8 without control characters",
                 spec->min == 0 ? "up to " : "1 to ", (unsigned long long)spec->max);
        break;
    case OPTION_KIND_LIST:
        snprintf(out, len, "%s, up to %llu of them", spec->argument, (unsigned long long)spec->max);
        break;
    case OPTION_KIND_NUMBER:
    case OPTION_KIND_RATE:
        snprintf(out, len, "a number from %llu to %llu", (unsigned long long)spec->min, (unsigned long long)spec->max);
        break;
    case OPTION_KIND_SIZE:
        snprintf(out, len, "0 or a size from %lluM to %lluT, such as 512M or 64G", (unsigned long long)spec->min >> 20,
                 (unsigned long long)spec->max >> 40);
        break;
    case OPTION_KIND_CHOICE:
        snprintf(out, len, "one of %s%s", spec->argument, spec->max == 1 ? ", or nothing" : "");
        break;
    case OPTION_KIND_ON_OFF:
    case OPTION_KIND_SWITCH:
        snprintf(out, len, "on or off");
        break;
    }
}

static bool take_value(struct options *options, const struct source *source, const char *text, char why[OPTION_WHY_LEN])
{
    if (read_value(options, source->option, text)) {
        options->given[source->option] = true;
        return true;
    }
    char expected[128];
    describe_value(&option_specs[source->option], expected, sizeof(expected));
    snprintf(why, OPTION_WHY_LEN, "%s takes %s, not \"%.60s\"", source->name, expected, text);
    return false;
}

/* ---- the command line ---------------------------------------------------------------------------------------- */

/* Where the parser is, and whom it works for. */
struct parse {
    enum subcommand subcommand;
    int count, at;
    char *const *words;
    struct options *options;
    char *why;
};

static void explain_unknown_flag(struct parse *parse, const char *flag, size_t len)
{
    char typed[WORD_LEN_MAX];
    const char *words = subcommand_specs[parse->subcommand].words;
    snprintf(typed, sizeof(typed), "%.*s", (int)len, flag);
    struct suggestion best = {0};
    for (unsigned i = 0; i < OPTION_COUNT; ++i) {
        if (option_is_in((enum option)i, parse->subcommand))
            option_suggest(&best, typed, option_specs[i].flag);
        else if (strcmp(typed, option_specs[i].flag) == 0) {
            snprintf(parse->why, OPTION_WHY_LEN, "\"helvino %s\" does not take --%s; see \"helvino help %s\"", words,
                     typed, words);
            return;
        }
    }
    if (best.word != NULL)
        snprintf(parse->why, OPTION_WHY_LEN, "there is no flag --%s; did you mean --%s?", typed, best.word);
    else
        snprintf(parse->why, OPTION_WHY_LEN, "there is no flag --%s; see \"helvino help %s\"", typed, words);
}

static bool find_flag(struct parse *parse, const char *flag, size_t len, enum option *out)
{
    for (unsigned i = 0; i < OPTION_COUNT; ++i) {
        if (option_is_in((enum option)i, parse->subcommand) && word_is(option_specs[i].flag, flag, len)) {
            *out = (enum option)i;
            return true;
        }
    }
    explain_unknown_flag(parse, flag, len);
    return false;
}

/* The flags that have a letter of their own, as other tools have them. */
static const char *long_flag_of(char letter)
{
    return letter == 'f' ? "--file" : letter == 'o' ? "--output" : NULL;
}

/* A word that begins with "--": "--flag value", "--flag=value" or "--switch". */
static bool read_flag(struct parse *parse, const char *word)
{
    const char *flag = word + 2;
    size_t len = strcspn(flag, "=");
    const char *value = flag[len] == '=' ? flag + len + 1 : NULL;
    struct source source;
    if (!find_flag(parse, flag, len, &source.option))
        return false;
    const struct option_spec *spec = &option_specs[source.option];
    snprintf(source.name, sizeof(source.name), "--%s", spec->flag);
    if (spec->kind == OPTION_KIND_SWITCH) {
        if (value == NULL)
            value = "on";
    } else if (value == NULL) {
        if (parse->at == parse->count) {
            snprintf(parse->why, OPTION_WHY_LEN, "%s needs an argument: %s %s", source.name, source.name,
                     spec->argument);
            return false;
        }
        value = parse->words[parse->at++];
    }
    return take_value(parse->options, &source, value, parse->why);
}

static bool take_argument(struct parse *parse, const char *word)
{
    const struct subcommand_spec *spec = &subcommand_specs[parse->subcommand];
    if (parse->options->argument_count == spec->most) {
        snprintf(parse->why, OPTION_WHY_LEN, "\"%.60s\" is one argument too many; usage: helvino %s%s%s", word,
                 spec->words, spec->arguments[0] != '\0' ? " " : "", spec->arguments);
        return false;
    }
    parse->options->arguments[parse->options->argument_count++] = word;
    return true;
}

/* SQL may begin with a comment: "-- all of them". A flag has no space in its name. */
static bool is_flag(const char *word)
{
    size_t name = strcspn(word, "= \t\n");
    return strncmp(word, "--", 2) == 0 && (word[name] == '\0' || word[name] == '=');
}

static bool read_words(struct parse *parse)
{
    bool only_arguments = false;
    while (parse->at < parse->count) {
        const char *word = parse->words[parse->at++];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && is_flag(word)) {
            if (!read_flag(parse, word))
                return false;
        } else if (!only_arguments && word[0] == '-' && word[1] != '\0' && word[2] == '\0' &&
                   long_flag_of(word[1]) != NULL) {
            if (!read_flag(parse, long_flag_of(word[1])))
                return false;
        } else if (!only_arguments && word[0] == '-' && word[1] != '-' && word[1] != '\0') {
            snprintf(parse->why, OPTION_WHY_LEN, "there is no flag %.40s: flags begin with two dashes", word);
            return false;
        } else if (!take_argument(parse, word)) {
            return false;
        }
    }
    const struct subcommand_spec *spec = &subcommand_specs[parse->subcommand];
    if (parse->options->argument_count < spec->least) {
        snprintf(parse->why, OPTION_WHY_LEN, "an argument is missing; usage: helvino %s %s", spec->words,
                 spec->arguments);
        return false;
    }
    return true;
}

/* ---- the environment and the defaults ------------------------------------------------------------------------ */

/* Cuts "a, b" into its items, in a copy that the options keep. */
static bool take_list(struct options *options, const struct source *source, const char *text, char why[OPTION_WHY_LEN])
{
    char *copy = bytes_dup(bytes_of_string(text)), *rest = copy, *item;
    options->copies[source->option] = copy;
    while ((item = strsep(&rest, ", \t\n")) != NULL)
        if (item[0] != '\0' && !take_value(options, source, item, why))
            return false;
    return true;
}

/* An empty variable counts as none: that is how compose files leave one out. */
static bool read_variable(struct parse *parse, enum option option)
{
    struct source source = {.option = option};
    option_variable(option, source.name);
    const char *text = getenv(source.name);
    if (text == NULL || text[0] == '\0')
        return true;
    if (option_specs[option].kind == OPTION_KIND_LIST)
        return take_list(parse->options, &source, text, parse->why);
    return take_value(parse->options, &source, text, parse->why);
}

static bool read_variables_and_defaults(struct parse *parse)
{
    for (unsigned i = 0; i < OPTION_COUNT; ++i) {
        const struct option_spec *spec = &option_specs[i];
        if (!option_is_in((enum option)i, parse->subcommand) || parse->options->given[i])
            continue;
        if (!read_variable(parse, (enum option)i))
            return false;
        if (!parse->options->given[i] && spec->default_text != NULL) {
            bool is_good = read_value(parse->options, (enum option)i, spec->default_text);
            assert(is_good);
        }
    }
    return true;
}

bool options_read(enum subcommand subcommand, int count, char *const *words, struct options *out,
                  char why[OPTION_WHY_LEN])
{
    *out = (struct options){0};
    struct parse parse = {.subcommand = subcommand, .count = count, .words = words, .options = out, .why = why};
    if (read_words(&parse) && read_variables_and_defaults(&parse))
        return true;
    options_dispose(out);
    return false;
}

void options_dispose(struct options *options)
{
    for (unsigned i = 0; i < OPTION_COUNT; ++i)
        free(options->copies[i]);
    *options = (struct options){0};
}

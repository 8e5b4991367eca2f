#pragma once
/*
 * The command line and the environment as one struct, by the tables options.def and subcommands.def. Used by the main
 * thread before any other starts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define OPTION_ARGUMENTS_MAX 3
#define OPTION_LIST_MAX 32
/* Room for a sentence about a mistake. */
#define OPTION_WHY_LEN 512
/* "HELVINO_" and a flag. */
#define OPTION_VARIABLE_LEN 64

enum subcommand {
#define SUBCOMMAND(name, handler, words, arguments, least, most, summary, details) SUBCOMMAND_##name,
#include "cli/subcommands.def"
#undef SUBCOMMAND
    SUBCOMMAND_COUNT
};

enum option {
#define GROUP(title)
#define OPTION(member, kind, flag, argument, default_, min, max, subcommands, help) OPTION_##member,
#include "cli/options.def"
#undef OPTION
#undef GROUP
    OPTION_COUNT
};

/* The index of a CHOICE that was given an empty value. */
#define OPTION_CHOICE_EMPTY UINT32_MAX

struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

#define OPTION_TYPE_PATH const char *
#define OPTION_TYPE_TEXT const char *
#define OPTION_TYPE_LIST struct option_list
#define OPTION_TYPE_NUMBER uint64_t
#define OPTION_TYPE_RATE uint64_t
#define OPTION_TYPE_SIZE uint64_t
#define OPTION_TYPE_CHOICE unsigned
#define OPTION_TYPE_ON_OFF bool
#define OPTION_TYPE_SWITCH bool

/* A member for each flag. Texts point into argv and the environment, or into memory that options_dispose frees. */
struct options {
#define GROUP(title)
#define OPTION(member, kind, flag, argument, default_, min, max, subcommands, help) OPTION_TYPE_##kind member;
#include "cli/options.def"
#undef OPTION
#undef GROUP
    bool given[OPTION_COUNT]; /* by flag or variable, so that "nothing said" differs from the default */
    const char *arguments[OPTION_ARGUMENTS_MAX];
    size_t argument_count;
    char *copies[OPTION_COUNT]; /* lists from the environment, cut into their items */
};

/* ---- the tables ---------------------------------------------------------------------------------------------- */

enum option_kind {
    OPTION_KIND_PATH,
    OPTION_KIND_TEXT,
    OPTION_KIND_LIST,
    OPTION_KIND_NUMBER,
    OPTION_KIND_RATE,
    OPTION_KIND_SIZE,
    OPTION_KIND_CHOICE,
    OPTION_KIND_ON_OFF,
    OPTION_KIND_SWITCH
};

struct option_spec {
    enum option_kind kind;
    const char *flag, *argument, *default_text;
    uint64_t min, max;
    uint64_t subcommands; /* a bit for each */
    const char *help;
    size_t offset; /* of its member in struct options */
};

struct subcommand_spec {
    const char *words, *arguments;
    unsigned least, most;
    const char *summary, *details;
};

extern const struct option_spec option_specs[OPTION_COUNT];
extern const struct subcommand_spec subcommand_specs[SUBCOMMAND_COUNT];

static inline bool option_is_in(enum option option, enum subcommand subcommand)
{
    return (option_specs[option].subcommands >> subcommand & 1) != 0;
}

/* The name of the flag's environment variable. */
void option_variable(enum option option, char out[OPTION_VARIABLE_LEN]);
/* The n-th word of a CHOICE, as the flag's argument spells it; nothing for OPTION_CHOICE_EMPTY. Writes at most len
 * bytes with a NUL. */
void option_choice_word(enum option option, unsigned index, char *out, size_t len);

/* ---- reading ------------------------------------------------------------------------------------------------- */

/*
 * Finds the subcommand that the first words name; *used is how many they are. False with a sentence when there is none,
 * which names the nearest one.
 */
bool subcommand_find(int count, char *const *words, enum subcommand *out, int *used, char why[OPTION_WHY_LEN]);
/*
 * Reads flags and arguments of a subcommand, then the environment, then the defaults. False with a sentence that names
 * the mistake; then *out holds nothing to dispose.
 */
bool options_read(enum subcommand subcommand, int count, char *const *words, struct options *out,
                  char why[OPTION_WHY_LEN]);
void options_dispose(struct options *options);

/* ---- words that are not known -------------------------------------------------------------------------------- */

/* What somebody probably meant; zero-initialised is nothing. */
struct suggestion {
    const char *word;
    unsigned distance;
};

/* Takes `known` if it is nearer to what was typed than the word so far; one that is too far away is none. */
void option_suggest(struct suggestion *best, const char *typed, const char *known);

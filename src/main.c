/* Finds the subcommand, reads its flags and hands over: subcommands.def is the list. */
#include <stdio.h>
#include <string.h>

#include "base/logline.h"
#include "cli/cli.h"
#include "cli/help.h"

static int (*const handlers[SUBCOMMAND_COUNT])(const struct options *options) = {
#define SUBCOMMAND(name, handler, words, arguments, least, most, summary, details) [SUBCOMMAND_##name] = cli_##handler,
#include "cli/subcommands.def"
#undef SUBCOMMAND
};

static bool asks_for_help(int count, char *const *words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; ++i)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

/* "helvino org create acme --help": the longest beginning that there is help about. */
static int explain(int count, char *const *words)
{
    const char *topic[OPTION_ARGUMENTS_MAX];
    size_t len = 0;
    while (len < OPTION_ARGUMENTS_MAX && (int)len < count && words[len][0] != '-') {
        topic[len] = words[len];
        ++len;
    }
    while (!help_print(stdout, len, topic, false))
        --len;
    return EXIT_FINE;
}

/* What was printed must have arrived: a full disk behind standard output is a failure. */
static int finish(int status)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (!failed || status != EXIT_FINE)
        return status;
    cli_complain("standard output can't be written");
    return EXIT_FAILED;
}

static int run(int count, char *const *words)
{
    enum subcommand subcommand;
    int used;
    char why[OPTION_WHY_LEN];
    struct options options;
    if (asks_for_help(count, words))
        return explain(count, words);
    if (!subcommand_find(count, words, &subcommand, &used, why) ||
        !options_read(subcommand, count - used, words + used, &options, why)) {
        cli_complain("%s", why);
        return EXIT_USAGE;
    }
    int status = handlers[subcommand](&options);
    options_dispose(&options);
    return status;
}

int main(int argc, char **argv)
{
    /* What goes wrong inside is told as text beside the commands' own sentences; the server sets up its log itself. */
    log_line_setup(LOG_WARN, LOG_FORMAT_AUTO);
    if (argc < 2) {
        help_print(stderr, 0, NULL, false);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = "version";
    return finish(run(argc - 1, argv + 1));
}

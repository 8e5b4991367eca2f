#pragma once
/*
 * What the subcommands share: how each is called, how it ends, and how it speaks to people. All of it runs on the main
 * thread.
 */
#include "base/bytes.h"
#include "cli/options.h"

/* The status with which the process ends. */
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The words of --format. */
enum { FORMAT_TABLE, FORMAT_JSON };

/* Each subcommand, in the file of its first word; returns the exit status. */
#define SUBCOMMAND(name, handler, words, arguments, least, most, summary, details) \
    int cli_##handler(const struct options *options);
#include "cli/subcommands.def"
#undef SUBCOMMAND

/* A command line to copy, of this program and for the same database: "/opt/helvino org list --data /srv/x". `words` are
 * put in as they are. It lives until the next call. */
const char *cli_command(const struct options *options, const char *words);
/* One word for the shell, in quotes where it needs them. */
void cli_put_word(struct buffer *out, const char *word);
/* One sentence on standard error, behind "helvino: "; control characters and what is not UTF-8 are shown as \xHH. */
__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

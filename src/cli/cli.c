/* How every subcommand tells what went wrong: one line, so that scripts and people can both find it. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

void cli_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("helvino: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

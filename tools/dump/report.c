/* `helvino dump report`. */
#include "cli/cli.h"

int cli_dump_report(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

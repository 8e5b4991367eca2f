/* `helvino dump export`. */
#include "cli/cli.h"

int cli_dump_export(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

/* `helvino import`. */
#include "cli/cli.h"

int cli_import(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

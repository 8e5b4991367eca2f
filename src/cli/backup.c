/* `helvino backup`. */
#include "cli/cli.h"

int cli_backup(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

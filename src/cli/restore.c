/* `helvino restore`. */
#include "cli/cli.h"

int cli_restore(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

/* `helvino generate`. */
#include "cli/cli.h"

int cli_generate(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

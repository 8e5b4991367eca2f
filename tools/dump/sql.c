/* `helvino dump sql`. */
#include "cli/cli.h"

int cli_dump_sql(const struct options *options)
{
    (void)options;
    return EXIT_FAILED;
}

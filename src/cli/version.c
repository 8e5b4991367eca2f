/* `helvino version` */
#include <stdio.h>

#include "base/version.h"
#include "cli/cli.h"
#include "store/store.h"

int cli_version(const struct options *options)
{
    (void)options;
    printf("helvino %s\n", HELVINO_VERSION);
    printf("database format %d\n", STORE_FORMAT);
    return EXIT_FINE;
}
